#include "gateway/consent/double_opt_in.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "proto/support/error.h"
#include "tests/testing/access_fixture.h"
#include "tests/testing/status_matchers.h"

namespace consentry::consent {
namespace {

using testing::kLettersPurpose;
using testing::kServicePurpose;
using testing::Promised;

constexpr int64_t kSecondUs = 1'000'000;
constexpr int64_t kDayUs = 86400 * kSecondUs;

// Keeps what it is to send.
class KeptCodes final : public CodeSender {
 public:
  bool Reaches(v1::IdentifierType type) const override {
    return type == v1::IDENTIFIER_TYPE_EMAIL;
  }
  absl::Status Send(store::ChangeContext*,
                    const CodeMessage& message) const override {
    if (!fault.ok()) return fault;
    sent.push_back(message);
    return absl::OkStatus();
  }

  mutable std::vector<CodeMessage> sent;
  absl::Status fault;
};

class DoubleOptInTest : public ::testing::Test,
                        protected testing::AccessFixture {
 protected:
  absl::StatusOr<v1::StartDoubleOptInResponse> Start(
      const std::string& address, const std::string& client = "letters",
      DoubleOptIns* opt_ins = nullptr) {
    v1::StartDoubleOptInRequest request;
    request.mutable_identifier()->set_type(v1::IDENTIFIER_TYPE_EMAIL);
    request.mutable_identifier()->set_value(address);
    request.add_purposes(kLettersPurpose);
    request.mutable_notice()->set_id("letters");
    request.mutable_notice()->set_version(1);
    request.mutable_notice()->set_language("de");
    auto [done, future] =
        Promised<absl::StatusOr<Answer<v1::StartDoubleOptInResponse>>>();
    (opt_ins == nullptr ? opt_ins_ : *opt_ins)
        .Start(As(client), request, std::move(done));
    auto answer = future.get();
    if (!answer.ok()) return answer.status();
    return std::move(answer->response);
  }
  absl::StatusOr<v1::RecordConsentResponse> Complete(
      const std::string& handle, const std::string& code,
      const std::string& client = "letters", const std::string& id = "") {
    v1::CompleteDoubleOptInRequest request;
    request.set_handle(handle);
    request.set_code(code);
    request.set_request_id(id);
    auto [done, future] =
        Promised<absl::StatusOr<Answer<v1::RecordConsentResponse>>>();
    opt_ins_.Complete(As(client), request, std::move(done));
    auto answer = future.get();
    if (!answer.ok()) return answer.status();
    return std::move(answer->response);
  }
  static v1::ErrorReason Why(const absl::Status& status) {
    return consentry::ReasonOf(status).value_or(v1::ERROR_REASON_UNSPECIFIED);
  }
  // Another code than the one that was sent.
  std::string Wrong() const {
    std::string code = codes_.sent.back().code;
    code[0] = code[0] == 'A' ? 'B' : 'A';
    return code;
  }

  KeptCodes codes_;
  DoubleOptIns opt_ins_{ledger_options(), &codes_};
};

TEST_F(DoubleOptInTest, TheCodeMakesItHerOwnAct) {
  const std::string id = Person("anna");
  Give(id, kLettersPurpose);
  clock().AdvanceUs(kSecondUs);
  Withdraw(id);
  clock().AdvanceUs(kSecondUs);
  const auto started = Start("Anna@Example.com");
  ASSERT_OK(started);
  ASSERT_EQ(codes_.sent.size(), 1u);
  EXPECT_EQ(codes_.sent[0].language, "de");
  EXPECT_EQ(codes_.sent[0].to.value(), "Anna@Example.com");
  EXPECT_EQ(codes_.sent[0].subject, Number(id));
  EXPECT_EQ(started->expire_time().seconds() * kSecondUs,
            (clock().NowUs() + kDayUs) / kSecondUs * kSecondUs);
  clock().AdvanceUs(kSecondUs);
  const auto done = Complete(started->handle(), codes_.sent[0].code);
  ASSERT_OK(done);
  ASSERT_EQ(done->states_size(), 1);
  EXPECT_EQ(done->states(0).status(), v1::CONSENT_STATUS_GIVEN)
      << "she may re-open what she closed";
  EXPECT_EQ(done->states(0).actor(), v1::CONSENT_ACTOR_SELF);
  const auto read =
      Read(As("letters"), Request(id, kLettersPurpose, {"profile.first_name"}));
  ASSERT_OK(read);
  EXPECT_EQ(read->decision().effect(), v1::EFFECT_PERMIT);
  EXPECT_EQ(Why(Complete(started->handle(), codes_.sent[0].code).status()),
            v1::ERROR_REASON_CODE_INVALID)
      << "a code works once";
}

TEST_F(DoubleOptInTest, TheFifthWrongCodeVoidsIt) {
  Person("anna");
  const auto started = Start("anna@example.com");
  ASSERT_OK(started);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(Why(Complete(started->handle(), Wrong()).status()),
              v1::ERROR_REASON_CODE_INVALID);
  }
  // Others' tries do not count.
  EXPECT_EQ(
      Why(Complete(started->handle(), codes_.sent[0].code, "shop").status()),
      v1::ERROR_REASON_CODE_INVALID);
  EXPECT_EQ(Why(Complete(started->handle(), Wrong()).status()),
            v1::ERROR_REASON_CODE_INVALID);
  EXPECT_EQ(Why(Complete(started->handle(), codes_.sent[0].code).status()),
            v1::ERROR_REASON_CODE_INVALID);
}

TEST_F(DoubleOptInTest, FourWrongCodesDoNot) {
  Person("anna");
  const auto started = Start("anna@example.com");
  ASSERT_OK(started);
  for (int i = 0; i < 4; ++i) {
    EXPECT_FALSE(Complete(started->handle(), Wrong()).ok());
  }
  EXPECT_OK(Complete(started->handle(), codes_.sent[0].code));
}

TEST_F(DoubleOptInTest, ACodeEndsAfterADayAndIsSwept) {
  Person("anna");
  const auto started = Start("anna@example.com");
  ASSERT_OK(started);
  clock().AdvanceUs(kDayUs);
  EXPECT_EQ(Why(Complete(started->handle(), codes_.sent[0].code).status()),
            v1::ERROR_REASON_CODE_INVALID);
  ASSERT_OK(Start("anna@example.com"));
  clock().AdvanceUs(kDayUs + 3600 * kSecondUs);
  ASSERT_OK(opt_ins_.Sweep());
  EXPECT_EQ(Blob("SELECT CAST(count(*) AS TEXT) FROM double_opt_ins"), "0");
  ASSERT_OK(opt_ins_.Sweep());
}

TEST_F(DoubleOptInTest, ARepetitionIsAnsweredLikeTheFirst) {
  Person("anna");
  const auto started = Start("anna@example.com");
  ASSERT_OK(started);
  constexpr char kId[] = "3f9d2c51-7a54-4b0e-9a55-30b3f3a4c911";
  const auto first =
      Complete(started->handle(), codes_.sent[0].code, "letters", kId);
  ASSERT_OK(first);
  const auto second =
      Complete(started->handle(), codes_.sent[0].code, "letters", kId);
  ASSERT_OK(second);
  EXPECT_EQ(second->states(0).event_id(), first->states(0).event_id());
}

TEST_F(DoubleOptInTest, WithoutAWayToSendItSaysSo) {
  Person("anna");
  DoubleOptIns mute(ledger_options(), nullptr);
  EXPECT_EQ(Why(Start("anna@example.com", "letters", &mute).status()),
            v1::ERROR_REASON_SENDER_MISSING);
  codes_.fault = MakeError(v1::ERROR_REASON_STATE_INVALID, "no");
  EXPECT_FALSE(Start("anna@example.com").ok());
  EXPECT_EQ(Blob("SELECT CAST(count(*) AS TEXT) FROM double_opt_ins"), "0")
      << "no code stands that was not sent";
}

TEST_F(DoubleOptInTest, StrangersAndUnentitledCallersStartNothing) {
  Person("anna");
  EXPECT_EQ(Why(Start("nobody@example.com").status()),
            v1::ERROR_REASON_ACCESS_DENIED);
  EXPECT_EQ(Why(Start("anna@example.com", "shop").status()),
            v1::ERROR_REASON_ATTESTATION_NOT_ALLOWED);
  EXPECT_TRUE(codes_.sent.empty());
  EXPECT_EQ(Why(Complete("doi_aaaaaaaaaaaaaaaaaaaaaaaa", "AAAA-AAAA").status()),
            v1::ERROR_REASON_CODE_INVALID);
  EXPECT_EQ(Why(Complete("nonsense", "AAAA-AAAA").status()),
            v1::ERROR_REASON_CODE_INVALID);
}

TEST_F(DoubleOptInTest, NobodyIsFloodedWithCodes) {
  Person("anna");
  for (int i = 0; i < DoubleOptIns::kMaxOpen; ++i) {
    ASSERT_OK(Start("anna@example.com"));
  }
  EXPECT_EQ(Why(Start("anna@example.com").status()),
            v1::ERROR_REASON_RATE_LIMITED);
}

}  // namespace
}  // namespace consentry::consent
