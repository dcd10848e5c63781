#ifndef CONSENTRY_TESTS_TESTING_STORE_FIXTURE_H_
#define CONSENTRY_TESTS_TESTING_STORE_FIXTURE_H_

#include <future>
#include <memory>
#include <string>

#include "gateway/base/metrics.h"
#include "gateway/store/committer.h"
#include "gateway/store/engine.h"
#include "tests/testing/manual_clock.h"
#include "tests/testing/memory_log_sink.h"
#include "tests/testing/temp_dir.h"

namespace consentry::testing {

// A store with a committer over a log in memory; the same files and log when
// it is stopped and started again.
class StoreFixture {
 public:
  StoreFixture();
  ~StoreFixture() { Stop(); }

  // What Committer::Start gives; the committer is then committer().
  absl::Status Start(store::CommitterOptions options = {});
  void Stop() { committer_.reset(); }

  // A change of this fixture: sets subjects.version of `subject` (made when
  // absent) and `row` as its head. Its entry is "change <number> <subject>".
  static store::Change Put(int64_t subject, const std::string& row = "row",
                           bool negative = false);
  std::future<store::ChangeOutcome> CommitChange(store::Change change);

  // A read of this fixture: what the store says about `subject` now. Its entry
  // is "read <subject> <version>".
  store::ReadCommit Snapshot(int64_t subject);
  std::future<store::ReadOutcome> CommitRead(store::ReadCommit read);

  // The numbers of the changes in the log, in its order.
  std::vector<int64_t> LoggedChanges() const;
  int64_t Ask(const std::string& sql);

  store::Committer* committer() { return committer_.get(); }
  store::Engine* engine() { return engine_.get(); }
  MemoryLogSink& log() { return log_; }
  ManualClock& clock() { return clock_; }
  base::MetricRegistry& metrics() { return metrics_; }
  const TempDir& dir() const { return dir_; }

 private:
  TempDir dir_;
  ManualClock clock_;
  MemoryLogSink log_;
  base::MetricRegistry metrics_;
  std::unique_ptr<store::Engine> engine_;
  std::unique_ptr<store::Committer> committer_;
};

}  // namespace consentry::testing

#endif  // CONSENTRY_TESTS_TESTING_STORE_FIXTURE_H_
