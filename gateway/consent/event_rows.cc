#include "gateway/consent/event_rows.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "gateway/crypto/ids.h"
#include "gateway/crypto/opener.h"
#include "gateway/crypto/sealer.h"
#include "policy/consent/consent_state.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::consent {
namespace {

// Of ConsentEvent inside a seal.
constexpr uint32_t kEventSchema = 1;
constexpr uint32_t kRowGeneration = 1;
constexpr int64_t kUsPerHour = int64_t{3600} * 1000 * 1000;

crypto::FactContext EventContext(uint64_t seq) {
  crypto::FactContext context{};
  context.table = crypto::FactTable::kConsentEvent;
  context.row = crypto::RowId(seq);
  context.schema = kEventSchema;
  context.row_generation = kRowGeneration;
  return context;
}

store::v1::DerivedConsent ToDerived(const std::string& purpose,
                                    const policy::ConsentState& state) {
  store::v1::DerivedConsent derived;
  derived.set_purpose(purpose);
  derived.set_status(static_cast<int>(state.status));
  derived.set_since_us(state.since_us);
  derived.set_valid_until_us(state.valid_until_us);
  if (state.event != nullptr) {
    derived.set_actor(state.event->actor());
    derived.set_attested_by(state.event->client_id());
    derived.set_explicit_(state.event->explicit_statement());
    derived.set_parental(state.event->parental_authorisation());
    derived.set_notice_id(state.event->notice_id());
    derived.set_notice_version(state.event->notice_version());
    derived.set_event_id(state.event->event_id());
    derived.set_invalid_reason(state.event->invalid_reason());
  }
  return derived;
}

constexpr int kGiven = static_cast<int>(policy::ConsentStatus::kGiven);

// Whether what was allowed before is allowed less now.
bool Narrows(const store::v1::DerivedConsent* before,
             const store::v1::DerivedConsent& after) {
  if (before == nullptr || before->status() != kGiven) {
    // Refusals that nothing preceded take nothing away, and still count as
    // negative: a soft opt-in or another basis may have stood.
    return after.status() != kGiven;
  }
  if (after.status() != kGiven) return true;
  const auto end = [](const store::v1::DerivedConsent& consent) {
    return consent.valid_until_us() == 0 ? INT64_MAX : consent.valid_until_us();
  };
  return end(after) < end(*before) || after.explicit_() != before->explicit_();
}

}  // namespace

absl::StatusOr<std::vector<store::v1::ConsentEvent>> ReadEvents(
    store::Connection* connection, const crypto::SubjectKeys& keys,
    uint32_t expected) {
  std::vector<store::v1::ConsentEvent> events;
  if (expected == 0) return events;
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query, connection->Prepare("SELECT seq, event FROM consent_events "
                                      "WHERE subject = $1 ORDER BY seq"));
  query.Bind(static_cast<int64_t>(keys.subject()));
  while (true) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) break;
    const auto plaintext = crypto::FactOpener::Open(
        keys, EventContext(static_cast<uint64_t>(query.Int64(0))),
        query.Blob(1));
    store::v1::ConsentEvent event;
    if (!plaintext.ok() ||
        !event.ParseFromArray(plaintext->view().data(),
                              static_cast<int>(plaintext->view().size()))) {
      return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                       "an event of the consent ledger does not open");
    }
    events.push_back(std::move(event));
  }
  if (events.size() != expected) {
    return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                     "the consent ledger lacks events");
  }
  return events;
}

absl::StatusOr<Appended> AppendEvents(
    store::Connection* connection, vault::HeadEdit* edit,
    std::vector<store::v1::ConsentEvent> added) {
  store::v1::SubjectHead& head = edit->head();
  CONSENTRY_ASSIGN_OR_RETURN(
      auto events, ReadEvents(connection, edit->keys(), head.consent_events()));
  const size_t before = events.size();
  for (store::v1::ConsentEvent& event : added) {
    if (event.event_id().empty()) {
      event.set_event_id(crypto::NewId(crypto::IdKind::kConsentEvent));
    }
    events.push_back(std::move(event));
  }
  std::vector<vault::ConsentRow> sealed;
  for (size_t i = before; i < events.size(); ++i) {
    CONSENTRY_ASSIGN_OR_RETURN(
        vault::ConsentRow row,
        SealEvent(edit->keys(), static_cast<int64_t>(i + 1), events[i]));
    sealed.push_back(std::move(row));
  }
  CONSENTRY_RETURN_IF_ERROR(vault::InsertConsentRows(
      connection, static_cast<int64_t>(edit->subject()), sealed));
  return DeriveInto(events, before, &head);
}

absl::StatusOr<vault::ConsentRow> SealEvent(
    const crypto::SubjectKeys& keys, int64_t seq,
    const store::v1::ConsentEvent& event) {
  vault::ConsentRow row;
  row.seq = seq;
  CONSENTRY_ASSIGN_OR_RETURN(
      const crypto::ObjectId id,
      crypto::ParseId(crypto::IdKind::kConsentEvent, event.event_id()));
  row.event_id.assign(reinterpret_cast<const char*>(id.data()), id.size());
  const bool grants = event.type() == store::v1::ConsentEvent::GIVEN ||
                      event.type() == store::v1::ConsentEvent::RENEWED;
  if (grants && event.valid_until_us() > 0) {
    row.due_hour = (event.valid_until_us() + kUsPerHour - 1) / kUsPerHour;
  }
  row.row_generation = kRowGeneration;
  CONSENTRY_ASSIGN_OR_RETURN(
      row.event,
      crypto::Sealer::Seal(keys, EventContext(static_cast<uint64_t>(seq)),
                           event.SerializeAsString()));
  return row;
}

Appended DeriveInto(const std::vector<store::v1::ConsentEvent>& events,
                    size_t first_new, store::v1::SubjectHead* head) {
  head->set_consent_events(static_cast<uint32_t>(events.size()));
  Appended result;
  policy::ConsentOptions derive;
  if (head->uncertain_before_us() != 0) {
    derive.uncertain_before_us = head->uncertain_before_us();
  }
  std::vector<std::string> done;
  for (size_t i = first_new; i < events.size(); ++i) {
    const std::string& purpose = events[i].purpose();
    // A signal as received: what follows from it are events of their own.
    if (purpose.empty()) continue;
    if (std::find(done.begin(), done.end(), purpose) != done.end()) continue;
    done.push_back(purpose);
    const store::v1::DerivedConsent derived =
        ToDerived(purpose, policy::DeriveConsent(events, purpose, derive));
    auto held = std::find_if(
        head->mutable_consents()->begin(), head->mutable_consents()->end(),
        [&](const auto& consent) { return consent.purpose() == purpose; });
    const bool known = held != head->mutable_consents()->end();
    result.narrows |= Narrows(known ? &*held : nullptr, derived);
    if (known) {
      *held = derived;
    } else {
      *head->add_consents() = derived;
    }
    v1::ConsentState state = ToState(derived, 0);
    result.changes.push_back(purpose + "=" +
                             std::string(StatusWord(state.status())));
    result.states.push_back(std::move(state));
  }
  return result;
}

v1::ConsentState ToState(const store::v1::DerivedConsent& derived,
                         int64_t now_us) {
  v1::ConsentState state;
  state.set_purpose(derived.purpose());
  auto status = static_cast<v1::ConsentStatus>(derived.status());
  if (status == v1::CONSENT_STATUS_GIVEN && derived.valid_until_us() != 0 &&
      derived.valid_until_us() <= now_us) {
    status = v1::CONSENT_STATUS_EXPIRED;
  }
  state.set_status(status);
  if (derived.since_us() != 0) {
    SetTime(derived.since_us(), state.mutable_since());
  }
  if (derived.valid_until_us() != 0) {
    SetTime(derived.valid_until_us(), state.mutable_valid_until());
  }
  state.set_actor(static_cast<v1::ConsentActor>(derived.actor()));
  state.set_attested_by(derived.attested_by());
  if (!derived.notice_id().empty()) {
    state.mutable_notice()->set_id(derived.notice_id());
    state.mutable_notice()->set_version(derived.notice_version());
  }
  state.set_explicit_(derived.explicit_());
  state.set_event_id(derived.event_id());
  state.set_invalid_reason(derived.invalid_reason());
  state.set_parental_authorisation(derived.parental());
  return state;
}

v1::ConsentState StateOf(const std::string& purpose,
                         const policy::ConsentState& state, int64_t at_us) {
  return ToState(ToDerived(purpose, state), at_us);
}

v1::ConsentEvent ToEvent(const store::v1::ConsentEvent& event) {
  v1::ConsentEvent shown;
  shown.set_id(event.event_id());
  shown.set_purpose(event.purpose());
  shown.set_kind(static_cast<v1::ConsentEventKind>(event.type()));
  switch (event.type()) {
    case store::v1::ConsentEvent::GIVEN:
    case store::v1::ConsentEvent::RENEWED:
    case store::v1::ConsentEvent::INVALIDATED:
      shown.set_action(v1::CONSENT_ACTION_GIVE);
      break;
    case store::v1::ConsentEvent::REFUSED:
      shown.set_action(v1::CONSENT_ACTION_REFUSE);
      break;
    case store::v1::ConsentEvent::WITHDRAWN:
      shown.set_action(v1::CONSENT_ACTION_WITHDRAW);
      break;
    default:
      break;
  }
  SetTime(event.captured_at_us(), shown.mutable_capture_time());
  SetTime(event.received_at_us(), shown.mutable_receive_time());
  if (event.valid_until_us() != 0) {
    SetTime(event.valid_until_us(), shown.mutable_valid_until());
  }
  shown.set_actor(static_cast<v1::ConsentActor>(event.actor()));
  shown.set_attested_by(event.client_id());
  if (!event.notice_id().empty()) {
    v1::NoticeRef* notice = shown.mutable_notice();
    notice->set_id(event.notice_id());
    notice->set_version(event.notice_version());
    notice->set_language(event.notice_language());
    notice->set_text_hash(absl::BytesToHexString(event.notice_hash()));
  }
  shown.set_channel(static_cast<v1::Channel>(event.channel()));
  shown.set_method(event.method());
  shown.set_explicit_(event.explicit_statement());
  shown.set_evidence(event.evidence());
  shown.set_invalid_reason(event.invalid_reason());
  shown.set_agent_id(event.agent_id());
  shown.set_parental_authorisation(event.parental_authorisation());
  return shown;
}

std::string_view StatusWord(v1::ConsentStatus status) {
  switch (status) {
    case v1::CONSENT_STATUS_GIVEN:
      return "given";
    case v1::CONSENT_STATUS_REFUSED:
      return "refused";
    case v1::CONSENT_STATUS_WITHDRAWN:
      return "withdrawn";
    case v1::CONSENT_STATUS_EXPIRED:
      return "expired";
    case v1::CONSENT_STATUS_INVALIDATED:
      return "invalidated";
    case v1::CONSENT_STATUS_UNCERTAIN:
      return "uncertain";
    default:
      return "none";
  }
}

}  // namespace consentry::consent
