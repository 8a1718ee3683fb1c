/// Exact assignment against all permutations, on the line against sorting, and above the sliced distance.

#include "slicecheck/loss/assignment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "slicecheck/core/error.h"
#include "slicecheck/core/random.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/loss/reference_loss.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

double cost_of(const Points<double>& cost, const std::vector<Index>& match) {
  double sum = 0.0;
  for (Index k = 0; k < cost.rows(); ++k) sum += cost(k, match[static_cast<std::size_t>(k)]);
  return sum;
}

double least_cost(const Points<double>& cost) {
  std::vector<Index> match(static_cast<std::size_t>(cost.rows()));
  std::iota(match.begin(), match.end(), Index{0});
  double least = std::numeric_limits<double>::infinity();
  do least = std::min(least, cost_of(cost, match));
  while (std::next_permutation(match.begin(), match.end()));
  return least;
}

bool is_permutation(std::vector<Index> match, Index n) {
  std::sort(match.begin(), match.end());
  for (std::size_t k = 0; k < match.size(); ++k)
    if (match[k] != static_cast<Index>(k)) return false;
  return static_cast<Index>(match.size()) == n;
}

/// n×d, from number `number`: small integers (many ties), or normals.
Points<double> random_cloud(Index n, Index d, std::uint64_t number, bool integers) {
  const RandomStream stream(test_seed(), Purpose::cases, 60, number);
  Points<double> cloud(n, d);
  for (Index k = 0; k < n; ++k) {
    PointDraws draws(stream, static_cast<std::uint64_t>(k));
    for (Index j = 0; j < d; ++j) cloud(k, j) = integers ? static_cast<double>(draws.below(4)) : draws.normal();
  }
  return cloud;
}

TEST(OptimalAssignment, agrees_with_all_permutations) {
  for (std::uint64_t number = 0; number < 120; ++number) {
    const Index n = 1 + static_cast<Index>(number % 7);
    for (const bool integers : {true, false}) {
      Points<double> cost = random_cloud(n, n, number, integers);
      if (number % 3 == 0) cost.array() -= 2.0;  // negative costs are costs
      const auto match = optimal_assignment(cost);
      ASSERT_TRUE(is_permutation(match, n));
      const double sum = cost.cwiseAbs().sum();
      EXPECT_NEAR(cost_of(cost, match), least_cost(cost), tolerance::gamma(50.0, tolerance::unit_roundoff<double>()) * sum) << number;
    }
  }
}

TEST(OptimalAssignment, duplicates_and_constant_costs) {
  EXPECT_EQ(optimal_assignment(Points<double>::Zero(1, 1)), (std::vector<Index>{0}));
  EXPECT_EQ(optimal_assignment(Points<double>::Constant(4, 4, 3.5)), (std::vector<Index>{0, 1, 2, 3})) << "ties go to the smallest column";
  const Points<double> twins{{1.0, 2.0, 3.0}, {1.0, 2.0, 3.0}, {0.0, 0.0, 9.0}};
  const auto match = optimal_assignment(twins);
  ASSERT_TRUE(is_permutation(match, 3));
  EXPECT_EQ(cost_of(twins, match), least_cost(twins));
}

TEST(OptimalAssignment, is_not_greedy) {
  // The cheapest entry, 0, forces 100.
  const Points<double> cost{{0.0, 1.0}, {1.0, 100.0}};
  EXPECT_EQ(optimal_assignment(cost), (std::vector<Index>{1, 0}));
}

TEST(OptimalAssignment, rejects_what_is_no_cost_matrix) {
  EXPECT_THROW((void)optimal_assignment(Points<double>(0, 0)), InputError);
  EXPECT_THROW((void)optimal_assignment(Points<double>::Zero(2, 3)), InputError);
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()})
    EXPECT_THROW((void)optimal_assignment(Points<double>{{0.0, bad}, {1.0, 2.0}}), InputError);
}

TEST(ExactW2, by_hand) {
  EXPECT_EQ(exact_w2_squared(Points<double>{{3.0, 4.0}}, Points<double>{{0.0, 0.0}}), 25.0);
  // Crossing pairs cost (1 + 1)/2, straight ones (9 + 9)/2.
  EXPECT_EQ(exact_w2_squared(Points<double>{{0.0, 0.0}, {3.0, 0.0}}, Points<double>{{3.0, 1.0}, {0.0, 1.0}}), 1.0);
}

TEST(ExactW2, on_the_line_is_the_sorted_distance) {
  for (std::uint64_t number = 0; number < 20; ++number) {
    const Index n = number < 18 ? 1 + static_cast<Index>(3 * number) : 150;
    const Points<double> z = random_cloud(n, 1, 1000 + number, number % 4 == 0);
    const Points<double> y = random_cloud(n, 1, 2000 + number, number % 4 == 0);
    const double sorted = ReferenceLoss(2.0).evaluate(z, y, Points<double>::Ones(1, 1)).value;
    // Costs are squares of exact differences; the assignment adds up to n of them in its path lengths.
    const double largest = (z.cwiseAbs().maxCoeff() + y.cwiseAbs().maxCoeff()) * (z.cwiseAbs().maxCoeff() + y.cwiseAbs().maxCoeff());
    EXPECT_NEAR(exact_w2_squared(z, y), sorted, tolerance::gamma(4.0 * static_cast<double>(n) + 16.0, tolerance::unit_roundoff<double>()) * largest) << n;
  }
}

TEST(ExactW2, is_at_least_d_times_the_mean_over_an_orthonormal_frame) {
  double largest = 0.0;
  for (std::uint64_t number = 0; number < 30; ++number) {
    const Index d = 1 + static_cast<Index>(number % 4);
    const Points<double> z = random_cloud(25, d, 3000 + number, number % 2 == 0);
    const Points<double> y = random_cloud(25, d, 4000 + number, number % 2 == 0);
    const double sliced = ReferenceLoss(2.0).evaluate(z, y, Points<double>::Identity(d, d)).value;
    const double exact = exact_w2_squared(z, y);
    EXPECT_LE(sliced, exact / static_cast<double>(d) * (1.0 + tolerance::gamma(200.0, tolerance::unit_roundoff<double>()))) << number;
    largest = std::max(largest, sliced);
  }
  EXPECT_GT(largest, 0.0);
  // With a translation both sides agree.
  const Points<double> z = random_cloud(10, 3, 5000, true);
  const Points<double> y = z.rowwise() + Eigen::RowVector3d(8.0, -16.0, 32.0);
  EXPECT_EQ(exact_w2_squared(z, y), 64.0 + 256.0 + 1024.0);
}

TEST(ExactW2, does_not_depend_on_the_order_of_the_points) {
  const Points<double> z = random_cloud(12, 2, 6000, false);
  const Points<double> y = random_cloud(12, 2, 6001, false);
  const double exact = exact_w2_squared(z, y);
  EXPECT_NEAR(exact_w2_squared(z.colwise().reverse(), y), exact, 1e-13 * exact);
  EXPECT_NEAR(exact_w2_squared(y, z), exact, 1e-13 * exact);
  EXPECT_EQ(exact_w2_squared(z, z.colwise().reverse()), 0.0);
}

TEST(ExactW2, rejects_clouds_that_do_not_fit) {
  EXPECT_THROW((void)exact_w2_squared(Points<double>::Zero(2, 2), Points<double>::Zero(3, 2)), InputError);
  EXPECT_THROW((void)exact_w2_squared(Points<double>::Zero(2, 2), Points<double>::Zero(2, 1)), InputError);
  EXPECT_THROW((void)exact_w2_squared(Points<double>(0, 2), Points<double>(0, 2)), InputError);
  EXPECT_THROW((void)exact_w2_squared(Points<double>(2, 0), Points<double>(2, 0)), InputError);
  EXPECT_THROW((void)exact_w2_squared(Points<double>{{std::nan("")}}, Points<double>{{0.0}}), InputError);
}

}  // namespace
}  // namespace slicecheck::testing
