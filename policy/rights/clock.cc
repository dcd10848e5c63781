#include "policy/rights/clock.h"

#include <algorithm>
#include <utility>

#include "policy/engine/civil.h"
#include "policy/engine/rights_tables.h"

namespace consentry::policy {
namespace {

using config::v1::ClockRule;
using config::v1::Duration;

constexpr int64_t kUsPerMinute = 60 * kUsPerSecond;

int64_t FloorDiv(int64_t a, int64_t b) {
  const int64_t quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

int32_t LocalDay(int64_t time_us, const Reckoning& reckoning) {
  return static_cast<int32_t>(FloorDiv(
      time_us + reckoning.utc_offset_minutes * kUsPerMinute, kUsPerDay));
}

int64_t LastSecondOf(int32_t day, const Reckoning& reckoning) {
  return (int64_t{day} + 1) * kUsPerDay - kUsPerSecond -
         reckoning.utc_offset_minutes * kUsPerMinute;
}

int32_t NextWorkingDay(int32_t day, const Reckoning& reckoning,
                       const Holidays& holidays) {
  while (holidays.IsOff(reckoning.calendar, day)) ++day;
  return day;
}

// The last day of a time that starts after `day`.
int32_t LastDay(const Duration& duration, int32_t day,
                const Reckoning& reckoning, const Holidays& holidays) {
  switch (duration.unit()) {
    case Duration::MONTH:
      return static_cast<int32_t>(
          AddMonths(int64_t{day} * kUsPerDay, duration.count()) / kUsPerDay);
    case Duration::BUSINESS_DAY:
      for (uint32_t left = duration.count(); left > 0; --left) {
        day = NextWorkingDay(day + 1, reckoning, holidays);
      }
      return day;
    default:
      return day + static_cast<int32_t>(duration.count());
  }
}

// Business days end on a working day by themselves.
int32_t Rolled(int32_t day, const Reckoning& reckoning,
               const Holidays& holidays) {
  return reckoning.ends_on_working_day
             ? NextWorkingDay(day, reckoning, holidays)
             : day;
}

// Days for which the clock stood still, of pauses that ended.
int32_t DaysStopped(const ClockRule& rule, const ClockHistory& history,
                    const Reckoning& reckoning) {
  std::vector<std::pair<int32_t, int32_t>> spans;
  for (const Pause& pause : history.pauses) {
    if (pause.to_us == 0 || !StopsClock(rule, pause.reason, history.received_us,
                                        pause.from_us, reckoning)) {
      continue;
    }
    spans.emplace_back(LocalDay(pause.from_us, reckoning),
                       LocalDay(pause.to_us, reckoning));
  }
  std::sort(spans.begin(), spans.end());
  int32_t total = 0;
  int32_t reached = INT32_MIN;
  for (const auto& [from, to] : spans) {
    const int32_t begin = std::max(from, reached);
    if (to > begin) total += to - begin;
    reached = std::max(reached, to);
  }
  return total;
}

Duration Both(const Duration& first, const Duration& second) {
  Duration sum = first;
  sum.set_count(first.count() + second.count());
  return sum;
}

int64_t EndWith(const Duration& first, const Duration* second, int64_t event_us,
                int32_t stopped, const Reckoning& reckoning,
                const Holidays& holidays) {
  if (second != nullptr && first.unit() == second->unit()) {
    return EndWith(Both(first, *second), nullptr, event_us, stopped, reckoning,
                   holidays);
  }
  if (first.unit() == Duration::HOUR || first.count() == 0) {
    const int64_t end = event_us + int64_t{first.count()} * kUsPerHour *
                                       (first.unit() == Duration::HOUR);
    if (second == nullptr) return end + int64_t{stopped} * kUsPerDay;
    return EndWith(*second, nullptr, end, stopped, reckoning, holidays);
  }
  int32_t day =
      LastDay(first, LocalDay(event_us, reckoning), reckoning, holidays);
  if (second != nullptr) day = LastDay(*second, day, reckoning, holidays);
  return LastSecondOf(Rolled(day + stopped, reckoning, holidays), reckoning);
}

}  // namespace

Reckoning ReckoningFor(const Bundle& bundle, RegimeId regime, int64_t time_us) {
  const config::v1::ReckoningRule* rule = ReckoningOf(bundle, regime, time_us);
  const bool own_place = rule != nullptr && !rule->calendar().empty();
  Reckoning reckoning;
  reckoning.calendar = std::string(Holidays::Shipped().CalendarOf(
      own_place ? rule->calendar() : bundle.profile().home()));
  reckoning.utc_offset_minutes = bundle.profile().utc_offset_minutes();
  if (rule == nullptr) return reckoning;
  reckoning.ends_on_working_day = rule->ends_on_working_day();
  reckoning.pause_within_days = static_cast<int>(rule->pause_within_days());
  return reckoning;
}

int64_t EndOf(const Duration& duration, int64_t event_us,
              const Reckoning& reckoning, const Holidays& holidays) {
  return EndWith(duration, nullptr, event_us, 0, reckoning, holidays);
}

int64_t EndOf(const Duration& first, const Duration& second, int64_t event_us,
              const Reckoning& reckoning, const Holidays& holidays) {
  return EndWith(first, &second, event_us, 0, reckoning, holidays);
}

bool StopsClock(const ClockRule& rule, std::string_view reason,
                int64_t received_us, int64_t now_us,
                const Reckoning& reckoning) {
  const bool known =
      std::any_of(rule.pauses().begin(), rule.pauses().end(),
                  [&](const std::string& pause) { return pause == reason; });
  return known &&
         (reckoning.pause_within_days == 0 ||
          LocalDay(now_us, reckoning) - LocalDay(received_us, reckoning) <=
              reckoning.pause_within_days);
}

ClockTimes TimesOf(const ClockRule& rule, const ClockHistory& history,
                   const Reckoning& reckoning, const Holidays& holidays) {
  ClockTimes times;
  if (rule.has_acknowledge()) {
    times.acknowledge_by_us =
        EndOf(rule.acknowledge(), history.received_us, reckoning, holidays);
  }
  const bool extended = history.extended && rule.has_extension();
  times.answer_by_us =
      EndWith(rule.respond(), extended ? &rule.extension() : nullptr,
              history.received_us, DaysStopped(rule, history, reckoning),
              reckoning, holidays);
  for (const Pause& pause : history.pauses) {
    if (pause.to_us == 0 && StopsClock(rule, pause.reason, history.received_us,
                                       pause.from_us, reckoning)) {
      times.stopped_since_us =
          std::min(times.stopped_since_us.value_or(INT64_MAX), pause.from_us);
    }
  }
  return times;
}

std::optional<int64_t> AppealAnswerBy(const ClockRule& rule,
                                      int64_t received_us, bool extended,
                                      const Reckoning& reckoning,
                                      const Holidays& holidays) {
  if (!rule.has_appeal()) return std::nullopt;
  const bool longer = extended && rule.has_appeal_extension();
  return EndWith(rule.appeal(), longer ? &rule.appeal_extension() : nullptr,
                 received_us, 0, reckoning, holidays);
}

}  // namespace consentry::policy
