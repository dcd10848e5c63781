#include "gateway/rights/case_desk.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "gateway/rights/case_dates.h"
#include "gateway/rights/case_reads.h"
#include "gateway/rights/case_retention.h"
#include "tests/testing/access_fixture.h"
#include "tests/testing/status_matchers.h"

namespace consentry::rights {
namespace {

using clients::CallerContext;
using testing::AccessFixture;
using testing::kServicePurpose;
using testing::Promised;

class CaseDeskTest : public ::testing::Test {
 protected:
  CaseDeskTest() : digests_(fixture_.keys().root()) {
    for (const auto& [id, role] :
         {std::pair{"office", v1::ROLE_COMPLIANCE}, {"dpo", v1::ROLE_DPO}}) {
      v1::Client client = AccessFixture::ClientFor(id, kServicePurpose);
      client.set_role(role);
      client.clear_purposes();
      client.clear_read_categories();
      client.clear_attests();
      client.clear_permissions();
      fixture_.SetClient(client);
    }
    CaseDesk::Options options;
    options.configuration = [this] { return fixture_.configuration(); };
    options.committer = fixture_.committer();
    options.readers = fixture_.readers();
    options.subjects = &fixture_.reader();
    options.slots = &fixture_.keys().slots();
    options.epochs = &fixture_.keys().epochs();
    options.cache = &fixture_.cache();
    options.tokens = &fixture_.tokens();
    options.digests = &digests_;
    options.ledger = &fixture_.ledger();
    options.log_origin = "test.log";
    options.outgoing.tell =
        [this](store::ChangeContext&, uint64_t, std::string_view text,
               std::string_view, std::map<std::string, std::string> arguments) {
          told_.emplace_back(text);
          if (arguments.contains("code")) code_ = arguments["code"];
          return absl::OkStatus();
        };
    options.outgoing.find_decision =
        [this](store::Connection*,
               const std::string& decision) -> absl::StatusOr<uint64_t> {
      if (decision != kDecision) {
        return MakeError(v1::ERROR_REASON_NOT_FOUND, "no such decision");
      }
      return decided_on_;
    };
    options.outgoing.review =
        [this](store::ChangeContext&, const store::v1::RightsCaseDoc& doc,
               const std::string& statement) -> absl::StatusOr<std::string> {
      asked_.emplace_back(doc.decision_id(), statement);
      return std::string("rev_1");
    };
    desk_ = std::make_unique<CaseDesk>(std::move(options));
    anna_ = fixture_.Person("anna");
    decided_on_ = fixture_.Number(anna_);
  }

  static CallerContext As(const std::string& client,
                          const std::string& person = "p1") {
    CallerContext caller;
    caller.client_id = client;
    caller.method = "RightsService.Test";
    caller.event = "rights.test";
    caller.context.set_acting_person(person);
    return caller;
  }

  static constexpr char kDecision[] = "scr_aaaaaaaaaaaaaaaaaaaaaaaa";

  using Outcome = absl::StatusOr<v1::RightsCase>;

  Outcome Submit(const std::string& client, v1::RightsKind kind,
                 const std::string& subject) {
    v1::SubmitRightsCaseRequest request;
    request.mutable_subject()->set_id(subject);
    request.set_kind(kind);
    return Submit(client, request);
  }
  Outcome Submit(const std::string& client,
                 const v1::SubmitRightsCaseRequest& request) {
    auto [done, future] = Promised<Outcome>();
    desk_->Submit(As(client), request, std::move(done));
    return future.get();
  }

  template <class Request, class Method>
  Outcome Do(Method method, const v1::RightsCase& on, Request request = {},
             const std::string& client = "office",
             const std::string& person = "p1") {
    request.set_id(on.id());
    if constexpr (requires { request.set_etag(""); }) {
      request.set_etag(on.etag());
    }
    auto [done, future] = Promised<Outcome>();
    ((*desk_).*method)(As(client, person), request, std::move(done));
    return future.get();
  }

  Outcome Verify(const v1::RightsCase& on) {
    v1::VerifyRightsCaseRequest request;
    request.set_level(v1::VERIFICATION_LEVEL_LOGIN);
    request.set_evidence_digest(std::string(64, 'a'));
    return Do(&CaseDesk::Verify, on, request);
  }

  bool MayRead() {
    const auto read = fixture_.Read(
        AccessFixture::As("shop"),
        AccessFixture::Request(anna_, kServicePurpose, {"profile.first_name"}));
    EXPECT_OK(read.status());
    return read.ok() && read->decision().effect() == v1::EFFECT_PERMIT;
  }

  AccessFixture fixture_;
  crypto::RequestDigests digests_;
  std::unique_ptr<CaseDesk> desk_;
  std::string anna_;
  std::vector<std::string> told_;
  std::string code_;
  uint64_t decided_on_ = 0;
  // Decision and statement of each review that was asked for.
  std::vector<std::pair<std::string, std::string>> asked_;
};

TEST_F(CaseDeskTest, RestrictionBindsOnceTheContactPointAnswered) {
  auto opened = Submit("shop", v1::RIGHTS_KIND_RESTRICTION, anna_);
  ASSERT_OK(opened.status());
  EXPECT_EQ(opened->state(), v1::RIGHTS_STATE_VERIFYING);
  EXPECT_TRUE(opened->subject_id().empty());
  ASSERT_EQ(opened->clocks_size(), 1);
  EXPECT_EQ(opened->clocks(0).regime(), "eu-gdpr");
  EXPECT_TRUE(MayRead());
  v1::VerifyRightsCaseRequest request;
  request.set_level(v1::VERIFICATION_LEVEL_CONTACT);
  request.set_code("WRONG-WRONG");
  EXPECT_FALSE(Do(&CaseDesk::Verify, *opened, request, "shop").ok());
  EXPECT_TRUE(MayRead());
  request.set_code(code_);
  v1::RightsCase now = *opened;
  now.clear_etag();
  auto verified = Do(&CaseDesk::Verify, now, request, "shop");
  ASSERT_OK(verified.status());
  EXPECT_EQ(verified->state(), v1::RIGHTS_STATE_COMPLETED);
  EXPECT_FALSE(MayRead());
  // The entry tells enough to bring it back after a restore.
  const auto leaves = fixture_.Leaves();
  bool told = false;
  for (const auto& leaf : leaves) {
    for (const auto& subject : leaf.subjects()) {
      for (const auto& line : subject.changes()) {
        told = told || line == "restricted=set";
      }
    }
  }
  EXPECT_TRUE(told);
}

TEST_F(CaseDeskTest, AnErasureOfSingleFieldsIsRefusedAtItsEntry) {
  v1::SubmitRightsCaseRequest request;
  request.mutable_subject()->set_id(anna_);
  request.set_kind(v1::RIGHTS_KIND_ERASURE);
  request.add_fields("profile.first_name");
  EXPECT_TRUE(absl::IsInvalidArgument(Submit("shop", request).status()));
  EXPECT_OK(Submit("shop", v1::RIGHTS_KIND_ERASURE, anna_).status());
}

TEST_F(CaseDeskTest, RestrictionEndsOnlyADayAfterItWasAnnounced) {
  auto opened = Submit("office", v1::RIGHTS_KIND_RESTRICTION, anna_);
  ASSERT_OK(opened.status());
  auto now = Verify(*opened);
  ASSERT_OK(now.status());
  EXPECT_FALSE(MayRead());
  v1::LiftRestrictionRequest lift;
  lift.set_reason_code("checked");
  now = Do(&CaseDesk::LiftRestriction, *now, lift);
  ASSERT_OK(now.status());
  EXPECT_FALSE(Do(&CaseDesk::LiftRestriction, *now, lift).ok());
  EXPECT_FALSE(MayRead());
  fixture_.clock().AdvanceUs(int64_t{25} * 3600 * 1'000'000);
  ASSERT_OK(Do(&CaseDesk::LiftRestriction, *now, lift).status());
  EXPECT_TRUE(MayRead());
}

TEST_F(CaseDeskTest, FiveWrongCodesCloseTheDoor) {
  auto opened = Submit("shop", v1::RIGHTS_KIND_ACCESS, anna_);
  ASSERT_OK(opened.status());
  v1::RightsCase on = *opened;
  on.clear_etag();
  v1::VerifyRightsCaseRequest request;
  request.set_level(v1::VERIFICATION_LEVEL_CONTACT);
  request.set_code("WRONG-WRONG");
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(Do(&CaseDesk::Verify, on, request, "shop").ok());
  }
  request.set_code(code_);
  EXPECT_FALSE(Do(&CaseDesk::Verify, on, request, "shop").ok());
}

TEST_F(CaseDeskTest, NobodyIsAnsweredLikeSomebody) {
  v1::SubmitRightsCaseRequest request;
  request.mutable_subject()->mutable_identifier()->set_type(
      v1::IDENTIFIER_TYPE_EMAIL);
  request.mutable_subject()->mutable_identifier()->set_value(
      "nobody@example.com");
  request.set_kind(v1::RIGHTS_KIND_ACCESS);
  request.set_statement("who am I");
  const auto nobody = Submit("shop", request);
  ASSERT_OK(nobody.status());
  const auto somebody = Submit("shop", v1::RIGHTS_KIND_ACCESS, anna_);
  ASSERT_OK(somebody.status());
  EXPECT_EQ(nobody->state(), somebody->state());
  EXPECT_EQ(nobody->waits_for(), somebody->waits_for());
  EXPECT_EQ(nobody->clocks_size(), somebody->clocks_size());
  // Staff are told.
  ASSERT_OK(
      Do(&CaseDesk::Cancel, *nobody, v1::CancelRightsCaseRequest()).status());
}

TEST_F(CaseDeskTest, OptOutIsDoneAtOnceAndObjectionToMarketingToo) {
  auto done = Submit("shop", v1::RIGHTS_KIND_OPT_OUT_OF_PROFILING, anna_);
  ASSERT_OK(done.status());
  EXPECT_EQ(done->state(), v1::RIGHTS_STATE_COMPLETED);
  const auto head = fixture_.Head(fixture_.Number(anna_));
  EXPECT_GE(head.opt_outs_size(), 1);
  v1::SubmitRightsCaseRequest request;
  request.mutable_subject()->set_id(anna_);
  request.set_kind(v1::RIGHTS_KIND_OBJECTION);
  request.add_purposes(testing::kLettersPurpose);
  done = Submit("shop", request);
  ASSERT_OK(done.status());
  EXPECT_EQ(done->state(), v1::RIGHTS_STATE_COMPLETED);
  EXPECT_EQ(fixture_.Head(fixture_.Number(anna_)).objections_size(), 1);
}

TEST_F(CaseDeskTest, ObjectionByInterestWaitsForTheCustomerAndIsWeighed) {
  v1::SubmitRightsCaseRequest request;
  request.mutable_subject()->set_id(anna_);
  request.set_kind(v1::RIGHTS_KIND_OBJECTION);
  request.add_purposes(testing::kStatsPurpose);
  const auto opened = Submit("office", request);
  ASSERT_OK(opened.status());
  EXPECT_EQ(fixture_.Head(fixture_.Number(anna_)).objections_size(), 0);
  const auto verified = Verify(*opened);
  ASSERT_OK(verified.status());
  EXPECT_EQ(verified->state(), v1::RIGHTS_STATE_WORKING);
  EXPECT_EQ(fixture_.Head(fixture_.Number(anna_)).objections_size(), 1);
}

TEST_F(CaseDeskTest, AHumanReviewIsQueuedOnceSheIsKnownAndAnsweredByIt) {
  v1::SubmitRightsCaseRequest request;
  request.mutable_subject()->set_id(anna_);
  request.set_kind(v1::RIGHTS_KIND_HUMAN_REVIEW);
  request.set_decision_id(kDecision);
  request.set_statement("The income is wrong.");
  const auto opened = Submit("office", request);
  ASSERT_OK(opened.status());
  EXPECT_EQ(opened->state(), v1::RIGHTS_STATE_VERIFYING);
  EXPECT_TRUE(asked_.empty());
  const auto verified = Verify(*opened);
  ASSERT_OK(verified.status());
  EXPECT_EQ(verified->state(), v1::RIGHTS_STATE_WORKING);
  ASSERT_EQ(asked_.size(), 1u);
  EXPECT_EQ(asked_[0].first, kDecision);
  EXPECT_EQ(asked_[0].second, "The income is wrong.");
  const auto& step = verified->steps(verified->steps_size() - 1);
  EXPECT_EQ(step.event(), "in_review");
  EXPECT_EQ(step.reason_code(), "rev_1");
  // Another review answers nothing.
  const auto decide = [&](const std::string& review) {
    store::Change change;
    change.apply = [&](store::ChangeContext& context) -> absl::Status {
      store::v1::Leaf leaf;
      const absl::Status status =
          desk_->Reviewed(context, opened->id(), review, &leaf);
      context.SetEntry(leaf.SerializeAsString());
      return status;
    };
    ASSERT_OK(
        fixture_.committer()->CommitChangeAndWait(std::move(change)).status);
  };
  const auto row = [&] {
    return *desk_->rows().Read(
        fixture_.reader_connection(),
        *crypto::ParseId(crypto::IdKind::kRightsRequest, opened->id()));
  };
  decide("rev_2");
  EXPECT_EQ(row().doc.state(), v1::RIGHTS_STATE_WORKING);
  told_.clear();
  decide("rev_1");
  EXPECT_EQ(row().doc.state(), v1::RIGHTS_STATE_COMPLETED);
  ASSERT_EQ(row().doc.outcomes_size(), 1);
  EXPECT_EQ(row().doc.outcomes(0).target(), kDecision);
  EXPECT_EQ(row().doc.outcomes(0).document(), "rev_1");
  ASSERT_EQ(told_.size(), 1u);
  EXPECT_EQ(told_[0], "rights.answer_ready");
  decide("rev_1");
  EXPECT_EQ(told_.size(), 1u);
}

TEST_F(CaseDeskTest, AHumanReviewOfNothingThatIsHersIsLeftToStaff) {
  const auto reason = [&](const std::string& decision) {
    v1::SubmitRightsCaseRequest request;
    request.mutable_subject()->set_id(anna_);
    request.set_kind(v1::RIGHTS_KIND_HUMAN_REVIEW);
    request.set_decision_id(decision);
    const auto opened = Submit("office", request);
    EXPECT_OK(opened.status());
    const auto verified = Verify(*opened);
    EXPECT_OK(verified.status());
    EXPECT_EQ(verified->state(), v1::RIGHTS_STATE_WORKING);
    EXPECT_EQ(verified->waits_for(), "staff");
    const auto& step = verified->steps(verified->steps_size() - 1);
    EXPECT_EQ(step.event(), "review_needs_staff");
    return step.reason_code();
  };
  EXPECT_EQ(reason(""), "no_decision_named");
  EXPECT_EQ(reason("scr_bbbbbbbbbbbbbbbbbbbbbbbb"), "decision_not_found");
  // Somebody else's is like none.
  decided_on_ = fixture_.Number(fixture_.Person("ben"));
  EXPECT_EQ(reason(kDecision), "decision_not_found");
  EXPECT_TRUE(asked_.empty());
}

TEST_F(CaseDeskTest, RefusalNeedsAGroundAndAnotherPerson) {
  const auto opened = Submit("office", v1::RIGHTS_KIND_ACCESS, anna_);
  ASSERT_OK(opened.status());
  const auto verified = Verify(*opened);
  ASSERT_OK(verified.status());
  v1::RefuseRightsCaseRequest refuse;
  refuse.set_ground("none.such");
  EXPECT_FALSE(Do(&CaseDesk::Refuse, *verified, refuse).ok());
  refuse.set_ground("gdpr.12.5");
  const auto refused = Do(&CaseDesk::Refuse, *verified, refuse);
  ASSERT_OK(refused.status());
  EXPECT_EQ(refused->state(), v1::RIGHTS_STATE_APPROVING);
  EXPECT_FALSE(
      Do(&CaseDesk::Approve, *refused, v1::ApproveRightsCaseRequest()).ok());
  const auto approved = Do(&CaseDesk::Approve, *refused,
                           v1::ApproveRightsCaseRequest(), "dpo", "p2");
  ASSERT_OK(approved.status());
  EXPECT_EQ(approved->state(), v1::RIGHTS_STATE_WORKING);
  // An older etag is not taken.
  EXPECT_FALSE(Do(&CaseDesk::Refuse, *verified, refuse).ok());
}

TEST_F(CaseDeskTest, RowsOutliveTheKeysAndLeadToNobody) {
  const auto opened = Submit("office", v1::RIGHTS_KIND_ACCESS, anna_);
  ASSERT_OK(opened.status());
  const uint64_t number = fixture_.Number(anna_);
  store::Change change;
  change.apply = [&](store::ChangeContext& context) -> absl::Status {
    context.SetEntry(store::v1::Leaf().SerializeAsString());
    if (const auto status =
            desk_->rows().KeepBeyondKeys(context.connection(), number);
        !status.ok()) {
      return status;
    }
    return desk_->rows().Forget(context.connection(), number, 100).status();
  };
  ASSERT_OK(
      fixture_.committer()->CommitChangeAndWait(std::move(change)).status);
  const auto id = crypto::ParseId(crypto::IdKind::kRightsRequest, opened->id());
  const auto row = desk_->rows().Read(fixture_.reader_connection(), *id);
  ASSERT_OK(row.status());
  EXPECT_EQ(row->subject, 0u);
  EXPECT_TRUE(row->doc.subject_id().empty());
  EXPECT_EQ(row->doc.kind(), v1::RIGHTS_KIND_ACCESS);
}

// --- Dates for staff ---

constexpr int64_t kDayUs = int64_t{24} * 3600 * 1'000'000;

TEST_F(CaseDeskTest, StaffAreToldOfDatesThatComeAndOfThoseThatPassed) {
  const auto opened = Submit("office", v1::RIGHTS_KIND_ACCESS, anna_);
  ASSERT_OK(opened.status());
  const int64_t due_us = opened->due_time().seconds() * 1'000'000;
  const auto dates = [&](int64_t now_us) {
    const auto found =
        DatesOf(desk_->rows(), fixture_.reader_connection(), now_us);
    EXPECT_OK(found.status());
    return *found;
  };
  CaseDates none = dates(due_us - 8 * kDayUs);
  EXPECT_TRUE(none.due.empty());
  EXPECT_TRUE(none.urgent.empty());
  const CaseDates soon = dates(due_us - 6 * kDayUs);
  ASSERT_EQ(soon.due.size(), 1u);
  EXPECT_EQ(
      soon.due[0].rfind("case_due: " + opened->id() + " answer_or_extend 2", 0),
      0u)
      << soon.due[0];
  EXPECT_TRUE(soon.urgent.empty());
  EXPECT_EQ(dates(due_us - kDayUs / 2).urgent.size(), 1u);
  const CaseDates late = dates(due_us + 1'000'000);
  ASSERT_EQ(late.urgent.size(), 1u);
  EXPECT_EQ(late.urgent[0].rfind("case_late: " + opened->id() + " answer 2", 0),
            0u)
      << late.urgent[0];
  // What stands still is not due.
  v1::PauseRightsCaseRequest pause;
  pause.set_reason_code("identity");
  ASSERT_OK(Do(&CaseDesk::Pause, *opened, pause).status());
  EXPECT_TRUE(dates(due_us + 1'000'000).urgent.empty());
}

TEST(CaseDates, ReceiptIsToBeConfirmedFirst) {
  store::v1::RightsCaseDoc doc;
  doc.set_id("rgt_x");
  doc.set_state(v1::RIGHTS_STATE_WORKING);
  constexpr int64_t kReceivedUs = int64_t{20'000} * kDayUs;
  doc.set_received_us(kReceivedUs);
  auto* rule = doc.add_clocks()->mutable_rule();
  rule->mutable_respond()->set_count(45);
  rule->mutable_respond()->set_unit(config::v1::Duration::CALENDAR_DAY);
  rule->mutable_acknowledge()->set_count(10);
  rule->mutable_acknowledge()->set_unit(config::v1::Duration::BUSINESS_DAY);
  CaseDates dates;
  AddDatesOf(doc, kReceivedUs + 9 * kDayUs, &dates);
  ASSERT_EQ(dates.due.size(), 1u);
  EXPECT_EQ(dates.due[0].rfind("case_due: rgt_x acknowledge 2", 0), 0u);
  dates = {};
  AddDatesOf(doc, kReceivedUs + 16 * kDayUs, &dates);
  ASSERT_EQ(dates.urgent.size(), 1u);
  EXPECT_EQ(dates.urgent[0].rfind("case_late: rgt_x acknowledge 2", 0), 0u);
  doc.set_acknowledged_us(kReceivedUs + kDayUs);
  dates = {};
  AddDatesOf(doc, kReceivedUs + 16 * kDayUs, &dates);
  EXPECT_TRUE(dates.urgent.empty());
  // The last chance to extend, and none a second time.
  rule->mutable_extension()->set_count(45);
  rule->mutable_extension()->set_unit(config::v1::Duration::CALENDAR_DAY);
  AddDatesOf(doc, kReceivedUs + 44 * kDayUs, &dates);
  ASSERT_EQ(dates.due.size() + dates.urgent.size(), 1u);
  const std::string line = dates.due.empty() ? dates.urgent[0] : dates.due[0];
  EXPECT_NE(line.find(" answer_or_extend "), std::string::npos) << line;
  doc.set_extended(true);
  dates = {};
  AddDatesOf(doc, kReceivedUs + 89 * kDayUs, &dates);
  ASSERT_EQ(dates.due.size() + dates.urgent.size(), 1u);
  EXPECT_NE(
      (dates.due.empty() ? dates.urgent[0] : dates.due[0]).find(" answer "),
      std::string::npos);
}

// --- How long the record of a case is kept ---

class CaseRetentionTest : public CaseDeskTest {
 protected:
  int64_t Sweep() {
    CaseRetention::Options options;
    options.configuration = [this] { return fixture_.configuration(); };
    options.committer = fixture_.committer();
    options.readers = fixture_.readers();
    options.rows = &desk_->rows();
    options.is_held = [this](store::Connection*, uint64_t) { return held_; };
    const auto removed = CaseRetention(std::move(options)).Run();
    EXPECT_OK(removed.status());
    return removed.ok() ? *removed : -1;
  }
  void Pass(int days) { fixture_.clock().AdvanceUs(days * kDayUs); }
  bool IsThere(const v1::RightsCase& one) {
    const auto id = crypto::ParseId(crypto::IdKind::kRightsRequest, one.id());
    return desk_->rows().Read(fixture_.reader_connection(), *id).ok();
  }

  bool held_ = false;
};

TEST_F(CaseRetentionTest, AnAnsweredCaseGoesWhenItsProofIsOver) {
  const auto open = Submit("office", v1::RIGHTS_KIND_ACCESS, anna_);
  const auto answered =
      Submit("office", v1::RIGHTS_KIND_OPT_OUT_OF_PROFILING, anna_);
  ASSERT_OK(open.status());
  ASSERT_OK(answered.status());
  ASSERT_EQ(answered->state(), v1::RIGHTS_STATE_COMPLETED);
  EXPECT_EQ(Sweep(), 0);
  // 48 months in eu-gdpr.
  Pass(4 * 365);
  EXPECT_EQ(Sweep(), 0);
  Pass(3);
  held_ = true;
  EXPECT_EQ(Sweep(), 0);
  held_ = false;
  EXPECT_EQ(Sweep(), 1);
  EXPECT_FALSE(IsThere(*answered));
  EXPECT_TRUE(IsThere(*open));
  EXPECT_EQ(Sweep(), 0);
  // Told by id alone.
  const auto leaves = fixture_.Leaves();
  EXPECT_EQ(leaves.back().event(), "system.cases_expired");
  ASSERT_EQ(leaves.back().details_size(), 1);
  EXPECT_EQ(leaves.back().details(0), "case=" + answered->id());
  EXPECT_EQ(leaves.back().subjects_size(), 0);
}

TEST_F(CaseRetentionTest, ARestrictionInForceKeepsItsCase) {
  const auto opened = Submit("office", v1::RIGHTS_KIND_RESTRICTION, anna_);
  ASSERT_OK(opened.status());
  const auto answered = Verify(*opened);
  ASSERT_OK(answered.status());
  ASSERT_EQ(answered->state(), v1::RIGHTS_STATE_COMPLETED);
  Pass(10 * 365);
  EXPECT_EQ(Sweep(), 0);
  v1::LiftRestrictionRequest lift;
  lift.set_reason_code("checked");
  const auto announced = Do(&CaseDesk::LiftRestriction, *answered, lift);
  ASSERT_OK(announced.status());
  Pass(2);
  ASSERT_OK(Do(&CaseDesk::LiftRestriction, *announced, lift).status());
  EXPECT_EQ(Sweep(), 1);
  EXPECT_FALSE(IsThere(*answered));
}

TEST_F(CaseRetentionTest, ManyGoInSteps) {
  for (int i = 0; i < 150; ++i) {
    ASSERT_OK(
        Submit("shop", v1::RIGHTS_KIND_OPT_OUT_OF_PROFILING, anna_).status());
  }
  Pass(4 * 365 + 3);
  EXPECT_EQ(Sweep(), 150);
  EXPECT_EQ(fixture_.Ask("SELECT COUNT(*) FROM rights_cases"), 0);
}

}  // namespace
}  // namespace consentry::rights
