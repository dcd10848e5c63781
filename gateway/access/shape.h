#ifndef CONSENTRY_GATEWAY_ACCESS_SHAPE_H_
#define CONSENTRY_GATEWAY_ACCESS_SHAPE_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "consentry/v1/data_service.pb.h"
#include "gateway/access/read_plan.h"
#include "gateway/access/snapshot.h"
#include "gateway/crypto/grant.h"
#include "policy/engine/decision.h"

namespace consentry::access {

// What was opened and reduced.
struct Shaped {
  google::protobuf::RepeatedPtrField<v1::Field> fields;
  google::protobuf::RepeatedPtrField<v1::Record> records;
  // Bit i: at least one value of plan.fields[i] is among them.
  uint64_t released = 0;
  // When the first of the released values reaches its retention; INT64_MAX:
  // never.
  int64_t until_us = INT64_MAX;
};

// Step 3. Opens and reduces the values of permitted fields, and of no others.
// Fields of single kinds give one winner each over all sources and members
// (vault/profile.h); other kinds give their records, newest first. A value past
// its retention for the purpose is passed over as if it were not held; so is
// one that its transform cannot reduce. `pseudonym` makes tokens that only this
// caller can compare. DATA_CORRUPT when a value does not open.
absl::StatusOr<Shaped> Shape(
    const ReadPlan& plan, const Snapshot& snapshot,
    const policy::Decision& decision, const crypto::Grant& grant,
    int64_t now_us,
    const std::function<std::string(std::string_view)>& pseudonym);

}  // namespace consentry::access

#endif  // CONSENTRY_GATEWAY_ACCESS_SHAPE_H_
