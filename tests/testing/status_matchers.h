#ifndef CONSENTRY_TESTS_TESTING_STATUS_MATCHERS_H_
#define CONSENTRY_TESTS_TESTING_STATUS_MATCHERS_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace consentry::testing {

inline const absl::Status& StatusOf(const absl::Status& status) {
  return status;
}
template <class T>
const absl::Status& StatusOf(const absl::StatusOr<T>& status_or) {
  return status_or.status();
}

// Matches an OK absl::Status or absl::StatusOr.
MATCHER(IsOk, "is OK") {
  *result_listener << StatusOf(arg).ToString();
  return StatusOf(arg).ok();
}

// Matches a code. There is no matcher for "any error": name what you expect.
MATCHER_P(StatusIs, code, "has code " + absl::StatusCodeToString(code)) {
  *result_listener << StatusOf(arg).ToString();
  return StatusOf(arg).code() == code;
}

}  // namespace consentry::testing

#define ASSERT_OK(expr) ASSERT_THAT(expr, ::consentry::testing::IsOk())
#define EXPECT_OK(expr) EXPECT_THAT(expr, ::consentry::testing::IsOk())

#define CONSENTRY_TEST_CONCAT_INNER_(a, b) a##b
#define CONSENTRY_TEST_CONCAT_(a, b) CONSENTRY_TEST_CONCAT_INNER_(a, b)
#define ASSERT_OK_AND_ASSIGN(lhs, expr) \
  ASSERT_OK_AND_ASSIGN_IMPL_(CONSENTRY_TEST_CONCAT_(so_, __LINE__), lhs, expr)
#define ASSERT_OK_AND_ASSIGN_IMPL_(statusor, lhs, expr) \
  auto statusor = (expr);                               \
  ASSERT_THAT(statusor, ::consentry::testing::IsOk());  \
  lhs = *std::move(statusor)

#endif  // CONSENTRY_TESTS_TESTING_STATUS_MATCHERS_H_
