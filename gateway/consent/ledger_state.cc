#include <set>
#include <utility>

#include "gateway/consent/event_rows.h"
#include "gateway/consent/ledger.h"
#include "gateway/consent/ledger_request.h"
#include "gateway/consent/shown_states.h"
#include "policy/consent/consent_state.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

// What the ledger answers about the state of choices.
namespace consentry::consent {
namespace {

using clients::CallerContext;

// Adds what each member chose to the states of `response`; opt-outs are told
// as of now alone.
absl::Status AddMembers(store::Connection* connection, const Members& members,
                        bool past, int64_t at_us,
                        v1::GetConsentStateResponse* response) {
  const bool joined = members.size() > 1;
  std::set<int> opt_outs;
  for (const auto& member : members) {
    std::vector<store::v1::ConsentEvent> events;
    if (past) {
      CONSENTRY_ASSIGN_OR_RETURN(events,
                                 ReadEvents(connection, member->keys(),
                                            member->head().consent_events()));
    } else {
      opt_outs.insert(member->head().opt_outs().begin(),
                      member->head().opt_outs().end());
    }
    for (v1::ConsentState& state : *response->mutable_states()) {
      if (past) {
        policy::ConsentOptions derive;
        derive.as_of_us = at_us;
        AddState(*member, joined,
                 StateOf(state.purpose(),
                         policy::DeriveConsent(events, state.purpose(), derive),
                         at_us),
                 &state);
        continue;
      }
      for (const auto& held : member->head().consents()) {
        if (held.purpose() != state.purpose()) continue;
        AddState(*member, joined, ToState(held, at_us), &state);
      }
    }
  }
  for (const int kind : opt_outs) {
    response->add_opt_outs(static_cast<v1::OptOutKind>(kind));
  }
  return absl::OkStatus();
}

}  // namespace

void Ledger::GetState(const CallerContext& caller,
                      const v1::GetConsentStateRequest& request,
                      bool all_purposes,
                      Done<v1::GetConsentStateResponse> done) {
  LedgerReads::Question question{caller, request.subject(), nullptr,
                                 all_purposes};
  const auto check = [request, all_purposes](const LedgerView& view) {
    if (request.has_as_of() && MicrosOf(request.as_of()) > view.now_us) {
      return MakeError(v1::ERROR_REASON_FIELD_INVALID,
                       "as_of lies in the future");
    }
    return AskedPurposes(*view.configuration, *view.registration,
                         request.purposes(), all_purposes)
        .status();
  };
  const auto make = [request, all_purposes](
                        const LedgerView& view,
                        v1::GetConsentStateResponse* response,
                        store::v1::Leaf* leaf) -> absl::Status {
    CONSENTRY_ASSIGN_OR_RETURN(
        const auto purposes,
        AskedPurposes(*view.configuration, *view.registration,
                      request.purposes(), all_purposes));
    for (const std::string& purpose : purposes) {
      leaf->add_details("purpose=" + purpose);
      *response->add_states() = NoneState(purpose);
    }
    CONSENTRY_RETURN_IF_ERROR(AddMembers(
        view.connection, *view.members, request.has_as_of(),
        request.has_as_of() ? MicrosOf(request.as_of()) : view.now_us,
        response));
    // What the policy of a past time asked for is not known here.
    if (request.has_as_of()) return absl::OkStatus();
    for (v1::ConsentState& state : *response->mutable_states()) {
      SayWhetherAskedFor(view.configuration->bundle(), &state);
    }
    return absl::OkStatus();
  };
  reads_.Ask<v1::GetConsentStateResponse>(std::move(question), {check, make},
                                          std::move(done));
}

}  // namespace consentry::consent
