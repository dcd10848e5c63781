#ifndef CONSENTRY_GATEWAY_REVIEW_SUBJECT_REVIEWS_H_
#define CONSENTRY_GATEWAY_REVIEW_SUBJECT_REVIEWS_H_

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/report.pb.h"
#include "consentry/v1/rights_service.pb.h"
#include "gateway/crypto/grant.h"
#include "gateway/review/review_rows.h"
#include "gateway/vault/subject_reader.h"

namespace consentry::review {

// Reviews about a customer, for what she is told of herself. Names no member of
// staff. Safe for many threads, each with a connection of its own.
class SubjectReviews {
 public:
  using Members = std::vector<std::shared_ptr<const vault::CachedSubject>>;

  // `rows` outlives the object.
  explicit SubjectReviews(const ReviewRows* rows) : rows_(rows) {}

  // Newest first, without what anybody wrote.
  absl::StatusOr<std::vector<v1::HumanReview>> List(
      store::Connection* connection, const Members& members, size_t most) const;

  // Adds them to a report, with what she said and was told: all of them.
  absl::Status AddTo(store::Connection* connection, const crypto::Grant& grant,
                     const Members& members,
                     store::v1::AccessReport* report) const;

 private:
  absl::StatusOr<std::vector<ReviewRow>> RowsOf(store::Connection* connection,
                                                const Members& members,
                                                size_t most) const;

  const ReviewRows* const rows_;
};

}  // namespace consentry::review

#endif  // CONSENTRY_GATEWAY_REVIEW_SUBJECT_REVIEWS_H_
