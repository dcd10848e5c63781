#include "tools/consentry/rights_words.h"

#include <algorithm>
#include <cctype>
#include <string_view>

namespace consentry::tools {
namespace {

std::string Name(std::string_view prefix, const std::string& word) {
  std::string name(prefix);
  for (const char c : word) {
    name.push_back(c == '-' ? '_'
                            : static_cast<char>(
                                  std::toupper(static_cast<unsigned char>(c))));
  }
  return name;
}

std::string Word(std::string_view prefix, const std::string& name) {
  std::string word;
  for (const char c :
       std::string_view(name).substr(std::min(prefix.size(), name.size()))) {
    word.push_back(c == '_' ? '-'
                            : static_cast<char>(
                                  std::tolower(static_cast<unsigned char>(c))));
  }
  return word;
}

absl::Status Unknown(std::string_view what) {
  return absl::InvalidArgumentError("no such " + std::string(what));
}

}  // namespace

absl::StatusOr<v1::RightsKind> ParseKind(const std::string& word) {
  v1::RightsKind kind;
  if (v1::RightsKind_Parse(Name("RIGHTS_KIND_", word), &kind)) return kind;
  return Unknown("kind of right");
}
absl::StatusOr<v1::RightsState> ParseState(const std::string& word) {
  v1::RightsState state;
  if (v1::RightsState_Parse(Name("RIGHTS_STATE_", word), &state)) return state;
  return Unknown("state of a case");
}
absl::StatusOr<v1::VerificationLevel> ParseLevel(const std::string& word) {
  v1::VerificationLevel level;
  if (v1::VerificationLevel_Parse(Name("VERIFICATION_LEVEL_", word), &level)) {
    return level;
  }
  return Unknown("level of identification");
}
absl::StatusOr<v1::ReportFormat> ParseFormat(const std::string& word) {
  v1::ReportFormat format;
  if (v1::ReportFormat_Parse(Name("REPORT_FORMAT_", word), &format)) {
    return format;
  }
  return Unknown("format");
}

std::string KindWord(v1::RightsKind kind) {
  return Word("RIGHTS_KIND_", v1::RightsKind_Name(kind));
}
std::string StateWord(v1::RightsState state) {
  return Word("RIGHTS_STATE_", v1::RightsState_Name(state));
}
std::string LevelWord(v1::VerificationLevel level) {
  return Word("VERIFICATION_LEVEL_", v1::VerificationLevel_Name(level));
}
std::string DispositionWord(v1::RightsDisposition disposition) {
  return Word("RIGHTS_DISPOSITION_", v1::RightsDisposition_Name(disposition));
}

}  // namespace consentry::tools
