#ifndef CONSENTRY_AUDIT_LOG_AUDIT_LOG_H_
#define CONSENTRY_AUDIT_LOG_AUDIT_LOG_H_

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audit/io/file.h"
#include "audit/log/checkpoint_store.h"
#include "audit/log/integrator.h"
#include "audit/log/reader.h"
#include "audit/log/signer.h"
#include "audit/log/tlog_proof.h"
#include "audit/log/tree.h"
#include "audit/log/writer.h"

namespace consentry::audit {

// A whole log in one folder, as a gateway holds it: the writer, a reader, the
// tree behind them and its signed checkpoints. Safe for many threads.
//
// An entry passes three stages: durable when Append() returns; in the tree
// moments later; under a signed checkpoint within the interval. Only the first
// is waited for before data is released.
class AuditLog {
 public:
  struct Options {
    // `origin` is set from the signer's name.
    LogWriter::Options writer;
    Integrator::Options integrator;
  };

  // Opens the log, brings its tree up to date and checks that it continues the
  // newest checkpoint. Errors as LogWriter::Open; DataLoss when the log is
  // shorter than, or differs from, what was signed. `signer` must outlive it.
  static absl::StatusOr<std::unique_ptr<AuditLog>> Open(FileSystem* fs,
                                                        std::string_view folder,
                                                        const Signer* signer,
                                                        Options options,
                                                        RecoveryReport* report);

  ~AuditLog();

  absl::StatusOr<uint64_t> Append(std::span<const std::string_view> entries) {
    return writer_->Append(entries);
  }
  bool healthy() const { return writer_->healthy(); }
  uint64_t size() const { return reader_->size(); }

  LogWriter& writer() { return *writer_; }
  const LogReader& reader() const { return *reader_; }
  const Tree& tree() const { return *tree_; }
  Integrator& integrator() { return *integrator_; }
  std::optional<SignedCheckpoint> checkpoint() const {
    return checkpoints_->latest();
  }

  // A proof file for entry `index` under the newest checkpoint, with the entry
  // inside. Waits up to `timeout` for a checkpoint that covers it:
  // DeadlineExceeded after that.
  absl::StatusOr<TlogProof> Prove(uint64_t index,
                                  std::chrono::nanoseconds timeout);

  // Ends in good order: a last checkpoint over all entries, and the mark by
  // which the next start knows it.
  absl::Status Close();

 private:
  AuditLog() = default;

  std::unique_ptr<LogWriter> writer_;
  std::unique_ptr<LogReader> reader_;
  std::unique_ptr<Tree> tree_;
  std::unique_ptr<CheckpointStore> checkpoints_;
  std::unique_ptr<Integrator> integrator_;
};

// The same proof from a log at rest, or from a copy: under the checkpoint
// `note`, which must be of that log.
absl::StatusOr<TlogProof> MakeTlogProof(const LogReader& log, const Tree& tree,
                                        const SignedCheckpoint& checkpoint,
                                        uint64_t index);

}  // namespace consentry::audit

#endif  // CONSENTRY_AUDIT_LOG_AUDIT_LOG_H_
