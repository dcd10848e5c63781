#ifndef CONSENTRY_GATEWAY_RIGHTS_CASE_RETENTION_H_
#define CONSENTRY_GATEWAY_RIGHTS_CASE_RETENTION_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "consentry/store/v1/rights.pb.h"
#include "gateway/clients/caller_context.h"
#include "gateway/rights/case_rows.h"
#include "gateway/store/committer.h"
#include "gateway/store/reader_pool.h"
#include "policy/engine/bundle.h"

namespace consentry::rights {

// When the record of an answered case has been kept for as long as the packs
// want proof of it (ProofRule; 11 CCR 7101: 24 months); 0: never, as long as it
// is open, restricts, or no regime says how long. The longest time counts among
// the regimes that gave the right or were asked for it.
int64_t KeptUntil(const policy::Bundle& bundle,
                  const store::v1::RightsCaseDoc& doc);

// Removes cases, with what was kept of their reports, once KeptUntil has
// passed. A case whose appeal is open stays, and so does one of a customer
// under a legal hold. Each step is one change whose entry names the ids. Safe
// for many threads; one sweep at a time makes sense.
class CaseRetention {
 public:
  struct Options {
    // All outlive the object.
    clients::ConfigurationSource configuration;
    store::Committer* committer = nullptr;
    store::ReaderPool* readers = nullptr;
    const CaseRows* rows = nullptr;
    // A hold that is in force on all that is kept of her; null: there is none.
    std::function<absl::StatusOr<bool>(store::Connection*, uint64_t subject)>
        is_held;
  };
  explicit CaseRetention(Options options) : options_(std::move(options)) {}

  // Looks at every answered case, in bounded steps; how many went.
  absl::StatusOr<int64_t> Run();

 private:
  absl::StatusOr<bool> HasPassed(store::Connection* connection,
                                 const CaseRow& row, int64_t now_us) const;

  const Options options_;
};

}  // namespace consentry::rights

#endif  // CONSENTRY_GATEWAY_RIGHTS_CASE_RETENTION_H_
