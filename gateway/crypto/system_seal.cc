#include "gateway/crypto/system_seal.h"

#include <optional>

#include "gateway/crypto/key_access.h"
#include "gateway/crypto/sealed_box.h"
#include "proto/support/status_macros.h"

namespace consentry::crypto {

absl::StatusOr<std::string> SystemSeal::Seal(const EpochKeys& keys,
                                             const SystemContext& context,
                                             std::string_view plaintext) {
  CONSENTRY_ASSIGN_OR_RETURN(const AssociatedData associated_data,
                             EncodeContext(context));
  const std::optional<KeyView> key =
      EpochKeyAccess::System(keys, keys.system_key());
  if (!key.has_value()) return absl::InternalError("no system key");
  return SealBox(*key, keys.system_key(), associated_data, plaintext);
}

absl::StatusOr<Plaintext> SystemSeal::Open(const EpochKeys& keys,
                                           const SystemContext& context,
                                           std::string_view sealed) {
  CONSENTRY_ASSIGN_OR_RETURN(const AssociatedData associated_data,
                             EncodeContext(context));
  CONSENTRY_ASSIGN_OR_RETURN(const uint32_t generation,
                             SealedGeneration(sealed));
  const std::optional<KeyView> key = EpochKeyAccess::System(keys, generation);
  if (!key.has_value()) {
    return absl::NotFoundError(
        "a value is sealed under a system key that does not exist");
  }
  return OpenBox(*key, associated_data, sealed);
}

}  // namespace consentry::crypto
