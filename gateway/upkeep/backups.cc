#include "gateway/upkeep/backups.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <span>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "audit/log/format.h"
#include "audit/log/note.h"
#include "audit/verify/verify.h"
#include "gateway/base/log.h"
#include "gateway/clients/configuration.h"
#include "gateway/crypto/base32.h"
#include "gateway/store/outbox.h"
#include "gateway/store/schema.h"
#include "gateway/store/sqlcipher/tables.h"
#include "gateway/upkeep/backup_file.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

namespace consentry::upkeep {
namespace {

using store::Query;
using store::v1::BackupFrame;

constexpr base::LogEvent kFailed = {base::LogLevel::kError, 9531,
                                    "backup.failed"};
constexpr base::LogEvent kNotRemoved = {base::LogLevel::kError, 9532,
                                        "backup.expired_not_removed"};

// Of rows, before a frame is closed.
constexpr size_t kFrameBytes = size_t{512} << 10;
constexpr size_t kCopyBytes = size_t{1} << 20;
constexpr std::string_view kIdPrefix = "bak_";

std::string ShowId(std::string_view id) {
  return std::string(kIdPrefix) +
         crypto::Base32Encode(
             std::span(reinterpret_cast<const uint8_t*>(id.data()), id.size()));
}

std::string_view AsView(const crypto::ObjectId& id) {
  return {reinterpret_cast<const char*>(id.data()), id.size()};
}

std::string_view Word(v1::BackupPart part) {
  switch (part) {
    case v1::BACKUP_PART_DATA:
      return "data";
    case v1::BACKUP_PART_KEYS:
      return "keys";
    default:
      return "log";
  }
}

constexpr std::string_view kColumns =
    "SELECT backup_id, part, state, created_us, expires_us, bytes, log_size, "
    "file FROM backups ";

v1::Backup Show(const Query& query) {
  v1::Backup backup;
  backup.set_id(ShowId(query.Blob(0)));
  backup.set_part(static_cast<v1::BackupPart>(query.Int64(1)));
  backup.set_verified(query.Int64(2) ==
                      static_cast<int64_t>(BackupState::kVerified));
  SetTime(query.Int64(3), backup.mutable_create_time());
  if (query.Int64(4) != 0) {
    SetTime(query.Int64(4), backup.mutable_expire_time());
  }
  backup.set_bytes(static_cast<uint64_t>(query.Int64(5)));
  backup.set_log_size(static_cast<uint64_t>(query.Int64(6)));
  return backup;
}

store::v1::Leaf SystemLeaf(const clients::Configuration& configuration,
                           std::string_view event,
                           const store::ChangeContext& context) {
  clients::CallerContext self;
  self.event = std::string(event);
  store::v1::Leaf leaf = clients::LeafOf(configuration, self, context.now_us());
  leaf.set_change_number(static_cast<uint64_t>(context.number()));
  return leaf;
}

// What is to be exported of the store, in the form of the header.
absl::StatusOr<std::vector<store::v1::BackupTable>> TablesOf(
    store::Connection* connection) {
  CONSENTRY_ASSIGN_OR_RETURN(const std::vector<store::TableInfo> all,
                             store::ListTables(connection));
  std::vector<store::v1::BackupTable> tables;
  for (const store::TableInfo& table : all) {
    if (IsLeftOutOfBackups(table.name)) continue;
    store::v1::BackupTable& exported = tables.emplace_back();
    exported.set_name(table.name);
    for (const store::ColumnInfo& column : table.columns) {
      if (IsLeftOutOfBackups(table.name, column.name)) continue;
      store::v1::BackupColumn* kept = exported.add_columns();
      kept->set_name(column.name);
      kept->set_type(column.type == store::ColumnType::kInt
                         ? store::v1::BackupColumn::INT
                     : column.type == store::ColumnType::kText
                         ? store::v1::BackupColumn::TEXT
                         : store::v1::BackupColumn::BYTES);
    }
  }
  return tables;
}

void FillCell(const Query& query, int column,
              store::v1::BackupColumn::Type type, store::v1::BackupCell* cell) {
  if (query.IsNull(column)) return;
  switch (type) {
    case store::v1::BackupColumn::INT:
      cell->set_number(query.Int64(column));
      break;
    case store::v1::BackupColumn::TEXT:
      cell->set_text(std::string(query.TextAt(column)));
      break;
    default:
      cell->set_data(std::string(query.Blob(column)));
      break;
  }
}

absl::Status WriteTable(store::Connection* connection, uint32_t position,
                        const store::v1::BackupTable& table,
                        BackupWriter* writer, uint64_t* count) {
  std::string sql;
  for (const auto& column : table.columns()) {
    sql += (sql.empty() ? "SELECT " : ", ") + column.name();
  }
  sql += " FROM " + table.name();
  CONSENTRY_ASSIGN_OR_RETURN(Query query, connection->Prepare(sql));
  BackupFrame frame;
  frame.mutable_rows()->set_table(position);
  size_t bytes = 0;
  while (true) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
    if (!found) break;
    store::v1::BackupRow* row = frame.mutable_rows()->add_rows();
    for (int i = 0; i < table.columns_size(); ++i) {
      FillCell(query, i, table.columns(i).type(), row->add_cells());
    }
    ++*count;
    bytes += row->ByteSizeLong();
    if (bytes < kFrameBytes) continue;
    CONSENTRY_RETURN_IF_ERROR(writer->Write(frame));
    frame.mutable_rows()->clear_rows();
    bytes = 0;
  }
  return frame.rows().rows().empty() ? absl::OkStatus() : writer->Write(frame);
}

// With the folders above it.
absl::Status MakeFolders(audit::FileSystem* fs, const std::string& path) {
  const absl::Status made = fs->MakeDirectory(path);
  const size_t slash = path.rfind('/');
  if (!absl::IsNotFound(made) || slash == std::string::npos || slash == 0) {
    return made;
  }
  CONSENTRY_RETURN_IF_ERROR(MakeFolders(fs, path.substr(0, slash)));
  return fs->MakeDirectory(path);
}

// A copy under its own name once it is whole and synced.
absl::Status CopyFile(audit::FileSystem* fs, const std::string& from,
                      const std::string& to) {
  CONSENTRY_ASSIGN_OR_RETURN(const auto source,
                             fs->Open(from, audit::FileSystem::Mode::kRead));
  const std::string working = to + ".new";
  CONSENTRY_ASSIGN_OR_RETURN(const bool left, fs->Exists(working));
  if (left) CONSENTRY_RETURN_IF_ERROR(fs->Remove(working));
  const auto copy = [&]() -> absl::Status {
    CONSENTRY_ASSIGN_OR_RETURN(
        const auto target, fs->Open(working, audit::FileSystem::Mode::kCreate));
    uint64_t at = 0;
    while (true) {
      CONSENTRY_ASSIGN_OR_RETURN(const std::string bytes,
                                 source->ReadAt(at, kCopyBytes));
      if (bytes.empty()) break;
      // What is not written yet is zeros, and needs no room.
      if (bytes.find_first_not_of('\0') != std::string::npos) {
        CONSENTRY_RETURN_IF_ERROR(target->WriteAt(at, bytes));
      }
      at += bytes.size();
    }
    CONSENTRY_RETURN_IF_ERROR(target->Truncate(at));
    CONSENTRY_RETURN_IF_ERROR(target->Sync());
    return fs->Rename(working, to);
  };
  const absl::Status copied = copy();
  if (!copied.ok()) fs->Remove(working).IgnoreError();
  return copied;
}

}  // namespace

bool IsLeftOutOfBackups(std::string_view table) {
  return table == "lookup" || table == "requests" || table == "outbox" ||
         table == "backups";
}

bool IsLeftOutOfBackups(std::string_view table, std::string_view column) {
  return (table == "source_rows" && column == "row_key") ||
         (table == "logins" && column == "login_key");
}

std::string SignedWords(std::string_view digest) {
  return "consentry backup of keys, version 1\n" + std::string(digest);
}

std::vector<v1::BackupPart> Backups::Parts() const {
  std::vector<v1::BackupPart> parts;
  if (!options_.data_folder.empty()) parts.push_back(v1::BACKUP_PART_DATA);
  if (!options_.keys_folder.empty()) parts.push_back(v1::BACKUP_PART_KEYS);
  if (!options_.logs_folder.empty()) parts.push_back(v1::BACKUP_PART_LOG);
  return parts;
}

std::string Backups::FileOf(v1::BackupPart part, const std::string& id,
                            int64_t now_us) const {
  const std::string time = absl::FormatTime(
      "%Y%m%dT%H%M%SZ", absl::FromUnixMicros(now_us), absl::UTCTimeZone());
  switch (part) {
    case v1::BACKUP_PART_DATA:
      return options_.data_folder + "/" + time + "-" + id + ".data";
    case v1::BACKUP_PART_KEYS:
      return options_.keys_folder + "/" + time + "-" + id + ".keys";
    default:
      return options_.logs_folder;
  }
}

absl::StatusOr<v1::Backup> Backups::Decide(
    const clients::CallerContext& caller, std::vector<v1::BackupPart> parts,
    std::optional<store::RequestBinding> request) {
  const std::vector<v1::BackupPart> configured = Parts();
  if (parts.empty()) parts = configured;
  for (const v1::BackupPart part : parts) {
    if (std::find(configured.begin(), configured.end(), part) ==
        configured.end()) {
      return MakeError(v1::ERROR_REASON_STATE_INVALID,
                       "the configuration names no folder for this part");
    }
    if (part == v1::BACKUP_PART_KEYS && !options_.recovery_key().has_value()) {
      return MakeError(v1::ERROR_REASON_STATE_INVALID,
                       "no recovery key was made, which alone could open it");
    }
  }
  if (parts.empty()) {
    return MakeError(v1::ERROR_REASON_STATE_INVALID,
                     "the configuration names no folder for backups");
  }
  std::vector<crypto::ObjectId> ids;
  for (size_t i = 0; i < parts.size(); ++i) {
    ids.push_back(crypto::NewObjectId());
  }
  store::Change change;
  change.request = std::move(request);
  change.apply = [&](store::ChangeContext& context) -> absl::Status {
    const int64_t now_us = context.now_us();
    store::v1::Leaf leaf =
        clients::LeafOf(*options_.configuration(), caller, now_us);
    leaf.set_change_number(static_cast<uint64_t>(context.number()));
    for (size_t i = 0; i < parts.size(); ++i) {
      const v1::BackupPart part = parts[i];
      const std::string shown = ShowId(AsView(ids[i]));
      const std::string file = FileOf(part, shown, now_us);
      const int64_t keep = part == v1::BACKUP_PART_DATA ? options_.keep_data_us
                           : part == v1::BACKUP_PART_KEYS
                               ? options_.keep_keys_us
                               : 0;
      const int64_t expires = keep == 0 ? 0 : now_us + keep;
      CONSENTRY_ASSIGN_OR_RETURN(
          auto insert,
          context.connection()->Prepare(
              "INSERT INTO backups (backup_id, part, state, created_us, "
              "expires_us, bytes, log_size, file) "
              "VALUES ($1, $2, $3, $4, $5, 0, 0, $6)"));
      CONSENTRY_RETURN_IF_ERROR(
          insert
              .Bind(AsView(ids[i]), static_cast<int64_t>(part),
                    static_cast<int64_t>(BackupState::kRunning), now_us,
                    expires, store::Text{file})
              .Run());
      leaf.add_details(
          absl::StrCat("backup=", shown, " part=", std::string(Word(part))));
      if (i > 0) continue;
      v1::Backup backup;
      backup.set_id(shown);
      backup.set_part(part);
      SetTime(now_us, backup.mutable_create_time());
      if (expires != 0) SetTime(expires, backup.mutable_expire_time());
      context.SetResult(backup.SerializeAsString());
    }
    context.SetEntry(clients::CanonicalBytes(leaf));
    return absl::OkStatus();
  };
  const store::ChangeOutcome outcome =
      options_.committer->CommitChangeAndWait(std::move(change));
  CONSENTRY_RETURN_IF_ERROR(outcome.status);
  v1::Backup backup;
  if (!backup.ParseFromString(outcome.result)) {
    return MakeError(v1::ERROR_REASON_INTERNAL, "a kept result is broken");
  }
  return backup;
}

absl::StatusOr<bool> Backups::RunNext() {
  crypto::ObjectId id;
  v1::BackupPart part = v1::BACKUP_PART_UNSPECIFIED;
  int64_t created_us = 0;
  int64_t expires_us = 0;
  std::string file;
  {
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
    CONSENTRY_ASSIGN_OR_RETURN(
        auto query,
        lease->Prepare(absl::StrCat(std::string(kColumns),
                                    "WHERE state = $1 ORDER BY created_us, "
                                    "part LIMIT 1")));
    query.Bind(static_cast<int64_t>(BackupState::kRunning));
    CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
    if (!found) return false;
    const std::string_view bytes = query.Blob(0);
    if (bytes.size() != id.size()) {
      return MakeError(v1::ERROR_REASON_DATA_CORRUPT, "an id is not whole");
    }
    std::copy(bytes.begin(), bytes.end(), id.begin());
    part = static_cast<v1::BackupPart>(query.Int64(1));
    created_us = query.Int64(3);
    expires_us = query.Int64(4);
    file = std::string(query.TextAt(7));
  }
  CONSENTRY_RETURN_IF_ERROR(Before("begin_backup"));
  absl::StatusOr<Made> made = MakeError(v1::ERROR_REASON_STATE_INVALID,
                                        "the part is no longer configured");
  switch (part) {
    case v1::BACKUP_PART_DATA:
      made = WriteData(id, created_us, expires_us, file);
      break;
    case v1::BACKUP_PART_KEYS:
      made = WriteKeys(id, created_us, expires_us, file);
      break;
    case v1::BACKUP_PART_LOG:
      if (!options_.logs_folder.empty()) made = CopyLog();
      break;
    default:
      break;
  }
  CONSENTRY_RETURN_IF_ERROR(Before("note_backup"));
  // The file had its name, and the row not yet its state.
  if (absl::IsAlreadyExists(made.status())) {
    CONSENTRY_RETURN_IF_ERROR(options_.fs->Remove(file));
    return true;
  }
  if (!made.ok()) {
    base::Log(kFailed, {{"status", made.status()}});
  }
  store::Change change;
  change.apply = [&](store::ChangeContext& context) -> absl::Status {
    CONSENTRY_ASSIGN_OR_RETURN(
        auto update, context.connection()->Prepare(
                         "UPDATE backups SET state = $2, bytes = $3, log_size "
                         "= $4 WHERE backup_id = $1"));
    CONSENTRY_RETURN_IF_ERROR(
        update
            .Bind(AsView(id),
                  static_cast<int64_t>(made.ok() ? BackupState::kVerified
                                                 : BackupState::kFailed),
                  made.ok() ? static_cast<int64_t>(made->bytes) : int64_t{0},
                  made.ok() ? static_cast<int64_t>(made->log_size) : int64_t{0})
            .Run());
    store::v1::Leaf leaf = SystemLeaf(
        *options_.configuration(),
        made.ok() ? "system.backup_verified" : "system.backup_failed", context);
    leaf.add_details("backup=" + ShowId(AsView(id)));
    leaf.add_details("part=" + std::string(Word(part)));
    if (made.ok()) leaf.add_details(absl::StrCat("bytes=", made->bytes));
    context.SetEntry(clients::CanonicalBytes(leaf));
    return absl::OkStatus();
  };
  CONSENTRY_RETURN_IF_ERROR(
      options_.committer->CommitChangeAndWait(std::move(change)).status);
  return true;
}

absl::StatusOr<Backups::Made> Backups::WriteData(const crypto::ObjectId& id,
                                                 int64_t now_us,
                                                 int64_t expires_us,
                                                 const std::string& path) {
  auto stream = std::make_unique<crypto::StreamSealer>();
  CONSENTRY_ASSIGN_OR_RETURN(
      const std::string sealed_key,
      stream->KeyForSystem(*options_.epochs->keys(), id));
  CONSENTRY_RETURN_IF_ERROR(MakeFolders(options_.fs, options_.data_folder));
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto writer,
      BackupWriter::Create(options_.fs, path, BackupKind::kData, id, sealed_key,
                           std::move(stream)));
  // A connection of its own: it stands on one state for as long as it takes.
  CONSENTRY_ASSIGN_OR_RETURN(const auto connection,
                             options_.engine->ConnectReader());
  CONSENTRY_ASSIGN_OR_RETURN(const store::ReadTransaction snapshot,
                             store::ReadTransaction::Begin(connection.get()));
  CONSENTRY_ASSIGN_OR_RETURN(const store::CommitterState state,
                             store::ReadCommitterState(connection.get()));
  BackupFrame front;
  store::v1::BackupHeader* header = front.mutable_header();
  header->set_id(std::string(AsView(id)));
  header->set_created_us(now_us);
  header->set_expires_us(expires_us);
  header->set_log_origin(options_.signer->name());
  header->set_log_size(state.log.size);
  if (const auto checkpoint = options_.log->checkpoint()) {
    header->set_checkpoint(checkpoint->note);
  }
  CONSENTRY_ASSIGN_OR_RETURN(const int64_t schema,
                             store::ReadSchemaVersion(connection.get()));
  header->set_schema_version(schema);
  header->set_last_change(state.last_change);
  header->set_bundle_hash(options_.configuration()->hash());
  CONSENTRY_ASSIGN_OR_RETURN(const auto tables, TablesOf(connection.get()));
  for (const auto& table : tables) *header->add_tables() = table;
  CONSENTRY_RETURN_IF_ERROR(writer->Write(front));
  CONSENTRY_RETURN_IF_ERROR(Before("write_rows"));
  BackupFrame last;
  uint64_t count = 0;
  for (size_t i = 0; i < tables.size(); ++i) {
    CONSENTRY_RETURN_IF_ERROR(WriteTable(connection.get(),
                                         static_cast<uint32_t>(i), tables[i],
                                         writer.get(), &count));
  }
  last.mutable_end()->set_count(count);
  CONSENTRY_RETURN_IF_ERROR(writer->Write(last));
  Made made;
  CONSENTRY_ASSIGN_OR_RETURN(made.bytes, writer->Finish());
  made.log_size = state.log.size;
  return made;
}

absl::StatusOr<Backups::Made> Backups::WriteKeys(const crypto::ObjectId& id,
                                                 int64_t now_us,
                                                 int64_t expires_us,
                                                 const std::string& path) {
  const auto recovery = options_.recovery_key();
  if (!recovery.has_value()) {
    return MakeError(v1::ERROR_REASON_STATE_INVALID, "no recovery key");
  }
  auto stream = std::make_unique<crypto::StreamSealer>();
  CONSENTRY_ASSIGN_OR_RETURN(const std::string sealed_key,
                             stream->KeyForRecovery(*recovery));
  CONSENTRY_RETURN_IF_ERROR(MakeFolders(options_.fs, options_.keys_folder));
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto writer,
      BackupWriter::Create(options_.fs, path, BackupKind::kKeys, id, sealed_key,
                           std::move(stream)));
  // The slots' own idea of the log: what is erased later has a higher index.
  CONSENTRY_RETURN_IF_ERROR(
      options_.slots->RememberLogSize(options_.log->size()));
  BackupFrame front;
  store::v1::BackupHeader* header = front.mutable_header();
  header->set_id(std::string(AsView(id)));
  header->set_created_us(now_us);
  header->set_expires_us(expires_us);
  header->set_log_origin(options_.signer->name());
  header->set_log_size(options_.slots->log_size());
  if (const auto checkpoint = options_.log->checkpoint()) {
    header->set_checkpoint(checkpoint->note);
  }
  {
    const crypto::SecretBuffer epochs = options_.epochs->Export();
    header->set_epochs(std::string(reinterpret_cast<const char*>(epochs.data()),
                                   epochs.size()));
  }
  const uint64_t log_size = header->log_size();
  const absl::Status written = writer->Write(front);
  std::string* const content = header->mutable_epochs();
  std::fill(content->begin(), content->end(), '\0');
  CONSENTRY_RETURN_IF_ERROR(written);
  CONSENTRY_RETURN_IF_ERROR(Before("write_slots"));
  uint64_t count = 0;
  CONSENTRY_RETURN_IF_ERROR(
      options_.slots->CopyTo([&](std::string_view bytes) -> absl::Status {
        BackupFrame frame;
        frame.set_slots(std::string(bytes));
        count += bytes.size();
        return writer->Write(frame);
      }));
  BackupFrame last;
  last.mutable_end()->set_count(count);
  CONSENTRY_ASSIGN_OR_RETURN(
      *last.mutable_end()->mutable_signature(),
      options_.signer->Sign(SignedWords(writer->Digest())));
  CONSENTRY_RETURN_IF_ERROR(writer->Write(last));
  Made made;
  CONSENTRY_ASSIGN_OR_RETURN(made.bytes, writer->Finish());
  made.log_size = log_size;
  return made;
}

// Segments that were closed are copied once; the one in use anew each time.
// What of its last batch is not whole, a reader leaves out.
absl::StatusOr<Backups::Made> Backups::CopyLog() {
  audit::FileSystem* const fs = options_.fs;
  const std::string target = options_.logs_folder;
  const std::string segments(audit::kSegmentFolder);
  CONSENTRY_RETURN_IF_ERROR(MakeFolders(fs, target));
  CONSENTRY_RETURN_IF_ERROR(fs->MakeDirectory(target + "/" + segments));
  CONSENTRY_RETURN_IF_ERROR(fs->MakeDirectory(target + "/checkpoints"));
  const auto checkpoint = options_.log->checkpoint();
  CONSENTRY_ASSIGN_OR_RETURN(std::vector<std::string> names,
                             fs->List(options_.log_folder + "/" + segments));
  names.erase(std::remove_if(names.begin(), names.end(),
                             [](const std::string& name) {
                               return name.size() < 4 ||
                                      name.substr(name.size() - 4) != ".seg";
                             }),
              names.end());
  // Of those copied before, the last two may have grown since.
  CONSENTRY_ASSIGN_OR_RETURN(std::vector<std::string> have,
                             fs->List(target + "/" + segments));
  std::sort(have.begin(), have.end());
  for (const std::string& name : names) {
    const auto found = std::find(have.begin(), have.end(), name);
    if (found != have.end() && have.end() - found > 4) continue;
    CONSENTRY_RETURN_IF_ERROR(
        CopyFile(fs, options_.log_folder + "/" + segments + "/" + name,
                 target + "/" + segments + "/" + name));
  }
  CONSENTRY_RETURN_IF_ERROR(fs->SyncDirectory(target + "/" + segments));
  if (checkpoint.has_value()) {
    CONSENTRY_RETURN_IF_ERROR(
        audit::ReplaceFile(fs, target + "/checkpoint", checkpoint->note));
  }
  CONSENTRY_ASSIGN_OR_RETURN(auto verifier, audit::NoteVerifier::Create(
                                                options_.signer->name(),
                                                options_.signer->public_key()));
  CONSENTRY_ASSIGN_OR_RETURN(const auto verified,
                             audit::Verify(fs, target,
                                           {.key = std::move(verifier),
                                            .checkpoint = std::nullopt,
                                            .progress = nullptr}));
  if (!verified.ok()) {
    return absl::DataLossError("the copy of the log does not verify");
  }
  Made made;
  made.log_size = verified.entries;
  for (const std::string& name : names) {
    const auto file = fs->Open(target + "/" + segments + "/" + name,
                               audit::FileSystem::Mode::kRead);
    if (!file.ok()) continue;
    const auto size = (*file)->Size();
    if (size.ok()) made.bytes += *size;
  }
  return made;
}

absl::StatusOr<int64_t> Backups::Expire() {
  const int64_t now_us = options_.committer->NowUs();
  struct Gone {
    std::string id;
    std::string file;
  };
  std::vector<Gone> expired;
  {
    CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
    CONSENTRY_ASSIGN_OR_RETURN(
        auto query,
        lease->Prepare("SELECT backup_id, file FROM backups "
                       "WHERE expires_us <> 0 AND expires_us <= $1 LIMIT 64"));
    query.Bind(now_us);
    while (true) {
      CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
      if (!row) break;
      expired.push_back(
          {std::string(query.Blob(0)), std::string(query.TextAt(1))});
    }
  }
  int64_t removed = 0;
  for (const Gone& gone : expired) {
    const absl::Status file = options_.fs->Remove(gone.file);
    if (!file.ok() && !absl::IsNotFound(file)) {
      base::Log(kNotRemoved, {{"status", file}});
      continue;
    }
    store::Change change;
    change.apply = [&](store::ChangeContext& context) -> absl::Status {
      CONSENTRY_ASSIGN_OR_RETURN(
          auto remove, context.connection()->Prepare(
                           "DELETE FROM backups WHERE backup_id = $1"));
      CONSENTRY_RETURN_IF_ERROR(remove.Bind(std::string_view(gone.id)).Run());
      store::v1::Leaf leaf = SystemLeaf(*options_.configuration(),
                                        "system.backup_removed", context);
      leaf.add_details("backup=" + ShowId(gone.id));
      context.SetEntry(clients::CanonicalBytes(leaf));
      return absl::OkStatus();
    };
    CONSENTRY_RETURN_IF_ERROR(
        options_.committer->CommitChangeAndWait(std::move(change)).status);
    ++removed;
  }
  return removed;
}

absl::StatusOr<v1::ListBackupsResponse> Backups::List(const std::string& before,
                                                      size_t limit,
                                                      std::string* next) const {
  // "time:id" of the last that was shown.
  int64_t before_us = INT64_MAX;
  std::string before_id;
  if (!before.empty()) {
    const size_t colon = before.find(':');
    std::from_chars(before.data(),
                    before.data() + std::min(colon, before.size()), before_us);
    if (colon != std::string::npos) before_id = before.substr(colon + 1);
  }
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      lease->Prepare(absl::StrCat(
          std::string(kColumns),
          "WHERE created_us < $1 OR (created_us = $1 AND backup_id > $2) "
          "ORDER BY created_us DESC, backup_id LIMIT $3")));
  query.Bind(before_us, std::string_view(before_id),
             static_cast<int64_t>(limit));
  v1::ListBackupsResponse page;
  next->clear();
  while (true) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) break;
    *page.add_backups() = Show(query);
    if (static_cast<size_t>(page.backups_size()) == limit) {
      *next = absl::StrCat(query.Int64(3), ":", std::string(query.Blob(0)));
    }
  }
  return page;
}

absl::StatusOr<v1::Backup> Backups::Get(const std::string& id) const {
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query, lease->Prepare(absl::StrCat(std::string(kColumns),
                                              "ORDER BY created_us DESC "
                                              "LIMIT 64")));
  while (true) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
    if (!row) return absl::NotFoundError("no such backup");
    if (ShowId(query.Blob(0)) == id) return Show(query);
  }
}

absl::StatusOr<int64_t> Backups::LastUs(v1::BackupPart part) const {
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query, lease->Prepare("SELECT created_us FROM backups WHERE part = "
                                 "$1 AND state <> $2 ORDER BY created_us DESC "
                                 "LIMIT 1"));
  query.Bind(static_cast<int64_t>(part),
             static_cast<int64_t>(BackupState::kFailed));
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  return found ? query.Int64(0) : 0;
}

absl::StatusOr<int64_t> KeysOpenUntil(store::Connection* connection,
                                      int64_t destroyed_us) {
  CONSENTRY_ASSIGN_OR_RETURN(
      Query query,
      connection->Prepare("SELECT expires_us FROM backups WHERE part = $1 AND "
                          "created_us <= $2 ORDER BY expires_us DESC LIMIT 1"));
  query.Bind(static_cast<int64_t>(v1::BACKUP_PART_KEYS), destroyed_us);
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  return found ? std::max(destroyed_us, query.Int64(0)) : destroyed_us;
}

absl::StatusOr<int64_t> Backups::KeysExpireUs() const {
  CONSENTRY_ASSIGN_OR_RETURN(auto lease, options_.readers->Acquire());
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query, lease->Prepare("SELECT expires_us FROM backups WHERE part = "
                                 "$1 ORDER BY expires_us DESC LIMIT 1"));
  query.Bind(static_cast<int64_t>(v1::BACKUP_PART_KEYS));
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  return found ? query.Int64(0) : 0;
}

}  // namespace consentry::upkeep
