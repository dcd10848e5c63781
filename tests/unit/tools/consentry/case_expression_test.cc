#include "tools/consentry/case_expression.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "tests/testing/status_matchers.h"

namespace consentry::tools {
namespace {

using consentry::testing::StatusIs;
using Operator = CaseExpression::Operator;

std::optional<bool> Holds(const std::string& expression,
                          const std::string& cell) {
  const auto parsed = CaseExpression::Parse(expression);
  EXPECT_OK(parsed.status()) << expression;
  return parsed.ok() ? parsed->Holds(cell) : std::nullopt;
}

TEST(CaseExpressionTest, WhatIsNotKnownIsNeitherEqualNorUnequal) {
  for (const char* cell : {"unknown", "Unknown", "nan", "NaN", " NAN ", ""}) {
    EXPECT_TRUE(IsNotKnown(cell));
    for (const char* text : {"y = 1", "y != 1", "y in 1, 2", "y"}) {
      EXPECT_FALSE(CaseExpression::Parse(text)->Holds(cell)) << text << cell;
    }
  }
  EXPECT_FALSE(IsNotKnown("nana"));
  // Unless that is what is asked.
  EXPECT_EQ(CaseExpression::Parse("y = unknown")->Holds("unknown"), true);
  EXPECT_EQ(CaseExpression::Parse("y != unknown")->Holds("unknown"), false);
  EXPECT_EQ(CaseExpression::Parse("y = unknown")->Holds("1"), false);
}

TEST(CaseExpressionTest, ComparisonsSayWhatTheySay) {
  EXPECT_EQ(Holds("score_text != Low", "High"), true);
  EXPECT_EQ(Holds("score_text != Low", "Low"), false);
  EXPECT_EQ(Holds("decile_score>=5", "5"), true);
  EXPECT_EQ(Holds("decile_score >= 5", "4.99"), false);
  EXPECT_EQ(Holds("n<-1.5", "-2"), true);
  EXPECT_EQ(Holds("n > 10", "9"), false);  // As numbers, not as text.
  EXPECT_EQ(Holds("n <= 1e3", "1000"), true);
  EXPECT_EQ(Holds("status in A92, A95", "A95"), true);
  EXPECT_EQ(Holds("status in A92,A95", "A9"), false);
  EXPECT_EQ(Holds("y == yes", "yes"), true);
  EXPECT_EQ(Holds("n = 1", "1.0"), true);
  EXPECT_EQ(Holds("y = Yes", "yes"), false);
}

TEST(CaseExpressionTest, AColumnAloneKnowsYesAndNo) {
  for (const char* yes : {"1", "true", "YES", "t", "Y"}) {
    EXPECT_EQ(Holds("label", yes), true) << yes;
  }
  for (const char* no : {"0", "False", "no", "f", "N"}) {
    EXPECT_EQ(Holds("label", no), false) << no;
  }
  EXPECT_EQ(Holds("label", "2"), std::nullopt);
  EXPECT_EQ(Holds("label", "good"), std::nullopt);
}

TEST(CaseExpressionTest, AnEmptyCellSaysNothing) {
  for (const char* expression : {"a", "a = 1", "a != 1", "a < 1", "a in 1,2"}) {
    EXPECT_EQ(Holds(expression, ""), std::nullopt) << expression;
    EXPECT_EQ(Holds(expression, "  "), std::nullopt) << expression;
  }
}

TEST(CaseExpressionTest, WhatIsNoNumberIsNotCompared) {
  for (const char* cell : {"five", "nan", "inf", "1,000", "0x5"}) {
    EXPECT_EQ(Holds("n >= 5", cell), std::nullopt) << cell;
  }
}

TEST(CaseExpressionTest, QuotesHoldOperators) {
  const auto parsed = CaseExpression::Parse("\"a<b\" != \"x = y\"");
  ASSERT_OK(parsed.status());
  EXPECT_EQ(parsed->column(), "a<b");
  EXPECT_EQ(parsed->Holds("x = y"), false);
  EXPECT_EQ(CaseExpression::Parse("\"margin in euro\"")->op(), Operator::kNone);
}

TEST(CaseExpressionTest, WhatSaysNothingIsRefused) {
  for (const char* text :
       {"", "  ", "= 5", "a =", "a in ,", "a in 1,,2", "a ! b", "\"a = 1",
        "a = \"b", "a < low", "\"\" = 1"}) {
    EXPECT_THAT(CaseExpression::Parse(text).status(),
                StatusIs(absl::StatusCode::kInvalidArgument))
        << text;
  }
}

}  // namespace
}  // namespace consentry::tools
