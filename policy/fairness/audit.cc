#include "policy/fairness/audit.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "policy/fairness/audit_groups.h"
#include "policy/fairness/contrast.h"
#include "policy/fairness/figure_sheet.h"
#include "policy/fairness/groups.h"
#include "policy/fairness/kept_back.h"
#include "policy/fairness/proxies.h"
#include "policy/fairness/small_cells.h"
#include "policy/fairness/two_sample_tests.h"
#include "proto/support/status_macros.h"

namespace consentry::policy::fairness {
namespace {

absl::Status Bad(const std::string& what) {
  return absl::InvalidArgumentError(what);
}

absl::Status Stopped() { return absl::CancelledError("the audit was stopped"); }

absl::Status CheckPlan(const AuditPlan& plan, const AuditTable& table) {
  if (!(plan.alpha > 0 && plan.alpha < 1)) {
    return Bad("alpha must lie between 0 and 1");
  }
  if (!(plan.ratio_tolerance > 0 && plan.ratio_tolerance <= 1)) {
    return Bad("the tolerance of ratios must be above 0 and at most 1");
  }
  if (!(plan.difference_tolerance >= 0 && plan.difference_tolerance <= 1)) {
    return Bad("the tolerance of differences must be from 0 to 1");
  }
  if (!(plan.price_tolerance > 1) || std::isinf(plan.price_tolerance)) {
    return Bad("the tolerance of prices must be above 1 and finite");
  }
  for (const AuditTolerance& one :
       plan.declared.value_or(std::vector<AuditTolerance>())) {
    const double t = one.tolerance.t;
    if (one.tolerance.comparison == Comparison::kRatio
            ? !(t > 0 && t <= 1)
            : !(t >= 0 && std::isfinite(t))) {
      return Bad("a declared tolerance is outside of its range");
    }
    if (!(one.lower < one.upper) || !std::isfinite(one.upper - one.lower)) {
      return Bad("the range of a declared metric must be finite");
    }
  }
  if (plan.minimum < 1) return Bad("the minimum of cases must be at least 1");
  if (plan.suppress_below < 0 || plan.pool_below < 0) {
    return Bad("sizes of groups must not be negative");
  }
  if (plan.ranking_depth < 1) {
    return Bad("the depth of rankings must be at least 1");
  }
  for (const std::string& name : plan.figures) {
    if (FindAuditFigure(name) == nullptr) {
      return Bad(absl::StrCat("no figure is called ", name, "; there are ",
                              AuditFigureNames()));
    }
  }
  if (plan.groupings.empty()) return Bad("no attribute to tell groups apart");
  for (const AuditGrouping& grouping : plan.groupings) {
    if (grouping.attributes.empty()) return Bad("a grouping has no attribute");
    std::set<size_t> seen;
    for (const size_t attribute : grouping.attributes) {
      if (attribute >= table.attributes.size()) {
        return Bad("a grouping names an attribute that is not there");
      }
      if (!seen.insert(attribute).second) {
        return Bad("a grouping names an attribute twice");
      }
    }
  }
  return absl::OkStatus();
}

absl::Status CheckColumn(const AuditColumn& column, size_t cases) {
  if (column.codes.size() != cases) {
    return Bad(absl::StrCat("column ", column.name,
                            " has another number of cases than the table"));
  }
  for (const uint32_t code : column.codes) {
    if (code != kNoCode && code >= column.values.size()) {
      return Bad(
          absl::StrCat("column ", column.name, " has a code without a value"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckTable(const AuditTable& table) {
  for (const AuditColumn& column : table.attributes) {
    CONSENTRY_RETURN_IF_ERROR(CheckColumn(column, table.cases));
  }
  for (const AuditColumn& column : table.inputs) {
    CONSENTRY_RETURN_IF_ERROR(CheckColumn(column, table.cases));
  }
  for (const auto* column : {&table.stratum, &table.variant, &table.list}) {
    if (*column) CONSENTRY_RETURN_IF_ERROR(CheckColumn(**column, table.cases));
  }
  for (const size_t size :
       {table.predicted.size(), table.label.size(), table.score.size(),
        table.price.size(), table.place.size()}) {
    if (size != 0 && size != table.cases) {
      return Bad("a column has another number of cases than the table");
    }
  }
  for (const auto* range : {&table.score_range, &table.price_range}) {
    if (!*range) continue;
    if ((*range)->beyond.size() != table.cases) {
      return Bad("a range has another number of cases than the table");
    }
    if (!std::isfinite((*range)->lower) || !std::isfinite((*range)->upper)) {
      return Bad("a range must be finite");
    }
  }
  for (const std::vector<double>& column : table.exposures) {
    if (column.size() != table.cases) {
      return Bad("a column has another number of cases than the table");
    }
    for (size_t i = 0; i < table.cases; ++i) {
      if (IsScore(column[i]) != IsScore(table.exposures[0][i])) {
        return Bad("exposures are not known of the same cases");
      }
    }
  }
  if (table.list && !table.exposures.empty()) {
    return Bad("exposures are given by cases or by lists, not both");
  }
  if (!table.label.empty() && table.predicted.empty()) {
    return Bad("outcomes need predictions");
  }
  return absl::OkStatus();
}

void LeaveOut(std::string_view reason, int64_t count,
              v1::FairnessReport* report) {
  if (count == 0) return;
  v1::FairnessLeftOut& out = *report->add_left_out();
  out.set_reason(std::string(reason));
  out.set_count(count);
}

void CountCases(const AuditTable& table, v1::FairnessReport* report) {
  report->set_count(static_cast<int64_t>(table.cases));
  LeaveOut("prediction not known",
           std::count(table.predicted.begin(), table.predicted.end(),
                      Answer::kUnknown),
           report);
  LeaveOut("outcome not known",
           std::count(table.label.begin(), table.label.end(), Answer::kUnknown),
           report);
  LeaveOut("score not known, or no number that can be added up",
           std::count_if(table.score.begin(), table.score.end(),
                         [](double score) { return !IsScore(score); }),
           report);
  LeaveOut("price not known, not above zero, or no number that can be added up",
           std::count_if(table.price.begin(), table.price.end(),
                         [](double price) { return !IsPrice(price); }),
           report);
  for (const AuditColumn& column : table.attributes) {
    v1::FairnessCoverage& coverage = *report->add_coverage();
    coverage.set_attribute(column.name);
    coverage.set_count(static_cast<int64_t>(table.cases));
    coverage.set_known(static_cast<int64_t>(
        column.codes.size() -
        static_cast<size_t>(
            std::count(column.codes.begin(), column.codes.end(), kNoCode))));
  }
}

void TellGroups(const GroupedCases& cases, v1::FairnessReport* report) {
  for (size_t i = 0; i < cases.groups.size(); ++i) {
    const AuditGroup& group = cases.groups[i];
    v1::FairnessGroupCount& told = *report->add_groups();
    told.set_attribute(cases.attribute);
    told.set_variant(cases.variant);
    told.set_group(group.name);
    told.set_suppressed(group.suppressed());
    if (!group.suppressed()) {
      told.set_count(static_cast<int64_t>(group.rows.size()));
    }
    told.set_reference(cases.reference == i);
    for (const std::string& name : group.pooled) told.add_pooled(name);
  }
}

// What decides where nothing was declared.
void TellDefaults(const AuditPlan& plan, const AuditTable& table,
                  v1::FairnessReport* report) {
  const auto say = [report](const std::string& rule) {
    report->add_rules(rule);
  };
  const bool rates = !table.predicted.empty();
  if (rates) {
    say(
        absl::StrFormat("The rate of favourable predictions, group over "
                        "reference, is tolerated from %.4g to %.4g.",
                        plan.ratio_tolerance, 1 / plan.ratio_tolerance));
  }
  if (!table.label.empty() || (rates && table.stratum)) {
    say(absl::StrFormat("Other differences of rates are tolerated up to %.4g.",
                        plan.difference_tolerance));
  }
  if (!table.price.empty()) {
    say(
        absl::StrFormat("Prices, group over reference, are tolerated from "
                        "%.4g to %.4g.",
                        1 / plan.price_tolerance, plan.price_tolerance));
  }
}

std::string WordsOf(const AuditTolerance& one, const AuditTable& table) {
  const bool ratio = one.tolerance.comparison == Comparison::kRatio;
  switch (one.metric) {
    case AuditMetric::kSelection:
      return "The rate of favourable predictions";
    case AuditMetric::kSelectionWithinStrata:
      return "The rate of favourable predictions within factors";
    case AuditMetric::kTruePositive:
      return "The true positive rate";
    case AuditMetric::kFalsePositive:
      return "The false positive rate";
    case AuditMetric::kPositivePredictiveValue:
      return "The positive predictive value";
    case AuditMetric::kOutcomeAtEqualScore:
      return "What came true at equal score";
    case AuditMetric::kScore:
      return "The mean score";
    case AuditMetric::kPrice:
      return absl::StrCat(ratio ? "Prices (geometric means)" : "The mean price",
                          table.stratum ? ", within factors" : "");
    case AuditMetric::kExposure:
      break;
  }
  return absl::StrCat("The mean exposure",
                      one.column < table.exposed.size()
                          ? " of " + table.exposed[one.column]
                          : "");
}

void TellDeclared(const AuditPlan& plan, const AuditTable& table,
                  v1::FairnessReport* report) {
  for (const AuditTolerance& one : *plan.declared) {
    report->add_rules(absl::StrFormat(
        "%s, group %s reference: tolerated from %.4g to %.4g.",
        WordsOf(one, table),
        one.tolerance.comparison == Comparison::kRatio ? "over" : "minus",
        one.tolerance.lower(), one.tolerance.upper()));
  }
  report->add_rules(
      plan.declared->empty()
          ? "Nothing was tested: nothing is declared that an audit decides."
          : "What was not declared describes: it is not tested and decides "
            "nothing.");
}

void TellRules(const AuditPlan& plan, const AuditTable& table,
               bool beside_earlier, v1::FairnessReport* report) {
  const auto say = [report](const std::string& rule) {
    report->add_rules(rule);
  };
  say(absl::StrFormat("Intervals cover %g %%.", 100 * (1 - plan.alpha)));
  if (plan.confirmatory) {
    say(absl::StrFormat("One look, for which alpha %g was set aside.",
                        plan.alpha));
  } else {
    say("No alpha was set aside: all figures describe, none decides.");
  }
  if (plan.confirmatory && plan.declared) {
    TellDeclared(plan, table, report);
  } else if (plan.confirmatory) {
    TellDefaults(plan, table, report);
  }
  if (plan.confirmatory && report->proxies_size() > 0) {
    say(
        absl::StrFormat("p-values of inputs are corrected for %d tests of "
                        "inputs, by themselves: they decide nothing.",
                        report->proxies_size()));
  }
  if (std::any_of(plan.groupings.begin(), plan.groupings.end(),
                  [](const auto& grouping) { return grouping.rest; })) {
    say("Where the reference is \"rest\", each group is compared with all "
        "other known groups together, as far as these are told.");
  }
  const auto tell_range = [&](const char* what,
                              const std::optional<AuditRange>& range) {
    if (!range) return;
    say(
        absl::StrFormat("%s count from %.4g to %.4g: what lies beyond counts "
                        "as the end that it passed, and how many do is told.",
                        what, range->lower, range->upper));
  };
  tell_range("Scores", table.score_range);
  tell_range("Prices", table.price_range);
  if (plan.confirmatory && (table.score_range || table.price_range)) {
    say(
        absl::StrFormat("Where more than %g %% of either side lie beyond their "
                        "range, nothing is said to be within tolerance.",
                        100 * kMostClipped));
  }
  say(
      absl::StrFormat("Two groups are compared where each denominator has at "
                      "least %d cases.",
                      plan.minimum));
  if (plan.suppress_below > 0) {
    say(
        absl::StrFormat("Groups of fewer than %d cases are not told, nor rates "
                        "of fewer, nor what would tell them by subtraction.",
                        plan.suppress_below));
  }
  if (plan.suppress_below > 1 && !table.label.empty()) {
    say(
        absl::StrFormat("Where fewer than %d cases of a group have no outcome, "
                        "they count in none of its rates.",
                        plan.suppress_below));
  }
  if (beside_earlier) {
    say("Some figures are not told because, beside an earlier report of nearly "
        "the same cases, they would tell about too few.");
  }
  if (!plan.figures.empty()) {
    say(absl::StrCat("Asked for besides: ", absl::StrJoin(plan.figures, ", "),
                     "."));
  }
  const bool crossed = std::any_of(
      plan.groupings.begin(), plan.groupings.end(),
      [](const auto& grouping) { return grouping.attributes.size() > 1; });
  if (crossed && plan.pool_below > 0) {
    say(
        absl::StrFormat("Groups of several attributes with fewer than %d cases "
                        "are put together.",
                        plan.pool_below));
  }
  if (table.stratum) {
    say(absl::StrCat("Declared to explain a difference lawfully: ",
                     table.stratum->name, "."));
  }
}

void TellLimits(const AuditTable& table, v1::FairnessReport* report) {
  const auto say = [report](std::string_view limit) {
    report->add_limits(std::string(limit));
  };
  say("A difference is no discrimination in the sense of any law, and the lack "
      "of one no proof that there is none.");
  say("What is too little to tell is called insufficient, and is not a pass.");
  say("One look at a fixed sample: computing it again and again until "
      "something is found breaks its error rates. Monitors may be looked at "
      "always; this may not.");
  say("Cases are taken as independent of each other; several cases of one "
      "person make intervals too narrow.");
  say("Tolerances are conventions of whoever set them. Four fifths is a rule "
      "of thumb of employment law of the United States and has no force "
      "elsewhere.");
  if (table.label.empty()) {
    say("Without outcomes nothing is said about errors: who deserved the "
        "favourable prediction is not known.");
  } else {
    say("Outcomes are taken as true. Where they were recorded with a bias, "
        "rates against them carry it on.");
    say("Where groups come true at different rates, a score that means the "
        "same for all of them has different errors in each; both cannot be "
        "equal at once.");
  }
  if (!table.price.empty()) {
    say("Prices follow rules and not chance: intervals are about the persons, "
        "of whom those seen are a sample.");
  }
  if (!table.inputs.empty()) {
    say("An input that tells a group could carry it into the model; whether it "
        "does is not said.");
  }
}

// All rows, and those of each variant.
using Variants = std::vector<std::pair<std::string, std::vector<size_t>>>;

absl::StatusOr<Variants> VariantsOf(const AuditPlan& plan,
                                    const AuditTable& table,
                                    const std::vector<bool>& left_out) {
  Variants variants(1);
  for (size_t row = 0; row < table.cases; ++row) {
    if (!left_out[row]) variants[0].second.push_back(row);
  }
  if (!plan.by_variant || !table.variant) return variants;
  if (table.variant->values.size() > kMaxAuditVariants) {
    return Bad(absl::StrCat("more than ", kMaxAuditVariants, " variants"));
  }
  for (const std::string& value : table.variant->values) {
    variants.emplace_back(value, std::vector<size_t>());
  }
  for (size_t row = 0; row < table.cases; ++row) {
    const uint32_t code = table.variant->codes[row];
    if (code != kNoCode && !left_out[row])
      variants[code + 1].second.push_back(row);
  }
  return variants;
}

// What of a group may not be told beside an earlier report.
Withheld BesideEarlier(const AuditPlan& plan, const AuditTable& table,
                       const EarlierAudit& earlier, const GroupedCases& cases,
                       const AuditGroup& group) {
  const ToldCells told =
      CellsToldOf(*earlier.report, cases.attribute, group.name, cases.variant);
  if (!told.cases) return {};
  // As both count them.
  const bool outcomes_only =
      group.outcomes_only || (told.predicted && told.outcome &&
                              told.predicted->cases == told.outcome->cases);
  return WithheldBeside(
      told, group.cells,
      CountCells(table, RowsThatCount(group.rows, earlier.counted),
                 outcomes_only),
      plan.suppress_below);
}

// What is withheld of each group, in the order of variants and groupings.
struct Suppression {
  std::vector<CountedGroups> counted;
  bool beside_earlier = false;
  bool beside_unseen = false;

  bool TellsNothing() const {
    return std::all_of(counted.begin(), counted.end(), [](const auto& one) {
      return std::all_of(
          one.groups.begin(), one.groups.end(),
          [](const auto& group) { return group.withheld.of(Told::kCases); });
    });
  }
};

absl::StatusOr<Suppression> Suppress(const AuditPlan& plan,
                                     const AuditTable& table,
                                     const Variants& variants,
                                     std::span<const EarlierAudit> earlier,
                                     const KeptBack* kept,
                                     const std::function<bool()>& stop) {
  Suppression suppression;
  for (size_t variant = 0; variant < variants.size(); ++variant) {
    for (const AuditGrouping& grouping : plan.groupings) {
      if (stop && stop()) return Stopped();
      CONSENTRY_ASSIGN_OR_RETURN(
          const GroupedCases cases,
          GroupCases(plan, grouping, table, variants[variant].second,
                     variants[variant].first));
      CountedGroups& counted = suppression.counted.emplace_back();
      counted.variant = variant;
      counted.attributes = grouping.attributes;
      std::vector<Withheld> unseen(cases.groups.size());
      if (kept != nullptr) {
        unseen = WithheldBesideUnseen(plan, grouping, table, cases, *kept);
      }
      for (const AuditGroup& group : cases.groups) {
        CountedGroups::Group& one = counted.groups.emplace_back();
        one.codes = group.codes;
        one.cells = group.cells;
        one.withheld = unseen[counted.groups.size() - 1];
        if (one.withheld.any()) suppression.beside_unseen = true;
        for (const EarlierAudit& audit : earlier) {
          const Withheld withheld =
              BesideEarlier(plan, table, audit, cases, group);
          if (!withheld.any()) continue;
          if (plan.refuse_beside_earlier) {
            return absl::FailedPreconditionError(absl::StrCat(
                "it would tell about fewer than ", plan.suppress_below,
                " people by its difference from ", audit.report->id(),
                ": read that one, or ask for a time that differs by more"));
          }
          suppression.beside_earlier = true;
          one.withheld.Add(withheld);
        }
      }
    }
  }
  WithholdSmallCells(plan.suppress_below, &suppression.counted);
  if (plan.refuse_beside_earlier && suppression.beside_unseen &&
      suppression.TellsNothing()) {
    return absl::OutOfRangeError(absl::StrCat(
        "no group is left of which it would not tell about fewer than ",
        plan.suppress_below, " people"));
  }
  return suppression;
}

}  // namespace

std::optional<AuditTolerance> AuditPlan::Decides(AuditMetric metric,
                                                 Comparison comparison,
                                                 size_t column) const {
  if (declared) {
    const auto found =
        std::find_if(declared->begin(), declared->end(), [&](const auto& one) {
          return one.metric == metric && one.column == column &&
                 one.tolerance.comparison == comparison;
        });
    if (found == declared->end()) return std::nullopt;
    return *found;
  }
  AuditTolerance one{.metric = metric, .tolerance = {comparison, 0}};
  const bool ratio = comparison == Comparison::kRatio;
  switch (metric) {
    case AuditMetric::kSelection:
      if (!ratio) return std::nullopt;
      one.tolerance.t = ratio_tolerance;
      return one;
    case AuditMetric::kPrice:
      if (!ratio) return std::nullopt;
      one.tolerance.t = 1 / price_tolerance;
      return one;
    case AuditMetric::kScore:
    case AuditMetric::kExposure:
      return std::nullopt;
    default:
      if (ratio) return std::nullopt;
      one.tolerance.t = difference_tolerance;
      return one;
  }
}

void AddProxies(const AuditPlan& plan, const AuditTable& table,
                const std::function<bool()>& stop, v1::FairnessReport* report) {
  std::vector<double> p_values;
  const int first = report->proxies_size();
  for (const AuditColumn& attribute : table.attributes) {
    // Groups that are not told are not looked at.
    std::vector<int64_t> sizes(attribute.values.size() + 1);
    for (const uint32_t code : attribute.codes) {
      ++sizes[code == kNoCode ? attribute.values.size() : code];
    }
    const std::vector<bool> suppressed =
        SuppressedGroups(sizes, plan.suppress_below);
    for (const AuditColumn& input : table.inputs) {
      if (stop && stop()) return;
      std::vector<uint32_t> group;
      std::vector<uint32_t> code;
      std::vector<uint32_t> others;
      // All other inputs of a case as one.
      std::map<std::vector<uint32_t>, uint32_t> together;
      for (size_t row = 0; row < table.cases; ++row) {
        if (attribute.codes[row] == kNoCode ||
            suppressed[attribute.codes[row]]) {
          continue;
        }
        group.push_back(attribute.codes[row]);
        code.push_back(input.codes[row]);
        std::vector<uint32_t> rest;
        for (const AuditColumn& other : table.inputs) {
          if (&other != &input) rest.push_back(other.codes[row]);
        }
        const auto next = static_cast<uint32_t>(together.size());
        others.push_back(
            together.try_emplace(std::move(rest), next).first->second);
      }
      const auto found = MeasureAssociation(code, group);
      if (!found ||
          found->cases < std::max(plan.minimum, plan.suppress_below)) {
        continue;
      }
      v1::FairnessProxy& proxy = *report->add_proxies();
      proxy.set_input(input.name);
      proxy.set_attribute(attribute.name);
      proxy.set_count(found->cases);
      proxy.set_mutual_information_bits(found->mutual_information_bits);
      proxy.set_uncertainty_removed(found->uncertainty_removed);
      proxy.set_guessed_without(found->guessed_without);
      proxy.set_guessed_with(found->guessed_with);
      if (table.inputs.size() > 1) {
        if (const auto added = InformationAdded(code, others, group)) {
          proxy.set_information_added_bits(*added);
        }
      }
      p_values.push_back(found->p_value);
    }
  }
  if (!plan.confirmatory) return;
  const std::vector<double> corrected = BenjaminiHochberg(p_values);
  for (size_t i = 0; i < corrected.size(); ++i) {
    report->mutable_proxies(first + static_cast<int>(i))
        ->set_p_value(corrected[i]);
  }
}

absl::StatusOr<v1::FairnessReport> RunAudit(
    const AuditPlan& plan, const AuditTable& table,
    std::span<const EarlierAudit> earlier, const std::function<bool()>& stop,
    const KeptBack* kept) {
  CONSENTRY_RETURN_IF_ERROR(CheckPlan(plan, table));
  CONSENTRY_RETURN_IF_ERROR(CheckTable(table));
  for (const EarlierAudit& audit : earlier) {
    if (audit.report == nullptr || audit.counted.size() != table.cases) {
      return Bad("an earlier audit is of another number of cases");
    }
  }
  if (kept != nullptr) CONSENTRY_RETURN_IF_ERROR(CheckTable(*kept->table));
  const std::vector<bool> left_out = LeftOutOfGroups(plan, table);
  CONSENTRY_ASSIGN_OR_RETURN(const Variants variants,
                             VariantsOf(plan, table, left_out));
  CONSENTRY_ASSIGN_OR_RETURN(
      const Suppression suppression,
      Suppress(plan, table, variants, earlier, kept, stop));
  v1::FairnessReport report;
  report.set_confirmatory(plan.confirmatory);
  if (plan.confirmatory) report.set_alpha(plan.alpha);
  report.set_positive_is_favourable(plan.positive_is_favourable);
  CountCases(table, &report);
  LeaveOut("an attribute not known, as of too few others like them",
           std::count(left_out.begin(), left_out.end(), true), &report);
  FigureSheet sheet(plan);
  // Grouped once more: not all groupings of many cases fit into memory.
  size_t next = 0;
  for (const auto& [variant, rows] : variants) {
    for (const AuditGrouping& grouping : plan.groupings) {
      if (stop && stop()) return Stopped();
      CONSENTRY_ASSIGN_OR_RETURN(
          GroupedCases cases, GroupCases(plan, grouping, table, rows, variant));
      const CountedGroups& counted = suppression.counted[next++];
      for (size_t i = 0; i < cases.groups.size(); ++i) {
        cases.groups[i].withheld = counted.groups[i].withheld;
      }
      ChooseReference(grouping, &cases);
      TellGroups(cases, &report);
      AddRateFigures(plan, table, cases, &sheet);
      AddValueFigures(plan, table, cases, &sheet, &report);
      AddRankingFigures(plan, table, cases, &sheet);
      if (sheet.size() > kMaxAuditFigures) {
        return Bad(absl::StrCat("more than ", kMaxAuditFigures, " figures"));
      }
    }
  }
  std::move(sheet).Finish(&report);
  if (plan.confirmatory && report.tests() == 0) {
    report.add_rules(
        "Nothing was tested: there was nothing of which groups could be "
        "compared.");
  }
  if (!plan.coarse) AddProxies(plan, table, stop, &report);
  if (stop && stop()) return Stopped();
  TellRules(plan, table, suppression.beside_earlier, &report);
  if (suppression.beside_unseen) {
    report.add_rules(absl::StrFormat(
        "Groups of whom fewer than %d are kept back for such an audit are not "
        "told, nor rates of fewer.",
        plan.suppress_below));
  }
  TellLimits(table, &report);
  return report;
}

}  // namespace consentry::policy::fairness
