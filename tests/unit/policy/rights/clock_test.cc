#include "policy/rights/clock.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "policy/engine/civil.h"

namespace consentry::policy {
namespace {

using config::v1::ClockRule;
using config::v1::Duration;

Duration Of(uint32_t count, Duration::Unit unit) {
  Duration duration;
  duration.set_count(count);
  duration.set_unit(unit);
  return duration;
}

int64_t At(const std::string& day, const std::string& time = "12:00:00") {
  return ParseTime(day + "T" + time + "Z").value();
}

std::string DayOf(int64_t time_us, int utc_offset_minutes = 0) {
  return FormatTime(time_us + utc_offset_minutes * int64_t{60'000'000})
      .substr(0, 10);
}

Reckoning In(const std::string& place, bool rolls) {
  Reckoning reckoning;
  reckoning.calendar = std::string(Holidays::Shipped().CalendarOf(place));
  reckoning.ends_on_working_day = rolls;
  return reckoning;
}

struct Row {
  std::string name;
  Duration first;
  Duration second;  // Count 0: none.
  std::string place;
  bool rolls;
  std::string received;
  std::string last_day;

  friend void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }
};

class EndOfTable : public testing::TestWithParam<Row> {};

TEST_P(EndOfTable, EndsOnTheDayThatTheLawCounts) {
  const Row& row = GetParam();
  const Reckoning reckoning = In(row.place, row.rolls);
  const Holidays& holidays = Holidays::Shipped();
  const int64_t end =
      row.second.count() == 0
          ? EndOf(row.first, At(row.received), reckoning, holidays)
          : EndOf(row.first, row.second, At(row.received), reckoning, holidays);
  EXPECT_EQ(DayOf(end), row.last_day);
  EXPECT_EQ(FormatTime(end).substr(11, 8), "23:59:59");
}

const Duration kNone;
Duration Months(uint32_t n) { return Of(n, Duration::MONTH); }
Duration Days(uint32_t n) { return Of(n, Duration::CALENDAR_DAY); }
Duration Business(uint32_t n) { return Of(n, Duration::BUSINESS_DAY); }

INSTANTIATE_TEST_SUITE_P(
    Law, EndOfTable,
    testing::Values(
        // Months: the same number, else the month's last day.
        Row{"january_31", Months(1), kNone, "DE", false, "2026-01-31",
            "2026-02-28"},
        Row{"january_31_leap", Months(1), kNone, "DE", true, "2024-01-31",
            "2024-02-29"},
        Row{"january_30_leap", Months(1), kNone, "DE", true, "2024-01-30",
            "2024-02-29"},
        Row{"january_31_1900_rule", Months(1), kNone, "", false, "2100-01-31",
            "2100-02-28"},
        Row{"february_29_ends_on_good_friday", Months(1), kNone, "DE", true,
            "2024-02-29", "2024-04-02"},
        Row{"february_28", Months(1), kNone, "", false, "2026-02-28",
            "2026-03-28"},
        Row{"march_5", Months(1), kNone, "DE", true, "2024-03-05",
            "2024-04-05"},
        Row{"august_31", Months(1), kNone, "DE", true, "2026-08-31",
            "2026-09-30"},
        Row{"over_the_year", Months(1), kNone, "DE", true, "2026-12-15",
            "2027-01-15"},
        // The last day is off.
        Row{"ends_on_saturday", Months(1), kNone, "DE", true, "2026-01-31",
            "2026-03-02"},
        Row{"ends_on_sunday", Months(1), kNone, "DE", true, "2026-01-22",
            "2026-02-23"},
        Row{"ends_on_easter_sunday", Months(1), kNone, "DE", true, "2026-03-05",
            "2026-04-07"},
        Row{"no_table_knows_no_easter_monday", Months(1), kNone, "ZZ", true,
            "2026-03-05", "2026-04-06"},
        Row{"christmas_in_germany", Months(1), kNone, "DE", true, "2026-11-25",
            "2026-12-28"},
        Row{"christmas_in_britain", Months(1), kNone, "GB", true, "2026-11-25",
            "2026-12-29"},
        Row{"christmas_in_france", Months(1), kNone, "FR", true, "2025-11-26",
            "2025-12-26"},
        Row{"corpus_christi_in_bavaria", Months(1), kNone, "DE-BY", true,
            "2026-05-04", "2026-06-05"},
        Row{"not_in_hamburg", Months(1), kNone, "DE-HH", true, "2026-05-04",
            "2026-06-04"},
        Row{"a_part_without_table_takes_its_country", Months(1), kNone, "FR-75",
            true, "2026-06-14", "2026-07-15"},
        // Extension: months are added before days are looked at.
        Row{"three_months_of_january_31", Months(1), Months(2), "DE", true,
            "2026-01-31", "2026-04-30"},
        Row{"three_months_of_november_30", Months(1), Months(2), "DE", true,
            "2023-11-30", "2024-02-29"},
        // Calendar days.
        Row{"45", Days(45), kNone, "US-CA", false, "2026-01-01", "2026-02-15"},
        Row{"45_and_45", Days(45), Days(45), "US-CA", false, "2026-01-01",
            "2026-04-01"},
        Row{"45_leap", Days(45), kNone, "US-CA", false, "2024-02-01",
            "2024-03-17"},
        Row{"30_swiss", Days(30), kNone, "CH", true, "2026-07-02",
            "2026-08-03"},
        Row{"15_brazil", Days(15), kNone, "BR", false, "2026-11-05",
            "2026-11-20"},
        Row{"30_and_30", Days(30), Days(30), "CA", false, "2026-01-15",
            "2026-03-16"},
        // Business days.
        Row{"10_over_christmas", Business(10), kNone, "US-CA", false,
            "2025-12-22", "2026-01-07"},
        Row{"15_over_thanksgiving", Business(15), kNone, "US-CA", false,
            "2026-11-20", "2026-12-15"},
        Row{"10_without_holidays", Business(10), kNone, "US-CA", false,
            "2026-06-01", "2026-06-15"},
        Row{"juneteenth_is_federal", Business(10), kNone, "US", false,
            "2026-06-15", "2026-06-30"},
        Row{"juneteenth_not_of_california", Business(10), kNone, "US-CA", false,
            "2026-06-15", "2026-06-29"},
        Row{"cesar_chavez", Business(1), kNone, "US-CA", false, "2026-03-30",
            "2026-04-01"},
        Row{"from_a_saturday", Business(1), kNone, "US-CA", false, "2026-01-03",
            "2026-01-05"},
        Row{"weekends_alone", Business(10), kNone, "ZZ", false, "2025-12-22",
            "2026-01-05"},
        Row{"3_brazil_over_carnival_friday", Business(3), kNone, "BR", false,
            "2026-04-01", "2026-04-07"}),
    [](const auto& row) { return row.param.name; });

ClockRule Rule(Duration respond, std::vector<std::string> pauses) {
  ClockRule rule;
  *rule.mutable_respond() = respond;
  for (std::string& pause : pauses) rule.add_pauses(std::move(pause));
  return rule;
}

int64_t AnswerBy(const ClockRule& rule, const Reckoning& reckoning,
                 const std::string& received,
                 const std::vector<Pause>& pauses) {
  return TimesOf(rule, {At(received), false, pauses}, reckoning,
                 Holidays::Shipped())
      .answer_by_us;
}

TEST(ClockTest, BritishClockStopsForClarification) {
  const ClockRule rule = Rule(Months(1), {"identity", "clarification", "fee"});
  const std::vector<Pause> pauses = {
      {"clarification", At("2026-03-10"), At("2026-03-24")}};
  EXPECT_EQ(DayOf(AnswerBy(rule, In("GB", true), "2026-03-02", {})),
            "2026-04-02");
  EXPECT_EQ(DayOf(AnswerBy(rule, In("GB", true), "2026-03-02", pauses)),
            "2026-04-16");
}

TEST(ClockTest, EuropeanClockRunsOnDuringClarification) {
  const ClockRule rule = Rule(Months(1), {"identity"});
  const std::vector<Pause> pauses = {
      {"clarification", At("2026-03-10"), At("2026-03-24")},
      {"fee", At("2026-03-10"), 0}};
  const ClockTimes times = TimesOf(rule, {At("2026-03-02"), false, pauses},
                                   In("DE", true), Holidays::Shipped());
  EXPECT_EQ(DayOf(times.answer_by_us), "2026-04-02");
  EXPECT_FALSE(times.stopped_since_us);
}

TEST(ClockTest, EuropeanClockStopsForIdentityOnlyWhenAskedWithoutDelay) {
  const ClockRule rule = Rule(Months(1), {"identity"});
  Reckoning reckoning = In("DE", true);
  reckoning.pause_within_days = 7;
  EXPECT_EQ(DayOf(AnswerBy(rule, reckoning, "2026-03-02",
                           {{"identity", At("2026-03-09"), At("2026-03-16")}})),
            "2026-04-09");
  EXPECT_EQ(DayOf(AnswerBy(rule, reckoning, "2026-03-02",
                           {{"identity", At("2026-03-10"), At("2026-03-17")}})),
            "2026-04-02");
  EXPECT_TRUE(StopsClock(rule, "identity", At("2026-03-02"), At("2026-03-09"),
                         reckoning));
  EXPECT_FALSE(StopsClock(rule, "identity", At("2026-03-02"), At("2026-03-10"),
                          reckoning));
}

TEST(ClockTest, OverlappingPausesCountOnce) {
  const ClockRule rule = Rule(Months(1), {"identity", "clarification", "fee"});
  EXPECT_EQ(
      DayOf(AnswerBy(rule, In("GB", false), "2026-03-02",
                     {{"identity", At("2026-03-10"), At("2026-03-20")},
                      {"fee", At("2026-03-12"), At("2026-03-15")},
                      {"clarification", At("2026-03-18"), At("2026-03-22")}})),
      "2026-04-14");
}

TEST(ClockTest, OpenPauseStandsStill) {
  const ClockRule rule = Rule(Months(1), {"identity"});
  const std::vector<Pause> pauses = {{"identity", At("2026-03-04"), 0}};
  const ClockTimes times = TimesOf(rule, {At("2026-03-02"), false, pauses},
                                   In("DE", true), Holidays::Shipped());
  EXPECT_EQ(times.stopped_since_us, At("2026-03-04"));
  EXPECT_EQ(DayOf(times.answer_by_us), "2026-04-02");
}

TEST(ClockTest, CalifornianClockNeverStops) {
  const ClockRule rule = Rule(Days(45), {});
  EXPECT_EQ(DayOf(AnswerBy(rule, In("US-CA", false), "2026-01-01",
                           {{"identity", At("2026-01-02"), At("2026-02-01")}})),
            "2026-02-15");
}

TEST(ClockTest, PauseThatEndsOnADayOffStillRolls) {
  const ClockRule rule = Rule(Months(1), {"identity"});
  // 2 April and two days is Easter Saturday.
  EXPECT_EQ(DayOf(AnswerBy(rule, In("DE", true), "2026-03-02",
                           {{"identity", At("2026-03-04"), At("2026-03-06")}})),
            "2026-04-07");
}

TEST(ClockTest, DayOfReceiptIsThatOfTheBusiness) {
  const ClockRule rule = Rule(Months(1), {});
  Reckoning reckoning = In("DE", false);
  reckoning.utc_offset_minutes = 60;
  const int64_t late = At("2026-01-31", "23:30:00");
  const int64_t end =
      TimesOf(rule, {late, false, {}}, reckoning, Holidays::Shipped())
          .answer_by_us;
  EXPECT_EQ(FormatTime(end), FormatTime(At("2026-03-01", "22:59:59")));
}

TEST(ClockTest, ExtensionAddsOnce) {
  ClockRule rule = Rule(Months(1), {"identity"});
  *rule.mutable_extension() = Months(2);
  *rule.mutable_acknowledge() = Business(10);
  const Reckoning reckoning = In("DE", true);
  const auto times = TimesOf(rule, {At("2026-01-31"), true, {}}, reckoning,
                             Holidays::Shipped());
  EXPECT_EQ(DayOf(times.answer_by_us), "2026-04-30");
  EXPECT_EQ(DayOf(times.acknowledge_by_us.value()), "2026-02-13");
  // A rule without extension is not lengthened by one.
  rule.clear_extension();
  EXPECT_EQ(DayOf(TimesOf(rule, {At("2026-01-31"), true, {}}, reckoning,
                          Holidays::Shipped())
                      .answer_by_us),
            "2026-03-02");
}

TEST(ClockTest, AtOnceIsTheMomentOfReceipt) {
  const ClockRule rule = Rule(Days(0), {});
  EXPECT_EQ(AnswerBy(rule, In("DE", true), "2026-01-31", {}), At("2026-01-31"));
}

TEST(ClockTest, HoursAreExact) {
  EXPECT_EQ(EndOf(Of(72, Duration::HOUR), At("2026-01-30", "08:15:00"),
                  In("DE", true), Holidays::Shipped()),
            At("2026-02-02", "08:15:00"));
}

TEST(ClockTest, AppealHasItsOwnTime) {
  ClockRule rule = Rule(Days(45), {});
  const Reckoning reckoning = In("US-VA", false);
  EXPECT_FALSE(AppealAnswerBy(rule, At("2026-01-01"), false, reckoning,
                              Holidays::Shipped()));
  *rule.mutable_appeal() = Days(45);
  *rule.mutable_appeal_extension() = Days(60);
  EXPECT_EQ(DayOf(AppealAnswerBy(rule, At("2026-01-01"), false, reckoning,
                                 Holidays::Shipped())
                      .value()),
            "2026-02-15");
  EXPECT_EQ(DayOf(AppealAnswerBy(rule, At("2026-01-01"), true, reckoning,
                                 Holidays::Shipped())
                      .value()),
            "2026-04-16");
}

// Over every day of some years: the end never lies before the day of the same
// number, never on a day off, and nothing but days off lies between.
TEST(ClockTest, EveryDayOfEightYearsHoldsToTheRegulation) {
  const Holidays& holidays = Holidays::Shipped();
  for (const std::string place : {"DE", "FR", "ES", "IT", "NL", "EU", "GB"}) {
    const Reckoning rolled = In(place, true);
    const Reckoning plain = In(place, false);
    for (int32_t day = ParseDay("2023-01-01").value();
         day <= ParseDay("2030-12-31").value(); day += 3) {
      const int64_t received = day * kUsPerDay + kUsPerHour;
      for (const uint32_t months : {1u, 3u}) {
        const int32_t bare = static_cast<int32_t>(
            EndOf(Months(months), received, plain, holidays) / kUsPerDay);
        const int32_t end = static_cast<int32_t>(
            EndOf(Months(months), received, rolled, holidays) / kUsPerDay);
        ASSERT_GE(end, bare);
        ASSERT_FALSE(holidays.IsOff(rolled.calendar, end));
        for (int32_t between = bare; between < end; ++between) {
          ASSERT_TRUE(holidays.IsOff(rolled.calendar, between));
        }
        const std::string from = FormatDay(day);
        const std::string to = FormatDay(bare);
        if (from.substr(8) != to.substr(8)) {
          // Only where the month is shorter, and then on its last day.
          ASSERT_EQ(FormatDay(bare + 1).substr(8), "01");
          ASSERT_GT(from.substr(8), to.substr(8));
        }
      }
    }
  }
}

}  // namespace
}  // namespace consentry::policy
