#ifndef CONSENTRY_POLICY_CONDUCT_TEXT_SCANNER_H_
#define CONSENTRY_POLICY_CONDUCT_TEXT_SCANNER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/config/v1/conduct.pb.h"
#include "policy/conduct/folded_text.h"
#include "policy/conduct/rule_compiler.h"

namespace consentry::conduct {

// One claim that a text makes. It says nothing about whether the claim is true:
// that is found by what `proof` asks for.
struct TextFinding {
  // Of the rule that matched, "en.low_stock.only_left", and of its claim,
  // "low_stock".
  std::string rule;
  std::string claim;
  config::v1::ConductType::Value type = config::v1::ConductType::UNSPECIFIED;
  config::v1::ConductProof::Value proof = config::v1::ConductProof::UNSPECIFIED;
  // Where it stands, in bytes of the text as it was handed in.
  size_t start = 0;
  size_t length = 0;

  // What the text states, where it states it. "Only two left": 2. A number that
  // is no bound from above ("few", "dozens") is not stated.
  std::optional<int64_t> quantity;
  // "20 % off": 20.
  std::optional<int64_t> percent;
  // "ends in 02:30:00": 9000 seconds from when it is read.
  std::optional<int64_t> left_s;
  // "until Sunday midnight": the words, as folded. Empty: none.
  std::string deadline;
  // "was 49.90": the words, as folded. Empty: none.
  std::string former_price;
};

// An example that its rule does not live up to.
struct ExampleFailure {
  std::string rule;
  std::string example;
  // It should have been found by the rule and was not; else the other way.
  bool missed = false;
};

struct TextScan {
  // By start, then rule. Of one claim, none overlap.
  std::vector<TextFinding> findings;
  // False: the text is too long or makes too many claims, and not all of it was
  // looked at. Whoever relies on the scan treats that as a finding.
  bool complete = true;
};

// Finds claims in texts by rules. Immutable; any thread. Time is linear in the
// length of the text.
class TextScanner {
 public:
  // Refuses with CONFIG_INVALID and every fault found in the rules. Does not
  // run their examples.
  static absl::StatusOr<std::unique_ptr<TextScanner>> Create(
      const std::vector<RuleFile>& files);
  // Over the rules that the program brings along.
  static const TextScanner& Shipped();

  ~TextScanner();
  TextScanner(const TextScanner&) = delete;
  TextScanner& operator=(const TextScanner&) = delete;

  // Any bytes; markup is read both as markup and as text. With a language
  // ("en", "de", "fr", "es") only its rules are used: give one only where the
  // caller knows it from elsewhere than from who wrote the text. One without
  // rules means all.
  TextScan Scan(std::string_view text, std::string_view language = {}) const;

  // The claim of a finding; null for an unknown id. Lives as long as this.
  const config::v1::ConductClaim* FindClaim(std::string_view id) const;
  size_t rule_count() const { return rules_->rules.size(); }

  // Runs the examples and counterexamples of each rule against that rule alone.
  // Counts them, if asked.
  std::vector<ExampleFailure> RunExamples(size_t* count = nullptr) const;

  // More findings than this in one text leave it incomplete.
  static constexpr size_t kMaxFindings = 256;

 private:
  explicit TextScanner(std::unique_ptr<CompiledRules> rules);

  void ScanFolded(const FoldedText& folded, std::string_view language,
                  TextScan* scan) const;
  void ScanAsIs(const FoldedText& folded, std::string_view language,
                TextScan* scan) const;
  void Apply(const CompiledRules::Expression& expression,
             const FoldedText& folded, TextScan* scan) const;
  TextFinding MakeFinding(const CompiledRules::Expression& expression,
                          const std::vector<re2::StringPiece>& groups,
                          const FoldedText& folded) const;

  const std::unique_ptr<const CompiledRules> rules_;
};

// The files that the program brings along, parsed.
absl::StatusOr<std::vector<RuleFile>> ShippedRuleFiles();

}  // namespace consentry::conduct

#endif  // CONSENTRY_POLICY_CONDUCT_TEXT_SCANNER_H_
