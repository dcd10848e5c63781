#ifndef CONSENTRY_GATEWAY_SERVER_WIRE_ERASURE_H_
#define CONSENTRY_GATEWAY_SERVER_WIRE_ERASURE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "consentry/config/v1/gateway.pb.h"
#include "gateway/base/threads.h"
#include "gateway/erasure/eraser.h"
#include "gateway/erasure/erasure_desk.h"
#include "gateway/erasure/erasure_parts.h"
#include "gateway/erasure/suppression_list.h"

namespace consentry::server {

// Erasures of one gateway, put together: the list of suppressed identifiers
// first, since writers ask it; the desk and the thread that carries erasures
// out once the store is open.
class ErasureWiring {
 public:
  // `epochs` outlives the object.
  ErasureWiring(const config::v1::GatewayConfig& config,
                const crypto::EpochFile* epochs);
  ErasureWiring(const ErasureWiring&) = delete;
  ErasureWiring& operator=(const ErasureWiring&) = delete;

  erasure::SuppressionList* suppression() { return &suppression_; }

  // What others hold about customers is added before Recover().
  erasure::ErasureParts* parts() { return &parts_; }
  const erasure::ErasureDesk* desk() const { return &desk_; }

  // Finishes what has begun: before anything is served.
  absl::Status Recover() { return eraser_.Recover(); }
  void Start();
  // Waits for the end of a step; what has begun is finished at the next start.
  void Stop() {
    if (periodic_ != nullptr) periodic_->Stop();
  }

 private:
  erasure::SuppressionList suppression_;
  erasure::ErasureParts parts_;
  erasure::ErasureDesk desk_{&parts_};
  erasure::Eraser eraser_{&parts_};
  std::unique_ptr<base::Periodic> periodic_;
  // Of periodic_, once it runs.
  std::atomic<base::Periodic*> waker_{nullptr};
};

}  // namespace consentry::server

#endif  // CONSENTRY_GATEWAY_SERVER_WIRE_ERASURE_H_
