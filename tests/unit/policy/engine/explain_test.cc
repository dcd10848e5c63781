#include "policy/engine/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "policy/engine/policy_case.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/policy/engine/small_bundle.h"

namespace consentry::policy {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kCase[] = R"txtpb(
subject {
  residences: "DE"
  birth_date: "1980-04-01"
  consents {
    purpose: "newsletter"
    state: WITHDRAWN
    since: "2026-02-03T10:00:00Z"
    actor: SELF
    event_id: "con_7"
  }
}
request {
  purpose: "newsletter"
  channel: EMAIL
  fields { field: "profile.email" }
  fields { field: "profile.allergies" }
  at: "2026-11-22T11:00:00Z"
  recipient: "DE"
}
)txtpb";

class ExplainTest : public ::testing::Test {
 protected:
  Explanation Run(const std::string& text) {
    auto bundle = SmallTexts().Compile();
    EXPECT_OK(bundle);
    bundle_ = *bundle;
    auto located = ParseText<config::v1::PolicyCase>("case.txtpb", text);
    EXPECT_OK(located);
    auto bound = BindCase(*bundle_, located->message, PlaceOf(*located));
    EXPECT_OK(bound);
    Decision decision;
    EXPECT_OK(Decide(*bundle_, bound->facts, bound->request, &decision));
    return Explain(*bundle_, bound->facts, bound->request, decision);
  }

  std::shared_ptr<const Bundle> bundle_;
};

TEST_F(ExplainTest, DenialNamesRuleCitationConsentAndRegime) {
  const std::string text = Run(kCase).ToText();
  EXPECT_THAT(text, HasSubstr("ask-first applies [ask-first/attach: Act 1]"));
  EXPECT_THAT(text, HasSubstr("[ask-first/use.marketing: Act 3]"));
  EXPECT_THAT(text, HasSubstr("stands on consent: notice news v2"));
  EXPECT_THAT(text, HasSubstr("withdrawn, by the subject, event con_7"));
  EXPECT_THAT(text,
              HasSubstr("withheld profile.email: consent to this purpose was "
                        "withdrawn"));
  EXPECT_THAT(text,
              HasSubstr("withheld profile.allergies: the purpose does not"));
}

TEST_F(ExplainTest, NoDateOrPlaceOfTheSubjectIsTold) {
  const std::string text = Run(kCase).ToText();
  EXPECT_THAT(text, Not(HasSubstr("1980")));
  EXPECT_THAT(text, Not(HasSubstr("2026-02-03")));
  EXPECT_THAT(text, Not(HasSubstr("DE")));
}

TEST_F(ExplainTest, UncheckedCitationIsMarked) {
  std::string text = kCase;
  text.replace(text.find("EMAIL"), 5, "POST");
  const Explanation explanation = Run(text);
  EXPECT_THAT(explanation.ToText(),
              HasSubstr("[ask-first/use.marketing.post: Act 3a, not checked]"));
  const auto step = std::find_if(
      explanation.steps.begin(), explanation.steps.end(),
      [](const auto& s) { return s.rule == "ask-first/use.marketing.post"; });
  ASSERT_NE(step, explanation.steps.end());
  EXPECT_FALSE(step->checked);
}

TEST_F(ExplainTest, PermitNamesTransforms) {
  const std::string text = Run(R"txtpb(
    subject { residences: "FR" }
    request {
      purpose: "analytics"
      channel: INTERNAL
      fields { field: "profile.birth_date" }
      at: "2026-11-22T11:00:00Z"
      recipient: "DE"
    })txtpb")
                               .ToText();
  EXPECT_THAT(text,
              HasSubstr("released profile.birth_date reduced to age band"));
  EXPECT_THAT(text, HasSubstr("outcome: permitted"));
}

}  // namespace
}  // namespace consentry::policy
