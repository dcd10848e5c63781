#ifndef CONSENTRY_GATEWAY_CONSENT_RECEIPTS_H_
#define CONSENTRY_GATEWAY_CONSENT_RECEIPTS_H_

#include "audit/log/signer.h"
#include "consentry/v1/consent_service.pb.h"
#include "gateway/consent/ledger_changes.h"
#include "gateway/consent/ledger_reads.h"

namespace consentry::consent {

// Signed receipts of single events, which anybody can verify without the
// gateway (gateway/consent/receipt_text.h). Safe for many threads.
class Receipts {
 public:
  // `signer` (the key of the audit log) outlives this.
  Receipts(const LedgerOptions& options, const audit::Signer* signer)
      : options_(options),
        changes_(options),
        reads_(options, &changes_),
        signer_(signer) {}

  // NOT_FOUND for an event that does not exist, or about a purpose that is not
  // open to the caller. A question like others: it counts and has its entry.
  void Get(const clients::CallerContext& caller,
           const v1::GetConsentReceiptRequest& request, bool all_purposes,
           Done<v1::ConsentReceipt> done) const;

 private:
  const LedgerOptions options_;
  const LedgerChanges changes_;
  const LedgerReads reads_;
  const audit::Signer* const signer_;
};

}  // namespace consentry::consent

#endif  // CONSENTRY_GATEWAY_CONSENT_RECEIPTS_H_
