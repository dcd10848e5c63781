#include "policy/conduct/local_time.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "policy/conduct/policy_tables.h"
#include "policy/engine/civil.h"
#include "policy/rights/holidays.h"

namespace consentry::conduct {
namespace {

using config::v1::QuietHours;
using config::v1::Weekday;
using policy::Fault;
using policy::kUsPerDay;

constexpr int64_t kHorizonUs = 31 * kUsPerDay;
constexpr int32_t kDaysAhead = 8;

bool Load(const std::string& name, absl::TimeZone* zone) {
  return absl::LoadTimeZone(name, zone);
}

int32_t NumberOf(const absl::CivilDay& day) {
  return static_cast<int32_t>(day - absl::CivilDay(1970, 1, 1));
}

// 1 Monday to 7 Sunday.
int WeekdayOf(int32_t day) {
  const int from_thursday = ((day % 7) + 7) % 7;
  return (from_thursday + 3) % 7 + 1;
}

absl::CivilSecond MomentOf(int32_t day, int minutes) {
  return absl::CivilSecond(absl::CivilDay(1970, 1, 1) + day) + minutes * 60;
}

}  // namespace

absl::StatusOr<LocalTimes> LocalTimes::Create(std::string_view default_zone) {
  LocalTimes times;
  const EmbeddedFile& file = EmbeddedConductPolicy()[1];
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto table,
      policy::ParseText<config::v1::PlaceZonesTable>(file.name, file.content));
  std::vector<Fault> faults;
  for (int i = 0; i < table.message.places_size(); ++i) {
    const auto& row = table.message.places(i);
    std::vector<absl::TimeZone>& zones = times.by_place_[row.place()];
    for (const std::string& name : row.zones()) {
      absl::TimeZone zone;
      if (!Load(name, &zone)) {
        faults.push_back(
            policy::PlaceOf(table)
                .At("places", i)
                .At("zones")
                .MakeFault(
                    "this computer does not know the zone: install tzdata"));
        continue;
      }
      zones.push_back(zone);
      times.by_name_.emplace(name, zone);
    }
  }
  if (!Load(std::string(default_zone), &times.default_)) {
    faults.push_back(Fault{.place = "",
                           .field = "default_time_zone",
                           .message = "is no time zone that is known here"});
  }
  CONSENTRY_RETURN_IF_ERROR(policy::FaultsToStatus(faults));
  return times;
}

std::vector<absl::TimeZone> LocalTimes::ZonesOf(
    const SubjectState& subject) const {
  if (!subject.time_zone.empty()) {
    if (const auto own = by_name_.find(subject.time_zone);
        own != by_name_.end()) {
      return {own->second};
    }
  }
  std::vector<absl::TimeZone> zones;
  for (const std::string& residence : subject.residences) {
    auto found = by_place_.find(residence);
    if (found == by_place_.end()) {
      found = by_place_.find(residence.substr(0, 2));
    }
    if (found == by_place_.end()) continue;
    for (const absl::TimeZone& zone : found->second) {
      if (std::find(zones.begin(), zones.end(), zone) == zones.end()) {
        zones.push_back(zone);
      }
    }
  }
  if (zones.empty()) zones.push_back(default_);
  return zones;
}

int DayTime::Parse(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return -1;
  for (const size_t i : {0, 1, 3, 4}) {
    if (!absl::ascii_isdigit(text[i])) return -1;
  }
  const int hours = (text[0] - '0') * 10 + (text[1] - '0');
  const int minutes = (text[3] - '0') * 10 + (text[4] - '0');
  return hours < 24 && minutes < 60 ? hours * 60 + minutes : -1;
}

DayTime::DayTime(const QuietHours& row)
    : from_(std::max(0, Parse(row.from()))), to_(std::max(0, Parse(row.to()))) {
  for (const int day : row.days()) days_ |= uint32_t{1} << day;
}

bool DayTime::Begins(int32_t day, std::string_view calendar) const {
  if (days_ == 0) return true;
  const int weekday = WeekdayOf(day);
  if ((days_ >> weekday & 1) != 0) return true;
  return (days_ >> Weekday::HOLIDAY & 1) != 0 && weekday < Weekday::SATURDAY &&
         policy::Holidays::Shipped().IsOff(calendar, day);
}

DayTime::Stretch DayTime::StretchOf(int32_t day,
                                    const absl::TimeZone& zone) const {
  // Where a clock shows an hour twice, the first of them begins and the second
  // ends; an hour that it leaves out lies at the change.
  const auto begin = zone.At(MomentOf(day, from_));
  const auto end = zone.At(MomentOf(to_ > from_ ? day : day + 1, to_));
  const auto skipped = absl::TimeZone::TimeInfo::SKIPPED;
  return {begin.kind == skipped ? begin.trans : begin.pre,
          end.kind == skipped ? end.trans : end.post};
}

int64_t DayTime::OverAt(int64_t time_us, const absl::TimeZone& zone,
                        std::string_view calendar) const {
  absl::Time time = absl::FromUnixMicros(time_us);
  const absl::Time last = time + absl::Microseconds(kHorizonUs);
  bool moved = true;
  while (moved && time < last) {
    moved = false;
    const int32_t today = NumberOf(absl::ToCivilDay(time, zone));
    for (const int32_t day : {today - 1, today}) {
      if (!Begins(day, calendar)) continue;
      const Stretch stretch = StretchOf(day, zone);
      if (stretch.begin <= time && time < stretch.end) {
        time = stretch.end;
        moved = true;
      }
    }
  }
  return std::max(time_us, absl::ToUnixMicros(time));
}

std::optional<int64_t> DayTime::NextAt(int64_t time_us,
                                       const absl::TimeZone& zone,
                                       std::string_view calendar) const {
  const absl::Time time = absl::FromUnixMicros(time_us);
  const int32_t today = NumberOf(absl::ToCivilDay(time, zone));
  for (int32_t day = today - 1; day <= today + kDaysAhead; ++day) {
    if (!Begins(day, calendar)) continue;
    const Stretch stretch = StretchOf(day, zone);
    if (stretch.begin >= stretch.end || stretch.end <= time) continue;
    return std::max(time_us, absl::ToUnixMicros(stretch.begin));
  }
  return std::nullopt;
}

}  // namespace consentry::conduct
