/// The judge of N9 at kinks, judged itself: sets known by hand, and gradients beside the point are among the limits.

#include "slicecheck/claims/piecewise_linear.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "slicecheck/core/tolerances.h"
#include "slicecheck/nonsmooth/finite_objective.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

/// v_1 relu(b_1 s) + v_2 relu(b_2 s) + drift·s + offset.
PiecewiseLinearMap one_parameter(double b1, double v1, double b2, double v2, double drift, double offset) {
  PiecewiseLinearMap map;
  map.slope = Eigen::MatrixXd(2, 1);
  map.slope << b1, b2;
  map.gain = Eigen::VectorXd::Zero(2);
  map.bias = Eigen::VectorXd::Zero(2);
  map.out = Eigen::VectorXd(2);
  map.out << v1, v2;
  map.drift = Eigen::RowVectorXd::Constant(1, drift);
  map.offset = offset;
  return map;
}

std::vector<double> sorted_column(const Points<double>& rows) {
  std::vector<double> values(rows.data(), rows.data() + rows.size());
  std::sort(values.begin(), values.end());
  return values;
}

TEST(PiecewiseLinear, sets_known_by_hand) {
  const Eigen::VectorXd zero = Eigen::VectorXd::Zero(1);
  const std::vector<LineAtom> origin{{0.0, 1.0}};
  // relu(s) − relu(−s) = s, y = −1/2: {1}.
  EXPECT_EQ(sorted_column(all_limiting_gradients(one_parameter(1, 1, -1, -1, 0, 0), zero, origin, {{-0.5, 1.0}}, 1)), (std::vector<double>{1.0, 1.0}));
  // relu(s) + s/2 + 1/4, y = ±1: [1/4, 3/4].
  const std::vector<LineAtom> two{{-1.0, 0.5}, {1.0, 0.5}};
  EXPECT_EQ(sorted_column(all_limiting_gradients(one_parameter(1, 1, 0, 0, 0.5, 0.25), zero, origin, two, 1)), (std::vector<double>{0.25, 0.75}));
}

/// T = |s_1| + s_2 as relu(s_1) + relu(−s_1) + s_2 at 0, y = −1/2: 2·(1/2)·{(±1, 1)}.
TEST(PiecewiseLinear, a_set_in_two_parameters) {
  PiecewiseLinearMap map;
  map.slope = Eigen::MatrixXd(2, 2);
  map.slope << 1.0, 0.0, -1.0, 0.0;
  map.gain = Eigen::VectorXd::Zero(2);
  map.bias = Eigen::VectorXd::Zero(2);
  map.out = Eigen::VectorXd::Ones(2);
  map.drift = Eigen::RowVectorXd(2);
  map.drift << 0.0, 1.0;
  const Points<double> limits = all_limiting_gradients(map, Eigen::VectorXd::Zero(2), {{0.0, 1.0}}, {{-0.5, 1.0}}, 1);
  std::set<double> first;
  for (Index k = 0; k < limits.rows(); ++k) {
    first.insert(limits(k, 0));
    EXPECT_EQ(limits(k, 1), 1.0);
  }
  EXPECT_EQ(first, (std::set<double>{-1.0, 1.0}));
  EXPECT_EQ(distance_of_hull(limits, Eigen::VectorXd::Zero(2)), 1.0);
}

TEST(PiecewiseLinear, distances_of_hulls) {
  const Eigen::VectorXd none = Eigen::VectorXd::Zero(2);
  EXPECT_EQ(distance_of_hull(Points<double>{{3.0, 4.0}}, none), 5.0);
  EXPECT_EQ(distance_of_hull(Points<double>{{1.0, -1.0}, {1.0, 1.0}}, none), 1.0);
  EXPECT_EQ(distance_of_hull(Points<double>{{1.0, -1.0}, {1.0, 1.0}, {-2.0, 0.0}}, none), 0.0);
  EXPECT_EQ(distance_of_hull(Points<double>{{-3.0, 1.0}}, Eigen::Vector2d(2.0, 0.0)), 1.0);  // the ray goes past 0
  EXPECT_EQ(distance_of_hull(Points<double>{{3.0, 4.0}}, Eigen::Vector2d(2.0, 0.0)), 5.0);   // it leads away
  EXPECT_EQ(distance_of_hull(Points<double>{{-0.25}}, Eigen::VectorXd::Ones(1)), 0.0);
  EXPECT_EQ(distance_of_hull(Points<double>{{0.25}, {0.5}}, Eigen::VectorXd::Ones(1)), 0.25);
}

/// The network is the map, and gradients of the library beside the point are among the limits; with one parameter all limits are found.
TEST(PiecewiseLinear, limits_are_found_again_beside_the_point) {
  int kinked = 0;
  for (std::uint64_t number = 0; number < 200; ++number) {
    const RandomStream stream(test_seed(), Purpose::cases, 90, number);
    PointDraws draws(stream, 0);
    const Index parameters = 1 + static_cast<Index>(number % 2);
    Eigen::VectorXd s(parameters);
    for (Index j = 0; j < parameters; ++j) s[j] = 0.5 * static_cast<double>(draws.below(3));
    const PiecewiseLinearMap map = drawn_piecewise_linear(draws, parameters, number % 4 > 1, s);
    const auto network = map.network();
    const std::vector<LineAtom> inputs{{0.0, 0.5}, {1.0, 0.5}};
    const std::vector<LineAtom> targets{{-2.0, 0.25}, {1.5, 0.75}};
    const Points<double> limits = all_limiting_gradients(map, s, inputs, targets, 2);
    ASSERT_GT(limits.rows(), 0);
    kinked += (limits.rowwise() - limits.row(0)).rowwise().norm().maxCoeff() > 1e-6 ? 1 : 0;
    const FiniteObjective objective(network, FiniteLaw("x", Points<double>{{0.0}, {1.0}}), FiniteLaw("y", Points<double>{{-2.0}, {1.5}}, {0.25, 0.75}), 2);
    std::vector<int> found(static_cast<std::size_t>(limits.rows()), 0);
    for (int probe = 0; probe < 64; ++probe) {
      Eigen::VectorXd v(parameters);
      for (Index j = 0; j < parameters; ++j) v[j] = draws.normal();
      const double t = 0x1p-20 / v.norm();
      const auto gradient = objective.gradient(s + t * v);
      if (!gradient) continue;
      // Inside a cell ∇F moves by at most 2·Lip(T)²·t, and the slopes of T are below 64.
      const double allowed = 2.0 * 64.0 * 64.0 * 0x1p-20;
      bool any = false;
      for (Index k = 0; k < limits.rows(); ++k)
        if ((limits.row(k).transpose() - *gradient).norm() <= allowed) {
          any = true;
          found[static_cast<std::size_t>(k)] = 1;
        }
      EXPECT_TRUE(any) << "case " << number << ": a gradient that is no limit";
    }
    const bool all_found = std::all_of(found.begin(), found.end(), [](int one) { return one == 1; });
    EXPECT_TRUE(parameters > 1 || all_found) << number;
  }
  EXPECT_GT(kinked, 40);
}

}  // namespace
}  // namespace slicecheck::testing
