#include "proto/support/timestamp.h"

#include <gtest/gtest.h>

namespace consentry {
namespace {

TEST(TimestampTest, NanosecondsCountForwardBefore1970Too) {
  google::protobuf::Timestamp time;
  SetTime(-1, &time);
  EXPECT_EQ(time.seconds(), -1);
  EXPECT_EQ(time.nanos(), 999'999'000);
  SetTime(-2'000'000, &time);
  EXPECT_EQ(time.seconds(), -2);
  EXPECT_EQ(time.nanos(), 0);
}

TEST(TimestampTest, TimesComeBack) {
  for (const int64_t time_us :
       {int64_t{0}, int64_t{1}, int64_t{-1}, int64_t{-62'135'596'800'000'000},
        int64_t{253'402'300'799'999'999}}) {
    google::protobuf::Timestamp time;
    SetTime(time_us, &time);
    EXPECT_EQ(MicrosOf(time), time_us);
  }
}

}  // namespace
}  // namespace consentry
