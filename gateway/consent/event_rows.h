#ifndef CONSENTRY_GATEWAY_CONSENT_EVENT_ROWS_H_
#define CONSENTRY_GATEWAY_CONSENT_EVENT_ROWS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/consent.pb.h"
#include "consentry/store/v1/subject.pb.h"
#include "consentry/v1/consent_service.pb.h"
#include "gateway/crypto/subject_keys.h"
#include "gateway/store/engine.h"
#include "gateway/vault/consent_sink.h"
#include "gateway/vault/head_edit.h"
#include "policy/consent/consent_state.h"

namespace consentry::consent {

// All events of one subject, oldest first. DATA_CORRUPT when one does not open,
// or fewer are there than the head says.
absl::StatusOr<std::vector<store::v1::ConsentEvent>> ReadEvents(
    store::Connection* connection, const crypto::SubjectKeys& keys,
    uint32_t expected);

// What adding events to a subject came to.
struct Appended {
  // Of each purpose that an event named, after it.
  std::vector<v1::ConsentState> states;
  // "marketing.email=withdrawn", for the leaf; enough to replay a negative.
  std::vector<std::string> changes;
  // A purpose that was open is closed now, or ends earlier.
  bool narrows = false;
};

// One event as it lies in consent_events, sealed for its place, and in the
// tables that lead to it.
absl::StatusOr<vault::ConsentRow> SealEvent(
    const crypto::SubjectKeys& keys, int64_t seq,
    const store::v1::ConsentEvent& event);

// Derives into `head` the state of every purpose that events[first_new] and
// those after it name, from all of `events`, which are the whole ledger.
Appended DeriveInto(const std::vector<store::v1::ConsentEvent>& events,
                    size_t first_new, store::v1::SubjectHead* head);

// Adds events to the ledger of the subject whose head is being edited and
// derives the state of the purposes they name anew, into that head (which the
// caller writes). Inside Change::apply. Event ids are made here where empty.
absl::StatusOr<Appended> AppendEvents(
    store::Connection* connection, vault::HeadEdit* edit,
    std::vector<store::v1::ConsentEvent> events);

// The API's view of a derived state at a time, expiry included.
v1::ConsentState ToState(const store::v1::DerivedConsent& derived,
                         int64_t now_us);

// The same for a state derived as of another time; `at_us` is that time.
v1::ConsentState StateOf(const std::string& purpose,
                         const policy::ConsentState& state, int64_t at_us);

// The API's view of an event.
v1::ConsentEvent ToEvent(const store::v1::ConsentEvent& event);

// "withdrawn".
std::string_view StatusWord(v1::ConsentStatus status);

}  // namespace consentry::consent

#endif  // CONSENTRY_GATEWAY_CONSENT_EVENT_ROWS_H_
