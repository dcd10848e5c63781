#include "gateway/crypto/link_token.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/testing/status_matchers.h"

namespace consentry::crypto {
namespace {

using testing::StatusIs;
constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr int64_t kNowUs = 1'795'000'000'000'000;

RootKey NewRoot() {
  return RootKey::FromBytes(SecretBytes<32>::Random().view());
}

LinkContent Newsletter(uint64_t subject) {
  return {subject, {"marketing.communications.email"}};
}

TEST(LinkTokensTest, WhatALinkStandsForComesBack) {
  const LinkTokens tokens(NewRoot());
  for (const LinkContent& content :
       {Newsletter(0), Newsletter(UINT64_MAX),
        LinkContent{7, {"a", "b.c", "marketing.communications.sms"}},
        LinkContent{8, std::vector<std::string>(16, std::string(64, 'p'))}}) {
    ASSERT_OK_AND_ASSIGN(const std::string token, tokens.Seal(content, kNowUs));
    EXPECT_LE(token.size(), LinkTokens::kMaxTokenBytes);
    EXPECT_EQ(tokens.Open(token, kNowUs).value(), content);
  }
  EXPECT_THAT(tokens.Seal({7, {}}, kNowUs), StatusIs(kInvalid));
  EXPECT_THAT(
      tokens.Seal({7, std::vector<std::string>(17, std::string(65, 'p'))},
                  kNowUs),
      StatusIs(kInvalid));
}

TEST(LinkTokensTest, TwoLinksOfOneCustomerHaveNothingInCommon) {
  const LinkTokens tokens(NewRoot());
  std::set<std::string> seen;
  std::set<size_t> sizes;
  for (uint64_t subject = 0; subject < 50; ++subject) {
    ASSERT_OK_AND_ASSIGN(const std::string token,
                         tokens.Seal(Newsletter(subject % 2), kNowUs));
    seen.insert(token.substr(6, 16));
    sizes.insert(token.size());
  }
  EXPECT_EQ(seen.size(), 50u);
  EXPECT_EQ(sizes.size(), 1u);
}

TEST(LinkTokensTest, ALinkEndsAfterFourHundredDaysAndNeverComesFromTheFuture) {
  const LinkTokens tokens(NewRoot());
  ASSERT_OK_AND_ASSIGN(const std::string token,
                       tokens.Seal(Newsletter(7), kNowUs));
  const int64_t end = kNowUs + LinkTokens::kLifetimeUs;
  EXPECT_OK(tokens.Open(token, end));
  EXPECT_THAT(tokens.Open(token, end + 1), StatusIs(kInvalid));
  EXPECT_OK(tokens.Open(token, kNowUs - LinkTokens::kMaxSkewUs));
  EXPECT_THAT(tokens.Open(token, kNowUs - LinkTokens::kMaxSkewUs - 1),
              StatusIs(kInvalid));
}

TEST(LinkTokensTest, EveryChangedCharacterAndCutIsRefusedAlike) {
  const LinkTokens tokens(NewRoot());
  ASSERT_OK_AND_ASSIGN(const std::string good,
                       tokens.Seal(Newsletter(7), kNowUs));
  const std::string said = tokens.Open("", kNowUs).status().ToString();
  const auto refused = [&](const std::string& bad) {
    const auto opened = tokens.Open(bad, kNowUs);
    EXPECT_FALSE(opened.ok());
    EXPECT_EQ(opened.status().ToString(), said);
  };
  for (size_t i = 0; i < good.size(); ++i) {
    for (const char c : {'A', 'B', '_', '=', '\0', '\xff', ' '}) {
      if (c == good[i]) continue;
      std::string bad = good;
      bad[i] = c;
      refused(bad);
    }
    refused(good.substr(0, i));
  }
  refused(good + "A");
  refused(good + std::string(100'000, 'A'));
  EXPECT_THAT(LinkTokens(NewRoot()).Open(good, kNowUs), StatusIs(kInvalid));
}

}  // namespace
}  // namespace consentry::crypto
