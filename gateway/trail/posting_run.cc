#include "gateway/trail/posting_run.h"

#include "absl/status/status.h"

namespace consentry::trail {
namespace {

void PutVarint(std::string* out, uint64_t value) {
  while (value >= 0x80) {
    out->push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out->push_back(static_cast<char>(value));
}

bool TakeVarint(std::string_view* in, uint64_t* value) {
  *value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (in->empty()) return false;
    const auto byte = static_cast<uint8_t>(in->front());
    in->remove_prefix(1);
    if (shift == 63 && byte > 1) return false;
    *value |= static_cast<uint64_t>(byte & 0x7f) << shift;
    // One number has one spelling: no zeros at its upper end.
    if (byte < 0x80) return byte != 0 || shift == 0;
  }
  return false;
}

PostingChunk EncodeChunk(std::span<const Posting> postings) {
  PostingChunk chunk;
  chunk.first_subject = postings.front().subject;
  chunk.last_subject = postings.back().subject;
  Posting before;
  for (const Posting& posting : postings) {
    const uint64_t step = posting.subject - before.subject;
    PutVarint(&chunk.bytes, step);
    PutVarint(&chunk.bytes,
              step == 0 ? posting.index - before.index : posting.index);
    PutVarint(&chunk.bytes, posting.item);
    before = posting;
  }
  return chunk;
}

}  // namespace

std::vector<PostingChunk> EncodePostings(std::span<const Posting> sorted) {
  std::vector<PostingChunk> chunks;
  chunks.reserve(sorted.size() / kPostingsPerChunk + 1);
  for (size_t i = 0; i < sorted.size(); i += kPostingsPerChunk) {
    chunks.push_back(EncodeChunk(
        sorted.subspan(i, std::min(kPostingsPerChunk, sorted.size() - i))));
  }
  return chunks;
}

absl::StatusOr<std::vector<Posting>> DecodePostings(std::string_view bytes) {
  std::vector<Posting> postings;
  Posting before;
  while (!bytes.empty() && postings.size() <= kPostingsPerChunk) {
    uint64_t step = 0, index = 0, item = 0;
    if (!TakeVarint(&bytes, &step) || !TakeVarint(&bytes, &index) ||
        !TakeVarint(&bytes, &item) || item > UINT16_MAX) {
      return absl::DataLossError("a chunk of the audit index does not decode");
    }
    Posting posting;
    posting.subject = before.subject + step;
    posting.index = step == 0 ? before.index + index : index;
    posting.item = static_cast<uint16_t>(item);
    if (!postings.empty() && posting <= before) {
      return absl::DataLossError("a chunk of the audit index is out of order");
    }
    postings.push_back(posting);
    before = posting;
  }
  if (postings.empty() || postings.size() > kPostingsPerChunk) {
    return absl::DataLossError("a chunk of the audit index is not of its size");
  }
  return postings;
}

}  // namespace consentry::trail
