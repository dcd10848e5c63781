#ifndef CONSENTRY_POLICY_ENGINE_POLICY_CASE_H_
#define CONSENTRY_POLICY_ENGINE_POLICY_CASE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "consentry/config/v1/policy_case.pb.h"
#include "policy/engine/engine.h"

namespace consentry::policy {

// Facts and request of a policy case, bound to a bundle. Owns what the request
// points to; movable, not copyable.
struct BoundCase {
  BoundCase() = default;
  BoundCase(BoundCase&&) = default;
  BoundCase& operator=(BoundCase&&) = default;

  SubjectFacts facts;
  std::vector<FieldId> fields;
  std::vector<int64_t> collected_us;
  DecisionRequest request;
};

// Refuses names that the bundle does not know and malformed dates, all at once,
// with CONFIG_INVALID. The case's profile is not looked at: a bundle has its
// own.
absl::StatusOr<BoundCase> BindCase(const Bundle& bundle,
                                   const config::v1::PolicyCase& policy_case,
                                   const Place& place);

// What differs between a decision and what the case expects, one line each;
// empty: nothing. INVALID_ARGUMENT for an expectation that names what does not
// exist.
absl::StatusOr<std::vector<std::string>> CompareWithExpectation(
    const Bundle& bundle, const Decision& decision,
    const config::v1::CaseExpectation& expect);

// A case that asks the same and expects the same, to keep a failing input.
config::v1::PolicyCase ToCase(const Bundle& bundle, const SubjectFacts& facts,
                              const DecisionRequest& request,
                              const Decision& decision);

}  // namespace consentry::policy

#endif  // CONSENTRY_POLICY_ENGINE_POLICY_CASE_H_
