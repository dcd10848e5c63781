#include "tools/consentry/audit_offline.h"

#include <memory>
#include <optional>
#include <ostream>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "audit/io/file.h"
#include "audit/log/base64.h"
#include "audit/log/export.h"
#include "audit/log/note.h"
#include "audit/log/reader.h"
#include "audit/log/tlog_proof.h"
#include "audit/verify/prove.h"
#include "audit/verify/verify.h"
#include "proto/support/status_macros.h"

namespace consentry::tools {
namespace {

using audit::FileSystem;

constexpr int kOk = 0;
constexpr int kError = 1;
constexpr int kInvalid = 2;
constexpr uint64_t kMaxKeyFileBytes = 4096;

int Failed(const absl::Status& status, std::ostream& err) {
  err << "consentry: " << status.message() << "\n";
  return kError;
}

// A file that is not there says that the folder is not the log's.
template <class Options>
absl::Status OrNoLog(const absl::Status& status, const Options& options) {
  return absl::IsNotFound(status)
             ? absl::NotFoundError(options.folder + " holds no audit log")
             : status;
}

// JSON string with its quotes. Our texts are names of files and logs.
std::string Quoted(std::string_view text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20) {
      quoted += "\\u00";
      quoted += kDigits[byte >> 4];
      quoted += kDigits[byte & 15];
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

// "<name>+..." or a file that holds such a line.
absl::StatusOr<audit::NoteVerifier> ReadKey(const std::string& key) {
  if (key.empty()) {
    return absl::InvalidArgumentError("no public key given (--key)");
  }
  FileSystem* const fs = FileSystem::Posix();
  const absl::StatusOr<bool> is_file = fs->Exists(key);
  if (!is_file.ok() || !*is_file) {
    auto verifier = audit::NoteVerifier::FromVkey(key);
    if (verifier.ok()) return verifier;
    return absl::InvalidArgumentError(
        key +
        " is no file that can be read, and no public key of the form "
        "<name>+<key id>+<base64>: name one with --key");
  }
  CONSENTRY_ASSIGN_OR_RETURN(std::string text,
                             audit::ReadFile(fs, key, kMaxKeyFileBytes));
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) {
    text.pop_back();
  }
  return audit::NoteVerifier::FromVkey(text);
}

std::string Words(const audit::Finding& finding) {
  const std::string entry = "entry " + std::to_string(finding.index);
  const bool one = finding.count == 1;
  const std::string n =
      std::to_string(finding.count) + (one ? " entry" : " entries");
  switch (finding.fault) {
    case audit::Fault::kChanged:
      return finding.count > 1 ? n + " from " + entry + " on were changed"
                               : entry + " was changed";
    case audit::Fault::kRemoved:
      return (finding.count == 0 ? "entries" : n) + " from " + entry +
             " on were removed";
    case audit::Fault::kInserted:
      return n + " inserted at " + entry;
    case audit::Fault::kReordered:
      return "entries stand in another order, from " + entry + " on";
    case audit::Fault::kDuplicated:
      return n + " duplicated at " + entry;
    case audit::Fault::kTailCut:
      return "the log is cut off at " + entry + ", " + n + " missing";
    case audit::Fault::kRewound:
      return "the log is an older state of, or another history than, the "
             "checkpoint given";
    case audit::Fault::kBadSignature:
      return "the signature of a checkpoint is forged";
    case audit::Fault::kUnknownKey:
      return "a checkpoint is not signed by this key";
    case audit::Fault::kMalformedCheckpoint:
      return "a checkpoint is not of the form of one";
    case audit::Fault::kMissingCheckpoint:
      return "there is no checkpoint: nothing says what the entries should be";
    case audit::Fault::kRootMismatch:
      return "one or more of " + n + " from " + entry +
             " on are not those that were signed";
    case audit::Fault::kBadFrame:
      return "the batch of " + entry + " is damaged";
    case audit::Fault::kBadTile:
      return "a stored hash is damaged, from " + entry + " on";
    case audit::Fault::kOtherLog:
      return "this is another log than that of the key";
  }
  return "";
}

void PrintJson(const audit::VerifyReport& report, std::string_view origin,
               std::ostream& out) {
  out << "{\"ok\":" << (report.ok() ? "true" : "false")
      << ",\"origin\":" << Quoted(origin) << ",\"entries\":" << report.entries
      << ",\"signed_size\":" << report.signed_size
      << ",\"root\":" << Quoted(audit::Base64Of(audit::AsView(report.root)))
      << ",\"unfinished_bytes\":" << report.unfinished_bytes
      << ",\"finding_count\":" << report.finding_count << ",\"findings\":[";
  std::string_view separator;
  for (const audit::Finding& finding : report.findings) {
    out << separator << "{\"fault\":" << Quoted(audit::NameOf(finding.fault))
        << ",\"index\":" << finding.index << ",\"count\":" << finding.count
        << ",\"where\":" << Quoted(finding.where) << "}";
    separator = ",";
  }
  out << "]}\n";
}

void PrintWords(const audit::VerifyReport& report,
                const AuditVerifyOptions& options,
                const audit::NoteVerifier& key, std::ostream& out) {
  if (!report.ok()) {
    out << "NOT SOUND: the audit log in " << options.folder << "\n";
    for (const audit::Finding& finding : report.findings) {
      out << "  " << audit::NameOf(finding.fault) << ": " << Words(finding);
      if (!finding.where.empty()) out << " (" << finding.where << ")";
      out << "\n";
    }
    if (report.finding_count > report.findings.size()) {
      out << "  and " << report.finding_count - report.findings.size()
          << " more\n";
    }
    return;
  }
  out << "sound: the audit log in " << options.folder << "\n"
      << "  log         " << key.name() << "\n"
      << "  entries     " << report.entries << ", of which "
      << report.signed_size << " signed\n";
  if (report.checkpoint.has_value()) {
    out << "  root        "
        << audit::Base64Of(audit::AsView(report.checkpoint->root)) << " at "
        << report.checkpoint->size << "\n";
  }
  if (report.unfinished_bytes > 0) {
    out << "  unfinished  " << report.unfinished_bytes
        << " bytes of a last batch, which was never acknowledged\n";
  }
  if (options.checkpoint_file.empty()) {
    out << "This holds against everyone but the holder of the log's private "
           "key. Against that\none as well it takes a checkpoint kept "
           "elsewhere: --checkpoint FILE.\n";
  }
}

absl::StatusOr<audit::TlogProof> ReadProof(const std::string& file) {
  CONSENTRY_ASSIGN_OR_RETURN(
      const std::string bytes,
      audit::ReadFile(FileSystem::Posix(), file, audit::kMaxTlogProofBytes));
  return audit::ParseTlogProof(bytes);
}

}  // namespace

int RunAuditVerify(const AuditVerifyOptions& options, std::ostream& out,
                   std::ostream& err) {
  FileSystem* const fs = FileSystem::Posix();
  const auto key = ReadKey(options.key);
  if (!key.ok()) return Failed(key.status(), err);
  audit::VerifyOptions verify{*key, std::nullopt, {}};
  if (!options.checkpoint_file.empty()) {
    auto note =
        audit::ReadFile(fs, options.checkpoint_file, audit::kMaxNoteBytes);
    if (!note.ok()) return Failed(note.status(), err);
    verify.checkpoint = *std::move(note);
  }
  const auto report = audit::Verify(fs, options.folder, verify);
  if (!report.ok()) return Failed(report.status(), err);
  if (options.json) {
    PrintJson(*report, key->name(), out);
  } else {
    PrintWords(*report, options, *key, out);
  }
  return report->ok() ? kOk : kInvalid;
}

int RunAuditProve(const AuditProveOptions& options, std::ostream& out,
                  std::ostream& err) {
  FileSystem* const fs = FileSystem::Posix();
  const auto proof = audit::ProveFromFolder(fs, options.folder, options.index);
  if (!proof.ok()) {
    const int code = Failed(OrNoLog(proof.status(), options), err);
    return absl::IsDataLoss(proof.status()) ? kInvalid : code;
  }
  const std::string text = audit::FormatTlogProof(*proof);
  if (options.out_file.empty()) {
    out << text;
    return kOk;
  }
  const absl::Status written = audit::ReplaceFile(fs, options.out_file, text);
  if (!written.ok()) return Failed(written, err);
  err << "entry " << options.index << " proved in " << options.out_file
      << "; check it with: consentry audit verify-proof " << options.out_file
      << " --key KEY\n";
  return kOk;
}

int RunAuditVerifyProof(const AuditVerifyProofOptions& options,
                        std::ostream& out, std::ostream& err) {
  const auto key = ReadKey(options.key);
  if (!key.ok()) return Failed(key.status(), err);
  const auto print = [&](const absl::StatusOr<audit::Checkpoint>& checked,
                         uint64_t index) {
    if (options.json) {
      out << "{\"ok\":" << (checked.ok() ? "true" : "false")
          << ",\"index\":" << index;
      if (checked.ok()) {
        out << ",\"origin\":" << Quoted(checked->origin)
            << ",\"size\":" << checked->size << ",\"root\":"
            << Quoted(audit::Base64Of(audit::AsView(checked->root)));
      } else {
        const std::string why(checked.status().message());
        out << ",\"why\":" << Quoted(why);
      }
      out << "}\n";
    } else if (checked.ok()) {
      out << "holds: it is entry " << index << " of the log " << checked->origin
          << " at " << checked->size << " entries\n";
    } else {
      out << "DOES NOT HOLD: " << checked.status().message() << "\n";
    }
    return checked.ok() ? kOk : kInvalid;
  };

  const auto proof = ReadProof(options.file);
  if (absl::IsInvalidArgument(proof.status())) return print(proof.status(), 0);
  if (!proof.ok()) return Failed(proof.status(), err);
  std::string entry = proof->extra.value_or("");
  if (!options.entry_file.empty()) {
    auto read = audit::ReadFile(FileSystem::Posix(), options.entry_file,
                                audit::kMaxTlogProofBytes);
    if (!read.ok()) return Failed(read.status(), err);
    entry = *std::move(read);
  } else if (!proof->extra.has_value()) {
    return Failed(absl::InvalidArgumentError(
                      "the proof holds no entry: name one with --entry FILE"),
                  err);
  }
  return print(audit::VerifyTlogProof(*proof, entry, {&*key, 1}), proof->index);
}

int RunAuditExport(const AuditExportOptions& options, std::ostream& out,
                   std::ostream& err) {
  FileSystem* const fs = FileSystem::Posix();
  const auto newest = audit::NewestCheckpoint(fs, options.folder);
  if (!newest.ok()) return Failed(OrNoLog(newest.status(), options), err);
  const auto log = audit::LogReader::Open(fs, options.folder);
  if (!log.ok()) return Failed(log.status(), err);
  const absl::Status exported =
      audit::ExportLog(**log, *newest, fs, options.out_folder, [](uint64_t) {});
  if (!exported.ok()) {
    const int code = Failed(exported, err);
    return absl::IsDataLoss(exported) ? kInvalid : code;
  }
  if (options.json) {
    out << "{\"ok\":true,\"origin\":" << Quoted(newest->checkpoint.origin)
        << ",\"entries\":" << newest->checkpoint.size << "}\n";
  } else {
    out << newest->checkpoint.size << " entries of "
        << newest->checkpoint.origin << " written to " << options.out_folder
        << "\n";
  }
  return kOk;
}

}  // namespace consentry::tools
