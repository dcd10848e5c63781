#include "gateway/vault/vault_writer.h"

#include <utility>

#include "gateway/vault/wipe.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::vault {
namespace {

constexpr int kMaxAttempts = 3;

bool IsStale(const absl::Status& status) {
  const std::optional<v1::ErrorReason> reason = ReasonOf(status);
  return reason == v1::ERROR_REASON_ETAG_MISMATCH ||
         reason == v1::ERROR_REASON_CONTENDED;
}

constexpr std::string_view kReasonPrefix = "ERROR_REASON_";

absl::Status Refused(const v1::ImportRowResult& result) {
  const v1::ErrorReason first = result.faults_size() > 0
                                    ? result.faults(0).reason()
                                    : v1::ERROR_REASON_FIELD_INVALID;
  absl::Status status = MakeError(first, "the record cannot be taken");
  for (const v1::ImportFault& fault : result.faults()) {
    AddFieldViolation(&status,
                      {.field = fault.column(),
                       .description = v1::ErrorReason_Name(fault.reason())
                                          .substr(kReasonPrefix.size())});
  }
  return status;
}

absl::Status BadRequest(std::string_view field, std::string_view message) {
  absl::Status status =
      MakeError(v1::ERROR_REASON_FIELD_INVALID, "the record cannot be taken");
  AddFieldViolation(&status, {.field = std::string(field),
                              .description = std::string(message)});
  return status;
}

// What a repetition is answered with: ids and an outcome, nothing else.
std::string EncodeResult(const RowOutcome& row) {
  v1::WriteRecordResponse response;
  response.set_record_id(row.record_id);
  response.set_subject_id(row.subject_id);
  response.set_outcome(row.result.outcome());
  return response.SerializeAsString();
}

}  // namespace

VaultWriter::VaultWriter(Options options)
    : options_(std::move(options)),
      planner_{.epochs = options_.epochs,
               .slots = options_.slots,
               .reader = options_.reader,
               .consents = options_.consents,
               .suppression = options_.suppression,
               .identities = &identities_,
               .home_country = options_.home_country,
               .log_origin = options_.log_origin} {}

absl::StatusOr<VaultWriter::Committed> VaultWriter::Write(
    const WriteContext& context, std::span<const RowToWrite> rows,
    const std::optional<store::RequestBinding>& binding) {
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    PlannedBatch planned;
    const int64_t as_of_change = options_.committer->LastStored();
    {
      CONSENTRY_ASSIGN_OR_RETURN(store::ReaderPool::Lease connection,
                                 options_.readers->Acquire());
      BatchPlanner planner(planner_, context);
      CONSENTRY_ASSIGN_OR_RETURN(
          planned,
          planner.Plan(connection.get(), rows, as_of_change, attempt > 0));
    }
    if (binding.has_value() && planned.rows.size() == 1) {
      planned.writes->set_result(EncodeResult(planned.rows.front()));
    }
    store::Change change;
    change.negative = planned.writes->negative();
    change.request = binding;
    change.apply = [writes = planned.writes](store::ChangeContext& applied) {
      return writes->Apply(applied);
    };
    store::ChangeOutcome outcome =
        options_.committer->CommitChangeAndWait(std::move(change));
    if (outcome.status.ok()) {
      return Committed{.rows = std::move(planned.rows),
                       .outcome = std::move(outcome)};
    }
    if (!IsStale(outcome.status)) return outcome.status;
  }
  return MakeError(v1::ERROR_REASON_CONTENDED,
                   "what the rows depend on keeps changing");
}

absl::StatusOr<WrittenRows> VaultWriter::WriteRows(
    const WriteContext& context, std::span<const v1::ImportRow* const> rows) {
  std::vector<RowToWrite> to_write;
  to_write.reserve(rows.size());
  for (const v1::ImportRow* row : rows) to_write.push_back({.row = row});
  CONSENTRY_ASSIGN_OR_RETURN(Committed committed,
                             Write(context, to_write, std::nullopt));
  return WrittenRows{.rows = std::move(committed.rows),
                     .change = committed.outcome.change,
                     .log_index = committed.outcome.log_index};
}

absl::StatusOr<WrittenRecord> VaultWriter::WriteRecord(
    const v1::WriteRecordRequest& request, WriteContext context,
    std::optional<store::RequestBinding> binding) {
  v1::ImportRow row;
  const WipeAtEnd wipe(row.mutable_legal_facts());
  row.set_number(1);
  row.set_kind(request.kind());
  row.set_source_key(request.source_key());
  row.set_new_relationship(request.new_relationship());
  *row.mutable_values() = request.values();
  *row.mutable_legal_facts() = request.legal_facts();
  if (request.has_collect_time()) {
    *row.mutable_collect_time() = request.collect_time();
  }
  context.source = request.source();
  context.purpose = request.purpose();
  context.validate_only = request.validate_only();
  context.strict = true;

  RowToWrite to_write{.row = &row};
  if (request.subjects().empty()) return BadRequest("subjects", "required");
  for (const v1::SubjectRef& ref : request.subjects()) {
    if (ref.has_identifier()) {
      *row.add_identifiers() = ref.identifier();
      continue;
    }
    if (request.subjects_size() != 1) {
      return BadRequest("subjects", "one subject id, or identifiers");
    }
    CONSENTRY_ASSIGN_OR_RETURN(const LookupKey key,
                               options_.reader->MakeKey(ref));
    CONSENTRY_ASSIGN_OR_RETURN(store::ReaderPool::Lease connection,
                               options_.readers->Acquire());
    CONSENTRY_ASSIGN_OR_RETURN(const std::optional<uint64_t> subject,
                               options_.reader->Resolve(connection.get(), key));
    if (!subject.has_value()) {
      return MakeError(v1::ERROR_REASON_ACCESS_DENIED,
                       "the subject may not be written, or there is none");
    }
    to_write.subject = *subject;
  }

  CONSENTRY_ASSIGN_OR_RETURN(Committed committed,
                             Write(context, std::span(&to_write, 1), binding));
  WrittenRecord written;
  written.change = committed.outcome.change;
  written.log_index = committed.outcome.log_index;
  written.repeated = committed.outcome.repeated;
  if (written.repeated) {
    v1::WriteRecordResponse first;
    if (!first.ParseFromString(committed.outcome.result)) {
      return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                       "a kept result is not one of ours");
    }
    // What was refused then is refused again, in the words of today.
    if (first.outcome() == v1::WRITE_OUTCOME_QUARANTINED) {
      return Refused(committed.rows.front().result);
    }
    written.record_id = first.record_id();
    written.subject_id = first.subject_id();
    written.outcome = first.outcome();
    return written;
  }
  const RowOutcome& outcome = committed.rows.front();
  if (outcome.result.outcome() == v1::WRITE_OUTCOME_QUARANTINED) {
    return Refused(outcome.result);
  }
  written.record_id = outcome.record_id;
  written.subject_id = outcome.subject_id;
  written.outcome = outcome.result.outcome();
  return written;
}

}  // namespace consentry::vault
