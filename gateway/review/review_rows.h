#ifndef CONSENTRY_GATEWAY_REVIEW_REVIEW_ROWS_H_
#define CONSENTRY_GATEWAY_REVIEW_REVIEW_ROWS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/review.pb.h"
#include "gateway/crypto/epoch_file.h"
#include "gateway/crypto/grant.h"
#include "gateway/crypto/ids.h"
#include "gateway/crypto/slot_file.h"
#include "gateway/store/engine.h"

namespace consentry::review {

// One review as it lies in the store.
struct ReviewRow {
  int64_t no = 0;
  crypto::ObjectId id{};
  // 0: about nobody who is held.
  uint64_t subject = 0;
  uint32_t row_generation = 1;
  store::v1::ReviewDoc doc;
};

// Where a walk goes on: behind this row.
struct ReviewPlace {
  int64_t priority = INT64_MIN;
  int64_t due_hour = INT64_MIN;
  int64_t no = 0;
};

// Rows of reviews and of what was written in them. Sealed under the key of the
// subject, or under a system key where there is none. Writing needs the
// committer's connection inside of a change. Errors: NOT_FOUND, DATA_CORRUPT,
// those of the store. Safe for many threads, each with a connection of its own.
class ReviewRows {
 public:
  // Both outlive the object.
  ReviewRows(const crypto::SlotFile* slots, const crypto::EpochFile* epochs)
      : slots_(slots), epochs_(epochs) {}

  // `id`, `subject` and `doc` are set; `no` is given here.
  absl::Status Insert(store::Connection* connection, ReviewRow* row) const;
  // Under a new row generation.
  absl::Status Update(store::Connection* connection, ReviewRow* row) const;
  // What is about nobody who is held becomes a customer's: sealed anew, under
  // her key. The row is to be written after.
  absl::Status Adopt(store::Connection* connection, uint64_t subject,
                     ReviewRow* row) const;
  // One more piece of the words; the doc counts it and is to be written after.
  absl::Status AddWords(store::Connection* connection,
                        const store::v1::ReviewWords& words,
                        ReviewRow* row) const;

  absl::StatusOr<ReviewRow> Read(store::Connection* connection,
                                 const crypto::ObjectId& id) const;
  // The queue, by priority, then due time. Rows whose subject's keys are gone
  // are left out, those that do not open are logged. `*last` is the last row
  // that was looked at, `*more` whether any can follow.
  absl::StatusOr<std::vector<ReviewRow>> Queue(store::Connection* connection,
                                               const ReviewPlace& after,
                                               size_t limit, ReviewPlace* last,
                                               bool* more) const;
  // Open ones by due hour, or decided ones by the hour of the decision, in
  // [first_hour, end_hour).
  absl::StatusOr<std::vector<ReviewRow>> ByHour(store::Connection* connection,
                                                bool open, int64_t first_hour,
                                                int64_t end_hour,
                                                const ReviewPlace& after,
                                                size_t limit, ReviewPlace* last,
                                                bool* more) const;

  // About a subject, the newest first, those numbered below `below`. `*last`:
  // number of the last row that was looked at, `*more`: others can follow.
  absl::StatusOr<std::vector<ReviewRow>> OfSubject(
      store::Connection* connection, uint64_t subject, size_t limit,
      int64_t below = INT64_MAX, int64_t* last = nullptr,
      bool* more = nullptr) const;
  // The same about whoever a name was given for that nobody bears: for each of
  // the keyed hashes that it may lie under.
  absl::StatusOr<std::vector<ReviewRow>> OfNobody(
      store::Connection* connection, const std::vector<std::string>& name_keys,
      size_t limit, int64_t below = INT64_MAX) const;

  absl::StatusOr<std::vector<store::v1::ReviewWords>> OpenWords(
      store::Connection* connection, const crypto::Grant& grant,
      const ReviewRow& row) const;

  absl::Status Remove(store::Connection* connection, int64_t no) const;
  // Up to `limit` rows about the subject go; how many went. Her keys may be
  // gone.
  absl::StatusOr<int64_t> Forget(store::Connection* connection,
                                 uint64_t subject, int64_t limit) const;

 private:
  absl::StatusOr<std::vector<ReviewRow>> OfColumn(store::Connection* connection,
                                                  int64_t subject, size_t limit,
                                                  int64_t below, int64_t* last,
                                                  bool* more) const;
  absl::StatusOr<std::string> SealWords(const ReviewRow& row,
                                        std::string_view piece,
                                        std::string_view bytes) const;
  absl::StatusOr<std::string> SealDoc(const ReviewRow& row) const;
  absl::Status OpenDoc(std::string_view sealed, ReviewRow* row) const;
  absl::StatusOr<std::vector<ReviewRow>> Take(store::Query* query, size_t limit,
                                              ReviewPlace* last,
                                              bool* more) const;

  const crypto::SlotFile* const slots_;
  const crypto::EpochFile* const epochs_;
};

}  // namespace consentry::review

#endif  // CONSENTRY_GATEWAY_REVIEW_REVIEW_ROWS_H_
