// Recorded decisions under other files: what would change, and nothing does.
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "consentry/v1/admin_service.grpc.pb.h"
#include "consentry/v1/data_service.grpc.pb.h"
#include "tests/e2e/requests.h"
#include "tests/e2e/test_gateway.h"

namespace consentry {
namespace {

using testing::Context;
using testing::CrmRef;
using testing::Identity;
using testing::ReasonOf;
using testing::ServiceClient;
using testing::TestGateway;

constexpr char kService[] = "essential.service.operations";
constexpr char kOffers[] = "personalize.content.profiled";

class PolicyDiffTest : public ::testing::Test {
 protected:
  PolicyDiffTest() {
    gateway_.Start();
    v1::Client shop = ServiceClient("shop", kService);
    shop.add_permissions("data.legal_facts");
    shop_ = gateway_.Register(shop);
    offers_ = gateway_.Register(ServiceClient("offers", kOffers));
    admin_ =
        v1::AdminService::NewStub(gateway_.Connect(gateway_.Made("operator")));
    const grpc::Status status =
        admin_->GetPolicy(Context().get(), {}, &policy_);
    EXPECT_TRUE(status.ok()) << status.error_message();
    for (const char* number : {"C1", "C2"}) Write(number);
  }

  void Write(const std::string& number) {
    v1::WriteRecordRequest request;
    *request.add_subjects() = CrmRef(number);
    request.set_source("crm");
    request.set_kind("profile");
    request.set_source_key(number);
    request.set_purpose(kService);
    auto& values = *request.mutable_values();
    values["email"].set_string_value(number + "@example.com");
    values["given_name"].set_string_value("Ada");
    request.mutable_legal_facts()->set_residence("DE");
    v1::WriteRecordResponse response;
    const grpc::Status status =
        v1::DataService::NewStub(gateway_.Connect(shop_))
            ->WriteRecord(Context().get(), request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }

  void Read(const Identity& identity, const std::string& purpose,
            const std::string& number, v1::Channel channel) {
    v1::ReadSubjectRequest request;
    *request.mutable_subject() = CrmRef(number);
    request.set_purpose(purpose);
    request.add_fields("profile.given_name");
    if (purpose == kService) request.add_fields("profile.email");
    request.set_channel(channel);
    v1::ReadSubjectResponse response;
    const grpc::Status status =
        v1::DataService::NewStub(gateway_.Connect(identity))
            ->ReadSubject(Context().get(), request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
  }

  // Three permitted, two denied for want of a consent.
  void Decide() {
    Read(shop_, kService, "C1", v1::CHANNEL_INTERNAL);
    Read(shop_, kService, "C1", v1::CHANNEL_INTERNAL);
    Read(shop_, kService, "C2", v1::CHANNEL_INTERNAL);
    Read(offers_, kOffers, "C1", v1::CHANNEL_WEB);
    Read(offers_, kOffers, "C2", v1::CHANNEL_WEB);
  }

  v1::DiffPolicyResponse Diff(const v1::DiffPolicyRequest& request) {
    v1::DiffPolicyResponse response;
    const grpc::Status status =
        admin_->DiffPolicy(Context().get(), request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  // The registry in force with the part from `begin` to `end` within one
  // purpose replaced.
  std::string Purposes(const std::string& purpose, const std::string& begin,
                       const std::string& end, const std::string& by) {
    std::string text = policy_.purposes();
    const size_t at = text.find("key: \"" + purpose + "\"");
    const size_t from = text.find(begin, at);
    const size_t to = text.find(end, from);
    EXPECT_LT(from, to);
    EXPECT_NE(to, std::string::npos);
    return text.replace(from, to + end.size() - from, by);
  }

  static std::string Words(const v1::PolicyDifference& one) {
    return one.purpose() + " " + one.field() + " +" +
           std::to_string(one.gained()) + " -" + std::to_string(one.lost()) +
           " ~" + std::to_string(one.reshaped()) + " of " +
           std::to_string(one.customers());
  }

  TestGateway gateway_;
  Identity shop_;
  Identity offers_;
  std::unique_ptr<v1::AdminService::Stub> admin_;
  v1::Policy policy_;
};

TEST_F(PolicyDiffTest, TheSameFilesChangeNothing) {
  Decide();
  const v1::DiffPolicyResponse same = Diff({});
  EXPECT_EQ(same.differences_size(), 0);
  EXPECT_EQ(same.replayed(), 5);
  EXPECT_EQ(same.erased(), 0);
  EXPECT_EQ(same.unproved(), 0);
}

TEST_F(PolicyDiffTest, FieldThatThePurposeNoLongerNeedsIsLost) {
  Decide();
  v1::DiffPolicyRequest request;
  request.set_purposes(Purposes(kService,
                                "  fields {\n    field: "
                                "\"profile.email\"",
                                "  }\n", ""));
  const v1::DiffPolicyResponse response = Diff(request);
  EXPECT_EQ(response.replayed(), 5);
  ASSERT_EQ(response.differences_size(), 1);
  EXPECT_EQ(Words(response.differences(0)),
            std::string(kService) + " profile.email +0 -3 ~0 of 2");
}

TEST_F(PolicyDiffTest, OwnRuleThatIsTakenBackGains) {
  const auto forbid = [](const std::string& purpose) {
    return "id: \"own\" kind: OWNER\nowner_rules { rule { id: \"names\" "
           "citation: \"own\" } purposes: \"" +
           purpose + "\" fields: \"profile.given_name\" effect: DENY }";
  };
  v1::UpdatePolicyRequest update;
  update.set_owner_pack(forbid(kService));
  update.set_etag(policy_.etag());
  v1::Policy updated;
  const grpc::Status status =
      admin_->UpdatePolicy(Context().get(), update, &updated);
  ASSERT_TRUE(status.ok()) << status.error_message();
  Decide();
  v1::DiffPolicyRequest request;
  request.set_owner_pack(forbid(kOffers));
  const v1::DiffPolicyResponse response = Diff(request);
  EXPECT_EQ(response.replayed(), 5);
  ASSERT_EQ(response.differences_size(), 1);
  EXPECT_EQ(Words(response.differences(0)),
            std::string(kService) + " profile.given_name +3 -0 ~0 of 2");
}

TEST_F(PolicyDiffTest, OwnRulesTakeAwayAndReshape) {
  Decide();
  v1::DiffPolicyRequest request;
  request.set_owner_pack(
      "id: \"own\" kind: OWNER\n"
      "owner_rules { rule { id: \"names\" citation: \"own\" } purposes: \"" +
      std::string(kService) +
      "\" fields: \"profile.given_name\" effect: DENY }\n"
      "owner_rules { rule { id: \"mask\" citation: \"own\" } purposes: \"" +
      kService +
      "\" fields: \"profile.email\" effect: TRANSFORM transform: MASK }\n");
  const v1::DiffPolicyResponse response = Diff(request);
  ASSERT_EQ(response.differences_size(), 2);
  EXPECT_EQ(Words(response.differences(0)),
            std::string(kService) + " profile.email +0 -0 ~3 of 2");
  EXPECT_EQ(Words(response.differences(1)),
            std::string(kService) + " profile.given_name +0 -3 ~0 of 2");
  // Nothing was put into force.
  v1::Policy now;
  ASSERT_TRUE(admin_->GetPolicy(Context().get(), {}, &now).ok());
  EXPECT_EQ(now.hash(), policy_.hash());
}

TEST_F(PolicyDiffTest, FilesThatCannotBeAreRefusedWithWhatIsWrong) {
  v1::DiffPolicyRequest request;
  request.set_owner_pack(
      "id: \"own\" kind: OWNER\nowner_rules { rule { id: "
      "\"r\" citation: \"own\" } purposes: \"nonsense\" "
      "effect: DENY }");
  v1::DiffPolicyResponse response;
  const grpc::Status status =
      admin_->DiffPolicy(Context().get(), request, &response);
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_CONFIG_INVALID);
  request.Clear();
  request.mutable_from_time()->set_seconds(7'000'000'000);
  EXPECT_EQ(ReasonOf(admin_->DiffPolicy(Context().get(), request, &response)),
            v1::ERROR_REASON_FIELD_INVALID);
}

TEST_F(PolicyDiffTest, OnlyWhoMayReadThePolicyMayAsk) {
  v1::DiffPolicyResponse response;
  const grpc::Status status = v1::AdminService::NewStub(gateway_.Connect(shop_))
                                  ->DiffPolicy(Context().get(), {}, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::PERMISSION_DENIED);
}

}  // namespace
}  // namespace consentry
