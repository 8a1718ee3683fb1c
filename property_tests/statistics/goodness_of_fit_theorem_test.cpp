/// Under the hypothesis exact p-values of continuous statistics are uniform, and all p-values are valid: P(p ≤ t) ≤ t.

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "slicecheck/core/random.h"
#include "slicecheck/statistics/goodness_of_fit.h"
#include "support/false_alarm.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

constexpr std::uint64_t kSamples = 4000;

std::vector<double> p_values(std::uint32_t number, const std::function<double(PointDraws&)>& draw) {
  std::vector<double> values;
  for (std::uint64_t i = 0; i < kSamples; ++i) {
    const RandomStream stream(test_seed(), Purpose::cases, 9000 + number, i);
    PointDraws draws(stream, 0);
    values.push_back(draw(draws));
  }
  return values;
}

double squares(PointDraws& draws, int n) {
  double sum = 0.0;
  for (int i = 0; i < n; ++i) {
    const double value = draws.normal();
    sum += value * value;
  }
  return sum;
}

double successes(PointDraws& draws, int n, double p) {
  double count = 0.0;
  for (int i = 0; i < n; ++i) count += draws.uniform() < p ? 1.0 : 0.0;
  return count;
}

void expect_uniform(const std::vector<double>& values) {
  EXPECT_LE(kolmogorov_smirnov_distance(values), kolmogorov_smirnov_bound(static_cast<double>(values.size()), spend_false_alarm()));
}

/// At t = 1/4, 1/16, …: no more p-values ≤ t than a binomial law with probability t would leave.
void expect_valid(const std::vector<double>& values) {
  const double failure = spend_false_alarm() / 4.0;
  for (const double t : {0.25, 0.0625, 0.015625, 0.00390625}) {
    double count = 0.0;
    for (const double value : values) count += value <= t ? 1.0 : 0.0;
    EXPECT_LE(count, binomial_range(static_cast<double>(values.size()), t, failure).high) << t;
  }
}

TEST(PValues, of_sums_of_squares_are_uniform) {
  expect_uniform(p_values(0, [](PointDraws& draws) { return sum_of_squares_p_value(squares(draws, 7), 7.0); }));
}

TEST(PValues, of_variance_ratios_are_uniform) {
  expect_uniform(p_values(1, [](PointDraws& draws) { return variance_ratio_p_value(squares(draws, 6) / 6.0 / (squares(draws, 9) / 9.0), 6.0, 9.0); }));
}

TEST(PValues, of_normals_are_uniform) {
  expect_uniform(p_values(2, [](PointDraws& draws) { return normal_p_value(draws.normal()); }));
}

TEST(PValues, of_binomial_counts_are_valid) {
  expect_valid(p_values(3, [](PointDraws& draws) { return binomial_p_value(successes(draws, 30, 0.3), 30.0, 0.3); }));
}

TEST(PValues, of_multinomial_counts_are_valid) {
  expect_valid(p_values(4, [](PointDraws& draws) {
    std::vector<double> counts(3, 0.0);
    for (int i = 0; i < 25; ++i) {
      const double u = draws.uniform();
      counts[u < 0.5 ? 0 : u < 0.75 ? 1 : 2] += 1.0;
    }
    return multinomial_p_value(counts, {0.5, 0.25, 0.25});
  }));
}

TEST(PValues, of_kolmogorov_and_smirnov_are_valid) {
  for (const int n : {1, 3, 20})
    expect_valid(p_values(10 + static_cast<std::uint32_t>(n), [n](PointDraws& draws) {
      std::vector<double> values;
      for (int i = 0; i < n; ++i) values.push_back(draws.uniform());
      return kolmogorov_smirnov_p_value(values);
    }));
}

TEST(PValues, of_bounded_means_are_valid) {
  expect_valid(p_values(5, [](PointDraws& draws) { return bounded_mean_p_value(successes(draws, 20, 0.5) / 20.0, 0.5, 20.0, 0.0, 1.0); }));
}

/// They can fail: another hypothesis has small p-values.
TEST(PValues, of_a_false_hypothesis_are_small) {
  std::vector<double> squeezed;
  for (int i = 0; i < 2000; ++i) squeezed.push_back(0.8 * (i + 0.5) / 2000.0);
  EXPECT_LT(kolmogorov_smirnov_p_value(squeezed), kTypedFalseAlarm);
  EXPECT_LT(sum_of_squares_p_value(1.5 * 1000.0, 1000.0), kTypedFalseAlarm);
  EXPECT_LT(variance_ratio_p_value(2.0, 500.0, 500.0), kTypedFalseAlarm);
  EXPECT_LT(binomial_p_value(700, 1000, 0.5), kTypedFalseAlarm);
  EXPECT_LT(multinomial_p_value({400, 300, 300}, {0.6, 0.2, 0.2}), kTypedFalseAlarm);
  EXPECT_LT(bounded_mean_p_value(0.6, 0.5, 2000, 0.0, 1.0), kTypedFalseAlarm);
}

}  // namespace
}  // namespace slicecheck::testing
