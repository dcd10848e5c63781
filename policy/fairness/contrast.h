#ifndef CONSENTRY_POLICY_FAIRNESS_CONTRAST_H_
#define CONSENTRY_POLICY_FAIRNESS_CONTRAST_H_

#include <cstdint>

// How far the treatment of a group may differ from that of its reference.
namespace consentry::policy::fairness {

// Of values that were cut to their range, on either side, above which nothing
// is said to be within tolerance: where they really lie nobody knows.
inline constexpr double kMostClipped = 0.01;
inline bool TooManyClipped(uint64_t clipped, uint64_t count) {
  return static_cast<double>(clipped) >
         kMostClipped * static_cast<double>(count);
}

enum class Comparison : uint8_t {
  kRatio,       // Group over reference.
  kDifference,  // Group minus reference.
};

struct Tolerance {
  Comparison comparison = Comparison::kRatio;
  // kRatio: in (0, 1], kept from t to 1/t; 1 is equality. kDifference: in
  // [0, 1), kept from -t to t; 0 is equality.
  double t = 1;

  double lower() const { return comparison == Comparison::kRatio ? t : -t; }
  double upper() const { return comparison == Comparison::kRatio ? 1 / t : t; }

  friend bool operator==(const Tolerance&, const Tolerance&) = default;
};

// Of one pair, both in [0, 1]: a number in [-1, 1] that is not below 0 on
// average while the group gets at least what the tolerance leaves it.
inline double GapBelow(const Tolerance& tolerance, double group,
                       double reference) {
  if (tolerance.comparison == Comparison::kRatio) {
    return group - tolerance.t * reference;
  }
  return (group - reference + tolerance.t) / (1 + tolerance.t);
}

// The same while it gets at most that.
inline double GapAbove(const Tolerance& tolerance, double group,
                       double reference) {
  return GapBelow(tolerance, reference, group);
}

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_CONTRAST_H_
