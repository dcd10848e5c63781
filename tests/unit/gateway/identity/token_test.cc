#include "gateway/identity/token.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/cord.h"
#include "absl/strings/str_replace.h"
#include "gateway/identity/key_set.h"
#include "proto/support/error.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/gateway/identity/issuer.h"

namespace consentry::identity {
namespace {

using testing::TokenIssuer;

constexpr int64_t kNowUs = 1'800'000'000'000'000;
constexpr int64_t kNow = 1'800'000'000;

const TokenRules& Rules() {
  static const auto* const rules =
      new TokenRules{"https://login.example", "consentry"};
  return *rules;
}

// Claims of a good token, with `more` members in front.
std::string Claims(const std::string& more = "") {
  return "{" + more +
         "\"iss\":\"https://login.example\",\"aud\":\"consentry\","
         "\"sub\":\"u-1\",\"client_id\":\"console\",\"exp\":1800000600,"
         "\"iat\":1800000000}";
}

// Without the member that begins with `member`, up to its comma.
std::string Without(const std::string& member, std::string text = Claims()) {
  const size_t from = text.find("\"" + member + "\"");
  const size_t to = text.find(',', from);
  text.erase(from, to - from + 1);
  return text;
}

// The word that an error names; "" for OK.
std::string FaultOf(const absl::Status& status) {
  if (status.ok()) return "";
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_TOKEN_INVALID);
  const auto info =
      status.GetPayload("type.googleapis.com/google.rpc.ErrorInfo");
  if (!info) return "?";
  const std::string text(*info);
  // The last text of the only metadata entry.
  const size_t at = text.rfind("fault");
  return at == std::string::npos ? "?" : text.substr(at + 7);
}

std::string ParseFault(const std::string& token) {
  return FaultOf(ParseToken(token).status());
}

std::string ClaimsFault(const std::string& text, int64_t now_us = kNowUs) {
  const auto claims = JsonObject::Parse(text, kMaxTokenBytes);
  EXPECT_TRUE(claims.ok()) << text;
  return claims.ok() ? FaultOf(CheckClaims(*claims, Rules(), now_us).status())
                     : "?";
}

const TokenIssuer& Ec() {
  static const auto* const issuer = new TokenIssuer("ES256");
  return *issuer;
}

TEST(TokenTest, AGoodTokenOfEachAlgorithmIsTaken) {
  for (const char* algorithm : {"RS256", "PS256", "ES256", "EdDSA"}) {
    const TokenIssuer issuer(algorithm);
    ASSERT_OK_AND_ASSIGN(const auto keys, KeySet::Parse(issuer.KeySet()));
    const std::string token = issuer.Sign(Claims("\"auth_time\":1799999990,"));
    ASSERT_OK_AND_ASSIGN(const ParsedToken parsed, ParseToken(token));
    EXPECT_OK(keys->Verify(token, parsed)) << algorithm;
    ASSERT_OK_AND_ASSIGN(const TokenFacts facts,
                         CheckClaims(parsed.claims, Rules(), kNowUs));
    EXPECT_EQ(facts.login, "u-1");
    EXPECT_EQ(facts.client, "console");
    EXPECT_EQ(facts.expire_us, 1'800'000'600'000'000);
    EXPECT_EQ(facts.auth_time_us, 1'799'999'990'000'000);
  }
}

TEST(TokenTest, OneChangedCharacterIsRefused) {
  for (const char* algorithm : {"RS256", "ES256", "EdDSA"}) {
    const TokenIssuer issuer(algorithm);
    ASSERT_OK_AND_ASSIGN(const auto keys, KeySet::Parse(issuer.KeySet()));
    const std::string token = issuer.Sign(Claims());
    const size_t signature = token.rfind('.') + 1;
    for (const size_t at : {signature, signature + 20, signature + 40}) {
      std::string changed = token;
      changed[at] = changed[at] == 'A' ? 'B' : 'A';
      const auto parsed = ParseToken(changed);
      if (!parsed.ok()) continue;
      EXPECT_EQ(FaultOf(keys->Verify(changed, *parsed)), "signature");
    }
    // The same signature over other claims.
    const std::string other =
        issuer.Sign(absl::StrReplaceAll(Claims(), {{"u-1", "u-2"}}));
    const std::string mixed =
        other.substr(0, other.rfind('.')) + token.substr(token.rfind('.'));
    ASSERT_OK_AND_ASSIGN(const ParsedToken parsed, ParseToken(mixed));
    EXPECT_EQ(FaultOf(keys->Verify(mixed, parsed)), "signature");
  }
}

TEST(TokenTest, UnsignedAndSymmetricTokensAreRefused) {
  const std::string none =
      testing::Base64Url(R"({"typ":"at+jwt","alg":"none","kid":"k1"})");
  const std::string claims = testing::Base64Url(Claims());
  EXPECT_EQ(ParseFault(none + "." + claims + "."), "form");
  EXPECT_EQ(ParseFault(none + "." + claims + ".AAAA"), "algorithm");
  for (const char* word : {"None", "NONE", "nOnE", "", "HS256", "HS384",
                           "HS512", "RS1", "ES256K", "dir"}) {
    const std::string header =
        std::string(R"({"typ":"at+jwt","kid":"k1","alg":")") + word + "\"}";
    EXPECT_EQ(ParseFault(Ec().Sign(header, Claims())), "algorithm") << word;
  }
  EXPECT_EQ(ParseFault(Ec().Sign(R"({"typ":"at+jwt"})", Claims())),
            "algorithm");
  EXPECT_EQ(
      ParseFault(Ec().Sign(R"({"typ":"at+jwt","alg":["ES256"]})", Claims())),
      "algorithm");
  // The public key of an RSA issuer, used as a secret.
  const TokenIssuer rsa("RS256");
  EXPECT_EQ(ParseFault(testing::SignHmac(
                R"({"typ":"at+jwt","alg":"HS256","kid":"k1"})", Claims(),
                rsa.PublicPem())),
            "algorithm");
  // The same with a word that is ours.
  ASSERT_OK_AND_ASSIGN(const auto keys, KeySet::Parse(rsa.KeySet()));
  const std::string confused =
      testing::SignHmac(R"({"typ":"at+jwt","alg":"RS256","kid":"k1"})",
                        Claims(), rsa.PublicPem());
  ASSERT_OK_AND_ASSIGN(const ParsedToken parsed, ParseToken(confused));
  EXPECT_EQ(FaultOf(keys->Verify(confused, parsed)), "signature");
}

TEST(TokenTest, OtherTypesOfTokenAreRefused) {
  for (const char* type : {"JWT", "id+jwt", "jwt", "logout+jwt", "at+jwt2",
                           "application/jwt", ""}) {
    const std::string header =
        std::string(R"({"alg":"ES256","kid":"k1","typ":")") + type + "\"}";
    EXPECT_EQ(ParseFault(Ec().Sign(header, Claims())), "type") << type;
  }
  EXPECT_EQ(ParseFault(Ec().Sign(R"({"alg":"ES256","kid":"k1"})", Claims())),
            "type");
  for (const char* type : {"AT+JWT", "application/at+jwt"}) {
    const std::string header =
        std::string(R"({"alg":"ES256","kid":"k1","typ":")") + type + "\"}";
    EXPECT_EQ(ParseFault(Ec().Sign(header, Claims())), "") << type;
  }
}

TEST(TokenTest, KeysAndAddressesAndExtensionsInTheHeaderAreRefused) {
  const auto fault = [](const std::string& member) {
    return ParseFault(Ec().Sign(
        "{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"k1\"," + member + "}",
        Claims()));
  };
  EXPECT_EQ(fault(R"("jku":"https://evil.example/keys")"), "remote_key");
  EXPECT_EQ(fault(R"("x5u":"https://evil.example/cert")"), "remote_key");
  EXPECT_EQ(fault("\"jwk\":" + Ec().Jwk()), "own_key");
  EXPECT_EQ(fault(R"("x5c":["MIIB"])"), "own_key");
  EXPECT_EQ(fault(R"("crit":["exp"])"), "critical");
  EXPECT_EQ(fault(R"("crit":[])"), "critical");
  EXPECT_EQ(fault(R"("b64":false)"), "critical");
  EXPECT_EQ(fault(R"("cty":"JWT")"), "nested");
  EXPECT_EQ(fault(R"("zip":"DEF")"), "nested");
  EXPECT_EQ(fault(R"("x5t":"abc","more":1)"), "");
}

TEST(TokenTest, WhatIsNotOneStrictCompactTokenIsRefused) {
  const std::string good = Ec().Sign(Claims());
  EXPECT_EQ(ParseFault(good), "");
  for (const std::string& token : std::vector<std::string>{
           std::string(), std::string("."), std::string(".."),
           std::string("a.b.c.d.e"), good + ".x", good + "=", good + " ",
           " " + good, good + "\n", good.substr(0, good.rfind('.')),
           "Bearer " + good, absl::StrReplaceAll(good, {{".", ".."}}),
           std::string("{\"payload\":\"\"}")}) {
    EXPECT_EQ(ParseFault(token), "form") << token;
  }
  // Bits beyond the last byte that another decoder would pass over.
  std::string loose = good;
  loose.back() = loose.back() == 'B' ? 'C' : 'B';
  EXPECT_EQ(ParseFault(loose), "form");
}

TEST(TokenTest, DuplicateMembersAndOtherJsonAreRefused) {
  EXPECT_EQ(ParseFault(Ec().Sign(Claims("\"sub\":\"u-0\","))), "claims");
  EXPECT_EQ(ParseFault(Ec().Sign(Claims("\"a\":{\"b\":1,\"b\":2},"))),
            "claims");
  // The same name in another spelling.
  EXPECT_EQ(ParseFault(Ec().Sign(Claims("\"\\u0073ub\":\"u-0\","))), "claims");
  EXPECT_EQ(ParseFault(Ec().Sign(
                R"({"typ":"at+jwt","alg":"ES256","alg":"none"})", Claims())),
            "header");
  for (const char* text : {"[]", "\"x\"", "null", "", "{} {}", "{'a':1}",
                           "{\"a\":\"\xff\"}", "{\"a\":\"\\u0000\"}"}) {
    EXPECT_EQ(ParseFault(Ec().Sign(text)), "claims") << text;
    EXPECT_EQ(ParseFault(Ec().Sign(text, Claims())), "header") << text;
  }
}

TEST(TokenTest, HugeAndDeepTokensAreRefused) {
  EXPECT_EQ(ParseFault(std::string(100'000, 'A')), "size");
  EXPECT_EQ(ParseFault(
                Ec().Sign(Claims("\"x\":\"" + std::string(6000, 'x') + "\","))),
            "size");
  EXPECT_EQ(ParseFault(Ec().Sign("{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"x\":"
                                 "\"" +
                                     std::string(1024, 'x') + "\"}",
                                 Claims())),
            "header");
  const std::string deep =
      "\"x\":" + std::string(2000, '[') + std::string(2000, ']') + ",";
  const std::string fault = ParseFault(Ec().Sign(Claims(deep)));
  EXPECT_TRUE(fault.empty() || fault == "claims") << fault;
}

TEST(TokenTest, IssuerAndAudienceAreComparedAsTheyStand) {
  EXPECT_EQ(ClaimsFault(Claims()), "");
  const auto with = [](const char* from, const char* to) {
    return absl::StrReplaceAll(Claims(), {{from, to}});
  };
  EXPECT_EQ(
      ClaimsFault(with("https://login.example", "https://login.example/")),
      "issuer");
  EXPECT_EQ(ClaimsFault(with("https://login.example", "https://LOGIN.example")),
            "issuer");
  EXPECT_EQ(ClaimsFault(with("\"https://login.example\"",
                             "[\"https://login.example\"]")),
            "issuer");
  EXPECT_EQ(ClaimsFault(Without("iss")), "issuer");
  EXPECT_EQ(ClaimsFault(with("\"consentry\"", "\"crm\"")), "audience");
  EXPECT_EQ(ClaimsFault(with("\"consentry\"", "[\"crm\",\"consentry2\"]")),
            "audience");
  EXPECT_EQ(ClaimsFault(with("\"consentry\"", "[\"consentry\",1]")),
            "audience");
  EXPECT_EQ(ClaimsFault(with("\"consentry\"", "[]")), "audience");
  EXPECT_EQ(ClaimsFault(Without("aud")), "audience");
  EXPECT_EQ(ClaimsFault(with("\"consentry\"", "[\"crm\",\"consentry\"]")), "");
}

TEST(TokenTest, TimesHoldWithAMinuteOfLeeway) {
  const int64_t end_us = 1'800'000'600'000'000;
  EXPECT_EQ(ClaimsFault(Claims(), end_us + kTokenLeewayUs - 1), "");
  EXPECT_EQ(ClaimsFault(Claims(), end_us + kTokenLeewayUs), "expired");
  EXPECT_EQ(ClaimsFault(Without("exp")), "expired");
  EXPECT_EQ(ClaimsFault(absl::StrReplaceAll(
                Claims(), {{"1800000600", "\"1800000600\""}})),
            "expired");
  EXPECT_EQ(
      ClaimsFault(absl::StrReplaceAll(Claims(), {{"1800000600", "1e30"}})),
      "expired");
  EXPECT_EQ(ClaimsFault(absl::StrReplaceAll(Claims(),
                                            {{"1800000600", "1800000600.5"}})),
            "");
  const auto from = [](int64_t seconds) {
    return Claims("\"nbf\":" + std::to_string(seconds) + ",");
  };
  EXPECT_EQ(ClaimsFault(from(kNow + 60)), "");
  EXPECT_EQ(ClaimsFault(from(kNow + 61)), "not_yet");
  EXPECT_EQ(ClaimsFault(Claims("\"nbf\":\"soon\",")), "not_yet");
  EXPECT_EQ(ClaimsFault(absl::StrReplaceAll(
                Claims(), {{"\"iat\":1800000000", "\"iat\":1800000061"}})),
            "not_yet");
  EXPECT_EQ(ClaimsFault(Claims("\"auth_time\":1800000061,")), "auth_time");
  EXPECT_EQ(ClaimsFault(Claims("\"auth_time\":\"1800000000\",")), "auth_time");
}

TEST(TokenTest, LoginAndClientMustBeThereOnce) {
  EXPECT_EQ(ClaimsFault(Without("sub")), "login");
  EXPECT_EQ(ClaimsFault(absl::StrReplaceAll(Claims(), {{"\"u-1\"", "\"\""}})),
            "login");
  EXPECT_EQ(ClaimsFault(absl::StrReplaceAll(Claims(), {{"\"u-1\"", "7"}})),
            "login");
  EXPECT_EQ(ClaimsFault(absl::StrReplaceAll(Claims(),
                                            {{"u-1", std::string(256, 'u')}})),
            "login");
  EXPECT_EQ(ClaimsFault(Without("client_id")), "client");
  EXPECT_EQ(ClaimsFault(Claims("\"azp\":\"console\",")), "");
  EXPECT_EQ(ClaimsFault(Claims("\"azp\":\"portal\",")), "client");
  EXPECT_EQ(ClaimsFault(Claims("\"azp\":[\"console\"],")), "client");
  EXPECT_EQ(ClaimsFault(Claims("\"azp\":\"\",")), "client");
}

TEST(TokenTest, AnUnknownWayOfBindingATokenIsRefused) {
  EXPECT_EQ(ClaimsFault(Claims("\"cnf\":{\"jkt\":\"abc\"},")), "confirmation");
  EXPECT_EQ(ClaimsFault(Claims("\"cnf\":{},")), "confirmation");
  EXPECT_EQ(ClaimsFault(Claims("\"cnf\":\"x\",")), "confirmation");
  EXPECT_EQ(
      ClaimsFault(Claims("\"cnf\":{\"x5t#S256\":\"abc\",\"jkt\":\"abc\"},")),
      "confirmation");
  EXPECT_EQ(ClaimsFault(Claims("\"cnf\":{\"x5t#S256\":\"abc\"},")), "");
}

}  // namespace
}  // namespace consentry::identity
