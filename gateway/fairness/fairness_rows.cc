#include "gateway/fairness/fairness_rows.h"

#include "absl/strings/str_cat.h"
#include "gateway/crypto/system_seal.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::fairness {
namespace {

using crypto::SystemTable;

constexpr uint32_t kSchema = 1;

absl::Status Corrupt() {
  return MakeError(v1::ERROR_REASON_DATA_CORRUPT,
                   "a stored row about fairness does not open");
}

crypto::SystemContext ContextOf(SystemTable table, int64_t number,
                                std::string_view name, int64_t generation) {
  return {table, static_cast<uint64_t>(number), name, kSchema,
          static_cast<uint32_t>(generation)};
}

template <class Message>
absl::Status Open(const crypto::EpochFile& epochs,
                  const crypto::SystemContext& context, std::string_view sealed,
                  Message* message) {
  const auto opened = crypto::SystemSeal::Open(*epochs.keys(), context, sealed);
  if (!opened.ok() ||
      !message->ParseFromArray(opened->view().data(),
                               static_cast<int>(opened->size()))) {
    return Corrupt();
  }
  return absl::OkStatus();
}

// Hexadecimal, since a name in a context is text of at most 255 bytes.
std::string Hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    text += kDigits[(static_cast<unsigned char>(c) >> 4) & 15];
    text += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

}  // namespace

std::string FairnessRows::KeyOf(
    std::string_view what,
    std::initializer_list<std::string_view> parts) const {
  std::string text = absl::StrCat("fairness.", std::string(what));
  for (const std::string_view part : parts) {
    absl::StrAppend(&text, "/", part.size(), ":", std::string(part));
  }
  return digests_->Of(text);
}

absl::StatusOr<std::vector<ProfileRow>> FairnessRows::Profiles(
    store::Connection* connection) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare("SELECT profile_key, row_gen, doc FROM "
                          "fairness_profiles ORDER BY profile_key"));
  std::vector<ProfileRow> rows;
  for (;;) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool more, query.Step());
    if (!more) return rows;
    ProfileRow row;
    row.key = std::string(query.Blob(0));
    row.generation = query.Int64(1);
    const std::string name = Hex(row.key);
    CONSENTRY_RETURN_IF_ERROR(
        Open(*epochs_,
             ContextOf(SystemTable::kFairnessProfile, 0, name, row.generation),
             query.Blob(2), &row.doc));
    rows.push_back(std::move(row));
  }
}

absl::StatusOr<std::string> FairnessRows::ProfileKey(
    store::Connection* connection, std::string_view id) const {
  CONSENTRY_ASSIGN_OR_RETURN(const auto profiles, Profiles(connection));
  for (const ProfileRow& row : profiles) {
    if (row.doc.id() == id) return row.key;
  }
  return KeyOf("profile", {id});
}

absl::Status FairnessRows::Put(store::Connection* connection,
                               ProfileRow* row) const {
  ++row->generation;
  // After a restore under another root key it lies where it did.
  if (row->key.empty()) row->key = KeyOf("profile", {row->doc.id()});
  const std::string name = Hex(row->key);
  CONSENTRY_ASSIGN_OR_RETURN(
      const std::string sealed,
      crypto::SystemSeal::Seal(
          *epochs_->keys(),
          ContextOf(SystemTable::kFairnessProfile, 0, name, row->generation),
          row->doc.SerializeAsString()));
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare(
          "INSERT INTO fairness_profiles (profile_key, row_gen, doc) VALUES "
          "($1, $2, $3) ON CONFLICT (profile_key) DO UPDATE SET row_gen = "
          "excluded.row_gen, doc = excluded.doc"));
  query.Bind(row->key, row->generation, sealed);
  return query.Run();
}

absl::StatusOr<std::vector<VersionRow>> FairnessRows::Versions(
    store::Connection* connection) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query, connection->Prepare("SELECT version_no, row_gen, doc FROM "
                                      "fairness_versions ORDER BY version_no"));
  std::vector<VersionRow> rows;
  for (;;) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool more, query.Step());
    if (!more) return rows;
    VersionRow row;
    row.no = query.Int64(0);
    row.generation = query.Int64(1);
    CONSENTRY_RETURN_IF_ERROR(Open(
        *epochs_,
        ContextOf(SystemTable::kFairnessVersion, row.no, {}, row.generation),
        query.Blob(2), &row.doc));
    rows.push_back(std::move(row));
  }
}

absl::Status FairnessRows::Put(store::Connection* connection,
                               VersionRow* row) const {
  ++row->generation;
  CONSENTRY_ASSIGN_OR_RETURN(
      const std::string sealed,
      crypto::SystemSeal::Seal(*epochs_->keys(),
                               ContextOf(SystemTable::kFairnessVersion, row->no,
                                         {}, row->generation),
                               row->doc.SerializeAsString()));
  const std::string key =
      KeyOf("version", {row->doc.profile_id(), row->doc.model_version()});
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare(
          "INSERT INTO fairness_versions (version_no, version_key, row_gen, "
          "doc) VALUES ($1, $2, $3, $4) ON CONFLICT (version_no) DO UPDATE SET "
          "row_gen = excluded.row_gen, doc = excluded.doc"));
  query.Bind(row->no, key, row->generation, sealed);
  return query.Run();
}

absl::StatusOr<std::vector<MonitorRow>> FairnessRows::Monitors(
    store::Connection* connection, int64_t version_no) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare("SELECT stream, row_gen, state FROM "
                          "fairness_monitors WHERE version_no = $1 ORDER BY "
                          "stream"));
  query.Bind(version_no);
  std::vector<MonitorRow> rows;
  for (;;) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool more, query.Step());
    if (!more) return rows;
    MonitorRow row;
    row.stream = query.Int64(0);
    row.generation = query.Int64(1);
    const std::string name = absl::StrCat(row.stream);
    CONSENTRY_RETURN_IF_ERROR(Open(*epochs_,
                                   ContextOf(SystemTable::kFairnessMonitor,
                                             version_no, name, row.generation),
                                   query.Blob(2), &row.state));
    rows.push_back(std::move(row));
  }
}

absl::Status FairnessRows::Put(store::Connection* connection,
                               int64_t version_no, MonitorRow* row) const {
  ++row->generation;
  const std::string name = absl::StrCat(row->stream);
  CONSENTRY_ASSIGN_OR_RETURN(
      const std::string sealed,
      crypto::SystemSeal::Seal(*epochs_->keys(),
                               ContextOf(SystemTable::kFairnessMonitor,
                                         version_no, name, row->generation),
                               row->state.SerializeAsString()));
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare(
          "INSERT INTO fairness_monitors (version_no, stream, row_gen, state) "
          "VALUES ($1, $2, $3, $4) ON CONFLICT (version_no, stream) DO UPDATE "
          "SET row_gen = excluded.row_gen, state = excluded.state"));
  query.Bind(version_no, row->stream, row->generation, sealed);
  return query.Run();
}

absl::StatusOr<std::set<std::pair<int64_t, int64_t>>> FairnessRows::Findings(
    store::Connection* connection) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare("SELECT version_no, stream FROM fairness_findings"));
  std::set<std::pair<int64_t, int64_t>> findings;
  for (;;) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool more, query.Step());
    if (!more) return findings;
    findings.emplace(query.Int64(0), query.Int64(1));
  }
}

absl::StatusOr<bool> FairnessRows::AddFinding(store::Connection* connection,
                                              int64_t version_no,
                                              int64_t stream) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare("INSERT INTO fairness_findings (version_no, stream) "
                          "VALUES ($1, $2) ON CONFLICT (version_no, stream) DO "
                          "NOTHING"));
  query.Bind(version_no, stream);
  CONSENTRY_RETURN_IF_ERROR(query.Run());
  return connection->Changes() > 0;
}

std::string FairnessRows::UnitKey(std::string_view profile,
                                  std::string_view version,
                                  std::string_view what, uint64_t subject,
                                  int64_t period) const {
  return KeyOf("unit", {profile, version, what, std::to_string(subject),
                        std::to_string(period)});
}

absl::StatusOr<bool> FairnessRows::AddUnit(store::Connection* connection,
                                           std::string_view unit_key,
                                           int64_t expire_hour) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare(
          "INSERT INTO fairness_units (unit_key, expire_hour) VALUES ($1, $2) "
          "ON CONFLICT (unit_key) DO NOTHING"));
  query.Bind(unit_key, expire_hour);
  CONSENTRY_RETURN_IF_ERROR(query.Run());
  return connection->Changes() > 0;
}

absl::Status FairnessRows::DropUnits(store::Connection* connection,
                                     int64_t hour, int64_t most) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare(
          "DELETE FROM fairness_units WHERE unit_key IN (SELECT unit_key FROM "
          "fairness_units WHERE expire_hour < $1 LIMIT $2)"));
  query.Bind(hour, most);
  return query.Run();
}

}  // namespace consentry::fairness
