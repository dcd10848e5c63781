#include "gateway/store/schema.h"

#include <charconv>

#include "gateway/store/migrations.h"
#include "proto/support/status_macros.h"

namespace consentry::store {
namespace {

constexpr std::string_view kFormatKey = "format";
constexpr std::string_view kMakeMeta =
    "CREATE TABLE IF NOT EXISTS meta (k TEXT NOT NULL PRIMARY KEY,"
    " v {blob} NOT NULL) {clustered}";

absl::Status ExecuteAll(Engine* engine, Connection* writer,
                        std::string_view statements) {
  const std::string text = engine->Dialect(statements);
  std::string_view rest = text;
  for (size_t end = rest.find(';'); end != std::string_view::npos;
       end = rest.find(';')) {
    CONSENTRY_RETURN_IF_ERROR(writer->Execute(rest.substr(0, end)));
    rest.remove_prefix(end + 1);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> GetMeta(Connection* connection,
                                    std::string_view key) {
  CONSENTRY_ASSIGN_OR_RETURN(
      Query query, connection->Prepare("SELECT v FROM meta WHERE k = $1"));
  CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Bind(Text{key}).Step());
  return row ? std::string(query.Blob(0)) : std::string();
}

absl::Status PutMeta(Connection* writer, std::string_view key,
                     std::string_view value) {
  CONSENTRY_ASSIGN_OR_RETURN(
      Query query,
      writer->Prepare("INSERT INTO meta (k, v) VALUES ($1, $2)"
                      " ON CONFLICT (k) DO UPDATE SET v = excluded.v"));
  return query.Bind(Text{key}, value).Run();
}

absl::StatusOr<int64_t> GetMetaInt64(Connection* connection,
                                     std::string_view key) {
  CONSENTRY_ASSIGN_OR_RETURN(const std::string text, GetMeta(connection, key));
  if (text.empty()) return int64_t{0};
  int64_t value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return absl::DataLossError("a number in the store's meta table is none");
  }
  return value;
}

absl::Status PutMetaInt64(Connection* writer, std::string_view key,
                          int64_t value) {
  return PutMeta(writer, key, std::to_string(value));
}

absl::StatusOr<int64_t> ReadSchemaVersion(Connection* connection) {
  return GetMetaInt64(connection, kFormatKey);
}

absl::Status MigrateWith(Engine* engine, Connection* writer,
                         std::span<const std::string_view> migrations) {
  CONSENTRY_RETURN_IF_ERROR(writer->Execute(engine->Dialect(kMakeMeta)));
  CONSENTRY_ASSIGN_OR_RETURN(int64_t version, ReadSchemaVersion(writer));
  const auto newest = static_cast<int64_t>(migrations.size());
  if (version > newest) {
    return absl::FailedPreconditionError(
        "the store has format version " + std::to_string(version) +
        ", newer than the " + std::to_string(newest) +
        " that this program knows: use a newer program");
  }
  while (version < newest) {
    CONSENTRY_ASSIGN_OR_RETURN(auto transaction,
                               WriteTransaction::Begin(writer));
    CONSENTRY_RETURN_IF_ERROR(ExecuteAll(engine, writer, migrations[version]));
    ++version;
    CONSENTRY_RETURN_IF_ERROR(PutMetaInt64(writer, kFormatKey, version));
    CONSENTRY_RETURN_IF_ERROR(transaction.Commit());
  }
  return absl::OkStatus();
}

absl::Status Migrate(Engine* engine, Connection* writer) {
  return MigrateWith(engine, writer, Migrations());
}

}  // namespace consentry::store
