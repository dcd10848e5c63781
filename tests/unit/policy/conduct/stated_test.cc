#include "policy/conduct/stated.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace consentry::conduct {
namespace {

TEST(StatedTest, Quantities) {
  const std::map<std::string, int64_t> words = {{"two", 2}};
  EXPECT_EQ(ReadQuantity("12", words), 12);
  EXPECT_EQ(ReadQuantity("two", words), 2);
  EXPECT_EQ(ReadQuantity("1,204", words), 1204);
  EXPECT_EQ(ReadQuantity("1.204", words), 1204);
  EXPECT_EQ(ReadQuantity("", words), std::nullopt);
  EXPECT_EQ(ReadQuantity("few", words), std::nullopt);
  EXPECT_EQ(ReadQuantity("9999999999999999", words), std::nullopt);
}

TEST(StatedTest, Clocks) {
  EXPECT_EQ(ReadDuration("02:59:50"), 10790);
  EXPECT_EQ(ReadDuration("1 : 00 : 00 : 01"), 86401);
  EXPECT_EQ(ReadDuration("14:53"), 893);
  EXPECT_EQ(ReadDuration("14:53 hours"), 14 * 3600 + 53 * 60);
}

TEST(StatedTest, UnitsInFourLanguages) {
  EXPECT_EQ(ReadDuration("16h 59m 06s"), 16 * 3600 + 59 * 60 + 6);
  EXPECT_EQ(ReadDuration("00days00hours14minutes21seconds"), 14 * 60 + 21);
  EXPECT_EQ(ReadDuration("2 tage 3 std"), 2 * 86400 + 3 * 3600);
  EXPECT_EQ(ReadDuration("2 jours et 4 heures"), 2 * 86400 + 4 * 3600);
  EXPECT_EQ(ReadDuration("3 dias"), 3 * 86400);
  EXPECT_EQ(ReadDuration("1 semaine"), 7 * 86400);
  EXPECT_EQ(ReadDuration("90 segundos"), 90);
}

TEST(StatedTest, WhatIsNoLengthOfTimeIsAbsent) {
  EXPECT_EQ(ReadDuration(""), std::nullopt);
  EXPECT_EQ(ReadDuration("soon"), std::nullopt);
  EXPECT_EQ(ReadDuration("3 monate"), std::nullopt);
  EXPECT_EQ(ReadDuration("5 left"), std::nullopt);
  EXPECT_EQ(ReadDuration("99999999999999999999 days"), std::nullopt);
}

}  // namespace
}  // namespace consentry::conduct
