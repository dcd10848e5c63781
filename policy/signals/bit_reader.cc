#include "policy/signals/bit_reader.h"

#include <array>
#include <string>

namespace consentry::signals {
namespace {

constexpr uint8_t kNone = 0xff;

constexpr std::array<uint8_t, 256> MakeSextets() {
  std::array<uint8_t, 256> sextets{};
  sextets.fill(kNone);
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  for (size_t i = 0; i < kAlphabet.size(); ++i) {
    sextets[static_cast<uint8_t>(kAlphabet[i])] = static_cast<uint8_t>(i);
  }
  return sextets;
}

constexpr std::array<uint8_t, 256> kSextets = MakeSextets();
// The term that follows would be above 2^24; one bit more ends the code.
constexpr size_t kMostFibonacciBits = 36;
constexpr uint32_t kMostFibonacci = uint32_t{1} << 24;

}  // namespace

BitReader::BitReader(std::string_view text, size_t offset,
                     std::string_view segment)
    : size_(text.size() * 6), offset_(offset), segment_(segment) {
  words_.resize((size_ + 63) / 64, 0);
  size_t at = 0;
  for (size_t i = 0; i < text.size(); ++i, at += 6) {
    const uint8_t sextet = kSextets[static_cast<uint8_t>(text[i])];
    if (sextet == kNone) {
      Fail(Fault::kBadCharacter, "", at);
      return;
    }
    const size_t word = at / 64;
    const size_t used = at % 64;
    if (used <= 58) {
      words_[word] |= uint64_t{sextet} << (58 - used);
    } else {
      words_[word] |= uint64_t{sextet} >> (used - 58);
      words_[word + 1] = uint64_t{sextet} << (122 - used);
    }
  }
}

uint64_t BitReader::Read(size_t bits, std::string_view field) {
  if (error_) return 0;
  last_ = position_;
  if (bits > left()) {
    Fail(Fault::kTruncated, field, position_);
    return 0;
  }
  const size_t word = position_ / 64;
  const size_t used = position_ % 64;
  uint64_t value = words_[word] << used;
  if (used + bits > 64) value |= words_[word + 1] >> (64 - used);
  position_ += bits;
  return value >> (64 - bits);
}

uint32_t BitReader::ReadFibonacci(std::string_view field) {
  const size_t start = position_;
  uint32_t sum = 0;
  uint32_t term = 1;
  uint32_t next = 2;
  bool before = false;
  for (size_t i = 0; i < kMostFibonacciBits; ++i) {
    const bool one = ReadFlag(field);
    if (error_) return 0;
    if (one && before) {
      last_ = start;
      return sum;
    }
    if (one) sum += term;
    if (sum > kMostFibonacci) break;
    before = one;
    const uint32_t after = term + next;
    term = next;
    next = after;
  }
  Fail(Fault::kValue, field, start);
  return 0;
}

bool BitReader::Need(size_t bits, std::string_view field) {
  if (!error_ && bits > left()) Fail(Fault::kTruncated, field, position_);
  return !error_;
}

void BitReader::Refuse(Fault fault, std::string_view field) {
  Fail(fault, field, last_);
}

void BitReader::ExpectEnd() {
  while (!error_ && left() > 0) {
    const size_t bits = left() < 64 ? left() : 64;
    if (Read(bits, "") != 0) Fail(Fault::kTrailing, "", last_);
  }
}

void BitReader::Fail(Fault fault, std::string_view field, size_t bit) {
  if (error_) return;
  SignalError error;
  error.fault = fault;
  error.field = std::string(segment_);
  if (!field.empty()) error.field.append(".").append(field);
  error.character = offset_ + bit / 6;
  error.bit = bit;
  error_ = std::move(error);
}

}  // namespace consentry::signals
