#pragma once
/// Does a sample follow a law? p-values, and what each rests on.
///
/// A p-value here is valid if P(p-value ≤ level) ≤ level for every level under the hypothesis. Claims compare them with 10⁻¹², so that a formula that is right
/// only near the centre of a distribution will not do: each function says for which sample sizes it is valid that far out.

#include <vector>

namespace slicecheck {

/// The level of ONE randomised case of a claim about schemes, samplers, trainings and laws: its p-value must not fall below this. A run of at most 10⁶ such
/// cases refuses a right subject with probability ≤ 10⁻⁶ in all (union bound).
constexpr double kTypedFalseAlarm = 1e-12;

/// Binomial, two-sided: min(1, 2 min(P(K ≤ k), P(K ≥ k))), K the successes in `trials` trials. Exact (incomplete beta, complements in the upper tail): valid
/// for every number of trials. A probability of 0 or 1 leaves one count possible; all others have the p-value 0.
/// @throws InputError unless 0 ≤ successes ≤ trials are whole numbers and 0 ≤ probability ≤ 1.
double binomial_p_value(double successes, double trials, double probability);

/// Counts of the cells of a multinomial law: min(1, m · smallest two-sided binomial p-value of a cell), m cells (union bound; each count alone is binomial).
/// Valid for every sample size and every cell, empty ones included; the price is power against many small deviations.
/// @throws InputError unless sizes agree, counts are whole and not negative, and probabilities lie in [0, 1] and add up to 1 within rounding.
double multinomial_p_value(const std::vector<double>& counts, const std::vector<double>& probabilities);

/// Pearson's X² = Σ (observed − expected)² / expected, against χ² with one degree of freedom less than there are cells. ASYMPTOTIC: near the centre of the law
/// expected counts of 5 do; at 10⁻¹² a cell's skewness multiplies the tail by about exp(7³ / (6√expected)), a factor of 2 from 7,000 on and of 10⁸ at 10.
/// Use `multinomial_p_value` there.
/// @throws InputError unless sizes agree, there are two cells, expected > 0, observed ≥ 0, all finite, and both sums agree within rounding.
double chi_squared_p_value(const std::vector<double>& observed, const std::vector<double>& expected);

/// Σ of squares of independent standard normals against χ² with so many degrees of freedom, two-sided: 2 min(both tails). Exact.
/// @throws InputError unless value ≥ 0 and degrees_of_freedom > 0, both finite.
double sum_of_squares_p_value(double value, double degrees_of_freedom);

/// Ratio of two independent mean squares of n and m centred normals of one variance, two-sided, Fisher's F(n, m). Exact.
/// @throws InputError unless ratio ≥ 0 is finite and n, m > 0.
double variance_ratio_p_value(double ratio, double n, double m);

/// P(|standard normal| ≥ |z|). @throws InputError for NaN.
double normal_p_value(double z);

/// Kolmogorov–Smirnov for values that are uniform on [0, 1] under the hypothesis (pass values of a continuous law through its distribution function),
/// two-sided: min(1, 2 exp(−2nD²)), D the largest distance between the distribution functions. This is Massart's form of the bound of Dvoretzky, Kiefer and
/// Wolfowitz: valid for every n, at most a little larger than the exact p-value in the tail (both have the same exponent).
/// @throws InputError for no values, and for values outside [0, 1] or NaN.
double kolmogorov_smirnov_p_value(std::vector<double> values);

/// Mean of n independent values in [low, high] against its expectation, two-sided: min(1, 2 exp(−2n(mean − expectation)²/(high − low)²)) (Hoeffding). Valid for
/// every n and every law on that interval.
/// @throws InputError unless n ≥ 1, low < high, and all are finite.
double bounded_mean_p_value(double mean, double expectation, double n, double low, double high);

/// min(1, number of p-values · smallest): valid whatever their dependence. NaN stays NaN. @throws InputError for no p-values.
double smallest_of(const std::vector<double>& p_values);

}  // namespace slicecheck
