#include "policy/fairness/profile.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "consentry/v1/errors.pb.h"
#include "policy/engine/civil.h"
#include "policy/fairness/profile_check.h"
#include "proto/support/error.h"

namespace consentry::policy::fairness {
namespace {

using config::v1::AttributeSource;
using config::v1::FairnessComparison;
using config::v1::FairnessMetricKind;
using config::v1::FairnessReference;
using config::v1::FairnessUnit;

int BandOf(const std::vector<int32_t>& bands, double number) {
  return static_cast<int>(
      std::upper_bound(bands.begin(), bands.end(), number,
                       [](double x, int32_t end) { return x < end; }) -
      bands.begin());
}

// A purpose may reduce a date of birth to "25-34" or "65+": still a group where
// none of the bands ends within it.
int BandOfAges(const std::vector<int32_t>& bands, std::string_view text) {
  const bool open = !text.empty() && text.back() == '+';
  if (open) text.remove_suffix(1);
  const size_t dash = text.find('-');
  int low = 0;
  int high = 0;
  const auto number = [](std::string_view digits, int* value) {
    return digits.size() <= 3 &&
           absl::SimpleAtoi(absl::string_view(digits.data(), digits.size()),
                            value) &&
           *value >= 0;
  };
  if (open ? !number(text, &low)
           : dash == std::string_view::npos ||
                 !number(text.substr(0, dash), &low) ||
                 !number(text.substr(dash + 1), &high)) {
    return kUnknownGroup;
  }
  if (open) high = std::numeric_limits<int>::max();
  const int group = BandOf(bands, low);
  return group == BandOf(bands, high) ? group : kUnknownGroup;
}

Profile::Attribute AttributeOf(const config::v1::FairnessAttribute& from) {
  Profile::Attribute attribute;
  attribute.name = from.name();
  attribute.field = from.field();
  attribute.source = from.source();
  attribute.bands.assign(from.bands().begin(), from.bands().end());
  attribute.groups = BandNames(attribute.bands);
  attribute.values.resize(attribute.groups.size());
  for (const auto& group : from.groups()) {
    attribute.groups.push_back(group.name());
    std::vector<std::string> values;
    for (const auto& value : group.values()) {
      values.push_back(absl::AsciiStrToLower(value));
    }
    if (values.empty()) values.push_back(group.name());
    attribute.values.push_back(std::move(values));
  }
  return attribute;
}

int IndexOf(const std::vector<std::string>& names, std::string_view name) {
  return static_cast<int>(std::find(names.begin(), names.end(), name) -
                          names.begin());
}

std::string_view WordOf(FairnessMetricKind::Value kind) {
  switch (kind) {
    case FairnessMetricKind::SELECTION_RATE:
      return "selection_rate";
    case FairnessMetricKind::SCORE_MEAN:
      return "score_mean";
    case FairnessMetricKind::PRICE_MEAN:
      return "price_mean";
    case FairnessMetricKind::EXPOSURE_MEAN:
      return "exposure_mean";
    default:
      return "none";
  }
}

Profile::Metric MetricOf(const config::v1::FairnessMetric& from) {
  Profile::Metric metric;
  metric.kind = from.kind();
  const bool difference =
      from.comparison() == FairnessComparison::DIFFERENCE ||
      (from.comparison() == FairnessComparison::UNSPECIFIED &&
       from.kind() == FairnessMetricKind::SCORE_MEAN);
  metric.tolerance.comparison =
      difference ? Comparison::kDifference : Comparison::kRatio;
  metric.tolerance.t = from.tolerance();
  if (!difference && from.tolerance() == 0) metric.tolerance.t = 0.8;
  if (from.lower() != 0 || from.upper() != 0) {
    metric.lower = from.lower();
    metric.upper = from.upper();
  } else if (from.kind() == FairnessMetricKind::PRICE_MEAN) {
    metric.upper = 2;
  }
  metric.items.assign(from.items().begin(), from.items().end());
  std::sort(metric.items.begin(), metric.items.end());
  return metric;
}

// After the sets of items before it.
void NameMetric(const std::vector<Profile::Metric>& before,
                Profile::Metric* metric) {
  std::string number;
  if (metric->kind == FairnessMetricKind::EXPOSURE_MEAN) {
    size_t sets = 0;
    bool known = false;
    for (const Profile::Metric& other : before) {
      if (other.kind != metric->kind) continue;
      sets = std::max(sets, other.exposure + 1);
      if (other.items == metric->items && !known) {
        metric->exposure = other.exposure;
        known = true;
      }
    }
    if (!known) metric->exposure = sets;
    if (metric->exposure > 0) {
      number = absl::StrCat("_", metric->exposure + 1);
    }
  }
  metric->name =
      absl::StrCat(std::string(WordOf(metric->kind)), number,
                   metric->tolerance.comparison == Comparison::kDifference
                       ? "_group_minus_reference"
                       : "_group_over_reference");
}

std::optional<AuditMetric> AuditMetricOf(FairnessMetricKind::Value kind) {
  switch (kind) {
    case FairnessMetricKind::SELECTION_RATE:
      return AuditMetric::kSelection;
    case FairnessMetricKind::SCORE_MEAN:
      return AuditMetric::kScore;
    case FairnessMetricKind::PRICE_MEAN:
      return AuditMetric::kPrice;
    case FairnessMetricKind::EXPOSURE_MEAN:
      return AuditMetric::kExposure;
    default:
      return std::nullopt;
  }
}

// In the order of metrics; what is declared twice counts once.
std::vector<AuditTolerance> AuditTolerancesOf(
    const config::v1::FairnessAudits& audits,
    const std::vector<Profile::Metric>& metrics) {
  std::vector<AuditTolerance> tolerances;
  const auto add = [&tolerances](const AuditTolerance& one) {
    if (std::none_of(tolerances.begin(), tolerances.end(),
                     [&one](const AuditTolerance& other) {
                       return other.metric == one.metric &&
                              other.column == one.column &&
                              other.tolerance.comparison ==
                                  one.tolerance.comparison;
                     })) {
      tolerances.push_back(one);
    }
  };
  for (const Profile::Metric& metric : metrics) {
    if (const auto kind = AuditMetricOf(metric.kind)) {
      add({*kind, metric.tolerance, metric.exposure, metric.lower,
           metric.upper});
    }
  }
  // In the order in which they are told.
  for (const NamedAuditMetric& named : kNamedAuditMetrics) {
    const auto found = audits.tolerances().find(std::string(named.name));
    if (found == audits.tolerances().end()) continue;
    add({named.metric, {Comparison::kDifference, found->second}});
  }
  if (!audits.legitimate_factors().empty()) {
    for (const Profile::Metric& metric : metrics) {
      if (metric.binary() &&
          metric.tolerance.comparison == Comparison::kDifference) {
        add({AuditMetric::kSelectionWithinStrata, metric.tolerance});
      }
    }
  }
  return tolerances;
}

// All combinations of one group of each attribute.
std::vector<std::vector<int>> Combinations(
    const std::vector<Profile::Attribute>& attributes,
    const std::vector<int>& which) {
  std::vector<std::vector<int>> all = {{}};
  for (const int index : which) {
    std::vector<std::vector<int>> longer;
    for (const auto& one : all) {
      for (size_t g = 0;
           g < attributes[static_cast<size_t>(index)].groups.size(); ++g) {
        longer.push_back(one);
        longer.back().push_back(static_cast<int>(g));
      }
    }
    all = std::move(longer);
  }
  return all;
}

UnitValue Cut(double value, double lower, double upper) {
  const bool clipped = value < lower || value > upper;
  return {std::clamp((value - lower) / (upper - lower), 0.0, 1.0), clipped};
}

bool HasScore(const v1::Output& output) {
  return output.has_score() && std::isfinite(output.score());
}

std::optional<bool> IsFavourable(const config::v1::Favourable& favourable,
                                 const v1::Output& output) {
  switch (favourable.by_case()) {
    case config::v1::Favourable::kStated:
      if (!output.has_favourable() &&
          output.kind() != v1::OUTPUT_KIND_DECISION) {
        return std::nullopt;
      }
      return output.favourable();
    case config::v1::Favourable::kLabels: {
      if (output.label().empty()) return std::nullopt;
      const auto& labels = favourable.labels().labels();
      return std::find(labels.begin(), labels.end(), output.label()) !=
             labels.end();
    }
    case config::v1::Favourable::kScoreAtLeast:
      if (!HasScore(output)) return std::nullopt;
      return output.score() >= favourable.score_at_least();
    case config::v1::Favourable::kScoreAtMost:
      if (!HasScore(output)) return std::nullopt;
      return output.score() <= favourable.score_at_most();
    case config::v1::Favourable::BY_NOT_SET:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

int Profile::Attribute::GroupOf(const v1::Value& value, int64_t time_us) const {
  switch (source) {
    case AttributeSource::BIRTH_DATE: {
      if (value.kind_case() == v1::Value::kStringValue) {
        return BandOfAges(bands, value.string_value());
      }
      const auto day = ParseDay(value.date_value());
      if (!day || int64_t{*day} * kUsPerDay > time_us) return kUnknownGroup;
      return BandOf(bands, AgeAt(*day, time_us));
    }
    case AttributeSource::NUMBER: {
      if (value.kind_case() == v1::Value::kIntValue) {
        return BandOf(bands, static_cast<double>(value.int_value()));
      }
      if (value.kind_case() != v1::Value::kDoubleValue ||
          !std::isfinite(value.double_value())) {
        return kUnknownGroup;
      }
      return BandOf(bands, value.double_value());
    }
    case AttributeSource::REGION:
    case AttributeSource::TEXT: {
      std::string text;
      if (value.kind_case() == v1::Value::kBoolValue) {
        text = value.bool_value() ? "true" : "false";
      } else {
        text = absl::AsciiStrToLower(
            absl::StripAsciiWhitespace(value.string_value()));
      }
      if (text.empty()) return kUnknownGroup;
      for (size_t i = 0; i < values.size(); ++i) {
        for (const std::string& one : values[i]) {
          if (text == one || (source == AttributeSource::REGION &&
                              absl::StartsWith(text, one + "-"))) {
            return static_cast<int>(i);
          }
        }
      }
      return kOtherGroup;
    }
    default:
      return kUnknownGroup;
  }
}

std::string_view Profile::Attribute::GroupName(int group) const {
  if (group == kUnknownGroup) return kUnknownName;
  if (group < 0 || group >= static_cast<int>(groups.size())) return kOtherName;
  return groups[static_cast<size_t>(group)];
}

std::optional<Side> Profile::Stream::SideOf(std::span<const int> groups) const {
  bool in_group = true;
  bool in_reference = true;
  for (size_t i = 0; i < attributes.size(); ++i) {
    const int own = groups[static_cast<size_t>(attributes[i])];
    in_group = in_group && own == group[i];
    in_reference =
        in_reference && (reference.empty() ? own >= 0 : own == reference[i]);
  }
  if (in_group) return Side::kGroup;
  if (in_reference) return Side::kReference;
  return std::nullopt;
}

std::string Profile::Stream::Title(const Profile& profile) const {
  return absl::StrCat(attribute_name, ": ", group_name, " against ",
                      reference_name, ", ", profile.metrics()[metric].name);
}

absl::StatusOr<std::shared_ptr<const Profile>> Profile::Create(
    ProfileFile file, const config::v1::Catalog* catalog) {
  std::vector<Fault> faults = CheckProfile(file, catalog);
  if (!faults.empty()) return FaultsToStatus(faults);
  return Build(file, kMaxStreams);
}

absl::StatusOr<std::shared_ptr<const Profile>> Profile::CreateKept(
    ProfileFile file) {
  std::vector<Fault> faults = CheckKeptProfile(file);
  if (!faults.empty()) return FaultsToStatus(faults);
  return Build(file, 16 * kMaxStreams);
}

absl::StatusOr<std::shared_ptr<const Profile>> Profile::Build(
    const ProfileFile& file, size_t max_streams) {
  std::shared_ptr<Profile> profile(new Profile());
  profile->message_ = file.message;
  const config::v1::FairnessProfile& from = profile->message_;
  if (from.alpha() > 0) profile->alpha_ = from.alpha();
  if (from.suppress_below() > 0) {
    profile->suppress_below_ = from.suppress_below();
  }
  switch (from.unit().period()) {
    case FairnessUnit::DAY:
      profile->period_ = Period::kDay;
      break;
    case FairnessUnit::WEEK:
      profile->period_ = Period::kWeek;
      break;
    case FairnessUnit::MONTH:
      profile->period_ = Period::kMonth;
      break;
    default:
      profile->period_ = Period::kVersion;
  }
  std::vector<std::string> names;
  for (const auto& attribute : from.attributes()) {
    profile->attributes_.push_back(AttributeOf(attribute));
    names.push_back(attribute.name());
  }
  for (const auto& metric : from.metrics()) {
    Metric one = MetricOf(metric);
    NameMetric(profile->metrics_, &one);
    profile->metrics_.push_back(std::move(one));
  }
  profile->audit_tolerances_ =
      AuditTolerancesOf(from.audits(), profile->metrics_);

  // Without metric and plan.
  std::vector<Stream> comparisons;
  for (int i = 0; i < from.attributes_size(); ++i) {
    const Attribute& attribute = profile->attributes_[static_cast<size_t>(i)];
    const bool rest = from.attributes(i).rule() == FairnessReference::REST;
    const int reference =
        IndexOf(attribute.groups, from.attributes(i).reference());
    std::vector<int> groups;
    for (int g = 0; g < static_cast<int>(attribute.groups.size()); ++g) {
      if (rest || g != reference) groups.push_back(g);
    }
    if (from.attributes(i).compare_unknown()) groups.push_back(kUnknownGroup);
    for (const int g : groups) {
      Stream stream;
      stream.attributes = {i};
      stream.group = {g};
      if (!rest) stream.reference = {reference};
      comparisons.push_back(std::move(stream));
    }
  }
  for (const auto& one : from.intersections()) {
    std::vector<int> which;
    std::vector<int> reference;
    for (int i = 0; i < one.attributes_size(); ++i) {
      which.push_back(IndexOf(names, one.attributes(i)));
      reference.push_back(IndexOf(
          profile->attributes_[static_cast<size_t>(which.back())].groups,
          one.reference(i)));
    }
    std::vector<std::vector<int>> all;
    for (const auto& text : one.groups()) {
      const std::vector<std::string> parts = absl::StrSplit(text, '*');
      std::vector<int> groups;
      for (size_t i = 0; i < parts.size(); ++i) {
        groups.push_back(
            IndexOf(profile->attributes_[static_cast<size_t>(which[i])].groups,
                    parts[i]));
      }
      all.push_back(std::move(groups));
    }
    if (all.empty()) all = Combinations(profile->attributes_, which);
    for (std::vector<int>& groups : all) {
      if (groups == reference) continue;
      Stream stream;
      stream.attributes = which;
      stream.group = std::move(groups);
      stream.reference = reference;
      comparisons.push_back(std::move(stream));
    }
  }

  const size_t count = comparisons.size() * profile->metrics_.size();
  if (count > max_streams) {
    return FaultsToStatus({policy::PlaceOf(file).At("metrics").MakeFault(
        absl::StrCat("make ", count, " comparisons, more than ", kMaxStreams,
                     ": alpha would be spread over all of them"))});
  }
  for (Stream& stream : comparisons) {
    std::vector<std::string> attribute_names;
    std::vector<std::string> group_names;
    std::vector<std::string> reference_names;
    for (size_t i = 0; i < stream.attributes.size(); ++i) {
      const Attribute& attribute =
          profile->attributes_[static_cast<size_t>(stream.attributes[i])];
      attribute_names.push_back(attribute.name);
      group_names.emplace_back(attribute.GroupName(stream.group[i]));
      if (!stream.reference.empty()) {
        reference_names.emplace_back(attribute.GroupName(stream.reference[i]));
      }
    }
    stream.attribute_name = absl::StrJoin(attribute_names, "*");
    stream.group_name = absl::StrJoin(group_names, "*");
    stream.reference_name = stream.reference.empty()
                                ? std::string(kRestName)
                                : absl::StrJoin(reference_names, "*");
    for (size_t m = 0; m < profile->metrics_.size(); ++m) {
      const Metric& metric = profile->metrics_[m];
      Stream one = stream;
      one.metric = m;
      one.plan.binary = metric.binary();
      one.plan.tolerance = metric.tolerance;
      if (metric.tolerance.comparison == Comparison::kDifference) {
        one.plan.tolerance.t /= metric.upper - metric.lower;
      }
      one.plan.alpha = profile->alpha_ / static_cast<double>(count);
      one.plan.minimum = from.minimum() > 0 ? from.minimum() : 100;
      if (from.alarm().pairs_between_false_alarms() > 0) {
        one.plan.alarm_pairs =
            static_cast<double>(from.alarm().pairs_between_false_alarms());
      }
      one.plan.bucket_us =
          (from.pairing().hours() > 0 ? int64_t{from.pairing().hours()} : 1) *
          kUsPerHour;
      profile->streams_.push_back(std::move(one));
    }
  }
  return std::shared_ptr<const Profile>(std::move(profile));
}

bool Profile::Watches(const v1::Output& output) const {
  if (output.model() != message_.model()) return false;
  const auto& kinds = message_.kinds();
  return kinds.empty() ||
         std::find(kinds.begin(), kinds.end(),
                   static_cast<int>(output.kind())) != kinds.end();
}

std::optional<UnitValue> Profile::ValueOf(const Metric& metric,
                                          const v1::Output& output) const {
  switch (metric.kind) {
    case FairnessMetricKind::SELECTION_RATE: {
      const auto good = IsFavourable(message_.favourable(), output);
      if (!good) return std::nullopt;
      return UnitValue{*good ? 1.0 : 0.0, false};
    }
    case FairnessMetricKind::SCORE_MEAN:
      if (!HasScore(output)) return std::nullopt;
      return Cut(output.score(), metric.lower, metric.upper);
    case FairnessMetricKind::PRICE_MEAN: {
      const v1::Money& price = output.price();
      const v1::Money& base = output.base_price();
      if (!output.has_price() || !output.has_base_price() ||
          price.currency() != base.currency() || price.minor_units() < 0 ||
          base.minor_units() <= 0) {
        return std::nullopt;
      }
      return Cut(static_cast<double>(price.minor_units()) /
                     static_cast<double>(base.minor_units()),
                 metric.lower, metric.upper);
    }
    case FairnessMetricKind::EXPOSURE_MEAN: {
      if (output.ranking().empty()) return std::nullopt;
      for (int i = 0; i < output.ranking_size(); ++i) {
        if (std::binary_search(metric.items.begin(), metric.items.end(),
                               output.ranking(i))) {
          return UnitValue{1 / std::log2(i + 2.0), false};
        }
      }
      return UnitValue{0, false};
    }
    default:
      return std::nullopt;
  }
}

uint64_t Profile::StratumOf(const v1::Output& output,
                            v1::Channel channel) const {
  StratumKey key;
  const auto& pairing = message_.pairing();
  const bool channels = !pairing.has_channel() || pairing.channel();
  key.Add(channels ? v1::Channel_Name(channel) : "");
  key.Add(pairing.item() ? output.item() : "");
  key.Add(pairing.variant() ? output.experiment() : "");
  key.Add(pairing.variant() ? output.variant() : "");
  return key.value();
}

}  // namespace consentry::policy::fairness
