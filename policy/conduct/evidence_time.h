#ifndef CONSENTRY_POLICY_CONDUCT_EVIDENCE_TIME_H_
#define CONSENTRY_POLICY_CONDUCT_EVIDENCE_TIME_H_

#include <cstdint>
#include <optional>

#include "google/protobuf/timestamp.pb.h"
#include "policy/engine/civil.h"

namespace consentry::conduct {

// Microseconds since the epoch; nullopt outside 1970 to 2199 and for
// nanoseconds that are none.
inline std::optional<int64_t> TimeOf(const google::protobuf::Timestamp& time) {
  if (time.seconds() < 0 ||
      time.seconds() >= policy::kMaxTimeUs / policy::kUsPerSecond ||
      time.nanos() < 0 || time.nanos() >= 1'000'000'000) {
    return std::nullopt;
  }
  return time.seconds() * policy::kUsPerSecond + time.nanos() / 1000;
}

}  // namespace consentry::conduct

#endif  // CONSENTRY_POLICY_CONDUCT_EVIDENCE_TIME_H_
