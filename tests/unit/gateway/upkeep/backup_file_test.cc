#include "gateway/upkeep/backup_file.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "audit/io/file.h"
#include "tests/testing/fault_file_system.h"
#include "tests/testing/memory_file_system.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_keys.h"

namespace consentry::upkeep {
namespace {

using store::v1::BackupFrame;
using testing::StatusIs;

constexpr char kPath[] = "/backup.data";

class BackupFileTest : public ::testing::Test {
 protected:
  absl::Status Write(audit::FileSystem* fs, int rows = 3) {
    auto stream = std::make_unique<crypto::StreamSealer>();
    auto key = stream->KeyForSystem(*keys_.epochs().keys(), id_);
    if (!key.ok()) return key.status();
    auto writer = BackupWriter::Create(fs, kPath, BackupKind::kData, id_, *key,
                                       std::move(stream));
    if (!writer.ok()) return writer.status();
    BackupFrame frame;
    frame.mutable_header()->set_id(
        std::string(reinterpret_cast<const char*>(id_.data()), id_.size()));
    frame.mutable_header()->set_last_change(7);
    absl::Status status = (*writer)->Write(frame);
    for (int i = 0; status.ok() && i < rows; ++i) {
      BackupFrame part;
      part.mutable_rows()->add_rows()->add_cells()->set_text("canary-" +
                                                             std::to_string(i));
      status = (*writer)->Write(part);
    }
    BackupFrame end;
    end.mutable_end()->set_count(static_cast<uint64_t>(rows));
    if (status.ok()) status = (*writer)->Write(end);
    if (status.ok()) status = (*writer)->Finish().status();
    return status;
  }
  absl::StatusOr<int> Read(audit::FileSystem* fs) {
    auto reader = BackupReader::Open(
        fs, kPath, BackupKind::kData,
        [this](const crypto::ObjectId& id, std::string_view key,
               std::string_view header) {
          return crypto::StreamOpener::WithSystemKey(*keys_.epochs().keys(), id,
                                                     key, header);
        });
    if (!reader.ok()) return reader.status();
    if ((*reader)->header().last_change() != 7) return -1;
    int frames = 0;
    while (true) {
      auto frame = (*reader)->Next();
      if (!frame.ok()) return frame.status();
      if (!frame->has_value()) break;
      ++frames;
    }
    return frames;
  }
  std::string Bytes() {
    return audit::ReadFile(&disk_, kPath, 1 << 20).value();
  }
  void Put(const std::string& bytes) {
    ASSERT_OK(audit::ReplaceFile(&disk_, kPath, bytes));
  }

  testing::TestKeys keys_;
  testing::MemoryFileSystem disk_;
  const crypto::ObjectId id_ = crypto::NewObjectId();
};

TEST_F(BackupFileTest, GivesBackWhatWasWritten) {
  ASSERT_OK(Write(&disk_));
  ASSERT_OK_AND_ASSIGN(const int frames, Read(&disk_));
  EXPECT_EQ(frames, 3);
}

TEST_F(BackupFileTest, ShowsNothingInClear) {
  ASSERT_OK(Write(&disk_));
  EXPECT_EQ(Bytes().find("canary"), std::string::npos);
}

TEST_F(BackupFileTest, RefusesEveryChangedByte) {
  ASSERT_OK(Write(&disk_));
  const std::string whole = Bytes();
  for (size_t i = 0; i < whole.size(); ++i) {
    // The byte behind the id means nothing, and is bound to the first frame.
    std::string changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ 0x10);
    Put(changed);
    EXPECT_FALSE(Read(&disk_).ok()) << i;
  }
}

TEST_F(BackupFileTest, RefusesEveryLength) {
  ASSERT_OK(Write(&disk_));
  const std::string whole = Bytes();
  for (size_t size = 0; size < whole.size(); ++size) {
    Put(whole.substr(0, size));
    EXPECT_FALSE(Read(&disk_).ok()) << size;
  }
  Put(whole + "x");
  EXPECT_THAT(Read(&disk_), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(BackupFileTest, RefusesKeysThatAreNotItsOwn) {
  ASSERT_OK(Write(&disk_));
  const testing::TestKeys others;
  auto reader =
      BackupReader::Open(&disk_, kPath, BackupKind::kData,
                         [](const crypto::ObjectId& id, std::string_view key,
                            std::string_view header) {
                           testing::TestKeys other;
                           return crypto::StreamOpener::WithSystemKey(
                               *other.epochs().keys(), id, key, header);
                         });
  EXPECT_THAT(reader, StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(BackupFileTest, RefusesWhatIsNoBackup) {
  Put("SQLite format 3, and more than enough bytes to be a head of one");
  EXPECT_THAT(Read(&disk_), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(BackupFileTest, LeavesNoHalfFileWhenTheDiskFails) {
  testing::FaultFileSystem healthy(&disk_);
  ASSERT_OK(Write(&healthy));
  using Fault = testing::FaultFileSystem;
  for (const Fault::Call& call : healthy.calls()) {
    for (const Fault::Kind kind :
         {Fault::Kind::kError, Fault::Kind::kShort, Fault::Kind::kKill}) {
      testing::MemoryFileSystem disk;
      Fault faulty(&disk);
      faulty.FailAt({.call = call.number,
                     .kind = kind,
                     .keep = call.bytes / 2,
                     .code = absl::StatusCode::kResourceExhausted});
      const bool written = Write(&faulty).ok();
      const auto exists = disk.Exists(kPath);
      ASSERT_OK(exists);
      EXPECT_TRUE(*exists || !written);
      // What has the name is whole, whatever the writer was told.
      if (*exists) {
        EXPECT_OK(Read(&disk)) << call.name;
      }
    }
  }
}

}  // namespace
}  // namespace consentry::upkeep
