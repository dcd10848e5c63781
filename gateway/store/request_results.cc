#include "gateway/store/request_results.h"

#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::store {
namespace {

constexpr int64_t kHourUs = int64_t{3600} * 1000000;

}  // namespace

absl::StatusOr<std::optional<RequestResult>> FindRequest(
    Connection* connection, const RequestBinding& request, int64_t now_us) {
  CONSENTRY_ASSIGN_OR_RETURN(
      Query query,
      connection->Prepare(
          "SELECT method, request_hash, result, change_number, negative"
          " FROM requests WHERE client = $1 AND request_id = $2"
          " AND expires_hour > $3"));
  query.Bind(request.client, request.request_id, now_us / kHourUs);
  CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
  if (!row) return std::optional<RequestResult>();
  if (query.Blob(0) != request.method ||
      query.Blob(1) != request.request_hash) {
    return MakeError(v1::ERROR_REASON_REQUEST_ID_REUSED,
                     "the request_id was used with another request");
  }
  return std::optional<RequestResult>({.result = std::string(query.Blob(2)),
                                       .change = query.Int64(3),
                                       .negative = query.Int64(4) != 0});
}

absl::Status KeepRequest(Connection* writer, const RequestBinding& request,
                         const RequestResult& result, int64_t now_us) {
  // An expired row may still lie under the same ids.
  CONSENTRY_ASSIGN_OR_RETURN(
      Query query,
      writer->Prepare(
          "INSERT INTO requests (client, request_id, method, request_hash,"
          " result, change_number, negative, expires_hour)"
          " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
          " ON CONFLICT (client, request_id) DO UPDATE SET"
          " method = excluded.method, request_hash = excluded.request_hash,"
          " result = excluded.result, change_number = excluded.change_number,"
          " negative = excluded.negative,"
          " expires_hour = excluded.expires_hour"));
  return query
      .Bind(request.client, request.request_id, request.method,
            request.request_hash, result.result, result.change,
            result.negative ? 1 : 0, now_us / kHourUs + kRequestHours + 1)
      .Run();
}

absl::StatusOr<int64_t> DropExpiredRequests(Connection* writer, int64_t now_us,
                                            int64_t limit) {
  CONSENTRY_ASSIGN_OR_RETURN(
      Query query,
      writer->Prepare("DELETE FROM requests WHERE (client, request_id) IN"
                      " (SELECT client, request_id FROM requests"
                      " WHERE expires_hour <= $1 LIMIT $2)"));
  CONSENTRY_RETURN_IF_ERROR(query.Bind(now_us / kHourUs, limit).Run());
  return writer->Changes();
}

}  // namespace consentry::store
