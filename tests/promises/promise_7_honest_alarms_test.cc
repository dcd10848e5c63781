// Promise 7. Honest alarms: however often one looks, the chance that a fair
// model is ever accused stays below the stated alpha. Too little data is said
// to be too little, never "fair".
//
// Shown on a profile with three attributes' worth of comparisons, asked after
// every output of a model that is as unequal as its tolerance permits: the
// share of lives in which anything is ever accused stays below alpha, and one
// that is worse is accused. Rates of single parts, each with its seed, stand in
// tests/statistics. And on a real gateway that is killed (SIGKILL) in the midst
// of counting: after each start every monitor has counted exactly the outputs
// whose entries in the log, verified offline, say that they were counted.
//
// CONSENTRY_SEED repeats a run, CONSENTRY_KILLS makes it longer.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <future>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "gateway/fairness/fairness_desk.h"
#include "gateway/screening/screener.h"
#include "policy/engine/text_config.h"
#include "policy/fairness/monitor.h"
#include "policy/fairness/profile.h"
#include "tests/promises/gateway_lives.h"
#include "tests/promises/offline_log.h"
#include "tests/testing/status_matchers.h"

namespace consentry {
namespace {

namespace fairness = policy::fairness;
using testing::OfflineLog;
using testing::Site;

uint64_t FromEnvironment(const char* name, uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

constexpr char kProfile[] = R"pb(
  id: "fair"
  model: "fair"
  favourable { stated: true }
  attributes {
    name: "sex"
    source: TEXT
    field: "profile.sex"
    groups { name: "female" }
    groups { name: "male" }
    reference: "male"
  }
  attributes {
    name: "age"
    source: NUMBER
    field: "profile.age"
    bands: 30
    bands: 60
    reference: "30_59"
  }
  intersections {
    attributes: "sex"
    attributes: "age"
    reference: "male"
    reference: "30_59"
  }
  metrics { kind: SELECTION_RATE }
)pb";

class Life {
 public:
  explicit Life(const fairness::Profile& profile) : profile_(profile) {
    for (const auto& stream : profile.streams()) {
      monitors_.emplace_back(stream.plan);
    }
  }

  void Count(const std::vector<int>& groups, bool favourable, int64_t now_us) {
    for (size_t i = 0; i < monitors_.size(); ++i) {
      const auto side = profile_.streams()[i].SideOf(groups);
      if (side) monitors_[i].Count(*side, favourable ? 1 : 0, 0, now_us);
    }
  }
  bool Accused() const {
    return std::any_of(
        monitors_.begin(), monitors_.end(),
        [](const auto& monitor) { return monitor.violation_us() != 0; });
  }
  const std::vector<fairness::Monitor>& monitors() const { return monitors_; }

 private:
  const fairness::Profile& profile_;
  std::vector<fairness::Monitor> monitors_;
};

std::shared_ptr<const fairness::Profile> MakeProfile(const char* text) {
  auto file = policy::ParseText<config::v1::FairnessProfile>("fair", text);
  EXPECT_OK(file);
  auto made = fairness::Profile::Create(*std::move(file));
  EXPECT_OK(made);
  return *std::move(made);
}

// Lives of `units` outputs that were ever accused.
int AccusedLives(const fairness::Profile& profile, int lives, int units,
                 double female_rate, double male_rate, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> draw;
  int accused = 0;
  for (int life = 0; life < lives; ++life) {
    Life watched(profile);
    for (int unit = 0; unit < units; ++unit) {
      const bool female = draw(random) < 0.5;
      const int age = draw(random) < 0.6 ? 1 : draw(random) < 0.5 ? 0 : 2;
      watched.Count({female ? 0 : 1, age},
                    draw(random) < (female ? female_rate : male_rate),
                    1 + unit);
      if (watched.Accused()) {
        ++accused;
        break;
      }
    }
  }
  return accused;
}

TEST(HonestAlarms, AFairModelIsAccusedNoMoreOftenThanAlpha) {
  const auto profile = MakeProfile(kProfile);
  ASSERT_EQ(profile->streams().size(), 8u);
  constexpr int kLives = 1000;
  // Just what four fifths permit.
  const int accused = AccusedLives(*profile, kLives, 6000, 0.40, 0.50,
                                   FromEnvironment("CONSENTRY_SEED", 7));
  EXPECT_LE(accused, kLives * profile->alpha());
  std::printf("%d of %d fair lives accused, alpha %.2f\n", accused, kLives,
              profile->alpha());
}

TEST(HonestAlarms, AnUnfairModelIsAccused) {
  const auto profile = MakeProfile(kProfile);
  EXPECT_EQ(AccusedLives(*profile, 20, 6000, 0.25, 0.50,
                         FromEnvironment("CONSENTRY_SEED", 7)),
            20);
}

TEST(HonestAlarms, TooLittleIsSaidToBeTooLittle) {
  const auto profile = MakeProfile(kProfile);
  const auto all = [&](const Life& life, fairness::Finding finding) {
    for (const auto& monitor : life.monitors()) {
      if (monitor.Read(1).finding != finding) return false;
    }
    return true;
  };
  Life nothing(*profile);
  EXPECT_TRUE(all(nothing, fairness::Finding::kInsufficient));
  // The worst that can be, of fewer than the profile wants to see.
  Life few(*profile);
  for (int i = 0; i < 99; ++i) {
    few.Count({0, 0}, false, 1);
    few.Count({1, 1}, true, 1);
  }
  EXPECT_TRUE(all(few, fairness::Finding::kInsufficient));
  // Of one group as many as one likes, and of people of whom nothing is known.
  Life one(*profile);
  Life unknown(*profile);
  for (int i = 0; i < 50000; ++i) {
    one.Count({0, 0}, i % 2 == 0, 1);
    unknown.Count({fairness::kUnknownGroup, fairness::kUnknownGroup},
                  i % 2 == 0, 1);
  }
  EXPECT_TRUE(all(one, fairness::Finding::kInsufficient));
  EXPECT_TRUE(all(unknown, fairness::Finding::kInsufficient));
  // Nobody gets anything: nothing over nothing.
  Life never(*profile);
  for (int i = 0; i < 20000; ++i) {
    never.Count({i % 2, 1}, false, 1);
    never.Count({i % 2, 0}, false, 1);
    never.Count({i % 2, 2}, false, 1);
  }
  EXPECT_TRUE(all(never, fairness::Finding::kInsufficient));
}

constexpr char kBiasPurpose[] = R"pb(
  purposes {
    key: "test.bias"
    purpose_class: BIAS_DETECTION
    text { language: "en" title: "Fairness" text: "To look for bias." }
    fields { field: "profile.given_name" transform: NONE why: "groups" }
    bases { regimes: "eu-gdpr" basis: LEGITIMATE_INTEREST lia: "lia-9" }
    channels: INTERNAL
  }
)pb";
constexpr char kNames[] = R"pb(
  id: "names"
  model: "offers"
  favourable { stated: true }
  purpose: "test.bias"
  attributes {
    name: "name"
    source: TEXT
    field: "profile.given_name"
    groups { name: "anna" }
    groups { name: "bert" }
    reference: "bert"
  }
  metrics { kind: SELECTION_RATE }
  metrics { kind: SCORE_MEAN tolerance: 0.1 }
)pb";
constexpr int kPeople = 120;
constexpr int kVersions = 25;
constexpr int kThreads = 3;

std::string Email(int person) {
  return "person" + std::to_string(person) + "@example.com";
}

class KilledMonitorsTest : public ::testing::Test {
 protected:
  KilledMonitorsTest() {
    std::ofstream(site_.folder() + "/purposes.txtpb", std::ios::app)
        << kBiasPurpose;
    auto gateway = site_.Open();
    EXPECT_NE(gateway, nullptr);
    testing::Register(gateway.get(), "shop", testing::kServicePurpose);
    std::vector<v1::ImportRow> rows;
    for (int i = 0; i < kPeople; ++i) {
      v1::ImportRow& row = rows.emplace_back();
      row.set_number(static_cast<uint32_t>(i) + 1);
      row.set_kind("profile");
      row.set_source_key("p" + std::to_string(i));
      auto* id = row.add_identifiers();
      id->set_type(v1::IDENTIFIER_TYPE_EMAIL);
      id->set_value(Email(i));
      if (i % 5 != 0) {
        (*row.mutable_values())["given_name"].set_string_value(
            i % 2 == 0 ? "Anna" : "Bert");
      }
    }
    for (const auto& result : testing::Import(gateway.get(), rows)) {
      EXPECT_EQ(result.outcome(), v1::WRITE_OUTCOME_CREATED);
    }
    v1::PutFairnessProfileRequest request;
    request.mutable_profile()->set_text(kNames);
    std::promise<absl::StatusOr<v1::FairnessProfile>> promise;
    gateway->fairness()->desk()->Put(
        testing::As("shop", "fairness.profile_put"), request,
        [&](absl::StatusOr<v1::FairnessProfile> put) {
          promise.set_value(std::move(put));
        });
    EXPECT_OK(promise.get_future().get());
    EXPECT_OK(gateway->Close());
  }

  // Outputs from several threads until the process ends.
  void Engine(int life, int ready) const {
    auto gateway = site_.Open();
    if (gateway == nullptr) _exit(1);
    std::atomic<int> answered{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        std::mt19937_64 random(static_cast<uint64_t>(life * kThreads + t));
        for (int i = 0;; ++i) {
          v1::ScreenOutputRequest request;
          *request.mutable_subject() =
              testing::ByEmail(Email(static_cast<int>(random() % kPeople)));
          request.set_purpose(testing::kServicePurpose);
          request.set_channel(v1::CHANNEL_INTERNAL);
          v1::Output* const output = request.mutable_output();
          output->set_id("o-" + std::to_string(life) + "-" + std::to_string(t) +
                         "-" + std::to_string(i));
          output->set_kind(v1::OUTPUT_KIND_SEGMENT);
          output->set_model("offers");
          output->set_model_version("v" + std::to_string(random() % kVersions));
          output->set_label("garden");
          output->set_favourable(random() % 3 == 0);
          output->set_score(0.5);
          std::promise<void> promise;
          gateway->screening()->screener()->Screen(
              testing::As("shop", "screening.screen"), request,
              [&](const auto&) { promise.set_value(); });
          promise.get_future().get();
          // The parent waits for some, then kills at any moment.
          if (++answered == 20) (void)!write(ready, "x", 1);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  Site site_;
};

TEST_F(KilledMonitorsTest, AfterAnyDeathMonitorsHaveCountedWhatTheLogTells) {
  const uint64_t kills = FromEnvironment("CONSENTRY_KILLS", 8);
  std::mt19937_64 random(FromEnvironment("CONSENTRY_SEED", 1));
  auto log = OfflineLog::Make(site_.folder());
  ASSERT_OK(log);
  uint64_t last = 0;
  for (uint64_t life = 0; life < kills; ++life) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
      close(ends[0]);
      Engine(static_cast<int>(life), ends[1]);
      _exit(0);
    }
    close(ends[1]);
    char byte = 0;
    ASSERT_EQ(read(ends[0], &byte, 1), 1) << "the gateway did not count";
    close(ends[0]);
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 200'000));
    ASSERT_EQ(kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);

    // What was stored and not logged is logged now.
    auto gateway = site_.Open();
    ASSERT_NE(gateway, nullptr);
    const auto versions = gateway->fairness()->watch()->versions();
    ASSERT_OK(gateway->Close());
    const auto report = (*log)->VerifyAndRead();
    ASSERT_OK(report);
    std::map<std::string, uint64_t> told;
    for (const store::v1::Leaf& leaf : (*log)->leaves()) {
      for (const std::string& detail : leaf.details()) {
        if (detail.starts_with("counted=")) ++told[detail];
      }
    }
    uint64_t all = 0;
    for (const auto& version : versions) {
      const uint64_t units = version->doc.units();
      all += units;
      EXPECT_EQ(told["counted=names/" + version->doc.model_version()], units);
      const auto& attribute = version->doc.attributes(0);
      for (const auto& monitor : version->monitors) {
        EXPECT_EQ(monitor->totals(fairness::Side::kGroup).count +
                      monitor->totals(fairness::Side::kReference).count +
                      attribute.unknown() + attribute.other(),
                  units);
      }
    }
    uint64_t entries = 0;
    for (const auto& [detail, count] : told) entries += count;
    EXPECT_EQ(entries, all);
    EXPECT_GT(all, last) << "a life that counted nothing";
    last = all;
  }
  std::printf("%llu outputs counted over %llu lives\n",
              static_cast<unsigned long long>(last),
              static_cast<unsigned long long>(kills));
}

}  // namespace
}  // namespace consentry
