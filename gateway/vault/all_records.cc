#include "gateway/vault/all_records.h"

#include <algorithm>
#include <string>

#include "gateway/vault/head_codec.h"
#include "gateway/vault/record_number.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::vault {
namespace {

absl::Status Corrupt() {
  return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                   "a record is not one of ours");
}

}  // namespace

absl::StatusOr<std::vector<StoredRecord>> ReadAllRecords(
    store::Connection* connection, const CachedSubject& subject) {
  std::vector<StoredRecord> records;
  const auto& kinds = subject.head().kinds();
  for (int position = 0; position < kinds.size(); ++position) {
    const auto& kind = kinds[position];
    CONSENTRY_ASSIGN_OR_RETURN(
        store::Query query,
        connection->Prepare("SELECT record_id, row_gen, fields FROM records "
                            "WHERE record_no BETWEEN $1 AND $2"));
    const auto at = static_cast<uint32_t>(position);
    query.Bind(RecordNumber(subject.subject(), at, 0),
               RecordNumber(subject.subject(), at, kMaxRecordIndex));
    uint32_t count = 0;
    for (;;) {
      CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
      if (!row) break;
      StoredRecord record;
      const std::string_view id = query.Blob(0);
      const std::string_view fields = query.Blob(2);
      if (id.size() != record.id.size() ||
          !record.blob.ParseFromArray(fields.data(),
                                      static_cast<int>(fields.size()))) {
        return Corrupt();
      }
      std::copy(id.begin(), id.end(), record.id.begin());
      record.kind = kind.kind();
      record.row_generation = static_cast<uint32_t>(query.Int64(1));
      CONSENTRY_ASSIGN_OR_RETURN(
          record.meta, OpenMeta(subject.keys(), record.id, record.kind,
                                record.row_generation, record.blob));
      records.push_back(std::move(record));
      ++count;
    }
    if (count < kind.count()) return Corrupt();
  }
  return records;
}

}  // namespace consentry::vault
