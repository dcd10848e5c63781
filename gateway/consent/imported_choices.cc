#include "gateway/consent/imported_choices.h"

#include <string>
#include <utility>
#include <vector>

#include "gateway/consent/event_rows.h"
#include "gateway/crypto/ids.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"
#include "proto/support/utf8.h"

namespace consentry::consent {
namespace {

// Of what a source says about a choice, in bytes: as the API allows it where a
// choice is recorded by itself. More is cut, so that no withdrawal is lost.
constexpr size_t kMaxMethod = 64;
constexpr size_t kMaxNoticeId = 64;
constexpr size_t kMaxLanguage = 35;

std::string Cut(const std::string& text, size_t most) {
  return std::string(CutUtf8(text, most));
}

// Whether a source reports the same choice once more.
bool IsSameReport(const store::v1::ConsentEvent& a,
                  const store::v1::ConsentEvent& b) {
  return a.purpose() == b.purpose() && a.type() == b.type() &&
         a.captured_at_us() == b.captured_at_us() && a.actor() == b.actor() &&
         a.client_id() == b.client_id() && a.notice_id() == b.notice_id() &&
         a.notice_version() == b.notice_version() &&
         a.notice_language() == b.notice_language() &&
         a.method() == b.method() && a.channel() == b.channel() &&
         a.evidence() == b.evidence();
}

}  // namespace

absl::Status ImportedChoices::CheckAttested(std::string_view client_id,
                                            const v1::ImportedChoice& choice,
                                            int64_t now_us) {
  const auto configuration = configuration_();
  if (!configuration->bundle().FindPurpose(choice.purpose())) {
    return MakeError(v1::ERROR_REASON_PURPOSE_NOT_ALLOWED,
                     "a choice is about an unknown purpose");
  }
  if (choice.action() == v1::CONSENT_ACTION_UNSPECIFIED ||
      !v1::ConsentAction_IsValid(choice.action())) {
    return MakeError(v1::ERROR_REASON_VALUE_MALFORMED,
                     "a choice says neither yes nor no");
  }
  if (!choice.has_capture_time() || MicrosOf(choice.capture_time()) > now_us ||
      MicrosOf(choice.capture_time()) <= 0) {
    return MakeError(v1::ERROR_REASON_VALUE_MALFORMED,
                     "a choice has no date in the past");
  }
  if (choice.action() != v1::CONSENT_ACTION_GIVE) return absl::OkStatus();
  const auto* registration = configuration->FindById(client_id);
  if (registration == nullptr ||
      !registration->MayAttest(choice.purpose(), choice.notice().id())) {
    return MakeError(v1::ERROR_REASON_ATTESTATION_NOT_ALLOWED,
                     "the registration may not report consents to this "
                     "purpose and notice");
  }
  return absl::OkStatus();
}

absl::Status ImportedChoices::AppendAttested(const vault::ConsentTarget& target,
                                             const v1::ImportedChoice& choice,
                                             store::v1::SubjectHead* head,
                                             vault::ConsentAddition* addition) {
  store::v1::ConsentEvent event;
  event.set_event_id(crypto::NewId(crypto::IdKind::kConsentEvent));
  event.set_purpose(choice.purpose());
  switch (choice.action()) {
    case v1::CONSENT_ACTION_GIVE:
      event.set_type(store::v1::ConsentEvent::GIVEN);
      break;
    case v1::CONSENT_ACTION_REFUSE:
      event.set_type(store::v1::ConsentEvent::REFUSED);
      break;
    default:
      event.set_type(store::v1::ConsentEvent::WITHDRAWN);
      break;
  }
  event.set_captured_at_us(MicrosOf(choice.capture_time()));
  event.set_received_at_us(target.now_us);
  event.set_actor(store::v1::ConsentEvent::ATTESTED);
  event.set_client_id(std::string(target.client_id));
  event.set_notice_id(Cut(choice.notice().id(), kMaxNoticeId));
  event.set_notice_version(choice.notice().version());
  event.set_notice_language(Cut(choice.notice().language(), kMaxLanguage));
  event.set_method(Cut(choice.method(), kMaxMethod));
  if (v1::Channel_IsValid(choice.channel())) {
    event.set_channel(choice.channel());
  }
  event.set_evidence("import:" + std::string(target.source));
  if (notices_ != nullptr) notices_->Judge(&event);
  return Append(target, std::move(event), head, addition);
}

absl::Status ImportedChoices::AppendStanding(
    const vault::ConsentTarget& target,
    const store::v1::StandingChoices& choices, store::v1::SubjectHead* head,
    vault::ConsentAddition* addition) {
  const auto configuration = configuration_();
  const policy::Bundle& bundle = configuration->bundle();
  for (const store::v1::StandingRefusal& refusal : choices.refusals()) {
    std::vector<std::string> purposes;
    if (refusal.purpose() != "*") {
      purposes.push_back(refusal.purpose());
    } else {
      for (size_t i = 0; i < bundle.purpose_count(); ++i) {
        purposes.push_back(
            bundle.purpose(static_cast<policy::PurposeId>(i)).key());
      }
    }
    for (std::string& purpose : purposes) {
      store::v1::ConsentEvent event;
      event.set_event_id(crypto::NewId(crypto::IdKind::kConsentEvent));
      event.set_purpose(std::move(purpose));
      event.set_type(refusal.withdrawn() ? store::v1::ConsentEvent::WITHDRAWN
                                         : store::v1::ConsentEvent::REFUSED);
      event.set_captured_at_us(refusal.time_us());
      event.set_received_at_us(refusal.time_us());
      event.set_actor(store::v1::ConsentEvent::ATTESTED);
      event.set_client_id(refusal.client_id());
      event.set_evidence("kept from before the customer was known");
      CONSENTRY_RETURN_IF_ERROR(
          Append(target, std::move(event), head, addition));
    }
  }
  return absl::OkStatus();
}

absl::Status ImportedChoices::Append(const vault::ConsentTarget& target,
                                     store::v1::ConsentEvent event,
                                     store::v1::SubjectHead* head,
                                     vault::ConsentAddition* addition) const {
  std::vector<store::v1::ConsentEvent> events;
  const auto stored =
      head->consent_events() - static_cast<uint32_t>(addition->events.size());
  if (target.connection != nullptr) {
    CONSENTRY_ASSIGN_OR_RETURN(
        events, ReadEvents(target.connection, *target.keys, stored));
  }
  events.insert(events.end(), addition->events.begin(), addition->events.end());
  // A row comes again whenever another column of it changes.
  for (const store::v1::ConsentEvent& known : events) {
    if (IsSameReport(known, event)) return absl::OkStatus();
  }
  events.push_back(event);

  CONSENTRY_ASSIGN_OR_RETURN(
      vault::ConsentRow sealed,
      SealEvent(*target.keys, static_cast<int64_t>(events.size()), event));
  addition->rows.push_back(std::move(sealed));
  addition->events.push_back(std::move(event));
  Appended appended = DeriveInto(events, events.size() - 1, head);
  addition->negative |= appended.narrows;
  for (std::string& change : appended.changes) {
    addition->changes.push_back(std::move(change));
  }
  return absl::OkStatus();
}

}  // namespace consentry::consent
