#ifndef CONSENTRY_GATEWAY_SERVER_WIRE_REVIEW_H_
#define CONSENTRY_GATEWAY_SERVER_WIRE_REVIEW_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "audit/log/reader.h"
#include "consentry/store/v1/rights.pb.h"
#include "gateway/access/governed_reads.h"
#include "gateway/base/threads.h"
#include "gateway/crypto/page_token.h"
#include "gateway/delivery/sender.h"
#include "gateway/review/review_desk.h"
#include "gateway/review/review_reads.h"
#include "gateway/review/subject_reviews.h"
#include "gateway/trail/trail_index.h"

namespace consentry::server {

// Human review: the desk, what is read of it, and the thread that looks for due
// times that passed.
class Review {
 public:
  struct Options {
    // All outlive it. `tell`, `target` and `decisions` are set here.
    review::ReviewParts parts;
    const delivery::Sender* sender = nullptr;
    access::GovernedReads* reads = nullptr;
    base::WorkerPool* workers = nullptr;
    const crypto::PageTokens* page_tokens = nullptr;
    trail::TrailIndex* trail = nullptr;
    const audit::LogReader* log = nullptr;
  };
  explicit Review(Options options);
  Review(const Review&) = delete;
  Review& operator=(const Review&) = delete;

  // Whose outputs and vulnerabilities are reviewed; it is made on top of the
  // queue, so after it. Before anything is served. Outlives it.
  void SetTarget(review::ReviewTarget* target,
                 review::ReviewTarget* vulnerabilities) {
    target_.to = target;
    target_.vulnerabilities = vulnerabilities;
  }

  review::ReviewDesk* desk() { return desk_.get(); }
  const review::ReviewReads* reads() const { return reads_.get(); }
  const review::SubjectReviews* of_subjects() const {
    return of_subjects_.get();
  }

  // After recovery.
  void Start();
  // Waits for the end of a step.
  void Stop() { thread_.reset(); }

 private:
  // NOT_FOUND until there is one.
  struct LateTarget final : public review::ReviewTarget {
    absl::Status Apply(store::ChangeContext& context, std::string_view target,
                       review::Ruling ruling, std::string_view new_outcome,
                       store::v1::Leaf* leaf) override;
    absl::StatusOr<review::TargetCase> Describe(
        store::Connection* connection, std::string_view target,
        const crypto::Grant& grant) override;

    review::ReviewTarget* Of(std::string_view target) const;

    review::ReviewTarget* to = nullptr;
    review::ReviewTarget* vulnerabilities = nullptr;
  };

  // From the log, and from the index of whom its entries are about.
  class LoggedDecisions final : public review::DecidedReads {
   public:
    // All outlive it.
    LoggedDecisions(const crypto::OpaqueTokens* tokens,
                    trail::TrailIndex* trail, const audit::LogReader* log)
        : tokens_(tokens), trail_(trail), log_(log) {}
    absl::StatusOr<review::TargetCase> Find(std::string_view decision) override;

   private:
    const crypto::OpaqueTokens* const tokens_;
    trail::TrailIndex* const trail_;
    const audit::LogReader* const log_;
  };

  LateTarget target_;
  LoggedDecisions decisions_;
  std::unique_ptr<review::ReviewDesk> desk_;
  std::unique_ptr<review::ReviewReads> reads_;
  std::unique_ptr<review::SubjectReviews> of_subjects_;
  std::unique_ptr<base::Periodic> thread_;
};

// Puts the decision that a case asks about before a human; the review's id.
absl::StatusOr<std::string> QueueCase(store::ChangeContext& context,
                                      const store::v1::RightsCaseDoc& doc,
                                      const std::string& statement,
                                      review::ReviewDesk* desk);

}  // namespace consentry::server

#endif  // CONSENTRY_GATEWAY_SERVER_WIRE_REVIEW_H_
