#ifndef CONSENTRY_POLICY_FAIRNESS_CONFUSION_H_
#define CONSENTRY_POLICY_FAIRNESS_CONFUSION_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "policy/fairness/proportion.h"

// Predictions against what came true, group by group. "Positive" is whatever
// the caller says a positive prediction is: favourable (a loan granted) or not
// (a risk found); the rates do not know which. Pure; any thread.
namespace consentry::policy::fairness {

// Counts of one group. None is negative.
struct Confusion {
  int64_t true_positives = 0;
  int64_t false_positives = 0;
  int64_t true_negatives = 0;
  int64_t false_negatives = 0;

  void Add(bool predicted, bool label);
  int64_t cases() const;

  friend Confusion operator+(const Confusion& a, const Confusion& b);
  friend bool operator==(const Confusion&, const Confusion&) = default;
};

// The rates of a confusion table, each with its denominator.
enum class Rate : uint8_t {
  kSelection,                // Predicted positive, of all.
  kBase,                     // Truly positive, of all.
  kTruePositive,             // Predicted positive, of the truly positive.
  kFalsePositive,            // Predicted positive, of the truly negative.
  kTrueNegative,             // Predicted negative, of the truly negative.
  kFalseNegative,            // Predicted negative, of the truly positive.
  kPositivePredictiveValue,  // Truly positive, of the predicted positive.
  kNegativePredictiveValue,  // Truly negative, of the predicted negative.
  kFalseDiscovery,           // Truly negative, of the predicted positive.
  kFalseOmission,            // Truly positive, of the predicted negative.
  kAccuracy,                 // Predicted as it is, of all.
  kError,                    // Predicted as it is not, of all.
};

// As in names of figures: "true_positive_rate".
std::string_view NameOf(Rate rate);
// In words: "positive predictions / truly positive cases".
std::string_view FormulaOf(Rate rate);

Proportion ProportionOf(Rate rate, const Confusion& table);
inline std::optional<double> RateOf(Rate rate, const Confusion& table) {
  return ProportionOf(rate, table).rate();
}

// Group minus reference, and group over reference. Absent where either rate is,
// and for the ratio where the reference's is zero.
std::optional<double> RateDifference(Rate rate, const Confusion& group,
                                     const Confusion& reference);
std::optional<double> RateRatio(Rate rate, const Confusion& group,
                                const Confusion& reference);

// Half of (difference of false positive rates + difference of true positive
// rates), each group minus reference. Opposite signs cancel.
std::optional<double> AverageOddsDifference(const Confusion& group,
                                            const Confusion& reference);
// The same over absolute differences: nothing cancels.
std::optional<double> AverageAbsoluteOddsDifference(const Confusion& group,
                                                    const Confusion& reference);
// The greater of the two absolute differences: equalized odds.
std::optional<double> EqualizedOddsDistance(const Confusion& group,
                                            const Confusion& reference);
// Half of (difference of positive predictive values + difference of false
// omission rates), group minus reference.
std::optional<double> AveragePredictiveValueDifference(
    const Confusion& group, const Confusion& reference);
// False negatives over false positives, group minus reference: which of the
// two errors is made instead of the other.
std::optional<double> TreatmentEqualityDifference(const Confusion& group,
                                                  const Confusion& reference);
// Truly positive over predicted positive, reference minus group; the same of
// negatives as group minus reference ("difference in conditional acceptance"
// and "rejection" of SageMaker Clarify, whose two signs differ).
std::optional<double> ConditionalAcceptanceReferenceMinusGroup(
    const Confusion& group, const Confusion& reference);
std::optional<double> ConditionalRejectionGroupMinusReference(
    const Confusion& group, const Confusion& reference);
// Selection rate, group minus reference, over the greatest difference that the
// shares of positives and of the two groups allow: -1 to 1 (Zliobaite 2015).
std::optional<double> NormalizedSelectionDifference(const Confusion& group,
                                                    const Confusion& reference);

// Over several groups, of which each must have the rate: greatest minus
// smallest, and smallest over greatest. Absent for none; where all rates are
// zero the ratio is absent.
std::optional<double> GreatestRateDifference(Rate rate,
                                             std::span<const Confusion> groups);
std::optional<double> SmallestRateRatio(Rate rate,
                                        std::span<const Confusion> groups);
// Against all groups together: the greatest absolute difference, and the
// smallest ratio, turned so that it is at most 1.
std::optional<double> GreatestRateDifferenceToOverall(
    Rate rate, std::span<const Confusion> groups);
std::optional<double> SmallestRateRatioToOverall(
    Rate rate, std::span<const Confusion> groups);
// Of true and false positive rates: the greater difference, the smaller ratio.
std::optional<double> EqualizedOddsDifference(
    std::span<const Confusion> groups);
std::optional<double> EqualizedOddsRatio(std::span<const Confusion> groups);

// One stratum of a condition, such as a region.
struct ConditionalCounts {
  // Predicted positive, of all, for the group and for everybody in it.
  Proportion group;
  Proportion everybody;
};
// Demographic disparity (the group's share of negative predictions minus its
// share of positive ones) averaged over strata with their sizes. Absent where
// a stratum with cases has no positives or no negatives at all.
std::optional<double> ConditionalDemographicDisparity(
    std::span<const ConditionalCounts> strata);

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_CONFUSION_H_
