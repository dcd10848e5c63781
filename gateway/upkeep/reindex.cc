#include "gateway/upkeep/reindex.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gateway/crypto/opener.h"
#include "gateway/identity/logins.h"
#include "gateway/vault/head_codec.h"
#include "gateway/vault/identifier_key.h"
#include "proto/support/status_macros.h"

namespace consentry::upkeep {
namespace {

using crypto::BlindIndex;
using vault::AsBytes;

absl::Status ReindexNames(store::Connection* connection,
                          const crypto::EpochKeys& epochs,
                          const HeldSubject& held, Reindexed* counts) {
  const auto subject = static_cast<int64_t>(held.keys.subject());
  struct Row {
    BlindIndex key;
    int64_t kind;
  };
  std::vector<Row> rows;
  std::set<uint64_t> named;
  std::set<uint64_t> done;
  for (const store::v1::HeldIdentifier& name : held.head.identifiers()) {
    named.insert(name.digest());
    if (name.sealed().empty() || !done.insert(name.digest()).second) continue;
    CONSENTRY_ASSIGN_OR_RETURN(
        const BlindIndex key,
        crypto::Reindexer::Index(
            held.keys,
            vault::IdentifierContext(name.digest(), name.name_space()),
            name.sealed(), epochs, epochs.current(),
            static_cast<crypto::IdentifierType>(name.type()),
            name.name_space()));
    rows.push_back({key, name.type()});
  }
  counts->names += static_cast<int64_t>(rows.size());
  counts->lost += static_cast<int64_t>(named.size() - done.size());
  // Kind 0 is the public id, which no key makes.
  CONSENTRY_ASSIGN_OR_RETURN(
      auto remove, connection->Prepare("DELETE FROM lookup WHERE subject = $1 "
                                       "AND kind <> 0"));
  CONSENTRY_RETURN_IF_ERROR(remove.Bind(subject).Run());
  return store::RunMany(
      connection,
      "INSERT INTO lookup (key, subject, kind) VALUES ($1, $2, $3) "
      "ON CONFLICT (key, subject) DO NOTHING",
      rows.size(), [&](store::Query& query, size_t i) {
        query.Bind(AsBytes(rows[i].key), subject, rows[i].kind);
      });
}

absl::Status ReindexSourceRows(store::Connection* connection,
                               const crypto::EpochKeys& epochs,
                               const HeldRecord& record, Reindexed* counts) {
  CONSENTRY_ASSIGN_OR_RETURN(
      const BlindIndex key,
      vault::SourceRowKey(epochs, epochs.current(), record.meta.source(),
                          record.kind, record.meta.source_key()));
  std::string content;
  bool found = false;
  {
    CONSENTRY_ASSIGN_OR_RETURN(
        auto query, connection->Prepare("SELECT row_key, content_hash FROM "
                                        "source_rows WHERE record_no = $1"));
    query.Bind(record.number);
    while (true) {
      CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
      if (!row) break;
      // Of two, the one that was written last is under the current key.
      const bool current = query.Blob(0) == AsBytes(key);
      if (!found || current) content = std::string(query.Blob(1));
      found = true;
    }
  }
  if (!found) return absl::OkStatus();
  CONSENTRY_ASSIGN_OR_RETURN(
      auto remove,
      connection->Prepare("DELETE FROM source_rows WHERE record_no = $1"));
  CONSENTRY_RETURN_IF_ERROR(remove.Bind(record.number).Run());
  CONSENTRY_ASSIGN_OR_RETURN(
      auto insert,
      connection->Prepare(
          "INSERT INTO source_rows (row_key, content_hash, record_no, "
          "record_id) VALUES ($1, $2, $3, $4) ON CONFLICT (row_key) DO UPDATE "
          "SET content_hash = excluded.content_hash"));
  ++counts->source_rows;
  return insert
      .Bind(AsBytes(key), std::string_view(content), record.number,
            AsBytes(record.id))
      .Run();
}

}  // namespace

absl::Status ReindexSubject(store::Connection* connection,
                            const crypto::EpochKeys& epochs,
                            const HeldSubject& held, Reindexed* counts) {
  CONSENTRY_RETURN_IF_ERROR(ReindexNames(connection, epochs, held, counts));
  CONSENTRY_RETURN_IF_ERROR(
      identity::ReindexLogins(connection, epochs, held.keys));
  CONSENTRY_ASSIGN_OR_RETURN(const std::vector<HeldRecord> records,
                             ReadHeldRecords(connection, held.keys, held.head));
  for (const HeldRecord& record : records) {
    CONSENTRY_RETURN_IF_ERROR(
        ReindexSourceRows(connection, epochs, record, counts));
  }
  return absl::OkStatus();
}

}  // namespace consentry::upkeep
