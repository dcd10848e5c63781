#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "policy/fairness/profile.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/fairness_command.h"
#include "tools/consentry/policy_files.h"

namespace consentry::tools {
namespace {

namespace fairness = policy::fairness;

using google::protobuf::ListValue;
using google::protobuf::Struct;
using google::protobuf::Value;

constexpr size_t kWidth = 78;

Value Number(double number) {
  Value value;
  value.set_number_value(number);
  return value;
}

Value Text(const std::string& text) {
  Value value;
  value.set_string_value(text);
  return value;
}

Value Maybe(const std::optional<double>& number) {
  if (number) return Number(*number);
  Value value;
  value.set_null_value(google::protobuf::NULL_VALUE);
  return value;
}

void PrintJson(const fairness::Profile& profile,
               const fairness::Explanation& explained, std::ostream& out) {
  Struct root;
  auto& fields = *root.mutable_fields();
  fields["id"] = Text(profile.id());
  fields["model"] = Text(profile.message().model());
  fields["alpha"] = Number(profile.alpha());
  fields["alpha_per_stream"] = Number(explained.alpha_per_stream);
  fields["units_per_day"] = Number(explained.units_per_day);
  ListValue* const streams = fields["streams"].mutable_list_value();
  for (const fairness::StreamOutlook& one : explained.streams) {
    auto& row =
        *streams->add_values()->mutable_struct_value()->mutable_fields();
    row["attribute"] = Text(one.stream->attribute_name);
    row["group"] = Text(one.stream->group_name);
    row["reference"] = Text(one.stream->reference_name);
    row["metric"] = Text(profile.metrics()[one.stream->metric].name);
    row["pairs_per_day"] = Number(one.pairs_per_day);
    row["days_to_within_tolerance_if_equal"] = Maybe(one.days_if_equal);
    row["found_within_30_days_at_most"] = Maybe(one.found_in_30);
    row["found_within_90_days_at_most"] = Maybe(one.found_in_90);
    row["found_within_365_days_at_most"] = Maybe(one.found_in_365);
  }
  ListValue* const remarks = fields["remarks"].mutable_list_value();
  for (const std::string& remark : explained.remarks) {
    *remarks->add_values() = Text(remark);
  }
  std::string json;
  // A struct of numbers and text is always printable.
  (void)google::protobuf::util::MessageToJsonString(root, &json);
  out << json << "\n";
}

// Breaks at spaces.
void PrintWrapped(const std::string& text, std::ostream& out) {
  size_t column = 0;
  for (size_t at = 0; at < text.size();) {
    size_t end = text.find(' ', at);
    if (end == std::string::npos) end = text.size();
    const size_t length = end - at;
    if (column == 0) {
      out << "- ";
      column = 2;
    } else if (column + 1 + length > kWidth) {
      out << "\n  ";
      column = 2;
    } else {
      out << ' ';
      ++column;
    }
    out << text.substr(at, length);
    column += length;
    at = end + 1;
  }
  out << "\n";
}

std::string Days(const std::optional<double>& days) {
  if (!days) return "-";
  if (*days > 3650) return "> 10 years";
  return *days < 10 ? absl::StrFormat("%.1f", *days)
                    : absl::StrFormat("%.0f", *days);
}

std::string Found(const std::optional<double>& value) {
  return value ? absl::StrFormat("%.3f", *value) : "-";
}

void PrintTable(const fairness::Profile& profile,
                const fairness::Explanation& explained, std::ostream& out) {
  out << profile.id();
  if (!profile.message().title().empty()) {
    out << " (" << profile.message().title() << ")";
  }
  out << ": model " << profile.message().model() << "\n";
  if (explained.units_per_day > 0) {
    out << absl::StrFormat("at %g units a day\n", explained.units_per_day);
  }
  for (size_t m = 0; m < profile.metrics().size(); ++m) {
    const auto& metric = profile.metrics()[m];
    out << absl::StrFormat("\n%s, within tolerance from %.4g to %.4g\n",
                           metric.name, metric.tolerance.lower(),
                           metric.tolerance.upper());
    out << absl::StrFormat("  %-38s %10s %11s %s\n", "", "pairs", "days to",
                           "found if below, within");
    out << absl::StrFormat("  %-38s %10s %11s %7s %7s %7s\n",
                           "group against reference", "a day", "\"within\"",
                           "30 d", "90 d", "365 d");
    for (const fairness::StreamOutlook& one : explained.streams) {
      if (one.stream->metric != m) continue;
      out << absl::StrFormat("  %-38s %10.4g %11s %7s %7s %7s\n",
                             absl::StrCat(one.stream->group_name, " against ",
                                          one.stream->reference_name),
                             one.pairs_per_day, Days(one.days_if_equal),
                             Found(one.found_in_30), Found(one.found_in_90),
                             Found(one.found_in_365));
    }
  }
  out << "\n";
  for (const std::string& remark : explained.remarks) {
    PrintWrapped(remark, out);
  }
}

}  // namespace

int FairnessExplain(const FairnessExplainOptions& options, std::ostream& out,
                    std::ostream& err) {
  const auto fail = [&err](const absl::Status& status) {
    err << "consentry: " << status.message() << "\n";
    return kExitError;
  };
  const auto text = ReadPolicyFile(options.file);
  if (!text.ok()) return fail(text.status());
  config::v1::Catalog catalog;
  if (!options.catalog.empty()) {
    const auto words = ReadPolicyFile(options.catalog);
    if (!words.ok()) return fail(words.status());
    auto parsed =
        policy::ParseText<config::v1::Catalog>(options.catalog, *words);
    if (!parsed.ok()) return fail(parsed.status());
    catalog = std::move(parsed->message);
  }
  auto file =
      policy::ParseText<config::v1::FairnessProfile>(options.file, *text);
  const auto profile =
      file.ok()
          ? fairness::Profile::Create(
                *std::move(file), options.catalog.empty() ? nullptr : &catalog)
          : file.status();
  if (!profile.ok()) {
    err << profile.status().message() << "\n";
    return kExitNo;
  }
  if (options.units_per_day && !(*options.units_per_day >= 0)) {
    err << "consentry: --units-per-day must be 0 or more\n";
    return kExitNo;
  }
  const fairness::Explanation explained =
      fairness::Explain(**profile, options.units_per_day);
  if (options.json) {
    PrintJson(**profile, explained, out);
  } else {
    PrintTable(**profile, explained, out);
  }
  return kExitOk;
}

void AddFairnessProfiles(CLI::App* fairness, CommandContext* context) {
  CLI::App* const profiles = fairness->add_subcommand(
      "profiles", "What is watched and audited, model by model");
  profiles->require_subcommand(1);
  auto options = std::make_shared<FairnessExplainOptions>();
  CLI::App* const explain = profiles->add_subcommand(
      "explain",
      "Say what a profile will test, and what it can and cannot see");
  explain->add_option("file", options->file, "A profile as protobuf text")
      ->required();
  explain->add_option("--catalog", options->catalog,
                      "A catalog that must have its fields");
  explain->add_option("--units-per-day", options->units_per_day,
                      "Instead of the traffic that the profile expects");
  explain->add_flag("--json", options->json, "Print JSON");
  explain->callback([context, options] {
    context->exit_code = FairnessExplain(*options, std::cout, std::cerr);
  });
}

}  // namespace consentry::tools
