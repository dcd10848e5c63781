#include "gateway/access/transform.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace consentry::access {
namespace {

// 2026-03-01T12:00:00Z
constexpr int64_t kNow = 1'772'366'400LL * 1'000'000;

v1::Value Date(const std::string& text) {
  v1::Value value;
  value.set_date_value(text);
  return value;
}
v1::Value Text(const std::string& text) {
  v1::Value value;
  value.set_string_value(text);
  return value;
}
TransformContext At(int64_t now_us) {
  TransformContext context;
  context.now_us = now_us;
  return context;
}
std::string Reduced(v1::Transform transform, const v1::Value& value) {
  const auto result = ApplyTransform(transform, value, At(kNow));
  return result ? result->string_value() : "(withheld)";
}

std::string BandOn(int64_t now_us, const std::string& birth_date) {
  const auto band =
      ApplyTransform(v1::TRANSFORM_AGE_BAND, Date(birth_date), At(now_us));
  return band ? band->string_value() : "(withheld)";
}

TEST(TransformTest, AgeTurnsOnTheBirthdayNotBefore) {
  EXPECT_EQ(BandOn(kNow, "2008-03-01"), "18-24");
  EXPECT_EQ(BandOn(kNow, "2008-03-02"), "13-17");
}

TEST(TransformTest, BornOnLeapDayAgesOnTheFirstOfMarch) {
  const int64_t day = 86'400LL * 1'000'000;
  EXPECT_EQ(BandOn(kNow - day, "2008-02-29"), "13-17");
  EXPECT_EQ(BandOn(kNow, "2008-02-29"), "18-24");
}

TEST(TransformTest, FutureOrMalformedBirthDateHasNoAge) {
  for (const char* bad : {"2030-01-01", "2001-02-30", "01.02.2001", ""}) {
    EXPECT_EQ(BandOn(kNow, bad), "(withheld)");
  }
}

TEST(TransformTest, AgeBandsHaveNoGap) {
  EXPECT_EQ(Reduced(v1::TRANSFORM_AGE_BAND, Date("2013-03-02")), "0-12");
  EXPECT_EQ(Reduced(v1::TRANSFORM_AGE_BAND, Date("2013-03-01")), "13-17");
  EXPECT_EQ(Reduced(v1::TRANSFORM_AGE_BAND, Date("2008-03-01")), "18-24");
  EXPECT_EQ(Reduced(v1::TRANSFORM_AGE_BAND, Date("1961-03-02")), "55-64");
  EXPECT_EQ(Reduced(v1::TRANSFORM_AGE_BAND, Date("1961-03-01")), "65+");
}

TEST(TransformTest, MaskKeepsTypeAndHidesTheRest) {
  EXPECT_EQ(Reduced(v1::TRANSFORM_MASK, Text("erika@example.org")),
            "e***@example.org");
  EXPECT_EQ(Reduced(v1::TRANSFORM_MASK, Text("+49 30 1234567")), "***67");
  EXPECT_EQ(Reduced(v1::TRANSFORM_MASK, Text("Österreicher")), "Ö***");
  EXPECT_EQ(Reduced(v1::TRANSFORM_MASK, Text("")), "(withheld)");
}

TEST(TransformTest, MaskSplitsNoCharacter) {
  EXPECT_EQ(Reduced(v1::TRANSFORM_MASK, Text("0151 123456 \xc3\xa9")), "***56");
}

TEST(TransformTest, MaskOfOneCharacterShowsNone) {
  EXPECT_EQ(Reduced(v1::TRANSFORM_MASK, Text("A")), "***");
  EXPECT_EQ(Reduced(v1::TRANSFORM_MASK, Text("a@example.org")),
            "***@example.org");
}

TEST(TransformTest, RoundingEndsInANumberOrIsWithheld) {
  v1::Value value;
  value.set_double_value(4.9e-324);
  EXPECT_EQ(ApplyTransform(v1::TRANSFORM_ROUND, value, {})->double_value(), 0);
  value.set_double_value(1.79e308);
  EXPECT_FALSE(ApplyTransform(v1::TRANSFORM_ROUND, value, {}).has_value());
}

TEST(TransformTest, PlaceOfFreeTextIsWithheldNotGuessed) {
  EXPECT_EQ(Reduced(v1::TRANSFORM_REGION, Text("US-CA")), "US-CA");
  EXPECT_EQ(Reduced(v1::TRANSFORM_COUNTRY, Text("US-CA")), "US");
  EXPECT_EQ(Reduced(v1::TRANSFORM_REGION, Text("1 High Street")), "(withheld)");
}

TEST(TransformTest, PostalPrefixIsTwoCharacters) {
  EXPECT_EQ(Reduced(v1::TRANSFORM_POSTAL_PREFIX, Text("1 0115")), "10");
  EXPECT_EQ(Reduced(v1::TRANSFORM_POSTAL_PREFIX, Text("7")), "(withheld)");
}

TEST(TransformTest, RoundingSurvivesTheExtremes) {
  v1::Value value;
  value.set_int_value(std::numeric_limits<int64_t>::max() / 4);
  EXPECT_TRUE(ApplyTransform(v1::TRANSFORM_ROUND, value, At(kNow)));
  value.set_int_value(12'345);
  EXPECT_EQ(ApplyTransform(v1::TRANSFORM_ROUND, value, At(kNow))->int_value(),
            12'000);
  value.set_double_value(std::numeric_limits<double>::quiet_NaN());
  EXPECT_FALSE(ApplyTransform(v1::TRANSFORM_ROUND, value, At(kNow)));
}

TEST(TransformTest, UnknownTransformWithholds) {
  EXPECT_FALSE(ApplyTransform(v1::TRANSFORM_UNSPECIFIED, Text("x"), At(kNow)));
  EXPECT_FALSE(
      ApplyTransform(static_cast<v1::Transform>(99), Text("x"), At(kNow)));
}

TEST(TransformTest, PseudonymWithoutAKeyWithholds) {
  EXPECT_FALSE(ApplyTransform(v1::TRANSFORM_PSEUDONYM, Text("x"), At(kNow)));
}

}  // namespace
}  // namespace consentry::access
