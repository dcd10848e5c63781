#include "policy/fairness/report_section.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "policy/fairness/figure_words.h"
#include "policy/fairness/plots.h"
#include "policy/fairness/report_words.h"
#include "proto/support/html.h"

namespace consentry::policy::fairness {
namespace {

using v1::FairnessFigure;
using v1::FairnessReport;

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

class Section {
 public:
  Section(const FairnessReport& report, const std::string& attribute,
          const std::string& variant)
      : report_(report), attribute_(attribute), variant_(variant) {
    for (const FairnessFigure& figure : report.figures()) {
      if (figure.attribute() == attribute && figure.variant() == variant) {
        figures_[{figure.group(), figure.metric()}] = &figure;
      }
    }
    for (const auto& group : report.groups()) {
      if (group.attribute() == attribute && group.variant() == variant) {
        groups_.push_back(&group);
      }
    }
  }

  std::string Make() {
    html_ = absl::StrCat("<h2>By ", HtmlText(SectionText(attribute_, variant_)),
                         "</h2>\n");
    Groups();
    for (const char* rate :
         {"selection_rate", "favourable_rate", "true_positive_rate",
          "false_positive_rate", "positive_predictive_value"}) {
      RatePlot(rate);
    }
    Deciding(/*ratios=*/true);
    Deciding(/*ratios=*/false);
    Spreads("score");
    Spreads("price");
    Overall();
    return std::move(html_);
  }

 private:
  const FairnessFigure* Find(const std::string& group,
                             const std::string& metric) const {
    const auto found = figures_.find({group, metric});
    return found == figures_.end() ? nullptr : found->second;
  }

  void Groups() {
    html_ +=
        "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">Group</th>"
        "<th scope=\"col\" class=\"n\">Cases</th><th scope=\"col\">Remark</th>"
        "</tr></thead><tbody>\n";
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
      absl::StrAppend(&html_, "<tr><th scope=\"row\">",
                      HtmlText(GroupText(group->group())),
                      "</th><td class=\"n\">",
                      group->suppressed() ? "–" : CountText(group->count()),
                      "</td><td class=\"quiet\">", remark, "</td></tr>\n");
    }
    html_ += "</tbody></table></div>\n";
  }

  // What is tolerated of what compares a rate, around the reference's rate.
  void Tolerate(const std::string& metric, const std::string& group,
                PlotAxis* axis, PlotRow* row) const {
    for (const char* suffix :
         {"_group_minus_reference", "_group_over_reference"}) {
      const FairnessFigure* compared = Find(group, metric + suffix);
      if (compared == nullptr || !compared->has_tolerance_lower()) continue;
      row->mark = MarkOf(*compared);
      const FairnessFigure* reference = Find(compared->reference(), metric);
      if (reference == nullptr || !reference->has_value()) continue;
      const bool ratio = metric + suffix == metric + "_group_over_reference";
      const double at = reference->value();
      axis->equal = at;
      axis->tolerance =
          ratio ? Interval{at * compared->tolerance_lower(),
                           std::min(1.0, at * compared->tolerance_upper())}
                : Interval{std::max(0.0, at + compared->tolerance_lower()),
                           std::min(1.0, at + compared->tolerance_upper())};
    }
  }

  // A rate of every group.
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
      row.label = GroupText(group->group());
      if (rate->has_value()) row.value = rate->value();
      row.interval = IntervalOf(*rate);
      row.text = absl::StrCat(
          ValueHtml(*rate), "<br><span class=\"quiet\">",
          IsWithheld(*rate) ? rate->remark()
                            : absl::StrCat(CountText(rate->hits()), " of ",
                                           CountText(rate->count())),
          "</span>");
      Tolerate(metric, group->group(), &axis, &row);
      if (group->reference()) {
        row.mark = PlotMark::kReference;
        row.sublabel = "reference";
      }
      rows.push_back(std::move(row));
    }
    if (rows.empty()) return;
    axis.title = axis.tolerance ? "shaded: tolerated around the reference" : "";
    absl::StrAppend(&html_, "<h3>", HtmlText(Capital(FigureTitle(metric))),
                    "</h3>\n<p class=\"quiet\">", HtmlText(Capital(formula)),
                    ". Point and interval of each group",
                    axis.tolerance && report_.confirmatory()
                        ? "; thick: outside tolerance, dashed: insufficient"
                        : "",
                    ".</p>\n", IntervalPlot(rows, axis));
  }

  // All figures that decide: one plot for each tolerance.
  void Deciding(bool ratios) {
    std::map<std::pair<double, double>, std::vector<PlotRow>> plots;
    for (const auto* group : groups_) {
      for (const auto& [key, figure] : figures_) {
        if (key.first != group->group() || !figure->has_tolerance_lower() ||
            (figure->tolerance_lower() > 0) != ratios) {
          continue;
        }
        PlotRow row;
        row.label = GroupText(group->group());
        row.sublabel = RateText(figure->metric());
        if (figure->has_value()) row.value = figure->value();
        row.interval = IntervalOf(*figure);
        row.mark = MarkOf(*figure);
        row.text = absl::StrCat(ValueHtml(*figure), "<br>",
                                FindingHtml(report_, *figure));
        if (figure->has_p_value()) {
          absl::StrAppend(&row.text, "<br><span class=\"quiet\">p ",
                          ChanceHtml(figure->p_value()), "</span>");
        }
        plots[{figure->tolerance_lower(), figure->tolerance_upper()}].push_back(
            std::move(row));
      }
    }
    for (const auto& [tolerance, rows] : plots) {
      PlotAxis axis;
      axis.log = ratios;
      axis.equal = ratios ? 1 : 0;
      axis.tolerance = Interval{tolerance.first, tolerance.second};
      axis.title =
          absl::StrCat("shaded: tolerated, ", ShortNumber(tolerance.first),
                       " to ", ShortNumber(tolerance.second));
      absl::StrAppend(
          &html_, "<h3>",
          ratios ? "Group over reference" : "Group minus reference",
          "</h3>\n<p class=\"quiet\">",
          ratios ? "1 is equality; the axis is logarithmic." : "0 is equality.",
          report_.confirmatory()
              ? " A thick interval is outside tolerance, a dashed "
                "one insufficient."
              : "",
          "</p>\n", IntervalPlot(rows, axis));
    }
  }

  void Spreads(const char* what) {
    std::vector<PlotBars> groups;
    std::vector<double> edges;
    for (const auto& spread : report_.distributions()) {
      if (spread.attribute() != attribute_ || spread.variant() != variant_ ||
          spread.what() != what || spread.bins().empty()) {
        continue;
      }
      PlotBars bars;
      bars.label = GroupText(spread.group());
      bars.text =
          absl::StrCat("median ", ShortNumber(spread.median()), ", mean ",
                       ShortNumber(spread.mean()), "<br><span class=\"quiet\">",
                       CountText(spread.count()), " cases");
      const FairnessFigure* mean =
          Find(spread.group(), absl::StrCat("mean_", what));
      const std::string beyond = mean == nullptr ? "" : BeyondText(*mean);
      if (!beyond.empty()) absl::StrAppend(&bars.text, ", ", beyond);
      bars.text += "</span>";
      edges.clear();
      for (const auto& bin : spread.bins()) {
        edges.push_back(bin.lower());
        bars.heights.push_back(bin.has_share() ? std::optional(bin.share())
                                               : std::nullopt);
      }
      edges.push_back(spread.bins(spread.bins_size() - 1).upper());
      groups.push_back(std::move(bars));
    }
    if (groups.empty()) return;
    absl::StrAppend(
        &html_, "<h3>Spread of ", what,
        "s</h3>\n<p class=\"quiet\">Share of each group's cases; the outermost "
        "bars hold all beyond them, dashed ones too few cases to be told."
        "</p>\n",
        BarPlot(groups, edges, what));
  }

  void Overall() {
    std::string rows;
    for (const auto& [key, figure] : figures_) {
      if (!key.first.empty()) continue;
      absl::StrAppend(
          &rows, "<tr><th scope=\"row\">",
          HtmlText(Capital(FigureTitle(figure->metric()))),
          "</th><td class=\"n\">", ValueHtml(*figure),
          "</td><td class=\"quiet\">",
          HtmlText(figure->has_value() ? figure->formula() : figure->remark()),
          "</td></tr>\n");
    }
    if (rows.empty()) return;
    absl::StrAppend(&html_,
                    "<h3>Over all groups</h3>\n<div class=\"scroll\"><table>"
                    "<thead><tr><th scope=\"col\">Figure</th><th scope=\"col\" "
                    "class=\"n\">Value</th><th scope=\"col\">What it is</th>"
                    "</tr></thead><tbody>\n",
                    rows, "</tbody></table></div>\n");
  }

  const FairnessReport& report_;
  const std::string& attribute_;
  const std::string& variant_;
  std::string html_;
  std::vector<const v1::FairnessGroupCount*> groups_;
  std::map<std::pair<std::string, std::string>, const FairnessFigure*> figures_;
};

}  // namespace

std::string SectionHtml(const FairnessReport& report,
                        const std::string& attribute,
                        const std::string& variant) {
  return Section(report, attribute, variant).Make();
}

}  // namespace consentry::policy::fairness
