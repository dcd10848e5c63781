#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>

#include "consentry/v1/audit_service.grpc.pb.h"
#include "tools/consentry/asked_again.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/parse_words.h"
#include "tools/consentry/printable.h"
#include "tools/consentry/session.h"
#include "tools/consentry/show.h"

namespace consentry::tools {
namespace {

struct Options {
  std::string client = "compliance";
  std::string from;
  std::string to;
  bool json = false;
};

using Strings = google::protobuf::RepeatedPtrField<std::string>;

void List(const char* title, const Strings& items) {
  if (items.empty()) return;
  std::cout << "  " << title;
  const char* separator = "";
  for (const std::string& item : items) {
    std::cout << separator << Printable(item);
    separator = ", ";
  }
  std::cout << "\n";
}

void Lines(const char* title, const Strings& items) {
  for (const std::string& item : items) {
    std::cout << "  " << title << Printable(item) << "\n";
  }
}

void Show(const v1::ProcessingActivity& activity) {
  std::cout << "\n" << Printable(activity.purpose());
  if (!activity.text().empty()) {
    std::cout << ": " << Printable(activity.text());
  }
  std::cout << "\n";
  for (const v1::BasisUsed& basis : activity.bases()) {
    std::cout << "  basis        " << basis.regime() << ": " << basis.basis();
    if (!basis.document().empty()) {
      std::cout << " (" << Printable(basis.document()) << ")";
    }
    std::cout << "\n";
  }
  List("declares     ", activity.declared_categories());
  List("used         ", activity.used_categories());
  List("may receive  ", activity.declared_recipients());
  List("received     ", activity.actual_recipients());
  Lines("transfer     ", activity.transfers());
  Lines("kept         ", activity.retention());
  if (!activity.dpia().empty()) {
    std::cout << "  assessment   " << Printable(activity.dpia()) << "\n";
  }
  std::cout << "  done         " << activity.releases() << " releases about "
            << activity.subjects() << " customers, " << activity.denials()
            << " denials\n";
  Lines("DIFFERS      ", activity.differences());
}

int Run(const std::string& folder, const Options& options) {
  v1::GetProcessingRecordRequest request;
  if (!options.from.empty()) {
    const auto status = ParseTime(options.from, request.mutable_from_time());
    if (!status.ok()) return Fail(status);
  }
  if (!options.to.empty()) {
    const auto status = ParseTime(options.to, request.mutable_to_time());
    if (!status.ok()) return Fail(status);
  }
  const auto session = Session::Open({folder, options.client, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::AuditService::NewStub((*session)->channel());
  v1::ProcessingRecord record;
  const grpc::Status status =
      AskUntilCounted([&](grpc::ClientContext* context) {
        return stub->GetProcessingRecord(context, request, &record);
      });
  if (!status.ok()) return PrintError(status, std::cerr);
  if (options.json) {
    ShowJson(record, std::cout);
    return kExitOk;
  }
  std::cout << "Records of processing activities (GDPR Art. 30)\n"
            << "  controller   "
            << (record.controller().empty() ? "not named in the configuration"
                                            : Printable(record.controller()))
            << "\n";
  if (!record.contact().empty()) {
    std::cout << "  contact      " << Printable(record.contact()) << "\n";
  }
  std::cout << "  officer      "
            << (record.dpo_contact().empty() ? "none named"
                                             : Printable(record.dpo_contact()))
            << "\n  span         " << Text(record.from_time()) << " to "
            << Text(record.to_time()) << "\n  policy       "
            << record.bundle_hash() << "\n";
  Lines("protection   ", record.security());
  int differences = 0;
  for (const auto& activity : record.activities()) {
    Show(activity);
    differences += activity.differences_size();
  }
  std::cout << "\n"
            << record.activities_size() << " purposes, " << differences
            << " differences between what is declared and what was done; the "
               "log was read up to entry "
            << record.complete_to() << ".\n";
  return kExitOk;
}

}  // namespace

void AddProcessing(CLI::App* audit, CommandContext* context) {
  auto options = std::make_shared<Options>();
  CLI::App* command = audit->add_subcommand(
      "processing",
      "Records of processing: what is declared beside what was done");
  command->add_option("--as", options->client, "Registration to ask as")
      ->capture_default_str();
  command->add_option("--from", options->from,
                      "2026-08-01, inclusive; default: a year ago");
  command->add_option("--to", options->to, "Exclusive; default: now");
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([context, options] {
    context->exit_code = Run(context->folder, *options);
  });
}

}  // namespace consentry::tools
