#include "gateway/trail/block_summary.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "tests/testing/status_matchers.h"

namespace consentry::trail {
namespace {

store::v1::Leaf AnyLeaf(std::mt19937_64& random) {
  const auto pick = [&](uint64_t n) { return random() % n; };
  store::v1::Leaf leaf;
  leaf.set_time_us(static_cast<int64_t>(pick(1000)));
  leaf.set_client_id("client-" + std::to_string(pick(4)));
  leaf.set_acting_person(pick(2) ? "p" + std::to_string(pick(3)) : "");
  leaf.set_purpose("purpose." + std::to_string(pick(4)));
  leaf.set_event(pick(2) ? "data.read" : "consent.withdraw");
  for (uint64_t i = pick(3); i > 0; --i) {
    auto* subject = leaf.add_subjects();
    subject->set_effect(static_cast<int>(1 + pick(2)));
    subject->set_reason(static_cast<int>(40 + pick(3)));
  }
  return leaf;
}

EntryFilter AnyFilter(std::mt19937_64& random) {
  const auto pick = [&](uint64_t n) { return random() % n; };
  EntryFilter filter;
  if (pick(2)) filter.client_id = "client-" + std::to_string(pick(5));
  if (pick(4) == 0) filter.acting_person = "p" + std::to_string(pick(4));
  if (pick(2)) filter.purpose = "purpose." + std::to_string(pick(5));
  if (pick(3) == 0) filter.event = pick(2) ? "consent." : "data.read";
  if (pick(3) == 0) filter.effect = static_cast<int>(1 + pick(2));
  if (pick(3) == 0) filter.reason = static_cast<int>(40 + pick(4));
  if (pick(3) == 0) filter.from_us = static_cast<int64_t>(pick(1000));
  if (pick(3) == 0) filter.to_us = static_cast<int64_t>(pick(1000));
  return filter;
}

// A summary that misses a match loses an entry from an answer.
TEST(BlockSummaryTest, NeverSaysNoOfABlockThatHoldsAMatch) {
  std::mt19937_64 random(20260801);
  size_t matches = 0, passed_over = 0;
  for (int round = 0; round < 2000; ++round) {
    BlockSummary summary;
    std::vector<store::v1::Leaf> leaves;
    for (uint64_t i = random() % 6; i > 0; --i) {
      leaves.push_back(AnyLeaf(random));
      summary.Add(leaves.back());
    }
    const auto decoded = BlockSummary::Decode(summary.Encode());
    ASSERT_OK(decoded);
    for (int question = 0; question < 10; ++question) {
      const EntryFilter filter = AnyFilter(random);
      bool any = false;
      for (const auto& leaf : leaves) any |= filter.Matches(leaf);
      matches += any;
      passed_over += !decoded->MayMatch(filter);
      ASSERT_TRUE(!any || decoded->MayMatch(filter));
    }
  }
  // Both sides of the claim were put to the test.
  EXPECT_GT(matches, 500u);
  EXPECT_GT(passed_over, 5000u);
}

TEST(BlockSummaryTest, PrefixMatchesAtTheDotOnly) {
  store::v1::Leaf leaf;
  leaf.set_event("consent.withdraw");
  EntryFilter filter;
  filter.event = "consent.";
  EXPECT_TRUE(filter.Matches(leaf));
  filter.event = "con";
  EXPECT_FALSE(filter.Matches(leaf));
}

TEST(BlockSummaryTest, EffectAndReasonMustBeOfOneSubject) {
  store::v1::Leaf leaf;
  auto* permitted = leaf.add_subjects();
  permitted->set_effect(1);
  auto* denied = leaf.add_subjects();
  denied->set_effect(2);
  denied->set_reason(41);
  EntryFilter filter;
  filter.effect = 1;
  filter.reason = 41;
  EXPECT_FALSE(filter.Matches(leaf));
  filter.effect = 2;
  EXPECT_TRUE(filter.Matches(leaf));
}

TEST(BlockSummaryTest, GarbageIsRefused) {
  EXPECT_THAT(BlockSummary::Decode("\xff\xff\xff"),
              testing::StatusIs(absl::StatusCode::kDataLoss));
}

}  // namespace
}  // namespace consentry::trail
