#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gateway/server/answers.h"
#include "gateway/server/initialise.h"
#include "proto/support/status_macros.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/init_questions.h"
#include "tools/consentry/parse_words.h"

namespace consentry::tools {
namespace {

struct InitOptions {
  server::InitialiseOptions init;
  std::vector<std::string> sources;
  bool two_persons = false;
};

// Flags are read as answers are.
absl::Status ReadFlags(InitOptions* options) {
  server::InitialiseOptions& init = options->init;
  CONSENTRY_ASSIGN_OR_RETURN(init.home, ParsePlace(init.home));
  for (std::string& market : init.markets) {
    CONSENTRY_ASSIGN_OR_RETURN(market, ParsePlace(market));
  }
  for (const std::string& text : options->sources) {
    CONSENTRY_ASSIGN_OR_RETURN(server::SourceChoice source, ParseSource(text));
    init.sources.push_back(std::move(source));
  }
  return absl::OkStatus();
}

// Commands that lead from an empty gateway to a first answer.
void ShowNext(const std::string& program, const std::string& folder,
              const server::InitialiseOptions& init) {
  const std::string consentry = program + " --config " + folder;
  std::vector<std::string> sources;
  for (const auto& source : init.sources) sources.push_back(source.key);
  if (sources.empty()) sources = {"crm", "web_shop", "pos"};
  std::cout << "Next, in this order:\n\n"
            << "1. Serve, in a terminal of its own:\n"
            << "     " << consentry << " serve\n"
            << "2. Register the system that brings customers in:\n"
            << "     " << consentry
            << " client add data-import --purpose essential.service.operations "
               "--write user";
  for (const std::string& source : sources) std::cout << " --source " << source;
  std::cout
      << " --permission data.import --permission data.legal_facts\n"
      << "3. Draft a map for an export, look it over, import:\n"
      << "     " << consentry << " import --draft customers.csv\n"
      << "     " << consentry
      << " import --as data-import --map customers.csv.map.txtpb "
         "customers.csv\n"
      << "4. Register a system that asks, and ask as it would:\n"
      << "     " << consentry
      << " client add helpdesk --purpose essential.service.operations.support "
         "--read user\n"
      << "     " << consentry
      << " read email:someone@example.org --as helpdesk --purpose "
         "essential.service.operations.support --fields profile.given_name\n\n"
      << "At any time: " << consentry << " doctor\n";
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
    const absl::Status asked = AskQuestions(std::cin, std::cout, &init);
    if (!asked.ok()) return Fail(asked);
    std::cout << "\n";
  } else if (const absl::Status read = ReadFlags(options); !read.ok()) {
    return Fail(read);
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
      << "                  shown this once: write it down, keep it apart "
         "from this machine, then `consentry keys confirm`\n"
      << "  public key      " << made->verifier_key << "\n"
      << "                  of the audit log; keep a copy elsewhere, to check "
         "the log against\n\n";
  std::string open;
  for (const std::string& threshold : server::OpenThresholds(init)) {
    open += (open.empty() ? "" : ", ") + threshold;
  }
  if (!open.empty()) {
    std::cout << "Note: a law of your markets that attaches to larger "
                 "businesses alone does not attach\nhere. If you reach its "
                 "size, say so in consentry.txtpb, controller.thresholds:\n  "
              << open << "\n\n";
  }
  if (!init.single_operator) {
    std::cout << "Two persons: from tomorrow on, what gives power waits until "
                 "another person approves\nit. Give "
              << folder
              << "/clients/dpo.key and .pem to that person, and keep no copy; "
                 "then:\n  consentry proposals approve prp_... --as dpo\n\n";
  } else {
    std::cout << "One person: from tomorrow on, what gives power takes effect "
                 "a day after it was\nproposed (`consentry proposals list`). "
                 "Today, while you set up, nothing waits.\n\n";
  }
  if (init.reviewer) {
    std::cout << "Reviewers: give " << folder
              << "/clients/reviewer.key and .pem to whoever looks at what "
                 "machines\ndecided; then:\n  consentry review list\n\n";
  }
  ShowNext(ProgramPath(), folder, init);
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
  command
      ->add_option("--market", init.markets,
                   "Where it addresses people: DE,FR,US-CA")
      ->delimiter(',');
  command
      ->add_option("--threshold", init.thresholds,
                   "Threshold that it meets, such as us-ca.business; repeat")
      ->delimiter(',');
  command->add_option("--source", options->sources,
                      "System that holds customers, KEY or KEY=TITLE, the most "
                      "trusted first; repeat");
  command
      ->add_option("--purpose", init.purposes,
                   "Purpose to keep of the sample; repeat; none keeps all")
      ->delimiter(',');
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
  command->add_flag("--reviewer", init.reviewer,
                    "A registration for staff who look at what machines "
                    "decided");
  command->callback([context, options] {
    context->exit_code = RunInit(context->folder, options.get());
  });
}

}  // namespace consentry::tools
