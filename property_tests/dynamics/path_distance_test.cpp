/// d_C by hand, and of SGD's path on the line.

#include "slicecheck/dynamics/path_distance.h"

#include <gtest/gtest.h>

#include <cmath>

#include "slicecheck/core/error.h"
#include "slicecheck/generators/closed_form.h"

namespace slicecheck::testing {
namespace {

TEST(PathDistance, of_a_constant_gap) {
  // Σ_{k=1}^{5} 2^{−k}·0.3 = 0.3·31/32.
  const PathDistance distance = path_distance([](double) { return 0.3; }, 0.25, 5);
  EXPECT_NEAR(distance.stopped, 0.3 * 31.0 / 32.0, 1e-15);
  EXPECT_EQ(distance.tail, 1.0 / 32.0);
  EXPECT_EQ(distance.largest, std::vector<double>(5, 0.3));
}

TEST(PathDistance, takes_the_largest_gap_so_far_and_saturates_at_one) {
  // The gap is s/2: maxima ½, 1, 3/2, 2 and terms ½, 1, 1, 1.
  const PathDistance rising = path_distance([](double s) { return 0.5 * s; }, 0.5, 4);
  EXPECT_EQ(rising.largest, (std::vector<double>{0.5, 1.0, 1.5, 2.0}));
  EXPECT_NEAR(rising.stopped, 0.25 + 0.25 + 0.125 + 0.0625, 1e-15);
  // A bump in the second unit of time stays in all later maxima.
  const PathDistance bump = path_distance([](double s) { return s > 1.0 && s < 2.0 ? 0.8 : 0.0; }, 0.25, 3);
  EXPECT_EQ(bump.largest, (std::vector<double>{0.0, 0.8, 0.8}));
  EXPECT_NEAR(bump.stopped, 0.8 * (0.25 + 0.125), 1e-15);
  // A gap at the end alone, between the times looked at.
  const PathDistance end = path_distance([](double s) { return s >= 1.0 ? 0.5 : 0.0; }, 0.3, 1);
  EXPECT_EQ(end.largest, std::vector<double>{0.5});
}

TEST(PathDistance, looks_at_every_multiple_of_the_spacing_once_and_at_the_ends) {
  std::vector<double> seen;
  (void)path_distance(
      [&](double s) {
        seen.push_back(s);
        return 0.0;
      },
      0.375, 2);
  EXPECT_EQ(seen, (std::vector<double>{0.0, 0.375, 0.75, 1.0, 1.125, 1.5, 1.875, 2.0}));
}

TEST(PathDistance, joins_iterates_by_lines) {
  const Points<double> iterates{{0.0, 1.0}, {1.0, 3.0}, {1.0, -1.0}};
  EXPECT_EQ(interpolated(iterates, 0.5, 0.0), Eigen::Vector2d(0.0, 1.0));
  EXPECT_EQ(interpolated(iterates, 0.5, 0.25), Eigen::Vector2d(0.5, 2.0));
  EXPECT_EQ(interpolated(iterates, 0.5, 0.5), Eigen::Vector2d(1.0, 3.0));
  EXPECT_EQ(interpolated(iterates, 0.5, 0.875), Eigen::Vector2d(1.0, 0.0));
  EXPECT_EQ(interpolated(iterates, 0.5, 1.0), Eigen::Vector2d(1.0, -1.0));
  EXPECT_EQ(interpolated(iterates.topRows(1), 0.5, 0.0), Eigen::Vector2d(0.0, 1.0));
  EXPECT_THROW((void)interpolated(iterates, 0.5, -0.1), InputError);
  EXPECT_THROW((void)interpolated(iterates, 0.5, 1.1), InputError);
  EXPECT_THROW((void)interpolated(iterates, 0.5, std::nan("")), InputError);
  EXPECT_THROW((void)interpolated(iterates, 0.0, 0.0), InputError);
  EXPECT_THROW((void)interpolated(iterates, -0.5, 0.0), InputError);
  EXPECT_THROW((void)interpolated(Points<double>(0, 2), 0.5, 0.0), InputError);
}

FlowPath line_path(double u0, double horizon, const FlowExit& exit = {}) {
  const auto two = FiniteLaw::two_points();
  const FiniteFlowField line(std::make_shared<TwoPointLine<double>>(), *two, *two, 2);
  return solve_flow(line, Eigen::VectorXd::Constant(1, u0), {.horizon = horizon}, exit);
}

/// The mean of SGD on the line from u_0 > 0 follows u_{t+1} = u_t − 2α(u_t − ¼), the flow's Euler path: u_t = ¼ + (u_0 − ¼)(1 − 2α)^t.
TEST(PathDistance, of_the_euler_path_of_the_line) {
  const double u0 = 1.25;
  double before = 1.0;
  for (const double alpha : {1.0 / 16.0, 1.0 / 64.0, 1.0 / 256.0}) {
    const auto steps = static_cast<Index>(6.0 / alpha);
    Points<double> iterates(steps + 1, 1);
    for (Index t = 0; t <= steps; ++t) iterates(t, 0) = 0.25 + (u0 - 0.25) * std::pow(1.0 - 2.0 * alpha, static_cast<double>(t));
    const PathDistance found = distance_to_flow(iterates, alpha, line_path(u0, 6.0));
    ASSERT_EQ(found.largest.size(), 6U);
    // By hand, at the same times: nodes and midpoints.
    double stopped = 0.0;
    double largest = 0.0;
    for (Index look = 0, k = 1; k <= 6; ++k) {
      for (; static_cast<double>(look) * 0.5 * alpha <= static_cast<double>(k); ++look) {
        const double s = static_cast<double>(look) * 0.5 * alpha;
        const Index t = look / 2;
        const double u = look % 2 == 0 ? iterates(t, 0) : 0.5 * (iterates(t, 0) + iterates(t + 1, 0));
        largest = std::max(largest, std::abs(u - (0.25 + (u0 - 0.25) * std::exp(-2.0 * s))));
      }
      EXPECT_NEAR(found.largest[static_cast<std::size_t>(k - 1)], largest, 1e-8) << k;
      stopped += std::ldexp(std::min(1.0, largest), -static_cast<int>(k));
    }
    EXPECT_NEAR(found.stopped, stopped, 1e-8);
    EXPECT_LT(found.stopped, 0.3 * before) << "of order α";
    before = found.stopped;
  }
}

TEST(PathDistance, the_nearest_solution_counts) {
  // A path that waits at 0 until s = 1 and then follows the flow on the right.
  const double alpha = 1.0 / 32.0;
  Points<double> iterates(4 * 32 + 1, 1);
  for (Index t = 0; t < iterates.rows(); ++t) {
    const double s = static_cast<double>(t) * alpha;
    iterates(t, 0) = s <= 1.0 ? 0.0 : 0.25 * (1.0 - std::exp(-2.0 * (s - 1.0)));
  }
  const FlowPath stays = line_path(0.0, 4.0);
  const FlowPath right = line_path(0.0, 4.0, {1.0, {-1}});
  const FlowPath early = line_path(0.0, 4.0, {0.0, {-1}});
  const double near = distance_to_flow(iterates, alpha, right).stopped;
  EXPECT_LT(near, 1e-3);
  EXPECT_EQ(distance_to_flows(iterates, alpha, {stays, right, early}).stopped, near);
  EXPECT_GT(distance_to_flows(iterates, alpha, {stays, early}).stopped, 0.01);
  EXPECT_THROW((void)distance_to_flows(iterates, alpha, {}), InputError);
  // The shorter of both lengths counts.
  EXPECT_EQ(distance_to_flow(iterates.topRows(2 * 32 + 1), alpha, right).largest.size(), 2U);
  EXPECT_EQ(distance_to_flow(iterates, alpha, line_path(0.0, 3.5)).largest.size(), 3U);
  EXPECT_THROW((void)distance_to_flow(iterates.topRows(3), alpha, right), InputError) << "shorter than one unit of time";
}

TEST(PathDistance, refuses_what_is_no_gap) {
  EXPECT_THROW((void)path_distance([](double) { return 0.0; }, 0.5, 0), InputError);
  for (const double spacing : {0.0, -0.5, 1.5, std::nan("")}) EXPECT_THROW((void)path_distance([](double) { return 0.0; }, spacing, 1), InputError) << spacing;
  EXPECT_THROW((void)path_distance([](double s) { return s == 0.5 ? std::nan("") : 0.0; }, 0.5, 1), Error);
  EXPECT_THROW((void)path_distance([](double s) { return s == 1.0 ? std::nan("") : 0.0; }, 0.5, 1), Error) << "at the very end";
}

}  // namespace
}  // namespace slicecheck::testing
