// E-processes on public data in the order of its file: the k-th person of one
// group against the k-th of the other.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "policy/fairness/e_process.h"
#include "tests/testing/status_matchers.h"
#include "tools/consentry/csv.h"

namespace consentry::policy::fairness {
namespace {

struct Person {
  std::string race;
  bool flagged = false;
  bool relapsed = false;
};

std::filesystem::path DataFile() {
  const char* const folder = std::getenv("CONSENTRY_SHARED_DATA");
  return (folder != nullptr ? std::filesystem::path(folder)
                            : std::filesystem::path(CONSENTRY_SOURCE_DIR) /
                                  "../shared/data") /
         "compas.csv";
}

class CompasStreams : public ::testing::Test {
 protected:
  void SetUp() override {
    std::ifstream in(DataFile(), std::ios::binary);
    if (!in) GTEST_SKIP() << "no " << DataFile() << ": not compared with it";
    const auto reader = tools::CsvReader::Open(&in);
    ASSERT_OK(reader.status());
    std::map<std::string, size_t> columns;
    for (size_t i = 0; i < (*reader)->header().size(); ++i) {
      columns.emplace((*reader)->header()[i], i);
    }
    tools::CsvRow row;
    for (;;) {
      const auto more = (*reader)->Next(&row);
      ASSERT_OK(more.status());
      if (!*more) break;
      people_.push_back({row.fields[columns.at("race")],
                         row.fields[columns.at("score_text")] != "Low",
                         row.fields[columns.at("two_year_recid")] == "1"});
    }
    ASSERT_EQ(people_.size(), 7214u);
  }

  struct Pair {
    bool group = false;
    bool reference = false;
  };
  using Keep = std::function<bool(const Person&)>;

  std::vector<Pair> Pairs(const std::string& group, const Keep& keep) const {
    std::vector<bool> groups;
    std::vector<bool> references;
    for (const Person& person : people_) {
      if (!keep(person)) continue;
      if (person.race == group) groups.push_back(person.flagged);
      if (person.race == "Caucasian") references.push_back(person.flagged);
    }
    std::vector<Pair> pairs;
    for (size_t i = 0; i < std::min(groups.size(), references.size()); ++i) {
      pairs.push_back({groups[i], references[i]});
    }
    return pairs;
  }

  std::vector<Person> people_;
};

struct Rejection {
  size_t pair = 0;
  double wealth = 0;
};

// The first pair, from 1, after which the wealth is at least 20; 0: none.
Rejection FirstAtTwenty(const std::vector<double>& log_wealth) {
  for (size_t i = 0; i < log_wealth.size(); ++i) {
    if (log_wealth[i] >= std::log(20)) return {i + 1, std::exp(log_wealth[i])};
  }
  return {};
}

template <class Pairs>
std::vector<double> Betting(const Pairs& pairs) {
  std::vector<double> path;
  BettingWealth wealth = BettingWealth::Equality();
  for (const auto& pair : pairs) {
    wealth.Add(static_cast<double>(pair.group) -
               static_cast<double>(pair.reference));
    path.push_back(wealth.log_wealth());
  }
  return path;
}

struct SignPath {
  std::vector<double> log_wealth;
  std::vector<uint64_t> discordant;
  std::vector<uint64_t> group_only;
};

template <class Pairs>
SignPath Signs(const Pairs& pairs) {
  SignPath path;
  uint64_t n = 0;
  uint64_t s = 0;
  for (const auto& pair : pairs) {
    n += pair.group != pair.reference;
    s += pair.group && !pair.reference;
    path.log_wealth.push_back(LogSignWealth(n, s));
    path.discordant.push_back(n);
    path.group_only.push_back(s);
  }
  return path;
}

TEST_F(CompasStreams, SelectionRateIsFoundUnequalAtPairs76And84) {
  const auto pairs =
      Pairs("African-American", [](const Person&) { return true; });
  EXPECT_EQ(pairs.size(), 2454u);
  const Rejection betting = FirstAtTwenty(Betting(pairs));
  EXPECT_EQ(betting.pair, 76u);
  EXPECT_NEAR(betting.wealth, 20.81736225, 5e-9);
  const SignPath signs = Signs(pairs);
  const Rejection sign = FirstAtTwenty(signs.log_wealth);
  EXPECT_EQ(sign.pair, 84u);
  EXPECT_NEAR(sign.wealth, 20.84231371, 5e-9);
  EXPECT_EQ(signs.discordant[sign.pair - 1], 47u);
  EXPECT_EQ(signs.group_only[sign.pair - 1], 34u);
}

TEST_F(CompasStreams, FalsePositivesAreFoundUnequalAtPairs99And108) {
  const auto pairs =
      Pairs("African-American", [](const Person& p) { return !p.relapsed; });
  EXPECT_EQ(pairs.size(), 1488u);
  const Rejection betting = FirstAtTwenty(Betting(pairs));
  EXPECT_EQ(betting.pair, 99u);
  EXPECT_NEAR(betting.wealth, 25.50451776, 5e-9);
  const SignPath signs = Signs(pairs);
  const Rejection sign = FirstAtTwenty(signs.log_wealth);
  EXPECT_EQ(sign.pair, 108u);
  EXPECT_NEAR(sign.wealth, 26.68651295, 5e-9);
  EXPECT_EQ(signs.discordant[sign.pair - 1], 53u);
  EXPECT_EQ(signs.group_only[sign.pair - 1], 38u);
}

TEST_F(CompasStreams, TruePositivesAreFoundUnequalAtPairs92And90) {
  const auto pairs =
      Pairs("African-American", [](const Person& p) { return p.relapsed; });
  EXPECT_EQ(pairs.size(), 966u);
  const Rejection betting = FirstAtTwenty(Betting(pairs));
  EXPECT_EQ(betting.pair, 92u);
  EXPECT_NEAR(betting.wealth, 26.92868134, 5e-9);
  EXPECT_EQ(FirstAtTwenty(Signs(pairs).log_wealth).pair, 90u);
}

TEST_F(CompasStreams, FourFifthsAreFoundMissedAtPair177) {
  std::vector<double> path;
  BettingWealth wealth = BettingWealth::AtLeastZero();
  for (const auto& pair :
       Pairs("African-American", [](const Person&) { return true; })) {
    // The favourable outcome is not to be flagged.
    wealth.Add((pair.group ? 0.0 : 1.0) - 0.8 * (pair.reference ? 0.0 : 1.0));
    path.push_back(wealth.log_wealth());
  }
  const Rejection first = FirstAtTwenty(path);
  EXPECT_EQ(first.pair, 177u);
  EXPECT_NEAR(first.wealth, 21.47422339, 5e-9);
}

TEST_F(CompasStreams, TheControlIsNeverAccused) {
  const auto pairs =
      Pairs("Hispanic", [](const Person& p) { return !p.relapsed; });
  EXPECT_EQ(pairs.size(), 405u);
  const SignPath signs = Signs(pairs);
  EXPECT_NEAR(std::exp(*std::max_element(signs.log_wealth.begin(),
                                         signs.log_wealth.end())),
              1.0666667, 5e-8);
  EXPECT_EQ(signs.discordant.back(), 133u);
  EXPECT_EQ(signs.group_only.back(), 68u);
  const std::vector<double> betting = Betting(pairs);
  EXPECT_NEAR(std::exp(betting.back()), 0.07972207, 5e-9);
  EXPECT_NEAR(std::exp(*std::max_element(betting.begin(), betting.end())),
              1.39455039, 5e-9);
}

}  // namespace
}  // namespace consentry::policy::fairness
