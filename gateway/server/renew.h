#ifndef CONSENTRY_GATEWAY_SERVER_RENEW_H_
#define CONSENTRY_GATEWAY_SERVER_RENEW_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gateway/base/clock.h"

namespace consentry::server {

struct RenewOptions {
  // What ends within this time is renewed, as is what is over.
  int64_t within_us = int64_t{60} * 24 * 3600 * 1'000'000;
  // Names in the server's certificate beside those of this machine; empty:
  // those that it has. Given ones renew it in any case.
  std::vector<std::string> host_names = {};
  const base::Clock* clock = base::Clock::System();
};

// One certificate that was renewed.
struct Renewed {
  // A client's id; empty: the server's certificate.
  std::string client_id;
  std::string file;
  int64_t end_us = 0;
};

// Renews what a gateway must have to start and to be administered: its server's
// certificate, and those of administrators and compliance officers whose files
// lie in its folder, with new keys. By the gateway's own authority, on the
// machine of the gateway, while it does not run: this is the way out when an
// administrator's certificate has ended, so it asks for none. Whoever can read
// the root key and the authority's key can do it. A client that is renewed has
// its entry in the log.
//
// What a crash left half done is done by the next call. STATE_INVALID where the
// gateway has no authority of its own; FailedPrecondition while it runs.
absl::StatusOr<std::vector<Renewed>> RenewOwn(const std::string& config,
                                              const RenewOptions& options);

}  // namespace consentry::server

#endif  // CONSENTRY_GATEWAY_SERVER_RENEW_H_
