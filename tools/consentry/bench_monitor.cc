#include "tools/consentry/bench_monitor.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <vector>

#include "policy/fairness/monitor.h"

namespace consentry::tools {
namespace {

using policy::fairness::Monitor;
using policy::fairness::MonitorPlan;
using policy::fairness::Side;

constexpr uint64_t kBatch = 1000;
constexpr uint64_t kStrata = 8;

struct Unit {
  Side side;
  double value;
  uint64_t stratum;
};

// Microseconds of one update, of each batch.
std::vector<double> Run(const MonitorPlan& plan, uint64_t updates,
                        size_t* state_bytes) {
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> draw;
  Monitor monitor(plan);
  std::vector<double> times;
  int64_t now_us = 1;
  for (uint64_t done = 0; done < updates; done += kBatch) {
    std::vector<Unit> units(kBatch);
    for (Unit& unit : units) {
      unit.side = draw(random) < 0.3 ? Side::kGroup : Side::kReference;
      unit.value = plan.binary ? (draw(random) < 0.3 ? 1 : 0) : draw(random);
      unit.stratum = random() % kStrata;
    }
    const auto start = std::chrono::steady_clock::now();
    for (const Unit& unit : units) {
      monitor.Count(unit.side, unit.value, unit.stratum, now_us++);
    }
    const std::chrono::duration<double, std::micro> span =
        std::chrono::steady_clock::now() - start;
    times.push_back(span.count() / kBatch);
  }
  *state_bytes = std::max(*state_bytes, monitor.Save().ByteSizeLong());
  std::sort(times.begin(), times.end());
  return times;
}

double At(const std::vector<double>& times, double share) {
  return times[std::min(
      times.size() - 1,
      static_cast<size_t>(share * static_cast<double>(times.size())))];
}

}  // namespace

MonitorTimes MeasureMonitorUpdates(uint64_t updates) {
  updates = std::max(updates, kBatch);
  MonitorTimes times;
  MonitorPlan plan;
  plan.tolerance = {policy::fairness::Comparison::kRatio, 0.8};
  const auto binary = Run(plan, updates, &times.state_bytes);
  plan.binary = false;
  const auto score = Run(plan, updates, &times.state_bytes);
  times.binary_us = At(binary, 0.5);
  times.binary_p99_us = At(binary, 0.99);
  times.score_us = At(score, 0.5);
  times.score_p99_us = At(score, 0.99);
  times.updates = updates;
  return times;
}

}  // namespace consentry::tools
