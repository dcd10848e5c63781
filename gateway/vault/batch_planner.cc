#include "gateway/vault/batch_planner.h"

#include <sodium.h>

#include <algorithm>
#include <utility>

#include "gateway/vault/digest.h"
#include "gateway/vault/draft.h"
#include "gateway/vault/field_number.h"
#include "gateway/vault/head_codec.h"
#include "gateway/vault/head_update.h"
#include "gateway/vault/record_number.h"
#include "gateway/vault/wipe.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::vault {
namespace {

using store::Query;

absl::Status Invalid(std::string_view field, std::string_view message) {
  absl::Status status =
      MakeError(v1::ERROR_REASON_FIELD_INVALID, "the rows cannot be taken");
  AddFieldViolation(&status, {.field = std::string(field),
                              .description = std::string(message)});
  return status;
}

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

std::string_view GroundName(const JoinDecision& decision) {
  return decision.conflicting.empty() ? "weak_or_contradicting"
                                      : "conflicting_identifiers";
}

}  // namespace

BatchPlanner::BatchPlanner(const Options& options, const WriteContext& context)
    : options_(options), context_(context) {}

BatchPlanner::~BatchPlanner() = default;

absl::StatusOr<PlannedBatch> BatchPlanner::Plan(
    store::Connection* connection, std::span<const RowToWrite> rows,
    int64_t as_of_change, bool past_cache) {
  if (rows.size() > kMaxRowsPerChange) {
    return MakeError(v1::ERROR_REASON_TOO_LARGE, "more than 256 rows");
  }
  source_ = context_.catalog->FindSource(context_.source);
  if (source_ == nullptr) {
    return Invalid("source", "not a source of the catalog");
  }
  if (context_.purpose.empty()) return Invalid("purpose", "required");

  PlannedBatch planned;
  planned.writes = std::make_shared<WriteSet>(
      WriteSet::Options{.cache = options_.reader->cache(),
                        .identities = options_.identities,
                        .log_origin = options_.log_origin},
      context_.leaf);
  planned.writes->set_planned_on(as_of_change);
  head_options_.as_of_change = as_of_change;
  epochs_ = options_.epochs->keys();
  connection_ = connection;
  head_options_.past_cache = past_cache;
  head_options_.keep = false;
  head_options_.began = options_.reader->cache()->Now();
  outcomes_.resize(rows.size());
  {
    CONSENTRY_ASSIGN_OR_RETURN(const store::ReadTransaction snapshot,
                               store::ReadTransaction::Begin(connection));
    for (size_t i = 0; i < rows.size(); ++i) {
      outcomes_[i].result.set_number(rows[i].row->number());
      CONSENTRY_RETURN_IF_ERROR(PlanRow(rows[i], &outcomes_[i]));
    }
  }
  if (context_.validate_only) {
    planned.writes->mutable_leaf()->set_released_nothing(true);
  } else {
    CONSENTRY_RETURN_IF_ERROR(AllocateKeys());
    CONSENTRY_RETURN_IF_ERROR(AppendChoices());
    CONSENTRY_RETURN_IF_ERROR(Seal(planned.writes.get()));
  }
  planned.rows = std::move(outcomes_);
  return planned;
}

absl::Status BatchPlanner::PlanRow(const RowToWrite& row, RowOutcome* outcome) {
  RowCheckOptions check;
  check.catalog = context_.catalog.get();
  check.source = context_.source;
  check.home_country = options_.home_country;
  check.may_write_legal_facts = context_.may_write_legal_facts;
  check.now_us = context_.now_us;
  CheckedRow checked = CheckRow(*row.row, check);
  for (size_t i = 0; i < checked.choices.size();) {
    const absl::Status allowed =
        options_.consents == nullptr
            ? MakeError(v1::ERROR_REASON_ATTESTATION_NOT_ALLOWED, "no ledger")
            : options_.consents->CheckAttested(context_.leaf.client_id(),
                                               checked.choices[i],
                                               context_.now_us);
    if (allowed.ok()) {
      ++i;
      continue;
    }
    AddFault(&checked, "choices",
             ReasonOf(allowed).value_or(v1::ERROR_REASON_VALUE_MALFORMED),
             false);
    checked.choices.erase(checked.choices.begin() +
                          static_cast<std::ptrdiff_t>(i));
  }
  if (context_.strict && !checked.faults.empty()) checked.quarantined = true;

  const auto hold_back = [&](const CheckedRow& held) {
    outcome->result.set_outcome(v1::WRITE_OUTCOME_QUARANTINED);
    for (const v1::ImportFault& fault : held.faults) {
      *outcome->result.add_faults() = fault;
    }
  };
  if (checked.quarantined) {
    hold_back(checked);
    return absl::OkStatus();
  }

  crypto::BlindIndex row_key{};
  CONSENTRY_ASSIGN_OR_RETURN(std::optional<StoredRow> stored,
                             FindSourceRow(checked, &row_key));
  const uint64_t known = stored.has_value() ? stored->subject : 0;
  CONSENTRY_ASSIGN_OR_RETURN(Draft * draft, FindSubject(row, known, &checked));
  if (draft == nullptr) {
    hold_back(checked);
    return absl::OkStatus();
  }

  std::string content = ContentOf(checked, *draft);
  std::optional<RecordPlace> place;
  outcome->subject_id = draft->head.public_id();
  if (stored.has_value()) {
    outcome->record_id =
        crypto::FormatId(crypto::IdKind::kRecord, stored->record);
    bool unchanged = stored->content == content;
    if (!unchanged && stored->staged == nullptr) {
      CONSENTRY_RETURN_IF_ERROR(LoadStored(checked, *draft, &*stored));
    }
    if (!unchanged && checked.collected_us < stored->collected_us) {
      // Older than what is known of the record: it stays.
      AddFault(&checked, "row", v1::ERROR_REASON_ROW_DUPLICATE, false);
      unchanged = true;
    }
    if (unchanged) {
      outcome->result.set_outcome(v1::WRITE_OUTCOME_UNCHANGED);
      for (const v1::ImportFault& fault : checked.faults) {
        *outcome->result.add_faults() = fault;
      }
      return absl::OkStatus();
    }
  } else {
    place = AddRecord(checked.kind->kind->key(), &draft->head);
    if (!place.has_value()) {
      AddFault(&checked, "row", v1::ERROR_REASON_TOO_LARGE, true);
      hold_back(checked);
      return absl::OkStatus();
    }
  }

  FindConflicts(checked, draft, outcome);
  TakeIntoHead(&checked, draft);

  if (stored.has_value() && stored->staged != nullptr) {
    // An earlier row of this batch wrote the same record: this one replaces
    // what it left.
    StagedRow* staged = stored->staged;
    staged->content = std::move(content);
    staged->row = std::move(checked);
    staged->outcomes.push_back(outcome);
    outcome->result.set_outcome(v1::WRITE_OUTCOME_UPDATED);
    for (const v1::ImportFault& fault : staged->row.faults) {
      *outcome->result.add_faults() = fault;
    }
    draft->Note(staged->row, v1::WRITE_OUTCOME_UPDATED);
    return absl::OkStatus();
  }
  auto staged = std::make_unique<StagedRow>();
  staged->draft = draft;
  staged->key = row_key;
  staged->content = std::move(content);
  staged->is_new = !stored.has_value();
  staged->number = stored.has_value() ? stored->number : 0;
  staged->place = place.value_or(RecordPlace());
  staged->record = stored.has_value() ? stored->record : crypto::NewObjectId();
  staged->row_generation = stored.has_value() ? stored->row_generation + 1 : 1;
  staged->row = std::move(checked);
  staged->outcomes.push_back(outcome);
  outcome->record_id =
      crypto::FormatId(crypto::IdKind::kRecord, staged->record);
  outcome->result.set_outcome(staged->is_new ? v1::WRITE_OUTCOME_CREATED
                                             : v1::WRITE_OUTCOME_UPDATED);
  outcome->result.set_joined(staged->is_new && draft->rows > 0);
  for (const v1::ImportFault& fault : staged->row.faults) {
    *outcome->result.add_faults() = fault;
  }
  draft->Note(staged->row, outcome->result.outcome());
  ++draft->rows;
  draft->staged.push_back(staged.get());
  added_rows_[row_key] = staged.get();
  staged_.push_back(std::move(staged));
  return absl::OkStatus();
}

absl::StatusOr<std::optional<BatchPlanner::StoredRow>>
BatchPlanner::FindSourceRow(const CheckedRow& row, crypto::BlindIndex* key) {
  for (uint32_t epoch : epochs_->usable()) {
    CONSENTRY_ASSIGN_OR_RETURN(
        const crypto::BlindIndex candidate,
        SourceRowKey(*epochs_, epoch, context_.source, row.kind->kind->key(),
                     row.source_key));
    if (epoch == epochs_->current()) *key = candidate;
    if (const auto added = added_rows_.find(candidate);
        added != added_rows_.end()) {
      StagedRow* staged = added->second;
      StoredRow stored;
      stored.subject = staged->draft->subject;
      stored.record = staged->record;
      stored.content = staged->content;
      stored.collected_us = staged->row.collected_us;
      stored.staged = staged;
      return std::optional<StoredRow>(std::move(stored));
    }
    CONSENTRY_ASSIGN_OR_RETURN(
        Query query,
        connection_->Prepare("SELECT record_no, record_id, content_hash "
                             "FROM source_rows WHERE row_key = $1"));
    query.Bind(AsBytes(candidate));
    CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
    Observation& seen = observations_[candidate];
    seen.key = candidate;
    seen.source_row = true;
    if (!found) continue;
    StoredRow stored;
    stored.number = query.Int64(0);
    stored.subject = SubjectOfRecord(stored.number);
    seen.subjects = {stored.subject};
    const std::string_view record = query.Blob(1);
    if (record.size() != stored.record.size()) {
      return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                       "a row of a source names no record");
    }
    std::copy(record.begin(), record.end(), stored.record.begin());
    stored.content = std::string(query.Blob(2));
    *key = candidate;
    return std::optional<StoredRow>(std::move(stored));
  }
  return std::optional<StoredRow>();
}

absl::Status BatchPlanner::LoadStored(const CheckedRow& row, const Draft& draft,
                                      StoredRow* stored) {
  CONSENTRY_ASSIGN_OR_RETURN(
      Query query,
      connection_->Prepare(
          "SELECT row_gen, fields FROM records WHERE record_no = $1"));
  query.Bind(stored->number);
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  store::v1::RecordBlob blob;
  if (!found || !blob.ParseFromArray(query.Blob(1).data(),
                                     static_cast<int>(query.Blob(1).size()))) {
    return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                     "a row of a source names no record");
  }
  stored->row_generation = static_cast<uint32_t>(query.Int64(0));
  CONSENTRY_ASSIGN_OR_RETURN(
      const store::v1::RecordMeta meta,
      OpenMeta(*draft.keys, stored->record, row.kind->kind->key(),
               stored->row_generation, blob));
  stored->collected_us = meta.collected_us();
  return absl::OkStatus();
}

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
      (draft.ok() && (*draft)->head.erasing())) {
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
    if (draft->head.erasing()) {
      AddFault(checked, "row", v1::ERROR_REASON_SUBJECT_ERASED, true);
      return nullptr;
    }
  } else {
    draft = NewDraft();
  }
  CONSENTRY_RETURN_IF_ERROR(NoteCandidates(decision, *checked, draft));
  return draft;
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

std::string BatchPlanner::ContentOf(const CheckedRow& row,
                                    const Draft& draft) const {
  // The time at which a row is taken is no content: a file without times that
  // is imported again tells nothing new.
  Digester digester(draft.head.digest_key());
  digester.AddNumber(row.kind->number);
  digester.AddText(row.source_key);
  digester.AddText(context_.purpose);
  digester.AddNumber(row.values.size());
  for (const CheckedValue& value : row.values) {
    digester.AddNumber(value.spec->number);
    digester.AddValue(value.value);
  }
  std::vector<std::pair<uint64_t, bool>> identifiers;
  for (const CheckedIdentifier& identifier : row.identifiers) {
    identifiers.emplace_back(
        IdentifierDigest(draft.head.digest_key(), identifier.identifier),
        identifier.verified);
  }
  std::sort(identifiers.begin(), identifiers.end());
  digester.AddNumber(identifiers.size());
  for (const auto& [digest, verified] : identifiers) {
    digester.AddNumber(digest);
    digester.AddNumber(verified ? 1 : 0);
  }
  digester.AddNumber(
      row.collected_told ? static_cast<uint64_t>(row.collected_us) : 0);
  digester.AddText(row.residence);
  digester.AddText(row.location);
  digester.AddText(row.birth_date);
  digester.AddNumber(row.choices.size());
  for (const v1::ImportedChoice& choice : row.choices) {
    digester.AddText(choice.SerializeAsString());
  }
  return digester.Long();
}

void BatchPlanner::TakeIntoHead(CheckedRow* row, Draft* draft) {
  store::v1::SubjectHead* head = &draft->head;
  const std::string& source = context_.source;
  const auto take_fact = [&](std::string_view column, const std::string& value,
                             auto* texts) {
    if (value.empty()) return;
    if (!TakeSourcedText(value, source, row->collected_us, texts)) {
      AddFault(row, column, v1::ERROR_REASON_TOO_LARGE, false);
    }
  };
  take_fact("residence", row->residence, head->mutable_residences());
  take_fact("location", row->location, head->mutable_locations());
  take_fact("birth_date", row->birth_date, head->mutable_birth_dates());
  TakeContext(*row, source, head);

  for (const CheckedIdentifier& identifier : row->identifiers) {
    const uint64_t digest =
        IdentifierDigest(head->digest_key(), identifier.identifier);
    if (!TakeIdentifier(identifier, digest, source, row->collected_us, head)) {
      AddFault(row,
               IdentifierColumn(identifier.identifier.type,
                                identifier.identifier.name_space),
               v1::ERROR_REASON_TOO_LARGE, false);
      continue;
    }
    const absl::StatusOr<std::vector<uint64_t>> holders =
        HoldersOf(identifier.identifier);
    if (!holders.ok() ||
        std::binary_search(holders->begin(), holders->end(), draft->subject)) {
      continue;
    }
    const absl::StatusOr<crypto::BlindIndex> key =
        IdentifierKey(*epochs_, epochs_->current(), identifier.identifier);
    if (!key.ok()) continue;
    added_holders_[*key].insert(draft->subject);
    draft->lookups.push_back(
        {.key = *key, .digest = digest, .identifier = identifier.identifier});
  }
}

void BatchPlanner::FindConflicts(const CheckedRow& row, Draft* draft,
                                 RowOutcome* outcome) {
  if (!row.kind->kind->single() || !LoadRecords(*row.kind, draft).ok()) return;
  std::set<std::string> conflicts;
  const std::string& key = draft->head.digest_key();
  for (const CheckedValue& value : row.values) {
    const uint64_t digest = ValueDigest(key, value.spec->number, value.value);
    for (const Draft::Known& known : draft->records) {
      if (known.meta.source() == context_.source) continue;
      for (const store::v1::FieldDigest& held : known.meta.digests()) {
        if (held.field() == value.spec->number && held.digest() != digest) {
          conflicts.insert(value.spec->full_name);
        }
      }
    }
  }
  for (const std::string& field : conflicts) {
    outcome->result.add_conflicts(field);
  }
}

}  // namespace consentry::vault
