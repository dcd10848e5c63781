// A model is found to pass older customers over: staff are written to at once,
// and what it makes next waits for a human.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "consentry/v1/audit_service.grpc.pb.h"
#include "consentry/v1/data_service.grpc.pb.h"
#include "consentry/v1/screening_service.grpc.pb.h"
#include "tests/e2e/requests.h"
#include "tests/e2e/test_gateway.h"

namespace consentry {
namespace {

using testing::Context;
using testing::CrmRef;
using testing::ServiceClient;
using testing::TestGateway;

constexpr char kService[] = "essential.service.operations";
constexpr char kProfile[] = R"pb(
  id: "vouchers"
  model: "vouchers"
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
  minimum: 10
  suppress_below: 5
  on_violation: HOLD
)pb";

std::string AllIn(const std::string& folder) {
  std::string all;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) {
      all += testing::ReadAll(entry.path().string());
    }
  }
  return all;
}

TEST(FairnessNotice, StaffAreWrittenToWhenAViolationIsFound) {
  TestGateway gateway;
  const std::string drop = gateway.File("mail");
  std::filesystem::create_directory(drop);
  std::ofstream(gateway.File("consentry.txtpb"), std::ios::app)
      << "\nsender { from_address: \"privacy@shop.example\" file_drop { "
         "folder: \""
      << drop << "\" } staff_addresses: \"dpo@shop.example\" }\n";
  server::ServerOptions options{.address = "127.0.0.1:0"};
  options.dev = true;
  gateway.Start(options);
  v1::Client shop = ServiceClient("shop", kService);
  shop.add_permissions("data.import");
  shop.add_permissions("data.legal_facts");
  shop.add_permissions("screening.screen");
  shop.mutable_limits()->set_calls_per_second(100'000);
  const auto channel = gateway.Connect(gateway.Register(shop));
  const auto outputs = v1::ScreeningService::NewStub(channel);
  const auto data = v1::DataService::NewStub(channel);
  const auto staff_channel = gateway.Connect(gateway.Made("compliance"));
  const auto staff = v1::ScreeningService::NewStub(staff_channel);
  v1::PutFairnessProfileRequest put;
  put.mutable_profile()->set_text(kProfile);
  v1::FairnessProfile profile;
  ASSERT_TRUE(staff->PutFairnessProfile(Context().get(), put, &profile).ok());

  v1::ScreenOutputResponse screened;
  for (int i = 0; i < 80; ++i) {
    const std::string key = absl::StrCat("c", i);
    v1::WriteRecordRequest row;
    *row.add_subjects() = CrmRef(key);
    row.set_kind("profile");
    row.set_source("crm");
    row.set_source_key(key);
    row.set_purpose(kService);
    row.mutable_legal_facts()->set_residence("DE");
    (*row.mutable_values())["birth_date"].set_date_value(
        i % 2 == 0 ? "1950-01-01" : "1990-01-01");
    v1::WriteRecordResponse written;
    grpc::Status status = data->WriteRecord(Context().get(), row, &written);
    ASSERT_TRUE(status.ok()) << status.error_message();
    v1::ScreenOutputRequest request;
    *request.mutable_subject() = CrmRef(key);
    request.set_purpose(kService);
    request.set_channel(v1::CHANNEL_INTERNAL);
    v1::Output* const output = request.mutable_output();
    output->set_id(key);
    output->set_kind(v1::OUTPUT_KIND_SEGMENT);
    output->set_model("vouchers");
    output->set_model_version("2");
    output->set_label("voucher");
    output->set_favourable(i % 2 == 1);
    status = outputs->ScreenOutput(Context().get(), request, &screened);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }
  EXPECT_EQ(screened.verdict(), v1::VERDICT_HELD) << screened.DebugString();
  EXPECT_EQ(screened.verdict_class(), v1::VERDICT_CLASS_FAIRNESS);

  v1::ListFairnessMonitorsResponse monitors;
  ASSERT_TRUE(staff->ListFairnessMonitors(Context().get(), {}, &monitors).ok());
  ASSERT_EQ(monitors.monitors_size(), 1);
  const v1::FairnessMonitor& monitor = monitors.monitors(0);
  EXPECT_EQ(monitor.verdict(), v1::FAIRNESS_VERDICT_VIOLATION);
  EXPECT_EQ(monitor.window_days(), 28);
  EXPECT_EQ(monitor.window_group_count(), 40);
  EXPECT_EQ(monitor.window_group_mean(), 0);
  EXPECT_EQ(monitor.window_reference_mean(), 1);

  std::string mails;
  for (int i = 0; i < 300; ++i) {
    mails = AllIn(drop);
    if (absl::StrContains(mails, monitor.id())) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  EXPECT_TRUE(absl::StrContains(mails, "dpo@shop.example"));
  EXPECT_TRUE(absl::StrContains(mails, "fairness_violation: " + monitor.id()))
      << mails;

  // The log has it with its time, and names no group.
  const auto reading = Context();
  const auto stream =
      v1::AuditService::NewStub(staff_channel)
          ->TailAuditEntries(reading.get(), v1::TailAuditEntriesRequest());
  bool found = false;
  for (v1::AuditEntry entry; stream->Read(&entry);) {
    EXPECT_FALSE(absl::StrContains(entry.ShortDebugString(), "45_and_over"));
    if (entry.event() != "system.fairness") continue;
    const auto violation = entry.details().find("violation");
    if (violation == entry.details().end()) continue;
    found = true;
    EXPECT_EQ(violation->second, monitor.id());
    EXPECT_EQ(entry.details().at("record"), "vouchers/2");
  }
  EXPECT_TRUE(found);
  EXPECT_TRUE(gateway.Stop().ok());
}

}  // namespace
}  // namespace consentry
