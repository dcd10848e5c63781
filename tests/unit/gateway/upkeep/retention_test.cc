#include "gateway/upkeep/retention.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "gateway/vault/due_month.h"
#include "tests/testing/access_fixture.h"
#include "tests/testing/status_matchers.h"

namespace consentry::upkeep {
namespace {

using testing::AccessFixture;
using testing::RowBuilder;

constexpr int64_t kSecondUs = 1'000'000;
constexpr int64_t kMonthUs = int64_t{31} * 24 * 3600 * kSecondUs;

class RetentionTest : public ::testing::Test, public AccessFixture {
 protected:
  RetentionTest()
      : retention_({.configuration = [this] { return configuration(); },
                    .committer = committer(),
                    .readers = readers(),
                    .epochs = &keys().epochs(),
                    .slots = &keys().slots(),
                    .cache = &cache(),
                    .log_origin = "test.log"}) {}

  // Tier ends after 12 months, city after 24, the rest after 36.
  std::string Customer(const std::string& key) {
    return ImportOne("crm", RowBuilder("profile", key)
                                .Email(key + "@example.com", true)
                                .Text("first_name", "Anna")
                                .Text("email", key + "@example.com")
                                .Text("city", "Ulm")
                                .Text("tier", "gold")
                                .Residence("DE"))
        .subject_id;
  }
  RetentionCounts Run() {
    auto counts = retention_.Run([] { return true; });
    EXPECT_OK(counts);
    return counts.ok() ? *counts : RetentionCounts();
  }
  void AfterMonths(int months) { clock().SetNowUs(kNowUs + months * kMonthUs); }
  void Hold(const std::string& id) {
    store::Change change;
    change.apply = [this, id](store::ChangeContext& context) -> absl::Status {
      auto edit = vault::HeadEdit::Begin(&context, keys().slots(), Number(id));
      if (!edit.ok()) return edit.status();
      edit->head().set_legal_hold(true);
      context.SetEntry("hold");
      return edit->Write(&cache());
    };
    ASSERT_OK(committer()->CommitChangeAndWait(std::move(change)).status);
  }

  Retention retention_;
};

TEST_F(RetentionTest, RemovesWhatIsPastItsTimeAndNothingElse) {
  const std::string id = Customer("anna");
  EXPECT_TRUE(Run().fields.empty());
  AfterMonths(14);
  const RetentionCounts counts = Run();
  ASSERT_EQ(counts.fields.size(), 1u);
  EXPECT_EQ(counts.fields.at("profile.tier").removed, 1);
  EXPECT_FALSE(counts.more);
  const auto profile = Profile(Number(id));
  EXPECT_EQ(profile.count("profile.tier"), 0u);
  EXPECT_EQ(profile.at("profile.city"), "Ulm (crm)");
  EXPECT_EQ(profile.at("profile.first_name"), "Anna (crm)");
  EXPECT_TRUE(Run().fields.empty()) << "again";
}

TEST_F(RetentionTest, EachStepHasItsEntry) {
  Customer("anna");
  AfterMonths(14);
  Run();
  const auto leaves = Leaves();
  const auto& leaf = leaves.back();
  EXPECT_EQ(leaf.event(), "system.retention");
  ASSERT_EQ(leaf.subjects_size(), 1);
  ASSERT_EQ(leaf.subjects(0).changes_size(), 1);
  EXPECT_EQ(leaf.subjects(0).changes(0), "retention.profile.tier=removed");
  ASSERT_EQ(leaf.details_size(), 1);
  EXPECT_EQ(leaf.details(0), "profile.tier: removed=1 kept=0");
}

TEST_F(RetentionTest, RemovesTheRecordWithItsLastValueAndTheName) {
  const std::string id = Customer("anna");
  AfterMonths(39);
  Run();
  EXPECT_EQ(Ask("SELECT count(*) FROM records"), 0);
  EXPECT_EQ(Ask("SELECT count(*) FROM source_rows"), 0);
  EXPECT_TRUE(Profile(Number(id)).empty());
  EXPECT_EQ(Head(Number(id)).kinds(0).count(), 0u);
}

TEST_F(RetentionTest, LeavesNobodyFoundByAnAddressThatIsGone) {
  // The catalog ties the address to profile.email.
  const std::string id = Customer("anna");
  const uint64_t number = Number(id);
  ASSERT_EQ(FindByEmail("anna@example.com"), number);
  AfterMonths(39);
  Run();
  EXPECT_EQ(FindByEmail("anna@example.com"), 0u);
  EXPECT_TRUE(Head(number).identifiers().empty());
  EXPECT_EQ(Number(id), number);
}

TEST_F(RetentionTest, KeepsEverythingUnderALegalHold) {
  const std::string id = Customer("anna");
  Hold(id);
  AfterMonths(39);
  const RetentionCounts counts = Run();
  EXPECT_EQ(counts.fields.at("profile.tier").removed, 0);
  EXPECT_EQ(counts.fields.at("profile.tier").kept, 1);
  EXPECT_EQ(Profile(Number(id)).at("profile.tier"), "gold (crm)");
}

TEST_F(RetentionTest, ADryRunCountsAndRemovesNothing) {
  const std::string id = Customer("anna");
  AfterMonths(14);
  const size_t before = Leaves().size();
  ASSERT_OK_AND_ASSIGN(const RetentionCounts counts,
                       retention_.DryRun([] { return true; }));
  EXPECT_EQ(counts.fields.at("profile.tier").removed, 1);
  EXPECT_EQ(Leaves().size(), before);
  EXPECT_EQ(Profile(Number(id)).at("profile.tier"), "gold (crm)");
}

TEST_F(RetentionTest, GoesOnWhereItWasCutShort) {
  std::vector<v1::ImportRow> rows;
  for (int i = 0; i < 100; ++i) {
    const std::string key = "c" + std::to_string(i);
    rows.push_back(RowBuilder("profile", key)
                       .Email(key + "@example.com")
                       .Text("first_name", "Anna")
                       .Text("tier", "gold"));
  }
  Import("crm", rows);
  Run();  // Due months are reckoned.
  AfterMonths(14);
  int steps = 0;
  ASSERT_OK_AND_ASSIGN(const RetentionCounts first,
                       retention_.Run([&] { return ++steps <= 1; }));
  EXPECT_TRUE(first.more);
  EXPECT_EQ(first.fields.at("profile.tier").removed, 32);
  EXPECT_EQ(Run().fields.at("profile.tier").removed, 68);
}

TEST_F(RetentionTest, WhatComesAnewIsTakenAgain) {
  const std::string id = Customer("anna");
  AfterMonths(14);
  Run();
  vault::WriteContext context = Context("crm");
  context.now_us = clock().NowUs();
  Import(context, {RowBuilder("profile", "anna")
                       .Email("anna@example.com", true)
                       .Text("first_name", "Anne")
                       .CollectedAt(clock().NowUs() / kSecondUs)});
  EXPECT_EQ(Profile(Number(id)).at("profile.first_name"), "Anne (crm)");
}

TEST(DueMonth, IsTheFirstMonthInWhichTheValueIsOverForSure) {
  // 31 January 2023 and three months.
  const int64_t january = int64_t{1675123200} * kSecondUs;
  EXPECT_EQ(vault::MonthNumber(january), 53 * 12);
  EXPECT_EQ(vault::DueMonth(january, 3), 53 * 12 + 4);
}

}  // namespace
}  // namespace consentry::upkeep
