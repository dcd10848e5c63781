#ifndef CONSENTRY_GATEWAY_DELIVERY_TASK_DESK_H_
#define CONSENTRY_GATEWAY_DELIVERY_TASK_DESK_H_

#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "consentry/v1/rights_service.pb.h"
#include "gateway/access/audited_answer.h"
#include "gateway/access/caller.h"
#include "gateway/access/governed_reads.h"
#include "gateway/crypto/opaque_token.h"
#include "gateway/crypto/page_token.h"
#include "gateway/crypto/request_digest.h"
#include "gateway/delivery/notice_rows.h"
#include "gateway/store/committer.h"
#include "gateway/store/reader_pool.h"

namespace consentry::delivery {

// What staff have to tell recipients out of reach, and that they did. Shows
// pseudonyms, purposes and fields; no value of anybody. Safe for many threads.
class TaskDesk {
 public:
  struct Options {
    // All outlive the desk.
    access::AnswerParts answers;
    store::Committer* committer = nullptr;
    store::ReaderPool* readers = nullptr;
    const crypto::OpaqueTokens* tokens = nullptr;
    const crypto::PageTokens* page_tokens = nullptr;
    const crypto::RequestDigests* digests = nullptr;
    NoticeKeys keys;
  };
  explicit TaskDesk(Options options) : options_(std::move(options)) {}

  // Oldest first. PAGE_TOKEN_INVALID, STORE_UNAVAILABLE.
  void List(access::Caller caller, const v1::ListRecipientTasksRequest& request,
            access::Done<v1::ListRecipientTasksResponse> done) const;

  using TaskDone = absl::AnyInvocable<void(absl::StatusOr<v1::RecipientTask>)>;
  // NOT_FOUND: no such task, or its customer was erased since, of which
  // another task tells. STATE_INVALID: done already.
  void Complete(const access::Caller& caller,
                const v1::CompleteRecipientTaskRequest& request,
                TaskDone done) const;

 private:
  v1::RecipientTask Show(const NoticeRow& row,
                         const store::v1::RecipientNotice& notice) const;

  const Options options_;
};

}  // namespace consentry::delivery

#endif  // CONSENTRY_GATEWAY_DELIVERY_TASK_DESK_H_
