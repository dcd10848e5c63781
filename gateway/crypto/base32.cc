#include "gateway/crypto/base32.h"

namespace consentry::crypto {
namespace {

constexpr char kAlphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

int ValueOf(char c) {
  if (c >= 'a' && c <= 'z') return c - 'a';
  if (c >= '2' && c <= '7') return c - '2' + 26;
  return -1;
}

}  // namespace

std::string Base32Encode(std::span<const uint8_t> bytes) {
  std::string text;
  text.reserve((bytes.size() * 8 + 4) / 5);
  uint32_t bits = 0;
  int count = 0;
  for (const uint8_t byte : bytes) {
    bits = (bits << 8 | byte) & 0xfff;
    count += 8;
    while (count >= 5) {
      count -= 5;
      text.push_back(kAlphabet[bits >> count & 31]);
    }
  }
  if (count > 0) text.push_back(kAlphabet[bits << (5 - count) & 31]);
  return text;
}

bool Base32Decode(std::string_view text, std::span<uint8_t> out) {
  if (text.size() != (out.size() * 8 + 4) / 5) return false;
  uint32_t bits = 0;
  int count = 0;
  size_t made = 0;
  for (const char c : text) {
    const int value = ValueOf(c);
    if (value < 0) return false;
    bits = (bits << 5 | static_cast<uint32_t>(value)) & 0xfff;
    count += 5;
    if (count >= 8) {
      count -= 8;
      out[made++] = static_cast<uint8_t>(bits >> count);
    }
  }
  // What remains is padding.
  return (bits & ((1u << count) - 1)) == 0;
}

}  // namespace consentry::crypto
