#include "tools/consentry/policy_commands.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <memory>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "google/protobuf/struct.pb.h"
#include "policy/engine/engine.h"
#include "policy/engine/explain.h"
#include "policy/engine/policy_case.h"
#include "policy/packs/pack_cases.h"
#include "proto/support/status_macros.h"
#include "tools/consentry/policy_coverage.h"
#include "tools/consentry/policy_lint.h"
#include "tools/consentry/policy_report.h"

namespace consentry::tools {
namespace {

namespace fs = std::filesystem;
using config::v1::PolicyCase;
using google::protobuf::ListValue;
using google::protobuf::Struct;

constexpr int kOk = 0;
constexpr int kCannotRun = 1;
constexpr int kNotAsItShouldBe = 2;

int Fail(const absl::Status& status, std::ostream& err) {
  err << "consentry policy: " << status.message() << "\n";
  return kCannotRun;
}

// --- test ------------------------------------------------------------------

struct FileResult {
  std::string file;
  size_t cases = 0;
  size_t failed = 0;
};

struct Failure {
  std::string place;
  std::string name;
  std::vector<std::string> differences;
};

struct TestResult {
  std::vector<FileResult> files;
  std::vector<Failure> failures;
  std::vector<std::string> passed;
  std::vector<PolicyCoverage::PackCoverage> coverage;
  size_t cases = 0;
};

bool IsRegistry(const std::string& name) {
  const std::string file = fs::path(name).filename().string();
  return file == "catalog.txtpb" || file == "purposes.txtpb";
}

// Case files, and where they bring a catalog and purposes of their own, these.
absl::StatusOr<std::vector<CaseFile>> LoadCases(
    const std::vector<std::string>& paths, PolicySources* sources) {
  std::vector<CaseFile> out;
  if (paths.empty()) {
    for (const EmbeddedFile& file : policy::EmbeddedCases()) {
      if (IsRegistry(std::string(file.name))) continue;
      CONSENTRY_ASSIGN_OR_RETURN(
          auto parsed,
          ParseCaseFile(absl::StrCat("(shipped)/", std::string(file.name)),
                        file.content));
      out.push_back(std::move(parsed));
    }
    return out;
  }
  for (const std::string& path : paths) {
    CONSENTRY_ASSIGN_OR_RETURN(const auto files, ListPolicyFiles(path));
    for (const std::string& file : files) {
      const std::string leaf = fs::path(file).filename().string();
      if (IsRegistry(file)) {
        std::string* given =
            leaf == "catalog.txtpb" ? &sources->catalog : &sources->purposes;
        if (given->empty()) *given = file;
        continue;
      }
      CONSENTRY_ASSIGN_OR_RETURN(const std::string text, ReadPolicyFile(file));
      CONSENTRY_ASSIGN_OR_RETURN(auto parsed, ParseCaseFile(file, text));
      out.push_back(std::move(parsed));
    }
  }
  return out;
}

// What differs, empty when the case is as expected.
absl::StatusOr<std::vector<std::string>> RunCase(const policy::Bundle& bundle,
                                                 const CaseFile& file,
                                                 size_t index,
                                                 PolicyCoverage* coverage) {
  const int i = static_cast<int>(index);
  const PolicyCase& one = file.located.message.cases(i);
  CONSENTRY_ASSIGN_OR_RETURN(
      const policy::BoundCase bound,
      policy::BindCase(bundle, one, policy::PlaceOf(file.located).At("cases", i)));
  policy::Decision decision;
  CONSENTRY_RETURN_IF_ERROR(
      policy::Decide(bundle, bound.facts, bound.request, &decision));
  CONSENTRY_ASSIGN_OR_RETURN(
      auto differences,
      policy::CompareWithExpectation(bundle, decision, one.expect()));
  if (differences.empty()) coverage->Add(bundle, one, bound, decision);
  return differences;
}

absl::StatusOr<TestResult> RunCases(const std::vector<CaseFile>& files,
                                    BundleCache* bundles) {
  TestResult result;
  PolicyCoverage coverage(bundles->sources().packs);
  for (const CaseFile& file : files) {
    FileResult row;
    row.file = file.name;
    const int count = file.located.message.cases_size();
    for (int i = 0; i < count; ++i) {
      const auto index = static_cast<size_t>(i);
      CONSENTRY_ASSIGN_OR_RETURN(const auto bundle,
                                 bundles->Get(file.ProfileOf(index)));
      auto differences = RunCase(*bundle, file, index, &coverage);
      if (!differences.ok()) {
        differences = std::vector<std::string>{
            std::string(differences.status().message().data(),
                        differences.status().message().size())};
      }
      const std::string& name = file.located.message.cases(i).name();
      ++row.cases;
      if (differences->empty()) {
        result.passed.push_back(absl::StrCat(row.file, ": ", name));
      } else {
        ++row.failed;
        result.failures.push_back(
            {file.PlaceOf(index), name, *std::move(differences)});
      }
    }
    result.cases += row.cases;
    result.files.push_back(std::move(row));
  }
  result.coverage = coverage.Report();
  return result;
}

void PrintTest(const PolicyTestOptions& options, const TestResult& result,
               std::ostream& out) {
  size_t width = 0;
  for (const FileResult& row : result.files) {
    width = std::max(width, row.file.size());
  }
  for (const FileResult& row : result.files) {
    out << absl::StrFormat("%-*s %5d passed", static_cast<int>(width), row.file,
                           row.cases - row.failed);
    if (row.failed > 0) out << absl::StrFormat(" %5d FAILED", row.failed);
    out << "\n";
  }
  if (options.verbose) {
    for (const std::string& name : result.passed) out << "ok " << name << "\n";
  }
  for (const Failure& failure : result.failures) {
    out << "\n" << failure.place << ": " << failure.name << "\n";
    for (const std::string& line : failure.differences) {
      out << "  " << line << "\n";
    }
  }
  out << "\n"
      << absl::StrFormat("%-16s %14s %14s\n", "pack", "cells", "rules");
  for (const auto& pack : result.coverage) {
    out << absl::StrFormat(
        "%-16s %14s %14s\n", pack.pack,
        absl::StrCat(pack.cells_reached, " of ", pack.cells),
        absl::StrCat(pack.rules_reached, " of ", pack.rules));
  }
  for (const auto& pack : result.coverage) {
    for (const std::string& cell : pack.missing_cells) {
      out << "cell not reached: " << pack.pack << "/" << cell << "\n";
    }
    for (const std::string& rule : pack.missing_rules) {
      out << "no case determines: " << pack.pack << "/" << rule << "\n";
    }
  }
  out << "\n"
      << result.cases - result.failures.size() << " of " << result.cases
      << " cases passed, "
      << absl::StrFormat("%.1f", PolicyCoverage::Percent(result.coverage))
      << "% of cells reached\n";
}

void PrintTestJson(const TestResult& result, std::ostream& out) {
  Struct root;
  auto& fields = *root.mutable_fields();
  fields["cases"] = JsonNumber(static_cast<double>(result.cases));
  fields["failed"] = JsonNumber(static_cast<double>(result.failures.size()));
  fields["cells_percent"] =
      JsonNumber(PolicyCoverage::Percent(result.coverage));
  ListValue* failures = fields["failures"].mutable_list_value();
  for (const Failure& failure : result.failures) {
    Struct one;
    (*one.mutable_fields())["place"] = JsonText(failure.place);
    (*one.mutable_fields())["name"] = JsonText(failure.name);
    ListValue* lines =
        (*one.mutable_fields())["differences"].mutable_list_value();
    for (const std::string& line : failure.differences) {
      *lines->add_values() = JsonText(line);
    }
    *failures->add_values() = JsonObject(std::move(one));
  }
  ListValue* packs = fields["packs"].mutable_list_value();
  for (const auto& pack : result.coverage) {
    Struct one;
    auto& row = *one.mutable_fields();
    row["pack"] = JsonText(pack.pack);
    row["cells"] = JsonNumber(static_cast<double>(pack.cells));
    row["cells_reached"] = JsonNumber(static_cast<double>(pack.cells_reached));
    row["rules"] = JsonNumber(static_cast<double>(pack.rules));
    row["rules_reached"] = JsonNumber(static_cast<double>(pack.rules_reached));
    ListValue* cells = row["missing_cells"].mutable_list_value();
    for (const std::string& cell : pack.missing_cells) {
      *cells->add_values() = JsonText(cell);
    }
    ListValue* rules = row["missing_rules"].mutable_list_value();
    for (const std::string& rule : pack.missing_rules) {
      *rules->add_values() = JsonText(rule);
    }
    *packs->add_values() = JsonObject(std::move(one));
  }
  out << ToJson(root);
}

// --- eval and explain --------------------------------------------------------

// A case, the bundle for it, and what was decided.
struct Evaluated {
  PolicyCase one;
  std::shared_ptr<const policy::Bundle> bundle;
  policy::BoundCase bound;
  policy::Decision decision;
};

absl::StatusOr<std::string> ReadCaseText(const std::string& file,
                                         std::istream& in) {
  if (file != "-") return ReadPolicyFile(file);
  std::string text;
  char buffer[4096];
  while (in.read(buffer, sizeof buffer) || in.gcount() > 0) {
    text.append(buffer, static_cast<size_t>(in.gcount()));
    if (text.size() > TextProto::kMaxBytes) {
      return absl::InvalidArgumentError("standard input: is larger than 4 MiB");
    }
  }
  return text;
}

// A file of cases, made of one where the text is a bare PolicyCase.
absl::StatusOr<CaseFile> ParseOneOrMany(const std::string& file,
                                        const std::string& text) {
  auto many = ParseCaseFile(file, text);
  if (many.ok() && many->located.message.cases_size() > 0) return many;
  auto one = policy::ParseText<PolicyCase>(file, text);
  if (!one.ok()) {
    // Tell the fault of what the text looks like.
    return text.find("cases {") != std::string::npos ||
                   text.find("cases:") != std::string::npos
               ? many.status()
               : one.status();
  }
  CaseFile out;
  out.name = file;
  *out.located.message.add_cases() = std::move(one->message);
  return out;
}

absl::StatusOr<Evaluated> Evaluate(const PolicyEvalOptions& options,
                                   std::istream& in) {
  CONSENTRY_ASSIGN_OR_RETURN(const std::string text,
                             ReadCaseText(options.file, in));
  const std::string name =
      options.file == "-" ? "(standard input)" : options.file;
  CONSENTRY_ASSIGN_OR_RETURN(const CaseFile file, ParseOneOrMany(name, text));
  int index = -1;
  for (int i = 0; i < file.located.message.cases_size(); ++i) {
    if (options.name.empty() ||
        file.located.message.cases(i).name() == options.name) {
      if (index >= 0) {
        return absl::InvalidArgumentError(absl::StrCat(
            name, ": holds several cases: say which by --case"));
      }
      index = i;
    }
  }
  if (index < 0) {
    return absl::NotFoundError(absl::StrCat(name, ": holds no such case"));
  }
  CONSENTRY_ASSIGN_OR_RETURN(auto sources,
                             LoadPolicySources(options.sources, false));
  BundleCache bundles(std::move(sources));
  Evaluated out;
  out.one = file.located.message.cases(index);
  CONSENTRY_ASSIGN_OR_RETURN(
      out.bundle, bundles.Get(file.ProfileOf(static_cast<size_t>(index))));
  CONSENTRY_ASSIGN_OR_RETURN(
      out.bound, policy::BindCase(*out.bundle, out.one,
                                  policy::PlaceOf(file.located).At("cases", index)));
  CONSENTRY_RETURN_IF_ERROR(policy::Decide(*out.bundle, out.bound.facts,
                                           out.bound.request, &out.decision));
  return out;
}

// kOk, or kNotAsItShouldBe after printing what differs from the expectation.
int Compare(const Evaluated& evaluated, std::ostream& err) {
  if (!evaluated.one.has_expect()) return kOk;
  const auto differences = policy::CompareWithExpectation(
      *evaluated.bundle, evaluated.decision, evaluated.one.expect());
  if (!differences.ok()) return Fail(differences.status(), err);
  for (const std::string& line : *differences) {
    err << "not as expected: " << line << "\n";
  }
  return differences->empty() ? kOk : kNotAsItShouldBe;
}

// --- the command line ---------------------------------------------------------

void AddSources(CLI::App* command, PolicySources* sources) {
  command->add_option("--config", sources->config,
                      "the gateway's configuration: takes catalog, purposes, "
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

}  // namespace

int RunPolicyTest(const PolicyTestOptions& options, std::ostream& out,
                  std::ostream& err) {
  PolicySources sources = options.sources;
  const auto files = LoadCases(options.cases, &sources);
  if (!files.ok()) return Fail(files.status(), err);
  if (files->empty()) return Fail(absl::NotFoundError("no case files"), err);
  auto loaded = LoadPolicySources(sources, true);
  if (!loaded.ok()) return Fail(loaded.status(), err);
  BundleCache bundles(*std::move(loaded));
  const auto result = RunCases(*files, &bundles);
  if (!result.ok()) return Fail(result.status(), err);
  if (options.json) {
    PrintTestJson(*result, out);
  } else {
    PrintTest(options, *result, out);
  }
  bool bad = !result->failures.empty();
  if (options.coverage_threshold &&
      PolicyCoverage::Percent(result->coverage) < *options.coverage_threshold) {
    err << "consentry policy: fewer cells are reached than "
        << *options.coverage_threshold << "%\n";
    bad = true;
  }
  for (const auto& pack : result->coverage) {
    if (options.all_rules && !pack.missing_rules.empty()) {
      err << "consentry policy: " << pack.missing_rules.size() << " rules of "
          << pack.pack << " are determined by no case\n";
      bad = true;
    }
  }
  return bad ? kNotAsItShouldBe : kOk;
}

int RunPolicyEval(const PolicyEvalOptions& options, std::istream& in,
                  std::ostream& out, std::ostream& err) {
  const auto evaluated = Evaluate(options, in);
  if (!evaluated.ok()) return Fail(evaluated.status(), err);
  out << (options.json
              ? ToJson(DecisionJson(*evaluated->bundle, evaluated->decision))
              : DecisionText(*evaluated->bundle, evaluated->decision));
  return Compare(*evaluated, err);
}

int RunPolicyExplain(const PolicyEvalOptions& options, std::istream& in,
                     std::ostream& out, std::ostream& err) {
  const auto evaluated = Evaluate(options, in);
  if (!evaluated.ok()) return Fail(evaluated.status(), err);
  const policy::Explanation explanation =
      policy::Explain(*evaluated->bundle, evaluated->bound.facts,
                      evaluated->bound.request, evaluated->decision);
  if (options.json) {
    Struct root = DecisionJson(*evaluated->bundle, evaluated->decision);
    Struct steps = ExplanationJson(explanation);
    (*root.mutable_fields())["steps"] = (*steps.mutable_fields())["steps"];
    out << ToJson(root);
  } else {
    if (!evaluated->one.name().empty()) out << evaluated->one.name() << "\n\n";
    out << explanation.ToText() << "\n"
        << DecisionText(*evaluated->bundle, evaluated->decision);
  }
  return Compare(*evaluated, err);
}

int RunPolicyLint(const PolicyLintOptions& options, std::ostream& out,
                  std::ostream& err) {
  auto sources = LoadPolicySources(options.sources, false);
  if (!sources.ok()) return Fail(sources.status(), err);
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
  return counts[1] + counts[2] > 0 ? kNotAsItShouldBe : kOk;
}

void AddPolicy(CLI::App& app) {
  CLI::App* policy =
      app.add_subcommand("policy", "test, explain and check the rules");
  policy->require_subcommand(1);

  auto test_options = std::make_shared<PolicyTestOptions>();
  CLI::App* test = policy->add_subcommand(
      "test", "run the cases of the packs and say what they cover");
  test->add_option("cases", test_options->cases,
                   "case files or folders; none: the shipped cases");
  test->add_option("--coverage-threshold", test_options->coverage_threshold,
                   "fail when fewer percent of the cells are reached")
      ->check(CLI::Range(0.0, 100.0));
  test->add_flag("--all-rules", test_options->all_rules,
                 "fail when a rule is determined by no case");
  test->add_flag("--json", test_options->json, "print JSON");
  test->add_flag("--verbose,-v", test_options->verbose, "list passed cases");
  AddSources(test, &test_options->sources);
  test->callback([test_options] {
    throw CLI::RuntimeError(
        RunPolicyTest(*test_options, std::cout, std::cerr));
  });

  auto explain_options = std::make_shared<PolicyEvalOptions>();
  CLI::App* explain =
      policy->add_subcommand("explain", "tell in words why a case ends so");
  AddCase(explain, explain_options.get());
  explain->callback([explain_options] {
    throw CLI::RuntimeError(
        RunPolicyExplain(*explain_options, std::cin, std::cout, std::cerr));
  });

  auto eval_options = std::make_shared<PolicyEvalOptions>();
  CLI::App* eval = policy->add_subcommand(
      "eval", "decide one case, without a store or gateway");
  AddCase(eval, eval_options.get());
  eval->callback([eval_options] {
    throw CLI::RuntimeError(
        RunPolicyEval(*eval_options, std::cin, std::cout, std::cerr));
  });

  auto lint_options = std::make_shared<PolicyLintOptions>();
  CLI::App* lint = policy->add_subcommand(
      "lint", "find what is doubtful in packs, purposes and catalog");
  lint->add_flag("--notes", lint_options->notes,
                 "list notes too: unchecked citations, conditions");
  lint->add_flag("--json", lint_options->json, "print JSON");
  AddSources(lint, &lint_options->sources);
  lint->callback([lint_options] {
    throw CLI::RuntimeError(
        RunPolicyLint(*lint_options, std::cout, std::cerr));
  });
}

}  // namespace consentry::tools
