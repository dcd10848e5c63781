#ifndef CONSENTRY_POLICY_ENGINE_FACTS_H_
#define CONSENTRY_POLICY_ENGINE_FACTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "policy/consent/consent_state.h"
#include "policy/engine/types.h"

namespace consentry::policy {

// The state of consent to one purpose, as DeriveConsent gave it.
struct ConsentFact {
  PurposeId purpose{};
  ConsentStatus status = ConsentStatus::kNone;
  ConsentActor actor = ConsentActor::kNone;
  bool explicit_statement = false;
  bool parental_authorisation = false;
  // The notice that was shown. One that no basis names: kNoNotice.
  NoticeId notice = kNoNotice;
  uint32_t notice_version = 0;
  int64_t since_us = 0;
  // 0: no end.
  int64_t valid_until_us = 0;
  std::string event_id;
};

// The business relationship behind an address (ePrivacy Art. 13(2)).
struct SoftOptInFact {
  PurposeId purpose{};
  bool obtained_in_sale = false;
  // Then, and in every message since.
  bool way_out_offered = false;
  // The last sale.
  int64_t since_us = 0;
};

// An open context of the subject, such as a ticket.
struct ContextFact {
  KindId kind{};
  int64_t opened_us = 0;
};

// Facts that could not be read. A prohibition that rests on one holds, a
// permission that rests on one is void.
enum UnreadableFact : uint8_t {
  kUnreadableResidence = 1 << 0,
  kUnreadableAge = 1 << 1,
  // Restriction, objections, opt-outs, signals.
  kUnreadableChoices = 1 << 2,
  kUnreadableConsents = 1 << 3,
  // Contexts and soft opt-ins.
  kUnreadableContexts = 1 << 4,
};

// All that a decision reads about a subject. A plain value: build it once per
// opened head against one Bundle, keep it as long as both live; Decide only
// reads it. A birth day outside the years 1800 to 2299 is unreadable; a context
// or sale outside 1970 to 2199 counts as absent. Facts of joined subjects are
// united by the caller: residences and negatives of all, grants with verified
// identity only.
struct SubjectFacts {
  // Of several, all count. Empty: unknown, so home and markets are assumed.
  std::vector<JurisdictionId> residences;
  std::vector<JurisdictionId> locations;
  // Days since 1970-01-01; of several birth dates the latest.
  std::optional<int32_t> birth_day;
  // Lower end of a known age band; read only without a birth day.
  std::optional<uint8_t> age_at_least;

  // Erased, or an erasure is decided.
  bool erased = false;
  // GDPR Art. 18.
  bool restricted = false;
  bool legal_hold = false;
  // A stored Global Privacy Control signal.
  bool gpc = false;
  // GDPR Art. 21(1), to everything that can be objected to, or to these.
  bool objected_to_all = false;
  std::vector<PurposeId> objected_to;
  // Bit 1 << OptOut.
  uint32_t opt_outs = 0;

  // At most one per purpose, in any order.
  std::vector<ConsentFact> consents;
  std::vector<SoftOptInFact> soft_opt_ins;
  std::vector<ContextFact> contexts;

  // Of UnreadableFact.
  uint8_t unreadable = 0;
};

}  // namespace consentry::policy

#endif  // CONSENTRY_POLICY_ENGINE_FACTS_H_
