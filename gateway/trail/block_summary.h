#ifndef CONSENTRY_GATEWAY_TRAIL_BLOCK_SUMMARY_H_
#define CONSENTRY_GATEWAY_TRAIL_BLOCK_SUMMARY_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "consentry/store/v1/leaf.pb.h"

namespace consentry::trail {

// Entries of the log that share one summary.
inline constexpr uint64_t kEntriesPerBlock = 256;

// What a query asks of an entry, subjects apart. All that is set must match.
struct EntryFilter {
  std::optional<std::string> client_id;
  std::optional<std::string> acting_person;
  std::optional<std::string> purpose;
  // Exact, or a prefix that ends in a dot.
  std::optional<std::string> event;
  std::optional<int32_t> effect;
  std::optional<int32_t> reason;
  // From inclusive, to exclusive.
  int64_t from_us = INT64_MIN;
  int64_t to_us = INT64_MAX;

  bool Matches(const store::v1::Leaf& leaf) const;
};

// What occurs in one block, so that a query passes over blocks that cannot hold
// a match and reads entries from the log itself. Never misses: it may say
// "perhaps" of a block without a match, never "no" of one with.
class BlockSummary {
 public:
  void Add(const store::v1::Leaf& leaf);
  bool MayMatch(const EntryFilter& filter) const;

  std::string Encode() const;
  static absl::StatusOr<BlockSummary> Decode(std::string_view bytes);

  uint64_t entries() const { return entries_; }

 private:
  uint64_t entries_ = 0;
  int64_t first_us_ = INT64_MAX;
  int64_t last_us_ = INT64_MIN;
  std::set<std::string, std::less<>> clients_;
  std::set<std::string, std::less<>> persons_;
  std::set<std::string, std::less<>> purposes_;
  std::set<std::string, std::less<>> events_;
  std::set<int32_t> effects_;
  std::set<int32_t> reasons_;
};

}  // namespace consentry::trail

#endif  // CONSENTRY_GATEWAY_TRAIL_BLOCK_SUMMARY_H_
