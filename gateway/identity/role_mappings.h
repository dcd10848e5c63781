#ifndef CONSENTRY_GATEWAY_IDENTITY_ROLE_MAPPINGS_H_
#define CONSENTRY_GATEWAY_IDENTITY_ROLE_MAPPINGS_H_

#include <memory>
#include <string_view>

#include "absl/status/status.h"
#include "consentry/config/v1/identity.pb.h"
#include "gateway/clients/configuration_writer.h"
#include "gateway/clients/proposals.h"
#include "gateway/store/engine.h"
#include "proto/support/mutex.h"

namespace consentry::identity {

// Who of staff is what, as it is in force: the mapping of the configuration
// once it was approved where that is needed (PROTOCOLS H3), and until then the
// one before. Of each issuer `issuer` and `roles` alone are kept, in the table
// of meta. Safe for many threads.
class RoleMappings {
 public:
  // By issuer. Another object for every change.
  using Mapping = std::shared_ptr<const config::v1::Identity>;

  // Both outlive this.
  RoleMappings(clients::ConfigurationWriter* writer,
               clients::Proposals* proposals);

  // For start: puts what the configuration holds into force, or proposes it
  // where it is another than before. `first`: the gateway never ran; nothing
  // waits then. An entry where anything changed; waits. Once, before any call.
  absl::Status Load(store::Connection* connection,
                    const config::v1::Identity& configured, bool first);

  Mapping current() const {
    MutexLock lock(&mu_);
    return mapping_;
  }

 private:
  clients::ConfigurationWriter::Edit EditTo(config::v1::Identity mapping);
  // Once for each content; proposals of another are taken back. Nothing is
  // proposed when the two are alike.
  absl::Status Propose(store::Connection* connection,
                       const config::v1::Identity& wanted,
                       const config::v1::Identity& in_force);

  clients::ConfigurationWriter* const writer_;
  clients::Proposals* const proposals_;
  mutable Mutex mu_;
  Mapping mapping_ ABSL_GUARDED_BY(mu_);
};

// The issuer's entry of a mapping; one without roles where it has none.
const config::v1::Issuer& IssuerOf(const config::v1::Identity& mapping,
                                   std::string_view issuer);

}  // namespace consentry::identity

#endif  // CONSENTRY_GATEWAY_IDENTITY_ROLE_MAPPINGS_H_
