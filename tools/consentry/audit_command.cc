#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>

#include "consentry/v1/audit_service.grpc.pb.h"
#include "tools/consentry/audit_offline.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/parse_words.h"
#include "tools/consentry/rpc_error.h"
#include "tools/consentry/session.h"
#include "tools/consentry/show.h"
#include "tools/consentry/subject_name.h"

namespace consentry::tools {
namespace {

struct QueryOptions {
  std::string client = "compliance";
  std::string subject;
  std::string caller;
  std::string person;
  std::string purpose;
  std::string event;
  std::string effect;
  std::string reason;
  std::string from;
  std::string to;
  int limit = 50;
  bool follow = false;
  bool json = false;
};

// Where `init` writes the log and its public key.
std::string LogFolder(const std::string& folder) {
  return folder + "/data/log";
}
std::string KeyFile(const std::string& folder) {
  return folder + "/log-verifier.txt";
}

absl::StatusOr<v1::QueryAuditEntriesRequest> RequestOf(
    const QueryOptions& options) {
  v1::QueryAuditEntriesRequest request;
  if (!options.subject.empty()) {
    auto subject = ParseSubject(options.subject);
    if (!subject.ok()) return subject.status();
    *request.mutable_subject() = *subject;
  }
  request.set_client_id(options.caller);
  request.set_acting_person(options.person);
  request.set_purpose(options.purpose);
  request.set_event(options.event);
  if (!options.effect.empty()) {
    if (options.effect != "permit" && options.effect != "deny") {
      return absl::InvalidArgumentError("--effect is permit or deny");
    }
    request.set_effect(options.effect == "permit" ? v1::EFFECT_PERMIT
                                                  : v1::EFFECT_DENY);
  }
  if (!options.reason.empty()) {
    v1::ErrorReason reason;
    if (!v1::ErrorReason_Parse("ERROR_REASON_" + options.reason, &reason)) {
      return absl::InvalidArgumentError("no such reason: " + options.reason);
    }
    request.set_reason(reason);
  }
  if (!options.from.empty()) {
    const auto status = ParseTime(options.from, request.mutable_from_time());
    if (!status.ok()) return status;
  }
  if (!options.to.empty()) {
    const auto status = ParseTime(options.to, request.mutable_to_time());
    if (!status.ok()) return status;
  }
  return request;
}

int RunQuery(const std::string& folder, const QueryOptions& options) {
  auto request = RequestOf(options);
  if (!request.ok()) return Fail(request.status());
  const auto session = Session::Open({folder, options.client, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::AuditService::NewStub((*session)->channel());
  int left = options.limit;
  while (left > 0) {
    request->set_page_size(std::min(left, 1000));
    grpc::ClientContext call;
    v1::QueryAuditEntriesResponse response;
    const grpc::Status status =
        stub->QueryAuditEntries(&call, *request, &response);
    if (!status.ok()) return PrintError(status, std::cerr);
    for (const v1::AuditEntry& entry : response.entries()) {
      if (options.json) {
        ShowJson(entry, std::cout);
      } else {
        Show(entry, std::cout);
      }
    }
    left -= response.entries_size();
    if (response.next_page_token().empty()) break;
    request->set_page_token(response.next_page_token());
  }
  return kExitOk;
}

int RunTail(const std::string& folder, const QueryOptions& options) {
  const auto session = Session::Open({folder, options.client, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::AuditService::NewStub((*session)->channel());
  grpc::ClientContext call;
  v1::TailAuditEntriesRequest request;
  request.set_from_index(-static_cast<int64_t>(options.limit));
  request.set_follow(options.follow);
  const auto reader = stub->TailAuditEntries(&call, request);
  v1::AuditEntry entry;
  while (reader->Read(&entry)) {
    if (options.json) {
      ShowJson(entry, std::cout);
    } else {
      Show(entry, std::cout);
    }
    std::cout.flush();
  }
  const grpc::Status status = reader->Finish();
  return status.ok() ? kExitOk : PrintError(status, std::cerr);
}

void AddOffline(CLI::App* audit, CommandContext* context) {
  auto verify_options = std::make_shared<AuditVerifyOptions>();
  CLI::App* verify = audit->add_subcommand(
      "verify", "Check the whole log offline, with the public key alone");
  verify->add_option("folder", verify_options->folder,
                     "Log, copy or export; default: of --config");
  verify->add_option("--key", verify_options->key,
                     "Public key, or a file with it; default: of --config");
  verify->add_option("--checkpoint", verify_options->checkpoint_file,
                     "A checkpoint that was kept elsewhere");
  verify->add_flag("--json", verify_options->json, "Print JSON");
  verify->callback([context, verify_options] {
    AuditVerifyOptions options = *verify_options;
    if (options.folder.empty()) options.folder = LogFolder(context->folder);
    if (options.key.empty()) options.key = KeyFile(context->folder);
    context->exit_code = RunAuditVerify(options, std::cout, std::cerr);
  });

  auto prove_options = std::make_shared<AuditProveOptions>();
  CLI::App* prove = audit->add_subcommand(
      "prove", "Write the proof that one entry is in the log");
  prove->add_option("index", prove_options->index, "Of the entry")->required();
  prove->add_option("--folder", prove_options->folder,
                    "Log, copy or export; default: of --config");
  prove->add_option("-o,--out", prove_options->out_file,
                    "File, by custom *.tlog-proof; default: standard output");
  prove->callback([context, prove_options] {
    AuditProveOptions options = *prove_options;
    if (options.folder.empty()) options.folder = LogFolder(context->folder);
    context->exit_code = RunAuditProve(options, std::cout, std::cerr);
  });

  auto proof_options = std::make_shared<AuditVerifyProofOptions>();
  CLI::App* proof = audit->add_subcommand(
      "verify-proof", "Check a proof offline, with the public key alone");
  proof->add_option("file", proof_options->file)->required();
  proof->add_option("--key", proof_options->key,
                    "Public key, or a file with it; default: of --config");
  proof->add_option("--entry", proof_options->entry_file,
                    "What is to be proved; default: the entry in the proof");
  proof->add_flag("--json", proof_options->json, "Print JSON");
  proof->callback([context, proof_options] {
    AuditVerifyProofOptions options = *proof_options;
    if (options.key.empty()) options.key = KeyFile(context->folder);
    context->exit_code = RunAuditVerifyProof(options, std::cout, std::cerr);
  });

  auto export_options = std::make_shared<AuditExportOptions>();
  CLI::App* export_command = audit->add_subcommand(
      "export", "Copy the log as C2SP tiles, to be verified elsewhere");
  export_command->add_option("out", export_options->out_folder, "New folder")
      ->required();
  export_command->add_option("--folder", export_options->folder,
                             "Log; default: of --config");
  export_command->add_flag("--json", export_options->json, "Print JSON");
  export_command->callback([context, export_options] {
    AuditExportOptions options = *export_options;
    if (options.folder.empty()) options.folder = LogFolder(context->folder);
    context->exit_code = RunAuditExport(options, std::cout, std::cerr);
  });
}

}  // namespace

void AddAudit(CLI::App* app, CommandContext* context) {
  CLI::App* audit =
      app->add_subcommand("audit", "Read the audit log, and prove it");
  audit->require_subcommand(1);

  auto options = std::make_shared<QueryOptions>();
  const auto common = [&](CLI::App* command) {
    command->add_option("--as", options->client, "Registration to ask as")
        ->capture_default_str();
    command->add_option("-n,--limit", options->limit, "Entries at most")
        ->capture_default_str();
    command->add_flag("--json", options->json, "Print JSON, one per line");
  };
  CLI::App* query = audit->add_subcommand("query", "Search, newest first");
  common(query);
  query->add_option("--customer", options->subject,
                    "email:..., phone:..., SYSTEM:NUMBER or cus_...");
  query->add_option("--client", options->caller, "Who asked");
  query->add_option("--person", options->person, "Acting person");
  query->add_option("--purpose", options->purpose);
  query->add_option("--event", options->event,
                    "data.read, or a prefix: consent.");
  query->add_option("--effect", options->effect, "permit or deny");
  query->add_option("--reason", options->reason, "CONSENT_MISSING, ...");
  query->add_option("--from", options->from, "2026-08-01, inclusive");
  query->add_option("--to", options->to, "Exclusive");
  query->callback([context, options] {
    context->exit_code = RunQuery(context->folder, *options);
  });

  CLI::App* tail = audit->add_subcommand("tail", "The last entries");
  common(tail);
  tail->add_flag("-f,--follow", options->follow, "Stay and follow");
  tail->callback([context, options] {
    context->exit_code = RunTail(context->folder, *options);
  });

  AddProcessing(audit, context);
  AddOffline(audit, context);
}

}  // namespace consentry::tools
