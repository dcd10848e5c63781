#ifndef CONSENTRY_GATEWAY_SCREENING_FAIRNESS_GATE_H_
#define CONSENTRY_GATEWAY_SCREENING_FAIRNESS_GATE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/store/v1/leaf.pb.h"
#include "consentry/v1/screening_service.pb.h"
#include "gateway/access/snapshot.h"
#include "gateway/store/change.h"
#include "gateway/vault/subject_reader.h"
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
  // Before the verdict; perhaps more than once for an output. `snapshot` is of
  // the customer; unknown ones are asked about as well.
  virtual Answer Ask(const v1::Output& output, const access::Snapshot& snapshot,
                     int64_t now_us) const = 0;
  // Grows when more stands against outputs than before: what was released
  // earlier is to be asked about again. Of the running process.
  virtual uint64_t changes() const = 0;

  // What an output adds to the monitors, as its engine made it: whatever the
  // gateway then does with it. Its kind is known to the gate alone.
  using Unit = std::shared_ptr<const void>;
  // On the thread of the call. Null: adds nothing (nobody watches the model, or
  // nobody is there).
  virtual absl::StatusOr<Unit> Weigh(
      store::Connection* connection, const v1::Output& output,
      v1::Channel channel, const access::Snapshot& snapshot, int64_t now_us,
      const vault::SubjectReader::HeadOptions& options) = 0;
  // In the change of the verdict. What it adds is kept exactly when the verdict
  // is. Tells the entry that the output was counted and where, and nothing of
  // the customer's group. ETAG_MISMATCH: weigh again.
  virtual absl::Status Count(store::ChangeContext& context, const Unit& unit,
                             store::v1::Leaf* leaf) = 0;
};

}  // namespace consentry::screening

#endif  // CONSENTRY_GATEWAY_SCREENING_FAIRNESS_GATE_H_
