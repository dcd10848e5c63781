#include "policy/fairness/distributions.h"

#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/normal.hpp>
#include <boost/math/distributions/students_t.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>
#include <limits>

namespace consentry::policy::fairness {
namespace {

namespace errors = boost::math::policies;
// NaN or infinity instead of exceptions.
using Quiet = errors::policy<errors::domain_error<errors::ignore_error>,
                             errors::pole_error<errors::ignore_error>,
                             errors::overflow_error<errors::ignore_error>,
                             errors::underflow_error<errors::ignore_error>,
                             errors::evaluation_error<errors::ignore_error>,
                             errors::promote_double<false>>;
using Beta = boost::math::beta_distribution<double, Quiet>;
using Normal = boost::math::normal_distribution<double, Quiet>;
using Student = boost::math::students_t_distribution<double, Quiet>;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// lgamma of the C library writes a global.
double LogGamma(double x) {
  int sign = 0;
  return lgamma_r(x, &sign);
}

}  // namespace

double NormalQuantile(double p) {
  if (!(p > 0 && p < 1)) return kNaN;
  return boost::math::quantile(Normal(0, 1), p);
}

double NormalUpperTail(double z) { return 0.5 * std::erfc(z / std::sqrt(2.0)); }

double NormalTwoSided(double z) {
  return std::erfc(std::fabs(z) / std::sqrt(2.0));
}

double ChiSquareUpperTail(double x, double degrees) {
  if (!(x >= 0) || !(degrees > 0)) return kNaN;
  if (std::isinf(x)) return 0;
  return boost::math::gamma_q(degrees / 2, x / 2, Quiet());
}

double StudentQuantile(double p, double degrees) {
  if (!(p > 0 && p < 1) || !(degrees > 0)) return kNaN;
  return boost::math::quantile(Student(degrees), p);
}

double StudentUpperTail(double t, double degrees) {
  if (std::isnan(t) || !(degrees > 0)) return kNaN;
  if (std::isinf(t)) return t > 0 ? 0 : 1;
  return boost::math::cdf(boost::math::complement(Student(degrees), t));
}

double StudentTwoSided(double t, double degrees) {
  return 2 * StudentUpperTail(std::fabs(t), degrees);
}

double BetaQuantile(double p, double a, double b) {
  if (!(p > 0 && p < 1) || !(a > 0) || !(b > 0)) return kNaN;
  return boost::math::quantile(Beta(a, b), p);
}

double LogChoose(double n, double k) {
  if (!(k >= 0 && k <= n)) return kNaN;
  return LogGamma(n + 1) - LogGamma(k + 1) - LogGamma(n - k + 1);
}

}  // namespace consentry::policy::fairness
