#include "gateway/vault/batch_planner.h"

#include <algorithm>
#include <utility>

#include "gateway/vault/digest.h"
#include "gateway/vault/draft.h"
#include "gateway/vault/head_codec.h"
#include "gateway/vault/head_update.h"
#include "gateway/vault/record_number.h"
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

  epochs_ = options_.epochs->keys();
  PlannedBatch planned;
  planned.writes = std::make_shared<WriteSet>(
      WriteSet::Options{.cache = options_.reader->cache(),
                        .identities = options_.identities,
                        .epochs = options_.epochs,
                        .planned_epoch = epochs_->current(),
                        .log_origin = options_.log_origin},
      context_.leaf);
  planned.writes->set_planned_on(as_of_change);
  head_options_.as_of_change = as_of_change;
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
  CONSENTRY_ASSIGN_OR_RETURN(const bool wanted,
                             HoldAgainstSuppression(&checked, draft));
  if (!wanted) {
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
