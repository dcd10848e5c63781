#include "policy/rights/case_flow.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

namespace consentry::policy {
namespace {

constexpr CaseAction kActions[] = {CaseAction::kVerify,   CaseAction::kExtend,
                                   CaseAction::kPause,    CaseAction::kResume,
                                   CaseAction::kPlan,     CaseAction::kApprove,
                                   CaseAction::kComplete, CaseAction::kCancel,
                                   CaseAction::kAppeal,   CaseAction::kErased};

std::vector<v1::RightsKind> Kinds() {
  std::vector<v1::RightsKind> kinds;
  for (int kind = 1; kind <= v1::RightsKind_MAX; ++kind) {
    kinds.push_back(static_cast<v1::RightsKind>(kind));
  }
  return kinds;
}

CaseStanding Standing(v1::RightsKind kind, v1::RightsState state) {
  CaseStanding standing;
  standing.kind = kind;
  standing.state = state;
  standing.verified = true;
  return standing;
}

// For a plain case, by state: the actions that it allows, in one letter each.
std::string Allowed(const CaseStanding& standing) {
  constexpr char kLetters[] = "VXPRLACKWE";
  std::string allowed;
  for (size_t i = 0; i < std::size(kActions); ++i) {
    if (After(standing, kActions[i])) allowed.push_back(kLetters[i]);
  }
  return allowed;
}

TEST(CaseFlowTest, EveryTransitionOfAPlainCaseIsAllowedOrRefused) {
  const std::map<v1::RightsState, std::string> expected = {
      {v1::RIGHTS_STATE_VERIFYING, "VXPLK"},
      {v1::RIGHTS_STATE_WORKING, "XPLCK"},
      {v1::RIGHTS_STATE_APPROVING, "XLAK"},
      {v1::RIGHTS_STATE_WAITING, "KE"},
      {v1::RIGHTS_STATE_PAUSED, "VXRK"},
      {v1::RIGHTS_STATE_COMPLETED, ""},
      {v1::RIGHTS_STATE_PARTIAL, "W"},
      {v1::RIGHTS_STATE_REFUSED, "W"},
      {v1::RIGHTS_STATE_CANCELLED, ""},
      {v1::RIGHTS_STATE_NOTHING_HELD, ""}};
  for (const auto& [state, allowed] : expected) {
    EXPECT_EQ(Allowed(Standing(v1::RIGHTS_KIND_ACCESS, state)), allowed)
        << v1::RightsState_Name(state);
  }
}

TEST(CaseFlowTest, NothingIsAnsweredBeforeItMayBe) {
  for (const v1::RightsKind kind : Kinds()) {
    CaseStanding standing = Standing(kind, v1::RIGHTS_STATE_WORKING);
    const bool direct = After(standing, CaseAction::kComplete).has_value();
    EXPECT_EQ(direct, !NeedsApproval(kind)) << kind;
    // A refusal needs a second person, whatever the kind.
    standing.refuses_some = true;
    EXPECT_FALSE(After(standing, CaseAction::kComplete)) << kind;
    standing.approved = true;
    EXPECT_EQ(After(standing, CaseAction::kComplete), v1::RIGHTS_STATE_PARTIAL);
    standing.refuses_all = true;
    EXPECT_EQ(After(standing, CaseAction::kComplete), v1::RIGHTS_STATE_REFUSED);
  }
}

TEST(CaseFlowTest, ErasureEndsByItsJobAlone) {
  CaseStanding standing =
      Standing(v1::RIGHTS_KIND_ERASURE, v1::RIGHTS_STATE_APPROVING);
  EXPECT_EQ(After(standing, CaseAction::kApprove), v1::RIGHTS_STATE_WAITING);
  standing.state = v1::RIGHTS_STATE_WORKING;
  standing.approved = true;
  EXPECT_FALSE(After(standing, CaseAction::kComplete));
  standing.state = v1::RIGHTS_STATE_WAITING;
  EXPECT_EQ(After(standing, CaseAction::kErased), v1::RIGHTS_STATE_COMPLETED);
  standing.refuses_some = true;
  EXPECT_EQ(After(standing, CaseAction::kErased), v1::RIGHTS_STATE_PARTIAL);
  EXPECT_EQ(After(standing, CaseAction::kCancel), v1::RIGHTS_STATE_CANCELLED);
}

TEST(CaseFlowTest, NothingHeldIsAnOutcomeOfEveryKind) {
  for (const v1::RightsKind kind : Kinds()) {
    for (const auto state :
         {v1::RIGHTS_STATE_VERIFYING, v1::RIGHTS_STATE_WORKING}) {
      CaseStanding standing = Standing(kind, state);
      standing.nobody = true;
      standing.verified = false;
      EXPECT_EQ(After(standing, CaseAction::kComplete),
                v1::RIGHTS_STATE_NOTHING_HELD);
    }
  }
}

// Over all interleavings of two members of staff, the customer and the sweeper
// of erasures: from every state that can be reached.
TEST(CaseFlowTest, NoInterleavingLeavesAnAnsweredCaseOrSkipsApproval) {
  for (const v1::RightsKind kind : Kinds()) {
    for (const bool nobody : {false, true}) {
      struct Node {
        v1::RightsState state;
        bool verified;
        bool approved;
        bool refuses;
        auto operator<=>(const Node&) const = default;
      };
      std::set<Node> seen;
      std::vector<Node> open = {
          {v1::RIGHTS_STATE_VERIFYING, false, false, false},
          {v1::RIGHTS_STATE_WORKING, true, false, false}};
      while (!open.empty()) {
        const Node at = open.back();
        open.pop_back();
        if (!seen.insert(at).second) continue;
        for (const bool verifies : {false, true}) {
          for (const bool refuses : {false, true}) {
            for (const CaseAction action : kActions) {
              Node to = at;
              // What the action itself writes into the case beforehand.
              if (action == CaseAction::kVerify) {
                to.verified = to.verified || verifies;
              }
              if (action == CaseAction::kPlan) {
                to.refuses = refuses;
                to.approved = false;
              }
              CaseStanding standing;
              standing.kind = kind;
              standing.state = at.state;
              standing.verified = to.verified;
              standing.approved = to.approved;
              standing.nobody = nobody;
              standing.refuses_all = to.refuses;
              standing.refuses_some = to.refuses;
              const auto next = After(standing, action);
              if (!next) continue;
              to.state = *next;
              if (action == CaseAction::kApprove) to.approved = true;
              ASSERT_TRUE(IsOpen(at.state) || action == CaseAction::kAppeal);
              if (action == CaseAction::kAppeal) {
                ASSERT_EQ(*next, at.state);
                continue;
              }
              if (*next == v1::RIGHTS_STATE_REFUSED && !nobody) {
                ASSERT_TRUE(to.approved);
              }
              if (*next == v1::RIGHTS_STATE_COMPLETED && !nobody) {
                ASSERT_TRUE(to.verified || kind == v1::RIGHTS_KIND_ERASURE ||
                            to.approved);
                if (NeedsApproval(kind)) {
                  ASSERT_TRUE(to.approved);
                }
              }
              // Whatever is open can still be answered or taken back.
              if (IsOpen(*next)) {
                CaseStanding later = standing;
                later.state = *next;
                ASSERT_TRUE(After(later, CaseAction::kCancel));
              }
              open.push_back(to);
            }
          }
        }
      }
      EXPECT_GT(seen.size(), 4u);
    }
  }
}

TEST(CaseFlowTest, EveryKindAsksForARightOfThePacks) {
  std::set<int> rights;
  for (const v1::RightsKind kind : Kinds()) {
    EXPECT_NE(RightOf(kind), config::v1::Right::UNSPECIFIED);
    rights.insert(RightOf(kind));
  }
  EXPECT_EQ(rights.size(), Kinds().size());
}

}  // namespace
}  // namespace consentry::policy
