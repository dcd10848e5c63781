// What became of outputs, reported in any order.
#include "gateway/screening/outcome_desk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/unit/gateway/screening/screening_fixture.h"

namespace consentry::screening {
namespace {

using testing::kLettersPurpose;

class OutcomeDeskTest : public ::testing::Test, public ScreeningFixture {
 protected:
  std::string Reader(const std::string& key) {
    const std::string id = Person(key);
    Give(id, kLettersPurpose);
    return id;
  }

  static v1::Outcome Outcome(const std::string& output, v1::OutcomeKind kind) {
    v1::Outcome outcome;
    outcome.set_output(output);
    outcome.set_kind(kind);
    outcome.mutable_time()->set_seconds(kNowUs / 1'000'000 - 60);
    return outcome;
  }

  v1::ErrorReason Report(const v1::Outcome& outcome,
                         const std::string& client = "letters") {
    v1::RecordOutcomeRequest request;
    *request.add_outcomes() = outcome;
    auto [done, future] =
        testing::Promised<absl::StatusOr<v1::RecordOutcomeResponse>>();
    outcome_desk().Record(
        As(client), request,
        [](const v1::Outcome&) { return absl::OkStatus(); }, std::move(done));
    const auto response = future.get();
    EXPECT_OK(response);
    return response.ok() && response->results_size() == 1
               ? response->results(0)
               : v1::ERROR_REASON_INTERNAL;
  }
};

TEST_F(OutcomeDeskTest, BeforeAndAfterItsOutputComeToTheSame) {
  const std::string anna = Reader("anna");
  EXPECT_EQ(Report(Outcome("l-1", v1::OUTCOME_KIND_CLICKED)),
            v1::ERROR_REASON_UNSPECIFIED);
  const auto answer = Screen("letters", Letter(anna, "l-1"));
  ASSERT_OK(answer);
  EXPECT_EQ(Report(Outcome(answer->screening_id(), v1::OUTCOME_KIND_SHOWN)),
            v1::ERROR_REASON_UNSPECIFIED);
  const auto shown = Get(answer->screening_id());
  ASSERT_OK(shown);
  ASSERT_EQ(shown->outcomes_size(), 2);
  for (const v1::Outcome& outcome : shown->outcomes()) {
    EXPECT_EQ(outcome.value(), 1);
    EXPECT_EQ(outcome.output(), answer->screening_id());
  }
}

TEST_F(OutcomeDeskTest, TheSameTwiceCountsOnce) {
  const std::string anna = Reader("anna");
  EXPECT_EQ(Report(Outcome("l-1", v1::OUTCOME_KIND_SHOWN)),
            v1::ERROR_REASON_UNSPECIFIED);
  const auto answer = Screen("letters", Letter(anna, "l-1"));
  ASSERT_OK(answer);
  // By either name, before or after.
  for (const std::string& name : {std::string("l-1"), answer->screening_id()}) {
    EXPECT_EQ(Report(Outcome(name, v1::OUTCOME_KIND_SHOWN)),
              v1::ERROR_REASON_UNSPECIFIED);
  }
  EXPECT_EQ(Rows("screening_outcomes"), 1);
  v1::Outcome later = Outcome("l-1", v1::OUTCOME_KIND_SHOWN);
  later.mutable_time()->set_seconds(kNowUs / 1'000'000);
  EXPECT_EQ(Report(later), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(Rows("screening_outcomes"), 2);
}

TEST_F(OutcomeDeskTest, AnEnginesIdsAreItsOwn) {
  const std::string anna = Reader("anna");
  const auto answer = Screen("letters", Letter(anna, "l-1"));
  ASSERT_OK(answer);
  EXPECT_EQ(Report(Outcome("l-1", v1::OUTCOME_KIND_CLICKED), "stats"),
            v1::ERROR_REASON_UNSPECIFIED);
  const auto shown = Get(answer->screening_id());
  ASSERT_OK(shown);
  EXPECT_EQ(shown->outcomes_size(), 0);
}

TEST_F(OutcomeDeskTest, WhatCannotBeIsRefusedAlone) {
  EXPECT_EQ(
      Report(Outcome("scr_aaaaaaaaaaaaaaaaaaaaaaaa", v1::OUTCOME_KIND_SHOWN)),
      v1::ERROR_REASON_NOT_FOUND);
  v1::Outcome future = Outcome("l-1", v1::OUTCOME_KIND_SHOWN);
  future.mutable_time()->set_seconds(kNowUs / 1'000'000 + 3600);
  EXPECT_EQ(Report(future), v1::ERROR_REASON_FIELD_INVALID);
  EXPECT_EQ(Rows("screening_outcomes"), 0);
}

TEST_F(OutcomeDeskTest, AComplaintIsARefusal) {
  const std::string anna = Reader("anna");
  ASSERT_OK(Screen("letters", Letter(anna, "l-1")));
  EXPECT_EQ(Report(Outcome("l-1", v1::OUTCOME_KIND_COMPLAINED)),
            v1::ERROR_REASON_UNSPECIFIED);
  const auto next = Screen("letters", Letter(anna, "l-2"));
  ASSERT_OK(next);
  EXPECT_EQ(next->verdict_class(), v1::VERDICT_CLASS_PRESSURE)
      << next->DebugString();
}

TEST_F(OutcomeDeskTest, AComplaintThatCameBeforeItsOutputIsARefusalToo) {
  const std::string anna = Reader("anna");
  EXPECT_EQ(Report(Outcome("l-1", v1::OUTCOME_KIND_COMPLAINED)),
            v1::ERROR_REASON_UNSPECIFIED);
  ASSERT_OK(Screen("letters", Letter(anna, "l-1")));
  // A restore counts it again.
  const auto details = LastLeaf().details();
  EXPECT_TRUE(std::any_of(details.begin(), details.end(),
                          [](const std::string& detail) {
                            return detail.starts_with("refused=0/");
                          }));
  const auto next = Screen("letters", Letter(anna, "l-2"));
  ASSERT_OK(next);
  EXPECT_EQ(next->verdict_class(), v1::VERDICT_CLASS_PRESSURE)
      << next->DebugString();
}

TEST_F(OutcomeDeskTest, WhatNeverCameIsForgotten) {
  EXPECT_EQ(Report(Outcome("l-1", v1::OUTCOME_KIND_SHOWN)),
            v1::ERROR_REASON_UNSPECIFIED);
  clock().AdvanceUs(31 * kUsPerDay);
  ASSERT_OK(upkeep().Run());
  EXPECT_EQ(Rows("screening_outcomes"), 0);
}

}  // namespace
}  // namespace consentry::screening
