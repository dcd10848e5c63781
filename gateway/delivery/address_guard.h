#ifndef CONSENTRY_GATEWAY_DELIVERY_ADDRESS_GUARD_H_
#define CONSENTRY_GATEWAY_DELIVERY_ADDRESS_GUARD_H_

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace consentry::delivery {

// A network in CIDR notation. An IPv4 network is kept as IPv6, mapped.
struct Network {
  std::array<uint8_t, 16> address{};
  int bits = 128;
};
// "10.0.0.0/8", "fd00::/8", or one address. InvalidArgument for anything else,
// bits beyond the prefix included.
absl::StatusOr<Network> ParseNetwork(std::string_view text);

// Decides which addresses outgoing requests may connect to, by the address that
// a connection is about to be made to: so it holds whatever a name resolves to,
// and however often it changes. Immutable; safe for many threads.
class AddressGuard {
 public:
  explicit AddressGuard(std::vector<Network> allowed)
      : allowed_(std::move(allowed)) {}

  // True for a public unicast address, and for what was allowed. Private,
  // loopback, link-local, shared, multicast, documentation and reserved ones
  // (RFC 6890) are not public, nor is IPv4 inside of IPv6 (mapped, 6to4,
  // NAT64) where the inner one is not.
  bool Allows(const sockaddr& address) const;

 private:
  const std::vector<Network> allowed_;
};

}  // namespace consentry::delivery

#endif  // CONSENTRY_GATEWAY_DELIVERY_ADDRESS_GUARD_H_
