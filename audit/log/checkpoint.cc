#include "audit/log/checkpoint.h"

#include <limits>
#include <utility>

#include "audit/log/base64.h"
#include "proto/support/status_macros.h"

namespace consentry::audit {

std::optional<uint64_t> ParseDecimal(std::string_view text) {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) {
    return std::nullopt;
  }
  uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    const uint64_t digit = static_cast<uint64_t>(c - '0');
    if (value > (std::numeric_limits<uint64_t>::max() - digit) / 10) {
      return std::nullopt;
    }
    value = value * 10 + digit;
  }
  return value;
}

std::string FormatCheckpoint(const Checkpoint& checkpoint) {
  std::string text = checkpoint.origin + "\n" +
                     std::to_string(checkpoint.size) + "\n" +
                     Base64Of(AsView(checkpoint.root)) + "\n";
  for (const std::string& extension : checkpoint.extensions) {
    text += extension + "\n";
  }
  return text;
}

absl::StatusOr<Checkpoint> ParseCheckpoint(std::string_view text) {
  const auto malformed = [](const char* why) {
    return absl::InvalidArgumentError(std::string("malformed checkpoint: ") +
                                      why);
  };
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return malformed("no final newline");
    lines.push_back(text.substr(0, end));
    if (lines.back().empty()) return malformed("an empty line");
    text.remove_prefix(end + 1);
  }
  if (lines.size() < 3) return malformed("fewer than three lines");
  Checkpoint checkpoint;
  checkpoint.origin = lines[0];
  const auto size = ParseDecimal(lines[1]);
  if (!size.has_value()) return malformed("no size on the second line");
  checkpoint.size = *size;
  const auto root = HashFromBytes(FromBase64(lines[2]).value_or(""));
  if (!root.has_value()) return malformed("no root hash on the third line");
  checkpoint.root = *root;
  checkpoint.extensions.assign(lines.begin() + 3, lines.end());
  return checkpoint;
}

absl::StatusOr<ParsedCheckpoint> ParseCheckpointNote(std::string_view bytes) {
  ParsedCheckpoint parsed;
  CONSENTRY_ASSIGN_OR_RETURN(parsed.note, ParseNote(bytes));
  CONSENTRY_ASSIGN_OR_RETURN(parsed.checkpoint,
                             ParseCheckpoint(parsed.note.text));
  return parsed;
}

}  // namespace consentry::audit
