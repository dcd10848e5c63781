#include "gateway/vault/remove_record.h"

#include <cstdint>

#include "gateway/vault/head_update.h"
#include "gateway/vault/record_number.h"
#include "proto/support/status_macros.h"

namespace consentry::vault {

absl::StatusOr<bool> RemoveRecord(const store::ChangeContext& context,
                                  std::string_view kind,
                                  const crypto::ObjectId& record,
                                  HeadEdit* head) {
  const auto position = KindPosition(kind, head->head());
  if (!position) return false;
  int64_t number = 0;
  {
    CONSENTRY_ASSIGN_OR_RETURN(
        auto query, context.connection()->Prepare(
                        "SELECT record_no FROM records WHERE record_no >= $1 "
                        "AND record_no <= $2 AND record_id = $3"));
    query.Bind(RecordNumber(head->subject(), *position, 0),
               RecordNumber(head->subject(), *position, kMaxRecordIndex),
               std::string_view(reinterpret_cast<const char*>(record.data()),
                                record.size()));
    CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
    if (!found) return false;
    number = query.Int64(0);
  }
  for (const char* sql : {"DELETE FROM records WHERE record_no = $1",
                          "DELETE FROM source_rows WHERE record_no = $1"}) {
    CONSENTRY_ASSIGN_OR_RETURN(auto query, context.connection()->Prepare(sql));
    CONSENTRY_RETURN_IF_ERROR(query.Bind(number).Run());
  }
  store::v1::KindCount* const counted =
      head->head().mutable_kinds(static_cast<int>(*position));
  if (counted->count() > 0) counted->set_count(counted->count() - 1);
  return true;
}

}  // namespace consentry::vault
