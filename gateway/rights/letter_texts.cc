#include "gateway/rights/letter_texts.h"

#include <array>
#include <cstdlib>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "proto/support/status_macros.h"
#include "proto/support/text_proto.h"

namespace consentry::rights {
namespace {

constexpr std::array<std::string_view, 4> kLanguages = {"en", "de", "fr", "es"};

std::string_view Primary(std::string_view language) {
  return language.substr(0, language.find('-'));
}

// Names in braces.
std::set<std::string> PlaceholdersOf(std::string_view text) {
  std::set<std::string> names;
  for (size_t at = text.find('{'); at != std::string_view::npos;
       at = text.find('{', at + 1)) {
    const size_t end = text.find('}', at);
    names.insert(std::string(text.substr(
        at + 1, end == std::string_view::npos ? end : end - at - 1)));
  }
  return names;
}

template <class Entries>
auto* Find(const Entries& entries, std::string_view language) {
  const typename Entries::value_type* english = nullptr;
  for (const auto& entry : entries) {
    if (entry.language() == Primary(language)) return &entry;
    if (entry.language() == "en") english = &entry;
  }
  return english;
}

template <class Entries>
absl::Status CheckLanguages(const std::string& key, const Entries& entries) {
  std::set<std::string> languages;
  for (const auto& entry : entries) languages.insert(entry.language());
  for (const std::string_view language : kLanguages) {
    if (!languages.contains(std::string(language))) {
      return absl::InvalidArgumentError(
          absl::StrCat(key, ": lacks ",
                       absl::string_view(language.data(), language.size())));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<const LetterTexts>> LetterTexts::Parse(
    std::string_view file, std::string_view text) {
  auto made = std::unique_ptr<LetterTexts>(new LetterTexts());
  TextProto parser{std::string(file)};
  CONSENTRY_RETURN_IF_ERROR(parser.Parse(text, &made->texts_));
  for (const auto& letter : made->texts_.letters()) {
    CONSENTRY_RETURN_IF_ERROR(CheckLanguages(letter.key(), letter.words()));
    const std::set<std::string> wanted(letter.placeholders().begin(),
                                       letter.placeholders().end());
    for (const auto& words : letter.words()) {
      if (PlaceholdersOf(words.body()) != wanted) {
        return absl::InvalidArgumentError(
            absl::StrCat(letter.key(), ", ", words.language(),
                         ": does not use exactly the letter's placeholders"));
      }
      if (words.subject().empty() || !PlaceholdersOf(words.subject()).empty()) {
        return absl::InvalidArgumentError(
            absl::StrCat(letter.key(), ", ", words.language(),
                         ": needs a subject without placeholders"));
      }
    }
    if (!made->letters_.emplace(letter.key(), &letter).second) {
      return absl::InvalidArgumentError(letter.key() + ": is not unique");
    }
  }
  for (const auto& phrase : made->texts_.phrases()) {
    CONSENTRY_RETURN_IF_ERROR(CheckLanguages(phrase.key(), phrase.words()));
    if (!made->phrases_.emplace(phrase.key(), &phrase).second) {
      return absl::InvalidArgumentError(phrase.key() + ": is not unique");
    }
  }
  return std::unique_ptr<const LetterTexts>(std::move(made));
}

const LetterTexts& LetterTexts::Shipped() {
  static const LetterTexts* const shipped = [] {
    const EmbeddedFile& file = EmbeddedLetters()[0];
    auto parsed = Parse(file.name, file.content);
    // A test reads them; a build without words must not answer anybody.
    if (!parsed.ok()) std::abort();
    return parsed->release();
  }();
  return *shipped;
}

LetterTexts::Letter LetterTexts::Render(
    std::string_view key, std::string_view language,
    const std::map<std::string, std::string, std::less<>>& arguments) const {
  const auto found = letters_.find(key);
  if (found == letters_.end()) return {};
  const config::v1::LetterWords* words = Find(found->second->words(), language);
  std::vector<std::pair<std::string, std::string>> replaced;
  for (const std::string& name : found->second->placeholders()) {
    const auto value = arguments.find(name);
    replaced.emplace_back(absl::StrCat("{", name, "}"),
                          value == arguments.end() ? "" : value->second);
  }
  return {words->subject(), absl::StrReplaceAll(words->body(), replaced)};
}

std::string LetterTexts::Phrase(std::string_view key,
                                std::string_view language) const {
  const auto found = phrases_.find(key);
  return found == phrases_.end()
             ? ""
             : Find(found->second->words(), language)->text();
}

bool LetterTexts::HasPhrase(std::string_view key) const {
  return phrases_.contains(key);
}

}  // namespace consentry::rights
