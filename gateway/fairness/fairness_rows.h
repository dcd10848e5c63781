#ifndef CONSENTRY_GATEWAY_FAIRNESS_FAIRNESS_ROWS_H_
#define CONSENTRY_GATEWAY_FAIRNESS_FAIRNESS_ROWS_H_

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/fairness.pb.h"
#include "consentry/store/v1/monitor_state.pb.h"
#include "gateway/crypto/epoch_file.h"
#include "gateway/crypto/request_digest.h"
#include "gateway/store/engine.h"

namespace consentry::fairness {

struct ProfileRow {
  // Where it lies; empty: a new one.
  std::string key;
  int64_t generation = 0;
  store::v1::FairnessProfileDoc doc;
};

struct VersionRow {
  int64_t no = 0;
  int64_t generation = 0;
  store::v1::FairnessVersionDoc doc;
};

struct MonitorRow {
  int64_t stream = 0;
  int64_t generation = 0;
  store::v1::MonitorState state;
};

// Rows of gateway/store/tables_fairness.h, sealed under a system key. Writing
// needs the committer's connection inside of a change. DATA_CORRUPT for what
// does not open. Safe for many threads, each with a connection of its own.
class FairnessRows {
 public:
  // Both outlive the object.
  FairnessRows(const crypto::EpochFile* epochs,
               const crypto::RequestDigests* digests)
      : epochs_(epochs), digests_(digests) {}

  absl::StatusOr<std::vector<ProfileRow>> Profiles(
      store::Connection* connection) const;
  // Where a profile lies, or would lie if it were put into force now.
  absl::StatusOr<std::string> ProfileKey(store::Connection* connection,
                                         std::string_view id) const;
  // Writes generation + 1.
  absl::Status Put(store::Connection* connection, ProfileRow* row) const;

  absl::StatusOr<std::vector<VersionRow>> Versions(
      store::Connection* connection) const;
  absl::Status Put(store::Connection* connection, VersionRow* row) const;

  // By stream.
  absl::StatusOr<std::vector<MonitorRow>> Monitors(
      store::Connection* connection, int64_t version_no) const;
  absl::Status Put(store::Connection* connection, int64_t version_no,
                   MonitorRow* row) const;

  // Violations that the log has an entry of, as version_no and stream.
  absl::StatusOr<std::set<std::pair<int64_t, int64_t>>> Findings(
      store::Connection* connection) const;
  // True: it was not there.
  absl::StatusOr<bool> AddFinding(store::Connection* connection,
                                  int64_t version_no, int64_t stream) const;

  // Who is counted once: a hash that leads to nobody. `what`: that for which
  // she is.
  std::string UnitKey(std::string_view profile, std::string_view version,
                      std::string_view what, uint64_t subject,
                      int64_t period) const;
  // True: it was not there.
  absl::StatusOr<bool> AddUnit(store::Connection* connection,
                               std::string_view unit_key,
                               int64_t expire_hour) const;
  // Drops units whose end has come, at most `most`.
  absl::Status DropUnits(store::Connection* connection, int64_t hour,
                         int64_t most) const;

 private:
  std::string KeyOf(std::string_view what,
                    std::initializer_list<std::string_view> parts) const;

  const crypto::EpochFile* const epochs_;
  const crypto::RequestDigests* const digests_;
};

}  // namespace consentry::fairness

#endif  // CONSENTRY_GATEWAY_FAIRNESS_FAIRNESS_ROWS_H_
