// The second half of BatchPlanner: keys, choices, sealing.

#include <utility>

#include "gateway/crypto/sealer.h"
#include "gateway/vault/batch_planner.h"
#include "gateway/vault/digest.h"
#include "gateway/vault/draft.h"
#include "gateway/vault/due_month.h"
#include "gateway/vault/head_codec.h"
#include "gateway/vault/record_number.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::vault {
namespace {

// When the first value of the record is due.
int64_t DueMonthOf(const CheckedRow& row) {
  uint32_t months = 0;
  const auto take = [&months](const FieldSpec& field) {
    if (months == 0 || field.kept_months < months) months = field.kept_months;
  };
  for (const CheckedValue& value : row.values) take(*value.spec);
  if (months == 0) {
    for (const auto& [key, spec] : row.kind->fields) take(spec);
  }
  return DueMonth(row.collected_us, months);
}

}  // namespace

absl::Status BatchPlanner::AllocateKeys() {
  uint32_t count = 0;
  for (const std::unique_ptr<Draft>& draft : drafts_) {
    if (draft->base == nullptr && !draft->staged.empty()) ++count;
  }
  uint64_t next = 0;
  if (count > 0) {
    CONSENTRY_ASSIGN_OR_RETURN(
        next, options_.slots->Allocate(count, context_.now_us));
  }
  for (const std::unique_ptr<Draft>& draft : drafts_) {
    if (draft->base != nullptr) {
      draft->number = draft->subject;
    } else if (!draft->staged.empty()) {
      draft->number = next++;
      CONSENTRY_ASSIGN_OR_RETURN(crypto::SubjectKeys keys,
                                 options_.slots->Load(draft->number));
      draft->keys =
          std::make_shared<const crypto::SubjectKeys>(std::move(keys));
    }
  }
  return absl::OkStatus();
}

absl::Status BatchPlanner::AppendChoices() {
  if (options_.consents == nullptr) return absl::OkStatus();
  for (const std::unique_ptr<Draft>& draft : drafts_) {
    if (draft->staged.empty() || draft->standing.refusals().empty()) continue;
    ConsentTarget target;
    target.connection = draft->base != nullptr ? connection_ : nullptr;
    target.keys = draft->keys.get();
    target.source = context_.source;
    target.now_us = context_.now_us;
    CONSENTRY_RETURN_IF_ERROR(options_.consents->AppendStanding(
        target, draft->standing, &draft->head, &draft->consents));
  }
  for (const std::unique_ptr<StagedRow>& staged : staged_) {
    Draft* draft = staged->draft;
    ConsentTarget target;
    target.connection = draft->base != nullptr ? connection_ : nullptr;
    target.keys = draft->keys.get();
    target.client_id = context_.leaf.client_id();
    target.source = context_.source;
    target.now_us = context_.now_us;
    for (const v1::ImportedChoice& choice : staged->row.choices) {
      const absl::Status appended = options_.consents->AppendAttested(
          target, choice, &draft->head, &draft->consents);
      if (appended.ok()) continue;
      const std::optional<v1::ErrorReason> reason = ReasonOf(appended);
      // Faults of the choice belong to the row; others stop the batch.
      if (!absl::IsInvalidArgument(appended) &&
          !absl::IsPermissionDenied(appended)) {
        return appended;
      }
      for (RowOutcome* outcome : staged->outcomes) {
        v1::ImportFault* fault = outcome->result.add_faults();
        fault->set_column("choices");
        fault->set_reason(reason.value_or(v1::ERROR_REASON_VALUE_MALFORMED));
      }
    }
  }
  return absl::OkStatus();
}

absl::Status BatchPlanner::Seal(WriteSet* writes) {
  for (const std::unique_ptr<Draft>& draft : drafts_) {
    if (draft->staged.empty()) continue;
    SubjectWrite write;
    write.subject = draft->number;
    write.base_version = draft->base_version;
    write.public_id = draft->public_id;
    write.keys = draft->keys;
    CONSENTRY_RETURN_IF_ERROR(SealLookups(draft.get(), &write));
    CONSENTRY_RETURN_IF_ERROR(SealRecords(draft.get(), &write));
    CONSENTRY_RETURN_IF_ERROR(SealCandidates(draft.get(), &write));
    write.consent_rows = std::move(draft->consents.rows);
    write.changes.assign(draft->changes.begin(), draft->changes.end());
    for (std::string& change : draft->consents.changes) {
      write.changes.push_back(std::move(change));
    }
    if (draft->consents.negative || draft->narrowed) writes->set_negative();
    write.head = std::move(draft->head);
    writes->mutable_subjects()->push_back(std::move(write));
  }
  for (auto& [key, seen] : observations_) {
    writes->mutable_observations()->push_back(std::move(seen));
  }
  writes->set_suppression(options_.suppression, std::move(suppression_seen_));
  return absl::OkStatus();
}

absl::Status BatchPlanner::SealLookups(Draft* draft, SubjectWrite* write) {
  if (draft->base == nullptr) {
    write->lookups.push_back({.key = PublicIdKey(draft->public_id)});
  }
  for (const Draft::Lookup& lookup : draft->lookups) {
    write->lookups.push_back(
        {.key = lookup.key, .kind = lookup.identifier.type});
    for (store::v1::HeldIdentifier& held : *draft->head.mutable_identifiers()) {
      if (held.digest() != lookup.digest) continue;
      CONSENTRY_ASSIGN_OR_RETURN(
          *held.mutable_sealed(),
          crypto::Sealer::Seal(
              *draft->keys,
              IdentifierContext(lookup.digest, lookup.identifier.name_space),
              lookup.identifier.value));
      break;
    }
  }
  return absl::OkStatus();
}

absl::Status BatchPlanner::SealRecords(Draft* draft, SubjectWrite* write) {
  for (const StagedRow* staged : draft->staged) {
    const CheckedRow& row = staged->row;
    store::v1::RecordMeta meta;
    const WipeAtEnd wipe_meta(&meta);
    meta.set_collected_us(row.collected_us);
    meta.set_updated_us(context_.now_us);
    meta.set_purpose(context_.purpose);
    meta.set_source(context_.source);
    meta.set_source_key(row.source_key);

    store::v1::RecordBlob blob;
    std::string plain;
    const WipeAtEnd wipe_plain(&plain);
    for (const CheckedValue& value : row.values) {
      store::v1::FieldDigest* digest = meta.add_digests();
      digest->set_field(value.spec->number);
      digest->set_digest(ValueDigest(draft->head.digest_key(),
                                     value.spec->number, value.value));
      value.value.SerializeToString(&plain);
      store::v1::SealedField* field = blob.add_fields();
      field->set_field(value.spec->number);
      CONSENTRY_ASSIGN_OR_RETURN(
          *field->mutable_sealed(),
          crypto::Sealer::Seal(
              *draft->keys,
              ValueContext(staged->record, value.spec->full_name,
                           staged->row_generation),
              plain));
    }
    CONSENTRY_ASSIGN_OR_RETURN(
        *blob.mutable_meta(),
        SealMeta(*draft->keys, staged->record, row.kind->kind->key(),
                 staged->row_generation, meta));

    RecordRow record;
    record.id = staged->record;
    record.kind = row.kind->number;
    record.number = staged->is_new
                        ? RecordNumber(draft->number, staged->place.position,
                                       staged->place.index)
                        : staged->number;
    record.row_generation = staged->row_generation;
    record.due_month = DueMonthOf(row);
    record.fields = blob.SerializeAsString();
    write->source_rows.push_back({.key = staged->key,
                                  .content = staged->content,
                                  .record_number = record.number,
                                  .record = staged->record});
    write->records.push_back(std::move(record));
  }
  return absl::OkStatus();
}

absl::Status BatchPlanner::SealCandidates(Draft* draft, SubjectWrite* write) {
  for (const auto& [other, candidate] : draft->candidates) {
    const uint64_t number = by_subject_.at(other)->number;
    if (number == 0 || number == draft->number) continue;
    store::v1::MergeGrounds grounds;
    grounds.set_ground(std::string(candidate.ground));
    grounds.set_time_us(context_.now_us);
    for (int32_t type : candidate.types) grounds.add_identifier_types(type);
    CandidateRow row;
    row.other = number;
    CONSENTRY_ASSIGN_OR_RETURN(row.grounds,
                               SealGrounds(*draft->keys, number, grounds));
    write->candidates.push_back(std::move(row));
  }
  return absl::OkStatus();
}

}  // namespace consentry::vault
