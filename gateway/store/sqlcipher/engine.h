#ifndef CONSENTRY_GATEWAY_STORE_SQLCIPHER_ENGINE_H_
#define CONSENTRY_GATEWAY_STORE_SQLCIPHER_ENGINE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "gateway/crypto/secret.h"
#include "gateway/store/engine.h"

namespace consentry::store {

struct SqlcipherOptions {
  std::string path;
  // False: the file must exist already.
  bool create = false;
  // Page caches: a reader's hot set is decrypted once for each connection.
  int64_t reader_cache_kib = 1024;
  int64_t writer_cache_kib = 8192;
};

// SQLCipher 4 in one file: AES-256 and HMAC-SHA256 for each page of 4096 bytes,
// write-ahead log, a sync for each commit, deleted bytes overwritten, no memory
// mapping, temporary tables in memory only.
//
// `key` is used as it is: no derivation from a passphrase takes place. Fails
// with FailedPrecondition when the linked library is older than SQLCipher 4.14
// or SQLite 3.51.3, which has a bug that corrupts write-ahead logs, and with
// Unauthenticated when the key is not the file's.
absl::StatusOr<std::unique_ptr<Engine>> OpenSqlcipher(
    const SqlcipherOptions& options, crypto::KeyView key);

}  // namespace consentry::store

#endif  // CONSENTRY_GATEWAY_STORE_SQLCIPHER_ENGINE_H_
