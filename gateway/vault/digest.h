#ifndef CONSENTRY_GATEWAY_VAULT_DIGEST_H_
#define CONSENTRY_GATEWAY_VAULT_DIGEST_H_

#include <sodium.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "consentry/v1/common.pb.h"

namespace consentry::vault {

inline constexpr size_t kDigestKeyBytes = 16;
static_assert(kDigestKeyBytes == crypto_generichash_blake2b_KEYBYTES_MIN);

// Keyed BLAKE2b over a sequence of parts, each with its length, so that no two
// sequences run together. For one subject: the key is SubjectHead.digest_key.
// Used by one thread; each object gives one digest.
class Digester {
 public:
  // A key of another length is a programming error that stops the process.
  explicit Digester(std::string_view key);
  Digester(const Digester&) = delete;
  Digester& operator=(const Digester&) = delete;
  ~Digester() { sodium_memzero(&state_, sizeof(state_)); }

  void AddNumber(uint64_t number);
  void AddText(std::string_view text);
  // Kind and content of a value, exactly.
  void AddValue(const v1::Value& value);

  // The first 8 bytes.
  uint64_t Short();
  // 16 bytes.
  std::string Long();

 private:
  crypto_generichash_blake2b_state state_;
};

// Tells whether two values of one field are the same to a person: texts are
// compared without regard to case (Unicode simple lower case) and to spaces
// around and repeated ones; everything else exactly.
uint64_t ValueDigest(std::string_view digest_key, uint32_t field,
                     const v1::Value& value);

// The text as ValueDigest compares it. Malformed UTF-8 is left as it is.
std::string FoldText(std::string_view text);

}  // namespace consentry::vault

#endif  // CONSENTRY_GATEWAY_VAULT_DIGEST_H_
