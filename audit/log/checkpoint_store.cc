#include "audit/log/checkpoint_store.h"

#include <utility>

#include "audit/log/format.h"
#include "audit/merkle/proof.h"
#include "proto/support/status_macros.h"

namespace consentry::audit {
namespace {

std::string LatestPath(std::string_view folder) {
  return std::string(folder) + "/" + std::string(kCheckpointName);
}

std::string HistoryFolder(std::string_view folder) {
  return std::string(folder) + "/" + std::string(kCheckpointFolder);
}

// Sorts by size.
std::string HistoryPath(std::string_view folder, uint64_t size) {
  const std::string digits = std::to_string(size);
  return HistoryFolder(folder) + "/" + std::string(20 - digits.size(), '0') +
         digits;
}

}  // namespace

CheckpointStore::CheckpointStore(FileSystem* fs, std::string_view folder,
                                 const Signer* signer)
    : fs_(fs), folder_(folder), signer_(signer) {}

absl::StatusOr<std::unique_ptr<CheckpointStore>> CheckpointStore::Open(
    FileSystem* fs, std::string_view log_folder, const Signer* signer) {
  std::unique_ptr<CheckpointStore> store(
      new CheckpointStore(fs, log_folder, signer));
  CONSENTRY_RETURN_IF_ERROR(
      MakeDurableDirectory(fs, HistoryFolder(log_folder)));
  const std::string path = LatestPath(log_folder);
  CONSENTRY_ASSIGN_OR_RETURN(const bool exists, fs->Exists(path));
  if (!exists) return store;
  CONSENTRY_ASSIGN_OR_RETURN(std::string bytes,
                             ReadFile(fs, path, kMaxNoteBytes));
  CONSENTRY_ASSIGN_OR_RETURN(
      const NoteVerifier verifier,
      NoteVerifier::Create(signer->name(), signer->public_key()));
  absl::StatusOr<ParsedCheckpoint> parsed = ParseCheckpointNote(bytes);
  if (!parsed.ok()) {
    return absl::DataLossError(path + ": " +
                               std::string(parsed.status().message()));
  }
  if (parsed->checkpoint.origin != signer->name() ||
      CheckNote(parsed->note, {&verifier, 1}) != NoteTrust::kVerified) {
    return absl::DataLossError(path + " is not signed by the key of this log");
  }
  MutexLock lock(&store->mu_);
  store->latest_ =
      SignedCheckpoint{std::move(parsed->checkpoint), std::move(bytes)};
  return store;
}

std::optional<SignedCheckpoint> CheckpointStore::latest() const {
  MutexLock lock(&mu_);
  return latest_;
}

absl::Status CheckpointStore::Check(const Tree& tree) const {
  MutexLock lock(&mu_);
  return CheckLocked(tree, tree.size());
}

absl::Status CheckpointStore::CheckLocked(const Tree& tree,
                                          uint64_t size) const {
  if (!latest_.has_value() || latest_->checkpoint.size == 0) {
    return absl::OkStatus();
  }
  const Checkpoint& signed_before = latest_->checkpoint;
  if (size < signed_before.size) {
    return absl::DataLossError("the audit log has " + std::to_string(size) +
                               " entries and had " +
                               std::to_string(signed_before.size) +
                               " when its newest checkpoint was signed");
  }
  CONSENTRY_ASSIGN_OR_RETURN(const Hash root, tree.Root(size));
  CONSENTRY_ASSIGN_OR_RETURN(const std::vector<Hash> proof,
                             tree.ConsistencyProof(signed_before.size, size));
  if (!VerifyConsistency(signed_before.size, size, signed_before.root, root,
                         proof)
           .ok()) {
    return absl::DataLossError(
        "the first " + std::to_string(signed_before.size) +
        " entries of the audit log are not those that its newest checkpoint "
        "was signed over");
  }
  return absl::OkStatus();
}

absl::StatusOr<SignedCheckpoint> CheckpointStore::Sign(const Tree& tree) {
  MutexLock lock(&mu_);
  Checkpoint next;
  next.origin = signer_->name();
  next.size = tree.size();
  CONSENTRY_RETURN_IF_ERROR(CheckLocked(tree, next.size));
  if (latest_.has_value() && latest_->checkpoint.size == next.size) {
    return *latest_;
  }
  CONSENTRY_ASSIGN_OR_RETURN(next.root, tree.Root(next.size));
  CONSENTRY_ASSIGN_OR_RETURN(const Note note,
                             SignNote(FormatCheckpoint(next), *signer_));
  SignedCheckpoint made{next, FormatNote(note)};
  const uint64_t before =
      latest_.has_value() ? latest_->checkpoint.size / kKeepEvery : 0;
  if (next.size / kKeepEvery > before) {
    CONSENTRY_RETURN_IF_ERROR(
        ReplaceFile(fs_, HistoryPath(folder_, next.size), made.note));
  }
  CONSENTRY_RETURN_IF_ERROR(ReplaceFile(fs_, LatestPath(folder_), made.note));
  latest_ = made;
  return made;
}

absl::StatusOr<std::vector<std::string>> CheckpointStore::ReadAll(
    FileSystem* fs, std::string_view log_folder) {
  std::vector<std::string> notes;
  const std::string history = HistoryFolder(log_folder);
  CONSENTRY_ASSIGN_OR_RETURN(const bool has_history, fs->Exists(history));
  if (has_history) {
    CONSENTRY_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                               fs->List(history));
    for (const std::string& name : names) {
      if (name.size() != 20) continue;
      CONSENTRY_ASSIGN_OR_RETURN(
          std::string note, ReadFile(fs, history + "/" + name, kMaxNoteBytes));
      notes.push_back(std::move(note));
    }
  }
  const std::string latest = LatestPath(log_folder);
  CONSENTRY_ASSIGN_OR_RETURN(const bool has_latest, fs->Exists(latest));
  if (has_latest) {
    CONSENTRY_ASSIGN_OR_RETURN(std::string note,
                               ReadFile(fs, latest, kMaxNoteBytes));
    notes.push_back(std::move(note));
  }
  return notes;
}

}  // namespace consentry::audit
