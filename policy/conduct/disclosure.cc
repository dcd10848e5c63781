// What must stand beside an output.
#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "policy/conduct/judges.h"
#include "policy/engine/check.h"

namespace consentry::conduct {
namespace {

using config::v1::DisclosureRule;

bool IsPersonal(const std::string& category) {
  return !policy::HoldsCategory("system", category);
}

// An amount that somebody else would, or may, have been shown otherwise.
bool HasPersonalisedPrice(const v1::Output& output) {
  if (!output.has_price()) return false;
  if (std::any_of(output.input_categories().begin(),
                  output.input_categories().end(), IsPersonal)) {
    return true;
  }
  return output.has_base_price() &&
         (output.base_price().minor_units() != output.price().minor_units() ||
          output.base_price().currency() != output.price().currency());
}

bool IsGenerated(const Case& at) {
  const auto& models = at.tables.generative_models;
  return models.contains("*") || models.contains(at.output.model());
}

bool IsAskedFor(const DisclosureRule& row, const Case& at) {
  switch (row.when()) {
    case DisclosureRule::PERSONALISED_PRICE:
      return HasPersonalisedPrice(at.output);
    case DisclosureRule::CHAT_REPLY:
      return at.output.kind() == v1::OUTPUT_KIND_CHAT_REPLY;
    case DisclosureRule::GENERATED:
      return IsGenerated(at);
    default:
      return false;
  }
}

bool IsThere(const DisclosureRule& row, const v1::Output& output) {
  const std::string& wanted =
      row.exact_text().empty() ? row.disclosure() : row.exact_text();
  return std::find(output.disclosures().begin(), output.disclosures().end(),
                   wanted) != output.disclosures().end() ||
         (!row.exact_text().empty() &&
          output.text().find(row.exact_text()) != std::string::npos);
}

}  // namespace

void JudgeDisclosure(const Case& at, Judgement* out) {
  for (const auto& [row, scope] : at.tables.disclosures) {
    if (!Applies(scope, at) || !IsAskedFor(row, at) ||
        IsThere(row, at.output)) {
      continue;
    }
    const bool exact = !row.exact_text().empty();
    AddFinding(
        row.rule(), ActionOf(row.action()), v1::VERDICT_CLASS_CONDUCT,
        exact
            ? absl::StrCat("these words are missing: ", row.exact_text())
            : absl::StrCat("the disclosure ", row.disclosure(), " is missing"),
        out);
    out->missing_disclosures.push_back(exact ? row.exact_text()
                                             : row.disclosure());
  }
}

}  // namespace consentry::conduct
