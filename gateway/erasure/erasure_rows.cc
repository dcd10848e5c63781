#include "gateway/erasure/erasure_rows.h"

#include <string>
#include <utility>

#include "gateway/crypto/seal_context.h"
#include "gateway/crypto/system_seal.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::erasure {
namespace {

using store::Query;

constexpr uint32_t kDocSchema = 1;
constexpr int64_t kHourUs = int64_t{3600} * 1'000'000;

crypto::SystemContext ContextOf(int64_t id) {
  return {.table = crypto::SystemTable::kErasure,
          .row = static_cast<uint64_t>(id),
          .field = {},
          .schema = kDocSchema,
          .row_generation = 0};
}

int64_t HourOf(int64_t due_us) {
  return due_us == INT64_MAX ? INT64_MAX : due_us / kHourUs;
}

constexpr char kSelect[] =
    "SELECT erasure_id, state, subject, doc FROM erasures ";

absl::StatusOr<Erasure> ReadRow(const crypto::EpochKeys& epochs,
                                const Query& query) {
  Erasure erasure;
  erasure.id = query.Int64(0);
  erasure.state = static_cast<ErasureState>(query.Int64(1));
  erasure.subject = static_cast<uint64_t>(query.Int64(2));
  const auto opened =
      crypto::SystemSeal::Open(epochs, ContextOf(erasure.id), query.Blob(3));
  if (!opened.ok() ||
      !erasure.job.ParseFromArray(opened->view().data(),
                                  static_cast<int>(opened->size()))) {
    return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                     "an erasure does not verify");
  }
  return erasure;
}

}  // namespace

absl::StatusOr<Erasure> ReadErasure(store::Connection* connection,
                                    const crypto::EpochKeys& epochs,
                                    int64_t id) {
  CONSENTRY_ASSIGN_OR_RETURN(
      Query query,
      connection->Prepare(std::string(kSelect) + "WHERE erasure_id = $1"));
  query.Bind(id);
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  if (!found) {
    return MakeError(v1::ERROR_REASON_NOT_FOUND, "there is no such erasure");
  }
  return ReadRow(epochs, query);
}

absl::StatusOr<std::optional<Erasure>> FindByCase(
    store::Connection* connection, const crypto::EpochKeys& epochs,
    std::string_view case_id) {
  if (case_id.empty()) return std::optional<Erasure>();
  CONSENTRY_ASSIGN_OR_RETURN(
      Query query,
      connection->Prepare(std::string(kSelect) +
                          "WHERE case_id = $1 ORDER BY erasure_id DESC"));
  query.Bind(case_id);
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  if (!found) return std::optional<Erasure>();
  CONSENTRY_ASSIGN_OR_RETURN(Erasure erasure, ReadRow(epochs, query));
  return std::optional<Erasure>(std::move(erasure));
}

absl::StatusOr<std::vector<Erasure>> FindOpen(store::Connection* connection,
                                              const crypto::EpochKeys& epochs,
                                              uint64_t subject) {
  std::vector<Erasure> open;
  CONSENTRY_ASSIGN_OR_RETURN(
      Query query,
      connection->Prepare(std::string(kSelect) +
                          "WHERE subject = $1 ORDER BY erasure_id"));
  query.Bind(static_cast<int64_t>(subject));
  while (true) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) return open;
    CONSENTRY_ASSIGN_OR_RETURN(Erasure erasure, ReadRow(epochs, query));
    if (erasure.state == ErasureState::kDone ||
        erasure.state == ErasureState::kCancelled) {
      continue;
    }
    open.push_back(std::move(erasure));
  }
}

absl::Status WriteErasure(store::ChangeContext& context,
                          const crypto::EpochKeys& epochs,
                          const Erasure& erasure, int64_t due_us) {
  CONSENTRY_ASSIGN_OR_RETURN(
      const std::string doc,
      crypto::SystemSeal::Seal(epochs, ContextOf(erasure.id),
                               erasure.job.SerializeAsString()));
  CONSENTRY_ASSIGN_OR_RETURN(
      Query query,
      context.connection()->Prepare(
          "INSERT INTO erasures (erasure_id, case_id, state, subject, "
          "due_hour, doc) VALUES ($1, $2, $3, $4, $5, $6) "
          "ON CONFLICT (erasure_id) DO UPDATE SET state = excluded.state, "
          "subject = excluded.subject, due_hour = excluded.due_hour, "
          "doc = excluded.doc"));
  return query
      .Bind(erasure.id, erasure.job.case_id(),
            static_cast<int64_t>(erasure.state),
            static_cast<int64_t>(erasure.subject), HourOf(due_us), doc)
      .Run();
}

absl::StatusOr<std::vector<int64_t>> ListDue(store::Connection* connection,
                                             int64_t now_us, int64_t limit) {
  std::vector<int64_t> ids;
  const auto add = [&](ErasureState state, int64_t hour) -> absl::Status {
    CONSENTRY_ASSIGN_OR_RETURN(
        Query query, connection->Prepare("SELECT erasure_id FROM erasures "
                                         "WHERE state = $1 AND due_hour <= $2 "
                                         "ORDER BY due_hour LIMIT $3"));
    query.Bind(static_cast<int64_t>(state), hour, limit);
    while (true) {
      CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
      if (!row) return absl::OkStatus();
      ids.push_back(query.Int64(0));
    }
  };
  for (const ErasureState state :
       {ErasureState::kDestroyed, ErasureState::kResealed,
        ErasureState::kResealing}) {
    CONSENTRY_RETURN_IF_ERROR(add(state, INT64_MAX));
  }
  for (const ErasureState state :
       {ErasureState::kWaiting, ErasureState::kKept}) {
    CONSENTRY_RETURN_IF_ERROR(add(state, HourOf(now_us)));
  }
  return ids;
}

}  // namespace consentry::erasure
