#ifndef CONSENTRY_GATEWAY_SCREENING_RELEASE_ROWS_H_
#define CONSENTRY_GATEWAY_SCREENING_RELEASE_ROWS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/screening.pb.h"
#include "gateway/crypto/epoch_file.h"
#include "gateway/screening/screening_rows.h"
#include "gateway/store/change.h"
#include "gateway/store/engine.h"

namespace consentry::screening {

enum class ReleaseState : int64_t {
  // May be delivered, and waits for its channel to fetch it.
  kOpen = 1,
  // Its channel has confirmed that it took it over.
  kFetched = 2,
  kRevoked = 3,
};

// One release as it lies in the store, by the number of its screening.
struct ReleaseRow {
  int64_t no = 0;
  // 0: the customer was erased.
  uint64_t subject = 0;
  // The highest version of those whom it was decided on.
  int64_t subject_version = 0;
  ReleaseState state = ReleaseState::kOpen;
  store::v1::ReleaseDoc doc;
};

// Rows of releases and of revoked ones. Their docs hold no more than digest,
// way and end, under a system key: a release must be revoked even when the keys
// of its customer are gone. Safe for many threads; writing needs the
// committer's connection.
class ReleaseRows {
 public:
  // Both outlive the object.
  ReleaseRows(const crypto::EpochFile* epochs, const ScreeningKeys* keys)
      : epochs_(epochs), keys_(keys) {}

  absl::Status Insert(store::Connection* connection,
                      const ReleaseRow& row) const;
  // nullopt: there is none, or it ended long ago.
  absl::StatusOr<std::optional<ReleaseRow>> Find(store::Connection* connection,
                                                 int64_t no) const;
  absl::Status SetState(store::Connection* connection, int64_t no,
                        ReleaseState state) const;
  // Removes it, so that another release of the same output can take its place.
  absl::Status Remove(store::Connection* connection, int64_t no) const;

  // Open ones of a way, oldest first, behind `after`.
  absl::StatusOr<std::vector<ReleaseRow>> ListOpen(
      store::Connection* connection, const std::string& purpose, int channel,
      int64_t after, size_t limit) const;
  // Not revoked and not ended, of one customer.
  absl::StatusOr<std::vector<ReleaseRow>> ListOf(store::Connection* connection,
                                                 uint64_t subject,
                                                 int64_t now_us) const;
  // Subjects that changed behind `after` and have releases, or are joined with
  // somebody; up to `limit`, in the order of versions, then numbers.
  struct Changed {
    int64_t version = 0;
    uint64_t subject = UINT64_MAX >> 1;
  };
  absl::StatusOr<std::vector<Changed>> ChangedSince(
      store::Connection* connection, const Changed& after, size_t limit) const;
  // Numbers of all such releases behind `after`.
  absl::StatusOr<std::vector<ReleaseRow>> ListLive(
      store::Connection* connection, int64_t after, int64_t now_us,
      size_t limit) const;

  // For good, with the `revoked_class` of its doc. Nothing happens when it is
  // revoked already.
  absl::Status Revoke(const store::ChangeContext& context,
                      const ReleaseRow& row) const;
  // Of an erased customer: revokes what has not ended, and names her no more.
  // One that cannot be opened is removed: nobody can be told of it. How many,
  // at most `limit`.
  absl::StatusOr<int64_t> RevokeAllOf(const store::ChangeContext& context,
                                      uint64_t subject, int64_t limit) const;
  struct Revoked {
    int64_t revoke_no = 0;
    std::string digest;
  };
  // Oldest first, behind `after`, those that have not ended. `last`: the last
  // one looked at, or `after`.
  absl::StatusOr<std::vector<Revoked>> ListRevoked(
      store::Connection* connection, int64_t after, int64_t now_us,
      size_t limit, int64_t* last) const;

  // Up to `limit` rows that ended before `now_us`; how many.
  absl::StatusOr<int64_t> DropEnded(store::Connection* connection,
                                    int64_t now_us, int64_t limit) const;

 private:
  absl::StatusOr<std::string> Seal(int64_t no,
                                   const store::v1::ReleaseDoc& doc) const;
  absl::Status Take(const store::Query& query, ReleaseRow* row) const;
  absl::StatusOr<std::vector<ReleaseRow>> TakeAll(store::Query* query) const;

  const crypto::EpochFile* const epochs_;
  const ScreeningKeys* const keys_;
};

}  // namespace consentry::screening

#endif  // CONSENTRY_GATEWAY_SCREENING_RELEASE_ROWS_H_
