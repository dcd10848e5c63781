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
#include "gateway/clients/configuration_writer.h"
#include "gateway/clients/proposals.h"
#include "gateway/crypto/page_token.h"
#include "gateway/fairness/fairness_rows.h"
#include "gateway/fairness/fairness_watch.h"
#include "gateway/store/committer.h"
#include "gateway/store/reader_pool.h"

namespace consentry::fairness {

// Profiles, and what monitors say. For staff. Safe for many threads.
class FairnessDesk {
 public:
  struct Options {
    access::AnswerParts answers;
    store::ReaderPool* readers = nullptr;
    FairnessWatch* watch = nullptr;
    const FairnessRows* rows = nullptr;
    const crypto::PageTokens* page_tokens = nullptr;
    // For how many days outputs are held. 0: for good.
    int64_t keep_days = 0;
    // Null: nothing waits for a second person.
    clients::Proposals* proposals = nullptr;
  };
  // What is approved later is put into force by this object, which outlives the
  // last call.
  explicit FairnessDesk(Options options);

  // CONFIG_INVALID with all faults of the text; FIELD_INVALID where no output
  // is held until its audit; ETAG_MISMATCH; ALREADY_EXISTS where another
  // profile watches outputs of the same model and kind; STATE_INVALID for
  // another model or other kinds where versions were counted.
  // Compiles the text: some milliseconds, on a worker.
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
  // Compiled and permitted, of a version that is given when it is put.
  absl::StatusOr<std::shared_ptr<ProfileInForce>> Prepare(
      const v1::PutFairnessProfileRequest& request) const;
  // Whether what lets more pass waits for a second person.
  bool NeedsAnother(const access::Caller& caller) const;
  // What is in force where `made` needs a second person to replace it.
  std::shared_ptr<const ProfileInForce> InForceToApprove(
      const access::Caller& caller,
      const v1::PutFairnessProfileRequest& request,
      const ProfileInForce& made) const;
  // Against what is stored. Sets its version.
  absl::StatusOr<ProfileRow> RowFor(store::Connection* connection,
                                    const std::string& etag, bool may_let_pass,
                                    ProfileInForce* made) const;
  absl::Status PutNow(store::Connection* connection, const std::string& etag,
                      bool may_let_pass, const std::string& who, int64_t now_us,
                      ProfileInForce* made) const;
  void PutAtOnce(const access::Caller& caller,
                 const v1::PutFairnessProfileRequest& request,
                 std::shared_ptr<ProfileInForce> made, ProfileDone done) const;
  void Propose(const access::Caller& caller,
               const v1::PutFairnessProfileRequest& request,
               const ProfileInForce& now, const ProfileInForce& made,
               ProfileDone done) const;
  absl::StatusOr<clients::ConfigurationWriter::Edit> ApprovedEdit(
      const store::v1::StoredProposal& proposal) const;

  const Options options_;
};

// Leaves an entry about each thing that monitors newly found, so that it stands
// in the log with its time; of a violation once. Does not wait. `rows` outlives
// the committer's last change.
void RecordFindings(store::Committer* committer, const FairnessRows* rows,
                    const clients::ConfigurationSource& configuration,
                    const std::vector<FairnessFinding>& found);

// For staff: monitors in violation and those with an alarm; records with a
// violation of a comparison that a restore lost; those of which
// nobody is counted now, of which some attribute is of nobody known now, or of
// which one was known of less than half of all. Of versions that made outputs
// in the last two days. Ids alone.
std::vector<std::string> FindingLines(const FairnessWatch& watch,
                                      int64_t now_us);

}  // namespace consentry::fairness

#endif  // CONSENTRY_GATEWAY_FAIRNESS_FAIRNESS_DESK_H_
