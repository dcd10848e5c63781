#include "policy/fairness/confusion.h"

#include <algorithm>
#include <cmath>

namespace consentry::policy::fairness {
namespace {

double Real(int64_t count) { return static_cast<double>(count); }

struct Odds {
  double true_positive;
  double false_positive;
};

// Differences of both rates, group minus reference.
std::optional<Odds> OddsDifference(const Confusion& group,
                                   const Confusion& reference) {
  const auto tpr = RateDifference(Rate::kTruePositive, group, reference);
  const auto fpr = RateDifference(Rate::kFalsePositive, group, reference);
  if (!tpr || !fpr) return std::nullopt;
  return Odds{*tpr, *fpr};
}

struct Range {
  double lowest;
  double highest;
};

std::optional<Range> RangeOf(Rate rate, std::span<const Confusion> groups) {
  std::optional<Range> range;
  for (const Confusion& group : groups) {
    const auto value = RateOf(rate, group);
    if (!value) return std::nullopt;
    if (!range) range = Range{*value, *value};
    range->lowest = std::min(range->lowest, *value);
    range->highest = std::max(range->highest, *value);
  }
  return range;
}

Confusion Overall(std::span<const Confusion> groups) {
  Confusion all;
  for (const Confusion& group : groups) all = all + group;
  return all;
}

}  // namespace

void Confusion::Add(bool predicted, bool label) {
  if (predicted) {
    ++(label ? true_positives : false_positives);
  } else {
    ++(label ? false_negatives : true_negatives);
  }
}

int64_t Confusion::cases() const {
  return true_positives + false_positives + true_negatives + false_negatives;
}

Confusion operator+(const Confusion& a, const Confusion& b) {
  return {a.true_positives + b.true_positives,
          a.false_positives + b.false_positives,
          a.true_negatives + b.true_negatives,
          a.false_negatives + b.false_negatives};
}

std::string_view NameOf(Rate rate) {
  switch (rate) {
    case Rate::kSelection:
      return "selection_rate";
    case Rate::kBase:
      return "base_rate";
    case Rate::kTruePositive:
      return "true_positive_rate";
    case Rate::kFalsePositive:
      return "false_positive_rate";
    case Rate::kTrueNegative:
      return "true_negative_rate";
    case Rate::kFalseNegative:
      return "false_negative_rate";
    case Rate::kPositivePredictiveValue:
      return "positive_predictive_value";
    case Rate::kNegativePredictiveValue:
      return "negative_predictive_value";
    case Rate::kFalseDiscovery:
      return "false_discovery_rate";
    case Rate::kFalseOmission:
      return "false_omission_rate";
    case Rate::kAccuracy:
      return "accuracy";
    case Rate::kError:
      return "error_rate";
  }
  return "";
}

std::string_view FormulaOf(Rate rate) {
  switch (rate) {
    case Rate::kSelection:
      return "predicted positive / all";
    case Rate::kBase:
      return "truly positive / all";
    case Rate::kTruePositive:
      return "predicted positive / truly positive";
    case Rate::kFalsePositive:
      return "predicted positive / truly negative";
    case Rate::kTrueNegative:
      return "predicted negative / truly negative";
    case Rate::kFalseNegative:
      return "predicted negative / truly positive";
    case Rate::kPositivePredictiveValue:
      return "truly positive / predicted positive";
    case Rate::kNegativePredictiveValue:
      return "truly negative / predicted negative";
    case Rate::kFalseDiscovery:
      return "truly negative / predicted positive";
    case Rate::kFalseOmission:
      return "truly positive / predicted negative";
    case Rate::kAccuracy:
      return "predicted as it came true / all";
    case Rate::kError:
      return "predicted otherwise than it came true / all";
  }
  return "";
}

Proportion ProportionOf(Rate rate, const Confusion& table) {
  const int64_t tp = table.true_positives;
  const int64_t fp = table.false_positives;
  const int64_t tn = table.true_negatives;
  const int64_t fn = table.false_negatives;
  switch (rate) {
    case Rate::kSelection:
      return {tp + fp, table.cases()};
    case Rate::kBase:
      return {tp + fn, table.cases()};
    case Rate::kTruePositive:
      return {tp, tp + fn};
    case Rate::kFalsePositive:
      return {fp, fp + tn};
    case Rate::kTrueNegative:
      return {tn, fp + tn};
    case Rate::kFalseNegative:
      return {fn, tp + fn};
    case Rate::kPositivePredictiveValue:
      return {tp, tp + fp};
    case Rate::kNegativePredictiveValue:
      return {tn, tn + fn};
    case Rate::kFalseDiscovery:
      return {fp, tp + fp};
    case Rate::kFalseOmission:
      return {fn, tn + fn};
    case Rate::kAccuracy:
      return {tp + tn, table.cases()};
    case Rate::kError:
      return {fp + fn, table.cases()};
  }
  return {};
}

std::optional<double> RateDifference(Rate rate, const Confusion& group,
                                     const Confusion& reference) {
  return Difference(RateOf(rate, group), RateOf(rate, reference));
}

std::optional<double> RateRatio(Rate rate, const Confusion& group,
                                const Confusion& reference) {
  return Ratio(RateOf(rate, group), RateOf(rate, reference));
}

std::optional<double> AverageOddsDifference(const Confusion& group,
                                            const Confusion& reference) {
  const auto odds = OddsDifference(group, reference);
  if (!odds) return std::nullopt;
  return (odds->true_positive + odds->false_positive) / 2;
}

std::optional<double> AverageAbsoluteOddsDifference(
    const Confusion& group, const Confusion& reference) {
  const auto odds = OddsDifference(group, reference);
  if (!odds) return std::nullopt;
  return (std::fabs(odds->true_positive) + std::fabs(odds->false_positive)) / 2;
}

std::optional<double> EqualizedOddsDistance(const Confusion& group,
                                            const Confusion& reference) {
  const auto odds = OddsDifference(group, reference);
  if (!odds) return std::nullopt;
  return std::max(std::fabs(odds->true_positive),
                  std::fabs(odds->false_positive));
}

std::optional<double> AveragePredictiveValueDifference(
    const Confusion& group, const Confusion& reference) {
  const auto ppv =
      RateDifference(Rate::kPositivePredictiveValue, group, reference);
  const auto omitted = RateDifference(Rate::kFalseOmission, group, reference);
  if (!ppv || !omitted) return std::nullopt;
  return (*ppv + *omitted) / 2;
}

std::optional<double> TreatmentEqualityDifference(const Confusion& group,
                                                  const Confusion& reference) {
  return Difference(
      Quotient(Real(group.false_negatives), Real(group.false_positives)),
      Quotient(Real(reference.false_negatives),
               Real(reference.false_positives)));
}

std::optional<double> ConditionalAcceptanceReferenceMinusGroup(
    const Confusion& group, const Confusion& reference) {
  const auto acceptance = [](const Confusion& table) {
    return Quotient(Real(table.true_positives + table.false_negatives),
                    Real(table.true_positives + table.false_positives));
  };
  return Difference(acceptance(reference), acceptance(group));
}

std::optional<double> ConditionalRejectionGroupMinusReference(
    const Confusion& group, const Confusion& reference) {
  const auto rejection = [](const Confusion& table) {
    return Quotient(Real(table.true_negatives + table.false_positives),
                    Real(table.true_negatives + table.false_negatives));
  };
  return Difference(rejection(group), rejection(reference));
}

std::optional<double> NormalizedSelectionDifference(
    const Confusion& group, const Confusion& reference) {
  const auto difference = RateDifference(Rate::kSelection, group, reference);
  const auto selected = RateOf(Rate::kSelection, group + reference);
  if (!difference || !selected) return std::nullopt;
  const double all = Real(group.cases() + reference.cases());
  // Of the side that has more, as if it had all positives that it can hold.
  const double share =
      Real(*difference > 0 ? group.cases() : reference.cases()) / all;
  return Quotient(*difference,
                  std::min(*selected / share, (1 - *selected) / (1 - share)));
}

std::optional<double> GreatestRateDifference(
    Rate rate, std::span<const Confusion> groups) {
  const auto range = RangeOf(rate, groups);
  if (!range) return std::nullopt;
  return range->highest - range->lowest;
}

std::optional<double> SmallestRateRatio(Rate rate,
                                        std::span<const Confusion> groups) {
  const auto range = RangeOf(rate, groups);
  if (!range) return std::nullopt;
  return Quotient(range->lowest, range->highest);
}

std::optional<double> GreatestRateDifferenceToOverall(
    Rate rate, std::span<const Confusion> groups) {
  const auto range = RangeOf(rate, groups);
  const auto overall = RateOf(rate, Overall(groups));
  if (!range || !overall) return std::nullopt;
  return std::max(range->highest - *overall, *overall - range->lowest);
}

std::optional<double> SmallestRateRatioToOverall(
    Rate rate, std::span<const Confusion> groups) {
  const auto range = RangeOf(rate, groups);
  const auto overall = RateOf(rate, Overall(groups));
  if (!range || !overall) return std::nullopt;
  const auto below = Quotient(range->lowest, *overall);
  const auto above = Quotient(*overall, range->highest);
  if (!below || !above) return std::nullopt;
  return std::min(*below, *above);
}

std::optional<double> EqualizedOddsDifference(
    std::span<const Confusion> groups) {
  const auto tpr = GreatestRateDifference(Rate::kTruePositive, groups);
  const auto fpr = GreatestRateDifference(Rate::kFalsePositive, groups);
  if (!tpr || !fpr) return std::nullopt;
  return std::max(*tpr, *fpr);
}

std::optional<double> EqualizedOddsRatio(std::span<const Confusion> groups) {
  const auto tpr = SmallestRateRatio(Rate::kTruePositive, groups);
  const auto fpr = SmallestRateRatio(Rate::kFalsePositive, groups);
  if (!tpr || !fpr) return std::nullopt;
  return std::min(*tpr, *fpr);
}

std::optional<double> ConditionalDemographicDisparity(
    std::span<const ConditionalCounts> strata) {
  double weighted = 0;
  int64_t cases = 0;
  for (const ConditionalCounts& stratum : strata) {
    const int64_t negatives = stratum.everybody.cases - stratum.everybody.hits;
    const auto accepted =
        Quotient(Real(stratum.group.hits), Real(stratum.everybody.hits));
    const auto rejected = Quotient(
        Real(stratum.group.cases - stratum.group.hits), Real(negatives));
    if (stratum.everybody.cases == 0) continue;
    if (!accepted || !rejected) return std::nullopt;
    weighted += Real(stratum.everybody.cases) * (*rejected - *accepted);
    cases += stratum.everybody.cases;
  }
  return Quotient(weighted, Real(cases));
}

}  // namespace consentry::policy::fairness
