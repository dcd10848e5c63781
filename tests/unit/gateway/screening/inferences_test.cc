// What released segments and scores leave in the vault.
#include "gateway/screening/inferences.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>

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

TEST_F(InferencesTest, WhatAHumanBlocksWhileItIsWrittenIsTakenBack) {
  const auto configured = parts().configuration;
  // Whenever in the sweep it happens.
  for (int step = 1; step <= 9; ++step) {
    const std::string id = "s-" + std::to_string(step);
    const std::string anna = Reader("anna-" + std::to_string(step));
    ASSERT_EQ(Segment(anna, id, "gold"), v1::VERDICT_RELEASED);
    int calls = 0;
    parts().configuration = [&, sweeper = std::this_thread::get_id()] {
      if (std::this_thread::get_id() == sweeper && ++calls == step) {
        store::Change change;
        change.apply = [&](store::ChangeContext& context) -> absl::Status {
          auto query = context.connection()->Prepare(
              "SELECT MAX(screening_no) FROM screenings");
          if (!query.ok() || !query->Step().ok()) return query.status();
          const auto row =
              parts().rows->ReadByNumber(context.connection(), query->Int64(0));
          if (!row.ok()) return row.status();
          store::v1::Leaf leaf;
          const absl::Status status = target().Apply(
              context, row->doc.id(), review::Ruling::kBlock, "", &leaf);
          context.SetEntry(leaf.SerializeAsString());
          return status;
        };
        EXPECT_OK(committer()->CommitChangeAndWait(std::move(change)).status);
      }
      return configured();
    };
    ASSERT_OK(inferences().Sweep());
    parts().configuration = configured;
    if (calls < step) {
      // Its steps are over.
      EXPECT_GT(step, 3);
      break;
    }
    ASSERT_OK(inferences().Sweep());
    EXPECT_EQ(Tier(anna), "") << step;
    EXPECT_EQ(Rows("inferences"), 0) << step;
  }
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

TEST_F(InferencesTest, AnUnfairModelLeavesNoneAndWhatIsWrittenStays) {
  ToldGate gate;
  WatchWith(&gate);
  const std::string anna = Reader("anna");
  const std::string berta = Reader("berta");
  ASSERT_EQ(Segment(anna, "s-1", "gold"), v1::VERDICT_RELEASED);
  ASSERT_OK(inferences().Sweep());
  ASSERT_EQ(Segment(berta, "s-2", "gold"), v1::VERDICT_RELEASED);
  gate.Stand("1", conduct::Action::kBlock);
  clock().AdvanceUs(2 * kUsPerDay);
  ASSERT_OK(inferences().Sweep());
  EXPECT_EQ(Tier(anna), "gold (screening)");
  EXPECT_EQ(Tier(berta), "");
  EXPECT_EQ(Rows("inferences"), 1);
  Withdraw(anna);
  ASSERT_OK(inferences().Sweep());
  EXPECT_EQ(Tier(anna), "");
}

TEST_F(InferencesTest, AnAgeThatIsLearntLaterTakesItBack) {
  const std::string anna = Reader("anna");
  ASSERT_EQ(Segment(anna, "s-1", "gold"), v1::VERDICT_RELEASED);
  ASSERT_OK(inferences().Sweep());
  // Of age: it stays.
  ImportOne("crm",
            testing::RowBuilder("profile", "anna").BirthDate("1990-04-01"));
  ASSERT_OK(inferences().Sweep());
  EXPECT_EQ(Tier(anna), "gold (screening)");
  // Nobody under age is profiled.
  ImportOne("crm",
            testing::RowBuilder("profile", "anna").BirthDate("2013-04-01"));
  ASSERT_OK(inferences().Sweep());
  EXPECT_EQ(Tier(anna), "");
  EXPECT_EQ(Rows("inferences"), 0);
}

TEST_F(InferencesTest, ADeclaredMinorIsNotProfiledEither) {
  const std::string anna = Reader("anna");
  ASSERT_EQ(Segment(anna, "s-1", "gold"), v1::VERDICT_RELEASED);
  ASSERT_OK(inferences().Sweep());
  ASSERT_OK(Declare(anna, v1::VULNERABILITY_KIND_MINOR));
  ASSERT_OK(inferences().Sweep());
  EXPECT_EQ(Tier(anna), "");
}

TEST_F(InferencesTest, AMoveToWhereItMayNotBeSaidTakesItBack) {
  const std::string anna = Reader("anna");
  ASSERT_EQ(Segment(anna, "s-1", "gold"), v1::VERDICT_RELEASED);
  ASSERT_OK(inferences().Sweep());
  // The owner forbids it there.
  SetOwnerPack(R"pb(
    id: "own"
    kind: OWNER
    owner_rules {
      rule { id: "not-there" citation: "own" }
      purposes: "test.letters"
      jurisdictions: "BR"
      effect: DENY
    })pb");
  ASSERT_OK(inferences().Sweep());
  ASSERT_EQ(Tier(anna), "gold (screening)");
  ImportOne("crm", testing::RowBuilder("profile", "anna").Residence("BR"));
  ASSERT_OK(inferences().Sweep());
  EXPECT_EQ(Tier(anna), "");
}

TEST_F(InferencesTest, AConsentThatEndsByItselfTakesItBackWithinADay) {
  const std::string anna = Person("anna");
  Give(anna, kLettersPurpose, kNowUs + 2 * kUsPerDay);
  ASSERT_EQ(Segment(anna, "s-1", "gold"), v1::VERDICT_RELEASED);
  ASSERT_OK(inferences().Sweep());
  clock().AdvanceUs(kUsPerDay);
  ASSERT_OK(inferences().Sweep());
  EXPECT_EQ(Tier(anna), "gold (screening)");
  // Nothing of hers changes.
  clock().AdvanceUs(2 * kUsPerDay);
  ASSERT_OK(inferences().Sweep());
  EXPECT_EQ(Tier(anna), "");
}

TEST_F(InferencesTest, WhatAHumanDecidesLaterIsWhatIsKept) {
  const std::string anna = Reader("anna");
  ASSERT_EQ(Segment(anna, "s-1", "gold"), v1::VERDICT_RELEASED);
  ASSERT_OK(inferences().Sweep());
  v1::ListScreeningsRequest list;
  const auto listed = Wait<v1::ListScreeningsResponse>([&](auto done) {
    screening_reads().List(As("letters"), list, std::move(done));
  });
  ASSERT_OK(listed);
  const std::string id = listed->screenings(0).id();
  const auto rule = [&](review::Ruling ruling, const std::string& outcome) {
    store::Change change;
    change.apply = [&](store::ChangeContext& context) -> absl::Status {
      store::v1::Leaf leaf;
      const absl::Status status =
          target().Apply(context, id, ruling, outcome, &leaf);
      context.SetEntry(leaf.SerializeAsString());
      return status;
    };
    ASSERT_OK(committer()->CommitChangeAndWait(std::move(change)).status);
    ASSERT_OK(inferences().Sweep());
  };
  rule(review::Ruling::kReleaseChanged, "silver");
  EXPECT_EQ(Tier(anna), "silver (screening)");
  EXPECT_EQ(Rows("inferences"), 1);
  rule(review::Ruling::kBlock, "");
  EXPECT_EQ(Tier(anna), "");
  EXPECT_EQ(Rows("inferences"), 0);
}

TEST_F(InferencesTest, OneThatCannotBeOpenedKeepsNoOtherFromItsEnd) {
  const std::string anna = Reader("anna");
  const std::string berta = Reader("berta");
  ASSERT_EQ(Segment(anna, "s-1", "gold"), v1::VERDICT_RELEASED);
  ASSERT_EQ(Segment(berta, "s-2", "gold"), v1::VERDICT_RELEASED);
  ASSERT_OK(inferences().Sweep());
  Tamper("UPDATE inferences SET doc = $1 WHERE subject = " +
             std::to_string(Number(anna)),
         "broken");
  Withdraw(berta);
  ASSERT_OK(inferences().Sweep());
  EXPECT_EQ(Tier(berta), "");
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
