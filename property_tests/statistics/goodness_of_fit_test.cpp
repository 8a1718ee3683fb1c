/// p-values: against exact sums, tables, and far out in the tails.

#include "slicecheck/statistics/goodness_of_fit.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "slicecheck/core/error.h"

namespace slicecheck {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kRelative = 1e-11;  ///< of Boost's incomplete beta and gamma functions, with room

void expect_close(double value, double expected) { EXPECT_NEAR(value, expected, kRelative * expected); }

/// min(1, 2 min(P(K ≤ k), P(K ≥ k))) by adding up probabilities, each from its predecessor.
double summed_binomial(int k, int n, double p) {
  double lower = 0.0;
  double upper = 0.0;
  double term = std::pow(1.0 - p, n);
  for (int i = 0; i <= n; ++i) {
    if (i <= k) lower += term;
    if (i >= k) upper += term;
    term *= static_cast<double>(n - i) / static_cast<double>(i + 1) * p / (1.0 - p);
  }
  return std::min(1.0, 2.0 * std::min(lower, upper));
}

TEST(BinomialPValue, is_the_sum_of_its_tail) {
  for (const int n : {1, 2, 7, 40})
    for (const double p : {0.5, 0.25, 0.03125, 0.9375})
      for (int k = 0; k <= n; ++k) expect_close(binomial_p_value(k, n, p), summed_binomial(k, n, p));
}

TEST(BinomialPValue, is_accurate_far_out) {
  expect_close(binomial_p_value(0, 100, 0.5), 2.0 * std::exp2(-100.0));
  expect_close(binomial_p_value(100, 100, 0.5), 2.0 * std::exp2(-100.0));
  expect_close(binomial_p_value(99, 100, 0.5), 2.0 * 101.0 * std::exp2(-100.0));
  EXPECT_EQ(binomial_p_value(50, 100, 0.5), 1.0);
}

TEST(BinomialPValue, at_probability_0_and_1_one_count_is_possible) {
  EXPECT_EQ(binomial_p_value(0, 10, 0.0), 1.0);
  EXPECT_EQ(binomial_p_value(1, 10, 0.0), 0.0);
  EXPECT_EQ(binomial_p_value(10, 10, 1.0), 1.0);
  EXPECT_EQ(binomial_p_value(9, 10, 1.0), 0.0);
  EXPECT_EQ(binomial_p_value(0, 0, 0.5), 1.0);
}

TEST(BinomialPValue, rejects_what_is_no_count) {
  for (const double bad : {-1.0, 0.5, 11.0, std::nan(""), kInfinity}) EXPECT_THROW((void)binomial_p_value(bad, 10, 0.5), InputError) << bad;
  for (const double bad : {-0.1, 1.1, std::nan("")}) EXPECT_THROW((void)binomial_p_value(5, 10, bad), InputError) << bad;
}

TEST(MultinomialPValue, is_the_smallest_cell_times_their_number) {
  expect_close(multinomial_p_value({0, 3, 5}, {0.5, 0.25, 0.25}), 3.0 * binomial_p_value(0, 8, 0.5));
  EXPECT_EQ(multinomial_p_value({4, 2, 2}, {0.5, 0.25, 0.25}), 1.0);
  EXPECT_EQ(multinomial_p_value({4, 4, 1}, {0.5, 0.5, 0.0}), 0.0) << "what is impossible happened";
  EXPECT_EQ(multinomial_p_value({7}, {1.0}), 1.0);
}

TEST(MultinomialPValue, rejects_what_does_not_fit) {
  EXPECT_THROW((void)multinomial_p_value({}, {}), InputError);
  EXPECT_THROW((void)multinomial_p_value({1, 2}, {1.0}), InputError);
  EXPECT_THROW((void)multinomial_p_value({1, 2}, {0.5, 0.25}), InputError);
  EXPECT_THROW((void)multinomial_p_value({1, 2.5}, {0.5, 0.5}), InputError);
  EXPECT_THROW((void)multinomial_p_value({1, 2}, {1.5, -0.5}), InputError);
  EXPECT_THROW((void)multinomial_p_value({1, std::nan("")}, {0.5, 0.5}), InputError);
}

TEST(ChiSquaredPValue, has_its_closed_forms) {
  // Three cells, two degrees of freedom: P = exp(−X²/2). Two cells, one: P = erfc(√(X²/2)).
  expect_close(chi_squared_p_value({14, 8, 8}, {10, 10, 10}), std::exp(-0.5 * (16.0 + 4.0 + 4.0) / 10.0));
  expect_close(chi_squared_p_value({60, 40}, {50, 50}), std::erfc(std::sqrt(2.0)));
  expect_close(chi_squared_p_value({1000, 0, 2000}, {1000, 1000, 1000}), std::exp(-1000.0 / 1.0));
  EXPECT_EQ(chi_squared_p_value({10, 10}, {10, 10}), 1.0);
}

TEST(ChiSquaredPValue, rejects_what_does_not_fit) {
  EXPECT_THROW((void)chi_squared_p_value({1}, {1}), InputError);
  EXPECT_THROW((void)chi_squared_p_value({1, 2}, {1, 1, 1}), InputError);
  EXPECT_THROW((void)chi_squared_p_value({1, 2}, {1, 1}), InputError);
  EXPECT_THROW((void)chi_squared_p_value({1, 1}, {2, 0}), InputError);
  EXPECT_THROW((void)chi_squared_p_value({-1, 3}, {1, 1}), InputError);
  EXPECT_THROW((void)chi_squared_p_value({std::nan(""), 3}, {1, 1}), InputError);
}

TEST(SumOfSquaresPValue, has_its_closed_forms_on_both_sides) {
  expect_close(sum_of_squares_p_value(100.0, 2.0), 2.0 * std::exp(-50.0));
  expect_close(sum_of_squares_p_value(1e-20, 2.0), 2.0 * 0.5e-20);
  expect_close(sum_of_squares_p_value(50.0, 1.0), 2.0 * std::erfc(5.0));
  EXPECT_EQ(sum_of_squares_p_value(0.0, 5.0), 0.0);
  for (const double bad : {-1.0, std::nan(""), kInfinity}) EXPECT_THROW((void)sum_of_squares_p_value(bad, 2.0), InputError) << bad;
  EXPECT_THROW((void)sum_of_squares_p_value(1.0, 0.0), InputError);
}

TEST(VarianceRatioPValue, has_its_closed_form) {
  // F(2, 2): P(F > x) = 1/(1 + x).
  expect_close(variance_ratio_p_value(1e6, 2.0, 2.0), 2.0 / (1.0 + 1e6));
  expect_close(variance_ratio_p_value(1e-6, 2.0, 2.0), 2.0 * 1e-6 / (1.0 + 1e-6));
  EXPECT_NEAR(variance_ratio_p_value(1.0, 50.0, 50.0), 1.0, 1e-12);
  EXPECT_LT(variance_ratio_p_value(4.0, 1000.0, 1000.0), 1e-80);
  for (const double bad : {-1.0, std::nan(""), kInfinity}) EXPECT_THROW((void)variance_ratio_p_value(bad, 2.0, 2.0), InputError) << bad;
  EXPECT_THROW((void)variance_ratio_p_value(1.0, 0.0, 2.0), InputError);
}

TEST(NormalPValue, of_the_tables_and_far_out) {
  EXPECT_NEAR(normal_p_value(1.959963984540054), 0.05, 1e-14);
  EXPECT_EQ(normal_p_value(-3.0), normal_p_value(3.0));
  EXPECT_NEAR(normal_p_value(10.0), 1.5239706048321e-23, 1e-35);
  EXPECT_EQ(normal_p_value(kInfinity), 0.0);
  EXPECT_THROW((void)normal_p_value(std::nan("")), InputError);
}

TEST(KolmogorovSmirnovPValue, by_hand) {
  // One value at 1/2: D = 1/2. {0.9, 0.1}: D = 0.4. Twenty values at 0: D = 1.
  expect_close(kolmogorov_smirnov_p_value({0.0}), 2.0 * std::exp(-2.0));
  EXPECT_EQ(kolmogorov_smirnov_p_value({0.5}), 1.0) << "2·exp(−1/2) > 1";
  EXPECT_EQ(kolmogorov_smirnov_p_value({0.9, 0.1}), std::min(1.0, 2.0 * std::exp(-4.0 * 0.16)));
  expect_close(kolmogorov_smirnov_p_value(std::vector<double>(20, 0.0)), 2.0 * std::exp(-40.0));
  expect_close(kolmogorov_smirnov_p_value(std::vector<double>(20, 1.0)), 2.0 * std::exp(-40.0));
  // The first 10 of 20 values where the uniform law has none of its mass on (1/2, 1]: D = 1/2.
  std::vector<double> half(20, 0.5);
  expect_close(kolmogorov_smirnov_p_value(half), 2.0 * std::exp(-10.0));
}

TEST(KolmogorovSmirnovPValue, is_not_below_the_exact_tail) {
  // n = 1: P(D ≥ t) = 2(1 − t) for t ≥ 1/2. The bound must not fall below it.
  for (double t = 0.5; t <= 1.0; t += 0.01) EXPECT_GE(kolmogorov_smirnov_p_value({t}) + 1e-15, 2.0 * (1.0 - t)) << t;
}

TEST(KolmogorovSmirnovPValue, rejects_what_lies_outside) {
  EXPECT_THROW((void)kolmogorov_smirnov_p_value({}), InputError);
  for (const double bad : {-0.01, 1.01, std::nan("")}) EXPECT_THROW((void)kolmogorov_smirnov_p_value({0.5, bad}), InputError) << bad;
}

TEST(BoundedMeanPValue, is_hoeffdings) {
  expect_close(bounded_mean_p_value(0.75, 0.5, 100.0, 0.0, 1.0), 2.0 * std::exp(-12.5));
  expect_close(bounded_mean_p_value(2.5, 3.0, 100.0, 2.0, 4.0), 2.0 * std::exp(-12.5));
  EXPECT_EQ(bounded_mean_p_value(0.5, 0.5, 100.0, 0.0, 1.0), 1.0);
  EXPECT_THROW((void)bounded_mean_p_value(std::nan(""), 0.5, 100.0, 0.0, 1.0), InputError);
  EXPECT_THROW((void)bounded_mean_p_value(0.5, 0.5, 0.0, 0.0, 1.0), InputError);
  EXPECT_THROW((void)bounded_mean_p_value(0.5, 0.5, 10.0, 1.0, 1.0), InputError);
}

TEST(SmallestOf, is_bonferronis_and_keeps_nan) {
  EXPECT_DOUBLE_EQ(smallest_of({0.2, 1e-13, 0.5}), 3e-13);
  EXPECT_EQ(smallest_of({0.9, 0.8}), 1.0);
  EXPECT_TRUE(std::isnan(smallest_of({0.2, std::nan(""), 1e-13})));
  EXPECT_THROW((void)smallest_of({}), InputError);
}

}  // namespace
}  // namespace slicecheck
