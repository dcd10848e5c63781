#ifndef CONSENTRY_GATEWAY_FAIRNESS_MONITOR_LIST_H_
#define CONSENTRY_GATEWAY_FAIRNESS_MONITOR_LIST_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "consentry/v1/screening_service.pb.h"
#include "gateway/fairness/watched_version.h"

namespace consentry::fairness {

struct MonitorPage {
  std::vector<v1::FairnessMonitor> monitors;
  // Where the next page goes on. Empty: there is none.
  std::string next;
};

// `size` monitors at most of what `request` asks for, from `place` on; empty:
// the first page. Violations come first, then alarms, kMostInFront of them
// together, as they stood at the first page: a place names them, and streams by
// version, so that what is found between two pages moves nothing. Then all
// others, those of the newest versions first. Only monitors that are shown are
// looked at, and of those that a verdict was asked of at most kMostLooks more:
// a page may be short and have a next one. InvalidArgument for a place that is
// none.
inline constexpr size_t kMostInFront = 100;
inline constexpr size_t kMostLooks = 2000;
absl::StatusOr<MonitorPage> ListMonitors(
    std::vector<std::shared_ptr<const WatchedVersion>> versions,
    const v1::ListFairnessMonitorsRequest& request, std::string_view place,
    size_t size, int64_t now_us);

}  // namespace consentry::fairness

#endif  // CONSENTRY_GATEWAY_FAIRNESS_MONITOR_LIST_H_
