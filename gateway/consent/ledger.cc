#include "gateway/consent/ledger.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "gateway/consent/choice.h"
#include "gateway/consent/event_rows.h"
#include "gateway/consent/ledger_request.h"
#include "gateway/consent/opt_outs.h"
#include "gateway/consent/shown_states.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::consent {

using clients::CallerContext;
namespace {

// Of somebody who is not known here; no purpose: all of them.
store::v1::StandingChoices RefusalsOf(const std::vector<std::string>& purposes,
                                      bool withdrawn) {
  store::v1::StandingChoices choices;
  for (const std::string& purpose :
       purposes.empty() ? std::vector<std::string>{"*"} : purposes) {
    auto* refusal = choices.add_refusals();
    refusal->set_purpose(purpose);
    refusal->set_withdrawn(withdrawn);
  }
  return choices;
}

}  // namespace

void Ledger::Record(const CallerContext& caller,
                    const v1::RecordConsentRequest& request,
                    Done<v1::RecordConsentResponse> done) {
  const auto configuration = options_.configuration();
  const int64_t now_us = options_.committer->NowUs();
  if (absl::Status fault = CheckRecord(request, now_us); !fault.ok()) {
    done(std::move(fault));
    return;
  }
  auto purposes = KnownPurposes(*configuration, request.purposes());
  if (!purposes.ok()) {
    done(purposes.status());
    return;
  }
  const bool gives = request.action() == v1::CONSENT_ACTION_GIVE;
  if (absl::Status fault =
          gives ? MayGive(*configuration, caller, *purposes, request)
                : absl::OkStatus();
      !fault.ok()) {
    done(std::move(fault));
    return;
  }
  constexpr AgentAct kRefusing[] = {AgentAct::kRefuse};
  auto subjects = gives
                      ? changes_.FindSubjects(caller, request.subject(), false)
                      : changes_.FindHolders(caller, request.subject(),
                                             request.agent_id(), kRefusing);
  if (!subjects.ok() || (gives && subjects->empty())) {
    done(subjects.ok() ? UnknownCustomer() : subjects.status());
    return;
  }

  Choice choice;
  choice.purposes = *purposes;
  choice.months = MonthsOf(*configuration, *purposes);
  choice.agent_id = request.agent_id();
  store::v1::ConsentEvent& event = choice.event;
  event.set_type(gives ? store::v1::ConsentEvent::GIVEN
                       : store::v1::ConsentEvent::REFUSED);
  SetActor(caller, &event);
  SetNotice(request.notice(), &event);
  event.set_method(request.method());
  event.set_channel(request.channel());
  event.set_explicit_statement(request.explicit_());
  event.set_parental_authorisation(gives && request.parental_authorisation());
  event.set_evidence(request.evidence());
  if (request.has_valid_until()) {
    event.set_valid_until_us(MicrosOf(request.valid_until()));
  }
  if (request.has_capture_time()) {
    event.set_captured_at_us(MicrosOf(request.capture_time()));
  }

  auto states = std::make_shared<States>();
  EditHead edit = [this, choice, states, configuration](
                      store::ChangeContext& context,
                      vault::HeadEdit& head) -> absl::StatusOr<Edited> {
    CONSENTRY_ASSIGN_OR_RETURN(Appended appended,
                               AppendChoice(options_, choice, &context, &head));
    for (v1::ConsentState& state : appended.states) {
      SayWhetherAskedFor(configuration->bundle(), &state);
      (*states)[state.purpose()] = std::move(state);
    }
    return Edited{std::move(appended.changes), appended.narrows};
  };
  const auto result = [states, purposes = *purposes] {
    v1::RecordConsentResponse response;
    AddUnknown(purposes, v1::CONSENT_STATUS_REFUSED, *states,
               response.mutable_states());
    return response.SerializeAsString();
  };
  const std::string purpose = purposes->size() == 1 ? purposes->front() : "";
  LedgerRequest asked =
      LedgerRequestOf(caller, request, purpose, request.channel());
  auto told = changes_.Told(std::move(done));
  if (!gives) {
    if (request.agent_id().empty()) {
      asked.unknown = changes_.UnknownOf(
          request.subject(), RefusalsOf(*purposes, /*withdrawn=*/false));
    }
    changes_.CommitNegative(asked, *subjects, edit, result, std::move(told));
    return;
  }
  options_.committer->CommitChange(
      changes_.Make(asked, *std::move(subjects), /*negative=*/false,
                    std::move(edit), result),
      std::move(told));
}

// Consents that stand, of the subject and of all who are joined with it: the
// withdrawal is kept with the one, and holds for all as long as they are.
absl::StatusOr<std::vector<std::string>> Ledger::AllGiven(
    store::ChangeContext* context, vault::HeadEdit& head) const {
  std::set<std::string> given;
  const auto add = [&given](const store::v1::SubjectHead& of) {
    for (const auto& held : of.consents()) {
      if (held.status() == v1::CONSENT_STATUS_GIVEN) {
        given.insert(held.purpose());
      }
    }
  };
  add(head.head());
  CONSENTRY_ASSIGN_OR_RETURN(const auto joined,
                             JoinedHeads(options_, context, head));
  for (const auto& other : joined) add(other);
  return std::vector<std::string>(given.begin(), given.end());
}

void Ledger::Withdraw(const CallerContext& caller,
                      const v1::WithdrawConsentRequest& request,
                      Done<v1::WithdrawConsentResponse> done) {
  if (request.purposes_size() > kMaxPurposes) {
    RequestFaults faults;
    faults.Add("purposes", "at most 16");
    done(faults.status());
    return;
  }
  const auto configuration = options_.configuration();
  auto purposes = KnownPurposes(*configuration, request.purposes());
  constexpr AgentAct kWithdrawing[] = {AgentAct::kWithdraw};
  auto subjects = changes_.FindHolders(caller, request.subject(),
                                       request.agent_id(), kWithdrawing);
  if (!purposes.ok() || !subjects.ok()) {
    done(!purposes.ok() ? purposes.status() : subjects.status());
    return;
  }
  // By purpose, so that several holders of one identifier answer as one.
  auto states = std::make_shared<std::map<std::string, v1::ConsentState>>();
  EditHead edit = [this, request, caller, purposes = *purposes, states](
                      store::ChangeContext& context,
                      vault::HeadEdit& head) -> absl::StatusOr<Edited> {
    std::vector<std::string> withdrawn = purposes;
    if (withdrawn.empty()) {
      CONSENTRY_ASSIGN_OR_RETURN(withdrawn, AllGiven(&context, head));
    }
    Choice choice;
    choice.purposes = std::move(withdrawn);
    choice.agent_id = request.agent_id();
    choice.event.set_type(store::v1::ConsentEvent::WITHDRAWN);
    SetActor(caller, &choice.event);
    choice.event.set_channel(request.channel());
    choice.event.set_method(request.method());
    CONSENTRY_ASSIGN_OR_RETURN(Appended appended,
                               AppendChoice(options_, choice, &context, &head));
    for (v1::ConsentState& state : appended.states) {
      (*states)[state.purpose()] = std::move(state);
    }
    return Edited{std::move(appended.changes), true};
  };
  const auto result = [states, purposes = *purposes] {
    v1::WithdrawConsentResponse response;
    AddUnknown(purposes, v1::CONSENT_STATUS_WITHDRAWN, *states,
               response.mutable_states());
    return response.SerializeAsString();
  };
  LedgerRequest asked = LedgerRequestOf(
      caller, request, purposes->size() == 1 ? purposes->front() : "",
      request.channel());
  if (request.agent_id().empty()) {
    asked.unknown = changes_.UnknownOf(
        request.subject(), RefusalsOf(*purposes, /*withdrawn=*/true));
  }
  changes_.CommitNegative(asked, *subjects, edit, result,
                          changes_.Told(std::move(done)));
}

void Ledger::OptOut(const CallerContext& caller,
                    const v1::OptOutRequest& request,
                    Done<v1::OptOutResponse> done) {
  RequestFaults faults;
  std::set<int> kinds;
  for (const int kind : request.kinds()) {
    if (kind == v1::OPT_OUT_KIND_UNSPECIFIED || !v1::OptOutKind_IsValid(kind)) {
      faults.Add("kinds", "an unknown kind of opt-out");
    } else {
      kinds.insert(kind);
    }
  }
  if (kinds.empty()) faults.Add("kinds", "at least one");
  if (!faults.status().ok()) {
    done(faults.status());
    return;
  }
  const std::vector<AgentAct> acts = ActsOf(kinds);
  auto subjects =
      changes_.FindHolders(caller, request.subject(), request.agent_id(), acts);
  if (!subjects.ok()) {
    done(subjects.status());
    return;
  }
  auto standing = std::make_shared<std::set<int>>(kinds);
  EditHead edit = [this, kinds, acts, standing, agent_id = request.agent_id(),
                   gpc = request.global_privacy_control()](
                      store::ChangeContext& context,
                      vault::HeadEdit& head) -> absl::StatusOr<Edited> {
    CONSENTRY_RETURN_IF_ERROR(
        changes_.CheckAgent(&context, head, agent_id, acts));
    Edited edited;
    edited.changes = TakeOptOuts(kinds, context.now_us(), &head.head());
    if (gpc) {
      head.head().set_global_privacy_control(true);
      edited.changes.push_back("gpc=set");
    }
    standing->insert(head.head().opt_outs().begin(),
                     head.head().opt_outs().end());
    edited.narrows = true;
    return edited;
  };
  const auto result = [standing] {
    v1::OptOutResponse response;
    for (const int kind : *standing) {
      response.add_kinds(static_cast<v1::OptOutKind>(kind));
    }
    return response.SerializeAsString();
  };
  LedgerRequest asked = LedgerRequestOf(caller, request, "", request.channel());
  store::v1::StandingChoices choices;
  for (const int kind : kinds) choices.add_opt_outs(kind);
  choices.set_global_privacy_control(request.global_privacy_control());
  if (request.agent_id().empty()) {
    asked.unknown = changes_.UnknownOf(request.subject(), std::move(choices));
  }
  changes_.CommitNegative(asked, *subjects, edit, result,
                          changes_.Told(std::move(done)));
}

}  // namespace consentry::consent
