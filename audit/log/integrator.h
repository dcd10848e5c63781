#ifndef CONSENTRY_AUDIT_LOG_INTEGRATOR_H_
#define CONSENTRY_AUDIT_LOG_INTEGRATOR_H_

#include <chrono>
#include <cstdint>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "audit/log/checkpoint_store.h"
#include "audit/log/reader.h"
#include "audit/log/tree.h"
#include "proto/support/mutex.h"

namespace consentry::audit {

// Follows a log with its tree and signs checkpoints, on a thread of its own: an
// entry is durable first, in the tree a moment later, and under a checkpoint
// within the interval. Nothing waits for it but those who ask for a proof.
class Integrator {
 public:
  struct Options {
    // One checkpoint in this time when entries came, more only when asked for.
    std::chrono::nanoseconds checkpoint_interval = std::chrono::seconds(1);
  };

  // All three must outlive the integrator. `checkpoints` may be null: then the
  // tree grows and nothing is signed.
  Integrator(const LogReader* log, Tree* tree, CheckpointStore* checkpoints,
             const Options& options);
  Integrator(const Integrator&) = delete;
  Integrator& operator=(const Integrator&) = delete;
  ~Integrator();  // Stop().

  // Brings the tree up to what the log holds now, on the calling thread. To be
  // called before Start().
  absl::Status CatchUp();

  void Start();
  // Catches up once more, signs, makes the tree durable and ends the thread.
  void Stop();

  // Waits until the newest checkpoint covers `size` entries; it is signed now,
  // without waiting for the interval. DeadlineExceeded after `timeout`; the
  // fault, once there is one that will not pass.
  absl::Status WaitForCheckpoint(uint64_t size,
                                 std::chrono::nanoseconds timeout);

  // The last fault. A full disk or a failing signer passes: it is tried again.
  // DataLoss does not, and ends the work; the log itself goes on.
  absl::Status status() const;

 private:
  void Run();
  absl::Status Integrate(uint64_t end);
  absl::Status SignNow();
  void Note(const absl::Status& status);

  const LogReader* const log_;
  Tree* const tree_;
  CheckpointStore* const checkpoints_;
  const Options options_;

  mutable Mutex mu_;
  CondVar changed_;
  absl::Status status_ ABSL_GUARDED_BY(mu_);
  uint64_t signed_size_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t wanted_size_ ABSL_GUARDED_BY(mu_) = 0;
  bool stop_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

}  // namespace consentry::audit

#endif  // CONSENTRY_AUDIT_LOG_INTEGRATOR_H_
