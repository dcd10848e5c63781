#ifndef CONSENTRY_GATEWAY_CRYPTO_NOTE_SIGNER_H_
#define CONSENTRY_GATEWAY_CRYPTO_NOTE_SIGNER_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "audit/log/signer.h"
#include "gateway/crypto/signing.h"

namespace consentry::crypto {

// Signs the log's checkpoints with a SigningKey, which it owns, under the
// log's name. Immutable; safe for many threads.
class NoteSigner final : public audit::Signer {
 public:
  // InvalidArgument for a name that C2SP signed-note does not allow.
  static absl::StatusOr<std::unique_ptr<NoteSigner>> Create(
      std::string_view name, std::unique_ptr<SigningKey> key);

  std::string name() const override { return name_; }
  std::string public_key() const override;
  absl::StatusOr<std::string> Sign(std::string_view message) const override;

 private:
  NoteSigner(std::string_view name, std::unique_ptr<SigningKey> key)
      : name_(name), key_(std::move(key)) {}

  const std::string name_;
  const std::unique_ptr<SigningKey> key_;
};

}  // namespace consentry::crypto

#endif  // CONSENTRY_GATEWAY_CRYPTO_NOTE_SIGNER_H_
