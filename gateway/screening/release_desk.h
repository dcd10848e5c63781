#ifndef CONSENTRY_GATEWAY_SCREENING_RELEASE_DESK_H_
#define CONSENTRY_GATEWAY_SCREENING_RELEASE_DESK_H_

#include <cstdint>
#include <map>
#include <memory>
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
  // All outlive the desk. `looked_per_fetch`: releases that one page looks at,
  // those that wait for their time included.
  ReleaseDesk(const ScreeningParts* parts, const crypto::PageTokens* tokens,
              size_t looked_per_fetch = 2048)
      : parts_(parts),
        page_tokens_(tokens),
        looked_per_fetch_(looked_per_fetch) {}

  // Each output is decided anew, as its engine's and as the caller's. The
  // request lives until `done` was called.
  void Fetch(const access::Caller& caller,
             const v1::FetchOutputsRequest& request,
             access::Done<v1::FetchOutputsResponse> done);

  void ListRevoked(const access::Caller& caller,
                   const v1::ListRevokedReleasesRequest& request,
                   access::Done<v1::ListRevokedReleasesResponse> done);

  // Revokes what does not hold any more by now. Waits for the committer: not
  // from one of its threads.
  absl::Status Refresh();

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
  absl::Status Revoke(const std::vector<ReleaseRow>& over);
  absl::Status LookAt(store::Connection* connection,
                      const std::vector<ReleaseRow>& releases, int64_t now_us,
                      int64_t as_of, bool all, std::vector<ReleaseRow>* over);

  const ScreeningParts* const parts_;
  const crypto::PageTokens* const page_tokens_;
  const size_t looked_per_fetch_;

  // Where the next fetch of a way begins, when the last one looked at its share
  // and found too few that are due: purpose and channel to release.
  Mutex fetch_mu_;
  std::map<std::pair<std::string, int>, int64_t> begin_
      ABSL_GUARDED_BY(fetch_mu_);

  Mutex refresh_mu_;
  // Changes up to it were looked at; -1: none, so all releases are.
  int64_t checked_ ABSL_GUARDED_BY(refresh_mu_) = -1;
  int64_t checked_epoch_ ABSL_GUARDED_BY(refresh_mu_) = -1;
};

}  // namespace consentry::screening

#endif  // CONSENTRY_GATEWAY_SCREENING_RELEASE_DESK_H_
