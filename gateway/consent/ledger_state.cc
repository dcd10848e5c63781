#include <algorithm>
#include <functional>
#include <memory>
#include <set>
#include <utility>

#include "gateway/consent/event_rows.h"
#include "gateway/consent/ledger.h"
#include "gateway/consent/ledger_request.h"
#include "gateway/consent/shown_states.h"
#include "gateway/crypto/subject_tag.h"
#include "policy/consent/consent_state.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

// What the ledger answers about the state of choices.
namespace consentry::consent {
namespace {

using clients::CallerContext;
using Members = std::vector<std::shared_ptr<const vault::CachedSubject>>;

// Reads of a state before CONTENDED.
constexpr int kMaxAttempts = 4;

// What a name that leads nowhere counts as in a budget.
uint64_t BudgetNumber(const v1::SubjectRef& ref) {
  return uint64_t{1} << 63 | std::hash<std::string>()(ref.SerializeAsString());
}

absl::StatusOr<std::vector<std::string>> AskedPurposes(
    const clients::Configuration& configuration,
    const clients::Registration& registration,
    const v1::GetConsentStateRequest& request, bool all_purposes) {
  const policy::Bundle& bundle = configuration.bundle();
  if (request.purposes().empty()) {
    std::vector<std::string> purposes;
    for (size_t i = 0; i < bundle.purpose_count(); ++i) {
      const auto purpose = static_cast<policy::PurposeId>(i);
      if (all_purposes || registration.AllowsPurpose(purpose)) {
        purposes.push_back(bundle.purpose(purpose).key());
      }
    }
    return purposes;
  }
  CONSENTRY_ASSIGN_OR_RETURN(auto purposes,
                             KnownPurposes(configuration, request.purposes()));
  for (const std::string& purpose : purposes) {
    if (!all_purposes &&
        !registration.AllowsPurpose(*bundle.FindPurpose(purpose)) &&
        !registration.MayAttest(purpose, "")) {
      return MakeError(v1::ERROR_REASON_PURPOSE_NOT_ALLOWED,
                       "a purpose is not in the registration");
    }
  }
  return purposes;
}

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

// Names the members in the entry, or somebody who is nobody; gives the versions
// that the answer rests on.
std::vector<store::SubjectVersion> Tell(const Members& members,
                                        const std::string& log_origin,
                                        int64_t now_us, store::v1::Leaf* leaf) {
  std::vector<store::SubjectVersion> seen;
  for (const auto& member : members) {
    const crypto::SubjectTag tag = crypto::ComputeSubjectTag(
        member->keys(), log_origin, crypto::MonthOf(now_us));
    store::v1::LeafSubject* told = leaf->add_subjects();
    told->set_tag(tag.data(), tag.size());
    told->set_version(static_cast<uint64_t>(member->version()));
    told->set_member(!seen.empty());
    seen.push_back(
        {static_cast<int64_t>(member->subject()), member->version()});
  }
  if (seen.empty()) {
    const crypto::SubjectTag tag = crypto::RandomTag();
    leaf->add_subjects()->set_tag(tag.data(), tag.size());
    seen.push_back({0, 0});
  }
  return seen;
}

}  // namespace

void Ledger::GetState(const CallerContext& caller,
                      const v1::GetConsentStateRequest& request,
                      bool all_purposes,
                      Done<v1::GetConsentStateResponse> done) {
  ReadState(caller, request, all_purposes, 1, std::move(done));
}

void Ledger::ReadState(const CallerContext& caller,
                       const v1::GetConsentStateRequest& request,
                       bool all_purposes, int attempts,
                       Done<v1::GetConsentStateResponse> done) {
  const int64_t as_of_change = options_.committer->LastStored();
  const auto configuration = options_.configuration();
  const int64_t now_us = options_.committer->NowUs();
  const auto* registration = configuration->FindById(caller.client_id);
  if (registration == nullptr) {
    done(
        MakeError(v1::ERROR_REASON_CLIENT_UNKNOWN, "the registration is gone"));
    return;
  }
  auto purposes =
      AskedPurposes(*configuration, *registration, request, all_purposes);
  if (!purposes.ok()) {
    done(purposes.status());
    return;
  }
  int64_t as_of_us = now_us;
  if (request.has_as_of()) as_of_us = MicrosOf(request.as_of());
  if (as_of_us > now_us) {
    done(MakeError(v1::ERROR_REASON_FIELD_INVALID, "as_of lies in the future"));
    return;
  }

  if (absl::Status fault = registration->CheckContext(caller.context);
      !all_purposes && !fault.ok()) {
    done(std::move(fault));
    return;
  }
  auto subjects = FindSubjects(caller, request.subject(), false);
  if (!subjects.ok()) {
    done(subjects.status());
    return;
  }
  const uint64_t counted =
      subjects->empty() ? BudgetNumber(request.subject()) : subjects->front();
  if (attempts == 1 && !registration->use().budget.Charge(
                           counted, options_.clock->MonotonicUs())) {
    done(MakeError(v1::ERROR_REASON_BUDGET_EXHAUSTED,
                   "the registration's customers per hour are used up"));
    return;
  }
  Answer<v1::GetConsentStateResponse> answer;
  store::v1::Leaf leaf = clients::LeafOf(*configuration, caller, now_us);
  for (const std::string& purpose : *purposes) {
    leaf.add_details("purpose=" + purpose);
    *answer.response.add_states() = NoneState(purpose);
  }
  store::ReadCommit commit;
  std::vector<std::shared_ptr<const vault::CachedSubject>> members;
  if (!subjects->empty()) {
    auto lease = options_.readers->Acquire();
    if (!lease.ok()) {
      done(lease.status());
      return;
    }
    vault::SubjectReader::HeadOptions options;
    options.as_of_change = as_of_change;
    options.past_cache = attempts > 1;
    auto group =
        options_.subjects->ReadGroup(lease->get(), subjects->front(), options);
    if (group.ok()) {
      members = *std::move(group);
    } else if (!absl::IsNotFound(group.status())) {
      done(group.status());
      return;
    }
    if (absl::Status added =
            AddMembers(lease->get(), members, request.has_as_of(), as_of_us,
                       &answer.response);
        !added.ok()) {
      done(std::move(added));
      return;
    }
  }
  commit.subjects = Tell(members, options_.log_origin, now_us, &leaf);
  commit.entry = leaf.SerializeAsString();
  commit.as_of_change = as_of_change;
  commit.configuration_epoch = configuration->epoch();
  commit.decided_at_us = now_us;
  options_.committer->CommitRead(
      std::move(commit), [this, caller, request, all_purposes, attempts,
                          answer = std::move(answer), done = std::move(done)](
                             store::ReadOutcome outcome) mutable {
        switch (outcome.kind) {
          case store::ReadOutcome::Kind::kFailed:
            done(std::move(outcome.status));
            return;
          case store::ReadOutcome::Kind::kCommitted:
            answer.response.set_audit_reference(options_.tokens->Encode(
                crypto::TokenKind::kAudit,
                crypto::LogPosition{outcome.log_index, 0}.Pack()));
            answer.tickets.push_back(std::move(outcome.ticket));
            done(std::move(answer));
            return;
          case store::ReadOutcome::Kind::kStale:
            break;
        }
        if (attempts >= kMaxAttempts) {
          done(MakeError(v1::ERROR_REASON_CONTENDED,
                         "the customer's choices kept changing"));
          return;
        }
        auto kept = std::make_shared<Done<v1::GetConsentStateResponse>>(
            std::move(done));
        if (!options_.workers->TrySubmit(
                [this, caller, request, all_purposes, attempts, kept] {
                  ReadState(caller, request, all_purposes, attempts + 1,
                            std::move(*kept));
                })) {
          (*kept)(MakeError(v1::ERROR_REASON_STORE_UNAVAILABLE,
                            "too many reads are waiting"));
        }
      });
}

}  // namespace consentry::consent
