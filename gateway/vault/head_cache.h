#ifndef CONSENTRY_GATEWAY_VAULT_HEAD_CACHE_H_
#define CONSENTRY_GATEWAY_VAULT_HEAD_CACHE_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "consentry/store/v1/subject.pb.h"
#include "gateway/crypto/subject_keys.h"
#include "proto/support/mutex.h"

namespace consentry::vault {

// Records of one subject and kind: gateway/vault/subject_reader.h.
struct RecordSet;

// The opened head of one subject at one version, with the keys it was opened
// by. Shared and immutable but for what is kept beside it; safe for many
// threads. Texts of the head are wiped at the end; the keys lie in locked
// memory.
class CachedSubject {
 public:
  // `version` is subjects.version; `as_of_change` Committer::LastStored() from
  // before the row was read.
  CachedSubject(int64_t version, int64_t as_of_change,
                store::v1::SubjectHead head, crypto::SubjectKeys keys);
  CachedSubject(const CachedSubject&) = delete;
  CachedSubject& operator=(const CachedSubject&) = delete;
  ~CachedSubject();

  uint64_t subject() const { return keys_.subject(); }
  int64_t version() const { return version_; }
  int64_t as_of_change() const { return as_of_change_; }
  const store::v1::SubjectHead& head() const { return head_; }
  const crypto::SubjectKeys& keys() const { return keys_; }

  // What a user of the cache derived from the head and wants to find again,
  // such as compiled facts; null at first. The value must be immutable and say
  // by itself what it was derived under. The last one put stays.
  std::shared_ptr<const void> slot() const;
  void PutSlot(std::shared_ptr<const void> value) const;

  // Records that were read after the head, one set for each kind, or null.
  // They hold as long as the head does: whatever writes a record raises the
  // subject's version. Sets beyond kMaxKeptBytes for all kinds are not kept.
  static constexpr size_t kMaxKeptBytes = 4096;
  std::shared_ptr<const RecordSet> FindRecords(std::string_view kind) const;
  void KeepRecords(std::shared_ptr<const RecordSet> records) const;

  // Memory in use, an estimate that leaves out what is kept beside the head.
  size_t bytes() const { return bytes_; }

 private:
  const int64_t version_;
  const int64_t as_of_change_;
  store::v1::SubjectHead head_;
  const crypto::SubjectKeys keys_;
  const size_t bytes_;

  mutable Mutex mu_;
  mutable std::shared_ptr<const void> slot_ ABSL_GUARDED_BY(mu_);
  mutable std::vector<std::shared_ptr<const RecordSet>> records_
      ABSL_GUARDED_BY(mu_);
  mutable size_t kept_bytes_ ABSL_GUARDED_BY(mu_) = 0;
};

// Opened heads and unwrapped keys of the subjects asked for last. Bounded in
// bytes and in number; the least recently used go first. Safe for many
// threads.
//
// What Find returns was current when the last Invalidate of the subject
// returned: a reader that read the old row, was overtaken by the change and
// its Invalidate, and only then calls Insert, is refused. For this it takes a
// Moment from before it reads the row, or, inside of a read transaction, from
// before that began.
class HeadCache {
 public:
  struct Options {
    size_t max_bytes = 96 << 20;
    // Below crypto::LockedSlab::capacity(), with room for the subjects that
    // are in use and no longer cached.
    size_t max_entries = 16384;
    // What is kept beside a head is counted as, whether there is any or not.
    size_t slot_bytes = 1024 + CachedSubject::kMaxKeptBytes;
  };

  explicit HeadCache(const Options& options);
  HeadCache(const HeadCache&) = delete;
  HeadCache& operator=(const HeadCache&) = delete;
  ~HeadCache();

  // Null when the subject is not there.
  std::shared_ptr<const CachedSubject> Find(uint64_t subject);

  class Moment {
   private:
    friend class HeadCache;
    std::array<uint64_t, 16> sequences_ = {};
  };
  Moment Now() const;

  // Keeps `entry`, unless its subject was invalidated at a version above it,
  // or too much else was, since `before`; `entry` is usable either way. An
  // entry of a lower version than the one kept is not taken.
  void Insert(const Moment& before, std::shared_ptr<const CachedSubject> entry);

  // The subject is at `version` now: older entries go and stay away. Called
  // by the committer's hook. INT64_MAX: whatever was read before now, for a
  // change of the subject's keys.
  void Invalidate(uint64_t subject, int64_t version);

  // Forgets everything, as Invalidate of every subject.
  void Clear();

  size_t entries() const;
  size_t bytes() const;

 private:
  static constexpr size_t kShards = 16;
  // Invalidations remembered by a shard, so that Insert can tell whether its
  // own subject was among them.
  static constexpr size_t kRemembered = 256;

  struct Shard {
    mutable Mutex mu;
    // Most recently used first.
    std::list<std::shared_ptr<const CachedSubject>> order ABSL_GUARDED_BY(mu);
    std::unordered_map<
        uint64_t, std::list<std::shared_ptr<const CachedSubject>>::iterator>
        by_subject ABSL_GUARDED_BY(mu);
    size_t bytes ABSL_GUARDED_BY(mu) = 0;
    // Number of invalidations so far, raised under the lock; the last
    // kRemembered of them, each at its number modulo kRemembered.
    std::atomic<uint64_t> sequence{0};
    // Insertions begun before this are refused.
    uint64_t floor ABSL_GUARDED_BY(mu) = 0;
    struct Invalidated {
      uint64_t subject = 0;
      int64_t version = 0;
    };
    std::array<Invalidated, kRemembered> recent ABSL_GUARDED_BY(mu) = {};
  };
  using Dropped = std::vector<std::shared_ptr<const CachedSubject>>;

  static size_t ShardOf(uint64_t subject) {
    return (subject * 0x9e3779b97f4a7c15u) >> 60;
  }
  static bool OvertakenLocked(const Shard& shard, uint64_t since,
                              const CachedSubject& entry)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard.mu);
  static void RemoveLocked(Shard* shard, uint64_t subject, Dropped* dropped)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard->mu);
  size_t CostOf(const CachedSubject& entry) const {
    return entry.bytes() + slot_bytes_;
  }

  const size_t max_bytes_per_shard_;
  const size_t max_entries_per_shard_;
  const size_t slot_bytes_;
  std::array<Shard, kShards> shards_;
};

}  // namespace consentry::vault

#endif  // CONSENTRY_GATEWAY_VAULT_HEAD_CACHE_H_
