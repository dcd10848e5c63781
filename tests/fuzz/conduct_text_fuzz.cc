// Any bytes as a text to a customer: the scan ends, keeps its bounds and points
// into the text; and no disguise of letters, put together by the fuzzer, hides
// a claim.

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "policy/conduct/text_scanner.h"
#include "tests/fuzz/input.h"

using namespace consentry;
using conduct::FoldedText;
using conduct::TextFinding;
using conduct::TextScan;
using conduct::TextScanner;
using fuzz::Require;

namespace {

void CheckScan(std::string_view text, std::string_view language) {
  const TextScan scan = TextScanner::Shipped().Scan(text, language);
  Require(scan.findings.size() <= TextScanner::kMaxFindings);
  size_t last = 0;
  for (const TextFinding& finding : scan.findings) {
    Require(finding.start >= last);
    Require(finding.length > 0 && finding.length <= text.size());
    Require(finding.start <= text.size() - finding.length);
    Require(TextScanner::Shipped().FindClaim(finding.claim) != nullptr);
    Require(!finding.quantity || *finding.quantity >= 0);
    Require(!finding.left_s || *finding.left_s >= 0);
    last = finding.start;
  }
}

void CheckFolding(std::string_view text) {
  for (const auto markup :
       {FoldedText::Markup::kKeep, FoldedText::Markup::kRead}) {
    for (const auto unseen :
         {FoldedText::Unseen::kJoins, FoldedText::Unseen::kParts}) {
      const FoldedText folded = FoldedText::Fold(text, markup, unseen);
      const std::string& out = folded.text();
      Require(out.empty() || (out.front() != ' ' && out.back() != ' '));
      Require(out.find("  ") == std::string::npos);
      for (size_t i = 0; i < out.size(); ++i) {
        Require(out[i] < 'A' || out[i] > 'Z');
        const auto [begin, end] = folded.Source(i, 1);
        Require(begin < end && end <= text.size());
      }
      if (const auto undisguised = folded.Undisguised()) {
        const size_t length = undisguised->text().size();
        Require(length > 0 && length <= out.size());
        const auto [begin, end] = undisguised->Source(0, length);
        Require(begin < end && end <= text.size());
      }
    }
  }
}

// One character of a claim, dressed up.
std::string Disguise(char c, uint8_t how) {
  static constexpr std::array<std::string_view, 8> kMarks = {
      "\u200B", "\u200D", "\u2060", "\uFEFF",
      "\u00AD", "\u034F", "\u0336", "\U000E0041"};
  const std::string plain(1, c);
  const bool lower = c >= 'a' && c <= 'z';
  switch (how % 6) {
    case 0:
      return plain;
    case 1:
      return plain + std::string(kMarks[how / 6 % kMarks.size()]);
    case 2: {  // Full width.
      if (c == ' ') return "\u3000";
      const auto code = static_cast<unsigned>(c) - 0x21 + 0xFF01;
      return {static_cast<char>(0xE0 | (code >> 12)),
              static_cast<char>(0x80 | ((code >> 6) & 0x3F)),
              static_cast<char>(0x80 | (code & 0x3F))};
    }
    case 3:
      return lower ? std::string(1, static_cast<char>(c - 'a' + 'A')) : plain;
    case 4:
      switch (c) {
        case 'o':
          return "\u043E";
        case 'e':
          return "\u0435";
        case 'y':
          return "\u0443";
        case ' ':
          return "\u00A0";
        default:
          return plain;
      }
    default:
      return "&#" + std::to_string(static_cast<int>(c)) + ";";
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Input input(data, size);
  static constexpr std::array<std::string_view, 4> kLanguages = {"", "de", "en",
                                                                 "xx"};
  const std::string_view language = kLanguages[input.Below(4)];
  if (input.Flag()) {
    std::string text;
    for (const char c : std::string_view("only 2 left in stock")) {
      text += Disguise(c, input.Byte());
    }
    const TextScan scan = TextScanner::Shipped().Scan(text);
    Require(std::any_of(scan.findings.begin(), scan.findings.end(),
                        [](const TextFinding& finding) {
                          return finding.claim == "low_stock";
                        }));
    return 0;
  }
  const std::string_view text = input.Rest();
  CheckScan(text, language);
  CheckFolding(text);
  return 0;
}
