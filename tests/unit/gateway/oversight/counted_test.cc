#include "gateway/oversight/counted.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

#include "tests/testing/status_matchers.h"

namespace consentry::oversight {
namespace {

using std::chrono::milliseconds;

TEST(CountedTest, CountsOnceForPagesOfOneQuestion) {
  Counted<int> counted("counted", milliseconds(60'000));
  std::atomic<int> counts{0};
  const auto count = [&](uint64_t to, const auto&) -> absl::StatusOr<int> {
    return ++counts * 100 + static_cast<int>(to);
  };
  const auto first = counted.Get("a", 0, 7, count);
  ASSERT_OK(first);
  EXPECT_EQ(first->to, 7u);
  EXPECT_EQ(*first->sums, 107);
  // The log has grown; the next page is of the same count.
  const auto second = counted.Get("a", first->to, 9, count);
  ASSERT_OK(second);
  EXPECT_EQ(*second->sums, 107);
  // A question that is asked anew is counted anew.
  const auto anew = counted.Get("a", 0, 9, count);
  ASSERT_OK(anew);
  EXPECT_EQ(*anew->sums, 209);
  EXPECT_EQ(counts, 2);
}

TEST(CountedTest, AnswersWhenItIsAskedAgainAfterTheWait) {
  Counted<int> counted("counted", milliseconds(1));
  std::promise<void> go;
  const auto released = go.get_future().share();
  const auto count = [released](uint64_t to,
                                const auto&) -> absl::StatusOr<int> {
    released.wait();
    return static_cast<int>(to);
  };
  EXPECT_THAT(counted.Get("a", 0, 7, count),
              testing::StatusIs(absl::StatusCode::kUnavailable));
  // The same count goes on, whatever the log has grown to.
  EXPECT_FALSE(counted.Get("a", 0, 9, count).ok());
  go.set_value();
  absl::StatusOr<Counted<int>::Answer> answer = absl::UnknownError("");
  while (!answer.ok()) answer = counted.Get("a", 0, 11, count);
  EXPECT_EQ(answer->to, 7u);
}

TEST(CountedTest, AFailureIsToldAndNotKept) {
  Counted<int> counted("counted", milliseconds(60'000));
  EXPECT_THAT(counted.Get("a", 0, 7,
                          [](uint64_t, const auto&) -> absl::StatusOr<int> {
                            return absl::DataLossError("damaged");
                          }),
              testing::StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_OK(counted.Get(
      "a", 7, 7,
      [](uint64_t, const auto&) -> absl::StatusOr<int> { return 1; }));
}

TEST(CountedTest, EndsWithACountUnderWay) {
  std::promise<void> started;
  {
    Counted<int> counted("counted", milliseconds(1));
    EXPECT_FALSE(counted
                     .Get("a", 0, 7,
                          [&](uint64_t, const std::atomic<bool>& cancelled)
                              -> absl::StatusOr<int> {
                            started.set_value();
                            while (!cancelled) std::this_thread::yield();
                            return absl::CancelledError();
                          })
                     .ok());
    started.get_future().wait();
  }
}

}  // namespace
}  // namespace consentry::oversight
