#include "gateway/crypto/system_seal.h"

#include <gtest/gtest.h>

#include <string>

#include "gateway/crypto/sealer.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_keys.h"

namespace consentry::crypto {
namespace {

using testing::StatusIs;
using testing::TestKeys;

constexpr SystemContext kWhere{SystemTable::kStaff, RowId(1), "name", 1, 1};

TEST(SystemSealTest, OpensAlsoAfterANewKeyCame) {
  TestKeys all;
  ASSERT_OK_AND_ASSIGN(
      const std::string sealed,
      SystemSeal::Seal(*all.epochs().keys(), kWhere, "somebody"));
  ASSERT_OK(all.epochs().AddSystemKey(TestKeys::kNowUs));
  ASSERT_OK(all.epochs().AddEpoch(TestKeys::kNowUs));
  ASSERT_OK_AND_ASSIGN(const Plaintext opened,
                       SystemSeal::Open(*all.epochs().keys(), kWhere, sealed));
  EXPECT_EQ(opened.view(), "somebody");
  ASSERT_OK_AND_ASSIGN(
      const std::string anew,
      SystemSeal::Seal(*all.epochs().keys(), kWhere, "somebody"));
  EXPECT_EQ(SealedGeneration(sealed).value(), 1u);
  EXPECT_EQ(SealedGeneration(anew).value(), 2u);
}

TEST(SystemSealTest, AnotherContextOrKeyDoesNotOpen) {
  TestKeys all;
  TestKeys others;
  ASSERT_OK_AND_ASSIGN(
      const std::string sealed,
      SystemSeal::Seal(*all.epochs().keys(), kWhere, "somebody"));
  EXPECT_THAT(SystemSeal::Open(*others.epochs().keys(), kWhere, sealed),
              StatusIs(absl::StatusCode::kDataLoss));
  SystemContext where = kWhere;
  where.table = SystemTable::kClient;
  EXPECT_THAT(SystemSeal::Open(*all.epochs().keys(), where, sealed),
              StatusIs(absl::StatusCode::kDataLoss));
  where = kWhere;
  where.row = RowId(2);
  EXPECT_THAT(SystemSeal::Open(*all.epochs().keys(), where, sealed),
              StatusIs(absl::StatusCode::kDataLoss));
}

}  // namespace
}  // namespace consentry::crypto
