#include "policy/fairness/profile_audit.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "policy/fairness/groups.h"

namespace consentry::policy::fairness {
namespace {

using config::v1::FairnessMetricKind;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr int64_t kUsPerDay = int64_t{24} * 3600 * 1'000'000;
constexpr uint32_t kDefaultMinimum = 100;
constexpr uint32_t kDefaultDepth = 10;

uint32_t CodeOf(const std::string& value, AuditColumn* column,
                std::map<std::string, uint32_t>* codes) {
  const auto next = static_cast<uint32_t>(column->values.size());
  const auto [found, added] = codes->try_emplace(value, next);
  if (added) column->values.push_back(value);
  return found->second;
}

std::string FavourableWords(const config::v1::Favourable& favourable) {
  switch (favourable.by_case()) {
    case config::v1::Favourable::kLabels:
      return absl::StrCat("label in ",
                          absl::StrJoin(favourable.labels().labels(), ", "));
    case config::v1::Favourable::kScoreAtLeast:
      return absl::StrCat("score >= ", favourable.score_at_least());
    case config::v1::Favourable::kScoreAtMost:
      return absl::StrCat("score <= ", favourable.score_at_most());
    default:
      return "favourable, as the engine says";
  }
}

const char* UnitWords(config::v1::FairnessUnit::Period period) {
  switch (period) {
    case config::v1::FairnessUnit::WEEK:
      return "person and week, by the first output in it";
    case config::v1::FairnessUnit::MONTH:
      return "person and month, by the first output in it";
    case config::v1::FairnessUnit::VERSION:
      return "person, by the first output";
    default:
      return "person and day, by the first output in it";
  }
}

}  // namespace

ProfileAudit::ProfileAudit(const Profile& profile, std::optional<double> alpha)
    : profile_(profile) {
  const config::v1::FairnessProfile& message = profile.message();
  plan_.confirmatory = alpha.has_value();
  if (alpha) plan_.alpha = *alpha;
  plan_.minimum = message.minimum() == 0 ? kDefaultMinimum : message.minimum();
  plan_.suppress_below = profile.suppress_below();
  plan_.pool_below = plan_.minimum;
  plan_.by_variant = message.audits().by_variant();
  plan_.ranking_depth = message.audits().ranking_depth() == 0
                            ? kDefaultDepth
                            : message.audits().ranking_depth();
  for (const Profile::Metric& metric : profile.metrics()) {
    const bool ratio = metric.tolerance.comparison == Comparison::kRatio;
    switch (metric.kind) {
      case FairnessMetricKind::SELECTION_RATE:
        selection_ = &metric;
        (ratio ? plan_.ratio_tolerance : plan_.difference_tolerance) =
            metric.tolerance.t;
        break;
      case FairnessMetricKind::SCORE_MEAN:
        score_ = &metric;
        break;
      case FairnessMetricKind::PRICE_MEAN:
        price_ = &metric;
        // A ratio of exactly 1 can never be shown.
        if (ratio && metric.tolerance.t > 0 && metric.tolerance.t < 1) {
          plan_.price_tolerance = 1 / metric.tolerance.t;
        }
        break;
      case FairnessMetricKind::EXPOSURE_MEAN:
        exposure_ = &metric;
        break;
      default:
        break;
    }
  }
  for (size_t i = 0; i < profile.attributes().size(); ++i) {
    const Profile::Attribute& attribute = profile.attributes()[i];
    AuditColumn& column = table_.attributes.emplace_back();
    column.name = attribute.name;
    column.values = attribute.groups;
    column.values.emplace_back(kOtherName);
    plan_.groupings.push_back(
        {{i}, message.attributes(static_cast<int>(i)).reference()});
  }
  for (const auto& intersection : message.intersections()) {
    AuditGrouping grouping;
    for (const std::string& name : intersection.attributes()) {
      const auto found = std::find_if(
          profile.attributes().begin(), profile.attributes().end(),
          [&name](const auto& attribute) { return attribute.name == name; });
      grouping.attributes.push_back(
          static_cast<size_t>(found - profile.attributes().begin()));
    }
    const std::vector<std::string_view> parts(intersection.reference().begin(),
                                              intersection.reference().end());
    if (!parts.empty()) grouping.reference = JoinGroups(parts);
    plan_.groupings.push_back(std::move(grouping));
  }
  if (!message.audits().legitimate_factors().empty()) {
    table_.stratum.emplace();
    table_.stratum->name =
        absl::StrJoin(message.audits().legitimate_factors(), ", ");
  }
  if (plan_.by_variant) {
    table_.variant.emplace();
    table_.variant->name = "variant";
  }
  for (const std::string& input : message.inputs()) {
    table_.inputs.push_back({input, {"not used", "used"}, {}});
  }
}

void ProfileAudit::Add(const v1::Output& output, std::span<const int> groups,
                       Answer outcome, const std::string& factor) {
  const auto value = [&](const Profile::Metric* metric) {
    const auto found = profile_.ValueOf(*metric, output);
    return found ? found->value : kNaN;
  };
  ++table_.cases;
  for (size_t i = 0; i < table_.attributes.size(); ++i) {
    AuditColumn& column = table_.attributes[i];
    const int group = i < groups.size() ? groups[i] : kUnknownGroup;
    const auto other = static_cast<uint32_t>(column.values.size() - 1);
    column.codes.push_back(group == kUnknownGroup ? kNoCode
                           : group == kOtherGroup
                               ? other
                               : static_cast<uint32_t>(group));
  }
  if (selection_ != nullptr) {
    const double favourable = value(selection_);
    table_.predicted.push_back(std::isnan(favourable) ? Answer::kUnknown
                               : favourable > 0.5     ? Answer::kYes
                                                      : Answer::kNo);
    if (!profile_.message().audits().outcome().empty()) {
      table_.label.push_back(outcome);
    }
  }
  if (score_ != nullptr) table_.score.push_back(output.score());
  if (price_ != nullptr) {
    // Over the price without personalization, as the monitor has it.
    table_.price.push_back(
        output.has_price() && output.has_base_price() &&
                output.price().currency() == output.base_price().currency() &&
                output.base_price().minor_units() > 0
            ? static_cast<double>(output.price().minor_units()) /
                  static_cast<double>(output.base_price().minor_units())
            : kNaN);
  }
  if (exposure_ != nullptr) table_.exposure.push_back(value(exposure_));
  if (table_.stratum) {
    table_.stratum->codes.push_back(
        factor.empty() ? kNoCode : CodeOf(factor, &*table_.stratum, &factors_));
  }
  if (table_.variant) {
    const std::string arm =
        output.experiment().empty()
            ? ""
            : absl::StrCat(output.experiment(), "/", output.variant());
    table_.variant->codes.push_back(
        arm.empty() ? kNoCode : CodeOf(arm, &*table_.variant, &variants_));
  }
  for (AuditColumn& input : table_.inputs) {
    const bool used = std::find(output.input_categories().begin(),
                                output.input_categories().end(),
                                input.name) != output.input_categories().end();
    input.codes.push_back(used ? 1 : 0);
  }
}

bool ProfileAudit::OutcomeIsDue(const Profile& profile, int64_t output_us,
                                int64_t now_us) {
  return output_us +
             static_cast<int64_t>(profile.message().audits().outcome_days()) *
                 kUsPerDay <=
         now_us;
}

absl::StatusOr<v1::FairnessReport> ProfileAudit::Run() {
  auto report = RunAudit(plan_, table_);
  if (!report.ok()) return report;
  const config::v1::FairnessProfile& message = profile_.message();
  report->set_profile_id(message.id());
  report->set_subject(message.title().empty() ? message.model()
                                              : message.title());
  report->set_unit(UnitWords(message.unit().period()));
  if (selection_ != nullptr) {
    report->set_prediction(FavourableWords(message.favourable()));
    report->set_outcome(message.audits().outcome());
  }
  return report;
}

}  // namespace consentry::policy::fairness
