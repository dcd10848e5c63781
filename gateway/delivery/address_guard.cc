#include "gateway/delivery/address_guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <charconv>
#include <cstring>
#include <optional>
#include <string>

#include "absl/status/status.h"

namespace consentry::delivery {
namespace {

using Bytes = std::array<uint8_t, 16>;

constexpr int kMappedBits = 96;

Bytes Mapped(const uint8_t* v4) {
  Bytes bytes{};
  bytes[10] = bytes[11] = 0xff;
  std::memcpy(bytes.data() + 12, v4, 4);
  return bytes;
}

bool Within(const Bytes& address, const Network& network) {
  for (int bit = 0; bit < network.bits; bit += 8) {
    const int left = network.bits - bit;
    const auto mask =
        static_cast<uint8_t>(left >= 8 ? 0xff : 0xff << (8 - left));
    const auto i = static_cast<size_t>(bit / 8);
    if (((address[i] ^ network.address[i]) & mask) != 0) return false;
  }
  return true;
}

std::optional<Bytes> BytesOf(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    sockaddr_in v4;
    std::memcpy(&v4, &address, sizeof v4);
    return Mapped(reinterpret_cast<const uint8_t*>(&v4.sin_addr));
  }
  if (address.sa_family == AF_INET6) {
    sockaddr_in6 v6;
    std::memcpy(&v6, &address, sizeof v6);
    Bytes bytes;
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
    return bytes;
  }
  return std::nullopt;
}

// The IANA registries of special-purpose addresses (RFC 6890), as far as they
// are not globally reachable.
const std::vector<Network>& NotPublic() {
  static const auto* const networks = [] {
    auto* made = new std::vector<Network>();
    for (const char* text :
         {"0.0.0.0/8",      "10.0.0.0/8",     "100.64.0.0/10",
          "127.0.0.0/8",    "169.254.0.0/16", "172.16.0.0/12",
          "192.0.0.0/24",   "192.0.2.0/24",   "192.88.99.0/24",
          "192.168.0.0/16", "198.18.0.0/15",  "198.51.100.0/24",
          "203.0.113.0/24", "224.0.0.0/4",    "240.0.0.0/4",
          "100::/64",       "2001::/23",      "2001:db8::/32",
          "3fff::/20",      "5f00::/16",      "fc00::/7",
          "fe80::/10",      "fec0::/10",      "ff00::/8"}) {
      made->push_back(*ParseNetwork(text));
    }
    return made;
  }();
  return *networks;
}

bool IsPublic(const Bytes& address) {
  for (const Network& network : NotPublic()) {
    if (Within(address, network)) return false;
  }
  static const Network mapped = {Mapped(Bytes{}.data()), kMappedBits};
  if (Within(address, mapped)) return true;
  // NAT64 and 6to4 hold an IPv4 address.
  static const Network nat64 = *ParseNetwork("64:ff9b::/96");
  if (Within(address, nat64)) return IsPublic(Mapped(address.data() + 12));
  static const Network six_to_four = *ParseNetwork("2002::/16");
  if (Within(address, six_to_four)) {
    return IsPublic(Mapped(address.data() + 2));
  }
  // Global unicast alone: no ::, ::1, no compatible or local NAT64 ones.
  return (address[0] & 0xe0) == 0x20;
}

}  // namespace

absl::StatusOr<Network> ParseNetwork(std::string_view text) {
  const absl::Status bad = absl::InvalidArgumentError(
      "must be a network such as 10.0.0.0/8 or fd00::/8");
  const size_t slash = text.find('/');
  const std::string host(text.substr(0, slash));
  Network network;
  in_addr v4;
  int most = 128;
  int offset = 0;
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1) {
    network.address = Mapped(reinterpret_cast<const uint8_t*>(&v4));
    most = 32;
    offset = kMappedBits;
  } else if (inet_pton(AF_INET6, host.c_str(), network.address.data()) != 1) {
    return bad;
  }
  network.bits = most;
  if (slash != std::string_view::npos) {
    const std::string_view bits = text.substr(slash + 1);
    const auto [end, error] =
        std::from_chars(bits.data(), bits.data() + bits.size(), network.bits);
    if (error != std::errc() || end != bits.data() + bits.size() ||
        network.bits < 0 || network.bits > most) {
      return bad;
    }
  }
  network.bits += offset;
  for (int bit = network.bits; bit < 128; ++bit) {
    const auto i = static_cast<size_t>(bit / 8);
    if ((network.address[i] >> (7 - bit % 8) & 1) != 0) return bad;
  }
  return network;
}

bool AddressGuard::Allows(const sockaddr& address) const {
  const auto bytes = BytesOf(address);
  if (!bytes) return false;
  for (const Network& network : allowed_) {
    if (Within(*bytes, network)) return true;
  }
  return IsPublic(*bytes);
}

}  // namespace consentry::delivery
