#include "gateway/clients/repeated_denials.h"

#include <gtest/gtest.h>

#include <string>

namespace consentry::clients {
namespace {

using Key = RepeatedDenials::Key;

constexpr int64_t kSecond = RepeatedDenials::kWindowUs;

store::v1::Leaf Leaf(const std::string& event) {
  store::v1::Leaf leaf;
  leaf.set_event(event);
  return leaf;
}

const Key kDenial = {"crm", "ReadSubject", v1::ERROR_REASON_PURPOSE_NOT_ALLOWED,
                     "marketing", 0};

TEST(RepeatedDenialsTest, TheFirstIsWrittenAndRepetitionsAreCounted) {
  RepeatedDenials denials;
  EXPECT_TRUE(denials.First(kDenial, Leaf("data.read"), 0));
  for (int i = 0; i < 41; ++i) {
    EXPECT_FALSE(denials.First(kDenial, Leaf("data.read"), 10));
  }
  EXPECT_TRUE(denials.Due(kSecond - 1).empty());
  const auto due = denials.Due(kSecond);
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].event(), "data.read");
  EXPECT_EQ(due[0].count(), 41u);
}

TEST(RepeatedDenialsTest, EveryDenialIsWrittenOrCountedOnce) {
  RepeatedDenials denials;
  uint64_t told = 0;
  uint64_t asked = 0;
  for (int64_t now = 0; now < 20 * kSecond; now += kSecond / 10) {
    for (int i = 0; i < (now < 10 * kSecond ? 7 : 0); ++i, ++asked) {
      if (denials.First(kDenial, Leaf("x"), now)) ++told;
    }
    for (const auto& leaf : denials.Due(now)) {
      told += leaf.count() == 0 ? 1 : leaf.count();
    }
  }
  EXPECT_EQ(told, asked);
}

TEST(RepeatedDenialsTest, AQuietSecondForgetsTheKind) {
  RepeatedDenials denials;
  EXPECT_TRUE(denials.First(kDenial, Leaf("x"), 0));
  EXPECT_TRUE(denials.Due(kSecond).empty());
  EXPECT_TRUE(denials.First(kDenial, Leaf("x"), kSecond + 1));
}

TEST(RepeatedDenialsTest, WhatDiffersInAnyPartIsAnotherDenial) {
  RepeatedDenials denials;
  EXPECT_TRUE(denials.First(kDenial, Leaf("x"), 0));
  Key other = kDenial;
  other.client = "shop";
  EXPECT_TRUE(denials.First(other, Leaf("x"), 0));
  other = kDenial;
  other.method = "CheckAccess";
  EXPECT_TRUE(denials.First(other, Leaf("x"), 0));
  other = kDenial;
  other.reason = v1::ERROR_REASON_RATE_LIMITED;
  EXPECT_TRUE(denials.First(other, Leaf("x"), 0));
  other = kDenial;
  other.purpose = "support";
  EXPECT_TRUE(denials.First(other, Leaf("x"), 0));
  other = kDenial;
  other.subject = 1;
  EXPECT_TRUE(denials.First(other, Leaf("x"), 0));
}

TEST(RepeatedDenialsTest, BeyondTheBoundAllAreWritten) {
  RepeatedDenials denials;
  for (uint64_t s = 1; s <= RepeatedDenials::kMaxKinds; ++s) {
    Key key = kDenial;
    key.subject = s;
    ASSERT_TRUE(denials.First(key, Leaf("x"), 0));
  }
  EXPECT_TRUE(denials.First(kDenial, Leaf("x"), 0));
  EXPECT_TRUE(denials.First(kDenial, Leaf("x"), 0));
}

TEST(RepeatedDenialsTest, TheEndBringsWhatWasCounted) {
  RepeatedDenials denials;
  denials.First(kDenial, Leaf("x"), 5);
  denials.First(kDenial, Leaf("x"), 6);
  const auto due = denials.Due(INT64_MAX);
  ASSERT_EQ(due.size(), 1u);
  EXPECT_EQ(due[0].count(), 0u);  // One repetition: an entry as any other.
}

}  // namespace
}  // namespace consentry::clients
