#include "audit/io/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <functional>
#include <memory>
#include <string>

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
using Mode = FileSystem::Mode;

// The machine's file system and the one in memory must behave alike.
class FileSystemTest : public ::testing::TestWithParam<bool> {
 protected:
  FileSystemTest() {
    if (GetParam()) {
      fs_ = FileSystem::Posix();
      root_ = dir_.path();
    } else {
      fs_ = &memory_;
      root_ = "/d";
      EXPECT_OK(memory_.MakeDirectory(root_));
    }
  }
  std::string Path(const std::string& name) const { return root_ + "/" + name; }

  TempDir dir_;
  MemoryFileSystem memory_;
  FileSystem* fs_ = nullptr;
  std::string root_;
};

TEST_P(FileSystemTest, WhatIsWrittenIsRead) {
  ASSERT_OK_AND_ASSIGN(auto file, fs_->Open(Path("a"), Mode::kCreate));
  ASSERT_OK(file->WriteAt(0, "hello"));
  ASSERT_OK(file->WriteAt(8, "world"));
  ASSERT_OK(file->Sync());
  EXPECT_EQ(*file->Size(), 13u);
  EXPECT_EQ(*file->ReadAt(0, 100), std::string("hello\0\0\0world", 13));
  EXPECT_EQ(*file->ReadAt(13, 1), "");
  EXPECT_EQ(*file->ReadAt(1000, 1), "");
  EXPECT_EQ(*file->ReadAt(4, 1), "o");
  ASSERT_OK(file->Truncate(5));
  EXPECT_EQ(*ReadFile(fs_, Path("a"), 5), "hello");
}

TEST_P(FileSystemTest, AFileLongerThanTheLimitIsRefused) {
  ASSERT_OK(ReplaceFile(fs_, Path("a"), "123456"));
  EXPECT_THAT(ReadFile(fs_, Path("a"), 5),
              StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST_P(FileSystemTest, OpenSaysWhatIsMissingAndWhatIsThere) {
  EXPECT_THAT(fs_->Open(Path("a"), Mode::kRead),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(fs_->Open(Path("a"), Mode::kReadWrite),
              StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(fs_->Open(Path("no/such/folder"), Mode::kCreate),
              StatusIs(absl::StatusCode::kNotFound));
  ASSERT_OK(fs_->Open(Path("a"), Mode::kCreate));
  EXPECT_THAT(fs_->Open(Path("a"), Mode::kCreate),
              StatusIs(absl::StatusCode::kAlreadyExists));
  EXPECT_TRUE(*fs_->Exists(Path("a")));
  EXPECT_FALSE(*fs_->Exists(Path("b")));
}

TEST_P(FileSystemTest, AFileOpenForReadingCannotBeWritten) {
  ASSERT_OK(ReplaceFile(fs_, Path("a"), "x"));
  ASSERT_OK_AND_ASSIGN(auto file, fs_->Open(Path("a"), Mode::kRead));
  EXPECT_FALSE(file->WriteAt(0, "y").ok());
}

TEST_P(FileSystemTest, ReplaceLeavesOnlyTheNewContent) {
  ASSERT_OK(ReplaceFile(fs_, Path("a"), "first"));
  ASSERT_OK(ReplaceFile(fs_, Path("a"), "2nd"));
  EXPECT_EQ(*ReadFile(fs_, Path("a"), 100), "2nd");
  EXPECT_EQ(*fs_->List(root_), std::vector<std::string>{"a"});
}

TEST_P(FileSystemTest, ListIsSortedAndRemoveRemoves) {
  for (const char* name : {"c", "a", "b"}) {
    ASSERT_OK(fs_->Open(Path(name), Mode::kCreate));
  }
  ASSERT_OK(fs_->MakeDirectory(Path("d")));
  ASSERT_OK(fs_->MakeDirectory(Path("d")));
  ASSERT_OK(fs_->Remove(Path("b")));
  EXPECT_EQ(*fs_->List(root_), (std::vector<std::string>{"a", "c", "d"}));
  EXPECT_THAT(fs_->Remove(Path("b")), StatusIs(absl::StatusCode::kNotFound));
  ASSERT_OK(fs_->SyncDirectory(root_));
  EXPECT_THAT(fs_->List(Path("none")), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_GT(*fs_->FreeSpace(root_), 0u);
}

TEST_P(FileSystemTest, ASecondLockIsRefusedUntilTheFirstEnds) {
  ASSERT_OK_AND_ASSIGN(auto lock, fs_->Lock(Path("lock")));
  EXPECT_THAT(fs_->Lock(Path("lock")),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  lock.reset();
  EXPECT_OK(fs_->Lock(Path("lock")));
}

INSTANTIATE_TEST_SUITE_P(Both, FileSystemTest, ::testing::Bool(),
                         [](const auto& param_info) {
                           return param_info.param ? "Posix" : "Memory";
                         });

TEST(PosixFileTest, NewFilesAndFoldersAreForTheOwnerOnly) {
  TempDir dir;
  ASSERT_OK(FileSystem::Posix()->Open(dir.File("f"), Mode::kCreate));
  ASSERT_OK(FileSystem::Posix()->MakeDirectory(dir.File("d")));
  struct stat info;
  ASSERT_EQ(stat(dir.File("f").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0600u);
  ASSERT_EQ(stat(dir.File("d").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0700u);
}

TEST(MemoryFileSystemTest, OnlySyncedBytesAndNamesSurviveAPowerCut) {
  MemoryFileSystem disk;
  ASSERT_OK_AND_ASSIGN(auto synced, disk.Open("/synced", Mode::kCreate));
  ASSERT_OK(synced->WriteAt(0, "old"));
  ASSERT_OK(synced->Sync());
  ASSERT_OK(disk.SyncDirectory("/"));
  ASSERT_OK(synced->WriteAt(0, "new"));
  ASSERT_OK_AND_ASSIGN(auto nameless, disk.Open("/nameless", Mode::kCreate));
  ASSERT_OK(nameless->WriteAt(0, "x"));
  ASSERT_OK(nameless->Sync());
  disk.Reboot(MemoryFileSystem::Unsynced::kLost);
  EXPECT_EQ(*ReadFile(&disk, "/synced", 10), "old");
  EXPECT_FALSE(*disk.Exists("/nameless"));
  EXPECT_THAT(synced->WriteAt(0, "z"),
              StatusIs(absl::StatusCode::kUnavailable));
}

TEST(MemoryFileSystemTest, UnsyncedSectorsSurviveOneByOne) {
  bool mixed = false;
  for (uint64_t seed = 0; seed < 32; ++seed) {
    MemoryFileSystem disk;
    ASSERT_OK(ReplaceFile(&disk, "/f", std::string(1024, 'a')));
    ASSERT_OK_AND_ASSIGN(auto file, disk.Open("/f", Mode::kReadWrite));
    ASSERT_OK(file->WriteAt(0, std::string(1024, 'b')));
    disk.Reboot(MemoryFileSystem::Unsynced::kSome, seed);
    ASSERT_OK_AND_ASSIGN(const std::string data, ReadFile(&disk, "/f", 4096));
    ASSERT_EQ(data.size(), 1024u);
    for (size_t i = 0; i < 1024; ++i) ASSERT_EQ(data[i], data[i / 512 * 512]);
    mixed = mixed || data[0] != data[512];
  }
  EXPECT_TRUE(mixed);
}

TEST(MemoryFileSystemTest, AFullDiskRefusesGrowthOnly) {
  MemoryFileSystem disk;
  ASSERT_OK(ReplaceFile(&disk, "/f", "1234"));
  disk.SetFreeSpace(2);
  ASSERT_OK_AND_ASSIGN(auto file, disk.Open("/f", Mode::kReadWrite));
  EXPECT_OK(file->WriteAt(0, "4321"));
  EXPECT_THAT(file->WriteAt(3, "5678"),
              StatusIs(absl::StatusCode::kResourceExhausted));
}

// Whatever fails, whenever: the file holds the old content or the new.
TEST(ReplaceFileTest, EveryFaultLeavesTheOldOrTheNewContent) {
  const std::string kOld(700, 'o');
  const std::string kNew(1500, 'n');
  const auto prepare = [&](MemoryFileSystem* disk) {
    ASSERT_OK(ReplaceFile(disk, "/f", kOld));
  };
  MemoryFileSystem clean;
  prepare(&clean);
  FaultFileSystem counting(&clean);
  ASSERT_OK(ReplaceFile(&counting, "/f", kNew));
  ASSERT_GE(counting.call_count(), 6u);

  int runs = 0;
  for (const auto& call : counting.calls()) {
    for (const auto& fault : FaultFileSystem::FaultsOf(call)) {
      for (const auto unsynced : {MemoryFileSystem::Unsynced::kLost,
                                  MemoryFileSystem::Unsynced::kSome,
                                  MemoryFileSystem::Unsynced::kKept}) {
        MemoryFileSystem disk;
        prepare(&disk);
        FaultFileSystem fs(&disk);
        fs.FailAt(fault);
        const absl::Status status = ReplaceFile(&fs, "/f", kNew);
        EXPECT_TRUE(fs.triggered());
        EXPECT_FALSE(status.ok());
        disk.Reboot(unsynced, static_cast<uint64_t>(runs++));
        ASSERT_OK_AND_ASSIGN(const std::string data,
                             ReadFile(&disk, "/f", 4096));
        EXPECT_TRUE(data == kOld || data == kNew)
            << call.name << " " << call.number;
        ASSERT_OK(ReplaceFile(&disk, "/f", "again"));
        disk.Reboot(MemoryFileSystem::Unsynced::kLost);
        EXPECT_EQ(*ReadFile(&disk, "/f", 4096), "again");
      }
    }
  }
  EXPECT_GT(runs, 60);
}

}  // namespace
}  // namespace consentry::audit
