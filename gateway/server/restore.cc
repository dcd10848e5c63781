#include "gateway/server/restore.h"

#include <sodium.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "audit/io/file.h"
#include "audit/log/audit_log.h"
#include "audit/log/checkpoint.h"
#include "audit/log/format.h"
#include "audit/log/note.h"
#include "audit/merkle/hash.h"
#include "gateway/clients/configuration.h"
#include "gateway/crypto/backup_stream.h"
#include "gateway/crypto/note_signer.h"
#include "gateway/crypto/recovery_key.h"
#include "gateway/crypto/request_digest.h"
#include "gateway/crypto/subject_tag.h"
#include "gateway/erasure/erasure_desk.h"
#include "gateway/erasure/erasure_rows.h"
#include "gateway/erasure/suppression_list.h"
#include "gateway/fairness/fairness_rows.h"
#include "gateway/fairness/interruption.h"
#include "gateway/fairness/lost_audits.h"
#include "gateway/server/config.h"
#include "gateway/server/gateway.h"
#include "gateway/server/wire_screening.h"
#include "gateway/store/audit_log_sink.h"
#include "gateway/store/committer.h"
#include "gateway/store/sqlcipher/engine.h"
#include "gateway/upkeep/backup_file.h"
#include "gateway/upkeep/backups.h"
#include "gateway/upkeep/link_replay.h"
#include "gateway/upkeep/log_replay.h"
#include "gateway/upkeep/store_restore.h"
#include "gateway/vault/head_edit.h"
#include "gateway/vault/merges.h"
#include "proto/support/status_macros.h"

namespace consentry::server {
namespace {

using upkeep::BackupKind;
using upkeep::BackupReader;

constexpr size_t kCopyBytes = size_t{1} << 20;
constexpr size_t kMaxNote = size_t{64} << 10;
constexpr int kSubjectsPerChange = 64;
constexpr char kRestoredStore[] = "store.db.restored";
constexpr char kRestoredSlots[] = "slots.restored";

audit::FileSystem* Fs() { return audit::FileSystem::Posix(); }

absl::Status RemoveIfThere(const std::string& path) {
  const absl::Status removed = Fs()->Remove(path);
  return absl::IsNotFound(removed) ? absl::OkStatus() : removed;
}

absl::Status RemoveStore(const std::string& path) {
  for (const char* suffix : {"", "-wal", "-shm"}) {
    CONSENTRY_RETURN_IF_ERROR(RemoveIfThere(path + suffix));
  }
  return absl::OkStatus();
}

// In full: no later sync of the log may have to record a change of its size.
absl::Status CopyWhole(const std::string& from, const std::string& to) {
  CONSENTRY_ASSIGN_OR_RETURN(const auto source,
                             Fs()->Open(from, audit::FileSystem::Mode::kRead));
  CONSENTRY_RETURN_IF_ERROR(RemoveIfThere(to));
  CONSENTRY_ASSIGN_OR_RETURN(const auto target,
                             Fs()->Open(to, audit::FileSystem::Mode::kCreate));
  for (uint64_t at = 0;;) {
    CONSENTRY_ASSIGN_OR_RETURN(const std::string bytes,
                               source->ReadAt(at, kCopyBytes));
    if (bytes.empty()) break;
    CONSENTRY_RETURN_IF_ERROR(target->WriteAt(at, bytes));
    at += bytes.size();
  }
  return target->Sync();
}

class Restoration {
 public:
  explicit Restoration(const RestoreOptions& options) : options_(options) {}

  absl::StatusOr<RestoreReport> Run();

 private:
  absl::Status Before(std::string_view step) const {
    return options_.before_step == nullptr ? absl::OkStatus()
                                           : options_.before_step(step);
  }
  std::string File(const char* name) const { return config_.DataFile(name); }
  const std::string& origin() const {
    return config_.message.storage().log_origin();
  }

  absl::Status OpenRoot();
  absl::StatusOr<std::unique_ptr<BackupReader>> OpenData() const;
  absl::Status TakeKeys();
  absl::Status OpenKeys();
  absl::Status TakeLog();
  absl::Status OpenLog();
  absl::Status CheckCheckpoint();
  absl::Status NoteBegin(const store::v1::BackupHeader& header);
  absl::Status RepeatErasures();
  absl::Status BuildStore();
  absl::Status Redo(const upkeep::ReplayEntry& entry,
                    store::ChangeContext& context, store::v1::Leaf* leaf);
  absl::Status CancelErasures();
  absl::Status InterruptMonitors();
  absl::Status RenewReleaseKey();
  absl::Status ReplayAll();
  absl::StatusOr<store::ChangeOutcome> Commit(
      std::string_view event,
      std::function<absl::Status(store::ChangeContext&, store::v1::Leaf*)>
          apply);

  const RestoreOptions options_;
  Config config_;
  RestoreReport report_;
  crypto::LockedSlab slab_;
  std::unique_ptr<crypto::RootKey> root_;
  std::unique_ptr<crypto::NoteSigner> signer_;
  std::unique_ptr<crypto::EpochFile> epochs_;
  std::unique_ptr<crypto::SlotFile> slots_;
  std::unique_ptr<audit::AuditLog> log_;
  uint64_t log_size_ = 0;  // Before the restore's own entries.
  store::v1::BackupHeader header_;
  upkeep::LogReplay replay_;
  vault::HeadCache cache_{vault::HeadCache::Options{}};
  std::unique_ptr<store::Engine> engine_;
  std::unique_ptr<store::AuditLogSink> sink_;
  std::unique_ptr<store::Committer> committer_;
};

absl::Status Restoration::OpenRoot() {
  const config::v1::Keys& keys = config_.message.keys();
  CONSENTRY_ASSIGN_OR_RETURN(auto log_key,
                             crypto::SigningKey::Load(keys.log_key_file()));
  CONSENTRY_ASSIGN_OR_RETURN(
      signer_, crypto::NoteSigner::Create(origin(), std::move(log_key)));
  if (keys.has_root_key_file() && !options_.keys_file.empty()) {
    // A new machine: epochs come from the backup, so any root key will do.
    CONSENTRY_ASSIGN_OR_RETURN(const bool exists,
                               Fs()->Exists(keys.root_key_file()));
    if (!exists) {
      CONSENTRY_RETURN_IF_ERROR(
          crypto::RootKey::Create(keys.root_key_file()).status());
    }
  }
  CONSENTRY_ASSIGN_OR_RETURN(auto root, LoadRootKey(keys));
  root_ = std::make_unique<crypto::RootKey>(std::move(root));
  return absl::OkStatus();
}

// Epochs and slots from their backup, each whole or as it was.
absl::Status Restoration::TakeKeys() {
  if (options_.keys_file.empty()) return absl::OkStatus();
  CONSENTRY_ASSIGN_OR_RETURN(const auto recovery,
                             crypto::RecoveryKey::Parse(options_.recovery_key));
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto backup,
      BackupReader::Open(
          Fs(), options_.keys_file, BackupKind::kKeys,
          [&recovery](const crypto::ObjectId&, std::string_view key,
                      std::string_view header) {
            return crypto::StreamOpener::WithRecoveryKey(recovery, key, header);
          }));
  const store::v1::BackupHeader& header = backup->header();
  if (header.log_origin() != origin()) {
    return absl::DataLossError("the backup of keys is of another gateway");
  }
  if (header.expires_us() != 0 &&
      header.expires_us() <= options_.clock->NowUs()) {
    return absl::FailedPreconditionError(
        "the backup of keys has expired: certificates of erasure say that "
        "nothing of it is used any more");
  }
  const std::string slots = File(kRestoredSlots);
  CONSENTRY_RETURN_IF_ERROR(RemoveIfThere(slots));
  {
    CONSENTRY_ASSIGN_OR_RETURN(
        const auto file, Fs()->Open(slots, audit::FileSystem::Mode::kCreate));
    uint64_t at = 0;
    while (true) {
      CONSENTRY_ASSIGN_OR_RETURN(const auto frame, backup->Next());
      if (!frame.has_value()) break;
      if (frame->content_case() != store::v1::BackupFrame::kSlots) {
        return absl::DataLossError("the backup of keys holds something else");
      }
      CONSENTRY_RETURN_IF_ERROR(file->WriteAt(at, frame->slots()));
      at += frame->slots().size();
    }
    if (at != backup->end().count()) {
      return absl::DataLossError("the backup of keys lacks slots");
    }
    CONSENTRY_RETURN_IF_ERROR(file->Sync());
  }
  const std::string words = upkeep::SignedWords(backup->Digest());
  const std::string& signature = backup->end().signature();
  const std::string key = signer_->public_key();
  if (signature.size() != crypto_sign_BYTES ||
      crypto_sign_verify_detached(
          reinterpret_cast<const uint8_t*>(signature.data()),
          reinterpret_cast<const uint8_t*>(words.data()), words.size(),
          reinterpret_cast<const uint8_t*>(key.data())) != 0) {
    RemoveIfThere(slots).IgnoreError();
    return absl::DataLossError(
        "the backup of keys is not signed by the key of this gateway's log");
  }
  CONSENTRY_RETURN_IF_ERROR(Before("take_keys"));
  CONSENTRY_ASSIGN_OR_RETURN(
      epochs_,
      crypto::EpochFile::Import(
          Fs(), config_.message.keys().epoch_file(), *root_,
          std::span(reinterpret_cast<const uint8_t*>(header.epochs().data()),
                    header.epochs().size())));
  epochs_.reset();
  CONSENTRY_RETURN_IF_ERROR(Before("take_slots"));
  CONSENTRY_RETURN_IF_ERROR(Fs()->Rename(slots, File(kSlotFile)));
  return Fs()->SyncDirectory(config_.message.storage().data_directory());
}

absl::Status Restoration::OpenKeys() {
  CONSENTRY_ASSIGN_OR_RETURN(
      epochs_, crypto::EpochFile::Open(
                   Fs(), config_.message.keys().epoch_file(), *root_));
  CONSENTRY_ASSIGN_OR_RETURN(slots_,
                             crypto::SlotFile::Open({.fs = Fs(),
                                                     .path = File(kSlotFile),
                                                     .epochs = epochs_.get(),
                                                     .slab = &slab_}));
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<BackupReader>> Restoration::OpenData() const {
  const auto epochs = epochs_->keys();
  CONSENTRY_ASSIGN_OR_RETURN(
      auto backup,
      BackupReader::Open(
          Fs(), options_.data_file, BackupKind::kData,
          [&epochs](const crypto::ObjectId& id, std::string_view key,
                    std::string_view header) {
            return crypto::StreamOpener::WithSystemKey(*epochs, id, key,
                                                       header);
          }));
  if (backup->header().log_origin() != origin()) {
    return absl::DataLossError("the backup of data is of another gateway");
  }
  return backup;
}

// The longer of the log that is here and the copy.
absl::Status Restoration::TakeLog() {
  if (options_.log_folder.empty()) return absl::OkStatus();
  const std::string here = File(kLogFolder);
  const auto size_of = [](const std::string& folder) -> uint64_t {
    const auto reader = audit::LogReader::Open(Fs(), folder);
    return reader.ok() ? (*reader)->size() : 0;
  };
  CONSENTRY_ASSIGN_OR_RETURN(const auto copy,
                             audit::LogReader::Open(Fs(), options_.log_folder));
  if (size_of(here) >= copy->size()) return absl::OkStatus();
  CONSENTRY_RETURN_IF_ERROR(Before("take_log"));
  std::error_code ignored;
  std::filesystem::remove_all(here, ignored);
  const std::string segments = here + "/" + std::string(audit::kSegmentFolder);
  CONSENTRY_RETURN_IF_ERROR(audit::MakeDurableDirectory(Fs(), here));
  CONSENTRY_RETURN_IF_ERROR(audit::MakeDurableDirectory(Fs(), segments));
  const std::string from =
      options_.log_folder + "/" + std::string(audit::kSegmentFolder);
  CONSENTRY_ASSIGN_OR_RETURN(const std::vector<std::string> names,
                             Fs()->List(from));
  for (const std::string& name : names) {
    if (name.size() < 4 || name.substr(name.size() - 4) != ".seg") continue;
    CONSENTRY_RETURN_IF_ERROR(
        CopyWhole(from + "/" + name, segments + "/" + name));
  }
  CONSENTRY_RETURN_IF_ERROR(Fs()->SyncDirectory(segments));
  CONSENTRY_ASSIGN_OR_RETURN(const bool signed_once,
                             Fs()->Exists(options_.log_folder + "/checkpoint"));
  if (!signed_once) return absl::OkStatus();
  CONSENTRY_ASSIGN_OR_RETURN(
      const std::string note,
      audit::ReadFile(Fs(), options_.log_folder + "/checkpoint", kMaxNote));
  return audit::ReplaceFile(Fs(), here + "/checkpoint", note);
}

absl::Status Restoration::OpenLog() {
  audit::RecoveryReport found;
  CONSENTRY_ASSIGN_OR_RETURN(
      log_,
      audit::AuditLog::Open(Fs(), File(kLogFolder), signer_.get(), {}, &found));
  log_size_ = log_->size();
  report_.log_size = log_size_;
  return CheckCheckpoint();
}

// Only a checkpoint from outside shows that the log was not cut.
absl::Status Restoration::CheckCheckpoint() {
  const auto lossy = [this](std::string_view why) -> absl::Status {
    if (options_.accept_loss) {
      report_.uncertain = true;
      return absl::OkStatus();
    }
    return absl::FailedPreconditionError(absl::StrCat(
        std::string(why),
        "; with --accept-loss every consent is uncertain until it is renewed"));
  };
  if (log_size_ < slots_->log_size() || log_size_ < slots_->erased_through()) {
    CONSENTRY_RETURN_IF_ERROR(
        lossy("the log is shorter than the key slots remember"));
    CONSENTRY_RETURN_IF_ERROR(slots_->ForgetLogBeyond(log_size_));
  }
  if (options_.checkpoint_file.empty()) {
    return lossy(
        "a restore needs the newest checkpoint that was kept outside "
        "(--checkpoint)");
  }
  CONSENTRY_ASSIGN_OR_RETURN(
      const std::string text,
      audit::ReadFile(Fs(), options_.checkpoint_file, kMaxNote));
  CONSENTRY_ASSIGN_OR_RETURN(const auto parsed,
                             audit::ParseCheckpointNote(text));
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto verifier,
      audit::NoteVerifier::Create(origin(), signer_->public_key()));
  if (parsed.checkpoint.origin != origin() ||
      audit::CheckNote(parsed.note, std::span(&verifier, 1)) !=
          audit::NoteTrust::kVerified) {
    return absl::DataLossError("the checkpoint is not of this gateway's log");
  }
  if (parsed.checkpoint.size > log_size_) {
    return lossy(
        absl::StrCat("the log is shorter than the checkpoint: ", log_size_,
                     " of ", parsed.checkpoint.size, " entries"));
  }
  CONSENTRY_ASSIGN_OR_RETURN(const audit::Hash root,
                             log_->tree().Root(parsed.checkpoint.size));
  if (root != parsed.checkpoint.root) {
    return absl::DataLossError("the log is not the one of the checkpoint");
  }
  return absl::OkStatus();
}

// Before anything is changed that a gateway would read.
absl::Status Restoration::NoteBegin(const store::v1::BackupHeader& header) {
  store::v1::Leaf leaf;
  leaf.set_time_us(options_.clock->NowUs());
  leaf.set_event("system.restore_begun");
  leaf.set_bundle_hash(header.bundle_hash());
  leaf.add_details(absl::StrCat("backup_of=", header.created_us()));
  leaf.add_details(absl::StrCat("backup_log_size=", header.log_size()));
  leaf.add_details(absl::StrCat("backup_change=", header.last_change()));
  leaf.add_details(absl::StrCat("entries=", log_size_));
  if (!options_.keys_file.empty()) leaf.add_details("keys=backup");
  if (report_.uncertain) leaf.add_details("accept_loss");
  const std::string entry = clients::CanonicalBytes(leaf);
  const std::string_view view = entry;
  return log_->Append(std::span(&view, 1)).status();
}

// Keys that an older backup of keys brought back go again.
absl::Status Restoration::RepeatErasures() {
  CONSENTRY_ASSIGN_OR_RETURN(
      replay_, upkeep::ReadReplay(log_->reader(), *slots_, origin(),
                                  std::min(header_.log_size(), log_size_),
                                  header_.last_change()));
  report_.about_nobody = static_cast<int64_t>(replay_.about_nobody);
  for (const auto& [subject, erasure] : replay_.erasures) {
    if (!erasure.begun) {
      ++report_.erasures_open;
      continue;
    }
    CONSENTRY_ASSIGN_OR_RETURN(const auto info, slots_->Info(subject));
    if (info.state != crypto::SlotState::kLive ||
        info.log_index >= erasure.index) {
      continue;
    }
    CONSENTRY_RETURN_IF_ERROR(slots_->Destroy(subject, erasure.index));
    ++report_.erased;
  }
  return absl::OkStatus();
}

absl::Status Restoration::BuildStore() {
  const std::string path = File(kRestoredStore);
  CONSENTRY_RETURN_IF_ERROR(RemoveStore(path));
  const crypto::GuardedKey pages =
      root_->Derive(crypto::KeyPurpose::kStorePages);
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto engine,
      store::OpenSqlcipher({.path = path, .create = true}, pages.view()));
  upkeep::StoreRestore restore(
      {.engine = engine.get(), .epochs = epochs_.get(), .slots = slots_.get()});
  CONSENTRY_ASSIGN_OR_RETURN(const auto backup, OpenData());
  CONSENTRY_ASSIGN_OR_RETURN(const upkeep::RestoreCounts counts,
                             restore.Load(backup.get()));
  report_.rows = counts.rows;
  report_.customers = counts.subjects;
  report_.dropped_rows = counts.dropped_rows;
  report_.unreadable = counts.unreadable;
  {
    const auto before =
        store::OpenSqlcipher({.path = File(kStoreFile)}, pages.view());
    if (before.ok()) {
      const auto reader = (*before)->ConnectReader();
      if (reader.ok()) {
        CONSENTRY_RETURN_IF_ERROR(restore.CarryOver(reader->get()));
      }
    }
  }
  store::AuditLogSink sink(log_.get());
  store::CommitterState state;
  state.log = sink.GetHead(/*settled=*/true);
  // Changes that the log knows and the backup does not are lost; their numbers
  // are not given twice.
  state.last_change = std::max(header_.last_change(), replay_.last_change);
  state.log_last_change = state.last_change;
  state.last_time_us = replay_.last_time_us;
  CONSENTRY_RETURN_IF_ERROR(restore.SetState(state));
  return absl::OkStatus();
}

absl::StatusOr<store::ChangeOutcome> Restoration::Commit(
    std::string_view event,
    std::function<absl::Status(store::ChangeContext&, store::v1::Leaf*)>
        apply) {
  store::Change change;
  change.negative = true;
  change.apply = [this, event = std::string(event), apply = std::move(apply)](
                     store::ChangeContext& context) -> absl::Status {
    store::v1::Leaf leaf;
    leaf.set_time_us(context.now_us());
    leaf.set_event(event);
    leaf.set_bundle_hash(header_.bundle_hash());
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    CONSENTRY_RETURN_IF_ERROR(apply(context, &leaf));
    context.SetEntry(clients::CanonicalBytes(leaf));
    return absl::OkStatus();
  };
  store::ChangeOutcome outcome =
      committer_->CommitChangeAndWait(std::move(change));
  if (!outcome.status.ok()) return outcome.status;
  return outcome;
}

absl::Status Restoration::Redo(const upkeep::ReplayEntry& entry,
                               store::ChangeContext& context,
                               store::v1::Leaf* leaf) {
  leaf->add_details(absl::StrCat("entry=", entry.index));
  for (const auto& [subject, lines] : entry.subjects) {
    auto edit = vault::HeadEdit::Begin(&context, *slots_, subject);
    // Erased, or made after the backup.
    if (absl::IsNotFound(edit.status())) continue;
    CONSENTRY_RETURN_IF_ERROR(edit.status());
    CONSENTRY_RETURN_IF_ERROR(
        upkeep::ApplyReplay(context, entry, lines, &*edit));
    const crypto::SubjectTag tag = crypto::ComputeSubjectTag(
        edit->keys(), origin(), crypto::MonthOf(context.now_us()));
    CONSENTRY_RETURN_IF_ERROR(edit->Write(&cache_));
    store::v1::LeafSubject* told = leaf->add_subjects();
    told->set_tag(tag.data(), tag.size());
    told->set_version(static_cast<uint64_t>(context.number()));
    for (const upkeep::ReplayLine& line : lines) {
      told->add_changes(line.scope + "=" + line.state);
    }
  }
  return absl::OkStatus();
}

// An erasure that the backup holds as waiting was cancelled since: it must not
// be carried out.
absl::Status Restoration::CancelErasures() {
  erasure::SuppressionList suppression(epochs_.get(), [] { return 0u; });
  erasure::ErasureParts parts;
  parts.slots = slots_.get();
  parts.epochs = epochs_.get();
  parts.cache = &cache_;
  parts.suppression = &suppression;
  parts.log_origin = origin();
  const erasure::ErasureDesk desk(&parts);
  for (const uint64_t subject : replay_.cancelled) {
    CONSENTRY_RETURN_IF_ERROR(Before("cancel_erasure"));
    const absl::Status cancelled =
        Commit(
            upkeep::kReplayedEvent,
            [&](store::ChangeContext& context,
                store::v1::Leaf* leaf) -> absl::Status {
              CONSENTRY_ASSIGN_OR_RETURN(
                  const auto open,
                  erasure::FindOpen(context.connection(), *epochs_->keys(),
                                    subject));
              for (const erasure::Erasure& one : open) {
                if (one.state != erasure::ErasureState::kWaiting &&
                    one.state != erasure::ErasureState::kHeld) {
                  continue;
                }
                CONSENTRY_RETURN_IF_ERROR(desk.Cancel(context, one.id, leaf));
              }
              return absl::OkStatus();
            })
            .status();
    CONSENTRY_RETURN_IF_ERROR(cancelled);
  }
  return absl::OkStatus();
}

// What was counted since is in the log alone.
absl::Status Restoration::InterruptMonitors() {
  fairness::CountedBehind behind;
  fairness::AuditsBehind audits;
  absl::Status fault;
  CONSENTRY_RETURN_IF_ERROR(log_->reader().Scan(
      std::min(header_.log_size(), log_size_), log_size_,
      [&](uint64_t, std::string_view bytes) {
        store::v1::Leaf leaf;
        if (!leaf.ParseFromArray(bytes.data(),
                                 static_cast<int>(bytes.size()))) {
          fault = absl::DataLossError("an entry of the log is no leaf");
          return false;
        }
        if (static_cast<int64_t>(leaf.change_number()) >
            header_.last_change()) {
          behind.Add(leaf);
          audits.Add(leaf);
        }
        return true;
      }));
  CONSENTRY_RETURN_IF_ERROR(fault);
  const crypto::RequestDigests digests(*root_);
  const fairness::FairnessRows rows(epochs_.get(), &digests);
  if (!audits.empty()) {
    CONSENTRY_RETURN_IF_ERROR(Before("lose_audits"));
    const fairness::ReportRows reports(epochs_.get());
    CONSENTRY_RETURN_IF_ERROR(
        Commit(upkeep::kReplayedEvent,
               [&](store::ChangeContext& context,
                   store::v1::Leaf* leaf) -> absl::Status {
                 CONSENTRY_ASSIGN_OR_RETURN(
                     const auto lost,
                     audits.Mark(rows, reports, context.connection(), leaf));
                 report_.lost_audits = lost.reports;
                 report_.older_profiles = lost.profiles;
                 return absl::OkStatus();
               })
            .status());
  }
  if (behind.empty()) return absl::OkStatus();
  CONSENTRY_RETURN_IF_ERROR(Before("interrupt_monitors"));
  return Commit(upkeep::kReplayedEvent,
                [&](store::ChangeContext& context, store::v1::Leaf* leaf) {
                  return behind.Mark(rows, context.connection(),
                                     context.now_us(), leaf);
                })
      .status();
}

absl::Status Restoration::ReplayAll() {
  const crypto::GuardedKey pages =
      root_->Derive(crypto::KeyPurpose::kStorePages);
  CONSENTRY_ASSIGN_OR_RETURN(
      engine_,
      store::OpenSqlcipher({.path = File(kRestoredStore)}, pages.view()));
  sink_ = std::make_unique<store::AuditLogSink>(log_.get());
  CONSENTRY_ASSIGN_OR_RETURN(
      committer_,
      store::Committer::Start(engine_.get(), sink_.get(), options_.clock, {}));
  const vault::Merges merges(
      {.slots = slots_.get(), .cache = &cache_, .log_origin = origin()});
  upkeep::LinkReplay links(&merges, committer_.get());
  for (const upkeep::ReplayEntry& entry : replay_.entries) {
    CONSENTRY_RETURN_IF_ERROR(Before("replay"));
    store::v1::Leaf told;
    told.set_event(std::string(upkeep::kReplayedEvent));
    told.set_bundle_hash(header_.bundle_hash());
    told.add_details(absl::StrCat("entry=", entry.index));
    CONSENTRY_RETURN_IF_ERROR(links.Redo(entry, told));
    const absl::Status replayed =
        Commit(upkeep::kReplayedEvent, [&](store::ChangeContext& context,
                                           store::v1::Leaf* leaf) {
          return Redo(entry, context, leaf);
        }).status();
    CONSENTRY_RETURN_IF_ERROR(replayed);
    ++report_.replayed;
  }
  CONSENTRY_RETURN_IF_ERROR(CancelErasures());
  for (uint64_t after = 0; !replay_.spent.empty();) {
    CONSENTRY_RETURN_IF_ERROR(Before("replay_spent"));
    auto next = std::make_shared<uint64_t>(0);
    CONSENTRY_RETURN_IF_ERROR(
        Commit(upkeep::kReplayedEvent,
               [&, next](store::ChangeContext& context,
                         store::v1::Leaf* leaf) -> absl::Status {
                 CONSENTRY_ASSIGN_OR_RETURN(
                     *next, upkeep::ApplySpent(context, *slots_, replay_.spent,
                                               after, kSubjectsPerChange));
                 leaf->add_details("budgets=counted");
                 return absl::OkStatus();
               })
            .status());
    after = *next;
    if (after == 0) break;
  }
  if (!replay_.configuration.empty()) {
    CONSENTRY_RETURN_IF_ERROR(Before("replay_configuration"));
    const auto counts = std::make_shared<upkeep::ConfigurationReplay::Counts>();
    CONSENTRY_RETURN_IF_ERROR(
        Commit(upkeep::kReplayedEvent,
               [this, counts](store::ChangeContext& context,
                              store::v1::Leaf* leaf) -> absl::Status {
                 CONSENTRY_ASSIGN_OR_RETURN(
                     *counts, replay_.configuration.Apply(
                                  context, EngineVersion(), leaf));
                 return absl::OkStatus();
               })
            .status());
    report_.configuration = *counts;
  }
  CONSENTRY_RETURN_IF_ERROR(InterruptMonitors());
  report_.unknown = static_cast<int64_t>(replay_.unknown);
  report_.uncertain = report_.uncertain || replay_.uncertain;
  if (report_.uncertain) {
    int64_t after = 0;
    do {
      CONSENTRY_RETURN_IF_ERROR(Before("make_uncertain"));
      auto next = std::make_shared<int64_t>(0);
      CONSENTRY_RETURN_IF_ERROR(
          Commit(upkeep::kUncertainEvent,
                 [&, next](store::ChangeContext& context,
                           store::v1::Leaf*) -> absl::Status {
                   CONSENTRY_ASSIGN_OR_RETURN(
                       *next, upkeep::MakeUncertain(context, *slots_, &cache_,
                                                    after, kSubjectsPerChange));
                   return absl::OkStatus();
                 })
              .status());
      after = *next;
    } while (after != 0);
  }
  CONSENTRY_RETURN_IF_ERROR(Before("note_restored"));
  CONSENTRY_RETURN_IF_ERROR(
      Commit("system.restored", [this](store::ChangeContext&,
                                       store::v1::Leaf* leaf) {
        leaf->add_details(absl::StrCat("customers=", report_.customers));
        leaf->add_details(absl::StrCat("replayed=", report_.replayed));
        leaf->add_details(absl::StrCat("erased=", report_.erased));
        leaf->add_details(absl::StrCat("unreadable=", report_.unreadable));
        if (report_.uncertain) leaf->add_details("uncertain");
        return absl::OkStatus();
      }).status());
  committer_->Stop();
  committer_.reset();
  sink_.reset();
  {
    CONSENTRY_ASSIGN_OR_RETURN(const auto writer, engine_->ConnectWriter());
    CONSENTRY_RETURN_IF_ERROR(engine_->Checkpoint(writer.get()));
  }
  engine_.reset();
  return absl::OkStatus();
}

// What was released since the backup is known to nobody any more, and could not
// be revoked: no release of before holds under the new key.
absl::Status Restoration::RenewReleaseKey() {
  const std::string& key = config_.message.screening().release_key_file();
  CONSENTRY_RETURN_IF_ERROR(RemoveIfThere(key));
  CONSENTRY_ASSIGN_OR_RETURN(const auto signer, OpenReleaseKey(key, origin()));
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto verifier,
      audit::NoteVerifier::Create(signer->name(), signer->public_key()));
  std::filesystem::path folder = options_.config;
  if (!std::filesystem::is_directory(folder)) folder = folder.parent_path();
  return audit::ReplaceFile(Fs(), (folder / kReleaseVerifierFile).string(),
                            verifier.Vkey() + "\n");
}

absl::StatusOr<RestoreReport> Restoration::Run() {
  CONSENTRY_ASSIGN_OR_RETURN(config_, LoadConfig(options_.config, PackIds()));
  const std::string folder = config_.message.storage().data_directory();
  CONSENTRY_RETURN_IF_ERROR(Fs()->MakeDirectory(folder));
  const auto lock = Fs()->Lock(File(kLockFile));
  if (absl::IsFailedPrecondition(lock.status())) {
    return absl::FailedPreconditionError(absl::StrCat(
        "another gateway, or a command, works on ", folder, "; stop it first"));
  }
  CONSENTRY_RETURN_IF_ERROR(lock.status());
  CONSENTRY_RETURN_IF_ERROR(OpenRoot());
  CONSENTRY_RETURN_IF_ERROR(Before("mark"));
  CONSENTRY_RETURN_IF_ERROR(audit::ReplaceFile(
      Fs(), File(kUnfinishedRestoreFile),
      "A restore was begun and is not finished: run it again.\n"));
  CONSENTRY_RETURN_IF_ERROR(TakeKeys());
  CONSENTRY_RETURN_IF_ERROR(OpenKeys());
  {
    CONSENTRY_ASSIGN_OR_RETURN(const auto backup, OpenData());
    header_ = backup->header();
  }
  CONSENTRY_RETURN_IF_ERROR(TakeLog());
  CONSENTRY_RETURN_IF_ERROR(OpenLog());
  CONSENTRY_RETURN_IF_ERROR(Before("note_begin"));
  CONSENTRY_RETURN_IF_ERROR(NoteBegin(header_));
  CONSENTRY_RETURN_IF_ERROR(Before("repeat_erasures"));
  CONSENTRY_RETURN_IF_ERROR(RepeatErasures());
  CONSENTRY_RETURN_IF_ERROR(Before("build_store"));
  CONSENTRY_RETURN_IF_ERROR(BuildStore());
  CONSENTRY_RETURN_IF_ERROR(ReplayAll());
  CONSENTRY_RETURN_IF_ERROR(Before("take_store"));
  CONSENTRY_RETURN_IF_ERROR(RemoveStore(File(kStoreFile)));
  CONSENTRY_RETURN_IF_ERROR(RemoveStore(File(kTrailFile)));
  CONSENTRY_RETURN_IF_ERROR(
      Fs()->Rename(File(kRestoredStore), File(kStoreFile)));
  CONSENTRY_RETURN_IF_ERROR(RemoveStore(File(kRestoredStore)));
  CONSENTRY_RETURN_IF_ERROR(Fs()->SyncDirectory(folder));
  CONSENTRY_RETURN_IF_ERROR(slots_->RememberLogSize(log_->size()));
  CONSENTRY_RETURN_IF_ERROR(log_->Close());
  CONSENTRY_RETURN_IF_ERROR(Before("renew_release_key"));
  CONSENTRY_RETURN_IF_ERROR(RenewReleaseKey());
  CONSENTRY_RETURN_IF_ERROR(Before("unmark"));
  CONSENTRY_RETURN_IF_ERROR(Fs()->Remove(File(kUnfinishedRestoreFile)));
  CONSENTRY_RETURN_IF_ERROR(Fs()->SyncDirectory(folder));
  return report_;
}

}  // namespace

absl::StatusOr<RestoreReport> Restore(const RestoreOptions& options) {
  return Restoration(options).Run();
}

}  // namespace consentry::server
