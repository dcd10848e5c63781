#ifndef CONSENTRY_GATEWAY_SCREENING_INFERENCES_H_
#define CONSENTRY_GATEWAY_SCREENING_INFERENCES_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/config/v1/screening.pb.h"
#include "consentry/store/v1/screening.pb.h"
#include "gateway/crypto/slot_file.h"
#include "gateway/screening/recheck.h"
#include "gateway/screening/screener.h"
#include "gateway/store/change.h"
#include "gateway/vault/head_cache.h"
#include "gateway/vault/vault_writer.h"

namespace consentry::screening {

enum class InferenceState : int64_t {
  kToWrite = 1,
  kWritten = 2,
};

// What a released segment, persona or score says about a customer is data about
// her: a record of an inferred kind of the catalog, with its model and purpose
// as provenance, that ends after the days of the configuration. It is looked at
// anew when what is known of her changes (choices, age, residence,
// vulnerabilities), and once a day, since time alone ends consents and
// childhoods; it is taken back when its output would not reach her any more. In
// the vault it is a record like any other: it stands in her access report and
// goes with her erasure.
//
// The change that releases the output notes the inference; a sweep writes,
// checks and takes back, in steps that can be repeated. Safe for many threads;
// the sweep waits for the committer.
class Inferences {
 public:
  struct Options {
    // All outlive the object.
    const ScreeningParts* parts = nullptr;
    vault::VaultWriter* writer = nullptr;
    const crypto::SlotFile* slots = nullptr;
    vault::HeadCache* cache = nullptr;
  };
  explicit Inferences(const Options& options) : options_(options) {}

  // Inside of the change that releases the output of `row`, or changes what was
  // released: it is written anew then, or taken back.
  static absl::Status Note(const config::v1::Screening& settings,
                           store::ChangeContext& context,
                           const crypto::SubjectKeys& keys,
                           const v1::Output& output, const ScreeningRow& row);

  // Inside of a change that blocks what was released: it is taken back. True:
  // there is one.
  static absl::StatusOr<bool> NoteAgain(store::ChangeContext& context,
                                        int64_t screening_no);

  // Writes what was noted, takes back what ended or does not hold any more.
  absl::Status Sweep();

 private:
  struct Row {
    int64_t no = 0;
    uint64_t subject = 0;
    InferenceState state = InferenceState::kToWrite;
    uint32_t row_generation = 1;
    store::v1::InferenceDoc doc;
  };
  // `last`: the last row that was looked at, those that cannot be opened
  // included; 0: there was none.
  absl::StatusOr<std::vector<Row>> List(store::Connection* connection,
                                        const char* sql, int64_t first,
                                        int64_t second, int64_t* last) const;
  // Whether it may still be said of her, and its words.
  absl::StatusOr<Rechecked> Look(store::Connection* connection, const Row& row,
                                 int64_t now_us, int64_t as_of) const;
  absl::Status WriteNoted();
  absl::Status WriteOne(const Row& row);
  absl::Status TakeBackEnded();
  absl::Status CheckChanged() ABSL_EXCLUSIVE_LOCKS_REQUIRED(sweep_mu_);
  // The record and its row.
  absl::Status TakeBack(const Row& row, const char* why);

  const Options options_;
  Mutex sweep_mu_;
  // Changes up to it were looked at; -1: none.
  int64_t checked_ ABSL_GUARDED_BY(sweep_mu_) = -1;
  int64_t checked_epoch_ ABSL_GUARDED_BY(sweep_mu_) = -1;
  // When all were looked at.
  int64_t all_us_ ABSL_GUARDED_BY(sweep_mu_) = 0;
};

// What of the configuration is about this output; null: it leaves no record.
const config::v1::InferredRecord* InferredBy(
    const config::v1::Screening& settings, const v1::Output& output);

}  // namespace consentry::screening

#endif  // CONSENTRY_GATEWAY_SCREENING_INFERENCES_H_
