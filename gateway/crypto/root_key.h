#ifndef CONSENTRY_GATEWAY_CRYPTO_ROOT_KEY_H_
#define CONSENTRY_GATEWAY_CRYPTO_ROOT_KEY_H_

#include <cstdint>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/crypto/secret.h"

namespace consentry::crypto {

// What a sub-key of the root key is for. Numbers are part of the derivation
// and never change their meaning. The key that signs the log is not here: it
// is independent of the root key (see signing.h).
enum class KeyPurpose : uint32_t {
  kEpochFile = 1,          // Seals the epoch file.
  kStorePages = 2,         // SQLCipher raw key of the main store.
  kTrailPages = 3,         // SQLCipher raw key of the query index.
  kDecisionTokens = 4,     // dec_ ids.
  kAuditTokens = 5,        // aud_ references.
  kPageTokens = 6,         // Page tokens.
  kPseudonyms = 7,         // Subjects as one caller knows them.
  kConsistencyTokens = 8,  // Answers of writes.
  kRequestDigests = 9,     // Digests kept for request_id.
  kMergeIds = 10,          // mrg_ ids.
  kLinkTokens = 20,        // One-click links.
  kStaffPseudonyms = 50,   // stf_ ids of people who come with tokens.
  kWatchTokens = 40,       // Where a watcher of changes goes on.
  kWebhookSigning = 41,    // Seed of the key that signs webhooks.
};

// The key at the top: 32 random bytes that wrap the epoch keys and from which
// the keys of the process are derived (keyed BLAKE2b over purpose and number).
// Keys of subjects are never derived from it. Immutable; safe for many
// threads; move-only.
class RootKey {
 public:
  // From a file: 32 raw bytes, or 64 hexadecimal digits and at most one line
  // break. Permissions and owner as ReadSecretFile demands. InvalidArgument
  // for other content, and for a key whose bytes are all equal.
  static absl::StatusOr<RootKey> Load(const std::string& path);

  // From a systemd credential (LoadCredential=, LoadCredentialEncrypted=):
  // the file `name` in $CREDENTIALS_DIRECTORY. FailedPrecondition when the
  // variable is not set; `name` is one path component.
  static absl::StatusOr<RootKey> LoadCredential(const std::string& name);

  // A new random key, written to `path` (hexadecimal, mode 0600, durable).
  // AlreadyExists when something lies there.
  static absl::StatusOr<RootKey> Create(const std::string& path);

  // From key bytes that the caller holds: tests, unsealed key backups.
  static RootKey FromBytes(KeyView key);

  // The sub-key of `purpose`; `number` tells apart several of one purpose.
  GuardedKey Derive(KeyPurpose purpose, uint32_t number = 0) const;

 private:
  explicit RootKey(GuardedKey key) : key_(std::move(key)) {}
  static absl::StatusOr<RootKey> Parse(const SecretBuffer& content);

  GuardedKey key_;
};

}  // namespace consentry::crypto

#endif  // CONSENTRY_GATEWAY_CRYPTO_ROOT_KEY_H_
