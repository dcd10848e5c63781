#include "tools/consentry/parse_words.h"

#include <filesystem>
#include <system_error>

#include <iostream>

#include "absl/time/time.h"
#include "tools/consentry/exit_code.h"

namespace consentry::tools {
namespace {

std::string EnumName(const std::string& prefix, std::string word) {
  for (char& c : word) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (c == '-') c = '_';
  }
  return prefix + word;
}

}  // namespace

absl::StatusOr<v1::Channel> ParseChannel(const std::string& word) {
  v1::Channel channel;
  if (!v1::Channel_Parse(EnumName("CHANNEL_", word), &channel)) {
    return absl::InvalidArgumentError("no such channel: " + word);
  }
  return channel;
}

absl::StatusOr<v1::OptOutKind> ParseOptOut(const std::string& word) {
  v1::OptOutKind kind;
  if (!v1::OptOutKind_Parse(EnumName("OPT_OUT_KIND_", word), &kind)) {
    return absl::InvalidArgumentError("no such opt-out: " + word);
  }
  return kind;
}

absl::Status ParseTime(const std::string& text,
                       google::protobuf::Timestamp* time) {
  absl::Time parsed;
  std::string fault;
  if (!absl::ParseTime("%Y-%m-%d", text, &parsed, &fault) &&
      !absl::ParseTime(absl::RFC3339_full, text, &parsed, &fault)) {
    return absl::InvalidArgumentError(
        "times are written 2026-08-01 or 2026-08-01T09:30:00Z");
  }
  time->set_seconds(absl::ToUnixSeconds(parsed));
  return absl::OkStatus();
}

std::string ProgramPath() {
  std::error_code error;
  const auto path = std::filesystem::read_symlink("/proc/self/exe", error);
  return error ? "consentry" : path.string();
}

int Fail(const absl::Status& status) {
  std::cerr << "consentry: " << status.message() << "\n";
  return absl::IsInvalidArgument(status) ? kExitNo : kExitError;
}

}  // namespace consentry::tools
