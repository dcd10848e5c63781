#include "gateway/identity/people.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/str_replace.h"
#include "gateway/clients/configuration.h"
#include "tests/testing/manual_clock.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/gateway/clients/sample_policy.h"
#include "tests/unit/gateway/identity/issuer.h"

namespace consentry::identity {
namespace {

using testing::TokenIssuer;

constexpr int64_t kNowUs = 1'800'000'000'000'000;
constexpr int64_t kMinuteUs = int64_t{60} * 1'000'000;

std::string FaultOf(const absl::Status& status) {
  const auto info =
      status.GetPayload("type.googleapis.com/google.rpc.ErrorInfo");
  if (!info) return status.ok() ? "" : "?";
  const std::string text(*info);
  const size_t at = text.rfind("fault");
  return at == std::string::npos ? "?" : text.substr(at + 7);
}

// One issuer of staff; its keys are what the test says.
class PeopleTest : public ::testing::Test {
 protected:
  PeopleTest()
      : root_(crypto::RootKey::FromBytes(
            crypto::SecretBytes<32>::Random().view())),
        pseudonyms_(root_),
        clock_(kNowUs) {
    config::v1::Identity config;
    auto* issuer = config.add_issuers();
    issuer->set_issuer("https://login.example");
    issuer->set_audience("consentry");
    issuer->add_algorithms(config::v1::TokenAlgorithm::ES256);
    issuer->set_jwks_url("https://login.example/keys");
    issuer->set_refresh_minutes(15);
    issuer->set_stale_hours(24);
    auto* mapping = issuer->add_roles();
    mapping->set_group("privacy");
    mapping->add_roles(config::v1::StaffRole::COMPLIANCE);
    people_ = std::make_unique<People>(
        People::Options{.config = config,
                        .pseudonyms = &pseudonyms_,
                        .clock = &clock_,
                        .fetch =
                            [this](const config::v1::Issuer&) {
                              MutexLock lock(&mu_);
                              return keys_;
                            },
                        // The test makes the rounds.
                        .background = false});
  }

  void SetKeys(absl::StatusOr<std::string> keys) {
    MutexLock lock(&mu_);
    keys_ = std::move(keys);
  }

  static std::unique_ptr<const clients::Registration> Console(
      const std::string& token_client = "") {
    v1::Client client;
    client.set_id("console");
    client.set_role(v1::ROLE_SERVICE);
    client.set_state(v1::CLIENT_STATE_ACTIVE);
    client.add_may_delegate(v1::ROLE_COMPLIANCE);
    client.set_token_client(token_client);
    return clients::Registration::Compile(
        client, *clients::SamplePolicy()->bundle, {},
        std::make_shared<clients::ClientUse>());
  }

  static std::string Claims(const std::string& more = "") {
    return "{" + more +
           R"("iss":"https://login.example","aud":"consentry","sub":"u-1",)"
           R"("client_id":"console","groups":["privacy"],"exp":1800000600})";
  }

  absl::StatusOr<KnownPerson> Identify(const std::string& token) {
    return people_->Identify(token, *Console(), std::string(32, 'c'),
                             clock_.NowUs());
  }

  const crypto::RootKey root_;
  const StaffPseudonyms pseudonyms_;
  testing::ManualClock clock_;
  Mutex mu_;
  const TokenIssuer issuer_{"ES256", "one"};
  absl::StatusOr<std::string> keys_ ABSL_GUARDED_BY(mu_) = issuer_.KeySet();
  std::unique_ptr<People> people_;
};

TEST_F(PeopleTest, NobodyIsKnownBeforeKeysAre) {
  EXPECT_EQ(FaultOf(Identify(issuer_.Sign(Claims())).status()), "keys");
  EXPECT_EQ(people_->Warnings(kNowUs).size(), 1u);
  people_->RunOnce();
  EXPECT_TRUE(people_->Warnings(kNowUs).empty());
  ASSERT_OK_AND_ASSIGN(const KnownPerson known,
                       Identify(issuer_.Sign(Claims())));
  EXPECT_TRUE(known.person.Is(v1::ROLE_COMPLIANCE));
  EXPECT_FALSE(known.person.IsCustomer());
  EXPECT_EQ(known.person.id, pseudonyms_.Of("https://login.example", "u-1"));
}

TEST_F(PeopleTest, ARememberedTokenEndsWithItsTimeAndItsKey) {
  people_->RunOnce();
  const std::string token = issuer_.Sign(Claims());
  EXPECT_OK(Identify(token));
  EXPECT_OK(Identify(token));
  // The key was replaced.
  const TokenIssuer next("ES256", "two");
  SetKeys(next.KeySet());
  clock_.AdvanceUs(16 * kMinuteUs);
  people_->RunOnce();
  EXPECT_EQ(FaultOf(Identify(token).status()), "key");
  SetKeys(issuer_.KeySet());
  clock_.AdvanceUs(2 * kMinuteUs);
  people_->RunOnce();
  EXPECT_EQ(FaultOf(Identify(token).status()), "expired");
}

TEST_F(PeopleTest, ATokenIsGoodUntilItEndsHoweverOftenItIsShown) {
  people_->RunOnce();
  const std::string token = issuer_.Sign(Claims());
  EXPECT_OK(Identify(token));
  clock_.AdvanceUs(600 * int64_t{1'000'000} + kTokenLeewayUs - 1);
  EXPECT_OK(Identify(token));
  clock_.AdvanceUs(1);
  EXPECT_EQ(FaultOf(Identify(token).status()), "expired");
}

TEST_F(PeopleTest, AnUnknownKeyIdMakesTheKeysBeFetched) {
  people_->RunOnce();
  const TokenIssuer next("ES256", "two");
  const std::string token = next.Sign(Claims());
  EXPECT_EQ(FaultOf(Identify(token).status()), "key");
  SetKeys("{\"keys\":[" + issuer_.Jwk() + "," + next.Jwk() + "]}");
  clock_.AdvanceUs(kMinuteUs);
  people_->RunOnce();
  EXPECT_OK(Identify(token));
}

TEST_F(PeopleTest, TheTokenIsForTheRegistrationThatShowsIt) {
  people_->RunOnce();
  const std::string token = issuer_.Sign(Claims());
  EXPECT_EQ(FaultOf(people_
                        ->Identify(token, *Console("console-web"),
                                   std::string(32, 'c'), kNowUs)
                        .status()),
            "client");
  // One that may carry none.
  v1::Client client;
  client.set_id("console");
  client.set_role(v1::ROLE_SERVICE);
  const auto plain = clients::Registration::Compile(
      client, *clients::SamplePolicy()->bundle, {},
      std::make_shared<clients::ClientUse>());
  EXPECT_EQ(
      FaultOf(people_->Identify(token, *plain, std::string(32, 'c'), kNowUs)
                  .status()),
      "not_delegated");
  // Somebody whose roles it may not carry.
  EXPECT_EQ(FaultOf(Identify(issuer_.Sign(absl::StrReplaceAll(
                                 Claims(), {{"privacy", "sales"}})))
                        .status()),
            "not_delegated");
}

TEST_F(PeopleTest, ATokenBoundToACertificateNeedsIt) {
  people_->RunOnce();
  const auto bound = [&](const std::string& thumbprint) {
    return issuer_.Sign(
        Claims("\"cnf\":{\"x5t#S256\":\"" + thumbprint + "\"},"));
  };
  EXPECT_OK(Identify(bound(testing::Base64Url(std::string(32, 'c')))));
  EXPECT_EQ(
      FaultOf(
          Identify(bound(testing::Base64Url(std::string(32, 'd')))).status()),
      "confirmation");
}

TEST_F(PeopleTest, AnAlgorithmThatTheIssuerDoesNotUseIsRefused) {
  const TokenIssuer other("EdDSA", "one");
  SetKeys(other.KeySet());
  people_->RunOnce();
  EXPECT_EQ(FaultOf(Identify(other.Sign(Claims())).status()), "algorithm");
}

TEST(StaffPseudonymsTest, OneForEachLoginOfEachIssuerAndGateway) {
  const auto one =
      crypto::RootKey::FromBytes(crypto::SecretBytes<32>::Random().view());
  const auto two =
      crypto::RootKey::FromBytes(crypto::SecretBytes<32>::Random().view());
  const std::string id = StaffPseudonyms(one).Of("https://a.example", "x");
  EXPECT_EQ(id.size(), 28u);
  EXPECT_EQ(StaffPseudonyms(one).Of("https://a.example", "x"), id);
  EXPECT_NE(StaffPseudonyms(one).Of("https://a.example", "y"), id);
  EXPECT_NE(StaffPseudonyms(one).Of("https://a.examplex", ""), id);
  EXPECT_NE(StaffPseudonyms(two).Of("https://a.example", "x"), id);
}

}  // namespace
}  // namespace consentry::identity
