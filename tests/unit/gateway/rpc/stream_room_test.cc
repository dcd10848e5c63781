#include "gateway/rpc/stream_room.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "proto/support/error.h"
#include "tests/testing/status_matchers.h"

namespace consentry::rpc {
namespace {

v1::ErrorReason Reason(const absl::StatusOr<StreamRoom::Place>& place) {
  return ReasonOf(place.status()).value_or(v1::ERROR_REASON_UNSPECIFIED);
}

TEST(StreamRoomTest, OneCallerTakesNoMoreThanItsPart) {
  StreamRoom room(100, 40);
  auto first = room.Take("a", 30);
  ASSERT_OK(first);
  EXPECT_EQ(Reason(room.Take("a", 11)), v1::ERROR_REASON_RATE_LIMITED);
  EXPECT_OK(room.Take("a", 10));
  // What was refused, and what has ended, counts no more.
  std::optional<StreamRoom::Place> held = *std::move(first);
  EXPECT_OK(room.Take("a", 10));
  EXPECT_EQ(Reason(room.Take("a", 11)), v1::ERROR_REASON_RATE_LIMITED);
  held.reset();
  EXPECT_OK(room.Take("a", 40));
}

TEST(StreamRoomTest, AllTogetherTakeNoMoreThanThereIs) {
  StreamRoom room(100, 40);
  std::vector<StreamRoom::Place> held;
  for (const char* client : {"a", "b"}) {
    auto place = room.Take(client, 40);
    ASSERT_OK(place);
    held.push_back(*std::move(place));
  }
  EXPECT_EQ(Reason(room.Take("c", 21)), v1::ERROR_REASON_RATE_LIMITED);
  EXPECT_OK(room.Take("c", 20));
}

}  // namespace
}  // namespace consentry::rpc
