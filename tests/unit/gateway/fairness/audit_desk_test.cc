// Audits on a real store: registered before they look, once for each date, out
// of the year's alpha, of outputs as engines made them.
#include "gateway/fairness/audit_desk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "audit/log/note.h"
#include "gateway/clients/configuration.h"
#include "gateway/fairness/fairness_desk.h"
#include "tests/unit/gateway/screening/screening_fixture.h"

namespace consentry::fairness {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::RowBuilder;

constexpr int64_t kUsPerDay = int64_t{24} * 3600 * 1'000'000;

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
  metrics { kind: SELECTION_RATE }
  minimum: 5
  suppress_below: 3
  audits {
    calendar: QUARTERLY
    yearly_alpha: 0.08
    outcome: "REPAID"
    outcome_days: 10
  }
)pb";

class AuditDeskTest : public ::testing::Test,
                      public screening::ScreeningFixture {
 protected:
  AuditDeskTest()
      : rows_(&keys().epochs(), &digests()),
        report_rows_(&keys().epochs()),
        cases_({.configuration = [this] { return configuration(); },
                .committer = committer(),
                .readers = readers(),
                .subjects = &reader(),
                .screenings = parts().rows,
                .outcomes = parts().outcomes}) {
    auto opened = FairnessWatch::Open(
        {.configuration = [this] { return configuration(); },
         .subjects = &reader(),
         .rows = &rows_,
         .on_found = nullptr},
        reader_connection());
    EXPECT_OK(opened);
    watch_ = *std::move(opened);
    parts().fairness = watch_.get();
    screener_ = std::make_unique<screening::Screener>(parts());
    profiles_ = std::make_unique<FairnessDesk>(
        FairnessDesk::Options{.answers = answers(),
                              .watch = watch_.get(),
                              .rows = &rows_,
                              .digests = &digests(),
                              .page_tokens = &page_tokens()});
    Start();
  }

  access::AnswerParts answers() {
    return {[this] { return configuration(); }, committer(), &workers()};
  }

  // As after a start of the gateway.
  void Start() {
    desk_ = nullptr;
    desk_ = std::make_unique<AuditDesk>(AuditDesk::Options{
        .answers = answers(),
        .readers = readers(),
        .watch = watch_.get(),
        .profiles = &rows_,
        .rows = &report_rows_,
        .cases = &cases_,
        .digests = &digests(),
        .page_tokens = &page_tokens(),
        .signer = parts().signer,
        .log_origin = "test.log",
        .tell =
            [this](store::ChangeContext&, const std::string& report,
                   const std::vector<std::string>& lines) {
              told_.push_back(report);
              lines_ = lines;
              return absl::OkStatus();
            },
        .wake = [this] { ++woken_; }});
  }

  absl::StatusOr<v1::FairnessProfile> Put(const std::string& text,
                                          const std::string& etag = "") {
    v1::PutFairnessProfileRequest request;
    request.mutable_profile()->set_text(text);
    request.mutable_profile()->set_etag(etag);
    auto [done, future] =
        testing::Promised<absl::StatusOr<v1::FairnessProfile>>();
    profiles_->Put(As("bank"), request, std::move(done));
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

  std::string Decide(const std::string& subject, bool granted,
                     const std::string& version = "3") {
    auto request = Refusal(subject, absl::StrCat("o-", ++outputs_));
    request.mutable_output()->set_model_version(version);
    request.mutable_output()->set_label(granted ? "granted" : "refused");
    access::Caller caller = As("bank");
    caller.method = "ScreeningService.ScreenOutput";
    caller.event = "screening.screen";
    auto [done, future] = testing::Promised<
        absl::StatusOr<access::Released<v1::ScreenOutputResponse>>>();
    screener_->Screen(caller, request, std::move(done));
    auto released = future.get();
    EXPECT_OK(released);
    return released.ok() ? released->response.screening_id() : "";
  }

  void Repay(const std::string& screening, bool repaid) {
    v1::RecordOutcomeRequest request;
    v1::Outcome& outcome = *request.add_outcomes();
    outcome.set_output(screening);
    outcome.set_kind(v1::OUTCOME_KIND_REPAID);
    outcome.set_value(repaid ? 1 : 0);
    outcome.mutable_time()->set_seconds(committer()->NowUs() / 1'000'000);
    auto [done, future] =
        testing::Promised<absl::StatusOr<v1::RecordOutcomeResponse>>();
    outcome_desk().Record(
        As("bank"), request,
        [](const v1::Outcome&) { return absl::OkStatus(); }, std::move(done));
    EXPECT_OK(future.get());
  }

  // So many of each tier, of whom every second gets it, and of silver every
  // fifth.
  void Population(int gold, int silver) {
    for (int i = 0; i < gold + silver; ++i) {
      const bool is_gold = i < gold;
      const std::string id =
          Customer(absl::StrCat("p", ++people_), is_gold ? "gold" : "silver");
      Decide(id, i % (is_gold ? 2 : 5) == 0);
    }
  }

  using Made = absl::StatusOr<v1::FairnessReport>;
  std::future<Made> Ask(bool confirmatory = true,
                        const std::string& request_id = "", int64_t to_us = 0) {
    v1::RunFairnessAuditRequest request;
    request.set_profile_id("credit");
    request.set_confirmatory(confirmatory);
    request.set_request_id(request_id);
    if (to_us != 0) {
      request.mutable_to_time()->set_seconds(to_us / 1'000'000);
    }
    auto [done, future] = testing::Promised<Made>();
    access::Caller caller = As("bank");
    caller.method = "ScreeningService.RunFairnessAudit";
    caller.event = "fairness.audit";
    desk_->Run(caller, request, std::move(done));
    return std::move(future);
  }
  // The change that registers it is done before anything is looked at.
  void WaitForWake(int times) {
    const auto end =
        std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (woken_.load() < times && std::chrono::steady_clock::now() < end) {
      std::this_thread::yield();
    }
    EXPECT_GE(woken_.load(), times) << "the audit was not registered";
  }
  Made Audit(bool confirmatory = true, const std::string& request_id = "") {
    const int before = woken_.load();
    auto future = Ask(confirmatory, request_id);
    WaitForWake(before + 1);
    EXPECT_OK(desk_->Tick());
    return future.get();
  }

  std::vector<v1::FairnessReport> List() {
    auto page = Wait<v1::ListFairnessReportsResponse>(
        [&](auto done) { desk_->List(As("bank"), {}, std::move(done)); });
    EXPECT_OK(page);
    if (!page.ok()) return {};
    return {page->reports().begin(), page->reports().end()};
  }
  absl::StatusOr<std::string> Download(const std::string& id,
                                       v1::FairnessReportFormat format) {
    v1::DownloadFairnessReportRequest request;
    request.set_id(id);
    request.set_format(format);
    return Wait<std::string>([&](auto done) {
      desk_->Download(As("bank"), request, std::move(done));
    });
  }

  static const v1::FairnessFigure* Find(const v1::FairnessReport& report,
                                        const std::string& group,
                                        const std::string& metric) {
    for (const auto& figure : report.figures()) {
      if (figure.group() == group && figure.metric() == metric) return &figure;
    }
    return nullptr;
  }
  static int64_t CountOf(const v1::FairnessReport& report,
                         const std::string& group) {
    for (const auto& one : report.groups()) {
      if (one.group() == group) return one.suppressed() ? -1 : one.count();
    }
    return 0;
  }

  const FairnessRows rows_;
  const ReportRows report_rows_;
  const AuditCases cases_;
  std::unique_ptr<FairnessWatch> watch_;
  std::unique_ptr<screening::Screener> screener_;
  std::unique_ptr<FairnessDesk> profiles_;
  std::unique_ptr<AuditDesk> desk_;
  std::vector<std::string> told_;
  std::vector<std::string> lines_;
  std::atomic<int> woken_{0};
  int outputs_ = 0;
  int people_ = 0;
};

TEST_F(AuditDeskTest, AnAuditIsRegisteredThenMadeSignedAndLogged) {
  ASSERT_OK(Put(kProfile));
  Population(10, 10);
  clock().AdvanceUs(1'000'000);
  auto future = Ask();
  WaitForWake(1);
  // Nothing was looked at, and the alpha is spent.
  auto list = List();
  ASSERT_EQ(list.size(), 1u);
  EXPECT_DOUBLE_EQ(list[0].alpha(), 0.02);
  EXPECT_FALSE(list[0].has_create_time());
  EXPECT_THAT(Download(list[0].id(), v1::FAIRNESS_REPORT_FORMAT_JSON).status(),
              testing::StatusIs(absl::StatusCode::kFailedPrecondition));
  ASSERT_OK(desk_->Tick());
  const auto report = future.get();
  ASSERT_OK(report);
  EXPECT_EQ(report->id(), list[0].id());
  EXPECT_EQ(report->count(), 20);
  EXPECT_DOUBLE_EQ(report->alpha(), 0.02);
  const auto* gold = Find(*report, "gold", "selection_rate");
  ASSERT_NE(gold, nullptr);
  EXPECT_DOUBLE_EQ(gold->value(), 0.5);
  const auto* silver =
      Find(*report, "silver", "selection_rate_group_over_reference");
  ASSERT_NE(silver, nullptr);
  EXPECT_DOUBLE_EQ(silver->value(), 0.4);

  const auto file = Download(report->id(), v1::FAIRNESS_REPORT_FORMAT_JSON);
  ASSERT_OK(file);
  const std::string hash = absl::BytesToHexString(clients::Sha256(*file));
  EXPECT_EQ(report->digest(), hash);
  const auto note = audit::ParseNote(report->note());
  ASSERT_OK(note);
  const audit::NoteVerifier key = verifier();
  EXPECT_EQ(audit::CheckNote(*note, {&key, 1}), audit::NoteTrust::kVerified);
  EXPECT_THAT(note->text, HasSubstr("digest sha256:" + hash));
  EXPECT_THAT(note->text, HasSubstr(report->id()));
  bool logged = false;
  for (const store::v1::Leaf& leaf : Leaves()) {
    for (const std::string& detail : leaf.details()) {
      logged = logged || detail == "sha256=" + hash;
      EXPECT_THAT(detail, Not(HasSubstr("silver")));
    }
  }
  EXPECT_TRUE(logged);
  const auto page = Download(report->id(), v1::FAIRNESS_REPORT_FORMAT_HTML);
  ASSERT_OK(page);
  EXPECT_THAT(*page, HasSubstr(hash));
}

TEST_F(AuditDeskTest, WhoAsksAgainFindsLessAndThenNothing) {
  ASSERT_OK(Put(kProfile));
  Population(6, 6);
  clock().AdvanceUs(1'000'000);
  double spent = 0;
  double last = 1;
  for (int i = 0; i < 4; ++i) {
    const auto report = Audit();
    ASSERT_OK(report);
    EXPECT_LT(report->alpha(), last);
    last = report->alpha();
    spent += last;
  }
  EXPECT_LT(spent, 0.04);
  const auto descriptive = Audit(/*confirmatory=*/false);
  ASSERT_OK(descriptive);
  EXPECT_FALSE(descriptive->confirmatory());
  EXPECT_EQ(descriptive->tests(), 0);
}

TEST_F(AuditDeskTest, EachDateOfTheCalendarHasOneAuditOfWhichStaffAreTold) {
  ASSERT_OK(Put(kProfile));
  Population(6, 6);
  // November: the third quarter was over before there was a profile.
  ASSERT_OK(desk_->Tick());
  EXPECT_THAT(List(), IsEmpty());
  // The year is over, but not the time that outcomes have.
  clock().AdvanceUs(50 * kUsPerDay);
  ASSERT_OK(desk_->Tick());
  EXPECT_THAT(List(), IsEmpty());
  clock().AdvanceUs(10 * kUsPerDay);
  ASSERT_OK(desk_->Tick());
  ASSERT_OK(desk_->Tick());
  const auto list = List();
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0].span(), "2026-Q4");
  EXPECT_DOUBLE_EQ(list[0].alpha(), 0.01);
  EXPECT_EQ(list[0].count(), 12);
  EXPECT_EQ(told_, std::vector<std::string>{list[0].id()});
  EXPECT_THAT(lines_, Contains("cases: 12"));
  for (const std::string& line : lines_) {
    EXPECT_TRUE(std::all_of(line.begin(), line.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
             c == '.' || c == ':' || c == '-' || c == ' ';
    })) << line;
  }
  // A change of the profile makes no second one.
  ASSERT_OK(
      Put(absl::StrReplaceAll(kProfile, {{"minimum: 5", "minimum: 6"}}), "v1"));
  ASSERT_OK(desk_->Tick());
  EXPECT_EQ(List().size(), 1u);
}

TEST_F(AuditDeskTest, WhatACrashInterruptedLooksForTheSameAlpha) {
  ASSERT_OK(Put(kProfile));
  Population(6, 6);
  clock().AdvanceUs(1'000'000);
  auto future = Ask();
  WaitForWake(1);
  Start();
  EXPECT_THAT(future.get().status(),
              testing::StatusIs(absl::StatusCode::kUnavailable));
  ASSERT_OK(desk_->Tick());
  auto list = List();
  ASSERT_EQ(list.size(), 1u);
  EXPECT_TRUE(list[0].has_create_time());
  EXPECT_DOUBLE_EQ(list[0].alpha(), 0.02);
}

TEST_F(AuditDeskTest, TheSameRequestFindsTheSameReport) {
  ASSERT_OK(Put(kProfile));
  Population(6, 6);
  clock().AdvanceUs(1'000'000);
  const std::string request = "3f2c8a52-4f0e-4c8a-9d3a-0d9f6a1b2c3d";
  const auto first = Audit(true, request);
  ASSERT_OK(first);
  const auto second = Audit(true, request);
  ASSERT_OK(second);
  EXPECT_EQ(first->id(), second->id());
  EXPECT_EQ(List().size(), 1u);
}

TEST_F(AuditDeskTest, APersonCountsOnceHoweverOftenSheComesAndToWhichVersion) {
  ASSERT_OK(Put(kProfile));
  std::vector<std::string> again;
  for (int i = 0; i < 5; ++i) {
    const std::string id = Customer(absl::StrCat("g", i), "gold");
    again.push_back(id);
    Decide(id, true);
    Decide(id, false);
    if (i == 0) Decide(id, false, "4");
  }
  clock().AdvanceUs(3 * kUsPerDay);
  // Nothing is held of her.
  for (int i = 0; i < 3; ++i) Decide(Customer(absl::StrCat("u", i), ""), true);
  // Days later all of them once more.
  for (int i = 0; i < 5; ++i) Decide(again[static_cast<size_t>(i)], false);
  clock().AdvanceUs(1'000'000);
  const auto report = Audit();
  ASSERT_OK(report);
  EXPECT_EQ(report->count(), 8);
  EXPECT_EQ(CountOf(*report, "gold"), 5);
  EXPECT_EQ(CountOf(*report, "unknown"), 3);
  const auto* gold = Find(*report, "gold", "selection_rate");
  ASSERT_NE(gold, nullptr);
  EXPECT_EQ(gold->hits(), 5);
}

TEST_F(AuditDeskTest, SmallGroupsLeaveInNoForm) {
  ASSERT_OK(Put(kProfile));
  Population(9, 2);
  clock().AdvanceUs(1'000'000);
  const auto report = Audit();
  ASSERT_OK(report);
  EXPECT_EQ(CountOf(*report, "silver"), -1);
  for (const auto& figure : report->figures()) {
    EXPECT_NE(figure.group(), "silver") << figure.DebugString();
  }
  for (const auto& trend : report->trends()) {
    EXPECT_NE(trend.group(), "silver");
  }
}

// The difference of the two would tell what became of one person.
TEST_F(AuditDeskTest, NearlyTheSameCasesAreNotToldTwice) {
  ASSERT_OK(Put(kProfile));
  Population(6, 6);
  clock().AdvanceUs(1'000'000);
  const auto first = Audit();
  ASSERT_OK(first);
  Population(1, 0);
  clock().AdvanceUs(1'000'000);
  const auto second = Audit();
  EXPECT_THAT(second.status(),
              testing::StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(first->id()));
  // It stands in the list, without its alpha.
  const auto list = List();
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].alpha(), 0);
  EXPECT_THAT(list[0].limits(), Contains(HasSubstr("could not be made")));
  EXPECT_THAT(Download(list[0].id(), v1::FAIRNESS_REPORT_FORMAT_JSON).status(),
              testing::StatusIs(absl::StatusCode::kFailedPrecondition));
  // Describing tells as much.
  EXPECT_THAT(Audit(/*confirmatory=*/false).status(),
              testing::StatusIs(absl::StatusCode::kFailedPrecondition));
  // Three more of gold, and a time that has nothing in common.
  Population(2, 0);
  clock().AdvanceUs(1'000'000);
  const auto enough = Audit();
  ASSERT_OK(enough);
  EXPECT_DOUBLE_EQ(enough->alpha(), 0.01);
  EXPECT_EQ(CountOf(*enough, "gold"), 9);
}

TEST_F(AuditDeskTest, ADateOfTheCalendarLeavesOutWhatAnEarlierOneWouldTell) {
  ASSERT_OK(Put(kProfile));
  Population(6, 6);
  clock().AdvanceUs(1'000'000);
  ASSERT_OK(Audit());
  Population(1, 0);
  clock().AdvanceUs(60 * kUsPerDay);
  ASSERT_OK(desk_->Tick());
  const auto list = List();
  ASSERT_EQ(list.size(), 2u);
  ASSERT_EQ(list[0].span(), "2026-Q4");
  EXPECT_TRUE(list[0].has_create_time());
  const auto file = Download(list[0].id(), v1::FAIRNESS_REPORT_FORMAT_JSON);
  ASSERT_OK(file);
  EXPECT_THAT(*file, HasSubstr("beside an earlier report"));
  EXPECT_THAT(*file, Not(HasSubstr("\"hits\"")));
}

TEST_F(AuditDeskTest, WhatTheGatewayBlocksCountsAsTheEngineMeantIt) {
  ASSERT_OK(Put(kProfile));
  for (int i = 0; i < 6; ++i) {
    // An input that the purpose has no field for: not permitted.
    auto request =
        Refusal(Customer(absl::StrCat("g", i), "gold"), absl::StrCat("x-", i));
    request.mutable_output()->set_label("granted");
    request.mutable_output()->add_input_categories("user.behavior");
    const auto answer = Screen("bank", request);
    ASSERT_OK(answer);
    EXPECT_EQ(answer->verdict(), v1::VERDICT_BLOCKED);
  }
  clock().AdvanceUs(1'000'000);
  const auto report = Audit();
  ASSERT_OK(report);
  const auto* gold = Find(*report, "gold", "selection_rate");
  ASSERT_NE(gold, nullptr);
  EXPECT_EQ(gold->value(), 1);
  EXPECT_THAT(report->rules(), Contains(HasSubstr("6 of 6")));
}

TEST_F(AuditDeskTest, OutcomesCountOnceTheyHadTheirTime) {
  ASSERT_OK(Put(absl::StrReplaceAll(
      kProfile, {{"suppress_below: 3", "suppress_below: 1"}})));
  for (int i = 0; i < 12; ++i) {
    const std::string id =
        Customer(absl::StrCat("p", i), i % 2 == 0 ? "gold" : "silver");
    const std::string screening = Decide(id, i < 8);
    clock().AdvanceUs(1'000'000);
    if (i < 10) Repay(screening, i % 3 != 0);
  }
  clock().AdvanceUs(1'000'000);
  const auto young = Audit();
  ASSERT_OK(young);
  const auto* none = Find(*young, "gold", "true_positive_rate");
  EXPECT_TRUE(none == nullptr || !none->has_value());
  clock().AdvanceUs(11 * kUsPerDay);
  const auto report = Audit();
  ASSERT_OK(report);
  // Of gold 0, 2, 4, 6, 8: repaid 2, 4, 8, of which 2 and 4 were granted.
  const auto* gold = Find(*report, "gold", "true_positive_rate");
  ASSERT_NE(gold, nullptr);
  EXPECT_EQ(gold->hits(), 2);
  EXPECT_EQ(gold->count(), 3);
}

TEST_F(AuditDeskTest, HowMonitorsWentStandsInTheReport) {
  ASSERT_OK(Put(absl::StrReplaceAll(
      kProfile,
      {{"kind: SELECTION_RATE",
        "kind: SELECTION_RATE comparison: DIFFERENCE tolerance: 0.1"}})));
  for (int day = 0; day < 3; ++day) {
    Population(8, 8);
    ASSERT_OK(desk_->Tick());
    // Nothing new to note.
    ASSERT_OK(desk_->Tick());
    clock().AdvanceUs(kUsPerDay);
  }
  EXPECT_EQ(Rows("fairness_history"), 3);
  const auto report = Audit();
  ASSERT_OK(report);
  const auto trend =
      std::find_if(report->trends().begin(), report->trends().end(),
                   [](const auto& one) { return one.reference() == "gold"; });
  ASSERT_NE(trend, report->trends().end());
  EXPECT_EQ(trend->model_version(), "3");
  ASSERT_EQ(trend->points_size(), 3);
  EXPECT_EQ(trend->points(2).count(), 24);
}

TEST_F(AuditDeskTest, AReportOfTheTimeUntilNowEndsWithHowMonitorsStand) {
  ASSERT_OK(Put(absl::StrReplaceAll(
      kProfile,
      {{"kind: SELECTION_RATE",
        "kind: SELECTION_RATE comparison: DIFFERENCE tolerance: 0.1"}})));
  Population(8, 8);
  clock().AdvanceUs(1'000'000);
  // Nobody noted anything before.
  const auto report = Audit(/*confirmatory=*/false);
  ASSERT_OK(report);
  ASSERT_EQ(report->trends_size(), 1);
  ASSERT_EQ(report->trends(0).points_size(), 1);
  EXPECT_EQ(report->trends(0).points(0).count(), 8);
}

TEST_F(AuditDeskTest, WhatCannotBeAskedIsAnError) {
  const auto nowhere = Ask().get();
  EXPECT_THAT(nowhere.status(), testing::StatusIs(absl::StatusCode::kNotFound));
  ASSERT_OK(Put(kProfile));
  EXPECT_THAT(Ask(true, "", committer()->NowUs() + kUsPerDay).get().status(),
              testing::StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(
      Download("fre_aaaaaaaaaaaaaaaaaaaaaaaa", v1::FAIRNESS_REPORT_FORMAT_JSON)
          .status(),
      testing::StatusIs(absl::StatusCode::kNotFound));
  // Of nothing.
  clock().AdvanceUs(1'000'000);
  const auto report = Audit();
  ASSERT_OK(report);
  EXPECT_EQ(report->count(), 0);
}

TEST(OutcomeOfTest, TellsYesNoAndNotKnown) {
  const auto make = [](const char* outcome) {
    rules::ProfileFile file;
    config::v1::FairnessProfile& profile = file.message;
    profile.set_id("p");
    profile.set_model("m");
    profile.set_purpose("fairness");
    profile.mutable_favourable()->set_stated(true);
    auto* attribute = profile.add_attributes();
    attribute->set_name("sex");
    attribute->set_source(config::v1::AttributeSource::TEXT);
    attribute->set_field("person.sex");
    attribute->add_groups()->set_name("f");
    attribute->add_groups()->set_name("m");
    attribute->set_reference("m");
    profile.add_metrics()->set_kind(
        config::v1::FairnessMetricKind::SELECTION_RATE);
    profile.mutable_audits()->set_outcome(outcome);
    profile.mutable_audits()->set_outcome_days(10);
    auto made = rules::Profile::Create(std::move(file));
    EXPECT_OK(made);
    return *made;
  };
  const auto outcome = [](v1::OutcomeKind kind, double value, int day) {
    v1::Outcome one;
    one.set_kind(kind);
    one.set_value(value);
    one.mutable_time()->set_seconds(day * 24 * 3600);
    return one;
  };
  const auto repaid = make("REPAID");
  const auto yes = outcome(v1::OUTCOME_KIND_REPAID, 1, 2);
  const auto no = outcome(v1::OUTCOME_KIND_REPAID, 0, 3);
  const auto late = outcome(v1::OUTCOME_KIND_REPAID, 1, 11);
  const int64_t due = 10 * kUsPerDay;
  using rules::Answer;
  EXPECT_EQ(OutcomeOf(*repaid, {yes}, 0, due - 1), Answer::kUnknown);
  EXPECT_EQ(OutcomeOf(*repaid, {yes}, 0, due), Answer::kYes);
  EXPECT_EQ(OutcomeOf(*repaid, {yes, no}, 0, due), Answer::kNo);
  EXPECT_EQ(OutcomeOf(*repaid, {no, late}, 0, due), Answer::kNo);
  EXPECT_EQ(OutcomeOf(*repaid, {}, 0, due), Answer::kUnknown);
  const auto clicked = make("CLICKED");
  EXPECT_EQ(OutcomeOf(*clicked, {yes}, 0, due), Answer::kNo);
  EXPECT_EQ(
      OutcomeOf(*clicked, {outcome(v1::OUTCOME_KIND_CLICKED, 1, 1)}, 0, due),
      Answer::kYes);
  const auto satisfied = make("SATISFACTION");
  EXPECT_EQ(
      OutcomeOf(*satisfied, {outcome(v1::OUTCOME_KIND_SATISFACTION, -0.5, 1)},
                0, due),
      Answer::kNo);
}

TEST_F(AuditDeskTest, OfTheHistoryTheOldestPointsGo) {
  const auto add = [&](int64_t version_no, int64_t point) {
    store::Change change;
    change.apply = [&](store::ChangeContext& context) {
      HistoryRow row;
      row.point = point;
      row.doc.set_units(static_cast<uint64_t>(point));
      context.SetEntry("point");
      return report_rows_.Add(context.connection(), version_no, row);
    };
    ASSERT_OK(committer()->CommitChangeAndWait(std::move(change)).status);
  };
  add(7, 1);
  add(7, 2);
  add(8, 1);
  add(7, ReportRows::kMostPoints + 1);
  const auto kept = report_rows_.History(reader_connection(), 7);
  ASSERT_OK(kept);
  ASSERT_EQ(kept->size(), 2u);
  EXPECT_EQ(kept->front().doc.units(), 2u);
  EXPECT_EQ(report_rows_.History(reader_connection(), 8)->size(), 1u);
}

}  // namespace
}  // namespace consentry::fairness
