#include "gateway/consent/imported_choices.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/testing/status_matchers.h"
#include "tests/testing/test_keys.h"
#include "tests/unit/gateway/clients/sample_policy.h"

namespace consentry::consent {
namespace {

using testing::StatusIs;

class ImportedChoicesTest : public ::testing::Test {
 protected:
  static constexpr int64_t kNowUs = testing::TestKeys::kNowUs;

  ImportedChoicesTest() {
    clients::Configuration::Sources sources;
    sources.policy = clients::SamplePolicy();
    sources.clients = {clients::StoredClient("shop", '1')};
    configuration_ = clients::Configuration::Build(std::move(sources), &uses_);
  }

  static v1::ImportedChoice Withdrawal() {
    v1::ImportedChoice choice;
    choice.set_purpose(clients::kMarketing);
    choice.set_action(v1::CONSENT_ACTION_WITHDRAW);
    choice.mutable_capture_time()->set_seconds(1'700'000'000);
    return choice;
  }

  absl::Status Append(const v1::ImportedChoice& choice) {
    vault::ConsentTarget target;
    target.keys = &subject_;
    target.client_id = "shop";
    target.source = "crm";
    target.now_us = kNowUs;
    return choices_.AppendAttested(target, choice, &head_, &addition_);
  }

  testing::TestKeys keys_;
  const crypto::SubjectKeys subject_ = keys_.NewSubject();
  clients::ClientUses uses_;
  std::shared_ptr<const clients::Configuration> configuration_;
  ImportedChoices choices_{[this] { return configuration_; }};
  store::v1::SubjectHead head_;
  vault::ConsentAddition addition_;
};

TEST_F(ImportedChoicesTest, LongTextsAreCutBetweenCharacters) {
  v1::ImportedChoice choice = Withdrawal();
  // The 64th byte is the first of two, the 35th of three.
  choice.set_method(std::string(63, 'm') + "\xc3\xa9 and more");
  choice.mutable_notice()->set_id(std::string(1000, 'n'));
  choice.mutable_notice()->set_language(std::string(34, 'l') + "\xe2\x82\xac");
  ASSERT_OK(Append(choice));
  ASSERT_EQ(addition_.events.size(), 1u);
  const store::v1::ConsentEvent& event = addition_.events[0];
  EXPECT_EQ(event.method(), std::string(63, 'm'));
  EXPECT_EQ(event.notice_id().size(), 64u);
  EXPECT_EQ(event.notice_language(), std::string(34, 'l'));
  // What could not be read back would close the customer's ledger for good.
  store::v1::ConsentEvent again;
  EXPECT_TRUE(again.ParseFromString(event.SerializeAsString()));
  store::v1::SubjectHead head;
  EXPECT_TRUE(head.ParseFromString(head_.SerializeAsString()));
}

TEST_F(ImportedChoicesTest, UnknownChannelIsNotKept) {
  v1::ImportedChoice choice = Withdrawal();
  choice.set_channel(static_cast<v1::Channel>(1000));
  ASSERT_OK(Append(choice));
  EXPECT_EQ(addition_.events[0].channel(), 0);
}

TEST_F(ImportedChoicesTest, ChoiceToldTwiceIsOneEvent) {
  ASSERT_OK(Append(Withdrawal()));
  ASSERT_OK(Append(Withdrawal()));
  EXPECT_EQ(addition_.events.size(), 1u);
  EXPECT_EQ(addition_.rows.size(), 1u);
  EXPECT_EQ(head_.consent_events(), 1u);
}

TEST_F(ImportedChoicesTest, GrantNeedsTheRegistrationsWordAndARefusalNothing) {
  v1::ImportedChoice choice = Withdrawal();
  EXPECT_OK(choices_.CheckAttested("shop", choice, kNowUs));
  choice.set_action(v1::CONSENT_ACTION_GIVE);
  EXPECT_THAT(choices_.CheckAttested("shop", choice, kNowUs),
              StatusIs(CodeOf(v1::ERROR_REASON_ATTESTATION_NOT_ALLOWED)));
}

TEST_F(ImportedChoicesTest, ChoiceFromTheFutureProvesNothing) {
  v1::ImportedChoice choice = Withdrawal();
  choice.mutable_capture_time()->set_seconds(kNowUs / 1'000'000 + 1);
  EXPECT_THAT(choices_.CheckAttested("shop", choice, kNowUs),
              StatusIs(CodeOf(v1::ERROR_REASON_VALUE_MALFORMED)));
}

}  // namespace
}  // namespace consentry::consent
