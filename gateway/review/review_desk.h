#ifndef CONSENTRY_GATEWAY_REVIEW_REVIEW_DESK_H_
#define CONSENTRY_GATEWAY_REVIEW_REVIEW_DESK_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "consentry/config/v1/screening.pb.h"
#include "consentry/v1/review_service.pb.h"
#include "gateway/access/snapshot.h"
#include "gateway/base/clock.h"
#include "gateway/clients/caller_context.h"
#include "gateway/crypto/opaque_token.h"
#include "gateway/crypto/request_digest.h"
#include "gateway/review/review_queue.h"
#include "gateway/review/review_rows.h"
#include "gateway/review/review_state.h"
#include "gateway/store/committer.h"
#include "gateway/store/reader_pool.h"
#include "gateway/vault/subject_reader.h"

namespace consentry::review {

// What reviews stand on. All outlive them.
struct ReviewParts {
  clients::ConfigurationSource configuration;
  store::Committer* committer = nullptr;
  store::ReaderPool* readers = nullptr;
  const vault::SubjectReader* subjects = nullptr;
  const crypto::SlotFile* slots = nullptr;
  const crypto::EpochFile* epochs = nullptr;
  const crypto::OpaqueTokens* tokens = nullptr;
  const crypto::RequestDigests* digests = nullptr;
  const base::Clock* clock = nullptr;
  std::string log_origin;
  config::v1::Reviewing settings;
  // Days after which a decided review is forgotten; 0: 400.
  uint32_t keep_days = 0;
  bool single_operator = false;
  // Of outputs ("scr_...") and of vulnerabilities ("vul_..."), which are not
  // held back. Null: there is none.
  ReviewTarget* target = nullptr;
  // Null: decisions on readings are no targets.
  DecidedReads* decisions = nullptr;
  // Writes to the customer inside of a change: the key of a text and what its
  // placeholders take. A failure stops no review; the entry says so. May be
  // null.
  std::function<absl::Status(store::ChangeContext&, uint64_t subject,
                             std::string_view text,
                             std::map<std::string, std::string> arguments)>
      tell;
  // A review that a case ("rgt_...") waits for is decided: inside of that
  // change, once for each case. May be null.
  std::function<absl::Status(store::ChangeContext&, std::string_view case_id,
                             const store::v1::ReviewDoc&, store::v1::Leaf*)>
      answer_case;
};

// What a customer's case asks of a human.
struct CaseQuestion {
  // "rgt_...".
  std::string case_id;
  // "scr_..." or "dec_...", about `subject`.
  std::string target;
  uint64_t subject = 0;
  // What she wrote. May be empty.
  std::string statement;
  // Who entered the case, who does not decide it.
  store::v1::ReviewActor requester;
};

// The changes of reviews. Each call is one change with its entry, and what a
// decision does to its target is in the same change. Who asked for a review and
// who decides it are the acting persons of their calls.
//
// Errors: FIELD_INVALID; NOT_FOUND, also for what is not the caller's;
// STATE_INVALID; PERMISSION_MISSING without the authority; ETAG_MISMATCH; those
// of the target and of the committer. Safe for many threads; the methods but
// Enqueue may read the store and are for a worker.
class ReviewDesk final : public ReviewQueue {
 public:
  explicit ReviewDesk(ReviewParts parts);

  absl::StatusOr<QueuedReview> Enqueue(store::ChangeContext& context,
                                       const NewReview& review) override;

  // Inside of the change that needs it: as Request, for a case, which the
  // decision answers. Tells nobody, and adds nothing to the entry.
  absl::StatusOr<QueuedReview> EnqueueCase(store::ChangeContext& context,
                                           const CaseQuestion& question);
  // Whom a target is about. NOT_FOUND when there is no such one. For workers.
  absl::StatusOr<uint64_t> SubjectOf(store::Connection* connection,
                                     const std::string& target) const;

  // Called once, on a thread of the committer or the calling one.
  using Done = absl::AnyInvocable<void(absl::StatusOr<v1::Review>)>;

  // A target that waits in an open review of the customer already joins that
  // one, as does a second hand-over: her words are added, and it becomes as
  // urgent as what she asks for. A name that nobody bears is answered in the
  // same way, and what was said of it is not kept; the caller's budget of
  // customers counts it.
  void Request(const clients::CallerContext& caller,
               const v1::RequestReviewRequest& request, Done done);
  // Without an id: the most urgent one that the caller may take; the next one
  // when another person is quicker.
  void Claim(const clients::CallerContext& caller,
             const v1::ClaimReviewRequest& request, Done done);
  // With a question it waits for the customer, who is told.
  void Release(const clients::CallerContext& caller,
               const v1::ReleaseReviewRequest& request, Done done);
  void Decide(const clients::CallerContext& caller,
              const v1::DecideReviewRequest& request, Done done);
  void AddStatement(const clients::CallerContext& caller,
                    const v1::AddStatementRequest& request, Done done);

  // Due times that passed: each is a change of its own. At most `most`; how
  // many there were.
  absl::StatusOr<int64_t> TimeOutDue(int64_t most = 200);
  // Decided reviews that were kept long enough go; at most `most`.
  absl::StatusOr<int64_t> ForgetOld(int64_t most = 1000);
  // For erasures.
  absl::StatusOr<int64_t> Forget(store::ChangeContext& context,
                                 uint64_t subject, int64_t limit) const;

  const ReviewParts& parts() const { return parts_; }
  const ReviewRows& rows() const { return rows_; }
  Powers powers() const;

  // Whom a caller asks about.
  struct Named {
    // 0: nobody who is held.
    uint64_t subject = 0;
    // Keyed hashes of the name, under which a row about nobody may lie; a new
    // one lies under the first.
    std::vector<std::string> keys;
  };
  // Counts her against the caller's budget. FIELD_INVALID for what can be
  // nobody's name, BUDGET_EXHAUSTED.
  absl::StatusOr<Named> NameOf(const clients::CallerContext& caller,
                               const v1::SubjectRef& ref) const;

  // As callers see it.
  static v1::Review Show(const store::v1::ReviewDoc& doc, int64_t now_us);
  // Without who of the staff looks at it, and what it takes to decide it.
  static v1::Review ShowToAsker(const store::v1::ReviewDoc& doc,
                                int64_t now_us);
  // The subject and all that are joined with it, itself first.
  absl::StatusOr<std::vector<uint64_t>> GroupOf(store::Connection* connection,
                                                uint64_t subject) const;
  static store::v1::ReviewActor ActorOf(const clients::CallerContext& caller);

 private:
  // One change of one review. `step` changes the row and adds to the leaf.
  using Step = std::function<absl::Status(store::ChangeContext&, ReviewRow*,
                                          store::v1::Leaf*)>;
  template <class Asked>
  void Change(const clients::CallerContext& caller, Asked request,
              const std::string& id, bool customers, Step step, Done done);
  // Of the first of several that it is not too late for.
  template <class Asked>
  void ChangeOneOf(const clients::CallerContext& caller, Asked request,
                   std::vector<crypto::ObjectId> ids, bool customers, Step step,
                   Done done);
  void Commit(store::Change change, Done done);
  // The row of a new review, inside of its change. `name_key` where it is about
  // nobody.
  absl::StatusOr<ReviewRow> Insert(store::ChangeContext& context,
                                   const NewReview& review, bool holds_target,
                                   const store::v1::ReviewActor& requester,
                                   const std::string& name_key = "");
  // An open review of the subject that a request for this target joins.
  absl::StatusOr<std::optional<ReviewRow>> FindOpen(
      store::Connection* connection, const Named& named,
      const v1::RequestReviewRequest& request) const;
  absl::Status Join(store::ChangeContext& context,
                    const store::v1::ReviewActor& requester,
                    const v1::RequestReviewRequest& request,
                    store::v1::ReviewDoc* doc) const;
  // A new review, or the open one that the request joins, with its words. The
  // row is changed and not yet written where it `changed`.
  struct Queued {
    ReviewRow row;
    bool joined = false;
    bool changed = false;
    // Nobody asked for it before.
    bool first = false;
  };
  absl::StatusOr<Queued> Ask(store::ChangeContext& context,
                             const clients::CallerContext& caller,
                             const store::v1::ReviewActor& requester,
                             const Named& named,
                             const v1::RequestReviewRequest& request);
  absl::Status AddStatementTo(store::ChangeContext& context,
                              const std::string& statement,
                              const clients::CallerContext& caller,
                              ReviewRow* row) const;
  // NOT_FOUND unless the customer who calls is the subject, or joined with it.
  absl::Status CheckMine(store::Connection* connection,
                         const clients::CallerContext& caller,
                         uint64_t subject) const;
  // Whose row it is becomes a subject of the entry.
  absl::Status TellAbout(store::ChangeContext& context, uint64_t subject,
                         store::v1::Leaf* leaf) const;
  void Tell(store::ChangeContext& context, const ReviewRow& row,
            std::string_view text, store::v1::Leaf* leaf) const;
  int64_t TermUs(v1::ReviewTrigger trigger) const;

  const ReviewParts parts_;
  const ReviewRows rows_;
};

}  // namespace consentry::review

#endif  // CONSENTRY_GATEWAY_REVIEW_REVIEW_DESK_H_
