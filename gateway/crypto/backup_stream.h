#ifndef CONSENTRY_GATEWAY_CRYPTO_BACKUP_STREAM_H_
#define CONSENTRY_GATEWAY_CRYPTO_BACKUP_STREAM_H_

#include <sodium.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/crypto/epoch_keys.h"
#include "gateway/crypto/ids.h"
#include "gateway/crypto/recovery_key.h"
#include "gateway/crypto/secret.h"

namespace consentry::crypto {

// The seal around a backup as a whole: frames of one stream under a random key
// of its own (libsodium secretstream, XChaCha20-Poly1305), which shows every
// frame that was changed, moved, left out or cut off. The key is sealed for
// whoever holds the epoch file (backups of data) or the recovery key (backups
// of keys). Used by one thread.
inline constexpr size_t kStreamHeaderBytes =
    crypto_secretstream_xchacha20poly1305_HEADERBYTES;
inline constexpr size_t kStreamOverhead =
    crypto_secretstream_xchacha20poly1305_ABYTES;

class StreamOpener {
 public:
  // DataLoss, NotFound as SystemSeal::Open.
  static absl::StatusOr<StreamOpener> WithSystemKey(const EpochKeys& keys,
                                                    const ObjectId& id,
                                                    std::string_view sealed_key,
                                                    std::string_view header);
  // DataLoss as RecoveryKey::Open.
  static absl::StatusOr<StreamOpener> WithRecoveryKey(
      const RecoveryKey& key, std::string_view sealed_key,
      std::string_view header);

  StreamOpener(StreamOpener&& other) noexcept : state_(other.state_) {
    sodium_memzero(&other.state_, sizeof(other.state_));
  }
  StreamOpener& operator=(StreamOpener&&) = delete;
  ~StreamOpener() { sodium_memzero(&state_, sizeof(state_)); }

  // The next frame. DataLoss unless it is that. `last`: no other follows.
  absl::StatusOr<SecretBuffer> Open(std::string_view frame,
                                    std::string_view associated, bool* last);

 private:
  friend class StreamSealer;
  StreamOpener() : state_{} {}
  static absl::StatusOr<StreamOpener> Begin(std::span<const uint8_t> key,
                                            std::string_view header);

  crypto_secretstream_xchacha20poly1305_state state_;
};

class StreamSealer {
 public:
  // With a new key.
  StreamSealer();
  StreamSealer(const StreamSealer&) = delete;
  StreamSealer& operator=(const StreamSealer&) = delete;
  ~StreamSealer() { sodium_memzero(&state_, sizeof(state_)); }

  absl::StatusOr<std::string> KeyForSystem(const EpochKeys& keys,
                                           const ObjectId& id) const;
  absl::StatusOr<std::string> KeyForRecovery(
      const RecoveryPublicKey& key) const;
  // Stands in clear before the first frame.
  const std::string& header() const { return header_; }

  std::string Seal(std::string_view plain, std::string_view associated,
                   bool last);

  // To read back what was sealed.
  absl::StatusOr<StreamOpener> Reopen() const;

 private:
  SecretBytes<kKeyBytes> key_;
  std::string header_;
  crypto_secretstream_xchacha20poly1305_state state_;
};

}  // namespace consentry::crypto

#endif  // CONSENTRY_GATEWAY_CRYPTO_BACKUP_STREAM_H_
