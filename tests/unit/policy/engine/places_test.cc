#include "policy/engine/places.h"

#include <gtest/gtest.h>

namespace consentry::policy {
namespace {

TEST(Places, CodesAreToldFromOtherText) {
  for (const char* code : {"DE", "US-CA", "GB-ENG", "FR-75", "XK-1"}) {
    EXPECT_TRUE(IsPlaceCode(code)) << code;
  }
  for (const char* code : {"", "D", "de", "DEU", "US-", "US-CALI", "US-ca",
                           "US CA", "US-*", "U1", "UK", "UK-ENG", "EL"}) {
    EXPECT_FALSE(IsPlaceCode(code)) << code;
  }
}

TEST(Places, CountryCoversItsPartsAndNotTheOtherWay) {
  EXPECT_TRUE(Covers("US", "US-CA"));
  EXPECT_FALSE(Covers("US-CA", "US"));
  EXPECT_FALSE(Covers("US-CA", "US-VA"));
  EXPECT_TRUE(Matches("US-CA", "US"));
  EXPECT_FALSE(Matches("US-CA", "US-VA"));
}

class PlaceTableTest : public ::testing::Test {
 protected:
  const PlaceTable table_{{"DE", "US-CA"}};
};

TEST_F(PlaceTableTest, UnnamedPartIsNotTakenForItsWholeCountry) {
  const auto texas = table_.Find("US-TX");
  const auto country = table_.Find("US");
  ASSERT_TRUE(texas && country);
  EXPECT_NE(*texas, *country);
  const PlaceSet california = table_.Matching({"US-CA"});
  // A customer known only as "US" may be a Californian; a Texan is not.
  EXPECT_TRUE(california.Has(*country));
  EXPECT_FALSE(california.Has(*texas));
  EXPECT_TRUE(table_.Matching({"US"}).Has(*texas));
}

TEST_F(PlaceTableTest, CountryThatNoFileNamesIsElsewhere) {
  EXPECT_EQ(table_.Find("BR"), kElsewhere);
  EXPECT_EQ(table_.Find("BR-SP"), kElsewhere);
  EXPECT_FALSE(table_.Find("Brazil"));
}

TEST_F(PlaceTableTest, CodesReadBackAsTheSamePlace) {
  for (const char* code : {"DE", "US-CA", "US", "US-TX", "BR", "DE-BY"}) {
    const auto id = table_.Find(code);
    ASSERT_TRUE(id);
    EXPECT_EQ(table_.Find(table_.Code(*id)), id) << code;
  }
}

TEST_F(PlaceTableTest, CoveringIsStricterThanMatching) {
  EXPECT_FALSE(table_.Covered({"US-CA"}).Has(*table_.Find("US")));
  EXPECT_TRUE(table_.Covered({"US"}).Has(*table_.Find("US-CA")));
}

}  // namespace
}  // namespace consentry::policy
