#include <algorithm>
#include <utility>

#include "gateway/consent/choice.h"
#include "gateway/consent/ledger.h"
#include "gateway/consent/ledger_request.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"

// The relationship by which an existing customer may be written to without a
// consent (ePrivacy Directive Art. 13(2)).
namespace consentry::consent {
namespace {

// Whether she has said no to the purpose, or to direct marketing.
bool SaidNo(const store::v1::SubjectHead& head, const std::string& purpose) {
  const bool opted_out =
      std::find(head.opt_outs().begin(), head.opt_outs().end(),
                v1::OPT_OUT_KIND_DIRECT_MARKETING) != head.opt_outs().end();
  const bool objected = std::any_of(
      head.objections().begin(), head.objections().end(),
      [&](const std::string& to) { return to == "*" || to == purpose; });
  const bool refused = std::any_of(
      head.consents().begin(), head.consents().end(), [&](const auto& held) {
        return held.purpose() == purpose &&
               (held.status() == v1::CONSENT_STATUS_REFUSED ||
                held.status() == v1::CONSENT_STATUS_WITHDRAWN);
      });
  return opted_out || objected || refused || head.restricted() ||
         head.erasure_held();
}

absl::Status CheckRequest(const clients::Configuration& configuration,
                          const clients::CallerContext& caller,
                          const v1::RecordSoftOptInRequest& request,
                          int64_t now_us) {
  RequestFaults faults;
  if (!request.obtained_in_sale()) {
    faults.Add("obtained_in_sale", "must be true: else there is none");
  }
  if (!request.opt_out_offered()) {
    faults.Add("opt_out_offered", "must be true: else there is none");
  }
  if (!request.has_sale_time() || MicrosOf(request.sale_time()) > now_us) {
    faults.Add("sale_time", "required, and not in the future");
  }
  CONSENTRY_RETURN_IF_ERROR(faults.status());
  const auto purpose = configuration.bundle().FindPurpose(request.purpose());
  if (!purpose) {
    return MakeError(v1::ERROR_REASON_PURPOSE_NOT_ALLOWED,
                     "a purpose is not in the registry");
  }
  const auto* registration = configuration.FindById(caller.client_id);
  if (registration == nullptr || caller.IsCustomer() ||
      !registration->MayAttest(request.purpose(), "")) {
    return MakeError(v1::ERROR_REASON_ATTESTATION_NOT_ALLOWED,
                     "the registration may not report for this purpose");
  }
  const auto& declared = configuration.bundle().purpose(*purpose).soft_opt_in();
  if (!declared.own_similar_products() ||
      !declared.way_out_in_every_message()) {
    return MakeError(v1::ERROR_REASON_STATE_INVALID,
                     "the purpose declares no own similar products with a way "
                     "out in every message");
  }
  return registration->CheckContext(caller.context);
}

}  // namespace

void Ledger::RecordSoftOptIn(const clients::CallerContext& caller,
                             const v1::RecordSoftOptInRequest& request,
                             Done<v1::RecordSoftOptInResponse> done) {
  if (absl::Status fault = CheckRequest(*options_.configuration(), caller,
                                        request, options_.committer->NowUs());
      !fault.ok()) {
    done(std::move(fault));
    return;
  }
  auto subjects = changes_.FindSubjects(caller, request.subject(), false);
  if (!subjects.ok() || subjects->empty()) {
    done(subjects.ok() ? UnknownCustomer() : subjects.status());
    return;
  }
  EditHead edit = [this, purpose = request.purpose(),
                   sale_us = MicrosOf(request.sale_time())](
                      store::ChangeContext& context,
                      vault::HeadEdit& head) -> absl::StatusOr<Edited> {
    bool said_no = SaidNo(head.head(), purpose);
    CONSENTRY_ASSIGN_OR_RETURN(const auto joined,
                               JoinedHeads(options_, &context, head));
    for (const auto& other : joined) said_no |= SaidNo(other, purpose);
    if (said_no) {
      return MakeError(v1::ERROR_REASON_STATE_INVALID,
                       "an objection, opt-out, refusal or withdrawal stands");
    }
    auto* facts = head.head().mutable_soft_opt_ins();
    auto held =
        std::find_if(facts->begin(), facts->end(),
                     [&](const auto& one) { return one.purpose() == purpose; });
    store::v1::SoftOptIn* fact = held == facts->end() ? facts->Add() : &*held;
    fact->set_purpose(purpose);
    fact->set_obtained_in_sale(true);
    fact->set_opt_out_offered(true);
    fact->set_since_us(std::max(fact->since_us(), sale_us));
    return Edited{{"soft_opt_in." + purpose + "=set"}, false};
  };
  const auto result = [] {
    return v1::RecordSoftOptInResponse().SerializeAsString();
  };
  options_.committer->CommitChange(
      changes_.Make(LedgerRequestOf(caller, request, request.purpose(),
                                    v1::CHANNEL_UNSPECIFIED),
                    *std::move(subjects), /*negative=*/false, std::move(edit),
                    result),
      changes_.Told(std::move(done)));
}

}  // namespace consentry::consent
