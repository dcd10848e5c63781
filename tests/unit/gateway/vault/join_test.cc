#include "gateway/vault/join.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace consentry::vault {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

NamedIdentifier Strong(uint32_t kind, std::vector<Holder> holders,
                       bool verified = false) {
  NamedIdentifier identifier;
  identifier.strong = true;
  identifier.verified = verified;
  identifier.kind = kind;
  identifier.holders = std::move(holders);
  return identifier;
}
Holder Of(uint64_t subject, bool verified = false) {
  return {.subject = subject, .group = subject, .verified = verified};
}
NamedIdentifier OwnKey(std::vector<Holder> holders) {
  NamedIdentifier identifier = Strong(9, std::move(holders));
  identifier.external = true;
  identifier.own_namespace = true;
  return identifier;
}

struct Case {
  std::string name;
  std::vector<NamedIdentifier> identifiers;
  uint64_t subject;
  JoinGround ground;
  std::vector<uint64_t> candidates;
  size_t conflicts;
};

class JoinTableTest : public ::testing::TestWithParam<Case> {};

TEST_P(JoinTableTest, Decides) {
  const Case& c = GetParam();
  const JoinDecision decision = DecideJoin(c.identifiers);
  EXPECT_EQ(decision.subject, c.subject);
  EXPECT_EQ(decision.ground, c.ground);
  EXPECT_EQ(decision.candidates, c.candidates);
  EXPECT_EQ(decision.conflicting.size(), c.conflicts);
}

std::vector<Case> Cases() {
  std::vector<Case> cases;
  const auto add =
      [&](std::string name, std::vector<NamedIdentifier> identifiers,
          uint64_t subject, JoinGround ground,
          std::vector<uint64_t> candidates = {}, size_t conflicts = 0) {
        cases.push_back({std::move(name), std::move(identifiers), subject,
                         ground, std::move(candidates), conflicts});
      };
  add("NobodyHoldsThem", {Strong(1, {}), Strong(2, {})}, 0, JoinGround::kNone);
  add("VerifiedOnBothSidesJoins", {Strong(1, {Of(5, true)}, true)}, 5,
      JoinGround::kVerified);
  add("VerifiedByTheRowAloneDoesNotJoin", {Strong(1, {Of(5)}, true)}, 0,
      JoinGround::kNone, {5});
  add("VerifiedByTheHolderAloneDoesNotJoin", {Strong(1, {Of(5, true)})}, 0,
      JoinGround::kNone, {5});
  add("TwoStrongOfDifferentKindsJoin", {Strong(1, {Of(5)}), Strong(2, {Of(5)})},
      5, JoinGround::kTwoIdentifiers);
  add("TwoStrongOfOneKindDoNotJoin", {Strong(1, {Of(5)}), Strong(1, {Of(5)})},
      0, JoinGround::kNone, {5});
  add("TwoStrongOfDifferentPeopleDoNotJoin",
      {Strong(1, {Of(5)}), Strong(2, {Of(6)})}, 0, JoinGround::kNone, {5, 6},
      2);
  add("VerifiedAgainstAnotherDoesNotJoin",
      {Strong(1, {Of(5, true)}, true), Strong(2, {Of(6)})}, 0,
      JoinGround::kNone, {5, 6}, 2);
  add("OwnKeyJoinsByItself", {OwnKey({Of(5)})}, 5, JoinGround::kOwnKey);
  add("OwnKeyJoinsAgainstAnotherAndTellsIt",
      {OwnKey({Of(5)}), Strong(1, {Of(6, true)}, true)}, 5, JoinGround::kOwnKey,
      {6}, 1);
  add("OwnKeyOfTwoPeopleDoesNotJoin", {OwnKey({Of(5), Of(6)})}, 0,
      JoinGround::kNone, {5, 6}, 1);

  NamedIdentifier foreign = Strong(9, {Of(5)});
  foreign.external = true;
  add("ForeignKeyDoesNotJoinByItself", {foreign}, 0, JoinGround::kNone, {5});
  foreign.holders[0].same_source = true;
  add("KeyThatTheSourceReportedBeforeJoins", {foreign}, 5, JoinGround::kOwnKey);

  NamedIdentifier shared = Strong(1, {Of(5, true)}, true);
  shared.shared = true;
  add("SharedNeverJoins", {shared}, 0, JoinGround::kNone);
  add("SharedDoesNotCountAsSecond", {shared, Strong(2, {Of(5)})}, 0,
      JoinGround::kNone, {5});

  NamedIdentifier weak = Strong(3, {Of(5, true)}, true);
  weak.strong = false;
  add("WeakNeverJoins", {weak}, 0, JoinGround::kNone);
  add("WeakDoesNotCountAsSecond", {weak, Strong(2, {Of(5)})}, 0,
      JoinGround::kNone, {5});

  add("HeldByManyIsShared",
      {Strong(1, {Of(5, true), Of(6, true), Of(7, true)}, true)}, 0,
      JoinGround::kNone);
  add("HeldByTwoIsAConflict", {Strong(1, {Of(5, true), Of(6, true)}, true)}, 0,
      JoinGround::kNone, {5, 6}, 1);

  Holder merged = Of(6, true);
  merged.group = 5;
  add("MembersOfOneMergeAgree",
      {Strong(1, {Of(5, true)}, true), Strong(2, {merged}, true)}, 5,
      JoinGround::kVerified);
  return cases;
}

INSTANTIATE_TEST_SUITE_P(Rules, JoinTableTest, ::testing::ValuesIn(Cases()),
                         [](const ::testing::TestParamInfo<Case>& test) {
                           return test.param.name;
                         });

TEST(JoinTest, ContradictionTakesAJoinBackAndNamesACandidate) {
  const JoinDecision decision =
      Contradicted(DecideJoin(std::vector{Strong(1, {Of(5, true)}, true)}));
  EXPECT_EQ(decision.subject, 0u);
  EXPECT_THAT(decision.candidates, ElementsAre(5));
}

TEST(JoinTest, ContradictionLeavesASourcesOwnKey) {
  const JoinDecision decision =
      Contradicted(DecideJoin(std::vector{OwnKey({Of(5)})}));
  EXPECT_EQ(decision.subject, 5u);
  EXPECT_THAT(decision.candidates, IsEmpty());
}

TEST(JoinTest, BirthDatesContradictOnlyWhenBothSidesKnowThem) {
  const std::vector<std::string_view> two = {"1980-01-01", "1980-01-10"};
  EXPECT_TRUE(BirthDatesContradict("1981-01-01", two));
  EXPECT_FALSE(BirthDatesContradict("1980-01-10", two));
  EXPECT_FALSE(BirthDatesContradict("", two));
  EXPECT_FALSE(BirthDatesContradict("1981-01-01", {}));
}

TEST(JoinTest, NamesContradictWhenOneDiffers) {
  const std::vector<NamePair> same = {{1, 1}, {2, 2}};
  const std::vector<NamePair> other = {{1, 1}, {2, 3}};
  EXPECT_FALSE(NamesContradict(same));
  EXPECT_TRUE(NamesContradict(other));
  EXPECT_FALSE(NamesContradict({}));
}

TEST(JoinTest, RoleAddressesAreKnown) {
  for (const char* role :
       {"info@shop.example", "sales@shop.example", "office@a.example",
        "noreply@a.example", "no-reply+x@a.example", "kontakt@a.example"}) {
    EXPECT_TRUE(IsRoleAddress(role)) << role;
  }
  for (const char* person :
       {"anna@shop.example", "infos@shop.example", "sales.anna@shop.example"}) {
    EXPECT_FALSE(IsRoleAddress(person)) << person;
  }
}

}  // namespace
}  // namespace consentry::vault
