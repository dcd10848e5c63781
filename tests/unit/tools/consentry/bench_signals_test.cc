#include "tools/consentry/bench_signals.h"

#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"

namespace consentry::tools {
namespace {

TEST(BenchSignals, MeasuresAWholeStringOfAThousandVendors) {
  ASSERT_OK_AND_ASSIGN(const TcDecodeTimes times, MeasureTcDecode(2000));
  EXPECT_EQ(times.decodings, 2000u);
  EXPECT_GT(times.characters, 500u);
  EXPECT_GT(times.vendors, 2000u);
  EXPECT_GT(times.p50_us, 0);
  EXPECT_LE(times.p50_us, times.p95_us);
  EXPECT_LE(times.p95_us, times.p99_us);
  EXPECT_GT(times.npm_us.value_or(1), 0);
}

TEST(BenchSignals, NothingToMeasureIsAnError) {
  EXPECT_THAT(MeasureTcDecode(0),
              testing::StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace consentry::tools
