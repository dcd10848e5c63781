#include "gateway/consent/ledger_changes.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>

#include "gateway/crypto/subject_tag.h"
#include "proto/support/mutex.h"
#include "proto/support/status_macros.h"

namespace consentry::consent {
namespace {

using clients::CallerContext;

// Subjects that one entry tells of: some 40 bytes each, of at most 64 KiB.
constexpr size_t kSubjectsPerEntry = 256;

// That the one whom lookup led to is known by that name.
absl::Status CheckName(const vault::SubjectReader& reader,
                       store::Connection* connection, uint64_t subject,
                       const vault::LookupKey& key, int64_t as_of_change) {
  vault::SubjectReader::HeadOptions options;
  options.as_of_change = as_of_change;
  // The head in the cache may be older than the row of lookup.
  for (const bool past_cache : {false, true}) {
    options.past_cache = past_cache;
    const auto head = reader.ReadHead(connection, subject, options);
    if (absl::IsNotFound(head.status())) return absl::OkStatus();
    CONSENTRY_RETURN_IF_ERROR(head.status());
    if (vault::IsKnownBy((*head)->head(), key)) return absl::OkStatus();
  }
  return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                   "a name leads to somebody else");
}

}  // namespace

absl::Status UnknownCustomer() {
  return MakeError(v1::ERROR_REASON_ACCESS_DENIED,
                   "no such customer, or not open to this caller");
}

absl::Status NobodyElses() {
  return MakeError(v1::ERROR_REASON_PERMISSION_MISSING,
                   "a customer's own call is nobody else's act");
}

absl::StatusOr<std::vector<uint64_t>> LedgerChanges::FindSubjects(
    const CallerContext& caller, const v1::SubjectRef& ref,
    bool every_holder) const {
  if (ref.ref_case() == v1::SubjectRef::kPseudonym) {
    const auto subject = options_.tokens->Decode(
        crypto::TokenKind::kPseudonym, ref.pseudonym(), caller.client_id);
    if (!subject.ok()) {
      return MakeError(v1::ERROR_REASON_FIELD_INVALID,
                       "the pseudonym is not one of this caller");
    }
    return std::vector<uint64_t>{*subject};
  }
  CONSENTRY_ASSIGN_OR_RETURN(const auto key, options_.subjects->MakeKey(ref));
  const int64_t as_of_change = options_.committer->LastStored();
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
  if (every_holder) {
    return options_.subjects->ResolveAll(lease.get(), key, INT64_MAX);
  }
  CONSENTRY_ASSIGN_OR_RETURN(const auto subject,
                             options_.subjects->Resolve(lease.get(), key));
  std::vector<uint64_t> subjects;
  if (subject) {
    CONSENTRY_RETURN_IF_ERROR(CheckName(*options_.subjects, lease.get(),
                                        *subject, key, as_of_change));
    subjects.push_back(*subject);
  }
  return subjects;
}

absl::StatusOr<std::vector<uint64_t>> LedgerChanges::FindHolders(
    const CallerContext& caller, const v1::SubjectRef& ref,
    std::string_view agent_id, std::span<const AgentAct> acts) const {
  if (caller.IsCustomer() && !agent_id.empty()) return NobodyElses();
  CONSENTRY_ASSIGN_OR_RETURN(auto subjects,
                             FindSubjects(caller, ref, /*every_holder=*/true));
  if (agent_id.empty()) return subjects;
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
  CONSENTRY_ASSIGN_OR_RETURN(
      const AgentPower power,
      PowerOver(options_.agents, lease.get(), agent_id, acts, subjects,
                options_.committer->NowUs()));
  return std::vector<uint64_t>{power.subject};
}

absl::Status LedgerChanges::CheckAgent(store::ChangeContext* context,
                                       const vault::HeadEdit& head,
                                       std::string_view agent_id,
                                       std::span<const AgentAct> acts) const {
  if (agent_id.empty()) return absl::OkStatus();
  const uint64_t subject = head.subject();
  return PowerOver(options_.agents, context->connection(), agent_id, acts,
                   {&subject, 1}, context->now_us())
      .status();
}

store::Change LedgerChanges::Make(const LedgerRequest& request,
                                  std::vector<uint64_t> subjects, bool negative,
                                  EditHead edit, MakeResult result) const {
  store::Change change;
  change.negative = negative;
  if (!request.request_id.empty()) {
    change.request = store::RequestBinding{
        clients::RequesterOf(request.caller), request.request_id,
        request.caller.method, options_.digests->Of(request.canonical)};
  }
  change.apply = [this, caller = request.caller, purpose = request.purpose,
                  channel = request.channel, found = std::move(subjects),
                  agent_id = request.agent_id, negative, edit = std::move(edit),
                  result = std::move(result), unknown = request.unknown](
                     store::ChangeContext& context) -> absl::Status {
    if (negative) context.MarkNegative();
    std::vector<uint64_t> reached = found;
    if (unknown.has_value() && reached.empty()) {
      // She may have come since she was looked for.
      CONSENTRY_ASSIGN_OR_RETURN(
          reached, options_.subjects->ResolveAll(
                       context.connection(), unknown->key, kSubjectsPerEntry));
    }
    store::v1::Leaf leaf =
        clients::LeafOf(*options_.configuration(), caller, context.now_us());
    leaf.set_purpose(purpose);
    leaf.set_channel(channel);
    if (!agent_id.empty()) leaf.add_details("agent=" + agent_id);
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    bool stays = false;
    for (const uint64_t subject : reached) {
      auto head = vault::HeadEdit::Begin(&context, *options_.slots, subject);
      // Erased since it was found: nothing is left to take back.
      if (absl::IsNotFound(head.status())) continue;
      if (!head.ok()) return head.status();
      stays = stays || !head->head().erasing();
      CONSENTRY_ASSIGN_OR_RETURN(Edited edited, edit(context, *head));
      if (edited.narrows) context.MarkNegative();
      const crypto::SubjectTag tag = crypto::ComputeSubjectTag(
          head->keys(), options_.log_origin, crypto::MonthOf(context.now_us()));
      CONSENTRY_RETURN_IF_ERROR(head->Write(options_.cache));
      store::v1::LeafSubject* told = leaf.add_subjects();
      told->set_tag(tag.data(), tag.size());
      told->set_version(static_cast<uint64_t>(context.number()));
      for (std::string& line : edited.changes) {
        told->add_changes(std::move(line));
      }
    }
    if (unknown.has_value() && !stays) {
      store::v1::StandingChoices choices = unknown->choices;
      for (auto& refusal : *choices.mutable_refusals()) {
        refusal.set_time_us(context.now_us());
        refusal.set_client_id(caller.client_id);
      }
      CONSENTRY_RETURN_IF_ERROR(options_.suppression->Keep(
          context, *unknown->key.identifier, choices));
    }
    context.SetEntry(leaf.SerializeAsString());
    context.SetResult(result());
    return absl::OkStatus();
  };
  return change;
}

void LedgerChanges::CommitNegative(const LedgerRequest& request,
                                   const std::vector<uint64_t>& subjects,
                                   const EditHead& edit,
                                   const MakeResult& result,
                                   store::ChangeCompletion done) const {
  struct Gathered {
    Mutex mu;
    size_t open ABSL_GUARDED_BY(mu) = 0;
    absl::Status fault ABSL_GUARDED_BY(mu);
    store::ChangeOutcome last ABSL_GUARDED_BY(mu);
    store::ChangeCompletion done;
  };
  const size_t parts = std::max<size_t>(
      1, (subjects.size() + kSubjectsPerEntry - 1) / kSubjectsPerEntry);
  auto gathered = std::make_shared<Gathered>();
  gathered->done = std::move(done);
  {
    MutexLock lock(&gathered->mu);
    gathered->open = parts;
  }
  LedgerRequest unbound = request;
  unbound.request_id.clear();
  for (size_t part = 0; part < parts; ++part) {
    const size_t first = part * kSubjectsPerEntry;
    const size_t end = std::min(subjects.size(), first + kSubjectsPerEntry);
    const bool last = part + 1 == parts;
    std::vector<uint64_t> of_part(
        subjects.begin() + static_cast<std::ptrdiff_t>(first),
        subjects.begin() + static_cast<std::ptrdiff_t>(end));
    // The last is applied last. It alone answers to the request's id: whoever
    // repeats the request repeats the others too, which changes no state.
    options_.committer->CommitChange(
        Make(last ? request : unbound, std::move(of_part), /*negative=*/true,
             edit, result),
        [gathered, last](const store::ChangeOutcome& outcome) {
          store::ChangeOutcome told;
          {
            MutexLock lock(&gathered->mu);
            if (!outcome.status.ok() && gathered->fault.ok()) {
              gathered->fault = outcome.status;
            }
            if (last) gathered->last = std::move(outcome);
            if (--gathered->open > 0) return;
            told = std::move(gathered->last);
            if (told.status.ok()) told.status = gathered->fault;
          }
          gathered->done(std::move(told));
        });
  }
}

std::optional<UnknownChoices> LedgerChanges::UnknownOf(
    const v1::SubjectRef& ref, store::v1::StandingChoices choices) const {
  if (options_.suppression == nullptr || !ref.has_identifier() ||
      vault::IsEmpty(choices)) {
    return std::nullopt;
  }
  auto key = options_.subjects->MakeKey(ref);
  if (!key.ok() || !key->identifier.has_value()) return std::nullopt;
  return UnknownChoices{*std::move(key), std::move(choices)};
}

std::string LedgerChanges::AuditReference(
    const store::ChangeOutcome& outcome) const {
  if (outcome.repeated) return "";
  return options_.tokens->Encode(
      crypto::TokenKind::kAudit,
      crypto::LogPosition{outcome.log_index, 0}.Pack());
}

std::string LedgerChanges::ConsistencyToken(
    const store::ChangeOutcome& outcome) const {
  return options_.tokens->Encode(crypto::TokenKind::kConsistency,
                                 static_cast<uint64_t>(outcome.change));
}

}  // namespace consentry::consent
