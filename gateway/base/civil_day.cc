#include "gateway/base/civil_day.h"

namespace consentry::base {

std::optional<std::chrono::year_month_day> ParseDay(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') {
    return std::nullopt;
  }
  const auto number = [&](size_t from, size_t count) -> int {
    int result = 0;
    for (size_t i = from; i < from + count; ++i) {
      if (text[i] < '0' || text[i] > '9') return -1;
      result = result * 10 + (text[i] - '0');
    }
    return result;
  };
  const int year = number(0, 4), month = number(5, 2), day = number(8, 2);
  if (year < 0 || month < 0 || day < 0) return std::nullopt;
  const std::chrono::year_month_day ymd{
      std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
      std::chrono::day(static_cast<unsigned>(day))};
  if (!ymd.ok()) return std::nullopt;
  return ymd;
}

std::chrono::year_month_day DayOf(int64_t time_us) {
  const std::chrono::sys_time<std::chrono::microseconds> time{
      std::chrono::microseconds(time_us)};
  return std::chrono::floor<std::chrono::days>(time);
}

int32_t DayNumber(const std::chrono::year_month_day& day) {
  return static_cast<int32_t>(
      std::chrono::sys_days(day).time_since_epoch().count());
}

}  // namespace consentry::base
