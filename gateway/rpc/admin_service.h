#ifndef CONSENTRY_GATEWAY_RPC_ADMIN_SERVICE_H_
#define CONSENTRY_GATEWAY_RPC_ADMIN_SERVICE_H_

#include <functional>

#include "absl/status/statusor.h"
#include "consentry/v1/admin_service.pb.h"
#include "gateway/access/merge_desk.h"
#include "gateway/access/policy_diff.h"
#include "gateway/base/threads.h"
#include "gateway/clients/client_admin.h"
#include "gateway/clients/policy_admin.h"
#include "gateway/clients/proposals.h"
#include "gateway/crypto/opaque_token.h"
#include "gateway/crypto/page_token.h"
#include "gateway/identity/login_desk.h"
#include "gateway/identity/staff_directory.h"
#include "gateway/store/committer.h"
#include "gateway/store/reader_pool.h"
#include "gateway/upkeep/upkeep_desk.h"

namespace consentry::rpc {

// What AdminService stands on. All outlive the service.
struct AdminCapabilities {
  clients::ClientAdmin* clients = nullptr;
  clients::PolicyAdmin* policy = nullptr;
  const access::PolicyDiff* diff = nullptr;
  const access::MergeDesk* merges = nullptr;
  upkeep::UpkeepDesk* upkeep = nullptr;
  clients::Proposals* proposals = nullptr;
  const identity::LoginDesk* logins = nullptr;
  const identity::StaffDirectory* staff = nullptr;
  store::Committer* committer = nullptr;
  store::ReaderPool* readers = nullptr;
  const crypto::PageTokens* page_tokens = nullptr;
  const crypto::OpaqueTokens* tokens = nullptr;
  // For what compiles or reads history.
  base::WorkerPool* workers = nullptr;
  // Runs on a worker.
  std::function<absl::StatusOr<v1::GatewayStatus>()> status;
};

}  // namespace consentry::rpc

#endif  // CONSENTRY_GATEWAY_RPC_ADMIN_SERVICE_H_
