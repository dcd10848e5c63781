#include "policy/rights/holidays.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/engine/civil.h"
#include "policy/rights/tables.h"
#include "tests/testing/status_matchers.h"

namespace consentry::policy {
namespace {

int32_t Day(std::string_view text) { return ParseDay(text).value(); }

bool Off(std::string_view place, std::string_view day) {
  const Holidays& holidays = Holidays::Shipped();
  return holidays.IsOff(holidays.CalendarOf(place), Day(day));
}

TEST(HolidaysTest, ShippedTablesAreSound) {
  const EmbeddedFile& file = EmbeddedRightsTables()[0];
  auto parsed =
      ParseText<config::v1::HolidayCalendars>(file.name, file.content);
  ASSERT_OK(parsed.status());
  EXPECT_OK(Holidays::Create(*parsed).status());
  EXPECT_GT(parsed->message.calendars_size(), 50);
}

TEST(HolidaysTest, EasterOfKnownYears) {
  const std::vector<std::pair<int, std::string>> western = {
      {2000, "2000-04-23"}, {2008, "2008-03-23"}, {2011, "2011-04-24"},
      {2019, "2019-04-21"}, {2024, "2024-03-31"}, {2025, "2025-04-20"},
      {2026, "2026-04-05"}, {2027, "2027-03-28"}, {2038, "2038-04-25"}};
  for (const auto& [year, day] : western) {
    EXPECT_EQ(FormatDay(EasterOf(year)), day);
  }
  const std::vector<std::pair<int, std::string>> eastern = {
      {2023, "2023-04-16"},
      {2024, "2024-05-05"},
      {2025, "2025-04-20"},
      {2026, "2026-04-12"},
      {2027, "2027-05-02"}};
  for (const auto& [year, day] : eastern) {
    EXPECT_EQ(FormatDay(OrthodoxEasterOf(year)), day);
  }
}

TEST(HolidaysTest, SubstituteDays) {
  // Christmas on a Saturday, Boxing Day on a Sunday.
  EXPECT_TRUE(Off("GB", "2027-12-27"));
  EXPECT_TRUE(Off("GB", "2027-12-28"));
  EXPECT_FALSE(Off("GB", "2027-12-29"));
  // The fourth of July on a Saturday: federal offices close on Friday, those of
  // California on no other day.
  EXPECT_TRUE(Off("US", "2026-07-03"));
  EXPECT_FALSE(Off("US-CA", "2026-07-03"));
  // New Year 2028 on a Saturday is kept in the year before.
  EXPECT_TRUE(Off("US", "2027-12-31"));
  // King's Day on a Sunday is kept on the Saturday before.
  EXPECT_FALSE(Off("NL", "2025-04-28"));
  EXPECT_TRUE(Off("NL", "2026-04-27"));
}

TEST(HolidaysTest, JapaneseRules) {
  // Equinoxes, a Sunday that moves over other holidays, a day between two.
  EXPECT_TRUE(Off("JP", "2026-03-20"));
  EXPECT_TRUE(Off("JP", "2026-09-23"));
  EXPECT_TRUE(Off("JP", "2026-05-06"));
  EXPECT_TRUE(Off("JP", "2026-09-22"));
  EXPECT_FALSE(Off("JP", "2026-09-24"));
}

TEST(HolidaysTest, RulesHaveYearsOfTheirOwn) {
  EXPECT_FALSE(Off("US", "2020-06-19"));
  EXPECT_TRUE(Off("US", "2024-06-19"));
  EXPECT_TRUE(Off("DK", "2023-05-05"));
  EXPECT_FALSE(Off("DK", "2024-04-26"));
  EXPECT_FALSE(Off("BR", "2023-11-20"));
  EXPECT_TRUE(Off("BR", "2025-11-20"));
  EXPECT_TRUE(Off("DE", "2017-10-31"));
  EXPECT_FALSE(Off("DE", "2018-10-31"));
  EXPECT_TRUE(Off("DE-HH", "2018-10-31"));
}

TEST(HolidaysTest, UnknownPlaceHasWeekendsAlone) {
  const Holidays& holidays = Holidays::Shipped();
  EXPECT_EQ(holidays.CalendarOf("ZZ"), "");
  EXPECT_EQ(holidays.CalendarOf("US-VA"), "US");
  EXPECT_EQ(holidays.CalendarOf(""), "");
  EXPECT_TRUE(Off("ZZ", "2026-01-03"));
  EXPECT_FALSE(Off("ZZ", "2026-01-01"));
  EXPECT_FALSE(holidays.Covers("", Day("2026-01-01")));
  EXPECT_TRUE(holidays.Covers("DE", Day("2026-01-01")));
  EXPECT_FALSE(holidays.Covers("JP", Day("2021-01-01")));
}

TEST(HolidaysTest, FaultsAreToldAllAtOnce) {
  config::v1::HolidayCalendars calendars;
  auto* one = calendars.add_calendars();
  one->set_jurisdiction("DE");
  one->set_from_year(2000);
  one->set_to_year(2099);
  auto* rule = one->add_holidays();
  rule->set_name("never");
  rule->mutable_fixed()->set_month(2);
  rule->mutable_fixed()->set_day(30);
  one->add_holidays()->set_name("no day");
  *calendars.add_calendars() = *one;
  calendars.mutable_calendars(1)->set_includes("FR");
  const auto made = Holidays::Create(Unlocated(calendars));
  ASSERT_FALSE(made.ok());
  for (const char* fault :
       {"holidays[0].fixed", "holidays[1]", "calendars[1].jurisdiction",
        "calendars[1].includes"}) {
    EXPECT_NE(made.status().ToString().find(fault), std::string::npos) << fault;
  }
}

}  // namespace
}  // namespace consentry::policy
