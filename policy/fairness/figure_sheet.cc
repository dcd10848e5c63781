#include "policy/fairness/figure_sheet.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "policy/fairness/contrast.h"
#include "policy/fairness/groups.h"
#include "policy/fairness/two_sample_tests.h"

namespace consentry::policy::fairness {

void FigureSheet::At(std::string attribute, std::string variant) {
  attribute_ = std::move(attribute);
  variant_ = std::move(variant);
}

v1::FairnessFigure& FigureSheet::Describe(std::string_view group,
                                          std::string_view reference,
                                          std::string_view metric,
                                          std::optional<double> value,
                                          std::string_view formula) {
  Draft& draft = drafts_.emplace_back();
  draft.figure.set_attribute(attribute_);
  draft.figure.set_variant(variant_);
  draft.figure.set_group(std::string(group));
  draft.figure.set_reference(std::string(reference));
  draft.figure.set_metric(std::string(metric));
  draft.figure.set_formula(std::string(formula));
  if (value && std::isfinite(*value)) {
    draft.figure.set_value(*value);
  } else {
    draft.figure.set_remark("nothing to divide by");
  }
  return draft.figure;
}

void FigureSheet::Withhold(std::string_view group, std::string_view reference,
                           std::string_view metric, std::string_view formula) {
  Describe(group, reference, metric, std::nullopt, formula);
  Insufficient(std::string(kTooFewToTell));
}

size_t FigureSheet::AddTest(double p_value) {
  tests_.push_back(p_value);
  return tests_.size() - 1;
}

void FigureSheet::WithInterval(IntervalAt interval, std::string_view method,
                               std::optional<size_t> test) {
  Draft& draft = drafts_.back();
  draft.interval = std::move(interval);
  draft.test = test;
  draft.figure.set_method(std::string(method));
}

void FigureSheet::Tolerate(double lower, double upper, IntervalAt bounds) {
  Draft& draft = drafts_.back();
  draft.figure.set_tolerance_lower(lower);
  draft.figure.set_tolerance_upper(upper);
  draft.bounds = std::move(bounds);
}

void FigureSheet::Clip(int64_t clipped, int64_t cases,
                       int64_t reference_clipped, int64_t reference_cases) {
  Draft& draft = drafts_.back();
  draft.figure.set_clipped_count(clipped);
  draft.figure.set_reference_clipped_count(reference_clipped);
  const auto too_many = [](int64_t some, int64_t all) {
    return TooManyClipped(static_cast<uint64_t>(some),
                          static_cast<uint64_t>(all));
  };
  draft.beyond =
      too_many(clipped, cases) || too_many(reference_clipped, reference_cases);
}

void FigureSheet::Insufficient(std::string remark) {
  Draft& draft = drafts_.back();
  draft.insufficient = true;
  draft.figure.set_remark(std::move(remark));
  draft.figure.clear_value();
}

void FigureSheet::Decide(const std::vector<double>& corrected, size_t rejected,
                         Draft* draft) const {
  v1::FairnessFigure& figure = draft->figure;
  if (draft->test) figure.set_p_value(corrected[*draft->test]);
  if (!figure.has_tolerance_lower()) return;
  figure.set_finding(v1::FAIRNESS_FINDING_INSUFFICIENT);
  if (!draft->test || !draft->bounds) {
    if (figure.remark().empty()) figure.set_remark("no test can be made");
    return;
  }
  const double lower = figure.tolerance_lower();
  const double upper = figure.tolerance_upper();
  const double tests = static_cast<double>(std::max<size_t>(1, tests_.size()));
  // Found by its p-value: the interval is corrected for having been found
  // (Benjamini and Yekutieli 2005).
  if (corrected[*draft->test] <= plan_.alpha) {
    const auto found =
        draft->bounds(1 - plan_.alpha * static_cast<double>(rejected) / tests);
    if (found && (found->upper < lower || found->lower > upper)) {
      figure.set_finding(v1::FAIRNESS_FINDING_OUTSIDE_TOLERANCE);
      return;
    }
  }
  if (draft->beyond) {
    figure.set_remark(std::string(kTooManyBeyond));
    return;
  }
  // That all is well is said of any of them only where all hold together.
  const auto strict = draft->bounds(1 - plan_.alpha / tests);
  if (strict && strict->lower >= lower && strict->upper <= upper) {
    figure.set_finding(v1::FAIRNESS_FINDING_WITHIN_TOLERANCE);
    return;
  }
  // The interval that is told may lie on one side all the same.
  std::optional<Interval> told;
  if (draft->interval) told = draft->interval(1 - plan_.alpha);
  const bool one_side =
      told && ((told->lower >= lower && told->upper <= upper) ||
               told->upper < lower || told->lower > upper);
  figure.set_remark(
      one_side
          ? absl::StrCat("the bounds of a finding, which allow for ",
                         tests_.size() == 1
                             ? "few cases"
                             : absl::StrCat("all ", tests_.size(), " tests"),
                         ", reach over the tolerance")
          : "interval reaches over the tolerance");
}

void FigureSheet::Finish(v1::FairnessReport* report) && {
  const std::vector<double> corrected = BenjaminiHochberg(tests_);
  const auto rejected = static_cast<size_t>(
      std::count_if(corrected.begin(), corrected.end(),
                    [this](double p) { return p <= plan_.alpha; }));
  for (Draft& draft : drafts_) {
    v1::FairnessFigure& figure = draft.figure;
    if (draft.insufficient) {
      figure.clear_lower();
      figure.clear_upper();
      if (figure.has_tolerance_lower() && plan_.confirmatory) {
        figure.set_finding(v1::FAIRNESS_FINDING_INSUFFICIENT);
      }
    } else {
      if (draft.interval) {
        const auto bounds = draft.interval(1 - plan_.alpha);
        if (bounds && std::isfinite(bounds->lower) &&
            std::isfinite(bounds->upper)) {
          figure.set_lower(bounds->lower);
          figure.set_upper(bounds->upper);
        }
      }
      if (plan_.confirmatory) Decide(corrected, rejected, &draft);
      if (!plan_.confirmatory) figure.clear_equivalence_p_value();
      if (draft.test && plan_.confirmatory) {
        figure.set_method(absl::StrCat(figure.method(),
                                       "; Benjamini-Hochberg over ",
                                       tests_.size(), " tests"));
      }
    }
    *report->add_figures() = std::move(figure);
  }
  report->set_tests(plan_.confirmatory ? static_cast<int32_t>(tests_.size())
                                       : 0);
  drafts_.clear();
}

}  // namespace consentry::policy::fairness
