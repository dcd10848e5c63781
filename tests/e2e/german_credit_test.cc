// Decisions on credit as a bank's engine makes them: what the law wants a human
// to look at first waits for one, what it does not goes out and is contested.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "audit/log/note.h"
#include "consentry/v1/data_service.grpc.pb.h"
#include "consentry/v1/review_service.grpc.pb.h"
#include "consentry/v1/rights_service.grpc.pb.h"
#include "consentry/v1/screening_service.grpc.pb.h"
#include "gateway/screening/release_note.h"
#include "tests/e2e/requests.h"
#include "tests/e2e/test_gateway.h"
#include "tests/testing/status_matchers.h"

namespace consentry {
namespace {

using testing::Context;
using testing::CrmRef;
using testing::Identity;
using testing::ReasonOf;
using testing::ServiceClient;
using testing::TestGateway;

constexpr char kService[] = "essential.service.operations";
constexpr char kCredit[] = "lending.credit_decision";
constexpr size_t kApplicants = 100;
// One in five lives in Britain, whose law asks for a human on request alone.
constexpr size_t kBritons = 5;
// The model for great sums is of high risk.
constexpr int64_t kGreatSum = 8000;

constexpr char kKind[] = R"pb(
  kinds {
    key: "application"
    title: "Application for credit"
    fields {
      key: "amount"
      title: "Amount"
      type: INT
      category: "user.financial"
      retention_months: 120
    }
    fields {
      key: "months"
      title: "Duration"
      type: INT
      category: "user.financial"
      retention_months: 120
    }
    fields {
      key: "employment"
      title: "Employment"
      type: STRING
      category: "user.job_title"
      retention_months: 120
    }
  }
)pb";

constexpr char kPurpose[] = R"pb(
  purposes {
    key: "lending.credit_decision"
    purpose_class: SIGNIFICANT_DECISION
    text { language: "en" title: "Credit" text: "To decide on a credit." }
    fields { field: "application.amount" transform: NONE why: "risk" }
    fields { field: "application.months" transform: NONE why: "risk" }
    fields { field: "application.employment" transform: NONE why: "risk" }
    bases {
      regimes: [ "eu-gdpr", "uk-gdpr" ]
      basis: CONTRACT
      necessity_note: "n"
    }
    channels: [ EMAIL, INTERNAL ]
    dpia: "dpia-credit"
  }
)pb";

// What a reviewer may see besides.
constexpr char kSeen[] = R"pb(
  fields { field: "application.amount" transform: NONE why: "drawn from" }
  fields { field: "application.months" transform: NONE why: "drawn from" }
)pb";

struct Applicant {
  std::string id;
  bool briton = false;
  int64_t amount = 0;
  int64_t months = 0;
  std::string employment;
  // Paid it back.
  bool good = false;
  // What the model says.
  bool approved = false;

  bool great() const { return amount >= kGreatSum; }
};

class GermanCreditTest : public ::testing::Test {
 protected:
  GermanCreditTest()
      : gateway_([](server::InitialiseOptions* options) {
          options->home = "GB";
          options->markets = {"DE", "GB"};
        }) {
    std::ofstream(gateway_.File("catalog.txtpb"), std::ios::app) << kKind;
    const std::string file = gateway_.File("purposes.txtpb");
    const std::string mark = "purpose_class: HUMAN_REVIEW\n";
    const std::string purposes = testing::ReadAll(file);
    EXPECT_NE(purposes.find(mark), std::string::npos);
    std::ofstream(file) << absl::StrReplaceAll(purposes, {{mark, mark + kSeen}})
                        << kPurpose;
    std::ofstream(gateway_.File("consentry.txtpb"), std::ios::app)
        << "\nscreening { high_risk_models: \"credit-great\" }\n";
    gateway_.Start();
    v1::Client shop = ServiceClient("shop", kService);
    shop.add_permissions("data.import");
    shop.add_permissions("data.legal_facts");
    shop_ = gateway_.Register(shop);
    v1::Client bank = ServiceClient("bank", kCredit);
    for (const char* permission :
         {"screening.screen", "screening.fetch", "reviews.request",
          "rights.read", "rights.submit"}) {
      bank.add_permissions(permission);
    }
    bank_ = gateway_.Register(bank);
    v1::Client reviewer;
    reviewer.set_id("reviewer");
    reviewer.set_role(v1::ROLE_REVIEWER);
    reviewer.set_country("DE");
    reviewer_ = gateway_.Register(reviewer);
    // Without tokens two keys prove that they are two.
    reviewer.set_id("second-reviewer");
    second_ = gateway_.Register(reviewer);
  }

  bool Load() {
    const char* shared = std::getenv("CONSENTRY_SHARED_DATA");
    std::ifstream file(std::string(shared == nullptr ? CONSENTRY_SOURCE_DIR
                                       "/../shared/data"
                                                     : shared) +
                       "/german-credit.csv");
    if (!file) return false;
    std::string line;
    std::getline(file, line);
    const std::vector<std::string> names = absl::StrSplit(line, ',');
    while (applicants_.size() < kApplicants && std::getline(file, line)) {
      const std::vector<std::string> cells = absl::StrSplit(line, ',');
      std::map<std::string, std::string> row;
      for (size_t i = 0; i < names.size() && i < cells.size(); ++i) {
        row[names[i]] = cells[i];
      }
      Applicant one;
      one.id = absl::StrCat("G", applicants_.size());
      one.briton = applicants_.size() % kBritons == 0;
      EXPECT_TRUE(absl::SimpleAtoi(row["credit_amount"], &one.amount));
      EXPECT_TRUE(absl::SimpleAtoi(row["month"], &one.months));
      one.employment = row["employment"];
      one.good = row["credit"] == "1";
      // No money in the account, or a long time: a crude model.
      one.approved = row["status"] != "A11" && one.months <= 36;
      applicants_.push_back(one);
    }
    return applicants_.size() == kApplicants;
  }

  void Import() {
    const auto stub = v1::DataService::NewStub(gateway_.Connect(shop_));
    const auto context = Context();
    const auto stream = stub->ImportRecords(context.get());
    v1::ImportRecordsRequest message;
    message.mutable_header()->set_source("crm");
    message.mutable_header()->set_purpose(kService);
    message.mutable_header()->set_label("applicants");
    ASSERT_TRUE(stream->Write(message));
    for (const bool profile : {true, false}) {
      message.Clear();
      for (size_t i = 0; i < applicants_.size(); ++i) {
        const Applicant& one = applicants_[i];
        v1::ImportRow* row = message.mutable_rows()->add_rows();
        row->set_number((profile ? 0 : applicants_.size()) + i + 1);
        row->set_kind(profile ? "profile" : "application");
        row->set_source_key(one.id);
        *row->add_identifiers() = CrmRef(one.id).identifier();
        auto& values = *row->mutable_values();
        if (profile) {
          values["given_name"].set_string_value("A");
          row->mutable_legal_facts()->set_residence(one.briton ? "GB" : "DE");
        } else {
          values["amount"].set_int_value(one.amount);
          values["months"].set_int_value(one.months);
          values["employment"].set_string_value(one.employment);
        }
      }
      ASSERT_TRUE(stream->Write(message));
      v1::ImportRecordsResponse answer;
      ASSERT_TRUE(stream->Read(&answer)) << stream->Finish().error_message();
      for (const v1::ImportRowResult& result : answer.results()) {
        ASSERT_EQ(result.faults_size(), 0) << result.DebugString();
      }
    }
    stream->WritesDone();
    ASSERT_TRUE(stream->Finish().ok());
  }

  static v1::ScreenOutputRequest Decision(const Applicant& one) {
    v1::ScreenOutputRequest request;
    *request.mutable_subject() = CrmRef(one.id);
    request.set_purpose(kCredit);
    request.set_channel(v1::CHANNEL_EMAIL);
    v1::Output* output = request.mutable_output();
    output->set_id("credit-" + one.id);
    output->set_kind(v1::OUTPUT_KIND_DECISION);
    output->set_model(one.great() ? "credit-great" : "credit");
    output->set_model_version("1");
    output->set_label(one.approved ? "approved" : "refused");
    output->set_favourable(one.approved);
    output->set_explanation(absl::StrCat("months: ", one.months));
    output->add_input_categories("user.financial");
    return request;
  }

  v1::ScreenOutputResponse Screen(const Applicant& one) {
    v1::ScreenOutputResponse response;
    const grpc::Status status =
        Outputs(bank_)->ScreenOutput(Context().get(), Decision(one), &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  // What was handed out so far, by screening; a page is confirmed by asking for
  // the next one and does not come again.
  const std::map<std::string, v1::FetchedOutput>& Fetch() {
    v1::FetchOutputsRequest request;
    request.set_purpose(kCredit);
    request.set_channel(v1::CHANNEL_EMAIL);
    for (;;) {
      v1::FetchOutputsResponse page;
      const grpc::Status status =
          Outputs(bank_)->FetchOutputs(Context().get(), request, &page);
      EXPECT_TRUE(status.ok()) << status.error_message();
      for (const auto& one : page.outputs()) {
        fetched_[one.screening_id()] = one;
      }
      if (!status.ok() || page.next_page_token().empty()) return fetched_;
      request.set_page_token(page.next_page_token());
    }
  }

  std::unique_ptr<v1::ScreeningService::Stub> Outputs(const Identity& as) {
    return v1::ScreeningService::NewStub(gateway_.Connect(as));
  }
  std::unique_ptr<v1::ReviewService::Stub> Reviews(const Identity& as) {
    return v1::ReviewService::NewStub(gateway_.Connect(as));
  }

  std::vector<v1::Review> Queue() {
    v1::ListReviewsRequest request;
    request.set_page_size(30);
    std::vector<v1::Review> queue;
    for (;;) {
      v1::ListReviewsResponse page;
      const grpc::Status status =
          Reviews(reviewer_)->ListReviews(Context().get(), request, &page);
      EXPECT_TRUE(status.ok()) << status.error_message();
      queue.insert(queue.end(), page.reviews().begin(), page.reviews().end());
      if (!status.ok() || page.next_page_token().empty()) return queue;
      request.set_page_token(page.next_page_token());
    }
  }

  const Identity& KeyOf(const std::string& person) const {
    return person == "otto" ? second_ : reviewer_;
  }
  grpc::Status Claim(const std::string& id, const std::string& person,
                     v1::Review* claimed) {
    v1::ClaimReviewRequest request;
    request.set_id(id);
    request.mutable_context()->set_acting_person(person);
    return Reviews(KeyOf(person))
        ->ClaimReview(Context().get(), request, claimed);
  }
  v1::ReviewCase Show(const std::string& id, const std::string& person) {
    v1::ShowReviewRequest request;
    request.set_id(id);
    request.mutable_context()->set_acting_person(person);
    v1::ReviewCase shown;
    const grpc::Status status =
        Reviews(KeyOf(person))->ShowReview(Context().get(), request, &shown);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return shown;
  }
  grpc::Status Decide(const v1::Review& review, const std::string& person,
                      v1::ReviewVerdict verdict, const std::string& outcome,
                      v1::Review* decided) {
    v1::DecideReviewRequest request;
    request.set_id(review.id());
    request.set_etag(review.etag());
    request.set_verdict(verdict);
    request.set_reason_code("looked");
    request.set_rationale("I looked at the account.");
    request.set_new_outcome(outcome);
    request.mutable_context()->set_acting_person(person);
    return Reviews(KeyOf(person))
        ->DecideReview(Context().get(), request, decided);
  }
  // Claims and decides.
  v1::Review Take(const std::string& id, const std::string& person,
                  v1::ReviewVerdict verdict, const std::string& outcome = "") {
    v1::Review claimed;
    v1::Review decided;
    grpc::Status status = Claim(id, person, &claimed);
    EXPECT_TRUE(status.ok()) << status.error_message();
    status = Decide(claimed, person, verdict, outcome, &decided);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return decided;
  }

  v1::Review Ask(const Applicant& one, const std::string& target,
                 const std::string& words) {
    v1::RequestReviewRequest request;
    *request.mutable_subject() = CrmRef(one.id);
    request.set_target(target);
    request.set_trigger(v1::REVIEW_TRIGGER_CUSTOMER);
    request.set_statement(words);
    v1::Review review;
    const grpc::Status status =
        Reviews(bank_)->RequestReview(Context().get(), request, &review);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return review;
  }

  std::set<std::string> Revoked() {
    std::set<std::string> digests;
    v1::ListRevokedReleasesRequest request;
    for (;;) {
      v1::ListRevokedReleasesResponse page;
      const grpc::Status status =
          Outputs(bank_)->ListRevokedReleases(Context().get(), request, &page);
      EXPECT_TRUE(status.ok()) << status.error_message();
      if (!status.ok() || page.digests().empty()) return digests;
      digests.insert(page.digests().begin(), page.digests().end());
      request.set_page_token(page.next_page_token());
    }
  }

  // The release holds for what was fetched, and for no other output.
  void ExpectVerifies(const v1::FetchedOutput& fetched) {
    std::string vkey = testing::ReadAll(gateway_.File("release-verifier.txt"));
    vkey.pop_back();
    const auto key = audit::NoteVerifier::FromVkey(vkey);
    ASSERT_OK(key.status());
    const int64_t now_s = absl::ToUnixSeconds(absl::Now());
    EXPECT_OK(screening::CheckRelease(
        *key, fetched.release().note(), fetched.output(),
        fetched.release().pseudonym(), v1::CHANNEL_EMAIL, now_s));
    v1::Output other = fetched.output();
    other.set_favourable(!other.favourable());
    EXPECT_FALSE(screening::CheckRelease(*key, fetched.release().note(), other,
                                         fetched.release().pseudonym(),
                                         v1::CHANNEL_EMAIL, now_s)
                     .ok());
  }

  TestGateway gateway_;
  Identity shop_;
  Identity bank_;
  Identity reviewer_;
  Identity second_;
  std::vector<Applicant> applicants_;
  std::map<std::string, v1::FetchedOutput> fetched_;
};

TEST_F(GermanCreditTest, WhatIsSignificantIsHeldReviewedAndReleased) {
  if (!Load()) GTEST_SKIP() << "german-credit.csv is not here";
  Import();
  std::map<std::string, const Applicant*> by_screening;
  std::map<std::string, v1::ScreenOutputResponse> answers;
  for (const Applicant& one : applicants_) {
    v1::ScreenOutputResponse answer = Screen(one);
    by_screening[answer.screening_id()] = &one;
    if (one.briton) {
      EXPECT_EQ(answer.verdict(), v1::VERDICT_RELEASED) << answer.DebugString();
    } else {
      EXPECT_EQ(answer.verdict(), v1::VERDICT_HELD) << answer.DebugString();
      EXPECT_EQ(answer.verdict_class(), v1::VERDICT_CLASS_SIGNIFICANT);
      EXPECT_GT(answer.expected_time().seconds(),
                absl::ToUnixSeconds(absl::Now()));
    }
    answers[one.id] = std::move(answer);
  }
  const auto id_of = [&](const Applicant& one) {
    return answers[one.id].screening_id();
  };
  // Nothing that is held can be delivered.
  auto fetched = Fetch();
  EXPECT_EQ(fetched.size(), kApplicants / kBritons);
  for (const auto& [id, one] : fetched) EXPECT_TRUE(by_screening[id]->briton);

  // A customer gives her view on what waits; her review becomes no second one.
  const auto refused = std::find_if(
      applicants_.begin(), applicants_.end(), [](const Applicant& one) {
        return !one.briton && !one.approved && one.good && !one.great();
      });
  ASSERT_NE(refused, applicants_.end());
  const v1::Review joined =
      Ask(*refused, id_of(*refused), "My account was empty for a day");

  std::vector<v1::Review> queue = Queue();
  ASSERT_EQ(queue.size(), kApplicants - kApplicants / kBritons);
  std::map<std::string, v1::Review> waiting;
  for (size_t i = 0; i < queue.size(); ++i) {
    EXPECT_EQ(queue[i].trigger(), v1::REVIEW_TRIGGER_SIGNIFICANT_DECISION);
    EXPECT_FALSE(queue[i].rules().empty());
    const Applicant& one = *by_screening[queue[i].target()];
    EXPECT_EQ(queue[i].high_risk(), one.great());
    waiting[queue[i].target()] = queue[i];
    if (i == 0) continue;
    EXPECT_LE(queue[i - 1].priority(), queue[i].priority());
    if (queue[i - 1].priority() == queue[i].priority()) {
      EXPECT_LE(queue[i - 1].due_time().seconds() / 3600,
                queue[i].due_time().seconds() / 3600);
    }
  }
  EXPECT_EQ(waiting[id_of(*refused)].id(), joined.id());

  // The case, with all that the decision was made from, for one person.
  v1::Review claimed;
  ASSERT_TRUE(Claim(joined.id(), "rita", &claimed).ok());
  v1::Review none;
  EXPECT_EQ(ReasonOf(Claim(joined.id(), "otto", &none)),
            v1::ERROR_REASON_STATE_INVALID);
  const v1::ReviewCase shown = Show(joined.id(), "rita");
  EXPECT_NE(shown.proposal().find("refused"), std::string::npos);
  EXPECT_EQ(shown.explanation(), absl::StrCat("months: ", refused->months));
  ASSERT_EQ(shown.statements_size(), 1);
  EXPECT_EQ(shown.statements(0), "My account was empty for a day");
  std::map<std::string, int64_t> inputs;
  for (const auto& field : shown.inputs()) {
    inputs[field.name()] = field.value().int_value();
  }
  EXPECT_EQ(inputs["application.amount"], refused->amount);
  EXPECT_EQ(inputs["application.months"], refused->months);

  // The opposite. The engine learns it when it asks again, and the release
  // holds for the outcome that a human made.
  v1::Review decided;
  grpc::Status status = Decide(claimed, "rita", v1::REVIEW_VERDICT_REVERSE,
                               "approved by a person", &decided);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(decided.state(), v1::REVIEW_STATE_RESOLVED);
  fetched = Fetch();
  ASSERT_TRUE(fetched.contains(id_of(*refused)));
  const v1::FetchedOutput& reversed = fetched[id_of(*refused)];
  EXPECT_TRUE(reversed.output().favourable());
  EXPECT_EQ(reversed.output().label(), "approved by a person");
  EXPECT_TRUE(reversed.output().explanation().empty());
  EXPECT_TRUE(reversed.output().text().empty());
  ExpectVerifies(reversed);
  const v1::ScreenOutputResponse learned = Screen(*refused);
  EXPECT_EQ(learned.verdict(), v1::VERDICT_BLOCKED);
  EXPECT_TRUE(learned.replaced());
  EXPECT_FALSE(learned.has_release());

  // All the others: whoever was good is approved, the rest upheld; by one
  // person, and by two where the risk is high.
  int changed = 1;
  int small = 1;
  for (const auto& [target, review] : waiting) {
    const Applicant& one = *by_screening[target];
    if (one.id == refused->id) continue;
    const auto verdict = one.good && !one.approved ? v1::REVIEW_VERDICT_REVERSE
                                                   : v1::REVIEW_VERDICT_UPHOLD;
    v1::Review first = Take(review.id(), "rita", verdict);
    if (one.great()) {
      EXPECT_EQ(first.state(), v1::REVIEW_STATE_SECOND_LOOK);
      EXPECT_EQ(ReasonOf(Claim(review.id(), "rita", &none)),
                v1::ERROR_REASON_STATE_INVALID);
      EXPECT_FALSE(Fetch().contains(target));
      first = Take(review.id(), "otto", verdict);
    } else {
      ++small;
      changed += verdict == v1::REVIEW_VERDICT_REVERSE ? 1 : 0;
    }
    EXPECT_EQ(first.state(), v1::REVIEW_STATE_RESOLVED);
  }
  EXPECT_TRUE(Queue().empty());
  fetched = Fetch();
  EXPECT_EQ(fetched.size(), kApplicants);
  for (const auto& [target, one] : fetched) {
    const Applicant& who = *by_screening[target];
    EXPECT_EQ(one.output().favourable(),
              who.approved || (who.good && !who.briton));
  }

  // A Briton contests what went out: the old release is taken back.
  const auto briton = std::find_if(
      applicants_.begin(), applicants_.end(), [](const Applicant& one) {
        return one.briton && !one.approved && !one.great();
      });
  ASSERT_NE(briton, applicants_.end());
  const std::string before = answers[briton->id].release().digest();
  const v1::Review contested =
      Ask(*briton, id_of(*briton), "I have paid back two credits");
  EXPECT_TRUE(Revoked().empty());
  v1::Review passed = Take(contested.id(), "rita", v1::REVIEW_VERDICT_ESCALATE);
  EXPECT_EQ(passed.state(), v1::REVIEW_STATE_ESCALATED);
  EXPECT_EQ(ReasonOf(Claim(contested.id(), "rita", &none)),
            v1::ERROR_REASON_STATE_INVALID);
  passed = Take(contested.id(), "otto", v1::REVIEW_VERDICT_CHANGE,
                "approved for half of it");
  EXPECT_EQ(passed.state(), v1::REVIEW_STATE_RESOLVED);
  EXPECT_TRUE(Revoked().contains(before));
  fetched = Fetch();
  ASSERT_TRUE(fetched.contains(id_of(*briton)));
  EXPECT_EQ(fetched[id_of(*briton)].output().label(),
            "approved for half of it");
  ExpectVerifies(fetched[id_of(*briton)]);

  // What the customer is told by whoever asked for her, and what she can see.
  v1::ListCustomerReviewsRequest list;
  *list.mutable_subject() = CrmRef(briton->id);
  v1::ListCustomerReviewsResponse hers;
  status = Reviews(bank_)->ListCustomerReviews(Context().get(), list, &hers);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(hers.reviews_size(), 1);
  EXPECT_EQ(hers.reviews(0).rationale(), "I looked at the account.");
  EXPECT_EQ(hers.reviews(0).outcome(), "approved for half of it");
  EXPECT_TRUE(hers.reviews(0).review().claimed_by().empty());
  v1::GetTransparencyViewRequest look;
  *look.mutable_subject() = CrmRef(refused->id);
  v1::TransparencyView view;
  status = v1::RightsService::NewStub(gateway_.Connect(bank_))
               ->GetTransparencyView(Context().get(), look, &view);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(view.outputs_size(), 1);
  EXPECT_TRUE(view.outputs(0).reviewed());
  EXPECT_EQ(view.outputs(0).verdict(), "released");

  // How the reviewing goes.
  v1::ReviewFigures figures;
  status = Reviews(gateway_.Made("compliance"))
               ->GetReviewFigures(Context().get(), {}, &figures);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(figures.open(), 0);
  std::map<std::string, v1::ReviewRate> rates;
  for (const auto& rate : figures.rates()) {
    rates[rate.dimension() + " " + rate.key()] = rate;
  }
  EXPECT_EQ(rates["model credit@1"].decided(), small);
  EXPECT_EQ(rates["model credit@1"].changed(), changed);
  EXPECT_TRUE(rates.contains("reviewer rita"));
  EXPECT_TRUE(rates.contains("reviewer otto"));
}

// She asks by post for a human: the decision that is held already is looked at
// once, which answers her case. Her report tells of all of it.
TEST_F(GermanCreditTest, ACaseForAHumanIsAnsweredByTheReviewAndReported) {
  Applicant one;
  one.id = "R2";
  one.amount = 1000;
  one.months = 12;
  one.employment = "A73";
  applicants_.push_back(one);
  Import();
  const v1::ScreenOutputResponse answer = Screen(one);
  ASSERT_EQ(answer.verdict(), v1::VERDICT_HELD);
  const Identity staff = gateway_.Made("compliance");
  const auto rights = v1::RightsService::NewStub(gateway_.Connect(staff));
  const auto open = [&](v1::RightsKind kind, const std::string& decision,
                        const std::string& words) {
    v1::SubmitRightsCaseRequest submit;
    *submit.mutable_subject() = CrmRef(one.id);
    submit.set_kind(kind);
    submit.set_channel(v1::CHANNEL_POST);
    submit.set_decision_id(decision);
    submit.set_statement(words);
    v1::RightsCase opened;
    grpc::Status status =
        rights->SubmitRightsCase(Context().get(), submit, &opened);
    EXPECT_TRUE(status.ok()) << status.error_message();
    v1::VerifyRightsCaseRequest verify;
    verify.set_id(opened.id());
    verify.set_etag(opened.etag());
    verify.set_level(v1::VERIFICATION_LEVEL_REASONABLY_HIGH);
    verify.set_evidence_digest(std::string(64, 'a'));
    status = rights->VerifyRightsCase(Context().get(), verify, &opened);
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(opened.state(), v1::RIGHTS_STATE_WORKING);
    return opened;
  };
  const v1::RightsCase asked =
      open(v1::RIGHTS_KIND_HUMAN_REVIEW, answer.screening_id(),
           "I have a second income");
  const std::vector<v1::Review> queue = Queue();
  ASSERT_EQ(queue.size(), 1u);
  ASSERT_GT(asked.steps_size(), 0);
  EXPECT_EQ(asked.steps(asked.steps_size() - 1).reason_code(), queue[0].id());
  v1::CompleteRightsCaseRequest complete;
  complete.set_id(asked.id());
  complete.set_etag(asked.etag());
  v1::RightsCase completed;
  EXPECT_EQ(ReasonOf(rights->CompleteRightsCase(Context().get(), complete,
                                                &completed)),
            v1::ERROR_REASON_STATE_INVALID);
  v1::Review claimed;
  ASSERT_TRUE(Claim(queue[0].id(), "rita", &claimed).ok());
  const v1::ReviewCase shown = Show(queue[0].id(), "rita");
  ASSERT_EQ(shown.statements_size(), 1);
  EXPECT_EQ(shown.statements(0), "I have a second income");
  v1::Review decided;
  grpc::Status status =
      Decide(claimed, "rita", v1::REVIEW_VERDICT_UPHOLD, "", &decided);
  ASSERT_TRUE(status.ok()) << status.error_message();
  v1::GetRightsCaseRequest get;
  get.set_id(asked.id());
  v1::RightsCase answered;
  status = rights->GetRightsCase(Context().get(), get, &answered);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(answered.state(), v1::RIGHTS_STATE_COMPLETED);
  ASSERT_EQ(answered.outcomes_size(), 1);
  EXPECT_EQ(answered.outcomes(0).target(), answer.screening_id());
  EXPECT_EQ(answered.outcomes(0).document(), queue[0].id());

  v1::SetVulnerabilityRequest set;
  *set.mutable_subject() = CrmRef(one.id);
  set.mutable_vulnerability()->set_kind(v1::VULNERABILITY_KIND_DEBT);
  set.mutable_vulnerability()->set_basis("told us on the phone");
  set.mutable_vulnerability()->mutable_expire_time()->set_seconds(
      absl::ToUnixSeconds(absl::Now()) + 86'400);
  v1::Vulnerability declared;
  status = Outputs(staff)->SetVulnerability(Context().get(), set, &declared);
  ASSERT_TRUE(status.ok()) << status.error_message();

  const v1::RightsCase access = open(v1::RIGHTS_KIND_ACCESS, "", "");
  complete.set_id(access.id());
  complete.set_etag(access.etag());
  status = rights->CompleteRightsCase(Context().get(), complete, &completed);
  ASSERT_TRUE(status.ok()) << status.error_message();
  for (const auto format : {v1::REPORT_FORMAT_JSON, v1::REPORT_FORMAT_HTML}) {
    v1::DownloadReportRequest download;
    download.set_id(access.id());
    download.set_format(format);
    const auto context = Context();
    const auto reader = rights->DownloadReport(context.get(), download);
    std::string report;
    v1::DownloadReportResponse piece;
    while (reader->Read(&piece)) report += piece.data();
    status = reader->Finish();
    ASSERT_TRUE(status.ok()) << status.error_message();
    for (const std::string& told :
         {std::string("months: 12"), std::string("I have a second income"),
          std::string("I looked at the account."),
          std::string("told us on the phone")}) {
      EXPECT_NE(report.find(told), std::string::npos) << format << " " << told;
    }
    // No member of staff is named.
    EXPECT_EQ(report.find("rita"), std::string::npos);
    if (format != v1::REPORT_FORMAT_JSON) continue;
    EXPECT_NE(report.find(answer.screening_id()), std::string::npos);
    EXPECT_NE(report.find(queue[0].id()), std::string::npos);
    EXPECT_NE(report.find("credit@1"), std::string::npos);
  }
}

// A reviewer lets go what the customer has stopped meanwhile: it is decided,
// and not delivered.
TEST_F(GermanCreditTest, WhatACustomerStopsMeanwhileIsNotDelivered) {
  Applicant one;
  one.id = "R1";
  one.amount = 1000;
  one.months = 12;
  one.employment = "A73";
  applicants_.push_back(one);
  Import();
  const v1::ScreenOutputResponse answer = Screen(one);
  ASSERT_EQ(answer.verdict(), v1::VERDICT_HELD);
  const auto rights =
      v1::RightsService::NewStub(gateway_.Connect(gateway_.Made("compliance")));
  v1::SubmitRightsCaseRequest submit;
  *submit.mutable_subject() = CrmRef(one.id);
  submit.set_kind(v1::RIGHTS_KIND_RESTRICTION);
  submit.set_channel(v1::CHANNEL_POST);
  v1::RightsCase opened;
  grpc::Status status =
      rights->SubmitRightsCase(Context().get(), submit, &opened);
  ASSERT_TRUE(status.ok()) << status.error_message();
  v1::VerifyRightsCaseRequest verify;
  verify.set_id(opened.id());
  verify.set_etag(opened.etag());
  verify.set_level(v1::VERIFICATION_LEVEL_REASONABLE);
  verify.set_evidence_digest(std::string(64, 'a'));
  status = rights->VerifyRightsCase(Context().get(), verify, &opened);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_EQ(opened.state(), v1::RIGHTS_STATE_COMPLETED);

  const std::vector<v1::Review> queue = Queue();
  ASSERT_EQ(queue.size(), 1u);
  v1::Review claimed;
  ASSERT_TRUE(Claim(queue[0].id(), "rita", &claimed).ok());
  const v1::ReviewCase shown = Show(queue[0].id(), "rita");
  EXPECT_EQ(shown.inputs_size(), 0);
  EXPECT_GT(shown.withheld_size(), 0);
  v1::Review decided;
  status = Decide(claimed, "rita", v1::REVIEW_VERDICT_UPHOLD, "", &decided);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_TRUE(Fetch().empty());
  EXPECT_FALSE(Screen(one).has_release());
}

}  // namespace
}  // namespace consentry
