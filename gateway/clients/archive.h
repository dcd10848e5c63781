#ifndef CONSENTRY_GATEWAY_CLIENTS_ARCHIVE_H_
#define CONSENTRY_GATEWAY_CLIENTS_ARCHIVE_H_

#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "gateway/clients/configuration.h"
#include "gateway/store/engine.h"
#include "proto/support/mutex.h"

namespace consentry::clients {

// Configurations of the past by the hash that entries carry, compiled anew, for
// explaining and replaying decisions. Keeps the last few. Safe for many
// threads; compiling takes milliseconds: not on threads that answer calls.
class ConfigurationArchive {
 public:
  static constexpr size_t kKept = 8;

  // NOT_FOUND when no configuration had that hash; DATA_CORRUPT.
  absl::StatusOr<std::shared_ptr<const Configuration>> Load(
      store::Connection* connection, std::string_view hash);

 private:
  ClientUses uses_;
  Mutex mu_;
  // Newest first.
  std::deque<std::shared_ptr<const Configuration>> kept_ ABSL_GUARDED_BY(mu_);
};

}  // namespace consentry::clients

#endif  // CONSENTRY_GATEWAY_CLIENTS_ARCHIVE_H_
