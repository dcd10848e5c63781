#ifndef CONSENTRY_GATEWAY_IDENTITY_KEY_SET_H_
#define CONSENTRY_GATEWAY_IDENTITY_KEY_SET_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/identity/token.h"

namespace consentry::identity {

inline constexpr size_t kMaxKeySetBytes = 64 << 10;
inline constexpr size_t kMaxKeys = 32;

// The public keys of one issuer (RFC 7517). Keys that are for encryption, of a
// kind that signs nothing of ours, too short, symmetric or private are passed
// over; of a key, nothing but its numbers is taken: no certificate and no
// address in it is ever looked at. Immutable; safe for many threads.
class KeySet {
 public:
  // InvalidArgument when the text is no key set, holds more than kMaxKeys keys,
  // two usable ones with one id, or none.
  static absl::StatusOr<std::shared_ptr<const KeySet>> Parse(
      std::string_view text);
  ~KeySet();
  KeySet(const KeySet&) = delete;
  KeySet& operator=(const KeySet&) = delete;

  // The same keys give the same text, in whatever order they were published.
  const std::string& digest() const { return digest_; }
  size_t size() const { return keys_.size(); }
  bool Has(std::string_view key_id) const;

  // Whether the signature over `token`, the text that `parsed` was made of, is
  // by the key that it names, used with the algorithm that the key is for; a
  // token that names none needs a set with one key for its algorithm. Faults:
  // "key", "signature". Some 60 to 150 microseconds.
  absl::Status Verify(std::string_view token, const ParsedToken& parsed) const;

 private:
  struct Key;
  KeySet();

  std::vector<std::unique_ptr<Key>> keys_;
  std::string digest_;
};

}  // namespace consentry::identity

#endif  // CONSENTRY_GATEWAY_IDENTITY_KEY_SET_H_
