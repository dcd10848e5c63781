#ifndef CONSENTRY_POLICY_CONSENT_CONSENT_STATE_H_
#define CONSENTRY_POLICY_CONSENT_CONSENT_STATE_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "consentry/store/v1/consent.pb.h"

namespace consentry::policy {

// What the events of one purpose come to. The numbers are those of
// consentry.v1.ConsentStatus.
enum class ConsentStatus : uint8_t {
  kNone = 1,
  kGiven = 2,
  kRefused = 3,
  kWithdrawn = 4,
  kExpired = 5,
  kInvalidated = 6,
  kUncertain = 7,
};

// The numbers are those of consentry.v1.ConsentActor.
enum class ConsentActor : uint8_t {
  kNone = 0,
  kSelf = 1,
  kGuardian = 2,
  kAgent = 3,
  kSignal = 4,
  kAttested = 5,
};

// The state of one purpose, and the event that determines it.
struct ConsentState {
  ConsentStatus status = ConsentStatus::kNone;
  // When the customer acted; of a negative event that claims to come from its
  // own future, when it was received.
  int64_t since_us = 0;
  // 0: no end. kGiven at or after it reads as kExpired (StatusAt).
  int64_t valid_until_us = 0;
  // The determining event, inside the span given; null with kNone. Its actor,
  // notice, explicit statement and parental authorisation hold.
  const store::v1::ConsentEvent* event = nullptr;
};

struct ConsentOptions {
  // Only what the gateway had received by then counts: the state at a past
  // time. Default: everything.
  int64_t as_of_us = INT64_MAX;
  // Grants received before this are kUncertain: set after a restore that
  // accepted a loss. Default: none.
  int64_t uncertain_before_us = INT64_MIN;
};

// Derives the state of `purpose` from the ledger; events of other purposes are
// passed over. The order of `events` never matters. Pure; `events` must outlive
// the result.
//
//   - A grant (GIVEN, RENEWED) that claims to be captured after it was received
//     proves nothing.
//   - A negative (REFUSED, WITHDRAWN, INVALIDATED) that does so counts from its
//     receipt.
//   - A grant by the customer herself (SELF) stands against a negative when it
//     was captured later; a grant by anybody else only when it was captured
//     later and received no later than the negative. Equal times: the negative
//     stands.
//   - EXPIRED ends the grants captured up to it and forbids no later one.
//   - Of the grants that stand against every negative, the one captured last
//     determines; of several at one time, the least permissive.
//   - Without one, the negative captured last determines; at one time WITHDRAWN
//     before REFUSED before INVALIDATED.
ConsentState DeriveConsent(std::span<const store::v1::ConsentEvent> events,
                           std::string_view purpose,
                           const ConsentOptions& options = {});

// The status at a time, expiry included.
ConsentStatus StatusAt(const ConsentState& state, int64_t time_us);

// Of the states of two who are one person for one purpose, neither of them
// kNone, whether `a` holds for both: a negative before a grant, the later of
// two negatives, and of two grants the one that ends first.
bool Outweighs(const ConsentState& a, const ConsentState& b);

// Every purpose that any event names, sorted, each once.
std::vector<std::string_view> PurposesOf(
    std::span<const store::v1::ConsentEvent> events);

}  // namespace consentry::policy

#endif  // CONSENTRY_POLICY_CONSENT_CONSENT_STATE_H_
