#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>

#include "consentry/v1/audit_service.grpc.pb.h"
#include "consentry/v1/consent_service.grpc.pb.h"
#include "gateway/consent/receipt_text.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/ledger_commands.h"
#include "tools/consentry/log_key.h"
#include "tools/consentry/parse_words.h"
#include "tools/consentry/printable.h"
#include "tools/consentry/rpc_error.h"
#include "tools/consentry/session.h"
#include "tools/consentry/show.h"

namespace consentry::tools {
namespace {

struct ReceiptOptions {
  std::string client;
  std::string event;
  std::string file;
  std::string key;
  bool json = false;
};

int RunReceipt(const std::string& folder, const ReceiptOptions& options) {
  const auto key = ReadLogKey(options.key, folder);
  if (!key.ok()) return Fail(key.status());
  const auto session = Session::Open({folder, options.client, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::ConsentService::NewStub((*session)->channel());
  grpc::ClientContext call;
  v1::GetConsentReceiptRequest request;
  request.set_event_id(options.event);
  v1::ConsentReceipt receipt;
  const grpc::Status status = stub->GetConsentReceipt(&call, request, &receipt);
  if (!status.ok()) return PrintError(status, std::cerr);
  const auto file = consent::FormatReceiptFile(receipt, *key);
  if (!file.ok()) return Fail(file.status());
  if (options.file.empty()) {
    std::cout << *file;
    return kExitOk;
  }
  const absl::Status written = WriteWhole(options.file, *file);
  if (!written.ok()) return Fail(written);
  std::cout << "written to " << options.file << "\n";
  return kExitOk;
}

int RunVerify(const std::string& folder, const ReceiptOptions& options) {
  const auto key = ReadLogKey(options.key, folder);
  if (!key.ok()) return Fail(key.status());
  const auto text = ReadWhole(options.file);
  if (!text.ok()) return Fail(text.status());
  const auto record = consent::ReadReceiptFile(*text, *key);
  if (!record.ok()) {
    std::cerr << "not verified: " << record.status().message() << "\n";
    return kExitNo;
  }
  if (options.json) {
    ShowJson(*record, std::cout);
    return kExitOk;
  }
  std::cout << "verified with the key of " << Printable(key->name()) << "\n"
            << "  receipt   " << Printable(record->receipt_id()) << "\n"
            << "  customer  " << Printable(record->pii_principal_id()) << "\n";
  for (const auto& processing : record->pii_processing()) {
    std::cout << "  purpose   " << Printable(processing.purpose_id()) << "\n"
              << "  notice    " << Printable(processing.privacy_notice())
              << "\n";
  }
  for (const auto& event : record->event()) {
    std::cout << "  state     " << Printable(event.event_state()) << "\n"
              << "  time      " << Printable(event.event_time()) << "\n"
              << "  validity  " << Printable(event.validity_duration()) << "\n"
              << "  by        " << Printable(event.entity_role()) << " "
              << Printable(event.entity_id()) << "\n";
  }
  return kExitOk;
}

}  // namespace

void AddReceipt(CLI::App* consent, CommandContext* context) {
  auto options = std::make_shared<ReceiptOptions>();
  CLI::App* receipt = consent->add_subcommand(
      "receipt", "A signed receipt of one event (ISO/IEC TS 27560)");
  receipt->add_option("event", options->event, "con_...")->required();
  receipt->add_option("-o,--output", options->file,
                      "Where to write it; default: here");
  receipt->add_option("--as", options->client,
                      "Registration to call as; default: the only one here");
  CLI::App* verify = consent->add_subcommand(
      "verify-receipt", "Check a receipt offline, with the public key alone");
  verify->add_option("file", options->file, "The receipt")->required();
  verify->add_flag("--json", options->json, "Print what it holds as JSON");
  for (CLI::App* command : {receipt, verify}) {
    AddLogKeyOption(command, &options->key);
  }
  receipt->callback([context, options] {
    context->exit_code = RunReceipt(context->folder, *options);
  });
  verify->callback([context, options] {
    context->exit_code = RunVerify(context->folder, *options);
  });
}

}  // namespace consentry::tools
