#ifndef CONSENTRY_TESTS_UNIT_GATEWAY_ACCESS_WHOLE_GATEWAY_H_
#define CONSENTRY_TESTS_UNIT_GATEWAY_ACCESS_WHOLE_GATEWAY_H_

#include <gtest/gtest.h>

#include <fstream>
#include <future>
#include <memory>
#include <string>
#include <utility>

#include "gateway/base/clock.h"
#include "gateway/server/config.h"
#include "gateway/server/gateway.h"
#include "gateway/server/initialise.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

namespace consentry::access {

// A gateway without its door, with a real log and its index, for what reads the
// log. One client, "shop", for essential.service.operations.
class WholeGateway {
 public:
  // `config` is added to what init writes.
  explicit WholeGateway(const std::string& config_text = "",
                        server::Gateway::Options options = {}) {
    server::InitialiseOptions initial;
    initial.folder = dir_.File("gateway");
    initial.home = "DE";
    initial.name = "Test Shop";
    initial.contact = "privacy@shop.example";
    EXPECT_OK(server::Initialise(initial));
    std::ofstream(initial.folder + "/consentry.txtpb", std::ios::app)
        << config_text << "\n";
    auto config = server::LoadConfig(initial.folder, server::PackIds());
    EXPECT_OK(config);
    auto opened = server::Gateway::Open(*config, std::move(options));
    EXPECT_OK(opened);
    gateway_ = *std::move(opened);
    Register("shop");
    Register("rival");
  }

  server::Gateway* operator->() { return gateway_.get(); }

  // Calls what takes a completion last, and waits for it.
  template <class Response, class Call>
  absl::StatusOr<Response> Wait(Call call) {
    auto promise =
        std::make_shared<std::promise<absl::StatusOr<Released<Response>>>>();
    auto future = promise->get_future();
    call(Done<Response>([promise](absl::StatusOr<Released<Response>> released) {
      promise->set_value(std::move(released));
    }));
    auto released = future.get();
    if (!released.ok()) return released.status();
    return std::move(released->response);
  }

  static Caller As(const std::string& client, const std::string& event) {
    Caller caller;
    caller.client_id = client;
    caller.event = event;
    caller.method = "Test." + event;
    caller.may_explain = true;
    return caller;
  }

  // A customer; her public id.
  std::string Write(const std::string& key) {
    v1::WriteRecordRequest request;
    auto* identifier = request.add_subjects()->mutable_identifier();
    identifier->set_type(v1::IDENTIFIER_TYPE_EMAIL);
    identifier->set_value(key + "@shop.example");
    request.set_source("crm");
    request.set_kind("profile");
    request.set_source_key(key);
    request.set_purpose("essential.service.operations");
    (*request.mutable_values())["given_name"].set_string_value("Anna");
    std::promise<absl::StatusOr<v1::WriteRecordResponse>> promise;
    gateway_->writes()->Write(
        As("shop", "data.write"), request,
        [&](absl::StatusOr<v1::WriteRecordResponse> response) {
          promise.set_value(std::move(response));
        });
    const auto response = promise.get_future().get();
    EXPECT_OK(response);
    return response.ok() ? response->subject_id() : "";
  }

  v1::Decision Read(const std::string& subject_id,
                    const std::string& client = "shop") {
    v1::SubjectRef ref;
    ref.set_id(subject_id);
    return Read(ref, client);
  }
  v1::Decision Read(const v1::SubjectRef& ref,
                    const std::string& client = "shop") {
    v1::ReadSubjectRequest request;
    *request.mutable_subject() = ref;
    request.set_purpose("essential.service.operations");
    request.add_fields("profile.given_name");
    const auto response = Wait<v1::ReadSubjectResponse>([&](auto done) {
      gateway_->reads()->Read(As(client, "data.read"), request,
                              std::move(done));
    });
    EXPECT_OK(response);
    return response.ok() ? response->decision() : v1::Decision();
  }

  uint64_t IndexOf(const v1::Decision& decision) {
    const auto payload =
        gateway_->tokens()->Decode(crypto::TokenKind::kDecision, decision.id());
    EXPECT_OK(payload);
    return crypto::LogPosition::Unpack(*payload).index;
  }
  store::v1::Leaf LeafAt(uint64_t index) {
    const auto bytes = gateway_->log()->reader().Read(index);
    EXPECT_OK(bytes);
    store::v1::Leaf leaf;
    EXPECT_TRUE(leaf.ParseFromString(*bytes));
    return leaf;
  }
  store::v1::Leaf LastLeaf() {
    return LeafAt(gateway_->log()->reader().size() - 1);
  }

 private:
  void Register(const std::string& id) {
    const int64_t now_us = base::Clock::System()->NowUs();
    const auto issued = gateway_->authority()->IssueClient(
        id, now_us - 1'000'000, now_us + int64_t{3600} * 1'000'000);
    EXPECT_OK(issued);
    v1::CreateClientRequest request;
    request.mutable_client()->set_id(id);
    request.mutable_client()->set_role(v1::ROLE_SERVICE);
    request.mutable_client()->add_purposes("essential.service.operations");
    request.mutable_client()->add_read_categories("user");
    request.mutable_client()->add_write_categories("user");
    request.mutable_client()->add_sources("crm");
    request.mutable_client()->set_country("DE");
    request.set_certificate_pem(issued->certificate_pem);
    std::promise<absl::Status> promise;
    gateway_->client_admin()->Create(As("operator", "client.create"), request,
                                     [&](absl::StatusOr<v1::Client> client) {
                                       promise.set_value(client.status());
                                     });
    EXPECT_OK(promise.get_future().get());
  }

  testing::TempDir dir_;
  std::unique_ptr<server::Gateway> gateway_;
};

// One gateway for a suite of tests.
class WholeGatewayTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { gateway_ = new WholeGateway(); }
  static void TearDownTestSuite() {
    delete gateway_;
    gateway_ = nullptr;
  }
  static WholeGateway& gateway() { return *gateway_; }

 private:
  static inline WholeGateway* gateway_ = nullptr;
};

}  // namespace consentry::access

#endif  // CONSENTRY_TESTS_UNIT_GATEWAY_ACCESS_WHOLE_GATEWAY_H_
