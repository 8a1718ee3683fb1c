#include "slicecheck/statistics/goodness_of_fit.h"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/chi_squared.hpp>
#include <boost/math/distributions/fisher_f.hpp>
#include <cmath>
#include <numbers>
#include <numeric>

#include "slicecheck/core/error.h"

namespace slicecheck {

namespace {

bool whole(double value) { return std::isfinite(value) && value >= 0.0 && std::floor(value) == value; }

double two_sided(double lower, double upper) { return std::min(1.0, 2.0 * std::min(lower, upper)); }

}  // namespace

double binomial_p_value(double successes, double trials, double probability) {
  if (!whole(successes) || !whole(trials) || successes > trials)
    reject("binomial p-value: {} successes in {} trials; both must be whole, 0 ≤ successes ≤ trials", successes, trials);
  if (!(probability >= 0.0 && probability <= 1.0)) reject("binomial p-value: the probability is {}; it must lie in [0, 1]", probability);
  if (probability == 0.0) return successes == 0.0 ? 1.0 : 0.0;
  if (probability == 1.0) return successes == trials ? 1.0 : 0.0;
  const boost::math::binomial law(trials, probability);
  const double lower = boost::math::cdf(law, successes);
  const double upper = successes > 0.0 ? boost::math::cdf(boost::math::complement(law, successes - 1.0)) : 1.0;
  return two_sided(lower, upper);
}

double multinomial_p_value(const std::vector<double>& counts, const std::vector<double>& probabilities) {
  if (counts.size() != probabilities.size() || counts.empty())
    reject("multinomial p-value: {} counts and {} probabilities; there must be as many, and at least one", counts.size(), probabilities.size());
  for (const double count : counts)
    if (!whole(count)) reject("multinomial p-value: a count is {}; it must be whole and not negative", count);
  double sum = 0.0;
  for (const double p : probabilities) {
    if (!(p >= 0.0 && p <= 1.0)) reject("multinomial p-value: a probability is {}; it must lie in [0, 1]", p);
    sum += p;
  }
  // Every probability may be the rounded product of two; the sum takes one more rounding each.
  if (!(std::abs(sum - 1.0) <= 4.0 * static_cast<double>(probabilities.size()) * 0x1p-53)) reject("multinomial p-value: the probabilities add up to {}", sum);
  const double trials = std::accumulate(counts.begin(), counts.end(), 0.0);
  std::vector<double> p_values;
  for (std::size_t i = 0; i < counts.size(); ++i) p_values.push_back(binomial_p_value(counts[i], trials, probabilities[i]));
  return smallest_of(p_values);
}

double chi_squared_p_value(const std::vector<double>& observed, const std::vector<double>& expected) {
  if (observed.size() != expected.size() || observed.size() < 2)
    reject("chi-squared p-value: {} observed and {} expected counts; there must be as many, and at least two", observed.size(), expected.size());
  double statistic = 0.0;
  double sum_observed = 0.0;
  double sum_expected = 0.0;
  for (std::size_t i = 0; i < observed.size(); ++i) {
    if (!std::isfinite(observed[i]) || observed[i] < 0.0) reject("chi-squared p-value: an observed count is {}; it must be finite and ≥ 0", observed[i]);
    if (!std::isfinite(expected[i]) || expected[i] <= 0.0) reject("chi-squared p-value: an expected count is {}; it must be finite and > 0", expected[i]);
    statistic += (observed[i] - expected[i]) * (observed[i] - expected[i]) / expected[i];
    sum_observed += observed[i];
    sum_expected += expected[i];
  }
  if (!(std::abs(sum_observed - sum_expected) <= 4.0 * static_cast<double>(observed.size()) * 0x1p-53 * sum_expected))
    reject("chi-squared p-value: {} were observed and {} expected in all; the sums must agree", sum_observed, sum_expected);
  return boost::math::cdf(boost::math::complement(boost::math::chi_squared(static_cast<double>(observed.size()) - 1.0), statistic));
}

double sum_of_squares_p_value(double value, double degrees_of_freedom) {
  if (!std::isfinite(value) || value < 0.0) reject("sum of squares: the value is {}; it must be finite and not negative", value);
  if (!std::isfinite(degrees_of_freedom) || degrees_of_freedom <= 0.0) reject("sum of squares: {} degrees of freedom", degrees_of_freedom);
  const boost::math::chi_squared law(degrees_of_freedom);
  return two_sided(boost::math::cdf(law, value), boost::math::cdf(boost::math::complement(law, value)));
}

double variance_ratio_p_value(double ratio, double n, double m) {
  if (!std::isfinite(ratio) || ratio < 0.0) reject("variance ratio: the ratio is {}; it must be finite and not negative", ratio);
  if (!(n > 0.0) || !(m > 0.0)) reject("variance ratio: {} and {} degrees of freedom; both must be positive", n, m);
  const boost::math::fisher_f law(n, m);
  return two_sided(boost::math::cdf(law, ratio), boost::math::cdf(boost::math::complement(law, ratio)));
}

double normal_p_value(double z) {
  if (std::isnan(z)) reject("normal p-value: the value is {}", z);
  return std::erfc(std::abs(z) / std::numbers::sqrt2);
}

double kolmogorov_smirnov_p_value(std::vector<double> values) {
  if (values.empty()) reject("Kolmogorov–Smirnov: there are no values; at least one is needed");
  for (const double value : values)
    if (!(value >= 0.0 && value <= 1.0)) reject("Kolmogorov–Smirnov: a value is {}; it must lie in [0, 1]", value);
  std::sort(values.begin(), values.end());
  const auto n = static_cast<double>(values.size());
  double distance = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto rank = static_cast<double>(i);
    distance = std::max({distance, values[i] - rank / n, (rank + 1.0) / n - values[i]});
  }
  return std::min(1.0, 2.0 * std::exp(-2.0 * n * distance * distance));
}

double bounded_mean_p_value(double mean, double expectation, double n, double low, double high) {
  if (!std::isfinite(mean) || !std::isfinite(expectation)) reject("bounded mean: the mean is {}, its expectation {}; both must be finite", mean, expectation);
  if (!(n >= 1.0) || !(low < high) || !std::isfinite(high - low)) reject("bounded mean: {} values in [{}, {}]", n, low, high);
  const double deviation = (mean - expectation) / (high - low);
  return std::min(1.0, 2.0 * std::exp(-2.0 * n * deviation * deviation));
}

double smallest_of(const std::vector<double>& p_values) {
  if (p_values.empty()) reject("there are no p-values to combine; at least one is needed");
  double smallest = 1.0;
  for (const double p : p_values) {
    if (std::isnan(p)) return p;
    smallest = std::min(smallest, p);
  }
  return std::min(1.0, static_cast<double>(p_values.size()) * smallest);
}

}  // namespace slicecheck
