#include "gateway/screening/release_rows.h"

#include <algorithm>
#include <utility>

#include "gateway/crypto/system_seal.h"
#include "proto/support/status_macros.h"

namespace consentry::screening {
namespace {

constexpr uint32_t kSchema = 1;
// A release is written once.
constexpr uint32_t kGeneration = 1;
constexpr int64_t kPositions = 65536;

crypto::SystemContext ContextOf(int64_t no) {
  return {crypto::SystemTable::kRelease, static_cast<uint64_t>(no), "", kSchema,
          kGeneration};
}

// The hour in which nothing of it holds any more.
int64_t EndHour(int64_t expire_us) { return expire_us / kUsPerHour + 1; }

constexpr char kColumns[] =
    "SELECT release_no, subject, subject_version, state, doc FROM releases ";

}  // namespace

absl::StatusOr<std::string> ReleaseRows::Seal(
    int64_t no, const store::v1::ReleaseDoc& doc) const {
  return crypto::SystemSeal::Seal(*epochs_->keys(), ContextOf(no),
                                  doc.SerializeAsString());
}

absl::Status ReleaseRows::Take(const store::Query& query,
                               ReleaseRow* row) const {
  row->no = query.Int64(0);
  row->subject = static_cast<uint64_t>(query.Int64(1));
  row->subject_version = query.Int64(2);
  row->state = static_cast<ReleaseState>(query.Int64(3));
  const auto opened = crypto::SystemSeal::Open(
      *epochs_->keys(), ContextOf(row->no), query.Blob(4));
  if (!opened.ok() ||
      !row->doc.ParseFromArray(opened->view().data(),
                               static_cast<int>(opened->size()))) {
    return CorruptScreening();
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ReleaseRow>> ReleaseRows::TakeAll(
    store::Query* query) const {
  std::vector<ReleaseRow> rows;
  for (;;) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool more, query->Step());
    if (!more) return rows;
    CONSENTRY_RETURN_IF_ERROR(Take(*query, &rows.emplace_back()));
  }
}

absl::Status ReleaseRows::Insert(store::Connection* connection,
                                 const ReleaseRow& row) const {
  CONSENTRY_ASSIGN_OR_RETURN(const std::string doc, Seal(row.no, row.doc));
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare("INSERT INTO releases (release_no, subject, "
                          "subject_version, way_key, state, expire_hour, doc) "
                          "VALUES ($1, $2, $3, $4, $5, $6, $7)"));
  query.Bind(row.no, static_cast<int64_t>(row.subject), row.subject_version,
             keys_->Way(row.doc.purpose(), row.doc.channel()),
             static_cast<int64_t>(row.state), EndHour(row.doc.expire_us()),
             doc);
  return query.Run();
}

absl::StatusOr<std::optional<ReleaseRow>> ReleaseRows::Find(
    store::Connection* connection, int64_t no) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare(std::string(kColumns) + "WHERE release_no = $1"));
  query.Bind(no);
  CONSENTRY_ASSIGN_OR_RETURN(const bool found, query.Step());
  if (!found) return std::optional<ReleaseRow>();
  std::optional<ReleaseRow> row(std::in_place);
  CONSENTRY_RETURN_IF_ERROR(Take(query, &*row));
  return row;
}

absl::Status ReleaseRows::SetState(store::Connection* connection, int64_t no,
                                   ReleaseState state) const {
  // What was revoked stays so.
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query, connection->Prepare("UPDATE releases SET state = $2 WHERE "
                                      "release_no = $1 AND state <> 3"));
  query.Bind(no, static_cast<int64_t>(state));
  return query.Run();
}

absl::Status ReleaseRows::Remove(store::Connection* connection,
                                 int64_t no) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare("DELETE FROM releases WHERE release_no = $1"));
  query.Bind(no);
  return query.Run();
}

absl::StatusOr<std::vector<ReleaseRow>> ReleaseRows::ListOpen(
    store::Connection* connection, const std::string& purpose, int channel,
    int64_t after, size_t limit) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query, connection->Prepare(
                      std::string(kColumns) +
                      "WHERE way_key = $1 AND state = 1 AND release_no > $2 "
                      "ORDER BY release_no LIMIT $3"));
  query.Bind(keys_->Way(purpose, channel), after, static_cast<int64_t>(limit));
  return TakeAll(&query);
}

absl::StatusOr<std::vector<ReleaseRow>> ReleaseRows::ListOf(
    store::Connection* connection, uint64_t subject, int64_t now_us) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare(std::string(kColumns) +
                          "WHERE subject = $1 AND state <> 3 AND expire_hour "
                          ">= $2"));
  query.Bind(static_cast<int64_t>(subject), now_us / kUsPerHour);
  return TakeAll(&query);
}

absl::StatusOr<std::vector<ReleaseRows::Changed>> ReleaseRows::ChangedSince(
    store::Connection* connection, const Changed& after, size_t limit) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare(
          "SELECT s.version, s.subject FROM subjects s WHERE s.version >= $1 "
          "AND (s.version > $1 OR s.subject > $2) "
          "AND (EXISTS (SELECT 1 FROM releases r WHERE r.subject = s.subject) "
          "OR EXISTS (SELECT 1 FROM merges m WHERE m.subject = s.subject) "
          "OR EXISTS (SELECT 1 FROM merges m WHERE m.into_subject = "
          "s.subject)) ORDER BY s.version, s.subject LIMIT $3"));
  query.Bind(after.version, static_cast<int64_t>(after.subject),
             static_cast<int64_t>(limit));
  std::vector<Changed> changed;
  for (;;) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool more, query.Step());
    if (!more) return changed;
    changed.push_back({query.Int64(0), static_cast<uint64_t>(query.Int64(1))});
  }
}

absl::StatusOr<std::vector<ReleaseRow>> ReleaseRows::ListLive(
    store::Connection* connection, int64_t after, int64_t now_us,
    size_t limit) const {
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare(std::string(kColumns) +
                          "WHERE release_no > $1 AND state <> 3 AND "
                          "expire_hour >= $2 ORDER BY release_no LIMIT $3"));
  query.Bind(after, now_us / kUsPerHour, static_cast<int64_t>(limit));
  return TakeAll(&query);
}

absl::Status ReleaseRows::Revoke(const store::ChangeContext& context,
                                 const ReleaseRow& row) const {
  store::Connection* const connection = context.connection();
  {
    CONSENTRY_ASSIGN_OR_RETURN(const std::string doc, Seal(row.no, row.doc));
    CONSENTRY_ASSIGN_OR_RETURN(
        auto query,
        connection->Prepare("UPDATE releases SET state = 3, subject = $2, doc "
                            "= $3 WHERE release_no = $1 AND state <> 3"));
    query.Bind(row.no, static_cast<int64_t>(row.subject), doc);
    CONSENTRY_RETURN_IF_ERROR(query.Run());
    if (connection->Changes() == 0) return absl::OkStatus();
  }
  // Rises over all changes, and over what was dropped since.
  int64_t revoke_no = context.number() * kPositions;
  {
    CONSENTRY_ASSIGN_OR_RETURN(
        auto query,
        connection->Prepare("SELECT revoke_no FROM revoked_releases ORDER BY "
                            "revoke_no DESC LIMIT 1"));
    CONSENTRY_ASSIGN_OR_RETURN(const bool any, query.Step());
    if (any) revoke_no = std::max(revoke_no, query.Int64(0) + 1);
  }
  // Numbers of revocations are apart from those of releases by their sign.
  CONSENTRY_ASSIGN_OR_RETURN(const std::string doc, Seal(-revoke_no, row.doc));
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query, connection->Prepare(
                      "INSERT INTO revoked_releases (revoke_no, release_no, "
                      "expire_hour, doc) VALUES ($1, $2, $3, $4)"));
  query.Bind(revoke_no, row.no, EndHour(row.doc.expire_us()), doc);
  return query.Run();
}

absl::StatusOr<int64_t> ReleaseRows::RevokeAllOf(
    const store::ChangeContext& context, uint64_t subject,
    int64_t limit) const {
  std::vector<ReleaseRow> live;
  std::vector<int64_t> broken;
  {
    CONSENTRY_ASSIGN_OR_RETURN(
        auto query, context.connection()->Prepare(
                        std::string(kColumns) +
                        "WHERE subject = $1 AND state <> 3 AND expire_hour >= "
                        "$2 LIMIT $3"));
    query.Bind(static_cast<int64_t>(subject), context.now_us() / kUsPerHour,
               limit);
    for (;;) {
      CONSENTRY_ASSIGN_OR_RETURN(const bool more, query.Step());
      if (!more) break;
      ReleaseRow row;
      if (Take(query, &row).ok()) {
        row.subject = 0;
        live.push_back(std::move(row));
      } else {
        broken.push_back(query.Int64(0));
      }
    }
  }
  for (const ReleaseRow& row : live) {
    CONSENTRY_RETURN_IF_ERROR(Revoke(context, row));
  }
  for (const int64_t no : broken) {
    CONSENTRY_RETURN_IF_ERROR(Remove(context.connection(), no));
  }
  return static_cast<int64_t>(live.size() + broken.size());
}

absl::StatusOr<std::vector<ReleaseRows::Revoked>> ReleaseRows::ListRevoked(
    store::Connection* connection, int64_t after, int64_t now_us, size_t limit,
    int64_t* last) const {
  *last = after;
  CONSENTRY_ASSIGN_OR_RETURN(
      auto query,
      connection->Prepare("SELECT revoke_no, doc FROM revoked_releases WHERE "
                          "revoke_no > $1 ORDER BY revoke_no LIMIT $2"));
  query.Bind(after, static_cast<int64_t>(limit));
  std::vector<Revoked> revoked;
  for (;;) {
    CONSENTRY_ASSIGN_OR_RETURN(const bool more, query.Step());
    if (!more) return revoked;
    *last = query.Int64(0);
    const auto opened = crypto::SystemSeal::Open(
        *epochs_->keys(), ContextOf(-*last), query.Blob(1));
    store::v1::ReleaseDoc doc;
    if (!opened.ok() || !doc.ParseFromArray(opened->view().data(),
                                            static_cast<int>(opened->size()))) {
      return CorruptScreening();
    }
    if (doc.expire_us() > now_us) revoked.push_back({*last, doc.digest()});
  }
}

absl::StatusOr<int64_t> ReleaseRows::DropEnded(store::Connection* connection,
                                               int64_t now_us,
                                               int64_t limit) const {
  int64_t dropped = 0;
  for (const char* sql :
       {"DELETE FROM releases WHERE release_no IN (SELECT release_no FROM "
        "releases WHERE expire_hour < $1 LIMIT $2)",
        "DELETE FROM revoked_releases WHERE revoke_no IN (SELECT revoke_no "
        "FROM revoked_releases WHERE expire_hour < $1 LIMIT $2)"}) {
    CONSENTRY_ASSIGN_OR_RETURN(auto query, connection->Prepare(sql));
    query.Bind(now_us / kUsPerHour, limit - dropped);
    CONSENTRY_RETURN_IF_ERROR(query.Run());
    dropped += connection->Changes();
    if (dropped >= limit) break;
  }
  return dropped;
}

}  // namespace consentry::screening
