#ifndef CONSENTRY_GATEWAY_CONSENT_LEDGER_H_
#define CONSENTRY_GATEWAY_CONSENT_LEDGER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "consentry/v1/consent_service.pb.h"
#include "gateway/clients/caller_context.h"
#include "gateway/consent/ledger_changes.h"
#include "gateway/consent/ledger_reads.h"
#include "gateway/consent/signals.h"
#include "gateway/consent/unsubscribe.h"
#include "gateway/store/change.h"
#include "gateway/vault/head_edit.h"

namespace consentry::consent {

// The ledger of choices (GDPR Art. 7; PROTOCOLS G3): events are only added, and
// the state of each purpose is derived from all of them.
//
// What a service reports is attested by it and needs its registration's word
// for purpose and notice. Whatever takes something away needs nothing: no
// attestation, no verification, no state to take it from; it reaches every
// customer who holds the identifier, however many, and is in force when `done`
// is called: for all of them, or, after an error, perhaps for some. It holds
// for those who are joined with them as well. The same change repeated is one
// more event and changes no state.
//
// Errors: FIELD_INVALID, ATTESTATION_NOT_ALLOWED, PURPOSE_NOT_ALLOWED,
// CONTEXT_REQUIRED (of grants and of questions alone), BUDGET_EXHAUSTED (of
// questions), ACCESS_DENIED (a consent for a customer whom the gateway does not
// know), those of the committer. Withdrawals, refusals and opt-outs of unknown
// customers are answered like those of known ones.
//
// Safe for many threads; none of the methods waits for the disk.
class Ledger {
 public:
  using Options = LedgerOptions;
  explicit Ledger(const Options& options)
      : options_(options),
        changes_(options),
        reads_(options, &changes_),
        signals_(options),
        unsubscribes_(options, &reads_) {}

  void Record(const clients::CallerContext& caller,
              const v1::RecordConsentRequest& request,
              Done<v1::RecordConsentResponse> done);
  // As Record, of purposes whose consent stands, has ended or is in doubt:
  // STATE_INVALID for others.
  void Renew(const clients::CallerContext& caller,
             const v1::RenewConsentRequest& request,
             Done<v1::RecordConsentResponse> done);
  void Withdraw(const clients::CallerContext& caller,
                const v1::WithdrawConsentRequest& request,
                Done<v1::WithdrawConsentResponse> done);
  // Records that direct marketing may rest on a sale. STATE_INVALID while the
  // customer, or one who is joined with her, has said no to it.
  void RecordSoftOptIn(const clients::CallerContext& caller,
                       const v1::RecordSoftOptInRequest& request,
                       Done<v1::RecordSoftOptInResponse> done);
  void OptOut(const clients::CallerContext& caller,
              const v1::OptOutRequest& request, Done<v1::OptOutResponse> done);
  // `all_purposes`: the caller's role may ask about every purpose, not only
  // those of its registration.
  void GetState(const clients::CallerContext& caller,
                const v1::GetConsentStateRequest& request, bool all_purposes,
                Done<v1::GetConsentStateResponse> done);
  // What was chosen by the customer and all who are joined with her, newest
  // first. PAGE_TOKEN_INVALID.
  void ListEvents(const clients::CallerContext& caller,
                  const v1::ListConsentEventsRequest& request,
                  bool all_purposes, Done<v1::ListConsentEventsResponse> done);
  // Whether she may be asked again (gateway/consent/reask.h).
  void Reask(const clients::CallerContext& caller,
             const v1::CheckReaskRequest& request, bool all_purposes,
             Done<v1::CheckReaskResponse> done);

  const Signals& signals() const { return signals_; }
  const Unsubscribes& unsubscribes() const { return unsubscribes_; }

 private:
  absl::StatusOr<std::vector<std::string>> AllGiven(
      store::ChangeContext* context, vault::HeadEdit& head) const;

  const LedgerOptions options_;
  const LedgerChanges changes_;
  const LedgerReads reads_;
  const Signals signals_;
  const Unsubscribes unsubscribes_;
};

}  // namespace consentry::consent

#endif  // CONSENTRY_GATEWAY_CONSENT_LEDGER_H_
