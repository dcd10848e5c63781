#include "gateway/identity/key_set.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "proto/support/error.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/gateway/identity/issuer.h"

namespace consentry::identity {
namespace {

using testing::TokenIssuer;

std::string Set(const std::vector<std::string>& keys) {
  std::string text = "{\"keys\":[";
  for (const std::string& key : keys) {
    if (text.back() != '[') text += ",";
    text += key;
  }
  return text + "]}";
}

bool Verifies(const KeySet& keys, const std::string& token) {
  const auto parsed = ParseToken(token);
  return parsed.ok() && keys.Verify(token, *parsed).ok();
}

TEST(KeySetTest, TheKeyIdPicksTheKeyAndNothingElse) {
  const TokenIssuer first("ES256", "one");
  const TokenIssuer second("ES256", "two");
  ASSERT_OK_AND_ASSIGN(const auto keys,
                       KeySet::Parse(Set({first.Jwk(), second.Jwk()})));
  EXPECT_TRUE(Verifies(*keys, first.Sign("{}")));
  EXPECT_TRUE(Verifies(*keys, second.Sign("{}")));
  // Signed by one, named as the other, as nobody, or as no key at all.
  for (const char* kid : {"two", "three", "one ", "../one", "' OR 1=1"}) {
    EXPECT_FALSE(Verifies(
        *keys, first.Sign(std::string(R"({"typ":"at+jwt","alg":"ES256",)") +
                              "\"kid\":\"" + kid + "\"}",
                          "{}")))
        << kid;
  }
  EXPECT_FALSE(
      Verifies(*keys, first.Sign(R"({"typ":"at+jwt","alg":"ES256"})", "{}")));
}

TEST(KeySetTest, ATokenWithoutKeyIdNeedsTheOnlyKeyOfItsAlgorithm) {
  const TokenIssuer ec("ES256", "one");
  const TokenIssuer ed("EdDSA", "two");
  ASSERT_OK_AND_ASSIGN(const auto keys,
                       KeySet::Parse(Set({ec.Jwk(), ed.Jwk()})));
  EXPECT_TRUE(
      Verifies(*keys, ec.Sign(R"({"typ":"at+jwt","alg":"ES256"})", "{}")));
}

TEST(KeySetTest, AKeyServesItsOwnAlgorithmAlone) {
  // One RSA key, published for PS256; the same key signs with RS256.
  const TokenIssuer rsa("RS256", "one");
  std::string jwk = rsa.Jwk();
  jwk.replace(jwk.find("RS256"), 5, "PS256");
  ASSERT_OK_AND_ASSIGN(const auto pss, KeySet::Parse(Set({jwk})));
  EXPECT_FALSE(Verifies(*pss, rsa.Sign("{}")));
  // The header of another key's algorithm.
  const TokenIssuer ec("ES256", "one");
  ASSERT_OK_AND_ASSIGN(const auto keys, KeySet::Parse(ec.KeySet()));
  EXPECT_FALSE(Verifies(*keys, rsa.Sign("{}")));
  EXPECT_FALSE(Verifies(
      *keys, rsa.Sign(R"({"typ":"at+jwt","alg":"ES256","kid":"one"})", "{}")));
  // A key that names none serves those of its kind.
  ASSERT_OK_AND_ASSIGN(const auto any, KeySet::Parse(Set({rsa.Jwk(false)})));
  EXPECT_TRUE(Verifies(*any, rsa.Sign("{}")));
}

TEST(KeySetTest, UnusableKeysArePassedOver) {
  const TokenIssuer good("ES256", "good");
  const TokenIssuer weak("RS256", "weak", 1024);
  const TokenIssuer strong("RS256", "strong");
  const std::vector<std::string> unusable = {
      R"({"kty":"oct","k":"c2VjcmV0","kid":"s","alg":"HS256"})",
      R"({"kty":"EC","crv":"P-384","x":"AA","y":"AA","kid":"p"})",
      R"({"kty":"EC","crv":"P-256","x":"AA","y":"AA","kid":"q"})",
      R"({"kty":"EC","crv":"P-256","kid":"r"})",
      R"({"kty":"RSA","n":7,"e":"AQAB","kid":"t"})",
      R"({"kid":"u"})",
      weak.Jwk(),
      good.Jwk().replace(good.Jwk().find("\"sig\""), 5, "\"enc\""),
  };
  std::vector<std::string> all = unusable;
  all.push_back(good.Jwk());
  all.push_back(strong.Jwk());
  ASSERT_OK_AND_ASSIGN(const auto keys, KeySet::Parse(Set(all)));
  EXPECT_EQ(keys->size(), 2u);
  EXPECT_FALSE(Verifies(*keys, weak.Sign("{}")));
  EXPECT_FALSE(KeySet::Parse(Set(unusable)).ok());
}

TEST(KeySetTest, WhatIsNoKeySetIsRefused) {
  const TokenIssuer one("ES256", "one");
  for (const std::string& text :
       {std::string(), std::string("{}"), std::string("[]"), Set({}),
        std::string(R"({"keys":{}})"), std::string(R"({"keys":[1]})"),
        Set({one.Jwk(), TokenIssuer("EdDSA", "one").Jwk()}),
        Set(std::vector<std::string>(33, "{}")),
        "{\"x\":\"" + std::string(70'000, 'x') + "\",\"keys\":[" + one.Jwk() +
            "]}",
        "{\"keys\":[],\"keys\":[" + one.Jwk() + "]}"}) {
    EXPECT_FALSE(KeySet::Parse(text).ok()) << text.substr(0, 60);
  }
}

TEST(KeySetTest, TheDigestTellsSetsApart) {
  const TokenIssuer a("ES256", "a");
  const TokenIssuer b("ES256", "b");
  ASSERT_OK_AND_ASSIGN(const auto ab, KeySet::Parse(Set({a.Jwk(), b.Jwk()})));
  ASSERT_OK_AND_ASSIGN(const auto ba, KeySet::Parse(Set({b.Jwk(), a.Jwk()})));
  ASSERT_OK_AND_ASSIGN(const auto only_a, KeySet::Parse(Set({a.Jwk()})));
  EXPECT_EQ(ab->digest(), ba->digest());
  EXPECT_NE(ab->digest(), only_a->digest());
}

TEST(KeySetTest, ManyThreadsVerifyWithOneSet) {
  const TokenIssuer rsa("RS256", "r");
  const TokenIssuer ed("EdDSA", "e");
  ASSERT_OK_AND_ASSIGN(const auto keys,
                       KeySet::Parse(Set({rsa.Jwk(), ed.Jwk()})));
  const std::string tokens[] = {rsa.Sign("{}"), ed.Sign("{}")};
  std::vector<std::thread> threads;
  std::atomic<int> good{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) good += Verifies(*keys, tokens[i % 2]);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 200);
}

}  // namespace
}  // namespace consentry::identity
