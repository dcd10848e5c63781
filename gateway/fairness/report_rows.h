#ifndef CONSENTRY_GATEWAY_FAIRNESS_REPORT_ROWS_H_
#define CONSENTRY_GATEWAY_FAIRNESS_REPORT_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/fairness.pb.h"
#include "gateway/crypto/epoch_file.h"
#include "gateway/store/engine.h"

namespace consentry::fairness {

enum class ReportState { kRegistered = 1, kMade = 2, kFailed = 3 };

struct ReportRow {
  // Number of the change that registered it.
  int64_t no = 0;
  // FairnessRows::ProfileKey.
  std::string profile_key;
  ReportState state = ReportState::kRegistered;
  int64_t generation = 0;
  store::v1::FairnessReportDoc doc;
  // Where it was asked for: the JSON file that the digest is about.
  std::string file;
};

struct HistoryRow {
  int64_t point = 0;
  store::v1::FairnessHistoryDoc doc;
};

// Rows of audits and of how monitors went (gateway/store/tables_fairness.h),
// sealed under a system key. Writing needs the committer's connection inside of
// a change. NOT_FOUND, DATA_CORRUPT for what does not open. Safe for many
// threads, each with a connection of its own.
class ReportRows {
 public:
  // `epochs` outlives the object.
  explicit ReportRows(const crypto::EpochFile* epochs) : epochs_(epochs) {}

  // ALREADY_EXISTS for an id or a number that is there.
  absl::Status Insert(store::Connection* connection, ReportRow* row) const;
  // State, doc and file, as a new generation.
  absl::Status Update(store::Connection* connection, ReportRow* row) const;

  // With its file.
  absl::StatusOr<ReportRow> Read(store::Connection* connection,
                                 std::string_view id) const;
  // The following are without the file.
  // Newest first, below `before` (0: from the newest), at most `limit`; of one
  // profile by its key, or of all where it is empty.
  absl::StatusOr<std::vector<ReportRow>> List(store::Connection* connection,
                                              std::string_view profile_key,
                                              int64_t before,
                                              size_t limit) const;
  // Those of a profile that were registered in a year (UTC), oldest first.
  absl::StatusOr<std::vector<ReportRow>> OfYear(store::Connection* connection,
                                                std::string_view profile_key,
                                                int64_t year) const;
  // Oldest first; of one profile, or of all where it is empty.
  absl::StatusOr<std::vector<ReportRow>> Registered(
      store::Connection* connection, std::string_view profile_key = {}) const;

  // Points of a version that are kept: daily ones for three years.
  static constexpr int64_t kMostPoints = 1'100;

  // Drops what is older than the last kMostPoints.
  absl::Status Add(store::Connection* connection, int64_t version_no,
                   const HistoryRow& row) const;
  // In their order.
  absl::StatusOr<std::vector<HistoryRow>> History(store::Connection* connection,
                                                  int64_t version_no) const;
  // The last one; its point is 0 where there is none.
  absl::StatusOr<HistoryRow> LastPoint(store::Connection* connection,
                                       int64_t version_no) const;

 private:
  absl::StatusOr<ReportRow> Take(const store::Query& query,
                                 bool with_file) const;
  absl::StatusOr<std::vector<ReportRow>> TakeAll(store::Query* query) const;
  absl::StatusOr<HistoryRow> TakePoint(const store::Query& query,
                                       int64_t version_no) const;

  const crypto::EpochFile* const epochs_;
};

// The calendar year of a time, UTC.
int64_t YearOf(int64_t time_us);

}  // namespace consentry::fairness

#endif  // CONSENTRY_GATEWAY_FAIRNESS_REPORT_ROWS_H_
