#include "gateway/vault/head_cache.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/testing/test_keys.h"

namespace consentry::vault {
namespace {

class HeadCacheTest : public ::testing::Test {
 protected:
  void Allocate(uint32_t count) {
    ASSERT_EQ(keys_.slots().Allocate(count, 1).value(), 1u);
  }
  std::shared_ptr<const CachedSubject> Entry(uint64_t subject,
                                             int64_t version) {
    store::v1::SubjectHead head;
    head.set_version(static_cast<uint64_t>(version));
    return std::make_shared<const CachedSubject>(
        version, 0, std::move(head), keys_.slots().Load(subject).value());
  }
  static int64_t VersionOf(HeadCache* cache, uint64_t subject) {
    const auto found = cache->Find(subject);
    return found == nullptr ? -1 : found->version();
  }

  testing::TestKeys keys_;
};

TEST_F(HeadCacheTest, FindsWhatWasInserted) {
  Allocate(1);
  HeadCache cache({});
  EXPECT_EQ(cache.Find(1), nullptr);
  cache.Insert(cache.Now(), Entry(1, 5));
  EXPECT_EQ(VersionOf(&cache, 1), 5);
}

TEST_F(HeadCacheTest, OvertakenReaderInsertsNothing) {
  Allocate(1);
  HeadCache cache({});
  const HeadCache::Moment before = cache.Now();
  const auto old = Entry(1, 5);
  cache.Invalidate(1, 6);
  cache.Insert(before, old);
  EXPECT_EQ(cache.Find(1), nullptr);
}

TEST_F(HeadCacheTest, ReaderThatSawTheNewRowInsertsIt) {
  Allocate(1);
  HeadCache cache({});
  const HeadCache::Moment before = cache.Now();
  cache.Invalidate(1, 6);
  cache.Insert(before, Entry(1, 6));
  EXPECT_EQ(VersionOf(&cache, 1), 6);
}

TEST_F(HeadCacheTest, ReaderOvertakenBeyondMemoryInsertsNothing) {
  Allocate(1);
  HeadCache cache({});
  const HeadCache::Moment before = cache.Now();
  for (uint64_t other = 2; other < 20000; ++other) cache.Invalidate(other, 9);
  cache.Insert(before, Entry(1, 5));
  EXPECT_EQ(cache.Find(1), nullptr);
}

TEST_F(HeadCacheTest, InvalidationLeavesANewerEntry) {
  Allocate(1);
  HeadCache cache({});
  cache.Insert(cache.Now(), Entry(1, 7));
  cache.Invalidate(1, 6);
  EXPECT_EQ(VersionOf(&cache, 1), 7);
  cache.Invalidate(1, 8);
  EXPECT_EQ(cache.Find(1), nullptr);
}

TEST_F(HeadCacheTest, OlderEntryDoesNotReplaceANewerOne) {
  Allocate(1);
  HeadCache cache({});
  const HeadCache::Moment before = cache.Now();
  cache.Insert(before, Entry(1, 7));
  cache.Insert(before, Entry(1, 6));
  EXPECT_EQ(VersionOf(&cache, 1), 7);
}

TEST_F(HeadCacheTest, ClearForgetsAndRefusesWhatWasReadBefore) {
  Allocate(2);
  HeadCache cache({});
  cache.Insert(cache.Now(), Entry(1, 1));
  const HeadCache::Moment before = cache.Now();
  const auto read = Entry(2, 1);
  cache.Clear();
  cache.Insert(before, read);
  EXPECT_EQ(cache.entries(), 0u);
  EXPECT_EQ(cache.bytes(), 0u);
}

TEST_F(HeadCacheTest, StaysBelowItsBounds) {
  Allocate(400);
  HeadCache cache({.max_bytes = 1 << 20, .max_entries = 64});
  for (uint64_t subject = 1; subject <= 400; ++subject) {
    cache.Insert(cache.Now(), Entry(subject, 1));
  }
  EXPECT_LE(cache.entries(), 64u);
  EXPECT_GT(cache.entries(), 0u);
  EXPECT_LE(cache.bytes(), size_t{1} << 20);
  // Keys of what was dropped are given back.
  EXPECT_LE(keys_.slab().taken(), 64u);
}

TEST_F(HeadCacheTest, SlotKeepsWhatWasPut) {
  Allocate(1);
  const auto entry = Entry(1, 1);
  EXPECT_EQ(entry->slot(), nullptr);
  entry->PutSlot(std::make_shared<const std::string>("facts"));
  EXPECT_EQ(*std::static_pointer_cast<const std::string>(entry->slot()),
            "facts");
}

// Readers read a row, dawdle and insert; a writer raises the row, then
// invalidates. Whenever the invalidation of version v has returned, nobody may
// find less than v.
TEST_F(HeadCacheTest, NobodyFindsAnOldHeadAfterItsInvalidation) {
  constexpr uint64_t kSubjects = 3;
  constexpr int64_t kVersions = 2000;
  constexpr int64_t kInserts = 3000;
  Allocate(kSubjects);
  HeadCache cache({});
  std::vector<std::atomic<int64_t>> row(kSubjects + 1);
  std::vector<std::atomic<int64_t>> invalidated(kSubjects + 1);
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::atomic<int64_t> inserts{0};

  std::vector<std::thread> readers;
  for (int t = 0; t < 3; ++t) {
    readers.emplace_back([&, t] {
      for (uint64_t i = 0; !stop.load(); ++i) {
        const uint64_t subject = 1 + (i + static_cast<uint64_t>(t)) % kSubjects;
        const int64_t floor = invalidated[subject].load();
        const auto found = cache.Find(subject);
        if (found != nullptr) {
          if (found->version() < floor) ++wrong;
          continue;
        }
        const HeadCache::Moment before = cache.Now();
        const int64_t version = row[subject].load();
        std::this_thread::yield();
        cache.Insert(before, Entry(subject, version));
        ++inserts;
      }
    });
  }
  int64_t last = 0;
  for (int64_t version = 1; version <= kVersions || inserts.load() < kInserts;
       ++version) {
    last = version;
    for (uint64_t subject = 1; subject <= kSubjects; ++subject) {
      row[subject] = version;
      cache.Invalidate(subject, version);
      invalidated[subject] = version;
    }
    std::this_thread::yield();
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(wrong.load(), 0);
  for (uint64_t subject = 1; subject <= kSubjects; ++subject) {
    const auto found = cache.Find(subject);
    if (found != nullptr) {
      EXPECT_EQ(found->version(), last);
    }
  }
}

}  // namespace
}  // namespace consentry::vault
