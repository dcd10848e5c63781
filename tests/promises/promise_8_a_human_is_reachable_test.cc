// Promise 8. A human is reachable: a significant automated decision is not
// final without a legal gate and a human who can change it; a review that times
// out harms nobody.
//
// Shown on gateways in five countries, whose laws differ in when a human looks:
//  - Where the law wants one before the effect, no way of the engine's gets the
//    decision out: not the same again, not another channel, not the queue of
//    outputs, not a decision of its own. Everywhere else it goes out at once,
//    and everywhere the customer reaches a human who turns it into its
//    opposite, after which nothing else is delivered.
//  - Due times that pass, ten of them, make nothing final: the decision is
//    neither delivered nor blocked, it stands first in the queue, and a human
//    can still let it go or turn it.
//  - A gateway that is killed again and again while reviewers decide has, for
//    each decision, either an open review or what a reviewer was told.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "consentry/v1/data_service.grpc.pb.h"
#include "consentry/v1/review_service.grpc.pb.h"
#include "consentry/v1/screening_service.grpc.pb.h"
#include "gateway/base/clock.h"
#include "tests/e2e/requests.h"
#include "tests/e2e/test_gateway.h"
#include "tests/promises/gateway_process.h"
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
constexpr int64_t kHourUs = int64_t{3600} * 1'000'000;
constexpr int kDays = 60;

constexpr char kPurpose[] = R"pb(
  purposes {
    key: "lending.credit_decision"
    purpose_class: SIGNIFICANT_DECISION
    text { language: "en" title: "Credit" text: "To decide on a credit." }
    fields { field: "order.total" transform: NONE why: "means" }
    bases {
      regimes: [ "eu-gdpr", "uk-gdpr" ]
      basis: CONTRACT
      necessity_note: "n"
    }
    bases {
      regimes: [ "us-ca", "us-co" ]
      basis: NOTICE
      notice_id: "privacy-notice"
      notice_version: 1
    }
    channels: [ EMAIL, WEB, INTERNAL ]
    dpia: "dpia-credit"
  }
)pb";

// The machine's clock, ahead by what a test sets.
class ShiftedClock final : public base::Clock {
 public:
  int64_t NowUs() const override {
    return base::Clock::System()->NowUs() + ahead_us.load();
  }
  int64_t MonotonicUs() const override {
    return base::Clock::System()->MonotonicUs() + ahead_us.load();
  }
  std::atomic<int64_t> ahead_us{0};
};

// Whoever asks, on whatever channel.
class Asker {
 public:
  using Connect =
      std::function<std::shared_ptr<grpc::Channel>(const Identity&)>;
  explicit Asker(Connect connect) : connect_(std::move(connect)) {}

  void Register(TestGateway* gateway) {
    shop = gateway->Register(
        Client("shop", kService, {"data.legal_facts", "reviews.request"}),
        kDays);
    bank = gateway->Register(
        Client("bank", kCredit,
               {"screening.screen", "screening.fetch", "reviews.request"}),
        kDays);
    v1::Client staff;
    staff.set_id("reviewer");
    staff.set_role(v1::ROLE_REVIEWER);
    staff.set_country("DE");
    reviewer = gateway->Register(staff, kDays);
  }
  static v1::Client Client(const std::string& id, const std::string& purpose,
                           const std::vector<std::string>& permissions) {
    v1::Client client = ServiceClient(id, purpose);
    for (const auto& one : permissions) client.add_permissions(one);
    return client;
  }

  void Write(const std::string& customer, const std::string& residence) const {
    v1::WriteRecordRequest request;
    *request.add_subjects() = CrmRef(customer);
    request.set_purpose(kService);
    request.set_source("crm");
    request.set_kind("profile");
    request.set_source_key(customer);
    (*request.mutable_values())["given_name"].set_string_value("A");
    request.mutable_legal_facts()->set_residence(residence);
    v1::WriteRecordResponse response;
    const grpc::Status status =
        v1::DataService::NewStub(connect_(shop))
            ->WriteRecord(Context().get(), request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }

  static v1::ScreenOutputRequest Decision(const std::string& customer,
                                          const std::string& id) {
    v1::ScreenOutputRequest request;
    *request.mutable_subject() = CrmRef(customer);
    request.set_purpose(kCredit);
    request.set_channel(v1::CHANNEL_EMAIL);
    v1::Output* output = request.mutable_output();
    output->set_id(id);
    output->set_kind(v1::OUTPUT_KIND_DECISION);
    output->set_model("credit");
    output->set_model_version("1");
    output->set_label("refused");
    output->add_input_categories("user.behavior.purchase_history");
    return request;
  }
  v1::ScreenOutputResponse Screen(
      const v1::ScreenOutputRequest& request) const {
    v1::ScreenOutputResponse response;
    const grpc::Status status =
        v1::ScreeningService::NewStub(connect_(bank))
            ->ScreenOutput(Context().get(), request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  // What was handed out so far, by the engine's own id; a page is confirmed by
  // asking for the next one and does not come again.
  const std::map<std::string, v1::Output>& Fetch() {
    v1::FetchOutputsRequest request;
    request.set_purpose(kCredit);
    request.set_channel(v1::CHANNEL_EMAIL);
    for (;;) {
      v1::FetchOutputsResponse page;
      const grpc::Status status =
          v1::ScreeningService::NewStub(connect_(bank))
              ->FetchOutputs(Context().get(), request, &page);
      EXPECT_TRUE(status.ok()) << status.error_message();
      for (const auto& one : page.outputs()) {
        fetched_[one.output().id()] = one.output();
      }
      if (!status.ok() || page.next_page_token().empty()) return fetched_;
      request.set_page_token(page.next_page_token());
    }
  }

  std::unique_ptr<v1::ReviewService::Stub> Reviews(const Identity& as) const {
    return v1::ReviewService::NewStub(connect_(as));
  }
  grpc::Status Request(const std::string& customer, const std::string& target,
                       v1::Review* review) const {
    v1::RequestReviewRequest request;
    *request.mutable_subject() = CrmRef(customer);
    request.set_target(target);
    request.set_trigger(v1::REVIEW_TRIGGER_CUSTOMER);
    request.set_statement("I want a person to look at this");
    return Reviews(shop)->RequestReview(Context().get(), request, review);
  }
  grpc::Status Claim(const Identity& as, const std::string& id,
                     const std::string& person, v1::Review* review) const {
    v1::ClaimReviewRequest request;
    request.set_id(id);
    request.mutable_context()->set_acting_person(person);
    return Reviews(as)->ClaimReview(Context().get(), request, review);
  }
  grpc::Status Decide(const v1::Review& review, const std::string& person,
                      v1::ReviewVerdict verdict, v1::Review* decided) const {
    v1::DecideReviewRequest request;
    request.set_id(review.id());
    request.set_etag(review.etag());
    request.set_verdict(verdict);
    request.set_reason_code("looked");
    request.set_rationale("Looked at.");
    request.mutable_context()->set_acting_person(person);
    return Reviews(reviewer)->DecideReview(Context().get(), request, decided);
  }
  std::vector<v1::Review> Queue() const {
    v1::ListReviewsRequest request;
    request.set_page_size(1000);
    v1::ListReviewsResponse page;
    const grpc::Status status =
        Reviews(reviewer)->ListReviews(Context().get(), request, &page);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return {page.reviews().begin(), page.reviews().end()};
  }

  Identity shop;
  Identity bank;
  Identity reviewer;

 private:
  const Connect connect_;
  std::map<std::string, v1::Output> fetched_;
};

void Prepare(const TestGateway& gateway) {
  std::ofstream(gateway.File("purposes.txtpb"), std::ios::app) << kPurpose;
}

struct Place {
  std::string home;
  std::string residence;
  // The law of the place wants a human before the effect.
  bool before_effect = false;
};

class HumanTest : public ::testing::TestWithParam<Place> {};

TEST_P(HumanTest, ADecisionIsNotFinalWithoutOne) {
  const Place& place = GetParam();
  TestGateway gateway([&](server::InitialiseOptions* options) {
    options->home = place.home;
    options->markets = {place.residence};
    options->thresholds = {"us-ca.business", "us-co.controller"};
    if (!place.home.starts_with("US")) options->thresholds.clear();
  });
  Prepare(gateway);
  gateway.Start();
  Asker asker([&](const Identity& who) { return gateway.Connect(who); });
  asker.Register(&gateway);
  asker.Write("C1", place.residence);
  const v1::ScreenOutputRequest decision = Asker::Decision("C1", "credit-1");
  const v1::ScreenOutputResponse answer = asker.Screen(decision);
  v1::Review review;
  if (place.before_effect) {
    ASSERT_EQ(answer.verdict(), v1::VERDICT_HELD) << answer.DebugString();
    EXPECT_FALSE(answer.has_release());
    // Nor by any other way of the engine.
    EXPECT_EQ(asker.Screen(decision).verdict(), v1::VERDICT_HELD);
    v1::ScreenOutputRequest other = Asker::Decision("C1", "credit-2");
    other.set_channel(v1::CHANNEL_WEB);
    EXPECT_EQ(asker.Screen(other).verdict(), v1::VERDICT_HELD);
    other = Asker::Decision("C1", "credit-3");
    other.mutable_output()->set_favourable(true);
    EXPECT_EQ(asker.Screen(other).verdict(), v1::VERDICT_HELD);
    other = Asker::Decision("C1", "credit-4");
    other.mutable_output()->set_kind(v1::OUTPUT_KIND_MESSAGE);
    other.mutable_output()->set_text("We cannot give you the credit.");
    EXPECT_EQ(asker.Screen(other).verdict(), v1::VERDICT_HELD);
    other = Asker::Decision("C1", "credit-5");
    other.mutable_output()->clear_input_categories();
    EXPECT_EQ(asker.Screen(other).verdict(), v1::VERDICT_HELD);
    EXPECT_TRUE(asker.Fetch().empty());
    ASSERT_FALSE(asker.Queue().empty());
    const std::string id = asker.Queue()[0].id();
    EXPECT_EQ(ReasonOf(asker.Claim(asker.bank, id, "p1", &review)),
              v1::ERROR_REASON_PERMISSION_MISSING);
    EXPECT_TRUE(asker.Fetch().empty());
  } else {
    ASSERT_EQ(answer.verdict(), v1::VERDICT_RELEASED) << answer.DebugString();
    EXPECT_EQ(asker.Fetch().size(), 1u);
  }
  // A human is in reach, and can change it.
  grpc::Status status = asker.Request("C1", answer.screening_id(), &review);
  ASSERT_TRUE(status.ok()) << status.error_message();
  v1::Review claimed;
  status = asker.Claim(asker.reviewer, review.id(), "p1", &claimed);
  ASSERT_TRUE(status.ok()) << status.error_message();
  v1::Review decided;
  status = asker.Decide(claimed, "p1", v1::REVIEW_VERDICT_REVERSE, &decided);
  ASSERT_TRUE(status.ok()) << status.error_message();
  const auto fetched = asker.Fetch();
  ASSERT_EQ(fetched.size(), 1u);
  ASSERT_TRUE(fetched.contains("credit-1"));
  EXPECT_TRUE(fetched.at("credit-1").favourable());
  EXPECT_NE(fetched.at("credit-1").label(), "refused");
}

INSTANTIATE_TEST_SUITE_P(
    Places, HumanTest,
    ::testing::Values(Place{"DE", "DE", true}, Place{"FR", "DE", true},
                      Place{"GB", "GB", false}, Place{"US-CA", "US-CA", false},
                      Place{"US-CO", "US-CO", false}),
    [](const auto& of) {
      std::string name = of.param.home + of.param.residence;
      std::erase(name, '-');
      return name;
    });

TEST(LateReviewTest, DueTimesThatPassMakeNothingFinal) {
  ShiftedClock clock;
  TestGateway gateway;
  Prepare(gateway);
  gateway.Start({.address = "127.0.0.1:0", .clock = &clock});
  Asker asker([&](const Identity& who) { return gateway.Connect(who); });
  asker.Register(&gateway);
  for (const char* customer : {"C1", "C2", "C3"}) {
    asker.Write(customer, "DE");
    EXPECT_EQ(
        asker.Screen(Asker::Decision(customer, absl::StrCat("d-", customer)))
            .verdict(),
        v1::VERDICT_HELD);
  }
  for (int passed = 1; passed <= 10; ++passed) {
    clock.ahead_us += 73 * kHourUs;
    // It looks for due times at its start.
    ASSERT_OK(gateway.Stop());
    gateway.Start({.address = "127.0.0.1:0", .clock = &clock});
    std::vector<v1::Review> queue;
    for (int i = 0; i < 100; ++i) {
      queue = asker.Queue();
      ASSERT_EQ(queue.size(), 3u);
      if (queue[0].timeouts() == passed && queue[2].timeouts() == passed) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    for (const v1::Review& review : queue) {
      EXPECT_EQ(review.timeouts(), passed);
      EXPECT_EQ(review.state(), v1::REVIEW_STATE_ESCALATED);
      EXPECT_EQ(review.priority(), 1);
      EXPECT_GT(review.due_time().seconds(), clock.NowUs() / 1'000'000);
    }
    EXPECT_TRUE(asker.Fetch().empty());
    EXPECT_EQ(asker.Screen(Asker::Decision("C1", "d-C1")).verdict(),
              v1::VERDICT_HELD);
  }
  // A month late, a human still says what becomes of each.
  const std::vector<v1::Review> queue = asker.Queue();
  for (size_t i = 0; i < queue.size(); ++i) {
    v1::Review claimed;
    v1::Review decided;
    grpc::Status status =
        asker.Claim(asker.reviewer, queue[i].id(), "p1", &claimed);
    ASSERT_TRUE(status.ok()) << status.error_message();
    status = asker.Decide(
        claimed, "p1",
        i == 0 ? v1::REVIEW_VERDICT_UPHOLD : v1::REVIEW_VERDICT_REVERSE,
        &decided);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
  const auto fetched = asker.Fetch();
  EXPECT_EQ(fetched.size(), 3u);
  int favourable = 0;
  for (const auto& [id, output] : fetched) favourable += output.favourable();
  EXPECT_EQ(favourable, 2);
  ASSERT_OK(gateway.Stop());
}

TEST(KilledReviewTest, EachDecisionIsOpenOrWhatTheReviewerWasTold) {
  constexpr int kCustomers = 40;
  constexpr int kKills = 3;
  TestGateway gateway;
  Prepare(gateway);
  gateway.Start();
  testing::GatewayProcess* process = nullptr;
  Asker asker([&](const Identity& who) {
    return process == nullptr ? gateway.Connect(who) : process->Connect(who);
  });
  asker.Register(&gateway);
  for (int i = 0; i < kCustomers; ++i) {
    const std::string customer = absl::StrCat("C", i);
    asker.Write(customer, "DE");
    EXPECT_EQ(
        asker.Screen(Asker::Decision(customer, "d-" + customer)).verdict(),
        v1::VERDICT_HELD);
  }
  ASSERT_OK(gateway.Stop());
  // What a reviewer was told is decided, by review.
  std::map<std::string, v1::Review> told;
  for (int life = 0; life <= kKills; ++life) {
    testing::GatewayProcess::Options options;
    options.folder = gateway.folder();
    options.output_file = gateway.File("out.txt");
    const auto spawned = testing::GatewayProcess::Spawn(options);
    ASSERT_NE(spawned, nullptr);
    ASSERT_TRUE(spawned->WaitServing());
    process = spawned.get();
    const std::vector<v1::Review> queue = asker.Queue();
    std::set<std::string> open;
    for (const v1::Review& review : queue) open.insert(review.id());
    for (const auto& [id, review] : told) EXPECT_FALSE(open.contains(id));
    // Whatever is out was decided by somebody; an answer may be lost.
    EXPECT_EQ(asker.Fetch().size() + queue.size(),
              static_cast<size_t>(kCustomers));
    if (life == kKills) break;
    // Amid the decisions, at another moment each time.
    std::atomic<int> decisions{0};
    std::thread killer([&spawned, &decisions, life] {
      while (decisions.load() < 3 + life) {
        std::this_thread::sleep_for(std::chrono::microseconds(100));
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(3 * life));
      spawned->Kill();
    });
    for (size_t i = 0; i < queue.size(); ++i) {
      v1::Review claimed;
      v1::Review decided;
      if (!asker.Claim(asker.reviewer, queue[i].id(), "p1", &claimed).ok() ||
          !asker
               .Decide(claimed, "p1",
                       i % 2 == 0 ? v1::REVIEW_VERDICT_UPHOLD
                                  : v1::REVIEW_VERDICT_REVERSE,
                       &decided)
               .ok()) {
        break;
      }
      told[decided.id()] = decided;
      ++decisions;
    }
    // A queue that ended before it was killed ends the test as well.
    decisions = kCustomers;
    killer.join();
    process = nullptr;
  }
  EXPECT_GE(told.size(), static_cast<size_t>(3 * kKills));
  process = nullptr;
}

}  // namespace
}  // namespace consentry
