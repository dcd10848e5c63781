#include "policy/engine/civil.h"

#include <algorithm>
#include <chrono>

#include "absl/strings/str_format.h"

namespace consentry::policy {
namespace {

using std::chrono::day;
using std::chrono::days;
using std::chrono::month;
using std::chrono::months;
using std::chrono::sys_days;
using std::chrono::year;
using std::chrono::year_month_day;
using std::chrono::year_month_day_last;

year_month_day CivilOf(int32_t day_number) {
  return year_month_day{sys_days{days{day_number}}};
}

int32_t NumberOf(const year_month_day& date) {
  return static_cast<int32_t>(sys_days{date}.time_since_epoch().count());
}

// The number that `text` spells; nullopt unless it is all digits.
std::optional<int> Digits(std::string_view text) {
  int value = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

int64_t FloorDay(int64_t time_us) {
  return time_us >= 0 ? time_us / kUsPerDay
                      : -((-time_us + kUsPerDay - 1) / kUsPerDay);
}

}  // namespace

std::optional<int32_t> ParseDay(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') {
    return std::nullopt;
  }
  const auto y = Digits(text.substr(0, 4));
  const auto m = Digits(text.substr(5, 2));
  const auto d = Digits(text.substr(8, 2));
  if (!y || !m || !d || *y < 1800 || *y > 2299) return std::nullopt;
  const year_month_day date{year{*y}, month{static_cast<unsigned>(*m)},
                            day{static_cast<unsigned>(*d)}};
  if (!date.ok()) return std::nullopt;
  return NumberOf(date);
}

std::string FormatDay(int32_t day_number) {
  const year_month_day date = CivilOf(day_number);
  return absl::StrFormat("%04d-%02d-%02d", static_cast<int>(date.year()),
                         static_cast<unsigned>(date.month()),
                         static_cast<unsigned>(date.day()));
}

std::optional<int64_t> ParseTime(std::string_view text) {
  if (text.size() < 20 || text[10] != 'T' || text[13] != ':' ||
      text[16] != ':' || text.back() != 'Z') {
    return std::nullopt;
  }
  const auto date = ParseDay(text.substr(0, 10));
  const auto h = Digits(text.substr(11, 2));
  const auto m = Digits(text.substr(14, 2));
  const auto s = Digits(text.substr(17, 2));
  if (!date || !h || !m || !s || *h > 23 || *m > 59 || *s > 59) {
    return std::nullopt;
  }
  int64_t fraction = 0;
  if (text.size() > 20) {
    std::string_view digits = text.substr(19, text.size() - 20);
    if (digits.size() < 2 || digits.size() > 7 || digits[0] != '.') {
      return std::nullopt;
    }
    digits.remove_prefix(1);
    const auto value = Digits(digits);
    if (!value) return std::nullopt;
    fraction = *value;
    for (size_t i = digits.size(); i < 6; ++i) fraction *= 10;
  }
  const int64_t time_us = *date * kUsPerDay + *h * kUsPerHour +
                          (*m * 60 + *s) * kUsPerSecond + fraction;
  if (time_us < 0 || time_us >= kMaxTimeUs) return std::nullopt;
  return time_us;
}

std::string FormatTime(int64_t time_us) {
  const int64_t date = FloorDay(time_us);
  const int64_t rest = time_us - date * kUsPerDay;
  const int64_t seconds = rest / kUsPerSecond;
  std::string text = absl::StrFormat(
      "%sT%02d:%02d:%02d", FormatDay(static_cast<int32_t>(date)),
      seconds / 3600, seconds / 60 % 60, seconds % 60);
  if (const int64_t fraction = rest % kUsPerSecond; fraction != 0) {
    text += absl::StrFormat(".%06d", fraction);
  }
  text += 'Z';
  return text;
}

int64_t AddMonths(int64_t time_us, uint32_t count) {
  const int64_t date = FloorDay(time_us);
  const year_month_day from = CivilOf(static_cast<int32_t>(date));
  const auto target =
      from.year() / from.month() + months{static_cast<int>(count)};
  const year_month_day_last last = target / std::chrono::last;
  const year_month_day to = target / std::min(from.day(), last.day());
  return time_us + (NumberOf(to) - date) * kUsPerDay;
}

int32_t BirthdayOf(int32_t birth_day, int years) {
  const year_month_day born = CivilOf(birth_day);
  const year_month_day date{born.year() + std::chrono::years{years},
                            born.month(), born.day()};
  // sys_days of 29 February in a common year is 1 March.
  return NumberOf(date);
}

int AgeAt(int32_t birth_day, int64_t time_us) {
  const auto today = static_cast<int32_t>(FloorDay(time_us));
  int age = static_cast<int>(CivilOf(today).year()) -
            static_cast<int>(CivilOf(birth_day).year());
  if (age > 0 && BirthdayOf(birth_day, age) > today) --age;
  return std::max(age, 0);
}

}  // namespace consentry::policy
