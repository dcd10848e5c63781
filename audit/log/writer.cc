#include "audit/log/writer.h"

#include <sodium.h>

#include <algorithm>
#include <utility>

#include "audit/log/frame.h"
#include "proto/support/status_macros.h"

namespace consentry::audit {
namespace {

constexpr uint64_t kMinSegmentBytes = 4096;
constexpr uint64_t kMaxClosedMarkBytes = 256;

std::string RandomBytes(size_t n) {
  std::string bytes(n, '\0');
  randombytes_buf(bytes.data(), bytes.size());
  return bytes;
}

std::string Join(std::string_view folder, std::string_view name) {
  return std::string(folder) + "/" + std::string(name);
}

std::string ClosedMark(uint64_t size, const Hash& digest) {
  return "consentry-log-closed\n" + std::to_string(size) + "\n" +
         HexOf(digest) + "\n";
}

uint64_t BatchBytesOf(uint64_t segment_bytes) {
  constexpr uint64_t kOverhead = kSegmentHeaderBytes + kFrameHeaderBytes +
                                 kFrameDigestBytes + kFrameAlignment;
  return std::min<uint64_t>(kMaxBatchBytes, segment_bytes - kOverhead);
}

absl::Status WriteZeros(File* file, uint64_t begin, uint64_t end) {
  const std::string zeros(size_t{1} << 16, '\0');
  while (begin < end) {
    const uint64_t n = std::min<uint64_t>(zeros.size(), end - begin);
    CONSENTRY_RETURN_IF_ERROR(file->WriteAt(
        begin, std::string_view(zeros).substr(0, static_cast<size_t>(n))));
    begin += n;
  }
  return file->Sync();
}

}  // namespace

LogWriter::LogWriter(FileSystem* fs, std::string_view folder,
                     const Options& options)
    : fs_(fs),
      folder_(folder),
      options_(options),
      origin_hash_(Sha256({options.origin})),
      map_(std::make_shared<SegmentMap>(fs)) {}

LogWriter::~LogWriter() {
  StopPreparing();
  map_->Wake();
}

absl::StatusOr<std::unique_ptr<LogWriter>> LogWriter::Open(
    FileSystem* fs, std::string_view folder, const Options& options,
    RecoveryReport* report) {
  *report = RecoveryReport();
  if (options.origin.empty()) {
    return absl::InvalidArgumentError("an audit log needs an origin");
  }
  if (options.segment_bytes < kMinSegmentBytes ||
      options.segment_bytes > kMaxSegmentBytes ||
      options.segment_bytes % kFrameAlignment != 0) {
    return absl::InvalidArgumentError(
        "segment_bytes is not a multiple of 8 within its range");
  }
  if (sodium_init() < 0) {
    return absl::InternalError("libsodium did not start");
  }
  std::unique_ptr<LogWriter> writer(new LogWriter(fs, folder, options));
  CONSENTRY_RETURN_IF_ERROR(writer->Start(report));
  return writer;
}

absl::Status LogWriter::Start(RecoveryReport* report) {
  CONSENTRY_RETURN_IF_ERROR(MakeDurableDirectory(fs_, folder_));
  CONSENTRY_ASSIGN_OR_RETURN(lock_, fs_->Lock(Join(folder_, kLockName)));
  CONSENTRY_RETURN_IF_ERROR(
      MakeDurableDirectory(fs_, SegmentFolderOf(folder_)));
  // A segment that was named just before a crash of the process alone may
  // still be without a durable name.
  CONSENTRY_RETURN_IF_ERROR(fs_->SyncDirectory(SegmentFolderOf(folder_)));

  CONSENTRY_ASSIGN_OR_RETURN(LogEnd end,
                             FindLogEnd(fs_, folder_, origin_hash_));
  report->created = end.segments.empty();
  report->size = end.size;
  report->bytes_cut = end.cut_end - end.cut_begin;
  CONSENTRY_RETURN_IF_ERROR(CheckClosedMark(end, report));
  CONSENTRY_RETURN_IF_ERROR(Repair(end, report->clean));
  if (end.segments.empty()) {
    CONSENTRY_ASSIGN_OR_RETURN(SegmentFile first, MakeSegment(1));
    end.segments.push_back(std::move(first));
    end.offset = kSegmentHeaderBytes;
    end.digest = origin_hash_;
  }

  const size_t current = end.used == 0 ? 0 : end.used - 1;
  max_batch_bytes_ = BatchBytesOf(options_.segment_bytes);
  {
    MutexLock lock(&append_mu_);
    segment_ = end.segments[current];
    CONSENTRY_ASSIGN_OR_RETURN(
        file_, fs_->Open(segment_.path, FileSystem::Mode::kReadWrite));
    segment_used_ = end.used > 0;
    offset_ = end.offset;
    size_ = end.size;
    digest_ = end.digest;
    if (!segment_used_) {
      max_batch_bytes_ = std::min(max_batch_bytes_,
                                  BatchBytesOf(segment_.header.segment_bytes));
    }
    MutexLock state_lock(&state_mu_);
    room_ = segment_.header.segment_bytes - offset_;
    for (size_t i = current + 1; i < end.segments.size(); ++i) {
      max_batch_bytes_ = std::min(
          max_batch_bytes_, BatchBytesOf(end.segments[i].header.segment_bytes));
      spares_.push_back(end.segments[i]);
    }
    next_number_ = end.segments.back().header.number + 1;
  }
  for (size_t i = 0; i < end.used; ++i) {
    map_->AddSegment(end.segments[i], end.first_indexes[i], /*indexed=*/false);
  }
  map_->Publish(end.size);
  healthy_.store(true, std::memory_order_release);
  if (options_.prepare_in_background) {
    preparer_ = std::thread([this] { Prepare(); });
  }
  return absl::OkStatus();
}

absl::Status LogWriter::CheckClosedMark(const LogEnd& end,
                                        RecoveryReport* report) {
  const std::string path = Join(folder_, kClosedName);
  CONSENTRY_ASSIGN_OR_RETURN(const bool marked, fs_->Exists(path));
  if (!marked) {
    report->clean = report->created;
    return absl::OkStatus();
  }
  CONSENTRY_ASSIGN_OR_RETURN(const std::string mark,
                             ReadFile(fs_, path, kMaxClosedMarkBytes));
  if (mark != ClosedMark(end.size, end.digest)) {
    return absl::DataLossError(
        path + " does not fit the log, which has " + std::to_string(end.size) +
        " entries: entries were lost, or files of two states mixed");
  }
  report->clean = report->bytes_cut == 0;
  // Gone for good before anything is appended: a mark speaks of a log that
  // nobody writes to.
  CONSENTRY_RETURN_IF_ERROR(fs_->Remove(path));
  return fs_->SyncDirectory(folder_);
}

absl::Status LogWriter::Repair(const LogEnd& end, bool clean) {
  if (end.cut_end != end.cut_begin) {
    CONSENTRY_ASSIGN_OR_RETURN(const std::unique_ptr<File> file,
                               fs_->Open(end.segments[end.cut_segment].path,
                                         FileSystem::Mode::kReadWrite));
    CONSENTRY_RETURN_IF_ERROR(
        WriteZeros(file.get(), end.cut_begin, end.cut_end));
  }
  if (clean || end.used == 0) return absl::OkStatus();
  // After a failed sync the cache may hold a batch that the disk does not:
  // written again, it is durable before anybody is shown it.
  CONSENTRY_ASSIGN_OR_RETURN(
      const std::unique_ptr<File> file,
      fs_->Open(end.segments[end.used - 1].path, FileSystem::Mode::kReadWrite));
  CONSENTRY_ASSIGN_OR_RETURN(
      const std::string frame,
      file->ReadAt(end.last_frame_offset,
                   static_cast<size_t>(end.last_frame_bytes)));
  CONSENTRY_RETURN_IF_ERROR(file->WriteAt(end.last_frame_offset, frame));
  return file->Sync();
}

absl::StatusOr<SegmentFile> LogWriter::MakeSegment(uint64_t number) {
  SegmentFile segment;
  segment.path = Join(SegmentFolderOf(folder_), SegmentName(number));
  segment.header.version = kLogFormatVersion;
  segment.header.number = number;
  segment.header.segment_bytes = options_.segment_bytes;
  segment.header.origin_hash = origin_hash_;
  segment.header.salt =
      options_.random ? options_.random(kSaltBytes) : RandomBytes(kSaltBytes);
  CONSENTRY_RETURN_IF_ERROR(CreateSegment(fs_, folder_, segment.header));
  return segment;
}

void LogWriter::Prepare() {
  MutexLock lock(&state_mu_);
  while (!stop_) {
    if (!spares_.empty() || !prepare_status_.ok()) {
      state_changed_.Wait(&state_mu_);
      continue;
    }
    const uint64_t number = next_number_;
    state_mu_.Unlock();
    absl::StatusOr<SegmentFile> made = MakeSegment(number);
    state_mu_.Lock();
    if (made.ok()) {
      ++next_number_;
      spares_.push_back(*std::move(made));
    } else {
      prepare_status_ = made.status();
    }
    state_changed_.SignalAll();
  }
}

void LogWriter::StopPreparing() {
  {
    MutexLock lock(&state_mu_);
    stop_ = true;
    state_changed_.SignalAll();
  }
  if (preparer_.joinable()) preparer_.join();
}

absl::StatusOr<SegmentFile> LogWriter::TakeSpare() {
  MutexLock lock(&state_mu_);
  while (options_.prepare_in_background && spares_.empty() &&
         prepare_status_.ok() && !stop_) {
    state_changed_.Wait(&state_mu_);
  }
  if (spares_.empty()) {
    // The thread gave up, or there is none. Nothing of a batch is at stake in
    // a segment without a name, so this may be tried again.
    const uint64_t number = next_number_;
    state_mu_.Unlock();
    absl::StatusOr<SegmentFile> made = MakeSegment(number);
    state_mu_.Lock();
    if (made.ok()) {
      ++next_number_;
      prepare_status_ = absl::OkStatus();
    }
    state_changed_.SignalAll();
    return made;
  }
  SegmentFile spare = std::move(spares_.front());
  spares_.pop_front();
  state_changed_.SignalAll();
  return spare;
}

absl::Status LogWriter::Roll() {
  CONSENTRY_ASSIGN_OR_RETURN(SegmentFile next, TakeSpare());
  CONSENTRY_ASSIGN_OR_RETURN(
      file_, fs_->Open(next.path, FileSystem::Mode::kReadWrite));
  segment_ = std::move(next);
  segment_used_ = false;
  offset_ = kSegmentHeaderBytes;
  return absl::OkStatus();
}

absl::Status LogWriter::Fail(const absl::Status& cause) {
  const absl::Status status(cause.code(),
                            "audit log is closed since a write failed: " +
                                std::string(cause.message()));
  {
    MutexLock lock(&state_mu_);
    status_ = status;
  }
  healthy_.store(false, std::memory_order_release);
  return status;
}

absl::StatusOr<uint64_t> LogWriter::Append(
    std::span<const std::string_view> entries) {
  if (entries.empty() || entries.size() > kMaxBatchEntries) {
    return absl::InvalidArgumentError(
        "a batch has 1 to " + std::to_string(kMaxBatchEntries) + " entries");
  }
  uint64_t bytes = 0;
  for (const std::string_view entry : entries) {
    if (entry.size() > kMaxEntryBytes) {
      return absl::InvalidArgumentError(
          "an entry has at most " + std::to_string(kMaxEntryBytes) + " bytes");
    }
    bytes += kEntryLengthBytes + entry.size();
  }
  if (bytes > max_batch_bytes_) {
    return absl::InvalidArgumentError(
        "a batch has at most " + std::to_string(max_batch_bytes_) + " bytes");
  }

  MutexLock lock(&append_mu_);
  if (!healthy()) return status();
  const uint64_t frame_bytes = EncodedFrameSize(entries);
  if (offset_ + frame_bytes > segment_.header.segment_bytes) {
    if (absl::Status rolled = Roll(); !rolled.ok()) return Fail(rolled);
  }
  buffer_.clear();
  const Hash digest =
      EncodeFrame(segment_.header.salt, size_, digest_, entries, &buffer_);
  absl::Status written = file_->WriteAt(offset_, buffer_);
  if (written.ok()) written = file_->Sync();
  if (!written.ok()) return Fail(written);

  const uint64_t first_index = size_;
  if (!segment_used_) {
    map_->AddSegment(segment_, first_index, /*indexed=*/true);
    segment_used_ = true;
  }
  map_->AddFrame(first_index, offset_);
  offset_ += frame_bytes;
  size_ += entries.size();
  digest_ = digest;
  {
    MutexLock state_lock(&state_mu_);
    room_ = segment_.header.segment_bytes - offset_;
  }
  map_->Publish(size_);
  return first_index;
}

absl::Status LogWriter::status() const {
  MutexLock lock(&state_mu_);
  return status_;
}

uint64_t LogWriter::prepared_bytes() const {
  MutexLock lock(&state_mu_);
  uint64_t bytes = room_;
  for (const SegmentFile& spare : spares_) {
    bytes += spare.header.segment_bytes - kSegmentHeaderBytes;
  }
  return bytes;
}

absl::Status LogWriter::Close() {
  StopPreparing();
  MutexLock lock(&append_mu_);
  if (!healthy()) return status();
  {
    MutexLock state_lock(&state_mu_);
    status_ = absl::FailedPreconditionError("audit log is closed");
  }
  healthy_.store(false, std::memory_order_release);
  map_->Wake();
  const absl::Status marked =
      ReplaceFile(fs_, Join(folder_, kClosedName), ClosedMark(size_, digest_));
  file_.reset();
  lock_.reset();
  return marked;
}

}  // namespace consentry::audit
