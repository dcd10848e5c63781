#include <utility>

#include "gateway/consent/event_rows.h"
#include "gateway/consent/ledger.h"
#include "gateway/consent/ledger_request.h"
#include "gateway/consent/opt_outs.h"
#include "gateway/consent/reask.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

// Whether a customer may be asked once more.
namespace consentry::consent {
namespace {

void AddPlaces(
    const policy::Bundle& bundle,
    const google::protobuf::RepeatedPtrField<store::v1::SourcedText>& texts,
    std::vector<policy::JurisdictionId>* places) {
  for (const auto& text : texts) {
    // One that cannot be read counts as unknown: home and markets hold.
    if (const auto place = bundle.FindJurisdiction(text.value())) {
      places->push_back(*place);
    }
  }
}

}  // namespace

void Ledger::Reask(const clients::CallerContext& caller,
                   const v1::CheckReaskRequest& request, bool all_purposes,
                   Done<v1::CheckReaskResponse> done) {
  google::protobuf::RepeatedPtrField<std::string> asked;
  *asked.Add() = request.purpose();
  const auto check = [asked, all_purposes](const LedgerView& view) {
    return AskedPurposes(*view.configuration, *view.registration, asked,
                         all_purposes)
        .status();
  };
  const auto make = [request](const LedgerView& view,
                              v1::CheckReaskResponse* response,
                              store::v1::Leaf* leaf) -> absl::Status {
    leaf->set_purpose(request.purpose());
    const policy::Bundle& bundle = view.configuration->bundle();
    policy::SubjectFacts facts;
    Refusals refusals;
    for (const auto& member : *view.members) {
      const store::v1::SubjectHead& head = member->head();
      AddPlaces(bundle, head.residences(), &facts.residences);
      AddPlaces(bundle, head.locations(), &facts.locations);
      CONSENTRY_ASSIGN_OR_RETURN(
          const auto events,
          ReadEvents(view.connection, member->keys(), head.consent_events()));
      AddRefusals(events, request.purpose(), &refusals);
      for (const int kind : head.opt_outs()) {
        refusals.opt_outs.emplace_back(kind, OptOutDate(head, kind));
      }
    }
    const ReaskAnswer answer =
        CheckReask(bundle, facts, *bundle.FindPurpose(request.purpose()),
                   refusals, view.now_us);
    response->set_may_ask(answer.not_before_us == 0);
    if (answer.not_before_us != 0) {
      SetTime(answer.not_before_us, response->mutable_not_before());
    }
    response->set_two_steps(answer.two_steps);
    for (const std::string& rule : answer.rules) response->add_rules(rule);
    return absl::OkStatus();
  };
  reads_.Ask<v1::CheckReaskResponse>(
      {caller, request.subject(), nullptr, all_purposes}, {check, make},
      std::move(done));
}

}  // namespace consentry::consent
