#include "policy/engine/policy_case.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/differential/policy_world.h"
#include "tests/differential/small_world.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/policy/engine/small_bundle.h"

namespace consentry::policy {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class PolicyCaseTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto bundle = SmallTexts().Compile();
    ASSERT_OK(bundle);
    bundle_ = *bundle;
  }

  absl::StatusOr<std::vector<std::string>> Compare(const std::string& expect) {
    auto located = ParseText<config::v1::PolicyCase>("case.txtpb", R"txtpb(
      subject { residences: "FR" }
      request {
        purpose: "analytics"
        channel: INTERNAL
        fields { field: "profile.birth_date" }
        fields { field: "profile.segment" }
        at: "2026-11-22T11:00:00Z"
        recipient: "DE"
      })txtpb" + expect);
    EXPECT_OK(located);
    auto bound = BindCase(*bundle_, located->message, PlaceOf(*located));
    EXPECT_OK(bound);
    Decision decision;
    EXPECT_OK(Decide(*bundle_, bound->facts, bound->request, &decision));
    return CompareWithExpectation(*bundle_, decision,
                                  located->message.expect());
  }

  std::shared_ptr<const Bundle> bundle_;
};

TEST_F(PolicyCaseTest, MetExpectationHasNoDifferences) {
  ASSERT_OK_AND_ASSIGN(const auto differences, Compare(R"txtpb(
    expect {
      effect: PERMIT
      fields {
        field: "profile.birth_date"
        effect: PERMIT
        transform: AGE_BAND
      }
      fields {
        field: "profile.segment"
        effect: DENY
        reason: "SPECIAL_CATEGORY"
      }
      regimes: "ask-first"
      rules: "ask-first/use.analytics"
    })txtpb"));
  EXPECT_THAT(differences, IsEmpty());
}

TEST_F(PolicyCaseTest, EveryDifferenceIsTold) {
  ASSERT_OK_AND_ASSIGN(const auto differences, Compare(R"txtpb(
    expect {
      effect: DENY
      reason: "OBJECTED"
      fields { field: "profile.birth_date" effect: PERMIT transform: YEAR }
      fields { field: "profile.segment" effect: DENY reason: "MINOR" }
      regimes: "opt-out"
      rules: "opt-out/use.notice"
      decided_until: "2027-01-01T00:00:00Z"
    })txtpb"));
  EXPECT_THAT(
      differences,
      ElementsAre(HasSubstr("expected DENY OBJECTED, got PERMIT"),
                  HasSubstr("profile.birth_date: expected YEAR, got AGE_BAND"),
                  HasSubstr("expected MINOR, got SPECIAL_CATEGORY"),
                  HasSubstr("opt-out/use.notice to determine"),
                  HasSubstr("attached regimes: ask-first"),
                  HasSubstr("got no end")));
}

TEST_F(PolicyCaseTest, ExpectationOfWhatDoesNotExistIsAnError) {
  for (const char* expect :
       {"expect { }", "expect { effect: DENY }",
        "expect { effect: PERMIT reason: \"MINOR\" }",
        "expect { effect: PERMIT rules: \"ask-first/no\" }",
        "expect { effect: PERMIT fields { field: \"profile.name\" effect: "
        "PERMIT } }",
        "expect { effect: PERMIT fields { field: \"profile.segment\" effect: "
        "DENY reason: \"NO_SUCH\" } }"}) {
    EXPECT_THAT(Compare(expect),
                testing::StatusIs(absl::StatusCode::kInvalidArgument))
        << expect;
  }
}

TEST_F(PolicyCaseTest, EveryUnknownNameOfACaseIsTold) {
  auto located = ParseText<config::v1::PolicyCase>("case.txtpb", R"txtpb(
    subject {
      residences: "Germany"
      birth_date: "01.02.1980"
      consents { purpose: "nothing" }
      contexts { kind: "visit" opened_at: "yesterday" }
    }
    request {
      purpose: "nothing"
      fields { field: "profile.nothing" }
      at: "2026-11-22"
    })txtpb");
  ASSERT_OK(located);
  const auto bound = BindCase(*bundle_, located->message, PlaceOf(*located));
  ASSERT_THAT(bound, testing::StatusIs(absl::StatusCode::kInvalidArgument));
  const std::string message(bound.status().message());
  for (const char* fault :
       {"case.txtpb:3:7: subject.residences[0]", "subject.birth_date",
        "subject.consents[0].purpose", "subject.consents[0].state",
        "subject.contexts[0].kind", "subject.contexts[0].opened_at",
        "request.purpose", "request.channel", "request.fields[0].field",
        "request.at"}) {
    EXPECT_THAT(message, HasSubstr(fault));
  }
}

// A failing input is kept as a case: it must ask the same again.
TEST_F(PolicyCaseTest, CaseMadeOfADecisionReproducesIt) {
  policy_model::Random random(3);
  for (int i = 0; i < 500; ++i) {
    const auto world = policy_model::SmallWorld();
    const auto drawn = policy_model::MakeCase(world, &random);
    // The small world knows other contexts than the maker draws.
    auto made = drawn;
    for (int c = made.subject().contexts_size() - 1; c >= 0; --c) {
      made.mutable_subject()->mutable_contexts(c)->set_kind("ticket");
    }
    auto bound = BindCase(*bundle_, made, Place());
    ASSERT_OK(bound);
    Decision first;
    ASSERT_OK(Decide(*bundle_, bound->facts, bound->request, &first));
    const auto again = ToCase(*bundle_, bound->facts, bound->request, first);
    auto bound_again = BindCase(*bundle_, again, Place());
    ASSERT_OK(bound_again);
    Decision second;
    ASSERT_OK(
        Decide(*bundle_, bound_again->facts, bound_again->request, &second));
    ASSERT_EQ(first, second) << again.DebugString();
    ASSERT_OK_AND_ASSIGN(
        const auto differences,
        CompareWithExpectation(*bundle_, second, again.expect()));
    ASSERT_THAT(differences, IsEmpty());
  }
}

}  // namespace
}  // namespace consentry::policy
