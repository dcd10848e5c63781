#include "gateway/identity/logins.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/crypto/blind_index.h"
#include "gateway/crypto/ids.h"
#include "gateway/crypto/opener.h"
#include "gateway/crypto/sealer.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::identity {
namespace {

using store::v1::LoginFact;

constexpr uint32_t kSchema = 1;
constexpr uint32_t kRowGeneration = 1;

crypto::FactContext ContextOf(int64_t login_no, uint32_t row_generation) {
  return {.table = crypto::FactTable::kLogin,
          .row = crypto::RowId(static_cast<uint64_t>(login_no)),
          .field = "",
          .schema = kSchema,
          .row_generation = row_generation};
}

// No name space of an identifier holds a colon: what sources and callers send
// never has the index of a login.
absl::StatusOr<std::string> KeyOf(const crypto::EpochKeys& keys, uint32_t epoch,
                                  std::string_view issuer,
                                  std::string_view login) {
  CONSENTRY_ASSIGN_OR_RETURN(
      const crypto::BlindIndex index,
      crypto::ComputeBlindIndex(keys, epoch, crypto::IdentifierType::kCustom,
                                absl::StrCat("login:", std::string(issuer)),
                                login));
  return std::string(index.begin(), index.end());
}

absl::Status Corrupt() {
  return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                   "a login leads to somebody else");
}

absl::StatusOr<LoginFact> OpenFact(const crypto::SubjectKeys& keys,
                                   int64_t login_no, int64_t row_generation,
                                   std::string_view sealed) {
  CONSENTRY_ASSIGN_OR_RETURN(
      const crypto::Plaintext plain,
      crypto::FactOpener::Open(
          keys, ContextOf(login_no, static_cast<uint32_t>(row_generation)),
          sealed));
  LoginFact fact;
  if (!fact.ParseFromArray(plain.view().data(),
                           static_cast<int>(plain.size()))) {
    return Corrupt();
  }
  return fact;
}

struct Row {
  int64_t login_no = 0;
  uint64_t subject = 0;
  std::string public_id;
  int64_t row_generation = 0;
  std::string fact;
};

// The row of a login under any epoch whose keys there are.
absl::StatusOr<std::optional<Row>> FindRow(store::Connection* connection,
                                           const crypto::EpochKeys& keys,
                                           std::string_view issuer,
                                           std::string_view login) {
  for (const uint32_t epoch : keys.usable()) {
    CONSENTRY_ASSIGN_OR_RETURN(const std::string key,
                               KeyOf(keys, epoch, issuer, login));
    CONSENTRY_ASSIGN_OR_RETURN(
        auto query,
        connection->Prepare("SELECT login_no, subject, public_id, row_gen, "
                            "fact FROM logins WHERE login_key = $1"));
    query.Bind(key);
    CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
    if (!found) continue;
    return Row{query.Int64(0), static_cast<uint64_t>(query.Int64(1)),
               std::string(query.Blob(2)), query.Int64(3),
               std::string(query.Blob(4))};
  }
  return std::nullopt;
}

absl::StatusOr<std::vector<Row>> RowsOf(store::Connection* connection,
                                        const crypto::SubjectKeys& keys) {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare(
          "SELECT login_no, row_gen, fact FROM logins WHERE subject = $1"));
  query.Bind(static_cast<int64_t>(keys.subject()));
  std::vector<Row> rows;
  for (;;) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool more, query.Step());
    if (!more) return rows;
    rows.push_back({query.Int64(0), keys.subject(), "", query.Int64(1),
                    std::string(query.Blob(2))});
  }
}

absl::Status RemoveRow(store::Connection* writer, const Row& row) {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto gone, writer->Prepare("DELETE FROM logins WHERE login_no = $1"));
  return gone.Bind(row.login_no).Run();
}

}  // namespace

absl::StatusOr<std::optional<Logins::Link>> Logins::Find(
    store::Connection* connection, std::string_view issuer,
    std::string_view login) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto row, FindRow(connection, *epochs_->keys(), issuer, login));
  if (!row) return std::nullopt;
  const auto keys = slots_->Load(row->subject);
  // Destroyed, or freed since.
  if (absl::IsNotFound(keys.status()) ||
      absl::IsFailedPrecondition(keys.status())) {
    return std::nullopt;
  }
  CONSENTRY_RETURN_IF_ERROR(keys.status());
  const auto fact =
      OpenFact(*keys, row->login_no, row->row_generation, row->fact);
  if (absl::IsNotFound(fact.status())) return std::nullopt;
  if (!fact.ok() || fact->issuer() != issuer || fact->login() != login) {
    return Corrupt();
  }
  crypto::ObjectId id;
  if (row->public_id.size() != id.size()) return Corrupt();
  std::copy(row->public_id.begin(), row->public_id.end(), id.begin());
  return Link{row->subject, crypto::FormatId(crypto::IdKind::kSubject, id)};
}

absl::StatusOr<bool> Logins::Add(store::ChangeContext* context,
                                 const crypto::SubjectKeys& keys,
                                 const LoginFact& fact) {
  store::Connection* const writer = context->connection();
  const auto epochs = epochs_->keys();
  const auto subject = static_cast<int64_t>(keys.subject());
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto row, FindRow(writer, *epochs, fact.issuer(), fact.login()));
  if (row) {
    if (row->subject == keys.subject()) return false;
    return MakeError(v1::ERROR_REASON_ALREADY_EXISTS,
                     "the login is linked to somebody else; unlink it first");
  }
  {
    CONSENTRY_ASSIGN_OR_RETURN(
        auto count,
        writer->Prepare("SELECT count(*) FROM logins WHERE subject = $1"));
    count.Bind(subject);
    CONSENTRY_RETURN_IF_ERROR(count.Step().status());
    if (count.Int64(0) >= kMaxLogins) {
      return MakeError(v1::ERROR_REASON_TOO_LARGE,
                       "the customer has as many logins as she may");
    }
  }
  std::string public_id;
  {
    CONSENTRY_ASSIGN_OR_RETURN(
        auto query,
        writer->Prepare("SELECT public_id FROM subjects WHERE subject = $1"));
    query.Bind(subject);
    CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
    if (!found) {
      return MakeError(v1::ERROR_REASON_ACCESS_DENIED, "access denied");
    }
    public_id = std::string(query.Blob(0));
  }
  CONSENTRY_ASSIGN_OR_RETURN(
      const std::string key,
      KeyOf(*epochs, epochs->current(), fact.issuer(), fact.login()));
  CONSENTRY_ASSIGN_OR_RETURN(
      const std::string sealed,
      crypto::Sealer::Seal(keys, ContextOf(context->number(), kRowGeneration),
                           fact.SerializeAsString()));
  CONSENTRY_ASSIGN_OR_RETURN(
      auto insert,
      writer->Prepare("INSERT INTO logins (login_no, login_key, subject, "
                      "public_id, row_gen, fact) "
                      "VALUES ($1, $2, $3, $4, $5, $6)"));
  insert.Bind(context->number(), key, subject, public_id,
              int64_t{kRowGeneration}, sealed);
  CONSENTRY_RETURN_IF_ERROR(insert.Run());
  Bump(context);
  return true;
}

absl::StatusOr<int> Logins::Remove(store::ChangeContext* context,
                                   const crypto::SubjectKeys& keys,
                                   std::string_view issuer) {
  CONSENTRY_ASSIGN_OR_RETURN(const int removed,
                             RemoveLogins(context->connection(), keys, issuer));
  Bump(context);
  return removed;
}

void Logins::Bump(store::ChangeContext* context) {
  context->OnStored(
      [this] { generation_.fetch_add(1, std::memory_order_acq_rel); });
}

absl::StatusOr<int> RemoveLogins(store::Connection* writer,
                                 const crypto::SubjectKeys& keys,
                                 std::string_view issuer) {
  CONSENTRY_ASSIGN_OR_RETURN(const std::vector<Row> rows, RowsOf(writer, keys));
  int removed = 0;
  for (const Row& row : rows) {
    const auto fact =
        OpenFact(keys, row.login_no, row.row_generation, row.fact);
    // One that cannot be read is no good to anybody.
    if (fact.ok() && fact->issuer() != issuer) continue;
    CONSENTRY_RETURN_IF_ERROR(RemoveRow(writer, row));
    ++removed;
  }
  return removed;
}

absl::Status ReindexLogins(store::Connection* writer,
                           const crypto::EpochKeys& epochs,
                           const crypto::SubjectKeys& keys) {
  CONSENTRY_ASSIGN_OR_RETURN(const std::vector<Row> rows, RowsOf(writer, keys));
  for (const Row& row : rows) {
    const auto fact =
        OpenFact(keys, row.login_no, row.row_generation, row.fact);
    if (absl::IsNotFound(fact.status())) {
      CONSENTRY_RETURN_IF_ERROR(RemoveRow(writer, row));
      continue;
    }
    CONSENTRY_RETURN_IF_ERROR(fact.status());
    CONSENTRY_ASSIGN_OR_RETURN(
        const std::string key,
        KeyOf(epochs, epochs.current(), fact->issuer(), fact->login()));
    CONSENTRY_ASSIGN_OR_RETURN(
        auto update, writer->Prepare("UPDATE logins SET login_key = $2 "
                                     "WHERE login_no = $1"));
    CONSENTRY_RETURN_IF_ERROR(update.Bind(row.login_no, key).Run());
  }
  return absl::OkStatus();
}

}  // namespace consentry::identity
