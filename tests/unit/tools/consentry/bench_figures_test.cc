#include "tools/consentry/bench_figures.h"

#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <limits>
#include <set>
#include <sstream>
#include <string>

namespace consentry::tools {
namespace {

using google::protobuf::Struct;
using ::testing::HasSubstr;
using ::testing::Not;

Figure Of(const char* name, double value) {
  Figure figure;
  figure.spec = FindFigure(name);
  figure.value = value;
  return figure;
}

Struct Json(const BenchReport& report) {
  std::ostringstream out;
  WriteJson(report, &out);
  Struct parsed;
  const auto status =
      google::protobuf::util::JsonStringToMessage(out.str(), &parsed);
  EXPECT_TRUE(status.ok()) << out.str();
  return parsed;
}

std::string Table(const BenchReport& report) {
  std::ostringstream out;
  WriteTable(report, &out);
  return out.str();
}

TEST(BenchFigures, NamesAreUniqueAndFound) {
  std::set<std::string_view> names;
  for (const FigureSpec& spec : FigureSpecs()) {
    EXPECT_TRUE(names.insert(spec.name).second) << spec.name;
    EXPECT_EQ(FindFigure(spec.name), &spec);
  }
  EXPECT_EQ(FindFigure("speed"), nullptr);
}

TEST(BenchFigures, AnAimIsMetFromItsOwnSide) {
  EXPECT_TRUE(Met(Of("unary_over_echo", 0.85)));
  EXPECT_FALSE(Met(Of("unary_over_echo", 0.849)));
  EXPECT_TRUE(Met(Of("decide_ns", 1000)));
  EXPECT_FALSE(Met(Of("decide_ns", 1001)));
  EXPECT_TRUE(Met(Of("batch_subjects_per_s", 1)));
}

TEST(BenchFigures, JsonHasTheFieldsThatScriptsRelyOn) {
  BenchReport report;
  report.machine = {"a \"quoted\" processor\n", 2, 4096, "Linux 6"};
  report.quick = true;
  report.subjects = 100'000;
  Figure figure = Of("decide_ns", 250.5);
  figure.AddSummary("", {.count = 3, .p50 = 1, .p95 = 2, .p99 = 3});
  report.figures.push_back(figure);
  report.figures.push_back(Of("audit_entries_per_s", 90000));
  report.failed.emplace_back("start_s_1m", "no disk");

  const auto root = Json(report).fields();
  EXPECT_EQ(
      root.at("machine").struct_value().fields().at("processor").string_value(),
      "a \"quoted\" processor\n");
  EXPECT_TRUE(root.at("quick").bool_value());
  EXPECT_EQ(root.at("subjects").number_value(), 100'000);
  const auto& figures = root.at("figures").list_value();
  ASSERT_EQ(figures.values_size(), 2);
  const auto& decide = figures.values(0).struct_value().fields();
  EXPECT_EQ(decide.at("name").string_value(), "decide_ns");
  EXPECT_EQ(decide.at("value").number_value(), 250.5);
  EXPECT_EQ(decide.at("unit").string_value(), "ns");
  EXPECT_EQ(decide.at("aim").number_value(), 1000);
  EXPECT_EQ(decide.at("better").string_value(), "lower");
  const auto& detail = decide.at("detail").struct_value().fields();
  EXPECT_EQ(detail.at("p50").number_value(), 1);
  EXPECT_EQ(detail.at("p99").number_value(), 3);
  const auto& entries = figures.values(1).struct_value().fields();
  EXPECT_EQ(entries.at("aim").kind_case(), google::protobuf::Value::kNullValue);
  EXPECT_EQ(entries.at("better").string_value(), "higher");
  const auto& failed = root.at("failed").list_value();
  ASSERT_EQ(failed.values_size(), 1);
  EXPECT_EQ(failed.values(0).struct_value().fields().at("name").string_value(),
            "start_s_1m");
}

TEST(BenchFigures, WhatIsNoNumberIsNullInJson) {
  BenchReport report;
  report.figures.push_back(
      Of("growth_read", std::numeric_limits<double>::quiet_NaN()));
  const Struct root = Json(report);
  EXPECT_EQ(root.fields()
                .at("figures")
                .list_value()
                .values(0)
                .struct_value()
                .fields()
                .at("value")
                .kind_case(),
            google::protobuf::Value::kNullValue);
}

TEST(BenchFigures, TheTableListsAtItsEndWhatWasMissed) {
  BenchReport report;
  report.figures = {Of("decide_ns", 250), Of("unary_over_echo", 0.5),
                    Of("audit_entries_per_s", 90000)};
  report.failed.emplace_back("start_s_1m", "no disk");
  const std::string table = Table(report);
  EXPECT_THAT(table, HasSubstr("MISSED"));
  const std::string end = table.substr(table.find("Missed:"));
  EXPECT_THAT(end, HasSubstr("unary_over_echo: 0.5, the aim is >= 0.85"));
  EXPECT_THAT(end, Not(HasSubstr("decide_ns")));
  EXPECT_THAT(end, Not(HasSubstr("audit_entries_per_s")));
  EXPECT_THAT(end, HasSubstr("Not measured: start_s_1m: no disk"));
  EXPECT_THAT(table, Not(HasSubstr("Every aim was met")));
  EXPECT_THAT(table, Not(HasSubstr("QUICK")));
}

TEST(BenchFigures, AQuickRunSaysSo) {
  BenchReport report;
  report.quick = true;
  report.subjects = 100'000;
  report.figures = {Of("decide_ns", 250)};
  EXPECT_THAT(Table(report), HasSubstr("QUICK: 100000 subjects"));
  EXPECT_THAT(Table(report), HasSubstr("Every aim was met."));
}

}  // namespace
}  // namespace consentry::tools
