#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "audit/log/note.h"
#include "consentry/v1/rights_service.grpc.pb.h"
#include "gateway/erasure/certificate.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/log_key.h"
#include "tools/consentry/parse_words.h"
#include "tools/consentry/printable.h"
#include "tools/consentry/rights_commands.h"
#include "tools/consentry/rights_words.h"
#include "tools/consentry/rpc_error.h"
#include "tools/consentry/session.h"
#include "tools/consentry/show.h"
#include "tools/consentry/subject_name.h"

namespace consentry::tools {
namespace {

struct ErasureOptions {
  std::string client = "compliance";
  std::string person;
  std::string customer;
  std::vector<std::string> fields;
  std::string id;
  std::string file;
  std::string key;
  bool json = false;
};

std::string Day(const google::protobuf::Timestamp& time) {
  return Text(time).substr(0, 10);
}

int RunPreview(const std::string& folder, const ErasureOptions& options) {
  v1::PreviewErasureRequest request;
  const auto subject = ParseSubject(options.customer);
  if (!subject.ok()) return Fail(subject.status());
  *request.mutable_subject() = *subject;
  *request.mutable_fields() = {options.fields.begin(), options.fields.end()};
  request.mutable_context()->set_acting_person(options.person);
  const auto session = Session::Open({folder, options.client, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::RightsService::NewStub((*session)->channel());
  grpc::ClientContext call;
  v1::ErasurePlan plan;
  const grpc::Status status = stub->PreviewErasure(&call, request, &plan);
  if (!status.ok()) return PrintError(status, std::cerr);
  if (options.json) {
    ShowJson(plan, std::cout);
    return kExitOk;
  }
  std::cout << "An erasure would destroy keys on " << Day(plan.destroy_time())
            << " at the earliest. Nothing was changed.\n";
  for (const v1::RightsOutcome& outcome : plan.outcomes()) {
    ShowOutcome(outcome, std::cout);
  }
  for (const std::string& id : plan.linked_subject_ids()) {
    std::cout << "  joined    " << id << "\n";
  }
  for (const std::string& recipient : plan.recipients()) {
    std::cout << "  to tell   " << Printable(recipient) << "\n";
  }
  return kExitOk;
}

int RunCertificate(const std::string& folder, const ErasureOptions& options) {
  v1::GetErasureCertificateRequest request;
  request.set_id(options.id);
  request.mutable_context()->set_acting_person(options.person);
  const auto session = Session::Open({folder, options.client, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::RightsService::NewStub((*session)->channel());
  grpc::ClientContext call;
  v1::ErasureCertificate certificate;
  const grpc::Status status =
      stub->GetErasureCertificate(&call, request, &certificate);
  if (!status.ok()) return PrintError(status, std::cerr);
  if (options.json) {
    ShowJson(certificate, std::cout);
    return kExitOk;
  }
  if (options.file.empty()) {
    std::cout << certificate.note();
    return kExitOk;
  }
  const absl::Status written = WriteWhole(options.file, certificate.note());
  if (!written.ok()) return Fail(written);
  std::cout << "written to " << options.file << "\n";
  return kExitOk;
}

absl::StatusOr<std::string> VerifiedText(const std::string& bytes,
                                         const audit::NoteVerifier& key) {
  const auto note = audit::ParseNote(bytes);
  if (!note.ok()) return note.status();
  const audit::NoteVerifier known[] = {key};
  switch (audit::CheckNote(*note, known)) {
    case audit::NoteTrust::kVerified:
      break;
    case audit::NoteTrust::kUnknownKey:
      return absl::FailedPreconditionError("it is not signed by this key");
    case audit::NoteTrust::kBadSignature:
      return absl::FailedPreconditionError(
          "the signature does not fit: it was changed");
  }
  if (!note->text.starts_with(std::string(erasure::kCertificateTitle) + "\n")) {
    return absl::InvalidArgumentError("it is no certificate of an erasure");
  }
  return note->text;
}

int RunVerify(const std::string& folder, const ErasureOptions& options) {
  const auto key = ReadLogKey(options.key, folder);
  if (!key.ok()) return Fail(key.status());
  const auto bytes = ReadWhole(options.file);
  if (!bytes.ok()) return Fail(bytes.status());
  const auto text = VerifiedText(*bytes, *key);
  if (!text.ok()) {
    std::cerr << "not verified: " << text.status().message() << "\n";
    return kExitNo;
  }
  std::cout << "verified with the key of " << Printable(key->name()) << "\n\n"
            << *text;
  return kExitOk;
}

}  // namespace

void ShowOutcome(const v1::RightsOutcome& outcome, std::ostream& out) {
  out << "  outcome   " << Printable(outcome.target()) << ": "
      << DispositionWord(outcome.disposition());
  if (outcome.has_keep_until()) out << " until " << Day(outcome.keep_until());
  if (!outcome.ground().empty()) out << ", " << Printable(outcome.ground());
  out << "\n";
}

void AddErasure(CLI::App* rights, CommandContext* context) {
  auto options = std::make_shared<ErasureOptions>();
  const auto add = [&](const char* name, const char* what, auto run) {
    CLI::App* command = rights->add_subcommand(name, what);
    command->callback([context, options, run] {
      context->exit_code = run(context->folder, *options);
    });
    return command;
  };
  const auto asks = [&](CLI::App* command) {
    command->add_option("--as", options->client, "Registration to ask as")
        ->capture_default_str();
    command->add_option("--person", options->person,
                        "Opaque id of who does it");
    command->add_flag("--json", options->json, "Print JSON");
  };
  CLI::App* preview =
      add("preview", "What an erasure would erase, and what keeps the rest",
          RunPreview);
  preview
      ->add_option("customer", options->customer,
                   "email:..., phone:..., SYSTEM:NUMBER or cus_...")
      ->required();
  preview->add_option("--field", options->fields, "KIND.FIELD")->delimiter(',');
  asks(preview);
  CLI::App* certificate =
      add("certificate", "The signed certificate of a finished erasure",
          RunCertificate);
  certificate->add_option("case", options->id, "rgt_...")->required();
  certificate->add_option("-o,--output", options->file,
                          "Where to write it; default: here");
  asks(certificate);
  CLI::App* verify =
      add("verify-certificate",
          "Check a certificate offline, with the public key alone", RunVerify);
  verify->add_option("file", options->file, "The certificate")->required();
  AddLogKeyOption(verify, &options->key);
}

}  // namespace consentry::tools
