#ifndef CONSENTRY_GATEWAY_ERASURE_ERASURE_DESK_H_
#define CONSENTRY_GATEWAY_ERASURE_ERASURE_DESK_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/leaf.pb.h"
#include "consentry/v1/rights_service.pb.h"
#include "gateway/access/audited_answer.h"
#include "gateway/access/caller.h"
#include "gateway/access/governed_reads.h"
#include "gateway/erasure/erasure_parts.h"
#include "gateway/erasure/erasure_state.h"
#include "gateway/erasure/holds.h"
#include "gateway/store/change.h"
#include "gateway/store/engine.h"
#include "policy/rights/erasure_plan.h"

namespace consentry::erasure {

// What is to be erased of whom.
struct ErasureOrder {
  // Number of the customer; all who are joined with her are erased with her.
  uint64_t subject = 0;
  // "rgt_...", by which the certificate is found. Empty: none.
  std::string case_id;
  // Fields that the case was refused for, with their grounds: kept.
  std::vector<policy::Retained> retained;
};

struct ErasureStatus {
  // The number of the change that decided it.
  int64_t id = 0;
  ErasureState state = ErasureState::kWaiting;
  int64_t decided_us = 0;
  // When keys go at the earliest, or when they went.
  int64_t destroy_us = 0;
};

// Erasures, their certificates, and legal holds (PROTOCOLS D). Safe for many
// threads.
//
// The functions that take a ChangeContext are for changes of others (a case is
// completed and its erasure decided in one change): they write rows and heads,
// mark the change as negative, and add the customers to `leaf`, which the
// caller sets as the entry afterwards.
class ErasureDesk {
 public:
  // `parts` outlive the desk.
  explicit ErasureDesk(const ErasureParts* parts) : parts_(*parts) {}

  // What an erasure would do now. NOT_FOUND when there is no such customer.
  absl::StatusOr<v1::ErasurePlan> Plan(
      store::Connection* connection, uint64_t subject,
      const std::vector<policy::Retained>& retained = {}) const;

  // Decides it: reads deny from here on; destruction follows after the wait
  // that the configuration names. The result is ErasureStatus.id. STATE_INVALID
  // when one is under way already.
  absl::StatusOr<int64_t> Decide(store::ChangeContext& context,
                                 const ErasureOrder& order,
                                 store::v1::Leaf* leaf) const;

  // Takes it back. STATE_INVALID once it has begun.
  absl::Status Cancel(store::ChangeContext& context, int64_t id,
                      store::v1::Leaf* leaf) const;

  // None when no erasure was decided for the case.
  absl::StatusOr<std::optional<ErasureStatus>> StatusOf(
      store::Connection* connection, std::string_view case_id) const;

  // NOT_FOUND when no erasure was decided for the case; before it is done
  // LEGAL_HOLD where a hold stops it, else STATE_INVALID.
  absl::StatusOr<v1::ErasureCertificate> CertificateOf(
      store::Connection* connection, std::string_view case_id) const;

  // Whether a hash of the identifier is kept: for answers on what is held.
  absl::StatusOr<bool> IsSuppressed(store::Connection* connection,
                                    const v1::Identifier& identifier) const;

  // The methods of the API, each with its entry.
  void Preview(access::Caller caller, const v1::PreviewErasureRequest& request,
               access::Done<v1::ErasurePlan> done) const;
  void GetCertificate(access::Caller caller,
                      const v1::GetErasureCertificateRequest& request,
                      access::Done<v1::ErasureCertificate> done) const;
  using HoldDone = absl::AnyInvocable<void(absl::StatusOr<v1::LegalHold>)>;
  void PlaceHold(const access::Caller& caller,
                 const v1::PlaceLegalHoldRequest& request, HoldDone done) const;
  void LiftHold(const access::Caller& caller,
                const v1::LiftLegalHoldRequest& request, HoldDone done) const;
  void ListHolds(access::Caller caller,
                 const v1::ListLegalHoldsRequest& request,
                 access::Done<v1::ListLegalHoldsResponse> done) const;

 private:
  absl::StatusOr<uint64_t> FindSubject(store::Connection* connection,
                                       const v1::SubjectRef& ref) const;
  access::AnswerParts AnswerParts() const;
  template <class Request>
  void CommitHold(const access::Caller& caller, const Request& request,
                  std::function<absl::StatusOr<Hold>(store::ChangeContext&,
                                                     store::v1::Leaf*)>
                      apply,
                  HoldDone done) const;

  const ErasureParts& parts_;
};

}  // namespace consentry::erasure

#endif  // CONSENTRY_GATEWAY_ERASURE_ERASURE_DESK_H_
