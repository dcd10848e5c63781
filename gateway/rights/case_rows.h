#ifndef CONSENTRY_GATEWAY_RIGHTS_CASE_ROWS_H_
#define CONSENTRY_GATEWAY_RIGHTS_CASE_ROWS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/rights.pb.h"
#include "consentry/v1/rights_service.pb.h"
#include "gateway/crypto/epoch_file.h"
#include "gateway/crypto/grant.h"
#include "gateway/crypto/ids.h"
#include "gateway/crypto/slot_file.h"
#include "gateway/store/engine.h"

namespace consentry::rights {

// One case as it lies in the store.
struct CaseRow {
  int64_t case_no = 0;
  crypto::ObjectId id{};
  // 0: nobody was found, or she was erased.
  uint64_t subject = 0;
  // The doc is sealed under a system key: it outlives the subject's.
  bool by_system = false;
  uint32_t row_generation = 1;
  store::v1::RightsCaseDoc doc;
  // Sealed CaseWords; empty: none.
  std::string words;
};

// Which cases a list holds. 0: all.
struct CaseFilter {
  std::optional<uint64_t> subject;
  int kind = 0;
  int state = 0;
  // Open ones that are due before this hour since the epoch.
  std::optional<int64_t> due_before_hour;
};
// Where a list goes on: behind this row.
struct CasePlace {
  bool open = true;
  int64_t due_hour = INT64_MIN;
  int64_t case_no = 0;
};

// Rows of rights_cases. Sealed under the key of the subject, or under a system
// key where there is none. Writing needs the committer's connection inside of a
// change. Errors: NOT_FOUND, DATA_CORRUPT. Safe for many threads, each with a
// connection of its own.
class CaseRows {
 public:
  // Both outlive the object.
  CaseRows(const crypto::SlotFile* slots, const crypto::EpochFile* epochs)
      : slots_(slots), epochs_(epochs) {}

  // `case_no`, `id`, `subject` and `doc` are set; `words` are sealed here.
  absl::Status Insert(store::Connection* connection, CaseRow* row,
                      const store::v1::CaseWords* words) const;
  // Under a new row generation. Never touches the words.
  absl::Status Update(store::Connection* connection, CaseRow* row) const;

  absl::StatusOr<CaseRow> Read(store::Connection* connection,
                               const crypto::ObjectId& id) const;
  // The one that is due first comes first, then those that are answered, in the
  // order of their last due time. Rows whose subject's keys are gone are left
  // out.
  absl::StatusOr<std::vector<CaseRow>> List(store::Connection* connection,
                                            const CaseFilter& filter,
                                            const CasePlace& after,
                                            size_t limit,
                                            CasePlace* last) const;

  // One case, with the pieces of its report. Nothing happens where it is not.
  absl::Status Remove(store::Connection* connection, int64_t case_no) const;

  // The records of requests outlive an erasure (11 CCR 7101): seals the docs of
  // all cases of the subject, but for what she wrote, under a system key.
  // Inside of the change that decides the erasure.
  absl::Status KeepBeyondKeys(store::Connection* connection,
                              uint64_t subject) const;
  // Up to `limit` of her cases lead to nobody any more, and what belonged to
  // them is gone. How many rows were touched. Her keys may be gone.
  absl::StatusOr<int64_t> Forget(store::Connection* connection,
                                 uint64_t subject, int64_t limit) const;

  // What the customer wrote.
  absl::StatusOr<store::v1::CaseWords> OpenWords(const crypto::Grant& grant,
                                                 const CaseRow& row) const;

 private:
  absl::StatusOr<std::string> SealDoc(const CaseRow& row) const;
  absl::Status OpenDoc(std::string_view sealed, CaseRow* row) const;

  const crypto::SlotFile* const slots_;
  const crypto::EpochFile* const epochs_;
};

}  // namespace consentry::rights

#endif  // CONSENTRY_GATEWAY_RIGHTS_CASE_ROWS_H_
