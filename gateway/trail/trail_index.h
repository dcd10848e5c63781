#ifndef CONSENTRY_GATEWAY_TRAIL_TRAIL_INDEX_H_
#define CONSENTRY_GATEWAY_TRAIL_TRAIL_INDEX_H_

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audit/log/reader.h"
#include "gateway/base/threads.h"
#include "gateway/store/engine.h"
#include "gateway/store/reader_pool.h"
#include "gateway/trail/block_summary.h"
#include "gateway/trail/posting_run.h"
#include "proto/support/mutex.h"

namespace consentry::trail {

// Finds the subjects behind the tags of entries that were logged before this
// process began. Called by the index's thread; slow: one keyed hash for each
// living subject and month. The result maps tag (16 bytes) to subject number.
using TagResolver =
    std::function<absl::StatusOr<std::map<std::string, uint64_t, std::less<>>>(
        const std::vector<uint32_t>& months)>;

// Where entries about a subject, a client, a purpose stand in the log. Lies in
// an encrypted file of its own, follows the log behind the answers, is never
// the source of truth and can be deleted: it is rebuilt from the log. Holds
// subject numbers, which the log does not; is never backed up.
//
// Two structures, both written in order and in large steps, because an index
// entry has to cost a fraction of an answer: for blocks of 256 entries a
// summary of what occurs (queries pass over blocks and read entries from the
// log itself); for each stretch of the log the postings of subjects, sorted.
//
// Safe for many threads. Find and WaitUntilIndexed wait: not on threads that
// answer calls.
class TrailIndex {
 public:
  struct Options {
    // Stretch that is kept in memory before it is written.
    size_t postings_per_run = 65536;
    // Written at the latest this long after the last entry.
    std::chrono::milliseconds idle_flush = std::chrono::milliseconds(2000);
    // More runs shorter than postings_per_run than this are merged into one.
    size_t max_short_runs = 16;
  };

  // `engine` opens the index's own file; `reader` reads the log. Both outlive
  // the index. Entries that were logged after the last write are indexed in
  // the background with `resolve`. DataLoss when the index claims more than
  // the log holds: delete the file.
  static absl::StatusOr<std::unique_ptr<TrailIndex>> Open(
      store::Engine* engine, const audit::LogReader* reader,
      TagResolver resolve, const Options& options);
  TrailIndex(const TrailIndex&) = delete;
  TrailIndex& operator=(const TrailIndex&) = delete;
  // As Stop().
  ~TrailIndex();

  // Tells which subjects entry `index` is about, in the order of its items; 0
  // for an item without a subject. Called for every entry from the size of the
  // log at Open on, in order, at any time before or after the entry is
  // readable. Never waits for the disk.
  void Observe(uint64_t index, std::span<const int64_t> subjects);

  // Entries below this are in the index.
  uint64_t indexed_size() const;

  // Waits until indexed_size() >= `size`; false after `timeout`.
  bool WaitUntilIndexed(uint64_t size, std::chrono::milliseconds timeout);

  struct Hit {
    uint64_t index = 0;
    store::v1::Leaf leaf;
    // As it lies in the log.
    std::string bytes;
    // Items of the leaf that are about the subjects asked for; empty when none
    // were asked for.
    std::vector<uint16_t> items;
  };
  struct Page {
    // Newest first.
    std::vector<Hit> hits;
    // Where to go on: entries below this index are unseen; 0: none are left.
    uint64_t next = 0;
  };
  // Entries below `below` that match `filter` and, where `subjects` is not
  // empty, are about one of them; at most `limit`. May return fewer, or none,
  // with `next` above 0: a call looks at a bounded part of the log.
  absl::StatusOr<Page> Find(std::span<const uint64_t> subjects,
                            const EntryFilter& filter, uint64_t below,
                            size_t limit);

  // The subject of one item of one entry; 0 when there is none, or when its
  // rows are gone.
  absl::StatusOr<uint64_t> SubjectOf(uint64_t index, uint16_t item);

  // An entry of a walk. The subject of each item of the leaf; 0 for an item
  // without one, or whose rows are gone. Views hold during the call.
  struct Walked {
    uint64_t index = 0;
    const store::v1::Leaf* leaf = nullptr;
    std::span<const uint64_t> subjects;
  };
  // Shows every entry of [from, to) that matches `filter`, oldest first, to
  // `visit`, whose first error ends the walk. `to` is cut to indexed_size().
  // For sums over a span: in bounded memory, some microseconds an entry.
  absl::Status Walk(uint64_t from, uint64_t to, const EntryFilter& filter,
                    absl::FunctionRef<absl::Status(const Walked&)> visit);

  // Forgets that entries below `below`, which the log holds, are about these
  // subjects: afterwards nothing here ties one to them. Waits until the index
  // has reached that far. Unavailable when the index has failed or stops.
  absl::Status Forget(std::span<const uint64_t> subjects, uint64_t below);

  // Writes what is in memory and ends the thread.
  void Stop();

 private:
  TrailIndex(store::Engine* engine, const audit::LogReader* reader,
             TagResolver resolve, const Options& options);

  using Tags = std::map<std::string, uint64_t, std::less<>>;
  struct Observed {
    uint64_t index;
    std::vector<uint64_t> subjects;
  };

  absl::Status Load();
  void Run();
  absl::Status IndexGap(uint64_t end);
  absl::Status IndexByTags(uint64_t end, const Tags& tags);
  absl::Status IndexUpTo(uint64_t end);
  absl::Status AddEntry(uint64_t index, std::string_view bytes,
                        std::span<const uint64_t> subjects);
  absl::Status Flush();
  absl::Status MergeShortRuns();
  // What Forget waits for.
  struct Oblivion {
    std::vector<uint64_t> subjects;
    uint64_t below = 0;
    bool done = false;
    absl::Status status;
  };
  absl::Status ForgetWhatIsAsked();
  absl::Status RemovePostings(const Oblivion& asked);
  absl::Status RemoveFromRun(int64_t run, uint64_t subject, uint64_t below);
  absl::StatusOr<std::vector<Posting>> PostingsOf(
      std::span<const uint64_t> subjects, uint64_t below);
  absl::StatusOr<BlockSummary> SummaryOf(store::Connection* connection,
                                         uint64_t block);
  absl::StatusOr<Page> FindBySubject(std::span<const uint64_t> subjects,
                                     const EntryFilter& filter, uint64_t below,
                                     size_t limit);
  absl::StatusOr<Page> FindByScan(const EntryFilter& filter, uint64_t below,
                                  size_t limit);
  // Stretches of the log within each of which the same runs hold postings.
  struct Stretch {
    uint64_t begin = 0;
    uint64_t end = 0;
    std::vector<int64_t> runs;
  };
  absl::StatusOr<std::vector<Stretch>> StretchesOf(uint64_t from, uint64_t to);
  absl::Status WalkStretch(
      const Stretch& stretch, std::span<const Posting> recent,
      const EntryFilter& filter,
      absl::FunctionRef<absl::Status(const Walked&)> visit);

  // Constant after construction.
  store::Engine* const engine_;
  const audit::LogReader* const reader_;
  const TagResolver resolve_;
  const Options options_;
  std::unique_ptr<store::ReaderPool> readers_;

  // Used by the index's thread alone.
  std::unique_ptr<store::Connection> writer_;
  uint64_t observed_from_ = 0;
  uint64_t next_run_ = 1;

  mutable Mutex mu_;
  CondVar changed_;
  std::deque<Observed> observed_ ABSL_GUARDED_BY(mu_);
  // Postings and summaries since the last write, unsorted.
  std::vector<Posting> recent_ ABSL_GUARDED_BY(mu_);
  std::map<uint64_t, BlockSummary> open_blocks_ ABSL_GUARDED_BY(mu_);
  uint64_t indexed_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t flushed_ ABSL_GUARDED_BY(mu_) = 0;
  bool wanted_ ABSL_GUARDED_BY(mu_) = false;
  std::deque<std::shared_ptr<Oblivion>> oblivions_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  bool failed_ ABSL_GUARDED_BY(mu_) = false;

  std::unique_ptr<base::Thread> thread_;
};

}  // namespace consentry::trail

#endif  // CONSENTRY_GATEWAY_TRAIL_TRAIL_INDEX_H_
