// What may not stand in a fairness profile.
#include "policy/fairness/profile_check.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "policy/fairness/audit_figures.h"

namespace consentry::policy::fairness {
namespace {

using config::v1::AttributeSource;
using config::v1::FairnessAction;
using config::v1::FairnessAttribute;
using config::v1::FairnessComparison;
using config::v1::FairnessIntersection;
using config::v1::FairnessMetric;
using config::v1::FairnessMetricKind;
using config::v1::FairnessProfile;
using config::v1::FairnessReference;
using config::v1::FieldType;

constexpr int kMaxAttributes = 16;
constexpr int kMaxGroups = 32;
constexpr int kMaxIntersections = 16;
constexpr size_t kMaxCombinations = 64;
// What no release took.
constexpr size_t kMostCombinations = 4096;
constexpr int kMaxMetrics = 8;
constexpr int kMaxInputs = 64;
constexpr int kMaxFactors = 16;
constexpr int kMaxItems = 1024;
constexpr int kMaxLabels = 64;
constexpr size_t kMaxName = 64;
constexpr size_t kMaxTitle = 200;
constexpr uint32_t kMostUnits = 1'000'000;
constexpr double kMaxAlpha = 0.2;
constexpr double kMinAlpha = 1e-6;
constexpr double kLeastRatio = 0.01;

bool IsName(std::string_view text, std::string_view more) {
  if (text.empty() || text.size() > kMaxName) return false;
  return std::all_of(text.begin(), text.end(), [more](char c) {
    return absl::ascii_islower(static_cast<unsigned char>(c)) ||
           absl::ascii_isdigit(static_cast<unsigned char>(c)) ||
           more.find(c) != std::string_view::npos;
  });
}

bool HasBands(const FairnessAttribute& attribute) {
  return attribute.source() == AttributeSource::BIRTH_DATE ||
         attribute.source() == AttributeSource::NUMBER;
}

class Checker {
 public:
  // `bounds`: also what is no more than a bound.
  Checker(const FairnessProfile& profile, const config::v1::Catalog* catalog,
          bool bounds)
      : profile_(profile), catalog_(catalog), bounds_(bounds) {}

  std::vector<Fault> Check(const Place& at) {
    Bound(IsName(profile_.id(), "_.-"), at.At("id"),
          "must be 1 to 64 characters of [a-z0-9_.-]");
    Bound(IsName(profile_.model(), "_.-"), at.At("model"),
          "must be 1 to 64 characters of [a-z0-9_.-]");
    Alpha(profile_.alpha(), at.At("alpha"));
    Alpha(profile_.audits().yearly_alpha(), at.At("audits").At("yearly_alpha"));
    Favourable(at);
    Attributes(at);
    Intersections(at);
    Metrics(at);
    Rest(at);
    return std::move(faults_);
  }

 private:
  bool Require(bool holds, const Place& place, std::string message) {
    if (!holds) faults_.push_back(place.MakeFault(std::move(message)));
    return holds;
  }

  // What another release may draw narrower.
  bool Bound(bool holds, const Place& place, std::string message) {
    return !bounds_ || Require(holds, place, std::move(message));
  }

  void Alpha(double alpha, const Place& place) {
    if (!Require(alpha >= 0 && alpha < 1, place,
                 "must be from 0.000001 to 0.2")) {
      return;
    }
    Bound(alpha == 0 || (alpha >= kMinAlpha && alpha <= kMaxAlpha), place,
          "must be from 0.000001 to 0.2");
  }

  void Favourable(const Place& at) {
    const bool needed = std::any_of(
        profile_.metrics().begin(), profile_.metrics().end(),
        [](const FairnessMetric& metric) {
          return metric.kind() == FairnessMetricKind::SELECTION_RATE;
        });
    const auto& favourable = profile_.favourable();
    const Place place = at.At("favourable");
    switch (favourable.by_case()) {
      case config::v1::Favourable::BY_NOT_SET:
        Require(!needed, place,
                "is needed by a selection rate: say which outcome is good for "
                "the customer");
        break;
      case config::v1::Favourable::kStated:
        Require(favourable.stated(), place.At("stated"), "must be true");
        break;
      case config::v1::Favourable::kLabels: {
        const auto& labels = favourable.labels().labels();
        Bound(!labels.empty() && labels.size() <= kMaxLabels,
              place.At("labels"), "must have 1 to 64 labels");
        break;
      }
      case config::v1::Favourable::kScoreAtLeast:
        Require(std::isfinite(favourable.score_at_least()),
                place.At("score_at_least"), "must be a finite number");
        break;
      case config::v1::Favourable::kScoreAtMost:
        Require(std::isfinite(favourable.score_at_most()),
                place.At("score_at_most"), "must be a finite number");
        break;
    }
  }

  void Attributes(const Place& at) {
    if (Require(profile_.attributes_size() >= 1, at.At("attributes"),
                "must be 1 to 16")) {
      Bound(profile_.attributes_size() <= kMaxAttributes, at.At("attributes"),
            "must be 1 to 16");
    }
    for (int i = 0; i < profile_.attributes_size(); ++i) {
      const FairnessAttribute& attribute = profile_.attributes(i);
      const Place place = at.At("attributes", i);
      Bound(IsName(attribute.name(), "_"), place.At("name"),
            "must be 1 to 64 characters of [a-z0-9_]");
      if (!Require(!groups_.contains(attribute.name()), place.At("name"),
                   "is not unique")) {
        continue;
      }
      groups_[attribute.name()] = {};
      Require(attribute.source() != AttributeSource::UNSPECIFIED,
              place.At("source"), "is missing");
      Field(attribute, place);
      const std::vector<std::string> names = GroupsOf(attribute, place);
      groups_[attribute.name()] = {names.begin(), names.end()};
      if (attribute.rule() == FairnessReference::REST) {
        Require(attribute.reference().empty(), place.At("reference"),
                "cannot be given with the rule REST");
      } else {
        Require(groups_[attribute.name()].contains(attribute.reference()),
                place.At("reference"),
                attribute.reference().empty()
                    ? "is missing: name it before the first look"
                    : "is no group of the attribute");
      }
    }
  }

  void Field(const FairnessAttribute& attribute, const Place& place) {
    const std::vector<std::string> parts =
        absl::StrSplit(attribute.field(), '.');
    if (!Require(parts.size() == 2 && !parts[0].empty() && !parts[1].empty(),
                 place.At("field"),
                 "must name a field, such as "
                 "\"profile.birth_date\"") ||
        catalog_ == nullptr) {
      return;
    }
    for (const auto& kind : catalog_->kinds()) {
      if (kind.key() != parts[0]) continue;
      for (const auto& field : kind.fields()) {
        if (field.key() != parts[1]) continue;
        Require(Fits(attribute.source(), field.type()), place.At("field"),
                "is of a type that the source cannot be read from");
        Require(field.sensitivity() != config::v1::Sensitivity::SPECIAL ||
                    !attribute.assessment().empty(),
                place.At("assessment"),
                "is missing: the field is of a special category");
        return;
      }
    }
    Require(false, place.At("field"), "is not in the catalog");
  }

  static bool Fits(AttributeSource::Value source, FieldType::Value type) {
    switch (source) {
      case AttributeSource::BIRTH_DATE:
        return type == FieldType::DATE;
      case AttributeSource::NUMBER:
        return type == FieldType::INT || type == FieldType::DOUBLE;
      case AttributeSource::REGION:
        return type == FieldType::COUNTRY || type == FieldType::REGION;
      case AttributeSource::TEXT:
        return type == FieldType::STRING || type == FieldType::BOOL ||
               type == FieldType::CITY || type == FieldType::LANGUAGE ||
               type == FieldType::COUNTRY || type == FieldType::REGION ||
               type == FieldType::POSTAL_CODE;
      default:
        return true;
    }
  }

  std::vector<std::string> GroupsOf(const FairnessAttribute& attribute,
                                    const Place& place) {
    if (HasBands(attribute)) {
      Require(attribute.groups().empty(), place.At("groups"),
              "cannot be given with bands, which name them");
      const std::vector<int32_t> bands(attribute.bands().begin(),
                                       attribute.bands().end());
      if (Require(!bands.empty(), place.At("bands"), "must be 1 to 31")) {
        Bound(bands.size() < kMaxGroups, place.At("bands"), "must be 1 to 31");
      }
      for (size_t i = 0; i < bands.size(); ++i) {
        const Place at = place.At("bands", static_cast<int>(i));
        Require(bands[i] > (i == 0 ? 0 : bands[i - 1]), at,
                "must be above 0 and above the one before");
        Bound(bands[i] <= 1'000'000, at, "must be at most 1,000,000");
      }
      return BandNames(bands);
    }
    Require(attribute.bands().empty(), place.At("bands"),
            "are for birth dates and numbers");
    if (Require(attribute.groups_size() >= 2, place.At("groups"),
                "must be 2 to 32, named before the first look")) {
      Bound(attribute.groups_size() <= kMaxGroups, place.At("groups"),
            "must be 2 to 32, named before the first look");
    }
    std::vector<std::string> names;
    std::set<std::string> seen;
    std::set<std::string> values;
    for (int i = 0; i < attribute.groups_size(); ++i) {
      const auto& group = attribute.groups(i);
      const Place at = place.At("groups", i);
      Bound(IsName(group.name(), "_-"), at.At("name"),
            "must be 1 to 64 characters of [a-z0-9_-]");
      Bound(group.name() != kUnknownName && group.name() != kOtherName &&
                group.name() != kRestName,
            at.At("name"), "is a word of the gateway's own");
      Require(seen.insert(group.name()).second, at.At("name"), "is not unique");
      names.push_back(group.name());
      if (group.values().empty()) {
        Require(values.insert(group.name()).second, at.At("name"),
                "is a value of another group");
      }
      for (int j = 0; j < group.values_size(); ++j) {
        const std::string value = absl::AsciiStrToLower(group.values(j));
        Require(!value.empty(), at.At("values", j), "is empty");
        Require(values.insert(value).second, at.At("values", j),
                "is a value of another group");
      }
    }
    return names;
  }

  void Intersections(const Place& at) {
    Bound(profile_.intersections_size() <= kMaxIntersections,
          at.At("intersections"), "must be at most 16");
    std::set<std::string> seen;
    for (int i = 0; i < profile_.intersections_size(); ++i) {
      Intersection(profile_.intersections(i), at.At("intersections", i), &seen);
    }
  }

  void Intersection(const FairnessIntersection& one, const Place& place,
                    std::set<std::string>* seen) {
    if (!Require(one.attributes_size() == 2 || one.attributes_size() == 3,
                 place.At("attributes"), "must be two or three")) {
      return;
    }
    size_t combinations = 1;
    std::set<std::string> own;
    for (int i = 0; i < one.attributes_size(); ++i) {
      const auto found = groups_.find(one.attributes(i));
      if (!Require(found != groups_.end(), place.At("attributes", i),
                   "is no attribute of the profile")) {
        return;
      }
      Require(own.insert(one.attributes(i)).second, place.At("attributes", i),
              "stands twice");
      combinations *= std::max<size_t>(found->second.size(), 1);
    }
    Require(seen->insert(absl::StrJoin(own, "*")).second,
            place.At("attributes"), "are those of another intersection");
    Require(combinations <= (bounds_ ? kMaxCombinations : kMostCombinations) ||
                !one.groups().empty(),
            place.At("groups"),
            absl::StrCat("must name the combinations: all of them are ",
                         combinations, ", more than 64"));
    Bound(one.groups_size() <= static_cast<int>(kMaxCombinations),
          place.At("groups"), "must be at most 64");
    const std::vector<std::string> reference(one.reference().begin(),
                                             one.reference().end());
    Combination(one, reference, place.At("reference"));
    std::set<std::string> named;
    for (int i = 0; i < one.groups_size(); ++i) {
      const std::vector<std::string> parts = absl::StrSplit(one.groups(i), '*');
      Combination(one, parts, place.At("groups", i));
      Require(named.insert(one.groups(i)).second, place.At("groups", i),
              "stands twice");
      Require(parts != reference, place.At("groups", i),
              "is the reference itself");
    }
  }

  void Combination(const FairnessIntersection& one,
                   const std::vector<std::string>& parts, const Place& place) {
    bool good = parts.size() == static_cast<size_t>(one.attributes_size());
    for (size_t i = 0; good && i < parts.size(); ++i) {
      good = groups_.at(one.attributes(static_cast<int>(i))).contains(parts[i]);
    }
    Require(good, place, "must be one group of each attribute, in their order");
  }

  void Metrics(const Place& at) {
    if (Require(profile_.metrics_size() >= 1, at.At("metrics"),
                "must be 1 to 8")) {
      Bound(profile_.metrics_size() <= kMaxMetrics, at.At("metrics"),
            "must be 1 to 8");
    }
    std::set<std::pair<int, int>> seen;
    std::set<std::pair<std::vector<std::string>, int>> exposures;
    for (int i = 0; i < profile_.metrics_size(); ++i) {
      const FairnessMetric& metric = profile_.metrics(i);
      const Place place = at.At("metrics", i);
      Require(metric.kind() != FairnessMetricKind::UNSPECIFIED,
              place.At("kind"), "is missing");
      Range(metric, place);
      Bound(metric.kind() == FairnessMetricKind::EXPOSURE_MEAN
                ? metric.items_size() >= 1 && metric.items_size() <= kMaxItems
                : metric.items().empty(),
            place.At("items"),
            metric.kind() == FairnessMetricKind::EXPOSURE_MEAN
                ? "must be 1 to 1024"
                : "are for EXPOSURE_MEAN");
      const int comparison =
          metric.comparison() != FairnessComparison::UNSPECIFIED
              ? metric.comparison()
          : metric.kind() == FairnessMetricKind::SCORE_MEAN
              ? FairnessComparison::DIFFERENCE
              : FairnessComparison::RATIO;
      if (metric.kind() != FairnessMetricKind::EXPOSURE_MEAN) {
        Require(seen.emplace(metric.kind(), comparison).second, place,
                "is compared so already");
      } else {
        std::vector<std::string> items(metric.items().begin(),
                                       metric.items().end());
        std::sort(items.begin(), items.end());
        Bound(exposures.emplace(std::move(items), comparison).second, place,
              "is compared so already");
      }
    }
  }

  void Range(const FairnessMetric& metric, const Place& place) {
    const bool ranged = metric.kind() == FairnessMetricKind::SCORE_MEAN ||
                        metric.kind() == FairnessMetricKind::PRICE_MEAN;
    const bool given = metric.lower() != 0 || metric.upper() != 0;
    Require(ranged || !given, place.At("upper"), "is for scores and prices");
    const bool good =
        !given ||
        (std::isfinite(metric.lower()) && std::isfinite(metric.upper()) &&
         metric.lower() < metric.upper() &&
         std::isfinite(metric.upper() - metric.lower()));
    Require(good, place.At("upper"), "must be finite and above `lower`");
    const bool difference =
        metric.comparison() == FairnessComparison::DIFFERENCE ||
        (metric.comparison() == FairnessComparison::UNSPECIFIED &&
         metric.kind() == FairnessMetricKind::SCORE_MEAN);
    if (difference) {
      double width = 1;
      if (given && good) width = metric.upper() - metric.lower();
      if (!given && metric.kind() == FairnessMetricKind::PRICE_MEAN) width = 2;
      Require(metric.tolerance() >= 0 && metric.tolerance() < width,
              place.At("tolerance"),
              "must be from 0 to less than the width of the range");
    } else {
      if (Require(metric.tolerance() >= 0 && metric.tolerance() <= 1,
                  place.At("tolerance"), "must be from 0.01 to 1")) {
        Bound(metric.tolerance() == 0 || metric.tolerance() >= kLeastRatio,
              place.At("tolerance"), "must be from 0.01 to 1");
      }
      Require(metric.lower() == 0, place.At("lower"), "must be 0 for a ratio");
    }
  }

  void Rest(const Place& at) {
    // It stands on pages and in terminals.
    Bound(profile_.title().size() <= kMaxTitle &&
              std::none_of(profile_.title().begin(), profile_.title().end(),
                           [](char c) {
                             return absl::ascii_iscntrl(
                                 static_cast<unsigned char>(c));
                           }),
          at.At("title"),
          "must be at most 200 bytes without control characters");
    Bound(profile_.minimum() <= kMostUnits, at.At("minimum"),
          "must be at most 1,000,000");
    Bound(profile_.suppress_below() <= kMostUnits, at.At("suppress_below"),
          "must be at most 1,000,000");
    std::set<int> kinds;
    for (int i = 0; i < profile_.kinds_size(); ++i) {
      Require(static_cast<int>(profile_.kinds(i)) != 0 &&
                  kinds.insert(profile_.kinds(i)).second,
              at.At("kinds", i), "must be a kind of output, named once");
    }
    const Place pairing = at.At("pairing");
    Bound(profile_.pairing().hours() <= 720, pairing.At("hours"),
          "must be at most 720");
    const uint64_t pairs = profile_.alarm().pairs_between_false_alarms();
    Bound(pairs == 0 || (pairs >= 100 && pairs <= 100'000'000),
          at.At("alarm").At("pairs_between_false_alarms"),
          "must be 100 to 100,000,000");
    Bound(profile_.on_alarm() != FairnessAction::BLOCK, at.At("on_alarm"),
          "cannot block: an alarm proves nothing");
    Bound(profile_.inputs_size() <= kMaxInputs, at.At("inputs"),
          "must be at most 64");
    const auto& traffic = profile_.traffic();
    Require(
        std::isfinite(traffic.units_per_day()) && traffic.units_per_day() >= 0,
        at.At("traffic").At("units_per_day"), "must be 0 or more");
    Require(traffic.rate() >= 0 && traffic.rate() <= 1,
            at.At("traffic").At("rate"), "must be from 0 to 1");
    std::map<std::string, double> sums;
    for (const auto& [key, share] : traffic.shares()) {
      const std::vector<std::string> parts = absl::StrSplit(key, '=');
      const auto found =
          parts.size() == 2 ? groups_.find(parts[0]) : groups_.end();
      Require(found != groups_.end() &&
                  (found->second.contains(parts[1]) ||
                   parts[1] == kUnknownName || parts[1] == kOtherName),
              at.At("traffic").At("shares"),
              "names no group of the profile: write \"attribute=group\"");
      Require(share >= 0 && share <= 1, at.At("traffic").At("shares"),
              "must be from 0 to 1");
      sums[parts[0]] += share;
    }
    for (const auto& [attribute, sum] : sums) {
      Require(sum <= 1 + 1e-9, at.At("traffic").At("shares"),
              "of one attribute add up to more than 1");
    }
    const auto& audits = profile_.audits();
    v1::OutcomeKind outcome = v1::OUTCOME_KIND_UNSPECIFIED;
    Require(audits.outcome().empty() ||
                (v1::OutcomeKind_Parse("OUTCOME_KIND_" + audits.outcome(),
                                       &outcome) &&
                 outcome != v1::OUTCOME_KIND_UNSPECIFIED),
            at.At("audits").At("outcome"),
            "must be a kind of outcome, such as \"REPAID\"");
    Figures(at.At("audits").At("figures"));
    Tolerances(at.At("audits").At("tolerances"));
    const Place factors = at.At("audits").At("legitimate_factors");
    Bound(audits.legitimate_factors_size() <= kMaxFactors, factors,
          "must be at most 16");
    const std::set<std::string> named(audits.legitimate_factors().begin(),
                                      audits.legitimate_factors().end());
    Bound(static_cast<int>(named.size()) == audits.legitimate_factors_size(),
          factors, "names a field twice");
    Bound(!named.contains(""), factors, "must name a field");
    Bound(audits.outcome_days() <= 3660, at.At("audits").At("outcome_days"),
          "must be at most 3660");
    Bound(audits.alarm_days() <= 366, at.At("audits").At("alarm_days"),
          "must be at most 366");
    Bound(audits.ranking_depth() <= 500, at.At("audits").At("ranking_depth"),
          "must be at most 500");
    Bound(audits.ranking_depth() == 0 ||
              HasMetric(FairnessMetricKind::EXPOSURE_MEAN),
          at.At("audits").At("ranking_depth"),
          "needs the metric EXPOSURE_MEAN: an output is for one person and "
          "ranks no people, but the places of its watched items do");
  }

  bool HasMetric(FairnessMetricKind::Value kind) const {
    return std::any_of(
        profile_.metrics().begin(), profile_.metrics().end(),
        [kind](const FairnessMetric& metric) { return metric.kind() == kind; });
  }

  // An audit that is asked for what it has no data for would be silent on it.
  // In a text of the past a name may stand that nothing was made of.
  void Figures(const Place& at) {
    const bool rates = HasMetric(FairnessMetricKind::SELECTION_RATE);
    const bool scores = HasMetric(FairnessMetricKind::SCORE_MEAN);
    const bool prices = HasMetric(FairnessMetricKind::PRICE_MEAN);
    std::set<std::string> seen;
    for (const std::string& name : profile_.audits().figures()) {
      const AuditFigure* const figure = FindAuditFigure(name);
      Bound(figure != nullptr, at,
            absl::StrCat("names no figure; there are ", AuditFigureNames()));
      Bound(seen.insert(name).second, at, "names a figure twice");
      if (figure == nullptr) continue;
      Bound(!figure->needs_outcome ||
                (rates && !profile_.audits().outcome().empty()),
            at,
            absl::StrCat("asks for ", name,
                         ", which needs the metric SELECTION_RATE and an "
                         "outcome"));
      Bound(!figure->needs_score || scores, at,
            absl::StrCat("asks for ", name,
                         ", which needs the metric SCORE_MEAN"));
      Bound(!figure->needs_values || scores || prices, at,
            absl::StrCat("asks for ", name,
                         ", which needs the metric SCORE_MEAN or "
                         "PRICE_MEAN"));
      Bound(name != kDifferentialFairness.name || rates, at,
            absl::StrCat("asks for ", name,
                         ", which needs the metric SELECTION_RATE"));
    }
  }

  // A tolerance of what the audit does not tell would decide nothing.
  void Tolerances(const Place& at) {
    const auto& asked = profile_.audits().figures();
    for (const auto& [name, tolerance] : profile_.audits().tolerances()) {
      Require(tolerance >= 0 && tolerance < 1, at,
              "must be from 0 to less than 1");
      const NamedAuditMetric* const named = FindNamedAuditMetric(name);
      if (named == nullptr) {
        std::vector<std::string> names;
        for (const NamedAuditMetric& one : kNamedAuditMetrics) {
          names.emplace_back(one.name);
        }
        Bound(false, at,
              absl::StrCat("names nothing that an audit decides besides "
                           "metrics; there are ",
                           absl::StrJoin(names, ", ")));
        continue;
      }
      if (named->metric == AuditMetric::kSelectionWithinStrata) {
        Bound(HasMetric(FairnessMetricKind::SELECTION_RATE) &&
                  !profile_.audits().legitimate_factors().empty(),
              at,
              absl::StrCat("names ", name,
                           ", which needs the metric SELECTION_RATE and "
                           "legitimate_factors"));
        continue;
      }
      Bound(HasMetric(FairnessMetricKind::SELECTION_RATE) &&
                !profile_.audits().outcome().empty() &&
                (named->metric != AuditMetric::kOutcomeAtEqualScore ||
                 HasMetric(FairnessMetricKind::SCORE_MEAN)),
            at,
            absl::StrCat("names ", name,
                         ", which needs the metric SELECTION_RATE",
                         named->metric == AuditMetric::kOutcomeAtEqualScore
                             ? ", the metric SCORE_MEAN"
                             : "",
                         " and an outcome"));
      Bound(asked.empty() ||
                std::find(asked.begin(), asked.end(), name) != asked.end(),
            at,
            absl::StrCat("names ", name, ", which figures does not ask for"));
    }
  }

  const FairnessProfile& profile_;
  const config::v1::Catalog* const catalog_;
  const bool bounds_;
  // By attribute; the order of groups does not matter here.
  std::map<std::string, std::set<std::string>> groups_;
  std::vector<Fault> faults_;
};

}  // namespace

std::vector<Fault> CheckProfile(const ProfileFile& file,
                                const config::v1::Catalog* catalog) {
  return Checker(file.message, catalog, /*bounds=*/true)
      .Check(policy::PlaceOf(file));
}

std::vector<Fault> CheckKeptProfile(const ProfileFile& file) {
  return Checker(file.message, nullptr, /*bounds=*/false)
      .Check(policy::PlaceOf(file));
}

std::vector<std::string> BandNames(const std::vector<int32_t>& bands) {
  std::vector<std::string> names;
  if (bands.empty()) return names;
  names.push_back(absl::StrCat("under_", bands.front()));
  for (size_t i = 0; i + 1 < bands.size(); ++i) {
    names.push_back(absl::StrCat(bands[i], "_", bands[i + 1] - 1));
  }
  names.push_back(absl::StrCat(bands.back(), "_and_over"));
  return names;
}

}  // namespace consentry::policy::fairness
