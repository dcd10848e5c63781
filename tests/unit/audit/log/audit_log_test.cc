#include "audit/log/audit_log.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "audit/merkle/compact_range.h"
#include "audit/merkle/proof.h"
#include "tests/testing/memory_file_system.h"
#include "tests/testing/status_matchers.h"

namespace consentry::audit {
namespace {

using std::chrono::seconds;
using testing::MemoryFileSystem;
using testing::StatusIs;

std::string Entry(uint64_t i) { return "entry " + std::to_string(i); }

class TreeTest : public ::testing::Test {
 protected:
  void Grow(Tree* tree, uint64_t n) {
    std::vector<Hash> hashes;
    for (uint64_t i = 0; i < n; ++i) {
      hashes.push_back(LeafHash(Entry(tree->size() + i)));
    }
    ASSERT_OK(tree->Append(hashes));
  }
  static Hash RootOf(uint64_t size) {
    CompactRange range;
    for (uint64_t i = 0; i < size; ++i) range.Append(LeafHash(Entry(i)));
    return range.Root();
  }

  MemoryFileSystem disk_;
};

TEST_F(TreeTest, RootsAndProofsOfAnySizeHold) {
  auto opened = Tree::Open(&disk_, "/tree");
  ASSERT_OK(opened);
  Tree& tree = **opened;
  EXPECT_EQ(*tree.Root(0), EmptyRoot());
  for (const uint64_t n : {1, 254, 1, 1, 300, 65000, 4443}) Grow(&tree, n);
  ASSERT_EQ(tree.size(), 70000u);
  for (const uint64_t size :
       {1u, 2u, 255u, 256u, 257u, 512u, 557u, 65535u, 65536u, 65537u, 70000u}) {
    const Hash root = *tree.Root(size);
    EXPECT_EQ(root, RootOf(size)) << size;
    for (const uint64_t index : {uint64_t{0}, size / 3, size - 1}) {
      const auto proof = tree.InclusionProof(index, size);
      ASSERT_OK(proof);
      EXPECT_OK(
          VerifyInclusion(index, size, LeafHash(Entry(index)), *proof, root));
    }
    const auto proof = tree.ConsistencyProof(size, 70000);
    ASSERT_OK(proof);
    EXPECT_OK(VerifyConsistency(size, 70000, root, *tree.Root(70000), *proof));
  }
  EXPECT_THAT(tree.Root(70001), StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(tree.InclusionProof(70000, 70000),
              StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(tree.ConsistencyProof(0, 7),
              StatusIs(absl::StatusCode::kOutOfRange));
  // 273 full tiles and one of 112 on level 0, and so on.
  EXPECT_EQ(tree.ReadTile({0, 272, 256})->size(), 8192u);
  EXPECT_EQ(tree.ReadTile({0, 273, 112})->size(), 3584u);
  EXPECT_FALSE(tree.ReadTile({0, 273, 113}).ok());
  EXPECT_EQ(tree.ReadTile({1, 1, 17})->size(), 544u);
  EXPECT_FALSE(tree.ReadTile({1, 1, 18}).ok());
  EXPECT_EQ(tree.ReadTile({2, 0, 1})->size(), 32u);
  EXPECT_FALSE(tree.ReadTile({3, 0, 1}).ok());
}

TEST_F(TreeTest, WhatWasSyncedIsThereAgainAndTheRestIsForgotten) {
  {
    auto tree = *Tree::Open(&disk_, "/tree");
    Grow(tree.get(), 1000);
    ASSERT_OK(tree->Sync());
    Grow(tree.get(), 500);
  }
  disk_.Reboot(MemoryFileSystem::Unsynced::kSome, 3);
  auto tree = *Tree::Open(&disk_, "/tree");
  EXPECT_EQ(tree->size(), 1000u);
  Grow(tree.get(), 700);
  EXPECT_EQ(*tree->Root(1700), RootOf(1700));
}

TEST_F(TreeTest, ADamagedFileIsNoticedAndNeverMakesAProof) {
  {
    auto tree = *Tree::Open(&disk_, "/tree");
    Grow(tree.get(), 1000);
    ASSERT_OK(tree->Sync());
  }
  auto file = *disk_.Open("/tree/0", FileSystem::Mode::kReadWrite);
  // Leaf 300: not on the right edge, so the root does not show it at start.
  ASSERT_OK(file->WriteAt(300 * 32, "x"));
  auto tree = *Tree::Open(&disk_, "/tree");
  ASSERT_EQ(tree->size(), 1000u);
  EXPECT_THAT(tree->InclusionProof(301, 1000),
              StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(tree->InclusionProof(300, 1000),
              StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_OK(tree->InclusionProof(700, 1000));
  // Leaf 999 is on the edge: all is made again.
  ASSERT_OK(file->WriteAt(999 * 32, "x"));
  EXPECT_EQ((*Tree::Open(&disk_, "/tree"))->size(), 0u);
}

class AuditLogTest : public ::testing::Test {
 protected:
  AuditLogTest()
      : signer_(*SkeySigner::FromSeed("consentry.example/log",
                                      std::string(32, 's'))),
        verifier_(
            *NoteVerifier::Create(signer_->name(), signer_->public_key())) {}

  absl::StatusOr<std::unique_ptr<AuditLog>> Open(
      std::chrono::nanoseconds interval = std::chrono::milliseconds(1)) {
    AuditLog::Options options;
    options.writer.segment_bytes = 65536;
    options.integrator.checkpoint_interval = interval;
    return AuditLog::Open(&disk_, "/log", signer_.get(), options, &report_);
  }

  static void Fill(AuditLog* log, uint64_t n) {
    std::vector<std::string> entries;
    for (uint64_t i = 0; i < n; ++i) entries.push_back(Entry(log->size() + i));
    const std::vector<std::string_view> views(entries.begin(), entries.end());
    ASSERT_OK(log->Append(views));
  }

  std::unique_ptr<SkeySigner> signer_;
  NoteVerifier verifier_;
  MemoryFileSystem disk_;
  RecoveryReport report_;
};

TEST_F(AuditLogTest, EveryEntryComesUnderACheckpointAndIsProved) {
  auto opened = Open();
  ASSERT_OK(opened);
  AuditLog& log = **opened;
  Fill(&log, 3);
  Fill(&log, 700);
  for (const uint64_t index : {0u, 2u, 3u, 400u, 702u}) {
    const auto proof = log.Prove(index, seconds(30));
    ASSERT_OK(proof);
    EXPECT_EQ(proof->extra, Entry(index));
    EXPECT_OK(VerifyTlogProof(*proof, Entry(index), {&verifier_, 1}));
  }
  EXPECT_THAT(log.Prove(703, seconds(1)),
              StatusIs(absl::StatusCode::kOutOfRange));
  ASSERT_OK(log.Close());
  EXPECT_EQ(log.checkpoint()->checkpoint.size, 703u);
}

TEST_F(AuditLogTest, AProofIsNotHeldUpByTheInterval) {
  auto log = *Open(std::chrono::hours(1));
  Fill(log.get(), 1);
  ASSERT_OK(log->Prove(0, seconds(30)));
  Fill(log.get(), 1);
  ASSERT_OK(log->Prove(1, seconds(30)));
}

TEST_F(AuditLogTest, ALogClosedInOrderHasACheckpointOverAll) {
  {
    auto log = *Open();
    Fill(log.get(), 10);
    ASSERT_OK(log->Close());
    EXPECT_EQ(log->checkpoint()->checkpoint.size, 10u);
  }
  auto log = *Open();
  EXPECT_TRUE(report_.clean);
  EXPECT_EQ(log->tree().size(), 10u);
  EXPECT_EQ(log->checkpoint()->checkpoint.root, *log->tree().Root(10));
}

TEST_F(AuditLogTest, TheTreeIsMadeAgainWhenItsFilesAreGoneOrOfAnotherLog) {
  {
    auto log = *Open();
    Fill(log.get(), 1000);
    ASSERT_OK(log->Close());
  }
  ASSERT_OK(disk_.Remove("/log/tree/0"));
  {
    auto log = Open();
    ASSERT_OK(log);
    EXPECT_EQ((*log)->tree().size(), 1000u);
    ASSERT_OK((*log)->Close());
  }
  auto other = *Tree::Open(&disk_, "/log/tree");
  ASSERT_OK(other->Clear());
  ASSERT_OK(other->Append(std::vector<Hash>(900, LeafHash("other"))));
  ASSERT_OK(other->Sync());
  auto log = Open();
  ASSERT_OK(log);
  EXPECT_OK((*log)->Prove(5, seconds(30)));
}

TEST_F(AuditLogTest, ALogThatLostSignedEntriesRefusesToOpen) {
  std::unique_ptr<MemoryFileSystem> older;
  {
    auto log = *Open();
    Fill(log.get(), 10);
    ASSERT_OK(log->integrator().WaitForCheckpoint(10, seconds(30)));
    older = disk_.Clone();
    Fill(log.get(), 10);
    ASSERT_OK(log->integrator().WaitForCheckpoint(20, seconds(30)));
  }
  // Everything of the older state but the newest checkpoint.
  const std::string newest = *ReadFile(&disk_, "/log/checkpoint", 4096);
  ASSERT_OK(ReplaceFile(older.get(), "/log/checkpoint", newest));
  AuditLog::Options options;
  options.writer.segment_bytes = 65536;
  EXPECT_THAT(
      AuditLog::Open(older.get(), "/log", signer_.get(), options, &report_),
      StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(AuditLogTest, ALogWithOtherEntriesThanWereSignedRefusesToOpen) {
  {
    auto log = *Open();
    Fill(log.get(), 10);
    ASSERT_OK(log->Close());
  }
  MemoryFileSystem other;
  AuditLog::Options options;
  options.writer.segment_bytes = 65536;
  {
    auto log =
        *AuditLog::Open(&other, "/log", signer_.get(), options, &report_);
    const std::vector<std::string_view> entries(12, "forged");
    ASSERT_OK(log->Append(entries));
    ASSERT_OK(log->Close());
  }
  ASSERT_OK(ReplaceFile(&other, "/log/checkpoint",
                        *ReadFile(&disk_, "/log/checkpoint", 4096)));
  EXPECT_THAT(AuditLog::Open(&other, "/log", signer_.get(), options, &report_),
              StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(AuditLogTest, ACheckpointOfAnotherKeyRefusesToOpen) {
  {
    auto log = *Open();
    Fill(log.get(), 1);
    ASSERT_OK(log->Close());
  }
  const auto other =
      *SkeySigner::FromSeed("consentry.example/log", std::string(32, 'o'));
  EXPECT_THAT(AuditLog::Open(&disk_, "/log", other.get(), {}, &report_),
              StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(AuditLogTest, OlderCheckpointsAreKeptEvery4096Entries) {
  auto log = *Open();
  for (int i = 0; i < 5; ++i) {
    Fill(log.get(), 2500);
    ASSERT_OK(log->integrator().WaitForCheckpoint(log->size(), seconds(30)));
  }
  ASSERT_OK(log->Close());
  const auto notes = CheckpointStore::ReadAll(&disk_, "/log");
  ASSERT_OK(notes);
  std::vector<uint64_t> sizes;
  for (const std::string& note : *notes) {
    sizes.push_back(ParseCheckpointNote(note)->checkpoint.size);
  }
  EXPECT_EQ(sizes, (std::vector<uint64_t>{5000, 10000, 12500, 12500}));
}

// Appends, reads, proofs and checkpoints at once: every reader sees a prefix
// that never changes, and every proof holds.
TEST_F(AuditLogTest, WriterReadersAndTreeWorkSideBySide) {
  auto log = *Open();
  constexpr uint64_t kEntries = 4000;
  std::atomic<bool> done = false;
  std::vector<std::thread> threads;
  threads.emplace_back([&] {
    while (log->size() < kEntries) Fill(log.get(), 1 + log->size() % 40);
    done = true;
  });
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      uint64_t at = static_cast<uint64_t>(t);
      while (!done) {
        const uint64_t size = log->size();
        if (at >= size) at = static_cast<uint64_t>(t);
        if (size == 0) continue;
        const auto entry = log->reader().Read(at % size);
        EXPECT_OK(entry);
        if (entry.ok()) {
          EXPECT_EQ(*entry, Entry(at % size));
        }
        at += 37;
      }
    });
  }
  threads.emplace_back([&] {
    uint64_t last = 0;
    while (!done) {
      if (log->size() == 0) continue;
      const uint64_t index = log->size() - 1;
      const auto proof = log->Prove(index, seconds(30));
      EXPECT_OK(proof);
      if (!proof.ok()) continue;
      const auto checkpoint =
          VerifyTlogProof(*proof, Entry(index), {&verifier_, 1});
      EXPECT_OK(checkpoint);
      if (!checkpoint.ok()) continue;
      EXPECT_GE(checkpoint->size, last);
      last = checkpoint->size;
    }
  });
  for (std::thread& thread : threads) thread.join();
  ASSERT_OK(log->Close());
  EXPECT_EQ(log->checkpoint()->checkpoint.size, log->size());
}

}  // namespace
}  // namespace consentry::audit
