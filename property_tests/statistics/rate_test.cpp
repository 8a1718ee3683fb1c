/// Slopes of power laws: exact ones, by hand, with known noise, and what is no power law.

#include "slicecheck/statistics/rate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "slicecheck/core/error.h"
#include "slicecheck/core/random.h"
#include "slicecheck/core/tolerances.h"
#include "support/false_alarm.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

const std::vector<double> kSizes{16.0, 32.0, 64.0, 128.0, 256.0, 512.0};

/// factor·x^slope, times 2^(spread_i · normal); the normals are those of case `number`.
std::vector<double> power_law(double factor, double slope, const std::vector<double>& spread, std::uint64_t number) {
  Eigen::VectorXd noise(static_cast<Index>(kSizes.size()));
  RandomStream(test_seed(), Purpose::cases, 80, number).fill_normal(noise);
  std::vector<double> y;
  for (std::size_t i = 0; i < kSizes.size(); ++i)
    y.push_back(factor * std::pow(kSizes[i], slope) * std::exp2(spread.empty() ? 0.0 : spread[i] * noise[static_cast<Index>(i)]));
  return y;
}

TEST(PowerLawFit, finds_an_exact_power_law) {
  for (const double slope : {-1.0, -0.5, -1.0 / 64.0, 0.0, 2.0})
    for (const double factor : {1e-6, 1.0, 3.0e5}) {
      const auto y = power_law(factor, slope, {}, 0);
      // log2 of a value with relative error 8u (pow, product) errs by 8u/ln 2 and its own rounding, u·|log2 y| ≤ 64u: at most 80u =: e. The slope is
      // Σ(x − x̄)(y − ȳ)/Σ(x − x̄)², a combination of the errors with weights of sum Σ|x − x̄|/Σ(x − x̄)² = 9/17.5; 16 roundings of sums of terms ≤ 2.5·64.
      const double u = tolerance::unit_roundoff<double>();
      const double allowed = 80.0 * u * 9.0 / 17.5 + tolerance::gamma(16.0, u) * 6.0 * 2.5 * 64.0 / 17.5;
      const PowerLawFit fit = fit_power_law(kSizes, y, 0.95);
      EXPECT_TRUE(std::abs(fit.slope - slope) <= allowed) << slope << ' ' << factor << ' ' << fit.slope - slope;
      // The line at x = 1 lies 6.5 octaves from the middle.
      EXPECT_TRUE(std::abs(fit.log2_factor - std::log2(factor)) <= 80.0 * u + 10.0 * allowed) << slope << ' ' << factor;
      EXPECT_LE(fit.interval.low, fit.slope);
      EXPECT_GE(fit.interval.high, fit.slope);
      // No residual exceeds 80u + 2.5 times the error of the slope + that of the mean; t(4; 0.975) = 2.7764.
      const double residual = 160.0 * u + 2.5 * allowed;
      EXPECT_LE(fit.interval.high - fit.interval.low, 2.0 * 2.7765 * std::sqrt(6.0 / 4.0) * residual / std::sqrt(17.5) + 4.0 * u)
          << "an exact power law leaves no residual";
      EXPECT_EQ(fit.points, kSizes.size());
      // The same with weights w: |error| ≤ e·√(Σw/Σw(x − x̄)²) (Cauchy–Schwarz), here 1.7e against 0.52e above.
      EXPECT_TRUE(std::abs(fit_power_law(kSizes, y, {0.1, 0.2, 0.1, 0.3, 0.05, 0.01}, 0.95).slope - slope) <= 4.0 * allowed) << slope;
    }
}

TEST(PowerLawFit, by_hand) {
  // log2 x = 0, 1, 2; log2 y = 0, 3, 0: slope 0, line at 1, residuals −1, 2, −1: scatter √6, standard error √6/√2 = √3, t(1; 0.975) = 12.7062.
  const PowerLawFit fit = fit_power_law({1.0, 2.0, 4.0}, {1.0, 8.0, 1.0}, 0.95);
  EXPECT_DOUBLE_EQ(fit.slope, 0.0);
  EXPECT_DOUBLE_EQ(fit.log2_factor, 1.0);
  EXPECT_DOUBLE_EQ(fit.scatter, std::sqrt(6.0));
  EXPECT_DOUBLE_EQ(fit.standard_error, std::sqrt(3.0));
  EXPECT_NEAR(fit.interval.high, 12.7062 * std::sqrt(3.0), 1e-4);
  // Weights 1, 1, 4 (errors 2, 2, 1), x̄ = 9/6, ȳ = 3/6: Σw(x−x̄)² = 2.25 + 0.25 + 1 = 3.5, Σw(x−x̄)(y−ȳ) = 0.75 − 1.25 − 1 = −1.5.
  EXPECT_DOUBLE_EQ(fit_power_law({1.0, 2.0, 4.0}, {1.0, 8.0, 1.0}, {0.2, 0.2, 0.1}, 0.95).slope, -1.5 / 3.5);
}

TEST(PowerLawFit, only_the_ratios_of_the_errors_matter_but_the_scatter_tells_their_size) {
  const auto y = power_law(2.0, -0.5, std::vector<double>(6, 0.1), 1);
  const std::vector<double> errors{0.1, 0.2, 0.1, 0.3, 0.1, 0.2};
  std::vector<double> smaller;
  for (const double error : errors) smaller.push_back(error / 8.0);  // a power of two: the same bits up to the scale
  const PowerLawFit one = fit_power_law(kSizes, y, errors, 0.95);
  const PowerLawFit other = fit_power_law(kSizes, y, smaller, 0.95);
  EXPECT_EQ(one.slope, other.slope);
  EXPECT_DOUBLE_EQ(one.interval.low, other.interval.low);
  EXPECT_DOUBLE_EQ(8.0 * one.scatter, other.scatter);
  const PowerLawFit equal = fit_power_law(kSizes, y, std::vector<double>(6, 0.3), 0.95);
  // 16 roundings of sums of six terms ≤ 2.5·10, over 17.5, in each of the two.
  EXPECT_NEAR(equal.slope, fit_power_law(kSizes, y, 0.95).slope, 2.0 * tolerance::gamma(16.0, tolerance::unit_roundoff<double>()) * 6.0 * 25.0 / 17.5)
      << "equal errors are no weights";
}

TEST(PowerLawFit, a_curve_that_bends_has_a_wide_interval) {
  std::vector<double> bent;
  for (const double x : kSizes) bent.push_back(std::log(x) / x);
  const PowerLawFit fit = fit_power_law(kSizes, bent, std::vector<double>(6, 1e-3), 0.95);
  EXPECT_GT(fit.scatter, 10.0) << "the stated errors of 0.1 % do not explain the bend";
  EXPECT_GT(fit.slope, -1.0);
  EXPECT_GT(fit.interval.high - fit.interval.low, 0.02);
}

constexpr int kReplicates = 4000;
const std::vector<double> kUnequal{0.4, 0.3, 0.2, 0.1, 0.05, 0.05};

/// How many of the intervals hold the true slope −1/2.
template <class Fit>
int count_covered(const std::vector<double>& spread, std::uint64_t first, const Fit& fit) {
  int covered = 0;
  for (int replicate = 0; replicate < kReplicates; ++replicate) {
    const PowerLawFit found = fit(power_law(3.0, -0.5, spread, first + static_cast<std::uint64_t>(replicate)));
    covered += found.interval.low <= -0.5 && -0.5 <= found.interval.high ? 1 : 0;
  }
  return covered;
}

// With independent normal errors of the stated ratios the number of covering intervals is binomial, exactly.

TEST(PowerLawCoverage, of_ordinary_least_squares_with_equal_errors_is_nominal) {
  for (const double confidence : {0.5, 0.95}) {
    const int covered = count_covered(std::vector<double>(6, 0.2), 1000, [&](const auto& y) { return fit_power_law(kSizes, y, confidence); });
    EXPECT_TRUE(binomial_range(kReplicates, confidence, spend_false_alarm()).contains(covered)) << confidence << ": " << covered;
  }
}

TEST(PowerLawCoverage, of_weighted_least_squares_with_unequal_errors_is_nominal) {
  const int covered = count_covered(kUnequal, 10'000, [](const auto& y) { return fit_power_law(kSizes, y, kUnequal, 0.95); });
  EXPECT_TRUE(binomial_range(kReplicates, 0.95, spend_false_alarm()).contains(covered)) << covered;
}

TEST(PowerLawCoverage, the_test_refuses_the_normal_quantile) {
  const int covered = count_covered(std::vector<double>(6, 0.2), 1000, [](const auto& y) {
    PowerLawFit fit = fit_power_law(kSizes, y, 0.95);
    fit.interval = {fit.slope - 1.959964 * fit.standard_error, fit.slope + 1.959964 * fit.standard_error};
    return fit;
  });
  EXPECT_FALSE(binomial_range(kReplicates, 0.95, kFalseAlarm).contains(covered)) << covered;
}

TEST(PowerLawCoverage, the_test_refuses_weights_turned_upside_down) {
  std::vector<double> wrong;
  for (const double error : kUnequal) wrong.push_back(1.0 / error);
  const int covered = count_covered(kUnequal, 10'000, [&](const auto& y) { return fit_power_law(kSizes, y, wrong, 0.95); });
  EXPECT_FALSE(binomial_range(kReplicates, 0.95, kFalseAlarm).contains(covered)) << covered;
}

TEST(PowerLawFit, rejects_what_has_no_slope) {
  const std::vector<double> three{1.0, 2.0, 4.0};
  EXPECT_NO_THROW((void)fit_power_law(three, three, 0.95));
  EXPECT_NO_THROW((void)fit_power_law({2.0, 2.0, 4.0}, three, 0.95)) << "equal x may occur";
  EXPECT_THROW((void)fit_power_law({}, {}, 0.95), InputError);
  EXPECT_THROW((void)fit_power_law({1.0, 2.0}, {1.0, 2.0}, 0.95), InputError);
  EXPECT_THROW((void)fit_power_law(three, {1.0, 2.0}, 0.95), InputError);
  EXPECT_THROW((void)fit_power_law(three, three, {0.1, 0.1}, 0.95), InputError);
  for (const double same : {0.7, 2.0, 3.0, 1e300}) EXPECT_THROW((void)fit_power_law({same, same, same}, three, 0.95), InputError) << same;
  for (const double bad : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    EXPECT_THROW((void)fit_power_law({1.0, bad, 4.0}, three, 0.95), InputError) << bad;
    EXPECT_THROW((void)fit_power_law(three, {1.0, bad, 4.0}, 0.95), InputError) << bad;
    EXPECT_THROW((void)fit_power_law(three, three, {0.1, bad, 0.1}, 0.95), InputError) << bad;
  }
  for (const double confidence : {0.0, 1.0, -0.5, std::nan("")}) EXPECT_THROW((void)fit_power_law(three, three, confidence), InputError) << confidence;
}

}  // namespace
}  // namespace slicecheck::testing
