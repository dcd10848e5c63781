#ifndef CONSENTRY_TOOLS_CONSENTRY_PARSE_WORDS_H_
#define CONSENTRY_TOOLS_CONSENTRY_PARSE_WORDS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "consentry/v1/common.pb.h"
#include "consentry/v1/consent_service.pb.h"

namespace consentry::tools {

// Words of the command line as values of the API; case and "-" do not matter.
// InvalidArgument for others.
absl::StatusOr<v1::Channel> ParseChannel(const std::string& word);
absl::StatusOr<v1::OptOutKind> ParseOptOut(const std::string& word);

// "2026-08-01" or "2026-08-01T09:30:00Z". InvalidArgument for others.
absl::Status ParseTime(const std::string& text,
                       google::protobuf::Timestamp* time);

// How this program is called again: its own path, else "consentry".
std::string ProgramPath();

// Prints an error that is not the API's; the exit code that fits.
int Fail(const absl::Status& status);

}  // namespace consentry::tools

#endif  // CONSENTRY_TOOLS_CONSENTRY_PARSE_WORDS_H_
