#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>

#include "consentry/v1/rights_service.grpc.pb.h"
#include "tools/consentry/asked_again.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/parse_words.h"
#include "tools/consentry/printable.h"
#include "tools/consentry/session.h"
#include "tools/consentry/show.h"
#include "tools/consentry/subject_name.h"

namespace consentry::tools {
namespace {

struct Options {
  std::string as = "compliance";
  std::string customer;
  std::string language;
  std::string from;
  bool json = false;
};

template <class Strings>
std::string Joined(const Strings& strings) {
  std::string joined;
  for (const std::string& text : strings) {
    joined += (joined.empty() ? "" : ", ") + Printable(text);
  }
  return joined;
}

void ShowView(const v1::TransparencyView& view) {
  if (view.held().empty()) {
    std::cout << "Nothing is held.\n";
  } else {
    std::cout << "Held:\n";
  }
  for (const auto& held : view.held()) {
    std::cout << "  " << Printable(held.field()) << " (" << held.category()
              << ")" << (held.inferred() ? ", inferred" : "") << ", from "
              << Joined(held.sources()) << ", collected "
              << Text(held.collect_time()).substr(0, 10) << ", erased by "
              << Text(held.delete_time()).substr(0, 10) << "\n";
  }
  if (view.suppressed()) {
    std::cout << "Of this name only a hash is kept, to remember not to add "
                 "her again, or what she prohibited.\n";
  }
  if (!view.purposes().empty()) std::cout << "\nUsed for:\n";
  for (const auto& use : view.purposes()) {
    std::cout << "  " << (use.active() ? "yes  " : "no   ")
              << Printable(use.purpose()) << ": " << Printable(use.text())
              << "\n";
    for (const auto& basis : use.bases()) {
      std::cout << "         " << basis.regime() << ": " << basis.basis();
      if (!basis.document().empty()) {
        std::cout << " (" << Printable(basis.document()) << ")";
      }
      std::cout << "\n";
    }
    if (!use.recipients().empty()) {
      std::cout << "         received by " << Joined(use.recipients()) << "\n";
    }
  }
  if (!view.consultations().empty()) std::cout << "\nConsulted:\n";
  for (const auto& consultation : view.consultations()) {
    std::cout << "  " << Text(consultation.time()) << "  "
              << Printable(consultation.recipient()) << ", "
              << Printable(consultation.system()) << ", for "
              << Printable(consultation.purpose()) << ": "
              << (consultation.fields().empty()
                      ? "refused, " + Word(consultation.reason())
                      : Joined(consultation.fields()))
              << "\n";
  }
}

int Run(const std::string& folder, const Options& options) {
  v1::GetTransparencyViewRequest request;
  auto subject = ParseSubject(options.customer);
  if (!subject.ok()) return Fail(subject.status());
  *request.mutable_subject() = *subject;
  request.set_language(options.language);
  if (!options.from.empty()) {
    const auto status = ParseTime(options.from, request.mutable_from_time());
    if (!status.ok()) return Fail(status);
  }
  const auto session = Session::Open({folder, options.as, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::RightsService::NewStub((*session)->channel());
  v1::TransparencyView view;
  const grpc::Status status =
      AskUntilCounted([&](grpc::ClientContext* context) {
        return stub->GetTransparencyView(context, request, &view);
      });
  if (!status.ok()) return PrintError(status, std::cerr);
  if (options.json) {
    ShowJson(view, std::cout);
  } else {
    ShowView(view);
  }
  return kExitOk;
}

}  // namespace

void AddTransparency(CLI::App* app, CommandContext* context) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app->add_subcommand(
      "transparency",
      "What is held of a customer, what for, and who consulted it; no values");
  command
      ->add_option("customer", options->customer,
                   "email:..., phone:..., SYSTEM:NUMBER or cus_...")
      ->required();
  command->add_option("--language", options->language, "en, de, fr, es");
  command->add_option("--from", options->from,
                      "Consultations from here on; default: a year ago");
  command->add_option("--as", options->as, "Registration to ask as")
      ->capture_default_str();
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([context, options] {
    context->exit_code = Run(context->folder, *options);
  });
}

}  // namespace consentry::tools
