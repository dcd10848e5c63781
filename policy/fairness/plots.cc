#include "policy/fairness/plots.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "policy/fairness/plot_scale.h"
#include "proto/support/html.h"

namespace consentry::policy::fairness {
namespace {

// Drawings are this wide and are stretched.
constexpr double kWide = 1000;
constexpr double kRowHigh = 24;
constexpr double kBarsHigh = 60;
constexpr double kCurveHigh = 120;
// Numbers of an axis would stand on top of each other on a phone.
constexpr double kApart = 0.11;
constexpr double kApartUp = 0.16;

const char* ClassOf(PlotMark mark) {
  switch (mark) {
    case PlotMark::kReference:
      return "ref";
    case PlotMark::kOutside:
      return "out";
    case PlotMark::kWithin:
      return "in";
    case PlotMark::kInsufficient:
      return "few";
    case PlotMark::kPlain:
      break;
  }
  return "plain";
}

const char* WordOf(PlotMark mark) {
  switch (mark) {
    case PlotMark::kOutside:
      return ", outside tolerance";
    case PlotMark::kWithin:
      return ", within tolerance";
    case PlotMark::kInsufficient:
      return ", insufficient";
    case PlotMark::kReference:
    case PlotMark::kPlain:
      break;
  }
  return "";
}

std::string Line(const char* name, double x1, double y1, double x2, double y2) {
  return absl::StrFormat(
      "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>",
      name, x1, y1, x2, y2);
}

std::string Rect(const char* name, double x, double y, double width,
                 double height) {
  return absl::StrFormat(
      "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
      "height=\"%.1f\"/>",
      name, x, y, std::max(0.0, width), std::max(0.0, height));
}

// `label` is what the drawing shows, for whoever does not see it.
std::string Svg(double height, const std::string& label) {
  return absl::StrFormat(
      "<svg viewBox=\"0 0 %.0f %.0f\" preserveAspectRatio=\"none\" "
      "style=\"height:%.0fpx\" role=\"img\" aria-label=\"%s\">",
      kWide, height, height, HtmlText(label));
}

std::string Tick(double value) {
  if (value != 0 && (std::fabs(value) >= 1e5 || std::fabs(value) < 1e-3)) {
    return absl::StrFormat("%.2g", value);
  }
  const std::string text = absl::StrFormat("%.6g", std::fabs(value));
  return value < 0 ? "−" + text : text;
}

// The axis below, as HTML.
std::string AxisRow(const Scale& scale, const std::string& title) {
  std::string html =
      "<div class=\"prow axis\"><div></div><div class=\"ticks\">";
  for (const double tick : scale.Ticks(kApart)) {
    const double at = 100 * scale.At(tick);
    // A number at the edge stays inside.
    const int shift = at < 4 ? 0 : at > 96 ? -100 : -50;
    absl::StrAppendFormat(
        &html,
        "<span style=\"left:%.2f%%;transform:translateX(%d%%)\">%s</span>", at,
        shift, Tick(tick));
  }
  absl::StrAppend(&html, "</div><div class=\"quiet\">", HtmlText(title),
                  "</div></div>\n");
  return html;
}

std::string Label(const std::string& label, const std::string& below = "") {
  return absl::StrCat("<div class=\"plabel\">", HtmlText(label),
                      below.empty() ? ""
                                    : absl::StrCat("<br><span class=\"quiet\">",
                                                   HtmlText(below), "</span>"),
                      "</div>");
}

std::string InWords(const PlotRow& row) {
  std::string words = row.label;
  if (!row.sublabel.empty()) absl::StrAppend(&words, ", ", row.sublabel);
  if (row.value) absl::StrAppend(&words, ": ", PlotNumber(*row.value));
  if (row.interval) {
    absl::StrAppend(&words, ", from ", PlotNumber(row.interval->lower), " to ",
                    PlotNumber(row.interval->upper));
  }
  return words + WordOf(row.mark);
}

std::string InWords(const PlotCurve& curve) {
  if (curve.points.empty()) return curve.label;
  const Interval& first = curve.points.front().interval;
  const Interval& last = curve.points.back().interval;
  return absl::StrCat(curve.label, ": first from ", PlotNumber(first.lower),
                      " to ", PlotNumber(first.upper), ", last from ",
                      PlotNumber(last.lower), " to ", PlotNumber(last.upper));
}

}  // namespace

std::string IntervalPlot(const std::vector<PlotRow>& rows,
                         const PlotAxis& axis) {
  std::vector<double> values;
  for (const PlotRow& row : rows) {
    if (row.value) values.push_back(*row.value);
    if (row.interval) {
      values.push_back(row.interval->lower);
      values.push_back(row.interval->upper);
    }
  }
  const Scale scale(values, axis);
  const auto x = [&scale](double value) { return kWide * scale.At(value); };
  const auto upright = [&x](const char* name, double value) {
    return Line(name, x(value), 0, x(value), kRowHigh);
  };
  std::string html = "<div class=\"plot\">\n";
  for (const PlotRow& row : rows) {
    absl::StrAppend(&html, "<div class=\"prow ", ClassOf(row.mark), "\">",
                    Label(row.label, row.sublabel), "<div>",
                    Svg(kRowHigh, InWords(row)));
    if (axis.tolerance) {
      const double from = x(axis.tolerance->lower);
      absl::StrAppend(
          &html,
          Rect("band", from, 0, x(axis.tolerance->upper) - from, kRowHigh),
          upright("edge", axis.tolerance->lower),
          upright("edge", axis.tolerance->upper));
    }
    for (const double tick : scale.Ticks(kApart)) html += upright("grid", tick);
    if (axis.equal) html += upright("eq", *axis.equal);
    if (row.interval) {
      html += Line("w", x(row.interval->lower), kRowHigh / 2,
                   x(row.interval->upper), kRowHigh / 2);
    }
    if (row.value) {
      html += Line("v", x(*row.value), kRowHigh / 2 - 4, x(*row.value),
                   kRowHigh / 2 + 4);
    }
    absl::StrAppend(&html, "</svg></div><div class=\"ptext\">", row.text,
                    "</div></div>\n");
  }
  absl::StrAppend(&html, AxisRow(scale, axis.title), "</div>\n");
  return html;
}

std::string BarPlot(const std::vector<PlotBars>& groups,
                    const std::vector<double>& edges,
                    const std::string& title) {
  if (edges.size() < 2) return "";
  const Scale scale(edges.front(), edges.back(), /*log=*/false);
  double highest = 0;
  for (const PlotBars& group : groups) {
    for (const auto& height : group.heights) {
      highest = std::max(highest, height.value_or(0));
    }
  }
  if (highest == 0) highest = 1;
  std::string html = "<div class=\"plot bars\">\n";
  for (const PlotBars& group : groups) {
    std::string words = group.label + ": shares";
    for (const auto& height : group.heights) {
      absl::StrAppend(&words, " ", height ? PlotNumber(*height) : "not told");
    }
    absl::StrAppend(&html, "<div class=\"prow\">", Label(group.label), "<div>",
                    Svg(kBarsHigh, words));
    for (size_t i = 0; i < group.heights.size() && i + 1 < edges.size(); ++i) {
      const double from = kWide * scale.At(edges[i]);
      const double width = kWide * scale.At(edges[i + 1]) - from;
      if (!group.heights[i]) {
        html += Rect("hid", from + 3, kBarsHigh / 2, width - 6, kBarsHigh / 2);
        continue;
      }
      const double height = *group.heights[i] / highest * (kBarsHigh - 4);
      html += Rect("bar", from + 1, kBarsHigh - height, width - 2, height);
    }
    absl::StrAppend(&html, Line("base", 0, kBarsHigh, kWide, kBarsHigh),
                    "</svg></div><div class=\"ptext\">", group.text,
                    "</div></div>\n");
  }
  absl::StrAppend(
      &html,
      AxisRow(scale, absl::StrCat(title, "; the highest bar is ",
                                  absl::StrFormat("%.1f %%", 100 * highest))),
      "</div>\n");
  return html;
}

std::string CurvePlot(const std::vector<PlotCurve>& curves,
                      const PlotAxis& axis, const std::string& first,
                      const std::string& last) {
  std::vector<double> values;
  std::vector<double> times;
  for (const PlotCurve& curve : curves) {
    for (const PlotPoint& point : curve.points) {
      times.push_back(point.time);
      if (point.value) values.push_back(*point.value);
      values.push_back(point.interval.lower);
      values.push_back(point.interval.upper);
      for (const auto& tolerance : {point.tolerance, curve.tolerance}) {
        if (!tolerance) continue;
        values.push_back(tolerance->lower);
        values.push_back(tolerance->upper);
      }
    }
  }
  if (times.empty()) return "";
  const Scale across(*std::min_element(times.begin(), times.end()),
                     *std::max_element(times.begin(), times.end()), false);
  const Scale up(values, axis);
  const auto x = [&across](double time) { return kWide * across.At(time); };
  const auto y = [&up](double value) {
    return kCurveHigh * (1 - up.At(value));
  };
  const auto level = [&y](const char* name, double value) {
    return Line(name, 0, y(value), kWide, y(value));
  };
  std::string numbers;
  for (const double tick : up.Ticks(kApartUp)) {
    const double at = 1 - up.At(tick);
    if (at < 0.04 || at > 0.96) continue;
    absl::StrAppendFormat(&numbers, "<span style=\"top:%.1f%%\">%s</span>",
                          100 * at, Tick(tick));
  }
  std::string html = "<div class=\"plot curves\">\n";
  for (const PlotCurve& curve : curves) {
    absl::StrAppend(&html, "<div class=\"prow\">", Label(curve.label),
                    "<div class=\"up\">", Svg(kCurveHigh, InWords(curve)));
    const auto tolerance = curve.tolerance ? curve.tolerance : axis.tolerance;
    if (tolerance) {
      const double top = y(tolerance->upper);
      html += Rect("band", 0, top, kWide, y(tolerance->lower) - top);
    }
    for (size_t i = 1; i < curve.points.size(); ++i) {
      const PlotPoint& from = curve.points[i - 1];
      const PlotPoint& to = curve.points[i];
      if (!from.tolerance || !to.tolerance) continue;
      absl::StrAppendFormat(
          &html, "<path class=\"band\" d=\"M%.1f %.1fL%.1f %.1fL%.1f %.1f",
          x(from.time), y(from.tolerance->upper), x(to.time),
          y(to.tolerance->upper), x(to.time), y(to.tolerance->lower));
      absl::StrAppendFormat(&html, "L%.1f %.1fZ\"/>", x(from.time),
                            y(from.tolerance->lower));
    }
    for (const double tick : up.Ticks(kApartUp)) html += level("grid", tick);
    std::string area = "<path class=\"area\" d=\"";
    for (size_t i = 0; i < curve.points.size(); ++i) {
      const PlotPoint& point = curve.points[i];
      absl::StrAppendFormat(&area, "%c%.1f %.1f", i == 0 ? 'M' : 'L',
                            x(point.time), y(point.interval.upper));
    }
    for (size_t i = curve.points.size(); i > 0; --i) {
      const PlotPoint& point = curve.points[i - 1];
      absl::StrAppendFormat(&area, "L%.1f %.1f", x(point.time),
                            y(point.interval.lower));
    }
    absl::StrAppend(&html, area, "Z\"/>");
    if (tolerance) {
      absl::StrAppend(&html, level("edge", tolerance->lower),
                      level("edge", tolerance->upper));
    }
    for (size_t i = 1; i < curve.points.size(); ++i) {
      const PlotPoint& from = curve.points[i - 1];
      const PlotPoint& to = curve.points[i];
      if (!from.tolerance || !to.tolerance) continue;
      absl::StrAppend(&html,
                      Line("edge", x(from.time), y(from.tolerance->lower),
                           x(to.time), y(to.tolerance->lower)),
                      Line("edge", x(from.time), y(from.tolerance->upper),
                           x(to.time), y(to.tolerance->upper)));
    }
    if (axis.equal) html += level("eq", *axis.equal);
    std::string middle;
    for (const PlotPoint& point : curve.points) {
      if (!point.value) continue;
      absl::StrAppendFormat(&middle, "%c%.1f %.1f", middle.empty() ? 'M' : 'L',
                            x(point.time), y(*point.value));
    }
    if (!middle.empty()) {
      absl::StrAppend(&html, "<path class=\"mid\" d=\"", middle, "\"/>");
    }
    absl::StrAppend(&html, "</svg>", numbers, "</div><div class=\"ptext\">",
                    curve.text, "</div></div>\n");
  }
  absl::StrAppend(&html,
                  "<div class=\"prow axis\"><div></div><div class=\"ticks\">"
                  "<span style=\"left:0\">",
                  HtmlText(first), "</span><span style=\"right:0\">",
                  HtmlText(last), "</span></div><div class=\"quiet\">",
                  HtmlText(axis.title), "</div></div></div>\n");
  return html;
}

std::string PlotNumber(double number) {
  if (std::isinf(number)) return number > 0 ? "∞" : "−∞";
  const double size = std::fabs(number);
  if (size < 5e-4) return "0.000";
  std::string text;
  if (size >= 1e6) {
    text = absl::StrFormat("%.3g", number);
  } else if (size >= 100) {
    text = absl::StrFormat("%.1f", number);
  } else {
    text = absl::StrFormat("%.3f", number);
  }
  // A minus and no hyphen.
  if (text.front() == '-') text = "−" + text.substr(1);
  return text;
}

std::string ShortNumber(double number) {
  std::string text = PlotNumber(number);
  if (text.find('e') != std::string::npos ||
      text.find('.') == std::string::npos) {
    return text;
  }
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

}  // namespace consentry::policy::fairness
