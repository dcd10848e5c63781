#ifndef CONSENTRY_POLICY_FAIRNESS_PLOT_SCALE_H_
#define CONSENTRY_POLICY_FAIRNESS_PLOT_SCALE_H_

#include <vector>

#include "policy/fairness/plots.h"

// Internal to the plots.
namespace consentry::policy::fairness {

// Where values stand on an axis. Immutable.
class Scale {
 public:
  // A ratio that is further off than this stands at the end of its axis.
  static constexpr double kFarRatio = 1000;

  Scale(double low, double high, bool log);
  // Covers all values that are finite, the tolerance and equality, with a
  // little air.
  Scale(const std::vector<double>& values, const PlotAxis& axis);

  // 0 at the low end, 1 at the high end, and nothing beyond.
  double At(double value) const;
  double low() const;
  double high() const;

  // Round values, two to six, that stand `apart` of the axis or more.
  std::vector<double> Ticks(double apart) const;

 private:
  double Place(double value) const;
  void Set(double low, double high);

  bool log_;
  double low_ = 0;
  double high_ = 1;
};

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_PLOT_SCALE_H_
