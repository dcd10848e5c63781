#include "policy/fairness/report_html.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

#include "absl/time/time.h"
#include "policy/fairness/figure_words.h"
#include "policy/fairness/plots.h"
#include "proto/support/html.h"

namespace consentry::policy::fairness {
namespace {

using v1::FairnessFigure;
using v1::FairnessReport;

constexpr char kStyle[] =
    "body{max-width:66rem}"
    "td.n,th.n{text-align:right;white-space:nowrap;"
    "font-variant-numeric:tabular-nums}"
    "td{min-width:0}table:not(.all) td{overflow-wrap:break-word}"
    "dl.facts{display:grid;grid-template-columns:12rem 1fr;gap:.2rem 1rem}"
    "dl.facts dt{color:#5a6676}dl.facts dd{margin:0;overflow-wrap:anywhere}"
    ".sums{display:flex;flex-wrap:wrap;gap:.8rem;margin:1rem 0}"
    ".sum{border:1px solid #d5dbe3;border-left-width:6px;padding:.5rem "
    ".9rem;min-width:9rem}.sum b{display:block;font-size:1.6rem;"
    "line-height:1.2}"
    ".sum.out{border-left-color:#b3261e}.sum.in{border-left-color:#1b7f4b}"
    ".sum.few{border-left-color:#6b7480}.sum.plain{border-left-color:#2f5f9e}"
    ".all{font-size:.78rem}.all td,.all th{padding:.25rem .4rem}"
    "ul.found li{margin:.3rem 0}code{overflow-wrap:anywhere}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f4f6f9;"
    "padding:.8rem;font-size:.8rem}"
    "h3{break-after:avoid}h2{break-after:avoid}"
    "@media(max-width:44rem){dl.facts{grid-template-columns:1fr;gap:0}"
    "dl.facts dd{margin-bottom:.5rem}"
    ".all thead{display:none}.all tr{display:block;padding:.5rem 0;"
    "border-bottom:1px solid #d5dbe3}.all td{display:flex;gap:.8rem;"
    "border:0;padding:.05rem 0;text-align:left}.all td:empty{display:none}"
    ".all td::before{content:attr(data-h);flex:0 0 7rem;color:#5a6676}}"
    "@media print{.all{font-size:7.5pt}h2.page{break-before:page}}";

std::string Day(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%d", absl::FromUnixSeconds(time.seconds()),
                          absl::UTCTimeZone());
}

std::string Count(int64_t count) {
  std::string digits = absl::StrCat(count);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) {
    // A thin space, as ISO 80000 has it; no line breaks there.
    digits.insert(static_cast<size_t>(at), "\u202f");
  }
  return digits;
}

std::optional<Interval> IntervalOf(const FairnessFigure& figure) {
  if (!figure.has_lower() || !figure.has_upper()) return std::nullopt;
  return Interval{figure.lower(), figure.upper()};
}

std::string Bracketed(const FairnessFigure& figure) {
  if (!figure.has_value()) return "–";
  std::string text = PlotNumber(figure.value());
  if (figure.has_lower()) {
    absl::StrAppend(&text, " [", PlotNumber(figure.lower()), ", ",
                    PlotNumber(figure.upper()), "]");
  }
  return text;
}

std::string Chance(double p) {
  return p < 0.0001 ? "< 0.0001" : absl::StrFormat("%.4f", p);
}

PlotMark MarkOf(const FairnessFigure& figure) {
  switch (figure.finding()) {
    case v1::FAIRNESS_FINDING_OUTSIDE_TOLERANCE:
      return PlotMark::kOutside;
    case v1::FAIRNESS_FINDING_WITHIN_TOLERANCE:
      return PlotMark::kWithin;
    case v1::FAIRNESS_FINDING_INSUFFICIENT:
      return PlotMark::kInsufficient;
    default:
      return PlotMark::kPlain;
  }
}

std::string FindingHtml(const FairnessFigure& figure) {
  switch (figure.finding()) {
    case v1::FAIRNESS_FINDING_OUTSIDE_TOLERANCE:
      return "<span class=\"tag out\">outside tolerance</span>";
    case v1::FAIRNESS_FINDING_WITHIN_TOLERANCE:
      return "<span class=\"tag in\">within tolerance</span>";
    case v1::FAIRNESS_FINDING_INSUFFICIENT:
      return absl::StrCat("<span class=\"tag few\">insufficient</span>: ",
                          HtmlText(figure.remark()));
    default:
      return figure.has_value() ? "" : HtmlText(figure.remark());
  }
}

// "f × old" for "f*old", but for a star that is escaped.
std::string Shown(const std::string& name) {
  std::string shown;
  for (size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '\\' && i + 1 < name.size()) {
      shown += name[++i];
    } else if (name[i] == '*') {
      shown += " × ";
    } else {
      shown += name[i];
    }
  }
  return shown;
}

// A whole day as such.
std::string Moment(const google::protobuf::Timestamp& time) {
  if (time.seconds() % 86400 == 0 && time.nanos() == 0) return Day(time);
  return absl::FormatTime("%Y-%m-%d %H:%M:%S UTC",
                          absl::FromUnixSeconds(time.seconds()),
                          absl::UTCTimeZone());
}

std::string Titled(const std::string& attribute, const std::string& variant) {
  return variant.empty()
             ? Shown(attribute)
             : absl::StrCat(Shown(attribute), ", variant ", variant);
}

class Page {
 public:
  explicit Page(const FairnessReport& report) : report_(report) {
    for (const auto& group : report.groups()) {
      const auto key = std::pair(group.attribute(), group.variant());
      if (std::find(sections_.begin(), sections_.end(), key) ==
          sections_.end()) {
        sections_.push_back(key);
      }
    }
  }

  std::string Make() {
    const std::string title =
        report_.subject().empty()
            ? "Fairness report"
            : absl::StrCat("Fairness report: ", report_.subject());
    html_ = HtmlHead(title, "en", absl::StrCat(kStyle, PlotStyle()));
    absl::StrAppend(&html_, "<h1>", HtmlText(title), "</h1>\n");
    Summary();
    Facts();
    for (const auto& [attribute, variant] : sections_) {
      Section(attribute, variant);
    }
    Trends();
    Proxies();
    Limits();
    AllFigures();
    Proof();
    html_ += "</body>\n</html>\n";
    return std::move(html_);
  }

 private:
  int CountOf(v1::FairnessFinding finding) const {
    return static_cast<int>(std::count_if(
        report_.figures().begin(), report_.figures().end(),
        [&](const auto& figure) { return figure.finding() == finding; }));
  }

  void Summary() {
    const int outside = CountOf(v1::FAIRNESS_FINDING_OUTSIDE_TOLERANCE);
    const int within = CountOf(v1::FAIRNESS_FINDING_WITHIN_TOLERANCE);
    const int few = CountOf(v1::FAIRNESS_FINDING_INSUFFICIENT);
    if (!report_.confirmatory()) {
      html_ +=
          "<div class=\"sums\"><div class=\"sum plain\"><b>Descriptive</b>no "
          "error rate was set aside for this look: nothing is tested and "
          "nothing decided</div></div>\n";
      return;
    }
    const auto sum = [this](const char* name, int count, const char* text) {
      absl::StrAppend(&html_, "<div class=\"sum ", name, "\"><b>", count,
                      "</b>", text, "</div>");
    };
    html_ += "<div class=\"sums\">";
    sum("out", outside, "outside tolerance");
    sum("in", within, "within tolerance");
    sum("few", few, "insufficient data, which is no pass");
    html_ += "</div>\n";
    if (outside == 0) return;
    html_ += "<ul class=\"found\">\n";
    for (const FairnessFigure& figure : report_.figures()) {
      if (figure.finding() != v1::FAIRNESS_FINDING_OUTSIDE_TOLERANCE) continue;
      absl::StrAppend(
          &html_, "<li><strong>", HtmlText(Shown(figure.group())),
          "</strong> (", HtmlText(Titled(figure.attribute(), figure.variant())),
          "): ", HtmlText(FigureTitle(figure.metric())), " (",
          HtmlText(Shown(figure.reference())), "): ", Bracketed(figure),
          "; tolerated from ", PlotNumber(figure.tolerance_lower()), " to ",
          PlotNumber(figure.tolerance_upper()));
      if (figure.has_hits() && figure.count() > 0 &&
          figure.reference_count() > 0) {
        absl::StrAppend(&html_, "; ", Count(figure.hits()), " of ",
                        Count(figure.count()), " against ",
                        Count(figure.reference_hits()), " of ",
                        Count(figure.reference_count()));
      }
      html_ += ".</li>\n";
    }
    html_ += "</ul>\n";
  }

  void Fact(const std::string& name, const std::string& value) {
    if (value.empty()) return;
    absl::StrAppend(&html_, "<dt>", name, "</dt><dd>", value, "</dd>\n");
  }

  void Facts() {
    html_ += "<h2>What was looked at</h2>\n<dl class=\"facts\">\n";
    if (!report_.profile_id().empty()) {
      Fact("Profile", absl::StrCat(HtmlText(report_.profile_id()), ", version ",
                                   report_.profile_version()));
    }
    if (!report_.model_version().empty()) {
      Fact("Version of the model", HtmlText(report_.model_version()));
    }
    if (report_.has_from_time() && report_.has_to_time()) {
      Fact("Period",
           absl::StrCat(
               report_.span().empty() ? "" : HtmlText(report_.span()) + ": ",
               "from ", Moment(report_.from_time()), ", before ",
               Moment(report_.to_time())));
    }
    if (report_.has_register_time()) {
      Fact("Registered",
           absl::StrCat(Moment(report_.register_time()),
                        report_.span().empty() ? ", as somebody asked"
                                               : ", by the calendar",
                        ", before anything was looked at"));
    }
    if (report_.has_create_time()) Fact("Made", Moment(report_.create_time()));
    Fact("Cases", absl::StrCat(Count(report_.count()),
                               report_.unit().empty()
                                   ? ""
                                   : absl::StrCat(", each a ",
                                                  HtmlText(report_.unit()))));
    for (const auto& left : report_.left_out()) {
      Fact("Left out",
           absl::StrCat(Count(left.count()), ": ", HtmlText(left.reason())));
    }
    if (!report_.prediction().empty()) {
      Fact("Positive prediction",
           absl::StrCat(
               "<code>", HtmlText(report_.prediction()), "</code>, ",
               report_.positive_is_favourable() ? "favourable" : "unfavourable",
               " for the person"));
    }
    if (!report_.outcome().empty()) {
      Fact("Came true",
           absl::StrCat("<code>", HtmlText(report_.outcome()), "</code>"));
    }
    for (const auto& coverage : report_.coverage()) {
      Fact("Group known",
           absl::StrFormat("%s: %s of %s (%.1f %%)",
                           HtmlText(coverage.attribute()),
                           Count(coverage.known()), Count(coverage.count()),
                           coverage.count() == 0
                               ? 0.0
                               : 100.0 * static_cast<double>(coverage.known()) /
                                     static_cast<double>(coverage.count())));
    }
    std::vector<std::string> rules;
    for (const std::string& rule : report_.rules()) {
      rules.push_back(HtmlText(rule));
    }
    if (report_.confirmatory()) {
      rules.push_back(absl::StrCat("p-values are corrected for ",
                                   report_.tests(),
                                   " tests by Benjamini and Hochberg."));
    }
    Fact("Rules", absl::StrJoin(rules, "<br>"));
    html_ += "</dl>\n";
  }

  std::vector<const v1::FairnessGroupCount*> GroupsOf(
      const std::string& attribute, const std::string& variant) const {
    std::vector<const v1::FairnessGroupCount*> groups;
    for (const auto& group : report_.groups()) {
      if (group.attribute() == attribute && group.variant() == variant) {
        groups.push_back(&group);
      }
    }
    return groups;
  }

  void Section(const std::string& attribute, const std::string& variant) {
    absl::StrAppend(&html_, "<h2>By ", HtmlText(Titled(attribute, variant)),
                    "</h2>\n");
    figures_.clear();
    for (const FairnessFigure& figure : report_.figures()) {
      if (figure.attribute() == attribute && figure.variant() == variant) {
        figures_[{figure.group(), figure.metric()}] = &figure;
      }
    }
    groups_ = GroupsOf(attribute, variant);
    Groups();
    for (const char* rate :
         {"selection_rate", "favourable_rate", "true_positive_rate",
          "false_positive_rate", "positive_predictive_value"}) {
      RatePlot(rate);
    }
    Deciding();
    Distributions(attribute, variant);
    Overall();
  }

  const FairnessFigure* Find(const std::string& group,
                             const std::string& metric) const {
    const auto found = figures_.find({group, metric});
    return found == figures_.end() ? nullptr : found->second;
  }

  void Groups() {
    html_ +=
        "<div class=\"scroll\"><table><thead><tr><th>Group</th><th "
        "class=\"n\">Cases</th><th></th></tr></thead><tbody>\n";
    for (const auto* group : groups_) {
      std::string remark;
      if (group->reference()) remark = "the others are compared with it";
      if (!group->pooled().empty()) {
        remark = absl::StrCat("together: ",
                              HtmlText(absl::StrJoin(group->pooled(), ", ")));
      }
      if (group->suppressed()) {
        remark = "too few to be told, or it would tell those that are";
      }
      absl::StrAppend(&html_, "<tr><td>", HtmlText(Shown(group->group())),
                      "</td><td class=\"n\">",
                      group->suppressed() ? "–" : Count(group->count()),
                      "</td><td class=\"quiet\">", remark, "</td></tr>\n");
    }
    html_ += "</tbody></table></div>\n";
  }

  // A rate of every group. What is tolerated of a ratio is shown around the
  // reference's rate.
  void RatePlot(const std::string& metric) {
    std::vector<PlotRow> rows;
    PlotAxis axis;
    axis.least = 0;
    axis.most = 1;
    std::string formula;
    for (const auto* group : groups_) {
      const FairnessFigure* rate = Find(group->group(), metric);
      if (rate == nullptr) continue;
      formula = rate->formula();
      PlotRow row;
      row.label = Shown(group->group());
      if (rate->has_value()) row.value = rate->value();
      row.interval = IntervalOf(*rate);
      row.text = absl::StrCat(Bracketed(*rate), "<br><span class=\"quiet\">",
                              Count(rate->hits()), " of ", Count(rate->count()),
                              "</span>");
      for (const char* suffix :
           {"_group_minus_reference", "_group_over_reference"}) {
        const FairnessFigure* compared = Find(group->group(), metric + suffix);
        if (compared == nullptr || !compared->has_tolerance_lower()) continue;
        row.mark = MarkOf(*compared);
        const FairnessFigure* reference = Find(compared->reference(), metric);
        if (reference == nullptr || !reference->has_value()) continue;
        const bool ratio = metric + suffix == metric + "_group_over_reference";
        const double at = reference->value();
        axis.equal = at;
        axis.tolerance =
            ratio ? Interval{at * compared->tolerance_lower(),
                             std::min(1.0, at * compared->tolerance_upper())}
                  : Interval{std::max(0.0, at + compared->tolerance_lower()),
                             std::min(1.0, at + compared->tolerance_upper())};
      }
      if (group->reference()) row.mark = PlotMark::kReference;
      rows.push_back(std::move(row));
    }
    if (rows.empty()) return;
    axis.title = axis.tolerance ? "shaded: tolerated around the reference" : "";
    absl::StrAppend(&html_, "<h3>", HtmlText(Capital(FigureTitle(metric))),
                    "</h3>\n<p class=\"quiet\">", HtmlText(Capital(formula)),
                    ". Point and interval of each group.</p>\n",
                    IntervalPlot(rows, axis));
  }

  // All figures that decide: one plot for ratios and one for differences.
  void Deciding() {
    for (const bool ratios : {true, false}) {
      std::map<std::pair<double, double>, std::vector<PlotRow>> plots;
      for (const auto* group : groups_) {
        for (const auto& [key, figure] : figures_) {
          if (key.first != group->group() || !figure->has_tolerance_lower() ||
              (figure->tolerance_lower() > 0) != ratios) {
            continue;
          }
          PlotRow row;
          row.label = Shown(group->group());
          row.sublabel = absl::StrReplaceAll(
              FigureTitle(figure->metric()),
              {{", minus reference", ""}, {", over reference", ""}});

          if (figure->has_value()) row.value = figure->value();
          row.interval = IntervalOf(*figure);
          row.mark = MarkOf(*figure);
          row.text =
              absl::StrCat(Bracketed(*figure), "<br>", FindingHtml(*figure));
          if (figure->has_p_value()) {
            absl::StrAppend(&row.text, "<br><span class=\"quiet\">p ",
                            Chance(figure->p_value()), "</span>");
          }
          plots[{figure->tolerance_lower(), figure->tolerance_upper()}]
              .push_back(std::move(row));
        }
      }
      for (const auto& [tolerance, rows] : plots) {
        PlotAxis axis;
        axis.log = ratios;
        axis.equal = ratios ? 1 : 0;
        axis.tolerance = Interval{tolerance.first, tolerance.second};
        axis.title =
            absl::StrCat("shaded: tolerated, ", PlotNumber(tolerance.first),
                         " to ", PlotNumber(tolerance.second));
        absl::StrAppend(
            &html_, "<h3>",
            ratios ? "Group over reference" : "Group minus reference",
            "</h3>\n<p class=\"quiet\">",
            ratios ? "1 is equality; the axis is logarithmic."
                   : "0 is equality.",
            " A dashed interval is insufficient.</p>\n",
            IntervalPlot(rows, axis));
      }
    }
  }

  void Distributions(const std::string& attribute, const std::string& variant) {
    for (const char* what : {"score", "price"}) {
      std::vector<PlotBars> groups;
      std::vector<double> edges;
      for (const auto& spread : report_.distributions()) {
        if (spread.attribute() != attribute || spread.variant() != variant ||
            spread.what() != what || spread.bins().empty()) {
          continue;
        }
        PlotBars bars;
        bars.label = Shown(spread.group());
        bars.text = absl::StrCat("median ", PlotNumber(spread.median()),
                                 ", mean ", PlotNumber(spread.mean()),
                                 "<br><span class=\"quiet\">",
                                 Count(spread.count()), " cases</span>");
        edges.clear();
        for (const auto& bin : spread.bins()) {
          edges.push_back(bin.lower());
          bars.heights.push_back(bin.has_share() ? std::optional(bin.share())
                                                 : std::nullopt);
        }
        edges.push_back(spread.bins(spread.bins_size() - 1).upper());
        groups.push_back(std::move(bars));
      }
      if (groups.empty()) continue;
      absl::StrAppend(
          &html_, "<h3>Spread of ", what,
          "s</h3>\n<p class=\"quiet\">Share of "
          "each group's cases; the outermost bars hold all beyond them, grey "
          "ones too few cases to be told.</p>\n",
          BarPlot(groups, edges, what));
    }
  }

  void Overall() {
    std::string rows;
    for (const auto& [key, figure] : figures_) {
      if (!key.first.empty()) continue;
      absl::StrAppend(
          &rows, "<tr><td>", HtmlText(Capital(FigureTitle(figure->metric()))),
          "</td><td class=\"n\">", Bracketed(*figure),
          "</td><td class=\"quiet\">",
          HtmlText(figure->has_value() ? figure->formula() : figure->remark()),
          "</td></tr>\n");
    }
    if (rows.empty()) return;
    absl::StrAppend(&html_,
                    "<h3>Over all groups</h3>\n<div class=\"scroll\"><table>"
                    "<tbody>\n",
                    rows, "</tbody></table></div>\n");
  }

  void Trends() {
    if (report_.trends().empty()) return;
    html_ += "<h2>Over time</h2>\n";
    std::map<std::pair<bool, std::string>,
             std::vector<const v1::FairnessTrend*>>
        kinds;
    for (const auto& trend : report_.trends()) {
      if (trend.points_size() > 1) {
        kinds[{trend.reference().empty(), trend.metric()}].push_back(&trend);
      }
    }
    for (const auto& [kind, trends] : kinds) {
      std::vector<PlotCurve> curves;
      int64_t first = trends[0]->points(0).time().seconds();
      int64_t last = first;
      for (const auto* trend : trends) {
        PlotCurve curve;
        curve.label = absl::StrCat(
            trend->attribute(), " ", trend->group(),
            trend->reference().empty() ? "" : " against " + trend->reference(),
            trend->model_version().empty()
                ? ""
                : ", version " + trend->model_version());
        for (const auto& point : trend->points()) {
          PlotPoint drawn;
          drawn.time = static_cast<double>(point.time().seconds());
          drawn.interval = {point.lower(), point.upper()};
          if (point.has_estimate()) drawn.value = point.estimate();
          curve.points.push_back(drawn);
          first = std::min(first, point.time().seconds());
          last = std::max(last, point.time().seconds());
        }
        const auto& end = trend->points(trend->points_size() - 1);
        curve.text = absl::StrCat("last [", PlotNumber(end.lower()), ", ",
                                  PlotNumber(end.upper()), "]<br>",
                                  "<span class=\"quiet\">", Count(end.count()),
                                  " cases</span>");
        curves.push_back(std::move(curve));
      }
      PlotAxis axis;
      const bool ratio = kind.second.find("_group_over_") != std::string::npos;
      const bool rate = kind.first;
      if (!rate) axis.equal = ratio ? 1 : 0;
      axis.log = ratio;
      for (const FairnessFigure& figure : report_.figures()) {
        if (figure.metric() == kind.second && figure.has_tolerance_lower()) {
          axis.tolerance =
              Interval{figure.tolerance_lower(), figure.tolerance_upper()};
        }
      }
      if (axis.tolerance) axis.title = "shaded: tolerated";
      const auto day = [](int64_t seconds) {
        return absl::FormatTime("%Y-%m-%d", absl::FromUnixSeconds(seconds),
                                absl::UTCTimeZone());
      };
      absl::StrAppend(
          &html_, "<h3>", HtmlText(Capital(FigureTitle(kind.second))),
          "</h3>\n<p class=\"quiet\">",
          rate ? "Rate of each period with its interval."
               : "Confidence sequence of the monitor: it may be looked at "
                 "always, and narrows as cases come.",
          "</p>\n", CurvePlot(curves, axis, day(first), day(last)));
    }
  }

  void Proxies() {
    if (report_.proxies().empty()) return;
    html_ +=
        "<h2>What inputs tell about groups</h2>\n<p class=\"quiet\">0 nothing, "
        "1 all. Guessed: share of groups guessed right on cases that were not "
        "learnt from.</p>\n";
    std::vector<PlotRow> rows;
    for (const auto& proxy : report_.proxies()) {
      PlotRow row;
      row.label = absl::StrCat(proxy.input(), " about ", proxy.attribute());
      row.value = proxy.uncertainty_removed();
      row.interval = Interval{0, proxy.uncertainty_removed()};
      row.text = absl::StrFormat(
          "removes %.1f %% of uncertainty<br><span class=\"quiet\">guessed "
          "%.1f %% with, %.1f %% without",
          100 * proxy.uncertainty_removed(), 100 * proxy.guessed_with(),
          100 * proxy.guessed_without());
      if (proxy.has_information_added_bits()) {
        absl::StrAppend(&row.text, "; adds ",
                        PlotNumber(proxy.information_added_bits()),
                        " bits to the other inputs");
      }
      row.text += "</span>";
      rows.push_back(std::move(row));
    }
    PlotAxis axis;
    // The whole axis, so that little looks like little.
    axis.title = "share of uncertainty removed; line: all of it";
    axis.equal = 1;
    axis.least = 0;
    axis.most = 1;
    html_ += IntervalPlot(rows, axis);
  }

  void Limits() {
    html_ += "<h2>What this report does not claim</h2>\n<ul>\n";
    for (const std::string& limit : report_.limits()) {
      absl::StrAppend(&html_, "<li>", HtmlText(limit), "</li>\n");
    }
    html_ += "</ul>\n";
  }

  void AllFigures() {
    html_ +=
        "<h2 class=\"page\">All figures</h2>\n<div class=\"scroll\"><table "
        "class=\"all\"><thead><tr><th>Groups</th><th>Figure</th><th "
        "class=\"n\">Value and interval</th><th class=\"n\">Counts</th><th "
        "class=\"n\">p</th><th>Finding</th><th>Formula and method</th></tr>"
        "</thead><tbody>\n";
    for (const FairnessFigure& figure : report_.figures()) {
      std::string groups =
          HtmlText(Titled(figure.attribute(), figure.variant()));
      if (!figure.group().empty()) {
        absl::StrAppend(&groups, ": ", HtmlText(Shown(figure.group())));
      }
      if (!figure.reference().empty()) {
        absl::StrAppend(&groups, " / ", HtmlText(Shown(figure.reference())));
      }
      std::string counts = Count(figure.count());
      if (figure.has_hits()) {
        counts = absl::StrCat(Count(figure.hits()), " of ", counts);
      }
      if (!figure.reference().empty()) {
        absl::StrAppend(
            &counts, " / ",
            figure.has_reference_hits()
                ? absl::StrCat(Count(figure.reference_hits()), " of ")
                : "",
            Count(figure.reference_count()));
      }
      std::string chance;
      if (figure.has_p_value()) chance = Chance(figure.p_value());
      if (figure.has_equivalence_p_value()) {
        absl::StrAppend(&chance, " (equivalence ",
                        Chance(figure.equivalence_p_value()), ")");
      }
      absl::StrAppend(
          &html_, "<tr><td data-h=\"Groups\">", groups,
          "</td><td data-h=\"Figure\"><code>",
          absl::StrReplaceAll(HtmlText(figure.metric()), {{"_", "_<wbr>"}}),
          "</code></td><td class=\"n\" data-h=\"Value\">", Bracketed(figure),
          "</td><td class=\"n\" data-h=\"Counts\">", counts,
          "</td><td class=\"n\" data-h=\"p\">", chance,
          "</td><td data-h=\"Finding\">", FindingHtml(figure),
          "</td><td data-h=\"Formula\">", HtmlText(figure.formula()),
          figure.method().empty()
              ? ""
              : absl::StrCat(". ", HtmlText(figure.method())),
          "</td></tr>\n");
    }
    html_ += "</tbody></table></div>\n";
  }

  void Proof() {
    if (report_.digest().empty() && report_.note().empty()) return;
    html_ +=
        "<h2>Proof</h2>\n<p>The report as a JSON file has this digest, which "
        "stands in the audit log; the key of the log signed the note.</p>\n"
        "<dl class=\"facts\">\n";
    Fact("Report", HtmlText(report_.id()));
    Fact("SHA-256",
         absl::StrCat("<code>", HtmlText(report_.digest()), "</code>"));
    if (!report_.profile_digest().empty()) {
      Fact("Of the profile",
           absl::StrCat("<code>", HtmlText(report_.profile_digest()),
                        "</code>"));
    }
    html_ += "</dl>\n";
    if (!report_.note().empty()) {
      absl::StrAppend(&html_, "<pre>", HtmlText(report_.note()), "</pre>\n");
    }
  }

  static std::string Capital(std::string text) {
    if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') {
      text[0] = static_cast<char>(text[0] - 'a' + 'A');
    }
    return text;
  }

  const FairnessReport& report_;
  std::vector<std::pair<std::string, std::string>> sections_;
  std::string html_;
  // Of the section at hand.
  std::vector<const v1::FairnessGroupCount*> groups_;
  std::map<std::pair<std::string, std::string>, const FairnessFigure*> figures_;
};

}  // namespace

std::string FairnessReportHtml(const FairnessReport& report) {
  return Page(report).Make();
}

}  // namespace consentry::policy::fairness
