#ifndef CONSENTRY_GATEWAY_SERVER_CONSENT_PARTS_H_
#define CONSENTRY_GATEWAY_SERVER_CONSENT_PARTS_H_

#include <memory>

#include "absl/status/statusor.h"
#include "audit/log/signer.h"
#include "gateway/base/threads.h"
#include "gateway/consent/code_sender.h"
#include "gateway/consent/double_opt_in.h"
#include "gateway/consent/expiry_sweep.h"
#include "gateway/consent/imported_choices.h"
#include "gateway/consent/ledger.h"
#include "gateway/consent/notice_book.h"
#include "gateway/consent/notices.h"
#include "gateway/consent/receipts.h"

namespace consentry::server {

// The parts of gateway/consent, wired to one another. What they are given
// outlives them.
class ConsentParts {
 public:
  // Reads the register of notices. `options.notices` and `needs_parent` are set
  // here.
  // `signer` signs receipts. `sender`: null while no code can be sent.
  static absl::StatusOr<std::unique_ptr<ConsentParts>> Open(
      consent::LedgerOptions options, const audit::Signer* signer,
      const consent::CodeSender* sender);
  ConsentParts(const ConsentParts&) = delete;
  ConsentParts& operator=(const ConsentParts&) = delete;

  consent::Ledger* ledger() { return ledger_.get(); }
  consent::ImportedChoices* choices() { return choices_.get(); }
  const consent::Notices* notices() const { return notices_.get(); }
  const consent::Receipts* receipts() const { return receipts_.get(); }
  consent::DoubleOptIns* double_opt_ins() { return double_opt_ins_.get(); }

  // Recurring work: begun once the gateway has recovered, stopped before its
  // parts are closed.
  void StartWork();
  void StopWork() { sweeper_.reset(); }

 private:
  ConsentParts() = default;

  consent::NoticeBook book_;
  std::unique_ptr<consent::Ledger> ledger_;
  std::unique_ptr<consent::ImportedChoices> choices_;
  std::unique_ptr<consent::Notices> notices_;
  std::unique_ptr<consent::Receipts> receipts_;
  std::unique_ptr<consent::DoubleOptIns> double_opt_ins_;
  std::unique_ptr<consent::ExpirySweep> sweep_;
  std::unique_ptr<base::Periodic> sweeper_;
};

}  // namespace consentry::server

#endif  // CONSENTRY_GATEWAY_SERVER_CONSENT_PARTS_H_
