#include "tools/consentry/fairness_verify.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_split.h"
#include "audit/log/note.h"
#include "audit/merkle/hash.h"
#include "policy/fairness/report_note.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/log_key.h"
#include "tools/consentry/printable.h"

namespace consentry::tools {
namespace {

using policy::fairness::kReportDigest;
using policy::fairness::kReportTitle;

int Fail(const absl::Status& status, std::ostream& err) {
  err << "consentry: " << Printable(std::string(status.message())) << "\n";
  return kExitError;
}

// The lines of the note once its signature and its title are right.
absl::StatusOr<std::vector<std::string>> SignedLines(
    const std::string& bytes, const audit::NoteVerifier& key) {
  const auto note = audit::ParseNote(bytes);
  if (!note.ok()) {
    return absl::FailedPreconditionError("the note is no signed note");
  }
  switch (audit::CheckNote(*note, {&key, 1})) {
    case audit::NoteTrust::kVerified:
      break;
    case audit::NoteTrust::kUnknownKey:
      return absl::FailedPreconditionError(
          "the note is not signed by this key");
    case audit::NoteTrust::kBadSignature:
      return absl::FailedPreconditionError(
          "the signature does not fit: the note was changed");
  }
  std::vector<std::string> lines =
      absl::StrSplit(note->text, '\n', absl::SkipEmpty());
  if (lines.empty() || lines[0] != kReportTitle) {
    return absl::FailedPreconditionError(
        "the note is not that of a fairness report");
  }
  return lines;
}

}  // namespace

int FairnessVerify(const std::string& folder,
                   const FairnessVerifyOptions& options, std::ostream& out,
                   std::ostream& err) {
  const auto key = ReadLogKey(options.key, folder);
  if (!key.ok()) return Fail(key.status(), err);
  const auto bytes = ReadWhole(options.note);
  if (!bytes.ok()) return Fail(bytes.status(), err);
  const auto file = ReadWhole(options.file);
  if (!file.ok()) return Fail(file.status(), err);
  const auto lines = SignedLines(*bytes, *key);
  if (!lines.ok()) {
    err << "not verified: " << lines.status().message() << "\n";
    return kExitNo;
  }
  const std::string digest = audit::HexOf(audit::Sha256({*file}));
  std::vector<std::string_view> digests;
  for (const std::string& line : *lines) {
    std::string_view rest = line;
    if (!rest.starts_with(kReportDigest)) continue;
    rest.remove_prefix(std::string_view(kReportDigest).size());
    digests.push_back(rest);
  }
  if (digests.size() != 1 || digests[0] != digest) {
    err << "not verified: the file is not the one that was signed\n"
        << "  the file    sha256:" << digest << "\n";
    for (const std::string_view one : digests) {
      err << "  the note    sha256:" << Printable(std::string(one)) << "\n";
    }
    err << "Signed is the JSON as it was downloaded, byte by byte.\n";
    return kExitNo;
  }
  out << "verified with the key of " << Printable(key->name()) << "\n";
  for (size_t i = 1; i < lines->size(); ++i) {
    out << "  " << Printable((*lines)[i]) << "\n";
  }
  return kExitOk;
}

void AddFairnessVerify(CLI::App* fairness, CommandContext* context) {
  auto options = std::make_shared<FairnessVerifyOptions>();
  CLI::App* verify = fairness->add_subcommand(
      "verify-report",
      "Check a report's JSON file offline, with the public key alone");
  verify->add_option("file", options->file, "The report, as `report --file`")
      ->required();
  verify->add_option("--note", options->note, "Its note, as `report --note`")
      ->required();
  AddLogKeyOption(verify, &options->key);
  verify->callback([context, options] {
    context->exit_code =
        FairnessVerify(context->folder, *options, std::cout, std::cerr);
  });
}

}  // namespace consentry::tools
