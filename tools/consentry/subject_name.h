#ifndef CONSENTRY_TOOLS_CONSENTRY_SUBJECT_NAME_H_
#define CONSENTRY_TOOLS_CONSENTRY_SUBJECT_NAME_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "consentry/v1/common.pb.h"

namespace consentry::tools {

// How a person types a customer's name:
//   cus_...                     the gateway's id
//   psn_...                     this caller's pseudonym
//   email:erika@example.org     an e-mail address
//   phone:+49301234567          a telephone number
//   crm:C-1001                  an external id, after the system's name
// Anything with an @ and no prefix is read as an e-mail address.
absl::StatusOr<v1::SubjectRef> ParseSubject(std::string_view text);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_SUBJECT_NAME_H_
