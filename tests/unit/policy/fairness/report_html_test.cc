#include "policy/fairness/report_html.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "policy/fairness/audit.h"
#include "policy/fairness/figure_words.h"
#include "policy/fairness/plots.h"
#include "tests/testing/status_matchers.h"

namespace consentry::policy::fairness {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// A report with all kinds of figures; `name` is one of its groups.
v1::FairnessReport WholeReport(const std::string& name) {
  AuditTable table;
  table.attributes.push_back({"sex", {name, "m"}, {}});
  table.stratum = AuditColumn{"region", {"n", "s"}, {}};
  table.inputs.push_back({"title", {"a", "b"}, {}});
  for (uint32_t i = 0; i < 400; ++i) {
    table.attributes[0].codes.push_back(i % 2);
    table.stratum->codes.push_back(i / 2 % 2);
    table.inputs[0].codes.push_back(i % 2);
    table.predicted.push_back(i % 2 == 0 ? Answer::kNo : Answer::kYes);
    table.label.push_back(i % 3 == 0 ? Answer::kYes : Answer::kNo);
    table.score.push_back(static_cast<double>(i % 17) / 17);
    table.price.push_back(10 + static_cast<double>(i % 5));
    ++table.cases;
  }
  AuditPlan plan;
  plan.groupings = {{{0}, "m"}};
  auto report = RunAudit(plan, table);
  EXPECT_OK(report.status());
  return *report;
}

int Count(const std::string& text, const std::string& part) {
  int count = 0;
  for (size_t at = text.find(part); at != std::string::npos;
       at = text.find(part, at + part.size())) {
    ++count;
  }
  return count;
}

TEST(FairnessReportHtmlTest, TellsFindingsInWordsAndPlots) {
  const std::string html = FairnessReportHtml(WholeReport("f"));
  EXPECT_THAT(html, HasSubstr("outside tolerance"));
  EXPECT_THAT(html, HasSubstr("insufficient data, which is no pass"));
  EXPECT_THAT(html, HasSubstr("What this report does not claim"));
  EXPECT_THAT(html, HasSubstr("Spread of scores"));
  EXPECT_THAT(html, HasSubstr("Spread of prices"));
  EXPECT_THAT(html, HasSubstr("title about sex"));
  EXPECT_THAT(html, HasSubstr("0 of 200"));
  EXPECT_GT(Count(html, "<svg"), 15);
  EXPECT_EQ(Count(html, "<svg"), Count(html, "</svg>"));
  EXPECT_EQ(Count(html, "<div"), Count(html, "</div>"));
  EXPECT_EQ(Count(html, "<table"), Count(html, "</table>"));
}

TEST(FairnessReportHtmlTest, NamesFromDataAreTextAndNothingElse) {
  v1::FairnessReport report =
      WholeReport("</title><script>alert(1)</script>\"'&");
  report.set_subject("<img src=x onerror=alert(1)>");
  report.set_prediction("<b>");
  report.set_note("</pre><script>");
  report.set_digest("<i>");
  const std::string html = FairnessReportHtml(report);
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, Not(HasSubstr("<img")));
  EXPECT_THAT(html, Not(HasSubstr("<b>&")));
  EXPECT_THAT(html, HasSubstr("&lt;script&gt;alert(1)&lt;/script&gt;"));
  EXPECT_THAT(html, HasSubstr("default-src 'none'"));
}

TEST(FairnessReportHtmlTest, EqualReportsGiveEqualBytes) {
  EXPECT_EQ(FairnessReportHtml(WholeReport("f")),
            FairnessReportHtml(WholeReport("f")));
}

TEST(FairnessReportHtmlTest, AnEmptyReportIsAPage) {
  const std::string html = FairnessReportHtml({});
  EXPECT_THAT(html, HasSubstr("Descriptive"));
  EXPECT_THAT(html, HasSubstr("</html>"));
  EXPECT_THAT(html, Not(HasSubstr("nan")));
}

TEST(FairnessReportHtmlTest, ADescriptiveReportDecidesNothing) {
  v1::FairnessReport report = WholeReport("f");
  report.set_confirmatory(false);
  for (auto& figure : *report.mutable_figures()) figure.clear_finding();
  const std::string html = FairnessReportHtml(report);
  EXPECT_THAT(html, HasSubstr("nothing is tested"));
  EXPECT_THAT(html, Not(HasSubstr("tag out")));
}

TEST(FairnessReportHtmlTest, TrendsOfMonitorsNarrow) {
  v1::FairnessReport report = WholeReport("f");
  v1::FairnessTrend& trend = *report.add_trends();
  trend.set_attribute("sex");
  trend.set_group("f");
  trend.set_reference("m");
  trend.set_metric("selection_rate_group_over_reference");
  trend.set_model_version("3");
  for (int i = 1; i < 10; ++i) {
    v1::FairnessTrendPoint& point = *trend.add_points();
    point.mutable_time()->set_seconds(1'700'000'000 + i * 86'400);
    point.set_lower(1 - 0.9 / i);
    point.set_upper(i == 1 ? std::numeric_limits<double>::infinity()
                           : 1 + 2.0 / i);
    point.set_count(i * 100);
  }
  const std::string html = FairnessReportHtml(report);
  EXPECT_THAT(html, HasSubstr("Over time"));
  EXPECT_THAT(html, HasSubstr("sex f against m, version 3"));
  EXPECT_THAT(html, HasSubstr("2023-11-15"));
  EXPECT_THAT(html, HasSubstr("class=\"area\""));
  EXPECT_THAT(html, Not(HasSubstr("nan")));
  EXPECT_THAT(html, Not(HasSubstr("\"inf")));
}

TEST(PlotsTest, EndsWithoutANumberStandAtTheEdge) {
  const std::string html = IntervalPlot(
      {{"a", "", "", 0.0, Interval{0, std::numeric_limits<double>::infinity()},
        PlotMark::kPlain}},
      {"", Interval{0.8, 1.25}, 1, /*log=*/true, {}, {}});
  EXPECT_THAT(html, Not(HasSubstr("nan")));
  EXPECT_THAT(html, HasSubstr("x2=\"1000.0\""));
  EXPECT_THAT(html, HasSubstr("x1=\"0.0\""));
}

TEST(PlotsTest, NothingToDrawIsDrawn) {
  EXPECT_THAT(IntervalPlot({}, {}), Not(HasSubstr("nan")));
  EXPECT_EQ(BarPlot({}, {}, ""), "");
  EXPECT_EQ(CurvePlot({}, {}, "", ""), "");
  EXPECT_THAT(IntervalPlot({{"a", "", "", 5.0, {}, PlotMark::kPlain}}, {}),
              Not(HasSubstr("nan")));
}

TEST(PlotsTest, NumbersAreShortAndHaveAMinus) {
  EXPECT_EQ(PlotNumber(0.12345), "0.123");
  EXPECT_EQ(PlotNumber(-0.5), "−0.500");
  EXPECT_EQ(PlotNumber(1234.56), "1234.6");
  EXPECT_EQ(PlotNumber(std::numeric_limits<double>::infinity()), "∞");
  EXPECT_EQ(PlotNumber(0), "0.000");
  EXPECT_EQ(PlotNumber(-4e-5), "0.000");
}

TEST(PlotsTest, AxesOfAnyValuesEnd) {
  const double kHuge = std::numeric_limits<double>::max();
  for (const auto& edges : std::vector<std::vector<double>>{
           {1e17, 100000000000000016},
           {1e17, 1e17},
           {-kHuge, kHuge},
           {0, 5e-324},
           {-1e300, std::numeric_limits<double>::infinity()}}) {
    PlotBars bars;
    bars.label = "f";
    bars.heights = {0.5};
    const std::string html = BarPlot({bars}, edges, "score");
    EXPECT_THAT(html, Not(HasSubstr("nan")));
    EXPECT_THAT(html, Not(HasSubstr("inf")));
    EXPECT_LE(Count(html, "<span style"), 12);
  }
}

TEST(FigureWordsTest, TitlesKeepTheOrientation) {
  EXPECT_EQ(FigureTitle("selection_rate_group_minus_reference"),
            "selection rate, minus reference");
  EXPECT_EQ(FigureTitle("selection_odds_group_over_reference_within_strata"),
            "selection odds, over reference, within strata");
  EXPECT_EQ(FigureTitle("equalized_odds_distance"), "equalized odds distance");
}

}  // namespace
}  // namespace consentry::policy::fairness
