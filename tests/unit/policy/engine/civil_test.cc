#include "policy/engine/civil.h"

#include <gtest/gtest.h>

namespace consentry::policy {
namespace {

int64_t At(const char* text) { return ParseTime(text).value(); }

TEST(Civil, DaysOfKnownDates) {
  EXPECT_EQ(ParseDay("1970-01-01"), 0);
  EXPECT_EQ(ParseDay("2000-03-01"), 11017);
  EXPECT_EQ(ParseDay("1800-01-01"), kMinDay);
  EXPECT_EQ(ParseDay("2299-12-31"), kMaxDay);
  EXPECT_EQ(FormatDay(11017), "2000-03-01");
}

TEST(Civil, WhatIsNoDayIsRefused) {
  for (const char* text :
       {"", "2026-2-1", "2026-02-30", "2025-02-29", "2026-13-01", "2026-00-10",
        "2026-01-00", "1799-12-31", "2300-01-01", "2026-01-01 ", " 2026-01-01",
        "2026/01/01", "+026-01-01", "2O26-01-01"}) {
    EXPECT_FALSE(ParseDay(text)) << text;
  }
}

TEST(Civil, TimesRoundTrip) {
  EXPECT_EQ(At("1970-01-01T00:00:01Z"), 1'000'000);
  EXPECT_EQ(At("2026-11-22T10:00:00.5Z") % kUsPerSecond, 500'000);
  EXPECT_EQ(FormatTime(At("2026-11-22T10:00:00Z")), "2026-11-22T10:00:00Z");
  EXPECT_EQ(FormatTime(At("2026-11-22T10:00:00.000001Z")),
            "2026-11-22T10:00:00.000001Z");
}

TEST(Civil, WhatIsNoTimeIsRefused) {
  for (const char* text :
       {"", "2026-11-22", "2026-11-22T10:00:00", "2026-11-22T10:00:00+00:00",
        "2026-11-22t10:00:00Z", "2026-11-22T24:00:00Z", "2026-11-22T10:60:00Z",
        "2026-11-22T10:00:60Z", "2026-11-22T10:00:00.Z",
        "2026-11-22T10:00:00.1234567Z", "2026-11-22T10:00:00.1x3Z",
        "1969-12-31T23:59:59Z", "2200-01-01T00:00:00Z"}) {
    EXPECT_FALSE(ParseTime(text)) << text;
  }
}

TEST(Civil, MonthsKeepTheDayOrTakeTheLast) {
  EXPECT_EQ(AddMonths(At("2026-01-31T08:30:00Z"), 1),
            At("2026-02-28T08:30:00Z"));
  EXPECT_EQ(AddMonths(At("2023-11-30T23:59:59Z"), 3),
            At("2024-02-29T23:59:59Z"));
  EXPECT_EQ(AddMonths(At("2026-12-15T00:00:00Z"), 1),
            At("2027-01-15T00:00:00Z"));
  EXPECT_EQ(AddMonths(At("2026-05-31T00:00:00Z"), 24),
            At("2028-05-31T00:00:00Z"));
}

TEST(Civil, AgeChangesOnTheBirthday) {
  const int32_t born = *ParseDay("2010-06-15");
  EXPECT_EQ(AgeAt(born, At("2026-06-14T23:59:59.999999Z")), 15);
  EXPECT_EQ(AgeAt(born, At("2026-06-15T00:00:00Z")), 16);
  EXPECT_EQ(BirthdayOf(born, 16), *ParseDay("2026-06-15"));
}

TEST(Civil, LeapDayGrowsOlderOnTheFirstOfMarch) {
  const int32_t born = *ParseDay("2012-02-29");
  EXPECT_EQ(AgeAt(born, At("2026-02-28T12:00:00Z")), 13);
  EXPECT_EQ(AgeAt(born, At("2026-03-01T00:00:00Z")), 14);
  EXPECT_EQ(AgeAt(born, At("2028-02-29T00:00:00Z")), 16);
}

TEST(Civil, BirthInTheFutureIsAgeZero) {
  EXPECT_EQ(AgeAt(*ParseDay("2030-01-01"), At("2026-01-01T00:00:00Z")), 0);
}

}  // namespace
}  // namespace consentry::policy
