#include "tools/consentry/monitor_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <sstream>
#include <string>

#include "tools/consentry/fairness_text.h"

namespace consentry::tools {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Shown(const v1::FairnessMonitor& one) {
  std::ostringstream out;
  ShowFairnessMonitor(one, out);
  return out.str();
}

TEST(MonitorText, AViolationOfSmallGroupsIsTold) {
  v1::FairnessMonitor one;
  one.set_id("fmo_credit.1.0");
  one.set_verdict(v1::FAIRNESS_VERDICT_VIOLATION);
  one.mutable_violation_time()->set_seconds(1790000000);
  one.set_suppressed(true);
  one.set_alarm(true);
  one.mutable_alarm_time()->set_seconds(1790000000);
  one.mutable_interrupted_time()->set_seconds(1790000000);
  one.set_lost_count(41);
  const std::string text = Shown(one);
  EXPECT_THAT(text, HasSubstr("VIOLATION, with no figure: too few"));
  EXPECT_THAT(text, HasSubstr("found 2026-09-21"));
  EXPECT_THAT(text, HasSubstr("ALARM since 2026-09-21"));
  EXPECT_THAT(text, HasSubstr("41 outputs"));
  EXPECT_THAT(text, Not(HasSubstr("pairs")));
  EXPECT_THAT(text, Not(HasSubstr("known of")));
  EXPECT_THAT(text, Not(HasSubstr("days:")));
  // What tells of nobody.
  one.set_coverage(0);
  EXPECT_THAT(Shown(one), HasSubstr("group known of 0.0 %"));
}

TEST(MonitorText, TheLastDaysAndThoseWhoMetNobodyAreTold) {
  v1::FairnessMonitor one;
  one.set_verdict(v1::FAIRNESS_VERDICT_WITHIN_TOLERANCE);
  one.set_lower(0.91);
  one.set_upper(1.14);
  one.set_group_count(5000);
  one.set_reference_count(4000);
  one.set_pairs(3900);
  one.set_unpaired_count(1100);
  one.set_window_days(28);
  one.set_window_group_count(812);
  one.set_window_reference_count(640);
  one.set_window_group_mean(0.31);
  one.set_window_reference_mean(0.3);
  const std::string text = Shown(one);
  EXPECT_THAT(text, HasSubstr("[0.91, 1.14]"));
  EXPECT_THAT(text, HasSubstr("3900 pairs, 1100 met nobody in time"));
  EXPECT_THAT(text,
              HasSubstr("of the last 28 days: 0.31 of 812 against 0.3 of 640"));
  EXPECT_THAT(text, Not(HasSubstr("known of")));
  one.clear_window_group_mean();
  EXPECT_THAT(Shown(one), HasSubstr("days: nothing, or too few to be told"));
}

TEST(MonitorText, SaysWhatFiguresLeaveOut) {
  v1::FairnessMonitor one;
  one.set_verdict(v1::FAIRNESS_VERDICT_INSUFFICIENT);
  one.set_needed(-1);
  one.set_clipped_count(12);
  one.set_reference_clipped_count(3);
  one.set_unreadable_count(300);
  const std::string text = Shown(one);
  EXPECT_THAT(text, HasSubstr("insufficient"));
  EXPECT_THAT(text, HasSubstr("there will be no verdict"));
  EXPECT_THAT(text, HasSubstr("12 values of the group and 3 of the reference"));
  EXPECT_THAT(text, HasSubstr("of 300 people an output says nothing"));
}

TEST(MonitorText, ARatioWithoutAnUpperEndSaysSo) {
  v1::FairnessMonitor one;
  one.set_verdict(v1::FAIRNESS_VERDICT_INSUFFICIENT);
  one.set_lower(0.25);
  one.set_upper(std::numeric_limits<double>::infinity());
  const std::string text = Shown(one);
  EXPECT_THAT(text, HasSubstr("[0.25, no upper end]"));
  EXPECT_THAT(text, Not(HasSubstr("inf")));
}

TEST(FairnessText, AParagraphStaysWithinTheTerminal) {
  std::ostringstream out;
  std::string words;
  for (int i = 0; i < 60; ++i) words += "word" + std::to_string(i) + " ";
  ShowWrapped(words + "end", "  - ", out);
  std::istringstream lines(out.str());
  std::string joined;
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(line.size(), 80u);
    EXPECT_EQ(line.substr(0, 4), joined.empty() ? "  - " : "    ");
    joined += line.substr(4) + " ";
  }
  EXPECT_EQ(joined, words + "end ");
}

}  // namespace
}  // namespace consentry::tools
