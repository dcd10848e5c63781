#include "gateway/crypto/note_signer.h"

#include <utility>

#include "absl/status/status.h"
#include "audit/log/note.h"

namespace consentry::crypto {

absl::StatusOr<std::unique_ptr<NoteSigner>> NoteSigner::Create(
    std::string_view name, std::unique_ptr<SigningKey> key) {
  if (!audit::IsValidKeyName(name)) {
    return absl::InvalidArgumentError(
        "the name of a log has no spaces, plus signs or control characters");
  }
  return std::unique_ptr<NoteSigner>(new NoteSigner(name, std::move(key)));
}

std::string NoteSigner::public_key() const {
  const auto& key = key_->public_key();
  return {key.begin(), key.end()};
}

absl::StatusOr<std::string> NoteSigner::Sign(std::string_view message) const {
  return key_->Sign(message);
}

}  // namespace consentry::crypto
