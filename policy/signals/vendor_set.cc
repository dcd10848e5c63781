#include "policy/signals/vendor_set.h"

#include <algorithm>
#include <bit>

namespace consentry::signals {
namespace {

// The first bit read is the lowest vendor.
uint64_t Reverse(uint64_t bits) {
  bits = ((bits >> 1) & 0x5555555555555555u) | (bits & 0x5555555555555555u)
                                                   << 1;
  bits = ((bits >> 2) & 0x3333333333333333u) | (bits & 0x3333333333333333u)
                                                   << 2;
  bits = ((bits >> 4) & 0x0f0f0f0f0f0f0f0fu) | (bits & 0x0f0f0f0f0f0f0f0fu)
                                                   << 4;
  return __builtin_bswap64(bits);
}

// Ascending, overlaps and neighbours joined.
void Normalise(std::vector<VendorRange>* ranges) {
  if (!std::is_sorted(ranges->begin(), ranges->end(),
                      [](const VendorRange& a, const VendorRange& b) {
                        return a.first < b.first;
                      })) {
    std::sort(ranges->begin(), ranges->end(),
              [](const VendorRange& a, const VendorRange& b) {
                return a.first < b.first;
              });
  }
  size_t kept = 0;
  for (size_t i = 1; i < ranges->size(); ++i) {
    VendorRange& last = (*ranges)[kept];
    const VendorRange& next = (*ranges)[i];
    if (uint32_t{next.first} <= uint32_t{last.last} + 1) {
      last.last = std::max(last.last, next.last);
    } else {
      (*ranges)[++kept] = next;
    }
  }
  if (!ranges->empty()) ranges->resize(kept + 1);
}

}  // namespace

VendorSet VendorSet::Read(BitReader* reader, std::string_view field) {
  const auto most = static_cast<uint16_t>(reader->Read(16, field));
  if (reader->ReadFlag(field)) {
    VendorSet set = ReadRanges(reader, most, field);
    set.max_vendor_id_ = most;
    return set;
  }
  VendorSet set;
  set.max_vendor_id_ = most;
  if (most > 0 && !reader->Need(most, field)) return {};
  set.bits_.reserve((size_t{most} + 63) / 64);
  for (size_t left = most; left > 0 && reader->ok();) {
    const size_t bits = std::min<size_t>(left, 64);
    set.bits_.push_back(Reverse(reader->Read(bits, field) << (64 - bits)));
    left -= bits;
  }
  return set;
}

VendorSet VendorSet::ReadRanges(BitReader* reader, uint16_t most,
                                std::string_view field) {
  VendorSet set;
  const uint64_t entries = reader->Read(12, field);
  // Every entry takes 17 bits at least: no list longer than the string.
  set.ranges_.reserve(std::min<size_t>(entries, reader->left() / 17));
  for (uint64_t i = 0; i < entries && reader->ok(); ++i) {
    const bool is_range = reader->ReadFlag(field);
    VendorRange range;
    range.first = static_cast<uint16_t>(reader->Read(16, field));
    if (reader->ok() && (range.first == 0 || range.first > most)) {
      reader->Refuse(Fault::kValue, field);
    }
    range.last = range.first;
    if (is_range) {
      range.last = static_cast<uint16_t>(reader->Read(16, field));
      if (reader->ok() && (range.last < range.first || range.last > most)) {
        reader->Refuse(Fault::kValue, field);
      }
    }
    set.ranges_.push_back(range);
  }
  Normalise(&set.ranges_);
  return set;
}

bool VendorSet::Contains(uint16_t vendor) const {
  if (vendor == 0) return false;
  if (!bits_.empty()) {
    const size_t at = size_t{vendor} - 1;
    return at / 64 < bits_.size() && ((bits_[at / 64] >> (at % 64)) & 1) != 0;
  }
  const auto after = std::upper_bound(
      ranges_.begin(), ranges_.end(), vendor,
      [](uint16_t id, const VendorRange& range) { return id < range.first; });
  return after != ranges_.begin() && vendor <= std::prev(after)->last;
}

size_t VendorSet::Count() const {
  size_t count = 0;
  for (const uint64_t word : bits_) {
    count += static_cast<size_t>(std::popcount(word));
  }
  for (const VendorRange& range : ranges_) {
    count += size_t{range.last} - range.first + 1;
  }
  return count;
}

std::vector<VendorRange> VendorSet::Ranges() const {
  if (bits_.empty()) return ranges_;
  std::vector<VendorRange> ranges;
  const size_t end = bits_.size() * 64;
  const auto has = [this](size_t at) {
    return ((bits_[at / 64] >> (at % 64)) & 1) != 0;
  };
  for (size_t at = 0; at < end;) {
    if (!has(at)) {
      ++at;
      continue;
    }
    const size_t first = at;
    while (at < end && has(at)) ++at;
    ranges.push_back(
        {static_cast<uint16_t>(first + 1), static_cast<uint16_t>(at)});
  }
  return ranges;
}

}  // namespace consentry::signals
