#include <arpa/inet.h>
#include <grpcpp/grpcpp.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "consentry/v1/admin_service.pb.h"
#include "gateway/server/initialise.h"
#include "gateway/server/server.h"
#include "proto/support/status_macros.h"
#include "tools/consentry/command.h"
#include "tools/consentry/demo_tour.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/import_command.h"
#include "tools/consentry/parse_words.h"
#include "tools/consentry/progress.h"
#include "tools/consentry/registration.h"
#include "tools/consentry/rpc_error.h"
#include "tools/consentry/samples/generator.h"
#include "tools/consentry/session.h"

namespace consentry::tools {
namespace {

// Marks a folder as a demonstration's, which may be removed and made anew.
constexpr char kMarker[] = "/.consentry-demo";
constexpr uint32_t kValidDays = 30;
// Of fewer customers the tour could say nothing about fairness.
constexpr int kFewest = 200;

// A shop that makes prices for single customers, from what a chat heard too,
// and that decides by machine who may pay later.
constexpr char kMoreKinds[] = R"pb(
  kinds {
    key: "chat"
    title: "What a chat heard"
    inferred: true
    fields {
      key: "distress"
      title: "She sounded in distress"
      type: BOOL
      category: "user.behavior.distress"
      retention_months: 1
    }
  }
)pb";
constexpr char kMorePurposes[] = R"pb(
  purposes {
    key: "personalize.price"
    purpose_class: PERSONALIZATION
    text {
      language: "en"
      title: "Prices"
      text: "With your consent we make prices for you alone."
    }
    fields { field: "order.items" transform: NONE why: "what she likes" }
    fields { field: "chat.distress" transform: NONE why: "what she needs" }
    bases {
      regimes: [ "eu-gdpr", "uk-gdpr" ]
      basis: CONSENT
      notice_id: "personalization-consent"
      notice_version: 1
    }
    bases {
      regimes: [ "us-ca", "us-va" ]
      basis: NOTICE
      notice_id: "privacy-notice"
      notice_version: 1
    }
    channels: WEB
  }
  purposes {
    key: "payment.on_account"
    purpose_class: SIGNIFICANT_DECISION
    text {
      language: "en"
      title: "Payment on account"
      text: "We decide whether you can pay later."
    }
    fields { field: "order.total" transform: NONE why: "what is owed" }
    fields { field: "order.completed_at" transform: NONE why: "paid in time" }
    bases {
      regimes: [ "eu-gdpr", "uk-gdpr" ]
      basis: CONTRACT
      necessity_note: "Goods are handed over before they are paid."
    }
    channels: [ EMAIL, WEB ]
    dpia: "dpia-on-account-1"
  }
)pb";

struct DemoOptions {
  std::string folder = "consentry-demo";
  int customers = 2000;
  bool exit = false;
};

// A port of loopback that is free now, so that commands in another terminal
// find the gateway by its configuration.
std::string FreeAddress() {
  const int socket_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  int port = 0;
  if (socket_fd >= 0 &&
      bind(socket_fd, reinterpret_cast<sockaddr*>(&address), length) == 0 &&
      getsockname(socket_fd, reinterpret_cast<sockaddr*>(&address), &length) ==
          0) {
    port = ntohs(address.sin_port);
  }
  if (socket_fd >= 0) close(socket_fd);
  return "127.0.0.1:" + std::to_string(port == 0 ? 50051 : port);
}

absl::Status ClearFolder(const std::string& folder) {
  std::error_code fault;
  if (!std::filesystem::exists(folder, fault)) return absl::OkStatus();
  if (!std::filesystem::exists(folder + kMarker, fault)) {
    return absl::InvalidArgumentError(
        folder +
        " is there and is no demonstration; name another with --folder");
  }
  std::filesystem::remove_all(folder, fault);
  return fault ? absl::UnavailableError("cannot remove " + folder)
               : absl::OkStatus();
}

std::vector<v1::Client> Systems() {
  const auto system = [](const char* id, const char* title,
                         std::vector<std::string> purposes) {
    v1::Client client;
    client.set_id(id);
    client.set_title(title);
    client.set_role(v1::ROLE_SERVICE);
    *client.mutable_purposes() = {purposes.begin(), purposes.end()};
    client.add_read_categories("user");
    client.set_country("DE");
    client.set_recipient("Sample Shop");
    client.set_contract("demo");
    return client;
  };
  std::vector<v1::Client> systems;
  v1::Client importer = system(kDemoImporter, "Imports of the touchpoints",
                               {"essential.service.operations"});
  importer.add_write_categories("user");
  for (const char* source : {"crm", "web_shop", "pos"}) {
    importer.add_sources(source);
  }
  for (const char* permission :
       {"data.import", "data.legal_facts", "consent.record"}) {
    importer.add_permissions(permission);
  }
  importer.add_attests("marketing.communications.email");
  importer.add_attests("third_party_sharing");
  systems.push_back(importer);
  systems.push_back(system(kDemoHelpdesk, "Help desk",
                           {"essential.service.operations.support"}));
  v1::Client newsletter =
      system(kDemoNewsletter, "Newsletter", {"marketing.communications.email"});
  newsletter.add_permissions("consent.record");
  newsletter.add_permissions("consent.unsubscribe_link");
  newsletter.add_attests("marketing.communications.email");
  systems.push_back(newsletter);
  systems.push_back(
      system(kDemoReports, "Statistics", {"analytics.reporting"}));
  v1::Client partner =
      system(kDemoPartner, "Advertising partner", {"third_party_sharing"});
  partner.set_recipient("Partner Ads");
  systems.push_back(partner);
  v1::Client engine =
      system(kDemoEngine, "Personalization engine",
             {"personalize.content.limited", "marketing.communications.email",
              kDemoPricing, kDemoCredit});
  for (const char* permission : {"screening.screen", "screening.fetch",
                                 "reviews.request", "consent.record"}) {
    engine.add_permissions(permission);
  }
  engine.add_attests(kDemoPricing);
  systems.push_back(engine);
  v1::Client reviewer;
  reviewer.set_id(kDemoReviewer);
  reviewer.set_title("Review of decisions");
  reviewer.set_role(v1::ROLE_REVIEWER);
  reviewer.set_country("DE");
  systems.push_back(reviewer);
  v1::Client officer;
  officer.set_id(kDemoOfficer);
  officer.set_title("Data protection officer");
  officer.set_role(v1::ROLE_DPO);
  systems.push_back(officer);
  return systems;
}

absl::Status Initialise(const DemoOptions& options,
                        const std::string& address) {
  server::InitialiseOptions init;
  init.folder = options.folder;
  init.home = "DE";
  init.markets = {"DE", "FR", "IT", "ES", "AT", "GB", "US-CA", "US-VA"};
  init.thresholds = {"us-ca.business", "us-va.controller"};
  init.address = address;
  init.name = "Sample Shop";
  init.contact = "privacy@example.com";
  init.dpo_contact = "dpo@example.com";
  CONSENTRY_RETURN_IF_ERROR(server::Initialise(init).status());
  std::ofstream(options.folder + "/catalog.txtpb", std::ios::app) << kMoreKinds;
  std::ofstream(options.folder + "/purposes.txtpb", std::ios::app)
      << kMorePurposes;
  // An erasure waits a day otherwise, in which she can take it back.
  std::ofstream configuration(options.folder + "/consentry.txtpb",
                              std::ios::app);
  configuration << "\nerasure { wait_hours: 0 }\n";
  configuration.close();
  if (!configuration) {
    return absl::UnavailableError("cannot write " + options.folder);
  }
  std::ofstream marker(options.folder + kMarker);
  marker << "made by consentry demo; may be removed\n";
  return marker ? absl::OkStatus()
                : absl::UnavailableError("cannot write " + options.folder);
}

absl::Status ImportSamples(const DemoOptions& options,
                           const std::string& address) {
  SampleOptions samples;
  samples.customers = options.customers;
  samples.today = absl::ToCivilDay(absl::Now(), absl::UTCTimeZone());
  const std::string folder = options.folder + "/samples";
  CONSENTRY_RETURN_IF_ERROR(WriteSamples(samples, folder));
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto channel,
      Connect(address, CredentialsIn(options.folder, kDemoImporter)));
  for (const SampleFile& file : GenerateSamples(samples)) {
    std::ofstream quarantine(folder + "/" + file.name + ".quarantine.csv");
    CONSENTRY_ASSIGN_OR_RETURN(
        const ImportReport report,
        ImportOver(channel, folder + "/" + file.map, folder + "/" + file.name,
                   {}, &quarantine, Progress::StderrIsTerminal()));
    std::cout << "  " << file.name << ": " << WithCommas(report.rows)
              << " rows, " << WithCommas(report.created) << " records made, "
              << WithCommas(report.joined) << " joined to known customers, "
              << WithCommas(report.quarantined_records) << " held back\n";
  }
  return absl::OkStatus();
}

absl::Status Demo(const DemoOptions& options, const std::string& program) {
  CONSENTRY_RETURN_IF_ERROR(ClearFolder(options.folder));
  const std::string address = FreeAddress();
  std::cout << "Keys, certificates and configuration in " << options.folder
            << "\n";
  CONSENTRY_RETURN_IF_ERROR(Initialise(options, address));
  server::ServerOptions server_options;
  server_options.dev = true;
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto server, server::Server::Open(options.folder, server_options));
  std::cout << "Gateway at " << server->address()
            << ", mutual TLS 1.3, --dev (it tells reasons to every caller)\n"
            << "Systems and staff of the shop:";
  CONSENTRY_ASSIGN_OR_RETURN(
      const auto admin,
      Connect(server->address(), CredentialsIn(options.folder, "operator")));
  for (const v1::Client& system : Systems()) {
    v1::Client registered;
    const grpc::Status status = RegisterWithNewKey(admin, system, kValidDays,
                                                   options.folder, &registered);
    if (!status.ok()) {
      PrintError(status, std::cerr);
      return absl::InternalError("cannot register " + system.id());
    }
    std::cout << " " << system.id();
  }
  std::cout << "\nImport of the touchpoints\n";
  CONSENTRY_RETURN_IF_ERROR(ImportSamples(options, server->address()));

  DemoTour tour({options.folder, server->address(), program}, &std::cout);
  CONSENTRY_RETURN_IF_ERROR(tour.Run());
  tour.PrintCommands();
  if (!options.exit) {
    std::cout << "\nThe gateway stays up until Ctrl-C." << std::endl;
    server::Server::WaitForSignal();
  }
  return server->Stop();
}

}  // namespace

void AddDemo(CLI::App* app, CommandContext* context) {
  auto options = std::make_shared<DemoOptions>();
  CLI::App* demo = app->add_subcommand(
      "demo", "A gateway with sample customers, and a guided tour");
  demo->add_option("--folder", options->folder,
                   "Made anew; only a demonstration's is replaced")
      ->capture_default_str();
  demo->add_option("--customers", options->customers)
      ->capture_default_str()
      ->check(CLI::Range(kFewest, 1000000));
  demo->add_flag("--exit", options->exit, "End after the tour");
  demo->callback([context, options] {
    server::Server::BlockSignals();
    const absl::Status status = Demo(*options, ProgramPath());
    context->exit_code = status.ok() ? kExitOk : Fail(status);
  });
}

}  // namespace consentry::tools
