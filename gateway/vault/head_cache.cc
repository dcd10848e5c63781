#include "gateway/vault/head_cache.h"

#include <sodium.h>

#include <algorithm>
#include <string>

#include "gateway/vault/subject_reader.h"
#include "gateway/vault/wipe.h"

namespace consentry::vault {
namespace {

// What containers, control blocks and the keys' block add to a head.
constexpr size_t kEntryOverhead = 512;

}  // namespace

CachedSubject::CachedSubject(int64_t version, int64_t as_of_change,
                             store::v1::SubjectHead head,
                             crypto::SubjectKeys keys)
    : version_(version),
      as_of_change_(as_of_change),
      head_(std::move(head)),
      keys_(std::move(keys)),
      bytes_(head_.SpaceUsedLong() + kEntryOverhead) {}

CachedSubject::~CachedSubject() { WipeMessage(&head_); }

std::shared_ptr<const void> CachedSubject::slot() const {
  MutexLock lock(&mu_);
  return slot_;
}

void CachedSubject::PutSlot(std::shared_ptr<const void> value) const {
  // Swapped, so that the old value ends outside of the lock.
  MutexLock lock(&mu_);
  slot_.swap(value);
}

std::shared_ptr<const RecordSet> CachedSubject::FindRecords(
    std::string_view kind) const {
  MutexLock lock(&mu_);
  for (const std::shared_ptr<const RecordSet>& set : records_) {
    if (set->kind == kind) return set;
  }
  return nullptr;
}

void CachedSubject::KeepRecords(
    std::shared_ptr<const RecordSet> records) const {
  MutexLock lock(&mu_);
  if (kept_bytes_ + records->bytes > kMaxKeptBytes) return;
  for (const std::shared_ptr<const RecordSet>& set : records_) {
    if (set->kind == records->kind) return;
  }
  kept_bytes_ += records->bytes;
  records_.push_back(std::move(records));
}

HeadCache::HeadCache(const Options& options)
    : max_bytes_per_shard_(std::max<size_t>(options.max_bytes / kShards, 1)),
      max_entries_per_shard_(
          std::max<size_t>(options.max_entries / kShards, 1)),
      slot_bytes_(options.slot_bytes) {}

HeadCache::~HeadCache() = default;

std::shared_ptr<const CachedSubject> HeadCache::Find(uint64_t subject) {
  Shard& shard = shards_[ShardOf(subject)];
  MutexLock lock(&shard.mu);
  const auto found = shard.by_subject.find(subject);
  if (found == shard.by_subject.end()) return nullptr;
  shard.order.splice(shard.order.begin(), shard.order, found->second);
  return *found->second;
}

HeadCache::Moment HeadCache::Now() const {
  static_assert(kShards == std::tuple_size_v<decltype(Moment::sequences_)>);
  Moment moment;
  for (size_t i = 0; i < kShards; ++i) {
    moment.sequences_[i] = shards_[i].sequence.load(std::memory_order_acquire);
  }
  return moment;
}

bool HeadCache::OvertakenLocked(const Shard& shard, uint64_t since,
                                const CachedSubject& entry) {
  if (since < shard.floor) return true;
  const uint64_t now = shard.sequence.load(std::memory_order_relaxed);
  // What is no longer remembered may have been this subject.
  if (now - since > kRemembered) return true;
  for (uint64_t i = since; i < now; ++i) {
    const Shard::Invalidated& past = shard.recent[i % kRemembered];
    if (past.subject == entry.subject() && past.version > entry.version()) {
      return true;
    }
  }
  return false;
}

void HeadCache::RemoveLocked(Shard* shard, uint64_t subject, Dropped* dropped) {
  const auto found = shard->by_subject.find(subject);
  if (found == shard->by_subject.end()) return;
  dropped->push_back(std::move(*found->second));
  shard->order.erase(found->second);
  shard->by_subject.erase(found);
}

void HeadCache::Insert(const Moment& before,
                       std::shared_ptr<const CachedSubject> entry) {
  const uint64_t subject = entry->subject();
  const size_t cost = CostOf(*entry);
  if (cost > max_bytes_per_shard_) return;
  // Wiping takes its time, so it is done after the lock.
  Dropped dropped;
  const size_t number = ShardOf(subject);
  Shard& shard = shards_[number];
  MutexLock lock(&shard.mu);
  if (OvertakenLocked(shard, before.sequences_[number], *entry)) return;
  const auto found = shard.by_subject.find(subject);
  if (found != shard.by_subject.end()) {
    if ((*found->second)->version() > entry->version()) return;
    shard.bytes -= CostOf(**found->second);
    RemoveLocked(&shard, subject, &dropped);
  }
  shard.order.push_front(std::move(entry));
  shard.by_subject.emplace(subject, shard.order.begin());
  shard.bytes += cost;
  while (shard.bytes > max_bytes_per_shard_ ||
         shard.by_subject.size() > max_entries_per_shard_) {
    const std::shared_ptr<const CachedSubject>& last = shard.order.back();
    shard.bytes -= CostOf(*last);
    RemoveLocked(&shard, last->subject(), &dropped);
  }
}

void HeadCache::Invalidate(uint64_t subject, int64_t version) {
  Dropped dropped;
  Shard& shard = shards_[ShardOf(subject)];
  MutexLock lock(&shard.mu);
  const uint64_t sequence = shard.sequence.load(std::memory_order_relaxed);
  shard.recent[sequence % kRemembered] = {subject, version};
  shard.sequence.store(sequence + 1, std::memory_order_release);
  const auto found = shard.by_subject.find(subject);
  if (found == shard.by_subject.end()) return;
  if ((*found->second)->version() >= version) return;
  shard.bytes -= CostOf(**found->second);
  RemoveLocked(&shard, subject, &dropped);
}

void HeadCache::Clear() {
  for (Shard& shard : shards_) {
    Dropped dropped;
    MutexLock lock(&shard.mu);
    shard.floor = shard.sequence.fetch_add(1, std::memory_order_release) + 1;
    for (auto& entry : shard.order) dropped.push_back(std::move(entry));
    shard.order.clear();
    shard.by_subject.clear();
    shard.bytes = 0;
  }
}

size_t HeadCache::entries() const {
  size_t total = 0;
  for (const Shard& shard : shards_) {
    MutexLock lock(&shard.mu);
    total += shard.by_subject.size();
  }
  return total;
}

size_t HeadCache::bytes() const {
  size_t total = 0;
  for (const Shard& shard : shards_) {
    MutexLock lock(&shard.mu);
    total += shard.bytes;
  }
  return total;
}

}  // namespace consentry::vault
