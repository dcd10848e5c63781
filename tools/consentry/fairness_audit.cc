#include "tools/consentry/fairness_audit.h"

#include <google/protobuf/util/json_util.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "policy/fairness/audit.h"
#include "policy/fairness/report_html.h"
#include "tools/consentry/command.h"
#include "tools/consentry/exit_code.h"
#include "tools/consentry/fairness_text.h"
#include "tools/consentry/printable.h"
#include "tools/consentry/show.h"

namespace consentry::tools {
namespace {

constexpr char kExpressions[] =
    "EXPR is a COLUMN, or COLUMN OP VALUE with OP one of = != < <= > >= in:\n"
    "  'score_text != Low'  'decile_score >= 5'  'status in A92, A95'\n"
    "= and in compare numbers where both sides are numbers, else text; < and\n"
    "the like compare numbers. A column alone holds where it is 1, true, yes,\n"
    "t or y. Names and values with operators inside stand in double quotes.\n"
    "An empty cell, \"unknown\" and \"nan\" are not known, unless EXPR names\n"
    "them.\n\n"
    "Columns of many numbers become groups by --bands age=30,60. Several\n"
    "--group are audited one by one, and with --cross all at once as well.\n\n"
    "Findings: within tolerance, OUTSIDE TOLERANCE, or insufficient, which is\n"
    "no pass. One audit is one look: run it on data that were not looked at\n"
    "before, by options that were fixed before, or say --descriptive.";

int Fail(const absl::Status& status, std::ostream& err) {
  err << "consentry: " << Printable(std::string(status.message())) << "\n";
  return status.code() == absl::StatusCode::kInvalidArgument ? kExitNo
                                                             : kExitError;
}

// Of one way of asking; the others would be without effect, and are refused.
constexpr std::string_view kOfBoth[] = {"--html", "--json", "--descriptive",
                                        "--help"};
constexpr std::string_view kOfRun[] = {
    "--run", "--from", "--to", "--model-version", "--as", "--confirmatory"};

void CheckEffect(const CLI::App& audit, bool with_run) {
  for (const CLI::Option* option : audit.get_options()) {
    if (option->count() == 0) continue;
    const std::string name = option->get_name();
    const auto is_in = [&name](const auto& names) {
      return std::find(std::begin(names), std::end(names), name) !=
             std::end(names);
    };
    if (is_in(kOfBoth) || is_in(kOfRun) == with_run) continue;
    throw CLI::ValidationError(
        name, with_run ? "has no effect with --run: the profile says it"
                       : "has an effect with --run alone");
  }
}
}  // namespace

int FairnessAudit(const FairnessAuditOptions& options, std::ostream& out,
                  std::ostream& err) {
  std::error_code fault;
  std::ifstream in(options.csv, std::ios::binary);
  if (!in || std::filesystem::is_directory(options.csv, fault)) {
    err << "consentry: cannot read " << options.csv << "\n";
    return kExitError;
  }
  auto read = ReadFairnessTable(options.columns, &in);
  if (!read.ok()) return Fail(read.status(), err);
  policy::fairness::AuditPlan plan = options.plan;
  plan.figures.insert(options.figures.begin(), options.figures.end());
  plan.groupings = read->groupings;
  plan.positive_is_favourable = read->positive_is_favourable;
  plan.by_variant = !options.columns.variant.empty();
  auto report = policy::fairness::RunAudit(plan, read->table);
  if (!report.ok()) return Fail(report.status(), err);
  report->set_subject(std::filesystem::path(options.csv).filename().string());
  report->set_unit("row of the file");
  report->set_prediction(read->prediction);
  report->set_outcome(read->outcome);
  if (read->unread > 0) {
    v1::FairnessLeftOut& left = *report->add_left_out();
    left.set_reason("row could not be read");
    left.set_count(static_cast<int64_t>(read->unread));
  }
  if (!options.html.empty()) {
    std::ofstream page(options.html, std::ios::binary | std::ios::trunc);
    page << policy::fairness::FairnessReportHtml(*report) << std::flush;
    if (!page) {
      err << "consentry: cannot write " << options.html << "\n";
      return kExitError;
    }
  }
  if (options.json) {
    ShowJson(*report, out);
  } else {
    ShowFairnessReport(*report, out);
  }
  return kExitOk;
}

void AddFairnessAudit(CLI::App* fairness, CommandContext* context,
                      FairnessRun run) {
  auto options = std::make_shared<FairnessAuditOptions>();
  auto online = std::make_shared<FairnessRunOptions>();
  CLI::App* audit = fairness->add_subcommand(
      "audit", run ? "Audit a CSV or TSV file, without a gateway, or with "
                     "--run what a gateway screened"
                   : "Audit a CSV or TSV file, without a gateway");
  audit->footer(kExpressions);
  FairnessColumns& columns = options->columns;
  CLI::Option* const csv =
      audit->add_option("--csv", options->csv, "File with a header");
  audit->add_option("--prediction", columns.prediction,
                    "EXPR: what is a positive prediction");
  audit->add_option("--label", columns.label, "EXPR: what came true");
  audit->add_option("--group", columns.groups,
                    "COLUMN (or EXPR) by which people are told apart");
  audit->add_option("--reference", columns.references,
                    "VALUE of the group that others are compared with; with "
                    "several --group COLUMN=VALUE [the largest]");
  audit->add_option("--favourable", columns.favourable,
                    "VALUE of the prediction that is good for the person: "
                    "true or false; of a COLUMN alone its value [true]");
  audit->add_option("--strata", columns.strata,
                    "COLUMN that lawfully explains a difference: compared "
                    "within each value");
  audit->add_option("--bands", columns.bands,
                    "COLUMN=30,60: numbers as groups");
  audit->add_flag("--cross", columns.cross, "All --group at once as well");
  audit->add_option("--score", columns.score, "COLUMN of scores");
  audit->add_option("--price", columns.price, "COLUMN of prices");
  audit->add_option("--score-range", columns.score_range,
                    "LOWER,UPPER: what scores can be; beyond it they count as "
                    "the end that they passed, and are counted [any]");
  audit->add_option("--price-range", columns.price_range,
                    "LOWER,UPPER: of prices, likewise [any]");
  audit->add_option("--variant", columns.variant,
                    "COLUMN of the arm of an A/B test: each for itself too");
  audit->add_option("--list", columns.list, "COLUMN: which ranked list");
  audit->add_option("--place", columns.place, "COLUMN: place in it, from 1");
  audit
      ->add_option("--inputs", columns.inputs,
                   "COLUMNS that a model uses: what they tell about groups")
      ->delimiter(',');
  audit
      ->add_option("--figures", options->figures,
                   "Only these besides the rate of predictions and means: " +
                       policy::fairness::AuditFigureNames() + " [all]")
      ->delimiter(',');
  policy::fairness::AuditPlan& plan = options->plan;
  audit->add_option("--alpha", plan.alpha, "Error rate of the whole audit")
      ->capture_default_str();
  audit
      ->add_option("--tolerance", plan.ratio_tolerance,
                   "Of favourable rates, group over reference: from this to "
                   "its inverse")
      ->capture_default_str();
  audit
      ->add_option("--difference", plan.difference_tolerance,
                   "Of other rates, group minus reference, either way")
      ->capture_default_str();
  audit
      ->add_option("--price-tolerance", plan.price_tolerance,
                   "Of prices, group over reference, either way")
      ->capture_default_str();
  audit
      ->add_option("--minimum", plan.minimum,
                   "Cases that each denominator needs")
      ->capture_default_str();
  audit
      ->add_option("--suppress-below", plan.suppress_below,
                   "Smaller groups are not told")
      ->capture_default_str();
  audit
      ->add_option("--pool-below", plan.pool_below,
                   "Smaller crossed groups are put together")
      ->capture_default_str();
  auto descriptive = std::make_shared<bool>(false);
  audit->add_flag("--descriptive", *descriptive,
                  "Figures and intervals, no tests and no findings");
  audit->add_option("--html", options->html, "Write a page for people there");
  audit->add_flag("--json", options->json, "Print JSON");
  if (run) {
    audit
        ->add_option("--run", online->profile,
                     "PROFILE: the gateway makes, signs and keeps the audit")
        ->excludes(csv);
    audit->add_option("--from", online->from,
                      "With --run: first day or time [90 days before the end; "
                      "with --confirmatory now]");
    audit->add_option(
        "--to", online->to,
        "With --run: end [now; --confirmatory wants one to come]");
    audit->add_option("--model-version", online->model_version,
                      "With --run: outputs of this version alone");
    audit->add_option("--as", online->as,
                      "With --run: registration to ask as [compliance]");
    audit->add_flag("--confirmatory", online->confirmatory,
                    "With --run: decides, for alpha of the year, about outputs "
                    "that are yet to come; is registered now, and made when "
                    "the time is over");
  }
  audit->callback([context, audit, options, online, descriptive,
                   run = std::move(run)] {
    if (run && !online->profile.empty()) {
      CheckEffect(*audit, true);
      if (online->confirmatory && *descriptive) {
        throw CLI::ValidationError("--descriptive", "excludes --confirmatory");
      }
      online->html = options->html;
      online->json = options->json;
      context->exit_code = run(context->folder, *online);
      return;
    }
    CheckEffect(*audit, false);
    if (options->csv.empty()) throw CLI::RequiredError("--csv");
    if (options->columns.groups.empty()) throw CLI::RequiredError("--group");
    options->plan.confirmatory = !*descriptive;
    context->exit_code = FairnessAudit(*options, std::cout, std::cerr);
  });
}

}  // namespace consentry::tools
