#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "policy/fairness/audit_groups.h"
#include "policy/fairness/ranking.h"
#include "policy/fairness/two_sample_tests.h"

namespace consentry::policy::fairness {
namespace {

// A place in a list, and the group that stands there.
struct Placed {
  double place = 0;
  uint32_t group = 0;
};

constexpr char kMeanFormula[] = "mean of 1 / log2(1 + place)";
constexpr char kRatioFormula[] =
    "mean of 1 / log2(1 + place), group over reference";

// The place that gets this attention; 0: none, or one behind `depth`.
size_t PlaceOf(double exposure, size_t depth) {
  if (!(exposure > 0)) return 0;
  const double place = std::round(std::exp2(1 / exposure)) - 1;
  return place >= 1 && place <= static_cast<double>(depth)
             ? static_cast<size_t>(place)
             : 0;
}

}  // namespace

void AddPlacesOfPeople(const AuditPlan& plan,
                       const std::vector<double>& exposure,
                       const std::string& suffix, const GroupedCases& cases,
                       FigureSheet* sheet) {
  // Of the groups that are told, since what is summed over all of them would
  // tell the others.
  std::vector<const AuditGroup*> told;
  for (const AuditGroup& group : cases.groups) {
    if (group.tells(Told::kExposure) && group.cells.exposure.count > 0) {
      told.push_back(&group);
    }
  }
  if (told.empty()) return;
  // By place, of each group.
  std::vector<std::vector<int64_t>> counts(plan.ranking_depth,
                                           std::vector<int64_t>(told.size()));
  std::vector<int64_t> first(told.size());
  int64_t all_first = 0;
  int64_t all = 0;
  for (size_t i = 0; i < told.size(); ++i) {
    for (const size_t row : told[i]->rows) {
      const size_t place = PlaceOf(exposure[row], plan.ranking_depth);
      if (place == 0) continue;
      ++counts[place - 1][i];
      ++first[i];
    }
    all_first += first[i];
    all += told[i]->cells.exposure.count;
  }
  std::vector<double> shares;
  for (size_t i = 0; i < told.size(); ++i) {
    const int64_t count = told[i]->cells.exposure.count;
    shares.push_back(static_cast<double>(count) / static_cast<double>(all));
    if (!told[i]->compared()) continue;
    std::optional<double> value;
    if (first[i] > 0) {
      value = std::log(static_cast<double>(first[i]) /
                       static_cast<double>(all_first) / shares[i]);
    }
    v1::FairnessFigure& skew = sheet->Describe(
        told[i]->name, "",
        absl::StrCat("skew_of_first_", plan.ranking_depth, suffix), value,
        absl::StrCat("ln of the group's share of those with a watched item "
                     "among the first ",
                     plan.ranking_depth, " places over its share of all"));
    skew.set_count(count);
    if (count < plan.minimum) {
      sheet->Insufficient(
          absl::StrCat(count, " of ", plan.minimum, " cases needed"));
    } else if (all_first < plan.minimum) {
      sheet->Insufficient(absl::StrCat(all_first, " of ", plan.minimum,
                                       " cases needed among the first"));
    } else if (first[i] == 0) {
      skew.set_remark("none stands among the first");
    }
  }
  v1::FairnessFigure& divergence = sheet->Describe(
      "", "",
      absl::StrCat("discounted_divergence_of_first_", plan.ranking_depth,
                   suffix),
      DiscountedDivergenceOfCounts(counts, shares),
      "divergence of those with a watched item among the first i places from "
      "all, by groups, weighted by 1 / log2(1 + i)");
  divergence.set_count(all);
  if (told.size() < 2) {
    sheet->Insufficient("fewer than two groups have enough cases");
  } else if (all_first < plan.minimum) {
    sheet->Insufficient(absl::StrCat(all_first, " of ", plan.minimum,
                                     " cases needed among the first"));
  }
}

void AddRankingFigures(const AuditPlan& plan, const AuditTable& table,
                       const GroupedCases& cases, FigureSheet* sheet) {
  if (!table.list || table.place.empty()) return;
  sheet->At(cases.attribute, cases.variant);
  std::map<uint32_t, std::vector<Placed>> lists;
  const auto groups = static_cast<uint32_t>(cases.groups.size());
  for (uint32_t group = 0; group < groups; ++group) {
    for (const size_t row : cases.groups[group].rows) {
      const uint32_t list = table.list->codes[row];
      const double place = table.place[row];
      if (list == kNoCode || !(place >= 1) || !std::isfinite(place)) continue;
      lists[list].push_back({place, group});
    }
  }
  // Exposures of every single place, by group.
  std::vector<std::vector<double>> exposures(groups);
  std::vector<double> shares(groups);
  double placed = 0;
  for (auto& [list, places] : lists) {
    std::stable_sort(
        places.begin(), places.end(),
        [](const Placed& a, const Placed& b) { return a.place < b.place; });
    for (const Placed& one : places) {
      exposures[one.group].push_back(1 / std::log2(one.place + 1));
      shares[one.group] += 1;
      placed += 1;
    }
  }
  if (placed == 0 || placed < static_cast<double>(plan.suppress_below)) return;
  for (double& share : shares) share /= placed;

  for (uint32_t i = 0; i < groups; ++i) {
    const AuditGroup& group = cases.groups[i];
    if (group.suppressed() || exposures[i].empty()) continue;
    if (!group.tells(Told::kExposure)) {
      sheet->Withhold(group.name, "", "mean_exposure", kMeanFormula);
      continue;
    }
    const Moments moments = MomentsOf(exposures[i]);
    sheet->Describe(group.name, "", "mean_exposure", moments.mean, kMeanFormula)
        .set_count(moments.count);
    if (!group.compared()) continue;
    // Of all first places of all lists.
    double first = 0;
    double of_group = 0;
    for (const auto& [list, places] : lists) {
      const size_t depth = std::min(plan.ranking_depth, places.size());
      for (size_t k = 0; k < depth; ++k) {
        first += 1;
        of_group += places[k].group == i ? 1 : 0;
      }
    }
    const double share = of_group / first;
    v1::FairnessFigure& skew = sheet->Describe(
        group.name, "", absl::StrCat("skew_of_first_", plan.ranking_depth),
        of_group > 0 ? std::optional(std::log(share / shares[i]))
                     : std::nullopt,
        "ln of the share of first places over the share of all places");
    skew.set_count(static_cast<int64_t>(first));
    if (of_group == 0) skew.set_remark("none stands among the first");
  }

  if (cases.reference) {
    const AuditGroup& reference = cases.groups[*cases.reference];
    const Moments q = MomentsOf(exposures[*cases.reference]);
    for (uint32_t i = 0; i < groups; ++i) {
      const AuditGroup& group = cases.groups[i];
      if (!group.compared() || &group == &reference) continue;
      if (!group.tells(Told::kExposure) || !reference.tells(Told::kExposure)) {
        sheet->Withhold(group.name, reference.name,
                        "mean_exposure_group_over_reference", kRatioFormula);
        continue;
      }
      const Moments p = MomentsOf(exposures[i]);
      const std::string lack = LackOfCases(plan, p.count, q.count);
      v1::FairnessFigure& ratio = sheet->Describe(
          group.name, reference.name, "mean_exposure_group_over_reference",
          Ratio(p.mean, q.mean), kRatioFormula);
      ratio.set_count(p.count);
      ratio.set_reference_count(q.count);
      if (!lack.empty()) sheet->Insufficient(lack);
    }
  }

  // Those that are not told are as one.
  std::vector<uint32_t> as(groups);
  std::vector<double> told_shares;
  std::optional<uint32_t> untold;
  for (uint32_t i = 0; i < groups; ++i) {
    const bool told = cases.groups[i].tells(Told::kExposure);
    if (told || !untold) {
      as[i] = static_cast<uint32_t>(told_shares.size());
      told_shares.push_back(0);
      if (!told) untold = as[i];
    } else {
      as[i] = *untold;
    }
    told_shares[as[i]] += shares[i];
  }
  double weighted = 0;
  for (const auto& [list, places] : lists) {
    std::vector<uint32_t> order;
    for (const Placed& one : places) order.push_back(as[one.group]);
    // Every group in a list has a share of all places.
    weighted += DiscountedDivergence(order, told_shares).value_or(0);
  }
  sheet
      ->Describe("", "", "discounted_divergence_mean_over_lists",
                 weighted / static_cast<double>(lists.size()),
                 "divergence of the first i places from the shares of all "
                 "places, weighted by 1 / log2(1 + i)")
      .set_count(static_cast<int64_t>(placed));
}

}  // namespace consentry::policy::fairness
