#ifndef CONSENTRY_GATEWAY_SCREENING_SCREENING_READS_H_
#define CONSENTRY_GATEWAY_SCREENING_SCREENING_READS_H_

#include <optional>
#include <string>
#include <vector>

#include "consentry/v1/screening_service.pb.h"
#include "gateway/access/audited_answer.h"
#include "gateway/access/caller.h"
#include "gateway/access/governed_reads.h"
#include "gateway/crypto/page_token.h"
#include "gateway/screening/screener.h"

namespace consentry::screening {

// What compliance staff see of screened outputs. Each answer has its entry,
// with the customers whose outputs it shows. The words of an output are opened
// for GetScreening and GetCase, under human review; where the registry knows no
// such purpose they stay closed. Safe for many threads.
class ScreeningReads {
 public:
  // Groups of customers below this are not counted out.
  static constexpr int64_t kSmallestGroup = 10;

  // Both outlive the object.
  ScreeningReads(const ScreeningParts* parts, const crypto::PageTokens* tokens)
      : parts_(parts), page_tokens_(tokens) {}

  // NOT_FOUND.
  void Get(const access::Caller& caller, const v1::GetScreeningRequest& request,
           access::Done<v1::Screening> done);
  void List(const access::Caller& caller,
            const v1::ListScreeningsRequest& request,
            access::Done<v1::ListScreeningsResponse> done);
  // ACCESS_DENIED for a name that leads nowhere.
  void GetCase(const access::Caller& caller, const v1::GetCaseRequest& request,
               access::Done<v1::OutputCase> done);

 private:
  access::AnswerParts answers() const {
    return {parts_->configuration, parts_->committer, parts_->workers};
  }
  absl::StatusOr<v1::Screening> ShowOne(store::Connection* connection,
                                        ScreeningRow row, bool with_words,
                                        access::AnswerEntry* entry) const;
  absl::StatusOr<std::vector<std::shared_ptr<const vault::CachedSubject>>>
  FindGroup(store::Connection* connection, const access::Caller& caller,
            const v1::SubjectRef& ref) const;
  // Newest first, of any of the filters, as ScreeningRows::List of one.
  absl::StatusOr<std::vector<ScreeningRow>> ListAny(
      store::Connection* connection,
      const std::vector<ScreeningFilter>& filters, int64_t before, size_t limit,
      int64_t* last) const;
  absl::Status CountOthers(store::Connection* connection,
                           const std::vector<uint64_t>& subjects,
                           const std::string& item,
                           const std::vector<store::v1::ScreeningDoc>& own,
                           v1::OutputCase* found) const;

  const ScreeningParts* const parts_;
  const crypto::PageTokens* const page_tokens_;
};

}  // namespace consentry::screening

#endif  // CONSENTRY_GATEWAY_SCREENING_SCREENING_READS_H_
