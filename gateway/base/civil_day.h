#ifndef CONSENTRY_GATEWAY_BASE_CIVIL_DAY_H_
#define CONSENTRY_GATEWAY_BASE_CIVIL_DAY_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace consentry::base {

// A day of the proleptic Gregorian calendar from exactly "YYYY-MM-DD" (ISO
// 8601). nullopt for anything else, days that do not exist included. Pure.
std::optional<std::chrono::year_month_day> ParseDay(std::string_view text);

// The UTC day of a time in microseconds since the epoch.
std::chrono::year_month_day DayOf(int64_t time_us);

// Days since 1970-01-01.
int32_t DayNumber(const std::chrono::year_month_day& day);

}  // namespace consentry::base

#endif  // CONSENTRY_GATEWAY_BASE_CIVIL_DAY_H_
