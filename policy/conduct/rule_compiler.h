#ifndef CONSENTRY_POLICY_CONDUCT_RULE_COMPILER_H_
#define CONSENTRY_POLICY_CONDUCT_RULE_COMPILER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "consentry/config/v1/conduct.pb.h"
#include "policy/engine/text_config.h"
#include "re2/re2.h"
#include "re2/set.h"

namespace consentry::conduct {

using RuleFile = policy::Located<config::v1::ConductRules>;

// Rules of conduct, checked and ready to match. Immutable; any thread.
struct CompiledRules {
  struct Expression {
    size_t rule;
    std::unique_ptr<re2::RE2> pattern;
    // Captures: name and number.
    std::map<std::string, int> groups;
  };
  struct Rule {
    config::v1::ConductRule data;
    size_t claim;  // In `claims`.
    std::vector<std::unique_ptr<re2::RE2>> except;
  };

  std::vector<config::v1::ConductClaim> claims;
  std::vector<Rule> rules;
  std::vector<Expression> expressions;
  // All expressions at once, by their place in `expressions`.
  std::unique_ptr<re2::RE2::Set> all;
  // Language, then folded word.
  std::map<std::string, std::map<std::string, int64_t>> numbers;
};

// Refuses with CONFIG_INVALID and every fault found.
absl::StatusOr<std::unique_ptr<CompiledRules>> CompileRules(
    const std::vector<RuleFile>& files);

// The names of captures: <n>, <percent>, <left>, <deadline>, <former>.
inline constexpr std::string_view kCaptures[] = {"n", "percent", "left",
                                                 "deadline", "former"};
// Of rules that hold for every text.
inline constexpr std::string_view kAnyLanguage = "any";
inline constexpr std::string_view kRuleLanguages[] = {"de", "en", "es", "fr"};

}  // namespace consentry::conduct

#endif  // CONSENTRY_POLICY_CONDUCT_RULE_COMPILER_H_
