#include "gateway/store/recent_changes.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <vector>

namespace consentry::store {
namespace {

using Verdict = RecentChanges::Verdict;

Verdict CheckOne(const RecentChanges& recent, int64_t subject, int64_t version,
                 int64_t as_of) {
  const SubjectVersion seen[] = {{subject, version}};
  return recent.Check(seen, as_of);
}

void NoteOne(RecentChanges* recent, int64_t change, int64_t subject) {
  const int64_t subjects[] = {subject};
  recent->Note(change, subjects);
}

TEST(RecentChangesTest, UntouchedSubjectIsCurrent) {
  RecentChanges recent(10, 100);
  EXPECT_EQ(CheckOne(recent, 1, 50, 100), Verdict::kCurrent);
  EXPECT_EQ(CheckOne(recent, 1, 0, 100), Verdict::kCurrent);
}

TEST(RecentChangesTest, OlderVersionIsStaleNewestIsCurrent) {
  RecentChanges recent(10, 100);
  NoteOne(&recent, 101, 1);
  EXPECT_EQ(CheckOne(recent, 1, 50, 100), Verdict::kStale);
  EXPECT_EQ(CheckOne(recent, 1, 101, 101), Verdict::kCurrent);
  EXPECT_EQ(CheckOne(recent, 2, 50, 100), Verdict::kCurrent);
}

TEST(RecentChangesTest, VersionThatIsNotNotedYetIsAhead) {
  RecentChanges recent(10, 100);
  EXPECT_EQ(CheckOne(recent, 1, 101, 100), Verdict::kAhead);
  NoteOne(&recent, 101, 1);
  EXPECT_EQ(CheckOne(recent, 1, 101, 100), Verdict::kCurrent);
}

TEST(RecentChangesTest, StaleBeatsAhead) {
  RecentChanges recent(10, 100);
  NoteOne(&recent, 101, 1);
  const SubjectVersion seen[] = {{2, 102}, {1, 50}};
  EXPECT_EQ(recent.Check(seen, 101), Verdict::kStale);
}

TEST(RecentChangesTest, SnapshotFromBeforeTheMapIsStaleEvenIfUnchanged) {
  RecentChanges recent(2, 100);
  NoteOne(&recent, 101, 1);
  NoteOne(&recent, 102, 2);
  NoteOne(&recent, 103, 3);
  EXPECT_EQ(recent.floor(), 101);
  EXPECT_EQ(CheckOne(recent, 9, 5, 100), Verdict::kStale);
  EXPECT_EQ(CheckOne(recent, 9, 5, 101), Verdict::kCurrent);
  EXPECT_EQ(CheckOne(recent, 1, 50, 100), Verdict::kStale);
}

TEST(RecentChangesTest, SubjectTouchedAgainOutlivesItsFirstEntry) {
  RecentChanges recent(2, 100);
  NoteOne(&recent, 101, 1);
  NoteOne(&recent, 102, 1);
  NoteOne(&recent, 103, 2);
  EXPECT_EQ(CheckOne(recent, 1, 101, 103), Verdict::kStale);
  EXPECT_EQ(CheckOne(recent, 1, 102, 103), Verdict::kCurrent);
}

TEST(RecentChangesTest, VersionWithoutANoteIsNeverCurrent) {
  RecentChanges recent(10, 100);
  NoteOne(&recent, 101, 1);
  EXPECT_EQ(CheckOne(recent, 2, 101, 101), Verdict::kStale);
}

// Against a model that remembers everything: whatever is called current is.
TEST(RecentChangesTest, NeverCallsAnOldVersionCurrent) {
  std::mt19937 random(20260801);
  for (int round = 0; round < 50; ++round) {
    RecentChanges recent(1 + random() % 8, 0);
    std::vector<std::map<int64_t, int64_t>> states(1);  // By change.
    for (int64_t change = 1; change <= 60; ++change) {
      std::vector<int64_t> subjects(random() % 3);
      for (int64_t& subject : subjects) subject = random() % 6;
      states.push_back(states.back());
      for (const int64_t subject : subjects) states.back()[subject] = change;
      recent.Note(change, subjects);
      for (int64_t as_of = 0; as_of <= change; ++as_of) {
        for (int64_t subject = 0; subject < 6; ++subject) {
          const int64_t version = states[as_of][subject];
          const Verdict verdict = CheckOne(recent, subject, version, as_of);
          const bool current = states[change][subject] == version;
          ASSERT_NE(verdict, Verdict::kAhead);
          if (verdict == Verdict::kCurrent) {
            ASSERT_TRUE(current);
          } else {
            ASSERT_TRUE(!current || as_of < recent.floor());
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace consentry::store
