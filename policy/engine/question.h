#ifndef CONSENTRY_POLICY_ENGINE_QUESTION_H_
#define CONSENTRY_POLICY_ENGINE_QUESTION_H_

#include <cstddef>
#include <cstdint>
#include <span>

#include "policy/engine/civil.h"
#include "policy/engine/denial.h"
#include "policy/engine/engine.h"
#include "policy/engine/tables.h"

// What facts and request of one decision come to, worked out once; the engine's
// own business.
namespace consentry::policy {

inline constexpr int kAgeUnknown = -1;

inline bool InRange(int64_t time_us) {
  return time_us >= 0 && time_us < kMaxTimeUs;
}

// The span between two boundaries that a time lies in.
size_t SpanAt(const BundleTables& tables, int64_t time_us);

// The residences that count: home and markets where none is known.
std::span<const JurisdictionId> EffectiveResidencesOf(
    const BundleTables& tables, const SubjectFacts& facts);

// The regimes that attach in a span, bits of RegimeId. Does not ask whether the
// residence could be read.
uint64_t AttachedIn(const BundleTables& tables, const SubjectFacts& facts,
                    size_t span);

class Question {
 public:
  // The arguments must outlive it; handles must be of the bundle.
  Question(const BundleTables& tables, const SubjectFacts& facts,
           const DecisionRequest& request);

  const BundleTables& tables() const { return t_; }
  const SubjectFacts& facts() const { return facts_; }
  const DecisionRequest& request() const { return request_; }
  const PurposeTable& purpose() const { return purpose_; }
  int64_t now() const { return now_; }

  bool Unreadable(UnreadableFact fact) const {
    return (facts_.unreadable & fact) != 0;
  }

  // The fact about consent to the purpose, or null and -1.
  const ConsentFact* consent() const { return consent_; }
  int32_t consent_index() const { return consent_index_; }
  // What is wrong with it whoever asks; kConsentValid for nothing.
  Rank consent_fault() const { return consent_fault_; }
  // What is wrong with it for a basis; null: no notice is asked for.
  Rank ConsentFaultFor(const BasisEntry* basis, bool explicit_needed) const;

  // Meaningless while age_unreadable().
  int age() const { return age_; }
  bool age_unreadable() const { return age_unreadable_; }

  std::span<const JurisdictionId> EffectiveResidences() const {
    return EffectiveResidencesOf(t_, facts_);
  }
  // Bits of RegimeId.
  uint64_t attached() const { return attached_; }
  const RegimeVersion& VersionOf(RegimeId regime) const {
    return t_.versions[t_.version_of[span_][Index(regime)]];
  }

  bool ObjectedToPurpose() const;
  // By age and residence alone; an age that cannot be read is every age.
  bool MinorRowApplies(const MinorRow& row) const;
  bool SoftOptInStands(const UseCell& use) const;
  // Whether a valid consent was given so many months ago; 0: never.
  bool ConsentOlderThan(uint32_t months) const;
  // These notice until when their answer stands.
  bool ContextFound();
  bool OwnerRowMatches(const OwnerRow& row);
  void FindSoftOptIns(const UseCell& use);
  void FindConsentAge(uint32_t months);

  // Notices that the answer may change at a time, if that is still to come.
  void Until(int64_t at_us) {
    if (at_us > now_) until_ = std::min(until_, at_us);
  }
  int64_t until() const { return until_; }

 private:
  void FindSpan();
  void FindConsent();
  Rank ConsentFault() const;
  void FindAge();
  void FindAttached();
  bool HourMatches(const OwnerRow& row);

  const BundleTables& t_;
  const SubjectFacts& facts_;
  const DecisionRequest& request_;
  const PurposeTable& purpose_;
  const int64_t now_;

  size_t span_ = 0;
  const ConsentFact* consent_ = nullptr;
  int32_t consent_index_ = -1;
  Rank consent_fault_ = kConsentMissing;
  int age_ = kAgeUnknown;
  bool age_unreadable_ = false;
  uint64_t attached_ = 0;
  int64_t until_ = kNever;
};

}  // namespace consentry::policy

#endif  // CONSENTRY_POLICY_ENGINE_QUESTION_H_
