#include "policy/conduct/text_scanner.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <map>
#include <tuple>
#include <utility>

#include "policy/conduct/stated.h"
#include "policy/conduct/tables.h"
#include "proto/support/status_macros.h"

namespace consentry::conduct {
namespace {

using config::v1::ConductClaim;
using config::v1::ConductRules;
using Expression = CompiledRules::Expression;
using Span = std::pair<size_t, size_t>;

bool Overlap(size_t a, size_t a_length, size_t b, size_t b_length) {
  return a < b + b_length && b < a + a_length;
}

// Where the exceptions of a rule match.
std::vector<Span> Exceptions(const CompiledRules::Rule& rule,
                             const re2::StringPiece& text) {
  std::vector<Span> spans;
  for (const auto& pattern : rule.except) {
    size_t at = 0;
    re2::StringPiece match;
    while (at < text.size() && spans.size() < TextScanner::kMaxFindings &&
           pattern->Match(text, at, text.size(), re2::RE2::UNANCHORED, &match,
                          1)) {
      const auto begin = static_cast<size_t>(match.data() - text.data());
      spans.emplace_back(begin, match.size());
      at = begin + std::max<size_t>(match.size(), 1);
    }
  }
  return spans;
}

// Of two findings of one claim that overlap: the longer, over both stretches,
// with what either of them states.
void Merge(const TextFinding& other, TextFinding* finding) {
  const size_t begin = std::min(finding->start, other.start);
  const size_t end =
      std::max(finding->start + finding->length, other.start + other.length);
  TextFinding merged = other.length > finding->length ? other : *finding;
  const TextFinding& rest = other.length > finding->length ? *finding : other;
  if (!merged.quantity) merged.quantity = rest.quantity;
  if (!merged.percent) merged.percent = rest.percent;
  if (!merged.left_s) merged.left_s = rest.left_s;
  if (merged.deadline.empty()) merged.deadline = rest.deadline;
  if (merged.former_price.empty()) merged.former_price = rest.former_price;
  merged.start = begin;
  merged.length = end - begin;
  *finding = std::move(merged);
}

void Tidy(std::vector<TextFinding>* findings) {
  std::sort(findings->begin(), findings->end(),
            [](const TextFinding& a, const TextFinding& b) {
              return std::tie(a.claim, a.start, b.length, a.rule) <
                     std::tie(b.claim, b.start, a.length, b.rule);
            });
  std::vector<TextFinding> merged;
  for (TextFinding& finding : *findings) {
    if (!merged.empty() && merged.back().claim == finding.claim &&
        Overlap(merged.back().start, merged.back().length, finding.start,
                finding.length)) {
      Merge(finding, &merged.back());
    } else {
      merged.push_back(std::move(finding));
    }
  }
  std::sort(merged.begin(), merged.end(),
            [](const TextFinding& a, const TextFinding& b) {
              return std::tie(a.start, a.rule) < std::tie(b.start, b.rule);
            });
  *findings = std::move(merged);
}

}  // namespace

TextScanner::TextScanner(std::unique_ptr<CompiledRules> rules)
    : rules_(std::move(rules)) {}
TextScanner::~TextScanner() = default;

absl::StatusOr<std::unique_ptr<TextScanner>> TextScanner::Create(
    const std::vector<RuleFile>& files) {
  CONSENTRY_ASSIGN_OR_RETURN(std::unique_ptr<CompiledRules> rules,
                             CompileRules(files));
  return std::unique_ptr<TextScanner>(new TextScanner(std::move(rules)));
}

const TextScanner& TextScanner::Shipped() {
  static const TextScanner* const shipped = [] {
    auto files = ShippedRuleFiles();
    if (!files.ok()) std::abort();
    auto scanner = Create(*files);
    if (!scanner.ok()) std::abort();
    return scanner->release();
  }();
  return *shipped;
}

absl::StatusOr<std::vector<RuleFile>> ShippedRuleFiles() {
  std::vector<RuleFile> files;
  for (const EmbeddedFile& file : EmbeddedConductRules()) {
    CONSENTRY_ASSIGN_OR_RETURN(RuleFile parsed, policy::ParseText<ConductRules>(
                                                    file.name, file.content));
    files.push_back(std::move(parsed));
  }
  return files;
}

TextScan TextScanner::Scan(std::string_view text,
                           std::string_view language) const {
  if (std::find(std::begin(kRuleLanguages), std::end(kRuleLanguages),
                language) == std::end(kRuleLanguages)) {
    language = {};
  }
  using Markup = FoldedText::Markup;
  using Unseen = FoldedText::Unseen;
  TextScan scan;
  const FoldedText plain =
      FoldedText::Fold(text, Markup::kKeep, Unseen::kJoins);
  scan.complete = !plain.truncated();
  ScanFolded(plain, language, &scan);
  if (plain.has_unseen()) {
    ScanFolded(FoldedText::Fold(text, Markup::kKeep, Unseen::kParts), language,
               &scan);
  }
  if (plain.has_markup()) {
    const FoldedText read =
        FoldedText::Fold(text, Markup::kRead, Unseen::kJoins);
    ScanFolded(read, language, &scan);
    if (read.has_unseen()) {
      ScanFolded(FoldedText::Fold(text, Markup::kRead, Unseen::kParts),
                 language, &scan);
    }
  }
  Tidy(&scan.findings);
  if (scan.findings.size() > kMaxFindings) {
    scan.findings.resize(kMaxFindings);
    scan.complete = false;
  }
  return scan;
}

void TextScanner::ScanFolded(const FoldedText& folded,
                             std::string_view language, TextScan* scan) const {
  ScanAsIs(folded, language, scan);
  if (const auto undisguised = folded.Undisguised()) {
    ScanAsIs(*undisguised, language, scan);
  }
}

void TextScanner::ScanAsIs(const FoldedText& folded, std::string_view language,
                           TextScan* scan) const {
  std::vector<int> matching;
  re2::RE2::Set::ErrorInfo error{};
  if (!rules_->all->Match(folded.text(), &matching, &error)) {
    if (error.kind == re2::RE2::Set::kNoError) return;
    // Over its memory the set cannot tell; each expression alone still can.
    matching.resize(rules_->expressions.size());
    for (size_t i = 0; i < matching.size(); ++i) {
      matching[i] = static_cast<int>(i);
    }
  }
  std::sort(matching.begin(), matching.end());
  for (const int number : matching) {
    const Expression& expression =
        rules_->expressions[static_cast<size_t>(number)];
    const std::string& of = rules_->rules[expression.rule].data.language();
    if (language.empty() || of == language || of == kAnyLanguage) {
      Apply(expression, folded, scan);
    }
  }
}

void TextScanner::Apply(const Expression& expression, const FoldedText& folded,
                        TextScan* scan) const {
  const re2::StringPiece text(folded.text());
  const std::vector<Span> exceptions =
      Exceptions(rules_->rules[expression.rule], text);
  const re2::RE2& pattern = *expression.pattern;
  std::vector<re2::StringPiece> groups(
      static_cast<size_t>(pattern.NumberOfCapturingGroups()) + 1);
  size_t at = 0;
  size_t found = 0;
  while (at < text.size() &&
         pattern.Match(text, at, text.size(), re2::RE2::UNANCHORED,
                       groups.data(), static_cast<int>(groups.size()))) {
    // One rule alone can fill a text; a bound keeps the time linear.
    if (++found > kMaxFindings) {
      scan->complete = false;
      return;
    }
    const auto begin = static_cast<size_t>(groups[0].data() - text.data());
    const size_t length = groups[0].size();
    const bool excepted = std::any_of(
        exceptions.begin(), exceptions.end(), [&](const Span& span) {
          return Overlap(span.first, span.second, begin, length);
        });
    if (!excepted && length > 0) {
      scan->findings.push_back(MakeFinding(expression, groups, folded));
    }
    at = begin + std::max<size_t>(length, 1);
  }
}

TextFinding TextScanner::MakeFinding(
    const Expression& expression, const std::vector<re2::StringPiece>& groups,
    const FoldedText& folded) const {
  const CompiledRules::Rule& rule = rules_->rules[expression.rule];
  const ConductClaim& claim = rules_->claims[rule.claim];
  TextFinding finding;
  finding.rule = rule.data.id();
  finding.claim = claim.id();
  finding.type = claim.type();
  finding.proof = claim.proof();
  const auto begin =
      static_cast<size_t>(groups[0].data() - folded.text().data());
  const auto [start, end] = folded.Source(begin, groups[0].size());
  finding.start = start;
  finding.length = end - start;
  const auto stated = [&](const char* name) -> std::string_view {
    const auto group = expression.groups.find(name);
    if (group == expression.groups.end()) return {};
    const re2::StringPiece& piece = groups[static_cast<size_t>(group->second)];
    return {piece.data(), piece.size()};
  };
  static const std::map<std::string, int64_t> kNoWords;
  const auto numbers = rules_->numbers.find(rule.data.language());
  finding.quantity = ReadQuantity(stated("n"), numbers == rules_->numbers.end()
                                                   ? kNoWords
                                                   : numbers->second);
  finding.percent = ReadQuantity(stated("percent"), kNoWords);
  finding.left_s = ReadDuration(stated("left"));
  finding.deadline = stated("deadline");
  finding.former_price = stated("former");
  return finding;
}

const ConductClaim* TextScanner::FindClaim(std::string_view id) const {
  for (const ConductClaim& claim : rules_->claims) {
    if (claim.id() == id) return &claim;
  }
  return nullptr;
}

std::vector<ExampleFailure> TextScanner::RunExamples(size_t* count) const {
  std::vector<ExampleFailure> failures;
  size_t run = 0;
  const auto check = [&](size_t rule, const std::string& example, bool wanted) {
    ++run;
    const FoldedText folded = FoldedText::Fold(
        example, FoldedText::Markup::kKeep, FoldedText::Unseen::kJoins);
    TextScan scan;
    for (const Expression& expression : rules_->expressions) {
      if (expression.rule == rule) Apply(expression, folded, &scan);
    }
    if (scan.findings.empty() == wanted) {
      failures.push_back({rules_->rules[rule].data.id(), example, wanted});
    }
  };
  for (size_t i = 0; i < rules_->rules.size(); ++i) {
    const config::v1::ConductRule& rule = rules_->rules[i].data;
    for (const std::string& example : rule.examples()) check(i, example, true);
    for (const std::string& example : rule.counterexamples()) {
      check(i, example, false);
    }
  }
  if (count != nullptr) *count = run;
  return failures;
}

}  // namespace consentry::conduct
