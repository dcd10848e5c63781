#include "policy/conduct/local_time.h"

#include <gtest/gtest.h>

#include <string>

#include "policy/conduct/conduct.h"
#include "policy/engine/civil.h"
#include "tests/testing/status_matchers.h"

namespace consentry::conduct {
namespace {

config::v1::QuietHours Hours(const char* from, const char* to) {
  config::v1::QuietHours row;
  row.set_from(from);
  row.set_to(to);
  return row;
}

std::string OverAt(const config::v1::QuietHours& row, const char* time,
                   const char* zone, const char* calendar = "") {
  absl::TimeZone loaded;
  EXPECT_TRUE(absl::LoadTimeZone(zone, &loaded)) << zone;
  return policy::FormatTime(DayTime(row).OverAt(
      policy::ParseTime(time).value_or(-1), loaded, calendar));
}

TEST(LocalTimeTest, QuietHoursRunOverMidnight) {
  const auto night = Hours("21:00", "08:00");
  const char* const kBerlin = "Europe/Berlin";
  EXPECT_EQ(OverAt(night, "2026-11-22T19:59:59Z", kBerlin),
            "2026-11-22T19:59:59Z");
  EXPECT_EQ(OverAt(night, "2026-11-22T20:00:00Z", kBerlin),
            "2026-11-23T07:00:00Z");
  EXPECT_EQ(OverAt(night, "2026-11-23T06:59:59Z", kBerlin),
            "2026-11-23T07:00:00Z");
  EXPECT_EQ(OverAt(night, "2026-11-23T07:00:00Z", kBerlin),
            "2026-11-23T07:00:00Z");
}

TEST(LocalTimeTest, QuietHoursComeAgain) {
  const auto next_at = [](const config::v1::QuietHours& row, const char* time) {
    absl::TimeZone berlin;
    EXPECT_TRUE(absl::LoadTimeZone("Europe/Berlin", &berlin));
    const auto next =
        DayTime(row).NextAt(policy::ParseTime(time).value_or(-1), berlin, "");
    return next ? policy::FormatTime(*next) : "never";
  };
  const auto night = Hours("21:00", "08:00");
  EXPECT_EQ(next_at(night, "2026-11-22T07:00:00Z"), "2026-11-22T20:00:00Z");
  EXPECT_EQ(next_at(night, "2026-11-22T19:59:59Z"), "2026-11-22T20:00:00Z");
  // Within: now; on both sides of midnight.
  EXPECT_EQ(next_at(night, "2026-11-22T20:00:00Z"), "2026-11-22T20:00:00Z");
  EXPECT_EQ(next_at(night, "2026-11-23T06:59:59Z"), "2026-11-23T06:59:59Z");
  auto sundays = Hours("00:00", "00:00");
  sundays.add_days(config::v1::Weekday::SUNDAY);
  EXPECT_EQ(next_at(sundays, "2026-11-22T23:00:00Z"), "2026-11-28T23:00:00Z");
  auto holidays = Hours("00:00", "00:00");
  holidays.add_days(config::v1::Weekday::HOLIDAY);
  EXPECT_EQ(next_at(holidays, "2026-11-22T07:00:00Z"), "never");
}

TEST(LocalTimeTest, AnHourThatAClockLeavesOutIsNotWaitedFor) {
  // 29 March 2026: Berlin goes from 02:00 to 03:00.
  EXPECT_EQ(
      OverAt(Hours("22:00", "02:30"), "2026-03-28T23:00:00Z", "Europe/Berlin"),
      "2026-03-29T01:00:00Z");
  EXPECT_EQ(
      OverAt(Hours("02:15", "02:45"), "2026-03-29T01:00:00Z", "Europe/Berlin"),
      "2026-03-29T01:00:00Z");
}

TEST(LocalTimeTest, AnHourThatAClockShowsTwiceIsQuietTwice) {
  // 25 October 2026: Berlin shows 02:00 to 03:00 twice.
  EXPECT_EQ(
      OverAt(Hours("22:00", "02:30"), "2026-10-25T00:45:00Z", "Europe/Berlin"),
      "2026-10-25T01:30:00Z");
  EXPECT_EQ(
      OverAt(Hours("02:15", "02:45"), "2026-10-25T00:20:00Z", "Europe/Berlin"),
      "2026-10-25T01:45:00Z");
}

TEST(LocalTimeTest, QuietDaysFollowEachOther) {
  auto days = Hours("00:00", "00:00");
  days.add_days(config::v1::Weekday::SATURDAY);
  days.add_days(config::v1::Weekday::SUNDAY);
  days.add_days(config::v1::Weekday::HOLIDAY);
  // Good Friday is none in France at large; Easter Monday is.
  EXPECT_EQ(OverAt(days, "2026-04-04T10:00:00Z", "Europe/Paris", "FR"),
            "2026-04-06T22:00:00Z");
  EXPECT_EQ(OverAt(days, "2026-04-04T10:00:00Z", "Europe/Paris", ""),
            "2026-04-05T22:00:00Z");
  EXPECT_EQ(OverAt(days, "2026-04-07T10:00:00Z", "Europe/Paris", "FR"),
            "2026-04-07T10:00:00Z");
}

TEST(LocalTimeTest, HoursThatBeginOnADayReachIntoTheNext) {
  auto friday = Hours("22:00", "09:00");
  friday.add_days(config::v1::Weekday::FRIDAY);
  EXPECT_EQ(OverAt(friday, "2026-11-21T08:00:00Z", "Etc/UTC"),
            "2026-11-21T09:00:00Z");
  EXPECT_EQ(OverAt(friday, "2026-11-21T22:30:00Z", "Etc/UTC"),
            "2026-11-21T22:30:00Z");
}

TEST(LocalTimeTest, WhereItIsAlwaysQuietTheSearchEnds) {
  EXPECT_GT(OverAt(Hours("00:00", "00:00"), "2026-11-21T08:00:00Z", "Etc/UTC"),
            "2026-12-21");
}

TEST(LocalTimeTest, OddOffsetsAreKnown) {
  EXPECT_EQ(
      OverAt(Hours("21:00", "08:00"), "2026-11-22T20:00:00Z", "Asia/Kathmandu"),
      "2026-11-23T02:15:00Z");
}

TEST(LocalTimeTest, TimesOfDayAreReadStrictly) {
  EXPECT_EQ(DayTime::Parse("00:00"), 0);
  EXPECT_EQ(DayTime::Parse("23:59"), 23 * 60 + 59);
  for (const char* bad :
       {"", "24:00", "8:00", "08:60", "08.00", "08:000", "-1:00", "ab:cd"}) {
    EXPECT_EQ(DayTime::Parse(bad), -1) << bad;
  }
}

TEST(LocalTimeTest, PlacesHaveTheirClocks) {
  const auto times = LocalTimes::Create("Europe/Vienna");
  ASSERT_OK(times);
  const auto zones = [&](std::vector<std::string> residences,
                         std::string own = "") {
    SubjectState subject;
    subject.residences = std::move(residences);
    subject.time_zone = std::move(own);
    std::vector<std::string> names;
    for (const auto& zone : times->ZonesOf(subject)) {
      names.push_back(zone.name());
    }
    return names;
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(zones({"DE"}), Names{"Europe/Berlin"});
  EXPECT_EQ(zones({"US-NY", "US-CT"}), Names{"America/New_York"});
  EXPECT_EQ(zones({"ES"}), (Names{"Europe/Madrid", "Atlantic/Canary"}));
  EXPECT_EQ(zones({"DE-BY"}), Names{"Europe/Berlin"});
  EXPECT_EQ(zones({}), Names{"Europe/Vienna"});
  EXPECT_EQ(zones({"ZZ", ""}), Names{"Europe/Vienna"});
  EXPECT_EQ(zones({"DE"}, "Asia/Tokyo"), Names{"Asia/Tokyo"});
  EXPECT_EQ(zones({"DE"}, "/etc/passwd"), Names{"Europe/Berlin"});
  EXPECT_EQ(zones({"DE"}, "Fixed/UTC+99"), Names{"Europe/Berlin"});
}

TEST(LocalTimeTest, ADefaultZoneThatNobodyKnowsIsRefused) {
  const auto times = LocalTimes::Create("Europe/Atlantis");
  EXPECT_FALSE(times.ok());
}

}  // namespace
}  // namespace consentry::conduct
