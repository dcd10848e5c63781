#ifndef CONSENTRY_POLICY_FAIRNESS_DISTANCES_H_
#define CONSENTRY_POLICY_FAIRNESS_DISTANCES_H_

#include <optional>
#include <span>

// How far two distributions are apart. None has a sign: exchanging the groups
// changes nothing, except where said. Pure; any thread.
namespace consentry::policy::fairness {

// Of two samples of finite numbers, in any order. Absent where either is empty.

// Greatest distance of the two empirical distribution functions (Kolmogorov,
// Smirnov). 0 to 1.
std::optional<double> KolmogorovSmirnov(std::span<const double> group,
                                        std::span<const double> reference);
// Area between them (Wasserstein-1), in the unit of the values.
std::optional<double> Wasserstein1(std::span<const double> group,
                                   std::span<const double> reference);
// The value that a share `p`, 0 to 1, of a sample does not exceed; linear
// between the two nearest. `sorted` must be in order.
std::optional<double> Quantile(std::span<const double> sorted, double p);

// Of two distributions over the same categories, given as counts or weights in
// the same order. Absent where the lengths differ, a weight is negative or not
// finite, or either sums to zero.

// Half of the sum of absolute differences: 0 to 1.
std::optional<double> TotalVariation(std::span<const double> group,
                                     std::span<const double> reference);
// The greatest absolute difference.
std::optional<double> GreatestShareDifference(
    std::span<const double> group, std::span<const double> reference);
// Kullback-Leibler, in nats; not symmetric: the surprise of `group` to whoever
// expects `reference`. `smoothing` is added to each weight of the reference
// (Laplace). Without it a category that the reference lacks makes it absent.
std::optional<double> KullbackLeibler(std::span<const double> group,
                                      std::span<const double> reference,
                                      double smoothing = 0);
// Jensen-Shannon, in nats: 0 to ln 2.
std::optional<double> JensenShannon(std::span<const double> group,
                                    std::span<const double> reference);
// ln of the group's share of one category over the reference's, `smoothing`
// added to every weight of both. Absent where either share is zero.
std::optional<double> Skew(std::span<const double> group,
                           std::span<const double> reference, size_t category,
                           double smoothing = 0);

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_DISTANCES_H_
