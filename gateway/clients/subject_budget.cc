#include "gateway/clients/subject_budget.h"

#include <algorithm>
#include <bit>

namespace consentry::clients {
namespace {

// splitmix64 (Steele, Lea, Flood 2014): numbers of customers are consecutive.
uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

constexpr size_t kSmallest = 64;

}  // namespace

void SubjectBudget::SetLimit(uint32_t limit) {
  MutexLock lock(&mu_);
  limit_ = limit;
}

void SubjectBudget::Advance(int64_t now_us) {
  const auto now = static_cast<uint32_t>(now_us / 60'000'000) + kMinutes;
  if (minute_ == 0) minute_ = now;
  if (now <= minute_) return;
  if (now - minute_ >= kMinutes) {
    per_minute_.fill(0);
    used_ = 0;
  } else {
    for (uint32_t m = minute_ + 1; m <= now; ++m) {
      uint32_t& leaving = per_minute_[m % kMinutes];
      used_ -= leaving;
      leaving = 0;
    }
  }
  minute_ = now;
}

SubjectBudget::Slot* SubjectBudget::Find(uint64_t subject) {
  const size_t mask = slots_.size() - 1;
  size_t i = Mix(subject) & mask;
  while (slots_[i].minute != 0 && slots_[i].subject != subject) {
    i = (i + 1) & mask;
  }
  return &slots_[i];
}

void SubjectBudget::Rebuild() {
  const size_t size = std::max(kSmallest, std::bit_ceil(size_t{used_} * 2 + 1));
  std::vector<Slot> old(size);
  old.swap(slots_);
  filled_ = 0;
  for (const Slot& slot : old) {
    if (slot.minute == 0 || !Lives(slot)) continue;
    *Find(slot.subject) = slot;
    ++filled_;
  }
}

void SubjectBudget::Count(uint64_t subject) {
  if (filled_ * 4 >= slots_.size() * 3) Rebuild();
  Slot* slot = Find(subject);
  if (slot->minute != 0 && Lives(*slot)) {
    --per_minute_[slot->minute % kMinutes];
    --used_;
  }
  if (slot->minute == 0) ++filled_;
  slot->subject = subject;
  slot->minute = minute_;
  ++per_minute_[minute_ % kMinutes];
  ++used_;
}

bool SubjectBudget::Charge(uint64_t subject, int64_t now_us) {
  return ChargeAll({&subject, 1}, now_us);
}

bool SubjectBudget::ChargeAll(std::span<const uint64_t> subjects,
                              int64_t now_us) {
  MutexLock lock(&mu_);
  Advance(now_us);
  if (slots_.empty()) Rebuild();
  std::vector<uint64_t> fresh;
  for (const uint64_t subject : subjects) {
    const Slot* slot = Find(subject);
    if (slot->minute == 0 || !Lives(*slot)) fresh.push_back(subject);
  }
  if (fresh.size() > 1) {
    std::sort(fresh.begin(), fresh.end());
    fresh.erase(std::unique(fresh.begin(), fresh.end()), fresh.end());
  }
  if (!fresh.empty() && used_ + fresh.size() > limit_) return false;
  for (const uint64_t subject : subjects) Count(subject);
  return true;
}

uint32_t SubjectBudget::used(int64_t now_us) {
  MutexLock lock(&mu_);
  Advance(now_us);
  return used_;
}

}  // namespace consentry::clients
