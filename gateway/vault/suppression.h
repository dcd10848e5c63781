#ifndef CONSENTRY_GATEWAY_VAULT_SUPPRESSION_H_
#define CONSENTRY_GATEWAY_VAULT_SUPPRESSION_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/erasure.pb.h"
#include "gateway/crypto/blind_index.h"
#include "gateway/store/change.h"
#include "gateway/store/engine.h"
#include "gateway/vault/identifier_key.h"

namespace consentry::vault {

// What is kept about identifiers that nobody here goes by: who was erased must
// not come back by an import, and what somebody unknown prohibited binds her
// when she comes (PROTOCOLS D4). gateway/erasure implements it. Safe for many
// threads.
class Suppression {
 public:
  virtual ~Suppression() = default;

  // Where it was looked, so that applying a change can find out whether
  // something was added meanwhile: versions of rows, 0 for none.
  struct Seen {
    crypto::SuppressionHash hash{};
    int64_t version = 0;
  };
  struct Look {
    std::vector<Seen> seen;
    // Of all rows together.
    bool erased = false;
    int64_t erased_us = 0;
    store::v1::StandingChoices choices;
  };
  virtual absl::StatusOr<Look> Find(store::Connection* connection,
                                    const NormalizedIdentifier& identifier) = 0;

  // Whether rows are at the versions seen.
  virtual absl::StatusOr<bool> AreCurrent(store::Connection* connection,
                                          const std::vector<Seen>& seen) = 0;

  // Adds prohibitions to what is kept about the identifier.
  virtual absl::Status Keep(store::ChangeContext& context,
                            const NormalizedIdentifier& identifier,
                            const store::v1::StandingChoices& choices) = 0;
};

// Whether there is any prohibition in it.
inline bool IsEmpty(const store::v1::StandingChoices& choices) {
  return choices.objections().empty() && choices.opt_outs().empty() &&
         !choices.global_privacy_control() && choices.refusals().empty();
}

}  // namespace consentry::vault

#endif  // CONSENTRY_GATEWAY_VAULT_SUPPRESSION_H_
