#include "gateway/erasure/remove_rows.h"

#include <string_view>
#include <vector>

#include "consentry/store/v1/subject.pb.h"
#include "gateway/crypto/sealer.h"
#include "gateway/vault/record_number.h"
#include "proto/support/status_macros.h"

namespace consentry::erasure {
namespace {

using store::Query;

// Each takes a subject and a limit.
constexpr std::string_view kOfSubject[] = {
    // Answers to requests that changed her, as long as her versions tell which.
    "DELETE FROM requests WHERE change_number IN (SELECT change_number FROM "
    "requests WHERE change_number IN (SELECT version FROM facts WHERE subject "
    "= $1 UNION ALL SELECT version FROM subjects WHERE subject = $1) LIMIT $2)",
    "DELETE FROM facts WHERE subject = $1 AND version IN (SELECT version FROM "
    "facts WHERE subject = $1 LIMIT $2)",
    "DELETE FROM consent_events WHERE subject = $1 AND seq IN (SELECT seq FROM "
    "consent_events WHERE subject = $1 LIMIT $2)",
    "DELETE FROM logins WHERE login_no IN (SELECT login_no FROM logins WHERE "
    "subject = $1 LIMIT $2)",
    "DELETE FROM consent_event_ids WHERE event_id IN (SELECT event_id FROM "
    "consent_event_ids WHERE subject = $1 LIMIT $2)",
    "DELETE FROM consent_ends WHERE subject = $1 AND due_hour IN (SELECT "
    "due_hour FROM consent_ends WHERE subject = $1 LIMIT $2)",
    "DELETE FROM double_opt_ins WHERE handle IN (SELECT handle FROM "
    "double_opt_ins WHERE subject = $1 LIMIT $2)",
    "DELETE FROM merges WHERE merge_id IN (SELECT merge_id FROM merges WHERE "
    "subject = $1 LIMIT $2)",
    "DELETE FROM merges WHERE merge_id IN (SELECT merge_id FROM merges WHERE "
    "into_subject = $1 LIMIT $2)",
    "DELETE FROM jobs WHERE job_id IN (SELECT job_id FROM jobs WHERE subject = "
    "$1 LIMIT $2)",
};
// Behind the parts that have more to do with rows of theirs.
constexpr std::string_view kOfSubjectLast[] = {
    "DELETE FROM screenings WHERE screening_no IN (SELECT screening_no FROM "
    "screenings WHERE subject = $1 LIMIT $2)",
    "DELETE FROM screening_outcomes WHERE outcome_key IN (SELECT outcome_key "
    "FROM screening_outcomes WHERE subject = $1 LIMIT $2)",
    "DELETE FROM releases WHERE release_no IN (SELECT release_no FROM releases "
    "WHERE subject = $1 LIMIT $2)",
    "DELETE FROM pressure WHERE subject = $1 AND $2 > 0",
    "DELETE FROM vulnerabilities WHERE vulnerability_no IN (SELECT "
    "vulnerability_no FROM vulnerabilities WHERE subject = $1 LIMIT $2)",
    "DELETE FROM inferences WHERE inference_no IN (SELECT inference_no FROM "
    "inferences WHERE subject = $1 LIMIT $2)",
};
constexpr std::string_view kAllNames =
    "DELETE FROM lookup WHERE subject = $1 AND key IN (SELECT key FROM lookup "
    "WHERE subject = $1 LIMIT $2)";
// The public id, of kind 0, is what is left to name her by.
constexpr std::string_view kNames =
    "DELETE FROM lookup WHERE subject = $1 AND key IN (SELECT key FROM lookup "
    "WHERE subject = $1 AND kind <> 0 LIMIT $2)";
constexpr std::string_view kAllHolds =
    "DELETE FROM holds WHERE hold_id IN (SELECT hold_id FROM holds WHERE "
    "subject = $1 LIMIT $2)";
constexpr std::string_view kEndedHolds =
    "DELETE FROM holds WHERE hold_id IN (SELECT hold_id FROM holds WHERE "
    "subject = $1 AND state <> 1 LIMIT $2)";
constexpr std::string_view kHead =
    "DELETE FROM subjects WHERE subject = $1 AND $2 > 0";
constexpr std::string_view kSeen =
    "DELETE FROM source_rows WHERE row_key IN (SELECT row_key FROM source_rows "
    "WHERE record_no BETWEEN $1 AND $2 LIMIT $3)";

absl::Status RemoveOnce(store::Connection* connection, std::string_view sql,
                        uint64_t subject, int64_t* room) {
  if (*room <= 0) return absl::OkStatus();
  CONSENTRY_ASSIGN_OR_RETURN(Query query, connection->Prepare(sql));
  CONSENTRY_RETURN_IF_ERROR(
      query.Bind(static_cast<int64_t>(subject), *room).Run());
  *room -= connection->Changes();
  return absl::OkStatus();
}

// Records under another generation than the current one, or all.
absl::Status RemoveRecords(store::Connection* connection, uint64_t subject,
                           uint32_t current, int64_t* room) {
  if (*room <= 0) return absl::OkStatus();
  std::vector<int64_t> gone;
  {
    CONSENTRY_ASSIGN_OR_RETURN(
        Query query,
        connection->Prepare("SELECT record_no, fields FROM records "
                            "WHERE record_no BETWEEN $1 AND $2"));
    query.Bind(vault::RecordNumber(subject, 0, 0),
               vault::RecordNumber(subject, vault::kMaxKindPosition,
                                   vault::kMaxRecordIndex));
    while (static_cast<int64_t>(gone.size()) < *room) {
      CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
      if (!row) break;
      store::v1::RecordBlob blob;
      const std::string_view fields = query.Blob(1);
      if (current != 0 &&
          blob.ParseFromArray(fields.data(), static_cast<int>(fields.size()))) {
        const auto generation = crypto::SealedGeneration(blob.meta());
        if (generation.ok() && *generation == current) continue;
      }
      gone.push_back(query.Int64(0));
    }
  }
  *room -= static_cast<int64_t>(gone.size());
  return store::RunMany(connection, "DELETE FROM records WHERE record_no = $1",
                        gone.size(),
                        [&](Query& query, size_t i) { query.Bind(gone[i]); });
}

}  // namespace

absl::Status RemoveRowsOf(const ErasureParts& parts,
                          store::ChangeContext& context, uint64_t subject,
                          bool keeps, int64_t* room) {
  store::Connection* const connection = context.connection();
  uint32_t current = 0;
  if (keeps) {
    CONSENTRY_ASSIGN_OR_RETURN(const crypto::SlotInfo info,
                               parts.slots->Info(subject));
    current = info.data_generation;
  }
  CONSENTRY_RETURN_IF_ERROR(
      RemoveOnce(connection, keeps ? kNames : kAllNames, subject, room));
  CONSENTRY_RETURN_IF_ERROR(RemoveRecords(connection, subject, current, room));
  if (*room > 0) {
    CONSENTRY_ASSIGN_OR_RETURN(Query query, connection->Prepare(kSeen));
    CONSENTRY_RETURN_IF_ERROR(
        query
            .Bind(vault::RecordNumber(subject, 0, 0),
                  vault::RecordNumber(subject, vault::kMaxKindPosition,
                                      vault::kMaxRecordIndex),
                  *room)
            .Run());
    *room -= connection->Changes();
  }
  for (const std::string_view sql : kOfSubject) {
    CONSENTRY_RETURN_IF_ERROR(RemoveOnce(connection, sql, subject, room));
  }
  CONSENTRY_RETURN_IF_ERROR(
      RemoveOnce(connection, keeps ? kEndedHolds : kAllHolds, subject, room));
  for (const RowsEraser& erase : parts.rows) {
    if (*room <= 0) return absl::OkStatus();
    CONSENTRY_ASSIGN_OR_RETURN(const int64_t removed,
                               erase(context, subject, *room));
    *room -= removed;
  }
  for (const std::string_view sql : kOfSubjectLast) {
    CONSENTRY_RETURN_IF_ERROR(RemoveOnce(connection, sql, subject, room));
  }
  if (keeps || *room <= 0) return absl::OkStatus();
  return RemoveOnce(connection, kHead, subject, room);
}

}  // namespace consentry::erasure
