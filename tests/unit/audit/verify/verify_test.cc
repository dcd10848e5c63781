#include "audit/verify/verify.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "audit/log/checkpoint_store.h"
#include "audit/log/format.h"
#include "audit/log/frame.h"
#include "audit/log/segment.h"
#include "tests/testing/memory_file_system.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/tampered_log.h"

namespace consentry::audit {
namespace {

using testing::BuildLog;
using testing::CopyFolder;
using testing::Entries;
using testing::Export;
using testing::ForgeBundles;
using testing::ForgeSegments;
using testing::MemoryFileSystem;
using testing::SomeEntries;
using testing::StatusIs;
using testing::Tampering;
using testing::Tamperings;
using testing::TestSigner;
using testing::TestVerifier;

class VerifyTest : public ::testing::Test {
 protected:
  VerifyReport Check(const std::string& folder,
                     std::optional<std::string> checkpoint = std::nullopt) {
    const auto report =
        Verify(&disk_, folder, {TestVerifier(), std::move(checkpoint), {}});
    EXPECT_OK(report);
    return report.ok() ? *report : VerifyReport();
  }

  // "changed 7", "ok".
  std::string First(const std::string& folder,
                    std::optional<std::string> checkpoint = std::nullopt) {
    return Text(Check(folder, std::move(checkpoint)));
  }
  static std::string Text(const VerifyReport& report) {
    if (report.ok()) return "ok";
    return std::string(NameOf(report.findings[0].fault)) + " " +
           std::to_string(report.findings[0].index);
  }
  static std::string Text(const Tampering& tampering) {
    return std::string(NameOf(tampering.fault)) + " " +
           std::to_string(tampering.index);
  }

  std::string NoteOf(const std::string& folder) {
    return *ReadFile(&disk_, folder + "/checkpoint", kMaxNoteBytes);
  }
  void Write(const std::string& path, const std::string& bytes) {
    ASSERT_OK(ReplaceFile(&disk_, path, bytes));
  }
  void RemoveTree(const std::string& folder) {
    const auto names = disk_.List(folder + "/tree");
    for (const std::string& name : *names) {
      ASSERT_OK(disk_.Remove(folder + "/tree/" + name));
    }
  }

  MemoryFileSystem disk_;
};

TEST_F(VerifyTest, AWholeLogIsSoundLiveAndExported) {
  for (const size_t n : {0u, 1u, 2u, 255u, 256u, 257u, 700u}) {
    const std::string name = "/l" + std::to_string(n);
    BuildLog(&disk_, name, SomeEntries(n), 8192);
    VerifyReport report = Check(name);
    EXPECT_EQ(Text(report), "ok") << n;
    EXPECT_EQ(report.entries, n);
    EXPECT_EQ(report.signed_size, n);
    EXPECT_EQ(report.unfinished_bytes, 0u);
    Export(&disk_, name, name + "x");
    report = Check(name + "x");
    EXPECT_EQ(Text(report), "ok") << n;
    EXPECT_EQ(report.entries, n);
    EXPECT_EQ(report.signed_size, n);
  }
}

TEST_F(VerifyTest, EntriesBehindTheCheckpointAreSoundAndNotCovered) {
  BuildLog(&disk_, "/log", SomeEntries(30));
  ForgeSegments(&disk_, "/log", SomeEntries(40));
  const VerifyReport report = Check("/log");
  EXPECT_EQ(Text(report), "ok");
  EXPECT_EQ(report.entries, 40u);
  EXPECT_EQ(report.signed_size, 30u);
}

TEST_F(VerifyTest, NoLogIsNoLog) {
  ASSERT_OK(disk_.MakeDirectory("/empty"));
  EXPECT_THAT(Verify(&disk_, "/empty", {TestVerifier(), {}, {}}),
              StatusIs(absl::StatusCode::kNotFound));
}

// Somebody rewrote the segments and made every digest fit.
TEST_F(VerifyTest, EachTamperingOfALiveLogIsNamedWithItsPlace) {
  constexpr size_t kSize = 40;
  BuildLog(&disk_, "/log", SomeEntries(kSize));
  for (const Tampering& tampering : Tamperings(kSize)) {
    Entries entries = SomeEntries(kSize);
    tampering.apply(&entries);
    const std::string bad = "/" + tampering.name;
    CopyFolder(&disk_, "/log", bad);
    ForgeSegments(&disk_, bad, entries);
    EXPECT_EQ(First(bad), Text(tampering)) << tampering.name;
    // Entries that came later do not hide it.
    if (tampering.fault == Fault::kTailCut) continue;
    entries.resize(entries.size() + 10, "later");
    ForgeSegments(&disk_, bad, entries);
    EXPECT_EQ(First(bad), Text(tampering)) << tampering.name;
  }
}

// And threw away the hashes that would tell which entry it is.
TEST_F(VerifyTest, WithoutTheTreeATamperingIsStillCaught) {
  constexpr size_t kSize = 40;
  BuildLog(&disk_, "/log", SomeEntries(kSize));
  RemoveTree("/log");
  EXPECT_EQ(First("/log"), "ok");
  for (const Tampering& tampering : Tamperings(kSize)) {
    Entries entries = SomeEntries(kSize);
    tampering.apply(&entries);
    const std::string bad = "/" + tampering.name;
    CopyFolder(&disk_, "/log", bad);
    ForgeSegments(&disk_, bad, entries);
    const VerifyReport report = Check(bad);
    ASSERT_FALSE(report.ok()) << tampering.name;
    EXPECT_TRUE(report.findings[0].fault == Fault::kRootMismatch ||
                report.findings[0].fault == Fault::kTailCut)
        << tampering.name;
    EXPECT_LE(report.findings[0].index, std::max<uint64_t>(tampering.index, 39))
        << tampering.name;
  }
}

TEST_F(VerifyTest, WithoutTheTreeOlderCheckpointsPlaceTheFault) {
  const Entries good = SomeEntries(10000);
  BuildLog(&disk_, "/log", good, uint64_t{1} << 20);
  RemoveTree("/log");
  Entries bad = good;
  bad[7000] += "!";
  ForgeSegments(&disk_, "/log", bad);
  const VerifyReport report = Check("/log");
  ASSERT_EQ(report.findings.size(), 1u);
  // The first checkpoint behind 4,096 entries was signed at 5,000 or earlier.
  const Finding& finding = report.findings[0];
  EXPECT_EQ(finding.fault, Fault::kRootMismatch);
  EXPECT_GE(finding.index, 4096u);
  EXPECT_LE(finding.index, 5000u);
  EXPECT_EQ(finding.index + finding.count, 10000u);
}

TEST_F(VerifyTest, EachTamperingOfAnExportIsNamedWithItsPlace) {
  for (const size_t size : {40u, 600u}) {
    const std::string name = "/l" + std::to_string(size);
    BuildLog(&disk_, name, SomeEntries(size));
    Export(&disk_, name, name + "x");
    for (const Tampering& tampering : Tamperings(size)) {
      Entries entries = SomeEntries(size);
      tampering.apply(&entries);
      const std::string bad = name + tampering.name;
      CopyFolder(&disk_, name + "x", bad);
      ForgeBundles(&disk_, bad, entries);
      EXPECT_EQ(First(bad), Text(tampering)) << tampering.name << " " << size;
    }
    Entries more = SomeEntries(size + 1);
    CopyFolder(&disk_, name + "x", name + "more");
    ForgeBundles(&disk_, name + "more", more);
    EXPECT_EQ(First(name + "more"), "inserted " + std::to_string(size));
  }
}

// -- Checkpoints

TEST_F(VerifyTest, ATailCutBelowTheGivenCheckpointIsCaught) {
  BuildLog(&disk_, "/log", SomeEntries(30));
  const std::string later = NoteOf("/log");
  // The checkpoints are cut with the entries: nothing in the folder tells.
  BuildLog(&disk_, "/cut", SomeEntries(20));
  ASSERT_OK(disk_.Remove("/cut/checkpoint"));
  EXPECT_EQ(First("/cut", later), "tail-cut 20");
  EXPECT_EQ(First("/log", later), "ok");
}

TEST_F(VerifyTest, ARewoundLogIsCaughtByTheGivenCheckpoint) {
  BuildLog(&disk_, "/log", SomeEntries(30));
  const std::string later = NoteOf("/log");
  BuildLog(&disk_, "/older", SomeEntries(20));
  EXPECT_EQ(First("/older"), "ok");
  EXPECT_EQ(First("/older", later), "rewound 20");
  Export(&disk_, "/older", "/olderx");
  EXPECT_EQ(First("/olderx", later), "rewound 20");
  // Rewound and then written anew, also beyond the size once signed.
  Entries other = SomeEntries(50);
  other[25] = "another history";
  BuildLog(&disk_, "/anew", other);
  EXPECT_EQ(First("/anew"), "ok");
  EXPECT_EQ(First("/anew", later), "rewound 0");
  Export(&disk_, "/anew", "/anewx");
  EXPECT_EQ(First("/anewx", later), "rewound 0");
}

TEST_F(VerifyTest, AnEarlierCheckpointOfTheSameHistoryHolds) {
  BuildLog(&disk_, "/log", SomeEntries(30));
  BuildLog(&disk_, "/earlier", SomeEntries(20));
  EXPECT_EQ(First("/log", NoteOf("/earlier")), "ok");
  Export(&disk_, "/log", "/x");
  EXPECT_EQ(First("/x", NoteOf("/earlier")), "ok");
}

TEST_F(VerifyTest, AForgedCheckpointIsCaughtAndNamed) {
  BuildLog(&disk_, "/log", SomeEntries(30));
  Export(&disk_, "/log", "/x");
  const std::string good = NoteOf("/x");
  for (const char* folder : {"/log", "/x"}) {
    const std::string path = std::string(folder) + "/checkpoint";
    // Text changed under the old signature.
    std::string forged = good;
    forged[forged.find("\n30\n") + 1] = '2';
    Write(path, forged);
    EXPECT_EQ(First(folder), "bad-signature 0");
    // Signed by another key of that name.
    Checkpoint checkpoint = ParseCheckpointNote(good)->checkpoint;
    const auto other =
        *SkeySigner::FromSeed(testing::kTestOrigin, std::string(32, 'o'));
    Write(path, FormatNote(*SignNote(FormatCheckpoint(checkpoint), *other)));
    EXPECT_EQ(First(folder), "unknown-key 0");
    // Signed by the key, for something else.
    checkpoint.root = LeafHash("else");
    Write(path,
          FormatNote(*SignNote(FormatCheckpoint(checkpoint), *TestSigner())));
    EXPECT_EQ(First(folder), "root-mismatch 0");
    checkpoint.origin = "other.example/log";
    Write(path,
          FormatNote(*SignNote(FormatCheckpoint(checkpoint), *TestSigner())));
    EXPECT_EQ(First(folder), "other-log 0");
    Write(path, "no checkpoint\n");
    EXPECT_EQ(First(folder), "malformed-checkpoint 0");
    Write(path, good);
    EXPECT_EQ(First(folder), "ok");
    EXPECT_EQ(First(folder, forged), "bad-signature 0");
  }
}

TEST_F(VerifyTest, ALogWithoutACheckpointIsNotSound) {
  BuildLog(&disk_, "/log", SomeEntries(30));
  const std::string note = NoteOf("/log");
  Export(&disk_, "/log", "/x");
  ASSERT_OK(disk_.Remove("/log/checkpoint"));
  ASSERT_OK(disk_.Remove("/x/checkpoint"));
  EXPECT_EQ(First("/log"), "missing-checkpoint 0");
  EXPECT_EQ(First("/x"), "missing-checkpoint 0");
  EXPECT_EQ(First("/log", note), "ok");
  EXPECT_EQ(First("/x", note), "ok");
}

TEST_F(VerifyTest, AnotherLogsKeyIsNamed) {
  BuildLog(&disk_, "/log", SomeEntries(3));
  const auto signer =
      *SkeySigner::FromSeed("other.example/log", std::string(32, 's'));
  const auto key = NoteVerifier::Create(signer->name(), signer->public_key());
  const auto report = Verify(&disk_, "/log", {*key, {}, {}});
  ASSERT_OK(report);
  EXPECT_EQ(Text(*report), "unknown-key 0");
}

// -- Frames

class VerifyFramesTest : public VerifyTest {
 protected:
  void SetUp() override {
    BuildLog(&disk_, "/log", SomeEntries(15));
    path_ = "/log/segments/" + SegmentName(1);
    bytes_ = *ReadFile(&disk_, path_, 1 << 20);
    const auto file = *disk_.Open(path_, FileSystem::Mode::kRead);
    FrameCursor cursor(file.get(), ParseSegmentHeader(bytes_)->salt,
                       kSegmentHeaderBytes, bytes_.size());
    Frame frame;
    offsets_ = {cursor.offset()};
    while (*cursor.Next(&frame) == FrameState::kGood) {
      offsets_.push_back(cursor.offset());
    }
    // 7 entries, then 8: 3 + 3 + 1, 3 + 3 + 2.
    ASSERT_EQ(offsets_.size(), 7u);
  }

  std::string FrameAt(size_t i) const {
    return bytes_.substr(offsets_[i], offsets_[i + 1] - offsets_[i]);
  }

  // The segment with these frames of the good one, in this order.
  void Arrange(const std::vector<size_t>& frames) {
    std::string bytes = bytes_.substr(0, kSegmentHeaderBytes);
    for (const size_t i : frames) bytes += FrameAt(i);
    bytes.resize(bytes_.size(), '\0');
    Write(path_, bytes);
  }

  // With and without the hashes of the tree to tell.
  void Expect(const std::string& with, const std::string& without) {
    EXPECT_EQ(First("/log"), with);
    const auto copy = disk_.Clone();
    const auto names = copy->List("/log/tree");
    for (const std::string& name : *names) {
      ASSERT_OK(copy->Remove("/log/tree/" + name));
    }
    const auto report = Verify(copy.get(), "/log", {TestVerifier(), {}, {}});
    ASSERT_OK(report);
    EXPECT_EQ(Text(*report), without);
  }

  std::string path_;
  std::string bytes_;
  std::vector<uint64_t> offsets_;
};

TEST_F(VerifyFramesTest, RearrangedBatchesAreNamed) {
  Expect("ok", "ok");
  Arrange({0, 2, 3, 4, 5});
  Expect("removed 3", "removed 3");
  Arrange({1, 2, 3, 4, 5});
  Expect("removed 0", "removed 0");
  Arrange({0, 1, 1, 2, 3, 4, 5});
  Expect("duplicated 6", "duplicated 6");
  Arrange({0, 2, 1, 3, 4, 5});
  Expect("reordered 3", "reordered 3");
  Arrange({0, 1, 2, 3, 4});
  Expect("tail-cut 13", "tail-cut 13");
}

TEST_F(VerifyFramesTest, AWipedBatchIsRemoved) {
  std::string bytes = bytes_;
  bytes.replace(offsets_[1], FrameAt(1).size(),
                std::string(FrameAt(1).size(), '\0'));
  Write(path_, bytes);
  Expect("removed 3", "removed 3");
}

TEST_F(VerifyFramesTest, AFlippedEntryIsNamedToTheEntryOrItsBatch) {
  std::string bytes = bytes_;
  bytes[bytes.find("entry 4")] ^= 1;
  Write(path_, bytes);
  Expect("changed 4", "changed 3");
}

TEST_F(VerifyFramesTest, AnUnfinishedBatchBehindTheCheckpointIsNoFault) {
  std::string bytes = bytes_;
  bytes.replace(offsets_[6], 40, FrameAt(1).substr(0, 40));
  Write(path_, bytes);
  const VerifyReport report = Check("/log");
  EXPECT_EQ(Text(report), "ok");
  EXPECT_GE(report.unfinished_bytes, 20u);
}

TEST_F(VerifyFramesTest, NoBitOfASegmentCanChangeUnseen) {
  const auto file = *disk_.Open(path_, FileSystem::Mode::kReadWrite);
  for (size_t at = 0; at < offsets_.back(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      const char changed = static_cast<char>(bytes_[at] ^ (1 << bit));
      ASSERT_OK(file->WriteAt(at, {&changed, 1}));
      const auto report = Verify(&disk_, "/log", {TestVerifier(), {}, {}});
      ASSERT_TRUE(report.ok() && !report->ok()) << at << " " << bit;
    }
    ASSERT_OK(file->WriteAt(at, {&bytes_[at], 1}));
  }
  EXPECT_EQ(First("/log"), "ok");
}

TEST_F(VerifyTest, NoBitOfAnExportCanChangeUnseen) {
  BuildLog(&disk_, "/log", SomeEntries(12));
  Export(&disk_, "/log", "/x");
  for (const std::string name :
       {"checkpoint", "tile/0/000.p/12", "tile/entries/000.p/12"}) {
    const auto file = *disk_.Open("/x/" + name, FileSystem::Mode::kReadWrite);
    const std::string good = *file->ReadAt(0, 100000);
    for (size_t at = 0; at < good.size(); ++at) {
      for (int bit = 0; bit < 8; ++bit) {
        const char changed = static_cast<char>(good[at] ^ (1 << bit));
        ASSERT_OK(file->WriteAt(at, {&changed, 1}));
        const auto report = Verify(&disk_, "/x", {TestVerifier(), {}, {}});
        ASSERT_TRUE(report.ok() && !report->ok()) << name << at << " " << bit;
      }
      ASSERT_OK(file->WriteAt(at, {&good[at], 1}));
    }
  }
  EXPECT_EQ(First("/x"), "ok");
}

TEST_F(VerifyTest, ABadTileOfAnyLevelIsNamed) {
  BuildLog(&disk_, "/log", SomeEntries(700));
  Export(&disk_, "/log", "/x");
  const auto flip = [&](const std::string& name) {
    const auto file = *disk_.Open("/x/" + name, FileSystem::Mode::kReadWrite);
    const char changed = static_cast<char>(*file->ReadAt(40, 1)->begin() ^ 1);
    ASSERT_OK(file->WriteAt(40, {&changed, 1}));
  };
  flip("tile/1/000.p/2");
  EXPECT_EQ(First("/x"), "bad-tile 0");
  flip("tile/1/000.p/2");
  flip("tile/0/001");
  EXPECT_EQ(First("/x"), "bad-tile 256");
  flip("tile/0/001");
  ASSERT_OK(disk_.Remove("/x/tile/0/002.p/188"));
  EXPECT_EQ(First("/x"), "bad-tile 512");
  // The gateway's own copy.
  const auto file = *disk_.Open("/log/tree/0", FileSystem::Mode::kReadWrite);
  ASSERT_OK(file->WriteAt(300 * 32, "x"));
  EXPECT_EQ(First("/log"), "bad-tile 300");
}

TEST_F(VerifyTest, AMissingBundleIsRemovedEntriesOrACutTail) {
  BuildLog(&disk_, "/log", SomeEntries(700));
  Export(&disk_, "/log", "/x");
  CopyFolder(&disk_, "/x", "/y");
  ASSERT_OK(disk_.Remove("/x/tile/entries/001"));
  EXPECT_EQ(First("/x"), "removed 256");
  ASSERT_OK(disk_.Remove("/y/tile/entries/002.p/188"));
  EXPECT_EQ(First("/y"), "tail-cut 512");
}

TEST_F(VerifyTest, AMissingSegmentIsRemovedEntriesOrACutTail) {
  BuildLog(&disk_, "/log", SomeEntries(300), 4096);
  const size_t segments = disk_.List("/log/segments")->size();
  ASSERT_GE(segments, 4u);
  CopyFolder(&disk_, "/log", "/y");
  ASSERT_OK(disk_.Remove("/log/segments/" + SegmentName(2)));
  EXPECT_EQ(First("/log").substr(0, 8), "removed ");
  ASSERT_OK(disk_.Remove("/y/segments/" + SegmentName(segments)));
  EXPECT_EQ(First("/y").substr(0, 9), "tail-cut ");
}

}  // namespace
}  // namespace consentry::audit
