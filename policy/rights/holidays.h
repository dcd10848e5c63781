#ifndef CONSENTRY_POLICY_RIGHTS_HOLIDAYS_H_
#define CONSENTRY_POLICY_RIGHTS_HOLIDAYS_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "consentry/config/v1/holidays.pb.h"
#include "policy/engine/text_config.h"

namespace consentry::policy {

// The days on which nobody has to work, by place. A day is the number of days
// since 1970-01-01. Immutable; any thread.
class Holidays {
 public:
  // Refuses with CONFIG_INVALID and every fault found.
  static absl::StatusOr<Holidays> Create(
      const Located<config::v1::HolidayCalendars>& calendars);
  // The tables that the program brings along.
  static const Holidays& Shipped();

  // The code of the calendar that holds in a place: its own, or that of its
  // country ("US-VA" takes "US"). Empty: none is known, and only Saturdays and
  // Sundays count as off.
  std::string_view CalendarOf(std::string_view jurisdiction) const;

  // Whether the day is a Saturday, a Sunday or a holiday of the calendar (a
  // code that CalendarOf gave; empty for none).
  bool IsOff(std::string_view calendar, int32_t day) const;

  // Whether the calendar's rules are known to hold for that day. Outside of its
  // years they are applied all the same.
  bool Covers(std::string_view calendar, int32_t day) const;

 private:
  Holidays() = default;

  std::map<std::string, config::v1::HolidayCalendar, std::less<>> calendars_;
};

// Easter Sunday of the western churches (Gregorian computus), and of the
// eastern ones, as days of the Gregorian calendar. Years 1583 to 4099.
int32_t EasterOf(int year);
int32_t OrthodoxEasterOf(int year);

}  // namespace consentry::policy

#endif  // CONSENTRY_POLICY_RIGHTS_HOLIDAYS_H_
