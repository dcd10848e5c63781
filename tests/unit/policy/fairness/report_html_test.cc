#include "policy/fairness/report_html.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "policy/fairness/audit.h"
#include "policy/fairness/figure_words.h"
#include "policy/fairness/plots.h"
#include "policy/fairness/still_needed.h"
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

// Four hundred prices, of which some were cut.
v1::FairnessReport CutReport(uint32_t some) {
  AuditTable table;
  table.attributes.push_back({"sex", {"f", "m"}, {}});
  table.price_range = AuditRange{1, 20, {}};
  for (uint32_t i = 0; i < 4000; ++i) {
    table.attributes[0].codes.push_back(i % 2);
    const bool beyond = i % 2 == 0 && i < 2 * some;
    table.price_range->beyond.push_back(beyond);
    table.price.push_back(beyond ? 20 : 10 + static_cast<double>(i / 2 % 3));
    ++table.cases;
  }
  AuditPlan plan;
  plan.groupings = {{{0}, "m"}};
  auto report = RunAudit(plan, table);
  EXPECT_OK(report.status());
  return *report;
}

TEST(FairnessReportHtmlTest, WhatLiesBeyondItsRangeIsTold) {
  const std::string few = FairnessReportHtml(CutReport(15));
  EXPECT_THAT(few, HasSubstr("2\u202f000 cases, 15 beyond the range"));
  EXPECT_THAT(few, HasSubstr("15 / 0 beyond the range"));
  EXPECT_THAT(few, HasSubstr("Prices count from 1 to 20"));
  EXPECT_THAT(few, HasSubstr("the one comparison lies within"));
  const std::string many = FairnessReportHtml(CutReport(40));
  EXPECT_THAT(many, HasSubstr("the data do not say, which is no pass"));
  EXPECT_THAT(many, HasSubstr("For 1 comparison too many values lie beyond"));
  EXPECT_THAT(many, Not(HasSubstr("too little data")));
  EXPECT_THAT(many, HasSubstr("more than 1 % of the values lie beyond"));
  EXPECT_THAT(many, Not(HasSubstr("if all else stays")));
  EXPECT_THAT(FairnessReportHtml(CutReport(0)),
              Not(HasSubstr("beyond the range")));
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

// Two groups of `count`; of the second, the reference, half get it.
v1::FairnessReport TwoGroups(int64_t count, int64_t hits) {
  AuditTable table;
  table.attributes.push_back({"sex", {"f", "m"}, {}});
  for (int64_t i = 0; i < count; ++i) {
    for (const bool group : {true, false}) {
      table.attributes[0].codes.push_back(group ? 0 : 1);
      table.predicted.push_back(i < (group ? hits : count / 2) ? Answer::kYes
                                                               : Answer::kNo);
      ++table.cases;
    }
  }
  AuditPlan plan;
  plan.groupings = {{{0}, "m"}};
  auto report = RunAudit(plan, table);
  EXPECT_OK(report.status());
  return *report;
}

TEST(FairnessReportHtmlTest, TheFirstScreenSaysWhoIsWorseOff) {
  const std::string less = FairnessReportHtml(TwoGroups(500, 100));
  EXPECT_THAT(less, HasSubstr("Yes: of 1 comparison 1 is outside"));
  EXPECT_THAT(less, HasSubstr("<strong>f</strong> (20.0\u00a0%) got the "
                              "favourable prediction less often than "
                              "<strong>m</strong> (50.0\u00a0%)"));
  EXPECT_THAT(less, HasSubstr("at most 5.0\u00a0% are expected to be wrong"));
  EXPECT_THAT(less, HasSubstr("when a difference began it cannot say"));
  EXPECT_THAT(less, HasSubstr("no discrimination in the sense of any law"));
  const size_t answer = less.find("Is anybody treated worse?");
  EXPECT_LT(answer, less.find("<svg"));
  // A ratio above one is to the harm of the reference.
  EXPECT_THAT(FairnessReportHtml(TwoGroups(500, 400)),
              HasSubstr("<strong>m</strong> (50.0\u00a0%) got the favourable "
                        "prediction less often than <strong>f</strong> "
                        "(80.0\u00a0%)"));
}

TEST(FairnessReportHtmlTest, TheFirstScreenCallsTooLittleNoPass) {
  const std::string few = FairnessReportHtml(TwoGroups(100, 49));
  EXPECT_THAT(few, HasSubstr("It cannot be said: for 1 comparison there is too "
                             "little data, which is no pass."));
  EXPECT_THAT(few, HasSubstr("it lacks some "));
  EXPECT_THAT(few, HasSubstr(" more cases of both, if all else stays"));
  EXPECT_THAT(few, Not(HasSubstr("Since when?")));
  EXPECT_THAT(FairnessReportHtml(TwoGroups(5000, 2500)),
              HasSubstr("No: the one comparison lies within"));
}

TEST(FairnessReportHtmlTest, SinceWhenIsWhatTheMonitorSaw) {
  v1::FairnessReport report = TwoGroups(500, 100);
  v1::FairnessTrend& trend = *report.add_trends();
  trend.set_attribute("sex");
  trend.set_group("f");
  trend.set_reference("m");
  trend.set_metric("selection_rate_group_over_reference");
  trend.set_tolerance_lower(0.8);
  trend.set_tolerance_upper(1.25);
  for (int i = 0; i < 3; ++i) {
    v1::FairnessTrendPoint& point = *trend.add_points();
    point.mutable_time()->set_seconds(86'400 * (20'000 + i));
    point.set_lower(0.2);
    // On the second day and later the whole interval is below 0.8.
    point.set_upper(0.9 - 0.2 * i);
  }
  EXPECT_THAT(FairnessReportHtml(report),
              HasSubstr("sex f against m: outside tolerance since 2024-10-05"));
  for (auto& point : *trend.mutable_points()) point.set_upper(1.1);
  const std::string quiet = FairnessReportHtml(report);
  EXPECT_THAT(quiet, Not(HasSubstr("outside tolerance since")));
  EXPECT_THAT(quiet, HasSubstr("have found nothing yet"));
}

TEST(FairnessReportHtmlTest, ADescriptiveReportTellsRatesAndWhatMonitorsSaw) {
  v1::FairnessReport report = TwoGroups(500, 100);
  report.set_confirmatory(false);
  v1::FairnessTrend& trend = *report.add_trends();
  trend.set_attribute("sex");
  trend.set_group("f");
  trend.set_reference("m");
  trend.set_metric("price_mean_group_over_reference");
  trend.set_tolerance_lower(0.95);
  trend.set_tolerance_upper(1.05);
  v1::FairnessTrendPoint& point = *trend.add_points();
  point.mutable_time()->set_seconds(86'400 * 20'000);
  point.set_lower(1.1);
  point.set_upper(1.2);
  const std::string html = FairnessReportHtml(report);
  EXPECT_THAT(html, HasSubstr("The monitor says yes."));
  EXPECT_THAT(html, HasSubstr("<strong>m</strong> (50.0\u00a0%), "
                              "<strong>f</strong> (20.0\u00a0%)"));
  EXPECT_THAT(html,
              HasSubstr("sex f against m: outside tolerance since 2024-10-04"));
}

// Versions that ran under different texts, and a rate beside its reference.
TEST(FairnessReportHtmlTest, EachTrendShowsItsOwnTolerance) {
  v1::FairnessReport report = TwoGroups(500, 100);
  for (const double tolerance : {0.8, 0.9}) {
    v1::FairnessTrend& trend = *report.add_trends();
    trend.set_attribute("sex");
    trend.set_group("f");
    trend.set_reference("m");
    trend.set_metric("selection_rate_group_over_reference");
    trend.set_model_version(tolerance == 0.8 ? "1" : "2");
    trend.set_tolerance_lower(tolerance);
    trend.set_tolerance_upper(1 / tolerance);
    for (int i = 0; i < 2; ++i) {
      v1::FairnessTrendPoint& point = *trend.add_points();
      point.mutable_time()->set_seconds(86'400 * (20'000 + i));
      point.set_lower(0.95);
      point.set_upper(1.02);
      point.set_count(100 + i);
    }
  }
  v1::FairnessTrend& rate = *report.add_trends();
  rate.set_attribute("sex");
  rate.set_group("f");
  rate.set_metric("selection_rate");
  for (int i = 0; i < 3; ++i) {
    v1::FairnessTrendPoint& point = *rate.add_points();
    point.mutable_time()->set_seconds(86'400 * (20'000 + i));
    point.set_lower(0.4);
    point.set_upper(0.6);
    if (i == 0) continue;
    point.set_tolerance_lower(0.35);
    point.set_tolerance_upper(0.55);
  }
  const std::string html = FairnessReportHtml(report);
  EXPECT_THAT(html, HasSubstr("tolerated, 0.8 to 1.25"));
  EXPECT_THAT(html, HasSubstr("tolerated, 0.9 to 1.111"));
  EXPECT_THAT(html, HasSubstr("shaded: tolerated of that version"));
  EXPECT_THAT(html, HasSubstr("rate of the same time"));
  // One band between the two points that have one.
  const std::string band = "<path class=\"band\"";
  const size_t first = html.find(band);
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(html.find(band, first + 1), std::string::npos);
}

// What is tolerated today says nothing about a version of the past.
TEST(FairnessReportHtmlTest, ATrendBorrowsNoToleranceOfAFigure) {
  v1::FairnessReport report = TwoGroups(500, 100);
  v1::FairnessTrend& trend = *report.add_trends();
  trend.set_attribute("sex");
  trend.set_group("f");
  trend.set_reference("m");
  trend.set_metric("selection_rate_group_over_reference");
  for (int i = 0; i < 2; ++i) {
    v1::FairnessTrendPoint& point = *trend.add_points();
    point.mutable_time()->set_seconds(86'400 * (20'000 + i));
    point.set_lower(0.1);
    point.set_upper(0.2);
  }
  const std::string html = FairnessReportHtml(report);
  EXPECT_THAT(html, Not(HasSubstr("outside tolerance since")));
  EXPECT_THAT(html.substr(html.find("<h2>Over time")),
              Not(HasSubstr("shaded: tolerated")));
}

TEST(FairnessReportHtmlTest, TrendsWithNothingToShowHaveNoHeading) {
  v1::FairnessReport report = TwoGroups(100, 49);
  report.add_trends()->set_metric("selection_rate");
  EXPECT_THAT(FairnessReportHtml(report), Not(HasSubstr("Over time")));
}

TEST(FairnessReportHtmlTest, AFindingThatOnlyManyTestsPreventSaysSo) {
  // Sixteen comparisons, each with its interval inside of the tolerance.
  AuditTable table;
  for (int a = 0; a < 16; ++a) {
    table.attributes.push_back(
        {std::string(1, static_cast<char>('a' + a)), {"f", "m"}, {}});
  }
  for (uint32_t i = 0; i < 1200; ++i) {
    for (AuditColumn& attribute : table.attributes) {
      attribute.codes.push_back(i % 2);
    }
    table.predicted.push_back(i / 2 % 4 < 2 ? Answer::kYes : Answer::kNo);
    ++table.cases;
  }
  AuditPlan plan;
  plan.ratio_tolerance = 0.88;
  for (size_t a = 0; a < 16; ++a) plan.groupings.push_back({{a}, "m"});
  const auto report = RunAudit(plan, table);
  ASSERT_OK(report.status());
  int several = 0;
  for (const auto& figure : report->figures()) {
    if (figure.finding() != v1::FAIRNESS_FINDING_INSUFFICIENT) continue;
    EXPECT_GT(figure.lower(), figure.tolerance_lower());
    EXPECT_LT(figure.upper(), figure.tolerance_upper());
    EXPECT_THAT(figure.remark(), HasSubstr("allow for all 16 tests"));
    ++several;
  }
  EXPECT_EQ(several, 16);
}

v1::FairnessFigure Ratio(double value, double half, int64_t count) {
  v1::FairnessFigure figure;
  figure.set_finding(v1::FAIRNESS_FINDING_INSUFFICIENT);
  figure.set_value(value);
  figure.set_lower(value / half);
  figure.set_upper(value * half);
  figure.set_tolerance_lower(0.8);
  figure.set_tolerance_upper(1.25);
  figure.set_count(count);
  figure.set_reference_count(count);
  return figure;
}

TEST(StillNeededTest, HalfTheIntervalTakesFourTimesTheCases) {
  // From 1 to the end of the tolerance is half of the interval's half.
  EXPECT_EQ(StillNeeded(Ratio(1, 1.25 * 1.25, 500), 0.05, 1), 3000);
  // Below the tolerance it is the upper half that has to leave it.
  const double gap = 0.8 / 0.5;
  EXPECT_EQ(StillNeeded(Ratio(0.5, gap * gap, 500), 0.05, 1), 3000);
}

TEST(StillNeededTest, AnAuditOfThatSizeHasAFinding) {
  // The same shares in so many more cases decide, in fewer do not.
  const v1::FairnessReport small = TwoGroups(100, 40);
  std::optional<int64_t> more;
  for (const auto& figure : small.figures()) {
    if (figure.has_tolerance_lower()) {
      more = StillNeeded(figure, small.alpha(), small.tests());
    }
  }
  // 0.4 over 0.5 stands on the end of the tolerance.
  EXPECT_EQ(more, std::nullopt);
  const v1::FairnessReport report = TwoGroups(100, 30);
  for (const auto& figure : report.figures()) {
    if (figure.has_tolerance_lower()) {
      more = StillNeeded(figure, report.alpha(), report.tests());
    }
  }
  ASSERT_TRUE(more.has_value());
  const auto finding = [](int64_t count) {
    const v1::FairnessReport then = TwoGroups(count, count * 3 / 10);
    for (const auto& figure : then.figures()) {
      if (figure.has_tolerance_lower()) return figure.finding();
    }
    return v1::FAIRNESS_FINDING_UNSPECIFIED;
  };
  const int64_t whole = 100 + *more / 2;
  EXPECT_EQ(finding(whole + whole / 20),
            v1::FAIRNESS_FINDING_OUTSIDE_TOLERANCE);
  EXPECT_EQ(finding(whole - whole / 10), v1::FAIRNESS_FINDING_INSUFFICIENT);
}

TEST(StillNeededTest, MoreTestsTakeMoreCases) {
  const v1::FairnessFigure figure = Ratio(1, 1.3, 500);
  EXPECT_GT(StillNeeded(figure, 0.05, 20), StillNeeded(figure, 0.05, 1));
}

TEST(StillNeededTest, NoNumberWhereThereIsNone) {
  v1::FairnessFigure figure = Ratio(1, 1.3, 500);
  figure.set_finding(v1::FAIRNESS_FINDING_WITHIN_TOLERANCE);
  EXPECT_EQ(StillNeeded(figure, 0.05, 1), std::nullopt);
  figure = Ratio(1, 1.3, 500);
  figure.clear_lower();
  EXPECT_EQ(StillNeeded(figure, 0.05, 1), std::nullopt);
  figure = Ratio(1, 1.3, 500);
  figure.set_upper(std::numeric_limits<double>::infinity());
  EXPECT_EQ(StillNeeded(figure, 0.05, 1), std::nullopt);
  EXPECT_EQ(StillNeeded(Ratio(0, 1, 500), 0.05, 1), std::nullopt);
  EXPECT_EQ(StillNeeded(Ratio(0.8, 1.3, 500), 0.05, 1), std::nullopt);
  EXPECT_EQ(StillNeeded(Ratio(1, 1.3, 500), 0, 1), std::nullopt);
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

TEST(PlotsTest, ShortNumbersEndWithoutZeros) {
  EXPECT_EQ(ShortNumber(0.8), "0.8");
  EXPECT_EQ(ShortNumber(-0.1), "−0.1");
  EXPECT_EQ(ShortNumber(2), "2");
  EXPECT_EQ(ShortNumber(0), "0");
  EXPECT_EQ(ShortNumber(100), "100");
  EXPECT_EQ(ShortNumber(1e7), "1e+07");
  EXPECT_EQ(ShortNumber(std::numeric_limits<double>::infinity()), "∞");
}

TEST(PlotsTest, ADrawingIsToldToWhoeverDoesNotSeeIt) {
  EXPECT_THAT(
      IntervalPlot(
          {{"f", "rate", "", 0.5, Interval{0.25, 1}, PlotMark::kOutside}}, {}),
      HasSubstr("aria-label=\"f, rate: 0.500, from 0.250 to 1.000, "
                "outside tolerance\""));
  EXPECT_THAT(BarPlot({{"f", "", {0.25, std::nullopt}}}, {0, 1, 2}, "score"),
              HasSubstr("aria-label=\"f: shares 0.250 not told\""));
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
