#include "audit/log/segment.h"

#include <algorithm>
#include <utility>

#include "audit/log/bytes.h"
#include "audit/log/format.h"
#include "proto/support/status_macros.h"

namespace consentry::audit {
namespace {

constexpr size_t kNumberDigits = 20;
constexpr std::string_view kUnnamedSuffix = ".new";
constexpr size_t kZeroBytes = size_t{1} << 20;
constexpr size_t kDigestAt = kSegmentHeaderBytes - kHashSize;

}  // namespace

std::string EncodeSegmentHeader(const SegmentHeader& header) {
  std::string bytes(kSegmentMagic);
  PutInt(header.version, &bytes);
  PutInt(static_cast<uint32_t>(kSegmentHeaderBytes), &bytes);
  PutInt(header.number, &bytes);
  PutInt(header.segment_bytes, &bytes);
  bytes.append(AsView(header.origin_hash));
  bytes.append(header.salt);
  bytes.resize(kDigestAt, '\0');
  bytes.append(AsView(Sha256({bytes})));
  return bytes;
}

absl::StatusOr<SegmentHeader> ParseSegmentHeader(std::string_view bytes) {
  if (bytes.size() < kSegmentHeaderBytes ||
      bytes.substr(0, kSegmentMagic.size()) != kSegmentMagic) {
    return absl::DataLossError("not a segment of an audit log");
  }
  bytes = bytes.substr(0, kSegmentHeaderBytes);
  const absl::Status damaged =
      absl::DataLossError("header of a segment is damaged");
  // Every version has its digest over the header at the header's end.
  if (bytes.substr(kDigestAt) != AsView(Sha256({bytes.substr(0, kDigestAt)}))) {
    return damaged;
  }
  SegmentHeader header;
  header.version = GetInt<uint32_t>(bytes, 8);
  if (header.version > kLogFormatVersion) {
    return absl::FailedPreconditionError(
        "audit log has format " + std::to_string(header.version) +
        ", newer than format " + std::to_string(kLogFormatVersion) +
        " of this program: use the version that wrote it, or a newer one");
  }
  if (header.version < kLogFormatVersion) {
    return absl::FailedPreconditionError(
        "audit log has format " + std::to_string(header.version) +
        ", which no released program wrote: restore it from a backup");
  }
  header.number = GetInt<uint64_t>(bytes, 16);
  header.segment_bytes = GetInt<uint64_t>(bytes, 24);
  header.origin_hash = *HashFromBytes(bytes.substr(32, kHashSize));
  header.salt = bytes.substr(64, kSaltBytes);
  if (EncodeSegmentHeader(header) != bytes || header.number == 0 ||
      header.segment_bytes < kSegmentHeaderBytes ||
      header.segment_bytes > kMaxSegmentBytes) {
    return damaged;
  }
  return header;
}

std::string SegmentName(uint64_t number) {
  std::string digits = std::to_string(number);
  return std::string(kNumberDigits - digits.size(), '0') + digits +
         std::string(kSegmentSuffix);
}

std::optional<uint64_t> NumberOfSegment(std::string_view name) {
  if (name.size() != kNumberDigits + kSegmentSuffix.size() ||
      name.substr(kNumberDigits) != kSegmentSuffix) {
    return std::nullopt;
  }
  uint64_t number = 0;
  for (const char digit : name.substr(0, kNumberDigits)) {
    if (digit < '0' || digit > '9' || number > (UINT64_MAX - 9) / 10) {
      return std::nullopt;
    }
    number = number * 10 + static_cast<uint64_t>(digit - '0');
  }
  if (number == 0) return std::nullopt;
  return number;
}

std::string SegmentFolderOf(std::string_view log_folder) {
  return std::string(log_folder) + "/" + std::string(kSegmentFolder);
}

absl::StatusOr<std::vector<SegmentFile>> ListSegments(
    FileSystem* fs, std::string_view log_folder,
    const std::optional<Hash>& origin_hash) {
  const std::string folder = SegmentFolderOf(log_folder);
  CONSENTRY_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                             fs->List(folder));
  std::vector<SegmentFile> segments;
  for (const std::string& name : names) {
    const std::optional<uint64_t> number = NumberOfSegment(name);
    if (!number.has_value()) continue;
    SegmentFile segment;
    segment.path = folder + "/" + name;
    CONSENTRY_ASSIGN_OR_RETURN(const std::unique_ptr<File> file,
                               fs->Open(segment.path, FileSystem::Mode::kRead));
    CONSENTRY_ASSIGN_OR_RETURN(const std::string bytes,
                               file->ReadAt(0, kSegmentHeaderBytes));
    absl::StatusOr<SegmentHeader> header = ParseSegmentHeader(bytes);
    if (!header.ok()) {
      return absl::Status(
          header.status().code(),
          segment.path + ": " + std::string(header.status().message()));
    }
    segment.header = *std::move(header);
    const Hash& expected = origin_hash.has_value() ? *origin_hash
                           : segments.empty()
                               ? segment.header.origin_hash
                               : segments.front().header.origin_hash;
    if (segment.header.origin_hash != expected) {
      return absl::DataLossError(segment.path + " belongs to another log");
    }
    if (segment.header.number != *number ||
        (!segments.empty() &&
         segments.back().header.number + 1 != segment.header.number)) {
      return absl::DataLossError(segment.path +
                                 " does not follow the segment before it");
    }
    segments.push_back(std::move(segment));
  }
  if (!segments.empty() && segments.front().header.number != 1) {
    return absl::DataLossError(segments.front().path +
                               " is not the first segment of the log");
  }
  return segments;
}

absl::Status CreateSegment(FileSystem* fs, std::string_view log_folder,
                           const SegmentHeader& header) {
  const std::string folder = SegmentFolderOf(log_folder);
  const std::string path = folder + "/" + SegmentName(header.number);
  const std::string unnamed = path + std::string(kUnnamedSuffix);
  CONSENTRY_ASSIGN_OR_RETURN(const bool left_over, fs->Exists(unnamed));
  if (left_over) CONSENTRY_RETURN_IF_ERROR(fs->Remove(unnamed));
  {
    CONSENTRY_ASSIGN_OR_RETURN(const std::unique_ptr<File> file,
                               fs->Open(unnamed, FileSystem::Mode::kCreate));
    std::string bytes = EncodeSegmentHeader(header);
    const size_t first = static_cast<size_t>(
        std::min<uint64_t>(kZeroBytes, header.segment_bytes));
    bytes.resize(first, '\0');
    CONSENTRY_RETURN_IF_ERROR(file->WriteAt(0, bytes));
    bytes.assign(kZeroBytes, '\0');
    for (uint64_t at = first; at < header.segment_bytes; at += kZeroBytes) {
      const uint64_t n =
          std::min<uint64_t>(kZeroBytes, header.segment_bytes - at);
      CONSENTRY_RETURN_IF_ERROR(file->WriteAt(
          at, std::string_view(bytes).substr(0, static_cast<size_t>(n))));
      // Piecewise, so that a batch being synced meanwhile waits for little.
      CONSENTRY_RETURN_IF_ERROR(file->Sync());
    }
    CONSENTRY_RETURN_IF_ERROR(file->Sync());
  }
  CONSENTRY_RETURN_IF_ERROR(fs->Rename(unnamed, path));
  return fs->SyncDirectory(folder);
}

}  // namespace consentry::audit
