#ifndef CONSENTRY_GATEWAY_ACCESS_REPLAY_H_
#define CONSENTRY_GATEWAY_ACCESS_REPLAY_H_

#include <memory>

#include "absl/status/statusor.h"
#include "consentry/store/v1/leaf.pb.h"
#include "gateway/access/read_plan.h"
#include "policy/engine/engine.h"

namespace consentry::access {

// The plan that a leaf was decided by, bound to the configuration of its time.
// Purpose, channel, registration and fields alone. NOT_FOUND for an entry that
// no decision stands behind; DATA_CORRUPT.
absl::StatusOr<ReadPlan> PlanOf(
    std::shared_ptr<const clients::Configuration> configuration,
    const store::v1::Leaf& leaf);

// What the leaf asked. Points to `plan`, which must outlive it.
policy::DecisionRequest RequestOf(const ReadPlan& plan,
                                  const store::v1::Leaf& leaf);

}  // namespace consentry::access

#endif  // CONSENTRY_GATEWAY_ACCESS_REPLAY_H_
