/// Slopes of medians: exact power laws, both intervals by hand, and what has no slope.

#include "slicecheck/statistics/slope_of_medians.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "slicecheck/core/error.h"
#include "slicecheck/core/parallel.h"

namespace slicecheck {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
const RandomStream kStream(1, Purpose::cases, 7000, 0);
const std::vector<double> kThree{1.0, 2.0, 4.0};  // coefficients −1/2, 0, 1/2

using Distances = std::vector<std::vector<double>>;

TEST(MedianInterval, is_in_the_tables) {
  std::vector<double> values;
  for (int i = 100; i >= 1; --i) values.push_back(i);
  const Interval hundred = median_interval(values, 0.95);  // 2·P(binomial(100, 1/2) ≤ 39) = 0.0352, ≤ 40: 0.0569
  EXPECT_EQ(hundred.low, 40.0);
  EXPECT_EQ(hundred.high, 61.0);
  const Interval ten = median_interval({1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, 0.95);  // 22/1024, 112/1024
  EXPECT_EQ(ten.low, 2.0);
  EXPECT_EQ(ten.high, 9.0);
  const Interval six = median_interval({3, 1, 2, 6, 5, 4}, 0.95);  // 2/64
  EXPECT_EQ(six.low, 1.0);
  EXPECT_EQ(six.high, 6.0);
  const Interval five = median_interval({1, 2, 3, 4, 5}, 0.95);  // 2/32 > 0.05
  EXPECT_EQ(five.low, -kInfinity);
  EXPECT_EQ(five.high, kInfinity);
  const Interval reached = median_interval({1, 2}, 0.5);  // 2/4 = 1 − 0.5: the level itself is allowed
  EXPECT_EQ(reached.low, 1.0);
  EXPECT_EQ(reached.high, 2.0);
}

TEST(MedianInterval, takes_the_largest_rank_allowed) {
  for (int count = 1; count <= 60; ++count)
    for (const double confidence : {0.1, 0.5, 0.95, 1.0 - 1e-6, 1.0 - 1e-12}) {
      double tail = 0.0;
      double mass = std::exp2(-count);
      int rank = 0;
      for (int k = 0; k < count; ++k) {  // P(K ≤ k), exact up to rounding of whole numbers below 2⁶⁰
        tail += mass;
        if (2.0 * tail > 1.0 - confidence) break;
        rank = k + 1;
        mass *= static_cast<double>(count - k) / static_cast<double>(k + 1);
      }
      std::vector<double> values;
      for (int i = 1; i <= count; ++i) values.push_back(i);
      const Interval interval = median_interval(values, confidence);
      EXPECT_EQ(interval.low, rank == 0 ? -kInfinity : rank) << count << ' ' << confidence;
      EXPECT_EQ(interval.high, rank == 0 ? kInfinity : count + 1 - rank) << count << ' ' << confidence;
    }
}

TEST(MedianSlope, finds_an_exact_power_law) {
  const std::vector<double> step_sizes{0.25, 0.125, 0.0625, 0.03125, 0.015625};
  for (const double slope : {-1.0, 0.0, 0.5, 1.0}) {
    Distances distances;
    for (const double step_size : step_sizes) distances.emplace_back(40, 3.0 * std::pow(step_size, slope));
    const MedianSlope found = slope_of_log_medians(step_sizes, distances, 0.95, 99, kStream);
    // A logarithm errs by 2u/ln 2 and a rounding of at most 8u; Σ|c| = 6/10; 8 roundings of terms of at most 2·8/10.
    constexpr double allowed = 32.0 * 0x1p-53;
    for (const double value : {found.slope, found.guaranteed.low, found.guaranteed.high, found.interval.low, found.interval.high})
      EXPECT_NEAR(value, slope, allowed);
    EXPECT_EQ(found.medians.front(), distances.front().front());
    EXPECT_EQ(found.resamples, 99U);
  }
}

TEST(MedianSlope, guaranteed_interval_by_hand) {
  // 0.1/3 allows 2/64 and not 14/64: each median lies between the smallest and the largest of 6.
  const Distances distances{{1, 2, 2, 2, 2, 4}, {1, 1, 1, 3, 3, 1024}, {8, 8, 16, 16, 32, 64}};
  const MedianSlope found = slope_of_log_medians(kThree, distances, 0.9, 99, kStream);
  EXPECT_EQ(found.medians, (std::vector<double>{2, 2, 16}));
  EXPECT_DOUBLE_EQ(found.slope, 1.5);
  EXPECT_DOUBLE_EQ(found.guaranteed.low, (3.0 - 2.0) / 2.0);
  EXPECT_DOUBLE_EQ(found.guaranteed.high, (6.0 - 0.0) / 2.0);
  EXPECT_EQ(found.median_intervals[1].low, 1.0);
  EXPECT_EQ(found.median_intervals[1].high, 1024.0);
  const Interval alone = guaranteed_slope_interval(kThree, distances, 0.9);
  EXPECT_EQ(alone.low, found.guaranteed.low);
  EXPECT_EQ(alone.high, found.guaranteed.high);
  EXPECT_EQ(guaranteed_slope_interval(kThree, distances, 1.0 - 1e-6).high, kInfinity) << "six replicates are too few";
  // The order of the step sizes is no matter.
  const MedianSlope reversed = slope_of_log_medians({4.0, 2.0, 1.0}, {distances[2], distances[1], distances[0]}, 0.9, 99, kStream);
  EXPECT_DOUBLE_EQ(reversed.slope, 1.5);
  EXPECT_DOUBLE_EQ(reversed.guaranteed.low, 0.5);
  EXPECT_DOUBLE_EQ(reversed.guaranteed.high, 3.0);
}

/// 24 replicates are the smallest budget for 8 step sizes at 1 − 10⁻⁶: 2·2⁻²⁴ ≤ 10⁻⁶/8 < 2·2⁻²³.
TEST(MedianSlope, guaranteed_interval_has_a_smallest_budget) {
  std::vector<double> step_sizes;
  for (int j = 0; j < 8; ++j) step_sizes.push_back(std::exp2(-j));
  EXPECT_TRUE(std::isinf(guaranteed_slope_interval(step_sizes, Distances(8, std::vector<double>(23, 1.0)), 1.0 - 1e-6).high));
  EXPECT_EQ(guaranteed_slope_interval(step_sizes, Distances(8, std::vector<double>(24, 1.0)), 1.0 - 1e-6).high, 0.0);
}

TEST(MedianSlope, few_replicates_guarantee_nothing) {
  const std::vector<double> five(5, 1.0);
  const std::vector<double> six(6, 1.0);
  const MedianSlope nothing = slope_of_log_medians(kThree, {five, six, six}, 0.9, 99, kStream);
  EXPECT_EQ(nothing.guaranteed.low, -kInfinity);
  EXPECT_EQ(nothing.guaranteed.high, kInfinity);
  EXPECT_EQ(nothing.median_intervals[0].low, 0.0);
  EXPECT_EQ(nothing.median_intervals[0].high, kInfinity);
  EXPECT_EQ(compare_slope(nothing.guaranteed, 0.0, 10.0), SlopeVerdict::inconclusive);
  const MedianSlope middle = slope_of_log_medians(kThree, {six, five, six}, 0.9, 99, kStream);
  EXPECT_EQ(middle.guaranteed.low, 0.0) << "the middle one has no weight";
  EXPECT_EQ(middle.guaranteed.high, 0.0);
  const MedianSlope zero = slope_of_log_medians(kThree, {six, six, {0, 1, 1, 1, 1, 1}}, 0.9, 99, kStream);
  EXPECT_EQ(zero.guaranteed.low, -kInfinity);
  EXPECT_EQ(zero.guaranteed.high, 0.0);
}

/// Of three values the median of a resample is the odd one with probability 7/27 = 0.259: among 10⁴ resamples fewer than 2000 or more than 3000 with
/// probability below 10⁻¹⁸.
TEST(MedianSlope, bootstrap_interval_by_hand) {
  const std::vector<double> ones(3, 1.0);
  const Distances odd{ones, ones, {1.0, 1.0, 4.0}};  // slopes 0 and 1
  EXPECT_EQ(slope_of_log_medians(kThree, odd, 0.6, 10'000, kStream).interval.high, 1.0);
  EXPECT_EQ(slope_of_log_medians(kThree, odd, 0.6, 10'000, kStream).interval.low, 0.0);
  EXPECT_EQ(slope_of_log_medians(kThree, odd, 0.4, 10'000, kStream).interval.high, 0.0);
  const Distances zero{ones, ones, {1.0, 1.0, 0.0}};
  EXPECT_EQ(slope_of_log_medians(kThree, zero, 0.6, 10'000, kStream).interval.low, -kInfinity);
  EXPECT_EQ(slope_of_log_medians(kThree, zero, 0.6, 10'000, kStream).interval.high, kInfinity);
  EXPECT_EQ(slope_of_log_medians(kThree, zero, 0.4, 10'000, kStream).interval.low, 0.0);
}

TEST(MedianSlope, bootstrap_depends_on_the_stream_alone) {
  Distances distances(3);
  for (int i = 0; i < 51; ++i)
    for (std::size_t j = 0; j < 3; ++j) distances[j].push_back(1.0 + static_cast<double>((i * 37 + 11 * static_cast<int>(j)) % 101));
  const int before = thread_count();
  set_thread_count(1);
  const Interval one = slope_of_log_medians(kThree, distances, 0.9, 199, kStream).interval;
  set_thread_count(4);
  const Interval four = slope_of_log_medians(kThree, distances, 0.9, 199, kStream).interval;
  set_thread_count(before);
  EXPECT_EQ(one.low, four.low);
  EXPECT_EQ(one.high, four.high);
  EXPECT_LT(one.low, one.high);
  const Interval other = slope_of_log_medians(kThree, distances, 0.9, 199, RandomStream(2, Purpose::cases, 7000, 0)).interval;
  EXPECT_TRUE(other.low != one.low || other.high != one.high);
}

TEST(CompareSlope, by_hand) {
  const auto verdict = [](double low, double high) { return compare_slope({low, high}, 0.5, 0.25); };
  EXPECT_EQ(verdict(0.3, 0.6), SlopeVerdict::equivalent);
  EXPECT_EQ(verdict(0.25, 0.75), SlopeVerdict::equivalent) << "ends included";
  EXPECT_EQ(verdict(0.2, 0.6), SlopeVerdict::inconclusive);
  EXPECT_EQ(verdict(0.6, 0.8), SlopeVerdict::inconclusive);
  EXPECT_EQ(verdict(0.0, 1.0), SlopeVerdict::inconclusive);
  EXPECT_EQ(verdict(0.75, 1.0), SlopeVerdict::inconclusive) << "one point in common";
  EXPECT_EQ(verdict(0.8, 1.0), SlopeVerdict::different);
  EXPECT_EQ(verdict(-1.0, 0.2), SlopeVerdict::different);
  EXPECT_EQ(verdict(-kInfinity, 0.2), SlopeVerdict::different);
  EXPECT_EQ(verdict(-kInfinity, kInfinity), SlopeVerdict::inconclusive);
  EXPECT_EQ(compare_slope({0.5, 0.5}, 0.5, 0.0), SlopeVerdict::equivalent);
  EXPECT_THROW((void)compare_slope({1.0, 0.0}, 0.5, 0.1), InputError);
  EXPECT_THROW((void)compare_slope({std::nan(""), 0.0}, 0.5, 0.1), InputError);
  EXPECT_THROW((void)compare_slope({0.0, 1.0}, kInfinity, 0.1), InputError);
  EXPECT_THROW((void)compare_slope({0.0, 1.0}, 0.5, -0.1), InputError);
  EXPECT_THROW((void)compare_slope({0.0, 1.0}, 0.5, std::nan("")), InputError);
}

TEST(MedianSlope, rejects_what_has_no_slope) {
  const std::vector<double> two(2, 1.0);
  const auto slope = [](const std::vector<double>& step_sizes, const Distances& distances, double confidence = 0.9, std::uint64_t resamples = 99) {
    return slope_of_log_medians(step_sizes, distances, confidence, resamples, kStream);
  };
  EXPECT_NO_THROW((void)slope(kThree, {two, two, two}));
  EXPECT_THROW((void)slope({1.0, 2.0}, {two, two}), InputError);
  EXPECT_THROW((void)slope(kThree, {two, two}), InputError);
  EXPECT_THROW((void)slope({2.0, 2.0, 2.0}, {two, two, two}), InputError);
  EXPECT_THROW((void)slope({1.0, 0.0, 2.0}, {two, two, two}), InputError);
  EXPECT_THROW((void)slope({1.0, kInfinity, 2.0}, {two, two, two}), InputError);
  EXPECT_THROW((void)slope(kThree, {two, {1.0}, two}), InputError);
  EXPECT_THROW((void)slope(kThree, {two, {0.0, 0.0}, two}), InputError) << "a median 0";
  for (const double bad : {-1.0, std::nan(""), kInfinity}) EXPECT_THROW((void)slope(kThree, {two, {1.0, bad}, two}), InputError) << bad;
  for (const double confidence : {0.0, 1.0, -0.5, std::nan("")}) EXPECT_THROW((void)slope(kThree, {two, two, two}, confidence), InputError) << confidence;
  EXPECT_NO_THROW((void)slope(kThree, {two, two, two}, 0.5, 3));
  EXPECT_NO_THROW((void)slope(kThree, {two, two, two}, 0.9, 19)) << "0.9 is rounded upwards";
  EXPECT_THROW((void)slope(kThree, {two, two, two}, 0.9, 18), InputError);
  EXPECT_THROW((void)slope(kThree, {two, two, two}, 0.5, 2), InputError) << "(2 + 1)·0.25 < 1";
  EXPECT_THROW((void)slope(kThree, {two, two, two}, 0.9, 100'000'000), InputError);
  EXPECT_THROW((void)guaranteed_slope_interval({1.0, 2.0}, {two, two}, 0.9), InputError);
  EXPECT_THROW((void)guaranteed_slope_interval(kThree, {two, two, two}, 1.0), InputError);
  EXPECT_THROW((void)median_interval({}, 0.9), InputError);
  EXPECT_THROW((void)median_interval({1.0, kInfinity}, 0.9), InputError);
  EXPECT_THROW((void)median_interval({1.0}, 1.0), InputError);
}

}  // namespace
}  // namespace slicecheck
