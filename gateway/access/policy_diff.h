#ifndef CONSENTRY_GATEWAY_ACCESS_POLICY_DIFF_H_
#define CONSENTRY_GATEWAY_ACCESS_POLICY_DIFF_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "audit/log/reader.h"
#include "consentry/v1/admin_service.pb.h"
#include "gateway/access/governed_reads.h"
#include "gateway/clients/archive.h"
#include "gateway/trail/trail_index.h"

namespace consentry::access {

// What another policy would have decided: recorded decisions are made again,
// on the facts and at the time of each, under the policy of its time and under
// the candidate. Changes nothing. Safe for many threads.
class PolicyDiff {
 public:
  // Decisions that one answer looks at, at most; the newest.
  static constexpr size_t kMaxDecisions = 100'000;

  struct Options {
    // All outlive the object.
    ConfigurationSource configuration;
    clients::ConfigurationArchive* archive = nullptr;
    store::ReaderPool* readers = nullptr;
    const vault::SubjectReader* subjects = nullptr;
    trail::TrailIndex* trail = nullptr;
    const audit::LogReader* log = nullptr;
  };
  explicit PolicyDiff(Options options) : options_(std::move(options)) {}

  // CONFIG_INVALID with all that is wrong in the candidate; FIELD_INVALID for a
  // start in the future; STORE_UNAVAILABLE. Some ten microseconds a decision:
  // on a worker.
  absl::StatusOr<v1::DiffPolicyResponse> Run(
      const v1::DiffPolicyRequest& request, int64_t now_us) const;

 private:
  const Options options_;
};

}  // namespace consentry::access

#endif  // CONSENTRY_GATEWAY_ACCESS_POLICY_DIFF_H_
