#include "gateway/review/review_figures.h"

#include <gtest/gtest.h>

#include <string>

namespace consentry::review {
namespace {

constexpr int64_t kSecond = 1'000'000;

store::v1::ReviewDoc Decided(const std::string& who, int verdict,
                             int64_t time_us, int64_t spent_us) {
  store::v1::ReviewDoc doc;
  doc.set_state(v1::REVIEW_STATE_RESOLVED);
  doc.add_rules("claims.scarcity");
  doc.set_model("model@1");
  doc.set_verdict(verdict);
  doc.set_decided_us(time_us);
  auto* opinion = doc.add_opinions();
  opinion->mutable_reviewer()->set_person(who);
  opinion->set_verdict(verdict);
  opinion->set_time_us(time_us);
  opinion->set_spent_us(spent_us);
  return doc;
}

TEST(ReviewFiguresTest, GroupsUnderFiveAreLeftOutAndRatesAreOfTheSpan) {
  FigureCounter counter(100, 200, 1000);
  for (int i = 0; i < 5; ++i) {
    counter.Add(Decided(
        "often", i < 2 ? v1::REVIEW_VERDICT_REVERSE : v1::REVIEW_VERDICT_UPHOLD,
        100 + i, (i + 1) * kSecond));
  }
  for (int i = 0; i < 4; ++i) {
    counter.Add(Decided("seldom", v1::REVIEW_VERDICT_CHANGE, 199, kSecond));
  }
  counter.Add(Decided("often", v1::REVIEW_VERDICT_REVERSE, 200, kSecond));
  const v1::ReviewFigures figures = counter.Result();
  ASSERT_EQ(figures.rates_size(), 3);
  EXPECT_EQ(figures.rates(0).dimension(), "model");
  EXPECT_EQ(figures.rates(0).decided(), 9);
  EXPECT_EQ(figures.rates(0).changed(), 6);
  EXPECT_EQ(figures.rates(1).dimension(), "reviewer");
  EXPECT_EQ(figures.rates(1).key(), "often");
  EXPECT_EQ(figures.rates(1).decided(), 5);
  EXPECT_EQ(figures.rates(1).changed(), 2);
  EXPECT_EQ(figures.rates(1).time_p50_seconds(), 3);
  EXPECT_EQ(figures.rates(2).dimension(), "rule");
}

TEST(ReviewFiguresTest, OpenOnesHaveAnAgeAndLateOnesAreOverdue) {
  FigureCounter counter(0, 1000 * kSecond, 100 * kSecond);
  for (int i = 1; i <= 20; ++i) {
    store::v1::ReviewDoc doc;
    doc.set_state(v1::REVIEW_STATE_OPEN);
    doc.set_created_us((100 - i) * kSecond);
    doc.set_due_us(i == 20 ? 100 * kSecond : 101 * kSecond);
    if (i == 19) {
      doc.set_timeouts(1);
      doc.add_timeout_us(90 * kSecond);
    }
    counter.Add(doc);
  }
  const v1::ReviewFigures figures = counter.Result();
  EXPECT_EQ(figures.open(), 20);
  EXPECT_EQ(figures.overdue(), 2);
  EXPECT_EQ(figures.timeouts(), 1);
  EXPECT_EQ(figures.age_p50_seconds(), 10);
  EXPECT_EQ(figures.age_p95_seconds(), 19);
  EXPECT_EQ(figures.rates_size(), 0);
}

}  // namespace
}  // namespace consentry::review
