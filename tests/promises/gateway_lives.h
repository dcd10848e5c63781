#ifndef CONSENTRY_TESTS_PROMISES_GATEWAY_LIVES_H_
#define CONSENTRY_TESTS_PROMISES_GATEWAY_LIVES_H_

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/server/config.h"
#include "gateway/server/gateway.h"
#include "gateway/server/initialise.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/temp_dir.h"

// For tests in which a gateway is opened, ended and opened again.
namespace consentry::testing {

inline constexpr char kServicePurpose[] = "essential.service.operations";

// One gateway's folder, through several lives of the gateway.
class Site {
 public:
  // `config` is added to what init writes.
  explicit Site(const std::string& config = "erasure { wait_hours: 0 }") {
    server::InitialiseOptions options;
    options.show_recovery_key = [this](std::string_view key) {
      recovery_key_ = std::string(key);
    };
    options.folder = folder();
    options.home = "DE";
    options.name = "Test Shop";
    options.contact = "privacy@shop.example";
    auto made = server::Initialise(options);
    EXPECT_OK(made);
    if (made.ok()) vkey_ = made->verifier_key;
    std::ofstream(folder() + "/consentry.txtpb", std::ios::app)
        << "\n"
        << config << "\n";
  }

  std::string folder() const { return dir_.File("gateway"); }
  std::string data() const { return folder() + "/data"; }
  const std::string& vkey() const { return vkey_; }
  const std::string& recovery_key() const { return recovery_key_; }

  std::unique_ptr<server::Gateway> Open(
      const std::function<void(std::string_view)>& on_erasure_step = nullptr,
      const std::function<void(std::string_view)>& on_upkeep_step =
          nullptr) const {
    auto config = server::LoadConfig(folder(), server::PackIds());
    EXPECT_OK(config);
    if (!config.ok()) return nullptr;
    server::Gateway::Options options;
    options.on_erasure_step = on_erasure_step;
    options.on_upkeep_step = on_upkeep_step;
    auto opened = server::Gateway::Open(*config, options);
    EXPECT_OK(opened);
    return opened.ok() ? *std::move(opened) : nullptr;
  }

  // The database as it lies there, with its write-ahead log.
  std::string CopyOfStore() const {
    const std::string copy = dir_.File("yesterday.db");
    for (const char* suffix : {"", "-wal", "-shm"}) {
      const std::string from = data() + "/store.db" + suffix;
      if (std::filesystem::exists(from)) {
        std::filesystem::copy_file(from, copy + suffix);
      }
    }
    return copy;
  }

 private:
  TempDir dir_;
  std::string vkey_;
  std::string recovery_key_;
};

inline access::Caller As(const std::string& client, const std::string& event) {
  access::Caller caller;
  caller.client_id = client;
  caller.event = event;
  caller.method = "Test." + event;
  caller.may_explain = true;
  return caller;
}

inline void Register(server::Gateway* gateway, const std::string& id,
                     const std::string& purpose) {
  const int64_t now_us = base::Clock::System()->NowUs();
  const auto issued = gateway->authority()->IssueClient(
      id, now_us - 1'000'000, now_us + int64_t{3600} * 1'000'000);
  ASSERT_OK(issued);
  v1::CreateClientRequest request;
  request.mutable_client()->set_id(id);
  request.mutable_client()->set_role(v1::ROLE_SERVICE);
  request.mutable_client()->add_purposes(purpose);
  request.mutable_client()->add_read_categories("user");
  request.mutable_client()->add_write_categories("user");
  request.mutable_client()->add_sources("crm");
  request.mutable_client()->set_country("DE");
  request.set_certificate_pem(issued->certificate_pem);
  std::promise<absl::Status> promise;
  gateway->client_admin()->Create(As("operator", "client.create"), request,
                                  [&](absl::StatusOr<v1::Client> client) {
                                    promise.set_value(client.status());
                                  });
  ASSERT_OK(promise.get_future().get());
}

inline std::vector<v1::ImportRowResult> Import(
    server::Gateway* gateway, const std::vector<v1::ImportRow>& rows) {
  v1::ImportHeader header;
  header.set_source("crm");
  header.set_purpose(kServicePurpose);
  v1::ImportRows message;
  for (const v1::ImportRow& row : rows) *message.add_rows() = row;
  std::promise<absl::StatusOr<v1::ImportRecordsResponse>> promise;
  gateway->writes()->Import(
      As("shop", "data.import"), header, message,
      [&](absl::StatusOr<v1::ImportRecordsResponse> response) {
        promise.set_value(std::move(response));
      });
  const auto response = promise.get_future().get();
  EXPECT_OK(response);
  if (!response.ok()) return {};
  return {response->results().begin(), response->results().end()};
}

inline v1::SubjectRef ByEmail(const std::string& email) {
  v1::SubjectRef ref;
  ref.mutable_identifier()->set_type(v1::IDENTIFIER_TYPE_EMAIL);
  ref.mutable_identifier()->set_value(email);
  return ref;
}

inline v1::SubjectRef ById(const std::string& id) {
  v1::SubjectRef ref;
  ref.set_id(id);
  return ref;
}

inline v1::ReadSubjectResponse Read(server::Gateway* gateway,
                                    const std::string& client,
                                    const std::string& purpose,
                                    const v1::SubjectRef& subject,
                                    const std::vector<std::string>& fields) {
  v1::ReadSubjectRequest request;
  *request.mutable_subject() = subject;
  request.set_purpose(purpose);
  request.mutable_fields()->Assign(fields.begin(), fields.end());
  request.set_channel(v1::CHANNEL_INTERNAL);
  std::promise<absl::StatusOr<v1::ReadSubjectResponse>> promise;
  gateway->reads()->Read(
      As(client, "data.read"), request,
      [&](absl::StatusOr<access::Released<v1::ReadSubjectResponse>> released) {
        if (released.ok()) {
          promise.set_value(std::move(released->response));
        } else {
          promise.set_value(released.status());
        }
      });
  auto response = promise.get_future().get();
  EXPECT_OK(response);
  return response.ok() ? *std::move(response) : v1::ReadSubjectResponse();
}

}  // namespace consentry::testing

#endif  // CONSENTRY_TESTS_PROMISES_GATEWAY_LIVES_H_
