#include "gateway/store/sqlcipher/engine.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/store/sqlcipher/connection.h"
#include "gateway/store/sqlcipher/provider.h"
#include "proto/support/status_macros.h"

namespace consentry::store {
namespace {

// 3.51.2 and older can corrupt a write-ahead log when two connections
// checkpoint and commit at once.
constexpr int kMinSqliteVersion = 3051003;
constexpr int kMinCipherMajor = 4;
constexpr int kMinCipherMinor = 14;

class SqlcipherEngine final : public Engine {
 public:
  SqlcipherEngine(SqlcipherOptions options, crypto::KeyView key)
      : options_(std::move(options)),
        key_(crypto::SecretBytes<crypto::kKeyBytes>::CopyOf(key)) {}

  // Makes the file where it is to be made, and checks key and library.
  absl::Status Prepare() {
    if (sqlite3_libversion_number() < kMinSqliteVersion) {
      return absl::FailedPreconditionError(
          "the linked SQLite is older than 3.51.3");
    }
    if (sqlite3_threadsafe() == 0) {
      return absl::FailedPreconditionError(
          "the linked SQLite is built without threads");
    }
    CONSENTRY_RETURN_IF_ERROR(InstallCipherProvider());
    CONSENTRY_ASSIGN_OR_RETURN(
        auto connection,
        Connect(options_.create ? SqlcipherConnection::Role::kCreator
                                : SqlcipherConnection::Role::kWriter));
    CONSENTRY_ASSIGN_OR_RETURN(Query version,
                               connection->Prepare("PRAGMA cipher_version"));
    CONSENTRY_ASSIGN_OR_RETURN(const bool row, version.Step());
    // "4.14.0 community"
    const std::string text = row ? std::string(version.TextAt(0)) : "";
    int major = 0;
    int minor = 0;
    const char* const end = text.data() + text.size();
    const char* at = std::from_chars(text.data(), end, major).ptr;
    if (at != end) std::from_chars(at + 1, end, minor);
    if (std::pair(major, minor) < std::pair(kMinCipherMajor, kMinCipherMinor)) {
      return absl::FailedPreconditionError(
          "the linked SQLite is no SQLCipher, or one older than 4.14");
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::unique_ptr<Connection>> ConnectReader() override {
    return Connect(SqlcipherConnection::Role::kReader);
  }
  absl::StatusOr<std::unique_ptr<Connection>> ConnectWriter() override {
    return Connect(SqlcipherConnection::Role::kWriter);
  }

  std::string Dialect(std::string_view ddl) const override {
    constexpr std::pair<std::string_view, std::string_view> kWords[] = {
        {"{int}", "INTEGER"},
        {"{blob}", "BLOB"},
        {"{clustered}", "WITHOUT ROWID"}};
    std::string text(ddl);
    for (const auto& [token, word] : kWords) {
      for (size_t at = text.find(token); at != std::string::npos;
           at = text.find(token, at)) {
        text.replace(at, token.size(), word);
      }
    }
    return text;
  }

  absl::Status Checkpoint(Connection* writer) override {
    return static_cast<SqlcipherConnection*>(writer)->Checkpoint();
  }

 private:
  absl::StatusOr<std::unique_ptr<Connection>> Connect(
      SqlcipherConnection::Role role) {
    const bool reader = role == SqlcipherConnection::Role::kReader;
    CONSENTRY_ASSIGN_OR_RETURN(
        auto connection,
        SqlcipherConnection::Open(
            options_.path, key_.view(), role,
            reader ? options_.reader_cache_kib : options_.writer_cache_kib));
    return std::unique_ptr<Connection>(std::move(connection));
  }

  const SqlcipherOptions options_;
  const crypto::SecretBytes<crypto::kKeyBytes> key_;
};

// The file is the owner's alone; SQLite gives its companions the same mode.
absl::Status MakeFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
                      S_IRUSR | S_IWUSR);
  if (fd < 0) {
    return absl::UnavailableError("the store file cannot be made");
  }
  close(fd);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Engine>> OpenSqlcipher(
    const SqlcipherOptions& options, crypto::KeyView key) {
  if (options.create) CONSENTRY_RETURN_IF_ERROR(MakeFile(options.path));
  auto engine = std::make_unique<SqlcipherEngine>(options, key);
  CONSENTRY_RETURN_IF_ERROR(engine->Prepare());
  return std::unique_ptr<Engine>(std::move(engine));
}

}  // namespace consentry::store
