#include "policy/rights/holidays.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "policy/engine/civil.h"
#include "policy/rights/tables.h"

namespace consentry::policy {
namespace {

using config::v1::HolidayCalendar;
using config::v1::HolidayRule;
using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::weekday;
using std::chrono::year_month_day;
using std::chrono::year_month_day_last;
using std::chrono::year_month_weekday;
using std::chrono::year_month_weekday_last;

int32_t NumberOf(const sys_days& day) {
  return static_cast<int32_t>(day.time_since_epoch().count());
}

// 1 Monday to 7 Sunday.
int WeekdayOf(int32_t day) {
  return static_cast<int>(weekday{sys_days{days{day}}}.iso_encoding());
}
bool IsWeekend(int32_t day) { return WeekdayOf(day) >= 6; }

int YearOf(int32_t day) {
  return static_cast<int>(year_month_day{sys_days{days{day}}}.year());
}

std::optional<int32_t> DayOf(int year, int month, int day) {
  const year_month_day date{std::chrono::year{year},
                            std::chrono::month{static_cast<unsigned>(month)},
                            std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok()) return std::nullopt;
  return NumberOf(sys_days{date});
}

// Days after the start of March or September on which the sun crosses the
// equator in Japan, 1980 to 2099 (the usual approximation of the almanac).
int32_t EquinoxOf(int year, int month) {
  const double base = month == 3 ? 20.8431 : 23.2488;
  const int since = year - 1980;
  const int day = static_cast<int>(base + 0.242194 * since) - since / 4;
  return DayOf(year, month, day).value_or(0);
}

std::optional<int32_t> NthOf(const config::v1::NthWeekday& rule, int year) {
  const std::chrono::year y{year};
  const std::chrono::month m{static_cast<unsigned>(rule.month())};
  const weekday wd{static_cast<unsigned>(rule.weekday())};
  if (rule.nth() == -1) {
    return NumberOf(
        sys_days{year_month_weekday_last{y, m, std::chrono::weekday_last{wd}}});
  }
  const year_month_weekday date{
      y, m,
      std::chrono::weekday_indexed{wd, static_cast<unsigned>(rule.nth())}};
  if (!date.ok()) return std::nullopt;
  return NumberOf(sys_days{date});
}

std::optional<int32_t> NearOf(const config::v1::WeekdayNear& rule, int year) {
  auto day = DayOf(year, rule.month(), rule.day());
  if (!day) return std::nullopt;
  const int step = rule.before() ? -1 : 1;
  while (WeekdayOf(*day) != rule.weekday()) *day += step;
  return day;
}

// The days that a rule itself gives in a year, before any shift.
std::vector<int32_t> DaysOf(const HolidayRule& rule, int year) {
  if ((rule.from_year() != 0 && year < rule.from_year()) ||
      (rule.to_year() != 0 && year > rule.to_year())) {
    return {};
  }
  std::optional<int32_t> day;
  switch (rule.day_case()) {
    case HolidayRule::kFixed:
      day = DayOf(year, rule.fixed().month(), rule.fixed().day());
      break;
    case HolidayRule::kEaster:
      day = EasterOf(year) + rule.easter();
      break;
    case HolidayRule::kOrthodoxEaster:
      day = OrthodoxEasterOf(year) + rule.orthodox_easter();
      break;
    case HolidayRule::kNth:
      day = NthOf(rule.nth(), year);
      break;
    case HolidayRule::kNear:
      day = NearOf(rule.near(), year);
      break;
    case HolidayRule::kEquinoxMonth:
      day = EquinoxOf(year, rule.equinox_month());
      break;
    case HolidayRule::kListed: {
      std::vector<int32_t> listed;
      for (const std::string& text : rule.listed().days()) {
        const auto one = ParseDay(text);
        if (one && YearOf(*one) == year) listed.push_back(*one);
      }
      return listed;
    }
    case HolidayRule::DAY_NOT_SET:
      break;
  }
  if (!day) return {};
  return {*day};
}

void AddYear(const HolidayCalendar& calendar, int year, std::set<int32_t>* off,
             std::vector<std::pair<int32_t, HolidayRule::Shift>>* to_shift) {
  for (const HolidayRule& rule : calendar.holidays()) {
    for (const int32_t day : DaysOf(rule, year)) {
      off->insert(day);
      const int on = WeekdayOf(day);
      const bool shifts = rule.shift() == HolidayRule::NEXT ||
                                  rule.shift() == HolidayRule::NEAREST
                              ? on >= 6
                              : (rule.shift() == HolidayRule::SUNDAY_NEXT ||
                                 rule.shift() == HolidayRule::SUNDAY_BEFORE) &&
                                    on == 7;
      if (shifts) to_shift->emplace_back(day, rule.shift());
    }
  }
}

// What the rules of these calendars say of the days around `day`.
bool IsHoliday(std::initializer_list<const HolidayCalendar*> calendars,
               int32_t day) {
  std::set<int32_t> off;
  std::vector<std::pair<int32_t, HolidayRule::Shift>> to_shift;
  bool between = false;
  // The first of January may be kept on the last of December.
  const int year = YearOf(day);
  for (int y = year - 1; y <= year + 1; ++y) {
    for (const HolidayCalendar* calendar : calendars) {
      if (calendar == nullptr) continue;
      between = between || calendar->between_two();
      AddYear(*calendar, y, &off, &to_shift);
    }
  }
  std::sort(to_shift.begin(), to_shift.end());
  for (const auto& [from, shift] : to_shift) {
    int32_t to = from;
    switch (shift) {
      case HolidayRule::NEAREST:
        to += WeekdayOf(from) == 6 ? -1 : 1;
        break;
      case HolidayRule::SUNDAY_BEFORE:
        off.erase(from);
        to = from - 1;
        break;
      default:
        while (IsWeekend(to) || off.contains(to)) ++to;
    }
    off.insert(to);
  }
  return off.contains(day) ||
         (between && off.contains(day - 1) && off.contains(day + 1));
}

void CheckRule(const HolidayRule& rule, const Place& at,
               std::vector<Fault>* faults) {
  const auto fault = [&](std::string_view field, const char* message) {
    faults->push_back(at.At(field).MakeFault(message));
  };
  if (rule.name().empty()) fault("name", "is required");
  const auto month_ok = [](int month) { return month >= 1 && month <= 12; };
  switch (rule.day_case()) {
    case HolidayRule::kFixed:
      // A leap year has every day that there is.
      if (!DayOf(2024, rule.fixed().month(), rule.fixed().day())) {
        fault("fixed", "is no day of the year");
      }
      break;
    case HolidayRule::kEaster:
    case HolidayRule::kOrthodoxEaster: {
      const int from = rule.day_case() == HolidayRule::kEaster
                           ? rule.easter()
                           : rule.orthodox_easter();
      if (from < -80 || from > 100) {
        fault(rule.day_case() == HolidayRule::kEaster ? "easter"
                                                      : "orthodox_easter",
              "must be -80 to 100 days");
      }
      break;
    }
    case HolidayRule::kNth:
      if (!month_ok(rule.nth().month()) || rule.nth().weekday() < 1 ||
          rule.nth().weekday() > 7 || rule.nth().nth() < -1 ||
          rule.nth().nth() == 0 || rule.nth().nth() > 5) {
        fault("nth", "needs a month, a weekday and -1 or 1 to 5");
      }
      break;
    case HolidayRule::kNear:
      if (!DayOf(2024, rule.near().month(), rule.near().day()) ||
          rule.near().weekday() < 1 || rule.near().weekday() > 7) {
        fault("near", "needs a day and a weekday");
      }
      break;
    case HolidayRule::kEquinoxMonth:
      if (rule.equinox_month() != 3 && rule.equinox_month() != 9) {
        fault("equinox_month", "must be 3 or 9");
      }
      break;
    case HolidayRule::kListed:
      for (int i = 0; i < rule.listed().days_size(); ++i) {
        if (!ParseDay(rule.listed().days(i))) {
          faults->push_back(at.At("listed").At("days", i).MakeFault(
              "must be a day, YYYY-MM-DD"));
        }
      }
      break;
    case HolidayRule::DAY_NOT_SET:
      faults->push_back(at.MakeFault("says of no day how it is found"));
  }
}

}  // namespace

// The anonymous algorithm (Meeus, Astronomical Algorithms, ch. 8).
int32_t EasterOf(int year) {
  const int a = year % 19;
  const int b = year / 100;
  const int c = year % 100;
  const int d = b / 4;
  const int e = b % 4;
  const int f = (b + 8) / 25;
  const int g = (b - f + 1) / 3;
  const int h = (19 * a + b - d - g + 15) % 30;
  const int i = c / 4;
  const int k = c % 4;
  const int l = (32 + 2 * e + 2 * i - h - k) % 7;
  const int m = (a + 11 * h + 22 * l) / 451;
  const int month = (h + l - 7 * m + 114) / 31;
  const int day = (h + l - 7 * m + 114) % 31 + 1;
  return DayOf(year, month, day).value_or(0);
}

int32_t OrthodoxEasterOf(int year) {
  const int a = year % 4;
  const int b = year % 7;
  const int c = year % 19;
  const int d = (19 * c + 15) % 30;
  const int e = (2 * a + 4 * b - d + 34) % 7;
  const int month = (d + e + 114) / 31;
  const int day = (d + e + 114) % 31 + 1;
  // A day of the Julian calendar, which lags behind by this many days.
  const int lag = year / 100 - year / 400 - 2;
  return DayOf(year, month, day).value_or(0) + lag;
}

absl::StatusOr<Holidays> Holidays::Create(
    const Located<config::v1::HolidayCalendars>& located) {
  Holidays holidays;
  std::vector<Fault> faults;
  const auto& all = located.message.calendars();
  for (int i = 0; i < all.size(); ++i) {
    const HolidayCalendar& calendar = all[i];
    const Place at = PlaceOf(located).At("calendars", i);
    if (calendar.jurisdiction().size() < 2) {
      faults.push_back(at.At("jurisdiction").MakeFault("is required"));
    }
    if (calendar.from_year() < 1970 || calendar.to_year() > 2199 ||
        calendar.from_year() > calendar.to_year()) {
      faults.push_back(
          at.At("from_year").MakeFault("years must lie in 1970 to 2199"));
    }
    for (int j = 0; j < calendar.holidays_size(); ++j) {
      CheckRule(calendar.holidays(j), at.At("holidays", j), &faults);
    }
    if (!holidays.calendars_.emplace(calendar.jurisdiction(), calendar)
             .second) {
      faults.push_back(at.At("jurisdiction").MakeFault("is not unique"));
    }
  }
  for (int i = 0; i < all.size(); ++i) {
    if (all[i].includes().empty()) continue;
    const auto found = holidays.calendars_.find(all[i].includes());
    if (found == holidays.calendars_.end() ||
        !found->second.includes().empty()) {
      faults.push_back(PlaceOf(located)
                           .At("calendars", i)
                           .At("includes")
                           .MakeFault("must be a calendar that includes none"));
    }
  }
  if (absl::Status status = FaultsToStatus(faults); !status.ok()) return status;
  return holidays;
}

const Holidays& Holidays::Shipped() {
  static const Holidays* const shipped = [] {
    const EmbeddedFile& file = EmbeddedRightsTables()[0];
    auto parsed =
        ParseText<config::v1::HolidayCalendars>(file.name, file.content);
    // A build whose own tables are broken must not count days; a test reads
    // them.
    if (!parsed.ok()) std::abort();
    auto holidays = Create(*parsed);
    if (!holidays.ok()) std::abort();
    return new Holidays(*std::move(holidays));
  }();
  return *shipped;
}

std::string_view Holidays::CalendarOf(std::string_view jurisdiction) const {
  auto found = calendars_.find(jurisdiction);
  if (found == calendars_.end() && jurisdiction.size() > 2) {
    found = calendars_.find(jurisdiction.substr(0, 2));
  }
  return found == calendars_.end() ? std::string_view() : found->first;
}

bool Holidays::IsOff(std::string_view calendar, int32_t day) const {
  if (IsWeekend(day)) return true;
  const auto found = calendars_.find(calendar);
  if (found == calendars_.end()) return false;
  const HolidayCalendar* included = nullptr;
  if (!found->second.includes().empty()) {
    included = &calendars_.find(found->second.includes())->second;
  }
  return IsHoliday({&found->second, included}, day);
}

bool Holidays::Covers(std::string_view calendar, int32_t day) const {
  const auto found = calendars_.find(calendar);
  if (found == calendars_.end()) return false;
  const int year = YearOf(day);
  return year >= found->second.from_year() && year <= found->second.to_year();
}

}  // namespace consentry::policy
