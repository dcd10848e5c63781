#include "tools/consentry/bench_decide.h"

#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"

namespace consentry::tools {
namespace {

TEST(BenchDecide, MeasuresPermitsAndDenialsInOrder) {
  ASSERT_OK_AND_ASSIGN(const DecideTimes times, MeasureDecide(20'000));
  EXPECT_EQ(times.decisions, 20'000u);
  EXPECT_GT(times.permitted, times.decisions / 10);
  EXPECT_LT(times.permitted, times.decisions);
  EXPECT_GT(times.p50_ns, 0);
  EXPECT_LE(times.p50_ns, times.p95_ns);
  EXPECT_LE(times.p95_ns, times.p99_ns);
  RecordProperty("p50_ns", static_cast<int>(times.p50_ns));
  std::printf("decide_ns p50 %.0f p95 %.0f p99 %.0f, %llu of %llu permitted\n",
              times.p50_ns, times.p95_ns, times.p99_ns,
              static_cast<unsigned long long>(times.permitted),
              static_cast<unsigned long long>(times.decisions));
}

TEST(BenchDecide, NothingToMeasureIsAnError) {
  EXPECT_THAT(MeasureDecide(0),
              testing::StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace consentry::tools
