#ifndef CONSENTRY_GATEWAY_STORE_CHANGE_H_
#define CONSENTRY_GATEWAY_STORE_CHANGE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "gateway/store/engine.h"
#include "gateway/store/release_ticket.h"
#include "gateway/store/turn_sum.h"

namespace consentry::store {

// A subject as a read saw it. A subject's version is the number of the change
// that last touched it; 0: never touched.
struct SubjectVersion {
  int64_t subject = 0;
  int64_t version = 0;

  bool operator==(const SubjectVersion&) const = default;
};

// Told of every entry once it is on stable storage, in the order of the log, on
// the committer's log thread: its index and the subjects that it is about, in
// the order of the leaf. Short, no I/O.
using LoggedObserver =
    std::function<void(uint64_t index, std::span<const int64_t> subjects)>;

// What a Change may see and do while it is applied. Lives for one application,
// on the committer's store thread.
class ChangeContext {
 public:
  ChangeContext(Connection* connection, int64_t number, int64_t now_us,
                int64_t configuration_epoch = 0)
      : connection_(connection),
        number_(number),
        now_us_(now_us),
        configuration_epoch_(configuration_epoch) {}
  ChangeContext(const ChangeContext&) = delete;
  ChangeContext& operator=(const ChangeContext&) = delete;

  // The writer, inside the change's own savepoint. Neither begins nor ends
  // transactions.
  Connection* connection() const { return connection_; }

  // The change's number: gap-free, from 1. It is the new version of every
  // subject touched and the new epoch of the configuration, and stands in the
  // audit entry.
  int64_t number() const { return number_; }

  // The time of the change: never before that of an earlier entry.
  int64_t now_us() const { return now_us_; }

  // The serialised audit entry that tells this change. Exactly one is required.
  void SetEntry(std::string leaf) { entry_ = std::move(leaf); }

  // What a repetition with the same request_id is answered with. Ids and
  // states only, or sealed.
  void SetResult(std::string result) { result_ = std::move(result); }

  // Reads that were decided on another version of `subject` go back. The
  // change itself writes number() into subjects.version.
  void Touch(int64_t subject) {
    touched_.push_back(subject);
    told_.push_back(subject);
  }

  // The entry tells of `subject`, whose version stays as it is. In the order of
  // the leaf's subjects, those of Touch among them.
  void TellOf(int64_t subject) { told_.push_back(subject); }

  // The configuration (packs, catalog, purposes, clients, roles) changed: its
  // epoch becomes number().
  void TouchConfiguration() { touches_configuration_ = true; }

  // The change takes something away from readers (withdrawal, objection,
  // opt-out, refusal, restriction, erasure, revocation): it bites at once, and
  // is answered only when every read committed before was handed over or
  // dropped. May be found out while applying. Never undone.
  void MarkNegative() { negative_ = true; }

  // What the change is answered with says that something may be used now (a
  // signed release): its outcome carries a ticket, as that of a read does, so
  // that a later negative change waits for it.
  void MarkReleasing() { releasing_ = true; }

  // Run on the committer's log thread once the store holds the change and
  // before any further read is let through: for what is kept in memory (caches,
  // the configuration). Any read that relies on it is logged behind this
  // change, so that nothing is released on a grant that the log does not hold.
  // Hooks run in the order of change numbers. Short, no I/O.
  void OnStored(absl::AnyInvocable<void()> hook) {
    on_stored_.push_back(std::move(hook));
  }

  // Adds to `sum`, which outlives the committer, if the change is kept.
  void AddTo(TurnSum* sum, TurnSum::Increment increment) {
    increments_.emplace_back(sum, std::move(increment));
  }

  // Aborted (reason ETAG_MISMATCH) unless the subject is at `version`: the
  // precondition of a change that was computed from what it read.
  absl::Status RequireVersion(int64_t subject, int64_t version) const;

  // The same for the epoch of the configuration.
  absl::Status RequireConfiguration(int64_t epoch) const;

 private:
  // The committer reads what was set.
  friend class StoreStage;

  Connection* const connection_;
  const int64_t number_;
  const int64_t now_us_;
  const int64_t configuration_epoch_;
  std::optional<std::string> entry_;
  std::string result_;
  std::vector<int64_t> touched_;
  std::vector<int64_t> told_;
  std::vector<absl::AnyInvocable<void()>> on_stored_;
  std::vector<std::pair<TurnSum*, TurnSum::Increment>> increments_;
  bool touches_configuration_ = false;
  bool negative_ = false;
  bool releasing_ = false;
};

// What makes a write repeatable: the same four give the same result for 24
// hours; the first two with another method or hash are REQUEST_ID_REUSED.
struct RequestBinding {
  std::string client;
  std::string request_id;
  std::string method;
  std::string request_hash;  // Of the canonical request, without request_id.
};

struct Change {
  // Writes its rows and sets its entry. An error undoes what it wrote and is
  // the outcome; nothing else is affected. May be called again after a failure
  // of the transaction around it, so that effects go through the context only.
  absl::AnyInvocable<absl::Status(ChangeContext&)> apply;

  // Known beforehand to be negative (see MarkNegative): goes ahead of others
  // that wait, is accepted when the disk is nearly full, never refused for
  // want of room in the queue.
  bool negative = false;

  std::optional<RequestBinding> request;
};

struct ChangeOutcome {
  // Errors of apply as they were; REQUEST_ID_REUSED; STORE_UNAVAILABLE (not
  // applied); AUDIT_UNAVAILABLE (not applied); STOPPING (not applied);
  // UNKNOWN_OUTCOME: stored, and its entry will be in the log after the next
  // start, but the log failed first.
  absl::Status status;
  int64_t change = 0;      // Its number; also of a repetition.
  uint64_t log_index = 0;  // Of its entry; 0 for a repetition.
  std::string result;
  bool repeated = false;
  // Of a change that releases something (ChangeContext::MarkReleasing): keep it
  // until the answer was handed over or dropped. Null for all others.
  std::shared_ptr<ReleaseTicket> ticket = nullptr;
};

// Runs once, on the committer's completion thread; that of a negative change
// after Stop() on the thread that hands over the last earlier read. Must not
// block.
using ChangeCompletion = absl::AnyInvocable<void(ChangeOutcome)>;

}  // namespace consentry::store

#endif  // CONSENTRY_GATEWAY_STORE_CHANGE_H_
