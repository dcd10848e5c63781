#ifndef CONSENTRY_GATEWAY_CONSENT_REASK_H_
#define CONSENTRY_GATEWAY_CONSENT_REASK_H_

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "consentry/store/v1/consent.pb.h"
#include "policy/engine/bundle.h"
#include "policy/engine/facts.h"

namespace consentry::consent {

// What somebody has said no to.
struct Refusals {
  // Time of the last refusal or withdrawal of the purpose that no consent has
  // followed; 0: none.
  int64_t last_us = 0;
  // Opt-outs that stand (v1::OptOutKind), with the time each was last made; 0:
  // not known.
  std::vector<std::pair<int, int64_t>> opt_outs;
};

// Takes in the events of one ledger.
void AddRefusals(std::span<const store::v1::ConsentEvent> events,
                 std::string_view purpose, Refusals* refusals);

struct ReaskAnswer {
  // 0: one may ask now.
  int64_t not_before_us = 0;
  bool two_steps = false;
  // "us-ca/reask"; those that hold back or ask for two steps.
  std::vector<std::string> rules;
};

// Whether the customer may be asked again for a purpose: of every attached
// regime the wait after a refusal or withdrawal, or after an opt-out that the
// regime applies to the purpose's class; the latest end holds. An opt-out of
// unknown date counts as made now. Of `facts` residences and locations are
// read. Pure.
ReaskAnswer CheckReask(const policy::Bundle& bundle,
                       const policy::SubjectFacts& facts,
                       policy::PurposeId purpose, const Refusals& refusals,
                       int64_t now_us);

}  // namespace consentry::consent

#endif  // CONSENTRY_GATEWAY_CONSENT_REASK_H_
