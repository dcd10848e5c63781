#include "gateway/base/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace consentry::base {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(MetricsTest, SameNameAndLabelsGiveTheSameCounter) {
  MetricRegistry registry;
  Counter* a = registry.GetCounter("reads_total", "Reads.", {{"effect", "p"}});
  Counter* b = registry.GetCounter("reads_total", "Reads.", {{"effect", "p"}});
  Counter* c = registry.GetCounter("reads_total", "Reads.", {{"effect", "d"}});
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
}

TEST(MetricsTest, ExpositionShowsEachNameOnceWithItsSeries) {
  MetricRegistry registry;
  registry.GetCounter("reads_total", "Reads.", {{"effect", "permit"}})->Add(3);
  registry.GetCounter("reads_total", "Reads.", {{"effect", "deny"}})->Add();
  registry.GetCounter("open", "Open.")->Add(2);
  EXPECT_EQ(registry.Exposition(),
            "# HELP open Open.\n# TYPE open counter\nopen 2\n"
            "# HELP reads_total Reads.\n# TYPE reads_total counter\n"
            "reads_total{effect=\"deny\"} 1\n"
            "reads_total{effect=\"permit\"} 3\n");
}

TEST(MetricsTest, HistogramBucketsAreCumulativeAndEndAtInfinity) {
  MetricRegistry registry;
  Histogram* h = registry.GetHistogram("wait_seconds", "Wait.");
  h->ObserveUs(10);
  h->ObserveUs(11);
  h->ObserveUs(99'000'000);
  h->ObserveUs(-5);
  const std::string text = registry.Exposition();
  EXPECT_THAT(text, HasSubstr("wait_seconds_bucket{le=\"1e-05\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("wait_seconds_bucket{le=\"2e-05\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("wait_seconds_bucket{le=\"10\"} 3\n"));
  EXPECT_THAT(text, HasSubstr("wait_seconds_bucket{le=\"+Inf\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("wait_seconds_count 4\n"));
  EXPECT_THAT(text, HasSubstr("wait_seconds_sum 99\n"));
}

TEST(MetricsTest, SeriesBeyondTheBoundAreCountedAsOther) {
  MetricRegistry registry;
  for (size_t i = 0; i < MetricRegistry::kMaxSeries + 50; ++i) {
    registry.GetCounter("c", "C.", {{"l", std::to_string(i)}})->Add();
  }
  EXPECT_THAT(registry.Exposition(), HasSubstr("c{l=\"other\"} 50\n"));
}

TEST(MetricsTest, LabelValuesCannotBreakTheFormat) {
  MetricRegistry registry;
  registry.GetCounter("c", "C.", {{"l", "a\"} 1\nevil 2"}})->Add();
  EXPECT_THAT(registry.Exposition(), Not(HasSubstr("\nevil")));
}

TEST(MetricsDeathTest, OneNameWithTwoTypesEndsTheProgram) {
  MetricRegistry registry;
  registry.GetCounter("c", "C.");
  EXPECT_DEATH(registry.GetHistogram("c", "C."), "two types");
}

}  // namespace
}  // namespace consentry::base
