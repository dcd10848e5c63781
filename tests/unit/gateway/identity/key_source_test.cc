#include "gateway/identity/key_source.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/testing/status_matchers.h"
#include "tests/unit/gateway/identity/issuer.h"

namespace consentry::identity {
namespace {

using testing::TokenIssuer;

constexpr int64_t kMinuteUs = int64_t{60} * 1'000'000;
constexpr int64_t kHourUs = 60 * kMinuteUs;
constexpr int64_t kStartUs = 1'800'000'000'000'000;

// An issuer whose server answers what the test says.
class KeySourceTest : public ::testing::Test {
 protected:
  KeySourceTest()
      : source_(Issuer(), [this](const config::v1::Issuer&) {
          ++fetches_;
          return answer_;
        }) {}

  static config::v1::Issuer Issuer() {
    config::v1::Issuer issuer;
    issuer.set_jwks_url("https://login.example/keys");
    issuer.set_refresh_minutes(15);
    issuer.set_stale_hours(24);
    return issuer;
  }

  const TokenIssuer one_{"ES256", "one"};
  const TokenIssuer two_{"ES256", "two"};
  absl::StatusOr<std::string> answer_ = one_.KeySet();
  int fetches_ = 0;
  KeySource source_;
};

TEST_F(KeySourceTest, KeysAreFetchedWhenItIsTime) {
  EXPECT_EQ(source_.keys(kStartUs), nullptr);
  EXPECT_OK(source_.Refresh(kStartUs));
  ASSERT_NE(source_.keys(kStartUs), nullptr);
  EXPECT_OK(source_.Refresh(kStartUs + 14 * kMinuteUs));
  EXPECT_EQ(fetches_, 1);
  const auto before = source_.keys(kStartUs);
  EXPECT_OK(source_.Refresh(kStartUs + 15 * kMinuteUs));
  EXPECT_EQ(fetches_, 2);
  // The same keys are the same object.
  EXPECT_EQ(source_.keys(kStartUs), before);
  answer_ = two_.KeySet();
  EXPECT_OK(source_.Refresh(kStartUs + 30 * kMinuteUs));
  EXPECT_NE(source_.keys(kStartUs), before);
}

TEST_F(KeySourceTest, AnUnknownKeyIsLookedForAtMostOnceAMinute) {
  EXPECT_OK(source_.Refresh(kStartUs));
  for (int i = 1; i < 60; ++i) {
    source_.Want();
    EXPECT_OK(source_.Refresh(kStartUs + i * kMinuteUs / 60));
  }
  EXPECT_EQ(fetches_, 1);
  EXPECT_OK(source_.Refresh(kStartUs + kMinuteUs));
  EXPECT_EQ(fetches_, 2);
  EXPECT_OK(source_.Refresh(kStartUs + 2 * kMinuteUs));
  EXPECT_EQ(fetches_, 2);
}

TEST_F(KeySourceTest, KeysOutliveAFailureUntilTheyAreStale) {
  EXPECT_OK(source_.Refresh(kStartUs));
  answer_ = absl::UnavailableError("down");
  int64_t now_us = kStartUs;
  for (int i = 0; i < 24; ++i) {
    now_us += kHourUs;
    EXPECT_FALSE(source_.Refresh(now_us).ok());
    EXPECT_NE(source_.keys(now_us), nullptr);
  }
  EXPECT_EQ(source_.keys(now_us + 1), nullptr);
  // A page that is no key set replaces nothing either.
  answer_ = "<html>maintenance</html>";
  EXPECT_FALSE(source_.Refresh(now_us + kHourUs).ok());
  EXPECT_EQ(source_.keys(now_us + kHourUs), nullptr);
  answer_ = one_.KeySet();
  EXPECT_OK(source_.Refresh(now_us + 2 * kHourUs));
  EXPECT_NE(source_.keys(now_us + 2 * kHourUs), nullptr);
}

TEST_F(KeySourceTest, AfterAFailureItIsTriedSoon) {
  answer_ = absl::UnavailableError("down");
  EXPECT_FALSE(source_.Refresh(kStartUs).ok());
  EXPECT_OK(source_.Refresh(kStartUs + kMinuteUs / 4));
  EXPECT_EQ(fetches_, 1);
  answer_ = one_.KeySet();
  EXPECT_OK(source_.Refresh(kStartUs + kMinuteUs / 2));
  EXPECT_NE(source_.keys(kStartUs + kMinuteUs), nullptr);
}

TEST_F(KeySourceTest, AClockThatWasSetBackStopsNothing) {
  EXPECT_OK(source_.Refresh(kStartUs));
  EXPECT_OK(source_.Refresh(kStartUs - kHourUs));
  EXPECT_EQ(fetches_, 2);
}

}  // namespace
}  // namespace consentry::identity
