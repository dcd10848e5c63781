#ifndef CONSENTRY_TESTS_UNIT_POLICY_SIGNALS_TC_WRITER_H_
#define CONSENTRY_TESTS_UNIT_POLICY_SIGNALS_TC_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace consentry::signals {

// Bits, most significant first, and their base64url.
class BitWriter {
 public:
  BitWriter& Put(uint64_t value, size_t bits) {
    for (size_t i = bits; i-- > 0;) bits_.push_back((value >> i) & 1);
    return *this;
  }
  size_t size() const { return bits_.size(); }
  // Padded with zeros to a multiple of 6, after one of `unit`.
  std::string Text(size_t unit = 6) const {
    static constexpr char kAlphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::vector<bool> bits = bits_;
    while (bits.size() % unit != 0) bits.push_back(false);
    while (bits.size() % 6 != 0) bits.push_back(false);
    std::string text;
    for (size_t i = 0; i < bits.size(); i += 6) {
      size_t sextet = 0;
      for (size_t b = 0; b < 6; ++b) sextet = sextet << 1 | bits[i + b];
      text.push_back(kAlphabet[sextet]);
    }
    return text;
  }

 private:
  std::vector<bool> bits_;
};

// A vendor section.
using Ranges = std::vector<std::pair<uint16_t, uint16_t>>;
inline void PutRanges(const Ranges& ranges, BitWriter* bits) {
  bits->Put(ranges.size(), 12);
  for (const auto& [first, last] : ranges) {
    bits->Put(first != last, 1).Put(first, 16);
    if (first != last) bits->Put(last, 16);
  }
}
inline void PutVendors(uint16_t most, const Ranges& ranges, BitWriter* bits) {
  bits->Put(most, 16).Put(1, 1);
  PutRanges(ranges, bits);
}

struct Restriction {
  uint64_t purpose;
  uint64_t type;
  Ranges vendors;
};

// A TC string, valid unless a field is changed. Masks are read from the left:
// bit 23 of a 24-bit mask is purpose 1.
struct TcWriter {
  uint64_t version = 2;
  // 2026-06-01.
  uint64_t created = 17'802'720'000;
  uint64_t updated = 17'802'720'000;
  uint64_t cmp = 880;
  uint64_t language_first = 3;
  uint64_t policy = 5;
  uint64_t service_specific = 1;
  uint64_t features = 0;
  uint64_t consents = 0;
  uint64_t interests = 0;
  uint16_t most = 100;
  Ranges vendor_consents;
  Ranges vendor_interests;
  std::vector<Restriction> restrictions;
  // Segments behind the core.
  std::vector<std::string> segments = {Disclosed({{1, 100}})};

  static std::string Disclosed(const Ranges& ranges) {
    BitWriter bits;
    bits.Put(1, 3);
    PutVendors(0xffff, ranges, &bits);
    return bits.Text();
  }
  static std::string Publisher(uint64_t consents, uint64_t interests) {
    return BitWriter()
        .Put(3, 3)
        .Put(consents, 24)
        .Put(interests, 24)
        .Put(2, 6)
        .Put(0b10, 2)
        .Put(0b01, 2)
        .Text();
  }
  // Of TCF purposes, for the masks above.
  static uint64_t Mask(std::vector<int> numbers, int bits = 24) {
    uint64_t mask = 0;
    for (const int number : numbers) mask |= uint64_t{1} << (bits - number);
    return mask;
  }

  BitWriter Core() const {
    BitWriter bits;
    bits.Put(version, 6).Put(created, 36).Put(updated, 36);
    bits.Put(cmp, 12).Put(7, 12).Put(1, 6).Put(language_first, 6).Put(4, 6);
    bits.Put(48, 12).Put(policy, 6).Put(service_specific, 1).Put(0, 1);
    bits.Put(features, 12).Put(consents, 24).Put(interests, 24);
    bits.Put(0, 1).Put(5, 6).Put(17, 6);
    PutVendors(most, vendor_consents, &bits);
    PutVendors(most, vendor_interests, &bits);
    bits.Put(restrictions.size(), 12);
    for (const Restriction& restriction : restrictions) {
      bits.Put(restriction.purpose, 6).Put(restriction.type, 2);
      PutRanges(restriction.vendors, &bits);
    }
    return bits;
  }
  std::string Text() const {
    std::string text = Core().Text();
    for (const std::string& segment : segments) text += "." + segment;
    return text;
  }
};

}  // namespace consentry::signals

#endif  // CONSENTRY_TESTS_UNIT_POLICY_SIGNALS_TC_WRITER_H_
