#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "policy/fairness/audit_groups.h"
#include "policy/fairness/benefit_indices.h"
#include "policy/fairness/differential.h"
#include "policy/fairness/intervals.h"
#include "policy/fairness/two_sample_tests.h"

namespace consentry::policy::fairness {
namespace {

constexpr char kFavourable[] = "favourable_rate";
constexpr char kFavourableFormula[] = "predicted favourable / all";

Proportion Misses(const Proportion& rate) {
  return {rate.cases - rate.hits, rate.cases};
}

int64_t Positives(const Confusion& table) {
  return table.true_positives + table.false_negatives;
}
int64_t Negatives(const Confusion& table) {
  return table.false_positives + table.true_negatives;
}

// A test of two rates, and its place where all figures of them share it.
struct Tested {
  std::optional<RateTest> test;
  std::optional<size_t> shared;
};

class RateFigures {
 public:
  RateFigures(const AuditPlan& plan, const AuditTable& table,
              const GroupedCases& cases, FigureSheet* sheet)
      : plan_(plan), table_(table), cases_(cases), sheet_(sheet) {}

  void Add() {
    sheet_->At(cases_.attribute, cases_.variant);
    for (const AuditGroup& group : cases_.groups) {
      if (!group.suppressed()) AddGroup(group);
    }
    for (size_t i = 0; cases_.rest && i < cases_.groups.size(); ++i) {
      if (!cases_.groups[i].named()) continue;
      const AuditGroup rest = RestOf(cases_, i);
      if (!rest.parts.empty()) Compare(cases_.groups[i], rest);
    }
    if (cases_.reference) {
      const AuditGroup& reference = cases_.groups[*cases_.reference];
      for (const AuditGroup& group : cases_.groups) {
        if (group.compared() && &group != &reference) {
          Compare(group, reference);
        }
      }
    }
    AddOverall();
  }

 private:
  bool labelled() const { return !table_.label.empty(); }
  // Figures of rates against what came true have the names of these.
  bool Asks(fairness::Rate rate) const {
    return plan_.Asks({.name = NameOf(rate), .words = ""});
  }

  Proportion Favourable(const AuditGroup& group) const {
    return plan_.positive_is_favourable ? group.cells.predicted
                                        : Misses(group.cells.predicted);
  }

  // As predictions and outcomes that are favourable where positive.
  Confusion FavourableTable(const Confusion& table) const {
    if (plan_.positive_is_favourable) return table;
    return {table.true_negatives, table.false_negatives, table.true_positives,
            table.false_positives};
  }

  // What is withheld together with a rate.
  static Told FamilyOf(fairness::Rate rate) {
    return rate == Rate::kSelection ? Told::kPredicted
           : rate == Rate::kBase    ? Told::kOutcome
                                    : Told::kTable;
  }

  void Rate(const AuditGroup& group, std::string_view name,
            std::string_view formula, const Proportion& rate, Told what) {
    if (!group.tells(what)) {
      sheet_->Withhold(group.name, "", name, formula);
      return;
    }
    v1::FairnessFigure& figure =
        sheet_->Describe(group.name, "", name, rate.rate(), formula);
    figure.set_count(rate.cases);
    figure.set_hits(rate.hits);
    sheet_->WithInterval(
        [rate](double level) { return WilsonInterval(rate, level); },
        "Wilson interval");
  }

  void AddGroup(const AuditGroup& group) {
    Rate(group, NameOf(Rate::kSelection), FormulaOf(Rate::kSelection),
         group.cells.predicted, Told::kPredicted);
    if (!plan_.positive_is_favourable) {
      Rate(group, kFavourable, kFavourableFormula, Favourable(group),
           Told::kPredicted);
    }
    if (!labelled()) return;
    for (const auto rate :
         {Rate::kBase, Rate::kTruePositive, Rate::kFalsePositive,
          Rate::kFalseNegative, Rate::kPositivePredictiveValue,
          Rate::kNegativePredictiveValue, Rate::kAccuracy}) {
      if (!Asks(rate)) continue;
      Rate(group, NameOf(rate), FormulaOf(rate),
           ProportionOf(rate, group.cells.confusion), FamilyOf(rate));
    }
  }

  // Two groups of which one is not told are not compared.
  bool Withhold(const AuditGroup& group, const AuditGroup& reference, Told what,
                std::string_view name, std::string_view formula) {
    if (group.tells(what) && reference.tells(what)) return false;
    sheet_->Withhold(group.name, reference.name, name, formula);
    return true;
  }

  using Deciding = std::optional<AuditTolerance>;

  // Nothing where the figure does not decide.
  void Tolerate(const Deciding& decides, FigureSheet::IntervalAt bounds) {
    if (!decides) return;
    sheet_->Tolerate(decides->tolerance.lower(), decides->tolerance.upper(),
                     std::move(bounds));
  }

  // The place of the test that a figure rests on.
  std::optional<size_t> PlaceOf(const Tested& tested, const Deciding& decides) {
    if (!plan_.declared) return tested.shared;
    if (!decides || !tested.test) return std::nullopt;
    return sheet_->AddTest(tested.test->p_value);
  }

  void Difference(const AuditGroup& group, const AuditGroup& reference,
                  const std::string& name, const std::string& formula,
                  const Proportion& p, const Proportion& q, Told what,
                  const Deciding& decides, const Tested& tested) {
    if (Withhold(group, reference, what,
                 absl::StrCat(name, "_group_minus_reference"),
                 absl::StrCat(formula, ", group minus reference"))) {
      Tolerate(decides, nullptr);
      return;
    }
    v1::FairnessFigure& figure =
        sheet_->Describe(group.name, reference.name,
                         absl::StrCat(name, "_group_minus_reference"),
                         fairness::Difference(p.rate(), q.rate()),
                         absl::StrCat(formula, ", group minus reference"));
    SetCounts(p, q, &figure);
    const auto place = PlaceOf(tested, decides);
    sheet_->WithInterval(
        [p, q](double level) { return NewcombeInterval(p, q, level); },
        !place               ? "Newcombe interval"
        : tested.test->exact ? "Newcombe interval; Fisher"
                             : "Newcombe interval; pooled z",
        place);
    Tolerate(decides,
             [p, q](double level) { return DifferenceBounds(p, q, level); });
    const std::string lack = LackOfCases(plan_, p.cases, q.cases);
    if (!lack.empty()) sheet_->Insufficient(lack);
  }

  void Ratio(const AuditGroup& group, const AuditGroup& reference,
             const std::string& name, const std::string& formula,
             const Proportion& p, const Proportion& q, Told what,
             const Deciding& decides, const Tested& tested) {
    if (Withhold(group, reference, what,
                 absl::StrCat(name, "_group_over_reference"),
                 absl::StrCat(formula, ", group over reference"))) {
      Tolerate(decides, nullptr);
      return;
    }
    v1::FairnessFigure& figure = sheet_->Describe(
        group.name, reference.name, absl::StrCat(name, "_group_over_reference"),
        fairness::Ratio(p.rate(), q.rate()),
        absl::StrCat(formula, ", group over reference"));
    SetCounts(p, q, &figure);
    const auto place = PlaceOf(tested, decides);
    sheet_->WithInterval(
        [p, q](double level) { return RatioInterval(p, q, level); },
        absl::StrCat(std::string(RatioMethod(p, q)), " interval",
                     !place               ? ""
                     : tested.test->exact ? "; Fisher"
                                          : "; pooled z"),
        place);
    Tolerate(decides,
             [p, q](double level) { return RatioBounds(p, q, level); });
    const std::string lack = LackOfCases(plan_, p.cases, q.cases);
    if (!lack.empty()) {
      sheet_->Insufficient(lack);
    } else if (q.hits == 0) {
      sheet_->Insufficient("the reference has no case in the numerator");
    }
  }

  static void SetCounts(const Proportion& p, const Proportion& q,
                        v1::FairnessFigure* figure) {
    figure->set_count(p.cases);
    figure->set_hits(p.hits);
    figure->set_reference_count(q.cases);
    figure->set_reference_hits(q.hits);
  }

  // Difference and ratio of one rate rest on one test. Declared ones count it
  // each for itself.
  Tested Test(const AuditGroup& group, const AuditGroup& reference, Told what,
              const Proportion& p, const Proportion& q) {
    Tested tested;
    if (!group.tells(what) || !reference.tells(what) ||
        !LackOfCases(plan_, p.cases, q.cases).empty()) {
      return tested;
    }
    tested.test = TestRates(p, q);
    if (tested.test && !plan_.declared) {
      tested.shared = sheet_->AddTest(tested.test->p_value);
    }
    return tested;
  }

  void Compare(const AuditGroup& group, const AuditGroup& reference) {
    CompareSelection(group, reference);
    if (table_.stratum) CompareStrata(group, reference);
    if (!labelled()) return;
    for (const auto& [rate, metric] :
         {std::pair(Rate::kTruePositive, AuditMetric::kTruePositive),
          std::pair(Rate::kFalsePositive, AuditMetric::kFalsePositive),
          std::pair(Rate::kPositivePredictiveValue,
                    AuditMetric::kPositivePredictiveValue)}) {
      if (!Asks(rate)) continue;
      const Proportion p = ProportionOf(rate, group.cells.confusion);
      const Proportion q = ProportionOf(rate, reference.cells.confusion);
      const Tested tested = Test(group, reference, Told::kTable, p, q);
      Difference(group, reference, std::string(NameOf(rate)),
                 std::string(FormulaOf(rate)), p, q, Told::kTable,
                 plan_.Decides(metric, Comparison::kDifference), tested);
      Ratio(group, reference, std::string(NameOf(rate)),
            std::string(FormulaOf(rate)), p, q, Told::kTable, std::nullopt,
            tested);
    }
    if (plan_.Asks(kEqualizedOdds)) CompareTables(group, reference);
  }

  void CompareSelection(const AuditGroup& group, const AuditGroup& reference) {
    const Proportion& p = group.cells.predicted;
    const Proportion& q = reference.cells.predicted;
    const Tested tested = Test(group, reference, Told::kPredicted, p, q);
    const std::string name(NameOf(Rate::kSelection));
    const std::string formula(FormulaOf(Rate::kSelection));
    const auto ratio =
        plan_.Decides(AuditMetric::kSelection, Comparison::kRatio);
    const bool favourable = plan_.positive_is_favourable;
    // Of what is favourable it is the same with the other sign.
    Difference(group, reference, name, formula, p, q, Told::kPredicted,
               plan_.Decides(AuditMetric::kSelection, Comparison::kDifference),
               tested);
    Ratio(group, reference, name, formula, p, q, Told::kPredicted,
          favourable ? ratio : std::nullopt, tested);
    if (!favourable) {
      Ratio(group, reference, kFavourable, kFavourableFormula, Misses(p),
            Misses(q), Told::kPredicted, ratio, tested);
    }
  }

  void CompareStrata(const AuditGroup& group, const AuditGroup& reference) {
    std::map<uint32_t, StratumRates> strata;
    const auto add = [&](const AuditGroup& from,
                         Proportion StratumRates::*side) {
      if (!from.tells(Told::kPredicted)) return;
      for (const size_t row : from.rows) {
        const uint32_t code = table_.stratum->codes[row];
        if (code == kNoCode || !CountsInRates(table_, from, row)) continue;
        Proportion& rate = strata[code].*side;
        ++rate.cases;
        rate.hits += table_.predicted[row] == Answer::kYes ? 1 : 0;
      }
    };
    add(group, &StratumRates::group);
    add(reference, &StratumRates::reference);
    for (const AuditGroup* part : reference.parts) {
      add(*part, &StratumRates::reference);
    }
    const auto decides = plan_.Decides(AuditMetric::kSelectionWithinStrata,
                                       Comparison::kDifference);
    std::vector<StratumRates> list;
    int64_t of_group = 0;
    int64_t of_reference = 0;
    size_t both = 0;
    for (const auto& [code, rates] : strata) {
      list.push_back(rates);
      if (rates.group.cases == 0 || rates.reference.cases == 0) continue;
      ++both;
      of_group += rates.group.cases;
      of_reference += rates.reference.cases;
    }
    const std::string within =
        absl::StrCat(" within equal ", table_.stratum->name);
    constexpr char kRates[] =
        "selection_rate_group_minus_reference_within_strata";
    const std::string rates_formula = absl::StrCat(
        "predicted positive / all, group minus reference,", within);
    constexpr char kOdds[] =
        "selection_odds_group_over_reference_within_strata";
    const std::string odds_formula = absl::StrCat(
        "odds of a positive prediction, group over reference,", within);
    // In one stratum alone it is the difference of two rates of a part.
    const auto tells = [&](const AuditGroup& one, int64_t cases) {
      return one.tells(Told::kPredicted) &&
             MayTellPart(plan_, cases,
                         both > 1 ? cases : one.cells.predicted.cases);
    };
    if (!tells(group, of_group) || !tells(reference, of_reference)) {
      sheet_->Withhold(group.name, reference.name, kRates, rates_formula);
      Tolerate(decides, nullptr);
      sheet_->Withhold(group.name, reference.name, kOdds, odds_formula);
      return;
    }
    const std::string lack = LackOfCases(plan_, of_group, of_reference);
    const auto compared = CompareWithinStrata(list, 1 - plan_.alpha);
    std::optional<size_t> place;
    if (compared && lack.empty() && (decides || !plan_.declared)) {
      place = sheet_->AddTest(compared->p_value);
    }

    v1::FairnessFigure& difference = sheet_->Describe(
        group.name, reference.name, kRates,
        compared ? std::optional(compared->rate_difference) : std::nullopt,
        rates_formula);
    difference.set_count(of_group);
    difference.set_reference_count(of_reference);
    sheet_->WithInterval(
        [list](double level) -> std::optional<Interval> {
          const auto result = CompareWithinStrata(list, level);
          if (!result) return std::nullopt;
          return result->rate_difference_interval;
        },
        place ? "Mantel-Haenszel difference; Cochran-Mantel-Haenszel"
              : "Mantel-Haenszel difference",
        place);
    Tolerate(decides, [list](double level) -> std::optional<Interval> {
      const auto result = CompareWithinStrata(list, level);
      if (!result) return std::nullopt;
      return result->rate_difference_bounds;
    });
    if (!lack.empty()) sheet_->Insufficient(lack);

    const auto shared = plan_.declared ? std::nullopt : place;
    v1::FairnessFigure& odds = sheet_->Describe(
        group.name, reference.name, kOdds,
        compared ? compared->odds_ratio : std::nullopt, odds_formula);
    odds.set_count(of_group);
    odds.set_reference_count(of_reference);
    sheet_->WithInterval(
        [list](double level) -> std::optional<Interval> {
          const auto result = CompareWithinStrata(list, level);
          if (!result) return std::nullopt;
          return result->odds_ratio_interval;
        },
        shared ? "Robins-Breslow-Greenland interval; Cochran-Mantel-Haenszel"
               : "Robins-Breslow-Greenland interval",
        shared);
    if (!lack.empty()) sheet_->Insufficient(lack);
  }

  void CompareTables(const AuditGroup& group, const AuditGroup& reference) {
    const Confusion& p = group.cells.confusion;
    const Confusion& q = reference.cells.confusion;
    const auto smaller = [](const Confusion& table) {
      return std::min(Positives(table), Negatives(table));
    };
    const std::string lack = LackOfCases(plan_, smaller(p), smaller(q));
    const auto add = [&](std::string_view name, std::optional<double> value,
                         std::string_view formula) {
      if (Withhold(group, reference, Told::kTable, name, formula)) return;
      v1::FairnessFigure& figure =
          sheet_->Describe(group.name, reference.name, name, value, formula);
      figure.set_count(p.cases());
      figure.set_reference_count(q.cases());
      if (!lack.empty()) sheet_->Insufficient(lack);
    };
    add("equalized_odds_distance", EqualizedOddsDistance(p, q),
        "greater of the absolute differences of true and of false positive "
        "rates");
    add("average_odds_group_minus_reference", AverageOddsDifference(p, q),
        "half of the differences of true and of false positive rates, group "
        "minus reference");
  }

  // Over all groups that have enough cases.
  void AddOverall() {
    const int64_t least = std::max(plan_.minimum, plan_.suppress_below);
    std::vector<Proportion> rates;
    std::vector<std::string> names;
    int64_t count = 0;
    for (const AuditGroup& group : cases_.groups) {
      if (!group.compared() || !group.tells(Told::kPredicted) ||
          group.cells.predicted.cases < least) {
        continue;
      }
      rates.push_back(Favourable(group));
      names.push_back(group.name);
      count += group.cells.predicted.cases;
    }
    std::optional<double> highest;
    std::optional<double> lowest;
    for (const Proportion& rate : rates) {
      const auto value = rate.rate();
      if (!highest || *value > *highest) highest = value;
      if (!lowest || *value < *lowest) lowest = value;
    }
    const std::string name = plan_.positive_is_favourable
                                 ? std::string(NameOf(Rate::kSelection))
                                 : kFavourable;
    Overall(absl::StrCat(name, "_greatest_minus_smallest"),
            fairness::Difference(highest, lowest),
            "greatest minus smallest rate of a group with enough cases",
            rates.size(), count);
    Overall(absl::StrCat(name, "_smallest_over_greatest"),
            fairness::Ratio(lowest, highest),
            "smallest over greatest rate of a group with enough cases",
            rates.size(), count);
    if (plan_.Asks(kDifferentialFairness)) AddDifferential(rates, names, count);
    if (labelled()) AddOverallTables(least);
  }

  void AddDifferential(const std::vector<Proportion>& rates,
                       const std::vector<std::string>& names, int64_t count) {
    const auto differential = MeasureDifferentialFairness(rates);
    std::string formula =
        "greatest |ln| of the ratio of two groups' smoothed rates";
    if (differential) {
      absl::StrAppend(&formula, ": ", names[differential->highest], " and ",
                      names[differential->lowest]);
    }
    Overall("differential_fairness_epsilon",
            differential ? std::optional(differential->epsilon) : std::nullopt,
            formula, rates.size(), count);
  }

  void Overall(std::string_view name, std::optional<double> value,
               std::string_view formula, size_t groups, int64_t count) {
    v1::FairnessFigure& figure = sheet_->Describe("", "", name, value, formula);
    figure.set_count(count);
    if (groups < 2) {
      sheet_->Insufficient("fewer than two groups have enough cases");
    }
  }

  void AddOverallTables(int64_t least) {
    std::vector<Confusion> tables;
    // Of which both denominators have enough cases.
    std::vector<Confusion> odds;
    int64_t of_odds = 0;
    Confusion all;
    for (const AuditGroup& group : cases_.groups) {
      if (!group.compared() || !group.tells(Told::kTable) ||
          group.cells.confusion.cases() < least) {
        continue;
      }
      const Confusion table = FavourableTable(group.cells.confusion);
      tables.push_back(table);
      all = all + table;
      if (Positives(table) < least || Negatives(table) < least) continue;
      odds.push_back(table);
      of_odds += table.cases();
    }
    if (plan_.Asks(kEqualizedOdds)) {
      Overall("equalized_odds_greatest_difference",
              EqualizedOddsDifference(odds),
              "greater of greatest minus smallest true and false positive rate",
              odds.size(), of_odds);
    }
    if (!plan_.Asks(kInequality)) return;
    const auto benefits = BenefitsOf(all);
    Overall("generalized_entropy_alpha_2",
            GeneralizedEntropy(benefits.counts, 2),
            "spread of 1 + predicted favourable - truly favourable over "
            "persons",
            tables.size(), all.cases());
    Overall("theil_index", Theil(benefits.counts),
            "spread of 1 + predicted favourable - truly favourable over "
            "persons",
            tables.size(), all.cases());
    Overall("generalized_entropy_alpha_2_between_groups",
            BetweenGroupEntropy(tables, 2),
            "its part that lies between groups and not inside of them",
            tables.size(), all.cases());
  }

  const AuditPlan& plan_;
  const AuditTable& table_;
  const GroupedCases& cases_;
  FigureSheet* const sheet_;
};

}  // namespace

void AddRateFigures(const AuditPlan& plan, const AuditTable& table,
                    const GroupedCases& cases, FigureSheet* sheet) {
  if (table.predicted.empty()) return;
  RateFigures(plan, table, cases, sheet).Add();
}

}  // namespace consentry::policy::fairness
