#include "gateway/trail/trail_index.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "audit/log/writer.h"
#include "gateway/store/sqlcipher/engine.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace consentry::trail {
namespace {

using std::chrono::seconds;

// A log of made-up entries with an index that follows it.
class TrailIndexTest : public ::testing::Test {
 protected:
  void SetUp() override {
    options_.idle_flush = std::chrono::milliseconds(40);
    options_.postings_per_run = 64;
    options_.max_short_runs = 3;
    OpenLog();
    OpenIndex();
  }

  void OpenLog() {
    audit::LogWriter::Options log_options;
    log_options.origin = "test.example/1";
    log_options.segment_bytes = 1 << 20;
    log_options.prepare_in_background = false;
    audit::RecoveryReport report;
    auto writer = audit::LogWriter::Open(
        audit::FileSystem::Posix(), dir_.File("log"), log_options, &report);
    ASSERT_OK(writer);
    writer_ = *std::move(writer);
    reader_ = writer_->NewReader();
  }

  void OpenIndex() {
    store::SqlcipherOptions store_options;
    store_options.path = dir_.File("trail.db");
    store_options.create = true;
    const std::vector<uint8_t> key(32, 7);
    auto engine = store::OpenSqlcipher(
        store_options, std::span<const uint8_t, 32>(key.data(), 32));
    ASSERT_OK(engine);
    engine_ = *std::move(engine);
    auto index = TrailIndex::Open(
        engine_.get(), reader_.get(),
        [this](const std::vector<uint32_t>&) { return Resolve(); }, options_);
    ASSERT_OK(index);
    index_ = *std::move(index);
  }

  // The tag of subject n is n repeated, so that a lost index can be made anew.
  static std::string TagOf(uint64_t subject) {
    return std::string(16, static_cast<char>(subject));
  }
  absl::StatusOr<std::map<std::string, uint64_t, std::less<>>> Resolve() {
    ++resolved_;
    std::map<std::string, uint64_t, std::less<>> tags;
    for (uint64_t subject = 1; subject <= 20; ++subject) {
      if (subject != gone_) tags[TagOf(subject)] = subject;
    }
    return tags;
  }

  void Append(const std::vector<uint64_t>& subjects,
              const std::string& client = "crm",
              const std::string& event = "data.read") {
    store::v1::Leaf leaf;
    leaf.set_time_us(1'780'000'000'000'000 + static_cast<int64_t>(size_));
    leaf.set_client_id(client);
    leaf.set_event(event);
    std::vector<int64_t> numbers;
    for (const uint64_t subject : subjects) {
      auto* told = leaf.add_subjects();
      told->set_tag(TagOf(subject));
      told->set_effect(1);
      numbers.push_back(static_cast<int64_t>(subject));
    }
    const std::string bytes = leaf.SerializeAsString();
    const std::string_view entry = bytes;
    ASSERT_OK(writer_->Append({&entry, 1}));
    index_->Observe(size_++, numbers);
  }

  std::vector<uint64_t> Find(const std::vector<uint64_t>& subjects,
                             const EntryFilter& filter = {},
                             size_t limit = 1000) {
    EXPECT_TRUE(index_->WaitUntilIndexed(size_, seconds(20)));
    std::vector<uint64_t> found;
    uint64_t below = UINT64_MAX;
    do {
      const auto page = index_->Find(subjects, filter, below, limit);
      EXPECT_OK(page);
      if (!page.ok()) return found;
      for (const auto& hit : page->hits) found.push_back(hit.index);
      below = page->next;
    } while (below > 0);
    return found;
  }

  testing::TempDir dir_;
  TrailIndex::Options options_;
  std::unique_ptr<audit::LogWriter> writer_;
  std::unique_ptr<audit::LogReader> reader_;
  std::unique_ptr<store::Engine> engine_;
  std::unique_ptr<TrailIndex> index_;
  uint64_t size_ = 0;
  uint64_t gone_ = 0;
  int resolved_ = 0;
};

TEST_F(TrailIndexTest, FindsASubjectThroughManyRunsAndMerges) {
  std::vector<uint64_t> wanted;
  for (uint64_t i = 0; i < 420; ++i) {
    const uint64_t subject = 1 + i % 9;
    if (subject == 4) wanted.insert(wanted.begin(), i);
    Append({subject});
    if (i % 100 == 0) {
      // Let the index write a short run now and then.
      ASSERT_TRUE(index_->WaitUntilIndexed(size_, seconds(20)));
    }
  }
  EXPECT_EQ(Find({4}), wanted);
  EXPECT_EQ(Find({4}, {}, 7), wanted);
  EXPECT_TRUE(Find({19}).empty());
}

TEST_F(TrailIndexTest, OneEntryAboutManySubjectsIsFoundByEach) {
  Append({1, 2, 3});
  Append({2});
  EXPECT_EQ(Find({2}), (std::vector<uint64_t>{1, 0}));
  EXPECT_EQ(Find({3}), (std::vector<uint64_t>{0}));
  EXPECT_EQ(Find({1, 3}), (std::vector<uint64_t>{0}));
  const auto subject = index_->SubjectOf(0, 2);
  ASSERT_OK(subject);
  EXPECT_EQ(*subject, 3u);
}

TEST_F(TrailIndexTest, ScansByClientAndEventNewestFirst) {
  for (int i = 0; i < 700; ++i) {
    Append({1}, i % 100 == 3 ? "shop" : "crm",
           i % 200 == 3 ? "consent.withdraw" : "data.read");
  }
  EntryFilter filter;
  filter.client_id = "shop";
  EXPECT_EQ(Find({}, filter),
            (std::vector<uint64_t>{603, 503, 403, 303, 203, 103, 3}));
  filter.event = "consent.";
  EXPECT_EQ(Find({}, filter, 2), (std::vector<uint64_t>{603, 403, 203, 3}));
}

TEST_F(TrailIndexTest, RestartKeepsWhatWasWrittenAndResolvesNothing) {
  for (uint64_t i = 0; i < 150; ++i) Append({1 + i % 3});
  ASSERT_TRUE(index_->WaitUntilIndexed(size_, seconds(20)));
  index_.reset();
  engine_.reset();
  OpenIndex();
  EXPECT_EQ(Find({3}).size(), 50u);
  EXPECT_EQ(resolved_, 0);
}

TEST_F(TrailIndexTest, EntriesOfABlockAreFoundAfterARestartWithinIt) {
  EntryFilter shop;
  shop.client_id = "shop";
  for (int i = 0; i < 3; ++i) Append({1}, "shop");
  index_.reset();
  OpenIndex();
  for (int i = 0; i < 3; ++i) Append({2}, "crm");
  EXPECT_EQ(Find({}, shop), (std::vector<uint64_t>{2, 1, 0}));
  index_.reset();
  OpenIndex();
  EXPECT_EQ(Find({}, shop), (std::vector<uint64_t>{2, 1, 0}));
}

TEST_F(TrailIndexTest, LostIndexIsMadeAnewFromTheLogByTags) {
  for (uint64_t i = 0; i < 400; ++i) Append({1 + i % 4});
  const auto before = Find({2});
  index_.reset();
  engine_.reset();
  ASSERT_OK(audit::FileSystem::Posix()->Remove(dir_.File("trail.db")));
  for (const char* side : {"trail.db-wal", "trail.db-shm"}) {
    (void)audit::FileSystem::Posix()->Remove(dir_.File(side));
  }
  gone_ = 3;
  OpenIndex();
  EXPECT_EQ(Find({2}), before);
  EXPECT_GT(resolved_, 0);
  // Whose key is gone is not found any more; the entries are there.
  EXPECT_TRUE(Find({3}).empty());
  EXPECT_EQ(Find({}).size(), 400u);
}

TEST_F(TrailIndexTest, IndexThatClaimsMoreThanTheLogIsRefused) {
  for (uint64_t i = 0; i < 10; ++i) Append({1});
  ASSERT_TRUE(index_->WaitUntilIndexed(size_, seconds(20)));
  index_.reset();
  engine_.reset();
  reader_.reset();
  writer_.reset();
  std::string log = dir_.File("log");
  dir_.path();
  ASSERT_EQ(std::rename(log.c_str(), dir_.File("other").c_str()), 0);
  OpenLog();
  store::SqlcipherOptions store_options;
  store_options.path = dir_.File("trail.db");
  const std::vector<uint8_t> key(32, 7);
  auto engine = store::OpenSqlcipher(
      store_options, std::span<const uint8_t, 32>(key.data(), 32));
  ASSERT_OK(engine);
  EXPECT_THAT(
      TrailIndex::Open(
          engine->get(), reader_.get(),
          [this](const std::vector<uint32_t>&) { return Resolve(); }, options_),
      testing::StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(TrailIndexTest, WalkShowsEveryEntryOnceWithItsSubjects) {
  // Long runs, short ones, merged ones that span others, and what is only in
  // memory.
  std::vector<std::vector<uint64_t>> expected;
  for (uint64_t i = 0; i < 420; ++i) {
    std::vector<uint64_t> subjects = {i % 20 + 1};
    if (i % 7 == 0) subjects = {i % 3 + 1, 0, i % 5 + 4};
    if (i % 11 == 0) subjects.clear();
    Append(subjects, i % 2 == 0 ? "crm" : "shop");
    expected.push_back(subjects);
    if (i % 100 == 99) {
      ASSERT_TRUE(index_->WaitUntilIndexed(size_, seconds(20)));
      if (i % 200 == 99) {
        std::this_thread::sleep_for(2 * options_.idle_flush);
      }
    }
  }
  ASSERT_TRUE(index_->WaitUntilIndexed(size_, seconds(20)));
  const auto walk = [&](uint64_t from, uint64_t to, const EntryFilter& filter) {
    std::map<uint64_t, std::vector<uint64_t>> seen;
    uint64_t last = 0;
    EXPECT_OK(index_->Walk(from, to, filter, [&](const auto& entry) {
      EXPECT_TRUE(seen.empty() || entry.index > last);
      last = entry.index;
      seen[entry.index] = {entry.subjects.begin(), entry.subjects.end()};
      return absl::OkStatus();
    }));
    return seen;
  };
  const auto all = walk(0, UINT64_MAX, {});
  ASSERT_EQ(all.size(), expected.size());
  for (const auto& [index, subjects] : all) {
    EXPECT_EQ(subjects, expected[index]) << index;
  }
  EntryFilter shop;
  shop.client_id = "shop";
  const auto some = walk(141, 357, shop);
  EXPECT_EQ(some.size(), 108u);
  for (const auto& [index, subjects] : some) {
    EXPECT_EQ(index % 2, 1u);
    EXPECT_EQ(subjects, expected[index]) << index;
  }
  EXPECT_TRUE(walk(5, 5, {}).empty());
}

TEST_F(TrailIndexTest, WalkEndsWithTheFirstErrorOfItsVisitor) {
  for (uint64_t i = 0; i < 10; ++i) Append({1});
  ASSERT_TRUE(index_->WaitUntilIndexed(size_, seconds(20)));
  int visited = 0;
  EXPECT_THAT(index_->Walk(0, 10, {},
                           [&](const auto& entry) {
                             ++visited;
                             return entry.index == 3
                                        ? absl::AbortedError("enough")
                                        : absl::OkStatus();
                           }),
              testing::StatusIs(absl::StatusCode::kAborted));
  EXPECT_EQ(visited, 4);
}

TEST_F(TrailIndexTest, ForgetsWhatEntriesWereAboutSomebody) {
  // Enough for several runs, and for one subject that fills chunks.
  for (int i = 0; i < 300; ++i) Append({1 + static_cast<uint64_t>(i) % 7, 3});
  Append({5});
  ASSERT_FALSE(Find({3}).empty());
  const auto others = Find({5});
  const uint64_t below = size_;
  const uint64_t subjects[] = {3};
  ASSERT_OK(index_->Forget(subjects, below));
  EXPECT_TRUE(Find({3}).empty());
  EXPECT_EQ(Find({5}), others);
  for (uint64_t index = 0; index < below; ++index) {
    const auto subject = index_->SubjectOf(index, 1);
    ASSERT_OK(subject);
    EXPECT_EQ(*subject, 0u);
  }
  // What comes afterwards is found.
  Append({3});
  EXPECT_EQ(Find({3}), std::vector<uint64_t>{below});
  // And stays forgotten when the index is opened again.
  index_.reset();
  OpenIndex();
  EXPECT_EQ(Find({3}), std::vector<uint64_t>{below});
}

}  // namespace
}  // namespace consentry::trail
