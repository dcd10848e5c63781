#include "policy/fairness/pairing.h"

#include <chrono>
#include <utility>

#include "policy/engine/civil.h"

namespace consentry::policy::fairness {
namespace {

int64_t FloorDiv(int64_t a, int64_t b) {
  return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
}

}  // namespace

int64_t PeriodOf(Period period, int64_t time_us) {
  switch (period) {
    case Period::kDay:
      return FloorDiv(time_us, kUsPerDay);
    case Period::kWeek:
      // 1970-01-01 was a Thursday.
      return FloorDiv(time_us + 3 * kUsPerDay, 7 * kUsPerDay);
    case Period::kMonth: {
      const std::chrono::year_month_day date{std::chrono::sys_days{
          std::chrono::days{FloorDiv(time_us, kUsPerDay)}}};
      return static_cast<int>(date.year()) * 12 +
             static_cast<int>(static_cast<unsigned>(date.month()));
    }
    case Period::kVersion:
      return 0;
  }
  return 0;
}

StratumKey& StratumKey::Add(std::string_view part) {
  // FNV-1a; the length keeps "a","bc" from being "ab","c".
  const auto mix = [this](uint64_t byte) {
    value_ = (value_ ^ byte) * 1099511628211u;
  };
  for (int i = 0; i < 8; ++i) mix((uint64_t{part.size()} >> (8 * i)) & 0xff);
  for (const char c : part) mix(static_cast<uint8_t>(c));
  return *this;
}

std::optional<Pairing::Pair> Pairing::Offer(Side side, double value,
                                            uint64_t stratum, int64_t time_us) {
  const int64_t bucket = FloorDiv(time_us, bucket_us_);
  if (bucket != bucket_) {
    unpaired_ += waiting_.size();
    waiting_.clear();
    bucket_ = bucket;
  }
  // Of one stratum only one side ever waits.
  size_t same = 0;
  auto first = waiting_.end();
  for (auto it = waiting_.begin(); it != waiting_.end(); ++it) {
    if (it->stratum != stratum) continue;
    if (it->side != side) {
      const double other = it->value;
      waiting_.erase(it);
      return side == Side::kGroup ? Pair{value, other} : Pair{other, value};
    }
    if (same++ == 0) first = it;
  }
  if (same >= kMaxOfStratum) {
    waiting_.erase(first);
    ++unpaired_;
  } else if (waiting_.size() >= kMaxWaiting) {
    waiting_.erase(waiting_.begin());
    ++unpaired_;
  }
  waiting_.push_back({stratum, value, side});
  return std::nullopt;
}

void Pairing::Restore(uint64_t unpaired) {
  waiting_.clear();
  unpaired_ = unpaired;
}

}  // namespace consentry::policy::fairness
