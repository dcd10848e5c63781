// Whole lives of versions of a model, as the gateway watches them: a profile
// with all of its streams and its split of alpha, people who come and come
// back, who is paired with whom, and monitors that are asked after every unit.
// Whoever looks less often is accused less often.

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "consentry/v1/screening_service.pb.h"
#include "policy/engine/civil.h"
#include "policy/engine/text_config.h"
#include "policy/fairness/distributions.h"
#include "policy/fairness/monitor.h"
#include "policy/fairness/profile.h"
#include "tests/testing/status_matchers.h"

namespace consentry::policy::fairness {
namespace {

constexpr uint64_t kSeed = 20261123;
constexpr int kLives = 10'000;
constexpr int64_t kDays = 30;
constexpr int kADay = 80;

// Two attributes and their intersection: one, two and five comparisons by each
// of two metrics.
constexpr char kProfile[] = R"pb(
  id: "credit"
  model: "credit"
  purpose: "fairness"
  favourable { stated: true }
  attributes {
    name: "sex"
    source: TEXT
    field: "person.sex"
    groups { name: "female" }
    groups { name: "male" }
    reference: "male"
  }
  attributes {
    name: "age"
    source: BIRTH_DATE
    field: "person.birth_date"
    bands: [ 30, 60 ]
    reference: "30_59"
  }
  intersections {
    attributes: [ "sex", "age" ]
    reference: [ "male", "30_59" ]
  }
  minimum: 10
)pb";
// Equality itself: the truth lies on both ends of each tolerance.
constexpr char kEqual[] = R"pb(
  metrics { kind: SELECTION_RATE tolerance: 1 }
  metrics { kind: SCORE_MEAN tolerance: 0 }
)pb";
constexpr char kFourFifths[] = R"pb(
  metrics { kind: SELECTION_RATE tolerance: 0.8 }
  metrics { kind: SCORE_MEAN comparison: RATIO tolerance: 0.8 }
)pb";

std::shared_ptr<const Profile> Make(const char* metrics) {
  auto file = policy::ParseText<config::v1::FairnessProfile>(
      "credit.txtpb", std::string(kProfile) + metrics);
  EXPECT_OK(file.status());
  auto profile = Profile::Create(*std::move(file));
  EXPECT_OK(profile.status());
  return profile.ok() ? *profile : nullptr;
}

struct Person {
  std::vector<int> groups;
  // Once for a version (Profile::period).
  bool counted = false;
};

// The chance of the favourable decision, of somebody with these groups on that
// day.
using Rate = std::function<double(const std::vector<int>& groups, int64_t day)>;

// Whether a version is accused in its life.
bool Accused(const Profile& profile, const Rate& rate,
             std::mt19937_64* random) {
  std::vector<Monitor> monitors;
  for (const auto& stream : profile.streams()) {
    monitors.emplace_back(stream.plan);
  }
  const auto uniform = [random] {
    return static_cast<double>((*random)() >> 11) * 0x1.0p-53;
  };
  std::vector<Person> people;
  v1::Output output;
  output.set_model("credit");
  for (int64_t day = 0; day < kDays; ++day) {
    const int64_t now_us = (20'000 + day) * kUsPerDay;
    for (int i = 0; i < kADay; ++i) {
      // Every fourth has been here before, and says nothing new.
      const bool returns = !people.empty() && uniform() < 0.25;
      if (!returns) {
        const double age = uniform();
        people.push_back({{uniform() < 0.5 ? 0 : 1, age < 0.25   ? 0
                                                    : age < 0.75 ? 1
                                                                 : 2}});
      }
      Person& person =
          returns ? people[static_cast<size_t>(
                        uniform() * static_cast<double>(people.size()))]
                  : people.back();
      if (person.counted) continue;
      person.counted = true;
      const double chance = rate(person.groups, day);
      output.set_favourable(uniform() < chance);
      // A mean of `chance`, far from even.
      output.set_score(chance < 0.5 ? 2 * chance * uniform()
                                    : 1 - 2 * (1 - chance) * uniform());
      const uint64_t stratum =
          profile.StratumOf(output, v1::CHANNEL_UNSPECIFIED);
      for (size_t s = 0; s < monitors.size(); ++s) {
        const auto& stream = profile.streams()[s];
        const auto side = stream.SideOf(person.groups);
        if (!side) continue;
        const auto value =
            profile.ValueOf(profile.metrics()[stream.metric], output);
        monitors[s].Count(*side, value->value, stratum, now_us, value->clipped);
        if (monitors[s].violation_us() != 0) return true;
      }
    }
  }
  return false;
}

int CountAccused(const char* metrics, int lives, uint64_t seed,
                 const Rate& rate) {
  const auto profile = Make(metrics);
  if (profile == nullptr) return -1;
  EXPECT_EQ(profile->streams().size(), 16u);
  EXPECT_EQ(profile->period(), Period::kVersion);
  double alpha = 0;
  for (const auto& stream : profile->streams()) alpha += stream.plan.alpha;
  EXPECT_NEAR(alpha, profile->alpha(), 1e-12);
  std::mt19937_64 random(seed);
  int accused = 0;
  for (int life = 0; life < lives; ++life) {
    accused += Accused(*profile, rate, &random);
  }
  return accused;
}

// With this confidence the chance of an accusation is no greater than what so
// many of so many lives allow (Clopper and Pearson).
double GreatestChance(int accused, int lives) {
  constexpr double kConfidence = 0.999;
  return BetaQuantile(kConfidence, accused + 1, lives - accused);
}

constexpr double kAlpha = 0.05;

TEST(WholeVersions, EqualTreatmentIsAccusedInNoMoreThanAlphaOfLives) {
  // Rates of all go up and down from day to day.
  const int accused =
      CountAccused(kEqual, kLives, kSeed, [](const auto&, int64_t day) {
        return 0.2 + 0.1 * static_cast<double>(day % 3);
      });
  ASSERT_GE(accused, 0);
  std::printf(
      "equal, 16 streams at both ends: %d of %d lives accused, at most "
      "%.4f\n",
      accused, kLives, GreatestChance(accused, kLives));
  EXPECT_LE(GreatestChance(accused, kLives), kAlpha);
}

TEST(WholeVersions, TheEdgeOfFourFifthsIsAccusedInNoMoreThanAlphaOfLives) {
  // All five intersections get four fifths of what theirs is compared with.
  const int accused = CountAccused(
      kFourFifths, kLives, kSeed + 1, [](const auto& groups, int64_t) {
        return groups[0] == 1 && groups[1] == 1 ? 0.5 : 0.4;
      });
  ASSERT_GE(accused, 0);
  std::printf(
      "four fifths, ten streams on the edge: %d of %d lives accused, "
      "at most %.4f\n",
      accused, kLives, GreatestChance(accused, kLives));
  EXPECT_LE(GreatestChance(accused, kLives), kAlpha);
}

// The same lives find what is there.
TEST(WholeVersions, WhoeverIsTreatedFarWorseIsFound) {
  constexpr int kFew = 200;
  const int accused = CountAccused(
      kFourFifths, kFew, kSeed + 2,
      [](const auto& groups, int64_t) { return groups[0] == 1 ? 0.6 : 0.2; });
  std::printf("a third: %d of %d lives accused\n", accused, kFew);
  EXPECT_GE(accused, kFew * 9 / 10);
}

}  // namespace
}  // namespace consentry::policy::fairness
