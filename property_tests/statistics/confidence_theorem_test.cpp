/// Intervals cover as often as they say.

#include <gtest/gtest.h>

#include <cmath>

#include "slicecheck/core/random.h"
#include "slicecheck/statistics/confidence.h"
#include "support/false_alarm.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

constexpr int kReplicates = 20'000;

/// `count` normal values of mean 3 and spread 2, independent of every other replicate's.
std::vector<double> normal_values(int replicate, int count) {
  Eigen::VectorXd values(count);
  RandomStream(test_seed(), Purpose::cases, 50, static_cast<std::uint64_t>(replicate)).fill_normal(values);
  values = 3.0 + 2.0 * values.array();
  return {values.begin(), values.end()};
}

template <class Covers>
int count_covered(int count, const Covers& covers) {
  int covered = 0;
  for (int replicate = 0; replicate < kReplicates; ++replicate) covered += covers(normal_values(replicate, count)) ? 1 : 0;
  return covered;
}

TEST(Coverage, of_the_t_interval_on_normal_values_is_nominal) {
  for (const int count : {2, 5, 20}) {
    for (const double confidence : {0.8, 0.95}) {
      const int covered = count_covered(count, [&](const std::vector<double>& values) {
        const auto [low, high] = mean_with_t_interval(values, confidence).interval;
        return low <= 3.0 && 3.0 <= high;
      });
      // The number of intervals that cover is binomial, exactly.
      EXPECT_TRUE(binomial_range(kReplicates, confidence, spend_false_alarm()).contains(covered)) << count << " values at " << confidence << ": " << covered;
    }
  }
}

TEST(Coverage, the_test_refuses_an_interval_with_the_normal_quantile) {
  const int covered = count_covered(5, [](const std::vector<double>& values) {
    const MeanEstimate estimate = mean_with_t_interval(values, 0.95);
    return std::abs(estimate.mean - 3.0) <= 1.959964 * estimate.standard_error;
  });
  EXPECT_FALSE(binomial_range(kReplicates, 0.95, kFalseAlarm).contains(covered)) << covered;
}

TEST(Coverage, of_hoeffding_on_coin_tosses_is_at_least_nominal) {
  constexpr double failure = 0.2;
  int outside = 0;
  for (int replicate = 0; replicate < kReplicates; ++replicate) {
    const RandomStream stream(test_seed(), Purpose::cases, 51, static_cast<std::uint64_t>(replicate));
    PointDraws draws(stream, 0);
    int heads = 0;
    for (int i = 0; i < 25; ++i) heads += draws.below(2) == 1 ? 1 : 0;
    outside += std::abs(heads / 25.0 - 0.5) > hoeffding_half_width(1.0, 25.0, failure) ? 1 : 0;
  }
  EXPECT_LE(outside, binomial_range(kReplicates, failure, spend_false_alarm()).high);
  EXPECT_GT(outside, 0) << "the bound is never reached: is it a bound on anything?";
}

}  // namespace
}  // namespace slicecheck::testing
