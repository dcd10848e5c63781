#include "gateway/crypto/blind_index.h"

#include <gtest/gtest.h>

#include "tests/testing/status_matchers.h"
#include "tests/testing/test_keys.h"

namespace consentry::crypto {
namespace {

using testing::StatusIs;
using testing::TestKeys;

class BlindIndexTest : public ::testing::Test {
 protected:
  BlindIndex Of(IdentifierType type, std::string_view name_space,
                std::string_view value) {
    return ComputeBlindIndex(*all_.epochs().keys(), 1, type, name_space, value)
        .value();
  }
  TestKeys all_;
};

TEST_F(BlindIndexTest, EqualInputsMeetAndOthersDoNot) {
  const BlindIndex index = Of(IdentifierType::kExternalId, "crm", "42");
  EXPECT_EQ(index, Of(IdentifierType::kExternalId, "crm", "42"));
  EXPECT_NE(index, Of(IdentifierType::kCustom, "crm", "42"));
  EXPECT_NE(index, Of(IdentifierType::kExternalId, "shop", "42"));
  EXPECT_NE(index, Of(IdentifierType::kExternalId, "crm", "43"));
  // The border between namespace and value counts.
  EXPECT_NE(Of(IdentifierType::kExternalId, "crm4", "2"), index);
  EXPECT_NE(Of(IdentifierType::kExternalId, "", "crm42"),
            Of(IdentifierType::kExternalId, "crm42", ""));
}

TEST_F(BlindIndexTest, AnotherEpochsKeyGivesAnotherIndex) {
  const BlindIndex index = Of(IdentifierType::kEmail, "", "a@b.example");
  ASSERT_OK(all_.epochs().AddEpoch(TestKeys::kNowUs));
  ASSERT_OK_AND_ASSIGN(
      const BlindIndex next,
      ComputeBlindIndex(*all_.epochs().keys(), 2, IdentifierType::kEmail, "",
                        "a@b.example"));
  EXPECT_NE(index, next);
  EXPECT_THAT(ComputeBlindIndex(*all_.epochs().keys(), 3,
                                IdentifierType::kEmail, "", "a@b.example"),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(BlindIndexTest, SuppressionHashIsAnother) {
  ASSERT_OK_AND_ASSIGN(
      const SuppressionHash hash,
      ComputeSuppressionHash(*all_.epochs().keys(), 1, IdentifierType::kEmail,
                             "", "a@b.example"));
  const BlindIndex index = Of(IdentifierType::kEmail, "", "a@b.example");
  EXPECT_FALSE(std::equal(index.begin(), index.end(), hash.begin()));
  EXPECT_THAT(ComputeSuppressionHash(*all_.epochs().keys(), 9,
                                     IdentifierType::kEmail, "", "a@b.example"),
              StatusIs(absl::StatusCode::kNotFound));
}

}  // namespace
}  // namespace consentry::crypto
