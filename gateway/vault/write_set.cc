#include "gateway/vault/write_set.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "gateway/crypto/subject_tag.h"
#include "gateway/vault/head_codec.h"
#include "gateway/vault/identifier_key.h"
#include "gateway/vault/record_number.h"
#include "gateway/vault/wipe.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"

namespace consentry::vault {
namespace {

using store::Query;

// Rows of merges that one change may make.
constexpr int64_t kMergesPerChange = 1 << 16;

absl::Status Overtaken() {
  return MakeError(v1::ERROR_REASON_CONTENDED,
                   "an identifier was given to somebody meanwhile");
}

}  // namespace

SubjectWrite::~SubjectWrite() { WipeMessage(&head); }

absl::Status WriteSet::CheckObservations(store::Connection* connection) const {
  if (suppression_ != nullptr && !suppression_seen_.empty()) {
    CONSENTRY_ASSIGN_OR_RETURN(
        const bool current,
        suppression_->AreCurrent(connection, suppression_seen_));
    if (!current) return Overtaken();
  }
  if (options_.identities->change() <= planned_on_) return absl::OkStatus();
  CONSENTRY_ASSIGN_OR_RETURN(
      Query holders,
      connection->Prepare(
          "SELECT subject FROM lookup WHERE key = $1 ORDER BY subject"));
  CONSENTRY_ASSIGN_OR_RETURN(
      Query source_row,
      connection->Prepare(
          "SELECT record_no FROM source_rows WHERE row_key = $1"));
  std::vector<uint64_t> found;
  for (const Observation& seen : observations_) {
    Query& query = seen.source_row ? source_row : holders;
    query.Bind(AsBytes(seen.key));
    found.clear();
    while (true) {
      CONSENTRY_ASSIGN_OR_RETURN(const bool row, query.Step());
      if (!row) break;
      found.push_back(seen.source_row ? SubjectOfRecord(query.Int64(0))
                                      : static_cast<uint64_t>(query.Int64(0)));
      if (found.size() > seen.subjects.size()) break;
    }
    query.Reset();
    if (found != seen.subjects) return Overtaken();
  }
  return absl::OkStatus();
}

absl::Status WriteSet::Apply(store::ChangeContext& context) const {
  if (options_.epochs != nullptr &&
      options_.epochs->keys()->current() != options_.planned_epoch) {
    return Overtaken();
  }
  CONSENTRY_RETURN_IF_ERROR(CheckObservations(context.connection()));
  int64_t merge_id = context.number() * kMergesPerChange;
  bool identities = false;
  for (const SubjectWrite& write : subjects_) {
    CONSENTRY_RETURN_IF_ERROR(ApplySubject(context, write, &merge_id));
    identities =
        identities || !write.lookups.empty() || !write.source_rows.empty();
  }

  store::v1::Leaf leaf = leaf_;
  FillLeaf(context, &leaf);
  context.SetEntry(leaf.SerializeAsString());
  context.SetResult(result_);
  if (negative_) context.MarkNegative();

  if (identities) options_.identities->Set(context.number());
  std::vector<uint64_t> changed;
  for (const SubjectWrite& write : subjects_) {
    if (write.base_version != 0) changed.push_back(write.subject);
  }
  if (!changed.empty()) {
    context.OnStored([cache = options_.cache, changed = std::move(changed),
                      version = context.number()] {
      for (uint64_t subject : changed) cache->Invalidate(subject, version);
    });
  }
  return absl::OkStatus();
}

absl::Status WriteSet::ApplySubject(store::ChangeContext& context,
                                    const SubjectWrite& write,
                                    int64_t* merge_id) const {
  store::Connection* connection = context.connection();
  const auto subject = static_cast<int64_t>(write.subject);
  store::v1::SubjectHead head = write.head;
  const WipeAtEnd wipe(&head);
  head.set_version(static_cast<uint64_t>(context.number()));
  CONSENTRY_ASSIGN_OR_RETURN(const std::string sealed,
                             SealHead(*write.keys, head));
  const auto key_generation =
      static_cast<int64_t>(write.keys->data_generation());

  if (write.base_version == 0) {
    CONSENTRY_ASSIGN_OR_RETURN(
        Query query,
        connection->Prepare(
            "INSERT INTO subjects (subject, public_id, version, key_gen, head) "
            "VALUES ($1, $2, $3, $4, $5)"));
    CONSENTRY_RETURN_IF_ERROR(query
                                  .Bind(subject, AsBytes(write.public_id),
                                        context.number(), key_generation,
                                        sealed)
                                  .Run());
  } else {
    CONSENTRY_RETURN_IF_ERROR(
        context.RequireVersion(subject, write.base_version));
    CONSENTRY_ASSIGN_OR_RETURN(
        Query keep,
        connection->Prepare("INSERT INTO facts (subject, version, head) "
                            "SELECT subject, version, head FROM subjects "
                            "WHERE subject = $1"));
    CONSENTRY_RETURN_IF_ERROR(keep.Bind(subject).Run());
    CONSENTRY_ASSIGN_OR_RETURN(
        Query update,
        connection->Prepare("UPDATE subjects SET version = $2, key_gen = $3, "
                            "head = $4 WHERE subject = $1"));
    CONSENTRY_RETURN_IF_ERROR(
        update.Bind(subject, context.number(), key_generation, sealed).Run());
  }
  // New ones too: who follows the log is told of the leaf's subjects by this.
  context.Touch(subject);

  CONSENTRY_RETURN_IF_ERROR(store::RunMany(
      connection,
      "INSERT INTO lookup (key, subject, kind) VALUES ($1, $2, $3) "
      "ON CONFLICT (key, subject) DO NOTHING",
      write.lookups.size(), [&](Query& query, size_t i) {
        const LookupRow& row = write.lookups[i];
        query.Bind(AsBytes(row.key), subject, row.kind);
      }));
  CONSENTRY_RETURN_IF_ERROR(store::RunMany(
      connection,
      "INSERT INTO records (record_no, kind, record_id, row_gen, due_month, "
      "fields) VALUES ($1, $2, $3, $4, $5, $6) "
      "ON CONFLICT (record_no) DO UPDATE SET "
      "row_gen = excluded.row_gen, due_month = excluded.due_month, "
      "fields = excluded.fields",
      write.records.size(), [&](Query& query, size_t i) {
        const RecordRow& row = write.records[i];
        query.Bind(row.number, static_cast<int64_t>(row.kind), AsBytes(row.id),
                   static_cast<int64_t>(row.row_generation), row.due_month,
                   row.fields);
      }));
  CONSENTRY_RETURN_IF_ERROR(store::RunMany(
      connection,
      "INSERT INTO source_rows (row_key, content_hash, record_no, record_id) "
      "VALUES ($1, $2, $3, $4) ON CONFLICT (row_key) DO UPDATE SET "
      "content_hash = excluded.content_hash",
      write.source_rows.size(), [&](Query& query, size_t i) {
        const SourceRow& row = write.source_rows[i];
        query.Bind(AsBytes(row.key), row.content, row.record_number,
                   AsBytes(row.record));
      }));
  CONSENTRY_RETURN_IF_ERROR(
      InsertConsentRows(connection, subject, write.consent_rows));
  CONSENTRY_RETURN_IF_ERROR(store::RunMany(
      connection,
      "INSERT INTO merges (merge_id, subject, into_subject, state, "
      "change_number, doc) VALUES ($1, $2, $3, $4, $5, $6)",
      write.candidates.size(), [&](Query& query, size_t i) {
        const CandidateRow& row = write.candidates[i];
        query.Bind((*merge_id)++, subject, static_cast<int64_t>(row.other),
                   static_cast<int64_t>(MergeState::kCandidate),
                   context.number(), row.grounds);
      }));
  for (const SubjectWrite::MergeRow& row : write.merges) {
    const int64_t id = row.merge_id != 0 ? row.merge_id : (*merge_id)++;
    CONSENTRY_ASSIGN_OR_RETURN(
        Query query,
        connection->Prepare(
            "INSERT INTO merges (merge_id, subject, into_subject, state, "
            "change_number, doc) VALUES ($1, $2, $3, $4, $5, $6) "
            "ON CONFLICT (merge_id) DO UPDATE SET state = excluded.state, "
            "change_number = excluded.change_number, doc = excluded.doc"));
    CONSENTRY_RETURN_IF_ERROR(query
                                  .Bind(id, subject,
                                        static_cast<int64_t>(row.into),
                                        static_cast<int64_t>(row.state),
                                        context.number(), row.grounds)
                                  .Run());
  }
  return absl::OkStatus();
}

void WriteSet::FillLeaf(const store::ChangeContext& context,
                        store::v1::Leaf* leaf) const {
  leaf->set_time_us(context.now_us());
  leaf->set_change_number(static_cast<uint64_t>(context.number()));
  const crypto::Month month = crypto::MonthOf(context.now_us());
  for (const SubjectWrite& write : subjects_) {
    const crypto::SubjectTag tag =
        crypto::ComputeSubjectTag(*write.keys, options_.log_origin, month);
    store::v1::LeafSubject* subject = leaf->add_subjects();
    subject->set_tag(std::string(tag.begin(), tag.end()));
    subject->set_version(static_cast<uint64_t>(context.number()));
    subject->set_effect(v1::EFFECT_PERMIT);
    for (const std::string& change : write.changes) {
      subject->add_changes(change);
    }
  }
}

}  // namespace consentry::vault
