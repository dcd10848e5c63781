#include "policy/fairness/plot_scale.h"

#include <algorithm>
#include <cmath>

namespace consentry::policy::fairness {
namespace {

constexpr double kFarValue = 1e300;
constexpr int kMostTicks = 10;

}  // namespace

Scale::Scale(double low, double high, bool log) : log_(log) { Set(low, high); }

Scale::Scale(const std::vector<double>& values, const PlotAxis& axis)
    : log_(axis.log) {
  std::vector<double> all;
  for (const double value : values) {
    if (std::isfinite(value) && (!axis.log || value > 0)) {
      all.push_back(axis.log ? std::clamp(value, 1 / kFarRatio, kFarRatio)
                             : value);
    }
  }
  if (axis.tolerance) {
    all.push_back(axis.tolerance->lower);
    all.push_back(axis.tolerance->upper);
  }
  if (axis.equal) all.push_back(*axis.equal);
  if (all.empty()) all = {axis.log ? 0.5 : 0.0, axis.log ? 2.0 : 1.0};
  double low = *std::min_element(all.begin(), all.end());
  double high = *std::max_element(all.begin(), all.end());
  if (axis.log) {
    const double air = std::pow(high / low, 0.06) * 1.02;
    low /= air;
    high *= air;
  } else {
    const double air = (high - low) * 0.06;
    low -= air;
    high += air;
  }
  if (axis.least) low = std::max(low, *axis.least);
  if (axis.most) high = std::min(high, *axis.most);
  Set(low, high);
}

void Scale::Set(double low, double high) {
  // Their distance is a number as well.
  low_ = std::clamp(Place(low), -kFarValue, kFarValue);
  high_ = std::clamp(Place(high), -kFarValue, kFarValue);
  if (!std::isfinite(low_) || !std::isfinite(high_)) low_ = high_ = 0;
  if (!(high_ - low_ > 1e-12 * std::fabs(low_))) {
    const double air = std::max(0.5, 1e-9 * std::fabs(low_));
    low_ -= air;
    high_ += air;
  }
}

double Scale::Place(double value) const {
  if (!log_) return value;
  return std::log(std::clamp(value, 1 / kFarRatio, kFarRatio));
}

double Scale::At(double value) const {
  return std::clamp((Place(value) - low_) / (high_ - low_), 0.0, 1.0);
}

double Scale::low() const { return log_ ? std::exp(low_) : low_; }
double Scale::high() const { return log_ ? std::exp(high_) : high_; }

std::vector<double> Scale::Ticks(double apart) const {
  std::vector<double> ticks;
  if (log_) {
    // Equality and four fifths first: neighbours make room for them.
    for (const double tick :
         {1.0,  0.8,   1.25,  0.5,   2.0,    0.1,  10.0, 0.2,
          5.0,  0.01,  100.0, 0.001, 1000.0, 0.02, 50.0, 0.05,
          20.0, 0.333, 3.0,   0.6,   0.9,    1.1,  1.5}) {
      const double place = Place(tick);
      if (place < low_ - 1e-9 || place > high_ + 1e-9) continue;
      if (std::all_of(ticks.begin(), ticks.end(), [&](double other) {
            return std::fabs(At(tick) - At(other)) > apart;
          })) {
        ticks.push_back(tick);
      }
    }
    std::sort(ticks.begin(), ticks.end());
    return ticks;
  }
  const double rough = (high_ - low_) * std::max(apart, 0.2);
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {1.0, 2.0, 2.5, 5.0}) {
    if (factor * power >= rough) {
      step = factor * power;
      break;
    }
  }
  // Ends so far from zero, or so close to each other, that a step between them
  // cannot be told in numbers.
  if (!(step > 0) || !std::isfinite(step) || low_ + step == low_) return {};
  const double first = std::ceil(low_ / step - 1e-9);
  for (int i = 0; i < kMostTicks; ++i) {
    const double tick = (first + i) * step;
    if (tick > high_ + 1e-9 * step) break;
    ticks.push_back(tick == 0 ? 0 : tick);
  }
  return ticks;
}

}  // namespace consentry::policy::fairness
