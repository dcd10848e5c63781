#ifndef CONSENTRY_POLICY_FAIRNESS_PROPORTION_H_
#define CONSENTRY_POLICY_FAIRNESS_PROPORTION_H_

#include <cmath>
#include <cstdint>
#include <optional>

// What every figure of fairness is made of. Pure; any thread.
namespace consentry::policy::fairness {

// So many of so many. 0 <= hits <= cases.
struct Proportion {
  int64_t hits = 0;
  int64_t cases = 0;

  // Nothing of nothing is no rate, and above all not zero.
  std::optional<double> rate() const {
    if (cases <= 0) return std::nullopt;
    return static_cast<double>(hits) / static_cast<double>(cases);
  }

  friend bool operator==(const Proportion&, const Proportion&) = default;
};

// Both ends belong to it. Either may be infinite.
struct Interval {
  double lower = 0;
  double upper = 0;
};

// part / whole. Absent where `whole` is zero, and where the quotient is not
// finite: a figure that cannot be told is not told.
inline std::optional<double> Quotient(double part, double whole) {
  if (whole == 0) return std::nullopt;
  const double quotient = part / whole;
  if (!std::isfinite(quotient)) return std::nullopt;
  return quotient;
}

// Absent when either is.
inline std::optional<double> Difference(std::optional<double> group,
                                        std::optional<double> reference) {
  if (!group || !reference) return std::nullopt;
  return *group - *reference;
}
inline std::optional<double> Ratio(std::optional<double> group,
                                   std::optional<double> reference) {
  if (!group || !reference) return std::nullopt;
  return Quotient(*group, *reference);
}

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_PROPORTION_H_
