#ifndef CONSENTRY_POLICY_FAIRNESS_PROXIES_H_
#define CONSENTRY_POLICY_FAIRNESS_PROXIES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

// How far an input of a model stands for a protected group. Inputs and groups
// are given as codes, one for each case, both as long. Association says that an
// input could carry the group, not that the model lets it. Pure; any thread.
namespace consentry::policy::fairness {

struct Association {
  int64_t cases = 0;
  // Of the sample, in bits. Never negative; grows with the number of values
  // even where there is no association.
  double mutual_information_bits = 0;
  // Less what chance alone leads one to expect (Miller and Madow), at least 0,
  // as a share of the groups' entropy: 0 nothing, 1 the input tells the group.
  double uncertainty_removed = 0;
  // Of independence, by likelihood ratio.
  double p_value = 1;
  // Share of groups guessed right by the most frequent group, and by the most
  // frequent group of those with the same input, learnt on one half of the
  // cases and tried on the other, both ways.
  double guessed_without = 0;
  double guessed_with = 0;
};

// Absent for fewer than two cases, and where all are of one group.
std::optional<Association> MeasureAssociation(std::span<const uint32_t> input,
                                              std::span<const uint32_t> group);

// What the input still tells about the group once `given` is known, in bits
// (conditional mutual information), less what chance leads one to expect, at
// least 0. Absent as above.
std::optional<double> InformationAdded(std::span<const uint32_t> input,
                                       std::span<const uint32_t> given,
                                       std::span<const uint32_t> group);

// Numbers as codes of at most `bins` bins of about the same size; those that
// are not finite get a code of their own.
std::vector<uint32_t> CodesOfNumbers(std::span<const double> values,
                                     size_t bins);

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_PROXIES_H_
