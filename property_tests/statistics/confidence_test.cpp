/// Intervals: against tables and formulas.

#include "slicecheck/statistics/confidence.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "slicecheck/core/error.h"

namespace slicecheck {
namespace {

TEST(TInterval, uses_the_quantile_of_the_tables) {
  // Mean 3, sample variance 2.5, five values: standard error √(1/2). t(4; 0.975) = 2.776445, t(4; 0.995) = 4.604095.
  const std::vector<double> values{1.0, 2.0, 3.0, 4.0, 5.0};
  const double standard_error = std::sqrt(0.5);
  const MeanEstimate at_95 = mean_with_t_interval(values, 0.95);
  EXPECT_DOUBLE_EQ(at_95.mean, 3.0);
  EXPECT_DOUBLE_EQ(at_95.standard_error, standard_error);
  EXPECT_NEAR(at_95.interval.high, 3.0 + 2.776445 * standard_error, 1e-6);
  EXPECT_NEAR(at_95.interval.low, 3.0 - 2.776445 * standard_error, 1e-6);
  EXPECT_NEAR(mean_with_t_interval(values, 0.99).interval.high, 3.0 + 4.604095 * standard_error, 1e-6);
  // t(1; 0.975) = 12.7062: two values.
  EXPECT_NEAR(mean_with_t_interval({0.0, 2.0}, 0.95).interval.high, 1.0 + 12.7062, 1e-4);
}

TEST(TInterval, one_value_says_nothing_about_the_spread) {
  const MeanEstimate one = mean_with_t_interval({7.0}, 0.95);
  EXPECT_EQ(one.mean, 7.0);
  EXPECT_TRUE(std::isnan(one.standard_error));
  EXPECT_EQ(one.interval.low, -std::numeric_limits<double>::infinity());
  EXPECT_EQ(one.interval.high, std::numeric_limits<double>::infinity());
}

TEST(TInterval, equal_values_have_no_width) {
  const MeanEstimate equal = mean_with_t_interval({2.0, 2.0, 2.0, 2.0}, 0.95);
  EXPECT_EQ(equal.interval.low, 2.0);
  EXPECT_EQ(equal.interval.high, 2.0);
}

TEST(TInterval, does_not_hide_a_value_that_is_no_number) {
  const MeanEstimate estimate = mean_with_t_interval({1.0, std::nan(""), 2.0}, 0.95);
  EXPECT_TRUE(std::isnan(estimate.mean));
  EXPECT_TRUE(std::isnan(estimate.interval.low) && std::isnan(estimate.interval.high));
}

TEST(TInterval, rejects_no_values_and_confidences_outside_0_1) {
  EXPECT_THROW(mean_with_t_interval({}, 0.95), InputError);
  for (const double confidence : {0.0, 1.0, -0.5, 1.5, std::nan("")}) EXPECT_THROW(mean_with_t_interval({1.0, 2.0}, confidence), InputError) << confidence;
}

TEST(Hoeffding, is_its_formula) {
  EXPECT_DOUBLE_EQ(hoeffding_half_width(3.0, 50.0, 0.01), 3.0 * std::sqrt(std::log(200.0) / 100.0));
  EXPECT_LT(hoeffding_half_width(1.0, 400.0, 0.01), hoeffding_half_width(1.0, 100.0, 0.01));
  EXPECT_DOUBLE_EQ(hoeffding_half_width(1.0, 100.0, 0.01), 2.0 * hoeffding_half_width(1.0, 400.0, 0.01));
}

}  // namespace
}  // namespace slicecheck
