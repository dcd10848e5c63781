#ifndef CONSENTRY_GATEWAY_CRYPTO_SECRET_FILE_H_
#define CONSENTRY_GATEWAY_CRYPTO_SECRET_FILE_H_

#include <cstdint>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/crypto/secret.h"

namespace consentry::crypto {

// Longest key file that is read.
inline constexpr size_t kMaxSecretFileBytes = size_t{64} * 1024;

// Reads a key file without leaving copies behind. PermissionDenied unless it
// is a regular file (no symbolic link), belongs to the user that this process
// runs as or to root, and lets nobody but its owner do anything (no bit of
// 077). NotFound; ResourceExhausted when longer than kMaxSecretFileBytes.
// Messages name the path and the fix (chmod 600), never content.
absl::StatusOr<SecretBuffer> ReadSecretFile(const std::string& path);

// Creates a key file with mode 0600, durable when it returns OK (file and
// folder synced). AlreadyExists: a key is never overwritten.
absl::Status CreateSecretFile(const std::string& path,
                              std::span<const uint8_t> content);

}  // namespace consentry::crypto

#endif  // CONSENTRY_GATEWAY_CRYPTO_SECRET_FILE_H_
