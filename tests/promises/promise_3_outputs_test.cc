// Promise 3, withdrawal bites at once, for outputs: when a withdrawal has
// returned, no release is handed out any more that was decided before it, and
// every one that was is on the list of revoked ones. Customers give and
// withdraw while engines screen for them without a pause, one by one and in
// streams with many outputs in flight.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "consentry/v1/consent_service.grpc.pb.h"
#include "consentry/v1/screening_service.grpc.pb.h"
#include "tests/e2e/test_gateway.h"
#include "tests/promises/asking.h"

namespace consentry {
namespace {

using testing::ById;
using testing::Identity;
using testing::TestGateway;
using testing::Timed;
using Clock = std::chrono::steady_clock;

constexpr char kLetters[] = "marketing.site";
// Shown where the customer comes by herself: no hour of the day is quiet.
constexpr char kPurposes[] = R"pb(
  purposes {
    key: "marketing.site"
    purpose_class: DIRECT_MARKETING
    text { language: "en" title: "Offers" text: "To show you offers." }
    fields { field: "insight.segment" transform: NONE why: "which offers" }
    bases {
      regimes: "eu-gdpr"
      basis: CONSENT
      notice_id: "marketing-consent"
      notice_version: 1
    }
    channels: [ WEB, INTERNAL ]
  }
)pb";
constexpr int kRounds = 30;
constexpr int kEngines = 2;
constexpr int kStreams = 2;
constexpr int kInFlight = 16;

class OutputsTest : public ::testing::Test {
 protected:
  OutputsTest() {
    std::ofstream(gateway_.File("purposes.txtpb"), std::ios::app) << kPurposes;
    gateway_.Start();
    v1::Client crm = testing::FullClient("crm", "essential.service.operations");
    crm.add_attests(kLetters);
    crm_ = gateway_.Register(crm);
    v1::Client engine = testing::FullClient("engine", kLetters);
    for (const char* permission : {"screening.screen", "screening.fetch"}) {
      engine.add_permissions(permission);
    }
    engine_ = gateway_.Register(engine);
    customer_ =
        testing::MustWrite(gateway_.Connect(crm_),
                           testing::ProfileOf("anna", "anna@shop.example"));
  }

  void Give() {
    v1::RecordConsentRequest request;
    *request.mutable_subject() = ById(customer_);
    request.add_purposes(kLetters);
    request.set_action(v1::CONSENT_ACTION_GIVE);
    request.mutable_notice()->set_id("marketing-consent");
    request.mutable_notice()->set_version(1);
    v1::RecordConsentResponse response;
    const grpc::Status status =
        v1::ConsentService::NewStub(gateway_.Connect(crm_))
            ->RecordConsent(Timed().get(), request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
  void Withdraw() {
    v1::WithdrawConsentRequest request;
    *request.mutable_subject() = ById(customer_);
    request.add_purposes(kLetters);
    v1::WithdrawConsentResponse response;
    const grpc::Status status =
        v1::ConsentService::NewStub(gateway_.Connect(crm_))
            ->WithdrawConsent(Timed().get(), request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }

  // Says nothing that presses: no budget stops it.
  v1::ScreenOutputRequest Letter(const std::string& id) const {
    v1::ScreenOutputRequest request;
    *request.mutable_subject() = ById(customer_);
    request.set_purpose(kLetters);
    request.set_channel(v1::CHANNEL_WEB);
    v1::Output* output = request.mutable_output();
    output->set_id(id);
    output->set_kind(v1::OUTPUT_KIND_SEGMENT);
    output->set_model("letters");
    output->set_model_version("1");
    output->set_label("garden");
    return request;
  }

  std::set<std::string> Revoked() {
    const auto stub = v1::ScreeningService::NewStub(gateway_.Connect(engine_));
    std::set<std::string> digests;
    v1::ListRevokedReleasesRequest request;
    for (;;) {
      v1::ListRevokedReleasesResponse page;
      const grpc::Status status =
          stub->ListRevokedReleases(Timed().get(), request, &page);
      EXPECT_TRUE(status.ok()) << status.error_message();
      if (!status.ok() || page.digests().empty()) return digests;
      digests.insert(page.digests().begin(), page.digests().end());
      request.set_page_token(page.next_page_token());
    }
  }

  TestGateway gateway_;
  Identity crm_;
  Identity engine_;
  std::string customer_;
};

// One answer that an engine got.
struct Answer {
  Clock::time_point asked;
  Clock::time_point told;
  bool released = false;
  std::string digest;
};

TEST_F(OutputsTest, NoReleaseOutlivesAWithdrawal) {
  std::atomic<bool> stop{false};
  std::atomic<int> next{0};
  std::mutex mu;
  std::vector<Answer> answers;
  std::vector<std::thread> engines;
  for (int i = 0; i < kEngines; ++i) {
    engines.emplace_back([&] {
      const auto stub =
          v1::ScreeningService::NewStub(gateway_.Connect(engine_));
      while (!stop.load()) {
        Answer answer;
        answer.asked = Clock::now();
        v1::ScreenOutputResponse response;
        const grpc::Status status = stub->ScreenOutput(
            Timed().get(), Letter(absl::StrCat("o-", next.fetch_add(1))),
            &response);
        answer.told = Clock::now();
        // Only what kept changing, or the rate, may stop one.
        if (!status.ok()) continue;
        answer.released = response.verdict() == v1::VERDICT_RELEASED;
        answer.digest = response.release().digest();
        const std::lock_guard<std::mutex> lock(mu);
        answers.push_back(std::move(answer));
      }
    });
  }
  std::atomic<int> streamed{0};
  for (int i = 0; i < kStreams; ++i) {
    engines.emplace_back([&] {
      const auto stub =
          v1::ScreeningService::NewStub(gateway_.Connect(engine_));
      while (!stop.load()) {
        const auto context = Timed(60);
        const auto stream = stub->StreamOutputs(context.get());
        for (;;) {
          v1::StreamOutputsRequest message;
          for (int n = 0; n < kInFlight; ++n) {
            *message.add_requests() =
                Letter(absl::StrCat("o-", next.fetch_add(1)));
          }
          const auto asked = Clock::now();
          v1::StreamOutputsResponse told;
          if (stop.load() || !stream->Write(message) || !stream->Read(&told)) {
            break;
          }
          const auto now = Clock::now();
          const std::lock_guard<std::mutex> lock(mu);
          for (const v1::ScreenOutputResponse& result : told.results()) {
            if (result.error() != v1::ERROR_REASON_UNSPECIFIED) continue;
            ++streamed;
            answers.push_back({asked, now,
                               result.verdict() == v1::VERDICT_RELEASED,
                               result.release().digest()});
          }
        }
        stream->WritesDone();
        stream->Finish();
      }
    });
  }
  // From a withdrawal's answer to the next consent nothing may be released. One
  // is asked for here in each, however slow the machine.
  const auto mine = v1::ScreeningService::NewStub(gateway_.Connect(engine_));
  int inside_at_least = 0;
  std::vector<std::pair<Clock::time_point, Clock::time_point>> closed;
  for (int round = 0; round < kRounds; ++round) {
    Give();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    Withdraw();
    const auto returned = Clock::now();
    v1::ScreenOutputResponse response;
    const grpc::Status status = mine->ScreenOutput(
        Timed().get(), Letter(absl::StrCat("o-", next.fetch_add(1))),
        &response);
    if (status.ok()) {
      ++inside_at_least;
      EXPECT_NE(response.verdict(), v1::VERDICT_RELEASED);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    closed.emplace_back(returned, Clock::now());
  }
  stop.store(true);
  for (std::thread& engine : engines) engine.join();
  size_t released = 0;
  const std::set<std::string> revoked = Revoked();
  for (const Answer& answer : answers) {
    if (answer.released) {
      ++released;
      EXPECT_TRUE(revoked.contains(answer.digest));
    }
    for (const auto& [from, to] : closed) {
      if (answer.asked > from && answer.told < to) {
        EXPECT_FALSE(answer.released);
      }
    }
  }
  EXPECT_GT(released, 0u);
  EXPECT_GT(inside_at_least, 0);
  EXPECT_GT(streamed.load(), kInFlight);
}

TEST_F(OutputsTest, WhatWasReleasedBeforeIsNotFetchedAfterIt) {
  const auto stub = v1::ScreeningService::NewStub(gateway_.Connect(engine_));
  Give();
  v1::ScreenOutputResponse response;
  ASSERT_TRUE(stub->ScreenOutput(Timed().get(), Letter("o-1"), &response).ok());
  ASSERT_EQ(response.verdict(), v1::VERDICT_RELEASED) << response.DebugString();
  v1::FetchOutputsRequest fetch;
  fetch.set_purpose(kLetters);
  fetch.set_channel(v1::CHANNEL_WEB);
  v1::FetchOutputsResponse page;
  ASSERT_TRUE(stub->FetchOutputs(Timed().get(), fetch, &page).ok());
  ASSERT_EQ(page.outputs_size(), 1);
  Withdraw();
  page.Clear();
  ASSERT_TRUE(stub->FetchOutputs(Timed().get(), fetch, &page).ok());
  EXPECT_EQ(page.outputs_size(), 0);
  // The same question again is answered as it stands now.
  response.Clear();
  ASSERT_TRUE(stub->ScreenOutput(Timed().get(), Letter("o-1"), &response).ok());
  EXPECT_EQ(response.verdict(), v1::VERDICT_BLOCKED);
  EXPECT_FALSE(response.has_release());
}

}  // namespace
}  // namespace consentry
