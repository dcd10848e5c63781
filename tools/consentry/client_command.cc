#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <system_error>
#include <vector>

#include "consentry/v1/admin_service.grpc.pb.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/key_pair.h"
#include "tools/consentry/pages.h"
#include "tools/consentry/parse_words.h"
#include "tools/consentry/registration.h"
#include "tools/consentry/rpc_error.h"
#include "tools/consentry/session.h"
#include "tools/consentry/show.h"

namespace consentry::tools {
namespace {

struct ClientOptions {
  std::string as = "operator";
  std::string id;
  std::string role = "service";
  std::string title;
  std::vector<std::string> purposes;
  std::vector<std::string> reads;
  std::vector<std::string> writes;
  std::vector<std::string> channels;
  std::vector<std::string> sources;
  std::vector<std::string> permissions;
  std::vector<std::string> attests;
  std::string country;
  std::string transfer_ground;
  std::string contract;
  std::string recipient;
  uint32_t calls_per_second = 0;
  uint32_t subjects_per_hour = 0;
  bool acting_person = false;
  bool reason_code = false;
  bool ticket = false;
  std::vector<std::string> delegates;
  std::string token_client;
  bool token = false;
  std::string certificate;
  std::string signing_request;
  uint32_t days = 0;
  std::string reason;
  bool json = false;
};

absl::StatusOr<std::string> ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError("cannot read " + path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string StateWord(v1::ClientState state) {
  return v1::ClientState_Name(state).substr(sizeof("CLIENT_STATE_") - 1);
}

std::string RoleWord(v1::Role role) {
  return v1::Role_Name(role).substr(sizeof("ROLE_") - 1);
}

void ShowNames(const char* name,
               const google::protobuf::RepeatedPtrField<std::string>& list) {
  if (list.empty()) return;
  std::cout << "  " << name << std::string(16 - std::string(name).size(), ' ');
  for (int i = 0; i < list.size(); ++i) {
    std::cout << (i == 0 ? "" : ", ") << list[i];
  }
  std::cout << "\n";
}

void ShowClient(const v1::Client& client) {
  std::cout << client.id() << "  " << RoleWord(client.role()) << "  "
            << StateWord(client.state()) << "  until "
            << Text(client.expire_time()) << "\n";
  if (!client.title().empty()) {
    std::cout << "  title           " << client.title() << "\n";
  }
  ShowNames("purposes", client.purposes());
  ShowNames("reads", client.read_categories());
  ShowNames("writes", client.write_categories());
  ShowNames("sources", client.sources());
  ShowNames("permissions", client.permissions());
  ShowNames("attests", client.attests());
  if (!client.may_delegate().empty()) {
    std::cout << "  carries tokens of ";
    for (int i = 0; i < client.may_delegate_size(); ++i) {
      std::cout << (i == 0 ? "" : ", ") << RoleWord(client.may_delegate(i));
    }
    std::cout << "\n";
  }
  if (!client.country().empty()) {
    std::cout << "  country         " << client.country();
    if (!client.transfer_ground().empty()) {
      std::cout << ", transfer on " << client.transfer_ground();
    }
    std::cout << "\n";
  }
  std::cout << "  key             " << client.public_key_hash() << "\n"
            << "  etag            " << client.etag() << "\n";
}

// Opens a session as the operator and runs one call through it.
int WithAdmin(
    const std::string& folder, const ClientOptions& options,
    const std::function<int(v1::AdminService::Stub*,
                            const std::shared_ptr<grpc::Channel>&)>& run) {
  const auto session = Session::Open({folder, options.as, "", false});
  if (!session.ok()) return Fail(session.status());
  const auto stub = v1::AdminService::NewStub((*session)->channel());
  return run(stub.get(), (*session)->channel());
}

int Print(const v1::Client& client, const ClientOptions& options) {
  if (options.json) {
    ShowJson(client, std::cout);
    return kExitOk;
  }
  ShowClient(client);
  if (!client.proposal_id().empty()) {
    std::cout << "Not in force yet: it is proposal " << client.proposal_id()
              << ". `consentry proposals list` says what it waits for.\n";
  }
  return kExitOk;
}

absl::StatusOr<v1::Role> ParseRole(const std::string& word) {
  std::string name = "ROLE_" + word;
  for (char& c : name) c = static_cast<char>(std::toupper(c));
  v1::Role role;
  if (v1::Role_Parse(name, &role)) return role;
  return absl::InvalidArgumentError(
      "the role is service, admin, compliance, dpo or reviewer");
}

absl::StatusOr<v1::Client> MakeClient(const ClientOptions& options) {
  v1::Client client;
  client.set_id(options.id);
  client.set_title(options.title);
  const auto role = ParseRole(options.role);
  if (!role.ok()) return role.status();
  client.set_role(*role);
  client.mutable_purposes()->Assign(options.purposes.begin(),
                                    options.purposes.end());
  client.mutable_read_categories()->Assign(options.reads.begin(),
                                           options.reads.end());
  client.mutable_write_categories()->Assign(options.writes.begin(),
                                            options.writes.end());
  client.mutable_sources()->Assign(options.sources.begin(),
                                   options.sources.end());
  client.mutable_permissions()->Assign(options.permissions.begin(),
                                       options.permissions.end());
  client.mutable_attests()->Assign(options.attests.begin(),
                                   options.attests.end());
  for (const std::string& word : options.channels) {
    const auto channel = ParseChannel(word);
    if (!channel.ok()) return channel.status();
    client.add_channels(*channel);
  }
  client.set_country(options.country);
  client.set_transfer_ground(options.transfer_ground);
  client.set_contract(options.contract);
  client.set_recipient(options.recipient);
  client.mutable_limits()->set_calls_per_second(options.calls_per_second);
  client.mutable_limits()->set_subjects_per_hour(options.subjects_per_hour);
  v1::ContextRules* rules = client.mutable_context_rules();
  rules->set_acting_person_required(options.acting_person);
  rules->set_reason_code_required(options.reason_code);
  rules->set_ticket_required(options.ticket);
  rules->set_token_required(options.token);
  for (const std::string& word : options.delegates) {
    const auto delegate = ParseRole(word);
    if (!delegate.ok()) return delegate.status();
    client.add_may_delegate(*delegate);
  }
  client.set_token_client(options.token_client);
  return client;
}

int RunAdd(const std::string& folder, const ClientOptions& options) {
  auto client = MakeClient(options);
  if (!client.ok()) return Fail(client.status());
  if (client->country().empty() && client->role() == v1::ROLE_SERVICE) {
    // Where data goes decides what may go there; nowhere in particular,
    // nothing.
    const auto home = HomeIn(folder);
    if (!home.ok()) return Fail(home.status());
    client->set_country(*home);
  }
  v1::CreateClientRequest request;
  *request.mutable_client() = *client;
  request.set_valid_days(options.days);
  const bool own =
      options.certificate.empty() && options.signing_request.empty();
  if (!options.certificate.empty()) {
    const auto pem = ReadText(options.certificate);
    if (!pem.ok()) return Fail(pem.status());
    request.set_certificate_pem(*pem);
  } else if (!own) {
    const auto pem = ReadText(options.signing_request);
    if (!pem.ok()) return Fail(pem.status());
    request.set_signing_request_pem(*pem);
  }
  return WithAdmin(
      folder, options, [&](v1::AdminService::Stub* admin, const auto& channel) {
        v1::Client made;
        grpc::ClientContext call;
        const grpc::Status status =
            own ? RegisterWithNewKey(channel, *client, options.days, folder,
                                     &made)
                : admin->CreateClient(&call, request, &made);
        if (!status.ok()) return PrintError(status, std::cerr);
        if (own && !options.json) {
          std::cout << "Key and certificate: " << folder << "/clients/"
                    << made.id() << ".key and .pem\n";
        } else if (!made.issued_certificate_pem().empty() && !options.json) {
          std::cout << made.issued_certificate_pem();
        }
        return Print(made, options);
      });
}

int RunList(const std::string& folder, const ClientOptions& options) {
  return WithAdmin(
      folder, options, [&](v1::AdminService::Stub* admin, const auto&) {
        v1::ListClientsRequest request;
        request.set_page_size(1000);
        return ShowList<v1::ListClientsResponse>(
            request, options.json, "no registration",
            std::bind_front(&v1::AdminService::Stub::ListClients, admin),
            [](const auto& page) -> auto& { return page.clients(); },
            [](const v1::Client& client) {
              std::cout << client.id() << "  " << RoleWord(client.role())
                        << "  " << StateWord(client.state()) << "  until "
                        << Text(client.expire_time()) << "\n";
            });
      });
}

int RunShow(const std::string& folder, const ClientOptions& options) {
  return WithAdmin(
      folder, options, [&](v1::AdminService::Stub* admin, const auto&) {
        v1::GetClientRequest request;
        request.set_id(options.id);
        grpc::ClientContext call;
        v1::Client client;
        const grpc::Status status = admin->GetClient(&call, request, &client);
        if (!status.ok()) return PrintError(status, std::cerr);
        return Print(client, options);
      });
}

// A new key unless the caller brings a certificate or a request. The old files
// stay until the gateway has taken the new ones.
int RunRenew(const std::string& folder, const ClientOptions& options) {
  v1::RenewClientRequest request;
  request.set_id(options.id);
  request.set_valid_days(options.days);
  const std::string stem = folder + "/clients/" + options.id;
  const bool own =
      options.certificate.empty() && options.signing_request.empty();
  if (own) {
    const auto pair = MakeKeyPair(options.id);
    if (!pair.ok()) return Fail(pair.status());
    std::error_code ignored;
    std::filesystem::remove(stem + ".key.new", ignored);
    const absl::Status kept = WritePrivate(stem + ".key.new", pair->key_pem);
    if (!kept.ok()) return Fail(kept);
    request.set_signing_request_pem(pair->signing_request_pem);
  } else {
    const bool certificate = !options.certificate.empty();
    const auto pem =
        ReadText(certificate ? options.certificate : options.signing_request);
    if (!pem.ok()) return Fail(pem.status());
    if (certificate) {
      request.set_certificate_pem(*pem);
    } else {
      request.set_signing_request_pem(*pem);
    }
  }
  return WithAdmin(
      folder, options, [&](v1::AdminService::Stub* admin, const auto&) {
        grpc::ClientContext call;
        v1::Client client;
        const grpc::Status status = admin->RenewClient(&call, request, &client);
        std::error_code error;
        if (!status.ok()) {
          if (own) std::filesystem::remove(stem + ".key.new", error);
          return PrintError(status, std::cerr);
        }
        if (own) {
          std::filesystem::remove(stem + ".pem.new", error);
          const absl::Status written =
              WritePrivate(stem + ".pem.new", client.issued_certificate_pem());
          if (!written.ok()) return Fail(written);
          if (!client.proposal_id().empty()) {
            std::cout << "The new key and certificate wait as " << stem
                      << ".key.new and .pem.new: once the proposal is in "
                         "force, put them in the place of .key and .pem.\n";
            return Print(client, options);
          }
          std::filesystem::rename(stem + ".key.new", stem + ".key", error);
          if (!error) {
            std::filesystem::rename(stem + ".pem.new", stem + ".pem", error);
          }
          if (error)
            return Fail(absl::UnavailableError("cannot rename " + stem));
        }
        return Print(client, options);
      });
}

int RunRevoke(const std::string& folder, const ClientOptions& options) {
  return WithAdmin(folder, options,
                   [&](v1::AdminService::Stub* admin, const auto&) {
                     v1::RevokeClientRequest request;
                     request.set_id(options.id);
                     request.set_reason_code(options.reason);
                     grpc::ClientContext call;
                     v1::Client client;
                     const grpc::Status status =
                         admin->RevokeClient(&call, request, &client);
                     if (!status.ok()) return PrintError(status, std::cerr);
                     return Print(client, options);
                   });
}

void AddCredentialOptions(CLI::App* command, ClientOptions* options) {
  command->add_option("--certificate", options->certificate,
                      "PEM file of a certificate of yours");
  command->add_option("--request", options->signing_request,
                      "PEM file of a PKCS #10 signing request");
  command->add_option("--days", options->days, "Until the certificate ends")
      ->default_str("90");
}

}  // namespace

void AddClient(CLI::App* app, CommandContext* context) {
  auto options = std::make_shared<ClientOptions>();
  CLI::App* client =
      app->add_subcommand("client", "Register the systems that may ask");
  client->require_subcommand(1);
  const auto sub = [&](const char* name, const char* text, bool with_id,
                       int (*run)(const std::string&, const ClientOptions&)) {
    CLI::App* command = client->add_subcommand(name, text);
    if (with_id) {
      command->add_option("id", options->id, "The registration")->required();
    }
    command->add_option("--as", options->as, "Administrator to call as")
        ->capture_default_str();
    command->add_flag("--json", options->json, "Print JSON");
    command->callback([context, options, run] {
      context->exit_code = run(context->folder, *options);
    });
    return command;
  };

  CLI::App* add = sub("add",
                      "Register a system; makes a key and certificate "
                      "unless you bring one",
                      true, RunAdd);
  add->add_option("--role", options->role,
                  "service, admin, compliance, dpo, reviewer")
      ->capture_default_str();
  add->add_option("--title", options->title, "For people");
  add->add_option("-p,--purpose", options->purposes,
                  "Purpose that it may state; repeat");
  add->add_option("--read", options->reads,
                  "Category that it may read, such as user.contact; repeat");
  add->add_option("--write", options->writes,
                  "Category that it may write; repeat");
  add->add_option("--channel", options->channels,
                  "web, app, email, ...; none: all; repeat");
  add->add_option("--source", options->sources,
                  "Source that it may write for; repeat");
  add->add_option("--permission", options->permissions,
                  "data.import, data.select, decisions.explain, ...; repeat");
  add->add_option("--attest", options->attests,
                  "Purpose or PURPOSE@NOTICE whose consents it may report; "
                  "repeat");
  add->add_option("--country", options->country,
                  "Where it processes; default: where the business sits");
  add->add_option("--transfer-ground", options->transfer_ground,
                  "adequacy, scc, bcr, certification");
  add->add_option("--contract", options->contract, "By reference");
  add->add_option("--recipient", options->recipient,
                  "The organisation, as named to customers");
  add->add_option("--calls-per-second", options->calls_per_second)
      ->default_str("1000");
  add->add_option("--subjects-per-hour", options->subjects_per_hour)
      ->default_str("10000");
  add->add_flag("--acting-person-required", options->acting_person);
  add->add_flag("--reason-required", options->reason_code);
  add->add_flag("--ticket-required", options->ticket);
  add->add_option("--delegate", options->delegates,
                  "Role whose holders' tokens it may carry: customer, service "
                  "(its own staff), compliance, ...; repeat");
  add->add_option("--token-client", options->token_client,
                  "Its name in those tokens (azp, client_id); default: the id");
  add->add_flag("--token-required", options->token,
                "Every call must carry a person's token");
  AddCredentialOptions(add, options.get());

  sub("list", "All registrations", false, RunList);
  sub("show", "One registration", true, RunShow);
  AddCredentialOptions(
      sub("renew", "Replace the certificate; the old one ends at once", true,
          RunRenew),
      options.get());
  sub("revoke", "End a registration for good, on open connections too", true,
      RunRevoke)
      ->add_option("--reason", options->reason, "A word of your own");
}

}  // namespace consentry::tools
