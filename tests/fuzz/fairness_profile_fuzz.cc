// A fairness profile as anybody may hand one in: refused with faults, or whole,
// and then it can be explained and used. As one that was kept it is whole in
// any case where a new one is, and can be used wherever it is.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "consentry/v1/screening_service.pb.h"
#include "policy/fairness/profile.h"

namespace fairness = consentry::policy::fairness;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto file =
      consentry::policy::ParseText<consentry::config::v1::FairnessProfile>(
          "profile", text);
  if (!file.ok()) return 0;
  const auto kept = fairness::Profile::CreateKept(*file);
  if (kept.ok()) {
    const std::vector<int> groups((*kept)->attributes().size());
    for (const auto& stream : (*kept)->streams()) {
      fairness::Monitor monitor(stream.plan);
      stream.SideOf(groups);
      monitor.Count(fairness::Side::kGroup, 1, 0, 1);
      monitor.Count(fairness::Side::kReference, 1, 0, 1);
      monitor.Read(1);
    }
    if ((*kept)->streams().size() <= fairness::Profile::kMaxStreams) {
      fairness::Explain(**kept);
    }
  }
  const auto profile = fairness::Profile::Create(*std::move(file));
  if (!profile.ok()) return 0;
  if (!kept.ok()) __builtin_trap();
  const fairness::Explanation explained = fairness::Explain(**profile);
  if (explained.streams.size() != (*profile)->streams().size())
    __builtin_trap();
  double alpha = 0;
  const std::vector<int> groups((*profile)->attributes().size());
  consentry::v1::Output output;
  output.set_model((*profile)->message().model());
  output.set_favourable(true);
  for (const auto& stream : (*profile)->streams()) {
    alpha += stream.plan.alpha;
    fairness::Monitor monitor(stream.plan);
    const auto value =
        (*profile)->ValueOf((*profile)->metrics()[stream.metric], output);
    const auto side = stream.SideOf(groups);
    for (int i = 0; i < 3 && value && side; ++i) {
      monitor.Count(*side, value->value, 0, 1);
    }
    monitor.Read(1);
    if (!fairness::Monitor::Restore(monitor.Save()).ok()) __builtin_trap();
  }
  if (alpha > (*profile)->alpha() * (1 + 1e-9)) __builtin_trap();
  return 0;
}
