#ifndef CONSENTRY_GATEWAY_CRYPTO_GRANT_H_
#define CONSENTRY_GATEWAY_CRYPTO_GRANT_H_

#include <string>
#include <string_view>
#include <utility>

namespace consentry::access {
class GrantIssuer;
}
namespace consentry::testing {
class GrantForTest;
}

namespace consentry::crypto {

// Proof that a decision allowed plaintext. Opener demands one for every value,
// and only access::GrantIssuer, which stands behind the decision, can make
// one (and a helper that exists only under tests/). So whoever wants to know
// all places where personal data becomes readable runs `grep -rn Grant
// gateway` and reads what it finds.
//
// Move-only: a grant is handed to the one who shapes the answer and ends with
// it. A moved-from grant opens nothing.
class Grant {
 public:
  Grant(const Grant&) = delete;
  Grant& operator=(const Grant&) = delete;
  Grant(Grant&& other) noexcept
      : purpose_(std::exchange(other.purpose_, std::string())) {}
  Grant& operator=(Grant&& other) noexcept {
    purpose_ = std::exchange(other.purpose_, std::string());
    return *this;
  }

  // Id of the purpose that was decided on, as the registry names it.
  std::string_view purpose() const { return purpose_; }
  bool valid() const { return !purpose_.empty(); }

 private:
  friend class access::GrantIssuer;
  friend class testing::GrantForTest;
  explicit Grant(std::string_view purpose) : purpose_(purpose) {}

  std::string purpose_;
};

}  // namespace consentry::crypto

#endif  // CONSENTRY_GATEWAY_CRYPTO_GRANT_H_
