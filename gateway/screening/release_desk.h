#ifndef CONSENTRY_GATEWAY_SCREENING_RELEASE_DESK_H_
#define CONSENTRY_GATEWAY_SCREENING_RELEASE_DESK_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "consentry/v1/screening_service.pb.h"
#include "gateway/access/caller.h"
#include "gateway/access/governed_reads.h"
#include "gateway/crypto/page_token.h"
#include "gateway/screening/recheck.h"
#include "gateway/screening/release_rows.h"
#include "gateway/screening/screener.h"
#include "proto/support/mutex.h"

namespace consentry::screening {

// Releases after their verdict: handed to the channel that delivers them, and
// revoked when what they rest on changed. A release that was decided before a
// customer's change is never handed out after it returned, and stands in the
// list of revoked ones from the first time it is asked for. Safe for many
// threads; the work is done on workers.
class ReleaseDesk {
 public:
  struct Bounds {
    // Releases that one page looks at, those that wait for their time included.
    size_t looked_per_fetch = 2048;
    // Customers, or releases, that a step of Refresh looks at, and steps of one
    // call.
    size_t looked_per_step = 256;
    int steps = 64;
  };
  // All outlive the desk.
  ReleaseDesk(const ScreeningParts* parts, const crypto::PageTokens* tokens,
              const Bounds& bounds)
      : parts_(parts), page_tokens_(tokens), bounds_(bounds) {}
  ReleaseDesk(const ScreeningParts* parts, const crypto::PageTokens* tokens)
      : ReleaseDesk(parts, tokens, Bounds()) {}

  // Each output is decided anew, as its engine's and as the caller's. The
  // request lives until `done` was called.
  void Fetch(const access::Caller& caller,
             const v1::FetchOutputsRequest& request,
             access::Done<v1::FetchOutputsResponse> done);

  // STORE_UNAVAILABLE while not all are looked through, as after a start.
  void ListRevoked(const access::Caller& caller,
                   const v1::ListRevokedReleasesRequest& request,
                   access::Done<v1::ListRevokedReleasesResponse> done);

  // Revokes what does not hold any more by now, in steps; callers at the same
  // time share the work. False: there are more than the steps of one call, and
  // another goes on where it ended. Waits for the committer: not from one of
  // its threads.
  absl::StatusOr<bool> Refresh();

 private:
  struct Page;

  void AttemptFetch(const std::shared_ptr<Page>& page);
  absl::Status GatherPage(Page* page);
  absl::Status Confirm(Page* page);
  absl::Status FillPage(Page* page);
  // Where the next fetch begins.
  absl::StatusOr<int64_t> FillFrom(Page* page, store::Connection* connection,
                                   int64_t begin);
  // Whether any of what was due is charged now.
  absl::StatusOr<bool> Charge(Page* page) const;
  // True: the page has it.
  absl::StatusOr<bool> Offer(Page* page, store::Connection* connection,
                             const ReleaseRow& release);
  struct Over {
    ReleaseRow release;
    // Where they alone stand against it.
    std::vector<std::string> monitors;
  };
  static Over OverOf(const ReleaseRow& release, const Rechecked& checked);
  absl::Status Revoke(std::vector<Over> over);
  // A walk through all that may not hold any more.
  struct Walk {
    // As it was when the walk began.
    int64_t as_of = 0;
    int64_t epoch = 0;
    uint64_t monitors = 0;
    // All releases, behind `after`; else those of customers who changed, behind
    // `last`.
    bool all = false;
    int64_t after = 0;
    ReleaseRows::Changed last;
  };
  // One step; true: that was the last.
  absl::StatusOr<bool> GoOn(Walk* walk);
  absl::Status LookAt(store::Connection* connection,
                      const std::vector<ReleaseRow>& releases, int64_t now_us,
                      int64_t as_of, bool all, std::vector<Over>* over);

  const ScreeningParts* const parts_;
  const crypto::PageTokens* const page_tokens_;
  const Bounds bounds_;

  // Where the next fetch of a way begins, when the last one looked at its share
  // and found too few that are due: purpose and channel to release.
  Mutex fetch_mu_;
  std::map<std::pair<std::string, int>, int64_t> begin_
      ABSL_GUARDED_BY(fetch_mu_);

  // Held for one step at a time.
  Mutex refresh_mu_;
  std::optional<Walk> walk_ ABSL_GUARDED_BY(refresh_mu_);
  // Changes up to it were looked at; -1: none, so all releases are.
  int64_t checked_ ABSL_GUARDED_BY(refresh_mu_) = -1;
  int64_t checked_epoch_ ABSL_GUARDED_BY(refresh_mu_) = -1;
  // FairnessGate::changes() by then.
  uint64_t checked_monitors_ ABSL_GUARDED_BY(refresh_mu_) = 0;
};

}  // namespace consentry::screening

#endif  // CONSENTRY_GATEWAY_SCREENING_RELEASE_DESK_H_
