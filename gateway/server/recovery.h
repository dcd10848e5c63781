#ifndef CONSENTRY_GATEWAY_SERVER_RECOVERY_H_
#define CONSENTRY_GATEWAY_SERVER_RECOVERY_H_

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "gateway/crypto/recovery_key.h"

namespace consentry::server {

// Whether somebody holds the recovery key on paper: without it, key backups
// open for nobody. Beside the epoch file lie recovery.pub, the key's public
// half, and, once it was typed back, recovery.confirmed.

// Writes the public half; `init` does this once.
absl::Status KeepRecoveryKey(const std::string& key_folder,
                             const crypto::RecoveryKey& key);

// nullopt when none was made, or the file is damaged.
std::optional<crypto::RecoveryPublicKey> RecoveryPublicKeyIn(
    const std::string& key_folder);

enum class RecoveryState {
  kNone,         // None was made.
  kUnconfirmed,  // Nobody has shown that it was written down.
  kConfirmed,
};
RecoveryState RecoveryStateIn(const std::string& key_folder);

// Takes the key as somebody typed it. InvalidArgument when it is not the one
// of this gateway, NotFound when none was made; the messages repeat none of it.
// Offline; may run beside a gateway.
absl::Status ConfirmRecoveryKey(const std::string& config,
                                std::string_view typed);

}  // namespace consentry::server

#endif  // CONSENTRY_GATEWAY_SERVER_RECOVERY_H_
