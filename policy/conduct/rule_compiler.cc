#include "policy/conduct/rule_compiler.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "policy/conduct/folded_text.h"

namespace consentry::conduct {
namespace {

using config::v1::ConductClaim;
using config::v1::ConductRule;
using policy::Fault;
using policy::Place;

constexpr int kMaxDepth = 6;
constexpr size_t kMaxExpressionBytes = 8 << 10;
constexpr int64_t kSetMemory = 64 << 20;

bool IsNameCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

bool IsName(std::string_view text, bool dots) {
  if (text.empty() || text.size() > 96) return false;
  return std::all_of(text.begin(), text.end(), [dots](char c) {
    return IsNameCharacter(c) || (dots && c == '.');
  });
}

template <size_t N>
bool IsOneOf(std::string_view text, const std::string_view (&list)[N]) {
  return std::find(std::begin(list), std::end(list), text) != std::end(list);
}

re2::RE2::Options Options() {
  re2::RE2::Options options;
  options.set_log_errors(false);
  return options;
}

class Compiler {
 public:
  explicit Compiler(const std::vector<RuleFile>& files) : files_(files) {}

  absl::StatusOr<std::unique_ptr<CompiledRules>> Compile() {
    for (const RuleFile& file : files_) ReadNames(file);
    AddNumberWords();
    for (const RuleFile& file : files_) ReadRules(file);
    if (faults_.empty()) MakeSet();
    if (!faults_.empty()) return policy::FaultsToStatus(faults_);
    return std::move(out_);
  }

 private:
  struct Word {
    std::string expression;
    bool capture = false;
  };

  void Complain(const Place& place, std::string message) {
    faults_.push_back(place.MakeFault(std::move(message)));
  }

  void CheckLanguage(const Place& place, std::string_view language) {
    if (language != kAnyLanguage && !IsOneOf(language, kRuleLanguages)) {
      Complain(place.At("language"), "is none of any, de, en, es, fr");
    }
  }

  void ReadNames(const RuleFile& file) {
    const Place root = policy::PlaceOf(file);
    for (int i = 0; i < file.message.claims_size(); ++i) {
      ReadClaim(root.At("claims", i), file.message.claims(i));
    }
    for (int i = 0; i < file.message.words_size(); ++i) {
      const auto& word = file.message.words(i);
      const Place place = root.At("words", i);
      if (!IsName(word.name(), false)) {
        Complain(place.At("name"), "is no name of a word");
      }
      if (!word.language().empty()) CheckLanguage(place, word.language());
      if (word.capture() && !IsOneOf(word.name(), kCaptures)) {
        Complain(place.At("capture"), "is not for a word of that name");
      }
      if (!words_
               .emplace(std::pair(word.language(), word.name()),
                        Word{FoldLetters(word.expression()), word.capture()})
               .second) {
        Complain(place.At("name"), "is not unique in its language");
      }
    }
    for (int i = 0; i < file.message.numbers_size(); ++i) {
      const auto& number = file.message.numbers(i);
      const Place place = root.At("numbers", i);
      CheckLanguage(place, number.language());
      const std::string word = FoldLetters(number.word());
      if (word.empty() || number.value() < 0) {
        Complain(place, "needs a word and a value of at least 0");
      }
      if (!out_->numbers[number.language()]
               .emplace(word, number.value())
               .second) {
        Complain(place.At("word"), "is not unique in its language");
      }
    }
  }

  void ReadClaim(const Place& place, const ConductClaim& claim) {
    if (!IsName(claim.id(), false)) {
      Complain(place.At("id"), "is no name of a claim");
    }
    if (claim.type() == config::v1::ConductType::UNSPECIFIED) {
      Complain(place.At("type"), "is missing");
    }
    if (claim.proof() == config::v1::ConductProof::UNSPECIFIED) {
      Complain(place.At("proof"), "is missing");
    }
    if (claim.title().empty()) Complain(place.At("title"), "is missing");
    if (claim.citations().empty()) {
      Complain(place.At("citations"), "is missing");
    }
    for (int i = 0; i < claim.citations_size(); ++i) {
      const auto& citation = claim.citations(i);
      if (citation.text().empty() ||
          citation.evidence() == config::v1::Evidence::UNSPECIFIED) {
        Complain(place.At("citations", i), "needs text and evidence");
      }
    }
    if (!claims_.emplace(claim.id(), out_->claims.size()).second) {
      Complain(place.At("id"), "is not unique");
    }
    out_->claims.push_back(claim);
  }

  // Longer words first: the first alternative that matches is taken.
  void AddNumberWords() {
    for (const auto& [language, numbers] : out_->numbers) {
      std::vector<std::string> sorted;
      for (const auto& [word, value] : numbers) sorted.push_back(word);
      std::sort(sorted.begin(), sorted.end(),
                [](const std::string& a, const std::string& b) {
                  return a.size() != b.size() ? a.size() > b.size() : a < b;
                });
      std::string either;
      for (const std::string& word : sorted) {
        absl::StrAppend(&either, either.empty() ? "" : "|",
                        re2::RE2::QuoteMeta(word));
      }
      words_[{language, "number_word"}] = Word{either, false};
    }
  }

  // "<name>" of a language, or of all; null for none.
  const Word* FindWord(const std::string& language, const std::string& name) {
    for (const std::string& of : {language, std::string()}) {
      const auto found = words_.find({of, name});
      if (found != words_.end()) return &found->second;
    }
    return nullptr;
  }

  // Appends `expression` with its words filled in. A fault in words, or empty.
  std::string Expand(std::string_view expression, const std::string& language,
                     int depth, std::set<std::string>* captured,
                     std::string* out) {
    if (depth > kMaxDepth) return "its words hold each other";
    for (size_t i = 0; i < expression.size(); ++i) {
      const size_t end =
          expression[i] == '<' ? expression.find('>', i) : std::string::npos;
      if (end == std::string::npos) {
        *out += expression[i];
        continue;
      }
      std::string name(expression.substr(i + 1, end - i - 1));
      std::string as;
      if (const size_t equals = name.find('='); equals != std::string::npos) {
        as = name.substr(0, equals);
        name.erase(0, equals + 1);
        if (!IsOneOf(as, kCaptures)) return "captures what has no meaning";
      }
      const Word* const word = FindWord(language, name);
      if (word == nullptr) return absl::StrCat("has no word <", name, ">");
      if (as.empty() && word->capture) as = name;
      const bool capture = !as.empty() && captured->insert(as).second;
      *out += capture ? absl::StrCat("(?P<", as, ">") : "(?:";
      std::string fault =
          Expand(word->expression, language, depth + 1, captured, out);
      if (!fault.empty()) return fault;
      *out += ')';
      if (out->size() > kMaxExpressionBytes) return "is too long";
      i = end;
    }
    return {};
  }

  std::unique_ptr<re2::RE2> MakePattern(const Place& place,
                                        std::string_view expression,
                                        const std::string& language) {
    std::string_view body = expression;
    const bool open_start = body.substr(0, 1) == "~";
    if (open_start) body.remove_prefix(1);
    const bool open_end = !body.empty() && body.back() == '~';
    if (open_end) body.remove_suffix(1);
    if (body.empty()) {
      Complain(place, "is empty");
      return nullptr;
    }
    std::set<std::string> captured;
    std::string expanded;
    const std::string fault =
        Expand(FoldLetters(body), language, 0, &captured, &expanded);
    if (!fault.empty()) {
      Complain(place, fault);
      return nullptr;
    }
    auto pattern = std::make_unique<re2::RE2>(
        absl::StrCat(open_start ? "" : "\\b", "(?:", expanded, ")",
                     open_end ? "" : "\\b"),
        Options());
    if (!pattern->ok()) {
      Complain(place, absl::StrCat("is no expression: ", pattern->error()));
      return nullptr;
    }
    if (re2::RE2::FullMatch("", re2::RE2(expanded, Options()))) {
      Complain(place, "matches an empty text");
      return nullptr;
    }
    return pattern;
  }

  void ReadRules(const RuleFile& file) {
    const Place root = policy::PlaceOf(file);
    for (int i = 0; i < file.message.rules_size(); ++i) {
      ReadRule(root.At("rules", i), file.message.rules(i));
    }
  }

  void ReadRule(const Place& place, const ConductRule& rule) {
    const size_t number = out_->rules.size();
    CheckLanguage(place, rule.language());
    if (!IsName(rule.id(), true) ||
        rule.id().rfind(rule.language() + ".", 0) != 0) {
      Complain(place.At("id"), "does not begin with its language and a dot");
    }
    if (!ids_.insert(rule.id()).second) {
      Complain(place.At("id"), "is not unique");
    }
    const auto claim = claims_.find(rule.claim());
    if (claim == claims_.end()) Complain(place.At("claim"), "is not defined");
    if (rule.expressions().empty()) {
      Complain(place.At("expressions"), "is missing");
    }
    if (rule.examples().empty() || rule.counterexamples().empty()) {
      Complain(place, "needs an example and a counterexample");
    }
    CompiledRules::Rule made;
    made.data = rule;
    made.claim = claim == claims_.end() ? 0 : claim->second;
    for (int i = 0; i < rule.expressions_size(); ++i) {
      auto pattern = MakePattern(place.At("expressions", i),
                                 rule.expressions(i), rule.language());
      if (pattern == nullptr) continue;
      std::map<std::string, int> groups = pattern->NamedCapturingGroups();
      out_->expressions.push_back(
          {number, std::move(pattern), std::move(groups)});
    }
    for (int i = 0; i < rule.except_size(); ++i) {
      auto pattern =
          MakePattern(place.At("except", i), rule.except(i), rule.language());
      if (pattern != nullptr) made.except.push_back(std::move(pattern));
    }
    out_->rules.push_back(std::move(made));
  }

  void MakeSet() {
    re2::RE2::Options options = Options();
    options.set_max_mem(kSetMemory);
    out_->all = std::make_unique<re2::RE2::Set>(options, re2::RE2::UNANCHORED);
    for (const auto& expression : out_->expressions) {
      if (out_->all->Add(expression.pattern->pattern(), nullptr) < 0) {
        faults_.push_back({"", "rules", "an expression fits in no set"});
      }
    }
    if (!out_->all->Compile()) {
      faults_.push_back({"", "rules", "are too many to be matched at once"});
    }
  }

  const std::vector<RuleFile>& files_;
  std::unique_ptr<CompiledRules> out_ = std::make_unique<CompiledRules>();
  std::map<std::pair<std::string, std::string>, Word> words_;
  std::map<std::string, size_t> claims_;
  std::set<std::string> ids_;
  std::vector<Fault> faults_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<CompiledRules>> CompileRules(
    const std::vector<RuleFile>& files) {
  return Compiler(files).Compile();
}

}  // namespace consentry::conduct
