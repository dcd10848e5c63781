// Outputs that are counted on their way: in the transaction of their verdicts,
// once for each person, under the profile that their version began with.
#include "gateway/fairness/fairness_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "gateway/fairness/fairness_desk.h"
#include "gateway/fairness/interruption.h"
#include "gateway/fairness/show_monitor.h"
#include "tests/unit/gateway/screening/screening_fixture.h"

namespace consentry::fairness {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::RowBuilder;

constexpr char kProfile[] = R"pb(
  id: "credit"
  model: "credit"
  kinds: DECISION
  favourable { labels { labels: "granted" } }
  purpose: "test.bias"
  attributes {
    name: "tier"
    source: TEXT
    field: "profile.tier"
    groups { name: "gold" }
    groups { name: "silver" }
    reference: "gold"
  }
  attributes {
    name: "age_band"
    source: BIRTH_DATE
    field: "profile.birth_date"
    bands: 40
    reference: "40_and_over"
  }
  metrics { kind: SELECTION_RATE }
  minimum: 5
  suppress_below: 3
  alpha: 0.2
  on_violation: BLOCK
)pb";

class FairnessWatchTest : public ::testing::Test,
                          public screening::ScreeningFixture {
 protected:
  FairnessWatchTest() : rows_(&keys().epochs(), &digests()) { Start(); }

  // As after a start of the gateway.
  void Start() {
    screener_.reset();
    auto opened = FairnessWatch::Open(
        {.configuration = [this] { return configuration(); },
         .subjects = &reader(),
         .rows = &rows_,
         .on_found =
             [this](std::vector<FairnessFinding> found) {
               for (auto& one : found) found_.push_back(std::move(one));
             }},
        reader_connection());
    ASSERT_OK(opened);
    watch_ = *std::move(opened);
    parts().fairness = watch_.get();
    screener_ = std::make_unique<screening::Screener>(parts());
    desk_ = std::make_unique<FairnessDesk>(
        FairnessDesk::Options{.answers = {[this] { return configuration(); },
                                          committer(), &workers()},
                              .readers = readers(),
                              .watch = watch_.get(),
                              .rows = &rows_,
                              .page_tokens = &page_tokens()});
  }

  absl::StatusOr<v1::FairnessProfile> Put(const std::string& text,
                                          const std::string& etag = "") {
    v1::PutFairnessProfileRequest request;
    request.mutable_profile()->set_text(text);
    request.mutable_profile()->set_etag(etag);
    auto [done, future] =
        testing::Promised<absl::StatusOr<v1::FairnessProfile>>();
    desk_->Put(As("bank"), request, std::move(done));
    return future.get();
  }

  std::string Customer(const std::string& key, const std::string& tier) {
    RowBuilder row("profile", key);
    row.Email(key + "@example.com")
        .Text("first_name", "Anna")
        .Text("email", key + "@example.com")
        .Residence("DE");
    if (!tier.empty()) row.Text("tier", tier);
    return ImportOne("crm", row).subject_id;
  }

  v1::ScreenOutputResponse Decide(const std::string& subject, bool granted,
                                  const std::string& version = "3") {
    auto request = Refusal(subject, absl::StrCat("o-", ++outputs_));
    request.mutable_output()->set_model_version(version);
    request.mutable_output()->set_label(granted ? "granted" : "refused");
    auto [done, future] = testing::Promised<
        absl::StatusOr<access::Released<v1::ScreenOutputResponse>>>();
    access::Caller caller = As("bank");
    caller.method = "ScreeningService.ScreenOutput";
    caller.event = "screening.screen";
    screener_->Screen(caller, request, std::move(done));
    auto released = future.get();
    EXPECT_OK(released);
    return released.ok() ? released->response : v1::ScreenOutputResponse();
  }

  std::shared_ptr<const WatchedVersion> Version(const std::string& name = "3") {
    for (const auto& version : watch_->versions()) {
      if (version->doc.model_version() == name) return version;
    }
    return nullptr;
  }

  std::vector<v1::FairnessMonitor> Monitors() {
    auto [done, future] = testing::Promised<
        absl::StatusOr<access::Released<v1::ListFairnessMonitorsResponse>>>();
    desk_->Monitors(As("bank"), {}, std::move(done));
    auto released = future.get();
    EXPECT_OK(released);
    if (!released.ok()) return {};
    return {released->response.monitors().begin(),
            released->response.monitors().end()};
  }

  std::string Remarks() {
    v1::GetFairnessProfileRequest request;
    request.set_id("credit");
    auto [done, future] = testing::Promised<
        absl::StatusOr<access::Released<v1::FairnessProfile>>>();
    desk_->Get(As("bank"), request, std::move(done));
    auto released = future.get();
    EXPECT_OK(released);
    if (!released.ok()) return "";
    return absl::StrJoin(released->response.remarks(), "\n");
  }

  int64_t Counted() {
    int64_t counted = 0;
    for (const store::v1::Leaf& leaf : Leaves()) {
      counted += std::count_if(leaf.details().begin(), leaf.details().end(),
                               [](const std::string& detail) {
                                 return detail.starts_with("counted=credit/");
                               });
    }
    return counted;
  }

  const FairnessRows rows_;
  std::unique_ptr<FairnessWatch> watch_;
  std::unique_ptr<FairnessDesk> desk_;
  std::unique_ptr<screening::Screener> screener_;
  std::vector<FairnessFinding> found_;
  int outputs_ = 0;
};

TEST_F(FairnessWatchTest, WithoutAProfileNothingIsCounted) {
  Decide(Customer("anna", "gold"), true);
  EXPECT_THAT(watch_->versions(), IsEmpty());
  EXPECT_EQ(Counted(), 0);
  EXPECT_EQ(Rows("fairness_units"), 0);
}

TEST_F(FairnessWatchTest, APersonCountsOnceByTheFirstOutput) {
  ASSERT_OK(Put(kProfile));
  const std::string anna = Customer("anna", "gold");
  Decide(anna, true);
  Decide(anna, false);
  Decide(Customer("bert", "silver"), false);
  Decide(Customer("carl", ""), false);
  const auto version = Version();
  ASSERT_NE(version, nullptr);
  EXPECT_EQ(version->doc.units(), 3u);
  EXPECT_EQ(version->doc.attributes(0).unknown(), 1u);
  EXPECT_EQ(version->doc.attributes(1).unknown(), 3u);
  const auto& monitor = *version->monitors[0];
  EXPECT_EQ(monitor.totals(rules::Side::kReference).count, 1u);
  EXPECT_EQ(monitor.totals(rules::Side::kReference).sum, 1);
  EXPECT_EQ(monitor.totals(rules::Side::kGroup).count, 1u);
  EXPECT_EQ(Counted(), 3);
  for (const store::v1::Leaf& leaf : Leaves()) {
    EXPECT_THAT(leaf.DebugString(), Not(HasSubstr("silver")));
    EXPECT_THAT(leaf.DebugString(), Not(HasSubstr("gold")));
  }
}

TEST_F(FairnessWatchTest, APersonCountsAgainInTheNextPeriodWhereOneIsAsked) {
  ASSERT_OK(Put(absl::StrCat(kProfile, "unit { period: DAY }")));
  const std::string anna = Customer("anna", "gold");
  for (int day = 0; day < 3; ++day) {
    Decide(anna, true);
    Decide(anna, true);
    clock().AdvanceUs(int64_t{86'400} * 1'000'000);
  }
  EXPECT_EQ(Version()->doc.units(), 3u);
  EXPECT_EQ(Counted(), 3);
}

TEST_F(FairnessWatchTest, UnitsOfTwoProfilesNeverShareARecord) {
  ASSERT_OK(Put(kProfile));
  const std::string anna = Customer("anna", "silver");
  const std::string bert = Customer("bert", "silver");
  const auto weigh = [&](const std::string& subject) {
    vault::SubjectReader::HeadOptions options;
    options.as_of_change = committer()->LastStored();
    access::Snapshot snapshot;
    auto members =
        reader().ReadGroup(reader_connection(), Number(subject), options);
    EXPECT_OK(members);
    snapshot.members = *std::move(members);
    auto request = Refusal(subject, "o-1");
    auto unit =
        watch_->Weigh(reader_connection(), request.output(), v1::CHANNEL_EMAIL,
                      snapshot, clock().NowUs(), options);
    EXPECT_OK(unit);
    return *std::move(unit);
  };
  // Of two attributes, and of the first alone.
  auto narrow = *policy::ParseText<config::v1::FairnessProfile>("", kProfile);
  narrow.message.mutable_attributes()->DeleteSubrange(1, 1);
  auto second = std::make_shared<ProfileInForce>();
  second->profile = *rules::Profile::Create(std::move(narrow));
  second->version = 2;
  store::Change change;
  change.apply =
      [&, before = weigh(anna)](store::ChangeContext& context) -> absl::Status {
    store::v1::Leaf leaf;
    CONSENTRY_RETURN_IF_ERROR(watch_->Count(context, before, &leaf));
    watch_->SetProfile(second);
    CONSENTRY_RETURN_IF_ERROR(watch_->Count(context, weigh(bert), &leaf));
    context.SetEntry(leaf.SerializeAsString());
    return absl::OkStatus();
  };
  EXPECT_EQ(
      ReasonOf(committer()->CommitChangeAndWait(std::move(change)).status),
      v1::ERROR_REASON_ETAG_MISMATCH);
  EXPECT_THAT(watch_->versions(), IsEmpty());
  EXPECT_EQ(Rows("fairness_units"), 0);
  EXPECT_EQ(Rows("fairness_versions"), 0);
}

constexpr char kPrices[] = R"pb(
  id: "prices"
  model: "credit"
  favourable { labels { labels: "granted" } }
  purpose: "test.bias"
  attributes {
    name: "tier"
    source: TEXT
    field: "profile.tier"
    groups { name: "gold" }
    groups { name: "silver" }
    reference: "gold"
  }
  metrics { kind: SELECTION_RATE }
  metrics { kind: PRICE_MEAN }
  minimum: 5
  suppress_below: 1
)pb";

TEST_F(FairnessWatchTest, WhatSaysNothingUsesUpNothing) {
  ASSERT_OK(Put(kPrices));
  const auto offer = [&](const std::string& subject, bool priced, bool told) {
    auto request = Refusal(subject, absl::StrCat("p-", ++outputs_));
    v1::Output* const output = request.mutable_output();
    if (!told) output->clear_label();
    if (priced) {
      output->mutable_price()->set_minor_units(1500);
      output->mutable_price()->set_currency("EUR");
      output->mutable_base_price()->set_minor_units(1000);
      output->mutable_base_price()->set_currency("EUR");
    }
    auto [done, future] = testing::Promised<
        absl::StatusOr<access::Released<v1::ScreenOutputResponse>>>();
    screener_->Screen(As("bank"), request, std::move(done));
    ASSERT_OK(future.get());
  };
  const std::string anna = Customer("anna", "gold");
  offer(anna, false, false);
  offer(anna, false, false);
  ASSERT_NE(Version(), nullptr);
  EXPECT_EQ(Version()->doc.units(), 0u);
  EXPECT_EQ(Version()->doc.unreadable(0), 1u);
  EXPECT_EQ(Version()->doc.unreadable(1), 1u);
  // A page without a price, then prices.
  offer(anna, false, true);
  offer(anna, true, true);
  offer(anna, true, true);
  const auto version = Version();
  EXPECT_EQ(version->doc.units(), 2u);
  EXPECT_EQ(version->doc.unreadable(1), 1u);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(version->monitors[i]->totals(rules::Side::kReference).count, 1u);
  }
  std::vector<std::string> counted;
  for (const store::v1::Leaf& leaf : Leaves()) {
    for (const std::string& detail : leaf.details()) {
      if (detail.starts_with("counted")) counted.push_back(detail);
    }
  }
  EXPECT_EQ(counted, (std::vector<std::string>{
                         "counted=prices/3", "counted_metrics=0",
                         "counted=prices/3", "counted_metrics=1"}));
}

// A version of a profile whose monitors are fed by hand.
class ShowMonitorTest : public ::testing::Test {
 protected:
  void Use(const std::string& text) {
    const auto profile = CompileProfile("p", text, 1);
    ASSERT_OK(profile);
    version_.profile = *profile;
    version_.doc = NewVersionDoc(**profile, "1", 1);
    for (const auto& stream : (*profile)->profile->streams()) {
      monitors_.emplace_back(stream.plan);
    }
  }
  void Count(size_t stream, rules::Side side, double value,
             bool clipped = false) {
    monitors_[stream].Count(side, value, 0, ++now_us_, clipped);
    version_.doc.set_units(version_.doc.units() + 1);
  }
  v1::FairnessMonitor Show(size_t stream) {
    version_.monitors.clear();
    for (const auto& monitor : monitors_) {
      version_.monitors.push_back(
          std::make_shared<const rules::Monitor>(monitor));
    }
    return ShownMonitors(version_, now_us_).Show(stream);
  }

  WatchedVersion version_;
  std::vector<rules::Monitor> monitors_;
  int64_t now_us_ = 1;
};

TEST_F(ShowMonitorTest, PricesBeyondTheRangeAreToldAndNeverWithinTolerance) {
  Use(kPrices);
  const rules::Profile& profile = *version_.profile->profile;
  const auto price = [&](int64_t minor_units) {
    v1::Output output;
    output.mutable_price()->set_minor_units(minor_units);
    output.mutable_price()->set_currency("EUR");
    output.mutable_base_price()->set_minor_units(1000);
    output.mutable_base_price()->set_currency("EUR");
    return *profile.ValueOf(profile.metrics()[1], output);
  };
  version_.doc.set_unreadable(1, 300);
  for (int i = 0; i < 2000; ++i) {
    // Four times and twice the base.
    const auto group = price(4000);
    const auto reference = price(2000);
    Count(1, rules::Side::kGroup, group.value, group.clipped);
    Count(1, rules::Side::kReference, reference.value, reference.clipped);
    if (i % 100 != 0) continue;
    EXPECT_EQ(Show(1).verdict(), v1::FAIRNESS_VERDICT_INSUFFICIENT) << i;
  }
  const auto shown = Show(1);
  EXPECT_EQ(shown.needed(), -1);
  EXPECT_EQ(shown.clipped_count(), 2000);
  EXPECT_EQ(shown.reference_clipped_count(), 0);
  EXPECT_EQ(shown.unreadable_count(), 300);
}

TEST_F(ShowMonitorTest, AnAlarmOfGroupsTooSmallToBeShownIsTold) {
  Use(absl::StrReplaceAll(kPrices,
                          {{"suppress_below: 1", "suppress_below: 100000"},
                           {"reference: \"gold\"\n  }",
                            "reference: \"gold\"\n  }\n  alarm { "
                            "pairs_between_false_alarms: 100 }"}}));
  for (int i = 0; i < 400; ++i) {
    Count(0, rules::Side::kGroup, 0);
    Count(0, rules::Side::kReference, 1);
  }
  const auto shown = Show(0);
  EXPECT_TRUE(shown.suppressed());
  EXPECT_TRUE(shown.alarm());
  EXPECT_TRUE(shown.has_alarm_time());
  EXPECT_EQ(shown.group_count(), 0);
  EXPECT_FALSE(shown.has_estimate());
}

TEST_F(FairnessWatchTest, WhoeverIsJoinedWithSomebodyCountedIsNoNewOne) {
  ASSERT_OK(Put(kProfile));
  const std::string anna = Customer("anna", "gold");
  const std::string bert = Customer("bert", "gold");
  Decide(bert, true);
  Merge(anna, bert);
  Decide(anna, true);
  Decide(bert, true);
  EXPECT_EQ(Version()->doc.units(), 1u);
  EXPECT_EQ(Counted(), 1);
}

TEST_F(FairnessWatchTest, WhatTheGatewayBlocksIsCountedAsTheEngineMeantIt) {
  ASSERT_OK(Put(kProfile));
  const std::string anna = Customer("anna", "gold");
  // An input that the purpose has no field for: not permitted.
  auto request = Refusal(anna, "x-1");
  request.mutable_output()->set_label("granted");
  request.mutable_output()->add_input_categories("user.behavior");
  auto [done, future] = testing::Promised<
      absl::StatusOr<access::Released<v1::ScreenOutputResponse>>>();
  screener_->Screen(As("bank"), request, std::move(done));
  const auto released = future.get();
  ASSERT_OK(released);
  EXPECT_EQ(released->response.verdict(), v1::VERDICT_BLOCKED);
  EXPECT_EQ(Version()->monitors[0]->totals(rules::Side::kReference).sum, 1);
}

TEST_F(FairnessWatchTest, AViolationBlocksTheVersionAndNoOther) {
  ASSERT_OK(Put(kProfile));
  for (int i = 0; i < 60; ++i) {
    Decide(Customer(absl::StrCat("g", i), "gold"), true);
    Decide(Customer(absl::StrCat("s", i), "silver"), false);
  }
  ASSERT_EQ(Version()->violations, (std::vector<size_t>{0}));
  ASSERT_FALSE(found_.empty());
  EXPECT_TRUE(std::any_of(found_.begin(), found_.end(),
                          [](const auto& one) { return one.violation; }));
  const auto blocked = Decide(Customer("dora", "gold"), true);
  EXPECT_EQ(blocked.verdict(), v1::VERDICT_BLOCKED);
  EXPECT_EQ(blocked.verdict_class(), v1::VERDICT_CLASS_FAIRNESS);
  EXPECT_NE(Decide(Customer("emil", "gold"), true, "4").verdict_class(),
            v1::VERDICT_CLASS_FAIRNESS);
  // Staff are told while the version is in use.
  EXPECT_THAT(FindingLines(*watch_, clock().NowUs()),
              Contains("fairness_violation: fmo_credit.1.0"));
  EXPECT_THAT(
      FindingLines(*watch_, clock().NowUs() + int64_t{3} * 86'400 * 1'000'000),
      IsEmpty());
  // Also when it only serves people who were counted before.
  clock().AdvanceUs(int64_t{3} * 86'400 * 1'000'000);
  EXPECT_THAT(FindingLines(*watch_, clock().NowUs()), IsEmpty());
  const std::string again = Customer("g0", "gold");
  Decide(again, true);
  EXPECT_THAT(FindingLines(*watch_, clock().NowUs()),
              Contains("fairness_violation: fmo_credit.1.0"));
  const auto monitors = Monitors();
  ASSERT_EQ(monitors.size(), 4u);
  EXPECT_EQ(monitors[0].verdict(), v1::FAIRNESS_VERDICT_VIOLATION);
  EXPECT_EQ(monitors[0].model_version(), "3");
  EXPECT_EQ(monitors[0].group(), "silver");
  EXPECT_LT(monitors[0].upper(), 0.8);
  EXPECT_TRUE(monitors[0].has_violation_time());
  // Of the new version, and of ages, nobody can say anything.
  for (size_t i = 1; i < monitors.size(); ++i) {
    EXPECT_EQ(monitors[i].verdict(), v1::FAIRNESS_VERDICT_INSUFFICIENT);
    EXPECT_TRUE(monitors[i].suppressed());
    EXPECT_EQ(monitors[i].group_count(), 0);
  }
}

TEST_F(FairnessWatchTest, OnlyWhatStandsAgainstMoreThanBeforeIsAChange) {
  ASSERT_OK(Put(absl::StrReplaceAll(
      kProfile, {{"on_violation: BLOCK", "on_violation: OBSERVE"}})));
  for (int i = 0; i < 60; ++i) {
    Decide(Customer(absl::StrCat("g", i), "gold"), true);
    Decide(Customer(absl::StrCat("s", i), "silver"), false);
  }
  ASSERT_EQ(Version()->violations, (std::vector<size_t>{0}));
  // What is only observed stands against nothing, until it is to be blocked.
  EXPECT_EQ(watch_->changes(), 0u);
  const auto blocks = CompileProfile("credit", kProfile, 2);
  ASSERT_OK(blocks);
  watch_->SetProfile(*blocks);
  EXPECT_EQ(watch_->changes(), 1u);
  for (int i = 0; i < 60; ++i) {
    Decide(Customer(absl::StrCat("h", i), "gold"), true, "4");
    Decide(Customer(absl::StrCat("t", i), "silver"), false, "4");
  }
  ASSERT_EQ(Version("4")->violations, (std::vector<size_t>{0}));
  EXPECT_EQ(watch_->changes(), 2u);
}

TEST_F(FairnessWatchTest, AViolationThatTheLogLacksIsLoggedAtTheNextStart) {
  ASSERT_OK(Put(kProfile));
  for (int i = 0; i < 60; ++i) {
    Decide(Customer(absl::StrCat("g", i), "gold"), true);
    Decide(Customer(absl::StrCat("s", i), "silver"), false);
  }
  ASSERT_FALSE(found_.empty());
  // Ended before the entry was written.
  Start();
  ASSERT_EQ(watch_->unlogged().size(), 1u);
  EXPECT_EQ(watch_->unlogged()[0].monitor, "fmo_credit.1.0");
  RecordFindings(
      committer(), &rows_, [this] { return configuration(); },
      watch_->unlogged());
  // Changes are applied in their order.
  Customer("last", "gold");
  Start();
  EXPECT_THAT(watch_->unlogged(), IsEmpty());
  const auto leaves = Leaves();
  EXPECT_EQ(std::count_if(leaves.begin(), leaves.end(),
                          [](const store::v1::Leaf& leaf) {
                            return leaf.event() == kFindingEvent &&
                                   leaf.details(1) ==
                                       "violation=fmo_credit.1.0" &&
                                   leaf.details(2) == "profile_version=1";
                          }),
            1);
}

TEST_F(FairnessWatchTest, ARestartRestoresWhatWasCounted) {
  ASSERT_OK(Put(kProfile));
  for (int i = 0; i < 20; ++i) {
    Decide(Customer(absl::StrCat("g", i), "gold"), i % 3 == 0);
    Decide(Customer(absl::StrCat("s", i), "silver"), i % 2 == 0);
  }
  const auto before = Version();
  Start();
  const auto after = Version();
  ASSERT_NE(after, nullptr);
  EXPECT_EQ(before->doc.SerializeAsString(), after->doc.SerializeAsString());
  for (size_t i = 0; i < before->monitors.size(); ++i) {
    EXPECT_EQ(before->monitors[i]->Save().SerializeAsString(),
              after->monitors[i]->Save().SerializeAsString());
  }
  Decide(Customer("zoe", "gold"), true);
  EXPECT_EQ(Version()->doc.units(), 41u);
  EXPECT_EQ(Counted(), 41);
}

TEST_F(FairnessWatchTest, ARestoreSaysWhatWasLostAndLetsViolationsStand) {
  ASSERT_OK(Put(kProfile));
  Decide(Customer("anna", "gold"), true);
  CountedBehind behind;
  EXPECT_TRUE(behind.empty());
  store::v1::Leaf leaf;
  leaf.add_details("screening=scr_x");
  leaf.add_details("counted=credit/3");
  behind.Add(leaf);
  behind.Add(leaf);
  leaf.set_details(1, "counted=credit/9");
  behind.Add(leaf);
  leaf.set_details(1, "counted=gone/1");
  behind.Add(leaf);
  store::v1::Leaf finding;
  finding.set_event(std::string(kFindingEvent));
  finding.set_time_us(77);
  finding.add_details("record=credit/9");
  finding.add_details("violation=fmo_credit.8.0");
  finding.add_details("profile_version=1");
  behind.Add(finding);
  // What nobody can have found.
  finding.set_details(1, "violation=fmo_credit.8.77");
  behind.Add(finding);
  finding.set_details(1, "violation=fmo_credit");
  behind.Add(finding);
  store::Change change;
  change.apply = [&](store::ChangeContext& context) -> absl::Status {
    store::v1::Leaf told;
    CONSENTRY_RETURN_IF_ERROR(
        behind.Mark(rows_, context.connection(), context.now_us(), &told));
    EXPECT_EQ(told.details(0), "fairness_records=2");
    context.SetEntry(told.SerializeAsString());
    return absl::OkStatus();
  };
  ASSERT_OK(committer()->CommitChangeAndWait(std::move(change)).status);
  Start();
  EXPECT_EQ(Version("3")->doc.units(), 1u);
  EXPECT_EQ(Version("3")->doc.lost_units(), 2u);
  EXPECT_THAT(Version("3")->violations, IsEmpty());
  ASSERT_NE(Version("9"), nullptr);
  EXPECT_EQ(Version("9")->doc.lost_units(), 1u);
  EXPECT_EQ(Version("9")->violations, (std::vector<size_t>{0}));
  EXPECT_FALSE(Version("9")->lost_violation());
  const auto monitors = Monitors();
  ASSERT_EQ(monitors.size(), 4u);
  EXPECT_EQ(monitors[0].model_version(), "9");
  EXPECT_EQ(monitors[0].verdict(), v1::FAIRNESS_VERDICT_VIOLATION);
  EXPECT_TRUE(monitors[0].has_interrupted_time());
  EXPECT_EQ(Decide(Customer("bert", "gold"), true, "9").verdict_class(),
            v1::VERDICT_CLASS_FAIRNESS);
  EXPECT_EQ(Version("9")->doc.units(), 1u);
}

TEST_F(FairnessWatchTest, ARestoreAccusesNoComparisonOfAnotherText) {
  ASSERT_OK(Put(kProfile));
  const std::string anna = Customer("anna", "gold");
  Decide(anna, true);
  // Behind the backup the profile was changed, and stream 1 was of another
  // attribute; or an entry does not say under what it was found.
  CountedBehind behind;
  store::v1::Leaf finding;
  finding.set_event(std::string(kFindingEvent));
  finding.set_time_us(78);
  finding.add_details("record=credit/9");
  finding.add_details("violation=fmo_credit.8.1");
  finding.add_details("profile_version=2");
  behind.Add(finding);
  finding.set_time_us(77);
  finding.set_details(1, "violation=fmo_credit.8.7");
  behind.Add(finding);
  finding.set_details(0, "record=credit/3");
  finding.mutable_details()->RemoveLast();
  behind.Add(finding);
  store::Change change;
  change.apply = [&](store::ChangeContext& context) -> absl::Status {
    store::v1::Leaf told;
    CONSENTRY_RETURN_IF_ERROR(
        behind.Mark(rows_, context.connection(), context.now_us(), &told));
    context.SetEntry(told.SerializeAsString());
    return absl::OkStatus();
  };
  ASSERT_OK(committer()->CommitChangeAndWait(std::move(change)).status);
  Start();
  for (const char* const name : {"9", "3"}) {
    ASSERT_NE(Version(name), nullptr);
    EXPECT_THAT(Version(name)->violations, IsEmpty());
    EXPECT_EQ(Version(name)->doc.lost_violation_us(), 77);
    const auto blocked = Decide(anna, true, name);
    EXPECT_EQ(blocked.verdict(), v1::VERDICT_BLOCKED);
    EXPECT_EQ(blocked.verdict_class(), v1::VERDICT_CLASS_FAIRNESS);
  }
  for (const v1::FairnessMonitor& monitor : Monitors()) {
    EXPECT_EQ(monitor.verdict(), v1::FAIRNESS_VERDICT_INSUFFICIENT);
    EXPECT_TRUE(monitor.has_interrupted_time());
  }
  const auto lines = FindingLines(*watch_, clock().NowUs());
  EXPECT_THAT(lines, Contains("fairness_lost_violation: fmo_credit.1"));
  EXPECT_THAT(lines, Contains("fairness_lost_violation: fmo_credit.2"));
  EXPECT_THAT(Remarks(), HasSubstr("Against version 9 a violation stands"));
  // A new version is a matter of its own.
  EXPECT_NE(Decide(anna, true, "10").verdict_class(),
            v1::VERDICT_CLASS_FAIRNESS);
}

TEST_F(FairnessWatchTest, WhileNothingMayBeReadNobodyIsUsedUp) {
  ASSERT_OK(Put(kProfile));
  Decide(Customer("anna", "gold"), true);
  const std::string bert = Customer("bert", "silver");
  const int64_t rows = Rows("fairness_units");
  SetSuspended("test.bias", true);
  const int64_t since_us = clock().NowUs();
  Decide(bert, false);
  // Of a version that only begins.
  Decide(bert, false, "4");
  clock().AdvanceUs(int64_t{3600} * 1'000'000);
  Decide(Customer("carl", "silver"), false);
  for (const bool restarted : {false, true}) {
    if (restarted) Start();
    EXPECT_EQ(Version()->doc.units(), 1u);
    EXPECT_EQ(Version()->doc.attributes(0).unknown(), 0u);
    EXPECT_EQ(Version()->doc.uncounted_since_us(), since_us);
    ASSERT_NE(Version("4"), nullptr);
    EXPECT_EQ(Version("4")->doc.units(), 0u);
    EXPECT_EQ(Version("4")->doc.uncounted_since_us(), since_us);
  }
  EXPECT_EQ(Rows("fairness_units"), rows);
  EXPECT_EQ(Counted(), 1);
  EXPECT_EQ(FindingLines(*watch_, clock().NowUs()),
            (std::vector<std::string>{"fairness_not_counted: fmo_credit.1",
                                      "fairness_not_counted: fmo_credit.2"}));
  EXPECT_THAT(Remarks(), HasSubstr("No attribute may be read now"));
  EXPECT_THAT(Remarks(), HasSubstr("Of version 4 nobody was counted since 20"));

  SetSuspended("test.bias", false);
  EXPECT_THAT(FindingLines(*watch_, clock().NowUs()), IsEmpty());
  Decide(bert, false);
  EXPECT_EQ(Version()->doc.units(), 2u);
  EXPECT_EQ(Version()->monitors[0]->totals(rules::Side::kGroup).count, 1u);
  EXPECT_EQ(Version()->doc.uncounted_since_us(), 0);
  EXPECT_EQ(Version()->doc.uncounted_us(), int64_t{3600} * 1'000'000);
  EXPECT_EQ(Counted(), 2);
  EXPECT_THAT(Remarks(), Not(HasSubstr("No attribute may be read now")));
}

TEST_F(FairnessWatchTest, AFieldThatIsGoneTakesItsOwnAttributeAlone) {
  ASSERT_OK(Put(kProfile));
  ReplaceInPurposes(
      "fields { field: \"profile.birth_date\" transform: NONE why: \"w\" }",
      "");
  Decide(Customer("anna", "gold"), true);
  Decide(Customer("bert", "silver"), true);
  // Nothing is held of her: unknown, and counted.
  Decide(Customer("carl", ""), true);
  const auto version = Version();
  EXPECT_EQ(version->doc.units(), 3u);
  EXPECT_EQ(version->doc.attributes(0).unknown(), 1u);
  EXPECT_EQ(version->doc.attributes(1).unknown(), 3u);
  EXPECT_EQ(version->doc.uncounted_since_us(), 0);
  EXPECT_EQ(version->monitors[0]->totals(rules::Side::kGroup).count, 1u);
  EXPECT_EQ(version->monitors[0]->totals(rules::Side::kReference).count, 1u);
  EXPECT_EQ(Counted(), 3);
  EXPECT_THAT(FindingLines(*watch_, clock().NowUs()),
              Contains("fairness_unreadable: fmo_credit.1"));
  EXPECT_THAT(Remarks(), HasSubstr("lists no field of age_band now"));
  // The other one too: nobody is counted.
  ReplaceInPurposes("purpose_class: BIAS_DETECTION", "purpose_class: SUPPORT");
  Decide(Customer("dora", "gold"), true);
  EXPECT_EQ(Version()->doc.units(), 3u);
  EXPECT_NE(Version()->doc.uncounted_since_us(), 0);
}

TEST_F(FairnessWatchTest, StaffAreToldWhereMostAreUnknown) {
  ASSERT_OK(Put(kProfile));
  for (int i = 0; i < 4; ++i) Decide(Customer(absl::StrCat("a", i), ""), true);
  // Fewer than the profile's minimum.
  EXPECT_THAT(FindingLines(*watch_, clock().NowUs()), IsEmpty());
  Decide(Customer("b", "gold"), true);
  EXPECT_THAT(FindingLines(*watch_, clock().NowUs()),
              Contains("fairness_low_coverage: fmo_credit.1"));
}

TEST_F(FairnessWatchTest, ARunningVersionKeepsWhatItStartedWith) {
  const auto first = Put(kProfile);
  ASSERT_OK(first);
  EXPECT_EQ(first->version(), 1u);
  EXPECT_EQ(first->streams(), 2);
  EXPECT_THAT(first->remarks(), Not(IsEmpty()));
  const std::string anna = Customer("anna", "gold");
  Decide(anna, true);
  EXPECT_EQ(ReasonOf(Put(kProfile).status()), v1::ERROR_REASON_ETAG_MISMATCH);
  const auto second =
      Put(absl::StrReplaceAll(kProfile, {{"alpha: 0.2", "alpha: 0.1"}}),
          first->etag());
  ASSERT_OK(second);
  EXPECT_EQ(second->version(), 2u);
  Decide(Customer("bert", "gold"), true);
  Decide(Customer("carl", "gold"), true, "4");
  EXPECT_EQ(Version("3")->doc.units(), 2u);
  EXPECT_DOUBLE_EQ(Version("3")->monitors[0]->plan().alpha, 0.1);
  EXPECT_DOUBLE_EQ(Version("4")->monitors[0]->plan().alpha, 0.05);
  Start();
  EXPECT_DOUBLE_EQ(Version("3")->monitors[0]->plan().alpha, 0.1);
  EXPECT_EQ(Version("3")->doc.profile_version(), 1u);
  EXPECT_EQ(watch_->profiles().at("credit")->version, 2u);
}

TEST_F(FairnessWatchTest, RefusesAProfileThatCouldNotBeKept) {
  EXPECT_EQ(ReasonOf(Put("id: \"x\"").status()),
            v1::ERROR_REASON_CONFIG_INVALID);
  EXPECT_EQ(ReasonOf(Put(absl::StrReplaceAll(kProfile,
                                             {{"test.bias", "test.service"}}))
                         .status()),
            v1::ERROR_REASON_STATE_INVALID);
  EXPECT_EQ(ReasonOf(Put(absl::StrReplaceAll(
                             kProfile, {{"profile.tier", "profile.city"}}))
                         .status()),
            v1::ERROR_REASON_FIELD_NOT_ALLOWED);
  ASSERT_OK(Put(kProfile));
  EXPECT_EQ(ReasonOf(Put(absl::StrReplaceAll(
                             kProfile, {{"id: \"credit\"", "id: \"other\""}}))
                         .status()),
            v1::ERROR_REASON_ALREADY_EXISTS);
}

TEST_F(FairnessWatchTest, AProfileKeepsTheModelThatWasCounted) {
  const auto first = Put(kProfile);
  ASSERT_OK(first);
  const std::string elsewhere =
      absl::StrReplaceAll(kProfile, {{"model: \"credit\"", "model: \"x\""}});
  // Nothing was counted yet.
  const auto moved = Put(elsewhere, first->etag());
  ASSERT_OK(moved);
  const auto back = Put(kProfile, moved->etag());
  ASSERT_OK(back);
  Decide(Customer("anna", "gold"), true);
  EXPECT_EQ(ReasonOf(Put(elsewhere, back->etag()).status()),
            v1::ERROR_REASON_STATE_INVALID);
  EXPECT_EQ(ReasonOf(Put(absl::StrReplaceAll(
                             kProfile, {{"kinds: DECISION", "kinds: OFFER"}}),
                         back->etag())
                         .status()),
            v1::ERROR_REASON_STATE_INVALID);
}

TEST_F(FairnessWatchTest, OfTwoProfilesPutAtOnceOneWatchesTheModel) {
  v1::PutFairnessProfileRequest request;
  request.mutable_profile()->set_text(kProfile);
  auto [done, future] =
      testing::Promised<absl::StatusOr<v1::FairnessProfile>>();
  desk_->Put(As("bank"), request, std::move(done));
  request.mutable_profile()->set_text(
      absl::StrReplaceAll(kProfile, {{"id: \"credit\"", "id: \"credit2\""}}));
  auto [done2, future2] =
      testing::Promised<absl::StatusOr<v1::FairnessProfile>>();
  desk_->Put(As("bank"), request, std::move(done2));
  const auto one = future.get();
  const auto other = future2.get();
  EXPECT_NE(one.ok(), other.ok());
  EXPECT_EQ(ReasonOf(one.ok() ? other.status() : one.status()),
            v1::ERROR_REASON_ALREADY_EXISTS);
}

TEST_F(FairnessWatchTest, VersionsBeyondTheBoundShareARecord) {
  ASSERT_OK(Put(kProfile));
  const std::string anna = Customer("anna", "gold");
  for (size_t i = 0; i < FairnessWatch::kMaxVersions + 5; ++i) {
    Decide(anna, true, absl::StrCat("v", i));
  }
  EXPECT_EQ(watch_->versions().size(), FairnessWatch::kMaxVersions + 1);
  ASSERT_NE(Version("*"), nullptr);
  // The same person, once.
  EXPECT_EQ(Version("*")->doc.units(), 1u);
  EXPECT_THAT(FindingLines(*watch_, clock().NowUs()),
              Contains("fairness_many_versions: credit"));
  EXPECT_THAT(Remarks(), HasSubstr("256 versions of the model were in use"));

  // A quarter later those are out of use, and what was said against "*" is said
  // against nobody new.
  clock().AdvanceUs(FairnessWatch::kInUseUs);
  for (const bool restarted : {false, true}) {
    if (restarted) Start();
    EXPECT_EQ(watch_->InUse("credit", clock().NowUs()), restarted ? 1u : 0u);
    const std::string name = restarted ? "y" : "x";
    Decide(anna, true, name);
    ASSERT_NE(Version(name), nullptr);
    EXPECT_EQ(Version(name)->doc.units(), 1u);
  }
  EXPECT_EQ(Version("*")->doc.units(), 1u);
  EXPECT_THAT(FindingLines(*watch_, clock().NowUs()), IsEmpty());
  EXPECT_THAT(Remarks(), Not(HasSubstr("were in use")));
}

TEST_F(FairnessWatchTest, GroupsOfErasedCustomersDoNotStayInMemory) {
  ASSERT_OK(Put(kProfile));
  const std::string anna = Customer("anna", "gold");
  Decide(anna, true);
  Decide(Customer("bert", "gold"), true);
  watch_->Sweep(clock().NowUs());
  EXPECT_EQ(watch_->known(), 2u);
  // As an erasure does.
  cache().Invalidate(Number(anna), INT64_MAX);
  watch_->Sweep(clock().NowUs());
  EXPECT_EQ(watch_->known(), 1u);
  // Ages change at midnight.
  watch_->Sweep(clock().NowUs() + int64_t{86'400} * 1'000'000);
  EXPECT_EQ(watch_->known(), 0u);
}

TEST_F(FairnessWatchTest, BoundsThatBecameNarrowerStopNoStart) {
  const std::string text =
      absl::StrReplaceAll(kProfile, {{"alpha: 0.2", "alpha: 0.5"}});
  ASSERT_EQ(ReasonOf(Put(text).status()), v1::ERROR_REASON_CONFIG_INVALID);
  // As an earlier release took it.
  store::Change change;
  change.apply = [&](store::ChangeContext& context) -> absl::Status {
    ProfileRow profile;
    profile.doc.set_id("credit");
    profile.doc.set_version(2);
    profile.doc.set_text(text);
    CONSENTRY_RETURN_IF_ERROR(rows_.Put(context.connection(), &profile));
    VersionRow version;
    version.no = 1;
    CONSENTRY_ASSIGN_OR_RETURN(const auto first,
                               CompileProfile("credit", text, 1));
    version.doc = NewVersionDoc(*first, "3", context.now_us());
    CONSENTRY_RETURN_IF_ERROR(rows_.Put(context.connection(), &version));
    context.SetEntry(store::v1::Leaf().SerializeAsString());
    return absl::OkStatus();
  };
  ASSERT_OK(committer()->CommitChangeAndWait(std::move(change)).status);
  Start();
  ASSERT_NE(watch_, nullptr);
  Decide(Customer("anna", "gold"), true);
  ASSERT_NE(Version(), nullptr);
  EXPECT_EQ(Version()->doc.units(), 1u);
  EXPECT_DOUBLE_EQ(Version()->monitors[0]->plan().alpha, 0.25);
  EXPECT_FALSE(CompileProfile("credit", "id: \"credit\"", 1).ok());
}

}  // namespace
}  // namespace consentry::fairness
