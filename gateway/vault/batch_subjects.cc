#include <sodium.h>

#include <algorithm>
#include <utility>

#include "consentry/v1/consent_service.pb.h"
#include "gateway/vault/batch_planner.h"
#include "gateway/vault/digest.h"
#include "gateway/vault/draft.h"
#include "gateway/vault/field_number.h"
#include "gateway/vault/head_update.h"
#include "proto/support/status_macros.h"

// Whom the rows of a batch are about: those found, those that might be the
// same, those made.
namespace consentry::vault {
namespace {

using store::Query;

// Subjects of this batch that have no number yet.
constexpr uint64_t kUnnumbered = uint64_t{1} << 62;

uint64_t GroupOf(uint64_t subject, const store::v1::SubjectHead& head) {
  uint64_t lowest = subject;
  for (int64_t other : head.links()) {
    lowest = std::min(lowest, static_cast<uint64_t>(other));
  }
  return lowest;
}

uint32_t KindOf(const NormalizedIdentifier& identifier) {
  return FieldNumber(std::to_string(identifier.type) + "/" +
                     identifier.name_space);
}

// Erased, or about to be: nothing is added.
bool IsErased(const store::v1::SubjectHead& head) {
  return head.erasing() || head.erased_us() != 0;
}

// Once each.
void AddChoices(const store::v1::StandingChoices& choices,
                store::v1::SubjectHead* head, std::set<std::string>* changes) {
  const auto add = [](const auto& value, auto* list) {
    if (std::find(list->begin(), list->end(), value) != list->end()) {
      return false;
    }
    *list->Add() = value;
    return true;
  };
  for (const std::string& purpose : choices.objections()) {
    if (add(purpose, head->mutable_objections())) {
      changes->insert("objection." + purpose + "=set");
    }
  }
  for (const int32_t kind : choices.opt_outs()) {
    if (!v1::OptOutKind_IsValid(kind)) continue;
    if (add(kind, head->mutable_opt_outs())) {
      changes->insert("opt_out." +
                      v1::OptOutKind_Name(static_cast<v1::OptOutKind>(kind)) +
                      "=set");
    }
  }
  if (choices.global_privacy_control() && !head->global_privacy_control()) {
    head->set_global_privacy_control(true);
    changes->insert("gpc=set");
  }
}

std::string_view GroundName(const JoinDecision& decision) {
  return decision.conflicting.empty() ? "weak_or_contradicting"
                                      : "conflicting_identifiers";
}

}  // namespace

absl::StatusOr<std::vector<uint64_t>> BatchPlanner::HoldersOf(
    const NormalizedIdentifier& identifier) {
  std::set<uint64_t> holders;
  for (uint32_t epoch : epochs_->usable()) {
    CONSENTRY_ASSIGN_OR_RETURN(const crypto::BlindIndex key,
                               IdentifierKey(*epochs_, epoch, identifier));
    const auto seen = observations_.find(key);
    if (seen == observations_.end()) {
      Observation observed;
      observed.key = key;
      CONSENTRY_ASSIGN_OR_RETURN(
          Query query,
          connection_->Prepare(
              "SELECT subject FROM lookup WHERE key = $1 ORDER BY subject"));
      query.Bind(AsBytes(key));
      while (true) {
        CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
        if (!row) break;
        observed.subjects.push_back(static_cast<uint64_t>(query.Int64(0)));
      }
      holders.insert(observed.subjects.begin(), observed.subjects.end());
      observations_.emplace(key, std::move(observed));
    } else {
      holders.insert(seen->second.subjects.begin(),
                     seen->second.subjects.end());
    }
    if (const auto added = added_holders_.find(key);
        added != added_holders_.end()) {
      holders.insert(added->second.begin(), added->second.end());
    }
  }
  return std::vector<uint64_t>(holders.begin(), holders.end());
}

absl::StatusOr<NamedIdentifier> BatchPlanner::NameIdentifier(
    const CheckedIdentifier& checked) {
  NamedIdentifier named;
  named.verified = checked.verified;
  named.strong = checked.strong;
  named.shared = checked.shared;
  named.external = checked.identifier.type == v1::IDENTIFIER_TYPE_EXTERNAL_ID;
  named.own_namespace = checked.identifier.name_space == context_.source;
  named.kind = KindOf(checked.identifier);
  if (checked.shared && !named.external) return named;
  CONSENTRY_ASSIGN_OR_RETURN(const std::vector<uint64_t> holders,
                             HoldersOf(checked.identifier));
  if (holders.size() > kMaxGroup * kSharedHolders) {
    // Held by more than could be joined: shared, whoever they are.
    named.shared = true;
    return named;
  }
  std::set<uint64_t> groups;
  for (uint64_t subject : holders) {
    absl::StatusOr<Draft*> draft = LoadDraft(subject);
    if (absl::IsNotFound(draft.status())) continue;  // Erased.
    CONSENTRY_RETURN_IF_ERROR(draft.status());
    const store::v1::SubjectHead& head = (*draft)->head;
    Holder holder;
    holder.subject = subject;
    holder.group = GroupOf(subject, head);
    const uint64_t digest =
        IdentifierDigest(head.digest_key(), checked.identifier);
    for (const store::v1::HeldIdentifier& held : head.identifiers()) {
      if (held.digest() != digest) continue;
      holder.verified = holder.verified || held.verified();
      holder.same_source =
          holder.same_source || held.source() == context_.source;
    }
    named.holders.push_back(holder);
    groups.insert(holder.group);
    // Enough is known of a shared one: no more heads are read.
    if (groups.size() >= kSharedHolders && !named.external) break;
  }
  return named;
}

absl::StatusOr<BatchPlanner::Draft*> BatchPlanner::GivenSubject(
    uint64_t given, const std::vector<NamedIdentifier>& named,
    CheckedRow* checked) {
  absl::StatusOr<Draft*> draft = LoadDraft(given);
  if (absl::IsNotFound(draft.status()) ||
      (draft.ok() && IsErased((*draft)->head))) {
    AddFault(checked, "row", v1::ERROR_REASON_SUBJECT_ERASED, true);
    return nullptr;
  }
  CONSENTRY_RETURN_IF_ERROR(draft.status());
  // The subject is certain; identifiers that speak for somebody else are for
  // a person to look at.
  JoinDecision decision;
  const uint64_t group = GroupOf(given, (*draft)->head);
  for (size_t i = 0; i < named.size(); ++i) {
    if (named[i].shared || !named[i].strong) continue;
    for (const Holder& holder : named[i].holders) {
      if (holder.group == group) continue;
      const NormalizedIdentifier& identifier =
          checked->identifiers[i].identifier;
      AddFault(checked,
               IdentifierColumn(identifier.type, identifier.name_space),
               v1::ERROR_REASON_IDENTIFIER_CONFLICT, false);
      decision.conflicting.push_back(i);
      decision.candidates.push_back(holder.subject);
      break;
    }
  }
  CONSENTRY_RETURN_IF_ERROR(NoteCandidates(decision, *checked, *draft));
  return *draft;
}

absl::StatusOr<BatchPlanner::Draft*> BatchPlanner::FindSubject(
    const RowToWrite& row, uint64_t stored, CheckedRow* checked) {
  std::vector<NamedIdentifier> named;
  for (const CheckedIdentifier& identifier : checked->identifiers) {
    CONSENTRY_ASSIGN_OR_RETURN(NamedIdentifier one, NameIdentifier(identifier));
    named.push_back(std::move(one));
  }
  if (stored != 0 && row.subject != 0 && stored != row.subject) {
    // The source's record is somebody else's.
    AddFault(checked, "source_key", v1::ERROR_REASON_IDENTIFIER_CONFLICT, true);
    return nullptr;
  }
  if (row.subject != 0) return GivenSubject(row.subject, named, checked);
  if (stored != 0) return GivenSubject(stored, named, checked);
  if (checked->identifiers.empty()) {
    AddFault(checked, "row", v1::ERROR_REASON_IDENTIFIER_MISSING, true);
    return nullptr;
  }

  JoinDecision decision = DecideJoin(named);
  if (decision.subject != 0 && decision.ground != JoinGround::kOwnKey) {
    CONSENTRY_ASSIGN_OR_RETURN(Draft * candidate, LoadDraft(decision.subject));
    CONSENTRY_ASSIGN_OR_RETURN(const bool contradicts,
                               FactsContradict(*checked, candidate));
    if (contradicts) decision = Contradicted(decision);
  }
  for (size_t position : decision.conflicting) {
    const NormalizedIdentifier& identifier =
        checked->identifiers[position].identifier;
    AddFault(checked, IdentifierColumn(identifier.type, identifier.name_space),
             v1::ERROR_REASON_IDENTIFIER_CONFLICT, false);
  }
  Draft* draft = nullptr;
  if (decision.subject != 0) {
    CONSENTRY_ASSIGN_OR_RETURN(draft, LoadDraft(decision.subject));
    if (IsErased(draft->head)) {
      AddFault(checked, "row", v1::ERROR_REASON_SUBJECT_ERASED, true);
      return nullptr;
    }
  } else {
    draft = NewDraft();
  }
  CONSENTRY_RETURN_IF_ERROR(NoteCandidates(decision, *checked, draft));
  return draft;
}

absl::StatusOr<bool> BatchPlanner::HoldAgainstSuppression(CheckedRow* checked,
                                                          Draft* draft) {
  if (options_.suppression == nullptr) return true;
  const bool all_shared = std::all_of(
      checked->identifiers.begin(), checked->identifiers.end(),
      [](const CheckedIdentifier& identifier) { return identifier.shared; });
  bool erased = false;
  store::v1::StandingChoices choices;
  for (const CheckedIdentifier& identifier : checked->identifiers) {
    const uint64_t digest =
        IdentifierDigest(draft->head.digest_key(), identifier.identifier);
    const auto& held = draft->head.identifiers();
    if (std::any_of(held.begin(), held.end(), [digest](const auto& one) {
          return one.digest() == digest;
        })) {
      continue;  // Hers already.
    }
    CONSENTRY_ASSIGN_OR_RETURN(
        Suppression::Look look,
        options_.suppression->Find(connection_, identifier.identifier));
    suppression_seen_.insert(suppression_seen_.end(), look.seen.begin(),
                             look.seen.end());
    // An address that several people use says nothing about who comes.
    if (identifier.shared && !all_shared) continue;
    const bool returns = checked->new_relationship && checked->collected_told &&
                         checked->collected_us > look.erased_us;
    erased = erased || (look.erased && !returns);
    choices.MergeFrom(look.choices);
  }
  if (erased) {
    AddFault(checked, "row", v1::ERROR_REASON_SUBJECT_ERASED, true);
    return false;
  }
  if (!IsEmpty(choices)) {
    AddChoices(choices, &draft->head, &draft->changes);
    draft->standing.MergeFrom(choices);
    draft->narrowed = true;
  }
  return true;
}

absl::StatusOr<BatchPlanner::Draft*> BatchPlanner::LoadDraft(uint64_t subject) {
  const auto known = by_subject_.find(subject);
  if (known != by_subject_.end()) return known->second;
  CONSENTRY_ASSIGN_OR_RETURN(
      std::shared_ptr<const CachedSubject> base,
      options_.reader->ReadHead(connection_, subject, head_options_));
  auto draft = std::make_unique<Draft>();
  draft->subject = subject;
  draft->base = base;
  draft->base_version = base->version();
  draft->keys = std::shared_ptr<const crypto::SubjectKeys>(base, &base->keys());
  draft->head = base->head();
  draft->rows = 1;
  Draft* made = draft.get();
  by_subject_[subject] = made;
  drafts_.push_back(std::move(draft));
  return made;
}

BatchPlanner::Draft* BatchPlanner::NewDraft() {
  auto draft = std::make_unique<Draft>();
  draft->subject = kUnnumbered + drafts_.size();
  draft->public_id = crypto::NewObjectId();
  draft->head.set_public_id(
      crypto::FormatId(crypto::IdKind::kSubject, draft->public_id));
  std::string key(kDigestKeyBytes, '\0');
  randombytes_buf(key.data(), key.size());
  draft->head.set_digest_key(key);
  Draft* made = draft.get();
  by_subject_[made->subject] = made;
  drafts_.push_back(std::move(draft));
  return made;
}

absl::Status BatchPlanner::LoadRecords(const KindSpec& kind, Draft* draft) {
  if (!draft->loaded_kinds.insert(kind.number).second) return absl::OkStatus();
  if (draft->base == nullptr ||
      RecordCount(kind.kind->key(), draft->base->head()) == 0) {
    return absl::OkStatus();
  }
  const std::string_view key = kind.kind->key();
  CONSENTRY_ASSIGN_OR_RETURN(
      std::vector<StoredRecord> records,
      options_.reader->ReadRecords(connection_, *draft->base,
                                   std::span(&key, 1)));
  for (StoredRecord& record : records) {
    draft->records.push_back({.id = record.id,
                              .row_generation = record.row_generation,
                              .meta = std::move(record.meta)});
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> BatchPlanner::FactsContradict(const CheckedRow& row,
                                                   Draft* draft) {
  std::vector<std::string_view> birth_dates;
  for (const store::v1::SourcedText& date : draft->head.birth_dates()) {
    birth_dates.push_back(date.value());
  }
  if (BirthDatesContradict(row.birth_date, birth_dates)) return true;

  CONSENTRY_RETURN_IF_ERROR(LoadRecords(*row.kind, draft));
  std::vector<NamePair> names;
  for (const CheckedValue& value : row.values) {
    if (!value.spec->is_name) continue;
    const uint64_t digest =
        ValueDigest(draft->head.digest_key(), value.spec->number, value.value);
    for (const Draft::Known& known : draft->records) {
      for (const store::v1::FieldDigest& held : known.meta.digests()) {
        if (held.field() == value.spec->number) {
          names.push_back({.row = digest, .subject = held.digest()});
        }
      }
    }
    for (const StagedRow* staged : draft->staged) {
      for (const CheckedValue& other : staged->row.values) {
        if (other.spec != value.spec) continue;
        names.push_back(
            {.row = digest,
             .subject = ValueDigest(draft->head.digest_key(),
                                    other.spec->number, other.value)});
      }
    }
  }
  return NamesContradict(names);
}

absl::Status BatchPlanner::NoteCandidates(const JoinDecision& decision,
                                          const CheckedRow& row, Draft* draft) {
  for (uint64_t other : decision.candidates) {
    if (other == draft->subject) continue;
    if (draft->base != nullptr && other < kUnnumbered) {
      CONSENTRY_ASSIGN_OR_RETURN(
          Query query,
          connection_->Prepare("SELECT merge_id FROM merges WHERE subject = $1 "
                               "AND into_subject = $2 LIMIT 1"));
      query.Bind(static_cast<int64_t>(draft->subject),
                 static_cast<int64_t>(other));
      CONSENTRY_ASSIGN_OR_RETURN(const bool known, query.Step());
      if (known) continue;
    }
    Draft::Candidate& candidate = draft->candidates[other];
    candidate.ground = GroundName(decision);
    for (const CheckedIdentifier& identifier : row.identifiers) {
      if (identifier.strong && !identifier.shared) {
        candidate.types.insert(identifier.identifier.type);
      }
    }
  }
  return absl::OkStatus();
}
}  // namespace consentry::vault
