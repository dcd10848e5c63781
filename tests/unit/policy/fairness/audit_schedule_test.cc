#include "policy/fairness/audit_schedule.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"

namespace consentry::policy::fairness {
namespace {

using config::v1::FairnessAudits;

int64_t At(const std::string& time) {
  absl::Time parsed;
  EXPECT_TRUE(absl::ParseTime("%Y-%m-%d %H:%M:%S", time, &parsed, nullptr));
  return absl::ToUnixMicros(parsed);
}

TEST(AuditScheduleTest, AMomentLiesInOneWholeSpan) {
  const struct {
    AuditCalendar calendar;
    const char* now;
    const char* name;
    const char* from;
    const char* to;
  } cases[] = {
      {FairnessAudits::MONTHLY, "2026-03-01 00:00:00", "2026-03",
       "2026-03-01 00:00:00", "2026-04-01 00:00:00"},
      {FairnessAudits::MONTHLY, "2025-12-31 23:59:59", "2025-12",
       "2025-12-01 00:00:00", "2026-01-01 00:00:00"},
      {FairnessAudits::QUARTERLY, "2026-03-31 23:59:59", "2026-Q1",
       "2026-01-01 00:00:00", "2026-04-01 00:00:00"},
      {FairnessAudits::QUARTERLY, "2026-11-23 03:00:00", "2026-Q4",
       "2026-10-01 00:00:00", "2027-01-01 00:00:00"},
      {FairnessAudits::YEARLY, "2026-12-31 23:59:59", "2026",
       "2026-01-01 00:00:00", "2027-01-01 00:00:00"},
  };
  for (const auto& one : cases) {
    const auto span = SpanAt(one.calendar, At(one.now));
    ASSERT_TRUE(span);
    EXPECT_EQ(span->name, one.name);
    EXPECT_EQ(span->from_us, At(one.from));
    EXPECT_EQ(span->to_us, At(one.to));
  }
  EXPECT_FALSE(SpanAt(FairnessAudits::UNSPECIFIED, At("2026-03-01 00:00:00")));
}

// Whoever asks again and again, in whatever order, never spends more.
TEST(AuditScheduleTest, AYearNeverSpendsMoreThanItsBudget) {
  for (const AuditCalendar calendar :
       {FairnessAudits::UNSPECIFIED, FairnessAudits::MONTHLY,
        FairnessAudits::QUARTERLY, FairnessAudits::YEARLY}) {
    std::vector<SpentAlpha> spent;
    double sum = 0;
    for (int i = 0; i < 200; ++i) {
      const int64_t now =
          At("2026-01-01 00:00:00") + int64_t{i} * 43 * 3600 * 1'000'000;
      for (const bool scheduled : {true, false}) {
        const double alpha =
            AlphaForAudit(calendar, 0.05, spent, scheduled, now);
        ASSERT_GE(alpha, 0);
        sum += alpha;
        spent.push_back({now, alpha, scheduled});
      }
    }
    EXPECT_LE(sum, 0.05 + 1e-12);
    EXPECT_GT(sum, 0.04);
  }
}

TEST(AuditScheduleTest, EveryAuditOfTheCalendarGetsItsShare) {
  std::vector<SpentAlpha> spent;
  // Somebody asked as often as possible before.
  for (int i = 0; i < 50; ++i) {
    const int64_t now = At("2026-01-02 00:00:00") + i;
    spent.push_back(
        {now, AlphaForAudit(FairnessAudits::QUARTERLY, 0.08, spent, false, now),
         false});
  }
  for (const char* now : {"2026-01-05 00:00:00", "2026-04-01 00:00:00",
                          "2026-07-01 00:00:00", "2026-10-01 00:00:00"}) {
    const double alpha =
        AlphaForAudit(FairnessAudits::QUARTERLY, 0.08, spent, true, At(now));
    EXPECT_NEAR(alpha, 0.01, 1e-9) << now;
    spent.push_back({At(now), alpha, true});
  }
  EXPECT_EQ(AlphaForAudit(FairnessAudits::QUARTERLY, 0.08, spent, true,
                          At("2026-10-02 00:00:00")),
            0);
}

TEST(AuditScheduleTest, ANewYearHasANewBudget) {
  const std::vector<SpentAlpha> spent = {
      {At("2025-12-31 23:59:59"), 0.05, false}};
  EXPECT_NEAR(AlphaForAudit(FairnessAudits::UNSPECIFIED, 0.05, spent, false,
                            At("2026-01-01 00:00:00")),
              0.025, 1e-12);
  EXPECT_EQ(AlphaForAudit(FairnessAudits::UNSPECIFIED, 0.05, spent, false,
                          At("2025-12-31 23:59:59")),
            0);
}

TEST(AuditScheduleTest, WithoutABudgetNothingIsSpent) {
  for (const double yearly : {0.0, -1.0, 1.0, 2.0}) {
    EXPECT_EQ(AlphaForAudit(FairnessAudits::MONTHLY, yearly, {}, true,
                            At("2026-01-01 00:00:00")),
              0);
  }
  EXPECT_EQ(AlphaForAudit(FairnessAudits::UNSPECIFIED, 0.05, {}, true,
                          At("2026-01-01 00:00:00")),
            0);
}

}  // namespace
}  // namespace consentry::policy::fairness
