#include <algorithm>
#include <filesystem>
#include <ostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "google/protobuf/struct.pb.h"
#include "policy/engine/engine.h"
#include "policy/engine/policy_case.h"
#include "policy/packs/pack_cases.h"
#include "proto/support/status_macros.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/policy_commands.h"
#include "tools/consentry/policy_coverage.h"
#include "tools/consentry/policy_report.h"

namespace consentry::tools {
namespace {

namespace fs = std::filesystem;
using config::v1::PolicyCase;
using google::protobuf::ListValue;
using google::protobuf::Struct;

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
      policy::BindCase(bundle, one,
                       policy::PlaceOf(file.located).At("cases", i)));
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
  out << "\n" << absl::StrFormat("%-16s %14s %14s\n", "pack", "cells", "rules");
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

}  // namespace

int RunPolicyTest(const PolicyTestOptions& options, std::ostream& out,
                  std::ostream& err) {
  PolicySources sources = options.sources;
  const auto files = LoadCases(options.cases, &sources);
  if (!files.ok()) return FailPolicy(files.status(), err);
  if (files->empty())
    return FailPolicy(absl::NotFoundError("no case files"), err);
  auto loaded = LoadPolicySources(sources, true);
  if (!loaded.ok()) return FailPolicy(loaded.status(), err);
  BundleCache bundles(*std::move(loaded));
  const auto result = RunCases(*files, &bundles);
  if (!result.ok()) return FailPolicy(result.status(), err);
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
  return bad ? kExitNo : kExitOk;
}

}  // namespace consentry::tools
