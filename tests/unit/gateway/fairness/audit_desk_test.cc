// Audits on a real store: registered before there is anything to see, once for
// each date, out of the year's alpha, of outputs as engines made them.
#include "gateway/fairness/audit_desk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "audit/log/note.h"
#include "gateway/clients/configuration.h"
#include "gateway/fairness/fairness_desk.h"
#include "gateway/fairness/lost_audits.h"
#include "google/rpc/error_details.pb.h"
#include "proto/support/status_macros.h"
#include "proto/support/timestamp.h"
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

// Nothing is registered but what somebody asks for.
std::string WithoutCalendar() {
  return absl::StrReplaceAll(kProfile, {{"calendar: QUARTERLY", ""}});
}

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
    OpenWatch();
    Start();
  }

  void OpenWatch() {
    desk_ = nullptr;
    auto opened = FairnessWatch::Open(
        {.configuration = [this] { return configuration(); },
         .subjects = &reader(),
         .rows = &rows_,
         .on_found = nullptr},
        reader_connection());
    ASSERT_OK(opened);
    watch_ = *std::move(opened);
    parts().fairness = watch_.get();
    screener_ = std::make_unique<screening::Screener>(parts());
    profiles_ = std::make_unique<FairnessDesk>(
        FairnessDesk::Options{.answers = answers(),
                              .readers = readers(),
                              .watch = watch_.get(),
                              .rows = &rows_,
                              .page_tokens = &page_tokens(),
                              .keep_days = keep_days_});
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
        .signer = &signer_,
        .log_origin = "test.log",
        .keep_days = keep_days_,
        .tell =
            [this](store::ChangeContext&, const std::string& report, bool made,
                   const std::vector<std::string>& lines) {
              (made ? told_ : told_not_made_).push_back(report);
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
    access::Caller caller = As("bank");
    caller.method = "ScreeningService.PutFairnessProfile";
    caller.event = "fairness.profile_put";
    profiles_->Put(caller, request, std::move(done));
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
  std::future<Made> Run(const v1::RunFairnessAuditRequest& request) {
    auto [done, future] = testing::Promised<Made>();
    access::Caller caller = As("bank");
    caller.method = "ScreeningService.RunFairnessAudit";
    caller.event = "fairness.audit";
    desk_->Run(caller, request, std::move(done));
    return std::move(future);
  }
  v1::RunFairnessAuditRequest Asking(const std::string& request_id = "") {
    v1::RunFairnessAuditRequest request;
    request.set_profile_id("credit");
    request.set_request_id(request_id);
    return request;
  }
  // Of the past.
  std::future<Made> Ask(const std::string& request_id = "") {
    return Run(Asking(request_id));
  }
  // Of days to come: the registration.
  Made Ahead(int64_t days, const std::string& request_id = "") {
    v1::RunFairnessAuditRequest request = Asking(request_id);
    request.set_confirmatory(true);
    request.mutable_to_time()->set_seconds(
        (committer()->NowUs() + days * kUsPerDay) / 1'000'000);
    return Run(request).get();
  }
  Made Get(const std::string& id) {
    v1::GetFairnessReportRequest request;
    request.set_id(id);
    return Wait<v1::FairnessReport>(
        [&](auto done) { desk_->Get(As("bank"), request, std::move(done)); });
  }
  static std::string FieldOf(const absl::Status& status) {
    std::string fields;
    status.ForEachPayload([&](absl::string_view, const absl::Cord& payload) {
      google::rpc::BadRequest faults;
      if (!faults.ParseFromString(std::string(payload))) return;
      for (const auto& fault : faults.field_violations()) {
        absl::StrAppend(&fields, fault.field());
      }
    });
    return fields;
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
  Made Audit(const std::string& request_id = "") {
    const int before = woken_.load();
    auto future = Ask(request_id);
    WaitForWake(before + 1);
    EXPECT_OK(desk_->Tick());
    return future.get();
  }

  // Those of the calendar, or those that somebody asked for; newest first.
  std::vector<v1::FairnessReport> List(bool calendar = false) {
    v1::ListFairnessReportsRequest request;
    request.set_profile_id("credit");
    auto page = Wait<v1::ListFairnessReportsResponse>(
        [&](auto done) { desk_->List(As("bank"), request, std::move(done)); });
    EXPECT_OK(page);
    std::vector<v1::FairnessReport> reports;
    if (!page.ok()) return reports;
    for (const auto& report : page->reports()) {
      if (report.span().empty() != calendar) reports.push_back(report);
    }
    return reports;
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
  // Signs unless it is told not to.
  class Signer : public audit::Signer {
   public:
    explicit Signer(const audit::Signer* real) : real_(real) {}
    std::string name() const override { return real_->name(); }
    std::string public_key() const override { return real_->public_key(); }
    absl::StatusOr<std::string> Sign(std::string_view message) const override {
      if (broken) return absl::InternalError("no signature");
      return real_->Sign(message);
    }
    bool broken = false;

   private:
    const audit::Signer* const real_;
  };

  Signer signer_{parts().signer};
  int64_t keep_days_ = 0;
  std::vector<std::string> told_;
  std::vector<std::string> told_not_made_;
  std::vector<std::string> lines_;
  std::atomic<int> woken_{0};
  int outputs_ = 0;
  int people_ = 0;
};

TEST_F(AuditDeskTest, AnAuditIsRegisteredThenMadeSignedAndLogged) {
  ASSERT_OK(Put(kProfile));
  const auto registered = Ahead(30);
  ASSERT_OK(registered);
  // There is nothing to look at, and the alpha is spent.
  EXPECT_DOUBLE_EQ(registered->alpha(), 0.02);
  EXPECT_FALSE(registered->has_create_time());
  EXPECT_THAT(registered->limits(), Contains(HasSubstr("it is made after")));
  clock().AdvanceUs(1'000'000);
  Population(10, 10);
  clock().AdvanceUs(35 * kUsPerDay);
  ASSERT_OK(desk_->Tick());
  // Outcomes have not had their time.
  EXPECT_THAT(
      Download(registered->id(), v1::FAIRNESS_REPORT_FORMAT_JSON).status(),
      testing::StatusIs(absl::StatusCode::kFailedPrecondition));
  clock().AdvanceUs(5 * kUsPerDay);
  ASSERT_OK(desk_->Tick());
  const auto report = Get(registered->id());
  ASSERT_OK(report);
  EXPECT_TRUE(report->confirmatory());
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
  double spent = 0;
  double last = 1;
  for (int i = 0; i < 4; ++i) {
    const auto report = Ahead(1);
    ASSERT_OK(report);
    EXPECT_LT(report->alpha(), last);
    last = report->alpha();
    spent += last;
  }
  EXPECT_LT(spent, 0.04);
  clock().AdvanceUs(1'000'000);
  const auto descriptive = Audit();
  ASSERT_OK(descriptive);
  EXPECT_FALSE(descriptive->confirmatory());
  EXPECT_EQ(descriptive->tests(), 0);
}

// Whoever has seen the past would choose what to look at.
TEST_F(AuditDeskTest, WhatSpendsAlphaIsAboutTimeToCome) {
  ASSERT_OK(Put(kProfile));
  const auto ask = [&](int64_t from_us, int64_t to_us) {
    v1::RunFairnessAuditRequest request = Asking();
    request.set_confirmatory(true);
    if (from_us != 0) {
      request.mutable_from_time()->set_seconds(from_us / 1'000'000);
    }
    if (to_us != 0) request.mutable_to_time()->set_seconds(to_us / 1'000'000);
    return Run(request).get().status();
  };
  const int64_t now = committer()->NowUs();
  const auto past = ask(now - 30 * kUsPerDay, now + kUsPerDay);
  EXPECT_THAT(past, testing::StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(FieldOf(past), "from_time");
  EXPECT_THAT(std::string(past.message()), HasSubstr("descriptive"));
  EXPECT_EQ(FieldOf(ask(0, 0)), "to_time");
  EXPECT_EQ(FieldOf(ask(0, now - kUsPerDay)), "to_time");
  EXPECT_EQ(FieldOf(ask(0, now + 367 * kUsPerDay)), "to_time");
  EXPECT_EQ(FieldOf(ask(now + 2 * kUsPerDay, now + kUsPerDay)), "to_time");
  EXPECT_OK(ask(now + kUsPerDay, now + 366 * kUsPerDay));
  EXPECT_EQ(List().size(), 1u);
}

TEST_F(AuditDeskTest, AWindowThatOutlivesItsOutputsIsRefused) {
  keep_days_ = 100;
  Start();
  ASSERT_OK(Put(kProfile));
  EXPECT_OK(Ahead(90));
  const auto longer = Ahead(91);
  EXPECT_EQ(FieldOf(longer.status()), "to_time");
  EXPECT_THAT(std::string(longer.status().message()), HasSubstr("100 days"));
  EXPECT_EQ(List().size(), 1u);
}

TEST_F(AuditDeskTest, AProfileIsToldHowLongOutputsAreHeld) {
  keep_days_ = 100;
  OpenWatch();
  Start();
  // A quarter and ten days.
  const auto put = Put(kProfile);
  ASSERT_OK(put);
  EXPECT_THAT(put->remarks(), Contains(HasSubstr("held for 100 days")));
  EXPECT_THAT(Put(absl::StrReplaceAll(
                      kProfile, {{"outcome_days: 10", "outcome_days: 100"}}),
                  put->etag())
                  .status(),
              testing::StatusIs(absl::StatusCode::kInvalidArgument));
  const auto shorter = Put(
      absl::StrReplaceAll(kProfile, {{"QUARTERLY", "MONTHLY"}}), put->etag());
  ASSERT_OK(shorter);
  EXPECT_THAT(shorter->remarks(),
              Not(Contains(HasSubstr("held for 100 days"))));
}

TEST_F(AuditDeskTest, AReportSaysSinceWhenOutputsAreHeld) {
  keep_days_ = 40;
  Start();
  ASSERT_OK(Put(kProfile));
  clock().AdvanceUs(1'000'000);
  const auto report = Audit();
  ASSERT_OK(report);
  EXPECT_THAT(report->limits(), Contains(HasSubstr("held for 40 days")));
}

TEST_F(AuditDeskTest, FewAuditsOfAProfileAreOpenAtATime) {
  ASSERT_OK(Put(kProfile));
  ASSERT_OK(desk_->Tick());
  for (size_t i = 0; i < AuditRegister::kMostAsked; ++i) ASSERT_OK(Ahead(1));
  EXPECT_THAT(Ahead(1).status(),
              testing::StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(List().size(), AuditRegister::kMostAsked);
  // Those are made, and there is room again.
  clock().AdvanceUs(12 * kUsPerDay);
  ASSERT_OK(desk_->Tick());
  EXPECT_OK(Ahead(1));
}

TEST_F(AuditDeskTest, EachDateOfTheCalendarHasOneAuditOfWhichStaffAreTold) {
  ASSERT_OK(Put(kProfile));
  const int64_t now = committer()->NowUs();
  Decide(Customer("early", "gold"), true);
  clock().AdvanceUs(1'000'000);
  // November: the quarter runs already, and what it saw so far was seen.
  ASSERT_OK(desk_->Tick());
  auto list = List(/*calendar=*/true);
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0].span(), "2026-Q4");
  EXPECT_DOUBLE_EQ(list[0].alpha(), 0.01);
  EXPECT_GE(MicrosOf(list[0].from_time()), now + 1'000'000);
  EXPECT_FALSE(list[0].has_create_time());
  clock().AdvanceUs(1'000'000);
  Population(6, 6);
  // The year is over, but not the time that outcomes have.
  clock().AdvanceUs(45 * kUsPerDay);
  ASSERT_OK(desk_->Tick());
  list = List(true);
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].span(), "2027-Q1");
  EXPECT_FALSE(list[1].has_create_time());
  EXPECT_THAT(told_, IsEmpty());
  clock().AdvanceUs(10 * kUsPerDay);
  ASSERT_OK(desk_->Tick());
  ASSERT_OK(desk_->Tick());
  list = List(true);
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[1].count(), 12);
  EXPECT_TRUE(list[1].has_create_time());
  EXPECT_EQ(told_, std::vector<std::string>{list[1].id()});
  EXPECT_THAT(lines_, Contains("cases: 12"));
  for (const std::string& line : lines_) {
    EXPECT_TRUE(std::all_of(line.begin(), line.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
             c == '.' || c == ':' || c == '-' || c == ' ';
    })) << line;
  }
}

// Nobody finds a better tolerance once it is known what there is to tolerate.
TEST_F(AuditDeskTest, AChangedProfileBeginsWithTheNextDate) {
  ASSERT_OK(Put(kProfile));
  ASSERT_OK(desk_->Tick());
  clock().AdvanceUs(1'000'000);
  Population(6, 6);
  ASSERT_OK(
      Put(absl::StrReplaceAll(kProfile, {{"minimum: 5", "minimum: 7"}}), "v1"));
  clock().AdvanceUs(60 * kUsPerDay);
  ASSERT_OK(desk_->Tick());
  const auto list = List(true);
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[0].profile_version(), 2u);
  EXPECT_EQ(list[1].profile_version(), 1u);
  const auto report = Get(list[1].id());
  ASSERT_OK(report);
  EXPECT_THAT(report->rules(), Contains(HasSubstr("at least 5 cases")));
}

TEST_F(AuditDeskTest, WhatFailsOnceAskedForIsAnsweredAndNotTriedAgain) {
  ASSERT_OK(Put(kProfile));
  clock().AdvanceUs(1'000'000);
  signer_.broken = true;
  auto future = Ask();
  WaitForWake(1);
  desk_->Tick().IgnoreError();
  EXPECT_THAT(future.get().status(),
              testing::StatusIs(absl::StatusCode::kInternal));
  signer_.broken = false;
  clock().AdvanceUs(30 * kUsPerDay);
  ASSERT_OK(desk_->Tick());
  const auto list = List();
  ASSERT_EQ(list.size(), 1u);
  EXPECT_THAT(list[0].limits(), Contains(HasSubstr("could not be made")));
}

TEST_F(AuditDeskTest, ADateThatFailsIsTriedEverLaterAndThenGivenUp) {
  ASSERT_OK(Put(kProfile));
  ASSERT_OK(desk_->Tick());
  clock().AdvanceUs(60 * kUsPerDay);
  signer_.broken = true;
  const auto tries = [&] {
    int found = 0;
    for (const store::v1::Leaf& leaf : Leaves()) {
      for (const std::string& detail : leaf.details()) {
        found += detail.starts_with("tries=") ? 1 : 0;
      }
    }
    return found;
  };
  for (int i = 0; i < 5; ++i) ASSERT_OK(desk_->Tick());
  EXPECT_EQ(tries(), 1);
  EXPECT_EQ(told_not_made_.size(), 1u);
  EXPECT_THAT(lines_, Contains("it is tried again"));
  for (int hour = 0; hour < 24; ++hour) {
    clock().AdvanceUs(int64_t{3600} * 1'000'000);
    ASSERT_OK(desk_->Tick());
  }
  EXPECT_GE(tries(), 4);
  EXPECT_LE(tries(), 10);
  for (int day = 0; day < 40; ++day) {
    clock().AdvanceUs(kUsPerDay);
    ASSERT_OK(desk_->Tick());
  }
  EXPECT_EQ(tries(), static_cast<int>(AuditRunner::kMostTries));
  EXPECT_EQ(told_not_made_.size(), 2u);
  EXPECT_THAT(lines_, Contains("it is not tried again"));
  const auto list = List(true);
  ASSERT_EQ(list.size(), 2u);
  EXPECT_THAT(list[1].limits(), Contains(HasSubstr("could not be made")));
  // Whoever made it fail might have looked before.
  EXPECT_DOUBLE_EQ(list[1].alpha(), 0.01);
}

TEST_F(AuditDeskTest, ADateThatFailedOnceIsMadeOnceItCanBe) {
  ASSERT_OK(Put(kProfile));
  ASSERT_OK(desk_->Tick());
  clock().AdvanceUs(60 * kUsPerDay);
  signer_.broken = true;
  ASSERT_OK(desk_->Tick());
  signer_.broken = false;
  clock().AdvanceUs(AuditRunner::kFirstWaitUs);
  ASSERT_OK(desk_->Tick());
  EXPECT_TRUE(List(true)[1].has_create_time());
}

TEST_F(AuditDeskTest, WhatDoesNotOpenIsCountedAndFailsNothing) {
  ASSERT_OK(Put(kProfile));
  Population(9, 6);
  const std::string gone = Customer("gone", "gold");
  Decide(gone, true);
  ASSERT_OK(keys().slots().Destroy(Number(gone), 1));
  // The records of some, somebody's output, and the row of another.
  Tamper(
      "UPDATE records SET fields = $1 WHERE record_no IN (SELECT record_no "
      "FROM records ORDER BY record_no LIMIT 3)",
      "x");
  Tamper(
      "UPDATE screenings SET output = $1 WHERE screening_no = (SELECT "
      "screening_no FROM screenings ORDER BY screening_no LIMIT 1 OFFSET 3)",
      "x");
  Tamper(
      "UPDATE screenings SET doc = $1 WHERE screening_no = (SELECT "
      "screening_no FROM screenings ORDER BY screening_no LIMIT 1 OFFSET 8)",
      "x");
  clock().AdvanceUs(1'000'000);
  const auto report = Audit();
  ASSERT_OK(report);
  EXPECT_EQ(report->count(), 13);
  EXPECT_EQ(CountOf(*report, "gold"), 4);
  EXPECT_EQ(CountOf(*report, "silver"), 6);
  EXPECT_EQ(CountOf(*report, "unknown"), 3);
  const auto left_out = [&](const std::string& reason) -> int64_t {
    for (const auto& one : report->left_out()) {
      if (absl::StrContains(one.reason(), reason)) return one.count();
    }
    return 0;
  };
  EXPECT_EQ(left_out("do not open"), 2);
  EXPECT_EQ(left_out("erased"), 1);
  EXPECT_THAT(report->limits(), Contains(HasSubstr("of 3 customers")));
}

TEST_F(AuditDeskTest, AViolationWhoseEntryWasRefusedIsEnteredLater) {
  // Nobody listens when it is found.
  ASSERT_OK(Put(kProfile));
  for (int i = 0; i < 120; ++i) {
    Decide(Customer(absl::StrCat("v", i), i % 2 == 0 ? "gold" : "silver"),
           i % 2 == 0);
  }
  ASSERT_FALSE(watch_->versions().empty());
  ASSERT_FALSE(watch_->versions()[0]->violations.empty());
  const auto entries = [&] {
    int found = 0;
    for (const store::v1::Leaf& leaf : Leaves()) {
      found += leaf.event() == kFindingEvent ? 1 : 0;
    }
    return found;
  };
  EXPECT_EQ(entries(), 0);
  ASSERT_OK(desk_->Tick());
  ASSERT_OK(desk_->Tick());
  EXPECT_EQ(entries(),
            static_cast<int>(watch_->versions()[0]->violations.size()));
}

// A backup of before the audits, and the log that goes on.
TEST_F(AuditDeskTest, WhatARestoreLostKeepsItsDateAndItsAlpha) {
  ASSERT_OK(Put(kProfile));
  clock().AdvanceUs(1'000'000);
  const size_t before = Leaves().size();
  ASSERT_OK(desk_->Tick());
  const auto first = Ahead(1);
  ASSERT_OK(first);
  const auto second = Ahead(40);
  ASSERT_OK(second);
  clock().AdvanceUs(12 * kUsPerDay);
  ASSERT_OK(desk_->Tick());
  const auto made = Get(first->id());
  ASSERT_OK(made);
  const std::string text =
      absl::StrReplaceAll(kProfile, {{"minimum: 5", "minimum: 6"}});
  ASSERT_OK(Put(text, "v1"));
  AuditsBehind behind;
  EXPECT_TRUE(behind.empty());
  const auto leaves = Leaves();
  for (size_t i = before; i < leaves.size(); ++i) behind.Add(leaves[i]);
  EXPECT_FALSE(behind.empty());

  // As the backup has it.
  store::Change change;
  change.apply = [&](store::ChangeContext& context) -> absl::Status {
    CONSENTRY_RETURN_IF_ERROR(
        context.connection()->Execute("DELETE FROM fairness_reports"));
    auto profiles = rows_.Profiles(context.connection());
    CONSENTRY_RETURN_IF_ERROR(profiles.status());
    (*profiles)[0].doc.set_version(1);
    (*profiles)[0].doc.set_text(kProfile);
    CONSENTRY_RETURN_IF_ERROR(rows_.Put(context.connection(), &(*profiles)[0]));
    store::v1::Leaf leaf;
    const auto lost =
        behind.Mark(rows_, report_rows_, context.connection(), &leaf);
    CONSENTRY_RETURN_IF_ERROR(lost.status());
    EXPECT_EQ(lost->reports, 3);
    EXPECT_EQ(lost->profiles, std::vector<std::string>{"credit"});
    context.SetEntry(leaf.SerializeAsString());
    return absl::OkStatus();
  };
  ASSERT_OK(committer()->CommitChangeAndWait(std::move(change)).status);
  OpenWatch();
  Start();
  // No number names two texts.
  EXPECT_EQ(watch_->profiles().at("credit")->version, 3u);
  ASSERT_OK(desk_->Tick());
  const auto calendar = List(/*calendar=*/true);
  ASSERT_EQ(calendar.size(), 1u);
  EXPECT_EQ(calendar[0].span(), "2026-Q4");
  EXPECT_THAT(calendar[0].limits(), Contains(HasSubstr("lost in a restore")));
  const auto list = List();
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[1].id(), first->id());
  EXPECT_EQ(list[1].digest(), made->digest());
  EXPECT_DOUBLE_EQ(list[1].alpha(), 0.02);
  EXPECT_THAT(list[1].limits(), Contains(HasSubstr("downloaded")));
  EXPECT_THAT(Get(first->id()).status(),
              testing::StatusIs(absl::StatusCode::kFailedPrecondition));
  const auto next = Ahead(1);
  ASSERT_OK(next);
  EXPECT_DOUBLE_EQ(next->alpha(), 0.005);
}

TEST_F(AuditDeskTest, WhatACrashInterruptedLooksForTheSameAlpha) {
  ASSERT_OK(Put(kProfile));
  const auto ahead = Ahead(1);
  ASSERT_OK(ahead);
  clock().AdvanceUs(1'000'000);
  Population(6, 6);
  clock().AdvanceUs(20 * kUsPerDay);
  auto future = Ask();
  WaitForWake(1);
  Start();
  EXPECT_THAT(future.get().status(),
              testing::StatusIs(absl::StatusCode::kUnavailable));
  ASSERT_OK(desk_->Tick());
  const auto list = List();
  ASSERT_EQ(list.size(), 2u);
  EXPECT_TRUE(list[0].has_create_time());
  EXPECT_EQ(list[1].id(), ahead->id());
  EXPECT_TRUE(list[1].has_create_time());
  EXPECT_EQ(list[1].count(), 12);
  EXPECT_DOUBLE_EQ(list[1].alpha(), 0.02);
}

TEST_F(AuditDeskTest, TheSameRequestFindsTheSameReport) {
  ASSERT_OK(Put(kProfile));
  Population(6, 6);
  clock().AdvanceUs(1'000'000);
  const std::string request = "3f2c8a52-4f0e-4c8a-9d3a-0d9f6a1b2c3d";
  const auto first = Audit(request);
  ASSERT_OK(first);
  const auto second = Audit(request);
  ASSERT_OK(second);
  EXPECT_EQ(first->id(), second->id());
  EXPECT_EQ(List().size(), 1u);

  v1::RunFairnessAuditRequest ahead =
      Asking("3f2c8a52-4f0e-4c8a-9d3a-0d9f6a1b2c3e");
  ahead.set_confirmatory(true);
  ahead.mutable_to_time()->set_seconds((committer()->NowUs() + kUsPerDay) /
                                       1'000'000);
  const auto registered = Run(ahead).get();
  ASSERT_OK(registered);
  clock().AdvanceUs(1'000'000);
  const auto again = Run(ahead).get();
  ASSERT_OK(again);
  EXPECT_EQ(again->id(), registered->id());
  EXPECT_EQ(again->alpha(), registered->alpha());
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

TEST_F(AuditDeskTest, AnOutputThatSaysNothingOfAPriceHidesNoPrice) {
  ASSERT_OK(Put(absl::StrReplaceAll(
      kProfile, {{"metrics { kind: SELECTION_RATE }",
                  "metrics { kind: SELECTION_RATE } metrics { kind: PRICE_MEAN "
                  "tolerance: 0.9 }"}})));
  const auto offer = [&](const std::string& subject, int64_t minor_units) {
    auto request = Refusal(subject, absl::StrCat("o-", ++outputs_));
    v1::Output* const output = request.mutable_output();
    if (minor_units == 0) {
      output->clear_label();
    } else {
      output->mutable_price()->set_minor_units(minor_units);
      output->mutable_price()->set_currency("EUR");
      output->mutable_base_price()->set_minor_units(1000);
      output->mutable_base_price()->set_currency("EUR");
    }
    EXPECT_OK(Screen("bank", request));
  };
  for (int i = 0; i < 12; ++i) {
    const bool gold = i % 2 == 0;
    const std::string id =
        Customer(absl::StrCat("n", i), gold ? "gold" : "silver");
    // A page that says nothing, a decision without a price, the price, and one
    // that comes too late to count.
    offer(id, 0);
    Decide(id, true);
    offer(id, gold ? 1000 : 1300);
    offer(id, gold ? 1800 : 1000);
  }
  const std::string silent = Customer("silent", "gold");
  offer(silent, 0);
  clock().AdvanceUs(1'000'000);
  const auto report = Audit();
  ASSERT_OK(report);
  EXPECT_EQ(report->count(), 12);
  const auto* rate = Find(*report, "silver", "selection_rate");
  ASSERT_NE(rate, nullptr);
  EXPECT_EQ(rate->value(), 1);
  const auto* price = Find(*report, "silver", "price_group_over_reference");
  ASSERT_NE(price, nullptr);
  EXPECT_NEAR(price->value(), 1.3, 1e-9);
  EXPECT_TRUE(std::any_of(report->left_out().begin(), report->left_out().end(),
                          [](const auto& one) {
                            return one.count() == 1 &&
                                   one.reason().starts_with(
                                       "people of whom no output");
                          }));
}

// Gold sees the watched article first, silver third; one price is absurd.
TEST_F(AuditDeskTest, PlacesRankPeopleAndValuesKeepToTheirRange) {
  const std::string text = absl::StrReplaceAll(
      kProfile, {{"metrics { kind: SELECTION_RATE }",
                  "metrics { kind: SELECTION_RATE } "
                  "metrics { kind: PRICE_MEAN tolerance: 0.9 } "
                  "metrics { kind: EXPOSURE_MEAN items: \"a\" }"},
                 {"calendar: QUARTERLY", "ranking_depth: 2"}});
  // Without watched items there are no places.
  EXPECT_THAT(
      Put(absl::StrReplaceAll(
          text, {{"metrics { kind: EXPOSURE_MEAN items: \"a\" }", ""}})),
      Not(consentry::testing::IsOk()));
  ASSERT_OK(Put(text));
  for (int i = 0; i < 40; ++i) {
    const bool gold = i % 2 == 0;
    const std::string id =
        Customer(absl::StrCat("n", i), gold ? "gold" : "silver");
    auto request = Refusal(id, absl::StrCat("o-", ++outputs_));
    v1::Output* const output = request.mutable_output();
    output->mutable_price()->set_minor_units(i == 7   ? 1'000'000'000'000
                                             : gold   ? 1000
                                             : i == 9 ? 1301
                                                      : 1300);
    output->mutable_price()->set_currency("EUR");
    output->mutable_base_price()->set_minor_units(1000);
    output->mutable_base_price()->set_currency("EUR");
    for (const char* item : {gold ? "a" : "x", "y", gold ? "z" : "a"}) {
      output->add_ranking(item);
    }
    ASSERT_OK(Screen("bank", request));
  }
  clock().AdvanceUs(1'000'000);
  const auto report = Audit();
  ASSERT_OK(report);
  const auto* gold = Find(*report, "gold", "skew_of_first_2");
  ASSERT_NE(gold, nullptr);
  EXPECT_NEAR(gold->value(), std::log(2.0), 1e-9);
  const auto* silver = Find(*report, "silver", "skew_of_first_2");
  ASSERT_NE(silver, nullptr);
  EXPECT_FALSE(silver->has_value());
  const auto* divergence =
      Find(*report, "", "discounted_divergence_of_first_2");
  ASSERT_NE(divergence, nullptr);
  EXPECT_NEAR(divergence->value(), std::log(2.0), 1e-9);
  const auto* price = Find(*report, "silver", "mean_price");
  ASSERT_NE(price, nullptr);
  EXPECT_EQ(price->clipped_count(), 1);
  EXPECT_LT(price->value(), 1.4);
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
  ASSERT_OK(Put(WithoutCalendar()));
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
  // It stands in the list.
  const auto list = List();
  ASSERT_EQ(list.size(), 2u);
  EXPECT_THAT(list[0].limits(), Contains(HasSubstr("could not be made")));
  EXPECT_THAT(Download(list[0].id(), v1::FAIRNESS_REPORT_FORMAT_JSON).status(),
              testing::StatusIs(absl::StatusCode::kFailedPrecondition));
  // Three more of gold, and a time that has nothing in common.
  Population(2, 0);
  clock().AdvanceUs(1'000'000);
  const auto enough = Audit();
  ASSERT_OK(enough);
  EXPECT_EQ(CountOf(*enough, "gold"), 9);
}

// What was registered decides: nobody takes figures from it by describing most
// of its time, nor learns of a few people by the difference.
TEST_F(AuditDeskTest, ADateIsToldInFullWhateverWasDescribedBesideIt) {
  ASSERT_OK(Put(kProfile));
  ASSERT_OK(desk_->Tick());
  clock().AdvanceUs(1'000'000);
  Population(60, 60);
  clock().AdvanceUs(1'000'000);
  const auto early = Audit();
  ASSERT_OK(early);
  ASSERT_EQ(early->kept_back_size(), 1);
  EXPECT_EQ(early->kept_back(0).report_id(), List(/*calendar=*/true)[0].id());
  EXPECT_THAT(early->rules(), Contains(HasSubstr("One in five people")));
  EXPECT_NE(Find(*early, "gold", "selection_rate"), nullptr);
  const int64_t early_gold = CountOf(*early, "gold");
  EXPECT_LE(early_gold, 57);
  EXPECT_GE(early_gold, 36);
  Population(1, 0);
  clock().AdvanceUs(60 * kUsPerDay);
  ASSERT_OK(desk_->Tick());
  const auto list = List(/*calendar=*/true);
  ASSERT_EQ(list.size(), 2u);
  ASSERT_EQ(list[1].span(), "2026-Q4");
  const auto date = Get(list[1].id());
  ASSERT_OK(date);
  EXPECT_THAT(date->kept_back(), IsEmpty());
  EXPECT_EQ(CountOf(*date, "gold"), 61);
  const auto* gold = Find(*date, "gold", "selection_rate");
  ASSERT_NE(gold, nullptr);
  EXPECT_TRUE(gold->has_hits());
  EXPECT_THAT(date->rules(), Not(Contains(HasSubstr("earlier report"))));
  // Once it is told, what was kept back for it is told as well.
  const auto late = Audit();
  ASSERT_OK(late);
  EXPECT_EQ(CountOf(*late, "gold"), 61);
}

TEST_F(AuditDeskTest, BesideADateOfFewPeopleNothingIsDescribed) {
  ASSERT_OK(Put(kProfile));
  clock().AdvanceUs(1'000'000);
  Population(6, 6);
  clock().AdvanceUs(1'000'000);
  const int64_t before_us = committer()->NowUs();
  ASSERT_OK(desk_->Tick());
  clock().AdvanceUs(1'000'000);
  Population(4, 4);
  clock().AdvanceUs(1'000'000);
  const auto refused = Audit();
  EXPECT_THAT(refused.status(),
              testing::StatusIs(absl::StatusCode::kFailedPrecondition));
  const std::string words(refused.status().message());
  EXPECT_THAT(words, HasSubstr(List(/*calendar=*/true)[0].id()));
  EXPECT_THAT(words, HasSubstr("to 2027-01-01T00:00:00Z"));
  EXPECT_THAT(words, HasSubstr("shares nothing with"));
  // A time before it has nothing to do with it.
  v1::RunFairnessAuditRequest request = Asking();
  request.mutable_to_time()->set_seconds(before_us / 1'000'000);
  const int woken = woken_.load();
  auto future = Run(request);
  WaitForWake(woken + 1);
  ASSERT_OK(desk_->Tick());
  const auto past = future.get();
  ASSERT_OK(past);
  EXPECT_THAT(past->kept_back(), IsEmpty());
  EXPECT_EQ(CountOf(*past, "gold"), 6);
}

// Not even by what is registered ahead of its own, and made earlier.
TEST_F(AuditDeskTest, ADateIsToldInFullBesideWhatWasAskedAhead) {
  ASSERT_OK(Put(kProfile));
  ASSERT_OK(desk_->Tick());
  const auto ahead = Ahead(1);
  ASSERT_OK(ahead);
  clock().AdvanceUs(1'000'000);
  Population(30, 30);
  clock().AdvanceUs(12 * kUsPerDay);
  ASSERT_OK(desk_->Tick());
  const auto made = Get(ahead->id());
  ASSERT_OK(made);
  ASSERT_EQ(made->kept_back_size(), 1);
  EXPECT_LT(made->count(), 60);
  Population(1, 1);
  clock().AdvanceUs(45 * kUsPerDay);
  ASSERT_OK(desk_->Tick());
  const auto list = List(/*calendar=*/true);
  ASSERT_EQ(list.size(), 2u);
  const auto date = Get(list[1].id());
  ASSERT_OK(date);
  EXPECT_EQ(date->count(), 62);
  EXPECT_EQ(CountOf(*date, "silver"), 31);
  EXPECT_THAT(date->rules(), Not(Contains(HasSubstr("earlier report"))));
}

// Whoever downloaded it has it still.
TEST_F(AuditDeskTest, BesideALostReportNoFewAreTold) {
  ASSERT_OK(Put(WithoutCalendar()));
  Population(60, 60);
  clock().AdvanceUs(1'000'000);
  const auto read = Audit();
  ASSERT_OK(read);
  store::Change change;
  change.apply = [&](store::ChangeContext& context) -> absl::Status {
    CONSENTRY_ASSIGN_OR_RETURN(
        ReportRow row, report_rows_.Read(context.connection(), read->id()));
    row.state = ReportState::kFailed;
    row.doc.set_lost(true);
    row.file.clear();
    context.SetEntry("lost");
    return report_rows_.Update(context.connection(), &row);
  };
  ASSERT_OK(committer()->CommitChangeAndWait(std::move(change)).status);
  // Two more than it has of gold.
  Population(2, 0);
  clock().AdvanceUs(1'000'000);
  const auto next = Audit();
  EXPECT_THAT(next.status(),
              testing::StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(next.status().message()), HasSubstr(read->id()));
  // Enough more, and no fewer of those whom only the lost one counts.
  Population(20, 0);
  clock().AdvanceUs(1'000'000);
  const auto enough = Audit();
  ASSERT_OK(enough);
  ASSERT_EQ(enough->kept_back_size(), 1);
  EXPECT_EQ(enough->kept_back(0).report_id(), read->id());
  EXPECT_GT(CountOf(*enough, "gold"), 60);
}

// An alarm that sounds soon asks for the next five days.
std::string AfterAlarm() {
  return absl::StrReplaceAll(
      absl::StrCat(WithoutCalendar(),
                   "alarm { pairs_between_false_alarms: 100 }"),
      {{"outcome_days: 10", "outcome_days: 10 alarm_days: 5"}});
}

TEST_F(AuditDeskTest, AnAlarmRegistersOneAuditOfWhatComesAfterIt) {
  ASSERT_OK(Put(AfterAlarm()));
  const auto treat = [this](int pairs) {
    for (int i = 0; i < pairs; ++i) {
      Decide(Customer(absl::StrCat("g", ++people_), "gold"), true);
      Decide(Customer(absl::StrCat("s", people_), "silver"), false);
    }
  };
  treat(5);
  ASSERT_OK(desk_->Tick());
  EXPECT_THAT(List(), IsEmpty());
  treat(60);
  ASSERT_FALSE(watch_->versions().at(0)->alarms.empty());
  clock().AdvanceUs(1'000'000);
  const int64_t now = committer()->NowUs();
  ASSERT_OK(desk_->Tick());
  auto list = List();
  ASSERT_EQ(list.size(), 1u);
  const std::string id = list[0].id();
  EXPECT_TRUE(list[0].confirmatory());
  EXPECT_DOUBLE_EQ(list[0].alpha(), 0.04);
  EXPECT_EQ(list[0].model_version(), "3");
  EXPECT_TRUE(list[0].has_alarm_time());
  EXPECT_GE(MicrosOf(list[0].from_time()), now);
  EXPECT_EQ(MicrosOf(list[0].to_time()),
            MicrosOf(list[0].from_time()) + 5 * kUsPerDay);
  // Neither the next turn nor a start asks once more.
  ASSERT_OK(desk_->Tick());
  OpenWatch();
  Start();
  ASSERT_OK(desk_->Tick());
  EXPECT_EQ(List().size(), 1u);
  clock().AdvanceUs(1'000'000);
  treat(6);
  clock().AdvanceUs(16 * kUsPerDay);
  // The same alarm stands still, and had its audit.
  treat(6);
  ASSERT_FALSE(watch_->versions().at(0)->alarms.empty());
  ASSERT_OK(desk_->Tick());
  ASSERT_OK(desk_->Tick());
  ASSERT_EQ(List().size(), 1u);
  const auto report = Get(id);
  ASSERT_OK(report);
  EXPECT_EQ(report->count(), 12);
  EXPECT_THAT(report->rules(), Contains(HasSubstr("for an alarm")));
  EXPECT_EQ(told_, std::vector<std::string>{id});
}

TEST_F(AuditDeskTest, AnAlarmBeyondTheYearsAlphaIsToldOnce) {
  ASSERT_OK(Put(absl::StrReplaceAll(
      AfterAlarm(), {{"yearly_alpha: 0.08", "yearly_alpha: 0.000001"}})));
  for (int i = 0; i < 60; ++i) {
    Decide(Customer(absl::StrCat("g", ++people_), "gold"), true);
    Decide(Customer(absl::StrCat("s", people_), "silver"), false);
  }
  ASSERT_FALSE(watch_->versions().at(0)->alarms.empty());
  ASSERT_OK(desk_->Tick());
  ASSERT_OK(desk_->Tick());
  const auto list = List();
  ASSERT_EQ(list.size(), 1u);
  EXPECT_FALSE(list[0].confirmatory());
  EXPECT_THAT(list[0].limits(), Contains(HasSubstr("spent for this year")));
  EXPECT_EQ(told_not_made_, std::vector<std::string>{list[0].id()});
}

TEST_F(AuditDeskTest, AnAlarmsAuditThatOutlivesItsOutputsIsRefused) {
  keep_days_ = 14;
  OpenWatch();
  const auto put = Put(AfterAlarm());
  EXPECT_THAT(put.status(),
              testing::StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(std::string(put.status().message()), HasSubstr("after an alarm"));
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
  EXPECT_DOUBLE_EQ(trend->tolerance_lower(), -0.1);
  EXPECT_DOUBLE_EQ(trend->tolerance_upper(), 0.1);
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
  const auto report = Audit();
  ASSERT_OK(report);
  ASSERT_EQ(report->trends_size(), 1);
  ASSERT_EQ(report->trends(0).points_size(), 1);
  EXPECT_EQ(report->trends(0).points(0).count(), 8);
}

TEST_F(AuditDeskTest, WhatCannotBeAskedIsAnError) {
  const auto nowhere = Ask().get();
  EXPECT_THAT(nowhere.status(), testing::StatusIs(absl::StatusCode::kNotFound));
  ASSERT_OK(Put(kProfile));
  v1::RunFairnessAuditRequest request = Asking();
  request.mutable_to_time()->set_seconds((committer()->NowUs() + kUsPerDay) /
                                         1'000'000);
  EXPECT_EQ(FieldOf(Run(request).get().status()), "to_time");
  request.mutable_to_time()->set_seconds(committer()->NowUs() / 1'000'000 - 10);
  request.mutable_from_time()->set_seconds(request.to_time().seconds());
  EXPECT_EQ(FieldOf(Run(request).get().status()), "from_time");
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
