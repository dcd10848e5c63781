// What reports let one compute by subtraction.
#include "policy/fairness/small_cells.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "policy/fairness/audit.h"
#include "policy/fairness/audit_groups.h"
#include "policy/fairness/groups.h"
#include "policy/fairness/kept_back.h"
#include "tests/testing/status_matchers.h"

namespace consentry::policy::fairness {
namespace {

using consentry::testing::StatusIs;
using ::testing::HasSubstr;

// So many cases of one kind.
struct Kind {
  uint32_t sex = 0;
  uint32_t age = 0;
  Answer predicted = Answer::kNo;
  Answer label = Answer::kNo;
  uint32_t arm = 0;
};

class Cases {
 public:
  Cases() {
    table.attributes = {{"sex", {"f", "m", "x"}, {}},
                        {"age", {"old", "young"}, {}}};
    table.variant = AuditColumn{"arm", {"A", "B"}, {}};
  }
  Cases& Add(int count, const Kind& kind) {
    for (int i = 0; i < count; ++i) {
      table.attributes[0].codes.push_back(kind.sex);
      table.attributes[1].codes.push_back(kind.age);
      table.predicted.push_back(kind.predicted);
      table.label.push_back(kind.label);
      table.variant->codes.push_back(kind.arm);
      ++table.cases;
    }
    return *this;
  }
  // Fifty of each cell.
  Cases& Many(uint32_t sex, uint32_t age = 0, uint32_t arm = 0) {
    for (const Answer predicted : {Answer::kYes, Answer::kNo}) {
      for (const Answer label : {Answer::kYes, Answer::kNo}) {
        Add(50, {sex, age, predicted, label, arm});
      }
    }
    return *this;
  }

  AuditTable table;
};

AuditPlan BySex() {
  AuditPlan plan;
  plan.groupings = {{{0}, "m"}};
  return plan;
}

v1::FairnessReport Report(const AuditPlan& plan, const Cases& cases) {
  auto report = RunAudit(plan, cases.table);
  EXPECT_OK(report.status());
  return report.ok() ? *std::move(report) : v1::FairnessReport();
}

const v1::FairnessFigure* Find(const v1::FairnessReport& report,
                               const std::string& group,
                               const std::string& metric,
                               const std::string& variant = "") {
  for (const auto& figure : report.figures()) {
    if (figure.group() == group && figure.metric() == metric &&
        figure.variant() == variant) {
      return &figure;
    }
  }
  return nullptr;
}

bool IsTold(const v1::FairnessReport& report, const std::string& group,
            const std::string& metric, const std::string& variant = "") {
  const auto* figure = Find(report, group, metric, variant);
  return figure != nullptr && figure->remark() != kTooFewToTell;
}

constexpr const char* kTableRates[] = {
    "true_positive_rate",        "false_positive_rate",
    "false_negative_rate",       "positive_predictive_value",
    "negative_predictive_value", "accuracy"};

// Of two hundred women two did not come true: whoever knows the true positive
// rate and how many were selected knows how the two were treated.
TEST(SmallCellsTest, ARateOfFewIsWithheldWithAllThatWouldGiveIt) {
  Cases cases;
  cases.Add(100, {0, 0, Answer::kYes, Answer::kYes})
      .Add(98, {0, 0, Answer::kNo, Answer::kYes})
      .Add(2, {0, 0, Answer::kYes, Answer::kNo})
      .Many(1)
      .Many(2);
  const auto report = Report(BySex(), cases);
  for (const char* metric : kTableRates) {
    const auto* figure = Find(report, "f", metric);
    ASSERT_NE(figure, nullptr) << metric;
    EXPECT_EQ(figure->remark(), kTooFewToTell) << metric;
    EXPECT_FALSE(figure->has_value()) << metric;
    EXPECT_FALSE(figure->has_lower()) << metric;
    EXPECT_FALSE(figure->has_hits()) << metric;
    EXPECT_EQ(figure->count(), 0) << metric;
  }
  // What an audit is for stays.
  EXPECT_EQ(Find(report, "f", "selection_rate")->hits(), 102);
  EXPECT_EQ(Find(report, "f", "base_rate")->hits(), 198);
  for (const auto& figure : report.figures()) {
    if (figure.group() != "f" || figure.reference().empty()) continue;
    const bool selection = figure.metric().rfind("selection", 0) == 0;
    EXPECT_EQ(figure.has_value(), selection) << figure.metric();
    EXPECT_EQ(figure.has_reference_hits(), selection) << figure.metric();
    EXPECT_EQ(figure.has_p_value(), selection) << figure.metric();
    if (!selection && figure.has_tolerance_lower()) {
      EXPECT_EQ(figure.finding(), v1::FAIRNESS_FINDING_INSUFFICIENT);
    }
  }
  // What all have together is told by nothing, so the others can be.
  EXPECT_TRUE(IsTold(report, "m", "accuracy"));
  EXPECT_TRUE(IsTold(report, "x", "accuracy"));
  const auto* odds = Find(report, "", "equalized_odds_greatest_difference");
  EXPECT_EQ(odds->count(), 400);
}

// Everybody's rates follow from another attribute.
TEST(SmallCellsTest, OneOfTwoWithheldWithholdsTheOther) {
  Cases cases;
  cases.Add(60, {0, 0, Answer::kYes, Answer::kYes})
      .Add(60, {0, 0, Answer::kNo, Answer::kYes})
      .Add(3, {0, 0, Answer::kNo, Answer::kNo})
      .Many(1)
      .Many(1, 1);
  AuditPlan plan = BySex();
  EXPECT_TRUE(IsTold(Report(plan, cases), "m", "accuracy"));
  plan.groupings.push_back({{1}, ""});
  const auto report = Report(plan, cases);
  for (const char* metric : kTableRates) {
    EXPECT_FALSE(IsTold(report, "m", metric)) << metric;
    EXPECT_TRUE(IsTold(report, "old", metric)) << metric;
  }
  EXPECT_TRUE(IsTold(report, "m", "selection_rate"));
}

// Nothing of nothing tells about nobody.
TEST(SmallCellsTest, NobodyIsNotFew) {
  Cases cases;
  cases.Add(60, {0, 0, Answer::kYes, Answer::kYes})
      .Add(60, {0, 0, Answer::kNo, Answer::kYes})
      .Many(1);
  const auto report = Report(BySex(), cases);
  const auto* none = Find(report, "f", "false_positive_rate");
  EXPECT_FALSE(none->has_value());
  EXPECT_TRUE(none->has_hits());
  EXPECT_EQ(none->remark(), "nothing to divide by");
  EXPECT_NEAR(Find(report, "f", "true_positive_rate")->value(), 0.5, 1e-12);
}

TEST(SmallCellsTest, WithoutALeastEverythingIsTold) {
  Cases cases;
  cases.Add(2, {0, 0, Answer::kYes, Answer::kYes})
      .Add(1, {0, 0, Answer::kYes, Answer::kNo})
      .Many(1);
  AuditPlan plan = BySex();
  plan.suppress_below = 0;
  const auto report = Report(plan, cases);
  EXPECT_EQ(Find(report, "f", "false_positive_rate")->hits(), 1);
  EXPECT_EQ(Find(report, "f", "false_positive_rate")->count(), 1);
}

// The rate of all minus that of those with an outcome is that of the four
// without one.
TEST(SmallCellsTest, FewWithoutAnOutcomeCountInNoRate) {
  Cases cases;
  cases.Many(0).Many(1).Add(4, {0, 0, Answer::kYes, Answer::kUnknown});
  auto report = Report(BySex(), cases);
  EXPECT_EQ(Find(report, "f", "selection_rate")->count(), 200);
  EXPECT_EQ(Find(report, "f", "selection_rate")->hits(), 100);
  EXPECT_TRUE(IsTold(report, "f", "true_positive_rate"));
  // Of many it tells nothing about one.
  cases.Add(40, {0, 0, Answer::kYes, Answer::kUnknown});
  report = Report(BySex(), cases);
  EXPECT_EQ(Find(report, "f", "selection_rate")->count(), 244);
  EXPECT_EQ(Find(report, "f", "base_rate")->count(), 200);
}

// f minus f*old is f*young.
TEST(SmallCellsTest, APartIsNotWhatIsLeftOfTheWhole) {
  Cases cases;
  cases.Many(0, 0).Many(1, 0).Many(1, 1).Add(
      6, {0, 1, Answer::kYes, Answer::kYes});
  AuditPlan plan;
  plan.groupings = {{{0}, ""}, {{1}, ""}, {{0, 1}, ""}};
  const auto report = Report(plan, cases);
  std::set<std::string> suppressed;
  for (const auto& group : report.groups()) {
    if (group.suppressed()) suppressed.insert(group.group());
  }
  EXPECT_EQ(suppressed,
            (std::set<std::string>{"f*young", "f*old", "m*young", "m*old"}));
  EXPECT_TRUE(IsTold(report, "f", "selection_rate"));
}

// The old, less old women and old men, are those whose sex is not known.
TEST(SmallCellsTest, FewOfWhomAnAttributeIsNotKnownCountNowhere) {
  Cases cases;
  cases.Many(0, 0).Many(0, 1).Many(1, 0).Many(1, 1);
  cases.Add(5, {kNoCode, 0, Answer::kYes, Answer::kYes})
      .Add(7, {kNoCode, 1, Answer::kYes, Answer::kYes});
  AuditPlan plan;
  plan.groupings = {{{0}, ""}, {{1}, ""}, {{0, 1}, ""}};
  auto report = Report(plan, cases);
  EXPECT_EQ(Find(report, "old", "selection_rate")->count(), 400);
  EXPECT_TRUE(IsTold(report, "f*old", "true_positive_rate"));
  ASSERT_EQ(report.left_out_size(), 1);
  EXPECT_EQ(report.left_out(0).count(), 12);
  EXPECT_EQ(report.coverage(0).known(), 800);
  EXPECT_EQ(report.coverage(0).count(), 812);
  // Many of them are a group.
  cases.Add(20, {kNoCode, 0, Answer::kYes, Answer::kNo})
      .Add(20, {kNoCode, 1, Answer::kYes, Answer::kNo});
  report = Report(plan, cases);
  EXPECT_EQ(Find(report, "old", "selection_rate")->count(), 425);
  EXPECT_EQ(Find(report, "unknown", "selection_rate")->count(), 52);
}

// The others are withheld for the sake of x; their parts would tell them.
TEST(SmallCellsTest, AWholeIsNotTheSumOfItsParts) {
  Cases cases;
  cases.Many(0, 0).Many(0, 1).Many(1, 0).Many(1, 0).Many(1, 1).Add(
      4, {2, 0, Answer::kYes, Answer::kYes});
  AuditPlan plan;
  plan.groupings = {{{0}, ""}, {{0, 1}, ""}};
  const auto report = Report(plan, cases);
  EXPECT_FALSE(IsTold(report, "x", "selection_rate"));
  EXPECT_FALSE(IsTold(report, "f", "selection_rate"));
  EXPECT_FALSE(IsTold(report, "f*old", "selection_rate") &&
               IsTold(report, "f*young", "selection_rate"));
  EXPECT_TRUE(IsTold(report, "m", "selection_rate"));
}

TEST(SmallCellsTest, AVariantIsNotWhatIsLeftOfAll) {
  Cases cases;
  cases.Many(0, 0, 0).Many(1, 0, 0).Many(1, 0, 1).Add(
      12, {0, 0, Answer::kYes, Answer::kYes, 1});
  cases.Add(3, {0, 0, Answer::kYes, Answer::kNo, 1});
  AuditPlan plan = BySex();
  plan.by_variant = true;
  const auto report = Report(plan, cases);
  EXPECT_TRUE(IsTold(report, "f", "false_positive_rate"));
  EXPECT_FALSE(IsTold(report, "f", "false_positive_rate", "B"));
  EXPECT_FALSE(IsTold(report, "f", "false_positive_rate", "A"));
  EXPECT_TRUE(IsTold(report, "f", "selection_rate", "B"));
}

// The sum of all less the sum of the others is one person's score.
TEST(SmallCellsTest, ASumOfFewValuesIsNotLeftOver) {
  Cases cases;
  cases.Many(0, 0, 0).Many(0, 0, 1).Many(1, 0, 0).Many(1, 0, 1);
  for (size_t i = 0; i < cases.table.cases; ++i) {
    // Of women in B only three have a score.
    const bool few = i >= 203 && i < 400;
    cases.table.score.push_back(few ? NAN : static_cast<double>(i % 7));
  }
  AuditPlan plan = BySex();
  plan.by_variant = true;
  const auto report = Report(plan, cases);
  EXPECT_TRUE(IsTold(report, "f", "mean_score"));
  EXPECT_FALSE(IsTold(report, "f", "mean_score", "B"));
  EXPECT_FALSE(IsTold(report, "f", "mean_score", "A"));
  for (const auto& spread : report.distributions()) {
    EXPECT_TRUE(spread.variant().empty() || spread.group() == "m");
  }
}

TEST(SmallCellsTest, NoBinIsWhatIsLeftOfTheOthersAndNoEdgeIsSomebodys) {
  Cases cases;
  cases.Many(0).Many(1);
  for (size_t i = 0; i < cases.table.cases; ++i) {
    // One man pays much, two women an odd price, and three what many men pay.
    cases.table.price.push_back(
        i == 300 ? 9999
        : i < 2  ? 13.37
        : i < 5  ? 25
                 : 10 + static_cast<double>(i % (i < 200 ? 3 : 4)) * 5);
  }
  const auto report = Report(BySex(), cases);
  ASSERT_EQ(report.distributions_size(), 2);
  for (const auto& spread : report.distributions()) {
    double hidden = 1;
    bool open = false;
    for (const auto& bin : spread.bins()) {
      hidden -= bin.share();
      open = open || !bin.has_share();
      EXPECT_LT(bin.lower(), 30);
      EXPECT_NE(bin.lower(), 13.37);
    }
    EXPECT_EQ(open, spread.group() == "f");
    if (!open) continue;
    EXPECT_GE(hidden * static_cast<double>(spread.count()), 9.5);
  }
}

// Whatever cases there are: of each told group, what is left after its told
// parts counts nobody or enough, in each denominator.
TEST(SmallCellsTest, NothingSmallIsLeftOfAnyTables) {
  std::mt19937 random(7);
  int told = 0;
  for (int round = 0; round < 40; ++round) {
    Cases cases;
    std::uniform_int_distribution<int> cell(0, 1 + round * 2);
    for (const uint32_t sex : {0u, 1u, 2u}) {
      for (const uint32_t age : {0u, 1u, kNoCode}) {
        for (const Answer predicted : {Answer::kYes, Answer::kNo}) {
          for (const Answer label :
               {Answer::kYes, Answer::kNo, Answer::kUnknown}) {
            cases.Add(cell(random), {sex, age, predicted, label});
          }
        }
      }
    }
    AuditPlan plan;
    plan.groupings = {{{0}, ""}, {{1}, ""}, {{0, 1}, ""}};
    plan.pool_below = 0;
    const auto report = Report(plan, cases);
    // Denominators by group: predicted, outcome, and those of the table.
    const auto denominators = [&](const std::string& attribute,
                                  const std::string& group) {
      std::map<std::string, int64_t> counts;
      for (const auto& figure : report.figures()) {
        if (figure.attribute() != attribute || figure.group() != group ||
            !figure.reference().empty() || !figure.has_hits()) {
          continue;
        }
        counts[figure.metric()] = figure.count();
        EXPECT_TRUE(figure.count() == 0 || figure.count() >= 10);
      }
      return counts;
    };
    for (const char* sex : {"f", "m", "x"}) {
      auto left = denominators("sex", sex);
      told += static_cast<int>(left.size());
      for (const char* age : {"old", "young"}) {
        for (const auto& [metric, count] :
             denominators("sex*age", std::string(sex) + "*" + age)) {
          if (left.contains(metric)) left[metric] -= count;
        }
      }
      for (const auto& [metric, count] : left) {
        EXPECT_TRUE(count == 0 || std::abs(count) >= 10)
            << round << " " << sex << " " << metric << " " << count;
      }
    }
  }
  EXPECT_GT(told, 200);
}

// Sums of unknown counts that somebody knows, as rows of a matrix in reduced
// form; what else follows from them is what lies in its row space.
class Known {
 public:
  using Row = std::vector<double>;

  void Add(Row row) {
    Reduce(&row);
    const size_t pivot = PivotOf(row);
    if (pivot == row.size()) return;
    const double first = row[pivot];
    for (double& value : row) value /= first;
    for (auto& [at, other] : rows_) Subtract(row, other[pivot], &other);
    rows_.emplace(pivot, std::move(row));
  }
  bool Follows(Row row) const {
    Reduce(&row);
    return PivotOf(row) == row.size();
  }

 private:
  static size_t PivotOf(const Row& row) {
    size_t at = 0;
    while (at < row.size() && std::fabs(row[at]) < 1e-9) ++at;
    return at;
  }
  static void Subtract(const Row& row, double times, Row* from) {
    for (size_t i = 0; i < row.size(); ++i) (*from)[i] -= times * row[i];
  }
  void Reduce(Row* row) const {
    for (const auto& [pivot, known] : rows_)
      Subtract(known, (*row)[pivot], row);
  }

  std::map<size_t, Row> rows_;
};

// All that is told of a rest is the sum of what is told of its groups. Returns
// of how many figures.
int ExpectRestsAreSums(const v1::FairnessReport& report) {
  std::map<std::pair<std::string, std::string>, const v1::FairnessFigure*> told;
  for (const auto& figure : report.figures()) {
    if (figure.attribute() == "sex" && figure.has_hits() &&
        figure.reference().empty()) {
      told[{figure.group(), figure.metric()}] = &figure;
    }
  }
  int rests = 0;
  for (const auto& figure : report.figures()) {
    const size_t end = figure.metric().find("_group_");
    if (figure.reference() != "rest" || !figure.has_reference_hits() ||
        end == std::string::npos) {
      continue;
    }
    int64_t count = 0;
    int64_t hits = 0;
    for (const char* other : {"f", "m", "x"}) {
      const auto found = told.find({other, figure.metric().substr(0, end)});
      if (other == figure.group() || found == told.end()) continue;
      count += found->second->count();
      hits += found->second->hits();
    }
    EXPECT_EQ(figure.reference_count(), count) << figure.metric();
    EXPECT_EQ(figure.reference_hits(), hits) << figure.metric();
    ++rests;
  }
  return rests;
}

// Whoever solves all that a report tells for what it does not finds how no
// fewer than ten are spread: predictions of those who came true or did not, or
// whose outcome is not known, and what became of those predicted so.
TEST(SmallCellsTest, NothingSmallFollowsFromAllThatIsToldTogether) {
  constexpr uint32_t kAnything = 77;
  const std::map<std::string, uint32_t> sexes = {
      {"f", 0}, {"m", 1}, {"x", 2}, {"unknown", kNoCode}};
  const std::map<std::string, uint32_t> ages = {
      {"old", 0}, {"young", 1}, {"unknown", kNoCode}};
  std::mt19937 random(11);
  int told = 0;
  int rests = 0;
  for (int round = 0; round < 200; ++round) {
    // Atoms: all combinations, with their counts.
    std::vector<Kind> kinds;
    std::vector<int> counts;
    Cases cases;
    std::uniform_int_distribution<int> cell(0, 1 + round);
    std::uniform_int_distribution<int> rare(0, 3);
    for (const uint32_t sex : {0u, 1u, 2u, kNoCode}) {
      for (const uint32_t age : {0u, 1u, kNoCode}) {
        for (const Answer predicted : {Answer::kYes, Answer::kNo}) {
          for (const Answer label :
               {Answer::kYes, Answer::kNo, Answer::kUnknown}) {
            kinds.push_back({sex, age, predicted, label});
            counts.push_back(rare(random) == 0 ? rare(random) : cell(random));
            cases.Add(counts.back(), kinds.back());
          }
        }
      }
    }
    AuditPlan plan;
    plan.groupings = {{{0}, ""}, {{1}, ""}, {{0, 1}, ""}};
    // Rests are sums of what is told, which the solver has already.
    plan.groupings[0].rest = round % 2 == 1;
    plan.pool_below = 0;
    const auto report = Report(plan, cases);
    rests += ExpectRestsAreSums(report);
    // Who is left out altogether is no unknown; suppose that one knows that.
    const std::vector<bool> left_out = LeftOutOfGroups(plan, cases.table);
    std::vector<bool> counted;
    for (size_t i = 0, row = 0; i < kinds.size(); ++i) {
      counted.push_back(counts[i] == 0 || !left_out[row]);
      row += static_cast<size_t>(counts[i]);
    }
    const auto row_of = [&](const std::string& attribute,
                            const std::string& group, const auto& keep) {
      uint32_t sex = kAnything;
      uint32_t age = kAnything;
      const bool crossed = attribute == "sex*age";
      if (attribute == "sex") sex = sexes.at(group);
      if (attribute == "age") age = ages.at(group);
      if (crossed && group != "unknown") {
        sex = sexes.at(group.substr(0, group.find('*')));
        age = ages.at(group.substr(group.find('*') + 1));
      }
      Known::Row row;
      for (const Kind& kind : kinds) {
        const bool in = crossed && group == "unknown"
                            ? kind.sex == kNoCode || kind.age == kNoCode
                            : (sex == kAnything || kind.sex == sex) &&
                                  (age == kAnything || kind.age == age);
        row.push_back(in && counted[row.size()] && keep(kind) ? 1 : 0);
      }
      return row;
    };
    const auto is = [](bool predicted, bool label) {
      return [=](const Kind& kind) {
        return (kind.predicted == Answer::kYes) == predicted &&
               kind.label == (label ? Answer::kYes : Answer::kNo);
      };
    };
    const auto labelled = [](const Kind& kind) {
      return kind.label != Answer::kUnknown;
    };
    Known known;
    std::vector<std::pair<std::string, std::string>> groups;
    for (const auto& group : report.groups()) {
      groups.emplace_back(group.attribute(), group.group());
      const auto rows = [&](const auto& keep) {
        known.Add(row_of(group.attribute(), group.group(), keep));
      };
      std::map<std::string, const v1::FairnessFigure*> figures;
      for (const auto& figure : report.figures()) {
        if (figure.attribute() == group.attribute() &&
            figure.group() == group.group() && figure.has_hits()) {
          figures[figure.metric()] = &figure;
        }
      }
      told += static_cast<int>(figures.size());
      if (!group.suppressed()) rows([](const Kind&) { return true; });
      if (figures.contains("base_rate")) {
        rows(labelled);
        rows([](const Kind& kind) { return kind.label == Answer::kYes; });
      }
      if (figures.contains("selection_rate")) {
        // All predictions are known.
        const bool outcomes_only =
            figures["selection_rate"]->count() != group.count();
        rows([&](const Kind& kind) {
          return kind.predicted == Answer::kYes &&
                 (!outcomes_only || labelled(kind));
        });
      }
      if (!figures.contains("accuracy")) continue;
      for (const bool predicted : {true, false}) {
        for (const bool label : {true, false}) rows(is(predicted, label));
      }
    }
    for (const auto& [attribute, group] : groups) {
      const auto count_of = [&](const Known::Row& row) {
        int64_t count = 0;
        for (size_t i = 0; i < row.size(); ++i) {
          count += row[i] > 0 ? counts[i] : 0;
        }
        return count;
      };
      // Of whom, and how many of them.
      const auto hidden = [&, &attribute = attribute, &group = group](
                              const auto& of, const auto& hits) {
        const auto all = row_of(attribute, group, of);
        const int64_t count = count_of(all);
        if (count == 0 || count >= 10) return;
        EXPECT_FALSE(known.Follows(all) &&
                     known.Follows(row_of(attribute, group,
                                          [&](const Kind& kind) {
                                            return of(kind) && hits(kind);
                                          })))
            << "round " << round << ": " << attribute << " " << group << " of "
            << count;
      };
      const auto predicted = [](const Kind& kind) {
        return kind.predicted == Answer::kYes;
      };
      const auto positive = [](const Kind& kind) {
        return kind.label == Answer::kYes;
      };
      hidden([](const Kind&) { return true; }, predicted);
      hidden(positive, predicted);
      hidden([](const Kind& kind) { return kind.label == Answer::kNo; },
             predicted);
      hidden([](const Kind& kind) { return kind.label == Answer::kUnknown; },
             predicted);
      hidden(
          [&](const Kind& kind) { return predicted(kind) && labelled(kind); },
          positive);
      hidden(
          [&](const Kind& kind) { return !predicted(kind) && labelled(kind); },
          positive);
    }
  }
  EXPECT_GT(told, 4000);
  EXPECT_GT(rests, 1000);
}

class BesideEarlierTest : public ::testing::Test {
 protected:
  // Cases from `first` on, of which an earlier report counted the first
  // `earlier`.
  static absl::StatusOr<v1::FairnessReport> Later(const Cases& before,
                                                  const Cases& now,
                                                  size_t counted,
                                                  bool refuse = true) {
    v1::FairnessReport earlier = Report(BySex(), before);
    earlier.set_id("fre_earlier");
    EarlierAudit audit{&earlier, std::vector<bool>(now.table.cases)};
    for (size_t i = 0; i < counted; ++i) audit.counted[i] = true;
    AuditPlan plan = BySex();
    plan.refuse_beside_earlier = refuse;
    return RunAudit(plan, now.table, {&audit, 1});
  }
};

TEST_F(BesideEarlierTest, OneCaseMoreIsRefusedOrWithheld) {
  Cases before;
  before.Many(0).Many(1).Many(2);
  Cases now = before;
  now.Add(1, {0, 0, Answer::kYes, Answer::kYes});
  const auto refused = Later(before, now, before.table.cases);
  EXPECT_THAT(refused.status(),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(refused.status().message()),
              HasSubstr("fre_earlier"));
  const auto report = Later(before, now, before.table.cases, false);
  ASSERT_OK(report.status());
  EXPECT_EQ(Find(*report, "f", "selection_rate"), nullptr);
  for (const auto& group : report->groups()) {
    EXPECT_TRUE(group.suppressed() || group.group() != "f");
  }
  EXPECT_THAT(report->rules(),
              ::testing::Contains(HasSubstr("beside an earlier report")));
}

TEST_F(BesideEarlierTest, TheSameCasesAndManyMoreAreTold) {
  Cases before;
  before.Many(0).Many(1);
  EXPECT_OK(Later(before, before, before.table.cases).status());
  Cases now = before;
  now.Many(0).Many(1);
  EXPECT_OK(Later(before, now, before.table.cases).status());
  // Nothing in common.
  EXPECT_OK(Later(before, before, 0).status());
}

TEST_F(BesideEarlierTest, OneCaseThatIsGoneIsRefused) {
  Cases now;
  now.Many(0).Many(1);
  const size_t counted = now.table.cases;
  Cases before = now;
  before.Add(1, {1, 0, Answer::kNo, Answer::kYes});
  EXPECT_THAT(Later(before, now, counted).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

// A window that moves by a day: one goes, and another comes.
TEST_F(BesideEarlierTest, OneInTheOthersPlaceIsRefused) {
  Cases both;
  both.Many(0).Many(1);
  Cases before = both;
  before.Add(1, {1, 0, Answer::kNo, Answer::kYes});
  Cases now = both;
  now.Add(1, {1, 0, Answer::kYes, Answer::kYes});
  EXPECT_THAT(Later(before, now, both.table.cases).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(BesideEarlierTest, OneOutcomeThatCameOrChangedIsRefused) {
  Cases before;
  before.Many(0).Many(1);
  Cases changed = before;
  changed.table.label[0] = Answer::kNo;
  EXPECT_THAT(Later(before, changed, before.table.cases).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition));
  Cases open = before;
  open.Add(30, {0, 0, Answer::kYes, Answer::kUnknown});
  Cases came = open;
  came.table.label.back() = Answer::kNo;
  EXPECT_THAT(Later(open, came, open.table.cases).status(),
              StatusIs(absl::StatusCode::kFailedPrecondition));
}

// Together they are enough, but of those that are new two alone did not come
// true.
TEST_F(BesideEarlierTest, AFewInADenominatorAreEnoughToRefuse) {
  Cases before;
  before.Many(0).Many(1);
  Cases now = before;
  now.Add(30, {0, 0, Answer::kYes, Answer::kYes})
      .Add(30, {0, 0, Answer::kNo, Answer::kYes})
      .Add(2, {0, 0, Answer::kYes, Answer::kNo});
  const auto report = Later(before, now, before.table.cases, false);
  ASSERT_OK(report.status());
  EXPECT_TRUE(IsTold(*report, "f", "selection_rate"));
  EXPECT_FALSE(IsTold(*report, "f", "true_positive_rate"));
}

class KeptBackTest : public ::testing::Test {
 protected:
  // Beside an audit to come that counts all of them.
  static absl::StatusOr<v1::FairnessReport> Beside(const Cases& told,
                                                   const Cases& kept_back,
                                                   bool refuse = true) {
    KeptBack kept;
    kept.table = &kept_back.table;
    kept.audits.push_back({std::vector<bool>(told.table.cases, true),
                           std::vector<bool>(kept_back.table.cases, true)});
    AuditPlan plan = BySex();
    plan.refuse_beside_earlier = refuse;
    plan.coarse = true;
    return RunAudit(plan, told.table, {}, nullptr, &kept);
  }
};

TEST_F(KeptBackTest, OneInFiveIsHoweverNumbersFollowEachOther) {
  for (const uint64_t step : {1u, 2u, 5u, 10u, 1024u}) {
    int kept = 0;
    for (uint64_t i = 1; i <= 10'000; ++i) kept += IsKeptBack(i * step) ? 1 : 0;
    EXPECT_GT(kept, 1850) << step;
    EXPECT_LT(kept, 2150) << step;
  }
}

TEST_F(KeptBackTest, GroupsOfWhomEnoughAreKeptAreTold) {
  Cases told;
  told.Many(0).Many(1).Many(2);
  const auto report = Beside(told, told);
  ASSERT_OK(report.status());
  EXPECT_TRUE(IsTold(*report, "f", "selection_rate"));
  EXPECT_TRUE(IsTold(*report, "f", "true_positive_rate"));
  // Spreads of the two would differ by those of one here and there.
  EXPECT_TRUE(report->distributions().empty());
  EXPECT_TRUE(report->proxies().empty());
}

TEST_F(KeptBackTest, AGroupOfWhomFewAreKeptIsNot) {
  Cases told;
  told.Many(0).Many(1).Many(2);
  Cases kept;
  kept.Many(1).Many(2);
  kept.Add(3, {0, 0, Answer::kYes, Answer::kYes});
  const auto report = Beside(told, kept);
  ASSERT_OK(report.status());
  EXPECT_FALSE(IsTold(*report, "f", "selection_rate"));
  EXPECT_THAT(report->rules(), ::testing::Contains(HasSubstr("kept back")));
  // Of nobody at all: nothing that somebody asked for, and little of what was
  // registered.
  EXPECT_THAT(Beside(told, Cases()).status(),
              StatusIs(absl::StatusCode::kOutOfRange));
  const auto registered = Beside(told, Cases(), /*refuse=*/false);
  ASSERT_OK(registered.status());
  for (const auto& group : registered->groups()) {
    EXPECT_TRUE(group.suppressed());
  }
}

// Those whose outcome is known are others than those who are selected.
TEST_F(KeptBackTest, RatesAgainstOutcomesNeedThemOfThoseKept) {
  Cases told;
  told.Many(0).Many(1);
  Cases kept;
  for (const uint32_t sex : {0u, 1u}) {
    kept.Add(20, {sex, 0, Answer::kYes, Answer::kUnknown});
    kept.Add(20, {sex, 0, Answer::kNo, Answer::kUnknown});
  }
  const auto report = Beside(told, kept);
  ASSERT_OK(report.status());
  EXPECT_TRUE(IsTold(*report, "f", "selection_rate"));
  EXPECT_FALSE(IsTold(*report, "f", "true_positive_rate"));
}

}  // namespace
}  // namespace consentry::policy::fairness
