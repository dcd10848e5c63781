#include "gateway/crypto/sealer.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "gateway/crypto/opener.h"
#include "tests/testing/grant_for_test.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/test_keys.h"

namespace consentry::crypto {
namespace {

using testing::GrantForTest;
using testing::StatusIs;
using testing::TestKeys;

constexpr FieldContext kWhere{FieldTable::kRecord, RowId(7), "profile.email", 2,
                              3};

class SealerTest : public ::testing::Test {
 protected:
  std::string Seal(std::string_view plaintext) {
    return Sealer::Seal(keys_, kWhere, plaintext).value();
  }
  absl::StatusOr<Plaintext> Open(std::string_view sealed,
                                 const FieldContext& where = kWhere) {
    return Opener::Open(grant_, keys_, where, sealed);
  }

  TestKeys all_;
  SubjectKeys keys_ = all_.NewSubject();
  Grant grant_ = GrantForTest::Make();
};

TEST_F(SealerTest, OpensWhatWasSealed) {
  for (const size_t size : {0, 1, 15, 16, 17, 256, 100000}) {
    const std::string plaintext(size, 'x');
    const std::string sealed = Seal(plaintext);
    EXPECT_EQ(sealed.size(), size + kSealOverhead);
    ASSERT_OK_AND_ASSIGN(const Plaintext opened, Open(sealed));
    EXPECT_EQ(opened.view(), plaintext);
  }
}

TEST_F(SealerTest, EqualValuesSealDifferently) {
  EXPECT_NE(Seal("value"), Seal("value"));
}

TEST_F(SealerTest, NoSealIsNotAnEmptyValue) {
  ASSERT_OK_AND_ASSIGN(const Plaintext opened, Open(Seal("")));
  EXPECT_TRUE(opened.empty());
  EXPECT_THAT(Open(Seal(std::string_view())), testing::IsOk());
  EXPECT_THAT(Open(""), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(Open(std::string_view()), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(SealerTest, EveryChangedBitIsFound) {
  for (const std::string plaintext : {"", "a value of somebody"}) {
    const std::string good = Seal(plaintext);
    for (size_t i = 0; i < good.size() * 8; ++i) {
      std::string bad = good;
      bad[i / 8] = static_cast<char>(bad[i / 8] ^ (1 << (i % 8)));
      // A changed generation is one that does not exist.
      EXPECT_THAT(Open(bad), StatusIs(i < 32 ? absl::StatusCode::kNotFound
                                             : absl::StatusCode::kDataLoss))
          << i;
    }
  }
}

TEST_F(SealerTest, EveryCutAndAddedBytesAreFound) {
  const std::string good = Seal("a value of somebody");
  for (size_t length = 0; length < good.size(); ++length) {
    EXPECT_THAT(Open(std::string_view(good).substr(0, length)),
                StatusIs(absl::StatusCode::kDataLoss));
    EXPECT_FALSE(
        Open(std::string_view(good).substr(good.size() - length)).ok());
  }
  EXPECT_THAT(Open(good + '\0'), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(SealerTest, EachPartOfTheContextCounts) {
  const std::string sealed = Seal("value");
  FieldContext where = kWhere;
  where.table = FieldTable::kIdentifier;
  EXPECT_THAT(Open(sealed, where), StatusIs(absl::StatusCode::kDataLoss));
  where = kWhere;
  where.row = RowId(8);
  EXPECT_THAT(Open(sealed, where), StatusIs(absl::StatusCode::kDataLoss));
  where = kWhere;
  where.field = "profile.emai";
  EXPECT_THAT(Open(sealed, where), StatusIs(absl::StatusCode::kDataLoss));
  where.field = "";
  EXPECT_THAT(Open(sealed, where), StatusIs(absl::StatusCode::kDataLoss));
  where = kWhere;
  where.schema = 3;
  EXPECT_THAT(Open(sealed, where), StatusIs(absl::StatusCode::kDataLoss));
  where = kWhere;
  where.row_generation = 2;
  EXPECT_THAT(Open(sealed, where), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_OK(Open(sealed));
}

TEST_F(SealerTest, RowNumbersAndRowIdsNeverMeet) {
  const ObjectId zero{};
  EXPECT_NE(RowId(0).bytes(), RowId(zero).bytes());
  ObjectId one{};
  one[14] = 1;
  EXPECT_NE(RowId(1).bytes(), RowId(one).bytes());
  EXPECT_NE(RowId(zero).bytes(), RowId(one).bytes());
}

TEST_F(SealerTest, AnotherSubjectsKeysDoNotOpen) {
  const std::string sealed = Seal("value");
  const SubjectKeys other = all_.NewSubject();
  EXPECT_THAT(Opener::Open(grant_, other, kWhere, sealed),
              StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(SealerTest, FactsAndFieldsDoNotOpenAsOneAnother) {
  const FactContext fact{FactTable::kSubjectHead, kWhere.row, kWhere.field,
                         kWhere.schema, kWhere.row_generation};
  EXPECT_THAT(FactOpener::Open(keys_, fact, Seal("value")),
              StatusIs(absl::StatusCode::kDataLoss));
  ASSERT_OK_AND_ASSIGN(const std::string sealed,
                       Sealer::Seal(keys_, fact, "head"));
  ASSERT_OK_AND_ASSIGN(const Plaintext opened,
                       FactOpener::Open(keys_, fact, sealed));
  EXPECT_EQ(opened.view(), "head");
  EXPECT_THAT(Open(sealed), StatusIs(absl::StatusCode::kDataLoss));
  // A field's number under a fact's type is refused, not encoded.
  FactContext forged = fact;
  forged.table = static_cast<FactTable>(FieldTable::kRecord);
  EXPECT_THAT(FactOpener::Open(keys_, forged, Seal("value")),
              StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(SealerTest, UsedUpGrantOpensNothing) {
  const std::string sealed = Seal("value");
  Grant taken = std::move(grant_);
  EXPECT_THAT(Open(sealed), StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_OK(Opener::Open(taken, keys_, kWhere, sealed));
  EXPECT_EQ(taken.purpose(), "test");
}

TEST_F(SealerTest, BoundsAreKept) {
  FieldContext where = kWhere;
  const std::string longest(255, 'f');
  where.field = longest;
  EXPECT_OK(Sealer::Seal(keys_, where, "value"));
  const std::string too_long(256, 'f');
  where.field = too_long;
  EXPECT_THAT(Sealer::Seal(keys_, where, "value"),
              StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(
      Sealer::Seal(keys_, kWhere, std::string(kMaxSealedPlaintext + 1, 'x')),
      StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST_F(SealerTest, ResealMovesAValueToTheNewGeneration) {
  const std::string sealed = Seal("kept");
  ASSERT_OK_AND_ASSIGN(
      const SubjectKeys both,
      all_.slots().AddGeneration(keys_.subject(), {.data = true}));
  FieldContext to = kWhere;
  ++to.row_generation;
  ASSERT_OK_AND_ASSIGN(const std::string anew,
                       Resealer::Reseal(both, kWhere, to, sealed));
  EXPECT_EQ(SealedGeneration(sealed).value(), 1u);
  EXPECT_EQ(SealedGeneration(anew).value(), 2u);
  EXPECT_OK(Opener::Open(grant_, both, kWhere, sealed));
  ASSERT_OK(all_.slots().DropPrevious(keys_.subject(), {.data = true}, 5));

  ASSERT_OK_AND_ASSIGN(const SubjectKeys after,
                       all_.slots().Load(keys_.subject()));
  ASSERT_OK_AND_ASSIGN(const Plaintext opened,
                       Opener::Open(grant_, after, to, anew));
  EXPECT_EQ(opened.view(), "kept");
  EXPECT_THAT(Opener::Open(grant_, after, kWhere, sealed),
              StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(SealerTest, HashesASealedIdentifierAsIfItLayOpen) {
  const auto epochs = all_.epochs().keys();
  const uint32_t number = epochs->suppression_keys().front();
  const FieldContext where{FieldTable::kIdentifier, RowId(9), "", 1, 0};
  ASSERT_OK_AND_ASSIGN(const std::string sealed,
                       Sealer::Seal(keys_, where, "anna@example.com"));
  ASSERT_OK_AND_ASSIGN(
      const SuppressionHash hash,
      SealedIdentifierHasher::Hash(keys_, where, sealed, *epochs, number,
                                   IdentifierType::kEmail, ""));
  ASSERT_OK_AND_ASSIGN(
      const SuppressionHash open,
      ComputeSuppressionHash(*epochs, number, IdentifierType::kEmail, "",
                             "anna@example.com"));
  EXPECT_EQ(hash, open);
  // Moved to another row it is nobody's.
  const FieldContext other{FieldTable::kIdentifier, RowId(8), "", 1, 0};
  EXPECT_THAT(SealedIdentifierHasher::Hash(keys_, other, sealed, *epochs,
                                           number, IdentifierType::kEmail, ""),
              StatusIs(absl::StatusCode::kDataLoss));
}

}  // namespace
}  // namespace consentry::crypto
