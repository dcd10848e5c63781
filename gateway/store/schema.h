#ifndef CONSENTRY_GATEWAY_STORE_SCHEMA_H_
#define CONSENTRY_GATEWAY_STORE_SCHEMA_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "gateway/store/engine.h"

// The tables. In clear stand only ids, versions, generations, kinds and dates
// rounded to a month or an hour; every BYTES column marked sealed holds what
// crypto's Sealer made under the subject's key. `subject` is a subject's
// number, never shown outside; `version` is the number of the change that last
// touched it. A month counts from January 1970, an hour from the epoch.
//
// A unary read touches three leaf pages: one of lookup, one of subjects, one of
// records (clustered by subject and kind).
//
//   meta(k TEXT key, v)                         format version, counters
//   subjects(subject key, public_id, version, key_gen,
//            head sealed, due_month)            all that a decision needs
//   lookup(key, subject; kind)
//            key: 16-byte blind index of an identifier, or a public id; several
//            subjects may share an identifier. Narrow, so that its inner pages
//            stay in caches; sealed values stand in the heads
//   records(record_no key, kind, record_id, row_gen, due_month, fields sealed)
//            record_no: subject, kind and count in one number, so that rows lie
//            in that order and are not cut into overflow pages, as SQLite does
//            with wide rows of tables that are clustered by several columns
//   facts(subject, version; head sealed)        the heads of the past, by which
//                                               decisions are replayed; what is
//                                               current stands in subjects only
//   consent_events(subject, seq; event sealed)
//   source_rows(row_key; content_hash, record_no, record_id)
//                                               what an import has seen: blind
//                                               index of source, kind and the
//                                               source's key; digest of the
//                                               content under the subject's key
//   outbox(change key, entry)                   audit entries not yet known to
//                                               be in the log
//   requests(client, request_id; method, request_hash, result, change_number,
//            negative, expires_hour)            results by request_id, 24 h
//   clients(client_id key, spki unique, state, version, doc)
//   bundles(hash key, kind, doc)                configuration by its hash
//   bundle_history(change_number key, hash)     which bundle held from when
//   merges(merge_id key, subject, into_subject, state, change_number,
//          doc sealed)                          links; moves no row; undoable
//   quarantine(item key, source, import_id, row_number, column_name, reason,
//              due_month)                       never a value
//   jobs(job_id key, kind, state, subject, due_hour, doc)
namespace consentry::store {

// The format of a store made by this program.
inline constexpr int64_t kSchemaVersion = 3;

// Brings an empty or older store to kSchemaVersion, one migration, one
// transaction each. A newer store is refused (FailedPrecondition, saying which
// version it has), and nothing is written.
absl::Status Migrate(Engine* engine, Connection* writer);

// As above with a list of our own, for tests of the mechanism itself:
// `migrations[i]` brings version i to i + 1; statements end with ';'.
absl::Status MigrateWith(Engine* engine, Connection* writer,
                         std::span<const std::string_view> migrations);

// Of a store that Migrate() has seen.
absl::StatusOr<int64_t> ReadSchemaVersion(Connection* connection);

// Rows of meta. GetMeta: empty when there is no such row.
absl::StatusOr<std::string> GetMeta(Connection* connection,
                                    std::string_view key);
absl::Status PutMeta(Connection* writer, std::string_view key,
                     std::string_view value);
// The same as decimal numbers; 0 when there is no such row.
absl::StatusOr<int64_t> GetMetaInt64(Connection* connection,
                                     std::string_view key);
absl::Status PutMetaInt64(Connection* writer, std::string_view key,
                          int64_t value);

}  // namespace consentry::store

#endif  // CONSENTRY_GATEWAY_STORE_SCHEMA_H_
