#include "tools/consentry/policy_commands.h"

#include <CLI/CLI.hpp>

#include <iostream>
#include <memory>

#include "google/protobuf/struct.pb.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/policy_lint.h"
#include "tools/consentry/policy_report.h"

namespace consentry::tools {
namespace {

using google::protobuf::ListValue;
using google::protobuf::Struct;

void AddSources(CLI::App* command, PolicySources* sources) {
  command->add_option(
      "--config", sources->config,
      "the gateway's configuration, or its folder: takes catalog, purposes, "
      "packs and profile from there");
  command->add_option("--catalog", sources->catalog, "data catalog");
  command->add_option("--purposes", sources->purposes, "purpose registry");
  command->add_option("--profile", sources->profile,
                      "profile of the business (ControllerProfile)");
  command->add_option("--pack", sources->packs,
                      "legal pack or folder of packs, in place of the shipped "
                      "ones; may be repeated");
  command->add_option("--own", sources->owner_pack, "the owner's own pack");
}

void AddCase(CLI::App* command, PolicyEvalOptions* options) {
  command->add_option("file", options->file,
                      "a case as protobuf text; - reads standard input");
  command->add_option("--case", options->name, "name of the case in the file");
  command->add_flag("--json", options->json, "print JSON");
  AddSources(command, &options->sources);
}

// Ends the command with the exit code, which App::exit returns.
[[noreturn]] void End(int code) { throw CLI::RuntimeError(code); }

void AddTest(CLI::App* policy) {
  auto options = std::make_shared<PolicyTestOptions>();
  CLI::App* command = policy->add_subcommand(
      "test", "run the cases of the packs and say what they cover");
  command->add_option("cases", options->cases,
                      "case files or folders; none: the shipped cases");
  command
      ->add_option("--coverage-threshold", options->coverage_threshold,
                   "fail when fewer percent of the cells are reached")
      ->check(CLI::Range(0.0, 100.0));
  command->add_flag("--all-rules", options->all_rules,
                    "fail when a rule is determined by no case");
  command->add_flag("--json", options->json, "print JSON");
  command->add_flag("--verbose,-v", options->verbose, "list passed cases");
  AddSources(command, &options->sources);
  command->callback(
      [options] { End(RunPolicyTest(*options, std::cout, std::cerr)); });
}

void AddExplain(CLI::App* policy) {
  auto options = std::make_shared<PolicyEvalOptions>();
  CLI::App* command =
      policy->add_subcommand("explain", "tell in words why a case ends so");
  AddCase(command, options.get());
  command->callback([options] {
    End(RunPolicyExplain(*options, std::cin, std::cout, std::cerr));
  });
}

void AddEval(CLI::App* policy) {
  auto options = std::make_shared<PolicyEvalOptions>();
  CLI::App* command = policy->add_subcommand(
      "eval", "decide one case, without a store or gateway");
  AddCase(command, options.get());
  command->callback([options] {
    End(RunPolicyEval(*options, std::cin, std::cout, std::cerr));
  });
}

void AddLint(CLI::App* policy) {
  auto options = std::make_shared<PolicyLintOptions>();
  CLI::App* command = policy->add_subcommand(
      "lint", "find what is doubtful in packs, purposes and catalog");
  command->add_flag("--notes", options->notes,
                    "list notes too: unchecked citations, conditions");
  command->add_flag("--json", options->json, "print JSON");
  AddSources(command, &options->sources);
  command->callback(
      [options] { End(RunPolicyLint(*options, std::cout, std::cerr)); });
}

}  // namespace

int RunPolicyLint(const PolicyLintOptions& options, std::ostream& out,
                  std::ostream& err) {
  auto sources = LoadPolicySources(options.sources, false);
  if (!sources.ok()) return FailPolicy(sources.status(), err);
  const auto findings = LintPolicy(*std::move(sources));
  const char* const kNames[] = {"note", "warning", "error"};
  size_t counts[3] = {};
  Struct root;
  ListValue* list = (*root.mutable_fields())["findings"].mutable_list_value();
  for (const LintFinding& finding : findings) {
    const auto severity = static_cast<size_t>(finding.severity);
    ++counts[severity];
    if (options.json) {
      Struct one;
      auto& row = *one.mutable_fields();
      row["severity"] = JsonText(kNames[severity]);
      row["place"] = JsonText(finding.place);
      row["message"] = JsonText(finding.message);
      *list->add_values() = JsonObject(std::move(one));
    } else if (options.notes || finding.severity != Severity::kNote) {
      out << finding.place << (finding.place.empty() ? "" : ": ")
          << kNames[severity] << ": " << finding.message << "\n";
    }
  }
  if (options.json) {
    out << ToJson(root);
  } else {
    out << counts[2] << " errors, " << counts[1] << " warnings, " << counts[0]
        << " notes" << (options.notes || counts[0] == 0 ? "" : " (--notes)")
        << "\n";
  }
  return counts[1] + counts[2] > 0 ? kExitNo : kExitOk;
}

void AddPolicy(CLI::App& app) {
  CLI::App* policy =
      app.add_subcommand("policy", "test, explain and check the rules");
  policy->require_subcommand(1);
  AddTest(policy);
  AddExplain(policy);
  AddEval(policy);
  AddLint(policy);
}

}  // namespace consentry::tools
