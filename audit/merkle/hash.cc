#include "audit/merkle/hash.h"

#include <openssl/evp.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

namespace consentry::audit {
namespace {

struct FreeDigest {
  void operator()(EVP_MD* digest) const { EVP_MD_free(digest); }
};
struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

// Fetching the algorithm costs more than hashing a leaf: once for the process.
const EVP_MD* Algorithm() {
  static const std::unique_ptr<EVP_MD, FreeDigest> algorithm(
      EVP_MD_fetch(nullptr, "SHA256", nullptr));
  return algorithm.get();
}

}  // namespace

std::optional<Hash> HashFromBytes(std::string_view bytes) {
  if (bytes.size() != kHashSize) return std::nullopt;
  Hash hash;
  std::copy(bytes.begin(), bytes.end(), hash.begin());
  return hash;
}

std::string HexOf(const Hash& hash) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex;
  hex.reserve(2 * kHashSize);
  for (const uint8_t byte : hash) {
    hex.push_back(kDigits[byte >> 4]);
    hex.push_back(kDigits[byte & 15]);
  }
  return hex;
}

Hash Sha256(std::initializer_list<std::string_view> parts) {
  thread_local const std::unique_ptr<EVP_MD_CTX, FreeContext> context(
      EVP_MD_CTX_new());
  Hash hash;
  bool ok = context != nullptr &&
            EVP_DigestInit_ex(context.get(), Algorithm(), nullptr) == 1;
  for (const std::string_view part : parts) {
    ok = ok && EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1;
  }
  ok = ok && EVP_DigestFinal_ex(context.get(), hash.data(), nullptr) == 1;
  // Without SHA-256 there is no log; nothing wiser is left to do.
  if (!ok) std::abort();
  return hash;
}

Hash EmptyRoot() { return Sha256({}); }

Hash LeafHash(std::string_view entry) {
  return Sha256({std::string_view("\0", 1), entry});
}

Hash NodeHash(const Hash& left, const Hash& right) {
  return Sha256({std::string_view("\1", 1), AsView(left), AsView(right)});
}

}  // namespace consentry::audit
