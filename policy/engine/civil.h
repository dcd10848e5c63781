#ifndef CONSENTRY_POLICY_ENGINE_CIVIL_H_
#define CONSENTRY_POLICY_ENGINE_CIVIL_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Days and times of the Gregorian calendar, UTC, without leap seconds. A day is
// the number of days since 1970-01-01, a time microseconds since its start.
namespace consentry::policy {

inline constexpr int64_t kUsPerSecond = 1'000'000;
inline constexpr int64_t kUsPerHour = 3600 * kUsPerSecond;
inline constexpr int64_t kUsPerDay = 24 * kUsPerHour;

// Decision times lie in [0, kMaxTimeUs): years 1970 to 2199.
inline constexpr int64_t kMaxTimeUs = 84006 * kUsPerDay;

// The days that ParseDay accepts: 1800-01-01 to 2299-12-31.
inline constexpr int32_t kMinDay = -62091;
inline constexpr int32_t kMaxDay = 120529;

// "YYYY-MM-DD", years 1800 to 2299, and nothing else.
std::optional<int32_t> ParseDay(std::string_view text);
std::string FormatDay(int32_t day);

// "YYYY-MM-DDTHH:MM:SS[.ffffff]Z", years 1970 to 2199, and nothing else.
std::optional<int64_t> ParseTime(std::string_view text);
std::string FormatTime(int64_t time_us);

// The same day of the month and time of day, or the month's last day.
int64_t AddMonths(int64_t time_us, uint32_t months);

// Completed years, at least 0. Who was born on 29 February grows older on
// 1 March of other years.
int AgeAt(int32_t birth_day, int64_t time_us);
// The day on which somebody born then becomes `years` old.
int32_t BirthdayOf(int32_t birth_day, int years);

}  // namespace consentry::policy

#endif  // CONSENTRY_POLICY_ENGINE_CIVIL_H_
