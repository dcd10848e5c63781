#include "gateway/access/contact_point.h"

#include <future>
#include <memory>
#include <utility>

#include "gateway/access/grant_issuer.h"
#include "gateway/access/read_leaf.h"
#include "gateway/access/read_plan.h"
#include "gateway/access/snapshot.h"
#include "gateway/access/subject_facts.h"
#include "gateway/clients/registration.h"
#include "gateway/crypto/opener.h"
#include "gateway/vault/head_codec.h"
#include "policy/engine/engine.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::access {
namespace {

constexpr char kEvent[] = "system.contact";
constexpr char kCategory[] = "user.contact.email";
constexpr int kMaxAttempts = 4;

// The purpose of the customer's own rights, and the fields of it that are
// e-mail addresses.
absl::StatusOr<ReadPlan> PlanOf(
    std::shared_ptr<const clients::Configuration> configuration) {
  ReadPlan plan;
  plan.configuration = std::move(configuration);
  plan.channel = config::v1::Channel::EMAIL;
  const policy::Bundle& bundle = plan.bundle();
  for (size_t i = 0; i < bundle.purpose_count(); ++i) {
    const auto purpose = static_cast<policy::PurposeId>(i);
    if (bundle.purpose(purpose).purpose_class() !=
        config::v1::PurposeClass::RIGHTS_FULFILMENT) {
      continue;
    }
    for (size_t f = 0; f < bundle.field_count(); ++f) {
      const auto field = static_cast<policy::FieldId>(f);
      if (clients::CategoryBelow(bundle.field(field).category(), kCategory) &&
          bundle.NeededAs(purpose, field)) {
        plan.fields.push_back(field);
        break;
      }
    }
    if (plan.fields.empty()) continue;
    plan.purpose = purpose;
    return plan;
  }
  return MakeError(v1::ERROR_REASON_STATE_INVALID,
                   "no purpose of class RIGHTS_FULFILMENT takes an e-mail "
                   "address");
}

absl::Status Denied() {
  return MakeError(v1::ERROR_REASON_ACCESS_DENIED,
                   "the customer may not be written to");
}

// The best address of the group; NO_VALUE where there is none.
absl::StatusOr<crypto::Plaintext> OpenBest(const crypto::Grant& grant,
                                           const Snapshot& snapshot) {
  const vault::CachedSubject* of = nullptr;
  const store::v1::HeldIdentifier* best = nullptr;
  for (const auto& member : snapshot.members) {
    for (const auto& held : member->head().identifiers()) {
      if (held.type() != v1::IDENTIFIER_TYPE_EMAIL) continue;
      const bool better = best == nullptr ||
                          std::pair(held.verified(), held.collected_us()) >
                              std::pair(best->verified(), best->collected_us());
      if (!better) continue;
      best = &held;
      of = member.get();
    }
  }
  if (best == nullptr) {
    return MakeError(v1::ERROR_REASON_NO_VALUE, "no e-mail address is held");
  }
  // Sealed with the first source that reported it.
  const store::v1::HeldIdentifier* sealed = best;
  for (const auto& held : of->head().identifiers()) {
    if (held.digest() == best->digest() && !held.sealed().empty()) {
      sealed = &held;
    }
  }
  return crypto::Opener::Open(
      grant, of->keys(),
      vault::IdentifierContext(sealed->digest(), sealed->name_space()),
      sealed->sealed());
}

store::ReadOutcome CommitAndWait(store::Committer* committer,
                                 store::ReadCommit commit) {
  auto promise = std::make_shared<std::promise<store::ReadOutcome>>();
  auto future = promise->get_future();
  committer->CommitRead(std::move(commit),
                        [promise](store::ReadOutcome outcome) {
                          promise->set_value(std::move(outcome));
                        });
  return future.get();
}

}  // namespace

absl::StatusOr<crypto::Plaintext> ContactPoint::Find(
    uint64_t subject, std::string_view reason) const {
  return Read(subject, nullptr, reason);
}

absl::StatusOr<crypto::Plaintext> ContactPoint::Open(
    uint64_t subject, const crypto::FieldContext& context,
    std::string_view sealed, std::string_view reason) const {
  const Sealed held{&context, sealed};
  return Read(subject, &held, reason);
}

absl::StatusOr<crypto::Plaintext> ContactPoint::Read(
    uint64_t subject, const Sealed* sealed, std::string_view reason) const {
  Caller self;
  self.event = kEvent;
  self.method = kEvent;
  self.context.set_reason_code(std::string(reason));
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    store::ReadCommit commit;
    commit.as_of_change = options_.committer->LastStored();
    CONSENTRY_ASSIGN_OR_RETURN(const ReadPlan plan,
                               PlanOf(options_.configuration()));
    const policy::Bundle& bundle = plan.bundle();
    if (plan.configuration->IsSuspended(bundle.purpose(plan.purpose).key())) {
      return MakeError(v1::ERROR_REASON_SUSPENDED, "the purpose is suspended");
    }
    const int64_t now_us = options_.committer->NowUs();
    Snapshot snapshot;
    {
      CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
      vault::SubjectReader::HeadOptions options;
      options.as_of_change = commit.as_of_change;
      options.past_cache = attempt > 0;
      auto members =
          options_.subjects->ReadGroup(lease.get(), subject, options);
      if (absl::IsNotFound(members.status())) return Denied();
      CONSENTRY_RETURN_IF_ERROR(members.status());
      snapshot.members = *std::move(members);
    }
    snapshot.facts =
        FactsOf(plan.configuration->policy().bundle, snapshot.members);
    policy::DecisionRequest request;
    request.purpose = plan.purpose;
    request.channel = plan.channel;
    request.fields = plan.fields;
    request.time_us = now_us;
    // The business itself asks, where it sits.
    request.recipient = bundle.FindJurisdiction(bundle.profile().home())
                            .value_or(policy::kNoJurisdiction);
    policy::Decision decision;
    CONSENTRY_RETURN_IF_ERROR(
        policy::Decide(bundle, *snapshot.facts, request, &decision));
    absl::StatusOr<crypto::Plaintext> opened = Denied();
    if (const auto grant = GrantIssuer::Issue(bundle, plan.purpose, decision)) {
      opened = sealed == nullptr
                   ? OpenBest(*grant, snapshot)
                   : crypto::Opener::Open(*grant, snapshot.members[0]->keys(),
                                          *sealed->context, sealed->bytes);
    }
    ReadLeaf leaf(plan, self, now_us, options_.log_origin);
    leaf.Add(snapshot, decision, opened.ok() ? 1 : 0);
    commit.entry = leaf.Serialize();
    commit.subjects = leaf.subjects();
    commit.configuration_epoch = plan.configuration->epoch();
    commit.decided_at_us = now_us;
    commit.decided_until_us = decision.decided_until_us;
    // What comes after the entry, a letter on its way, holds up no withdrawal:
    // the ticket goes here.
    const store::ReadOutcome outcome =
        CommitAndWait(options_.committer, std::move(commit));
    switch (outcome.kind) {
      case store::ReadOutcome::Kind::kCommitted:
        return opened;
      case store::ReadOutcome::Kind::kFailed:
        return outcome.status;
      case store::ReadOutcome::Kind::kStale:
        break;
    }
  }
  return MakeError(v1::ERROR_REASON_CONTENDED,
                   "what the address was decided on kept changing");
}

}  // namespace consentry::access
