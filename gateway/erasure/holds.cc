#include "gateway/erasure/holds.h"

#include <algorithm>
#include <utility>

#include "gateway/crypto/opener.h"
#include "gateway/crypto/seal_context.h"
#include "gateway/crypto/sealer.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::erasure {
namespace {

using store::Query;

constexpr uint32_t kDocSchema = 1;
constexpr int64_t kInForce = 1;
constexpr int64_t kEnded = 2;
constexpr int64_t kHourUs = int64_t{3600} * 1'000'000;

constexpr char kSelect[] =
    "SELECT hold_id, public_id, subject, state, doc FROM holds ";

crypto::FactContext ContextOf(int64_t id) {
  return {.table = crypto::FactTable::kLegalHold,
          .row = static_cast<uint64_t>(id),
          .field = {},
          .schema = kDocSchema,
          .row_generation = 0};
}

absl::Status Corrupt() {
  return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                   "a legal hold does not verify");
}

absl::StatusOr<Hold> ReadRow(const crypto::SubjectKeys& keys,
                             const Query& query) {
  Hold hold;
  hold.id = query.Int64(0);
  const std::string_view id = query.Blob(1);
  if (id.size() != hold.public_id.size()) return Corrupt();
  std::copy(id.begin(), id.end(), hold.public_id.begin());
  hold.subject = static_cast<uint64_t>(query.Int64(2));
  hold.in_force = query.Int64(3) == kInForce;
  const auto opened =
      crypto::FactOpener::Open(keys, ContextOf(hold.id), query.Blob(4));
  if (!opened.ok() ||
      !hold.doc.ParseFromArray(opened->view().data(),
                               static_cast<int>(opened->size()))) {
    return Corrupt();
  }
  return hold;
}

absl::Status NoSuchHold() {
  return MakeError(v1::ERROR_REASON_NOT_FOUND, "no legal hold has this id");
}

}  // namespace

absl::StatusOr<Hold> FindHold(store::Connection* connection,
                              const crypto::SlotFile& slots,
                              std::string_view public_id) {
  const auto id = crypto::ParseId(crypto::IdKind::kHold, public_id);
  if (!id.ok()) return NoSuchHold();
  CONSENTRY_ASSIGN_OR_RETURN(
      Query query,
      connection->Prepare(std::string(kSelect) + "WHERE public_id = $1"));
  query.Bind(
      std::string_view(reinterpret_cast<const char*>(id->data()), id->size()));
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  if (!found) return NoSuchHold();
  const auto keys = slots.Load(static_cast<uint64_t>(query.Int64(2)));
  if (!keys.ok()) return NoSuchHold();
  return ReadRow(*keys, query);
}

absl::StatusOr<std::vector<Hold>> HoldsOn(store::Connection* connection,
                                          const crypto::SubjectKeys& keys) {
  std::vector<Hold> holds;
  CONSENTRY_ASSIGN_OR_RETURN(
      Query query, connection->Prepare(std::string(kSelect) +
                                       "WHERE subject = $1 AND state = $2 "
                                       "ORDER BY hold_id"));
  query.Bind(static_cast<int64_t>(keys.subject()), kInForce);
  while (true) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) return holds;
    CONSENTRY_ASSIGN_OR_RETURN(Hold hold, ReadRow(keys, query));
    holds.push_back(std::move(hold));
  }
}

absl::StatusOr<std::vector<Hold>> ListHolds(store::Connection* connection,
                                            const crypto::SlotFile& slots,
                                            std::optional<uint64_t> subject,
                                            bool include_ended, int64_t before,
                                            size_t limit) {
  std::vector<Hold> holds;
  CONSENTRY_ASSIGN_OR_RETURN(
      Query query,
      connection->Prepare(
          std::string(kSelect) +
          (subject.has_value()
               ? "WHERE subject = $4 AND hold_id < $1 AND state <= $2 "
               : "WHERE hold_id < $1 AND state <= $2 AND $4 = 0 ") +
          "ORDER BY hold_id DESC LIMIT $3"));
  query.Bind(before, include_ended ? kEnded : kInForce,
             static_cast<int64_t>(limit),
             static_cast<int64_t>(subject.value_or(0)));
  while (true) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) return holds;
    const auto keys = slots.Load(static_cast<uint64_t>(query.Int64(2)));
    if (!keys.ok()) continue;  // Erased; the row is about to go.
    CONSENTRY_ASSIGN_OR_RETURN(Hold hold, ReadRow(*keys, query));
    holds.push_back(std::move(hold));
  }
}

absl::StatusOr<std::vector<std::string>> EndedHolds(
    store::Connection* connection, const crypto::SlotFile& slots,
    int64_t now_us, int64_t limit) {
  std::vector<std::string> ids;
  CONSENTRY_ASSIGN_OR_RETURN(
      Query query, connection->Prepare(std::string(kSelect) +
                                       "WHERE state = $1 AND end_hour <= $2 "
                                       "ORDER BY end_hour LIMIT $3"));
  query.Bind(kInForce, now_us / kHourUs, limit);
  while (true) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) return ids;
    const auto keys = slots.Load(static_cast<uint64_t>(query.Int64(2)));
    if (!keys.ok()) continue;
    CONSENTRY_ASSIGN_OR_RETURN(const Hold hold, ReadRow(*keys, query));
    if (hold.doc.end_us() > now_us) continue;
    ids.push_back(crypto::FormatId(crypto::IdKind::kHold, hold.public_id));
  }
}

absl::Status WriteHold(store::ChangeContext& context,
                       const crypto::SubjectKeys& keys, const Hold& hold) {
  CONSENTRY_ASSIGN_OR_RETURN(
      const std::string doc,
      crypto::Sealer::Seal(keys, ContextOf(hold.id),
                           hold.doc.SerializeAsString()));
  CONSENTRY_ASSIGN_OR_RETURN(
      Query query,
      context.connection()->Prepare(
          "INSERT INTO holds (hold_id, public_id, subject, state, end_hour, "
          "doc) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (hold_id) "
          "DO UPDATE SET state = excluded.state, doc = excluded.doc"));
  const std::string_view id(
      reinterpret_cast<const char*>(hold.public_id.data()),
      hold.public_id.size());
  const int64_t state = hold.in_force ? kInForce : kEnded;
  const auto subject = static_cast<int64_t>(hold.subject);
  if (hold.doc.end_us() == 0) {
    query.Bind(hold.id, id, subject, state, store::Null(), doc);
  } else {
    query.Bind(hold.id, id, subject, state, hold.doc.end_us() / kHourUs, doc);
  }
  return query.Run();
}

std::vector<policy::Retained> RetainedBy(const std::vector<Hold>& holds) {
  std::vector<policy::Retained> retained;
  for (const Hold& hold : holds) {
    retained.push_back({{hold.doc.fields().begin(), hold.doc.fields().end()},
                        hold.doc.ground(),
                        hold.doc.document(),
                        hold.doc.end_us()});
  }
  return retained;
}

bool AnyHoldsAll(const std::vector<Hold>& holds) {
  return std::any_of(holds.begin(), holds.end(), [](const Hold& hold) {
    return hold.doc.fields().empty();
  });
}

}  // namespace consentry::erasure
