// What staff see of monitors beside each other, page by page.
#include "gateway/fairness/monitor_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/fairness/show_monitor.h"
#include "tests/testing/status_matchers.h"

namespace consentry::fairness {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kUsPerDay = int64_t{86'400} * 1'000'000;
constexpr int64_t kNowUs = 20'000 * kUsPerDay;

constexpr char kHead[] = R"pb(
  id: "p"
  model: "m"
  favourable { labels { labels: "y" } }
  purpose: "b"
  metrics { kind: SELECTION_RATE }
  minimum: 20
  alpha: 0.001
  alarm { pairs_between_false_alarms: 100 }
)pb";
constexpr char kSexOfTheRest[] = R"pb(
  attributes {
    name: "sex"
    source: TEXT
    field: "profile.sex"
    groups { name: "f" }
    groups { name: "m" }
    groups { name: "d" }
    rule: REST
  }
)pb";
constexpr char kSexAndAge[] = R"pb(
  attributes {
    name: "sex"
    source: TEXT
    field: "profile.sex"
    groups { name: "f" }
    groups { name: "m" }
    reference: "m"
  }
  attributes {
    name: "age"
    source: TEXT
    field: "profile.age"
    groups { name: "old" }
    groups { name: "young" }
    reference: "young"
  }
  intersections {
    attributes: "sex"
    attributes: "age"
    reference: "m"
    reference: "young"
  }
)pb";
constexpr int kUnknown = rules::kUnknownGroup;

// A version whose people are counted as they come.
class People {
 public:
  explicit People(const std::string& profile, int64_t no = 1) {
    const auto compiled = CompileProfile("p", absl::StrCat(kHead, profile), 1);
    EXPECT_OK(compiled);
    version_.no = no;
    version_.profile = *compiled;
    version_.doc = NewVersionDoc(**compiled, absl::StrCat("v", no), 1);
    for (const auto& stream : (*compiled)->profile->streams()) {
      monitors_.emplace_back(stream.plan);
    }
  }

  // Every `favoured`th of them gets it; 0: nobody.
  People& Add(int count, const std::vector<int>& groups, int favoured = 2,
              int days_ago = 0) {
    const auto& streams = version_.profile->profile->streams();
    for (int i = 0; i < count; ++i) {
      const double value = favoured > 0 && i % favoured == 0 ? 1 : 0;
      version_.doc.set_units(version_.doc.units() + 1);
      for (size_t a = 0; a < groups.size(); ++a) {
        if (groups[a] != kUnknown) continue;
        auto& counts = *version_.doc.mutable_attributes(static_cast<int>(a));
        counts.set_unknown(counts.unknown() + 1);
      }
      for (size_t s = 0; s < streams.size(); ++s) {
        const auto side = streams[s].SideOf(groups);
        if (!side) continue;
        monitors_[s].Count(*side, value, 0, kNowUs - days_ago * kUsPerDay);
      }
    }
    return *this;
  }

  std::shared_ptr<const WatchedVersion> Version() {
    version_.monitors.clear();
    for (const auto& monitor : monitors_) {
      version_.monitors.push_back(
          std::make_shared<const rules::Monitor>(monitor));
    }
    NoteStanding(&version_);
    return std::make_shared<const WatchedVersion>(version_);
  }

  std::vector<v1::FairnessMonitor> Shown() {
    const auto version = Version();
    const ShownMonitors shown(*version, kNowUs);
    std::vector<v1::FairnessMonitor> all;
    for (size_t i = 0; i < monitors_.size(); ++i) {
      all.push_back(shown.Show(i));
    }
    return all;
  }

 private:
  WatchedVersion version_;
  std::vector<rules::Monitor> monitors_;
};

// f and its rest, less m, would be the three others.
TEST(ShownMonitorsTest, NoSmallGroupIsWhatOthersLeave) {
  const auto shown =
      People(kSexOfTheRest).Add(1000, {0}).Add(1000, {1}).Add(3, {2}).Shown();
  int told = 0;
  for (const auto& one : shown) {
    if (!one.suppressed()) {
      ++told;
      continue;
    }
    EXPECT_EQ(one.group_count(), 0);
    EXPECT_EQ(one.reference_count(), 0);
    EXPECT_EQ(one.window_group_count(), 0);
    EXPECT_FALSE(one.has_window_group_mean());
    EXPECT_FALSE(one.has_estimate());
    EXPECT_EQ(one.upper(), 0);
    EXPECT_EQ(one.pairs(), 0);
    EXPECT_EQ(one.unpaired_count(), 0);
    EXPECT_FALSE(one.has_coverage());
  }
  EXPECT_EQ(told, 1);
  EXPECT_TRUE(shown[2].suppressed());
}

// What is found stands, whatever it may not be shown with.
TEST(ShownMonitorsTest, AFindingThatMayNotBeCountedIsTold) {
  People people(kSexOfTheRest);
  for (int i = 0; i < 1000; ++i) {
    people.Add(1, {0}, 0).Add(1, {1}, 1);
  }
  const auto shown = people.Add(3, {2}).Shown();
  ASSERT_TRUE(shown[0].suppressed() || shown[1].suppressed());
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(shown[i].verdict(), v1::FAIRNESS_VERDICT_VIOLATION);
    EXPECT_TRUE(shown[i].has_violation_time());
  }
}

TEST(ShownMonitorsTest, NoSmallGroupIsWhatWindowsLeave) {
  const auto shown = People(kSexOfTheRest)
                         .Add(100, {0}, 2, 40)
                         .Add(100, {1}, 2, 40)
                         .Add(100, {2}, 2, 40)
                         .Add(50, {0})
                         .Add(60, {1})
                         .Add(3, {2})
                         .Shown();
  int windows = 0;
  for (const auto& one : shown) {
    EXPECT_FALSE(one.suppressed());
    EXPECT_EQ(one.window_days(), 28);
    windows += one.window_group_count() > 0 ? 1 : 0;
  }
  EXPECT_EQ(windows, 1);
  EXPECT_FALSE(shown[2].has_window_group_mean());
}

// All of its life less those of the window would be four.
TEST(ShownMonitorsTest, NoWindowLeavesFewBeforeIt) {
  const auto shown = People(kSexOfTheRest)
                         .Add(4, {0}, 2, 40)
                         .Add(100, {0})
                         .Add(100, {1})
                         .Shown();
  EXPECT_FALSE(shown[0].suppressed());
  EXPECT_EQ(shown[0].group_count(), 104);
  EXPECT_EQ(shown[0].window_group_count(), 0);
  EXPECT_EQ(shown[1].window_group_count(), 0);
}

// Of whom the sex is known the age is not.
TEST(ShownMonitorsTest, TheShareOfAnIntersectionIsThatOfItsOwnGroups) {
  People people(kSexAndAge);
  people.Add(100, {0, kUnknown})
      .Add(100, {1, kUnknown})
      .Add(100, {kUnknown, 0})
      .Add(100, {kUnknown, 1});
  for (const auto& one : people.Shown()) {
    ASSERT_TRUE(one.has_coverage()) << one.DebugString();
    EXPECT_EQ(one.coverage(), one.attribute() == "sex*age" ? 0 : 0.5)
        << one.attribute();
  }
  for (const int sex : {0, 1}) {
    for (const int age : {0, 1}) people.Add(50, {sex, age});
  }
  for (const auto& one : people.Shown()) {
    EXPECT_DOUBLE_EQ(one.coverage(),
                     one.attribute() == "sex*age" ? 2. / 6 : 4. / 6);
  }
}

TEST(ShownMonitorsTest, AShareThatTellsOfFewIsNotTold) {
  People people(kSexAndAge);
  for (const int sex : {0, 1}) {
    for (const int age : {0, 1}) people.Add(50, {sex, age});
  }
  people.Add(3, {kUnknown, kUnknown});
  for (const auto& one : people.Shown()) {
    EXPECT_FALSE(one.suppressed()) << one.DebugString();
    EXPECT_FALSE(one.has_coverage()) << one.DebugString();
  }
  people.Add(30, {kUnknown, kUnknown});
  for (const auto& one : people.Shown()) {
    EXPECT_DOUBLE_EQ(one.coverage(), 200. / 233) << one.DebugString();
  }
}

class ListMonitorsTest : public ::testing::Test {
 protected:
  ListMonitorsTest() {
    for (int64_t no = 1; no <= 4; ++no) {
      people_.push_back(std::make_unique<People>(kSexAndAge, no));
      for (const int sex : {0, 1}) {
        for (const int age : {0, 1}) people_.back()->Add(50, {sex, age});
      }
    }
  }

  // Until older women are accused of nothing, and looked at.
  void Alarm(int64_t no) {
    People& people = *people_[static_cast<size_t>(no - 1)];
    for (int i = 0; i < 1000 && people.Version()->alarms.empty(); ++i) {
      people.Add(1, {0, 0}, 0).Add(1, {1, 1}, 1);
    }
    ASSERT_THAT(people.Version()->alarms, ::testing::Not(IsEmpty()));
  }
  // Until it is accused.
  void Violate(int64_t no) {
    People& people = *people_[static_cast<size_t>(no - 1)];
    for (int i = 0; i < 300; ++i) {
      people.Add(1, {0, 0}, 0).Add(1, {1, 1}, 1);
    }
    ASSERT_THAT(people.Version()->violations, ::testing::Not(IsEmpty()));
  }

  MonitorPage Page(const std::string& place, size_t size = 4) {
    std::vector<std::shared_ptr<const WatchedVersion>> versions;
    for (auto& people : people_) versions.push_back(people->Version());
    auto page =
        ListMonitors(std::move(versions), request_, place, size, kNowUs);
    EXPECT_OK(page);
    return page.ok() ? *std::move(page) : MonitorPage();
  }
  std::vector<std::string> Ids(const MonitorPage& page) {
    std::vector<std::string> ids;
    for (const auto& one : page.monitors) ids.push_back(one.id());
    return ids;
  }

  std::vector<std::unique_ptr<People>> people_;
  v1::ListFairnessMonitorsRequest request_;
};

TEST_F(ListMonitorsTest, TheNewestVersionsComeFirst) {
  const auto first = Page("");
  EXPECT_THAT(Ids(first),
              ElementsAre("fmo_p.4.0", "fmo_p.4.1", "fmo_p.4.2", "fmo_p.4.3"));
  EXPECT_THAT(Ids(Page(first.next, 2)), ElementsAre("fmo_p.4.4", "fmo_p.3.0"));
  const auto all = Page("", 20);
  EXPECT_EQ(all.monitors.size(), 20u);
  EXPECT_EQ(all.next, "");
}

TEST_F(ListMonitorsTest, WhatIsFoundBetweenTwoPagesMovesNothing) {
  Alarm(3);
  const auto begun = people_[2]->Version()->alarms;
  auto page = Page("");
  EXPECT_EQ(page.monitors[0].model_version(), "v3");
  EXPECT_TRUE(page.monitors[0].alarm());
  std::multiset<std::string> seen;
  for (int pages = 1; pages < 20; ++pages) {
    for (const std::string& id : Ids(page)) seen.insert(id);
    // One that is listed, and one that is to come.
    if (pages == 1) Alarm(4);
    if (pages == 2) Violate(1);
    if (page.next.empty()) break;
    page = Page(page.next);
  }
  EXPECT_EQ(seen.size(), 20u);
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), 20u);
}

TEST_F(ListMonitorsTest, ViolationsStandInFrontAndAreFound) {
  Alarm(4);
  Violate(2);
  const auto page = Page("", 20);
  EXPECT_EQ(page.monitors[0].verdict(), v1::FAIRNESS_VERDICT_VIOLATION);
  EXPECT_EQ(page.monitors[0].model_version(), "v2");
  size_t violations = 0;
  for (const auto& one : page.monitors) {
    violations += one.verdict() == v1::FAIRNESS_VERDICT_VIOLATION ? 1u : 0u;
  }
  ASSERT_LT(violations, 20u);
  EXPECT_TRUE(page.monitors[violations].alarm());
  request_.set_verdict(v1::FAIRNESS_VERDICT_VIOLATION);
  EXPECT_EQ(Page("", 20).monitors.size(), violations);
  const auto one = Page("", violations);
  EXPECT_EQ(one.monitors.size(), violations);
  EXPECT_EQ(one.next, "");
  request_.set_verdict(v1::FAIRNESS_VERDICT_INSUFFICIENT);
  request_.set_model("m");
  EXPECT_EQ(Page("", 20).monitors.size(), 20 - violations);
  request_.set_model("other");
  EXPECT_THAT(Page("", 20).monitors, IsEmpty());
}

TEST_F(ListMonitorsTest, APlaceThatIsNoneIsAnError) {
  for (const std::string place :
       {"3", "x||", "1||", "0|1|", "0|1.x|", "0||7", "0|1.1|1.1|"}) {
    EXPECT_FALSE(ListMonitors({}, request_, place, 5, kNowUs).ok()) << place;
  }
}

}  // namespace
}  // namespace consentry::fairness
