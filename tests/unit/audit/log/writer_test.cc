#include "audit/log/writer.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "audit/log/frame.h"
#include "audit/log/reader.h"
#include "audit/log/segment.h"
#include "tests/testing/fault_file_system.h"
#include "tests/testing/memory_file_system.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace consentry::audit {
namespace {

using testing::FaultFileSystem;
using testing::MemoryFileSystem;
using testing::StatusIs;
using testing::TempDir;

class WriterTest : public ::testing::Test {
 protected:
  static LogWriter::Options Options() {
    LogWriter::Options options;
    options.origin = "consentry.example/test";
    options.segment_bytes = 4096;
    options.prepare_in_background = false;
    return options;
  }

  std::unique_ptr<LogWriter> MustOpen() {
    auto writer = LogWriter::Open(&disk_, "/log", Options(), &report_);
    EXPECT_OK(writer);
    return writer.ok() ? *std::move(writer) : nullptr;
  }

  static absl::StatusOr<uint64_t> AppendTo(
      LogWriter* writer, const std::vector<std::string>& entries) {
    const std::vector<std::string_view> views(entries.begin(), entries.end());
    return writer->Append(views);
  }

  // `n` batches of two entries: "0", "1", "2", ...
  static void Fill(LogWriter* writer, int n) {
    for (int i = 0; i < n; ++i) {
      const uint64_t at = writer->size();
      ASSERT_OK(AppendTo(writer, {Entry(at), Entry(at + 1)}));
    }
  }

  static std::string Entry(uint64_t index) {
    return "entry " + std::to_string(index) + std::string(index % 97, 'x');
  }

  void ExpectEntries(uint64_t size) {
    auto reader = LogReader::Open(&disk_, "/log");
    ASSERT_OK(reader);
    ASSERT_EQ((*reader)->size(), size);
    uint64_t seen = 0;
    ASSERT_OK((*reader)->Scan(0, size, [&](uint64_t i, std::string_view e) {
      EXPECT_EQ(i, seen++);
      EXPECT_EQ(e, Entry(i));
      return true;
    }));
    EXPECT_EQ(seen, size);
    for (uint64_t i = 0; i < size; i += 7) {
      EXPECT_EQ(*(*reader)->Read(i), Entry(i));
    }
    EXPECT_THAT((*reader)->Read(size), StatusIs(absl::StatusCode::kOutOfRange));
  }

  std::string Segment(uint64_t number) {
    return "/log/segments/" + SegmentName(number);
  }
  std::string Bytes(const std::string& path) {
    return *ReadFile(&disk_, path, uint64_t{1} << 20);
  }
  void Overwrite(const std::string& path, uint64_t at, std::string_view data) {
    auto file = disk_.Open(path, FileSystem::Mode::kReadWrite);
    ASSERT_OK(file);
    ASSERT_OK((*file)->WriteAt(at, data));
    ASSERT_OK((*file)->Sync());
  }
  std::vector<uint64_t> FrameOffsets(uint64_t number) {
    std::vector<uint64_t> offsets;
    auto file = disk_.Open(Segment(number), FileSystem::Mode::kRead);
    const SegmentHeader header = *ParseSegmentHeader(Bytes(Segment(number)));
    FrameCursor cursor(file->get(), header.salt, kSegmentHeaderBytes, 4096);
    Frame frame;
    for (;;) {
      const uint64_t offset = cursor.offset();
      if (*cursor.Next(&frame) != FrameState::kGood) return offsets;
      offsets.push_back(offset);
    }
  }

  MemoryFileSystem disk_;
  RecoveryReport report_;
};

TEST_F(WriterTest, ANewLogIsEmptyAndClean) {
  const auto writer = MustOpen();
  EXPECT_TRUE(report_.created);
  EXPECT_TRUE(report_.clean);
  EXPECT_EQ(report_.size, 0u);
  EXPECT_EQ(writer->size(), 0u);
  EXPECT_TRUE(writer->healthy());
  EXPECT_OK(writer->status());
  ExpectEntries(0);
}

TEST_F(WriterTest, AppendedEntriesAreReadOverManySegments) {
  auto writer = MustOpen();
  Fill(writer.get(), 200);
  EXPECT_EQ(writer->size(), 400u);
  EXPECT_GE(disk_.List("/log/segments")->size(), 5u);
  ExpectEntries(400);
  const auto beside = writer->NewReader();
  EXPECT_EQ(*beside->Read(123), Entry(123));
  Fill(writer.get(), 1);
  EXPECT_EQ(beside->size(), 402u);
  EXPECT_EQ(*beside->Read(401), Entry(401));
}

TEST_F(WriterTest, ScanStopsWhenToldAndWhereTold) {
  auto writer = MustOpen();
  Fill(writer.get(), 100);
  const auto reader = writer->NewReader();
  std::vector<uint64_t> seen;
  ASSERT_OK(reader->Scan(37, 41, [&](uint64_t i, std::string_view) {
    seen.push_back(i);
    return true;
  }));
  EXPECT_EQ(seen, (std::vector<uint64_t>{37, 38, 39, 40}));
  seen.clear();
  ASSERT_OK(reader->Scan(37, 1000, [&](uint64_t i, std::string_view) {
    seen.push_back(i);
    return i < 38;
  }));
  EXPECT_EQ(seen, (std::vector<uint64_t>{37, 38}));
  ASSERT_OK(reader->Scan(200, 1000, [&](uint64_t, std::string_view) {
    ADD_FAILURE();
    return true;
  }));
}

TEST_F(WriterTest, AClosedLogReopensCleanAndGoesOn) {
  auto writer = MustOpen();
  Fill(writer.get(), 50);
  ASSERT_OK(writer->Close());
  EXPECT_FALSE(writer->healthy());
  EXPECT_THAT(AppendTo(writer.get(), {"late"}),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  writer.reset();
  writer = MustOpen();
  EXPECT_FALSE(report_.created);
  EXPECT_TRUE(report_.clean);
  EXPECT_EQ(report_.size, 100u);
  Fill(writer.get(), 50);
  ExpectEntries(200);
}

TEST_F(WriterTest, AnUncleanStartIsReportedWithTheSizeFound) {
  auto writer = MustOpen();
  Fill(writer.get(), 5);
  writer.reset();
  writer = MustOpen();
  EXPECT_FALSE(report_.clean);
  EXPECT_FALSE(report_.created);
  EXPECT_EQ(report_.size, 10u);
  EXPECT_EQ(report_.bytes_cut, 0u);
  ASSERT_OK(writer->Close());
  writer.reset();
  writer = MustOpen();
  EXPECT_TRUE(report_.clean);
}

TEST_F(WriterTest, ASecondWriterIsRefused) {
  const auto writer = MustOpen();
  EXPECT_THAT(LogWriter::Open(&disk_, "/log", Options(), &report_),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(WriterTest, BatchesBeyondABoundAreRefusedAndTheLogGoesOn) {
  auto writer = MustOpen();
  EXPECT_THAT(writer->Append({}), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(AppendTo(writer.get(), {std::string(65536, 'x')}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(AppendTo(writer.get(), {std::string(4000, 'x')}),
              StatusIs(absl::StatusCode::kInvalidArgument));
  const std::vector<std::string> many(65537);
  EXPECT_THAT(AppendTo(writer.get(), many),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_TRUE(writer->healthy());
  EXPECT_EQ(*AppendTo(writer.get(),
                      {std::string(writer->max_batch_bytes() - 2, 'x')}),
            0u);
  EXPECT_EQ(*AppendTo(writer.get(), {"", ""}), 1u);
  EXPECT_EQ(*writer->NewReader()->Read(2), "");
}

TEST_F(WriterTest, AFailedSyncClosesTheLogForEver) {
  FaultFileSystem fs(&disk_);
  auto opened = LogWriter::Open(&fs, "/log", Options(), &report_);
  ASSERT_OK(opened);
  auto writer = *std::move(opened);
  ASSERT_OK(AppendTo(writer.get(), {Entry(0)}));
  // The next append: one write, one sync.
  fs.FailAt({fs.call_count() + 1, FaultFileSystem::Kind::kError, 0,
             absl::StatusCode::kUnavailable});
  EXPECT_THAT(AppendTo(writer.get(), {Entry(1)}),
              StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_FALSE(writer->healthy());
  EXPECT_FALSE(writer->status().ok());
  EXPECT_EQ(writer->size(), 1u);
  const uint64_t calls = fs.call_count();
  EXPECT_FALSE(AppendTo(writer.get(), {Entry(1)}).ok());
  EXPECT_FALSE(writer->Close().ok());
  EXPECT_EQ(fs.call_count(), calls);
  EXPECT_THAT(writer->NewReader()->Read(1),
              StatusIs(absl::StatusCode::kOutOfRange));
}

TEST_F(WriterTest, AnAppendIsOneWriteAndOneSync) {
  FaultFileSystem fs(&disk_);
  auto writer = LogWriter::Open(&fs, "/log", Options(), &report_);
  ASSERT_OK(writer);
  const size_t before = fs.call_count();
  ASSERT_OK(AppendTo(writer->get(), {"a", "b", "c"}));
  const auto calls = fs.calls();
  ASSERT_EQ(calls.size(), before + 2);
  EXPECT_EQ(calls[before].name, "write");
  EXPECT_EQ(calls[before + 1].name, "sync");
}

TEST_F(WriterTest, AnUnfinishedLastBatchIsCutWhole) {
  auto writer = MustOpen();
  Fill(writer.get(), 5);
  writer.reset();
  const std::vector<uint64_t> offsets = FrameOffsets(1);
  ASSERT_EQ(offsets.size(), 5u);
  Overwrite(Segment(1), offsets[4] + 60, "#");
  writer = MustOpen();
  EXPECT_EQ(report_.size, 8u);
  EXPECT_GT(report_.bytes_cut, 0u);
  EXPECT_FALSE(report_.clean);
  Fill(writer.get(), 3);
  ExpectEntries(14);
}

TEST_F(WriterTest, ABadBatchBeforeAGoodOneRefusesToOpenAndNamesTheEntry) {
  auto writer = MustOpen();
  Fill(writer.get(), 5);
  writer.reset();
  const std::vector<uint64_t> offsets = FrameOffsets(1);
  for (const uint64_t at : {offsets[3], offsets[3] + 13, offsets[3] + 70}) {
    const std::string before = Bytes(Segment(1)).substr(at, 1);
    Overwrite(Segment(1), at, std::string(1, static_cast<char>(before[0] ^ 1)));
    const auto opened = LogWriter::Open(&disk_, "/log", Options(), &report_);
    EXPECT_THAT(opened, StatusIs(absl::StatusCode::kDataLoss));
    EXPECT_NE(opened.status().message().find("entry 6"),
              absl::string_view::npos)
        << opened.status();
    EXPECT_THAT(LogReader::Open(&disk_, "/log"),
                StatusIs(absl::StatusCode::kDataLoss));
    Overwrite(Segment(1), at, before);
  }
  EXPECT_NE(MustOpen(), nullptr);
}

TEST_F(WriterTest, ABatchWipedBeforeAGoodOneRefusesToOpen) {
  auto writer = MustOpen();
  Fill(writer.get(), 5);
  writer.reset();
  const std::vector<uint64_t> offsets = FrameOffsets(1);
  Overwrite(Segment(1), offsets[3], std::string(offsets[4] - offsets[3], '\0'));
  EXPECT_THAT(LogWriter::Open(&disk_, "/log", Options(), &report_),
              StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(WriterTest, AMissingSegmentRefusesToOpen) {
  auto writer = MustOpen();
  Fill(writer.get(), 200);
  writer.reset();
  ASSERT_OK(disk_.Remove(Segment(2)));
  EXPECT_THAT(LogWriter::Open(&disk_, "/log", Options(), &report_),
              StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(WriterTest, ALogShorterThanWhenItWasClosedRefusesToOpen) {
  auto writer = MustOpen();
  Fill(writer.get(), 5);
  ASSERT_OK(writer->Close());
  writer.reset();
  const std::vector<uint64_t> offsets = FrameOffsets(1);
  Overwrite(Segment(1), offsets[4], std::string(300, '\0'));
  EXPECT_THAT(LogWriter::Open(&disk_, "/log", Options(), &report_),
              StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(WriterTest, AnotherOriginIsRefused) {
  MustOpen();
  LogWriter::Options options = Options();
  options.origin = "consentry.example/other";
  EXPECT_THAT(LogWriter::Open(&disk_, "/log", options, &report_),
              StatusIs(absl::StatusCode::kDataLoss));
  options.origin = "";
  EXPECT_THAT(LogWriter::Open(&disk_, "/log2", options, &report_),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(WriterTest, ANewerFormatIsRefusedWithTheWayOut) {
  MustOpen();
  SegmentHeader header = *ParseSegmentHeader(Bytes(Segment(1)));
  header.version = kLogFormatVersion + 1;
  Overwrite(Segment(1), 0, EncodeSegmentHeader(header));
  const auto opened = LogWriter::Open(&disk_, "/log", Options(), &report_);
  EXPECT_THAT(opened, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_NE(opened.status().message().find("newer than format 1"),
            absl::string_view::npos);
}

TEST_F(WriterTest, AnEntryThatLooksLikeABatchIsOnlyAnEntry) {
  auto writer = MustOpen();
  std::string planted;
  const std::vector<std::string_view> inner = {"planted"};
  EncodeFrame(std::string(kSaltBytes, '\0'), 1, Hash{}, inner, &planted);
  for (int pad = 0; pad < 8; ++pad) {
    ASSERT_OK(AppendTo(writer.get(), {std::string(pad, ' ') + planted}));
  }
  writer.reset();
  // The last batch is damaged in front of the planted bytes.
  const std::vector<uint64_t> offsets = FrameOffsets(1);
  Overwrite(Segment(1), offsets.back() + 9, "\xff");
  ASSERT_NE(MustOpen(), nullptr);
  EXPECT_EQ(report_.size, 7u);
}

TEST_F(WriterTest, AFullDiskClosesTheLogAndLosesNothing) {
  auto writer = MustOpen();
  Fill(writer.get(), 3);
  disk_.SetFreeSpace(0);
  absl::Status last;
  uint64_t size = 0;
  while (last.ok()) {
    size = writer->size();
    last = AppendTo(writer.get(), {Entry(size), Entry(size + 1)}).status();
  }
  EXPECT_THAT(last, StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_GT(size, 10u);
  writer.reset();
  disk_.SetFreeSpace(1 << 20);
  writer = MustOpen();
  EXPECT_EQ(report_.size, size);
  ExpectEntries(size);
}

// Every byte of a small segment, changed in one bit: either the reader still
// reads the same entries (bytes that mean nothing), or it answers an error or
// fewer entries. It never answers a changed entry.
TEST_F(WriterTest, NoChangedByteOfASegmentYieldsAChangedEntry) {
  auto writer = MustOpen();
  Fill(writer.get(), 4);
  writer.reset();
  const std::string good = Bytes(Segment(1));
  const size_t used = good.find_last_not_of('\0') + 9;
  uint64_t refused = 0;
  uint64_t shorter = 0;
  for (size_t at = 0; at < used; ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      Overwrite(Segment(1), at,
                std::string(1, static_cast<char>(good[at] ^ (1 << bit))));
      auto reader = LogReader::Open(&disk_, "/log");
      if (!reader.ok()) {
        ++refused;
      } else {
        uint64_t seen = 0;
        const absl::Status scanned = (*reader)->Scan(
            0, (*reader)->size(), [&](uint64_t i, std::string_view entry) {
              EXPECT_EQ(entry, Entry(i)) << at;
              ++seen;
              return true;
            });
        EXPECT_OK(scanned);
        EXPECT_LE(seen, 8u);
        if (seen < 8) ++shorter;
      }
    }
    Overwrite(Segment(1), at, good.substr(at, 1));
  }
  EXPECT_GT(refused, 1000u);
  EXPECT_GT(shorter, 500u);
}

TEST_F(WriterTest, TheNextSegmentIsWrittenAheadInTheBackground) {
  TempDir dir;
  LogWriter::Options options = Options();
  options.prepare_in_background = true;
  auto opened =
      LogWriter::Open(FileSystem::Posix(), dir.File("log"), options, &report_);
  ASSERT_OK(opened);
  auto writer = *std::move(opened);
  Fill(writer.get(), 300);
  EXPECT_GT(writer->prepared_bytes(), 0u);
  const auto reader = writer->NewReader();
  ASSERT_OK(writer->Close());
  for (uint64_t i = 0; i < 600; ++i) ASSERT_EQ(*reader->Read(i), Entry(i));
}

}  // namespace
}  // namespace consentry::audit
