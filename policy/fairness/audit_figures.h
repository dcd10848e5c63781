#ifndef CONSENTRY_POLICY_FAIRNESS_AUDIT_FIGURES_H_
#define CONSENTRY_POLICY_FAIRNESS_AUDIT_FIGURES_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "policy/fairness/contrast.h"

// What an audit can be asked for besides the rates of predictions, and the
// means of scores, prices and exposures. What is not asked for is neither told
// nor tested. Pure; any thread.
namespace consentry::policy::fairness {

struct AuditFigure {
  std::string_view name;
  // What it tells, for people.
  std::string_view words;
  // Without this it says nothing.
  bool needs_outcome = false;
  bool needs_score = false;
  bool needs_values = false;  // Scores or prices.
  // Each comparison of two groups makes a test, where it decides.
  bool tests = false;
};

inline constexpr AuditFigure kEqualizedOdds{
    .name = "equalized_odds",
    .words = "differences of true and false positive rates taken together",
    .needs_outcome = true};
inline constexpr AuditFigure kInequality{
    .name = "inequality",
    .words = "how benefits are spread over persons (generalized entropy)",
    .needs_outcome = true};
inline constexpr AuditFigure kCalibration{
    .name = "calibration",
    .words = "what came true at equal score",
    .needs_outcome = true,
    .needs_score = true,
    .tests = true};
inline constexpr AuditFigure kDistribution{
    .name = "distribution",
    .words = "how scores and prices are spread, and how far apart",
    .needs_values = true};
inline constexpr AuditFigure kDifferentialFairness{
    .name = "differential_fairness",
    .words = "greatest ratio of two groups' smoothed rates"};

inline constexpr std::array kAuditFigures = {
    AuditFigure{.name = "base_rate",
                .words = "came true, of all",
                .needs_outcome = true},
    AuditFigure{.name = "true_positive_rate",
                .words = "predicted positive, of what came true",
                .needs_outcome = true,
                .tests = true},
    AuditFigure{.name = "false_positive_rate",
                .words = "predicted positive, of what did not come true",
                .needs_outcome = true,
                .tests = true},
    AuditFigure{.name = "false_negative_rate",
                .words = "predicted negative, of what came true",
                .needs_outcome = true},
    AuditFigure{.name = "positive_predictive_value",
                .words = "came true, of what was predicted positive",
                .needs_outcome = true,
                .tests = true},
    AuditFigure{.name = "negative_predictive_value",
                .words = "did not come true, of what was predicted negative",
                .needs_outcome = true},
    AuditFigure{.name = "accuracy",
                .words = "predicted as it came, of all",
                .needs_outcome = true},
    kEqualizedOdds,
    kInequality,
    kCalibration,
    kDistribution,
    kDifferentialFairness};

// Null: there is none of this name.
inline const AuditFigure* FindAuditFigure(std::string_view name) {
  const auto* const found =
      std::find_if(kAuditFigures.begin(), kAuditFigures.end(),
                   [name](const AuditFigure& one) { return one.name == name; });
  return found == kAuditFigures.end() ? nullptr : found;
}

// What an audit can decide.
enum class AuditMetric : uint8_t {
  kSelection,  // Rate of the favourable prediction.
  kSelectionWithinStrata,
  kTruePositive,
  kFalsePositive,
  kPositivePredictiveValue,
  kOutcomeAtEqualScore,
  kScore,
  kPrice,
  kExposure,
};

// How far a group may differ from its reference by one of them.
struct AuditTolerance {
  AuditMetric metric = AuditMetric::kSelection;
  // Of values as they are, in a difference too.
  Tolerance tolerance;
  // Of kExposure: which column.
  size_t column = 0;
  // Of kScore, kPrice and kExposure: where values can lie.
  double lower = 0;
  double upper = 1;
};

// What a profile declares by its name, besides its metrics.
struct NamedAuditMetric {
  std::string_view name;
  AuditMetric metric;
};
inline constexpr std::string_view kWithinFactors =
    "selection_rate_within_factors";
inline constexpr std::array kNamedAuditMetrics = {
    NamedAuditMetric{"true_positive_rate", AuditMetric::kTruePositive},
    NamedAuditMetric{"false_positive_rate", AuditMetric::kFalsePositive},
    NamedAuditMetric{"positive_predictive_value",
                     AuditMetric::kPositivePredictiveValue},
    NamedAuditMetric{"calibration", AuditMetric::kOutcomeAtEqualScore},
    NamedAuditMetric{kWithinFactors, AuditMetric::kSelectionWithinStrata}};

// Null: there is none of this name.
inline const NamedAuditMetric* FindNamedAuditMetric(std::string_view name) {
  const auto* const found = std::find_if(
      kNamedAuditMetrics.begin(), kNamedAuditMetrics.end(),
      [name](const NamedAuditMetric& one) { return one.name == name; });
  return found == kNamedAuditMetrics.end() ? nullptr : found;
}

// "base_rate, true_positive_rate, ..."
inline std::string AuditFigureNames() {
  std::string names;
  for (const AuditFigure& one : kAuditFigures) {
    if (!names.empty()) names += ", ";
    names += one.name;
  }
  return names;
}

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_AUDIT_FIGURES_H_
