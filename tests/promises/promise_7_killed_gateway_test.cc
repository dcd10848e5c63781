// Promise 7, honest alarms, of a gateway that is killed: after each death
// (SIGKILL, in the midst of screening) the figures that staff are shown have
// counted exactly the verdicts whose entries say so, and none that an engine
// was told is missing.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
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

// Audits are asked for while outputs pass, and the gateway dies: whoever got an
// answer finds the same report, each has one file and one entry that proves it,
// and what was set aside is set aside once.
TEST_F(KilledGatewayTest, ReportsAreWhatTheirAnswersAndTheLogSay) {
  const uint64_t kills = testing::FromEnvironment("CONSENTRY_KILLS", 3);
  constexpr int kAsksOfALife = 200;
  // What staff were told: digests by the report, alpha of what is to come.
  std::map<std::string, std::string> digests;
  std::map<std::string, double> alphas;
  std::vector<v1::RunFairnessAuditRequest> unanswered;
  std::string refusal;
  int next = 0;
  int asked = 0;
  const auto ask = [&](v1::ScreeningService::Stub* stub,
                       const v1::RunFairnessAuditRequest& request) {
    v1::FairnessReport report;
    const grpc::Status status =
        stub->RunFairnessAudit(Timed(10).get(), request, &report);
    if (!status.ok()) {
      refusal = status.error_message();
      unanswered.push_back(request);
      return false;
    }
    if (request.confirmatory()) {
      alphas[report.id()] = report.alpha();
    } else {
      digests[report.id()] = report.digest();
    }
    return true;
  };
  for (uint64_t kill = 0; kill < kills; ++kill) {
    {
      GatewayProcess::Options options;
      options.folder = gateway_.folder();
      options.output_file = dir_.File("output");
      const auto process = GatewayProcess::Spawn(options);
      ASSERT_TRUE(process->WaitServing())
          << testing::ReadAll(dir_.File("output"));
      std::thread engine([&] {
        const auto stub =
            v1::ScreeningService::NewStub(process->Connect(engine_));
        v1::ScreenOutputResponse response;
        while (Screen(stub.get(), next, &response).ok()) ++next;
      });
      std::thread staff([&] {
        const auto stub = v1::ScreeningService::NewStub(
            process->Connect(gateway_.Made("compliance")));
        std::vector<v1::RunFairnessAuditRequest> again;
        again.swap(unanswered);
        for (int i = 0; i < kAsksOfALife; ++i) {
          v1::RunFairnessAuditRequest request;
          if (static_cast<size_t>(i) < again.size()) {
            request = again[static_cast<size_t>(i)];
          } else {
            request.set_profile_id("hints");
            request.set_request_id(
                absl::StrFormat("00000000-0000-4000-8000-%012d", ++asked));
            request.set_confirmatory(i == 1);
            request.mutable_to_time()->set_seconds(
                request.confirmatory() ? std::time(nullptr) + 86'400
                                       : std::time(nullptr));
          }
          if (!ask(stub.get(), request)) return;
        }
      });
      std::this_thread::sleep_for(std::chrono::milliseconds(400 + 90 * kill));
      process->Kill();
      engine.join();
      staff.join();
    }
    gateway_.Start();
    const auto stub = v1::ScreeningService::NewStub(
        gateway_.Connect(gateway_.Made("compliance")));
    // What died without an answer is asked once more, and answered.
    std::vector<v1::RunFairnessAuditRequest> again;
    again.swap(unanswered);
    for (const auto& request : again) {
      EXPECT_TRUE(ask(stub.get(), request)) << refusal << request.DebugString();
    }
    std::map<std::string, v1::FairnessReport> listed;
    v1::ListFairnessReportsRequest list;
    list.set_page_size(1000);
    v1::ListFairnessReportsResponse page;
    const grpc::Status status =
        stub->ListFairnessReports(Timed().get(), list, &page);
    ASSERT_TRUE(status.ok()) << status.error_message();
    for (const auto& report : page.reports()) listed[report.id()] = report;
    double spent = 0;
    for (const auto& [id, alpha] : alphas) {
      ASSERT_TRUE(listed.contains(id)) << id;
      EXPECT_DOUBLE_EQ(listed.at(id).alpha(), alpha);
    }
    std::map<std::string, std::vector<std::string>> logged;
    for (const v1::AuditEntry& entry : testing::EntriesOf(gateway_)) {
      const auto sha256 = entry.details().find("sha256");
      const auto report = entry.details().find("report");
      if (sha256 != entry.details().end() && report != entry.details().end()) {
        logged[report->second].push_back(sha256->second);
      }
    }
    for (const auto& [id, report] : listed) {
      spent += report.alpha();
      if (!report.has_create_time()) {
        EXPECT_TRUE(report.confirmatory()) << report.DebugString();
        EXPECT_TRUE(alphas.contains(id)) << "nobody asked for it twice";
        continue;
      }
      ASSERT_EQ(logged[id].size(), 1u) << id;
      EXPECT_EQ(logged[id][0], report.digest());
      if (digests.contains(id)) {
        EXPECT_EQ(digests[id], report.digest());
      }
    }
    EXPECT_LE(spent, 0.05);
    EXPECT_EQ(listed.size(), digests.size() + alphas.size());
    for (const auto& [id, digest] : digests) {
      EXPECT_TRUE(listed.contains(id)) << id;
    }
    ASSERT_TRUE(gateway_.Stop().ok());
  }
  EXPECT_GT(digests.size(), kills);
}

}  // namespace
}  // namespace consentry
