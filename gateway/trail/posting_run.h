#ifndef CONSENTRY_GATEWAY_TRAIL_POSTING_RUN_H_
#define CONSENTRY_GATEWAY_TRAIL_POSTING_RUN_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace consentry::trail {

// Entry `index` of the log is about `subject`, as its item number `item`.
struct Posting {
  uint64_t subject = 0;
  uint64_t index = 0;
  uint16_t item = 0;

  friend auto operator<=>(const Posting&, const Posting&) = default;
};

// Postings of one stretch of the log are written once, sorted by subject, in
// chunks of at most this many: a search reads one chunk of each stretch, and
// writing is sequential however many subjects there are.
inline constexpr size_t kPostingsPerChunk = 256;

// One chunk, ready for its row.
struct PostingChunk {
  uint64_t first_subject = 0;
  uint64_t last_subject = 0;
  std::string bytes;
};

// Splits sorted, distinct postings into chunks. The bytes of a chunk are
// varints (LEB128): for each posting the difference of subjects to the one
// before; then, where that is 0, the difference of indexes, else the index;
// then the item.
std::vector<PostingChunk> EncodePostings(std::span<const Posting> sorted);

// DataLoss for bytes that EncodePostings does not make.
absl::StatusOr<std::vector<Posting>> DecodePostings(std::string_view bytes);

}  // namespace consentry::trail

#endif  // CONSENTRY_GATEWAY_TRAIL_POSTING_RUN_H_
