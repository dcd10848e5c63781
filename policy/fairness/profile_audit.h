#ifndef CONSENTRY_POLICY_FAIRNESS_PROFILE_AUDIT_H_
#define CONSENTRY_POLICY_FAIRNESS_PROFILE_AUDIT_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "consentry/v1/screening_service.pb.h"
#include "policy/fairness/audit.h"
#include "policy/fairness/profile.h"

namespace consentry::policy::fairness {

// The audit that a profile asks for, over outputs that are added one by one.
// Pure: equal outputs in equal order give equal reports. One thread at a time.
class ProfileAudit {
 public:
  // `alpha` is what was set aside; absent: the audit describes. `profile` must
  // outlive the audit.
  ProfileAudit(const Profile& profile, std::optional<double> alpha);

  // One case. `groups` has one number for each attribute of the profile
  // (profile.h); `outcome` is what came true where the profile names an
  // outcome; `factor` the values of the legitimate factors, as one text, empty:
  // not known.
  void Add(const v1::Output& output, std::span<const int> groups,
           Answer outcome, const std::string& factor);

  size_t cases() const { return table_.cases; }

  // Whether an outcome of an output, given at `output_us`, can be asked for at
  // `now_us` already.
  static bool OutcomeIsDue(const Profile& profile, int64_t output_us,
                           int64_t now_us);

  // With profile id, subject and words about prediction, outcome and unit; the
  // rest is the caller's. Errors as RunAudit.
  absl::StatusOr<v1::FairnessReport> Run();

 private:
  const Profile& profile_;
  AuditPlan plan_;
  AuditTable table_;
  // Of the profile's metrics.
  const Profile::Metric* selection_ = nullptr;
  const Profile::Metric* score_ = nullptr;
  const Profile::Metric* price_ = nullptr;
  const Profile::Metric* exposure_ = nullptr;
  std::map<std::string, uint32_t> factors_;
  std::map<std::string, uint32_t> variants_;
};

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_PROFILE_AUDIT_H_
