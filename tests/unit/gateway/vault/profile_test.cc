#include "gateway/vault/profile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

namespace consentry::vault {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

ProfileCandidate Of(std::string_view source, uint32_t priority,
                    int64_t collected_us, uint64_t digest,
                    std::string_view record = "r", uint64_t subject = 1) {
  return {.field = 7,
          .priority = priority,
          .collected_us = collected_us,
          .source = source,
          .subject = subject,
          .digest = digest,
          .record = record};
}

ProfileWinner WinnerOf(const std::vector<ProfileCandidate>& candidates) {
  const std::vector<ProfileWinner> winners = UnifyProfile(candidates);
  EXPECT_EQ(winners.size(), 1u);
  return winners.empty() ? ProfileWinner() : winners.front();
}

TEST(ProfileTest, NothingGivesNothing) {
  EXPECT_THAT(UnifyProfile({}), IsEmpty());
}

TEST(ProfileTest, PriorityComesBeforeRecency) {
  const ProfileWinner winner =
      WinnerOf({Of("crm", 10, 2000, 1), Of("shop", 20, 1000, 2)});
  EXPECT_EQ(winner.winner, 1u);
  EXPECT_TRUE(winner.conflict);
}

TEST(ProfileTest, RecencyDecidesBetweenEqualPriorities) {
  EXPECT_EQ(WinnerOf({Of("a", 10, 1000, 1), Of("b", 10, 2000, 1)}).winner, 1u);
}

TEST(ProfileTest, EqualValuesAreNoConflict) {
  EXPECT_FALSE(
      WinnerOf({Of("crm", 10, 2000, 1), Of("shop", 20, 1000, 1)}).conflict);
}

TEST(ProfileTest, OneSourceDoesNotContradictItself) {
  EXPECT_FALSE(
      WinnerOf({Of("crm", 10, 2000, 1, "a"), Of("crm", 10, 1000, 2, "b")})
          .conflict);
}

TEST(ProfileTest, ValuesOfJoinedSubjectsAreLeftToCompare) {
  const ProfileWinner winner =
      WinnerOf({Of("crm", 10, 2000, 1, "a", 1), Of("shop", 5, 1000, 9, "b", 2),
                Of("pos", 4, 1000, 9, "c", 2), Of("web", 3, 1000, 8, "d", 2)});
  EXPECT_EQ(winner.winner, 0u);
  EXPECT_FALSE(winner.conflict);
  EXPECT_THAT(winner.compare, ElementsAre(1, 3));
}

RC_GTEST_PROP(ProfileProperty, OrderOfArrivalNeverMatters, ()) {
  const auto count = *rc::gen::inRange<size_t>(1, 12);
  static constexpr std::string_view kSources[] = {"crm", "pos", "shop"};
  static constexpr std::string_view kRecords[] = {"a", "b", "c", "d"};
  std::vector<ProfileCandidate> candidates;
  for (size_t i = 0; i < count; ++i) {
    ProfileCandidate candidate;
    candidate.field = *rc::gen::inRange<uint32_t>(1, 4);
    const auto source = *rc::gen::inRange<size_t>(0, 3);
    candidate.source = kSources[source];
    candidate.priority = static_cast<uint32_t>(source / 2);
    candidate.collected_us = *rc::gen::inRange<int64_t>(0, 4);
    candidate.subject = *rc::gen::inRange<uint64_t>(1, 3);
    candidate.record = kRecords[i % 4];
    // The digest is a function of the rest, as values of a record are.
    candidate.digest = (candidate.subject * 31 + source * 7 + i % 4) % 3;
    const bool taken = std::any_of(candidates.begin(), candidates.end(),
                                   [&](const auto& other) {
                                     return other.field == candidate.field &&
                                            other.source == candidate.source &&
                                            other.record == candidate.record &&
                                            other.subject == candidate.subject;
                                   });
    if (!taken) candidates.push_back(candidate);
  }
  const std::vector<ProfileWinner> expected = UnifyProfile(candidates);
  std::vector<size_t> order(candidates.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::shuffle(order.begin(), order.end(),
               std::mt19937(*rc::gen::arbitrary<uint32_t>()));
  std::vector<ProfileCandidate> shuffled;
  for (size_t position : order) shuffled.push_back(candidates[position]);
  const std::vector<ProfileWinner> actual = UnifyProfile(shuffled);
  RC_ASSERT(actual.size() == expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    RC_ASSERT(actual[i].field == expected[i].field);
    RC_ASSERT(order[actual[i].winner] == expected[i].winner);
    RC_ASSERT(actual[i].conflict == expected[i].conflict);
    RC_ASSERT(actual[i].compare.size() == expected[i].compare.size());
  }
}

}  // namespace
}  // namespace consentry::vault
