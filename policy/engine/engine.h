#ifndef CONSENTRY_POLICY_ENGINE_ENGINE_H_
#define CONSENTRY_POLICY_ENGINE_ENGINE_H_

#include <cstdint>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "policy/engine/bundle.h"
#include "policy/engine/decision.h"
#include "policy/engine/facts.h"
#include "policy/engine/types.h"

namespace consentry::policy {

enum class DecisionMode : uint8_t {
  // Data to be used.
  kRead,
  // An output that is about to reach the subject: decisions that need a person
  // first are denied with REVIEW_REQUIRED.
  kOutput,
  // An output that a person has looked at: no rule on automated decisions asks
  // for a person or a basis any more.
  kReviewed,
};

// One question. All handles are of the bundle that is asked.
struct DecisionRequest {
  PurposeId purpose{};
  Channel channel = config::v1::Channel::INTERNAL;
  // At most kMaxFieldsPerRequest. None: may the purpose be pursued at all.
  std::span<const FieldId> fields;
  // Beside `fields`, when each value was collected; empty, or 0 for one: its
  // retention is not looked at (see Bundle::RetentionEndUs). Outside the years
  // 1970 to 2199: FORBID_UNDECIDED.
  std::span<const int64_t> collected_us;
  // The decision time, microseconds since the Unix epoch, years 1970 to 2200.
  int64_t time_us = 0;
  // The request carries a Global Privacy Control signal.
  bool gpc = false;
  // Where the recipient sits, and the ground on which its registration lets the
  // data go there.
  JurisdictionId recipient = kNoJurisdiction;
  Safeguard safeguard = config::v1::Safeguard::UNSPECIFIED;
  DecisionMode mode = DecisionMode::kRead;
};

// Decides as SPEC.md says. Pure and deterministic; any number of threads may
// call it, each with its own `out`. Does not allocate once `out` has grown, and
// compares no strings.
//
// An error means that no decision was made and must be treated as none:
// INVALID_ARGUMENT for handles of another bundle, too many fields, a time out
// of range. `out` is cleared then.
absl::Status Decide(const Bundle& bundle, const SubjectFacts& facts,
                    const DecisionRequest& request, Decision* out);

// The bytes over which an audit leaf's digest of effects is taken: for every
// asked field its name, effect, transform and reason. Equal decisions on equal
// requests give equal bytes, across bundles too.
std::string CanonicalEffects(const Bundle& bundle, const Decision& decision);

}  // namespace consentry::policy

#endif  // CONSENTRY_POLICY_ENGINE_ENGINE_H_
