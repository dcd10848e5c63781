#include "gateway/server/server.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "consentry/v1/admin_service.grpc.pb.h"
#include "consentry/v1/audit_service.grpc.pb.h"
#include "consentry/v1/data_service.grpc.pb.h"
#include "consentry/v1/screening_service.grpc.pb.h"
#include "tests/e2e/requests.h"
#include "tests/e2e/test_gateway.h"
#include "tests/testing/status_matchers.h"

namespace consentry {
namespace {

using testing::Context;
using testing::Identity;
using testing::ReasonOf;
using testing::ServiceClient;
using testing::TestGateway;

constexpr char kSupport[] = "essential.service.operations.support";

grpc::Status GetStatus(const std::shared_ptr<grpc::Channel>& channel,
                       v1::GatewayStatus* status) {
  return v1::AdminService::NewStub(channel)->GetStatus(
      Context().get(), v1::GetStatusRequest(), status);
}

grpc::Status Check(const std::shared_ptr<grpc::Channel>& channel,
                   const std::string& purpose = kSupport) {
  v1::CheckAccessRequest request;
  request.mutable_subject()->mutable_identifier()->set_type(
      v1::IDENTIFIER_TYPE_EMAIL);
  request.mutable_subject()->mutable_identifier()->set_value(
      "nobody@shop.example");
  request.set_purpose(purpose);
  request.add_fields("profile.email");
  v1::CheckAccessResponse response;
  return v1::DataService::NewStub(channel)->CheckAccess(Context().get(),
                                                        request, &response);
}

class ServerTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { gateway_ = new TestGateway(); }
  static void TearDownTestSuite() {
    delete gateway_;
    gateway_ = nullptr;
  }
  void SetUp() override {
    if (gateway_->server() == nullptr) gateway_->Start();
  }
  static TestGateway* gateway_;
};
TestGateway* ServerTest::gateway_ = nullptr;

TEST_F(ServerTest, TheOperatorThatInitMadeIsAnswered) {
  v1::GatewayStatus status;
  const grpc::Status answered =
      GetStatus(gateway_->Connect(gateway_->Made("operator")), &status);
  ASSERT_TRUE(answered.ok()) << answered.error_message();
  EXPECT_TRUE(status.serving());
  EXPECT_GT(status.log_size(), 0u);
  EXPECT_EQ(status.bundle_hash().size(), 64u);
}

TEST_F(ServerTest, ACallerWithoutCertificateIsRefused) {
  v1::GatewayStatus status;
  EXPECT_EQ(GetStatus(gateway_->Connect({}), &status).error_code(),
            grpc::StatusCode::UNAVAILABLE);
}

TEST_F(ServerTest, ACertificateOfAStrangersAuthorityIsRefused) {
  TestGateway stranger;
  v1::GatewayStatus status;
  EXPECT_EQ(GetStatus(gateway_->Connect(stranger.Made("operator")), &status)
                .error_code(),
            grpc::StatusCode::UNAVAILABLE);
}

TEST_F(ServerTest, AnUnregisteredCertificateIsUnauthenticated) {
  v1::GatewayStatus status;
  const grpc::Status refused =
      GetStatus(gateway_->Connect(gateway_->Issue("unknown")), &status);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(ReasonOf(refused), v1::ERROR_REASON_CLIENT_UNKNOWN);
}

TEST_F(ServerTest, TlsBelow13IsRefused) {
  const std::string command =
      "echo | openssl s_client -connect " + gateway_->server()->address() +
      " -alpn h2 -CAfile " + gateway_->File("tls/authority.pem") + " -cert " +
      gateway_->File("clients/operator.pem") + " -key " +
      gateway_->File("clients/operator.key") + " ";
  const auto run = [&](const std::string& version) {
    std::string text;
    FILE* pipe = popen((command + version + " 2>&1").c_str(), "r");
    char buffer[4096];
    while (const size_t n = fread(buffer, 1, sizeof(buffer), pipe)) {
      text.append(buffer, n);
    }
    pclose(pipe);
    return text;
  };
  EXPECT_NE(run("-tls1_3").find("Cipher is TLS_"), std::string::npos);
  for (const char* older : {"-tls1_2", "-tls1_1", "-tls1"}) {
    EXPECT_NE(run(older).find("Cipher is (NONE)"), std::string::npos) << older;
  }
}

TEST_F(ServerTest, AMissingPermissionIsNamed) {
  const grpc::Status refused =
      Check(gateway_->Connect(gateway_->Made("operator")));
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(ReasonOf(refused), v1::ERROR_REASON_PERMISSION_MISSING);
}

TEST_F(ServerTest, AMethodIsForThoseWhoHaveItsPermission) {
  v1::ListFairnessReportsRequest request;
  v1::ListFairnessReportsResponse response;
  const auto call = [&](const Identity& identity) {
    return v1::ScreeningService::NewStub(gateway_->Connect(identity))
        ->ListFairnessReports(Context().get(), request, &response);
  };
  EXPECT_EQ(ReasonOf(call(gateway_->Issue("unknown2"))),
            v1::ERROR_REASON_CLIENT_UNKNOWN);
  EXPECT_EQ(ReasonOf(call(gateway_->Made("operator"))),
            v1::ERROR_REASON_PERMISSION_MISSING);
  const grpc::Status served = call(gateway_->Made("compliance"));
  EXPECT_TRUE(served.ok()) << served.error_message();
}

TEST_F(ServerTest, AMalformedRequestIsToldAllItsFaults) {
  const Identity crm =
      gateway_->Register(ServiceClient("faulty-crm", kSupport));
  v1::CheckAccessRequest request;
  request.set_purpose("Not A Purpose");
  request.add_fields("profile");
  request.mutable_context()->set_ticket("no spaces please");
  v1::CheckAccessResponse response;
  const grpc::Status refused =
      v1::DataService::NewStub(gateway_->Connect(crm))
          ->CheckAccess(Context().get(), request, &response);
  EXPECT_EQ(ReasonOf(refused), v1::ERROR_REASON_FIELD_INVALID);
  for (const char* field :
       {"subject", "purpose", "fields[0]", "context.ticket"}) {
    EXPECT_NE(refused.error_details().find(field), std::string::npos) << field;
  }
  EXPECT_EQ(refused.error_details().find("Not A Purpose"), std::string::npos);
}

TEST_F(ServerTest, AnOversizedMessageIsRefused) {
  const Identity crm = gateway_->Register(ServiceClient("big-crm", kSupport));
  v1::CheckAccessRequest request;
  request.set_purpose(std::string(5 << 20, 'x'));
  v1::CheckAccessResponse response;
  EXPECT_EQ(v1::DataService::NewStub(gateway_->Connect(crm))
                ->CheckAccess(Context().get(), request, &response)
                .error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(ServerTest, RevokingBitesOnAnOpenConnection) {
  const Identity crm =
      gateway_->Register(ServiceClient("revoked-crm", kSupport));
  const auto channel = gateway_->Connect(crm);
  const grpc::Status before = Check(channel);
  ASSERT_TRUE(before.ok()) << before.error_message();

  v1::RevokeClientRequest request;
  request.set_id("revoked-crm");
  request.set_reason_code("lost");
  v1::Client revoked;
  const grpc::Status done =
      v1::AdminService::NewStub(gateway_->Connect(gateway_->Made("operator")))
          ->RevokeClient(Context().get(), request, &revoked);
  ASSERT_TRUE(done.ok()) << done.error_message();
  EXPECT_EQ(revoked.state(), v1::CLIENT_STATE_REVOKED);

  const grpc::Status after = Check(channel);
  EXPECT_EQ(after.error_code(), grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(ReasonOf(after), v1::ERROR_REASON_CLIENT_REVOKED);
}

TEST_F(ServerTest, TheLastAdministratorCannotBeRevoked) {
  v1::RevokeClientRequest request;
  request.set_id("operator");
  v1::Client client;
  EXPECT_EQ(ReasonOf(v1::AdminService::NewStub(
                         gateway_->Connect(gateway_->Made("operator")))
                         ->RevokeClient(Context().get(), request, &client)),
            v1::ERROR_REASON_STATE_INVALID);
}

TEST_F(ServerTest, ARegistrationIsFoundAgainAfterARestart) {
  const Identity crm = gateway_->Register(ServiceClient("kept-crm", kSupport));
  ASSERT_OK(gateway_->Stop());
  gateway_->Start();
  const grpc::Status status = Check(gateway_->Connect(crm));
  EXPECT_TRUE(status.ok()) << status.error_message();
}

TEST_F(ServerTest, ASecondGatewayOnTheSameDataIsRefused) {
  const auto second =
      server::Server::Open(gateway_->folder(), {.address = "127.0.0.1:0"});
  EXPECT_THAT(second, testing::StatusIs(absl::StatusCode::kFailedPrecondition));
}

// Served, the customers without keys would look erased, and their numbers would
// be given to others.
TEST(PutBackTest, AnOlderCopyOfTheKeySlotsIsRefused) {
  TestGateway gateway;
  const std::string slots = gateway.File("data/slots");
  const std::string older = gateway.File("slots.older");
  std::filesystem::copy_file(slots, older);
  gateway.Start();
  const auto data = v1::DataService::NewStub(gateway.Connect(
      gateway.Register(ServiceClient("shop", "essential.service.operations"))));
  v1::WriteRecordRequest request;
  auto* identifier = request.add_subjects()->mutable_identifier();
  identifier->set_type(v1::IDENTIFIER_TYPE_EMAIL);
  identifier->set_value("new@shop.example");
  request.set_source("crm");
  request.set_kind("profile");
  request.set_source_key("1");
  request.set_purpose("essential.service.operations");
  (*request.mutable_values())["given_name"].set_string_value("Ada");
  v1::WriteRecordResponse written;
  const grpc::Status status =
      data->WriteRecord(Context().get(), request, &written);
  ASSERT_TRUE(status.ok()) << status.error_message();
  ASSERT_OK(gateway.Stop());
  std::filesystem::copy_file(slots, gateway.File("slots.newest"));
  std::filesystem::copy_file(older, slots,
                             std::filesystem::copy_options::overwrite_existing);
  const auto refused =
      server::Server::Open(gateway.folder(), {.address = "127.0.0.1:0"});
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.status().message().find("older copy of the slots"),
            absl::string_view::npos);
  std::filesystem::copy_file(gateway.File("slots.newest"), slots,
                             std::filesystem::copy_options::overwrite_existing);
  gateway.Start();
}

TEST(PolicyFileTest, AFaultIsNamedByFileAndLine) {
  TestGateway gateway;
  const std::string file = gateway.File("purposes.txtpb");
  std::string text = testing::ReadAll(file);
  size_t at = text.find("\n  purpose_class: SUPPORT\n");
  ASSERT_NE(at, std::string::npos);
  at += 3;
  const auto line = 1 + std::count(text.begin(), text.begin() + at, '\n');
  text.replace(at, 22, "purpose_class: SUPPROT");
  std::ofstream(file, std::ios::trunc) << text;
  const auto refused =
      server::Server::Open(gateway.folder(), {.address = "127.0.0.1:0"});
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.status().message().find(file + ":" + std::to_string(line)),
            absl::string_view::npos)
      << refused.status();
}

TEST_F(ServerTest, AStopUnderLoadLosesNothing) {
  const Identity crm = gateway_->Register(ServiceClient("load-crm", kSupport));
  std::atomic<bool> stop{false};
  std::atomic<int> answered{0};
  std::atomic<int> odd{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; ++t) {
    callers.emplace_back([&] {
      const auto channel = gateway_->Connect(crm);
      while (!stop) {
        const grpc::Status status = Check(channel);
        if (status.ok()) {
          ++answered;
        } else if (status.error_code() != grpc::StatusCode::UNAVAILABLE &&
                   // What the transport says of calls it had not begun.
                   status.error_code() != grpc::StatusCode::CANCELLED &&
                   ReasonOf(status) != v1::ERROR_REASON_RATE_LIMITED) {
          ++odd;
        }
      }
    });
  }
  while (answered < 200) std::this_thread::yield();
  server::Server* const running = gateway_->server();
  ASSERT_OK(running->Stop());
  stop = true;
  for (std::thread& caller : callers) caller.join();
  const int released = answered;
  ASSERT_OK(gateway_->Stop());
  EXPECT_EQ(odd.load(), 0);

  // Every answer that a caller had is in the log.
  gateway_->Start();
  auto audit = v1::AuditService::NewStub(
      gateway_->Connect(gateway_->Made("compliance")));
  v1::TailAuditEntriesRequest request;
  const auto context = Context();
  auto stream = audit->TailAuditEntries(context.get(), request);
  int found = 0;
  v1::AuditEntry entry;
  while (stream->Read(&entry)) {
    if (entry.client_id() == "load-crm" && entry.event() == "data.check") {
      ++found;
    }
    EXPECT_NE(entry.event(), "system.unclean_start");
  }
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_GE(found, released);
}

}  // namespace
}  // namespace consentry
