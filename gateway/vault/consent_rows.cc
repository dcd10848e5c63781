#include "gateway/vault/consent_sink.h"
#include "proto/support/status_macros.h"

namespace consentry::vault {

absl::Status InsertConsentRows(store::Connection* connection, int64_t subject,
                               const std::vector<ConsentRow>& rows) {
  CONSENTRY_RETURN_IF_ERROR(store::RunMany(
      connection,
      "INSERT INTO consent_events (subject, seq, row_gen, event) "
      "VALUES ($1, $2, $3, $4)",
      rows.size(), [&](store::Query& query, size_t i) {
        query.Bind(subject, rows[i].seq,
                   static_cast<int64_t>(rows[i].row_generation), rows[i].event);
      }));
  CONSENTRY_RETURN_IF_ERROR(store::RunMany(
      connection,
      "INSERT INTO consent_event_ids (event_id, subject) VALUES ($1, $2)",
      rows.size(), [&](store::Query& query, size_t i) {
        query.Bind(rows[i].event_id, subject);
      }));
  for (const ConsentRow& row : rows) {
    if (row.due_hour == 0) continue;
    CONSENTRY_ASSIGN_OR_RETURN(
        auto query, connection->Prepare(
                        "INSERT INTO consent_ends (due_hour, subject) VALUES "
                        "($1, $2) ON CONFLICT (due_hour, subject) DO NOTHING"));
    query.Bind(row.due_hour, subject);
    CONSENTRY_RETURN_IF_ERROR(query.Run());
  }
  return absl::OkStatus();
}

}  // namespace consentry::vault
