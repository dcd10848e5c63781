// What holds of every judgement, tried on outputs by chance.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "policy/conduct/conduct.h"
#include "policy/conduct/rulebook.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/policy/conduct/conduct_world.h"

namespace consentry::conduct {
namespace {

constexpr int kRounds = 1000;

// Everything found before is found still, and nothing is milder.
void ExpectNoMilder(const Judgement& before, const Judgement& after,
                    int round) {
  EXPECT_GE(after.action, before.action) << round;
  // A time to try again is never earlier, and comes only where there was none
  // to wait for.
  if (before.retry_us && after.retry_us) {
    EXPECT_GE(*after.retry_us, *before.retry_us) << round;
  }
  if (before.action == Action::kBlock && !before.retry_us) {
    EXPECT_FALSE(after.retry_us) << round;
  }
  for (const Finding& finding : before.findings) {
    EXPECT_TRUE(std::any_of(after.findings.begin(), after.findings.end(),
                            [&](const Finding& f) {
                              return f.rule == finding.rule &&
                                     f.action >= finding.action;
                            }))
        << round << " " << finding.rule;
  }
  const std::set<std::string> missing(after.missing_disclosures.begin(),
                                      after.missing_disclosures.end());
  for (const std::string& one : before.missing_disclosures) {
    EXPECT_TRUE(missing.contains(one)) << round << " " << one;
  }
}

TEST(ConductPropertiesTest, AVulnerabilityMoreIsNeverMilder) {
  ConductWorld world(1);
  int changed = 0;
  for (int round = 0; round < kRounds; ++round) {
    const auto asked = world.Ask();
    Asked more(*asked);
    SubjectState& subject = more.question.subject;
    switch (world.Below(4)) {
      case 0:
        subject.vulnerabilities_unreadable = true;
        break;
      case 1:
        subject.age_unreadable = true;
        break;
      default:
        subject.vulnerabilities.insert(world.AnyVulnerability());
    }
    const Judgement before = Judge(Rulebook::Shipped(), asked->question);
    const Judgement after = Judge(Rulebook::Shipped(), more.question);
    ExpectNoMilder(before, after, round);
    changed += before != after ? 1 : 0;
  }
  EXPECT_GT(changed, kRounds / 20);
}

TEST(ConductPropertiesTest, ALowerAgeIsNeverMilder) {
  ConductWorld world(2);
  for (int round = 0; round < kRounds; ++round) {
    const auto asked = world.Ask();
    Asked younger(*asked);
    younger.question.subject.age =
        asked->question.subject.age.value_or(90) - 1 - world.Below(30);
    ExpectNoMilder(Judge(Rulebook::Shipped(), asked->question),
                   Judge(Rulebook::Shipped(), younger.question), round);
  }
}

TEST(ConductPropertiesTest, AContactOrRefusalMoreIsNeverMilder) {
  ConductWorld world(3);
  int changed = 0;
  for (int round = 0; round < kRounds; ++round) {
    const auto asked = world.Ask();
    Asked more(*asked);
    ContactHistory& history = more.question.subject.contacts;
    if (world.Chance(3)) {
      history.refusals.push_back(world.AnyRefusal());
    } else {
      history.contacts.push_back(world.AnyContact());
    }
    const Judgement before = Judge(Rulebook::Shipped(), asked->question);
    const Judgement after = Judge(Rulebook::Shipped(), more.question);
    ExpectNoMilder(before, after, round);
    changed += before != after ? 1 : 0;
  }
  EXPECT_GT(changed, kRounds / 100);
}

TEST(ConductPropertiesTest, AClaimMoreIsNeverMilder) {
  ConductWorld world(4);
  for (int round = 0; round < kRounds; ++round) {
    const auto asked = world.Ask();
    Asked more(*asked);
    more.scan.findings.push_back(world.AnyClaim());
    ExpectNoMilder(Judge(Rulebook::Shipped(), asked->question),
                   Judge(Rulebook::Shipped(), more.question), round);
  }
}

TEST(ConductPropertiesTest, AnInputMoreIsNeverMilder) {
  ConductWorld world(5);
  for (int round = 0; round < kRounds; ++round) {
    const auto asked = world.Ask();
    Asked more(*asked);
    more.output.add_input_categories("user.behavior.emotion");
    ExpectNoMilder(Judge(Rulebook::Shipped(), asked->question),
                   Judge(Rulebook::Shipped(), more.question), round);
  }
}

TEST(ConductPropertiesTest, TheOwnersFileOnlyTightens) {
  ConductWorld world(6);
  int changed = 0;
  for (int file = 0; file < 20; ++file) {
    Rulebook::Options options;
    for (int i = 0; i < 3; ++i) {
      options.own.push_back(policy::Unlocated(world.AnyRule()));
    }
    const auto rules = Rulebook::Create(std::move(options));
    ASSERT_OK(rules);
    for (int round = 0; round < 50; ++round) {
      const auto asked = world.Ask();
      const Judgement before = Judge(Rulebook::Shipped(), asked->question);
      const Judgement after = Judge(**rules, asked->question);
      ExpectNoMilder(before, after, round);
      changed += before != after ? 1 : 0;
    }
  }
  EXPECT_GT(changed, 50);
}

TEST(ConductPropertiesTest, OrderDoesNotMatter) {
  ConductWorld world(7);
  for (int round = 0; round < kRounds; ++round) {
    const auto asked = world.Ask();
    Asked other(*asked);
    world.Shuffle(other.output.mutable_evidence());
    world.Shuffle(other.output.mutable_input_categories());
    world.Shuffle(other.output.mutable_disclosures());
    world.Shuffle(&other.scan.findings);
    world.Shuffle(&other.question.deadlines);
    world.Shuffle(&other.question.subject.contacts.contacts);
    world.Shuffle(&other.question.subject.contacts.refusals);
    world.Shuffle(&other.question.subject.residences);
    EXPECT_EQ(Judge(Rulebook::Shipped(), asked->question),
              Judge(Rulebook::Shipped(), other.question))
        << round;
  }
}

TEST(ConductPropertiesTest, EqualQuestionsGetEqualAnswers) {
  ConductWorld world(8);
  for (int round = 0; round < kRounds; ++round) {
    const auto asked = world.Ask();
    const Asked again(*asked);
    EXPECT_EQ(Judge(Rulebook::Shipped(), asked->question),
              Judge(Rulebook::Shipped(), again.question));
  }
}

TEST(ConductPropertiesTest, TheVerdictIsTheWorstOfItsFindings) {
  ConductWorld world(9);
  std::set<Action> seen;
  for (int round = 0; round < kRounds; ++round) {
    const auto asked = world.Ask();
    const Judgement got = Judge(Rulebook::Shipped(), asked->question);
    Action worst = Action::kRelease;
    for (const Finding& finding : got.findings) {
      worst = std::max(worst, finding.action);
      EXPECT_NE(finding.action, Action::kRelease);
      EXPECT_FALSE(finding.rule.empty());
      EXPECT_FALSE(finding.citation.empty());
      EXPECT_FALSE(finding.message.empty());
    }
    EXPECT_EQ(got.action, worst);
    EXPECT_EQ(got.verdict_class == v1::VERDICT_CLASS_UNSPECIFIED,
              worst == Action::kRelease);
    EXPECT_FALSE(got.charge && worst == Action::kBlock);
    EXPECT_FALSE(got.retry_us && worst != Action::kBlock);
    seen.insert(worst);
  }
  EXPECT_EQ(seen.size(), 3u);
}

// Whoever waits as told and asks again is let through by budgets, quiet hours
// and cool-downs, and nobody who asks a microsecond earlier.
TEST(ConductPropertiesTest, TheTimeToTryAgainIsTheEarliest) {
  ConductWorld world(10);
  int waited = 0;
  for (int round = 0; round < kRounds; ++round) {
    const auto asked = world.Ask();
    const Judgement got = Judge(Rulebook::Shipped(), asked->question);
    if (!got.retry_us || asked->output.has_deliver_time()) continue;
    ++waited;
    const auto blocked = [&](int64_t time_us) {
      Asked later(*asked);
      later.question.time_us = time_us;
      const Judgement then = Judge(Rulebook::Shipped(), later.question);
      return std::any_of(then.findings.begin(), then.findings.end(),
                         [](const Finding& f) {
                           return f.verdict_class == v1::VERDICT_CLASS_PRESSURE;
                         });
    };
    EXPECT_FALSE(blocked(*got.retry_us)) << round;
    EXPECT_TRUE(blocked(*got.retry_us - 1)) << round;
  }
  EXPECT_GT(waited, 20);
}

// Nothing that an engine may be told rests on the customer.
TEST(ConductPropertiesTest, WhatEnginesAreToldIsTheSameForEverybody) {
  ConductWorld world(11);
  for (int round = 0; round < kRounds; ++round) {
    const auto asked = world.Ask();
    Asked other(*asked);
    other.question.subject.vulnerabilities.insert(world.AnyVulnerability());
    other.question.subject.age = 10;
    const auto told = [](const Judgement& judgement) {
      std::vector<Finding> findings = judgement.findings;
      std::erase_if(findings, [](const Finding& f) {
        return f.verdict_class != v1::VERDICT_CLASS_CONDUCT;
      });
      return findings;
    };
    EXPECT_EQ(told(Judge(Rulebook::Shipped(), asked->question)),
              told(Judge(Rulebook::Shipped(), other.question)))
        << round;
  }
}

}  // namespace
}  // namespace consentry::conduct
