#include "policy/fairness/groups.h"

#include <algorithm>
#include <numeric>

namespace consentry::policy::fairness {

std::string JoinGroups(std::span<const std::string_view> parts) {
  std::string name;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) name += kGroupJoin;
    for (const char c : parts[i]) {
      if (c == kGroupJoin || c == '\\') name += '\\';
      name += c;
    }
  }
  return name;
}

std::vector<bool> SparseGroups(std::span<const int64_t> cases,
                               int64_t minimum) {
  std::vector<bool> sparse(cases.size());
  size_t count = 0;
  for (size_t i = 0; i < cases.size(); ++i) {
    sparse[i] = cases[i] > 0 && cases[i] < minimum;
    count += sparse[i] ? 1 : 0;
  }
  if (count == 1) sparse.assign(cases.size(), false);
  return sparse;
}

std::vector<bool> SuppressedGroups(std::span<const int64_t> cases,
                                   int64_t minimum) {
  std::vector<size_t> order(cases.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return cases[a] < cases[b]; });
  std::vector<bool> suppressed(cases.size());
  size_t count = 0;
  int64_t sum = 0;
  for (const size_t group : order) {
    if (cases[group] <= 0) continue;
    const bool small = cases[group] < minimum;
    const bool guessable = count > 0 && (count == 1 || sum < minimum);
    if (!small && !guessable) break;
    suppressed[group] = true;
    ++count;
    sum += cases[group];
  }
  return suppressed;
}

size_t LargestGroup(std::span<const int64_t> cases) {
  return static_cast<size_t>(std::max_element(cases.begin(), cases.end()) -
                             cases.begin());
}

}  // namespace consentry::policy::fairness
