#ifndef CONSENTRY_GATEWAY_STORE_COMMITTER_H_
#define CONSENTRY_GATEWAY_STORE_COMMITTER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/base/clock.h"
#include "gateway/base/metrics.h"
#include "gateway/store/change.h"
#include "gateway/store/engine.h"
#include "gateway/store/log_sink.h"
#include "gateway/store/release_ticket.h"

namespace consentry::store {

// A decided read on its way into the log.
struct ReadCommit {
  // The serialised leaf.
  std::string entry;
  // All subjects that it was decided on, at most 256.
  std::vector<SubjectVersion> subjects;
  // Committer::LastStored() from before the snapshot began (from before the
  // head was read, where the head comes from a cache).
  int64_t as_of_change = 0;
  // The epoch of the configuration that it was decided under.
  int64_t configuration_epoch = 0;
  // When it was decided; from Committer::NowUs().
  int64_t decided_at_us = 0;
  // The earliest expiry that it relies on; INT64_MAX: none.
  int64_t decided_until_us = INT64_MAX;
};

struct ReadOutcome {
  enum class Kind {
    kCommitted,  // On stable storage: hand over, then destroy the ticket.
    kStale,      // Something it was decided on changed: take a new snapshot,
                 // past any cache of these subjects.
    kFailed,     // `status` says why: nothing may be handed over.
  };
  Kind kind = Kind::kFailed;
  absl::Status status;  // AUDIT_UNAVAILABLE or STOPPING when kFailed.
  uint64_t log_index = 0;
  ReleaseTicket ticket;
};

// Runs once, on the completion thread, in the order of the log; for kStale and
// kFailed perhaps on the calling thread. Must not block.
using ReadCompletion = absl::AnyInvocable<void(ReadOutcome)>;

struct CommitterOptions {
  // How many subjects the map of recent changes holds; a snapshot from before
  // it began goes back.
  size_t recent_changes = 1 << 16;
  // Waiting reads and changes beyond which new ones are refused. Negative
  // changes are not.
  size_t max_waiting_reads = 1 << 16;
  size_t max_waiting_changes = 1 << 14;

  // Bytes that are free on the volume of store and log; asked some ten times a
  // second. Empty: the disk is taken to be endless.
  std::function<absl::StatusOr<uint64_t>()> free_bytes = nullptr;
  // Below this, reads and all but negative changes are refused.
  uint64_t high_water_bytes = uint64_t{256} << 20;
  // Written full at start; given up, so that negative changes find room, when
  // less than half of the high-water mark is free. Empty: none.
  std::string reserve_path = {};
  uint64_t reserve_bytes = uint64_t{64} << 20;

  // See LoggedObserver. Entries that recovery appends are not told.
  LoggedObserver on_logged = nullptr;

  // Called, from a thread of the committer or from Start() and Stop(), whenever
  // `serving` changes; first, perhaps before Start() has returned, with true.
  std::function<void(bool serving)> on_serving = nullptr;
  base::MetricRegistry* metrics = base::MetricRegistry::Global();
};

// Everything that is written to the store, and every entry of the audit log
// about reads and changes, passes through here, in two stages of one thread
// each; a third thread tells callers the outcome, in order.
//
//   CommitChange -> store stage: one transaction for many changes
//                        |
//   CommitRead ----> log stage: one append and sync for many entries
//                        |
//                   completion
//
// What holds, whatever crashes:
//  - A read is completed as committed only after its entry is on stable
//    storage, and only if nothing that it was decided on had changed when the
//    log stage took it.
//  - A change is completed only after both its rows and its entry are on
//    stable storage. Entries of changes are in the log in the order of their
//    numbers, without a gap and without a repetition, crashes included.
//  - The entry of a change precedes the entry of every read that saw it.
//  - A negative change is completed only when every read committed in an
//    earlier batch was handed over or dropped, and no read decided before it
//    is let through any more.
//  - Once an append fails nothing is ever released or changed again by this
//    object: every waiter fails and serving() is false.
// The arguments for these stand in committer.cc beside the code.
//
// Safe for many threads.
class Committer {
 public:
  // Migrates the store, recovers, then serves: what the outbox holds above the
  // last change in the log is appended to the log first. Refuses (DataLoss) a
  // store that is older than the log, a log that is shorter than the store
  // remembers or has another root, and a gap in the outbox. `clock`, `engine`,
  // `log` outlive the committer; nothing else writes the store meanwhile.
  static absl::StatusOr<std::unique_ptr<Committer>> Start(
      Engine* engine, LogSink* log, const base::Clock* clock,
      const CommitterOptions& options = {});
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;
  // As Stop().
  ~Committer();

  void CommitRead(ReadCommit read, ReadCompletion done);
  void CommitChange(Change change, ChangeCompletion done);
  // The same for a caller that may wait. Not from a completion.
  ChangeOutcome CommitChangeAndWait(Change change);

  // The number of the last change that is in the store and whose OnStored hooks
  // have run: what is read after this call, from the store or from a cache that
  // such a hook keeps fresh, shows that change and all before it. Take it
  // before a snapshot begins.
  int64_t LastStored() const;

  // The number of the last change of the configuration. Reads decided under
  // another go back; a configuration in memory carries its own epoch and is
  // exchanged by ChangeContext::OnStored.
  int64_t configuration_epoch() const;

  // The wall clock, but never before the time of any entry.
  int64_t NowUs() const;

  // False for ever after a failure of the log; false while the disk is nearly
  // full, and after Stop().
  bool serving() const;

  // See ReleaseTracker::SetDropListener. Set once, before the first read.
  void SetDropListener(absl::AnyInvocable<void(uint64_t batch)> listener);

  // Refuses what comes from now on (STOPPING), completes what was accepted,
  // and ends the threads. Tickets may outlive it.
  void Stop();

 private:
  class Impl;
  explicit Committer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace consentry::store

#endif  // CONSENTRY_GATEWAY_STORE_COMMITTER_H_
