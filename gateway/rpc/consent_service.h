#ifndef CONSENTRY_GATEWAY_RPC_CONSENT_SERVICE_H_
#define CONSENTRY_GATEWAY_RPC_CONSENT_SERVICE_H_

#include "gateway/base/threads.h"
#include "gateway/consent/double_opt_in.h"
#include "gateway/consent/ledger.h"
#include "gateway/consent/notices.h"
#include "gateway/consent/receipts.h"
#include "gateway/store/committer.h"

namespace consentry::delivery {
class Watcher;
}  // namespace consentry::delivery

namespace consentry::rpc {

// What ConsentService works on. All outlive it.
struct ConsentCapabilities {
  consent::Ledger* ledger = nullptr;
  const consent::Notices* notices = nullptr;
  const consent::Receipts* receipts = nullptr;
  consent::DoubleOptIns* double_opt_ins = nullptr;
  delivery::Watcher* watcher = nullptr;
  store::Committer* committer = nullptr;
  base::WorkerPool* workers = nullptr;
};

}  // namespace consentry::rpc

#endif  // CONSENTRY_GATEWAY_RPC_CONSENT_SERVICE_H_
