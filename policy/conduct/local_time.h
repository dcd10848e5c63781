#ifndef CONSENTRY_POLICY_CONDUCT_LOCAL_TIME_H_
#define CONSENTRY_POLICY_CONDUCT_LOCAL_TIME_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "consentry/config/v1/conduct_policy.pb.h"
#include "policy/conduct/conduct.h"

// What time it is for a customer. The rules of the clocks are those of the time
// zone database of this computer (IANA), read once.
namespace consentry::conduct {

class LocalTimes {
 public:
  LocalTimes() = default;

  // CONFIG_INVALID where the computer does not know one of the zones of the
  // world or `default_zone`.
  static absl::StatusOr<LocalTimes> Create(std::string_view default_zone);

  // The zones in which she may be; at least one, none twice. A zone of her own
  // that is not in the table is taken for none.
  std::vector<absl::TimeZone> ZonesOf(const SubjectState& subject) const;

 private:
  std::map<std::string, std::vector<absl::TimeZone>, std::less<>> by_place_;
  std::map<std::string, absl::TimeZone, std::less<>> by_name_;
  absl::TimeZone default_ = absl::UTCTimeZone();
};

// A stretch of a local day, as QuietHours has it.
class DayTime {
 public:
  // "HH:MM", minutes since midnight; -1 for another text.
  static int Parse(std::string_view text);

  explicit DayTime(const config::v1::QuietHours& row);

  // The first moment, not before `time_us`, at which it is over on this clock:
  // `time_us` itself where it is not within. Public holidays are those of
  // `calendar` (policy::Holidays). At most a month on.
  int64_t OverAt(int64_t time_us, const absl::TimeZone& zone,
                 std::string_view calendar) const;
  // The first moment, not before `time_us`, that lies within it. Absent: none
  // in the next eight days.
  std::optional<int64_t> NextAt(int64_t time_us, const absl::TimeZone& zone,
                                std::string_view calendar) const;

 private:
  struct Stretch {
    absl::Time begin;
    // Not within.
    absl::Time end;
  };
  Stretch StretchOf(int32_t day, const absl::TimeZone& zone) const;
  bool Begins(int32_t day, std::string_view calendar) const;

  int from_ = 0;
  int to_ = 0;
  // Bit 1 << Weekday; 0: every day.
  uint32_t days_ = 0;
};

}  // namespace consentry::conduct

#endif  // CONSENTRY_POLICY_CONDUCT_LOCAL_TIME_H_
