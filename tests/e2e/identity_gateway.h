#ifndef CONSENTRY_TESTS_E2E_IDENTITY_GATEWAY_H_
#define CONSENTRY_TESTS_E2E_IDENTITY_GATEWAY_H_

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/str_replace.h"
#include "consentry/v1/admin_service.grpc.pb.h"
#include "consentry/v1/audit_service.grpc.pb.h"
#include "consentry/v1/consent_service.grpc.pb.h"
#include "consentry/v1/data_service.grpc.pb.h"
#include "consentry/v1/rights_service.grpc.pb.h"
#include "tests/e2e/test_gateway.h"
#include "tests/unit/gateway/identity/issuer.h"

namespace consentry::testing {

inline constexpr char kService[] = "essential.service.operations";
inline constexpr char kStaffIssuer[] = "https://staff.example";
inline constexpr char kShopIssuer[] = "https://shop.example/login";

inline int64_t Now() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

inline std::unique_ptr<grpc::ClientContext> With(
    const std::string& token = "") {
  auto context = std::make_unique<grpc::ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() +
                        std::chrono::seconds(30));
  if (!token.empty()) context->AddMetadata("authorization", "Bearer " + token);
  return context;
}

inline std::string Text(const std::string& name, const std::string& value) {
  return "\"" + name + "\":\"" + value + "\",";
}

// Claims of a token that is good for ten minutes; `more` goes in front.
inline std::string Claims(const std::string& issuer, const std::string& login,
                          const std::string& client,
                          const std::string& more = "") {
  return "{" + more + Text("iss", issuer) + Text("sub", login) +
         Text("client_id", client) + Text("aud", "consentry") +
         "\"exp\":" + std::to_string(Now() + 600) + "}";
}

inline void Write(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

inline const TokenIssuer& Staff() {
  static const auto* const issuer = new TokenIssuer("ES256", "staff-1");
  return *issuer;
}
inline const TokenIssuer& Shop() {
  static const auto* const issuer = new TokenIssuer("EdDSA", "shop-1");
  return *issuer;
}

// Two issuers: staff by group, customers by link.
inline void Configure(const TestGateway& gateway, bool setup) {
  const std::string file = gateway.File("consentry.txtpb");
  std::string text = ReadAll(file);
  if (!setup) {
    text = absl::StrReplaceAll(text, {{"setup_hours: 24", "setup_hours: 0"}});
  }
  text += R"(
identity {
  issuers {
    issuer: "https://staff.example"
    audience: "consentry"
    algorithms: [ ES256 ]
    jwks_file: "staff.jwks"
    roles { group: "admins" roles: [ ADMIN ] }
    roles { group: "privacy" roles: [ COMPLIANCE ] }
    roles { group: "agents" roles: [ SYSTEM_USER ] }
    roles { email: "dpo@shop.example" roles: [ DPO ] }
  }
  issuers {
    issuer: "https://shop.example/login"
    audience: "consentry"
    algorithms: [ EDDSA ]
    jwks_file: "shop.jwks"
    customers: true
  }
}
)";
  Write(file, text);
  Write(gateway.File("staff.jwks"), Staff().KeySet());
  Write(gateway.File("shop.jwks"), Shop().KeySet());
}

inline std::string StaffToken(const std::string& login,
                              const std::string& group,
                              const std::string& client = "console",
                              const std::string& more = "") {
  return Staff().Sign(Claims(kStaffIssuer, login, client,
                             "\"groups\":[\"" + group + "\"]," + more));
}
inline std::string ShopToken(const std::string& login,
                             const std::string& client = "portal") {
  return Shop().Sign(Claims(kShopIssuer, login, client));
}

// A gateway with a console for staff, a portal for customers and a helpdesk
// whose agents come with tokens.
class IdentityTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    gateway_ = new TestGateway();
    Configure(*gateway_, /*setup=*/true);
    gateway_->Start();
    v1::Client console;
    console.set_id("console");
    console.set_role(v1::ROLE_SERVICE);
    for (const v1::Role role :
         {v1::ROLE_ADMIN, v1::ROLE_COMPLIANCE, v1::ROLE_DPO}) {
      console.add_may_delegate(role);
    }
    console.mutable_context_rules()->set_token_required(true);
    console_ = new Identity(gateway_->Register(console));
    v1::Client portal = ServiceClient("portal", kService);
    portal.add_may_delegate(v1::ROLE_CUSTOMER);
    portal.add_permissions("subjects.login");
    portal.add_permissions("data.legal_facts");
    portal_ = new Identity(gateway_->Register(portal));
    v1::Client desk = ServiceClient("desk", kService);
    desk.add_may_delegate(v1::ROLE_SERVICE);
    desk.mutable_context_rules()->set_acting_person_required(true);
    desk_ = new Identity(gateway_->Register(desk));
    ada_ = NewCustomer("ada");
    bob_ = NewCustomer("bob");
    // Keys are fetched behind the door, a moment after it opens.
    for (int i = 0; i < 100; ++i) {
      const std::string token = StaffToken("warm", "admins");
      v1::ListClientsResponse page;
      if (Admin(*console_)->ListClients(With(token).get(), {}, &page).ok()) {
        break;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }
  static void TearDownTestSuite() {
    delete gateway_;
    delete console_;
    delete portal_;
    delete desk_;
  }

  static std::unique_ptr<v1::AdminService::Stub> Admin(const Identity& as) {
    return v1::AdminService::NewStub(gateway_->Connect(as));
  }
  static std::unique_ptr<v1::ConsentService::Stub> Consent(const Identity& as) {
    return v1::ConsentService::NewStub(gateway_->Connect(as));
  }
  static std::unique_ptr<v1::DataService::Stub> Data(const Identity& as) {
    return v1::DataService::NewStub(gateway_->Connect(as));
  }

  static std::string NewCustomer(const std::string& name) {
    v1::WriteRecordRequest request;
    auto* identifier = request.add_subjects()->mutable_identifier();
    identifier->set_type(v1::IDENTIFIER_TYPE_EMAIL);
    identifier->set_value(name + "@shop.example");
    identifier->set_verified(true);
    request.set_source("crm");
    request.set_kind("profile");
    request.set_source_key(name);
    request.set_purpose(kService);
    (*request.mutable_values())["given_name"].set_string_value(name);
    request.mutable_legal_facts()->set_residence("DE");
    v1::WriteRecordResponse response;
    const grpc::Status status =
        Data(*portal_)->WriteRecord(With().get(), request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.subject_id();
  }

  static grpc::Status Link(const std::string& subject,
                           const std::string& login) {
    v1::LinkLoginRequest request;
    request.mutable_subject()->set_id(subject);
    request.set_issuer(kShopIssuer);
    request.set_login(login);
    v1::LinkLoginResponse response;
    return Admin(*portal_)->LinkLogin(With().get(), request, &response);
  }

  // Asks, with a customer's token, what stands; about whom the request says.
  static grpc::Status AskState(const std::string& token,
                               const v1::GetConsentStateRequest& request) {
    v1::GetConsentStateResponse response;
    return Consent(*portal_)->GetConsentState(With(token).get(), request,
                                              &response);
  }

  static grpc::Status ListClients(const Identity& as,
                                  const std::string& token) {
    v1::ListClientsResponse page;
    return Admin(as)->ListClients(With(token).get(), {}, &page);
  }

  static inline TestGateway* gateway_ = nullptr;
  static inline Identity* console_ = nullptr;
  static inline Identity* portal_ = nullptr;
  static inline Identity* desk_ = nullptr;
  static inline std::string ada_;
  static inline std::string bob_;
};

}  // namespace consentry::testing

#endif  // CONSENTRY_TESTS_E2E_IDENTITY_GATEWAY_H_
