// One bundle and one subject's facts are shared by all readers.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "policy/engine/engine.h"
#include "policy/engine/explain.h"
#include "tests/testing/status_matchers.h"
#include "tests/unit/policy/engine/small_bundle.h"

namespace consentry::policy {
namespace {

TEST(DecideThreads, ManyThreadsShareABundleAndFacts) {
  ASSERT_OK_AND_ASSIGN(const auto bundle, SmallTexts().Compile());
  SubjectFacts facts;
  facts.residences = {*bundle->FindJurisdiction("DE")};
  facts.birth_day = 5000;
  const std::vector<FieldId> fields = {*bundle->FindField("profile.name"),
                                       *bundle->FindField("profile.segment")};
  const auto request = [&](size_t purpose) {
    DecisionRequest out;
    out.purpose = PurposeId{static_cast<uint16_t>(purpose)};
    out.channel =
        static_cast<Channel>(bundle->purpose(out.purpose).channels(0));
    out.fields = fields;
    out.time_us = 1'790'000'000'000'000;
    return out;
  };
  std::vector<Decision> expected(bundle->purpose_count());
  for (size_t p = 0; p < expected.size(); ++p) {
    ASSERT_OK(Decide(*bundle, facts, request(p), &expected[p]));
  }
  std::atomic<int> different = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      Decision decision;
      for (size_t i = 0; i < 2000; ++i) {
        const size_t p = (i + static_cast<size_t>(t)) % expected.size();
        if (!Decide(*bundle, facts, request(p), &decision).ok() ||
            !(decision == expected[p])) {
          ++different;
        }
        if (i % 100 == 0 &&
            Explain(*bundle, facts, request(p), decision).steps.empty()) {
          ++different;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(different, 0);
}

}  // namespace
}  // namespace consentry::policy
