// Segments as a disk may hold them: a frame that is accepted is the one that
// its entries make, and the walk over any bytes ends.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "audit/log/format.h"
#include "audit/log/frame.h"
#include "audit/log/segment.h"

using namespace consentry::audit;

namespace {

// The fuzzer's bytes, and behind them the frame that was laid over.
class Bytes final : public File {
 public:
  explicit Bytes(std::string bytes) : bytes_(std::move(bytes)) {}
  absl::Status WriteAt(uint64_t, std::string_view) override {
    return absl::UnavailableError("read only");
  }
  absl::StatusOr<std::string> ReadAt(uint64_t offset,
                                     size_t length) const override {
    if (offset >= bytes_.size()) return std::string();
    return bytes_.substr(static_cast<size_t>(offset), length);
  }
  absl::StatusOr<uint64_t> Size() const override { return bytes_.size(); }
  absl::Status Truncate(uint64_t) override {
    return absl::UnavailableError("read only");
  }
  absl::Status Sync() override { return absl::OkStatus(); }

 private:
  const std::string bytes_;
};

void CheckFrame(std::string_view salt, std::string_view bytes) {
  Frame frame;
  if (ParseFrame(salt, bytes, &frame) != FrameState::kGood) return;
  std::vector<std::string_view> entries;
  ForEachEntry(frame.payload, [&](std::string_view entry) {
    entries.push_back(entry);
    return true;
  });
  std::string again;
  const Hash digest =
      EncodeFrame(salt, frame.first_index, frame.previous, entries, &again);
  if (digest != frame.digest || again != bytes.substr(0, frame.size)) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string salt(kSaltBytes, 's');
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  CheckFrame(salt, text);
  const auto header = ParseSegmentHeader(text);
  if (header.ok() &&
      EncodeSegmentHeader(*header) != text.substr(0, kSegmentHeaderBytes)) {
    std::abort();
  }
  (void)NumberOfSegment(text);

  // Two good frames with some of their bits flipped.
  std::string frames;
  const std::vector<std::string_view> entries = {"one", "", "three"};
  const Hash first = EncodeFrame(salt, 0, Hash{}, entries, &frames);
  EncodeFrame(salt, 3, first, entries, &frames);
  for (size_t i = 0; i < size; ++i) {
    frames[i % frames.size()] =
        static_cast<char>(frames[i % frames.size()] ^ data[i]);
  }
  CheckFrame(salt, frames);
  const Bytes file(frames + std::string(text));
  const uint64_t end = *file.Size();
  FrameCursor cursor(&file, salt, 0, end);
  Frame frame;
  while (*cursor.Next(&frame) == FrameState::kGood) {
    if (cursor.offset() > end) std::abort();
  }
  const auto tail = ScanTail(file, salt, cursor.offset(), end);
  if (!tail.ok() || tail->used_end > end) std::abort();
  return 0;
}
