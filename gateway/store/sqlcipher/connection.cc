#include "gateway/store/sqlcipher/connection.h"

#include <sodium.h>
#include <sqlite3.h>

#include <charconv>
#include <cstring>
#include <utility>
#include <vector>

#include "gateway/base/log.h"
#include "proto/support/status_macros.h"

namespace consentry::store {
namespace {

constexpr base::LogEvent kFault{base::LogLevel::kError, 2001, "store.fault"};

// The length of x'<64 hex digits>'.
constexpr size_t kKeyTextSize = 2 * crypto::kKeyBytes + 3;
// How long a connection waits for another one's lock.
constexpr int kBusyTimeoutMs = 2000;
// A checkpoint is repeated rather than waited for.
constexpr int kCheckpointTimeoutMs = 50;
constexpr int kMaxParameters = 64;

// Codes only: SQLite's messages may repeat SQL.
absl::Status ToStatus(sqlite3* db, int rc) {
  const int primary = rc & 0xff;
  switch (primary) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
      return absl::OkStatus();
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return absl::AbortedError("the store is busy");
    case SQLITE_CONSTRAINT:
      return (rc == SQLITE_CONSTRAINT_PRIMARYKEY ||
              rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_ROWID)
                 ? absl::AlreadyExistsError("the key exists already")
                 : absl::InternalError("a constraint of the store is violated");
    default:
      break;
  }
  base::Log(kFault, {{"sqlite", rc},
                     {"errno", db == nullptr ? 0 : sqlite3_system_errno(db)}});
  switch (primary) {
    case SQLITE_NOTADB:
      return absl::UnauthenticatedError(
          "the key does not open the store, or the file is not one");
    case SQLITE_CORRUPT:
      return absl::DataLossError("a page of the store does not verify");
    case SQLITE_FULL:
      return absl::ResourceExhaustedError("no space left for the store");
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_READONLY:
      return absl::UnavailableError("the store file cannot be read or written");
    default:
      return absl::InternalError("the store refused a statement");
  }
}

class SqlcipherStatement final : public Statement {
 public:
  SqlcipherStatement(sqlite3* db, sqlite3_stmt* statement)
      : db_(db), statement_(statement) {
    // SQLite takes $2 for a name and counts by first appearance.
    const int count = sqlite3_bind_parameter_count(statement_);
    for (int at = 1; at <= count; ++at) {
      const char* name = sqlite3_bind_parameter_name(statement_, at);
      int number = 0;
      if (name != nullptr) {
        std::from_chars(name + 1, name + std::strlen(name), number);
      }
      if (number < 1 || number > kMaxParameters) {
        prepare_rc_ = SQLITE_ERROR;
        continue;
      }
      if (static_cast<size_t>(number) >= places_.size()) {
        places_.resize(number + 1, 0);
      }
      places_[number] = at;
    }
    bind_rc_ = prepare_rc_;
  }
  ~SqlcipherStatement() override { sqlite3_finalize(statement_); }

  void BindInt64(int index, int64_t value) override {
    Note(sqlite3_bind_int64(statement_, Place(index), value));
  }
  void BindBlob(int index, std::string_view value) override {
    // A null pointer would bind NULL, which an empty value is not.
    const char* data = value.data() == nullptr ? "" : value.data();
    Note(sqlite3_bind_blob64(statement_, Place(index), data, value.size(),
                             SQLITE_STATIC));
  }
  void BindText(int index, std::string_view value) override {
    const char* data = value.data() == nullptr ? "" : value.data();
    Note(sqlite3_bind_text64(statement_, Place(index), data, value.size(),
                             SQLITE_STATIC, SQLITE_UTF8));
  }
  void BindNull(int index) override {
    Note(sqlite3_bind_null(statement_, Place(index)));
  }

  absl::StatusOr<bool> Step() override {
    if (bind_rc_ != SQLITE_OK) {
      return absl::InternalError("a parameter does not exist");
    }
    if (done_) return false;
    const int rc = sqlite3_step(statement_);
    if (rc == SQLITE_ROW) return true;
    if (rc == SQLITE_DONE) {
      done_ = true;
      return false;
    }
    return ToStatus(db_, sqlite3_extended_errcode(db_));
  }

  int64_t Int64(int column) const override {
    return sqlite3_column_int64(statement_, column);
  }
  std::string_view Blob(int column) const override {
    const void* data = sqlite3_column_blob(statement_, column);
    const int size = sqlite3_column_bytes(statement_, column);
    return data == nullptr
               ? std::string_view()
               : std::string_view(static_cast<const char*>(data), size);
  }
  std::string_view TextAt(int column) const override { return Blob(column); }
  bool IsNull(int column) const override {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
  }

  void Reset() override {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
    bind_rc_ = prepare_rc_;
    done_ = false;
  }

 private:
  void Note(int rc) {
    if (rc != SQLITE_OK) bind_rc_ = rc;
  }

  // 0, which SQLite refuses, for a number that does not occur.
  int Place(int index) const {
    return static_cast<size_t>(index) < places_.size() ? places_[index] : 0;
  }

  sqlite3* const db_;
  sqlite3_stmt* const statement_;
  std::vector<int> places_;  // By number; element 0 is not used.
  int prepare_rc_ = SQLITE_OK;
  int bind_rc_ = SQLITE_OK;
  bool done_ = false;
};

}  // namespace

absl::StatusOr<std::unique_ptr<SqlcipherConnection>> SqlcipherConnection::Open(
    const std::string& path, crypto::KeyView key, Role role,
    int64_t cache_kib) {
  // A reader opens the file for writing as well: it must be able to make the
  // shared-memory index of the write-ahead log. query_only keeps it from more.
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
              SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE;
  if (role == Role::kCreator) flags |= SQLITE_OPEN_CREATE;
  sqlite3* db = nullptr;
  const int rc = sqlite3_open_v2(path.c_str(), &db, flags, nullptr);
  if (db == nullptr) return absl::InternalError("no memory for a connection");
  std::unique_ptr<SqlcipherConnection> connection(new SqlcipherConnection(db));
  if (rc != SQLITE_OK) {
    if ((rc & 0xff) == SQLITE_CANTOPEN && role != Role::kCreator) {
      return absl::NotFoundError("the store file does not exist");
    }
    return ToStatus(db, rc);
  }
  CONSENTRY_RETURN_IF_ERROR(connection->SetKey(key));
  CONSENTRY_RETURN_IF_ERROR(connection->Configure(role, cache_kib));
  return connection;
}

SqlcipherConnection::~SqlcipherConnection() {
  ForgetStatements();
  sqlite3_close(db_);
}

absl::Status SqlcipherConnection::SetKey(crypto::KeyView key) {
  // Given as the text x'<hex>', the key is taken as it is; as 32 bytes it would
  // pass for a passphrase.
  crypto::SecretBytes<kKeyTextSize + 1> text;
  char* out = reinterpret_cast<char*>(text.mutable_data());
  out[0] = 'x';
  out[1] = '\'';
  sodium_bin2hex(out + 2, kKeyTextSize - 1, key.data(), key.size());
  out[kKeyTextSize - 1] = '\'';
  return ToStatus(db_, sqlite3_key(db_, out, static_cast<int>(kKeyTextSize)));
}

absl::Status SqlcipherConnection::Configure(Role role, int64_t cache_kib) {
  sqlite3_busy_timeout(db_, kBusyTimeoutMs);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(db_, SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  // Otherwise a statement with LIMIT $n is planned anew for each value.
  sqlite3_db_config(db_, SQLITE_DBCONFIG_ENABLE_QPSG, 1, nullptr);
  CONSENTRY_RETURN_IF_ERROR(Execute("PRAGMA cipher_page_size = 4096"));
  CONSENTRY_RETURN_IF_ERROR(
      Execute("PRAGMA cipher_hmac_algorithm = HMAC_SHA256"));
  // The first page is read here: a wrong key shows now.
  CONSENTRY_RETURN_IF_ERROR(Execute("SELECT count(*) FROM sqlite_master"));
  {
    CONSENTRY_ASSIGN_OR_RETURN(auto mode,
                               MakeStatement("PRAGMA journal_mode = WAL"));
    CONSENTRY_ASSIGN_OR_RETURN(const bool row, mode->Step());
    if (!row || mode->TextAt(0) != "wal") {
      return absl::FailedPreconditionError(
          "the store's volume does not allow a write-ahead log");
    }
  }
  CONSENTRY_RETURN_IF_ERROR(Execute("PRAGMA synchronous = FULL"));
  CONSENTRY_RETURN_IF_ERROR(Execute("PRAGMA secure_delete = ON"));
  CONSENTRY_RETURN_IF_ERROR(Execute("PRAGMA temp_store = MEMORY"));
  CONSENTRY_RETURN_IF_ERROR(Execute("PRAGMA mmap_size = 0"));
  // What the write-ahead log keeps of its length once it starts over.
  CONSENTRY_RETURN_IF_ERROR(Execute("PRAGMA journal_size_limit = 67108864"));
  CONSENTRY_RETURN_IF_ERROR(
      Execute("PRAGMA cache_size = -" + std::to_string(cache_kib)));
  if (role == Role::kReader) {
    CONSENTRY_RETURN_IF_ERROR(Execute("PRAGMA query_only = ON"));
  }
  return absl::OkStatus();
}

absl::Status SqlcipherConnection::Execute(std::string_view sql) {
  CONSENTRY_ASSIGN_OR_RETURN(auto statement, MakeStatement(sql));
  for (;;) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool row, statement->Step());
    if (!row) return absl::OkStatus();
  }
}

absl::Status SqlcipherConnection::BeginWrite() {
  CONSENTRY_ASSIGN_OR_RETURN(Query begin, Prepare("BEGIN IMMEDIATE"));
  return begin.Run();
}

int64_t SqlcipherConnection::Changes() const { return sqlite3_changes64(db_); }

int64_t SqlcipherConnection::PagesRead() const {
  int current = 0;
  int highest = 0;
  sqlite3_db_status(db_, SQLITE_DBSTATUS_CACHE_MISS, &current, &highest, 0);
  return current;
}

absl::Status SqlcipherConnection::Checkpoint() {
  // With a reader in the way the pragma succeeds and says so in its row.
  CONSENTRY_ASSIGN_OR_RETURN(auto statement,
                             MakeStatement("PRAGMA wal_checkpoint(TRUNCATE)"));
  sqlite3_busy_timeout(db_, kCheckpointTimeoutMs);
  const absl::StatusOr<bool> row = statement->Step();
  sqlite3_busy_timeout(db_, kBusyTimeoutMs);
  CONSENTRY_RETURN_IF_ERROR(row.status());
  if (!*row || statement->Int64(0) != 0) {
    return absl::AbortedError("a reader holds an older state of the store");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Statement>> SqlcipherConnection::MakeStatement(
    std::string_view sql) {
  sqlite3_stmt* statement = nullptr;
  const char* rest = nullptr;
  const int rc =
      sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()),
                         SQLITE_PREPARE_PERSISTENT, &statement, &rest);
  if (rc != SQLITE_OK) return ToStatus(db_, rc);
  if (statement == nullptr) return absl::InternalError("an empty statement");
  return std::make_unique<SqlcipherStatement>(db_, statement);
}

}  // namespace consentry::store
