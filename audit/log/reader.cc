#include "audit/log/reader.h"

#include <algorithm>
#include <utility>

#include "audit/log/frame.h"
#include "audit/log/recovery.h"
#include "proto/support/status_macros.h"

namespace consentry::audit {

absl::StatusOr<std::unique_ptr<LogReader>> LogReader::Open(
    FileSystem* fs, std::string_view folder) {
  CONSENTRY_ASSIGN_OR_RETURN(const LogEnd end,
                             FindLogEnd(fs, folder, std::nullopt));
  auto map = std::make_shared<SegmentMap>(fs);
  for (size_t i = 0; i < end.used; ++i) {
    map->AddSegment(end.segments[i], end.first_indexes[i], /*indexed=*/false);
  }
  map->Publish(end.size);
  return std::make_unique<LogReader>(std::move(map));
}

absl::StatusOr<std::string> LogReader::Read(uint64_t index) const {
  if (index >= size()) {
    return absl::OutOfRangeError("no entry " + std::to_string(index) +
                                 " in a log of " + std::to_string(size()));
  }
  std::string found;
  CONSENTRY_RETURN_IF_ERROR(
      Scan(index, index + 1, [&](uint64_t, std::string_view entry) {
        found = entry;
        return false;
      }));
  return found;
}

absl::Status LogReader::Scan(
    uint64_t begin, uint64_t end,
    absl::FunctionRef<bool(uint64_t index, std::string_view entry)> f) const {
  end = std::min(end, size());
  bool more = true;
  while (more && begin < end) {
    const uint64_t before = begin;
    CONSENTRY_ASSIGN_OR_RETURN(const SegmentMap::Place place,
                               map_->Find(begin));
    CONSENTRY_ASSIGN_OR_RETURN(
        const std::unique_ptr<File> file,
        map_->fs()->Open(place.path, FileSystem::Mode::kRead));
    FrameCursor cursor(file.get(), place.salt, place.offset, place.end);
    uint64_t expected = place.first_index;
    // Frame by frame to the end of the segment; then Find the next one.
    while (more && expected < end) {
      const uint64_t offset = cursor.offset();
      Frame frame;
      CONSENTRY_ASSIGN_OR_RETURN(const FrameState state, cursor.Next(&frame));
      if (state == FrameState::kBlank && expected > place.first_index) break;
      if (state != FrameState::kGood || frame.first_index != expected) {
        return absl::DataLossError(place.path + " is damaged at byte " +
                                   std::to_string(offset) + ", entry " +
                                   std::to_string(expected));
      }
      uint64_t index = frame.first_index;
      expected += frame.count;
      if (expected <= begin) continue;
      ForEachEntry(frame.payload, [&](std::string_view entry) {
        if (index >= begin && index < end) more = f(index, entry);
        ++index;
        return more && index < end;
      });
      begin = std::max(begin, std::min(expected, end));
    }
    if (more && begin == before) {
      return absl::DataLossError(place.path + " ends before entry " +
                                 std::to_string(begin));
    }
  }
  return absl::OkStatus();
}

}  // namespace consentry::audit
