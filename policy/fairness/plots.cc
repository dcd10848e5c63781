#include "policy/fairness/plots.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "proto/support/html.h"

namespace consentry::policy::fairness {
namespace {

// Drawings are this wide and are stretched.
constexpr double kWide = 1000;
constexpr double kRowHigh = 24;
constexpr double kBarsHigh = 60;
constexpr double kCurveHigh = 90;
// A ratio further off than this stands at the end of its axis.
constexpr double kFarRatio = 1000;
constexpr double kFarValue = 1e300;
constexpr int kMostTicks = 10;

// Where values stand on an axis, 0 to kWide.
class Scale {
 public:
  Scale(double low, double high, bool log) : log_(log) {
    // Their distance is a number as well.
    low_ = std::clamp(Place(low), -kFarValue, kFarValue);
    high_ = std::clamp(Place(high), -kFarValue, kFarValue);
    if (!std::isfinite(low_) || !std::isfinite(high_)) low_ = high_ = 0;
    if (!(high_ - low_ > 1e-12 * std::fabs(low_))) {
      const double air = std::max(0.5, 1e-9 * std::fabs(low_));
      low_ -= air;
      high_ += air;
    }
  }

  double At(double value) const {
    const double part = (Place(value) - low_) / (high_ - low_);
    return std::clamp(part, 0.0, 1.0) * kWide;
  }
  double low() const { return log_ ? std::exp(low_) : low_; }
  double high() const { return log_ ? std::exp(high_) : high_; }

  // Round values, three to six of them.
  std::vector<double> Ticks() const {
    std::vector<double> ticks;
    if (log_) {
      const std::vector<double> candidates = {
          0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.333, 0.5, 0.8, 1,
          1.25,  2,    3,    5,    10,  20,  50,    100, 1000};
      for (const double tick : candidates) {
        if (Inside(tick)) ticks.push_back(tick);
      }
      if (ticks.size() > 7) {
        std::erase_if(ticks, [](double tick) {
          return tick == 0.8 || tick == 1.25 || tick == 0.333 || tick == 3;
        });
      }
      // Neighbours would stand on top of each other on a phone.
      std::vector<double> apart;
      for (const double tick : ticks) {
        if (apart.empty() || At(tick) - At(apart.back()) > kWide / 9) {
          apart.push_back(tick);
        }
      }
      return apart;
    }
    const double rough = (high_ - low_) / 4;
    const double power = std::pow(10, std::floor(std::log10(rough)));
    double step = 10 * power;
    for (const double factor : {1.0, 2.0, 2.5, 5.0}) {
      if (factor * power >= rough) {
        step = factor * power;
        break;
      }
    }
    // Ends so far from zero, or so close to each other, that a step between
    // them cannot be told in numbers.
    if (!(step > 0) || !std::isfinite(step) || low_ + step == low_) return {};
    const double first = std::ceil(low_ / step - 1e-9);
    for (int i = 0; i < kMostTicks; ++i) {
      const double tick = (first + i) * step;
      if (tick > high_ + 1e-9 * step) break;
      ticks.push_back(tick == 0 ? 0 : tick);
    }
    return ticks;
  }

 private:
  bool Inside(double value) const {
    const double place = Place(value);
    return place >= low_ - 1e-9 && place <= high_ + 1e-9;
  }
  double Place(double value) const {
    if (!log_) return value;
    return std::log(std::clamp(value, 1 / kFarRatio, kFarRatio));
  }

  const bool log_;
  double low_ = 0;
  double high_ = 1;
};

// Covers all values, the tolerance and equality, with a little air.
Scale ScaleOf(const std::vector<double>& values, const PlotAxis& axis) {
  std::vector<double> all;
  for (const double value : values) {
    if (std::isfinite(value) && (!axis.log || value > 0)) {
      all.push_back(axis.log ? std::clamp(value, 1 / kFarRatio, kFarRatio)
                             : value);
    }
  }
  if (axis.tolerance) {
    all.push_back(axis.tolerance->lower);
    all.push_back(axis.tolerance->upper);
  }
  if (axis.equal) all.push_back(*axis.equal);
  if (all.empty()) all = {axis.log ? 0.5 : 0.0, axis.log ? 2.0 : 1.0};
  double low = *std::min_element(all.begin(), all.end());
  double high = *std::max_element(all.begin(), all.end());
  if (axis.log) {
    const double air = std::pow(high / low, 0.06) * 1.02;
    low /= air;
    high *= air;
  } else {
    const double air = (high - low) * 0.06;
    low -= air;
    high += air;
  }
  if (axis.least) low = std::max(low, *axis.least);
  if (axis.most) high = std::min(high, *axis.most);
  return Scale(low, high, axis.log);
}

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
  for (const double tick : scale.Ticks()) {
    const double at = scale.At(tick) / kWide * 100;
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

}  // namespace

std::string PlotStyle() {
  return ".plot{margin:1rem 0 1.5rem}"
         ".prow{display:grid;grid-template-columns:11rem minmax(8rem,1fr) "
         "17rem;"
         "gap:0 .9rem;align-items:center;break-inside:avoid}"
         ".plabel{font-size:.9rem;overflow-wrap:anywhere}"
         ".ptext{font-size:.85rem;line-height:1.3;font-variant-numeric:tabular-"
         "nums;padding:.15rem 0}"
         ".prow svg{display:block;width:100%;overflow:visible}"
         ".prow line,.prow path{vector-effect:non-scaling-stroke}"
         ".band{fill:#e3efe6}.eq{stroke:#8b96a5;stroke-width:1;stroke-"
         "dasharray:3 "
         "3}"
         ".grid{stroke:#e6eaef;stroke-width:1}"
         ".w{stroke-width:2}.v{stroke-width:7}"
         ".plain .w,.plain .v{stroke:#2f5f9e}.ref .w,.ref .v{stroke:#1c2430}"
         ".out .w,.out .v{stroke:#b3261e}.in .w,.in .v{stroke:#1b7f4b}"
         ".few .w,.few .v{stroke:#6b7480}.few .w{stroke-dasharray:6 4}"
         ".bar{fill:#7d9cc6}.hid{fill:#eef0f3}.base{stroke:#8b96a5;stroke-"
         "width:1}"
         ".area{fill:#7d9cc6;fill-opacity:.35;stroke:#2f5f9e;stroke-width:1}"
         ".mid{fill:none;stroke:#1c2430;stroke-width:1.5}"
         ".bars .prow,.curves .prow{border-bottom:0;margin-bottom:.5rem}"
         ".axis{margin-top:.2rem}"
         ".ticks{position:relative;height:1.3rem;border-top:1px solid #8b96a5;"
         "font-size:.78rem;color:#3d4857}"
         ".ticks span{position:absolute;transform:translateX(-50%);top:.1rem;"
         "white-space:nowrap}"
         ".ticks span:first-child{transform:translateX(-20%)}"
         ".ticks span:last-child{transform:translateX(-80%)}"
         ".tag{font-weight:600}.tag.out{color:#b3261e}.tag.in{color:#1b7f4b}"
         ".tag.few{color:#5a6676}"
         "@media(max-width:44rem){.prow{grid-template-columns:1fr;gap:0;"
         "margin-bottom:.7rem}.axis{margin-bottom:1rem}.plabel{font-weight:600}"
         "}"
         "@media print{.prow{grid-template-columns:9rem 1fr 14rem}"
         "svg *{-webkit-print-color-adjust:exact;print-color-adjust:exact}}";
}

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
  const Scale scale = ScaleOf(values, axis);
  std::string html = "<div class=\"plot\">\n";
  for (const PlotRow& row : rows) {
    absl::StrAppend(&html, "<div class=\"prow ", ClassOf(row.mark), "\">",
                    Label(row.label, row.sublabel), "<div>",
                    Svg(kRowHigh, row.label));
    if (axis.tolerance) {
      const double from = scale.At(axis.tolerance->lower);
      html += Rect("band", from, 0, scale.At(axis.tolerance->upper) - from,
                   kRowHigh);
    }
    for (const double tick : scale.Ticks()) {
      html += Line("grid", scale.At(tick), 0, scale.At(tick), kRowHigh);
    }
    if (axis.equal) {
      html +=
          Line("eq", scale.At(*axis.equal), 0, scale.At(*axis.equal), kRowHigh);
    }
    if (row.interval) {
      html += Line("w", scale.At(row.interval->lower), kRowHigh / 2,
                   scale.At(row.interval->upper), kRowHigh / 2);
    }
    if (row.value) {
      const double x = scale.At(*row.value);
      html += Line("v", x, kRowHigh / 2 - 4, x, kRowHigh / 2 + 4);
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
    absl::StrAppend(&html, "<div class=\"prow\">", Label(group.label), "<div>",
                    Svg(kBarsHigh, group.label));
    for (size_t i = 0; i < group.heights.size() && i + 1 < edges.size(); ++i) {
      const double from = scale.At(edges[i]);
      const double width = scale.At(edges[i + 1]) - from;
      if (!group.heights[i]) {
        html += Rect("hid", from + 1, 0, width - 2, kBarsHigh);
        continue;
      }
      const double height = *group.heights[i] / highest * (kBarsHigh - 4);
      html += Rect("bar", from + 1, kBarsHigh - height, width - 2, height);
    }
    absl::StrAppend(&html, Line("base", 0, kBarsHigh, kWide, kBarsHigh),
                    "</svg></div><div class=\"ptext\">", group.text,
                    "</div></div>\n");
  }
  absl::StrAppend(&html, AxisRow(scale, title), "</div>\n");
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
    }
  }
  if (times.empty()) return "";
  const Scale across(*std::min_element(times.begin(), times.end()),
                     *std::max_element(times.begin(), times.end()), false);
  const Scale up = ScaleOf(values, axis);
  const auto y = [&up](double value) {
    return kCurveHigh * (1 - up.At(value) / kWide);
  };
  std::string html = "<div class=\"plot curves\">\n";
  for (const PlotCurve& curve : curves) {
    absl::StrAppend(&html, "<div class=\"prow\">", Label(curve.label), "<div>",
                    Svg(kCurveHigh, curve.label));
    if (axis.tolerance) {
      const double top = y(axis.tolerance->upper);
      html += Rect("band", 0, top, kWide, y(axis.tolerance->lower) - top);
    }
    if (axis.equal)
      html += Line("eq", 0, y(*axis.equal), kWide, y(*axis.equal));
    std::string area = "<path class=\"area\" d=\"";
    for (size_t i = 0; i < curve.points.size(); ++i) {
      const PlotPoint& point = curve.points[i];
      absl::StrAppendFormat(&area, "%c%.1f %.1f", i == 0 ? 'M' : 'L',
                            across.At(point.time), y(point.interval.upper));
    }
    for (size_t i = curve.points.size(); i > 0; --i) {
      const PlotPoint& point = curve.points[i - 1];
      absl::StrAppendFormat(&area, "L%.1f %.1f", across.At(point.time),
                            y(point.interval.lower));
    }
    absl::StrAppend(&html, area, "Z\"/>");
    std::string middle;
    for (const PlotPoint& point : curve.points) {
      if (!point.value) continue;
      absl::StrAppendFormat(&middle, "%c%.1f %.1f", middle.empty() ? 'M' : 'L',
                            across.At(point.time), y(*point.value));
    }
    if (!middle.empty()) {
      absl::StrAppend(&html, "<path class=\"mid\" d=\"", middle, "\"/>");
    }
    absl::StrAppend(&html, Line("base", 0, kCurveHigh, kWide, kCurveHigh),
                    "</svg></div><div class=\"ptext\">", curve.text,
                    "<br><span class=\"quiet\">axis ", PlotNumber(up.low()),
                    " to ", PlotNumber(up.high()), "</span></div></div>\n");
  }
  absl::StrAppend(&html,
                  "<div class=\"prow axis\"><div></div><div class=\"ticks\">"
                  "<span style=\"left:0;transform:none\">",
                  HtmlText(first),
                  "</span><span style=\"left:auto;right:0;transform:none\">",
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

}  // namespace consentry::policy::fairness
