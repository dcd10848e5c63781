#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "consentry/v1/consent_service.grpc.pb.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/ledger_commands.h"
#include "tools/consentry/pages.h"
#include "tools/consentry/parse_words.h"
#include "tools/consentry/printable.h"
#include "tools/consentry/rpc_error.h"
#include "tools/consentry/session.h"
#include "tools/consentry/show.h"
#include "tools/consentry/subject_name.h"

namespace consentry::tools {
namespace {

struct LedgerOptions {
  std::string client;
  std::string subject;
  std::vector<std::string> purposes;
  std::string purpose;
  std::string notice;
  uint32_t notice_version = 1;
  std::string language;
  std::string method;
  std::string until;
  std::string sale;
  std::string handle;
  std::string code;
  bool obtained_in_sale = false;
  bool way_out_offered = false;
  bool json = false;
};

// "CONSENT_EVENT_KIND_GIVEN" -> "given".
std::string KindWord(v1::ConsentEventKind kind) {
  std::string word(v1::ConsentEventKind_Name(kind),
                   sizeof("CONSENT_EVENT_KIND_") - 1);
  for (char& c : word) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return word;
}

std::string ActorWord(v1::ConsentActor actor) {
  std::string word(v1::ConsentActor_Name(actor), sizeof("CONSENT_ACTOR_") - 1);
  for (char& c : word) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return word;
}

void ShowEvent(const v1::ConsentEvent& event) {
  std::cout << event.id() << "  " << Text(event.receive_time()) << "  "
            << event.purpose() << "  " << KindWord(event.kind());
  if (!event.invalid_reason().empty()) {
    std::cout << " (" << event.invalid_reason() << ")";
  }
  if (event.actor() != v1::CONSENT_ACTOR_UNSPECIFIED) {
    std::cout << "  by " << ActorWord(event.actor());
  }
  if (!event.attested_by().empty()) std::cout << " " << event.attested_by();
  if (!event.agent_id().empty()) std::cout << " " << event.agent_id();
  if (event.has_notice()) {
    std::cout << "  notice " << Printable(event.notice().id()) << " "
              << event.notice().version();
  }
  if (event.has_valid_until()) {
    std::cout << "  until " << Text(event.valid_until());
  }
  std::cout << "\n";
}

// A session, and the stub of the ledger on it.
struct Ledger {
  std::unique_ptr<Session> session;
  std::unique_ptr<v1::ConsentService::Stub> stub;
};
absl::StatusOr<Ledger> OpenLedger(const std::string& folder,
                                  const std::string& client) {
  auto session = Session::Open({folder, client, "", false});
  if (!session.ok()) return session.status();
  Ledger ledger;
  ledger.session = *std::move(session);
  ledger.stub = v1::ConsentService::NewStub(ledger.session->channel());
  return ledger;
}

template <class Response>
int PrintStates(const grpc::Status& status, const Response& response,
                bool json) {
  if (!status.ok()) return PrintError(status, std::cerr);
  if (json) {
    ShowJson(response, std::cout);
    return kExitOk;
  }
  for (const auto& state : response.states()) Show(state, std::cout);
  return kExitOk;
}

void SetNotice(const LedgerOptions& options, v1::NoticeRef* notice) {
  notice->set_id(options.notice);
  notice->set_version(options.notice_version);
  notice->set_language(options.language);
}

int RunHistory(const std::string& folder, const LedgerOptions& options) {
  const auto subject = ParseSubject(options.subject);
  if (!subject.ok()) return Fail(subject.status());
  const auto ledger = OpenLedger(folder, options.client);
  if (!ledger.ok()) return Fail(ledger.status());
  v1::ListConsentEventsRequest request;
  *request.mutable_subject() = *subject;
  request.set_purpose(options.purpose);
  request.set_page_size(1000);
  return ShowList<v1::ListConsentEventsResponse>(
      request, options.json, "no choice is recorded",
      std::bind_front(&v1::ConsentService::Stub::ListConsentEvents,
                      ledger->stub.get()),
      [](const auto& page) -> auto& { return page.events(); }, ShowEvent);
}

int RunRenew(const std::string& folder, const LedgerOptions& options) {
  const auto subject = ParseSubject(options.subject);
  if (!subject.ok()) return Fail(subject.status());
  v1::RenewConsentRequest request;
  *request.mutable_subject() = *subject;
  *request.mutable_purposes() = {options.purposes.begin(),
                                 options.purposes.end()};
  SetNotice(options, request.mutable_notice());
  request.set_method(options.method);
  if (!options.until.empty()) {
    const absl::Status until =
        ParseTime(options.until, request.mutable_valid_until());
    if (!until.ok()) return Fail(until);
  }
  const auto ledger = OpenLedger(folder, options.client);
  if (!ledger.ok()) return Fail(ledger.status());
  grpc::ClientContext call;
  v1::RecordConsentResponse response;
  const grpc::Status status =
      ledger->stub->RenewConsent(&call, request, &response);
  return PrintStates(status, response, options.json);
}

int RunMayAsk(const std::string& folder, const LedgerOptions& options) {
  const auto subject = ParseSubject(options.subject);
  if (!subject.ok()) return Fail(subject.status());
  const auto ledger = OpenLedger(folder, options.client);
  if (!ledger.ok()) return Fail(ledger.status());
  v1::CheckReaskRequest request;
  *request.mutable_subject() = *subject;
  request.set_purpose(options.purpose);
  grpc::ClientContext call;
  v1::CheckReaskResponse response;
  const grpc::Status status =
      ledger->stub->CheckReask(&call, request, &response);
  if (!status.ok()) return PrintError(status, std::cerr);
  if (options.json) {
    ShowJson(response, std::cout);
  } else {
    std::cout << (response.may_ask() ? "yes" : "no");
    if (response.has_not_before()) {
      std::cout << ", not before " << Text(response.not_before());
    }
    if (response.two_steps()) {
      std::cout << ", by a request and a separate confirmation";
    }
    std::cout << "\n";
    for (const std::string& rule : response.rules()) {
      std::cout << "  " << rule << "\n";
    }
  }
  return response.may_ask() ? kExitOk : kExitNo;
}

int RunSoftOptIn(const std::string& folder, const LedgerOptions& options) {
  const auto subject = ParseSubject(options.subject);
  if (!subject.ok()) return Fail(subject.status());
  v1::RecordSoftOptInRequest request;
  *request.mutable_subject() = *subject;
  request.set_purpose(options.purpose);
  request.set_obtained_in_sale(options.obtained_in_sale);
  request.set_opt_out_offered(options.way_out_offered);
  const absl::Status sale =
      ParseTime(options.sale, request.mutable_sale_time());
  if (!sale.ok()) return Fail(sale);
  const auto ledger = OpenLedger(folder, options.client);
  if (!ledger.ok()) return Fail(ledger.status());
  grpc::ClientContext call;
  v1::RecordSoftOptInResponse response;
  const grpc::Status status =
      ledger->stub->RecordSoftOptIn(&call, request, &response);
  if (!status.ok()) return PrintError(status, std::cerr);
  std::cout << "recorded\n";
  return kExitOk;
}

int RunStart(const std::string& folder, const LedgerOptions& options) {
  const auto subject = ParseSubject(options.subject);
  if (!subject.ok()) return Fail(subject.status());
  if (!subject->has_identifier()) {
    return Fail(absl::InvalidArgumentError(
        "a code goes to a contact point, such as email:..."));
  }
  v1::StartDoubleOptInRequest request;
  *request.mutable_identifier() = subject->identifier();
  *request.mutable_purposes() = {options.purposes.begin(),
                                 options.purposes.end()};
  SetNotice(options, request.mutable_notice());
  const auto ledger = OpenLedger(folder, options.client);
  if (!ledger.ok()) return Fail(ledger.status());
  grpc::ClientContext call;
  v1::StartDoubleOptInResponse response;
  const grpc::Status status =
      ledger->stub->StartDoubleOptIn(&call, request, &response);
  if (!status.ok()) return PrintError(status, std::cerr);
  if (options.json) {
    ShowJson(response, std::cout);
  } else {
    std::cout << response.handle() << "  until " << Text(response.expire_time())
              << "\n";
  }
  return kExitOk;
}

int RunComplete(const std::string& folder, const LedgerOptions& options) {
  const auto ledger = OpenLedger(folder, options.client);
  if (!ledger.ok()) return Fail(ledger.status());
  v1::CompleteDoubleOptInRequest request;
  request.set_handle(options.handle);
  request.set_code(options.code);
  grpc::ClientContext call;
  v1::RecordConsentResponse response;
  const grpc::Status status =
      ledger->stub->CompleteDoubleOptIn(&call, request, &response);
  return PrintStates(status, response, options.json);
}

using Run = int (*)(const std::string& folder, const LedgerOptions& options);

CLI::App* AddOne(CLI::App* parent, const std::string& name,
                 const std::string& description,
                 const std::shared_ptr<LedgerOptions>& options,
                 CommandContext* context, Run run) {
  CLI::App* command = parent->add_subcommand(name, description);
  command->add_option("--as", options->client,
                      "Registration to call as; default: the only one here");
  command->add_flag("--json", options->json, "Print JSON");
  command->callback([context, options, run] {
    context->exit_code = run(context->folder, *options);
  });
  return command;
}

void AddSubject(CLI::App* command, LedgerOptions* options) {
  command
      ->add_option("customer", options->subject,
                   "email:..., phone:..., SYSTEM:NUMBER, cus_... or psn_...")
      ->required();
}

void AddNoticeOptions(CLI::App* command, LedgerOptions* options) {
  command->add_option("-p,--purpose", options->purposes, "Purposes")
      ->delimiter(',')
      ->required();
  command->add_option("--notice", options->notice, "Id of the notice shown")
      ->required();
  command->add_option("--notice-version", options->notice_version)
      ->capture_default_str();
  command->add_option("--language", options->language, "BCP 47");
}

}  // namespace

void AddLedger(CLI::App* consent, CommandContext* context) {
  auto options = std::make_shared<LedgerOptions>();
  CLI::App* history =
      AddOne(consent, "history", "Every choice of a customer, newest first",
             options, context, RunHistory);
  AddSubject(history, options.get());
  history->add_option("-p,--purpose", options->purpose,
                      "Only this purpose; default: all");

  CLI::App* renew =
      AddOne(consent, "renew", "Record that a consent was given once more",
             options, context, RunRenew);
  AddSubject(renew, options.get());
  AddNoticeOptions(renew, options.get());
  renew->add_option("--method", options->method, "How, such as checkbox");
  renew->add_option("--until", options->until, "When it ends");

  CLI::App* may_ask = AddOne(
      consent, "may-ask", "Whether a customer may be asked again for a purpose",
      options, context, RunMayAsk);
  AddSubject(may_ask, options.get());
  may_ask->add_option("-p,--purpose", options->purpose, "Purpose")->required();

  CLI::App* soft = AddOne(consent, "soft-opt-in",
                          "Record that an address was obtained with a sale",
                          options, context, RunSoftOptIn);
  AddSubject(soft, options.get());
  soft->add_option("-p,--purpose", options->purpose, "Purpose")->required();
  soft->add_option("--sale", options->sale, "When the customer last bought")
      ->required();
  soft->add_flag("--obtained-in-sale", options->obtained_in_sale,
                 "The address was obtained in the context of a sale");
  soft->add_flag("--way-out-offered", options->way_out_offered,
                 "A way out was offered then and in every message since");

  CLI::App* confirm = consent->add_subcommand(
      "confirm", "Double opt-in: a code to the customer's contact point");
  confirm->require_subcommand(1);
  CLI::App* start =
      AddOne(confirm, "start", "Send a code", options, context, RunStart);
  AddSubject(start, options.get());
  AddNoticeOptions(start, options.get());
  CLI::App* complete = AddOne(confirm, "complete", "Give the code back",
                              options, context, RunComplete);
  complete->add_option("handle", options->handle, "As start answered")
      ->required();
  complete->add_option("code", options->code, "As the customer received it")
      ->required();
}

}  // namespace consentry::tools
