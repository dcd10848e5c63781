#ifndef CONSENTRY_TOOLS_CONSENTRY_POLICY_LINT_H_
#define CONSENTRY_TOOLS_CONSENTRY_POLICY_LINT_H_

#include <string>
#include <vector>

#include "policy/engine/bundle.h"

namespace consentry::tools {

enum class Severity {
  // True and worth knowing: an unchecked citation, a basis with a condition.
  kNote,
  // Allowed, and likely not what was meant.
  kWarning,
  // The gateway would refuse the files.
  kError,
};

struct LintFinding {
  Severity severity = Severity::kNote;
  // "purposes.txtpb:12:3", or the file alone.
  std::string place;
  std::string message;
};

// What is doubtful in the files beyond what Bundle::Compile refuses:
//  - notes: rules whose source was not followed to the text of the law; bases
//    that are usable under a condition only;
//  - warnings: what Compile warns of (a purpose without a basis for a regime);
//    a class and channel of which a legal pack says nothing on some day; two
//    clock, re-ask, breach or proof rows for the same on the same day; a
//    category that is no fideslang key;
//  - errors: everything that Compile refuses.
// Sorted by severity, the worst first, then by place. The profile may be empty;
// then one is assumed that names nothing.
std::vector<LintFinding> LintPolicy(policy::BundleSources sources);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_POLICY_LINT_H_
