#include "policy/conduct/topics.h"

#include <re2/re2.h>

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "policy/conduct/folded_text.h"
#include "proto/support/error.h"

namespace consentry::conduct {
namespace {

constexpr int64_t kMaxMemory = 4 << 20;

// Without the "~" that take bounds away.
std::string Body(std::string_view expression) {
  if (expression.starts_with('~')) expression.remove_prefix(1);
  if (expression.ends_with('~')) expression.remove_suffix(1);
  return FoldLetters(expression);
}

// Bounded by words on both sides but where "~" takes the bound away.
std::string Bounded(std::string_view expression) {
  return absl::StrCat(expression.starts_with('~') ? "" : "\\b",
                      "(?:", Body(expression), ")",
                      expression.ends_with('~') ? "" : "\\b");
}

RE2::Options Quiet() {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMaxMemory);
  options.set_never_capture(true);
  return options;
}

// The text in every way in which a reader may see it.
std::vector<std::string> Readings(std::string_view text) {
  using Markup = FoldedText::Markup;
  using Unseen = FoldedText::Unseen;
  const FoldedText seen = FoldedText::Fold(text, Markup::kRead, Unseen::kJoins);
  std::vector<std::string> readings = {seen.text()};
  if (seen.has_unseen()) {
    readings.push_back(
        FoldedText::Fold(text, Markup::kRead, Unseen::kParts).text());
  }
  if (seen.has_markup()) {
    readings.push_back(
        FoldedText::Fold(text, Markup::kKeep, Unseen::kJoins).text());
  }
  return readings;
}

}  // namespace

struct Topics::Row {
  std::string name;
  std::vector<std::unique_ptr<RE2>> expressions;
  std::vector<std::string> prefixes;

  bool MatchesText(const std::vector<std::string>& readings) const {
    for (const auto& expression : expressions) {
      for (const std::string& reading : readings) {
        if (RE2::PartialMatch(reading, *expression)) return true;
      }
    }
    return false;
  }
  bool MatchesName(std::string_view item) const {
    const std::string lower =
        absl::AsciiStrToLower(absl::string_view(item.data(), item.size()));
    for (const std::string& prefix : prefixes) {
      if (lower.starts_with(prefix)) return true;
    }
    return false;
  }
};

Topics::Topics() = default;
Topics::~Topics() = default;
Topics::Topics(Topics&&) noexcept = default;
Topics& Topics::operator=(Topics&&) noexcept = default;

absl::Status Topics::Check(std::string_view expression) {
  const RE2 compiled(Bounded(expression), Quiet());
  if (!compiled.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("is no expression: ", compiled.error()));
  }
  const RE2 whole(absl::StrCat("(?:", Body(expression), ")"), Quiet());
  if (RE2::FullMatch("", whole)) {
    return absl::InvalidArgumentError("matches nothing at all");
  }
  return absl::OkStatus();
}

void Topics::Add(const config::v1::ConductTopic& row) {
  auto added = std::make_unique<Row>();
  added->name = row.name();
  for (const std::string& expression : row.expressions()) {
    added->expressions.push_back(
        std::make_unique<RE2>(Bounded(expression), Quiet()));
  }
  for (const std::string& prefix : row.prefixes()) {
    added->prefixes.push_back(absl::AsciiStrToLower(prefix));
  }
  rows_.push_back(std::move(added));
}

std::set<std::string> Topics::Of(const v1::Output& output) const {
  std::set<std::string> names = OfText(output.text());
  for (const auto& row : rows_) {
    bool named =
        row->MatchesName(output.item()) || row->MatchesName(output.label());
    for (const std::string& item : output.ranking()) {
      named = named || row->MatchesName(item);
    }
    if (named) names.insert(row->name);
  }
  return names;
}

std::set<std::string> Topics::OfText(std::string_view text) const {
  std::set<std::string> names;
  if (text.empty()) return names;
  const std::vector<std::string> readings = Readings(text);
  for (const auto& row : rows_) {
    if (row->MatchesText(readings)) names.insert(row->name);
  }
  return names;
}

bool Topics::Knows(std::string_view name) const {
  for (const auto& row : rows_) {
    if (row->name == name) return true;
  }
  return false;
}

}  // namespace consentry::conduct
