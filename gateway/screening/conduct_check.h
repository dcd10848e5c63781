#ifndef CONSENTRY_GATEWAY_SCREENING_CONDUCT_CHECK_H_
#define CONSENTRY_GATEWAY_SCREENING_CONDUCT_CHECK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "consentry/v1/screening_service.pb.h"
#include "gateway/access/output_decision.h"
#include "gateway/screening/item_rows.h"
#include "gateway/screening/pressure_rows.h"
#include "gateway/store/engine.h"
#include "policy/conduct/conduct.h"
#include "policy/conduct/rulebook.h"

namespace consentry::screening {

// The second step of an output: does it keep the rules of conduct. Gathers what
// they are judged by, in one place; the judging is policy's. Safe for many
// threads.
class ConductCheck {
 public:
  struct Options {
    // All outlive the check.
    const conduct::Rulebook* rules = nullptr;
    const conduct::TextScanner* scanner = nullptr;
    const ItemRows* items = nullptr;
  };
  explicit ConductCheck(const Options& options) : options_(options) {}

  // All that a judgement rests on; asks again when only the pressure changed.
  struct Evidence {
    conduct::TextScan scan;
    conduct::Question question;
    Pressure pressure;
    // Where the customer is, for comparing prices: a country, or empty.
    std::string place;
  };

  // What the text claims. Takes microseconds for each KiB: once for an output.
  conduct::TextScan Scan(const v1::Output& output) const;

  // Fills all but the scan. `output` and `evidence` stay where they are as long
  // as the evidence is used. Reads the store; errors are the store's.
  absl::Status Gather(store::Connection* connection,
                      const access::OutputPlan& plan,
                      const access::OutputDecision& decision,
                      const v1::Output& output,
                      const std::vector<int64_t>& own_prices, int64_t now_us,
                      Evidence* evidence) const;

  conduct::Judgement Judge(const Evidence& evidence) const;

  const conduct::Rulebook& rules() const { return *options_.rules; }

 private:
  const Options options_;
};

// The country of the customer's first residence; empty: unknown.
std::string PlaceOf(const access::Snapshot& snapshot);

}  // namespace consentry::screening

#endif  // CONSENTRY_GATEWAY_SCREENING_CONDUCT_CHECK_H_
