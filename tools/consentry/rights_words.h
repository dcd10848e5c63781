#ifndef CONSENTRY_TOOLS_CONSENTRY_RIGHTS_WORDS_H_
#define CONSENTRY_TOOLS_CONSENTRY_RIGHTS_WORDS_H_

#include <string>

#include "absl/status/statusor.h"
#include "consentry/v1/rights_service.pb.h"

namespace consentry::tools {

// Words of the command line as values of the API and back; case and "-" do not
// matter. InvalidArgument for others.
absl::StatusOr<v1::RightsKind> ParseKind(const std::string& word);
absl::StatusOr<v1::RightsState> ParseState(const std::string& word);
absl::StatusOr<v1::VerificationLevel> ParseLevel(const std::string& word);
absl::StatusOr<v1::ReportFormat> ParseFormat(const std::string& word);

// "opt-out-of-sale".
std::string KindWord(v1::RightsKind kind);
std::string StateWord(v1::RightsState state);
std::string LevelWord(v1::VerificationLevel level);
std::string DispositionWord(v1::RightsDisposition disposition);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_RIGHTS_WORDS_H_
