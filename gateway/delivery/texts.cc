#include "gateway/delivery/texts.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "absl/strings/str_cat.h"
#include "gateway/base/civil_day.h"
#include "gateway/delivery/embedded_texts.h"
#include "proto/support/error.h"
#include "proto/support/status_macros.h"
#include "proto/support/text_proto.h"

namespace consentry::delivery {
namespace {

using config::v1::MessageText;
using config::v1::MessageWords;
using config::v1::Placeholder;

constexpr size_t kMaxLines = 400;
constexpr size_t kMaxLineBytes = 120;
constexpr char kFallback[] = "en";

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

template <class Allowed>
bool AllOf(std::string_view text, size_t least, size_t most, Allowed allowed) {
  return text.size() >= least && text.size() <= most &&
         std::all_of(text.begin(), text.end(), allowed);
}

bool IsId(std::string_view text) {
  return text.size() > 4 && AllOf(text.substr(0, 3), 3, 3, IsLower) &&
         text[3] == '_' && AllOf(text.substr(4), 16, 40, [](char c) {
           return IsLower(c) || IsDigit(c);
         });
}

// Every line of `text`, which has at least one.
template <class LineOk>
bool LinesOk(std::string_view text, size_t most, LineOk ok) {
  size_t lines = 0;
  for (;;) {
    const size_t end = text.find('\n');
    if (++lines > most || !ok(text.substr(0, end))) return false;
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + 1);
  }
}

bool Fits(Placeholder::Kind kind, std::string_view value) {
  switch (kind) {
    case Placeholder::CODE:
      return AllOf(value, 4, 32,
                   [](char c) { return IsUpper(c) || IsDigit(c) || c == '-'; });
    case Placeholder::ID:
      return IsId(value);
    case Placeholder::DATE:
      return base::ParseDay(value).has_value();
    case Placeholder::COUNT:
      return AllOf(value, 1, 9, IsDigit);
    case Placeholder::IDS:
      return LinesOk(value, 200, [](std::string_view line) {
        return IsId(line) || AllOf(line, 2, 64, [](char c) {
                 return IsLower(c) || IsDigit(c) || c == '-';
               });
      });
    case Placeholder::LINES:
      return LinesOk(value, kMaxLines, [](std::string_view line) {
        return AllOf(line, 0, kMaxLineBytes, [](char c) {
          return IsLower(c) || IsDigit(c) || c == '_' || c == '.' || c == ':' ||
                 c == '-' || c == ' ';
        });
      });
    default:
      return false;
  }
}

// Calls `word` for what stands between placeholders and `name` for each.
template <class Word, class Name>
void Walk(std::string_view text, Word word, Name name) {
  while (!text.empty()) {
    const size_t open = text.find('{');
    const size_t close =
        open == std::string_view::npos ? open : text.find('}', open);
    if (close == std::string_view::npos) {
      word(text);
      return;
    }
    word(text.substr(0, open));
    name(text.substr(open + 1, close - open - 1));
    text.remove_prefix(close + 1);
  }
}

absl::Status CheckWords(const MessageText& text, const MessageWords& words) {
  const auto fault = [&](std::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat(
        text.key(), ", ", words.language(), ": ", std::string(what)));
  };
  if (words.subject().empty() || words.body().empty()) {
    return fault("needs a subject and a body");
  }
  if (words.subject().find_first_of("\r\n{}") != std::string::npos) {
    return fault("the subject must be one line without placeholders");
  }
  if (words.body().find('\r') != std::string::npos ||
      words.body().back() != '\n') {
    return fault("lines of the body must end with a line feed");
  }
  std::set<std::string> used;
  Walk(
      words.body(), [](std::string_view) {},
      [&](std::string_view name) { used.insert(std::string(name)); });
  std::set<std::string> declared;
  for (const Placeholder& placeholder : text.placeholders()) {
    declared.insert(placeholder.name());
  }
  if (used != declared) return fault("its placeholders are not those declared");
  return absl::OkStatus();
}

absl::Status CheckText(const MessageText& text) {
  for (const Placeholder& placeholder : text.placeholders()) {
    if (placeholder.kind() == Placeholder::KIND_UNSPECIFIED) {
      return absl::InvalidArgumentError(
          absl::StrCat(text.key(), ": a placeholder without kind"));
    }
  }
  std::set<std::string> languages;
  for (const MessageWords& words : text.words()) {
    if (!languages.insert(words.language()).second) {
      return absl::InvalidArgumentError(
          absl::StrCat(text.key(), ": a language stands twice"));
    }
    CONSENTRY_RETURN_IF_ERROR(CheckWords(text, words));
  }
  if (languages.find(kFallback) == languages.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat(text.key(), ": lacks English"));
  }
  return absl::OkStatus();
}

}  // namespace

const Texts& Texts::Shipped() {
  static const Texts* const texts = [] {
    const EmbeddedFile file = EmbeddedTexts().front();
    auto parsed = Parse(file.name, file.content);
    if (!parsed.ok()) {
      // Part of the program: tests hold it.
      std::fputs("the shipped texts of messages are broken\n", stderr);
      std::abort();
    }
    return parsed->release();
  }();
  return *texts;
}

absl::StatusOr<std::unique_ptr<const Texts>> Texts::Parse(
    std::string_view file, std::string_view text) {
  std::unique_ptr<Texts> texts(new Texts());
  TextProto source{std::string(file)};
  CONSENTRY_RETURN_IF_ERROR(source.Parse(text, &texts->texts_));
  std::set<std::string> keys;
  for (const MessageText& one : texts->texts_.texts()) {
    if (!keys.insert(one.key()).second) {
      return absl::InvalidArgumentError(
          absl::StrCat(one.key(), ": stands twice"));
    }
    CONSENTRY_RETURN_IF_ERROR(CheckText(one));
  }
  return texts;
}

const MessageText* Texts::Find(std::string_view key) const {
  for (const MessageText& text : texts_.texts()) {
    if (text.key() == key) return &text;
  }
  return nullptr;
}

absl::Status Texts::Check(std::string_view key,
                          const Arguments& arguments) const {
  const MessageText* text = Find(key);
  if (text == nullptr) {
    return MakeError(v1::ERROR_REASON_FIELD_INVALID,
                     "no message has this text");
  }
  bool fits =
      arguments.size() == static_cast<size_t>(text->placeholders_size());
  for (const Placeholder& placeholder : text->placeholders()) {
    const auto value = arguments.find(placeholder.name());
    fits = fits && value != arguments.end() &&
           Fits(placeholder.kind(), value->second);
  }
  if (fits) return absl::OkStatus();
  return MakeError(v1::ERROR_REASON_FIELD_INVALID,
                   "a message takes codes, ids, dates and counts alone");
}

absl::StatusOr<Rendered> Texts::Render(std::string_view key,
                                       std::string_view language,
                                       const Arguments& arguments) const {
  CONSENTRY_RETURN_IF_ERROR(Check(key, arguments));
  const std::string_view wanted = language.substr(0, language.find('-'));
  const MessageText& text = *Find(key);
  const MessageWords* chosen = nullptr;
  for (const MessageWords& words : text.words()) {
    const bool fallback = chosen == nullptr && words.language() == kFallback;
    if (words.language() == wanted || fallback) chosen = &words;
  }
  Rendered rendered;
  rendered.subject = chosen->subject();
  Walk(
      chosen->body(), [&](std::string_view word) { rendered.body += word; },
      [&](std::string_view name) {
        rendered.body += arguments.find(name)->second;
      });
  return rendered;
}

}  // namespace consentry::delivery
