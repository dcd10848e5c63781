// Promise 2, no audit, no data, for outputs: every verdict that an engine was
// told is in the log of a gateway that was killed, and what was spent of a
// customer's budgets before it died is spent after it, whatever the clock of
// the machine says then.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "consentry/v1/audit_service.grpc.pb.h"
#include "consentry/v1/consent_service.grpc.pb.h"
#include "consentry/v1/screening_service.grpc.pb.h"
#include "gateway/base/clock.h"
#include "tests/e2e/test_gateway.h"
#include "tests/promises/asking.h"
#include "tests/promises/gateway_process.h"

namespace consentry {
namespace {

using testing::ById;
using testing::GatewayProcess;
using testing::Identity;
using testing::TestGateway;
using testing::Timed;

constexpr char kLetters[] = "marketing.communications.email";
constexpr int kDeaths = 3;
constexpr int kCustomers = 12;
constexpr int kEngines = 4;

v1::ScreenOutputRequest Letter(const std::string& customer,
                               const std::string& id) {
  v1::ScreenOutputRequest request;
  *request.mutable_subject() = ById(customer);
  request.set_purpose(kLetters);
  request.set_channel(v1::CHANNEL_EMAIL);
  v1::Output* output = request.mutable_output();
  output->set_id(id);
  output->set_kind(v1::OUTPUT_KIND_MESSAGE);
  output->set_model("letters");
  output->set_model_version("1");
  output->set_text("Our garden chairs are back.");
  return request;
}

class OutputsLogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    gateway_.Start();
    v1::Client crm = testing::FullClient("crm", "essential.service.operations");
    crm.add_attests(kLetters);
    const Identity writer = gateway_.Register(crm);
    v1::Client engine = testing::FullClient("engine", kLetters);
    engine.add_permissions("screening.screen");
    engine.mutable_limits()->set_calls_per_second(100'000);
    engine_ = gateway_.Register(engine, /*days=*/10);
    const auto channel = gateway_.Connect(writer);
    const auto consents = v1::ConsentService::NewStub(channel);
    for (int i = 0; i < kCustomers; ++i) {
      const std::string key = absl::StrCat("c", i);
      customers_.push_back(testing::MustWrite(
          channel, testing::ProfileOf(key, key + "@shop.example")));
      v1::RecordConsentRequest request;
      *request.mutable_subject() = ById(customers_.back());
      request.add_purposes(kLetters);
      request.set_action(v1::CONSENT_ACTION_GIVE);
      request.mutable_notice()->set_id("marketing-consent");
      request.mutable_notice()->set_version(1);
      v1::RecordConsentResponse response;
      ASSERT_TRUE(
          consents->RecordConsent(Timed().get(), request, &response).ok());
    }
    ASSERT_TRUE(gateway_.Stop().ok());
  }

  std::unique_ptr<GatewayProcess> Spawn() {
    GatewayProcess::Options options;
    options.folder = gateway_.folder();
    options.output_file = dir_.File("output");
    auto process = GatewayProcess::Spawn(options);
    EXPECT_TRUE(process->WaitServing())
        << testing::ReadAll(dir_.File("output"));
    return process;
  }

  TestGateway gateway_;
  testing::TempDir dir_;
  Identity engine_;
  std::vector<std::string> customers_;
};

TEST_F(OutputsLogTest, EveryVerdictIsInTheLogAndSpentOnce) {
  std::mutex mu;
  // Screening id to verdict, of all answers; output id to screening id.
  std::map<std::string, v1::Verdict> told;
  std::map<std::string, std::string> of_output;
  std::atomic<int> next{0};
  for (int death = 0; death < kDeaths; ++death) {
    const auto process = Spawn();
    std::vector<std::thread> engines;
    for (int i = 0; i < kEngines; ++i) {
      engines.emplace_back([&] {
        const auto stub =
            v1::ScreeningService::NewStub(process->Connect(engine_));
        for (;;) {
          const int n = next.fetch_add(1);
          const std::string id = absl::StrCat("o-", n);
          v1::ScreenOutputResponse response;
          const grpc::Status status = stub->ScreenOutput(
              Timed(5).get(),
              Letter(customers_[static_cast<size_t>(n) % kCustomers], id),
              &response);
          if (!status.ok()) return;
          const std::lock_guard<std::mutex> lock(mu);
          told[response.screening_id()] = response.verdict();
          of_output[id] = response.screening_id();
        }
      });
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    process->Kill();
    for (std::thread& engine : engines) engine.join();
  }
  ASSERT_GT(told.size(), 20u);

  gateway_.Start();
  std::map<std::string, std::string> logged;
  for (const v1::AuditEntry& entry : testing::EntriesOf(gateway_)) {
    if (entry.event() != "screening.screen") continue;
    if (entry.details().contains("repeated")) continue;
    logged[entry.details().at("screening")] = entry.details().at("verdict");
  }
  for (const auto& [id, verdict] : told) {
    ASSERT_TRUE(logged.contains(id)) << id;
    EXPECT_EQ(logged[id] == "released", verdict == v1::VERDICT_RELEASED);
  }

  // A retry of each output, after all those deaths, is the verdict that it had,
  // and takes nothing from anybody.
  const auto stub = v1::ScreeningService::NewStub(gateway_.Connect(engine_));
  const auto count = [&] {
    std::map<std::string, v1::Verdict> answers;
    for (const auto& [output, screening] : of_output) {
      const int n = std::stoi(output.substr(2));
      v1::ScreenOutputResponse response;
      const grpc::Status status = stub->ScreenOutput(
          Timed().get(),
          Letter(customers_[static_cast<size_t>(n) % kCustomers], output),
          &response);
      EXPECT_TRUE(status.ok()) << status.error_message();
      EXPECT_EQ(response.screening_id(), screening);
      answers[screening] = response.verdict();
    }
    return answers;
  };
  EXPECT_EQ(count(), told);
  EXPECT_EQ(count(), told);
  // Nobody got more than one who was asked for without any death.
  std::map<std::string, int> per_customer;
  for (const auto& [output, screening] : of_output) {
    if (told[screening] != v1::VERDICT_RELEASED) continue;
    const int n = std::stoi(output.substr(2));
    ++per_customer[customers_[static_cast<size_t>(n) % kCustomers]];
  }
  int most = 0;
  for (const auto& [customer, sent] : per_customer) most = std::max(most, sent);
  // What comes next is stopped for whoever has had her share.
  for (const auto& [customer, sent] : per_customer) {
    if (sent < most) continue;
    v1::ScreenOutputResponse response;
    ASSERT_TRUE(stub->ScreenOutput(Timed().get(),
                                   Letter(customer, "last-" + customer),
                                   &response)
                    .ok());
    EXPECT_EQ(response.verdict_class(), v1::VERDICT_CLASS_PRESSURE)
        << response.DebugString();
  }
}

// The time of the machine, and how wrong it is.
class WrongClock final : public base::Clock {
 public:
  void Jump(int64_t by_us) { by_us_ = by_us; }
  int64_t NowUs() const override {
    return base::Clock::System()->NowUs() + by_us_.load();
  }
  int64_t MonotonicUs() const override {
    return base::Clock::System()->MonotonicUs();
  }

 private:
  std::atomic<int64_t> by_us_{0};
};

TEST_F(OutputsLogTest, WhatIsSpentStaysSpentWhenTheClockJumps) {
  constexpr int64_t kDayUs = int64_t{86'400} * 1'000'000;
  const std::string& customer = customers_[0];
  int next = 0;
  // Asks for more until one is stopped; all at eleven in the morning, at which
  // nothing is quiet.
  const auto fill = [&](const std::shared_ptr<grpc::Channel>& channel,
                        int64_t now_us) {
    const auto stub = v1::ScreeningService::NewStub(channel);
    int released = 0;
    for (int i = 0; i < 10; ++i) {
      v1::ScreenOutputRequest letter =
          Letter(customer, absl::StrCat("j-", next++));
      letter.mutable_output()->mutable_deliver_time()->set_seconds(
          (now_us / kDayUs + 1) * 86'400 + 10 * 3600);
      v1::ScreenOutputResponse response;
      const grpc::Status status =
          stub->ScreenOutput(Timed().get(), letter, &response);
      EXPECT_TRUE(status.ok()) << status.error_message();
      if (response.verdict() != v1::VERDICT_RELEASED) {
        EXPECT_EQ(response.verdict_class(), v1::VERDICT_CLASS_PRESSURE)
            << response.DebugString();
        break;
      }
      ++released;
    }
    return released;
  };
  const int64_t now_us = base::Clock::System()->NowUs();
  int budget = 0;
  {
    const auto process = Spawn();
    budget = fill(process->Connect(engine_), now_us);
    process->Kill();
  }
  ASSERT_GT(budget, 0);
  WrongClock clock;
  server::ServerOptions options{.address = "127.0.0.1:0"};
  options.clock = &clock;
  gateway_.Start(options);
  for (const int64_t days : {0, -40, -1, 2, -400, 0}) {
    clock.Jump(days * kDayUs);
    EXPECT_EQ(fill(gateway_.Connect(engine_), now_us + days * kDayUs), 0)
        << days;
  }
  ASSERT_TRUE(gateway_.Stop().ok());
  // And by a process that dies after each.
  for (int i = 0; i < 3; ++i) {
    const auto process = Spawn();
    EXPECT_EQ(fill(process->Connect(engine_), now_us), 0);
    process->Kill();
  }
}

}  // namespace
}  // namespace consentry
