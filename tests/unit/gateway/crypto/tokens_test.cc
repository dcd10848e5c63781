#include <gtest/gtest.h>

#include <set>
#include <string>

#include "gateway/crypto/opaque_token.h"
#include "gateway/crypto/page_token.h"
#include "tests/testing/status_matchers.h"

namespace consentry::crypto {
namespace {

using testing::StatusIs;
constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr int64_t kNowUs = 1'795'000'000'000'000;

RootKey NewRoot() {
  return RootKey::FromBytes(SecretBytes<32>::Random().view());
}

TEST(OpaqueTokensTest, SameBitsGiveTheSameTokenAndComeBack) {
  const OpaqueTokens tokens(NewRoot());
  for (const uint64_t payload :
       {uint64_t{0}, uint64_t{1}, uint64_t{1} << 47, UINT64_MAX}) {
    const std::string token = tokens.Encode(TokenKind::kDecision, payload);
    EXPECT_EQ(token.substr(0, 4), "dec_");
    EXPECT_EQ(token.size(), 30u);
    EXPECT_EQ(token, tokens.Encode(TokenKind::kDecision, payload));
    EXPECT_EQ(tokens.Decode(TokenKind::kDecision, token).value(), payload);
  }
}

TEST(OpaqueTokensTest, NeighboursHaveNothingInCommon) {
  const OpaqueTokens tokens(NewRoot());
  const std::string a = tokens.Encode(TokenKind::kAudit, 1000);
  const std::string b = tokens.Encode(TokenKind::kAudit, 1001);
  int equal = 0;
  for (size_t i = 4; i < a.size(); ++i) equal += a[i] == b[i] ? 1 : 0;
  EXPECT_LT(equal, 10);
}

TEST(OpaqueTokensTest, EveryChangedBitIsRefused) {
  const OpaqueTokens tokens(NewRoot());
  const std::string good = tokens.Encode(TokenKind::kAudit, 123456789);
  for (size_t i = 4; i < good.size(); ++i) {
    for (int byte = 0; byte < 256; ++byte) {
      const char c = static_cast<char>(byte);
      if (c == good[i]) continue;
      std::string bad = good;
      bad[i] = c;
      EXPECT_THAT(tokens.Decode(TokenKind::kAudit, bad), StatusIs(kInvalid));
    }
  }
  for (size_t length = 0; length < good.size(); ++length) {
    EXPECT_THAT(tokens.Decode(TokenKind::kAudit, good.substr(0, length)),
                StatusIs(kInvalid));
  }
  EXPECT_THAT(tokens.Decode(TokenKind::kAudit, good + "a"), StatusIs(kInvalid));
}

TEST(OpaqueTokensTest, AnotherKindBoundOrKeyRefuses) {
  const OpaqueTokens tokens(NewRoot());
  const OpaqueTokens others(NewRoot());
  const std::string token =
      tokens.Encode(TokenKind::kPseudonym, 42, "client-a");
  EXPECT_EQ(tokens.Decode(TokenKind::kPseudonym, token, "client-a").value(),
            42u);
  EXPECT_THAT(tokens.Decode(TokenKind::kPseudonym, token, "client-b"),
              StatusIs(kInvalid));
  EXPECT_THAT(tokens.Decode(TokenKind::kPseudonym, token), StatusIs(kInvalid));
  EXPECT_THAT(others.Decode(TokenKind::kPseudonym, token, "client-a"),
              StatusIs(kInvalid));
  EXPECT_THAT(tokens.Decode(TokenKind::kAudit, token, "client-a"),
              StatusIs(kInvalid));
  // Also when the prefix is changed to fit.
  EXPECT_THAT(
      tokens.Decode(TokenKind::kAudit, "aud_" + token.substr(4), "client-a"),
      StatusIs(kInvalid));
  EXPECT_NE(tokens.Encode(TokenKind::kPseudonym, 42, "client-b"), token);
}

TEST(OpaqueTokensTest, LogPositionPacks) {
  const LogPosition position{(uint64_t{1} << 48) - 1, 65535};
  EXPECT_EQ(LogPosition::Unpack(position.Pack()), position);
  EXPECT_EQ(LogPosition::Unpack(LogPosition{7, 3}.Pack()), (LogPosition{7, 3}));
}

TEST(PageTokensTest, PositionComesBackToItsCallerAndQuery) {
  const PageTokens tokens(NewRoot());
  for (const std::string& position :
       {std::string(), std::string("row 7"), std::string("\0\xff", 2),
        std::string(PageTokens::kMaxPositionBytes, 'p')}) {
    ASSERT_OK_AND_ASSIGN(const std::string token,
                         tokens.Seal("client", "query", position, kNowUs));
    EXPECT_EQ(tokens.Open("client", "query", token, kNowUs).value(), position);
  }
  EXPECT_THAT(
      tokens.Seal("client", "query",
                  std::string(PageTokens::kMaxPositionBytes + 1, 'p'), kNowUs),
      StatusIs(kInvalid));
}

TEST(PageTokensTest, AnotherCallerQueryOrKeyRefuses) {
  const RootKey root = NewRoot();
  const PageTokens tokens(root);
  ASSERT_OK_AND_ASSIGN(const std::string token,
                       tokens.Seal("client", "query", "row", kNowUs));
  EXPECT_THAT(tokens.Open("clienu", "query", token, kNowUs),
              StatusIs(kInvalid));
  EXPECT_THAT(tokens.Open("client", "querz", token, kNowUs),
              StatusIs(kInvalid));
  // The border between the two counts.
  EXPECT_THAT(tokens.Open("clientq", "uery", token, kNowUs),
              StatusIs(kInvalid));
  EXPECT_THAT(PageTokens(NewRoot()).Open("client", "query", token, kNowUs),
              StatusIs(kInvalid));
  EXPECT_OK(PageTokens(root).Open("client", "query", token, kNowUs));
}

TEST(PageTokensTest, ExpiresAfterADayAndNeverComesFromTheFuture) {
  const PageTokens tokens(NewRoot());
  ASSERT_OK_AND_ASSIGN(const std::string token,
                       tokens.Seal("client", "query", "row", kNowUs));
  const int64_t end = kNowUs + PageTokens::kLifetimeUs;
  EXPECT_OK(tokens.Open("client", "query", token, end));
  EXPECT_THAT(tokens.Open("client", "query", token, end + 1),
              StatusIs(kInvalid));
  EXPECT_OK(
      tokens.Open("client", "query", token, kNowUs - PageTokens::kMaxSkewUs));
  EXPECT_THAT(tokens.Open("client", "query", token,
                          kNowUs - PageTokens::kMaxSkewUs - 1),
              StatusIs(kInvalid));
}

TEST(PageTokensTest, EveryChangedBitAndCutIsRefusedAlike) {
  const PageTokens tokens(NewRoot());
  ASSERT_OK_AND_ASSIGN(const std::string good,
                       tokens.Seal("client", "query", "some row", kNowUs));
  const std::string said =
      tokens.Open("other", "query", good, kNowUs).status().ToString();
  for (size_t i = 0; i < good.size(); ++i) {
    for (int byte = 0; byte < 256; ++byte) {
      const char c = static_cast<char>(byte);
      if (c == good[i]) continue;
      std::string bad = good;
      bad[i] = c;
      const auto opened = tokens.Open("client", "query", bad, kNowUs);
      ASSERT_THAT(opened, StatusIs(kInvalid)) << i << " " << byte;
      ASSERT_EQ(opened.status().ToString(), said);
    }
  }
  for (size_t length = 0; length < good.size(); ++length) {
    EXPECT_THAT(tokens.Open("client", "query", good.substr(0, length), kNowUs),
                StatusIs(kInvalid));
  }
  EXPECT_THAT(tokens.Open("client", "query", good + "A", kNowUs),
              StatusIs(kInvalid));
  EXPECT_THAT(tokens.Open("client", "query", std::string(1 << 20, 'A'), kNowUs),
              StatusIs(kInvalid));
}

}  // namespace
}  // namespace consentry::crypto
