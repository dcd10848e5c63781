// Figures of fairness against those that others published on public data:
// ProPublica's analysis of COMPAS, AIF360 on German credit, and the formulas of
// SageMaker Clarify and Aequitas on the former.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <numeric>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "policy/fairness/audit.h"
#include "policy/fairness/benefit_indices.h"
#include "policy/fairness/calibration.h"
#include "policy/fairness/confusion.h"
#include "policy/fairness/distances.h"
#include "policy/fairness/intervals.h"
#include "policy/fairness/two_sample_tests.h"
#include "tools/consentry/csv.h"

namespace consentry::policy::fairness {
namespace {

// Half of the last place of a figure with eight.
constexpr double kEight = 6e-9;
constexpr double kSix = 1e-6;

using Row = std::map<std::string, std::string>;
using Rows = std::vector<Row>;
using Keep = std::function<bool(const Row&)>;

std::string DataFile(const std::string& name) {
  const char* folder = std::getenv("CONSENTRY_SHARED_DATA");
  const std::filesystem::path path =
      folder != nullptr
          ? std::filesystem::path(folder)
          : std::filesystem::path(CONSENTRY_SOURCE_DIR) / "../shared/data";
  return (path / name).string();
}

// Empty where the file is absent.
Rows ReadRows(const std::string& name) {
  Rows rows;
  std::ifstream in(DataFile(name), std::ios::binary);
  if (!in) return rows;
  const auto reader = tools::CsvReader::Open(&in);
  if (!reader.ok()) return rows;
  tools::CsvRow read;
  for (;;) {
    const auto more = (*reader)->Next(&read);
    if (!more.ok() || !*more) return rows;
    Row row;
    for (size_t i = 0; i < read.fields.size(); ++i) {
      row[(*reader)->header()[i]] = read.fields[i];
    }
    rows.push_back(std::move(row));
  }
}

bool High(const Row& row) { return row.at("score_text") != "Low"; }
bool Recidivist(const Row& row) { return row.at("two_year_recid") == "1"; }

// Favourable where it was unfavourable.
Confusion Turned(const Confusion& table) {
  return {table.true_negatives, table.false_negatives, table.true_positives,
          table.false_positives};
}

class CompasTest : public testing::Test {
 protected:
  void SetUp() override {
    rows_ = ReadRows("compas.csv");
    if (rows_.empty()) GTEST_SKIP() << "no " << DataFile("compas.csv");
    ASSERT_EQ(rows_.size(), 7214u);
    for (const Row& row : rows_) {
      all_.Add(High(row), Recidivist(row));
      of_race_[row.at("race")].Add(High(row), Recidivist(row));
    }
    black_ = of_race_["African-American"];
    white_ = of_race_["Caucasian"];
  }

  std::vector<double> Deciles(const std::string& race, const Keep& keep) const {
    std::vector<double> deciles;
    for (const Row& row : rows_) {
      if (row.at("race") == race && keep(row)) {
        deciles.push_back(std::stod(row.at("decile_score")));
      }
    }
    return deciles;
  }

  Rows rows_;
  Confusion all_;
  std::map<std::string, Confusion> of_race_;
  Confusion black_;
  Confusion white_;
};

TEST_F(CompasTest, CountsAndRatesAreThoseOfProPublica) {
  EXPECT_EQ(all_, (Confusion{2035, 1282, 2681, 1216}));
  EXPECT_EQ(black_, (Confusion{1369, 805, 990, 532}));
  EXPECT_EQ(white_, (Confusion{505, 349, 1139, 461}));
  const struct {
    const Confusion& table;
    double fpr, fnr, ppv, selection;
  } expected[] = {{all_, .32349230, .37403876, .61350618, .45980039},
                  {black_, .44846797, .27985271, .62971481, .58820346},
                  {white_, .23454301, .47722567, .59133489, .34800326}};
  for (const auto& one : expected) {
    EXPECT_NEAR(*RateOf(Rate::kFalsePositive, one.table), one.fpr, kEight);
    EXPECT_NEAR(*RateOf(Rate::kFalseNegative, one.table), one.fnr, kEight);
    EXPECT_NEAR(*RateOf(Rate::kPositivePredictiveValue, one.table), one.ppv,
                kEight);
    EXPECT_NEAR(*RateOf(Rate::kSelection, one.table), one.selection, kEight);
  }
}

TEST_F(CompasTest, OnlyHighCountsAreThoseOfProPublica) {
  Confusion black;
  Confusion white;
  for (const Row& row : rows_) {
    const bool high = row.at("score_text") == "High";
    if (row.at("race") == "African-American") black.Add(high, Recidivist(row));
    if (row.at("race") == "Caucasian") white.Add(high, Recidivist(row));
  }
  EXPECT_EQ(black, (Confusion{741, 284, 1511, 1160}));
  EXPECT_EQ(white, (Confusion{195, 81, 1407, 771}));
}

TEST_F(CompasTest, ComparisonsMatch) {
  EXPECT_NEAR(*RateDifference(Rate::kSelection, black_, white_), .24020020,
              kEight);
  EXPECT_NEAR(*RateRatio(Rate::kSelection, black_, white_), 1.69022400, kEight);
  EXPECT_NEAR(*RateDifference(Rate::kTruePositive, black_, white_), .19737296,
              kEight);
  EXPECT_NEAR(*AverageOddsDifference(black_, white_), .20564896, kEight);
  EXPECT_NEAR(*EqualizedOddsDistance(black_, white_), .21392496, kEight);
  EXPECT_NEAR(*RateRatio(Rate::kFalsePositive, black_, white_), 1.91209265,
              kEight);
  EXPECT_NEAR(*RateRatio(Rate::kFalseNegative, white_, black_), 1.70527444,
              kEight);
  EXPECT_NEAR(*RateDifference(Rate::kPositivePredictiveValue, black_, white_),
              .03837992, kEight);
}

// What Aequitas calls the significance of the false positive rate is that of
// the false discovery rate.
TEST_F(CompasTest, TheFalsePositiveRateIsTestedAndNotTheFalseDiscoveryRate) {
  const auto z = PooledZTest(ProportionOf(Rate::kFalsePositive, black_),
                             ProportionOf(Rate::kFalsePositive, white_));
  EXPECT_NEAR(z->statistic, 12.78026471, 5e-8);
  EXPECT_NEAR(z->p_value / 2.1135e-37, 1, 1e-4);
  const auto other = PooledZTest(ProportionOf(Rate::kFalseDiscovery, black_),
                                 ProportionOf(Rate::kFalseDiscovery, white_));
  EXPECT_GT(other->p_value, 0.01);
}

TEST_F(CompasTest, IntervalsMatch) {
  const Proportion p = ProportionOf(Rate::kFalsePositive, black_);
  const Proportion q = ProportionOf(Rate::kFalsePositive, white_);
  const auto newcombe = NewcombeInterval(p, q, 0.95);
  EXPECT_NEAR(newcombe->lower, .18205318, kEight);
  EXPECT_NEAR(newcombe->upper, .24502334, kEight);
  const auto katz = KatzInterval(p, q, 0.95);
  EXPECT_NEAR(katz->lower, 1.72123909, kEight);
  EXPECT_NEAR(katz->upper, 2.12410834, kEight);
  EXPECT_NEAR(WilsonInterval(p, 0.95)->lower, .42559496, kEight);
  EXPECT_NEAR(WilsonInterval(p, 0.95)->upper, .47156107, kEight);
  EXPECT_NEAR(WilsonInterval(q, 0.95)->lower, .21371471, kEight);
  EXPECT_NEAR(WilsonInterval(q, 0.95)->upper, .25673841, kEight);
}

TEST_F(CompasTest, SmallGroupsAreTestedExactly) {
  const Proportion white = ProportionOf(Rate::kFalsePositive, white_);
  const Proportion asian =
      ProportionOf(Rate::kFalsePositive, of_race_["Asian"]);
  const Proportion native =
      ProportionOf(Rate::kFalsePositive, of_race_["Native American"]);
  EXPECT_EQ(asian, (Proportion{2, 23}));
  EXPECT_EQ(native, (Proportion{3, 8}));
  EXPECT_NEAR(*FisherExactP(asian, white), .13326959, kEight);
  EXPECT_NEAR(*FisherExactP(native, white), .40120093, kEight);
}

TEST_F(CompasTest, ScoresOfTheFilteredSetMatch) {
  const Keep filter = [](const Row& row) {
    const std::string& days = row.at("days_b_screening_arrest");
    if (days.empty() || std::abs(std::stoi(days)) > 30) return false;
    return row.at("is_recid") != "-1" && row.at("c_charge_degree") != "O" &&
           row.at("score_text") != "N/A";
  };
  EXPECT_EQ(std::count_if(rows_.begin(), rows_.end(), filter), 6172);
  // As the notebook's tables count them.
  for (const auto& [column, value, cases] :
       std::vector<std::tuple<const char*, const char*, int>>{
           {"race", "Hispanic", 509},
           {"race", "Other", 343},
           {"race", "Asian", 31},
           {"race", "Native American", 11},
           {"sex", "Male", 4997},
           {"age_cat", "25 - 45", 3532},
           {"age_cat", "Greater than 45", 1293},
           {"age_cat", "Less than 25", 1347},
           {"score_text", "Low", 3421},
           {"score_text", "Medium", 1607},
           {"score_text", "High", 1144},
           {"two_year_recid", "1", 2809}}) {
    EXPECT_EQ(std::count_if(rows_.begin(), rows_.end(),
                            [&](const Row& row) {
                              return filter(row) && row.at(column) == value;
                            }),
              cases)
        << column << " " << value;
  }
  const auto black = Deciles("African-American", filter);
  const auto white = Deciles("Caucasian", filter);
  ASSERT_EQ(black.size(), 3175u);
  ASSERT_EQ(white.size(), 2103u);
  EXPECT_NEAR(*KolmogorovSmirnov(black, white), .24510721, kEight);
  EXPECT_NEAR(*Wasserstein1(black, white), 1.64156746, kEight);
  EXPECT_NEAR(MomentsOf(black).mean / MomentsOf(white).mean, 1.45156526,
              kEight);

  const std::array<double, 10> of_black = {.232877, .303468, .419463, .468843,
                                           .489164, .588050, .609329, .714286,
                                           .722397, .837004};
  const std::array<double, 10> of_white = {.211570, .311526, .344538, .403292,
                                           .455000, .581250, .601770, .750000,
                                           .714286, .700000};
  std::vector<double> edges;
  for (int i = 1; i <= 11; ++i) edges.push_back(i);
  const auto bins = [&](const std::string& race) {
    std::vector<double> scores;
    bool labels[8000] = {};
    for (const Row& row : rows_) {
      if (row.at("race") != race || !filter(row)) continue;
      labels[scores.size()] = Recidivist(row);
      scores.push_back(std::stod(row.at("decile_score")));
    }
    return CalibrationBins(scores, std::span<const bool>(labels, scores.size()),
                           edges);
  };
  const auto black_bins = bins("African-American");
  const auto white_bins = bins("Caucasian");
  const std::array<int64_t, 10> blacks = {365, 346, 298, 337, 323,
                                          318, 343, 301, 317, 227};
  const std::array<int64_t, 10> whites = {605, 321, 238, 243, 200,
                                          160, 113, 96,  77,  50};
  for (size_t i = 0; i < 10; ++i) {
    EXPECT_EQ(black_bins[i].outcome.cases, blacks[i]) << i + 1;
    EXPECT_EQ(white_bins[i].outcome.cases, whites[i]) << i + 1;
    EXPECT_NEAR(*black_bins[i].outcome.rate(), of_black[i], kSix) << i + 1;
    EXPECT_NEAR(*white_bins[i].outcome.rate(), of_white[i], kSix) << i + 1;
  }
}

// Favourable is Low, and not to come back.
TEST_F(CompasTest, ClarifyFormulasMatch) {
  const Confusion d = Turned(black_);
  const Confusion a = Turned(white_);
  EXPECT_NEAR(*RateDifference(Rate::kSelection, a, d), .24020020, kEight);
  EXPECT_NEAR(*RateRatio(Rate::kSelection, d, a), .63159294, kEight);
  EXPECT_NEAR(*ConditionalAcceptanceReferenceMinusGroup(d, a), -.24936925,
              kEight);
  EXPECT_NEAR(*ConditionalRejectionGroupMinusReference(d, a), -.25672252,
              kEight);
  EXPECT_NEAR(*RateDifference(Rate::kPositivePredictiveValue, a, d), .06141508,
              kEight);
  EXPECT_NEAR(*RateDifference(Rate::kNegativePredictiveValue, d, a), .03837992,
              kEight);
  EXPECT_NEAR(*RateDifference(Rate::kTruePositive, a, d), .21392496, kEight);
  EXPECT_NEAR(*RateDifference(Rate::kTrueNegative, d, a), .19737296, kEight);
  EXPECT_NEAR(*RateDifference(Rate::kAccuracy, a, d), .03166907, kEight);
  EXPECT_NEAR(*TreatmentEqualityDifference(d, a), .75610800, kEight);
  EXPECT_NEAR(*NormalizedSelectionDifference(a, d), .29319021, kEight);
}

TEST_F(CompasTest, ComparisonsWithinAgeMatch) {
  std::map<std::string, StratumRates> by_age;
  std::map<std::string, ConditionalCounts> conditional;
  ConditionalCounts whole;
  for (const Row& row : rows_) {
    const bool black = row.at("race") == "African-American";
    if (!black && row.at("race") != "Caucasian") continue;
    StratumRates& stratum = by_age[row.at("age_cat")];
    Proportion& rate = black ? stratum.group : stratum.reference;
    ++rate.cases;
    rate.hits += High(row) ? 1 : 0;
    for (ConditionalCounts* counts :
         {&conditional[row.at("age_cat")], &whole}) {
      for (Proportion* one : {&counts->everybody, &counts->group}) {
        if (one == &counts->group && !black) continue;
        ++one->cases;
        one->hits += High(row) ? 0 : 1;
      }
    }
  }
  std::vector<StratumRates> strata;
  for (const auto& [age, rates] : by_age) strata.push_back(rates);
  const auto result = CompareWithinStrata(strata, 0.95);
  EXPECT_NEAR(*result->odds_ratio, 2.34132770, kEight);
  EXPECT_NEAR(result->chi_square, 238.05463706, 5e-8);
  std::vector<ConditionalCounts> list;
  for (const auto& [age, counts] : conditional) list.push_back(counts);
  EXPECT_NEAR(*ConditionalDemographicDisparity(list), .19973463, kEight);
  EXPECT_NEAR(*ConditionalDemographicDisparity({&whole, 1}), .23045765, kEight);
}

TEST_F(CompasTest, SpreadOfBenefitsMatches) {
  const auto benefits = BenefitsOf(Turned(all_));
  EXPECT_NEAR(*GeneralizedEntropy(benefits.counts, 2), .17630495, kEight);
  EXPECT_NEAR(*Theil(benefits.counts), .24502394, kEight);
}

class GermanCreditTest : public testing::Test {
 protected:
  void SetUp() override {
    rows_ = ReadRows("german-credit.csv");
    if (rows_.empty()) GTEST_SKIP() << "no " << DataFile("german-credit.csv");
    ASSERT_EQ(rows_.size(), 1000u);
  }

  // Good credits of those that `in` names, and of the others.
  StratumRates Good(const Keep& in) const {
    StratumRates rates;
    for (const Row& row : rows_) {
      Proportion& rate = in(row) ? rates.group : rates.reference;
      ++rate.cases;
      rate.hits += row.at("credit") == "1" ? 1 : 0;
    }
    return rates;
  }

  static void ExpectFigures(const StratumRates& rates, double difference,
                            double ratio) {
    EXPECT_NEAR(*Difference(rates.group.rate(), rates.reference.rate()),
                difference, kEight);
    EXPECT_NEAR(*Ratio(rates.group.rate(), rates.reference.rate()), ratio,
                kEight);
  }

  Rows rows_;
};

TEST_F(GermanCreditTest, AgeAndSexMatchAif360) {
  const auto age = [](const Row& row) { return std::stoi(row.at("age")); };
  const StratumRates under_25 =
      Good([&](const Row& row) { return age(row) < 25; });
  EXPECT_EQ(under_25.group, (Proportion{88, 149}));
  EXPECT_EQ(under_25.reference, (Proportion{612, 851}));
  ExpectFigures(under_25, -.12854991, .82124841);
  const StratumRates up_to_25 =
      Good([&](const Row& row) { return age(row) <= 25; });
  EXPECT_EQ(up_to_25.group, (Proportion{110, 190}));
  EXPECT_EQ(up_to_25.reference, (Proportion{590, 810}));
  ExpectFigures(up_to_25, -.14944769, .79482605);
  const StratumRates women = Good([](const Row& row) {
    const std::string& status = row.at("personal_status");
    return status == "A92" || status == "A95";
  });
  EXPECT_EQ(women.group, (Proportion{201, 310}));
  EXPECT_EQ(women.reference, (Proportion{499, 690}));
  ExpectFigures(women, -.07480131, .89656733);
}

// A bank's phone campaign: whole, no published figure, but known totals.
// Rows as NumPy's RandomState(seed).permutation puts them.
std::vector<size_t> NumpyPermutation(size_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  for (size_t i = count - 1; i > 0; --i) {
    // The next number of as many bits as `i` has that is not above it.
    const auto mask = static_cast<uint32_t>(std::bit_ceil(i + 1) - 1);
    uint32_t other = 0;
    do {
      other = static_cast<uint32_t>(random()) & mask;
    } while (other > i);
    std::swap(order[i], order[other]);
  }
  return order;
}

// AIF360's tutorial trains on seven of ten rows, drawn with seed 0, and tells
// the difference there before anything is mended.
TEST_F(GermanCreditTest, TheTutorialOfAif360Matches) {
  const std::vector<size_t> order = NumpyPermutation(rows_.size(), 0);
  Rows train;
  for (size_t i = 0; i < 700; ++i) train.push_back(rows_[order[i]]);
  rows_ = std::move(train);
  const StratumRates young =
      Good([](const Row& row) { return std::stoi(row.at("age")) < 25; });
  EXPECT_NEAR(*Difference(young.group.rate(), young.reference.rate()), -.169905,
              kSix);
}

TEST(BankCampaignTest, AnAuditCountsEveryRowOnce) {
  const Rows rows = ReadRows("bank-marketing.csv");
  if (rows.empty()) GTEST_SKIP() << "no " << DataFile("bank-marketing.csv");
  AuditTable table;
  table.cases = rows.size();
  AuditColumn age;
  age.name = "age";
  age.values = {"under 30", "30 to 59", "60 and over"};
  for (const Row& row : rows) {
    const int years = std::stoi(row.at("age"));
    age.codes.push_back(years < 30 ? 0u : years < 60 ? 1u : 2u);
    table.predicted.push_back(row.at("y") == "yes" ? Answer::kYes
                                                   : Answer::kNo);
  }
  table.attributes.push_back(age);
  AuditPlan plan;
  plan.groupings = {{{0}, ""}};
  const auto report = RunAudit(plan, table);
  ASSERT_TRUE(report.ok()) << report.status();
  int64_t cases = 0;
  int64_t hits = 0;
  for (const auto& figure : report->figures()) {
    if (figure.metric() == "selection_rate" && figure.reference().empty()) {
      cases += figure.count();
      hits += figure.hits();
    }
  }
  EXPECT_EQ(cases, static_cast<int64_t>(rows.size()));
  EXPECT_EQ(hits, std::count_if(rows.begin(), rows.end(), [](const Row& row) {
              return row.at("y") == "yes";
            }));
}

}  // namespace
}  // namespace consentry::policy::fairness
