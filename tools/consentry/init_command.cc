#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "gateway/server/initialise.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/parse_words.h"

namespace consentry::tools {
namespace {

struct InitOptions {
  server::InitialiseOptions init;
  std::vector<std::string> sources;
  bool two_persons = false;
};

std::vector<std::string> Words(const std::string& line) {
  std::string spaced = line;
  for (char& c : spaced) {
    if (c == ',') c = ' ';
  }
  std::istringstream words(spaced);
  std::vector<std::string> list;
  for (std::string word; words >> word;) list.push_back(word);
  return list;
}

std::string Ask(const std::string& question, const std::string& suggestion) {
  std::cout << question;
  if (!suggestion.empty()) std::cout << " [" << suggestion << "]";
  std::cout << "\n> " << std::flush;
  std::string line;
  if (!std::getline(std::cin, line) || line.empty()) return suggestion;
  return line;
}

// "crm=Our CRM".
server::SourceChoice ParseSource(const std::string& text) {
  const size_t equals = text.find('=');
  server::SourceChoice source;
  source.key = text.substr(0, equals);
  if (equals != std::string::npos) source.title = text.substr(equals + 1);
  return source;
}

void AskAll(InitOptions* options) {
  server::InitialiseOptions& init = options->init;
  const auto countries = Words(Ask(
      "1/5 Countries: where do you sit, and whom do you address? Codes, the "
      "home first (DE, US-CA, ...)",
      "DE"));
  if (!countries.empty()) init.home = countries.front();
  init.markets = countries;
  options->sources = Words(
      Ask("2/5 Sources: which systems hold customers, the most trusted first?",
          "crm web_shop pos"));
  init.purposes = Words(
      Ask("3/5 Purposes: keys to keep; empty keeps all of the sample, which "
          "you can edit",
          ""));
  init.address = Ask("4/5 Where does the gateway listen?", "127.0.0.1:50051");
  init.name =
      Ask("5/5 Who are you? Name of the business, as customers know it", "");
  init.contact = Ask("    Where do they reach you about their data?", "");
}

int RunInit(const std::string& folder, InitOptions* options) {
  server::InitialiseOptions& init = options->init;
  init.folder = folder;
  if (init.home.empty()) {
    if (isatty(STDIN_FILENO) == 0) {
      std::cerr << "consentry: --home is required where nobody can be asked, "
                   "for example: consentry init --home DE\n";
      return kExitNo;
    }
    AskAll(options);
  }
  for (const std::string& text : options->sources) {
    init.sources.push_back(ParseSource(text));
  }
  init.single_operator = !options->two_persons;
  std::string recovery;
  init.show_recovery_key = [&recovery](std::string_view key) {
    recovery = std::string(key);
  };
  const auto made = server::Initialise(init);
  if (!made.ok()) return Fail(made.status());
  std::cout
      << "Made a gateway in " << folder << "\n\n"
      << "  recovery key    " << recovery << "\n"
      << "                  shown this once: write it down and keep it "
         "apart\n"
      << "  log's public key  " << made->verifier_key << "\n"
      << "                  keep a copy outside of this machine\n\n"
      << "Next:\n"
      << "  consentry --config " << folder << " serve\n"
      << "  consentry --config " << folder
      << " client add crm --purpose essential.service.operations.support\n"
      << "  consentry --config " << folder << " doctor\n";
  std::fill(recovery.begin(), recovery.end(), '\0');
  return kExitOk;
}

}  // namespace

void AddInit(CLI::App* app, CommandContext* context) {
  auto options = std::make_shared<InitOptions>();
  server::InitialiseOptions& init = options->init;
  CLI::App* command = app->add_subcommand(
      "init", "Make a gateway: keys, certificates, configuration");
  command->add_option("--home", init.home,
                      "Where the business sits: DE, US-CA; without it five "
                      "questions are asked");
  command->add_option("--market", init.markets,
                      "Where it addresses people; repeat");
  command->add_option(
      "--threshold", init.thresholds,
      "Threshold that it meets, such as us-ca.business; repeat");
  command->add_option("--source", options->sources,
                      "System that holds customers, KEY or KEY=TITLE, the most "
                      "trusted first; repeat");
  command->add_option("--purpose", init.purposes,
                      "Purpose to keep of the sample; repeat; none keeps all");
  command->add_option("--listen", init.address, "Address and port")
      ->default_str("127.0.0.1:50051");
  command->add_option("--host-name", init.host_names,
                      "Name or address in the server's certificate; repeat");
  command->add_option("--name", init.name, "Name of the business");
  command->add_option("--contact", init.contact,
                      "Where customers reach it about their data");
  command->add_option("--dpo", init.dpo_contact,
                      "Where they reach the data protection officer");
  command->add_flag("--two-persons", options->two_persons,
                    "A second person approves what changes powers");
  command->callback([context, options] {
    context->exit_code = RunInit(context->folder, options.get());
  });
}

}  // namespace consentry::tools
