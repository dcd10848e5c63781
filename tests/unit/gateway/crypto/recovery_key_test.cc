#include "gateway/crypto/recovery_key.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <string>
#include <utility>
#include <vector>

#include "tests/testing/status_matchers.h"

namespace consentry::crypto {
namespace {

using testing::StatusIs;
constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr char kAlphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

std::string Text(const RecoveryKey& key) {
  const SecretBuffer shown = key.Display();
  return {reinterpret_cast<const char*>(shown.data()), shown.size()};
}

std::vector<uint8_t> BytesOf(const std::string& text) {
  return {text.begin(), text.end()};
}

TEST(RecoveryKeyTest, TypedBackIsTheSameKey) {
  for (int i = 0; i < 50; ++i) {
    const RecoveryKey key = RecoveryKey::Generate();
    const std::string text = Text(key);
    ASSERT_EQ(text.size(), 44u);
    ASSERT_OK_AND_ASSIGN(const RecoveryKey typed, RecoveryKey::Parse(text));
    EXPECT_EQ(typed.public_key(), key.public_key());
    EXPECT_OK(typed.Confirm(key.public_key()));
  }
  EXPECT_NE(Text(RecoveryKey::Generate()), Text(RecoveryKey::Generate()));
}

TEST(RecoveryKeyTest, CaseSpacesAndLookAlikesDoNotMatter) {
  const RecoveryKey key = RecoveryKey::Generate();
  std::string text = Text(key);
  std::string typed;
  for (const char c : text) {
    if (c == '-') continue;
    if (c == '1') {
      typed += "l";
    } else if (c == '0') {
      typed += "o";
    } else {
      typed += static_cast<char>(std::tolower(c));
    }
    typed += " ";
  }
  ASSERT_OK_AND_ASSIGN(const RecoveryKey parsed,
                       RecoveryKey::Parse(typed + "\n"));
  EXPECT_EQ(parsed.public_key(), key.public_key());
}

TEST(RecoveryKeyTest, TypingErrorsAreFound) {
  const RecoveryKey key = RecoveryKey::Generate();
  const std::string good = Text(key);
  int wrong = 0;
  int passed = 0;
  for (size_t i = 0; i < good.size(); ++i) {
    if (good[i] == '-') continue;
    for (const char c : std::string(kAlphabet)) {
      if (c == good[i]) continue;
      std::string bad = good;
      bad[i] = c;
      ++wrong;
      passed += RecoveryKey::Parse(bad).ok() ? 1 : 0;
    }
    for (size_t j = i + 1; j < good.size(); ++j) {
      if (good[j] == '-' || good[j] == good[i]) continue;
      std::string bad = good;
      std::swap(bad[i], bad[j]);
      ++wrong;
      passed += RecoveryKey::Parse(bad).ok() ? 1 : 0;
    }
  }
  EXPECT_GT(wrong, 1500);
  // One in a million is the checksum's promise; two of these would be one in a
  // hundred thousand runs.
  EXPECT_LE(passed, 1);
}

TEST(RecoveryKeyTest, OtherLengthsAndCharactersAreRefused) {
  const std::string good = Text(RecoveryKey::Generate());
  for (size_t length = 0; length < good.size(); ++length) {
    EXPECT_THAT(RecoveryKey::Parse(good.substr(0, length)), StatusIs(kInvalid));
  }
  EXPECT_THAT(RecoveryKey::Parse(good + "0"), StatusIs(kInvalid));
  EXPECT_THAT(RecoveryKey::Parse(good + good), StatusIs(kInvalid));
  for (const char c : {'U', 'u', '!', '_', '\0', '\xff', '='}) {
    std::string bad = good;
    bad[6] = c;
    const auto parsed = RecoveryKey::Parse(bad);
    EXPECT_THAT(parsed, StatusIs(kInvalid));
    EXPECT_NE(parsed.status().ToString().find("character 7"),
              std::string::npos);
  }
}

TEST(RecoveryKeyTest, AnotherGatewaysKeyIsNotConfirmed) {
  const RecoveryKey key = RecoveryKey::Generate();
  EXPECT_THAT(key.Confirm(RecoveryKey::Generate().public_key()),
              StatusIs(kInvalid));
}

TEST(RecoveryKeyTest, SealedBackupOpensWithTheTypedKeyAlone) {
  const RecoveryKey key = RecoveryKey::Generate();
  for (const std::string& text :
       {std::string(), std::string("keys"), std::string(100000, 'k')}) {
    const std::vector<uint8_t> content = BytesOf(text);
    ASSERT_OK_AND_ASSIGN(const std::string sealed,
                         SealToRecoveryKey(key.public_key(), content));
    ASSERT_OK_AND_ASSIGN(const SecretBuffer opened, key.Open(BytesOf(sealed)));
    EXPECT_TRUE(opened == SecretBuffer::CopyOf(content));
    EXPECT_THAT(RecoveryKey::Generate().Open(BytesOf(sealed)),
                StatusIs(absl::StatusCode::kDataLoss));
  }
  ASSERT_OK_AND_ASSIGN(const std::string sealed,
                       SealToRecoveryKey(key.public_key(), BytesOf("keys")));
  for (size_t i = 0; i < sealed.size() * 8; ++i) {
    std::string bad = sealed;
    bad[i / 8] = static_cast<char>(bad[i / 8] ^ (1 << (i % 8)));
    ASSERT_THAT(key.Open(BytesOf(bad)), StatusIs(absl::StatusCode::kDataLoss))
        << i;
  }
  for (size_t length = 0; length < sealed.size(); ++length) {
    ASSERT_THAT(key.Open(BytesOf(sealed.substr(0, length))),
                StatusIs(absl::StatusCode::kDataLoss));
  }
  EXPECT_THAT(SealToRecoveryKey(RecoveryPublicKey{}, BytesOf("keys")),
              StatusIs(kInvalid));
}

}  // namespace
}  // namespace consentry::crypto
