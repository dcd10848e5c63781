#include "gateway/vault/identifier_key.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "gateway/vault/digest.h"
#include "gateway/vault/wipe.h"
#include "proto/support/status_macros.h"

namespace consentry::vault {
namespace {

constexpr size_t kMaxNamespace = 64;

bool IsNamespace(std::string_view text) {
  return !text.empty() && text.size() <= kMaxNamespace &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '.' || c == '-';
         });
}

}  // namespace

NormalizedIdentifier::~NormalizedIdentifier() { WipeString(&value); }

absl::StatusOr<NormalizedIdentifier> NormalizeIdentifier(
    const v1::Identifier& identifier, std::string_view home_country) {
  NormalizedIdentifier result;
  result.type = identifier.type();
  bool named = false;
  switch (identifier.type()) {
    case v1::IDENTIFIER_TYPE_EMAIL:
      result.crypto_type = crypto::IdentifierType::kEmail;
      break;
    case v1::IDENTIFIER_TYPE_PHONE:
      result.crypto_type = crypto::IdentifierType::kPhone;
      break;
    case v1::IDENTIFIER_TYPE_EXTERNAL_ID:
      result.crypto_type = crypto::IdentifierType::kExternalId;
      named = true;
      break;
    case v1::IDENTIFIER_TYPE_CUSTOM:
      result.crypto_type = crypto::IdentifierType::kCustom;
      named = true;
      break;
    default:
      return absl::InvalidArgumentError("the type of identifier is unknown");
  }
  if (named && !IsNamespace(identifier.namespace_())) {
    return absl::InvalidArgumentError(
        "the namespace must be 1 to 64 characters of a-z, 0-9, '_', '.', '-'");
  }
  if (!named && !identifier.namespace_().empty()) {
    return absl::InvalidArgumentError(
        "this type of identifier has no namespace");
  }
  CONSENTRY_ASSIGN_OR_RETURN(
      result.value, crypto::NormalizeIdentifier(
                        result.crypto_type, identifier.value(), home_country));
  result.name_space = identifier.namespace_();
  return result;
}

absl::StatusOr<crypto::BlindIndex> IdentifierKey(
    const crypto::EpochKeys& keys, uint32_t epoch,
    const NormalizedIdentifier& identifier) {
  return crypto::ComputeBlindIndex(keys, epoch, identifier.crypto_type,
                                   identifier.name_space, identifier.value);
}

crypto::BlindIndex PublicIdKey(const crypto::ObjectId& id) {
  crypto::BlindIndex key{};
  static_assert(std::tuple_size_v<crypto::BlindIndex> ==
                std::tuple_size_v<crypto::ObjectId> + 1);
  std::copy(id.begin(), id.end(), key.begin() + 1);
  return key;
}

absl::StatusOr<crypto::BlindIndex> SourceRowKey(const crypto::EpochKeys& keys,
                                                uint32_t epoch,
                                                std::string_view source,
                                                std::string_view kind,
                                                std::string_view source_key) {
  // Upper case keeps this apart from every namespace of an identifier.
  std::string name_space = "ROW/";
  name_space.append(source).append("/").append(kind);
  return crypto::ComputeBlindIndex(
      keys, epoch, crypto::IdentifierType::kExternalId, name_space, source_key);
}

uint64_t IdentifierDigest(std::string_view digest_key,
                          const NormalizedIdentifier& identifier) {
  Digester digester(digest_key);
  digester.AddNumber(static_cast<uint64_t>(identifier.type));
  digester.AddText(identifier.name_space);
  digester.AddText(identifier.value);
  return digester.Short();
}

}  // namespace consentry::vault
