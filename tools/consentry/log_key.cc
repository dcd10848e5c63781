#include "tools/consentry/log_key.h"

#include <CLI/CLI.hpp>
#include <fstream>
#include <iterator>

#include "absl/strings/ascii.h"

namespace consentry::tools {

absl::StatusOr<std::string> ReadWhole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)),
                   std::istreambuf_iterator<char>());
  if (!file) return absl::NotFoundError("cannot read " + path);
  return text;
}

absl::Status WriteWhole(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  return file ? absl::OkStatus()
              : absl::UnavailableError("cannot write " + path);
}

absl::StatusOr<audit::NoteVerifier> ReadLogKey(const std::string& named,
                                               const std::string& folder) {
  std::string vkey = named;
  if (named.empty()) {
    const auto own = ReadWhole(folder + "/log-verifier.txt");
    if (!own.ok()) {
      return absl::NotFoundError(
          std::string(own.status().message()) +
          ": give the public key of the log with --key, as the firm publishes "
          "it, or the gateway's folder with --config");
    }
    vkey = *own;
  } else if (const auto text = ReadWhole(named); text.ok()) {
    vkey = *text;
  }
  absl::StripAsciiWhitespace(&vkey);
  return audit::NoteVerifier::FromVkey(vkey);
}

void AddLogKeyOption(CLI::App* command, std::string* named) {
  command->add_option("--key", *named,
                      "Public key of the audit log, or a file with it; "
                      "default: of --config");
}

}  // namespace consentry::tools
