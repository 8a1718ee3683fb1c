/// The statistical assertions themselves: exact where they say so, and they can fail.

#include <gtest/gtest.h>

#include <cmath>

#include "support/false_alarm.h"

namespace slicecheck::testing {
namespace {

TEST(FalseAlarm, a_whole_run_stays_within_one_in_a_million) { EXPECT_LE(kFalseAlarm * kLargestNumberOfAssertions, 1e-6 * (1.0 + 1e-12)); }

TEST(FalseAlarm, binomial_range_is_exact) {
  // Ten fair coins: P(0 or 10 heads) = 2/1024.
  const CountRange loose = binomial_range(10, 0.5, 2.0 / 1024.0 * 1.001);
  EXPECT_FALSE(loose.contains(0) && loose.contains(10)) << "0 and 10 heads together have exactly the level that was given away";
  const CountRange strict = binomial_range(10, 0.5, 2.0 / 1024.0 * 0.999);
  EXPECT_TRUE(strict.contains(0) && strict.contains(10));
  EXPECT_FALSE(strict.contains(11));
}

TEST(FalseAlarm, kolmogorov_smirnov_distance_by_hand) {
  EXPECT_DOUBLE_EQ(kolmogorov_smirnov_distance({0.5}), 0.5);
  EXPECT_DOUBLE_EQ(kolmogorov_smirnov_distance({0.9, 0.1}), 0.4);
  EXPECT_DOUBLE_EQ(kolmogorov_smirnov_distance({0.25, 0.25, 0.25, 0.25}), 0.75);
  std::vector<double> best;
  for (int i = 0; i < 100; ++i) best.push_back((i + 0.5) / 100.0);
  EXPECT_NEAR(kolmogorov_smirnov_distance(best), 0.005, 1e-12);
  EXPECT_NEAR(kolmogorov_smirnov_bound(100.0, 2.0 * std::exp(-2.0)), 0.1, 1e-12);
}

TEST(FalseAlarm, quantiles_of_the_tables) {
  EXPECT_NEAR(normal_mean_bound(4.0, 0.05), 1.959964 / 2.0, 1e-6);
  EXPECT_NEAR(chi_squared_range(10.0, 0.05).low, 3.246973, 1e-5);
  EXPECT_NEAR(chi_squared_range(10.0, 0.05).high, 20.483177, 1e-5);
}

TEST(FalseAlarm, assertions_are_counted) {
  const int before = assertions_spent();
  EXPECT_EQ(spend_false_alarm(), kFalseAlarm);
  EXPECT_EQ(assertions_spent(), before + 1);
}

}  // namespace
}  // namespace slicecheck::testing
