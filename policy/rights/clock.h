#ifndef CONSENTRY_POLICY_RIGHTS_CLOCK_H_
#define CONSENTRY_POLICY_RIGHTS_CLOCK_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "consentry/config/v1/pack.pb.h"
#include "policy/engine/bundle.h"
#include "policy/rights/holidays.h"

// When a request must be answered. Pure: times come in as microseconds since
// the epoch, UTC, and days are counted in the local time of the business.
namespace consentry::policy {

// How one regime counts.
struct Reckoning {
  // A code that Holidays::CalendarOf gave; empty: only Saturdays and Sundays
  // are off.
  std::string calendar;
  // A time that ends on a day off ends with the next working day (Regulation
  // 1182/71 Art. 3(4)).
  bool ends_on_working_day = false;
  // A question to the customer stops the clock only if asked within so many
  // calendar days of receipt; 0: at any time.
  int pause_within_days = 0;
  // Of the business, minutes east of UTC.
  int utc_offset_minutes = 0;
};

// How the regime counts at that time: by its own reckoning where the pack has
// one, with the holidays of the place that it names, else of the business's
// home.
Reckoning ReckoningFor(const Bundle& bundle, RegimeId regime, int64_t time_us);

// A time in which the clock may have stood still.
struct Pause {
  // "identity", "clarification", "fee".
  std::string reason;
  int64_t from_us = 0;
  // 0: not answered yet.
  int64_t to_us = 0;
};

// What happened to a request.
struct ClockHistory {
  // When it reached the business by any way.
  int64_t received_us = 0;
  // Its time was extended once.
  bool extended = false;
  std::span<const Pause> pauses;
};

struct ClockTimes {
  // Last second of the last day; of HOUR durations the exact moment.
  std::optional<int64_t> acknowledge_by_us;
  // Pauses that ended included; of one that goes on what it was when it began.
  int64_t answer_by_us = 0;
  // Since when the clock stands still.
  std::optional<int64_t> stopped_since_us;
};

// The end of a time that begins with an event. The day of the event does not
// count; `count` months later is the day of the same number, or the month's
// last (Regulation 1182/71 Art. 3; EDPB Guidelines 01/2022, 157 to 161).
// Business days: the count-th day that is not off. Count 0: the event itself.
int64_t EndOf(const config::v1::Duration& duration, int64_t event_us,
              const Reckoning& reckoning, const Holidays& holidays);

// The same for one time and another after it, as where an answer was extended:
// months are added up before days are looked at, so 31 January and one month
// and two more is 30 April.
int64_t EndOf(const config::v1::Duration& first,
              const config::v1::Duration& second, int64_t event_us,
              const Reckoning& reckoning, const Holidays& holidays);

// Where the clock of one regime stands. A pause counts if the rule knows its
// reason and it began in time: the last day moves by as many days as it lasted,
// overlaps once.
ClockTimes TimesOf(const config::v1::ClockRule& rule,
                   const ClockHistory& history, const Reckoning& reckoning,
                   const Holidays& holidays);

// Whether a question for this reason, asked now, stops the clock.
bool StopsClock(const config::v1::ClockRule& rule, std::string_view reason,
                int64_t received_us, int64_t now_us,
                const Reckoning& reckoning);

// By when the business must answer an appeal that reached it then; nullopt:
// the regime knows none.
std::optional<int64_t> AppealAnswerBy(const config::v1::ClockRule& rule,
                                      int64_t received_us, bool extended,
                                      const Reckoning& reckoning,
                                      const Holidays& holidays);

}  // namespace consentry::policy

#endif  // CONSENTRY_POLICY_RIGHTS_CLOCK_H_
