#include "tools/consentry/conduct_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "policy/conduct/conduct_case.h"
#include "policy/conduct/rulebook.h"
#include "policy/conduct/text_scanner.h"
#include "proto/support/status_macros.h"
#include "tools/consentry/command.h"
#include "tools/consentry/csv.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/policy_files.h"
#include "tools/consentry/printable.h"

namespace consentry::tools {
namespace {

using conduct::RuleFile;
using conduct::TextFinding;
using conduct::TextScan;
using conduct::TextScanner;
using config::v1::ConductProof;
using config::v1::ConductRules;
using config::v1::ConductType;

int FailConduct(const std::string& message, std::ostream& err) {
  err << "consentry: " << message << "\n";
  return kExitError;
}

absl::StatusOr<std::unique_ptr<TextScanner>> LoadScanner(
    const std::vector<std::string>& paths) {
  CONSENTRY_ASSIGN_OR_RETURN(std::vector<RuleFile> files,
                             conduct::ShippedRuleFiles());
  for (const std::string& path : paths) {
    CONSENTRY_ASSIGN_OR_RETURN(const std::vector<std::string> list,
                               ListPolicyFiles(path));
    for (const std::string& file : list) {
      CONSENTRY_ASSIGN_OR_RETURN(const std::string text, ReadPolicyFile(file));
      CONSENTRY_ASSIGN_OR_RETURN(RuleFile parsed,
                                 policy::ParseText<ConductRules>(file, text));
      files.push_back(std::move(parsed));
    }
  }
  return TextScanner::Create(files);
}

std::string Quoted(std::string_view text) {
  google::protobuf::Value value;
  value.set_string_value(std::string(text));
  std::string json;
  // A string value is always printable.
  (void)google::protobuf::util::MessageToJsonString(value, &json);
  return json;
}

std::string FindingJson(const TextFinding& finding, std::string_view text) {
  std::string json = absl::StrCat(
      "{\"rule\":", Quoted(finding.rule), ",\"claim\":", Quoted(finding.claim),
      ",\"type\":\"", ConductType::Value_Name(finding.type), "\",\"proof\":\"",
      ConductProof::Value_Name(finding.proof), "\",\"start\":", finding.start,
      ",\"length\":", finding.length,
      ",\"text\":", Quoted(text.substr(finding.start, finding.length)));
  const auto number = [&json](const char* key,
                              const std::optional<int64_t>& value) {
    if (value) absl::StrAppend(&json, ",\"", key, "\":", *value);
  };
  number("quantity", finding.quantity);
  number("percent", finding.percent);
  number("left_seconds", finding.left_s);
  if (!finding.deadline.empty()) {
    absl::StrAppend(&json, ",\"deadline\":", Quoted(finding.deadline));
  }
  if (!finding.former_price.empty()) {
    absl::StrAppend(&json, ",\"former_price\":", Quoted(finding.former_price));
  }
  return json + "}";
}

std::string RowJson(uint64_t row, const TextScan& scan, std::string_view text,
                    std::string_view error) {
  std::string json = absl::StrCat("{\"row\":", row, ",\"findings\":[");
  for (size_t i = 0; i < scan.findings.size(); ++i) {
    absl::StrAppend(&json, i == 0 ? "" : ",",
                    FindingJson(scan.findings[i], text));
  }
  json += ']';
  if (!scan.complete) json += ",\"complete\":false";
  if (!error.empty()) absl::StrAppend(&json, ",\"error\":", Quoted(error));
  return json + "}\n";
}

// One line of the table.
std::string FindingLine(uint64_t row, const TextFinding& finding,
                        std::string_view text) {
  return absl::StrFormat("%7d  %-13s %-20s %s\n", row,
                         ConductType::Value_Name(finding.type), finding.claim,
                         Printable(text.substr(finding.start, finding.length)));
}

std::optional<size_t> ColumnOf(const CsvReader& reader,
                               const std::string& name) {
  const auto found =
      std::find(reader.header().begin(), reader.header().end(), name);
  if (found == reader.header().end()) return std::nullopt;
  return static_cast<size_t>(found - reader.header().begin());
}

void PrintFailedCases(const std::vector<conduct::CaseResult>& cases, bool json,
                      std::ostream& out) {
  bool first = true;
  for (const conduct::CaseResult& one : cases) {
    if (one.differences.empty()) continue;
    if (json) {
      out << (first ? "" : ",") << "{\"case\":" << Quoted(one.name)
          << ",\"differences\":[";
      for (size_t i = 0; i < one.differences.size(); ++i) {
        out << (i == 0 ? "" : ",") << Quoted(one.differences[i]);
      }
      out << "]}";
    } else {
      out << one.name << "\n";
      for (const std::string& difference : one.differences) {
        out << "    " << Printable(difference) << "\n";
      }
    }
    first = false;
  }
}

}  // namespace

int ConductScan(const ConductScanOptions& options, std::ostream& out,
                std::ostream& err) {
  const auto scanner = LoadScanner(options.rules);
  if (!scanner.ok())
    return FailConduct(std::string(scanner.status().message()), err);
  std::ifstream in(options.file, std::ios::binary);
  if (!in) return FailConduct("cannot read " + options.file, err);
  const auto reader = CsvReader::Open(&in);
  if (!reader.ok()) {
    return FailConduct(
        absl::StrCat(options.file, ": ", reader.status().message()), err);
  }
  const auto column = ColumnOf(**reader, options.column);
  if (!column) {
    FailConduct(
        absl::StrCat(options.file, " has no column ", options.column,
                     "; it has ", absl::StrJoin((*reader)->header(), ", ")),
        err);
    return kExitNo;
  }
  uint64_t rows = 0;
  uint64_t rows_with = 0;
  uint64_t findings = 0;
  uint64_t unread = 0;
  CsvRow row;
  for (;;) {
    const auto more = (*reader)->Next(&row);
    if (!more.ok())
      return FailConduct(std::string(more.status().message()), err);
    if (!*more) break;
    ++rows;
    if (row.fault != CsvFault::kNone) {
      ++unread;
      if (options.json) {
        out << RowJson(rows, {}, {}, DescribeCsvFault(row.fault));
      } else {
        out << absl::StrFormat("%7d  not read: %s\n", rows,
                               std::string(DescribeCsvFault(row.fault)));
      }
      continue;
    }
    const std::string& text = row.fields[*column];
    const TextScan scan = (*scanner)->Scan(text, options.language);
    if (!scan.findings.empty()) ++rows_with;
    findings += scan.findings.size();
    if (options.json) {
      out << RowJson(rows, scan, text, {});
      continue;
    }
    for (const TextFinding& finding : scan.findings) {
      out << FindingLine(rows, finding, text);
    }
    if (!scan.complete) {
      out << absl::StrFormat("%7d  too long: looked at in part\n", rows);
    }
  }
  if (!options.json) {
    out << absl::StrFormat("%d of %d rows make %d claims", rows_with, rows,
                           findings);
    if (unread > 0) out << absl::StrFormat("; %d could not be read", unread);
    out << "\n";
  }
  return kExitOk;
}

int ConductTest(const std::vector<std::string>& rules, bool json,
                std::ostream& out, std::ostream& err) {
  const auto scanner = LoadScanner(rules);
  if (!scanner.ok())
    return FailConduct(std::string(scanner.status().message()), err);
  size_t count = 0;
  const std::vector<conduct::ExampleFailure> failures =
      (*scanner)->RunExamples(&count);
  const auto cases = conduct::RunShippedCases();
  if (!cases.ok())
    return FailConduct(std::string(cases.status().message()), err);
  const auto failed_cases = static_cast<size_t>(
      std::count_if(cases->begin(), cases->end(),
                    [](const auto& one) { return !one.differences.empty(); }));
  if (json) {
    out << "{\"rules\":" << (*scanner)->rule_count()
        << ",\"examples\":" << count << ",\"failures\":[";
    for (size_t i = 0; i < failures.size(); ++i) {
      out << (i == 0 ? "" : ",") << "{\"rule\":" << Quoted(failures[i].rule)
          << ",\"example\":" << Quoted(failures[i].example)
          << ",\"found\":" << (failures[i].missed ? "false" : "true") << "}";
    }
    out << "],\"cases\":" << cases->size() << ",\"case_failures\":[";
    PrintFailedCases(*cases, /*json=*/true, out);
    out << "]}\n";
  } else {
    for (const conduct::ExampleFailure& failure : failures) {
      out << failure.rule << (failure.missed ? " misses: " : " finds: ")
          << Printable(failure.example) << "\n";
    }
    PrintFailedCases(*cases, /*json=*/false, out);
    out << absl::StrFormat("%d rules, %d examples, %d failed\n",
                           (*scanner)->rule_count(), count, failures.size());
    out << absl::StrFormat("%d cases, %d failed\n", cases->size(),
                           failed_cases);
  }
  return failures.empty() && failed_cases == 0 ? kExitOk : kExitNo;
}

int ConductCheck(const std::vector<std::string>& paths, std::ostream& out,
                 std::ostream& err) {
  conduct::Rulebook::Options options;
  for (const std::string& path : paths) {
    const auto list = ListPolicyFiles(path);
    if (!list.ok()) {
      return FailConduct(std::string(list.status().message()), err);
    }
    for (const std::string& file : *list) {
      const auto text = ReadPolicyFile(file);
      if (!text.ok()) {
        return FailConduct(std::string(text.status().message()), err);
      }
      auto parsed = policy::ParseText<config::v1::ConductPolicy>(file, *text);
      if (!parsed.ok()) {
        err << parsed.status().message() << "\n";
        return kExitNo;
      }
      options.own.push_back(*std::move(parsed));
    }
  }
  const size_t files = options.own.size();
  const auto rules = conduct::Rulebook::Create(std::move(options));
  if (!rules.ok()) {
    err << rules.status().message() << "\n";
    return kExitNo;
  }
  out << absl::StrFormat("%d files beside the shipped rules: no fault\n",
                         files);
  return kExitOk;
}

void AddConduct(CLI::App* app, CommandContext* context) {
  CLI::App* conduct = app->add_subcommand(
      "conduct", "Find claims in texts that need proof; try the rules");
  conduct->require_subcommand(1);
  constexpr char kRules[] = "More rules, a file or folder of protobuf text";

  auto scan = std::make_shared<ConductScanOptions>();
  CLI::App* scanning = conduct->add_subcommand(
      "scan", "Show what the texts in a column of a CSV or TSV file claim");
  scanning->add_option("file", scan->file, "CSV or TSV with a header")
      ->required();
  scanning->add_option("--column", scan->column, "The column of texts")
      ->required();
  scanning
      ->add_option("--language", scan->language, "Rules of one language only")
      ->check(CLI::IsMember({"de", "en", "es", "fr"}));
  scanning->add_option("--rules", scan->rules, kRules);
  scanning->add_flag("--json", scan->json, "Print one JSON line per row");
  scanning->callback([context, scan] {
    context->exit_code = ConductScan(*scan, std::cout, std::cerr);
  });

  struct TestOptions {
    std::vector<std::string> rules;
    bool json = false;
  };
  auto test = std::make_shared<TestOptions>();
  CLI::App* testing = conduct->add_subcommand(
      "test", "Run the examples that each rule carries, and the cases");
  testing->add_option("--rules", test->rules, kRules);
  testing->add_flag("--json", test->json, "Print JSON");
  testing->callback([context, test] {
    context->exit_code =
        ConductTest(test->rules, test->json, std::cout, std::cerr);
  });

  auto checked = std::make_shared<std::vector<std::string>>();
  CLI::App* checking = conduct->add_subcommand(
      "check", "Look for faults in own rules about outputs");
  checking->add_option("paths", *checked, "Files or folders of protobuf text")
      ->required();
  checking->callback([context, checked] {
    context->exit_code = ConductCheck(*checked, std::cout, std::cerr);
  });
}

}  // namespace consentry::tools
