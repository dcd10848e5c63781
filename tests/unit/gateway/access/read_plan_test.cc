#include "gateway/access/read_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proto/support/error.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/gateway/clients/sample_policy.h"

namespace consentry::access {
namespace {

using clients::kMarketing;
using clients::kService;
using clients::kSupport;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

constexpr int64_t kNowUs = 1'795'000'000'000'000;

class ReadPlanTest : public ::testing::Test {
 protected:
  ReadPlanTest() : client_(clients::StoredClient("crm", 'a')) {
    client_.clear_purposes();
    client_.add_purposes(kService);
    client_.clear_read_categories();
    client_.add_read_categories("user");
    question_.purpose = kService;
    question_.fields = {"profile.email"};
  }

  absl::StatusOr<ReadPlan> Plan(int64_t now_us = kNowUs) {
    clients::Configuration::Sources sources;
    sources.policy = clients::SamplePolicy();
    sources.clients.push_back(client_);
    sources.suspended_purposes = suspended_;
    Caller caller;
    caller.client_id = caller_id_;
    caller.context = context_;
    return MakeReadPlan(clients::Configuration::Build(sources, &uses_), caller,
                        question_, now_us);
  }
  v1::ErrorReason WhyNot(int64_t now_us = kNowUs) {
    const auto plan = Plan(now_us);
    return plan.ok() ? v1::ERROR_REASON_UNSPECIFIED
                     : consentry::ReasonOf(plan.status())
                           .value_or(v1::ERROR_REASON_INTERNAL);
  }
  static std::vector<std::string> NamesOf(const ReadPlan& plan) {
    std::vector<std::string> names;
    for (const policy::FieldId field : plan.fields) {
      names.push_back(plan.bundle().field_name(field));
    }
    return names;
  }

  clients::ClientUses uses_;
  v1::Client client_;
  std::set<std::string, std::less<>> suspended_;
  std::string caller_id_ = "crm";
  v1::CallContext context_;
  ReadQuestion question_;
};

TEST_F(ReadPlanTest, EachFieldComesOnceInTheOrderAskedFor) {
  question_.fields = {"profile.phone", "order.total", "profile.email",
                      "profile.phone", "order.number"};
  ASSERT_OK_AND_ASSIGN(const ReadPlan plan, Plan());
  EXPECT_THAT(NamesOf(plan), ElementsAre("profile.phone", "order.total",
                                         "profile.email", "order.number"));
  EXPECT_THAT(plan.kinds, ElementsAre("profile", "order"));
  EXPECT_THAT(plan.kind_of_field, ElementsAre(0, 1, 0, 1));
  EXPECT_THAT(plan.kind_is_single, ElementsAre(true, false));
  EXPECT_EQ(plan.channel, config::v1::Channel::INTERNAL);
}

TEST_F(ReadPlanTest, AWildcardStandsForWhatPurposeAndRegistrationShare) {
  client_.clear_read_categories();
  client_.add_read_categories("user.name");
  client_.add_read_categories("user.contact.email");
  question_.fields = {"profile.email", "profile.*"};
  ASSERT_OK_AND_ASSIGN(const ReadPlan plan, Plan());
  EXPECT_THAT(NamesOf(plan),
              UnorderedElementsAre("profile.email", "profile.given_name",
                                   "profile.family_name"));
  EXPECT_EQ(NamesOf(plan)[0], "profile.email") << "the one asked for first";
  // No field of the kind is left: that is told, not an empty answer.
  question_.fields = {"order.*"};
  EXPECT_EQ(WhyNot(), v1::ERROR_REASON_FIELD_NOT_ALLOWED);
}

TEST_F(ReadPlanTest, EveryFaultyFieldIsTold) {
  client_.clear_read_categories();
  client_.add_read_categories("user.name");
  question_.fields = {"profile.given_name", "profile.no_such", "profile.email",
                      "visit.page"};
  const auto plan = Plan();
  EXPECT_EQ(WhyNot(), v1::ERROR_REASON_FIELD_NOT_ALLOWED)
      << "the first decides";
  const std::string text = plan.status().ToString();
  EXPECT_THAT(text, HasSubstr("profile.no_such"));
  EXPECT_THAT(text, HasSubstr("profile.email"));
  EXPECT_THAT(text, HasSubstr("visit.page"));
  EXPECT_THAT(text, Not(HasSubstr("profile.given_name")));
}

TEST_F(ReadPlanTest, ANameThatIsNoneIsNotRepeated) {
  for (const char* name : {"profile.Email", "profile.email; DROP", "q",
                           "profile.e\xc3\xa9", "anna@example.com"}) {
    question_.fields = {name};
    const auto plan = Plan();
    EXPECT_EQ(WhyNot(), v1::ERROR_REASON_FIELD_INVALID) << name;
    EXPECT_EQ(plan.status().message(), "a field name is malformed");
  }
  question_.fields = {std::string(81, 'a')};
  EXPECT_EQ(WhyNot(), v1::ERROR_REASON_FIELD_INVALID);
}

TEST_F(ReadPlanTest, NoFieldAndTooManyAreRefused) {
  question_.fields = {};
  EXPECT_EQ(WhyNot(), v1::ERROR_REASON_FIELD_INVALID);
  question_.fields = std::vector<std::string>(65, "profile.email");
  EXPECT_EQ(WhyNot(), v1::ERROR_REASON_FIELD_INVALID);
  question_.fields.pop_back();
  EXPECT_EQ(WhyNot(), v1::ERROR_REASON_UNSPECIFIED);
}

TEST_F(ReadPlanTest, RefusalsComeInTheOrderOfWhatTheyGiveAway) {
  // Everything is wrong; mended one by one.
  caller_id_ = "nobody";
  client_.set_state(v1::CLIENT_STATE_SUSPENDED);
  client_.mutable_expire_time()->set_seconds(1);
  client_.add_channels(v1::CHANNEL_WEB);
  client_.mutable_context_rules()->set_ticket_required(true);
  client_.clear_read_categories();
  suspended_.insert(kService);
  question_.purpose = "no.such";
  EXPECT_EQ(WhyNot(), v1::ERROR_REASON_CLIENT_UNKNOWN);
  caller_id_ = "crm";
  EXPECT_EQ(WhyNot(), v1::ERROR_REASON_SUSPENDED);
  client_.set_state(v1::CLIENT_STATE_REVOKED);
  EXPECT_EQ(WhyNot(), v1::ERROR_REASON_CLIENT_REVOKED);
  client_.set_state(v1::CLIENT_STATE_ACTIVE);
  EXPECT_EQ(WhyNot(), v1::ERROR_REASON_CLIENT_EXPIRED);
  client_.mutable_expire_time()->set_seconds(4'000'000'000);
  EXPECT_EQ(WhyNot(), v1::ERROR_REASON_PURPOSE_NOT_ALLOWED);
  question_.purpose = kMarketing;
  EXPECT_EQ(WhyNot(), v1::ERROR_REASON_PURPOSE_NOT_ALLOWED);
  question_.purpose = kService;
  EXPECT_EQ(WhyNot(), v1::ERROR_REASON_SUSPENDED);
  suspended_.clear();
  EXPECT_EQ(WhyNot(), v1::ERROR_REASON_CHANNEL_NOT_ALLOWED);
  question_.channel = v1::CHANNEL_WEB;
  EXPECT_EQ(WhyNot(), v1::ERROR_REASON_CONTEXT_REQUIRED);
  context_.set_ticket("T-1");
  EXPECT_EQ(WhyNot(), v1::ERROR_REASON_CATEGORY_NOT_ALLOWED);
  client_.add_read_categories("user.contact");
  EXPECT_EQ(WhyNot(), v1::ERROR_REASON_UNSPECIFIED);
}

TEST_F(ReadPlanTest, ARegistrationEndsAtItsMicrosecond) {
  client_.mutable_expire_time()->set_seconds(kNowUs / 1'000'000);
  EXPECT_EQ(WhyNot(kNowUs - 1), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(WhyNot(kNowUs), v1::ERROR_REASON_CLIENT_EXPIRED);
}

TEST_F(ReadPlanTest, APurposeThatIsUnknownIsNotRepeated) {
  question_.purpose = "anna@example.com";
  EXPECT_THAT(Plan().status().ToString(), Not(HasSubstr("anna@")));
}

TEST_F(ReadPlanTest, AChannelThatDoesNotExistIsRefused) {
  question_.channel = static_cast<v1::Channel>(99);
  EXPECT_EQ(WhyNot(), v1::ERROR_REASON_CHANNEL_NOT_ALLOWED);
}

}  // namespace
}  // namespace consentry::access
