#include "gateway/upkeep/held_record.h"

#include <algorithm>
#include <utility>

#include "gateway/vault/head_codec.h"
#include "gateway/vault/record_number.h"
#include "gateway/vault/wipe.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::upkeep {
namespace {

absl::Status Corrupt(std::string_view what) {
  return MakeError(v1::ERROR_REASON_DATA_CORRUPT, what);
}

// The row that `query` stands on: number, id, generation, due month, fields.
absl::StatusOr<HeldRecord> Decode(const crypto::SubjectKeys& keys,
                                  const store::v1::SubjectHead& head,
                                  const store::Query& query) {
  HeldRecord record;
  record.number = query.Int64(0);
  const std::string_view id = query.Blob(1);
  const std::string_view fields = query.Blob(4);
  const auto position = static_cast<int>(
      record.number >> vault::kRecordIndexBits & vault::kMaxKindPosition);
  if (id.size() != record.id.size() || position >= head.kinds_size() ||
      !record.blob.ParseFromArray(fields.data(),
                                  static_cast<int>(fields.size()))) {
    return Corrupt("a record is not one of ours");
  }
  std::copy(id.begin(), id.end(), record.id.begin());
  record.kind = head.kinds(position).kind();
  record.row_generation = static_cast<uint32_t>(query.Int64(2));
  record.due_month = query.Int64(3);
  CONSENTRY_ASSIGN_OR_RETURN(
      record.meta, vault::OpenMeta(keys, record.id, record.kind,
                                   record.row_generation, record.blob));
  return record;
}

}  // namespace

HeldSubject::~HeldSubject() { vault::WipeMessage(&head); }

absl::StatusOr<std::optional<HeldSubject>> ReadHeldSubject(
    store::Connection* connection, const crypto::SlotFile& slots,
    uint64_t subject) {
  auto keys = slots.Load(subject);
  if (absl::IsNotFound(keys.status()) ||
      absl::IsFailedPrecondition(keys.status())) {
    return std::optional<HeldSubject>();
  }
  if (absl::IsDataLoss(keys.status())) {
    return Corrupt("a subject's keys do not verify");
  }
  CONSENTRY_RETURN_IF_ERROR(keys.status());
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query, connection->Prepare(
                      "SELECT version, head FROM subjects WHERE subject = $1"));
  query.Bind(static_cast<int64_t>(subject));
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  if (!found) return std::optional<HeldSubject>();
  HeldSubject held(*std::move(keys));
  held.version = query.Int64(0);
  CONSENTRY_ASSIGN_OR_RETURN(
      held.head, vault::OpenHead(held.keys, held.version, query.Blob(1)));
  return std::optional<HeldSubject>(std::move(held));
}

HeldRecord::~HeldRecord() {
  vault::WipeString(meta.mutable_source_key());
  vault::WipeString(meta.mutable_purpose());
  vault::WipeString(meta.mutable_source());
}

absl::StatusOr<std::optional<HeldRecord>> ReadHeldRecord(
    store::Connection* connection, const crypto::SubjectKeys& keys,
    const store::v1::SubjectHead& head, int64_t number) {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare("SELECT record_no, record_id, row_gen, due_month, "
                          "fields FROM records WHERE record_no = $1"));
  query.Bind(number);
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  if (!found) return std::optional<HeldRecord>();
  CONSENTRY_ASSIGN_OR_RETURN(HeldRecord record, Decode(keys, head, query));
  return std::optional<HeldRecord>(std::move(record));
}

absl::StatusOr<std::vector<HeldRecord>> ReadHeldRecords(
    store::Connection* connection, const crypto::SubjectKeys& keys,
    const store::v1::SubjectHead& head) {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare("SELECT record_no, record_id, row_gen, due_month, "
                          "fields FROM records WHERE record_no BETWEEN $1 AND "
                          "$2 ORDER BY record_no"));
  query.Bind(vault::RecordNumber(keys.subject(), 0, 0),
             vault::RecordNumber(keys.subject(), vault::kMaxKindPosition,
                                 vault::kMaxRecordIndex));
  std::vector<HeldRecord> records;
  while (true) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) return records;
    CONSENTRY_ASSIGN_OR_RETURN(HeldRecord record, Decode(keys, head, query));
    records.push_back(std::move(record));
  }
}

}  // namespace consentry::upkeep
