#include "gateway/crypto/ids.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "gateway/crypto/base32.h"
#include "tests/testing/status_matchers.h"

namespace consentry::crypto {
namespace {

using testing::StatusIs;

std::vector<uint8_t> BytesOf(std::string_view text) {
  return {text.begin(), text.end()};
}

// RFC 4648 section 10, in lower case and without padding.
TEST(Base32Test, VectorsOfTheRfc) {
  const std::pair<std::string, std::string> kVectors[] = {
      {"", ""},
      {"f", "my"},
      {"fo", "mzxq"},
      {"foo", "mzxw6"},
      {"foob", "mzxw6yq"},
      {"fooba", "mzxw6ytb"},
      {"foobar", "mzxw6ytboi"}};
  for (const auto& [plain, text] : kVectors) {
    EXPECT_EQ(Base32Encode(BytesOf(plain)), text);
    std::vector<uint8_t> out(plain.size());
    EXPECT_TRUE(Base32Decode(text, out));
    EXPECT_EQ(out, BytesOf(plain));
  }
}

TEST(Base32Test, SetBitsAfterTheEndAreRefused) {
  uint8_t out[1];
  EXPECT_TRUE(Base32Decode("my", out));
  EXPECT_FALSE(Base32Decode("mz", out));
  EXPECT_FALSE(Base32Decode("m7", out));
}

TEST(IdsTest, RoundTripForEveryKind) {
  for (int k = 0; k <= static_cast<int>(IdKind::kEvent); ++k) {
    const auto kind = static_cast<IdKind>(k);
    const ObjectId id = NewObjectId();
    const std::string text = FormatId(kind, id);
    EXPECT_EQ(text.size(), 28u);
    ASSERT_OK_AND_ASSIGN(const ObjectId parsed, ParseId(kind, text));
    EXPECT_EQ(parsed, id);
    for (int other = 0; other <= static_cast<int>(IdKind::kEvent); ++other) {
      if (other == k) continue;
      EXPECT_THAT(ParseId(static_cast<IdKind>(other), text),
                  StatusIs(absl::StatusCode::kInvalidArgument));
    }
  }
}

TEST(IdsTest, TwoIdsDiffer) { EXPECT_NE(NewObjectId(), NewObjectId()); }

TEST(IdsTest, AnyOtherSpellingIsRefused) {
  const std::string good = "cus_mfrggzdfmztwq2lkmfrggzdf";
  EXPECT_OK(ParseId(IdKind::kSubject, good));
  std::vector<std::string> bad = {"",
                                  "cus_",
                                  good + "a",
                                  good + "=",
                                  " " + good,
                                  good + "\n",
                                  "CUS_mfrggzdfmztwq2lkmfrggzdf",
                                  good.substr(4)};
  for (size_t i = 0; i < good.size(); ++i) bad.push_back(good.substr(0, i));
  for (size_t i = 4; i < good.size(); ++i) {
    for (const char c : {'A', '0', '1', '8', '-', '_', '\0', '\xff'}) {
      std::string changed = good;
      changed[i] = c;
      bad.push_back(changed);
    }
  }
  for (const std::string& text : bad) {
    EXPECT_THAT(ParseId(IdKind::kSubject, text),
                StatusIs(absl::StatusCode::kInvalidArgument));
  }
}

}  // namespace
}  // namespace consentry::crypto
