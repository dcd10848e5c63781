#ifndef CONSENTRY_GATEWAY_STORE_SQLCIPHER_CONNECTION_H_
#define CONSENTRY_GATEWAY_STORE_SQLCIPHER_CONNECTION_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/crypto/secret.h"
#include "gateway/store/engine.h"

struct sqlite3;

namespace consentry::store {

// One session with a SQLCipher file.
class SqlcipherConnection final : public Connection {
 public:
  enum class Role {
    kReader,   // May not write.
    kWriter,   // The file must exist.
    kCreator,  // A writer that makes the file where there is none.
  };

  static absl::StatusOr<std::unique_ptr<SqlcipherConnection>> Open(
      const std::string& path, crypto::KeyView key, Role role,
      int64_t cache_kib);
  ~SqlcipherConnection() override;

  absl::Status Execute(std::string_view sql) override;
  absl::Status BeginWrite() override;
  int64_t Changes() const override;

  // Pages read from the file and decrypted so far: what the cache of this
  // connection did not have.
  int64_t PagesRead() const;

  // See Engine::Checkpoint.
  absl::Status Checkpoint();

 protected:
  absl::StatusOr<std::unique_ptr<Statement>> MakeStatement(
      std::string_view sql) override;

 private:
  explicit SqlcipherConnection(sqlite3* db) : db_(db) {}
  absl::Status SetKey(crypto::KeyView key);
  absl::Status Configure(Role role, int64_t cache_kib);

  sqlite3* const db_;
};

}  // namespace consentry::store

#endif  // CONSENTRY_GATEWAY_STORE_SQLCIPHER_CONNECTION_H_
