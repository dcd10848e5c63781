// What released segments and scores leave in the vault.
#include "gateway/screening/inferences.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/unit/gateway/screening/screening_fixture.h"

namespace consentry::screening {
namespace {

using testing::kLettersPurpose;

class InferencesTest : public ::testing::Test, public ScreeningFixture {
 protected:
  InferencesTest() {
    auto* segment = parts().settings.add_inferred();
    segment->set_output("segment");
    segment->set_label_field("profile.tier");
    segment->set_keep_days(30);
    keeping_ = std::make_unique<Screener>(parts());
    inferences_ = std::make_unique<Inferences>(
        Inferences::Options{.parts = &parts(),
                            .writer = &writer(),
                            .slots = &keys().slots(),
                            .cache = &cache()});
  }

  std::string Reader(const std::string& key) {
    const std::string id = Person(key);
    Give(id, kLettersPurpose);
    return id;
  }

  v1::Verdict Segment(const std::string& subject, const std::string& id,
                      const std::string& label) {
    auto request = Letter(subject, id);
    request.mutable_output()->set_kind(v1::OUTPUT_KIND_SEGMENT);
    request.mutable_output()->clear_text();
    request.mutable_output()->set_model("tiers");
    request.mutable_output()->set_label(label);
    auto [done, future] = testing::Promised<
        absl::StatusOr<access::Released<v1::ScreenOutputResponse>>>();
    keeping_->Screen(As("letters"), request, std::move(done));
    auto released = future.get();
    EXPECT_OK(released);
    return released.ok() ? released->response.verdict()
                         : v1::VERDICT_UNSPECIFIED;
  }
  std::string Tier(const std::string& subject) {
    const auto profile = Profile(Number(subject));
    const auto found = profile.find("profile.tier");
    if (found != profile.end()) return found->second;
    const auto plain = profile.find("tier");
    return plain == profile.end() ? "" : plain->second;
  }
  Inferences& inferences() { return *inferences_; }

 private:
  std::unique_ptr<Screener> keeping_;
  std::unique_ptr<Inferences> inferences_;
};

TEST_F(InferencesTest, AReleasedSegmentBecomesARecordWithItsSource) {
  const std::string anna = Reader("anna");
  ASSERT_EQ(Segment(anna, "s-1", "gold"), v1::VERDICT_RELEASED);
  ASSERT_OK(inferences().Sweep());
  EXPECT_EQ(Tier(anna), "gold (screening)");
  // Again: nothing is left to do.
  const int64_t before = Rows("records");
  ASSERT_OK(inferences().Sweep());
  EXPECT_EQ(Rows("records"), before);
  EXPECT_EQ(Rows("inferences"), 1);
}

TEST_F(InferencesTest, WhatIsBlockedLeavesNone) {
  const std::string anna = Person("anna");
  ASSERT_EQ(Segment(anna, "s-1", "gold"), v1::VERDICT_BLOCKED);
  ASSERT_OK(inferences().Sweep());
  EXPECT_EQ(Tier(anna), "");
  EXPECT_EQ(Rows("inferences"), 0);
}

TEST_F(InferencesTest, AWithdrawalTakesItBack) {
  const std::string anna = Reader("anna");
  ASSERT_EQ(Segment(anna, "s-1", "gold"), v1::VERDICT_RELEASED);
  ASSERT_OK(inferences().Sweep());
  Withdraw(anna);
  ASSERT_OK(inferences().Sweep());
  EXPECT_EQ(Tier(anna), "");
  EXPECT_EQ(Rows("inferences"), 0);
}

TEST_F(InferencesTest, AWithdrawalBeforeItWasWrittenLeavesNone) {
  const std::string anna = Reader("anna");
  ASSERT_EQ(Segment(anna, "s-1", "gold"), v1::VERDICT_RELEASED);
  Withdraw(anna);
  ASSERT_OK(inferences().Sweep());
  EXPECT_EQ(Tier(anna), "");
  EXPECT_EQ(Rows("inferences"), 0);
}

TEST_F(InferencesTest, ItEndsAfterItsDays) {
  const std::string anna = Reader("anna");
  ASSERT_EQ(Segment(anna, "s-1", "gold"), v1::VERDICT_RELEASED);
  ASSERT_OK(inferences().Sweep());
  clock().AdvanceUs(31 * kUsPerDay);
  ASSERT_OK(inferences().Sweep());
  EXPECT_EQ(Tier(anna), "");
}

TEST_F(InferencesTest, ALaterOneTakesThePlaceOfAnEarlierOne) {
  const std::string anna = Reader("anna");
  ASSERT_EQ(Segment(anna, "s-1", "gold"), v1::VERDICT_RELEASED);
  ASSERT_OK(inferences().Sweep());
  clock().AdvanceUs(20 * kUsPerDay);
  ASSERT_EQ(Segment(anna, "s-2", "silver"), v1::VERDICT_RELEASED);
  ASSERT_OK(inferences().Sweep());
  EXPECT_EQ(Tier(anna), "silver (screening)");
  // The end of the first is not the end of the second.
  clock().AdvanceUs(15 * kUsPerDay);
  ASSERT_OK(inferences().Sweep());
  EXPECT_EQ(Tier(anna), "silver (screening)");
  EXPECT_EQ(Rows("inferences"), 1);
}

}  // namespace
}  // namespace consentry::screening
