#ifndef CONSENTRY_POLICY_FAIRNESS_DISTRIBUTIONS_H_
#define CONSENTRY_POLICY_FAIRNESS_DISTRIBUTIONS_H_

// Tails and quantiles of the distributions that tests and intervals rest on.
// Pure; any thread; none throws. An argument outside its range gives NaN.
namespace consentry::policy::fairness {

// The value that a standard normal stays below with probability `p`, 0 < p < 1.
double NormalQuantile(double p);

// Chance that a standard normal is as far from zero as `z`, either way. Holds
// its precision down to 1e-300.
double NormalTwoSided(double z);

// Chance that a standard normal is above `z`.
double NormalUpperTail(double z);

// Chance that chi-square with `degrees` > 0 is above `x` >= 0.
double ChiSquareUpperTail(double x, double degrees);

// As the first three, for Student's t with `degrees` > 0, whole or not.
double StudentQuantile(double p, double degrees);
double StudentTwoSided(double t, double degrees);
double StudentUpperTail(double t, double degrees);

// The value that a beta distribution stays below with probability `p`, 0 < p <
// 1; a, b > 0.
double BetaQuantile(double p, double a, double b);

// ln of n over k. 0 <= k <= n.
double LogChoose(double n, double k);

}  // namespace consentry::policy::fairness

#endif  // CONSENTRY_POLICY_FAIRNESS_DISTRIBUTIONS_H_
