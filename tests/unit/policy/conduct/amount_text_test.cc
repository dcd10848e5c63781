#include "policy/conduct/amount_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace consentry::conduct {
namespace {

using ::testing::Eq;
using ::testing::Optional;

TEST(AmountTextTest, ReadsAmountsAsTheyAreWrittenInEurope) {
  const struct {
    const char* text;
    const char* currency;
    int64_t amount;
  } kRows[] = {{"was 49.90", "EUR", 4990},
               {"statt 49,90 EUR", "EUR", 4990},
               {"$1,299.00", "USD", 129900},
               {"1.299,- EUR", "EUR", 129900},
               {"1.299,00", "EUR", 129900},
               {"1'299.50 CHF", "CHF", 129950},
               {"was 50", "EUR", 5000},
               {"49.9", "EUR", 4990},
               {"1,299", "EUR", 129900},
               {"0.99", "EUR", 99},
               {"12.500", "KWD", 12500},
               {"5,000", "JPY", 5000},
               {"5000.00", "JPY", 5000},
               {"1,234,567.89", "USD", 123456789},
               {"from 10.00 to 20.00", "EUR", 2000}};
  for (const auto& row : kRows) {
    EXPECT_THAT(AmountIn(row.text, row.currency), Optional(Eq(row.amount)))
        << row.text;
  }
}

TEST(AmountTextTest, ATextWithoutANumberNamesNone) {
  EXPECT_EQ(AmountIn("", "EUR"), std::nullopt);
  EXPECT_EQ(AmountIn("its former price.", "EUR"), std::nullopt);
  EXPECT_EQ(AmountIn(".,'", "EUR"), std::nullopt);
}

TEST(AmountTextTest, EndlessDigitsStayABigNumber) {
  const auto amount = AmountIn(std::string(10'000, '9'), "EUR");
  ASSERT_TRUE(amount);
  EXPECT_GT(*amount, int64_t{1} << 40);
}

TEST(AmountTextTest, AnAmountIsWrittenInTheDigitsOfItsCurrency) {
  EXPECT_EQ(AmountText(1250, "EUR"), "12.50 EUR");
  EXPECT_EQ(AmountText(5, "EUR"), "0.05 EUR");
  EXPECT_EQ(AmountText(0, "EUR"), "0.00 EUR");
  EXPECT_EQ(AmountText(-5, "EUR"), "-0.05 EUR");
  EXPECT_EQ(AmountText(1250, "JPY"), "1250 JPY");
  EXPECT_EQ(AmountText(1250, "KWD"), "1.250 KWD");
  EXPECT_EQ(AmountText(INT64_MIN, "EUR"), "-92233720368547758.08 EUR");
}

}  // namespace
}  // namespace consentry::conduct
