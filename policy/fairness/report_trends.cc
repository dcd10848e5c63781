#include "policy/fairness/report_trends.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "policy/fairness/figure_words.h"
#include "policy/fairness/plots.h"
#include "policy/fairness/report_words.h"
#include "proto/support/html.h"

namespace consentry::policy::fairness {
namespace {

using v1::FairnessFigure;
using v1::FairnessReport;
using v1::FairnessTrend;

// Of the version as it ran, whatever is tolerated today.
std::optional<Interval> ToleranceOf(const FairnessTrend& trend) {
  if (!trend.has_tolerance_lower() || !trend.has_tolerance_upper()) {
    return std::nullopt;
  }
  return Interval{trend.tolerance_lower(), trend.tolerance_upper()};
}

std::optional<Interval> ToleranceOf(const v1::FairnessTrendPoint& point) {
  if (!point.has_tolerance_lower() || !point.has_tolerance_upper()) {
    return std::nullopt;
  }
  return Interval{point.tolerance_lower(), point.tolerance_upper()};
}

std::string ToleranceText(const Interval& tolerance) {
  return absl::StrCat("tolerated, ", ShortNumber(tolerance.lower), " to ",
                      ShortNumber(tolerance.upper));
}

std::string Name(const FairnessTrend& trend) {
  return absl::StrCat(
      GroupText(trend.attribute()), " ", GroupText(trend.group()),
      trend.reference().empty() ? ""
                                : " against " + GroupText(trend.reference()),
      trend.model_version().empty() ? ""
                                    : ", version " + trend.model_version());
}

// The times of a plot: days, or times of day where all lie in one or two.
struct Ends {
  std::string first;
  std::string last;
};
Ends EndsOf(int64_t first, int64_t last) {
  const char* const format =
      last - first < 2 * 86400 ? "%Y-%m-%d %H:%M" : "%Y-%m-%d";
  const auto text = [format](int64_t seconds) {
    return absl::FormatTime(format, absl::FromUnixSeconds(seconds),
                            absl::UTCTimeZone());
  };
  return {text(first), text(last)};
}

std::string LastText(const FairnessTrend& trend) {
  const auto& end = trend.points(trend.points_size() - 1);
  const auto at_end = ToleranceOf(end);
  const auto tolerance = at_end ? at_end : ToleranceOf(trend);
  return absl::StrCat(
      "last ", PlotNumber(end.lower()), " to ", PlotNumber(end.upper()),
      "<br><span class=\"quiet\">", CountText(end.count()), " cases",
      tolerance ? "; " + ToleranceText(*tolerance) : "", "</span>");
}

PlotCurve CurveOf(const FairnessTrend& trend) {
  PlotCurve curve;
  curve.label = Name(trend);
  curve.text = LastText(trend);
  curve.tolerance = ToleranceOf(trend);
  for (const auto& point : trend.points()) {
    PlotPoint drawn;
    drawn.time = static_cast<double>(point.time().seconds());
    drawn.interval = {point.lower(), point.upper()};
    if (point.has_estimate()) drawn.value = point.estimate();
    drawn.tolerance = ToleranceOf(point);
    curve.points.push_back(drawn);
  }
  return curve;
}

std::string Plot(const std::string& metric, bool rate,
                 const std::vector<const FairnessTrend*>& trends) {
  std::vector<PlotCurve> curves;
  std::vector<PlotRow> single;
  int64_t first = trends[0]->points(0).time().seconds();
  int64_t last = first;
  for (const FairnessTrend* trend : trends) {
    for (const auto& point : trend->points()) {
      first = std::min(first, point.time().seconds());
      last = std::max(last, point.time().seconds());
    }
    if (trend->points_size() > 1) {
      curves.push_back(CurveOf(*trend));
      continue;
    }
    PlotRow row;
    row.label = Name(*trend);
    row.sublabel = "at " + MomentText(trend->points(0).time());
    row.text = LastText(*trend);
    row.interval = Interval{trend->points(0).lower(), trend->points(0).upper()};
    if (trend->points(0).has_estimate()) {
      row.value = trend->points(0).estimate();
    }
    single.push_back(std::move(row));
  }
  PlotAxis axis;
  axis.log = metric.find("_group_over_") != std::string::npos;
  if (!rate) axis.equal = axis.log ? 1 : 0;
  const auto first_tolerance = ToleranceOf(*trends[0]);
  bool same = first_tolerance.has_value();
  bool at_points = false;
  for (const FairnessTrend* trend : trends) {
    const auto own = ToleranceOf(*trend);
    same = same && own && own->lower == first_tolerance->lower &&
           own->upper == first_tolerance->upper;
    for (const auto& point : trend->points()) {
      at_points = at_points || ToleranceOf(point).has_value();
    }
  }
  // Versions may have run under different ones: then each tells its own.
  if (same) {
    axis.tolerance = first_tolerance;
    axis.title = "shaded: " + ToleranceText(*first_tolerance);
  } else if (at_points) {
    axis.title = "shaded: tolerated at the reference's rate of the same time";
  } else if (first_tolerance) {
    axis.title = "shaded: tolerated of that version";
  }
  std::string html = absl::StrCat(
      "<h3>", HtmlText(Capital(FigureTitle(metric))),
      "</h3>\n<p class=\"quiet\">",
      rate ? "Rate of each period with its interval; no period decides by "
             "itself."
           : "Confidence sequence of the monitor: it may be looked at always, "
             "and narrows as cases come.",
      "</p>\n");
  if (!single.empty()) html += IntervalPlot(single, axis);
  if (!curves.empty()) {
    const Ends ends = EndsOf(first, last);
    html += CurvePlot(curves, axis, ends.first, ends.last);
  }
  return html;
}

}  // namespace

std::string TrendsHtml(const FairnessReport& report) {
  std::map<std::pair<bool, std::string>, std::vector<const FairnessTrend*>>
      kinds;
  for (const FairnessTrend& trend : report.trends()) {
    const bool rate = trend.reference().empty();
    // A rate of the whole time is told elsewhere.
    if (trend.points_size() < (rate ? 2 : 1)) continue;
    kinds[{rate, trend.metric()}].push_back(&trend);
  }
  if (kinds.empty()) return "";
  std::string html = "<h2>Over time</h2>\n";
  for (const auto& [kind, trends] : kinds) {
    html += Plot(kind.second, kind.first, trends);
  }
  return html;
}

std::string SinceHtml(const FairnessReport& report, bool found) {
  std::vector<std::string> lines;
  bool watched = false;
  for (const FairnessTrend& trend : report.trends()) {
    const auto tolerance = ToleranceOf(trend);
    if (trend.reference().empty() || !tolerance) continue;
    watched = true;
    const auto outside =
        std::find_if(trend.points().begin(), trend.points().end(),
                     [&tolerance](const auto& point) {
                       return point.upper() < tolerance->lower ||
                              point.lower() > tolerance->upper;
                     });
    if (outside == trend.points().end()) continue;
    lines.push_back(absl::StrCat(
        HtmlText(Name(trend)), ": outside tolerance since ",
        MomentText(outside->time()),
        " or earlier, as the monitor has it, which looks always."));
  }
  if (lines.empty() && found) {
    lines.push_back(
        "An audit takes its time as a whole: when a difference began it cannot "
        "say.");
    if (watched) {
      lines.push_back(
          "The monitors, which look always, have found nothing yet.");
    }
  }
  return absl::StrJoin(lines, "<br>");
}

}  // namespace consentry::policy::fairness
