#include "audit/log/frame.h"

#include <algorithm>
#include <utility>

#include "audit/log/bytes.h"
#include "audit/log/format.h"
#include "proto/support/status_macros.h"

namespace consentry::audit {
namespace {

constexpr size_t kReadBytes = size_t{1} << 20;

size_t Padded(size_t size) {
  return (size + kFrameAlignment - 1) / kFrameAlignment * kFrameAlignment;
}

bool AllZero(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

Hash DigestOf(std::string_view salt, std::string_view header_and_payload) {
  return Sha256({salt, header_and_payload});
}

}  // namespace

size_t EncodedFrameSize(std::span<const std::string_view> entries) {
  size_t size = kFrameHeaderBytes + kFrameDigestBytes;
  for (const std::string_view entry : entries) {
    size += kEntryLengthBytes + entry.size();
  }
  return Padded(size);
}

Hash EncodeFrame(std::string_view salt, uint64_t first_index,
                 const Hash& previous,
                 std::span<const std::string_view> entries, std::string* out) {
  const size_t start = out->size();
  const size_t size = EncodedFrameSize(entries);
  out->reserve(start + size);
  size_t length = 0;
  for (const std::string_view entry : entries) {
    length += kEntryLengthBytes + entry.size();
  }
  out->append(kFrameMagic);
  PutInt(static_cast<uint32_t>(entries.size()), out);
  PutInt(static_cast<uint32_t>(length), out);
  PutInt(first_index, out);
  out->append(AsView(previous));
  for (const std::string_view entry : entries) {
    PutInt(static_cast<uint16_t>(entry.size()), out);
    out->append(entry);
  }
  const Hash digest = DigestOf(salt, std::string_view(*out).substr(start));
  out->append(AsView(digest));
  out->resize(start + size, '\0');
  return digest;
}

std::optional<size_t> ClaimedFrameSize(std::string_view bytes) {
  if (bytes.size() < kFrameHeaderBytes ||
      bytes.substr(0, kFrameMagic.size()) != kFrameMagic) {
    return std::nullopt;
  }
  const uint64_t count = GetInt<uint32_t>(bytes, 8);
  const uint64_t length = GetInt<uint32_t>(bytes, 12);
  if (count == 0 || count > kMaxBatchEntries || length > kMaxBatchBytes ||
      length < count * kEntryLengthBytes) {
    return std::nullopt;
  }
  return Padded(kFrameHeaderBytes + static_cast<size_t>(length) +
                kFrameDigestBytes);
}

FrameState ParseFrame(std::string_view salt, std::string_view bytes,
                      Frame* frame) {
  if (AllZero(bytes.substr(0, kMinFrameBytes))) return FrameState::kBlank;
  const std::optional<size_t> size = ClaimedFrameSize(bytes);
  if (!size.has_value() || *size > bytes.size()) return FrameState::kBad;
  frame->size = *size;
  frame->count = GetInt<uint32_t>(bytes, 8);
  const size_t length = GetInt<uint32_t>(bytes, 12);
  frame->first_index = GetInt<uint64_t>(bytes, 16);
  frame->previous = *HashFromBytes(bytes.substr(24, kHashSize));
  frame->payload = bytes.substr(kFrameHeaderBytes, length);
  const size_t digested = kFrameHeaderBytes + length;
  frame->digest = *HashFromBytes(bytes.substr(digested, kHashSize));
  uint64_t entries = 0;
  if (!ForEachEntry(frame->payload, [&](std::string_view) {
        ++entries;
        return true;
      })) {
    return FrameState::kBad;
  }
  // Padding is not under the digest: it must be the one thing it can be.
  const bool whole =
      entries == frame->count &&
      frame->first_index <= UINT64_MAX - frame->count &&
      AllZero(bytes.substr(digested + kFrameDigestBytes,
                           *size - digested - kFrameDigestBytes)) &&
      frame->digest == DigestOf(salt, bytes.substr(0, digested));
  return whole ? FrameState::kGood : FrameState::kBadDigest;
}

bool ForEachEntry(std::string_view payload,
                  absl::FunctionRef<bool(std::string_view entry)> f) {
  while (!payload.empty()) {
    if (payload.size() < kEntryLengthBytes) return false;
    const size_t length = GetInt<uint16_t>(payload, 0);
    payload.remove_prefix(kEntryLengthBytes);
    if (payload.size() < length) return false;
    if (!f(payload.substr(0, length))) return true;
    payload.remove_prefix(length);
  }
  return true;
}

FrameCursor::FrameCursor(const File* file, std::string salt, uint64_t offset,
                         uint64_t end)
    : file_(file), salt_(std::move(salt)), offset_(offset), end_(end) {}

std::string_view FrameCursor::Available() const {
  if (offset_ < buffer_offset_ || offset_ > buffer_offset_ + buffer_.size()) {
    return {};
  }
  return std::string_view(buffer_).substr(
      static_cast<size_t>(offset_ - buffer_offset_));
}

absl::Status FrameCursor::Fill(size_t bytes) {
  const uint64_t rest = end_ > offset_ ? end_ - offset_ : 0;
  bytes = static_cast<size_t>(std::min<uint64_t>(bytes, rest));
  if (Available().size() >= bytes) return absl::OkStatus();
  const uint64_t want = std::min<uint64_t>(std::max(bytes, read_bytes_), rest);
  read_bytes_ = std::min(2 * read_bytes_, kReadBytes);
  CONSENTRY_ASSIGN_OR_RETURN(buffer_,
                             file_->ReadAt(offset_, static_cast<size_t>(want)));
  buffer_offset_ = offset_;
  return absl::OkStatus();
}

absl::StatusOr<FrameState> FrameCursor::Next(Frame* frame) {
  CONSENTRY_RETURN_IF_ERROR(Fill(kMinFrameBytes));
  if (const auto size = ClaimedFrameSize(Available()); size.has_value()) {
    CONSENTRY_RETURN_IF_ERROR(Fill(*size));
  }
  const FrameState state = ParseFrame(salt_, Available(), frame);
  if (state == FrameState::kGood) offset_ += frame->size;
  return state;
}

absl::StatusOr<TailScan> ScanTail(const File& file, std::string_view salt,
                                  uint64_t offset, uint64_t end) {
  TailScan scan;
  scan.used_end = offset;
  for (uint64_t at = offset; at < end;) {
    // Windows overlap by a frame header, so that none is cut in two.
    CONSENTRY_ASSIGN_OR_RETURN(
        const std::string window,
        file.ReadAt(at, static_cast<size_t>(std::min<uint64_t>(
                            kReadBytes + kFrameHeaderBytes, end - at))));
    if (window.empty()) break;
    const std::string_view view = window;
    if (const size_t last = view.find_last_not_of('\0');
        last != std::string_view::npos) {
      scan.used_end = std::max(scan.used_end, at + last + 1);
    }
    for (size_t found = view.find(kFrameMagic);
         found != std::string_view::npos && !scan.frame_offset.has_value();
         found = view.find(kFrameMagic, found + 1)) {
      const uint64_t start = at + found;
      if (start % kFrameAlignment != 0) continue;
      const auto size = ClaimedFrameSize(view.substr(found));
      if (!size.has_value()) continue;
      CONSENTRY_ASSIGN_OR_RETURN(const std::string bytes,
                                 file.ReadAt(start, *size));
      Frame frame;
      if (ParseFrame(salt, bytes, &frame) == FrameState::kGood) {
        scan.frame_offset = start;
        scan.frame_first_index = frame.first_index;
      }
    }
    at += kReadBytes;
  }
  return scan;
}

}  // namespace consentry::audit
