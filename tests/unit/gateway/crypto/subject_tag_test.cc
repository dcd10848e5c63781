#include "gateway/crypto/subject_tag.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/testing/status_matchers.h"
#include "tests/testing/test_keys.h"

namespace consentry::crypto {
namespace {

using testing::StatusIs;
using testing::TestKeys;

constexpr char kOrigin[] = "shop.example/log";

TEST(MonthTest, MonthsOfKnownTimes) {
  EXPECT_EQ(MonthOf(0), 197001u);
  EXPECT_EQ(MonthOf(1'709'251'199'999'999), 202402u);  // 29 February 23:59:59.
  EXPECT_EQ(MonthOf(1'709'251'200'000'000), 202403u);
  EXPECT_EQ(MonthOf(TestKeys::kNowUs), 202611u);
  EXPECT_EQ(MonthOf(1'798'761'599'999'999), 202612u);
  EXPECT_EQ(MonthOf(1'798'761'600'000'000), 202701u);
}

TEST(SubjectTagTest, NoTwoMonthsLogsOrSubjectsShareATag) {
  TestKeys all;
  const SubjectKeys a = all.NewSubject();
  const SubjectKeys b = all.NewSubject();
  std::set<SubjectTag> tags;
  for (const SubjectKeys* keys : {&a, &b}) {
    for (const char* origin : {kOrigin, "shop.example/log2"}) {
      for (const Month month : {202610u, 202611u, 202612u}) {
        tags.insert(ComputeSubjectTag(*keys, origin, month));
      }
    }
  }
  EXPECT_EQ(tags.size(), 12u);
  EXPECT_EQ(ComputeSubjectTag(a, kOrigin, 202611),
            ComputeSubjectTag(a, kOrigin, 202611));
}

TEST(SubjectTagTest, OldGenerationAnswersUntilItIsDropped) {
  TestKeys all;
  const SubjectKeys before = all.NewSubject();
  const SubjectTag tag = ComputeSubjectTag(before, kOrigin, 202611);
  ASSERT_OK_AND_ASSIGN(
      const SubjectKeys both,
      all.slots().AddGeneration(before.subject(), {.audit = true}));
  EXPECT_NE(ComputeSubjectTag(both, kOrigin, 202611), tag);
  ASSERT_OK_AND_ASSIGN(const SubjectTag old,
                       ComputeSubjectTag(both, 1, kOrigin, 202611));
  EXPECT_EQ(old, tag);
  ASSERT_OK(all.slots().DropPrevious(before.subject(), {.audit = true}, 9));
  ASSERT_OK_AND_ASSIGN(const SubjectKeys after,
                       all.slots().Load(before.subject()));
  EXPECT_THAT(ComputeSubjectTag(after, 1, kOrigin, 202611),
              StatusIs(absl::StatusCode::kNotFound));
  ASSERT_OK_AND_ASSIGN(const SubjectTag now,
                       ComputeSubjectTag(after, 2, kOrigin, 202611));
  EXPECT_EQ(now, ComputeSubjectTag(both, kOrigin, 202611));
}

}  // namespace
}  // namespace consentry::crypto
