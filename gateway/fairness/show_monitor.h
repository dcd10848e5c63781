#ifndef CONSENTRY_GATEWAY_FAIRNESS_SHOW_MONITOR_H_
#define CONSENTRY_GATEWAY_FAIRNESS_SHOW_MONITOR_H_

#include <cstddef>
#include <cstdint>

#include "consentry/v1/screening_service.pb.h"
#include "gateway/fairness/watched_version.h"

namespace consentry::fairness {

// What a stream says, for staff. Groups below the profile's bound are named and
// not counted; a violation or an alarm is told of them as well.
v1::FairnessMonitor ShowMonitor(const WatchedVersion& version, size_t stream,
                                int64_t now_us);

}  // namespace consentry::fairness

#endif  // CONSENTRY_GATEWAY_FAIRNESS_SHOW_MONITOR_H_
