#include "tests/promises/offline_log.h"

#include <algorithm>
#include <utility>

#include "audit/io/file.h"
#include "audit/log/checkpoint_store.h"
#include "audit/log/note.h"
#include "audit/log/reader.h"
#include "audit/verify/verify.h"
#include "gateway/server/config.h"
#include "gateway/server/gateway.h"
#include "proto/support/status_macros.h"

namespace consentry::testing {

absl::StatusOr<std::unique_ptr<OfflineLog>> OfflineLog::Make(
    const std::string& folder) {
  std::unique_ptr<OfflineLog> log(new OfflineLog());
  CONSENTRY_ASSIGN_OR_RETURN(const server::Config config,
                             server::LoadConfig(folder, server::PackIds()));
  CONSENTRY_ASSIGN_OR_RETURN(const crypto::RootKey root,
                             server::LoadRootKey(config.message.keys()));
  log->tokens_ = std::make_unique<crypto::OpaqueTokens>(root);
  log->log_folder_ = config.DataFile(server::kLogFolder);
  CONSENTRY_ASSIGN_OR_RETURN(
      log->vkey_, audit::ReadFile(audit::FileSystem::Posix(),
                                  folder + "/log-verifier.txt", 4096));
  while (!log->vkey_.empty() && log->vkey_.back() == '\n') {
    log->vkey_.pop_back();
  }
  return log;
}

absl::StatusOr<audit::VerifyReport> OfflineLog::VerifyAndRead() {
  audit::FileSystem* const fs = audit::FileSystem::Posix();
  CONSENTRY_ASSIGN_OR_RETURN(audit::NoteVerifier key,
                             audit::NoteVerifier::FromVkey(vkey_));
  CONSENTRY_ASSIGN_OR_RETURN(audit::VerifyReport report,
                             audit::Verify(fs, log_folder_,
                                           {.key = std::move(key),
                                            .checkpoint = checkpoint_,
                                            .progress = nullptr}));
  CONSENTRY_ASSIGN_OR_RETURN(const std::vector<std::string> notes,
                             audit::CheckpointStore::ReadAll(fs, log_folder_));
  if (!notes.empty()) checkpoint_ = notes.back();
  CONSENTRY_ASSIGN_OR_RETURN(const auto reader,
                             audit::LogReader::Open(fs, log_folder_));
  bool whole = true;
  CONSENTRY_RETURN_IF_ERROR(reader->Scan(
      leaves_.size(), reader->size(), [&](uint64_t, std::string_view entry) {
        whole = leaves_.emplace_back().ParseFromArray(
            entry.data(), static_cast<int>(entry.size()));
        return whole;
      }));
  if (!whole) return absl::DataLossError("an entry of the log is no leaf");
  return report;
}

std::optional<OfflineLog::Place> OfflineLog::Find(
    std::string_view token) const {
  const auto kind = token.substr(0, 4) == "dec_" ? crypto::TokenKind::kDecision
                                                 : crypto::TokenKind::kAudit;
  const auto payload = tokens_->Decode(kind, token);
  if (!payload.ok()) return std::nullopt;
  Place place;
  place.position = crypto::LogPosition::Unpack(*payload);
  if (place.position.index >= leaves_.size()) return std::nullopt;
  place.leaf = &leaves_[place.position.index];
  uint16_t item = place.position.item;
  if (item < place.leaf->subjects_size()) {
    place.subject = &place.leaf->subjects(item);
  }
  return place;
}

}  // namespace consentry::testing
