#include "gateway/access/explainer.h"

#include <chrono>
#include <utility>

#include "absl/strings/escaping.h"
#include "gateway/access/answer.h"
#include "gateway/access/read_leaf.h"
#include "gateway/access/replay.h"
#include "gateway/access/subject_facts.h"
#include "gateway/base/log.h"
#include "gateway/consent/event_rows.h"
#include "policy/engine/explain.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::access {
namespace {

constexpr base::LogEvent kReplayDiffers{base::LogLevel::kError, 4001,
                                        "access.replay_differs"};
// How long an answer waits for the index to reach a fresh entry.
constexpr std::chrono::milliseconds kIndexWait(5000);

absl::Status NotFound() {
  return MakeError(v1::ERROR_REASON_NOT_FOUND,
                   "no decision with this id, or not open to this caller");
}

// The choice that `fact` was made from, as it stood then.
v1::ConsentState StateOf(
    const policy::Bundle& bundle, const policy::ConsentFact& fact,
    const std::vector<const store::v1::SubjectHead*>& heads, int64_t at_us) {
  const std::string& purpose = bundle.purpose(fact.purpose).key();
  for (const store::v1::SubjectHead* head : heads) {
    for (const auto& held : head->consents()) {
      if (held.purpose() == purpose && held.event_id() == fact.event_id) {
        return consent::ToState(held, at_us);
      }
    }
  }
  v1::ConsentState none;
  none.set_purpose(purpose);
  none.set_status(v1::CONSENT_STATUS_NONE);
  return none;
}

}  // namespace

struct Explainer::Found {
  crypto::LogPosition position;
  store::v1::Leaf leaf;
  const store::v1::LeafSubject& subject() const {
    return leaf.subjects(position.item);
  }
};

absl::StatusOr<Explainer::Found> Explainer::Find(const std::string& id) {
  const auto payload =
      options_.tokens->Decode(crypto::TokenKind::kDecision, id);
  if (!payload.ok()) return NotFound();
  Found found;
  found.position = crypto::LogPosition::Unpack(*payload);
  const auto bytes = options_.log->Read(found.position.index);
  if (!bytes.ok()) {
    return absl::IsOutOfRange(bytes.status())
               ? NotFound()
               : MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                           "an entry of the log does not verify");
  }
  if (!found.leaf.ParseFromString(*bytes) ||
      found.position.item >= found.leaf.subjects_size() ||
      found.subject().effects_digest().empty()) {
    return NotFound();
  }
  return found;
}

absl::StatusOr<std::vector<store::v1::SubjectHead>> Explainer::HeadsOf(
    store::Connection* connection, const Found& found) {
  std::vector<store::v1::SubjectHead> heads;
  for (int item = found.position.item; item < found.leaf.subjects_size();
       ++item) {
    const auto& member = found.leaf.subjects(item);
    if (item != found.position.item && !member.member()) break;
    CONSENTRY_ASSIGN_OR_RETURN(
        const uint64_t subject,
        options_.trail->SubjectOf(found.position.index,
                                  static_cast<uint16_t>(item)));
    absl::StatusOr<store::v1::SubjectHead> head =
        subject == 0
            ? absl::NotFoundError("")
            : options_.subjects->ReadHeadAt(
                  connection, subject, static_cast<int64_t>(member.version()));
    if (absl::IsNotFound(head.status())) {
      return MakeError(v1::ERROR_REASON_SUBJECT_ERASED,
                       "the facts of the decision are gone");
    }
    if (!head.ok()) return head.status();
    heads.push_back(*std::move(head));
  }
  return heads;
}

absl::StatusOr<v1::ExplainDecisionResponse> Explainer::Run(
    const Caller& caller, const std::string& id, bool of_others,
    store::v1::Leaf* entry) {
  CONSENTRY_ASSIGN_OR_RETURN(const Found found, Find(id));
  const store::v1::Leaf& leaf = found.leaf;
  if (leaf.client_id() != caller.client_id && !of_others) return NotFound();
  if (!options_.trail->WaitUntilIndexed(found.position.index + 1, kIndexWait)) {
    return MakeError(v1::ERROR_REASON_STORE_UNAVAILABLE,
                     "the index of the log is still catching up");
  }
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
  CONSENTRY_ASSIGN_OR_RETURN(
      auto configuration,
      options_.archive->Load(lease.get(), leaf.bundle_hash()));
  CONSENTRY_ASSIGN_OR_RETURN(const ReadPlan plan, PlanOf(configuration, leaf));
  const policy::Bundle& bundle = plan.bundle();

  const policy::DecisionRequest request = RequestOf(plan, leaf);

  v1::ExplainDecisionResponse response;
  policy::Decision decision;
  if (found.subject().version() == 0) {
    decision = DenyAll(plan, v1::ERROR_REASON_SUBJECT_UNKNOWN);
    auto* step = response.add_steps();
    step->set_step("outcome");
    step->set_text("Denied: no customer is known by that name.");
  } else {
    CONSENTRY_ASSIGN_OR_RETURN(const auto heads, HeadsOf(lease.get(), found));
    std::vector<const store::v1::SubjectHead*> views;
    for (const auto& head : heads) views.push_back(&head);
    const policy::SubjectFacts facts = MakeFacts(bundle, views);
    CONSENTRY_RETURN_IF_ERROR(
        policy::Decide(bundle, facts, request, &decision));
    for (const auto& told :
         policy::Explain(bundle, facts, request, decision).steps) {
      auto* step = response.add_steps();
      step->set_step(told.step);
      step->set_text(told.text);
      step->set_rule(told.rule);
      step->set_citation(told.citation);
      step->set_checked(told.checked);
    }
    if (decision.consent >= 0) {
      *response.add_consents() =
          StateOf(bundle, facts.consents[static_cast<size_t>(decision.consent)],
                  views, leaf.time_us());
    }
  }
  response.set_replay_agrees(EffectsDigest(bundle, decision) ==
                             found.subject().effects_digest());
  if (!response.replay_agrees()) {
    base::Log(kReplayDiffers,
              {{"index", found.position.index}, {"item", found.position.item}});
  }
  *response.mutable_decision() = MakeAnswer(
      plan, decision, /*may_explain=*/true, leaf.time_us(), INT64_MAX);
  response.mutable_decision()->set_id(id);
  response.mutable_decision()->set_audit_reference(options_.tokens->Encode(
      crypto::TokenKind::kAudit, found.position.Pack()));
  response.set_client_id(leaf.client_id());
  response.set_purpose(leaf.purpose());
  response.set_channel(static_cast<v1::Channel>(leaf.channel()));
  response.mutable_context()->set_acting_person(leaf.acting_person());
  response.mutable_context()->set_reason_code(leaf.reason_code());
  response.mutable_context()->set_ticket(leaf.ticket());
  response.mutable_context()->mutable_signals()->set_global_privacy_control(
      request.gpc);

  entry->add_details("decision=" + id);
  return response;
}

void Explainer::Explain(Caller caller,
                        const v1::ExplainDecisionRequest& request,
                        bool of_others,
                        Done<v1::ExplainDecisionResponse> done) {
  auto kept =
      std::make_shared<Done<v1::ExplainDecisionResponse>>(std::move(done));
  const auto work = [this, caller = std::move(caller),
                     id = request.decision_id(), of_others, kept] {
    const auto configuration = options_.configuration();
    store::ReadCommit commit;
    commit.as_of_change = options_.committer->LastStored();
    commit.configuration_epoch = configuration->epoch();
    commit.decided_at_us = options_.committer->NowUs();
    store::v1::Leaf entry =
        clients::LeafOf(*configuration, caller, commit.decided_at_us);
    auto response = Run(caller, id, of_others, &entry);
    if (!response.ok()) {
      (*kept)(response.status());
      return;
    }
    commit.entry = entry.SerializeAsString();
    options_.committer->CommitRead(
        std::move(commit), [kept, response = *std::move(response)](
                               store::ReadOutcome outcome) mutable {
          if (outcome.kind != store::ReadOutcome::Kind::kCommitted) {
            (*kept)(outcome.kind == store::ReadOutcome::Kind::kFailed
                        ? std::move(outcome.status)
                        : MakeError(v1::ERROR_REASON_CONTENDED,
                                    "the configuration changed; repeat"));
            return;
          }
          Released<v1::ExplainDecisionResponse> released;
          released.response = std::move(response);
          released.tickets.push_back(std::move(outcome.ticket));
          (*kept)(std::move(released));
        });
  };
  if (!options_.workers->TrySubmit(work)) {
    (*kept)(MakeError(v1::ERROR_REASON_STORE_UNAVAILABLE,
                      "too much is waiting; try again"));
  }
}

}  // namespace consentry::access
