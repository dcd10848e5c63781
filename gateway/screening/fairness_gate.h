#ifndef CONSENTRY_GATEWAY_SCREENING_FAIRNESS_GATE_H_
#define CONSENTRY_GATEWAY_SCREENING_FAIRNESS_GATE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "consentry/store/v1/screening.pb.h"
#include "consentry/v1/screening_service.pb.h"
#include "gateway/access/snapshot.h"
#include "gateway/store/change.h"
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

  // One output with its verdict, told or held.
  struct Screened {
    const v1::Output* output = nullptr;
    // Of the customer; not known for nobody.
    const access::Snapshot* snapshot = nullptr;
    const store::v1::ScreeningDoc* doc = nullptr;
    // What Ask() said last.
    const Answer* answer = nullptr;
  };
  // Inside of the change that keeps the verdict, once for each output that is
  // kept (not for a dry run, not for one that was screened before): what
  // monitors count becomes durable with it or not at all. On the committer's
  // store thread; its errors undo the change, and ETAG_MISMATCH decides the
  // output anew on what the monitors say by now.
  virtual absl::Status Note(store::ChangeContext& context,
                            const Screened& screened) const {
    static_cast<void>(context);
    static_cast<void>(screened);
    return absl::OkStatus();
  }
};

}  // namespace consentry::screening

#endif  // CONSENTRY_GATEWAY_SCREENING_FAIRNESS_GATE_H_
