#include "policy/rights/erasure_plan.h"

#include <gtest/gtest.h>

#include <string>

#include "policy/engine/civil.h"

namespace consentry::policy {
namespace {

config::v1::Catalog CatalogOf() {
  config::v1::Catalog catalog;
  auto* profile = catalog.add_kinds();
  profile->set_key("profile");
  profile->add_fields()->set_key("email");
  auto* order = catalog.add_kinds();
  order->set_key("order");
  auto* total = order->add_fields();
  total->set_key("total");
  auto* ground = total->add_keep();
  ground->set_citation("HGB s. 257");
  ground->set_months(96);
  ground->add_jurisdictions("DE");
  order->add_fields()->set_key("basket");
  return catalog;
}

config::v1::ControllerProfile In(const std::string& home) {
  config::v1::ControllerProfile profile;
  profile.set_home(home);
  return profile;
}

int64_t At(const std::string& day) {
  return ParseTime(day + "T00:00:00Z").value();
}

const int64_t kNow = At("2026-06-01");

TEST(ErasurePlan, ErasesWhatNoGroundKeeps) {
  const ErasurePlan plan = PlanErasure(
      CatalogOf(), In("DE"), {{"profile.email", At("2025-01-01")}}, {}, kNow);
  EXPECT_FALSE(plan.keeps_any);
  EXPECT_FALSE(plan.values[0].has_value());
  ASSERT_EQ(plan.fields.size(), 1u);
  EXPECT_FALSE(plan.fields[0].kept.has_value());
  EXPECT_EQ(plan.next_us, 0);
}

TEST(ErasurePlan, KeepsAnInvoiceFromItsCollectionOn) {
  const ErasurePlan plan = PlanErasure(
      CatalogOf(), In("DE"),
      {{"order.total", At("2025-01-31")}, {"order.basket", At("2025-01-31")}},
      {}, kNow);
  ASSERT_TRUE(plan.values[0].has_value());
  EXPECT_EQ(plan.values[0]->ground, "HGB s. 257");
  EXPECT_EQ(plan.values[0]->until_us, At("2033-01-31"));
  EXPECT_FALSE(plan.values[1].has_value());
  EXPECT_EQ(plan.next_us, At("2033-01-31"));
  ASSERT_EQ(plan.fields.size(), 2u);
  EXPECT_EQ(plan.fields[0].field, "order.basket");
  EXPECT_FALSE(plan.fields[0].kept.has_value());
  EXPECT_TRUE(plan.fields[1].kept.has_value());
}

TEST(ErasurePlan, ErasesTheRecordWhoseGroundHasEndedBesideOneThatStands) {
  const ErasurePlan plan = PlanErasure(
      CatalogOf(), In("DE"),
      {{"order.total", At("2018-05-31")}, {"order.total", At("2018-06-02")}},
      {}, kNow);
  EXPECT_FALSE(plan.values[0].has_value());
  ASSERT_TRUE(plan.values[1].has_value());
  ASSERT_EQ(plan.fields.size(), 1u);
  EXPECT_EQ(plan.fields[0].kept->until_us, At("2026-06-02"));
  EXPECT_EQ(plan.next_us, At("2026-06-02"));
}

TEST(ErasurePlan, AGroundEndsInTheMomentThatItNames) {
  const std::vector<HeldValue> value = {{"order.total", At("2018-06-01")}};
  EXPECT_FALSE(PlanErasure(CatalogOf(), In("DE"), value, {}, kNow).keeps_any);
  EXPECT_TRUE(
      PlanErasure(CatalogOf(), In("DE"), value, {}, kNow - 1).keeps_any);
}

TEST(ErasurePlan, AGroundBindsWhereTheBusinessIsEstablished) {
  const std::vector<HeldValue> value = {{"order.total", At("2025-01-31")}};
  EXPECT_FALSE(PlanErasure(CatalogOf(), In("FR"), value, {}, kNow).keeps_any);
  auto branch = In("FR");
  branch.add_establishments("DE-BY");
  EXPECT_TRUE(PlanErasure(CatalogOf(), branch, value, {}, kNow).keeps_any);
  // A place whose code begins alike is another place.
  EXPECT_FALSE(PlanErasure(CatalogOf(), In("DEX"), value, {}, kNow).keeps_any);
}

TEST(ErasurePlan, AHoldKeepsWhatItNamesUntilItIsLifted) {
  const std::vector<HeldValue> values = {{"profile.email", At("2025-01-01")},
                                         {"order.basket", At("2025-01-01")},
                                         {"order.total", At("2025-01-01")}};
  const Retained hold = {{"order.*"}, "GDPR Art. 17(3)(e)", "case 7", 0};
  const ErasurePlan plan =
      PlanErasure(CatalogOf(), In("DE"), values, {hold}, kNow);
  EXPECT_FALSE(plan.values[0].has_value());
  ASSERT_TRUE(plan.values[1].has_value());
  EXPECT_EQ(plan.values[1]->document, "case 7");
  // Without an end it outlasts the law's own term.
  EXPECT_EQ(plan.values[2]->ground, "GDPR Art. 17(3)(e)");
  EXPECT_EQ(plan.values[2]->until_us, 0);
  EXPECT_EQ(plan.next_us, 0);
  EXPECT_TRUE(plan.keeps_any);
}

TEST(ErasurePlan, AHoldThatHasEndedKeepsNothing) {
  const Retained hold = {{}, "GDPR Art. 17(3)(e)", "", kNow};
  EXPECT_FALSE(PlanErasure(CatalogOf(), In("DE"),
                           {{"profile.email", At("2025-01-01")}}, {hold}, kNow)
                   .keeps_any);
}

TEST(ErasurePlan, AFieldThatTheCatalogLostHasNoGround) {
  EXPECT_FALSE(PlanErasure(CatalogOf(), In("DE"),
                           {{"order.#17", At("2025-01-01")}}, {}, kNow)
                   .keeps_any);
}

TEST(ErasurePlan, APatternNamesItsOwnKindAlone) {
  const Retained hold = {{"order.*", "profile.email"}, "", "", 0};
  EXPECT_TRUE(Names(hold, "order.total"));
  EXPECT_TRUE(Names(hold, "profile.email"));
  EXPECT_FALSE(Names(hold, "profile.emails"));
  EXPECT_FALSE(Names(hold, "orders.total"));
  EXPECT_TRUE(Names(Retained{}, "anything.at_all"));
}

}  // namespace
}  // namespace consentry::policy
