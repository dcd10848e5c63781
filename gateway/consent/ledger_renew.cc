#include <algorithm>
#include <memory>
#include <utility>

#include "gateway/consent/choice.h"
#include "gateway/consent/ledger.h"
#include "gateway/consent/ledger_request.h"
#include "gateway/consent/shown_states.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

// Consents that are given again.
namespace consentry::consent {
namespace {

// Whether a new act of the customer may extend what the head holds: a consent
// that stands, has ended, or is in doubt.
bool MayRenew(const store::v1::SubjectHead& head, const std::string& purpose) {
  return std::any_of(head.consents().begin(), head.consents().end(),
                     [&](const auto& held) {
                       return held.purpose() == purpose &&
                              (held.status() == v1::CONSENT_STATUS_GIVEN ||
                               held.status() == v1::CONSENT_STATUS_EXPIRED ||
                               held.status() == v1::CONSENT_STATUS_UNCERTAIN);
                     });
}

}  // namespace

void Ledger::Renew(const clients::CallerContext& caller,
                   const v1::RenewConsentRequest& request,
                   Done<v1::RecordConsentResponse> done) {
  const auto configuration = options_.configuration();
  v1::RecordConsentRequest checked;
  checked.set_action(v1::CONSENT_ACTION_GIVE);
  *checked.mutable_purposes() = request.purposes();
  *checked.mutable_notice() = request.notice();
  checked.set_method(request.method());
  checked.set_agent_id(request.agent_id());
  if (request.has_valid_until()) {
    *checked.mutable_valid_until() = request.valid_until();
  }
  absl::Status fault = CheckRecord(checked, options_.committer->NowUs());
  auto purposes = KnownPurposes(*configuration, request.purposes());
  if (fault.ok()) fault = purposes.status();
  if (fault.ok()) {
    fault = MayGive(*configuration, caller, *purposes, checked);
  }
  if (!fault.ok()) {
    done(std::move(fault));
    return;
  }
  auto subjects = changes_.FindSubjects(caller, request.subject(), false);
  if (!subjects.ok() || subjects->empty()) {
    done(subjects.ok() ? UnknownCustomer() : subjects.status());
    return;
  }
  Choice choice;
  choice.purposes = *purposes;
  choice.months = MonthsOf(*configuration, *purposes);
  choice.agent_id = request.agent_id();
  choice.event.set_type(store::v1::ConsentEvent::RENEWED);
  SetActor(caller, &choice.event);
  SetNotice(request.notice(), &choice.event);
  choice.event.set_method(request.method());
  choice.event.set_channel(request.channel());
  choice.event.set_explicit_statement(request.explicit_());
  if (request.has_valid_until()) {
    choice.event.set_valid_until_us(MicrosOf(request.valid_until()));
  }
  auto states = std::make_shared<States>();
  EditHead edit = [this, choice, states](
                      store::ChangeContext& context,
                      vault::HeadEdit& head) -> absl::StatusOr<Edited> {
    for (const std::string& purpose : choice.purposes) {
      if (!MayRenew(head.head(), purpose)) {
        return MakeError(v1::ERROR_REASON_STATE_INVALID,
                         "a purpose has no consent that stands or has ended");
      }
    }
    CONSENTRY_ASSIGN_OR_RETURN(Appended appended,
                               AppendChoice(options_, choice, &context, &head));
    for (v1::ConsentState& state : appended.states) {
      (*states)[state.purpose()] = std::move(state);
    }
    return Edited{std::move(appended.changes), appended.narrows};
  };
  const auto result = [states] {
    v1::RecordConsentResponse response;
    for (const auto& [purpose, state] : *states) {
      *response.add_states() = state;
    }
    return response.SerializeAsString();
  };
  options_.committer->CommitChange(
      changes_.Make(
          LedgerRequestOf(caller, request,
                          purposes->size() == 1 ? purposes->front() : "",
                          request.channel()),
          *std::move(subjects), /*negative=*/false, std::move(edit), result),
      changes_.Told(std::move(done)));
}

}  // namespace consentry::consent
