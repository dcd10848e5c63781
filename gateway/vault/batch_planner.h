#ifndef CONSENTRY_GATEWAY_VAULT_BATCH_PLANNER_H_
#define CONSENTRY_GATEWAY_VAULT_BATCH_PLANNER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/leaf.pb.h"
#include "consentry/v1/data_service.pb.h"
#include "gateway/crypto/epoch_file.h"
#include "gateway/crypto/slot_file.h"
#include "gateway/store/engine.h"
#include "gateway/vault/catalog_index.h"
#include "gateway/vault/consent_sink.h"
#include "gateway/vault/join.h"
#include "gateway/vault/row_check.h"
#include "gateway/vault/subject_reader.h"
#include "gateway/vault/suppression.h"
#include "gateway/vault/write_set.h"

namespace consentry::vault {

// Rows of one change.
inline constexpr size_t kMaxRowsPerChange = 256;

// Who writes, as what, and how the audit entry begins.
struct WriteContext {
  std::shared_ptr<const CatalogIndex> catalog;
  // The touchpoint, a key of the catalog's sources.
  std::string source;
  // The purpose of collection.
  std::string purpose;
  bool may_write_legal_facts = false;
  // Any fault holds back the whole row: for single writes.
  bool strict = false;
  bool validate_only = false;
  int64_t now_us = 0;
  // Event, client, acting person, bundle and so on; its client_id also names
  // the reporter of choices. Subjects, time and change number are filled in.
  store::v1::Leaf leaf;
};

// One row, about the subject with this number or, with 0, about whom its
// identifiers lead to.
struct RowToWrite {
  const v1::ImportRow* row = nullptr;
  uint64_t subject = 0;
};

struct RowOutcome {
  v1::ImportRowResult result;
  // "cus_...", "rec_..."; empty for a row that was held back, or with
  // validate_only for what is not there yet.
  std::string subject_id;
  std::string record_id;
};

struct PlannedBatch {
  // One for each row, in its order.
  std::vector<RowOutcome> rows;
  // What is left to commit; never null. Only its entry when nothing changes.
  std::shared_ptr<WriteSet> writes;
};

// Turns rows into one WriteSet: validates, finds or makes the subject of each
// row, recognises rows that were taken before, and seals. Rows see what
// earlier rows of the batch do. Used once, by one thread; for that time it
// holds personal data, which is wiped at its end.
class BatchPlanner {
 public:
  struct Options {
    // All outlive the planner.
    const crypto::EpochFile* epochs = nullptr;
    crypto::SlotFile* slots = nullptr;
    const SubjectReader* reader = nullptr;
    ConsentSink* consents = nullptr;     // Null: choices are held back.
    Suppression* suppression = nullptr;  // Null: nobody is suppressed.
    IdentityMark* identities = nullptr;
    std::string home_country;
    std::string log_origin;
  };
  BatchPlanner(const Options& options, const WriteContext& context);
  ~BatchPlanner();

  // FIELD_INVALID for an unknown source or no purpose, TOO_LARGE for too many
  // rows. `as_of_change` is Committer::LastStored(), asked before.
  // `past_cache`: heads are read from the store, after a change that was
  // planned before came back as stale. Keys of new subjects are allocated here,
  // one synced write for all.
  absl::StatusOr<PlannedBatch> Plan(store::Connection* connection,
                                    std::span<const RowToWrite> rows,
                                    int64_t as_of_change, bool past_cache);

 private:
  struct Draft;
  struct StagedRow;
  struct StoredRow;

  // Reading, under one read transaction.
  absl::Status PlanRow(const RowToWrite& row, RowOutcome* outcome);
  // Null: `checked` says why the row is held back.
  absl::StatusOr<Draft*> FindSubject(const RowToWrite& row, uint64_t stored,
                                     CheckedRow* checked);
  absl::StatusOr<Draft*> GivenSubject(uint64_t given,
                                      const std::vector<NamedIdentifier>& named,
                                      CheckedRow* checked);
  // False: `checked` says why the row is held back. What somebody of its names
  // prohibited before she was known here goes into the draft.
  absl::StatusOr<bool> HoldAgainstSuppression(CheckedRow* checked,
                                              Draft* draft);
  absl::StatusOr<NamedIdentifier> NameIdentifier(
      const CheckedIdentifier& identifier);
  absl::StatusOr<Draft*> LoadDraft(uint64_t subject);
  Draft* NewDraft();
  absl::StatusOr<std::optional<StoredRow>> FindSourceRow(
      const CheckedRow& row, crypto::BlindIndex* key);
  absl::Status LoadStored(const CheckedRow& row, const Draft& draft,
                          StoredRow* stored);
  absl::StatusOr<std::vector<uint64_t>> HoldersOf(
      const NormalizedIdentifier& identifier);
  absl::StatusOr<bool> FactsContradict(const CheckedRow& row, Draft* draft);
  absl::Status LoadRecords(const KindSpec& kind, Draft* draft);
  absl::Status NoteCandidates(const JoinDecision& decision,
                              const CheckedRow& row, Draft* draft);
  std::string ContentOf(const CheckedRow& row, const Draft& draft) const;
  void TakeIntoHead(CheckedRow* row, Draft* draft);
  void FindConflicts(const CheckedRow& row, Draft* draft, RowOutcome* outcome);

  // Afterwards.
  absl::Status AllocateKeys();
  absl::Status AppendChoices();
  absl::Status Seal(WriteSet* writes);
  absl::Status SealRecords(Draft* draft, SubjectWrite* write);
  absl::Status SealLookups(Draft* draft, SubjectWrite* write);
  absl::Status SealCandidates(Draft* draft, SubjectWrite* write);

  const Options& options_;
  const WriteContext& context_;
  const SourceSpec* source_ = nullptr;

  store::Connection* connection_ = nullptr;
  SubjectReader::HeadOptions head_options_;
  std::shared_ptr<const crypto::EpochKeys> epochs_;

  std::vector<std::unique_ptr<Draft>> drafts_;
  std::map<uint64_t, Draft*> by_subject_;
  std::map<crypto::BlindIndex, std::set<uint64_t>> added_holders_;
  std::map<crypto::BlindIndex, StagedRow*> added_rows_;
  std::vector<std::unique_ptr<StagedRow>> staged_;
  std::map<crypto::BlindIndex, Observation> observations_;
  std::vector<Suppression::Seen> suppression_seen_;
  std::vector<RowOutcome> outcomes_;
};

}  // namespace consentry::vault

#endif  // CONSENTRY_GATEWAY_VAULT_BATCH_PLANNER_H_
