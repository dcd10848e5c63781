#include "gateway/rpc/review_service.h"

#include <memory>
#include <string>
#include <utility>

#include "consentry/v1/review_service.grpc.pb.h"
#include "gateway/review/review_desk.h"
#include "gateway/review/review_reads.h"
#include "gateway/rpc/deliver.h"
#include "gateway/rpc/entries.h"
#include "gateway/rpc/services.h"
#include "gateway/rpc/unary_call.h"
#include "gateway/rpc/validate.h"

namespace consentry::rpc {
namespace {

class ReviewServer final : public v1::ReviewService::CallbackService {
 public:
  ReviewServer(Pipeline* pipeline, const ReviewCapabilities& capabilities)
      : pipeline_(pipeline), can_(capabilities) {}

  grpc::ServerUnaryReactor* RequestReview(
      grpc::CallbackServerContext* context,
      const v1::RequestReviewRequest* request, v1::Review* response) override {
    return Change(request_, context, request, response,
                  &review::ReviewDesk::Request);
  }
  grpc::ServerUnaryReactor* ClaimReview(grpc::CallbackServerContext* context,
                                        const v1::ClaimReviewRequest* request,
                                        v1::Review* response) override {
    return Change(claim_, context, request, response,
                  &review::ReviewDesk::Claim);
  }
  grpc::ServerUnaryReactor* ReleaseReview(
      grpc::CallbackServerContext* context,
      const v1::ReleaseReviewRequest* request, v1::Review* response) override {
    return Change(release_, context, request, response,
                  &review::ReviewDesk::Release);
  }
  grpc::ServerUnaryReactor* DecideReview(grpc::CallbackServerContext* context,
                                         const v1::DecideReviewRequest* request,
                                         v1::Review* response) override {
    return Change(decide_, context, request, response,
                  &review::ReviewDesk::Decide);
  }
  grpc::ServerUnaryReactor* AddStatement(grpc::CallbackServerContext* context,
                                         const v1::AddStatementRequest* request,
                                         v1::Review* response) override {
    return Change(statement_, context, request, response,
                  &review::ReviewDesk::AddStatement);
  }
  grpc::ServerUnaryReactor* ListReviews(
      grpc::CallbackServerContext* context,
      const v1::ListReviewsRequest* request,
      v1::ListReviewsResponse* response) override {
    return Ask(list_, context, request, response, &review::ReviewReads::List);
  }
  grpc::ServerUnaryReactor* ShowReview(grpc::CallbackServerContext* context,
                                       const v1::ShowReviewRequest* request,
                                       v1::ReviewCase* response) override {
    return Ask(show_, context, request, response,
               &review::ReviewReads::ShowCase);
  }
  grpc::ServerUnaryReactor* ListCustomerReviews(
      grpc::CallbackServerContext* context,
      const v1::ListCustomerReviewsRequest* request,
      v1::ListCustomerReviewsResponse* response) override {
    return Ask(of_customer_, context, request, response,
               &review::ReviewReads::OfCustomer);
  }
  grpc::ServerUnaryReactor* GetReviewFigures(
      grpc::CallbackServerContext* context,
      const v1::GetReviewFiguresRequest* request,
      v1::ReviewFigures* response) override {
    return Ask(figures_, context, request, response,
               &review::ReviewReads::Figures);
  }

 private:
  const Method* Get(const std::string& name) const {
    return pipeline_->methods().Get("/consentry.v1.ReviewService/" + name);
  }

  // On a worker: it may read the store before it changes it. What is refused
  // has its entry: nobody learns about reviews by trying unseen.
  template <class Request, class Member>
  grpc::ServerUnaryReactor* Change(const Method* method,
                                   grpc::CallbackServerContext* context,
                                   const Request* request, v1::Review* response,
                                   Member member) {
    return StartUnary(
        pipeline_, method, context, request, response, Validator(),
        [this, member](const CallInfo& call, const Request& asked,
                       v1::Review* out, Completion done) {
          // A refused task is destroyed, which ends its call.
          can_.workers->TrySubmit([this, member, &call, &asked, out,
                                   done = std::move(done)]() mutable {
            (can_.desk->*member)(CallerOf(call, asked.context()), asked,
                                 [this, &call, out, done = std::move(done)](
                                     absl::StatusOr<v1::Review> made) mutable {
                                   if (made.ok()) {
                                     *out = *std::move(made);
                                     done(absl::OkStatus());
                                   } else {
                                     pipeline_->NoteRefusal(call,
                                                            made.status());
                                     done(made.status());
                                   }
                                 });
          });
        });
  }

  template <class Request, class Response, class Member>
  grpc::ServerUnaryReactor* Ask(const Method* method,
                                grpc::CallbackServerContext* context,
                                const Request* request, Response* response,
                                Member member) {
    return StartUnary(
        pipeline_, method, context, request, response, Validator(),
        [this, member](const CallInfo& call, const Request& asked,
                       Response* out, Completion done) {
          (can_.reads->*member)(
              CallerOf(call, asked.context()), asked,
              [this, &call, deliver = Deliver(out, std::move(done))](
                  absl::StatusOr<access::Released<Response>> made) mutable {
                if (!made.ok()) pipeline_->NoteRefusal(call, made.status());
                deliver(std::move(made));
              });
        });
  }

  Pipeline* const pipeline_;
  const ReviewCapabilities can_;
  const Method* const request_ = Get("RequestReview");
  const Method* const list_ = Get("ListReviews");
  const Method* const claim_ = Get("ClaimReview");
  const Method* const release_ = Get("ReleaseReview");
  const Method* const show_ = Get("ShowReview");
  const Method* const decide_ = Get("DecideReview");
  const Method* const statement_ = Get("AddStatement");
  const Method* const of_customer_ = Get("ListCustomerReviews");
  const Method* const figures_ = Get("GetReviewFigures");
};

}  // namespace

std::unique_ptr<grpc::Service> MakeReviewService(
    Pipeline* pipeline, const ReviewCapabilities& capabilities) {
  return std::make_unique<ReviewServer>(pipeline, capabilities);
}

}  // namespace consentry::rpc
