#ifndef CONSENTRY_PROTO_SUPPORT_TIMESTAMP_H_
#define CONSENTRY_PROTO_SUPPORT_TIMESTAMP_H_

#include <google/protobuf/timestamp.pb.h>

#include <cstdint>

namespace consentry {

// Times inside are microseconds since the Unix epoch, UTC; those of the API are
// google.protobuf.Timestamp. Pure.

// Any time; nanoseconds count forward also before 1970, as Timestamp wants it.
inline void SetTime(int64_t time_us, google::protobuf::Timestamp* time) {
  constexpr int64_t kPerSecond = 1'000'000;
  int64_t seconds = time_us / kPerSecond;
  int64_t rest_us = time_us % kPerSecond;
  if (rest_us < 0) {
    --seconds;
    rest_us += kPerSecond;
  }
  time->set_seconds(seconds);
  time->set_nanos(static_cast<int32_t>(rest_us * 1000));
}

// `time` must lie in the years 1 to 9999. Parts of a microsecond are dropped.
inline int64_t MicrosOf(const google::protobuf::Timestamp& time) {
  return time.seconds() * 1'000'000 + time.nanos() / 1000;
}

}  // namespace consentry

#endif  // CONSENTRY_PROTO_SUPPORT_TIMESTAMP_H_
