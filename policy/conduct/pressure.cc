// How often, when, and how soon after a no.
#include "policy/conduct/pressure.h"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "policy/conduct/judges.h"
#include "policy/conduct/local_time.h"
#include "policy/engine/civil.h"
#include "policy/rights/holidays.h"

namespace consentry::conduct {
namespace {

using config::v1::CoolDown;
using config::v1::PressureBudget;
using config::v1::QuietHours;
using policy::kNever;
using policy::kUsPerDay;
using policy::kUsPerSecond;

constexpr int64_t kHorizonUs = 400 * kUsPerDay;
constexpr int64_t kQuietUs = 31 * kUsPerDay;

bool InMask(uint32_t mask, int value) {
  return mask == 0 || (value >= 0 && value < 32 && (mask >> value & 1) != 0);
}

// Whether a contact of before counts for a budget that this output meets.
bool Counts(const Loaded<PressureBudget>& budget, const Case& at,
            const Contact& contact) {
  const auto& [row, scope] = budget;
  return InMask(scope.classes, contact.purpose_class) &&
         InMask(scope.channels, contact.channel) &&
         (!row.pressing() || contact.pressing) &&
         (!row.same_purpose() || contact.purpose == at.question.purpose) &&
         (!row.same_channel() || contact.channel == at.question.channel);
}

// When the output might go out by one budget.
class BudgetClock {
 public:
  BudgetClock(const Loaded<PressureBudget>& budget, const Case& at)
      : window_us_(int64_t{budget.row.window_minutes()} * 60 * kUsPerSecond),
        limit_(budget.row.limit()) {
    reserved_ =
        at.question.reserved.has_value() &&
        Counts(budget, at, *at.question.reserved) &&
        at.deliver_us < Later(at.question.reserved->time_us, window_us_);
    if (!at.vulnerabilities.empty() && budget.row.has_vulnerable_limit() &&
        budget.row.vulnerable_limit() < limit_) {
      limit_ = budget.row.vulnerable_limit();
      reserved_ = false;
    }
    for (const Contact& contact : at.question.subject.contacts.contacts) {
      if (Counts(budget, at, contact)) contacts_.push_back(&contact);
    }
    std::sort(contacts_.begin(), contacts_.end(),
              [](const Contact* a, const Contact* b) {
                return a->time_us < b->time_us;
              });
  }

  // The first moment, not before `time_us`, at which one more keeps it.
  // `ahead_us`: between the decision and the moment.
  int64_t OpenAt(int64_t time_us, int64_t ahead_us) const {
    if (limit_ == 0) return kNever;
    if (reserved_) return time_us;
    if (IsOpen(time_us, time_us - ahead_us)) return time_us;
    std::vector<int64_t> moments;
    for (const Contact* contact : contacts_) {
      for (const int64_t moment : {Later(contact->time_us, window_us_),
                                   Later(contact->decided_us, ahead_us)}) {
        if (moment > time_us) moments.push_back(moment);
      }
    }
    std::sort(moments.begin(), moments.end());
    for (const int64_t moment : moments) {
      if (IsOpen(moment, moment - ahead_us)) return moment;
    }
    return kNever;
  }

 private:
  static int64_t Later(int64_t time_us, int64_t by_us) {
    return time_us > kNever - by_us ? kNever : time_us + by_us;
  }

  // No window that holds `time_us` holds more than the limit. Windows are half
  // open: what lies a whole window apart shares none.
  bool IsOpen(int64_t time_us, int64_t decided_us) const {
    size_t unknown = 0;
    std::vector<int64_t> times;
    for (const Contact* contact : contacts_) {
      if (contact->decided_us > decided_us) {
        // Of a clock that was set back since: it counts whatever its time.
        ++unknown;
      } else if (Later(contact->time_us, window_us_) > time_us &&
                 Later(time_us, window_us_) > contact->time_us) {
        times.push_back(contact->time_us);
      }
    }
    times.insert(std::upper_bound(times.begin(), times.end(), time_us),
                 time_us);
    size_t first = 0;
    for (size_t last = 0; last < times.size(); ++last) {
      while (Later(times[first], window_us_) <= times[last]) ++first;
      if (last - first + 1 + unknown > limit_) return false;
    }
    return true;
  }

  const int64_t window_us_;
  size_t limit_;
  // Its place is taken already.
  bool reserved_ = false;
  // Sorted by time.
  std::vector<const Contact*> contacts_;
};

int64_t OverAt(const CoolDown& row, const Case& at, int64_t time_us) {
  int64_t over_us = time_us;
  for (const Refusal& refusal : at.question.subject.contacts.refusals) {
    const bool meant = (!row.same_purpose() || refusal.purpose.empty() ||
                        refusal.purpose == at.question.purpose) &&
                       (!row.same_channel() ||
                        refusal.channel == config::v1::Channel::UNSPECIFIED ||
                        refusal.channel == at.question.channel);
    if (!meant) continue;
    const int64_t wait_us = int64_t{row.days()} * kUsPerDay;
    over_us = std::max(over_us, refusal.time_us > kNever - wait_us
                                    ? kNever
                                    : refusal.time_us + wait_us);
  }
  return over_us;
}

// Quiet hours by every clock and calendar that may be hers.
class Quiet {
 public:
  explicit Quiet(const Case& at)
      : zones_(at.tables.local_times.ZonesOf(at.question.subject)) {
    for (const std::string& residence : at.question.subject.residences) {
      calendars_.emplace_back(
          policy::Holidays::Shipped().CalendarOf(residence));
    }
    if (calendars_.empty()) calendars_.emplace_back();
  }

  int64_t OverAt(const QuietHours& row, int64_t time_us) const {
    const DayTime day_time(row);
    int64_t over_us = time_us;
    for (const absl::TimeZone& zone : zones_) {
      for (const std::string_view calendar : calendars_) {
        over_us = std::max(over_us, day_time.OverAt(time_us, zone, calendar));
      }
    }
    return over_us;
  }

  std::optional<int64_t> NextAt(const QuietHours& row, int64_t time_us) const {
    const DayTime day_time(row);
    std::optional<int64_t> first;
    for (const absl::TimeZone& zone : zones_) {
      for (const std::string_view calendar : calendars_) {
        const auto next = day_time.NextAt(time_us, zone, calendar);
        if (next && (!first || *next < *first)) first = next;
      }
    }
    return first;
  }

 private:
  const std::vector<absl::TimeZone> zones_;
  std::vector<std::string_view> calendars_;
};

// The rows that speak of an output, and what each asks of its time.
class PressureRules {
 public:
  explicit PressureRules(const Case& at) : at_(at) {
    for (const auto& budget : at.tables.budgets) {
      if (!Applies(budget.scope, at)) continue;
      if (budget.row.pressing() && !at.pressing) continue;
      budgets_.emplace_back(&budget.row.rule(), BudgetClock(budget, at));
    }
    for (const auto& [row, scope] : at.tables.quiet_hours) {
      if (Applies(scope, at)) hours_.push_back(&row);
    }
    if (!hours_.empty()) quiet_.emplace(at);
    for (const auto& [row, scope] : at.tables.cool_downs) {
      if (Applies(scope, at)) cool_downs_.push_back(&row);
    }
  }

  bool counted() const { return !budgets_.empty(); }

  // Each calls f(rule, message, first moment) for each of its rows.
  template <class F>
  void ForEachCount(int64_t time_us, F f) const {
    const int64_t ahead_us = at_.deliver_us - at_.question.time_us;
    for (const auto& [rule, budget] : budgets_) {
      f(*rule, "the budget of contacts is spent",
        budget.OpenAt(time_us, ahead_us));
    }
    for (const CoolDown* row : cool_downs_) {
      f(row->rule(), "too soon after a refusal", OverAt(*row, at_, time_us));
    }
  }
  template <class F>
  void ForEachHour(int64_t time_us, F f) const {
    for (const QuietHours* row : hours_) {
      f(row->rule(), "within quiet hours", quiet_->OverAt(*row, time_us));
    }
  }

  // The first moment from delivery on that lies within any quiet hours.
  std::optional<int64_t> QuietFrom() const {
    std::optional<int64_t> first;
    for (const QuietHours* row : hours_) {
      const auto next = quiet_->NextAt(*row, at_.deliver_us);
      if (next && (!first || *next < *first)) first = next;
    }
    return first;
  }

  // The first moment at which all are content; kNever: none within the horizon,
  // or none in a month of quiet hours, which come again every week.
  int64_t FirstOpen() const {
    const int64_t last_us = at_.deliver_us + kHorizonUs;
    int64_t time_us = at_.deliver_us;
    int64_t next_us = time_us;
    const auto later = [&](const auto&, std::string_view, int64_t open_us) {
      next_us = std::max(next_us, open_us);
    };
    int64_t quiet_since_us = time_us;
    while (time_us <= last_us && time_us - quiet_since_us <= kQuietUs) {
      ForEachCount(time_us, later);
      if (next_us > time_us) {
        time_us = quiet_since_us = next_us;
        continue;
      }
      ForEachHour(time_us, later);
      if (next_us == time_us) return time_us;
      time_us = next_us;
    }
    return kNever;
  }

 private:
  const Case& at_;
  // Null without hours.
  std::optional<Quiet> quiet_;
  std::vector<std::pair<const config::v1::RuleInfo*, BudgetClock>> budgets_;
  std::vector<const QuietHours*> hours_;
  std::vector<const CoolDown*> cool_downs_;
};

}  // namespace

void JudgePressure(const Case& at, Judgement* out) {
  const PressureRules rules(at);
  bool open = true;
  const auto ask = [&](const config::v1::RuleInfo& rule,
                       std::string_view message, int64_t open_us) {
    if (open_us <= at.deliver_us) return;
    open = false;
    AddFinding(rule, Action::kBlock, v1::VERDICT_CLASS_PRESSURE, message, out);
  };
  rules.ForEachCount(at.deliver_us, ask);
  rules.ForEachHour(at.deliver_us, ask);
  out->quiet_from_us = rules.QuietFrom();
  if (!open) {
    const int64_t retry_us = rules.FirstOpen();
    if (retry_us != kNever) out->retry_us = retry_us;
    return;
  }
  if (!rules.counted()) return;
  Contact contact;
  contact.time_us = at.deliver_us;
  contact.decided_us = at.question.time_us;
  contact.purpose = at.question.purpose;
  contact.purpose_class = at.question.purpose_class;
  contact.channel = at.question.channel;
  contact.pressing = at.pressing;
  out->charge = std::move(contact);
}

void Record(const Rulebook& rules, const Contact& contact,
            ContactHistory* history) {
  std::vector<Contact>& contacts = history->contacts;
  contacts.push_back(contact);
  const auto latest_first = [](const Contact& a, const Contact& b) {
    return std::tie(a.time_us, a.decided_us) >
           std::tie(b.time_us, b.decided_us);
  };
  std::stable_sort(contacts.begin(), contacts.end(), latest_first);
  const auto group = [](const Contact& c) {
    return std::tie(c.purpose, c.purpose_class, c.channel, c.pressing);
  };
  std::map<std::tuple<std::string, int, int, bool>, size_t> kept;
  std::erase_if(contacts, [&](const Contact& c) {
    const auto [purpose, purpose_class, channel, pressing] = group(c);
    const size_t before = kept[{purpose, purpose_class, channel, pressing}]++;
    return before >= rules.tables().most_contacts &&
           c.time_us < contact.decided_us - kHorizonUs;
  });
  if (contacts.size() > kMaxContacts) contacts.resize(kMaxContacts);
}

void Record(const Refusal& refusal, ContactHistory* history) {
  std::vector<Refusal>& refusals = history->refusals;
  const auto same =
      std::find_if(refusals.begin(), refusals.end(), [&](const Refusal& r) {
        return r.purpose == refusal.purpose && r.channel == refusal.channel;
      });
  if (same != refusals.end()) {
    same->time_us = std::max(same->time_us, refusal.time_us);
  } else {
    refusals.push_back(refusal);
  }
  if (refusals.size() <= kMaxRefusals) return;
  refusals.erase(std::min_element(refusals.begin(), refusals.end(),
                                  [](const Refusal& a, const Refusal& b) {
                                    return a.time_us < b.time_us;
                                  }));
}

}  // namespace consentry::conduct
