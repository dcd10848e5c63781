#ifndef CONSENTRY_POLICY_SIGNALS_VENDOR_SET_H_
#define CONSENTRY_POLICY_SIGNALS_VENDOR_SET_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "policy/signals/bit_reader.h"

namespace consentry::signals {

// Ids `first` to `last`, both included.
struct VendorRange {
  uint16_t first = 0;
  uint16_t last = 0;

  friend bool operator==(const VendorRange&, const VendorRange&) = default;
};

// A set of vendor ids (1 to 65535), kept as it came: as bits (8 KiB at most) or
// as ranges (4 bytes each), so that its size follows that of the string.
// Copyable value; safe for many threads while nobody changes it.
class VendorSet {
 public:
  VendorSet() = default;

  // MaxVendorId (16), IsRangeEncoding (1), then the bits or the ranges. A range
  // that begins at 0, ends before it begins or goes above MaxVendorId is
  // refused; ranges in any order, and such that overlap, are taken.
  static VendorSet Read(BitReader* reader, std::string_view field);
  // NumEntries (12) and the ranges alone, as publisher restrictions have them.
  static VendorSet ReadRanges(BitReader* reader, uint16_t most,
                              std::string_view field);

  bool Contains(uint16_t vendor) const;
  bool empty() const { return Count() == 0; }
  // Number of ids.
  size_t Count() const;
  // Ascending, apart from each other by at least one id.
  std::vector<VendorRange> Ranges() const;
  // As the string says; 0 for ranges alone.
  uint16_t max_vendor_id() const { return max_vendor_id_; }

 private:
  uint16_t max_vendor_id_ = 0;
  // Bit i of word w: vendor 64 w + i + 1.
  std::vector<uint64_t> bits_;
  std::vector<VendorRange> ranges_;
};

}  // namespace consentry::signals

#endif  // CONSENTRY_POLICY_SIGNALS_VENDOR_SET_H_
