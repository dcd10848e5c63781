#ifndef CONSENTRY_GATEWAY_REVIEW_REVIEW_READS_H_
#define CONSENTRY_GATEWAY_REVIEW_REVIEW_READS_H_

#include <memory>
#include <string>

#include "consentry/v1/review_service.pb.h"
#include "gateway/access/audited_answer.h"
#include "gateway/access/governed_reads.h"
#include "gateway/crypto/page_token.h"
#include "gateway/review/review_desk.h"

namespace consentry::review {

// Reviews, read. Every answer is preceded by its entry. Work is done on the
// workers. Safe for many threads.
//
// Errors: NOT_FOUND, STATE_INVALID, PAGE_TOKEN_INVALID, those of
// access::AnswerAudited and of the governed read.
class ReviewReads {
 public:
  struct Options {
    // All outlive the object.
    access::AnswerParts parts;
    const ReviewDesk* desk = nullptr;
    access::GovernedReads* reads = nullptr;
    const crypto::PageTokens* page_tokens = nullptr;
  };
  explicit ReviewReads(Options options) : options_(std::move(options)) {}

  void List(access::Caller caller, const v1::ListReviewsRequest& request,
            access::Done<v1::ListReviewsResponse> done) const;
  // The case, for whoever holds the lease: two entries, of the words that were
  // opened and of the customer's fields, which a governed read under the
  // purpose of human review hands out. What that purpose may not see is named.
  void ShowCase(access::Caller caller, const v1::ShowReviewRequest& request,
                access::Done<v1::ReviewCase> done) const;
  // About one customer, with what she and reviewers wrote to each other, under
  // the purpose of customers' rights. A customer sees all of hers, a system
  // those that came through it. Nobody who is held has none.
  void OfCustomer(access::Caller caller,
                  const v1::ListCustomerReviewsRequest& request,
                  access::Done<v1::ListCustomerReviewsResponse> done) const;
  void Figures(access::Caller caller,
               const v1::GetReviewFiguresRequest& request,
               access::Done<v1::ReviewFigures> done) const;

 private:
  // May give the lease back.
  absl::StatusOr<TargetCase> Describe(store::ReaderPool::Lease* lease,
                                      const std::string& target,
                                      const crypto::Grant& grant) const;

  const Options options_;
};

}  // namespace consentry::review

#endif  // CONSENTRY_GATEWAY_REVIEW_REVIEW_READS_H_
