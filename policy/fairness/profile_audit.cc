#include "policy/fairness/profile_audit.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "policy/fairness/groups.h"
#include "policy/fairness/kept_back.h"
#include "policy/fairness/proxies.h"
#include "policy/fairness/rate_trends.h"
#include "proto/support/timestamp.h"

namespace consentry::policy::fairness {
namespace {

using config::v1::FairnessMetricKind;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr int64_t kUsPerDay = int64_t{24} * 3600 * 1'000'000;
constexpr uint32_t kDefaultMinimum = 100;
// Numbers with more distinct values than these are put into bins as inputs.
constexpr size_t kMostInputValues = 20;
constexpr size_t kInputBins = 10;

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

// "a, b, c and 5 others".
std::string ItemWords(const std::vector<std::string>& items) {
  constexpr size_t kMost = 3;
  const size_t told = std::min(items.size(), kMost);
  std::string words = absl::StrJoin(
      items.begin(), items.begin() + static_cast<std::ptrdiff_t>(told), ", ");
  if (items.size() > told) {
    absl::StrAppend(&words, " and ", items.size() - told, " others");
  }
  return words;
}

constexpr char kUnit[] =
    "person, once in the audit and for each figure by the first output in it "
    "that says something about it";

// What an output may say something about.
constexpr uint32_t kTellsSelection = 1;
constexpr uint32_t kTellsScore = 2;
constexpr uint32_t kTellsPrice = 4;
constexpr uint32_t kTellsExposure = 8;

// Of the price without personalization. What costs nothing counts as this: the
// logarithm of a ratio knows no zero.
constexpr double kLeastPrice = 0.01;

// Of several metrics of one kind the widest range: nothing that one of them
// would see is cut off.
const Profile::Metric* Wider(const Profile::Metric* known,
                             const Profile::Metric* other) {
  return known == nullptr ||
                 other->upper - other->lower > known->upper - known->lower
             ? other
             : known;
}

Answer AnswerOf(double favourable) {
  return std::isnan(favourable) ? Answer::kUnknown
         : favourable > 0.5     ? Answer::kYes
                                : Answer::kNo;
}

// Empty: in none.
std::string ArmOf(const v1::Output& output) {
  return output.experiment().empty()
             ? ""
             : absl::StrCat(output.experiment(), "/", output.variant());
}

// Numbers of many values as bins of about the same size.
void PutIntoBins(AuditColumn* column) {
  if (column->values.size() <= kMostInputValues) return;
  std::vector<double> numbers;
  for (const std::string& value : column->values) {
    double number = 0;
    numbers.push_back(absl::SimpleAtod(value, &number) ? number : kNaN);
  }
  const auto known = std::count_if(numbers.begin(), numbers.end(),
                                   [](double n) { return std::isfinite(n); });
  // "not known" may be among them.
  if (static_cast<size_t>(known) + 1 < numbers.size()) return;
  std::vector<double> of_cases;
  for (const uint32_t code : column->codes) of_cases.push_back(numbers[code]);
  column->codes = CodesOfNumbers(of_cases, kInputBins);
  column->values.clear();
  const uint32_t most =
      *std::max_element(column->codes.begin(), column->codes.end());
  for (uint32_t code = 0; code <= most; ++code) {
    column->values.push_back(absl::StrCat("bin ", code));
  }
}

// Arms are named by the engine. Returns how many are too many: the largest
// stay, the others are told apart from nothing.
size_t KeepLargest(size_t most, AuditColumn* column) {
  const size_t all = column->values.size();
  if (all <= most) return 0;
  std::vector<size_t> counts(all);
  for (const uint32_t code : column->codes) {
    if (code != kNoCode) ++counts[code];
  }
  std::vector<uint32_t> order(all);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return counts[a] > counts[b];
  });
  order.resize(most);
  std::sort(order.begin(), order.end());
  std::vector<uint32_t> codes(all, kNoCode);
  std::vector<std::string> values;
  for (const uint32_t kept : order) {
    codes[kept] = static_cast<uint32_t>(values.size());
    values.push_back(column->values[kept]);
  }
  for (uint32_t& code : column->codes) {
    if (code != kNoCode) code = codes[code];
  }
  column->values = std::move(values);
  return all - most;
}

}  // namespace

ProfileAudit::ProfileAudit(const Profile& profile, std::optional<double> alpha,
                           const std::vector<std::string>& fields,
                           AuditPeriod period)
    : profile_(profile), period_(period) {
  const config::v1::FairnessProfile& message = profile.message();
  plan_.confirmatory = alpha.has_value();
  if (alpha) plan_.alpha = *alpha;
  plan_.minimum = message.minimum() == 0 ? kDefaultMinimum : message.minimum();
  plan_.suppress_below = profile.suppress_below();
  plan_.pool_below = plan_.minimum;
  plan_.by_variant = message.audits().by_variant();
  plan_.ranking_depth = AuditDepth(message.audits());
  for (const std::string& name : message.audits().figures()) {
    if (FindAuditFigure(name) != nullptr) plan_.figures.insert(name);
  }
  plan_.declared = profile.audit_tolerances();
  for (const Profile::Metric& metric : profile.metrics()) {
    switch (metric.kind) {
      case FairnessMetricKind::SELECTION_RATE:
        selection_ = &metric;
        break;
      case FairnessMetricKind::SCORE_MEAN:
        score_ = Wider(score_, &metric);
        break;
      case FairnessMetricKind::PRICE_MEAN:
        price_ = Wider(price_, &metric);
        break;
      case FairnessMetricKind::EXPOSURE_MEAN:
        if (metric.exposure == exposures_.size()) {
          exposures_.push_back(&metric);
          table_.exposed.push_back(ItemWords(metric.items));
        }
        break;
      default:
        break;
    }
  }
  if (score_ != nullptr) {
    table_.score_range = AuditRange{score_->lower, score_->upper, {}};
  }
  if (price_ != nullptr) {
    table_.price_range = AuditRange{std::max(price_->lower, kLeastPrice),
                                    std::max(price_->upper, kLeastPrice),
                                    {}};
  }
  table_.exposures.resize(exposures_.size());
  for (size_t i = 0; i < profile.attributes().size(); ++i) {
    const Profile::Attribute& attribute = profile.attributes()[i];
    AuditColumn& column = table_.attributes.emplace_back();
    column.name = attribute.name;
    column.values = attribute.groups;
    column.other = static_cast<uint32_t>(column.values.size());
    column.values.emplace_back(kOtherName);
    const auto& declared = message.attributes(static_cast<int>(i));
    plan_.groupings.push_back(
        {{i},
         declared.reference(),
         declared.rule() == config::v1::FairnessReference::REST});
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
  first_field_ = table_.inputs.size();
  field_values_.resize(fields.size());
  for (const std::string& field : fields) {
    table_.inputs.push_back({field, {}, {}});
  }
}

void ProfileAudit::Beside(std::span<const v1::FairnessReport> earlier,
                          bool refuse) {
  earlier_ = earlier;
  plan_.refuse_beside_earlier = refuse;
}

void ProfileAudit::BesideUnseen(std::span<const UnseenAudit> unseen,
                                ProfileAudit* kept) {
  unseen_ = unseen;
  kept_ = kept;
  plan_.coarse = !unseen.empty();
}

std::vector<bool> ProfileAudit::CountedBy(const UnseenAudit& unseen) const {
  std::vector<bool> counted(table_.cases);
  for (size_t i = 0; i < table_.cases; ++i) {
    counted[i] = unseen.Counts(versions_[version_of_[i]], times_[i]);
  }
  return counted;
}

std::vector<EarlierAudit> ProfileAudit::EarlierAudits() const {
  std::vector<EarlierAudit> audits;
  for (const v1::FairnessReport& report : earlier_) {
    EarlierAudit& audit = audits.emplace_back();
    audit.report = &report;
    audit.counted = CountedBy(
        {.id = report.id(),
         .period = {MicrosOf(report.from_time()), MicrosOf(report.to_time())},
         .model_version = report.model_version()});
    for (const v1::FairnessKeptBack& one : report.kept_back()) {
      const std::vector<bool> left_out = CountedBy(
          {.id = one.report_id(),
           .period = {MicrosOf(one.from_time()), MicrosOf(one.to_time())},
           .model_version = one.model_version()});
      for (size_t i = 0; i < table_.cases; ++i) {
        if (kept_back_[i] && left_out[i]) audit.counted[i] = false;
      }
    }
  }
  return audits;
}

void ProfileAudit::Add(const v1::Output& output, const OutputCase& about) {
  const auto value = [&](const Profile::Metric* metric) {
    const auto found = profile_.ValueOf(*metric, output);
    return found ? found->value : kNaN;
  };
  ++table_.cases;
  times_.push_back(about.time_us);
  const auto [version, added] = version_codes_.try_emplace(
      output.model_version(), static_cast<uint32_t>(version_codes_.size()));
  if (added) versions_.push_back(output.model_version());
  version_of_.push_back(version->second);
  kept_back_.push_back(about.kept_back);
  for (size_t i = 0; i < table_.attributes.size(); ++i) {
    AuditColumn& column = table_.attributes[i];
    const int group = i < about.groups.size() ? about.groups[i] : kUnknownGroup;
    const auto other = static_cast<uint32_t>(column.values.size() - 1);
    column.codes.push_back(group == kUnknownGroup ? kNoCode
                           : group == kOtherGroup
                               ? other
                               : static_cast<uint32_t>(group));
  }
  if (selection_ != nullptr) {
    table_.predicted.push_back(AnswerOf(value(selection_)));
    if (!profile_.message().audits().outcome().empty()) {
      table_.label.push_back(about.outcome);
    }
  }
  const auto add = [&](const Profile::Metric* metric, AuditRange* range,
                       std::vector<double>* column) {
    const Ranged ranged = RangedOf(*metric, output, *range);
    column->push_back(ranged.value);
    range->beyond.push_back(ranged.beyond);
  };
  if (score_ != nullptr) add(score_, &*table_.score_range, &table_.score);
  if (price_ != nullptr) add(price_, &*table_.price_range, &table_.price);
  for (size_t i = 0; i < exposures_.size(); ++i) {
    table_.exposures[i].push_back(value(exposures_[i]));
  }
  if (table_.stratum) {
    const std::string factor(about.factor);
    table_.stratum->codes.push_back(
        factor.empty() ? kNoCode : CodeOf(factor, &*table_.stratum, &factors_));
  }
  if (table_.variant) {
    const std::string arm = ArmOf(output);
    table_.variant->codes.push_back(
        arm.empty() ? kNoCode : CodeOf(arm, &*table_.variant, &variants_));
  }
  for (size_t i = 0; i < first_field_; ++i) {
    AuditColumn& input = table_.inputs[i];
    const bool used = std::find(output.input_categories().begin(),
                                output.input_categories().end(),
                                input.name) != output.input_categories().end();
    input.codes.push_back(used ? 1 : 0);
  }
  for (size_t i = 0; i < field_values_.size(); ++i) {
    AuditColumn& field = table_.inputs[first_field_ + i];
    const std::string& told =
        i < about.inputs.size() ? about.inputs[i] : std::string();
    field.codes.push_back(
        CodeOf(told.empty() ? "not known" : told, &field, &field_values_[i]));
  }
}

ProfileAudit::Ranged ProfileAudit::RangedOf(const Profile::Metric& metric,
                                            const v1::Output& output,
                                            const AuditRange& range) const {
  const auto found = profile_.ValueOf(metric, output);
  if (!found) return {kNaN, false};
  const double value =
      metric.lower + found->value * (metric.upper - metric.lower);
  return {
      std::clamp(value, range.lower, range.upper),
      found->clipped || (range.lower > metric.lower && value < range.lower)};
}

uint32_t ProfileAudit::TellsOf(const v1::Output& output) const {
  const auto tells = [&](const Profile::Metric* metric) {
    return metric != nullptr && profile_.ValueOf(*metric, output).has_value();
  };
  return (tells(selection_) ? kTellsSelection : 0) |
         (tells(score_) ? kTellsScore : 0) | (tells(price_) ? kTellsPrice : 0) |
         (!exposures_.empty() && tells(exposures_[0]) ? kTellsExposure : 0);
}

bool ProfileAudit::Fill(size_t row, uint32_t what, const v1::Output& output,
                        const OutputCase& about) {
  if (table_.variant) {
    const std::string arm = ArmOf(output);
    const uint32_t code = table_.variant->codes[row];
    if (arm != (code == kNoCode ? "" : table_.variant->values[code])) {
      return false;
    }
  }
  if ((what & kTellsSelection) != 0) {
    table_.predicted[row] =
        AnswerOf(profile_.ValueOf(*selection_, output)->value);
    if (!table_.label.empty()) table_.label[row] = about.outcome;
    times_[row] = about.time_us;
  }
  const auto fill = [&](const Profile::Metric* metric, AuditRange* range,
                        std::vector<double>* column) {
    const Ranged ranged = RangedOf(*metric, output, *range);
    (*column)[row] = ranged.value;
    range->beyond[row] = ranged.beyond;
  };
  if ((what & kTellsScore) != 0) {
    fill(score_, &*table_.score_range, &table_.score);
  }
  if ((what & kTellsPrice) != 0) {
    fill(price_, &*table_.price_range, &table_.price);
  }
  if ((what & kTellsExposure) != 0) {
    // A ranking tells them all.
    for (size_t i = 0; i < exposures_.size(); ++i) {
      table_.exposures[i][row] =
          profile_.ValueOf(*exposures_[i], output)->value;
    }
  }
  return true;
}

bool ProfileAudit::OutcomeIsDue(const Profile& profile, int64_t output_us,
                                int64_t now_us) {
  return output_us +
             static_cast<int64_t>(profile.message().audits().outcome_days()) *
                 kUsPerDay <=
         now_us;
}

absl::StatusOr<v1::FairnessReport> ProfileAudit::Run(
    const std::function<bool()>& stop) {
  for (size_t i = first_field_; i < table_.inputs.size(); ++i) {
    PutIntoBins(&table_.inputs[i]);
  }
  // Of what every output says alike nothing can be told.
  std::erase_if(table_.inputs, [](const AuditColumn& input) {
    return std::adjacent_find(input.codes.begin(), input.codes.end(),
                              std::not_equal_to<>()) == input.codes.end();
  });
  const size_t other_arms =
      table_.variant ? KeepLargest(kMaxAuditVariants, &*table_.variant) : 0;
  KeptBack kept;
  if (!unseen_.empty()) {
    // What is said of inputs is not told.
    kept_->table_.inputs.clear();
    kept.table = &kept_->table_;
    for (const UnseenAudit& one : unseen_) {
      kept.audits.push_back({CountedBy(one), kept_->CountedBy(one)});
    }
  }
  auto report = RunAudit(plan_, table_, EarlierAudits(), stop,
                         unseen_.empty() ? nullptr : &kept);
  if (!report.ok()) return report;
  if (other_arms > 0) {
    report->add_limits(absl::StrCat(
        "Outputs came under more arms of experiments than are told apart: the ",
        kMaxAuditVariants, " largest stand for themselves, ", other_arms,
        " others only among all."));
  }
  if (unseen_.empty()) {
    AddRateTrends(plan_, table_, times_, period_.from_us, period_.to_us,
                  &*report);
  }
  const config::v1::FairnessProfile& message = profile_.message();
  report->set_profile_id(message.id());
  report->set_subject(message.title().empty() ? message.model()
                                              : message.title());
  report->set_unit(kUnit);
  if (selection_ != nullptr) {
    report->set_prediction(FavourableWords(message.favourable()));
    report->set_outcome(message.audits().outcome());
  }
  return report;
}

}  // namespace consentry::policy::fairness
