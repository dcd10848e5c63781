#ifndef CONSENTRY_POLICY_FAIRNESS_PLOTS_H_
#define CONSENTRY_POLICY_FAIRNESS_PLOTS_H_

#include <optional>
#include <string>
#include <vector>

#include "policy/fairness/proportion.h"

// Plots as HTML with inline SVG. All text of a plot is HTML beside the drawing,
// so that it stays readable on a narrow screen; a drawing is stretched to the
// width that it is given. Colour never says anything alone. Pure; any thread.
namespace consentry::policy::fairness {

// CSS that the plots need.
std::string PlotStyle();

// How a row of a plot is marked; one CSS class each.
enum class PlotMark { kPlain, kReference, kOutside, kWithin, kInsufficient };

// A point with its interval, in one row.
struct PlotRow {
  std::string label;
  // Below the label, smaller. May be empty.
  std::string sublabel;
  // What stands at the end of the row, in words and numbers, as HTML.
  std::string text;
  std::optional<double> value;
  std::optional<Interval> interval;
  PlotMark mark = PlotMark::kPlain;
};

// Rows over one axis.
struct PlotAxis {
  // In words, below the axis.
  std::string title;
  // Shaded; absent: none.
  std::optional<Interval> tolerance;
  // A line: equality. Absent: none.
  std::optional<double> equal;
  // As a logarithm, for ratios. Values must be above zero then; zero and
  // infinity stand at the ends.
  bool log = false;
  // The axis never leaves these. Absent: as far as values reach.
  std::optional<double> least;
  std::optional<double> most;
};
std::string IntervalPlot(const std::vector<PlotRow>& rows,
                         const PlotAxis& axis);

// Bars of one group each, over the same bins. A bin without a height is drawn
// as not told.
struct PlotBars {
  std::string label;
  std::string text;
  std::vector<std::optional<double>> heights;
};
// `edges` has one more than each group has heights.
std::string BarPlot(const std::vector<PlotBars>& groups,
                    const std::vector<double>& edges, const std::string& title);

// An interval that changes over time.
struct PlotPoint {
  // Seconds; only differences count.
  double time = 0;
  Interval interval;
  std::optional<double> value;
  // Shaded, between points that have one.
  std::optional<Interval> tolerance;
};
struct PlotCurve {
  std::string label;
  std::string text;
  std::vector<PlotPoint> points;
  // Shaded at all times. Absent: that of the axis.
  std::optional<Interval> tolerance;
};
// All curves over the same axes. `first` and `last` name the ends of time.
std::string CurvePlot(const std::vector<PlotCurve>& curves,
                      const PlotAxis& axis, const std::string& first,
                      const std::string& last);

// A number as plots and tables of a page tell it: "0.500".
std::string PlotNumber(double number);
// The same without zeros at its end: "0.5".
std::string ShortNumber(double number);

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_PLOTS_H_
