#ifndef CONSENTRY_GATEWAY_FAIRNESS_FAIRNESS_DESK_H_
#define CONSENTRY_GATEWAY_FAIRNESS_FAIRNESS_DESK_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "consentry/v1/screening_service.pb.h"
#include "gateway/access/audited_answer.h"
#include "gateway/access/caller.h"
#include "gateway/crypto/page_token.h"
#include "gateway/crypto/request_digest.h"
#include "gateway/fairness/fairness_rows.h"
#include "gateway/fairness/fairness_watch.h"
#include "gateway/store/committer.h"

namespace consentry::fairness {

// Profiles, and what monitors say. For staff. Safe for many threads.
class FairnessDesk {
 public:
  struct Options {
    access::AnswerParts answers;
    FairnessWatch* watch = nullptr;
    const FairnessRows* rows = nullptr;
    const crypto::RequestDigests* digests = nullptr;
    const crypto::PageTokens* page_tokens = nullptr;
    // For how many days outputs are held. 0: for good.
    int64_t keep_days = 0;
  };
  explicit FairnessDesk(Options options) : options_(std::move(options)) {}

  // CONFIG_INVALID with all faults of the text; FIELD_INVALID where no output
  // is held until its audit; ETAG_MISMATCH; ALREADY_EXISTS where another
  // profile watches outputs of the same model and kind.
  using ProfileDone =
      absl::AnyInvocable<void(absl::StatusOr<v1::FairnessProfile>)>;
  void Put(const access::Caller& caller,
           const v1::PutFairnessProfileRequest& request,
           ProfileDone done) const;

  void Get(const access::Caller& caller,
           const v1::GetFairnessProfileRequest& request,
           access::Done<v1::FairnessProfile> done) const;
  void List(const access::Caller& caller,
            const v1::ListFairnessProfilesRequest& request,
            access::Done<v1::ListFairnessProfilesResponse> done) const;
  void Monitors(const access::Caller& caller,
                const v1::ListFairnessMonitorsRequest& request,
                access::Done<v1::ListFairnessMonitorsResponse> done) const;

 private:
  v1::FairnessProfile Show(const ProfileInForce& profile) const;

  const Options options_;
};

// Leaves an entry about each thing that monitors newly found, so that it stands
// in the log with its time; of a violation once. Does not wait. `rows` outlives
// the committer's last change.
void RecordFindings(store::Committer* committer, const FairnessRows* rows,
                    const clients::ConfigurationSource& configuration,
                    const std::vector<FairnessFinding>& found);

// For staff: monitors in violation and those with an alarm, of versions that
// made outputs in the last two days. Ids alone.
std::vector<std::string> FindingLines(const FairnessWatch& watch,
                                      int64_t now_us);

}  // namespace consentry::fairness

#endif  // CONSENTRY_GATEWAY_FAIRNESS_FAIRNESS_DESK_H_
