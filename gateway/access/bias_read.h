#ifndef CONSENTRY_GATEWAY_ACCESS_BIAS_READ_H_
#define CONSENTRY_GATEWAY_ACCESS_BIAS_READ_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "consentry/v1/data_service.pb.h"
#include "gateway/access/read_plan.h"
#include "gateway/access/snapshot.h"
#include "gateway/clients/configuration.h"
#include "gateway/crypto/grant.h"
#include "gateway/store/engine.h"
#include "gateway/vault/subject_reader.h"

namespace consentry::access {

// What tells people apart when models are watched for bias: read by the gateway
// itself, for its counters alone, under a purpose of class BIAS_DETECTION.

// The plan of such a read: the gateway asks, inside itself. STATE_INVALID where
// the registry has no purpose of that key and class; SUSPENDED;
// FIELD_NOT_ALLOWED for a field that the purpose does not need.
absl::StatusOr<ReadPlan> MakeBiasPlan(
    std::shared_ptr<const clients::Configuration> configuration,
    const std::string& purpose, const std::vector<std::string>& fields);

// What is held of one customer, of the fields that the decision permits; none
// when it denies. Never leaves the gateway, so it has no entry of its own: that
// of the output which is counted says so. Errors of TakeSnapshot and Shape.
struct BiasRead {
  // The same for all that are joined with her. 0: nobody is held.
  uint64_t person = 0;
  google::protobuf::RepeatedPtrField<v1::Field> fields;
  // Until when the answer holds if nothing changes.
  int64_t until_us = 0;
};
absl::StatusOr<BiasRead> ReadForBias(
    const vault::SubjectReader& reader, store::Connection* connection,
    const ReadPlan& plan, uint64_t subject, int64_t now_us,
    const vault::SubjectReader::HeadOptions& options);

// What opens words of outputs to count them, under the purpose of such a plan:
// what engines made of customers, and nothing of the vault. Whose groups may
// not be read is counted all the same, as "unknown": left out, she would hide
// how she is treated.
absl::StatusOr<crypto::Grant> BiasGrant(const ReadPlan& plan);

}  // namespace consentry::access

#endif  // CONSENTRY_GATEWAY_ACCESS_BIAS_READ_H_
