// Our decoders against those of the industry, over generated strings of which
// a part is broken on purpose. Node does the comparing, field by field, on the
// JSON of `consentry consent decode`.
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "policy/signals/signal.h"
#include "policy/signals/signal_error.h"
#include "tests/testing/child_process.h"
#include "tests/testing/temp_dir.h"
#include "tools/consentry/signal_text.h"

namespace consentry {
namespace {

using testing::Ended;
using testing::RunToEnd;
using testing::TempDir;

Ended Oracle(std::vector<std::string> words) {
  words.insert(words.begin(), {"node", CONSENTRY_SOURCE_DIR
                               "/tests/differential/signals/oracle.js"});
  return RunToEnd({.words = words,
                   .environment = {{"NODE_PATH", CONSENTRY_BUILD_DIR
                                    "/fetched/signal-oracle/node_modules"}},
                   .timeout_seconds = 240});
}

struct Line {
  std::string mark;
  std::string text;
};

std::vector<Line> Generate(const std::string& format, const std::string& seed,
                           const std::string& count) {
  const Ended made = Oracle({"generate", format, seed, count});
  EXPECT_EQ(made.code, 0) << made.err;
  std::vector<Line> lines;
  std::istringstream in(made.out);
  std::string line;
  while (std::getline(in, line)) {
    const size_t tab = line.find('\t');
    lines.push_back({line.substr(0, tab), line.substr(tab + 1)});
  }
  return lines;
}

// `"name":number` of the oracle's summary.
int Figure(const std::string& summary, const std::string& name) {
  const size_t at = summary.find("\"" + name + "\":");
  return at == std::string::npos
             ? -1
             : std::stoi(summary.substr(at + name.size() + 3));
}

void Compare(const std::string& format, const std::string& seed, int count) {
  const TempDir dir;
  const auto lines = Generate(format, seed, std::to_string(count));
  ASSERT_EQ(lines.size(), static_cast<size_t>(count + (count + 1) / 2));
  {
    std::ofstream out(dir.File("answers"), std::ios::binary);
    for (const Line& line : lines) {
      const auto signal = signals::DecodeSignal(line.text);
      if (!signal.ok()) {
        EXPECT_TRUE(signals::ErrorOf(signal.status()).has_value());
      }
      out << line.mark << '\t' << line.text << '\t'
          << (signal.ok() ? tools::SignalJson(*signal) : "-") << '\n';
    }
  }
  const Ended told = Oracle({"compare", format, dir.File("answers")});
  EXPECT_EQ(told.code, 0) << told.err;
  EXPECT_EQ(told.err, "");
  std::cout << format << ": " << told.out;
  EXPECT_EQ(Figure(told.out, "faults"), 0);
  EXPECT_GE(Figure(told.out, "equal"), count);
  // Of the broken ones most are no signals any more.
  EXPECT_GE(Figure(told.out, "refused"), count / 8);
  EXPECT_GE(Figure(told.out, "compared"), count * 8);
}

TEST(SignalsDifferentialTest, TcfStringsAreReadAsTheFrameworksOwnLibraryDoes) {
  Compare("tcf", "20260301", 4000);
}

TEST(SignalsDifferentialTest, GppStringsAreReadAsThePlatformsOwnLibraryDoes) {
  Compare("gpp", "20251217", 4000);
}

// Printed beside each other, on the same strings: not a promise of a test.
TEST(SignalsDifferentialTest, TheTimeOfBothIsShown) {
  const TempDir dir;
  std::vector<std::string> texts;
  {
    std::ofstream out(dir.File("texts"), std::ios::binary);
    for (const Line& line : Generate("tcf", "7", "200")) {
      if (line.mark != "+") continue;
      texts.push_back(line.text);
      out << line.text << '\n';
    }
  }
  const Ended told = Oracle({"time", dir.File("texts")});
  ASSERT_EQ(told.code, 0) << told.err;
  const auto start = std::chrono::steady_clock::now();
  constexpr int kRounds = 20;
  for (int round = 0; round < kRounds; ++round) {
    for (const std::string& text : texts) {
      ASSERT_TRUE(signals::DecodeTcf(text).ok());
    }
  }
  const std::chrono::duration<double, std::micro> spent =
      std::chrono::steady_clock::now() - start;
  std::cout << "microseconds a TC string: ours "
            << spent.count() / kRounds / static_cast<double>(texts.size())
            << ", @iabtcf/core " << told.out;
  EXPECT_GT(std::stod(told.out), 0);
}

}  // namespace
}  // namespace consentry
