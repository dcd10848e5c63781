#ifndef CONSENTRY_GATEWAY_SCREENING_FAIRNESS_GATE_H_
#define CONSENTRY_GATEWAY_SCREENING_FAIRNESS_GATE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "consentry/v1/screening_service.pb.h"
#include "gateway/access/snapshot.h"
#include "policy/conduct/conduct.h"

namespace consentry::screening {

// The third step of an output: what the fairness monitors of its model version
// say. Safe for many threads; must not block.
class FairnessGate {
 public:
  virtual ~FairnessGate() = default;

  struct Answer {
    conduct::Action action = conduct::Action::kRelease;
    // Ids of the monitors that stand against it; for row and log.
    std::vector<std::string> monitors;
  };
  // Before the verdict. `snapshot` is of the customer; unknown ones are asked
  // about as well.
  virtual Answer Ask(const v1::Output& output, const access::Snapshot& snapshot,
                     int64_t now_us) const = 0;
};

}  // namespace consentry::screening

#endif  // CONSENTRY_GATEWAY_SCREENING_FAIRNESS_GATE_H_
