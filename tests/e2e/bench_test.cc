#include <gmock/gmock.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <filesystem>
#include <map>
#include <string>

#include "tests/testing/temp_dir.h"

namespace consentry {
namespace {

struct Output {
  std::string text;
  int code = -1;
};

// The program itself, with its temporary files in `folder`.
Output RunProgram(const std::string& arguments, const std::string& folder) {
  const std::string command = "TMPDIR=" + folder + " " CONSENTRY_BINARY " " +
                              arguments + " 2>" + folder + "/errors";
  Output output;
  FILE* const pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return output;
  char buffer[4096];
  size_t got;
  while ((got = fread(buffer, 1, sizeof buffer, pipe)) > 0) {
    output.text.append(buffer, got);
  }
  const int status = pclose(pipe);
  if (WIFEXITED(status)) output.code = WEXITSTATUS(status);
  return output;
}

TEST(BenchTest, PrintsFiguresAsJsonAndLeavesNothing) {
  testing::TempDir dir;
  const Output output = RunProgram(
      "bench --quick --json --only decide_ns --only audit_entries_per_s",
      dir.File(""));
  // 2: measured, and an aim was missed, as may be on a busy machine.
  EXPECT_TRUE(output.code == 0 || output.code == 2) << output.code;
  google::protobuf::Struct report;
  ASSERT_TRUE(
      google::protobuf::util::JsonStringToMessage(output.text, &report).ok())
      << output.text;
  std::map<std::string, double> values;
  for (const auto& value :
       report.fields().at("figures").list_value().values()) {
    const auto& figure = value.struct_value().fields();
    for (const char* field :
         {"name", "value", "unit", "aim", "better", "detail"}) {
      EXPECT_TRUE(figure.contains(field)) << field;
    }
    EXPECT_FALSE(figure.at("detail").struct_value().fields().empty());
    values[figure.at("name").string_value()] =
        figure.at("value").number_value();
  }
  EXPECT_EQ(values.size(), 2u);
  EXPECT_GT(values["decide_ns"], 10);
  EXPECT_GT(values["audit_entries_per_s"], 100);
  EXPECT_TRUE(report.fields().at("quick").bool_value());
  EXPECT_GT(report.fields()
                .at("machine")
                .struct_value()
                .fields()
                .at("cores")
                .number_value(),
            0);
  for (const auto& left : std::filesystem::directory_iterator(dir.File(""))) {
    EXPECT_EQ(left.path().filename(), "errors");
  }
}

TEST(BenchTest, AWatchedModelIsMeasuredBesideOneThatIsNot) {
  testing::TempDir dir;
  const Output output = RunProgram(
      "bench --quick --json --only screen_watched_over_read "
      "--only watched_over_unwatched",
      dir.File(""));
  EXPECT_EQ(output.code, 0) << output.text;
  google::protobuf::Struct report;
  ASSERT_TRUE(
      google::protobuf::util::JsonStringToMessage(output.text, &report).ok())
      << output.text;
  std::map<std::string, google::protobuf::Struct> figures;
  for (const auto& value :
       report.fields().at("figures").list_value().values()) {
    figures[value.struct_value().fields().at("name").string_value()] =
        value.struct_value();
  }
  ASSERT_EQ(figures.size(), 2u) << output.text;
  for (const auto& [name, figure] : figures) {
    EXPECT_GT(figure.fields().at("value").number_value(), 0.1) << name;
  }
  // Nothing is a figure of counting that was not counted.
  EXPECT_GT(figures["watched_over_unwatched"]
                .fields()
                .at("detail")
                .struct_value()
                .fields()
                .at("counted")
                .number_value(),
            100);
}

TEST(BenchTest, AnUnknownFigureIsRefused) {
  testing::TempDir dir;
  EXPECT_EQ(RunProgram("bench --only speed", dir.File("")).code, 2);
}

}  // namespace
}  // namespace consentry
