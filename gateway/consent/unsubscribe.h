#ifndef CONSENTRY_GATEWAY_CONSENT_UNSUBSCRIBE_H_
#define CONSENTRY_GATEWAY_CONSENT_UNSUBSCRIBE_H_

#include "consentry/v1/consent_service.pb.h"
#include "gateway/clients/caller_context.h"
#include "gateway/consent/ledger_changes.h"
#include "gateway/consent/ledger_reads.h"

namespace consentry::consent {

// One-click unsubscribe (RFC 8058): links whose token says who takes what back,
// sealed, so that nothing is stored and nothing else is asked for at the click.
//
// Errors: FIELD_INVALID (of a token always the same), PURPOSE_NOT_ALLOWED,
// STATE_INVALID (no address is configured), those of a question to the ledger
// and of the committer. A link for a customer whom nobody knows looks like any
// other, and takes nothing back. Safe for many threads; does not wait for the
// disk.
class Unsubscribes {
 public:
  // `reads` outlives it.
  Unsubscribes(const LedgerOptions& options, const LedgerReads* reads)
      : options_(options), changes_(options), reads_(reads) {}

  void CreateLink(const clients::CallerContext& caller,
                  const v1::CreateUnsubscribeLinkRequest& request,
                  Done<v1::CreateUnsubscribeLinkResponse> done) const;

  // Takes back what the token stands for, whether it stood or not, and answers
  // the same however often it is used.
  void Withdraw(const clients::CallerContext& caller,
                const v1::WithdrawByTokenRequest& request,
                Done<v1::WithdrawByTokenResponse> done) const;

 private:
  const LedgerOptions options_;
  const LedgerChanges changes_;
  const LedgerReads* const reads_;
};

}  // namespace consentry::consent

#endif  // CONSENTRY_GATEWAY_CONSENT_UNSUBSCRIBE_H_
