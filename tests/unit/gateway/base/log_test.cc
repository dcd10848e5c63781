#include "gateway/base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace consentry::base {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr LogEvent kOpened{LogLevel::kInfo, 1001, "test.opened"};
constexpr LogEvent kNoise{LogLevel::kDebug, 1002, "test.noise"};

class LogTest : public ::testing::Test {
 protected:
  void Open() { ASSERT_OK(StartLog({.path = dir_.File("log")})); }
  std::string Close() {
    StopLog();
    std::ifstream file(dir_.File("log"));
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }

  testing::TempDir dir_;
};

TEST_F(LogTest, WritesOneLineWithTimeCodeNameAndFields) {
  Open();
  Log(kOpened, {{"rows", 3},
                {"ratio", 0.5},
                {"dev", true},
                {"mode", Constant("fast")},
                {"client", LogId{"cli_01-a"}},
                {"status", absl::NotFoundError("anna@example.com")}});
  const std::string text = Close();
  EXPECT_THAT(text, ContainsRegex("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\."
                                  "[0-9]{6}Z info 1001 test.opened rows=3 "));
  EXPECT_THAT(text, HasSubstr("ratio=0.5"));
  EXPECT_THAT(text, HasSubstr("dev=true mode=fast client=cli_01-a "
                              "status=NOT_FOUND\n"));
}

TEST_F(LogTest, WhatIsNoOpaqueIdIsNotShown) {
  Open();
  Log(kOpened, {{"a", LogId{"anna@example.com"}},
                {"b", LogId{"Anna Example"}},
                {"c", LogId{"two\nlines"}},
                {"d", LogId{""}},
                {"e", LogId{std::string(81, 'x')}}});
  const std::string text = Close();
  EXPECT_THAT(text, HasSubstr("a=? b=? c=? d=? e=?\n"));
  EXPECT_THAT(text, Not(HasSubstr("nna")));
}

TEST_F(LogTest, EventsBelowTheLevelAreDropped) {
  Open();
  Log(kNoise);
  EXPECT_EQ(Close(), "");
}

TEST_F(LogTest, EventsOutsideStartAndStopAreDropped) {
  Log(kOpened);
  Open();
  EXPECT_EQ(Close(), "");
  Log(kOpened);
}

TEST_F(LogTest, SecondStartIsRefused) {
  Open();
  EXPECT_THAT(StartLog({.path = dir_.File("other")}),
              testing::StatusIs(absl::StatusCode::kFailedPrecondition));
  Close();
}

TEST_F(LogTest, LinesOfManyThreadsDoNotMix) {
  Open();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < 100; ++i) Log(kOpened, {{"t", t}, {"i", i}});
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::istringstream lines(Close());
  std::string line;
  int count = 0;
  while (std::getline(lines, line)) {
    ASSERT_THAT(line, ContainsRegex("test.opened t=[0-3] i=[0-9]+$"));
    ++count;
  }
  EXPECT_EQ(count, 400);
}

TEST_F(LogTest, UnwritablePathIsAnError) {
  EXPECT_THAT(
      StartLog({.path = dir_.File("absent/log") + std::string(300, 'x')}),
      testing::StatusIs(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace consentry::base
