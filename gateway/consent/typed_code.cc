#include "gateway/consent/typed_code.h"

#include <cstddef>
#include <cstdint>

#include "gateway/crypto/ids.h"

namespace consentry::consent {
namespace {

constexpr std::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr size_t kLength = 8;

}  // namespace

std::string NewCode() {
  // The first 40 of 120 random bits.
  const crypto::ObjectId random = crypto::NewObjectId();
  uint64_t bits = 0;
  for (size_t i = 0; i < 5; ++i) bits = bits << 8 | random[i];
  std::string code;
  for (size_t i = 0; i < kLength; ++i) {
    if (i == kLength / 2) code.push_back('-');
    code.push_back(kAlphabet[bits >> (5 * (kLength - 1 - i)) & 31]);
  }
  return code;
}

std::optional<std::string> ReadCode(std::string_view typed) {
  std::string code;
  for (char c : typed) {
    if (c == '-' || c == ' ') continue;
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (c == 'O') c = '0';
    if (c == 'I' || c == 'L') c = '1';
    if (kAlphabet.find(c) == std::string_view::npos) return std::nullopt;
    code.push_back(c);
    if (code.size() > kLength) return std::nullopt;
  }
  if (code.size() != kLength) return std::nullopt;
  return code;
}

bool SameDigest(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  volatile unsigned difference = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    difference = difference | (static_cast<unsigned char>(a[i]) ^
                               static_cast<unsigned char>(b[i]));
  }
  return difference == 0;
}

}  // namespace consentry::consent
