#ifndef CONSENTRY_GATEWAY_FAIRNESS_AUDIT_CASES_H_
#define CONSENTRY_GATEWAY_FAIRNESS_AUDIT_CASES_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "consentry/v1/screening_service.pb.h"
#include "gateway/clients/caller_context.h"
#include "gateway/screening/outcome_rows.h"
#include "gateway/screening/screening_rows.h"
#include "gateway/store/committer.h"
#include "gateway/store/reader_pool.h"
#include "gateway/vault/subject_reader.h"
#include "policy/fairness/profile.h"
#include "policy/fairness/profile_audit.h"

namespace consentry::fairness {

namespace rules = policy::fairness;

struct AuditQuestion {
  std::shared_ptr<const rules::Profile> profile;
  rules::AuditPeriod period;
  // Empty: outputs of all versions.
  std::string model_version;
  // Absent: it describes.
  std::optional<double> alpha;
  int64_t now_us = 0;
  // Reports of this profile that were told before and may share cases.
  std::vector<v1::FairnessReport> earlier;
  // Audits of this profile about some of the same time that have to be told in
  // full, whatever this one tells, and whose figures are not at hand: those to
  // come, and those that were lost.
  std::vector<rules::UnseenAudit> unseen;
  // What would tell of too few people beside one of them is an error, instead
  // of being left out.
  bool refuse_beside_earlier = false;
};

// The outputs of a model in a period, with what became of them and who they
// were for, as one audit: a customer counts once in it, for each metric by the
// first output that says something about it, whatever the profile's unit is and
// however many versions there are. Outputs count as the
// engine made them, whatever became of them. Groups, values of inputs and words
// of outputs are read under the profile's purpose of class BIAS_DETECTION and
// leave this object in aggregates alone. Safe for many threads; does not write.
class AuditCases {
 public:
  struct Options {
    // All outlive the object.
    clients::ConfigurationSource configuration;
    store::Committer* committer = nullptr;
    store::ReaderPool* readers = nullptr;
    const vault::SubjectReader* subjects = nullptr;
    const screening::ScreeningRows* screenings = nullptr;
    const screening::OutcomeRows* outcomes = nullptr;
  };
  explicit AuditCases(Options options) : options_(std::move(options)) {}

  // More than these are refused.
  static constexpr size_t kMaxCases = 5'000'000;

  // The report without what the desk adds. Takes as long as it takes, with a
  // reader only for some hundred outputs at a time; ends early, CANCELLED, when
  // `stop` is set. InvalidArgument for too many people and as RunAudit;
  // STATE_INVALID where the question says so for too little difference from an
  // earlier report; errors of MakeBiasPlan, and what stores say. What does not
  // open is counted, and fails nothing.
  absl::StatusOr<v1::FairnessReport> Look(const AuditQuestion& question,
                                          const std::atomic<bool>& stop) const;

 private:
  class Walk;

  const Options options_;
};

// What became of an output, by the outcome that the profile names: what is told
// as yes or no (repaid, converted, satisfied) counts as told, and is not known
// until then; what only happens (clicked, complained) is a no once its time
// has passed. Outcomes after that time do not count. Pure.
rules::Answer OutcomeOf(const rules::Profile& profile,
                        const std::vector<v1::Outcome>& outcomes,
                        int64_t output_us, int64_t now_us);

}  // namespace consentry::fairness

#endif  // CONSENTRY_GATEWAY_FAIRNESS_AUDIT_CASES_H_
