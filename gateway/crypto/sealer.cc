#include "gateway/crypto/sealer.h"

#include "gateway/crypto/key_access.h"
#include "gateway/crypto/sealed_box.h"
#include "proto/support/status_macros.h"

namespace consentry::crypto {
namespace {

template <class Context>
absl::StatusOr<std::string> SealIn(const SubjectKeys& keys,
                                   const Context& context,
                                   std::string_view plaintext) {
  CONSENTRY_ASSIGN_OR_RETURN(const AssociatedData associated_data,
                             EncodeContext(keys.subject(), context));
  return SealBox(SubjectKeyAccess::DataKey(keys), keys.data_generation(),
                 associated_data, plaintext);
}

}  // namespace

absl::StatusOr<std::string> Sealer::Seal(const SubjectKeys& keys,
                                         const FactContext& context,
                                         std::string_view plaintext) {
  return SealIn(keys, context, plaintext);
}

absl::StatusOr<std::string> Sealer::Seal(const SubjectKeys& keys,
                                         const FieldContext& context,
                                         std::string_view plaintext) {
  return SealIn(keys, context, plaintext);
}

}  // namespace consentry::crypto
