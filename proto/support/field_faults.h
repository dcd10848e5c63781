#ifndef CONSENTRY_PROTO_SUPPORT_FIELD_FAULTS_H_
#define CONSENTRY_PROTO_SUPPORT_FIELD_FAULTS_H_

#include <vector>

#include "absl/status/status.h"
#include "proto/support/error.h"

namespace consentry {

// What AddFieldViolation attached, in that order. Any thread.
std::vector<FieldViolation> FieldViolationsOf(const absl::Status& status);

}  // namespace consentry

#endif  // CONSENTRY_PROTO_SUPPORT_FIELD_FAULTS_H_
