#ifndef CONSENTRY_GATEWAY_SCREENING_OUTCOME_ROWS_H_
#define CONSENTRY_GATEWAY_SCREENING_OUTCOME_ROWS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/screening.pb.h"
#include "consentry/v1/screening_service.pb.h"
#include "gateway/crypto/epoch_file.h"
#include "gateway/crypto/subject_keys.h"
#include "gateway/screening/screening_rows.h"
#include "gateway/store/engine.h"

namespace consentry::screening {

// Rows of outcomes: sealed under the subject's key once their output is here,
// under a system key until then. Safe for many threads; writing needs the
// committer's connection.
class OutcomeRows {
 public:
  // Both outlive the object.
  OutcomeRows(const crypto::EpochFile* epochs, const ScreeningKeys* keys)
      : epochs_(epochs), keys_(keys) {}

  // Of an output that is here (`keys` null: for nobody), or, with
  // `screening_no` 0, of one that is not yet. False: it is known already.
  absl::StatusOr<bool> Add(store::Connection* connection,
                           const std::string& output_key, int64_t screening_no,
                           const crypto::SubjectKeys* keys,
                           const v1::Outcome& outcome,
                           std::string_view client_id, int64_t now_us) const;

  // Those that came before their output become its own: which they are.
  absl::StatusOr<std::vector<store::v1::OutcomeDoc>> Join(
      store::Connection* connection, const std::string& output_key,
      int64_t screening_no, const crypto::SubjectKeys* keys) const;

  // In the order of their times.
  absl::StatusOr<std::vector<v1::Outcome>> List(
      store::Connection* connection, const std::string& output_key,
      const crypto::SubjectKeys* keys) const;

  // Up to `limit` that are older than `hour`; how many. With `unjoined`, only
  // those whose output never came.
  static absl::StatusOr<int64_t> Drop(store::Connection* connection,
                                      int64_t hour, bool unjoined,
                                      int64_t limit);

 private:
  absl::StatusOr<std::string> Seal(const std::string& outcome_key,
                                   const crypto::SubjectKeys* keys,
                                   const store::v1::OutcomeDoc& doc) const;
  absl::StatusOr<store::v1::OutcomeDoc> Open(std::string_view outcome_key,
                                             const crypto::SubjectKeys* keys,
                                             std::string_view sealed) const;

  const crypto::EpochFile* const epochs_;
  const ScreeningKeys* const keys_;
};

}  // namespace consentry::screening

#endif  // CONSENTRY_GATEWAY_SCREENING_OUTCOME_ROWS_H_
