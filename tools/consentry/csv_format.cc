#include <algorithm>

#include "absl/strings/match.h"
#include "proto/support/utf8.h"
#include "tools/consentry/csv.h"

namespace consentry::tools {
namespace {

constexpr std::string_view kDelimiters = ",;\t|";
constexpr std::string_view kUtf8Mark = "\xEF\xBB\xBF";

// Length of the well-formed sequence of two or more bytes at `i`, or 0.
size_t MultibyteLength(std::string_view text, size_t i) {
  for (size_t length = 2; length <= 4 && i + length <= text.size(); ++length) {
    if (IsUtf8(text.substr(i, length)) &&
        static_cast<unsigned char>(text[i]) >= 0xC2) {
      return length;
    }
  }
  return 0;
}

// By majority: one broken row does not make a UTF-8 file another.
CsvEncoding DetectEncoding(std::string_view text) {
  size_t good = 0;
  size_t bad = 0;
  for (size_t i = 0; i < text.size();) {
    if (static_cast<unsigned char>(text[i]) < 0x80) {
      ++i;
    } else if (const size_t length = MultibyteLength(text, i); length > 0) {
      ++good;
      i += length;
    } else {
      // The last character may be cut.
      if (i + 4 <= text.size()) ++bad;
      ++i;
    }
  }
  if (good == 0 && bad == 0) return CsvEncoding::kUndecided;
  return good >= bad ? CsvEncoding::kUtf8 : CsvEncoding::kWindows1252;
}

// Fields per line for one delimiter, over at most 32 whole lines.
std::vector<size_t> CountFields(std::string_view head, char delimiter,
                                char newline) {
  std::vector<size_t> counts;
  size_t fields = 1;
  bool quoted = false;
  bool any = false;
  for (const char c : head) {
    if (c == '"') {
      quoted = !quoted;
      any = true;
    } else if (quoted) {
      continue;
    } else if (c == delimiter) {
      ++fields;
    } else if (c == newline) {
      if (any || fields > 1) counts.push_back(fields);
      if (counts.size() == 32) break;
      fields = 1;
      any = false;
    } else if (c != '\r') {
      any = true;
    }
  }
  if (counts.empty()) counts.push_back(fields);
  return counts;
}

char DetectDelimiter(std::string_view head, char newline) {
  char best = ',';
  size_t best_score = 0;
  for (const char delimiter : kDelimiters) {
    const auto counts = CountFields(head, delimiter, newline);
    if (counts[0] < 2) continue;
    const auto agreeing = static_cast<size_t>(
        std::count(counts.begin(), counts.end(), counts[0]));
    // Lines that agree with the header weigh more than many fields.
    const size_t score = agreeing * 1000 / counts.size() * 1000 +
                         std::min<size_t>(counts[0], 999);
    if (score > best_score) {
      best = delimiter;
      best_score = score;
    }
  }
  return best;
}

}  // namespace

CsvFormat DetectCsvFormat(std::string_view head) {
  CsvFormat format;
  if (absl::StartsWith(absl::string_view(head.data(), head.size()),
                       absl::string_view(kUtf8Mark.data(), 3))) {
    format.byte_order_mark = true;
    format.encoding = CsvEncoding::kUtf8;
    head.remove_prefix(kUtf8Mark.size());
  } else {
    format.encoding = DetectEncoding(head);
  }
  format.bare_cr = head.find('\n') == std::string_view::npos &&
                   head.find('\r') != std::string_view::npos &&
                   head.find('\r') + 1 < head.size();
  format.delimiter = DetectDelimiter(head, format.bare_cr ? '\r' : '\n');
  return format;
}

}  // namespace consentry::tools
