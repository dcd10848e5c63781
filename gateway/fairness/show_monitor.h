#ifndef CONSENTRY_GATEWAY_FAIRNESS_SHOW_MONITOR_H_
#define CONSENTRY_GATEWAY_FAIRNESS_SHOW_MONITOR_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "consentry/v1/screening_service.pb.h"
#include "gateway/fairness/watched_version.h"
#include "policy/fairness/told_streams.h"

namespace consentry::fairness {

// The monitors of one version as staff may see them, beside each other: what is
// too few to be told, or would follow from others, has its finding, its alarm
// and no figure. The version outlives it. One thread at a time.
class ShownMonitors {
 public:
  ShownMonitors(const WatchedVersion& version, int64_t now_us);

  // Looks at the monitor: some ten microseconds.
  v1::FairnessMonitor Show(size_t stream) const;

 private:
  using Counts = rules::ToldStreams::Counts;

  void FindShares(const rules::ToldStreams& told,
                  const std::vector<Counts>& counts);
  void ShowWindow(size_t stream, v1::FairnessMonitor* shown) const;

  const WatchedVersion& version_;
  const int64_t now_us_;
  // One for each stream. Too few by themselves; not to be told.
  std::vector<bool> few_;
  std::vector<bool> withheld_;
  std::vector<rules::DayTotals> windows_;
  std::vector<bool> window_withheld_;
  std::vector<std::optional<double>> shares_;
};

// Whether a stream can have this verdict, as far as that is known without a
// look.
bool MayBe(const WatchedVersion& version, size_t stream,
           v1::FairnessVerdict verdict);

// Units of both sides of each stream.
std::vector<rules::ToldStreams::Counts> CountsOf(const WatchedVersion& version);

// One for each stream, true: one of its sides has fewer than `least` units.
std::vector<bool> TooFew(const std::vector<rules::ToldStreams::Counts>& counts,
                         int64_t least);

}  // namespace consentry::fairness

#endif  // CONSENTRY_GATEWAY_FAIRNESS_SHOW_MONITOR_H_
