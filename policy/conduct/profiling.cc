// What must not lead to an output, and nobody under age profiled.
#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "policy/conduct/judges.h"
#include "policy/engine/check.h"

namespace consentry::conduct {
namespace {

using config::v1::InputRule;

// As the catalog would write it, whatever its engine made of it.
std::string Normal(const std::string& category) {
  std::string text = absl::AsciiStrToLower(category);
  text.erase(std::remove_if(text.begin(), text.end(),
                            [](char c) { return absl::ascii_isspace(c); }),
             text.end());
  while (!text.empty() && text.back() == '.') text.pop_back();
  return text;
}

bool Discloses(const v1::Output& output, const std::string& disclosure) {
  return std::find(output.disclosures().begin(), output.disclosures().end(),
                   disclosure) != output.disclosures().end();
}

// The first of the row's categories that `input` is, or is a part of (`broad`).
const std::string* Match(const InputRule& row, const std::string& input,
                         bool broad) {
  for (const std::string& category : row.categories()) {
    if (broad ? input != category && policy::HoldsCategory(input, category)
              : policy::HoldsCategory(category, input)) {
      return &category;
    }
  }
  return nullptr;
}

bool IsExcepted(const InputRule& row, const std::string& input) {
  return std::any_of(row.except().begin(), row.except().end(),
                     [&](const std::string& prefix) {
                       return policy::HoldsCategory(prefix, input);
                     });
}

void JudgeRow(const Case& at, const InputRule& row, Judgement* out) {
  if (row.minors() && !at.minor) return;
  if (!row.disclosure().empty() && Discloses(at.output, row.disclosure())) {
    return;
  }
  // What a finding about age says is not for the engine.
  const v1::VerdictClass verdict_class = row.minors()
                                             ? v1::VERDICT_CLASS_NOT_PERMITTED
                                             : v1::VERDICT_CLASS_CONDUCT;
  const auto find = [&](Action action, std::string_view message) {
    if (action == Action::kRelease) return;
    AddFinding(row.rule(), action, verdict_class, message, out);
    if (!row.disclosure().empty()) {
      out->missing_disclosures.push_back(row.disclosure());
    }
  };
  const auto judge = [&](const std::string& input) {
    if (IsExcepted(row, input)) return;
    if (const auto* category = Match(row, input, /*broad=*/false)) {
      find(ActionOf(row.action()),
           absl::StrCat("rests on ", *category,
                        row.disclosure().empty()
                            ? ", which must not lead to it"
                            : ", which is not disclosed beside it"));
    } else if (const auto* part = Match(row, input, /*broad=*/true)) {
      find(ActionOf(row.too_broad()),
           absl::StrCat("an input may hold ", *part, "; name it more exactly"));
    }
  };
  for (const std::string& input : at.output.input_categories()) {
    judge(Normal(input));
  }
  if (const std::string label = Normal(at.output.label());
      Match(row, label, /*broad=*/false) != nullptr) {
    judge(label);
  }
  if (row.minors() &&
      std::find(row.profiles().begin(), row.profiles().end(),
                static_cast<int>(at.output.kind())) != row.profiles().end()) {
    find(ActionOf(row.action()), "is a profile of the customer");
  }
}

}  // namespace

void JudgeProfiling(const Case& at, Judgement* out) {
  for (const auto& loaded : at.tables.inputs) {
    if (Applies(loaded.scope, at)) JudgeRow(at, loaded.row, out);
  }
}

}  // namespace consentry::conduct
