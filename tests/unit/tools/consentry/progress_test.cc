#include "tools/consentry/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>

namespace consentry::tools {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

class ProgressTest : public ::testing::Test {
 protected:
  Progress::Options Options(bool terminal, uint64_t total) {
    Progress::Options options;
    options.label = "import crm.csv";
    options.total = total;
    options.unit = "rows";
    options.terminal = terminal;
    options.now_us = [this] { return now_us_; };
    return options;
  }

  int64_t now_us_ = 1000000;
  std::ostringstream out_;
};

TEST_F(ProgressTest, TerminalShowsOneLineWithTimeLeft) {
  Progress progress(&out_, Options(true, 4000));
  now_us_ += 10000000;
  progress.Update(1000);
  EXPECT_THAT(out_.str(),
              HasSubstr("\rimport crm.csv  [#####---------------]  25%  1,000 "
                        "of 4,000 rows  30 s left"));
  EXPECT_THAT(out_.str(), Not(HasSubstr("\n")));
  progress.Update(4000);
  progress.Finish();
  EXPECT_THAT(out_.str(), HasSubstr("100%"));
  EXPECT_THAT(out_.str(), EndsWith("  10 s\n"));
}

TEST_F(ProgressTest, ItIsNotDrawnMoreThanTenTimesASecond) {
  Progress progress(&out_, Options(true, 1000));
  for (uint64_t i = 1; i <= 1000; ++i) {
    now_us_ += 1000;
    progress.Update(i);
  }
  const std::string text = out_.str();
  EXPECT_LE(std::count(text.begin(), text.end(), '\r'), 11);
}

TEST_F(ProgressTest, WithoutTerminalPlainLinesOnly) {
  {
    Progress progress(&out_, Options(false, 100));
    for (uint64_t i = 0; i <= 100; ++i) {
      now_us_ += 750000;
      progress.Update(i);
    }
    progress.Finish();
  }
  EXPECT_EQ(out_.str(),
            "import crm.csv: 25%\nimport crm.csv: 50%\nimport crm.csv: "
            "75%\nimport crm.csv: 100 rows in 1 min 16 s\n");
}

TEST_F(ProgressTest, WhatIsOverSoonIsNoLine) {
  {
    Progress progress(&out_, Options(false, 100));
    for (uint64_t i = 0; i <= 100; ++i) progress.Update(i);
    now_us_ += 340000;
    progress.Finish();
  }
  EXPECT_EQ(out_.str(), "");
}

TEST_F(ProgressTest, UnknownTotalShowsTheCount) {
  Progress progress(&out_, Options(true, 0));
  progress.Update(1234567);
  EXPECT_THAT(out_.str(), HasSubstr("1,234,567 rows"));
  EXPECT_THAT(out_.str(), Not(HasSubstr("%")));
}

TEST_F(ProgressTest, AbortedLineIsEnded) {
  {
    Progress progress(&out_, Options(true, 10));
    progress.Update(3);
  }
  EXPECT_THAT(out_.str(), EndsWith("\n"));
}

}  // namespace
}  // namespace consentry::tools
