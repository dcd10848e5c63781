#ifndef CONSENTRY_GATEWAY_RIGHTS_CASE_DESK_H_
#define CONSENTRY_GATEWAY_RIGHTS_CASE_DESK_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "consentry/v1/rights_service.pb.h"
#include "gateway/clients/caller_context.h"
#include "gateway/consent/ledger.h"
#include "gateway/crypto/opaque_token.h"
#include "gateway/crypto/request_digest.h"
#include "gateway/rights/agent_book.h"
#include "gateway/rights/case_rows.h"
#include "gateway/rights/outgoing.h"
#include "gateway/store/committer.h"
#include "gateway/store/reader_pool.h"
#include "gateway/vault/head_cache.h"
#include "gateway/vault/head_edit.h"
#include "gateway/vault/subject_reader.h"

namespace consentry::rights {

struct CaseOpening;

// Cases of customers, from the request to the answer. Each call is one change
// with its entry; what it changes about the customer is in force when `done` is
// called. Who a customer is asked about is shown to staff and to herself; to a
// system only once she is identified.
//
// When what takes effect (PROTOCOLS G5): opt-outs, objections to marketing and
// withdrawals at submission, whoever asks and however many share the name;
// restriction and objections of GDPR Art. 21(1) at submission by the customer's
// own token, else once she controls the contact point; a human review goes into
// the queue of reviews once she is identified, and its decision answers it; all
// else when staff complete it.
//
// Errors: FIELD_INVALID; PURPOSE_NOT_ALLOWED for an unknown purpose; NOT_FOUND
// for a case that is not the caller's; STATE_INVALID; ETAG_MISMATCH; those of
// the committer. Safe for many threads; the methods read the store and are for
// a worker.
class CaseDesk {
 public:
  struct Options {
    // All outlive the desk.
    clients::ConfigurationSource configuration;
    store::Committer* committer = nullptr;
    store::ReaderPool* readers = nullptr;
    const vault::SubjectReader* subjects = nullptr;
    const crypto::SlotFile* slots = nullptr;
    const crypto::EpochFile* epochs = nullptr;
    vault::HeadCache* cache = nullptr;
    const crypto::OpaqueTokens* tokens = nullptr;
    const crypto::RequestDigests* digests = nullptr;
    consent::Ledger* ledger = nullptr;
    const AgentBook* agents = nullptr;
    std::string log_origin;
    Outgoing outgoing;
  };
  explicit CaseDesk(Options options)
      : options_(std::move(options)), rows_(options_.slots, options_.epochs) {}

  // Called once, on a thread of the committer or the calling one.
  using Done = absl::AnyInvocable<void(absl::StatusOr<v1::RightsCase>)>;

  void Submit(const clients::CallerContext& caller,
              const v1::SubmitRightsCaseRequest& request, Done done);
  void Verify(const clients::CallerContext& caller,
              const v1::VerifyRightsCaseRequest& request, Done done);
  void Extend(const clients::CallerContext& caller,
              const v1::ExtendRightsCaseRequest& request, Done done);
  void Pause(const clients::CallerContext& caller,
             const v1::PauseRightsCaseRequest& request, Done done);
  void Refuse(const clients::CallerContext& caller,
              const v1::RefuseRightsCaseRequest& request, Done done);
  void Approve(const clients::CallerContext& caller,
               const v1::ApproveRightsCaseRequest& request, Done done);
  void Cancel(const clients::CallerContext& caller,
              const v1::CancelRightsCaseRequest& request, Done done);
  void Appeal(const clients::CallerContext& caller,
              const v1::AppealRightsCaseRequest& request, Done done);

  // The first call tells the customer that her restriction ends, the second,
  // a day later at the earliest, ends it; unless another case restricts still.
  void LiftRestriction(const clients::CallerContext& caller,
                       const v1::LiftRestrictionRequest& request, Done done);

  // The erasure of the case is done: what the certificate says is its outcome.
  // For whoever ends erasures, inside of that change.
  absl::Status Erased(store::ChangeContext& context,
                      const v1::ErasureCertificate& certificate) const;

  // A human has decided what the case asked a review of: that answers it,
  // whatever was decided. Nothing happens to a case that is answered already.
  // For whoever decides reviews, inside of that change.
  absl::Status Reviewed(store::ChangeContext& context, std::string_view case_id,
                        std::string_view review_id,
                        store::v1::Leaf* leaf) const;

  const CaseRows& rows() const { return rows_; }
  const Options& options() const { return options_; }

  // What one step does to a case; the row is written after it.
  struct Step {
    CaseRow row;
    // What the customer wrote, where the case is only being made.
    const store::v1::CaseWords* words = nullptr;
    // Null: about nobody, or the step touches no head.
    vault::HeadEdit* head = nullptr;
    store::v1::Leaf leaf;
    // For the subject's item in the leaf: "restricted=set".
    std::vector<std::string> changes;
    // Something was taken away from readers.
    bool narrows = false;
    // The code was wrong: told, though the change, which counts it, stands.
    bool wrong_code = false;
    // What is answered in place of the case: the one that was opened by it.
    std::optional<store::v1::RightsCaseDoc> answer;
  };
  using StepOf = std::function<absl::Status(store::ChangeContext&, Step*)>;
  // One change of one case. `heads`: the step may edit the subject's head.
  // `negative`: known to take something away.
  struct Plan {
    clients::CallerContext caller;
    std::string case_id;
    // Empty: not compared.
    std::string etag;
    bool needs_etag = false;
    std::string request_id;
    // The request without its id, serialised.
    std::string canonical;
    bool negative = false;
    bool edits_head = true;
    StepOf step;
  };
  void Change(Plan plan, Done done);

  // Adds a step to the case's list, dropping the oldest but the first ones
  // beyond 200.
  static void Note(const clients::CallerContext& caller, int64_t now_us,
                   std::string_view event, std::string_view reason,
                   store::v1::RightsCaseDoc* doc);
  // The case is answered now.
  void Close(store::ChangeContext& context, v1::RightsState state,
             Step* step) const;
  // Writes to the customer; a step tells when that could not be.
  void Tell(store::ChangeContext& context, const clients::CallerContext& caller,
            std::string_view text, std::map<std::string, std::string> arguments,
            CaseRow* row) const;
  v1::RightsCase Show(const clients::CallerContext& caller,
                      const store::v1::RightsCaseDoc& doc,
                      bool steps = true) const;
  // NOT_FOUND unless the caller may see the case at all.
  absl::Status MaySee(const clients::CallerContext& caller,
                      const CaseRow& row) const;

  // The plan of a request that names a case, without its step.
  template <class Request>
  static Plan PlanOf(const clients::CallerContext& caller, Request request) {
    Plan plan;
    plan.caller = caller;
    plan.case_id = request.id();
    if constexpr (requires { request.etag(); }) {
      plan.etag = request.etag();
      plan.needs_etag = true;
    }
    plan.request_id = request.request_id();
    request.clear_request_id();
    plan.canonical = clients::CanonicalBytes(request);
    return plan;
  }

 private:
  absl::Status Open(store::ChangeContext& context, const CaseOpening& opening,
                    bool dry);
  // What binds readers once the requester is known.
  void TakeEffect(store::ChangeContext& context,
                  const clients::CallerContext& caller, Step* step) const;
  // Puts what a human shall look at into the queue of reviews, or notes what
  // staff have to do.
  absl::Status AskForReview(store::ChangeContext& context,
                            const clients::CallerContext& caller,
                            Step* step) const;
  // After the requester was identified: takes effect, is planned or answered.
  absl::Status GoOn(store::ChangeContext& context,
                    const clients::CallerContext& caller, Step* step) const;

  const Options options_;
  const CaseRows rows_;
};

// Who does something, for "not the same person".
store::v1::CaseActor ActorOf(const clients::CallerContext& caller);
// The registration is a system's, not that of staff.
bool IsService(const clients::Configuration& configuration,
               const clients::CallerContext& caller);

}  // namespace consentry::rights

#endif  // CONSENTRY_GATEWAY_RIGHTS_CASE_DESK_H_
