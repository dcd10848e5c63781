#include "audit/log/audit_log.h"

#include <utility>

#include "audit/log/format.h"
#include "proto/support/status_macros.h"

namespace consentry::audit {

absl::StatusOr<std::unique_ptr<AuditLog>> AuditLog::Open(
    FileSystem* fs, std::string_view folder, const Signer* signer,
    Options options, RecoveryReport* report) {
  std::unique_ptr<AuditLog> log(new AuditLog());
  options.writer.origin = signer->name();
  CONSENTRY_ASSIGN_OR_RETURN(
      log->writer_, LogWriter::Open(fs, folder, options.writer, report));
  log->reader_ = log->writer_->NewReader();
  CONSENTRY_ASSIGN_OR_RETURN(
      log->tree_,
      Tree::Open(fs, std::string(folder) + "/" + std::string(kTreeFolder)));
  CONSENTRY_ASSIGN_OR_RETURN(log->checkpoints_,
                             CheckpointStore::Open(fs, folder, signer));
  log->integrator_ =
      std::make_unique<Integrator>(log->reader_.get(), log->tree_.get(),
                                   log->checkpoints_.get(), options.integrator);
  CONSENTRY_RETURN_IF_ERROR(log->integrator_->CatchUp());
  absl::Status checked = log->checkpoints_->Check(*log->tree_);
  if (absl::IsDataLoss(checked)) {
    // Before the log is blamed: the tree is only a copy of it.
    CONSENTRY_RETURN_IF_ERROR(log->tree_->Clear());
    CONSENTRY_RETURN_IF_ERROR(log->integrator_->CatchUp());
    checked = log->checkpoints_->Check(*log->tree_);
  }
  CONSENTRY_RETURN_IF_ERROR(checked);
  log->integrator_->Start();
  return log;
}

AuditLog::~AuditLog() = default;

absl::StatusOr<TlogProof> AuditLog::Prove(uint64_t index,
                                          std::chrono::nanoseconds timeout) {
  if (index >= size()) {
    return absl::OutOfRangeError("no entry " + std::to_string(index) +
                                 " in a log of " + std::to_string(size()));
  }
  std::optional<SignedCheckpoint> newest = checkpoint();
  if (!newest.has_value() || newest->checkpoint.size <= index) {
    CONSENTRY_RETURN_IF_ERROR(
        integrator_->WaitForCheckpoint(index + 1, timeout));
    newest = checkpoint();
  }
  return MakeTlogProof(*reader_, *tree_, *newest, index);
}

absl::Status AuditLog::Close() {
  const absl::Status closed = writer_->Close();
  integrator_->Stop();
  CONSENTRY_RETURN_IF_ERROR(closed);
  return integrator_->status();
}

absl::StatusOr<TlogProof> MakeTlogProof(const LogReader& log, const Tree& tree,
                                        const SignedCheckpoint& checkpoint,
                                        uint64_t index) {
  TlogProof proof;
  proof.index = index;
  CONSENTRY_ASSIGN_OR_RETURN(
      proof.hashes, tree.InclusionProof(index, checkpoint.checkpoint.size));
  CONSENTRY_ASSIGN_OR_RETURN(std::string entry, log.Read(index));
  proof.extra = std::move(entry);
  proof.checkpoint = checkpoint.note;
  return proof;
}

}  // namespace consentry::audit
