#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <string_view>
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

// Which figure of a rate decides.
enum class Decides { kNone, kDifference, kRatio };

class RateFigures {
 public:
  RateFigures(const AuditPlan& plan, const AuditTable& table,
              const GroupedCases& cases, FigureSheet* sheet)
      : plan_(plan), table_(table), cases_(cases), sheet_(sheet) {}

  void Add() {
    sheet_->At(cases_.attribute, cases_.variant);
    for (const AuditGroup& group : cases_.groups) {
      if (!group.suppressed) AddGroup(group);
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

  Proportion Favourable(const AuditGroup& group) const {
    return plan_.positive_is_favourable ? group.predicted
                                        : Misses(group.predicted);
  }

  // As predictions and outcomes that are favourable where positive.
  Confusion FavourableTable(const Confusion& table) const {
    if (plan_.positive_is_favourable) return table;
    return {table.true_negatives, table.false_negatives, table.true_positives,
            table.false_positives};
  }

  void Rate(const AuditGroup& group, std::string_view name,
            std::string_view formula, const Proportion& rate) {
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
         group.predicted);
    if (!plan_.positive_is_favourable) {
      Rate(group, kFavourable, kFavourableFormula, Favourable(group));
    }
    if (!labelled()) return;
    for (const auto rate :
         {Rate::kBase, Rate::kTruePositive, Rate::kFalsePositive,
          Rate::kFalseNegative, Rate::kPositivePredictiveValue,
          Rate::kNegativePredictiveValue, Rate::kAccuracy}) {
      Rate(group, NameOf(rate), FormulaOf(rate),
           ProportionOf(rate, group.confusion));
    }
  }

  void Difference(const AuditGroup& group, const AuditGroup& reference,
                  const std::string& name, const std::string& formula,
                  const Proportion& p, const Proportion& q, Decides decides,
                  std::optional<RateTest> test,
                  std::optional<size_t> test_place) {
    v1::FairnessFigure& figure =
        sheet_->Describe(group.name, reference.name,
                         absl::StrCat(name, "_group_minus_reference"),
                         fairness::Difference(p.rate(), q.rate()),
                         absl::StrCat(formula, ", group minus reference"));
    SetCounts(p, q, &figure);
    sheet_->WithInterval(
        [p, q](double level) { return NewcombeInterval(p, q, level); },
        !test         ? "Newcombe interval"
        : test->exact ? "Newcombe interval; Fisher"
                      : "Newcombe interval; pooled z",
        test_place);
    if (decides == Decides::kDifference) {
      sheet_->Tolerate(
          -plan_.difference_tolerance, plan_.difference_tolerance,
          [p, q](double level) { return DifferenceBounds(p, q, level); });
    }
    const std::string lack = LackOfCases(plan_, p.cases, q.cases);
    if (!lack.empty()) sheet_->Insufficient(lack);
  }

  void Ratio(const AuditGroup& group, const AuditGroup& reference,
             const std::string& name, const std::string& formula,
             const Proportion& p, const Proportion& q, Decides decides,
             std::optional<RateTest> test, std::optional<size_t> test_place) {
    v1::FairnessFigure& figure = sheet_->Describe(
        group.name, reference.name, absl::StrCat(name, "_group_over_reference"),
        fairness::Ratio(p.rate(), q.rate()),
        absl::StrCat(formula, ", group over reference"));
    SetCounts(p, q, &figure);
    const bool katz = p.hits > 0 && q.hits > 0;
    sheet_->WithInterval(
        [p, q, katz](double level) {
          return katz ? KatzInterval(p, q, level) : WalterInterval(p, q, level);
        },
        absl::StrCat(katz ? "Katz" : "Walter", " interval",
                     !test         ? ""
                     : test->exact ? "; Fisher"
                                   : "; pooled z"),
        test_place);
    if (decides == Decides::kRatio) {
      sheet_->Tolerate(
          plan_.ratio_tolerance, 1 / plan_.ratio_tolerance,
          [p, q](double level) { return RatioBounds(p, q, level); });
    }
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

  // Difference and ratio of one rate rest on one test.
  std::optional<size_t> Test(const Proportion& p, const Proportion& q,
                             std::optional<RateTest>* test) {
    if (!LackOfCases(plan_, p.cases, q.cases).empty()) return std::nullopt;
    *test = TestRates(p, q);
    if (!*test) return std::nullopt;
    return sheet_->AddTest((*test)->p_value);
  }

  void Compare(const AuditGroup& group, const AuditGroup& reference) {
    CompareSelection(group, reference);
    if (table_.stratum) CompareStrata(group, reference);
    if (!labelled()) return;
    for (const auto rate : {Rate::kTruePositive, Rate::kFalsePositive,
                            Rate::kPositivePredictiveValue}) {
      const Proportion p = ProportionOf(rate, group.confusion);
      const Proportion q = ProportionOf(rate, reference.confusion);
      std::optional<RateTest> test;
      const auto place = Test(p, q, &test);
      Difference(group, reference, std::string(NameOf(rate)),
                 std::string(FormulaOf(rate)), p, q, Decides::kDifference, test,
                 place);
      Ratio(group, reference, std::string(NameOf(rate)),
            std::string(FormulaOf(rate)), p, q, Decides::kNone, test, place);
    }
    CompareTables(group, reference);
  }

  void CompareSelection(const AuditGroup& group, const AuditGroup& reference) {
    const Proportion& p = group.predicted;
    const Proportion& q = reference.predicted;
    std::optional<RateTest> test;
    const auto place = Test(p, q, &test);
    const std::string name(NameOf(Rate::kSelection));
    const std::string formula(FormulaOf(Rate::kSelection));
    Difference(group, reference, name, formula, p, q, Decides::kNone, test,
               place);
    Ratio(group, reference, name, formula, p, q,
          plan_.positive_is_favourable ? Decides::kRatio : Decides::kNone, test,
          place);
    if (!plan_.positive_is_favourable) {
      Ratio(group, reference, kFavourable, kFavourableFormula, Misses(p),
            Misses(q), Decides::kRatio, test, place);
    }
  }

  void CompareStrata(const AuditGroup& group, const AuditGroup& reference) {
    std::map<uint32_t, StratumRates> strata;
    const auto add = [&](const AuditGroup& from,
                         Proportion StratumRates::*side) {
      for (const size_t row : from.rows) {
        const uint32_t code = table_.stratum->codes[row];
        if (code == kNoCode || table_.predicted[row] == Answer::kUnknown) {
          continue;
        }
        Proportion& rate = strata[code].*side;
        ++rate.cases;
        rate.hits += table_.predicted[row] == Answer::kYes ? 1 : 0;
      }
    };
    add(group, &StratumRates::group);
    add(reference, &StratumRates::reference);
    std::vector<StratumRates> list;
    int64_t of_group = 0;
    int64_t of_reference = 0;
    for (const auto& [code, rates] : strata) {
      list.push_back(rates);
      if (rates.group.cases == 0 || rates.reference.cases == 0) continue;
      of_group += rates.group.cases;
      of_reference += rates.reference.cases;
    }
    const std::string within =
        absl::StrCat(" within equal ", table_.stratum->name);
    const std::string lack = LackOfCases(plan_, of_group, of_reference);
    const auto compared = CompareWithinStrata(list, 1 - plan_.alpha);
    std::optional<size_t> place;
    if (compared && lack.empty()) place = sheet_->AddTest(compared->p_value);

    v1::FairnessFigure& difference = sheet_->Describe(
        group.name, reference.name,
        "selection_rate_group_minus_reference_within_strata",
        compared ? std::optional(compared->rate_difference) : std::nullopt,
        absl::StrCat("predicted positive / all, group minus reference,",
                     within));
    difference.set_count(of_group);
    difference.set_reference_count(of_reference);
    sheet_->WithInterval(
        [list](double level) -> std::optional<Interval> {
          const auto result = CompareWithinStrata(list, level);
          if (!result) return std::nullopt;
          return result->rate_difference_interval;
        },
        "Mantel-Haenszel difference; Cochran-Mantel-Haenszel", place);
    sheet_->Tolerate(-plan_.difference_tolerance, plan_.difference_tolerance,
                     [list](double level) -> std::optional<Interval> {
                       const auto result = CompareWithinStrata(list, level);
                       if (!result) return std::nullopt;
                       return result->rate_difference_bounds;
                     });
    if (!lack.empty()) sheet_->Insufficient(lack);

    v1::FairnessFigure& odds = sheet_->Describe(
        group.name, reference.name,
        "selection_odds_group_over_reference_within_strata",
        compared ? compared->odds_ratio : std::nullopt,
        absl::StrCat("odds of a positive prediction, group over reference,",
                     within));
    odds.set_count(of_group);
    odds.set_reference_count(of_reference);
    sheet_->WithInterval(
        [list](double level) -> std::optional<Interval> {
          const auto result = CompareWithinStrata(list, level);
          if (!result) return std::nullopt;
          return result->odds_ratio_interval;
        },
        "Robins-Breslow-Greenland interval; Cochran-Mantel-Haenszel", place);
    if (!lack.empty()) sheet_->Insufficient(lack);
  }

  void CompareTables(const AuditGroup& group, const AuditGroup& reference) {
    const Confusion& p = group.confusion;
    const Confusion& q = reference.confusion;
    const auto positives = [](const Confusion& table) {
      return table.true_positives + table.false_negatives;
    };
    const auto negatives = [](const Confusion& table) {
      return table.false_positives + table.true_negatives;
    };
    const auto smaller = [&](const Confusion& table) {
      return std::min(positives(table), negatives(table));
    };
    const std::string lack = LackOfCases(plan_, smaller(p), smaller(q));
    const auto add = [&](std::string_view name, std::optional<double> value,
                         std::string_view formula) {
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
    std::vector<Proportion> rates;
    std::vector<Confusion> tables;
    std::vector<std::string> names;
    int64_t count = 0;
    for (const AuditGroup& group : cases_.groups) {
      if (!group.compared() || group.predicted.cases < plan_.minimum) continue;
      rates.push_back(Favourable(group));
      tables.push_back(FavourableTable(group.confusion));
      names.push_back(group.name);
      count += group.predicted.cases;
    }
    std::optional<double> highest;
    std::optional<double> lowest;
    for (const Proportion& rate : rates) {
      const auto value = rate.rate();
      if (!highest || *value > *highest) highest = value;
      if (!lowest || *value < *lowest) lowest = value;
    }
    const auto add = [&](std::string_view name, std::optional<double> value,
                         std::string_view formula) {
      v1::FairnessFigure& figure =
          sheet_->Describe("", "", name, value, formula);
      figure.set_count(count);
      if (rates.size() < 2) {
        sheet_->Insufficient("fewer than two groups have enough cases");
      }
    };
    const std::string name = plan_.positive_is_favourable
                                 ? std::string(NameOf(Rate::kSelection))
                                 : kFavourable;
    add(absl::StrCat(name, "_greatest_minus_smallest"),
        fairness::Difference(highest, lowest),
        "greatest minus smallest rate of a group with enough cases");
    add(absl::StrCat(name, "_smallest_over_greatest"),
        fairness::Ratio(lowest, highest),
        "smallest over greatest rate of a group with enough cases");
    const auto differential = MeasureDifferentialFairness(rates);
    std::string formula =
        "greatest |ln| of the ratio of two groups' smoothed rates";
    if (differential) {
      absl::StrAppend(&formula, ": ", names[differential->highest], " and ",
                      names[differential->lowest]);
    }
    add("differential_fairness_epsilon",
        differential ? std::optional(differential->epsilon) : std::nullopt,
        formula);
    if (!labelled()) return;
    add("equalized_odds_greatest_difference", EqualizedOddsDifference(tables),
        "greater of greatest minus smallest true and false positive rate");
    Confusion all;
    for (const Confusion& table : tables) all = all + table;
    const auto benefits = BenefitsOf(all);
    add("generalized_entropy_alpha_2", GeneralizedEntropy(benefits.counts, 2),
        "spread of 1 + predicted favourable - truly favourable over persons");
    add("theil_index", Theil(benefits.counts),
        "spread of 1 + predicted favourable - truly favourable over persons");
    add("generalized_entropy_alpha_2_between_groups",
        BetweenGroupEntropy(tables, 2),
        "its part that lies between groups and not inside of them");
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
