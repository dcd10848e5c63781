#ifndef CONSENTRY_POLICY_FAIRNESS_PROFILE_AUDIT_H_
#define CONSENTRY_POLICY_FAIRNESS_PROFILE_AUDIT_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "consentry/v1/screening_service.pb.h"
#include "policy/fairness/audit.h"
#include "policy/fairness/profile.h"

namespace consentry::policy::fairness {

// One output, with what is known of whom it was for.
struct OutputCase {
  // One number for each attribute of the profile (profile.h).
  std::span<const int> groups;
  // What came true, where the profile names an outcome.
  Answer outcome = Answer::kUnknown;
  // Values of the legitimate factors, as one text. Empty: not known.
  std::string_view factor = {};
  // Values of the fields that the audit was made with, in their order. Empty
  // text: not known. No entries at all: of none.
  std::span<const std::string> inputs = {};
  // When it was made.
  int64_t time_us = 0;
  // Somebody of those who are kept back (kept_back.h).
  bool kept_back = false;
};

// Which outputs.
struct AuditPeriod {
  // Inclusive and exclusive. Both 0: all.
  int64_t from_us = 0;
  int64_t to_us = 0;
};

// An audit of the same profile that is told later, or was told and is lost.
struct UnseenAudit {
  std::string id;
  AuditPeriod period;
  // Empty: of all versions.
  std::string model_version;

  bool Counts(std::string_view version, int64_t time_us) const {
    return time_us >= period.from_us && time_us < period.to_us &&
           (model_version.empty() || model_version == version);
  }
};

// The audit that a profile asks for, over outputs that are added one by one.
// Pure: equal outputs in equal order give equal reports. One thread at a time.
class ProfileAudit {
 public:
  // `alpha` is what was set aside; absent: the audit describes. `fields` are
  // those behind the declared inputs: what their values tell about groups is
  // looked at, and of the inputs themselves whether they were used. `profile`
  // must outlive the audit.
  ProfileAudit(const Profile& profile, std::optional<double> alpha,
               const std::vector<std::string>& fields = {},
               AuditPeriod period = {});

  // Reports of the same profile that were told before, with their times and
  // versions: by its difference from one of them nothing may be told of too few
  // people. `refuse`: rather nothing is told than less. They must outlive Run.
  void Beside(std::span<const v1::FairnessReport> earlier, bool refuse);
  // Audits whose figures are not at hand. `kept` is made of outputs that they
  // count, for those who are kept back: the caller adds them there, and none of
  // them here. It is used up; both must outlive Run.
  void BesideUnseen(std::span<const UnseenAudit> unseen, ProfileAudit* kept);

  // What an output says something about, as bits; 0: nothing.
  uint32_t TellsOf(const v1::Output& output) const;
  // A case of its own.
  void Add(const v1::Output& output, const OutputCase& about);
  // A later output of the same person as case `row`, which adds what it says
  // about `what` (of TellsOf, and not told by the case yet). True: it did. By
  // arms of an experiment one of another arm does not.
  bool Fill(size_t row, uint32_t what, const v1::Output& output,
            const OutputCase& about);

  size_t cases() const { return table_.cases; }

  // Whether an outcome of an output, given at `output_us`, can be asked for at
  // `now_us` already.
  static bool OutcomeIsDue(const Profile& profile, int64_t output_us,
                           int64_t now_us);

  // With profile id, subject and words about prediction, outcome and unit, and
  // with rates over the time of the period; the rest is the caller's. Once.
  // Errors as RunAudit, which asks `stop`; FailedPrecondition and OutOfRange
  // where it is refused.
  absl::StatusOr<v1::FairnessReport> Run(
      const std::function<bool()>& stop = nullptr);

 private:
  // A value of a metric in the engine's terms, within its range; NaN: not
  // known.
  struct Ranged {
    double value;
    bool beyond;
  };
  Ranged RangedOf(const Profile::Metric& metric, const v1::Output& output,
                  const AuditRange& range) const;
  std::vector<EarlierAudit> EarlierAudits() const;
  std::vector<bool> CountedBy(const UnseenAudit& unseen) const;

  const Profile& profile_;
  const AuditPeriod period_;
  AuditPlan plan_;
  AuditTable table_;
  // Of the profile's metrics.
  const Profile::Metric* selection_ = nullptr;
  const Profile::Metric* score_ = nullptr;
  const Profile::Metric* price_ = nullptr;
  // One of each set of items.
  std::vector<const Profile::Metric*> exposures_;
  std::map<std::string, uint32_t> factors_;
  std::map<std::string, uint32_t> variants_;
  // Of the fields, which stand behind the inputs in the table.
  size_t first_field_ = 0;
  std::vector<std::map<std::string, uint32_t>> field_values_;
  std::vector<int64_t> times_;
  // Of models.
  std::map<std::string, uint32_t> version_codes_;
  // Of each case.
  std::vector<uint32_t> version_of_;
  // Names of versions, by their codes.
  std::vector<std::string> versions_;
  // Of each case.
  std::vector<bool> kept_back_;
  std::span<const v1::FairnessReport> earlier_;
  std::span<const UnseenAudit> unseen_;
  ProfileAudit* kept_ = nullptr;
};

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_PROFILE_AUDIT_H_
