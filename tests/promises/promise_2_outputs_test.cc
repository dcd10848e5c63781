// Promise 2, no audit, no data, for outputs: every verdict that an engine was
// told is in the log of a gateway that was killed, and what was spent of a
// customer's budgets before it died is spent after it, whatever the clock of
// the machine says then.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
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
// Answers that engines have before the gateway dies.
constexpr int kToldPerLife = 15;

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

// Delivered tomorrow at eleven in the morning, at which nothing is quiet.
v1::ScreenOutputRequest AtEleven(v1::ScreenOutputRequest letter,
                                 int64_t now_us) {
  constexpr int64_t kDayUs = int64_t{86'400} * 1'000'000;
  letter.mutable_output()->mutable_deliver_time()->set_seconds(
      (now_us / kDayUs + 1) * 86'400 + 10 * 3600);
  return letter;
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
    for (int i = 0; i <= kCustomers; ++i) {
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
    spare_ = customers_.back();
    customers_.pop_back();
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
  // Nobody is asked for her before the end.
  std::string spare_;
};

TEST_F(OutputsLogTest, EveryVerdictIsInTheLogAndSpentOnce) {
  const int64_t now_us = base::Clock::System()->NowUs();
  const auto customer_of = [&](int n) -> const std::string& {
    return customers_[static_cast<size_t>(n) % kCustomers];
  };
  const auto letter = [&](int n) {
    return AtEleven(Letter(customer_of(n), absl::StrCat("o-", n)), now_us);
  };
  std::mutex mu;
  // By number of the output: what its engine was told.
  std::map<int, v1::ScreenOutputResponse> told;
  std::atomic<int> next{0};
  for (int death = 1; death <= kDeaths; ++death) {
    const auto process = Spawn();
    std::vector<std::thread> engines;
    for (int i = 0; i < kEngines; ++i) {
      engines.emplace_back([&] {
        const auto stub =
            v1::ScreeningService::NewStub(process->Connect(engine_));
        for (;;) {
          const int n = next.fetch_add(1);
          v1::ScreenOutputResponse response;
          if (!stub->ScreenOutput(Timed(5).get(), letter(n), &response).ok()) {
            return;
          }
          const std::lock_guard<std::mutex> lock(mu);
          told[n] = response;
        }
      });
    }
    const auto enough = [&] {
      const std::lock_guard<std::mutex> lock(mu);
      return told.size() >= static_cast<size_t>(death * kToldPerLife);
    };
    const auto deadline =
        std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!enough() && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    process->Kill();
    for (std::thread& engine : engines) engine.join();
    ASSERT_TRUE(enough());
  }

  gateway_.Start();
  const auto stub = v1::ScreeningService::NewStub(gateway_.Connect(engine_));
  const auto ask = [&](const v1::ScreenOutputRequest& request) {
    v1::ScreenOutputResponse response;
    const grpc::Status status =
        stub->ScreenOutput(Timed().get(), request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  };
  std::map<std::string, std::string> logged;
  for (const v1::AuditEntry& entry : testing::EntriesOf(gateway_)) {
    if (entry.event() != "screening.screen") continue;
    if (entry.details().contains("repeated")) continue;
    logged[entry.details().at("screening")] = entry.details().at("verdict");
  }
  for (const auto& [n, answer] : told) {
    ASSERT_TRUE(logged.contains(answer.screening_id())) << n;
    EXPECT_EQ(logged[answer.screening_id()] == "released",
              answer.verdict() == v1::VERDICT_RELEASED);
  }

  // Every output is asked for again: those whose engine was told have the
  // verdict that they had; those whose answer died with the gateway have one,
  // whether it had been reached by then or not.
  const auto ask_all = [&] {
    std::map<int, v1::ScreenOutputResponse> answers;
    for (int n = 0; n < next.load(); ++n) answers[n] = ask(letter(n));
    return answers;
  };
  const auto first = ask_all();
  for (const auto& [n, answer] : told) {
    EXPECT_EQ(first.at(n).screening_id(), answer.screening_id()) << n;
    EXPECT_EQ(first.at(n).verdict(), answer.verdict()) << n;
  }
  for (const auto& [n, again] : ask_all()) {
    EXPECT_EQ(again.screening_id(), first.at(n).screening_id()) << n;
    EXPECT_EQ(again.verdict(), first.at(n).verdict()) << n;
  }
  // Everybody got exactly what somebody gets who was asked for without any
  // death and any retry, however often: nothing was spent twice, nothing was
  // forgotten.
  const auto fill = [&](const std::string& customer, const std::string& id) {
    int released = 0;
    while (ask(AtEleven(Letter(customer, absl::StrCat(id, released)), now_us))
               .verdict() == v1::VERDICT_RELEASED) {
      ++released;
    }
    return released;
  };
  const int budget = fill(spare_, "spare-");
  ASSERT_GT(budget, 0);
  std::map<std::string, int> sent;
  for (const auto& [n, answer] : first) {
    if (answer.verdict() == v1::VERDICT_RELEASED) ++sent[customer_of(n)];
  }
  for (const std::string& customer : customers_) {
    sent[customer] += fill(customer, "last-" + customer);
    EXPECT_EQ(sent[customer], budget);
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
  // Asks for more until one is stopped.
  const auto fill = [&](const std::shared_ptr<grpc::Channel>& channel,
                        int64_t now_us) {
    const auto stub = v1::ScreeningService::NewStub(channel);
    int released = 0;
    for (int i = 0; i < 10; ++i) {
      v1::ScreenOutputResponse response;
      const grpc::Status status = stub->ScreenOutput(
          Timed().get(),
          AtEleven(Letter(customer, absl::StrCat("j-", next++)), now_us),
          &response);
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
