#include "gateway/crypto/opener.h"

#include <optional>

#include "gateway/crypto/key_access.h"
#include "gateway/crypto/sealed_box.h"
#include "gateway/crypto/sealer.h"
#include "proto/support/status_macros.h"

namespace consentry::crypto {
namespace {

template <class Context>
absl::StatusOr<Plaintext> OpenIn(const SubjectKeys& keys,
                                 const Context& context,
                                 std::string_view sealed) {
  CONSENTRY_ASSIGN_OR_RETURN(const AssociatedData associated_data,
                             EncodeContext(keys.subject(), context));
  CONSENTRY_ASSIGN_OR_RETURN(const uint32_t generation,
                             SealedGeneration(sealed));
  const std::optional<KeyView> key =
      SubjectKeyAccess::DataKey(keys, generation);
  if (!key.has_value()) {
    return absl::NotFoundError(
        "a value is sealed under a key generation that does not exist");
  }
  return OpenBox(*key, associated_data, sealed);
}

template <class Context>
absl::StatusOr<std::string> ResealIn(const SubjectKeys& keys,
                                     const Context& from, const Context& to,
                                     std::string_view sealed) {
  CONSENTRY_ASSIGN_OR_RETURN(const Plaintext before,
                             OpenIn(keys, from, sealed));
  CONSENTRY_ASSIGN_OR_RETURN(std::string anew,
                             Sealer::Seal(keys, to, before.view()));
  CONSENTRY_ASSIGN_OR_RETURN(const Plaintext after, OpenIn(keys, to, anew));
  if (after.view() != before.view()) {
    return absl::DataLossError("a value sealed anew opened as another one");
  }
  return anew;
}

}  // namespace

absl::StatusOr<Plaintext> FactOpener::Open(const SubjectKeys& keys,
                                           const FactContext& context,
                                           std::string_view sealed) {
  return OpenIn(keys, context, sealed);
}

absl::StatusOr<Plaintext> Opener::Open(const Grant& grant,
                                       const SubjectKeys& keys,
                                       const FieldContext& context,
                                       std::string_view sealed) {
  if (!grant.valid()) {
    return absl::PermissionDeniedError("the grant was used up");
  }
  return OpenIn(keys, context, sealed);
}

absl::StatusOr<std::string> Resealer::Reseal(const SubjectKeys& keys,
                                             const FieldContext& from,
                                             const FieldContext& to,
                                             std::string_view sealed) {
  return ResealIn(keys, from, to, sealed);
}

absl::StatusOr<std::string> Resealer::Reseal(const SubjectKeys& keys,
                                             const FactContext& from,
                                             const FactContext& to,
                                             std::string_view sealed) {
  return ResealIn(keys, from, to, sealed);
}

absl::StatusOr<SuppressionHash> SealedIdentifierHasher::Hash(
    const SubjectKeys& keys, const FieldContext& context,
    std::string_view sealed, const EpochKeys& epochs, uint32_t suppression_key,
    IdentifierType type, std::string_view name_space) {
  CONSENTRY_ASSIGN_OR_RETURN(const Plaintext opened,
                             OpenIn(keys, context, sealed));
  return ComputeSuppressionHash(epochs, suppression_key, type, name_space,
                                opened.view());
}

absl::StatusOr<BlindIndex> Reindexer::Index(const SubjectKeys& keys,
                                            const FieldContext& context,
                                            std::string_view sealed,
                                            const EpochKeys& epochs,
                                            uint32_t epoch, IdentifierType type,
                                            std::string_view name_space) {
  CONSENTRY_ASSIGN_OR_RETURN(const Plaintext value,
                             OpenIn(keys, context, sealed));
  return ComputeBlindIndex(epochs, epoch, type, name_space, value.view());
}

}  // namespace consentry::crypto
