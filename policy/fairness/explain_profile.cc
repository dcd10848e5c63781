// What a profile will test, and what it can and cannot see.
#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "policy/engine/age_bands.h"
#include "policy/engine/civil.h"
#include "policy/fairness/audit_figures.h"
#include "policy/fairness/audit_schedule.h"
#include "policy/fairness/profile.h"

namespace consentry::policy::fairness {
namespace {

using config::v1::FairnessAction;
using config::v1::FairnessUnit;

constexpr double kDefaultRate = 0.3;

// The share of each group; groups that are not named share what is left.
std::vector<double> SharesOf(const Profile& profile,
                             const Profile::Attribute& attribute) {
  const auto& declared = profile.message().traffic().shares();
  const auto share = [&](std::string_view group) -> std::optional<double> {
    const auto found =
        declared.find(absl::StrCat(attribute.name, "=", std::string(group)));
    if (found == declared.end()) return std::nullopt;
    return found->second;
  };
  double left =
      1 - share(kUnknownName).value_or(0) - share(kOtherName).value_or(0);
  size_t open = 0;
  for (const std::string& group : attribute.groups) {
    const auto own = share(group);
    if (own) {
      left -= *own;
    } else {
      ++open;
    }
  }
  std::vector<double> shares;
  for (const std::string& group : attribute.groups) {
    shares.push_back(share(group).value_or(
        open > 0 ? std::max(0.0, left) / static_cast<double>(open) : 0));
  }
  return shares;
}

double UnknownShare(const Profile& profile,
                    const Profile::Attribute& attribute) {
  const auto& declared = profile.message().traffic().shares();
  const auto found = declared.find(
      absl::StrCat(attribute.name, "=", std::string(kUnknownName)));
  return found == declared.end() ? 0 : found->second;
}

double ShareOf(const Profile& profile, const Profile::Stream& stream,
               const std::vector<int>& groups) {
  double share = 1;
  for (size_t i = 0; i < stream.attributes.size(); ++i) {
    const auto& attribute =
        profile.attributes()[static_cast<size_t>(stream.attributes[i])];
    share *= groups[i] < 0
                 ? UnknownShare(profile, attribute)
                 : SharesOf(profile, attribute)[static_cast<size_t>(groups[i])];
  }
  return share;
}

double ReferenceShare(const Profile& profile, const Profile::Stream& stream) {
  if (!stream.reference.empty()) {
    return ShareOf(profile, stream, stream.reference);
  }
  double sum = 0;
  for (const double share : SharesOf(
           profile,
           profile.attributes()[static_cast<size_t>(stream.attributes[0])])) {
    sum += share;
  }
  return sum -
         (stream.group[0] < 0 ? 0 : ShareOf(profile, stream, stream.group));
}

// Of two sides that come by chance at so many in a bucket, how many of the one
// meet one of the other on average: the lesser of two Poisson counts.
double MetInBucket(double group, double reference) {
  const double most = std::max(group, reference);
  // So many come that chance matters little.
  if (most > 500) return std::min(group, reference);
  double met = 0;
  double group_tail = 1;
  double reference_tail = 1;
  double group_term = std::exp(-group);
  double reference_term = std::exp(-reference);
  const int end = static_cast<int>(most + 10 * std::sqrt(most) + 10);
  for (int k = 1; k <= end; ++k) {
    group_tail = std::max(0.0, group_tail - group_term);
    reference_tail = std::max(0.0, reference_tail - reference_term);
    met += group_tail * reference_tail;
    group_term *= group / k;
    reference_term *= reference / k;
  }
  return met;
}

// The mildest truth below the tolerance that so many pairs find.
std::optional<double> FoundWith(const MonitorPlan& plan, double rate,
                                double pairs) {
  const auto enough = [&](double truth) {
    const auto needed = PairsToVerdict(plan.tolerance, plan.alpha, rate, truth);
    return needed && *needed <= pairs;
  };
  double found = plan.tolerance.comparison == Comparison::kRatio ? 0 : -rate;
  double missed = plan.tolerance.lower();
  if (!enough(found)) return std::nullopt;
  for (int i = 0; i < 40; ++i) {
    const double middle = (found + missed) / 2;
    (enough(middle) ? found : missed) = middle;
  }
  return found;
}

// Empty: the whole version.
std::string_view PeriodWord(FairnessUnit::Period period) {
  switch (period) {
    case FairnessUnit::DAY:
      return "day";
    case FairnessUnit::WEEK:
      return "week";
    case FairnessUnit::MONTH:
      return "month";
    default:
      return "";
  }
}

std::string_view ActionWords(FairnessAction::Value action) {
  switch (action) {
    case FairnessAction::HOLD:
      return "outputs are held for a human";
    case FairnessAction::BLOCK:
      return "outputs are blocked";
    default:
      return "staff are told and outputs go on";
  }
}

// Bands that begin where those of TRANSFORM_AGE_BAND do not.
std::string CutAgeBands(const Profile::Attribute& attribute) {
  std::vector<int32_t> cut;
  if (attribute.source != config::v1::AttributeSource::BIRTH_DATE) return {};
  for (const int32_t band : attribute.bands) {
    if (std::find(std::begin(policy::kAgeBandStarts),
                  std::end(policy::kAgeBandStarts),
                  band) == std::end(policy::kAgeBandStarts)) {
      cut.push_back(band);
    }
  }
  return absl::StrJoin(cut, ", ");
}

// "selection_rate, group over reference, from 0.8 to 1.25".
std::string ToleranceWords(const Profile& profile,
                           const AuditTolerance& tolerance) {
  const bool ratio = tolerance.tolerance.comparison == Comparison::kRatio;
  const bool strata = !profile.message().audits().legitimate_factors().empty();
  std::string name;
  std::string how;
  switch (tolerance.metric) {
    case AuditMetric::kSelection:
      name = "selection_rate";
      break;
    case AuditMetric::kScore:
      name = "mean score";
      break;
    case AuditMetric::kPrice:
      name = ratio ? "price (geometric mean)" : "mean price";
      if (strata) how = ", within legitimate factors";
      break;
    case AuditMetric::kExposure:
      name = tolerance.column == 0
                 ? "mean exposure"
                 : absl::StrCat("mean exposure ", tolerance.column + 1);
      break;
    default:
      for (const NamedAuditMetric& named : kNamedAuditMetrics) {
        if (named.metric == tolerance.metric) name = std::string(named.name);
      }
  }
  return absl::StrFormat("%s%s, group %s reference, from %.4g to %.4g", name,
                         how, ratio ? "over" : "minus",
                         tolerance.tolerance.lower(),
                         tolerance.tolerance.upper());
}

// What audits will tell and test.
void AddAuditRemarks(const Profile& profile,
                     std::vector<std::string>* remarks) {
  const auto& audits = profile.message().audits();
  bool rates = false;
  bool scores = false;
  bool prices = false;
  for (const auto& metric : profile.metrics()) {
    using config::v1::FairnessMetricKind;
    rates = rates || metric.kind == FairnessMetricKind::SELECTION_RATE;
    prices = prices || metric.kind == FairnessMetricKind::PRICE_MEAN;
    scores = scores || metric.kind == FairnessMetricKind::SCORE_MEAN;
  }
  if (std::any_of(profile.metrics().begin(), profile.metrics().end(),
                  [](const auto& metric) { return !metric.items.empty(); })) {
    remarks->push_back(absl::StrCat(
        "Audits also tell how groups stand among those who have a watched item "
        "within their first ",
        AuditDepth(audits), " places."));
  }
  std::vector<std::string> decided;
  for (const AuditTolerance& one : profile.audit_tolerances()) {
    decided.push_back(ToleranceWords(profile, one));
  }
  if (decided.empty()) {
    remarks->push_back(
        "Audits test nothing and spend no alpha: nothing is declared that they "
        "could decide.");
  } else {
    remarks->push_back(absl::StrCat(
        "Audits decide what is declared, each by its own comparison: ",
        absl::StrJoin(decided, "; "), ". That makes ", decided.size(),
        decided.size() == 1 ? " test" : " tests",
        " of each two groups that are compared, and all tests of an audit "
        "share its alpha: whoever declares less finds more of each."));
  }
  std::vector<std::string> told;
  for (const AuditFigure& figure : kAuditFigures) {
    const auto& asked = audits.figures();
    if (!asked.empty() &&
        std::find(asked.begin(), asked.end(), figure.name) == asked.end()) {
      continue;
    }
    if ((figure.needs_outcome && (!rates || audits.outcome().empty())) ||
        (figure.needs_score && !scores) ||
        (figure.needs_values && !scores && !prices) ||
        (figure.name == kDifferentialFairness.name && !rates)) {
      continue;
    }
    told.push_back(absl::StrCat(std::string(figure.name), " (",
                                std::string(figure.words), ")"));
  }
  if (!told.empty()) {
    remarks->push_back(absl::StrCat(
        "Audits tell besides, without deciding what audits.tolerances does not "
        "name: ",
        absl::StrJoin(told, "; "), "."));
  }
  const int span = MostDaysOfSpan(audits.calendar());
  if (span > 0) {
    remarks->push_back(
        "The audit of a span is registered with the text that is in force when "
        "the span begins, and keeps it: what is put into force in its midst "
        "begins with the next one. While it runs, audits that describe its "
        "time leave one in five people out, so that it can be told in full.");
  }
  if (audits.alarm_days() > 0) {
    remarks->push_back(absl::StrCat(
        "An alarm registers an audit of that version's outputs of the ",
        audits.alarm_days(),
        " days after it, one at a time for each version, out of what the "
        "year's alpha leaves beside the calendar. Where nothing is left it is "
        "refused, and staff are told."));
  }
  const int64_t longest = std::max<int64_t>(span, int64_t{audits.alarm_days()});
  if (longest > 0) {
    remarks->push_back(absl::StrCat(
        "An audit that is registered looks back on up to ",
        longest + int64_t{audits.outcome_days()}, " days when it is made",
        audits.outcome_days() > 0 ? ", the time for outcomes included" : "",
        ": outputs have to be held for as long (screening.keep_days of the "
        "gateway, 400 unless it is set). What is older is gone by then, and "
        "the report says so."));
  }
}

void AddRemarks(const Profile& profile, double units, Explanation* out) {
  std::vector<std::string>& remarks = out->remarks;
  const auto& message = profile.message();
  remarks.push_back(absl::StrFormat(
      "%d comparisons for each version of the model share alpha %g: each is "
      "allowed %.3g.%s",
      profile.streams().size(), profile.alpha(), out->alpha_per_stream,
      message.unit().period() == FairnessUnit::UNSPECIFIED ||
              message.unit().period() == FairnessUnit::VERSION
          ? absl::StrFormat(
                " However often one looks, a version that keeps every "
                "tolerance among those who are compared is accused with a "
                "chance of at most %g in its whole life.",
                profile.alpha())
          : ""));
  const std::string period(PeriodWord(message.unit().period()));
  const int64_t hours =
      profile.streams()[0].plan.bucket_us / policy::kUsPerHour;
  const bool channels =
      !message.pairing().has_channel() || message.pairing().channel();
  remarks.push_back(absl::StrCat(
      "A unit is a person, once in a ",
      period.empty() ? "version of the model" : period,
      ", by the first output that says something about the metric. Two are "
      "compared only within ",
      hours == 1 ? "an hour" : absl::StrCat(hours, " hours"),
      channels ? ", on the same channel" : "",
      message.pairing().item() ? ", for the same item" : "",
      message.pairing().variant() ? ", in the same arm of an experiment" : "",
      "; who finds nobody to be compared with counts for the rates and not for "
      "the verdict.",
      period.empty() ? " Units a day are people who are new to the version."
                     : ""));
  if (hours > 1 || !channels) {
    remarks.push_back(absl::StrCat(
        "Groups that come at different times of these ",
        hours == 1 ? "60 minutes" : absl::StrCat(hours, " hours"),
        channels ? "" : ", or on different channels,",
        " are compared all the same: where rates differ by that, a version "
        "that treats everybody alike at any moment is accused for it."));
  } else if (units > 0) {
    remarks.push_back(
        "What is said of pairs takes traffic as even over the day. Where it is "
        "small most find nobody in their hour: pairing.hours makes the time "
        "longer, at the price that groups who come at different hours are "
        "compared.");
  }
  if (period.empty()) {
    remarks.push_back(
        "Of people who were counted the monitors see nothing more until the "
        "next version: a model that turns against its old customers is found "
        "by audits.");
  } else {
    remarks.push_back(absl::StrCat(
        "People who come back count again each ", period,
        ". Alpha holds only where what somebody gets does not follow from what "
        "she got before; where the same people get the same again and again, a "
        "fair model is accused far more often. Leave `unit` out to count each "
        "once for each version of the model."));
  }
  remarks.push_back(
      absl::StrCat("Of a version in violation ",
                   std::string(ActionWords(message.on_violation())),
                   "; while an alarm stands ",
                   std::string(ActionWords(message.on_alarm())), "."));
  remarks.push_back(absl::StrFormat(
      "Alarms: with all %d streams within tolerance, expect at most %.2g false "
      "ones per 10,000 outputs counted.",
      profile.streams().size(),
      10000.0 / 2 * static_cast<double>(profile.streams().size()) /
          profile.streams()[0].plan.alarm_pairs));
  if (profile.suppress_below() < 5) {
    remarks.push_back(absl::StrCat(
        "Groups of ", std::max<uint64_t>(profile.suppress_below(), 1),
        " are told: whoever may read monitors can learn of single people what "
        "group they are in. The usual bound is 10 (suppress_below)."));
  }
  if (!(units > 0)) {
    remarks.push_back(
        "No traffic is declared or was seen: nothing can be said about when a "
        "verdict will come.");
  }
  for (const auto& attribute : profile.attributes()) {
    if (const std::string cut = CutAgeBands(attribute); !cut.empty()) {
      remarks.push_back(absl::StrCat(
          attribute.name,
          ": a purpose that reduces dates of birth to AGE_BAND, as "
          "bias_detection does at first, gives bands that begin at 0, ",
          absl::StrJoin(policy::kAgeBandStarts, ", "),
          ". Whoever is in one that this profile cuts (at ", cut,
          ") is unknown; cut elsewhere, or let the purpose give the date."));
    }
    const double unknown = UnknownShare(profile, attribute);
    if (unknown > 0) {
      remarks.push_back(absl::StrFormat(
          "%s: of %.0f %% of units the group is not known; what happens to "
          "them is counted and compared with nobody unless compare_unknown is "
          "set.",
          attribute.name, 100 * unknown));
    }
  }
  if (!message.intersections().empty()) {
    remarks.push_back(
        "The sizes of intersections are guessed as if attributes were "
        "independent.");
  }
  for (const StreamOutlook& one : out->streams) {
    if (units > 0 && one.stream->plan.binary && !one.found_in_365) {
      remarks.push_back(absl::StrCat(
          one.stream->Title(profile),
          ": too few to find even the greatest difference within a year; this "
          "stream will say \"insufficient\"."));
    }
  }
  for (const auto& metric : profile.metrics()) {
    if (metric.binary()) continue;
    remarks.push_back(absl::StrCat(
        metric.name,
        ": how much is needed depends on how far values lie apart "
        "and is shown once some were counted. Values outside ",
        metric.lower, " to ", metric.upper,
        " count as these ends; with more than ", 100 * kMostClipped,
        " % of them nothing is said to be within tolerance."));
  }
  AddAuditRemarks(profile, &remarks);
  remarks.push_back(
      "Not seen: differences within tolerance; differences between groups that "
      "are not named here; whether a decision was right, which audits ask when "
      "outcomes are known; and whether a difference has a lawful reason.");
}

}  // namespace

Explanation Explain(const Profile& profile,
                    std::optional<double> units_per_day) {
  Explanation out;
  const auto& traffic = profile.message().traffic();
  const double units = units_per_day.value_or(traffic.units_per_day());
  const double rate = traffic.rate() > 0 ? traffic.rate() : kDefaultRate;
  out.units_per_day = units;
  out.alpha_per_stream = profile.streams()[0].plan.alpha;
  for (const Profile::Stream& stream : profile.streams()) {
    StreamOutlook outlook;
    outlook.stream = &stream;
    const MonitorPlan& plan = stream.plan;
    const double buckets = static_cast<double>(policy::kUsPerDay) /
                           static_cast<double>(plan.bucket_us);
    outlook.pairs_per_day =
        buckets *
        MetInBucket(units / buckets * ShareOf(profile, stream, stream.group),
                    units / buckets * ReferenceShare(profile, stream));
    if (outlook.pairs_per_day > 0 && plan.binary) {
      const auto most = static_cast<double>(plan.minimum);
      const auto equal = PairsToVerdict(
          plan.tolerance, plan.alpha, rate,
          plan.tolerance.comparison == Comparison::kRatio ? 1 : 0);
      if (equal) {
        outlook.days_if_equal = std::max(*equal, most) / outlook.pairs_per_day;
      }
      const auto within = [&](double days) -> std::optional<double> {
        const double pairs = days * outlook.pairs_per_day;
        if (pairs < most) return std::nullopt;
        return FoundWith(plan, rate, pairs);
      };
      outlook.found_in_30 = within(30);
      outlook.found_in_90 = within(90);
      outlook.found_in_365 = within(365);
    }
    out.streams.push_back(outlook);
  }
  AddRemarks(profile, units, &out);
  return out;
}

}  // namespace consentry::policy::fairness
