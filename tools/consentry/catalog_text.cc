#include "tools/consentry/catalog_text.h"

#include <cstddef>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace consentry::tools {
namespace {

absl::string_view Absl(std::string_view text) {
  return {text.data(), text.size()};
}

// Reads protobuf text token by token: names, strings and signs, without spaces
// and comments.
class Tokens {
 public:
  explicit Tokens(std::string_view text) : text_(text) {}

  // Empty at the end. `start()` is its position.
  std::string_view Next() {
    SkipBlanks();
    start_ = at_;
    if (at_ >= text_.size()) return {};
    const char c = text_[at_];
    if (c == '"' || c == '\'') {
      ++at_;
      while (at_ < text_.size() && text_[at_] != c) {
        at_ += text_[at_] == '\\' ? 2u : 1u;
      }
      at_ = at_ < text_.size() ? at_ + 1 : text_.size();
    } else if (IsWord(c)) {
      while (at_ < text_.size() && IsWord(text_[at_])) ++at_;
    } else {
      ++at_;
    }
    return text_.substr(start_, at_ - start_);
  }

  size_t start() const { return start_; }

 private:
  static bool IsWord(char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' ||
           c == '.';
  }

  void SkipBlanks() {
    while (at_ < text_.size()) {
      if (text_[at_] == '#') {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else if (absl::ascii_isspace(static_cast<unsigned char>(text_[at_]))) {
        ++at_;
      } else {
        return;
      }
    }
  }

  const std::string_view text_;
  size_t at_ = 0;
  size_t start_ = 0;
};

// Position of the closing brace of the kind `key`.
std::optional<size_t> FindEnd(std::string_view text, std::string_view key) {
  Tokens tokens(text);
  int depth = 0;
  bool in_kinds = false;
  bool found = false;
  std::string_view before_last;
  std::string_view last;
  for (;;) {
    const std::string_view token = tokens.Next();
    if (token.empty()) return std::nullopt;
    if (token == "{" || token == "<") {
      if (depth == 0) {
        in_kinds = last == "kinds" || (last == ":" && before_last == "kinds");
        found = false;
      }
      ++depth;
    } else if (token == "}" || token == ">") {
      --depth;
      if (depth == 0 && in_kinds && found) return tokens.start();
    } else if (depth == 1 && in_kinds && token.size() >= 2 && last == ":" &&
               before_last == "key" &&
               token.substr(1, token.size() - 2) == key) {
      found = true;
    }
    before_last = last;
    last = token;
  }
}

}  // namespace

std::string InsertIntoKind(std::string_view text, std::string_view key,
                           std::string_view fields) {
  std::string out(text);
  const std::optional<size_t> end = FindEnd(text, key);
  if (end.has_value()) {
    size_t at = *end;
    // Before the brace's own line, when the brace stands alone on it.
    while (at > 0 && (out[at - 1] == ' ' || out[at - 1] == '\t')) --at;
    const bool own_line = at == 0 || out[at - 1] == '\n';
    out.insert(own_line ? at : *end,
               absl::StrCat(own_line ? "" : "\n", Absl(fields)));
    return out;
  }
  if (!out.empty() && out.back() != '\n') out.push_back('\n');
  absl::StrAppend(&out, "\nkinds {  # review: a new kind\n  key: \"", Absl(key),
                  "\"\n  title: \"", Absl(key), "\"\n", Absl(fields), "}\n");
  return out;
}

}  // namespace consentry::tools
