#ifndef CONSENTRY_POLICY_CONDUCT_CONDUCT_CASE_H_
#define CONSENTRY_POLICY_CONDUCT_CONDUCT_CASE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "consentry/config/v1/conduct_case.pb.h"
#include "policy/conduct/rulebook.h"
#include "proto/support/embedded.h"

// Rules of conduct shown by example, for `consentry conduct test` and for
// tests.
namespace consentry::conduct {

using CaseFile = policy::Located<config::v1::ConductCaseFile>;

struct CaseResult {
  // "claims.txtpb: a count of yesterday proves no stock".
  std::string name;
  // What differs from what the case expects; empty: nothing.
  std::vector<std::string> differences;
};

// Runs the cases of a file by the shipped rules and `own`, and those of each
// case. CONFIG_INVALID, with every fault, for a case that cannot be read.
absl::StatusOr<std::vector<CaseResult>> RunCases(
    const CaseFile& file, const std::vector<PolicyFile>& own = {});

// Runs all that the program brings along, and the examples of its topics.
absl::StatusOr<std::vector<CaseResult>> RunShippedCases();

// "claims.txtpb", one ConductCaseFile each, sorted by name.
absl::Span<const EmbeddedFile> EmbeddedConductCases();

}  // namespace consentry::conduct

#endif  // CONSENTRY_POLICY_CONDUCT_CONDUCT_CASE_H_
