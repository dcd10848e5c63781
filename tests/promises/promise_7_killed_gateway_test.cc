// Promise 7, honest alarms, of a gateway that is killed: after each death
// (SIGKILL, in the midst of screening) the figures that staff are shown have
// counted exactly the verdicts whose entries say so, and none that an engine
// was told is missing.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "consentry/v1/audit_service.grpc.pb.h"
#include "consentry/v1/screening_service.grpc.pb.h"
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

constexpr char kService[] = "essential.service.operations";
constexpr int kCustomers = 40;
// Each customer counts once for each version; beyond them nothing does.
constexpr int kVersions = 200;
constexpr int kEngines = 4;
constexpr char kProfile[] = R"pb(
  id: "hints"
  model: "hints"
  favourable { stated: true }
  purpose: "bias_detection"
  attributes {
    name: "age"
    source: BIRTH_DATE
    field: "profile.birth_date"
    bands: 45
    reference: "under_45"
  }
  metrics { kind: SELECTION_RATE }
  unit { period: VERSION }
  suppress_below: 1
)pb";

std::string Version(int n) { return absl::StrCat("v", n); }

class KilledGatewayTest : public ::testing::Test {
 protected:
  void SetUp() override {
    gateway_.Start();
    const auto crm = gateway_.Connect(
        gateway_.Register(testing::FullClient("crm", kService)));
    for (int i = 0; i < kCustomers; ++i) {
      const std::string key = absl::StrCat("c", i);
      v1::WriteRecordRequest row =
          testing::ProfileOf(key, key + "@shop.example");
      (*row.mutable_values())["birth_date"].set_date_value(
          i % 2 == 0 ? "1950-03-01" : "1995-03-01");
      customers_.push_back(testing::MustWrite(crm, row));
    }
    v1::Client engine = testing::FullClient("engine", kService);
    engine.add_permissions("screening.screen");
    engine.mutable_limits()->set_calls_per_second(100'000);
    engine_ = gateway_.Register(engine);
    v1::PutFairnessProfileRequest put;
    put.mutable_profile()->set_text(kProfile);
    v1::FairnessProfile profile;
    const grpc::Status status =
        v1::ScreeningService::NewStub(
            gateway_.Connect(gateway_.Made("compliance")))
            ->PutFairnessProfile(Timed().get(), put, &profile);
    ASSERT_TRUE(status.ok()) << status.error_message();
    ASSERT_TRUE(gateway_.Stop().ok());
  }

  grpc::Status Screen(v1::ScreeningService::Stub* stub, int n,
                      v1::ScreenOutputResponse* response) const {
    v1::ScreenOutputRequest request;
    *request.mutable_subject() =
        ById(customers_[static_cast<size_t>(n % kCustomers)]);
    request.set_purpose(kService);
    request.set_channel(v1::CHANNEL_INTERNAL);
    v1::Output* const output = request.mutable_output();
    output->set_id(absl::StrCat("o-", n));
    output->set_kind(v1::OUTPUT_KIND_SEGMENT);
    output->set_model("hints");
    output->set_model_version(Version(n / kCustomers % kVersions));
    output->set_label("garden");
    output->set_favourable(n % 3 == 0);
    return stub->ScreenOutput(Timed(5).get(), request, response);
  }

  // What staff are shown, by version.
  std::map<std::string, v1::FairnessMonitor> Monitors() const {
    v1::ListFairnessMonitorsRequest request;
    request.set_profile_id("hints");
    request.set_page_size(1000);
    v1::ListFairnessMonitorsResponse response;
    const grpc::Status status =
        v1::ScreeningService::NewStub(
            gateway_.Connect(gateway_.Made("compliance")))
            ->ListFairnessMonitors(Timed().get(), request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(response.next_page_token(), "");
    std::map<std::string, v1::FairnessMonitor> found;
    for (const auto& monitor : response.monitors()) {
      found[monitor.model_version()] = monitor;
    }
    return found;
  }

  TestGateway gateway_;
  testing::TempDir dir_;
  Identity engine_;
  std::vector<std::string> customers_;
};

TEST_F(KilledGatewayTest, StaffAreShownWhatTheLogSays) {
  const uint64_t kills = testing::FromEnvironment("CONSENTRY_KILLS", 3);
  std::mutex mu;
  // Screening ids of outputs that engines were told about.
  std::set<std::string> told;
  std::set<int> unanswered;
  std::atomic<int> next{0};
  size_t before = 0;
  for (uint64_t kill = 0; kill < kills; ++kill) {
    {
      GatewayProcess::Options options;
      options.folder = gateway_.folder();
      options.output_file = dir_.File("output");
      const auto process = GatewayProcess::Spawn(options);
      ASSERT_TRUE(process->WaitServing())
          << testing::ReadAll(dir_.File("output"));
      std::vector<int> again(unanswered.begin(), unanswered.end());
      unanswered.clear();
      std::vector<std::thread> engines;
      for (int i = 0; i < kEngines; ++i) {
        engines.emplace_back([&, i] {
          const auto stub =
              v1::ScreeningService::NewStub(process->Connect(engine_));
          for (size_t at = static_cast<size_t>(i);; at += kEngines) {
            // What died without an answer is asked once more.
            const int n = at < again.size() ? again[at] : next.fetch_add(1);
            v1::ScreenOutputResponse response;
            const grpc::Status status = Screen(stub.get(), n, &response);
            const std::lock_guard<std::mutex> lock(mu);
            if (!status.ok()) {
              unanswered.insert(n);
              return;
            }
            told.insert(response.screening_id());
          }
        });
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(300 + 70 * kill));
      process->Kill();
      for (std::thread& engine : engines) engine.join();
    }
    ASSERT_LT(next.load(), kCustomers * kVersions);

    gateway_.Start();
    // Two of each begun version that nobody may have reached: no group is too
    // small to be shown.
    const int begun = next.load();
    {
      const auto stub =
          v1::ScreeningService::NewStub(gateway_.Connect(engine_));
      const int last = (begun - 1) / kCustomers * kCustomers;
      for (int version = std::max(0, last - kCustomers); version <= last;
           version += kCustomers) {
        for (const int n : {version, version + 1}) {
          v1::ScreenOutputResponse response;
          const grpc::Status status = Screen(stub.get(), n, &response);
          ASSERT_TRUE(status.ok()) << status.error_message();
        }
      }
    }
    std::map<std::string, int64_t> counted;
    std::set<std::string> logged;
    for (const v1::AuditEntry& entry : testing::EntriesOf(gateway_)) {
      const auto detail = entry.details().find("counted");
      if (detail == entry.details().end()) continue;
      ++counted[detail->second];
      logged.insert(entry.details().at("screening"));
    }
    int64_t all = 0;
    for (const auto& [version, monitor] : Monitors()) {
      EXPECT_FALSE(monitor.suppressed()) << version;
      EXPECT_EQ(monitor.coverage(), 1);
      EXPECT_EQ(monitor.group_count() + monitor.reference_count(),
                counted["hints/" + version])
          << version;
      all += counted["hints/" + version];
    }
    EXPECT_EQ(all, static_cast<int64_t>(logged.size()));
    for (const std::string& id : told) EXPECT_TRUE(logged.contains(id)) << id;
    EXPECT_GT(logged.size(), before + 20) << "a life that counted nothing";
    before = logged.size();
    ASSERT_TRUE(gateway_.Stop().ok());
  }
}

}  // namespace
}  // namespace consentry
