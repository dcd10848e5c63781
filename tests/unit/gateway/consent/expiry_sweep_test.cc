#include "gateway/consent/expiry_sweep.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "tests/testing/access_fixture.h"
#include "tests/testing/status_matchers.h"

namespace consentry::consent {
namespace {

using testing::kLettersPurpose;
using testing::Promised;

constexpr int64_t kSecondUs = 1'000'000;
constexpr int64_t kHourUs = 3600 * kSecondUs;

class ExpirySweepTest : public ::testing::Test,
                        protected testing::AccessFixture {
 protected:
  v1::GetConsentStateResponse State(const std::string& id,
                                    int64_t as_of_us = 0) {
    v1::GetConsentStateRequest request;
    request.mutable_subject()->set_id(id);
    request.add_purposes(kLettersPurpose);
    if (as_of_us != 0) {
      request.mutable_as_of()->set_seconds(as_of_us / kSecondUs);
    }
    auto [done, future] =
        Promised<absl::StatusOr<Answer<v1::GetConsentStateResponse>>>();
    ledger().GetState(As("letters"), request, false, std::move(done));
    auto answer = future.get();
    EXPECT_OK(answer);
    return answer.ok() ? std::move(answer->response)
                       : v1::GetConsentStateResponse();
  }
  int Events(const std::string& id) {
    v1::ListConsentEventsRequest request;
    request.mutable_subject()->set_id(id);
    auto [done, future] =
        Promised<absl::StatusOr<Answer<v1::ListConsentEventsResponse>>>();
    ledger().ListEvents(As("letters"), request, false, std::move(done));
    auto answer = future.get();
    EXPECT_OK(answer);
    return answer.ok() ? answer->response.events_size() : -1;
  }

  ExpirySweep sweep_{ledger_options()};
};

TEST_F(ExpirySweepTest, AnEndIsRecordedOnceAndTheStateStaysExpired) {
  const std::string id = Person("anna");
  const int64_t end_us = kNowUs / kSecondUs * kSecondUs + 10 * kSecondUs;
  Give(id, kLettersPurpose, end_us);
  EXPECT_EQ(*sweep_.Step(), 0u);
  clock().AdvanceUs(2 * kHourUs);
  EXPECT_EQ(*sweep_.Step(), 1u);
  EXPECT_EQ(*sweep_.Step(), 0u);
  EXPECT_EQ(Events(id), 2);
  EXPECT_EQ(State(id).states(0).status(), v1::CONSENT_STATUS_EXPIRED);
  EXPECT_EQ(State(id, end_us - kSecondUs).states(0).status(),
            v1::CONSENT_STATUS_GIVEN);
  EXPECT_EQ(State(id, end_us + kSecondUs).states(0).status(),
            v1::CONSENT_STATUS_EXPIRED)
      << "the end held before anybody recorded it";
}

TEST_F(ExpirySweepTest, WhatWasRenewedOrTakenBackHasNotExpired) {
  const std::string renewed = Person("anna");
  const std::string withdrawn = Person("berta");
  const std::string endless = Person("clara");
  for (const std::string& id : {renewed, withdrawn}) {
    Give(id, kLettersPurpose, kNowUs + 100 * kSecondUs);
  }
  Give(endless, kLettersPurpose);
  clock().AdvanceUs(kSecondUs);
  Give(renewed, kLettersPurpose, kNowUs + 100 * kHourUs);
  Withdraw(withdrawn);
  clock().AdvanceUs(2 * kHourUs);
  ASSERT_OK(sweep_.Run());
  EXPECT_EQ(State(renewed).states(0).status(), v1::CONSENT_STATUS_GIVEN);
  EXPECT_EQ(State(withdrawn).states(0).status(), v1::CONSENT_STATUS_WITHDRAWN);
  EXPECT_EQ(State(endless).states(0).status(), v1::CONSENT_STATUS_GIVEN);
  EXPECT_EQ(Events(renewed), 2);
  EXPECT_EQ(Events(withdrawn), 2);
}

TEST_F(ExpirySweepTest, MoreThanOneStepIsTakenInSteps) {
  constexpr int kPeople = 70;
  for (int i = 0; i < kPeople; ++i) {
    Give(Person("p" + std::to_string(i)), kLettersPurpose,
         kNowUs + 10 * kSecondUs);
  }
  clock().AdvanceUs(2 * kHourUs);
  EXPECT_EQ(*sweep_.Step(), ExpirySweep::kSubjectsPerStep);
  EXPECT_EQ(*sweep_.Step(), kPeople - ExpirySweep::kSubjectsPerStep);
  EXPECT_EQ(*sweep_.Step(), 0u);
}

}  // namespace
}  // namespace consentry::consent
