#include "gateway/consent/unsubscribe.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "gateway/consent/event_rows.h"
#include "gateway/consent/ledger_request.h"
#include "gateway/crypto/link_token.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::consent {
namespace {

using clients::CallerContext;
using store::v1::ConsentEvent;

constexpr char kMethod[] = "one_click_unsubscribe";

// Whether a no stands already, so that one more adds nothing.
bool IsTakenBack(const store::v1::SubjectHead& head,
                 const std::string& purpose) {
  return std::any_of(head.consents().begin(), head.consents().end(),
                     [&](const store::v1::DerivedConsent& held) {
                       return held.purpose() == purpose &&
                              (held.status() == v1::CONSENT_STATUS_WITHDRAWN ||
                               held.status() == v1::CONSENT_STATUS_REFUSED);
                     });
}

}  // namespace

void Unsubscribes::CreateLink(
    const CallerContext& caller,
    const v1::CreateUnsubscribeLinkRequest& request,
    Done<v1::CreateUnsubscribeLinkResponse> done) const {
  const auto check = [this, asked = request.purposes()](
                         const LedgerView& view) -> absl::Status {
    if (options_.links == nullptr || options_.unsubscribe_url.empty()) {
      return MakeError(v1::ERROR_REASON_STATE_INVALID,
                       "unsubscribe_url is not configured");
    }
    CONSENTRY_ASSIGN_OR_RETURN(const auto purposes,
                               KnownPurposes(*view.configuration, asked));
    const policy::Bundle& bundle = view.configuration->bundle();
    for (const std::string& purpose : purposes) {
      if (!view.registration->AllowsPurpose(*bundle.FindPurpose(purpose))) {
        return MakeError(v1::ERROR_REASON_PURPOSE_NOT_ALLOWED,
                         "a purpose is not in the registration");
      }
    }
    return absl::OkStatus();
  };
  const auto make = [this, asked = request.purposes()](
                        const LedgerView& view,
                        v1::CreateUnsubscribeLinkResponse* response,
                        store::v1::Leaf* leaf) -> absl::Status {
    crypto::LinkContent content;
    if (!view.members->empty()) {
      content.subject = view.members->front()->subject();
    }
    CONSENTRY_ASSIGN_OR_RETURN(content.purposes,
                               KnownPurposes(*view.configuration, asked));
    for (const std::string& purpose : content.purposes) {
      leaf->add_details("purpose=" + purpose);
    }
    CONSENTRY_ASSIGN_OR_RETURN(const std::string token,
                               options_.links->Seal(content, view.now_us));
    response->set_url(options_.unsubscribe_url + token);
    return absl::OkStatus();
  };
  reads_->Ask<v1::CreateUnsubscribeLinkResponse>(
      {caller, request.subject(), nullptr, false}, {check, make},
      std::move(done));
}

void Unsubscribes::Withdraw(const CallerContext& caller,
                            const v1::WithdrawByTokenRequest& request,
                            Done<v1::WithdrawByTokenResponse> done) const {
  absl::StatusOr<crypto::LinkContent> content =
      absl::InvalidArgumentError("no links are made here");
  if (options_.links != nullptr) {
    content =
        options_.links->Open(request.token(), options_.committer->NowUs());
  }
  if (!content.ok()) {
    RequestFaults faults;
    faults.Add("token", "is not one of this gateway, or past its end");
    done(faults.status());
    return;
  }
  const std::vector<std::string> purposes = content->purposes;
  EditHead edit = [caller, purposes](
                      store::ChangeContext& context,
                      vault::HeadEdit& head) -> absl::StatusOr<Edited> {
    std::vector<ConsentEvent> events;
    for (const std::string& purpose : purposes) {
      if (IsTakenBack(head.head(), purpose)) continue;
      ConsentEvent event;
      event.set_purpose(purpose);
      event.set_type(ConsentEvent::WITHDRAWN);
      event.set_actor(ConsentEvent::ATTESTED);
      event.set_client_id(caller.client_id);
      event.set_captured_at_us(context.now_us());
      event.set_received_at_us(context.now_us());
      event.set_channel(v1::CHANNEL_EMAIL);
      event.set_method(kMethod);
      events.push_back(std::move(event));
    }
    Edited edited;
    edited.narrows = true;
    if (events.empty()) return edited;
    CONSENTRY_ASSIGN_OR_RETURN(
        Appended appended,
        AppendEvents(context.connection(), &head, std::move(events)));
    edited.changes = std::move(appended.changes);
    return edited;
  };
  MakeResult result = [purposes] {
    v1::WithdrawByTokenResponse response;
    *response.mutable_purposes() = {purposes.begin(), purposes.end()};
    return response.SerializeAsString();
  };
  std::vector<uint64_t> subjects;
  if (content->subject != 0) subjects.push_back(content->subject);
  changes_.CommitNegative(
      LedgerRequestOf(caller, request,
                      purposes.size() == 1 ? purposes.front() : "",
                      v1::CHANNEL_EMAIL),
      subjects, edit, result, changes_.Told(std::move(done)));
}

}  // namespace consentry::consent
