#include "policy/fairness/proxies.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <unordered_map>
#include <utility>

#include "policy/fairness/calibration.h"
#include "policy/fairness/distributions.h"

namespace consentry::policy::fairness {
namespace {

using Counts = std::map<uint32_t, int64_t>;
// Input -> group -> cases. Ordered: sums must not depend on a hash.
using Table = std::map<uint32_t, Counts>;

// Sum of n ln n: what entropies of counts are made of.
double Term(int64_t count) {
  const double n = static_cast<double>(count);
  return count == 0 ? 0 : n * std::log(n);
}

struct Information {
  double nats = 0;
  // (rows - 1) (columns - 1) of the table without empty ones.
  double degrees = 0;
};

Information MutualInformation(const Table& table) {
  Counts groups;
  double cells = 0;
  double rows = 0;
  int64_t cases = 0;
  for (const auto& [input, counts] : table) {
    int64_t row = 0;
    for (const auto& [group, count] : counts) {
      groups[group] += count;
      row += count;
      cells += Term(count);
    }
    rows += Term(row);
    cases += row;
  }
  double columns = 0;
  for (const auto& [group, count] : groups) columns += Term(count);
  Information information;
  if (cases == 0) return information;
  information.nats = std::max(
      0.0, (cells - rows - columns + Term(cases)) / static_cast<double>(cases));
  information.degrees = static_cast<double>(table.size() - 1) *
                        static_cast<double>(groups.size() - 1);
  return information;
}

uint32_t MostFrequent(const Counts& counts) {
  return std::max_element(
             counts.begin(), counts.end(),
             [](const auto& a, const auto& b) { return a.second < b.second; })
      ->first;
}

struct Guesses {
  double without = 0;
  double with = 0;
};

// Learns on the cases of one parity and tries on those of the other.
Guesses Guess(std::span<const uint32_t> input,
              std::span<const uint32_t> group) {
  int64_t without = 0;
  int64_t with = 0;
  for (size_t tried = 0; tried < 2; ++tried) {
    Table learnt;
    Counts all;
    for (size_t i = 1 - tried; i < group.size(); i += 2) {
      ++learnt[input[i]][group[i]];
      ++all[group[i]];
    }
    if (all.empty()) continue;
    const uint32_t most = MostFrequent(all);
    std::unordered_map<uint32_t, uint32_t> best;
    for (const auto& [value, counts] : learnt) {
      best[value] = MostFrequent(counts);
    }
    for (size_t i = tried; i < group.size(); i += 2) {
      const auto found = best.find(input[i]);
      without += group[i] == most ? 1 : 0;
      with += group[i] == (found == best.end() ? most : found->second) ? 1 : 0;
    }
  }
  const double cases = static_cast<double>(group.size());
  return {static_cast<double>(without) / cases,
          static_cast<double>(with) / cases};
}

}  // namespace

std::optional<Association> MeasureAssociation(std::span<const uint32_t> input,
                                              std::span<const uint32_t> group) {
  if (input.size() != group.size() || group.size() < 2) return std::nullopt;
  Table table;
  Counts groups;
  for (size_t i = 0; i < group.size(); ++i) {
    ++table[input[i]][group[i]];
    ++groups[group[i]];
  }
  if (groups.size() < 2) return std::nullopt;
  const double cases = static_cast<double>(group.size());
  double entropy = Term(static_cast<int64_t>(group.size()));
  for (const auto& [value, count] : groups) entropy -= Term(count);
  entropy /= cases;
  const Information information = MutualInformation(table);
  Association result;
  result.cases = static_cast<int64_t>(group.size());
  result.mutual_information_bits = information.nats / std::log(2.0);
  const double by_chance = information.degrees / (2 * cases);
  result.uncertainty_removed =
      std::clamp((information.nats - by_chance) / entropy, 0.0, 1.0);
  result.p_value = information.degrees == 0
                       ? 1
                       : ChiSquareUpperTail(2 * cases * information.nats,
                                            information.degrees);
  const Guesses guesses = Guess(input, group);
  result.guessed_without = guesses.without;
  result.guessed_with = guesses.with;
  return result;
}

std::optional<double> InformationAdded(std::span<const uint32_t> input,
                                       std::span<const uint32_t> given,
                                       std::span<const uint32_t> group) {
  if (input.size() != group.size() || given.size() != group.size() ||
      group.size() < 2 ||
      std::all_of(group.begin(), group.end(),
                  [&](uint32_t one) { return one == group.front(); })) {
    return std::nullopt;
  }
  std::map<uint32_t, Table> tables;
  std::map<uint32_t, int64_t> sizes;
  for (size_t i = 0; i < group.size(); ++i) {
    ++tables[given[i]][input[i]][group[i]];
    ++sizes[given[i]];
  }
  const double cases = static_cast<double>(group.size());
  double nats = 0;
  double degrees = 0;
  for (const auto& [value, table] : tables) {
    const Information information = MutualInformation(table);
    nats += information.nats * static_cast<double>(sizes[value]) / cases;
    degrees += information.degrees;
  }
  return std::max(0.0, nats - degrees / (2 * cases)) / std::log(2.0);
}

std::vector<uint32_t> CodesOfNumbers(std::span<const double> values,
                                     size_t bins) {
  std::vector<double> sorted;
  for (const double value : values) {
    if (std::isfinite(value)) sorted.push_back(value);
  }
  std::sort(sorted.begin(), sorted.end());
  const std::vector<double> edges = QuantileEdges(sorted, bins);
  std::vector<uint32_t> codes;
  codes.reserve(values.size());
  for (const double value : values) {
    if (!std::isfinite(value)) {
      codes.push_back(0);
      continue;
    }
    const auto above = std::upper_bound(edges.begin(), edges.end(), value);
    codes.push_back(static_cast<uint32_t>(above - edges.begin()));
  }
  return codes;
}

}  // namespace consentry::policy::fairness
