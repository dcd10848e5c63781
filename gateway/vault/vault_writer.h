#ifndef CONSENTRY_GATEWAY_VAULT_VAULT_WRITER_H_
#define CONSENTRY_GATEWAY_VAULT_VAULT_WRITER_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/v1/data_service.pb.h"
#include "gateway/crypto/epoch_file.h"
#include "gateway/crypto/slot_file.h"
#include "gateway/store/change.h"
#include "gateway/store/committer.h"
#include "gateway/store/reader_pool.h"
#include "gateway/vault/batch_planner.h"
#include "gateway/vault/consent_sink.h"
#include "gateway/vault/subject_reader.h"
#include "gateway/vault/write_set.h"

namespace consentry::vault {

struct WrittenRows {
  // One for each row, in its order.
  std::vector<RowOutcome> rows;
  // The change that wrote them and its audit entry.
  int64_t change = 0;
  uint64_t log_index = 0;
};

struct WrittenRecord {
  std::string record_id;
  std::string subject_id;
  v1::WriteOutcome outcome = v1::WRITE_OUTCOME_UNSPECIFIED;
  int64_t change = 0;
  // Of its entry; unknown, and 0, for a repetition.
  uint64_t log_index = 0;
  // The outcome of an earlier call with the same request_id.
  bool repeated = false;
};

// Writes records: validates rows, finds or makes their subjects, and commits,
// up to 256 rows in one change with one audit entry. Every call, one that
// changes nothing or only validates included, leaves its entry.
//
// When something that a change was planned on has changed before it was
// applied it is planned anew, at most three times, then CONTENDED.
//
// Safe for many threads; calls wait for the commit, so they belong on worker
// threads and never on a completion of the committer.
class VaultWriter {
 public:
  struct Options {
    // All outlive the writer.
    store::Committer* committer = nullptr;
    store::ReaderPool* readers = nullptr;
    const SubjectReader* reader = nullptr;
    const crypto::EpochFile* epochs = nullptr;
    crypto::SlotFile* slots = nullptr;
    ConsentSink* consents = nullptr;
    Suppression* suppression = nullptr;  // Null: nobody is suppressed.
    // ISO 3166-1 alpha-2, for telephone numbers without a country code.
    std::string home_country;
    // Of the audit log; part of subjects' tags.
    std::string log_origin;
  };
  explicit VaultWriter(Options options);
  VaultWriter(const VaultWriter&) = delete;
  VaultWriter& operator=(const VaultWriter&) = delete;

  // Applies rows of an import. Rows and columns that are held back are told in
  // the result and stop no other. An error means that nothing was written
  // (or UNKNOWN_OUTCOME).
  absl::StatusOr<WrittenRows> WriteRows(
      const WriteContext& context, std::span<const v1::ImportRow* const> rows);

  // Writes one record, replacing what the source wrote under the same key. Any
  // fault refuses the whole record, with one field violation for each. An id
  // that names no subject is ACCESS_DENIED, as everything about subjects.
  // `request` makes a repetition return the first outcome.
  absl::StatusOr<WrittenRecord> WriteRecord(
      const v1::WriteRecordRequest& request, WriteContext context,
      std::optional<store::RequestBinding> binding);

 private:
  struct Committed {
    std::vector<RowOutcome> rows;
    store::ChangeOutcome outcome;
  };
  absl::StatusOr<Committed> Write(
      const WriteContext& context, std::span<const RowToWrite> rows,
      const std::optional<store::RequestBinding>& binding);

  const Options options_;
  IdentityMark identities_;
  const BatchPlanner::Options planner_;
};

}  // namespace consentry::vault

#endif  // CONSENTRY_GATEWAY_VAULT_VAULT_WRITER_H_
