#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "policy/fairness/audit_groups.h"
#include "policy/fairness/calibration.h"
#include "policy/fairness/distances.h"
#include "policy/fairness/groups.h"
#include "policy/fairness/means.h"
#include "policy/fairness/price_parity.h"
#include "policy/fairness/two_sample_tests.h"

namespace consentry::policy::fairness {
namespace {

using Values = std::vector<double>;

constexpr size_t kBins = 20;
constexpr size_t kCalibrationBins = 10;

// "exposure_2" as "exposure 2".
std::string Words(const std::string& name) {
  return absl::StrReplaceAll(name, {{"_", " "}});
}

// Values of one group, with the rows that they stand in.
struct Sample {
  const AuditGroup* group = nullptr;
  Values values;
  std::vector<size_t> rows;
  // Of them, how many were cut to their range.
  int64_t clipped = 0;
};

class ValueFigures {
 public:
  ValueFigures(const AuditPlan& plan, const AuditTable& table,
               const GroupedCases& cases, FigureSheet* sheet,
               v1::FairnessReport* report)
      : plan_(plan),
        table_(table),
        cases_(cases),
        sheet_(sheet),
        report_(report) {}

  void Scores() {
    const auto samples = Samples(table_.score, table_.score_range, "score",
                                 Told::kScore, IsScore);
    if (samples.empty()) return;
    if (plan_.Asks(kDistribution)) Spread("score", samples);
    for (const Sample& sample : samples) Mean("score", sample);
    ForPairs(samples, [this](const Sample& group, const Sample& reference) {
      CompareScores(group, reference);
    });
    if (!table_.label.empty() && plan_.Asks(kCalibration)) {
      Calibration(samples);
    }
  }

  void Exposures() {
    for (size_t i = 0; i < table_.exposures.size(); ++i) {
      const std::string name =
          i == 0 ? "exposure" : absl::StrCat("exposure_", i + 1);
      const auto samples = Samples(table_.exposures[i], std::nullopt, name,
                                   Told::kExposure, IsScore);
      if (samples.empty()) continue;
      exposed_ = i < table_.exposed.size() && !table_.exposed[i].empty()
                     ? absl::StrCat(", of ", table_.exposed[i])
                     : "";
      for (const Sample& sample : samples) Mean(name, sample);
      ForPairs(samples, [&](const Sample& group, const Sample& reference) {
        CompareMeansOf(name, AuditMetric::kExposure, i, group, reference);
      });
      AddPlacesOfPeople(plan_, table_.exposures[i], i == 0 ? "" : "_of_" + name,
                        cases_, sheet_);
      exposed_.clear();
    }
  }

  void Prices() {
    const auto samples = Samples(table_.price, table_.price_range, "price",
                                 Told::kPrice, IsPrice);
    if (samples.empty()) return;
    if (plan_.Asks(kDistribution)) Spread("price", samples);
    for (const Sample& sample : samples) Mean("price", sample);
    ForPairs(samples, [this](const Sample& group, const Sample& reference) {
      ComparePrice(group, reference);
    });
  }

 private:
  // Groups that may be told and have values.
  std::vector<Sample> Samples(const Values& column,
                              const std::optional<AuditRange>& range,
                              const std::string& name, Told what,
                              bool (*counts)(double)) const {
    std::vector<Sample> samples;
    if (column.empty()) return samples;
    for (const AuditGroup& group : cases_.groups) {
      if (group.suppressed()) continue;
      Sample sample;
      sample.group = &group;
      for (const size_t row : group.rows) {
        if (!counts(column[row])) continue;
        sample.values.push_back(column[row]);
        sample.rows.push_back(row);
        if (range && range->beyond[row]) ++sample.clipped;
      }
      if (sample.values.empty()) continue;
      if (group.tells(what)) {
        samples.push_back(std::move(sample));
      } else {
        sheet_->Withhold(group.name, "", absl::StrCat("mean_", name),
                         MeanFormula(name));
      }
    }
    return samples;
  }

  template <class Visit>
  void ForPairs(const std::vector<Sample>& samples, const Visit& visit) const {
    if (cases_.rest) {
      ForRests(samples, visit);
      return;
    }
    if (!cases_.reference) return;
    const AuditGroup* reference = &cases_.groups[*cases_.reference];
    const auto found = std::find_if(
        samples.begin(), samples.end(),
        [&](const Sample& sample) { return sample.group == reference; });
    if (found == samples.end()) return;
    for (const Sample& sample : samples) {
      if (sample.group != reference && sample.group->compared()) {
        visit(sample, *found);
      }
    }
  }

  // Each group with all others that are told.
  template <class Visit>
  void ForRests(const std::vector<Sample>& samples, const Visit& visit) const {
    for (size_t i = 0; i < cases_.groups.size(); ++i) {
      const AuditGroup& group = cases_.groups[i];
      if (!group.named()) continue;
      const auto own = std::find_if(
          samples.begin(), samples.end(),
          [&](const Sample& sample) { return sample.group == &group; });
      if (own == samples.end()) continue;
      const AuditGroup rest = RestOf(cases_, i);
      Sample others;
      others.group = &rest;
      for (const Sample& sample : samples) {
        if (&sample == &*own || !sample.group->named()) continue;
        others.values.insert(others.values.end(), sample.values.begin(),
                             sample.values.end());
        others.rows.insert(others.rows.end(), sample.rows.begin(),
                           sample.rows.end());
        others.clipped += sample.clipped;
      }
      if (!others.values.empty()) visit(*own, others);
    }
  }

  static int64_t Size(const Sample& sample) {
    return static_cast<int64_t>(sample.values.size());
  }

  static std::string MeanFormula(const std::string& what) {
    return absl::StrCat("sum of ", Words(what), "s / cases");
  }

  void Mean(const std::string& what, const Sample& sample) {
    const Moments moments = MomentsOf(sample.values);
    v1::FairnessFigure& figure = sheet_->Describe(
        sample.group->name, "", absl::StrCat("mean_", what), moments.mean,
        absl::StrCat(MeanFormula(what), exposed_));
    figure.set_count(moments.count);
    figure.set_clipped_count(sample.clipped);
  }

  // What was cut of the values that the last figure rests on.
  void Clip(const Sample& group, const Sample& reference) {
    sheet_->Clip(group.clipped, Size(group), reference.clipped,
                 Size(reference));
  }

  // A figure of two samples.
  v1::FairnessFigure& Pair(const Sample& group, const Sample& reference,
                           std::string_view name, std::optional<double> value,
                           std::string_view formula) {
    v1::FairnessFigure& figure = sheet_->Describe(
        group.group->name, reference.group->name, name, value, formula);
    figure.set_count(Size(group));
    figure.set_reference_count(Size(reference));
    Clip(group, reference);
    return figure;
  }

  void Distances(const std::string& what, const Sample& group,
                 const Sample& reference) {
    if (!plan_.Asks(kDistribution)) return;
    const std::string lack = LackOfCases(plan_, Size(group), Size(reference));
    Pair(group, reference, absl::StrCat(what, "_kolmogorov_smirnov_distance"),
         KolmogorovSmirnov(group.values, reference.values),
         "greatest distance of the two distribution functions");
    if (!lack.empty()) sheet_->Insufficient(lack);
    Pair(group, reference, absl::StrCat(what, "_wasserstein_1_distance"),
         Wasserstein1(group.values, reference.values),
         "area between the two distribution functions");
    if (!lack.empty()) sheet_->Insufficient(lack);
  }

  // A test for a figure that decides. Where nothing was declared, all that can
  // be tested is.
  std::optional<size_t> TestOf(bool decides, std::optional<double> p_value,
                               const std::string& lack) {
    if (!p_value || !lack.empty() || (plan_.declared && !decides)) {
      return std::nullopt;
    }
    return sheet_->AddTest(*p_value);
  }

  void Tolerate(const AuditTolerance& tolerance,
                FigureSheet::IntervalAt bounds) {
    sheet_->Tolerate(tolerance.tolerance.lower(), tolerance.tolerance.upper(),
                     std::move(bounds));
  }

  void CompareMeansOf(const std::string& what, AuditMetric metric,
                      size_t column, const Sample& group,
                      const Sample& reference) {
    const auto difference =
        plan_.Decides(metric, Comparison::kDifference, column);
    const auto ratio = plan_.Decides(metric, Comparison::kRatio, column);
    const std::string formula = absl::StrCat("mean ", Words(what), exposed_);
    const std::string lack = LackOfCases(plan_, Size(group), Size(reference));
    if (difference) {
      DecideDifference(absl::StrCat("mean_", what, "_group_minus_reference"),
                       absl::StrCat(formula, ", group minus reference"),
                       *difference, group, reference, /*within=*/false);
    } else {
      const Moments p = MomentsOf(group.values);
      const Moments q = MomentsOf(reference.values);
      const auto compared = CompareMeans(p, q, 1 - plan_.alpha);
      const auto test = TestOf(
          false, compared ? std::optional(compared->p_value) : std::nullopt,
          lack);
      Pair(group, reference,
           absl::StrCat("mean_", what, "_group_minus_reference"),
           compared ? std::optional(compared->difference) : std::nullopt,
           absl::StrCat(formula, ", group minus reference"));
      sheet_->WithInterval(
          [p, q](double level) -> std::optional<Interval> {
            const auto result = CompareMeans(p, q, level);
            if (!result) return std::nullopt;
            return result->interval;
          },
          "Welch", test);
      if (!lack.empty()) sheet_->Insufficient(lack);
    }
    Pair(group, reference, absl::StrCat("mean_", what, "_group_over_reference"),
         MeanRatio(group.values, reference.values),
         absl::StrCat(formula, ", group over reference"));
    if (ratio) DecideRatio(*ratio, group, reference, lack);
    if (!lack.empty()) sheet_->Insufficient(lack);
  }

  // Of the last figure, the ratio of two means.
  void DecideRatio(const AuditTolerance& decides, const Sample& group,
                   const Sample& reference, const std::string& lack) {
    const auto stratum = std::make_shared<MeanStratum>(MeanStratum{
        RangedSampleOf(group.values, decides.lower, decides.upper),
        RangedSampleOf(reference.values, decides.lower, decides.upper)});
    const auto equal = CompareRangedMeans({stratum.get(), 1}, 1 - plan_.alpha);
    const bool ratio =
        CompareRangedRatio(stratum->group, stratum->reference, 1 - plan_.alpha)
            .has_value();
    sheet_->WithInterval(
        [stratum](double level) -> std::optional<Interval> {
          const auto result =
              CompareRangedRatio(stratum->group, stratum->reference, level);
          if (!result) return std::nullopt;
          return result->interval;
        },
        "Welch on the logarithm",
        TestOf(true,
               equal && ratio ? std::optional(equal->p_value) : std::nullopt,
               lack));
    Tolerate(decides, [stratum](double level) -> std::optional<Interval> {
      const auto result =
          CompareRangedRatio(stratum->group, stratum->reference, level);
      if (!result) return std::nullopt;
      return result->bounds;
    });
  }

  // A difference of means that decides, within strata or of all.
  void DecideDifference(const std::string& name, const std::string& formula,
                        const AuditTolerance& decides, const Sample& group,
                        const Sample& reference, bool within) {
    std::map<uint32_t, std::pair<Values, Values>> values;
    const auto add = [&](const Sample& from,
                         Values std::pair<Values, Values>::*side) {
      for (size_t i = 0; i < from.rows.size(); ++i) {
        const uint32_t code = within ? table_.stratum->codes[from.rows[i]] : 0;
        if (code != kNoCode) (values[code].*side).push_back(from.values[i]);
      }
    };
    add(group, &std::pair<Values, Values>::first);
    add(reference, &std::pair<Values, Values>::second);
    const auto strata = std::make_shared<std::vector<MeanStratum>>();
    for (const auto& [code, both] : values) {
      if (both.first.size() < 2 || both.second.size() < 2) continue;
      strata->push_back(
          {RangedSampleOf(both.first, decides.lower, decides.upper),
           RangedSampleOf(both.second, decides.lower, decides.upper)});
    }
    const auto compared = CompareRangedMeans(*strata, 1 - plan_.alpha);
    const int64_t of_group = compared ? compared->group_cases : 0;
    const int64_t of_reference = compared ? compared->reference_cases : 0;
    // In one stratum alone it is about a part, of which others tell the rest.
    const bool parts = compared && compared->strata > 1;
    if (within &&
        (!MayTellPart(plan_, of_group, parts ? of_group : Size(group)) ||
         !MayTellPart(plan_, of_reference,
                      parts ? of_reference : Size(reference)))) {
      sheet_->Withhold(group.group->name, reference.group->name, name, formula);
      Tolerate(decides, nullptr);
      return;
    }
    const std::string lack =
        within ? LackOfCases(plan_, of_group, of_reference)
               : LackOfCases(plan_, Size(group), Size(reference));
    v1::FairnessFigure& figure = Pair(
        group, reference, name,
        compared ? std::optional(compared->difference) : std::nullopt, formula);
    if (within) {
      figure.set_count(of_group);
      figure.set_reference_count(of_reference);
    }
    sheet_->WithInterval(
        [strata](double level) -> std::optional<Interval> {
          const auto result = CompareRangedMeans(*strata, level);
          if (!result) return std::nullopt;
          return result->interval;
        },
        "Welch",
        TestOf(true, compared ? std::optional(compared->p_value) : std::nullopt,
               lack));
    Tolerate(decides, [strata](double level) -> std::optional<Interval> {
      const auto result = CompareRangedMeans(*strata, level);
      if (!result) return std::nullopt;
      return result->bounds;
    });
    if (!lack.empty()) sheet_->Insufficient(lack);
  }

  void CompareScores(const Sample& group, const Sample& reference) {
    CompareMeansOf("score", AuditMetric::kScore, 0, group, reference);
    Distances("score", group, reference);
  }

  void Calibration(const std::vector<Sample>& samples) {
    Values all;
    for (const Sample& sample : samples) {
      all.insert(all.end(), sample.values.begin(), sample.values.end());
    }
    std::sort(all.begin(), all.end());
    const bool chances = all.front() >= 0 && all.back() <= 1;
    const Values edges = QuantileEdges(all, kCalibrationBins);
    std::map<const Sample*, std::vector<CalibrationBin>> bins;
    std::map<const Sample*, int64_t> counts;
    // With one bin alone it is a rate of all, of which others tell more.
    std::map<const Sample*, bool> told;
    for (const Sample& sample : samples) {
      Values scores;
      const auto labels = std::make_unique<bool[]>(sample.rows.size());
      for (size_t i = 0; i < sample.rows.size(); ++i) {
        const Answer label = table_.label[sample.rows[i]];
        if (label == Answer::kUnknown) continue;
        labels[scores.size()] = label == Answer::kYes;
        scores.push_back(sample.values[i]);
      }
      counts[&sample] = static_cast<int64_t>(scores.size());
      bins[&sample] = CalibrationBins(
          scores, std::span<const bool>(labels.get(), scores.size()), edges);
      told[&sample] = sample.group->tells(Told::kOutcome) &&
                      MayTellPart(plan_, counts[&sample],
                                  bins[&sample].size() > 1 ? counts[&sample]
                                                           : Size(sample)) &&
                      MayTellPart(plan_, counts[&sample],
                                  bins[&sample].size() > 1
                                      ? counts[&sample]
                                      : sample.group->cells.confusion.cases());
      if (!chances) continue;
      constexpr char kError[] = "expected_calibration_error";
      constexpr char kFormula[] =
          "mean over cases of |share that came true - mean score| of the bin";
      if (!told[&sample]) {
        sheet_->Withhold(sample.group->name, "", kError, kFormula);
        continue;
      }
      v1::FairnessFigure& figure =
          sheet_->Describe(sample.group->name, "", kError,
                           ExpectedCalibrationError(bins[&sample]), kFormula);
      figure.set_count(counts[&sample]);
    }
    ForPairs(samples, [&](const Sample& group, const Sample& reference) {
      if (!reference.group->parts.empty()) {
        // Of a rest, those of its parts that are told.
        std::vector<CalibrationBin> sums(bins[&group].size());
        int64_t count = 0;
        for (const Sample& part : samples) {
          if (&part == &group || !part.group->named() || !told[&part]) continue;
          count += counts[&part];
          for (size_t i = 0; i < sums.size(); ++i) {
            const CalibrationBin& bin = bins[&part][i];
            sums[i].lower = bin.lower;
            sums[i].upper = bin.upper;
            sums[i].outcome.hits += bin.outcome.hits;
            sums[i].outcome.cases += bin.outcome.cases;
          }
        }
        counts[&reference] = count;
        told[&reference] = count > 0;
        bins[&reference] = std::move(sums);
      }
      const auto& p = bins[&group];
      const auto& q = bins[&reference];
      std::vector<StratumRates> strata;
      // In bins that hold both: the others say nothing about a difference.
      int64_t of_group = 0;
      int64_t of_reference = 0;
      size_t both = 0;
      for (size_t i = 0; i < p.size(); ++i) {
        const Proportion& one = p[i].outcome;
        const Proportion& other = q[i].outcome;
        strata.push_back({one, other});
        if (one.cases == 0 || other.cases == 0) continue;
        ++both;
        of_group += one.cases;
        of_reference += other.cases;
      }
      constexpr char kMean[] =
          "outcome_rate_at_equal_score_group_minus_reference";
      const std::string mean_formula = absl::StrCat(
          "came true / all, group minus reference, within ", both, " of ",
          strata.size(), " bins of equal score, those that hold both");
      constexpr char kGreatest[] =
          "outcome_rate_at_equal_score_greatest_group_minus_reference";
      std::string formula =
          "greatest difference, group minus reference, in a bin of equal score";
      const auto decides = plan_.Decides(AuditMetric::kOutcomeAtEqualScore,
                                         Comparison::kDifference);
      // In one bin alone it is the difference of two rates of a part.
      const auto tells_shared = [&](const Sample& one, int64_t shared) {
        return MayTellPart(plan_, shared, both > 1 ? shared : counts[&one]);
      };
      if (!told[&group] || !told[&reference] ||
          !tells_shared(group, of_group) ||
          !tells_shared(reference, of_reference)) {
        sheet_->Withhold(group.group->name, reference.group->name, kMean,
                         mean_formula);
        if (decides) Tolerate(*decides, nullptr);
        sheet_->Withhold(group.group->name, reference.group->name, kGreatest,
                         formula);
        return;
      }
      const std::string lack = LackOfCases(plan_, of_group, of_reference);
      const auto compared = CompareWithinStrata(strata, 1 - plan_.alpha);
      const auto test = TestOf(
          decides.has_value(),
          compared ? std::optional(compared->p_value) : std::nullopt, lack);
      v1::FairnessFigure& figure = sheet_->Describe(
          group.group->name, reference.group->name, kMean,
          compared ? std::optional(compared->rate_difference) : std::nullopt,
          mean_formula);
      figure.set_count(of_group);
      figure.set_reference_count(of_reference);
      Clip(group, reference);
      sheet_->WithInterval(
          [strata](double level) -> std::optional<Interval> {
            const auto result = CompareWithinStrata(strata, level);
            if (!result) return std::nullopt;
            return result->rate_difference_interval;
          },
          "Mantel-Haenszel difference; Cochran-Mantel-Haenszel", test);
      if (decides) {
        Tolerate(*decides, [strata](double level) -> std::optional<Interval> {
          const auto result = CompareWithinStrata(strata, level);
          if (!result) return std::nullopt;
          return result->rate_difference_bounds;
        });
      }
      if (!lack.empty()) sheet_->Insufficient(lack);

      const auto gap = CompareCalibration(
          p, q, std::max(plan_.minimum, plan_.suppress_below));
      if (gap) {
        // The ends of all scores are somebody's.
        const size_t bin = gap->greatest_bin;
        absl::StrAppend(
            &formula, ": ",
            bin == 0 ? "the lowest" : absl::StrCat("from ", p[bin].lower),
            bin + 1 == p.size() ? " to the highest"
                                : absl::StrCat(" to ", p[bin].upper));
      }
      v1::FairnessFigure& greatest = sheet_->Describe(
          group.group->name, reference.group->name, kGreatest,
          gap ? std::optional(gap->greatest) : std::nullopt, formula);
      greatest.set_count(of_group);
      greatest.set_reference_count(of_reference);
      Clip(group, reference);
      if (!gap) {
        sheet_->Insufficient("no bin has enough cases of both");
      }
    });
  }

  void ComparePrice(const Sample& group, const Sample& reference) {
    Pair(group, reference, "mean_price_group_over_reference",
         MeanRatio(group.values, reference.values),
         "mean price, group over reference");
    const std::string lack = LackOfCases(plan_, Size(group), Size(reference));
    if (!lack.empty()) sheet_->Insufficient(lack);
    // Where factors are declared, what counts is within them.
    if (const auto difference =
            plan_.Decides(AuditMetric::kPrice, Comparison::kDifference)) {
      DecideDifference(
          table_.stratum ? "mean_price_group_minus_reference_within_strata"
                         : "mean_price_group_minus_reference",
          absl::StrCat(
              "mean price, group minus reference",
              table_.stratum ? ", within equal " + table_.stratum->name : ""),
          *difference, group, reference, table_.stratum.has_value());
    }
    PriceRatio(group, reference, /*within=*/false);
    if (table_.stratum) PriceRatio(group, reference, /*within=*/true);
    Distances("price", group, reference);
  }

  // Prices of both, by stratum; all in one where strata do not count.
  void PriceRatio(const Sample& group, const Sample& reference, bool within) {
    struct Prices {
      Values group;
      Values reference;
    };
    const auto strata = std::make_shared<std::map<uint32_t, Prices>>();
    const auto add = [&](const Sample& from, Values Prices::*side) {
      for (size_t i = 0; i < from.rows.size(); ++i) {
        const uint32_t code = within ? table_.stratum->codes[from.rows[i]] : 0;
        if (code == kNoCode) continue;
        ((*strata)[code].*side).push_back(from.values[i]);
      }
    };
    add(group, &Prices::group);
    add(reference, &Prices::reference);
    int64_t of_group = 0;
    int64_t of_reference = 0;
    size_t both = 0;
    for (const auto& [code, prices] : *strata) {
      if (prices.group.size() < 2 || prices.reference.size() < 2) continue;
      ++both;
      of_group += static_cast<int64_t>(prices.group.size());
      of_reference += static_cast<int64_t>(prices.reference.size());
    }
    const auto decides = plan_.Decides(AuditMetric::kPrice, Comparison::kRatio);
    // Equality of exactly 1 can never be shown.
    const bool equivalence = decides && decides->tolerance.t < 1;
    const auto compare = [strata, tolerance = equivalence
                                                  ? decides->tolerance.upper()
                                                  : 2.0](double level) {
      std::vector<StratumPrices> list;
      for (const auto& [code, prices] : *strata) {
        list.push_back({prices.group, prices.reference});
      }
      return ComparePrices(list, level, tolerance);
    };
    const char* const name = within ? "price_group_over_reference_within_strata"
                                    : "price_group_over_reference";
    const std::string formula =
        within ? absl::StrCat(
                     "geometric mean of prices, group over "
                     "reference, within equal ",
                     table_.stratum->name)
               : "geometric mean of prices, group over reference";
    const auto tolerate = [&](FigureSheet::IntervalAt bounds) {
      if (decides && (within || !table_.stratum)) {
        Tolerate(*decides, std::move(bounds));
      }
    };
    if (!MayTellPart(plan_, of_group, both > 1 ? of_group : Size(group)) ||
        !MayTellPart(plan_, of_reference,
                     both > 1 ? of_reference : Size(reference))) {
      sheet_->Withhold(group.group->name, reference.group->name, name, formula);
      tolerate(nullptr);
      return;
    }
    const auto compared = compare(1 - plan_.alpha);
    const std::string lack = LackOfCases(plan_, of_group, of_reference);
    const auto test = TestOf(
        decides && (within || !table_.stratum),
        compared ? std::optional(compared->p_value) : std::nullopt, lack);
    v1::FairnessFigure& figure = sheet_->Describe(
        group.group->name, reference.group->name, name,
        compared ? std::optional(compared->ratio) : std::nullopt, formula);
    figure.set_count(of_group);
    figure.set_reference_count(of_reference);
    Clip(group, reference);
    if (compared && lack.empty() && equivalence) {
      figure.set_equivalence_p_value(compared->equivalence_p_value);
    }
    // Moments once; an interval at another level is another quantile.
    sheet_->WithInterval(
        [compared](double level) -> std::optional<Interval> {
          if (!compared) return std::nullopt;
          return PriceIntervalAt(*compared, level);
        },
        "Welch on logarithms; two one-sided tests", test);
    tolerate([compared](double level) -> std::optional<Interval> {
      if (!compared) return std::nullopt;
      return PriceBoundsAt(*compared, level);
    });
    if (!lack.empty()) sheet_->Insufficient(lack);
  }

  // The same bins for all groups. The ends have cases enough beyond them, since
  // the greatest price is somebody's.
  void Spread(std::string_view what, const std::vector<Sample>& samples) {
    Values all;
    for (const Sample& sample : samples) {
      all.insert(all.end(), sample.values.begin(), sample.values.end());
    }
    std::sort(all.begin(), all.end());
    const double beyond = std::clamp(static_cast<double>(plan_.suppress_below) /
                                         static_cast<double>(all.size()),
                                     0.01, 0.5);
    const double low = *Quantile(all, beyond);
    const double high = *Quantile(all, 1 - beyond);
    std::vector<double> distinct;
    // Of those, what enough have.
    std::vector<double> edges;
    for (size_t i = 0; i < all.size() && distinct.size() <= kBins;) {
      const double value = all[i];
      const size_t first = i;
      while (i < all.size() && all[i] == value) ++i;
      if (value < low || value > high) continue;
      distinct.push_back(value);
      if (static_cast<int64_t>(i - first) >= plan_.suppress_below) {
        edges.push_back(value);
      }
    }
    if (distinct.size() <= kBins && !edges.empty()) {
      // Few values: a bin for each.
      edges.push_back(edges.size() > 1
                          ? edges.back() +
                                (edges.back() - edges[edges.size() - 2])
                          : edges.back() + 1);
    } else if (low < high) {
      edges.clear();
      for (size_t i = 0; i <= kBins; ++i) {
        edges.push_back(low + (high - low) * static_cast<double>(i) /
                                  static_cast<double>(kBins));
      }
    } else {
      edges = {low, low + 1};
    }
    for (const Sample& sample : samples) {
      std::vector<int64_t> counts(edges.size() - 1);
      Values sorted = sample.values;
      std::sort(sorted.begin(), sorted.end());
      for (const double value : sorted) {
        const auto above = std::upper_bound(edges.begin(), edges.end(), value);
        const auto place = above - edges.begin();
        const auto bin = std::clamp<std::ptrdiff_t>(
            place - 1, 0, static_cast<std::ptrdiff_t>(counts.size()) - 1);
        ++counts[static_cast<size_t>(bin)];
      }
      v1::FairnessDistribution& spread = *report_->add_distributions();
      spread.set_attribute(cases_.attribute);
      spread.set_variant(cases_.variant);
      spread.set_group(sample.group->name);
      spread.set_what(std::string(what));
      spread.set_count(Size(sample));
      spread.set_median(*Quantile(sorted, 0.5));
      spread.set_mean(MomentsOf(sorted).mean);
      const std::vector<bool> left_open =
          SuppressedGroups(counts, plan_.suppress_below);
      for (size_t i = 0; i < counts.size(); ++i) {
        v1::FairnessBin& bin = *spread.add_bins();
        bin.set_lower(edges[i]);
        bin.set_upper(edges[i + 1]);
        if (!left_open[i]) {
          bin.set_share(static_cast<double>(counts[i]) /
                        static_cast<double>(Size(sample)));
        }
      }
    }
  }

  const AuditPlan& plan_;
  const AuditTable& table_;
  const GroupedCases& cases_;
  FigureSheet* const sheet_;
  v1::FairnessReport* const report_;
  // What the exposure at hand is of, in words.
  std::string exposed_;
};

}  // namespace

void AddValueFigures(const AuditPlan& plan, const AuditTable& table,
                     const GroupedCases& cases, FigureSheet* sheet,
                     v1::FairnessReport* report) {
  sheet->At(cases.attribute, cases.variant);
  ValueFigures figures(plan, table, cases, sheet, report);
  figures.Scores();
  figures.Exposures();
  figures.Prices();
}

}  // namespace consentry::policy::fairness
