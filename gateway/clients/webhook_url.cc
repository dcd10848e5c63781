#include "gateway/clients/webhook_url.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstddef>
#include <string>

namespace consentry::clients {
namespace {

constexpr size_t kMaxUrl = 512;
constexpr size_t kMaxHost = 253;

bool Take(std::string_view prefix, std::string_view* text) {
  if (text->substr(0, prefix.size()) != prefix) return false;
  text->remove_prefix(prefix.size());
  return true;
}

bool IsAlnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9');
}

bool IsPort(std::string_view port) {
  if (port.empty() || port.size() > 5) return false;
  unsigned value = 0;
  for (const char c : port) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  return value >= 1 && value <= 65535;
}

bool IsHostName(std::string_view host) {
  return !host.empty() && host.size() <= kMaxHost && IsAlnum(host.front()) &&
         IsAlnum(host.back()) &&
         std::all_of(host.begin(), host.end(),
                     [](char c) { return IsAlnum(c) || c == '-' || c == '.'; });
}

}  // namespace

bool IsWebhookUrl(std::string_view url) {
  if (url.size() > kMaxUrl || !std::all_of(url.begin(), url.end(), [](char c) {
        return c > ' ' && c < 0x7f && c != '#' && c != '\\' && c != '"' &&
               c != '<' && c != '>';
      })) {
    return false;
  }
  const bool secure = Take("https://", &url);
  if (!secure && !Take("http://", &url)) return false;
  const std::string_view authority = url.substr(0, url.find_first_of("/?"));
  std::string_view host = authority;
  std::string_view port;
  bool loopback = false;
  bool has_port = false;
  if (host.substr(0, 1) == "[") {
    const size_t end = host.find(']');
    if (end == std::string_view::npos) return false;
    const std::string_view rest = host.substr(end + 1);
    host = host.substr(1, end - 1);
    in6_addr v6;
    if (inet_pton(AF_INET6, std::string(host).c_str(), &v6) != 1) return false;
    loopback = IN6_IS_ADDR_LOOPBACK(&v6);
    if (!rest.empty()) {
      if (rest.front() != ':') return false;
      has_port = true;
      port = rest.substr(1);
    }
  } else {
    const size_t colon = host.find(':');
    if (colon != std::string_view::npos) {
      has_port = true;
      port = host.substr(colon + 1);
      host = host.substr(0, colon);
    }
    if (!IsHostName(host)) return false;
    in_addr v4;
    loopback = host == "localhost" ||
               (inet_pton(AF_INET, std::string(host).c_str(), &v4) == 1 &&
                ntohl(v4.s_addr) >> 24 == 127);
  }
  if (has_port && !IsPort(port)) return false;
  return secure || loopback;
}

}  // namespace consentry::clients
