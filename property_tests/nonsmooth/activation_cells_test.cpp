/// Activation cells: which sides of kinks can be taken together, by hand, and against the network beside the kink.

#include "slicecheck/nonsmooth/activation_cells.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "slicecheck/core/error.h"
#include "slicecheck/core/tolerances.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

constexpr double kUnitRoundoff = tolerance::unit_roundoff<double>();

std::set<std::vector<int>> signs_of(const std::vector<ActivationPattern>& cells) {
  std::set<std::vector<int>> signs;
  for (const ActivationPattern& cell : cells) signs.insert(cell.signs);
  return signs;
}

/// relu(t) − relu(−t) as a network of two hidden units on the input 0: biases t and −t, output weights 1 and −1.
/// u = (W_1: 2×1, b_1: 2, W_2: 1×3 on (x, h_1, h_2), b_2).
TiedMlp identity_in_disguise() {
  Eigen::VectorXd base = Eigen::VectorXd::Zero(8);
  base[5] = 1.0;
  base[6] = -1.0;
  Eigen::MatrixXd matrix = Eigen::MatrixXd::Zero(8, 1);
  matrix(2, 0) = 1.0;
  matrix(3, 0) = -1.0;
  return {std::make_shared<DenseMlp<double>>(1, std::vector<Index>{2}, 1, Activation::relu), base, matrix};
}

TEST(StrictDirection, by_hand) {
  EXPECT_GT(strict_direction(Points<double>{{1.0, 0.0}, {0.0, 1.0}}).margin, 0.5);
  EXPECT_NEAR(strict_direction(Points<double>{{1.0, 0.0}, {0.0, 1.0}}).distance, std::sqrt(0.5), tolerance::gamma(32.0, kUnitRoundoff));
  EXPECT_LT(strict_direction(Points<double>{{1.0, 0.0}, {-1.0, 0.0}}).margin, 1e-14);
  EXPECT_LT(strict_direction(Points<double>{{1.0, 0.0}, {-0.6, 0.8}, {-0.6, -0.8}}).margin, 1e-14);
}

TEST(ActivationCells, relu_minus_its_mirror_image_is_the_identity) {
  const TiedMlp net = identity_in_disguise();
  const Points<double> x{{0.0}};
  const Eigen::VectorXd u = net.network_parameters(Eigen::VectorXd::Zero(1));
  ASSERT_EQ(activation_kinks(net.mlp(), u, x).size(), 2u);
  CellOptions options;
  options.tangent = &net.matrix();
  for (const CellSet set : {CellSet::reached, CellSet::possible}) {
    options.set = set;
    const auto cells = adjacent_cells(net.mlp(), u, x, options);
    EXPECT_EQ(signs_of(cells), (std::set<std::vector<int>>{{-1, 1}, {1, -1}}));
    for (const ActivationPattern& cell : cells)
      EXPECT_EQ((net.matrix().transpose() * pullback_in_cell(net.mlp(), u, x, Points<double>::Ones(1, 1), cell))[0], 1.0);
  }
  // The product over kinks, with every unit's parameters free: four cells, whose pull-backs to t reach from 0 to 2. Automatic differentiation answers 0.
  double least = std::numeric_limits<double>::infinity();
  double most = -least;
  const auto product = adjacent_cells(net.mlp(), u, x);
  EXPECT_EQ(product.size(), 4u);
  for (const ActivationPattern& cell : product) {
    const double slope = (net.matrix().transpose() * pullback_in_cell(net.mlp(), u, x, Points<double>::Ones(1, 1), cell))[0];
    least = std::min(least, slope);
    most = std::max(most, slope);
  }
  EXPECT_EQ(least, 0.0);
  EXPECT_EQ(most, 2.0);
  EXPECT_EQ(net.pullback(Eigen::VectorXd::Zero(1), x, Points<double>::Ones(1, 1))[0], 0.0) << "the network's convention is no subgradient of t ↦ t";
}

TEST(ActivationCells, one_unit_at_three_inputs_on_a_line) {
  // w x + b with w = b = 0 at x = −1, 0, 1: all sides but (+, −, +) and (−, +, −), because the middle is the mean of the others.
  const DenseMlp<double> net(1, {1}, 1, Activation::relu);
  Eigen::VectorXd u = Eigen::VectorXd::Zero(net.parameters());
  u[3] = 1.0;
  const Points<double> x{{-1.0}, {0.0}, {1.0}};
  for (const CellSet set : {CellSet::reached, CellSet::possible}) {
    CellOptions options;
    options.set = set;
    const auto signs = signs_of(adjacent_cells(net, u, x, options));
    EXPECT_EQ(signs.size(), 6u);
    EXPECT_FALSE(signs.contains({1, -1, 1}));
    EXPECT_FALSE(signs.contains({-1, 1, -1}));
  }
  // Equal inputs take equal sides.
  EXPECT_EQ(signs_of(adjacent_cells(net, u, Points<double>{{1.0}, {1.0}})), (std::set<std::vector<int>>{{-1, -1}, {1, 1}}));
}

TEST(ActivationCells, without_kinks_there_is_one_pattern) {
  const Points<double> x{{0.0}};
  for (const Activation act : {Activation::tanh, Activation::softplus, Activation::identity}) {
    const DenseMlp<double> net(1, {2}, 1, act);
    const Eigen::VectorXd u = Eigen::VectorXd::Zero(net.parameters());
    EXPECT_TRUE(activation_kinks(net, u, x).empty());
    const auto cells = adjacent_cells(net, u, x);
    ASSERT_EQ(cells.size(), 1u);
    EXPECT_EQ(pullback_in_cell(net, u, x, Points<double>::Ones(1, 1), cells[0]), net.pullback(u, x, Points<double>::Ones(1, 1)));
  }
  const DenseMlp<double> net(1, {1}, 1, Activation::relu);
  Eigen::VectorXd u(net.parameters());
  u << 1.0, 0.125, 0.5, -1.0, 0.25;
  EXPECT_EQ(adjacent_cells(net, u, x).size(), 1u);
  EXPECT_EQ(adjacent_cells(net, u, x, 0.25).size(), 2u) << "a pre-activation of 1/8 is a kink for a width of 1/4";
}

TEST(ActivationCells, an_inert_kink_splits_nothing) {
  // Two layers; only the bias of the first unit moves. Its output does not enter the second unit (weight 0), whose pre-activation stays 0.
  const auto mlp = std::make_shared<DenseMlp<double>>(1, std::vector<Index>{1, 1}, 1, Activation::relu);
  // u = (w1, b1, W2 on (x, h1): 2, b2, W3 on (x, h1, h2): 3, b3).
  Eigen::VectorXd base = Eigen::VectorXd::Zero(9);
  base[6] = 1.0;
  base[7] = 1.0;
  Eigen::MatrixXd matrix = Eigen::MatrixXd::Zero(9, 1);
  matrix(1, 0) = 1.0;
  const Points<double> x{{1.0}};
  CellOptions options;
  options.tangent = &matrix;
  EXPECT_EQ(activation_kinks(*mlp, base, x).size(), 2u);
  EXPECT_EQ(signs_of(adjacent_cells(*mlp, base, x, options)), (std::set<std::vector<int>>{{-1, 0}, {1, 0}}));
  // With weight 1 from the first to the second unit, the second is inert exactly where the first is off.
  base[3] = 1.0;
  EXPECT_EQ(signs_of(adjacent_cells(*mlp, base, x, options)), (std::set<std::vector<int>>{{-1, 0}, {1, 1}}));
  options.set = CellSet::possible;
  EXPECT_EQ(signs_of(adjacent_cells(*mlp, base, x, options)), (std::set<std::vector<int>>{{-1, 0}, {1, -1}, {1, 1}})) << "deep kinks rule out nothing";
}

/// Beside u, along every cell's direction, the network's own pull-back is that of the cell, up to the distance; and of no other cell with another pull-back.
TEST(ActivationCells, pull_backs_are_limits) {
  for (const Activation act : {Activation::relu, Activation::leaky_relu}) {
    const DenseMlp<double> net(2, {2, 1}, 2, act);
    const Points<double> x{{1.0, -1.0}, {0.0, 2.0}, {1.0, 1.0}};
    Eigen::VectorXd u = net.initial(RandomStream(test_seed(), Purpose::initial, 0, 0));
    u.segment(0, 2) << 1.0, 1.0;  // unit 1 has w·x = 0 at the first input
    u[4] = 0.0;
    u[5] = 0.5;
    // Unit 1 of layer 2 off and on: its weights on (x, h) and bias all 0.
    u.segment(net.offset(1), net.fan_in(1) + 1).setZero();
    const auto kinks = activation_kinks(net, u, x);
    ASSERT_EQ(kinks.size(), 4u);
    const auto cells = adjacent_cells(net, u, x);
    ASSERT_GE(cells.size(), 8u);
    Points<double> cotangent(3, 2);
    cotangent << 1.0, 2.0, -3.0, 1.0, 0.5, -1.0;
    const double t = 0x1p-30;
    for (const ActivationPattern& cell : cells) {
      const Eigen::VectorXd beside = net.pullback(u + t * cell.direction, x, cotangent);
      // Products of at most three factors of size ≤ 8, each moved by t: far below 1e4·t; the arithmetic rounds at 1e-13.
      const double allowed = 1e4 * t;
      EXPECT_TRUE((beside - pullback_in_cell(net, u, x, cotangent, cell)).norm() <= allowed);
      const auto along = cell_along(net, u, x, cell.direction);
      ASSERT_TRUE(along.has_value());
      EXPECT_EQ(along->signs, cell.signs);
      int others = 0;
      for (const ActivationPattern& other : cells) others += (beside - pullback_in_cell(net, u, x, cotangent, other)).norm() <= allowed ? 0 : 1;
      EXPECT_GT(others, 0);
    }
    EXPECT_FALSE(cell_along(net, u, x, Eigen::VectorXd::Unit(net.parameters(), net.parameters() - 1)).has_value()) << "the output bias is on every wall";
  }
}

TEST(ActivationCells, jacobians_are_pull_backs) {
  const DenseMlp<double> net(2, {3}, 2, Activation::relu);
  const Eigen::VectorXd u = net.initial(RandomStream(test_seed(), Purpose::initial, 1, 0));
  const Points<double> x{{1.0, -1.0}, {0.25, 2.0}};
  const auto cells = adjacent_cells(net, u, x);
  ASSERT_EQ(cells.size(), 1u);
  const auto jacobians = jacobians_in_cell(net, u, x, cells[0]);
  Points<double> cotangent(2, 2);
  cotangent << 1.0, 2.0, -3.0, 0.5;
  const Eigen::VectorXd sum = jacobians[0].transpose() * cotangent.row(0).transpose() + jacobians[1].transpose() * cotangent.row(1).transpose();
  const Eigen::VectorXd direct = net.pullback(u, x, cotangent);
  EXPECT_TRUE((sum - direct).norm() <= tolerance::gamma(32.0, kUnitRoundoff) * (jacobians[0].norm() + jacobians[1].norm()) * cotangent.norm());
}

TEST(ActivationCells, rejects_too_many_kinks_and_what_does_not_fit) {
  const DenseMlp<double> net(1, {13}, 1, Activation::relu);
  const Eigen::VectorXd u = Eigen::VectorXd::Zero(net.parameters());
  const Points<double> x{{1.0}};
  EXPECT_THROW((void)adjacent_cells(net, u, x), InputError);
  EXPECT_THROW((void)adjacent_cells(net, u, x, -1.0), InputError);
  EXPECT_THROW((void)activation_kinks(net, u.head(3), x), InputError);
  EXPECT_THROW((void)activation_kinks(net, Eigen::VectorXd::Constant(net.parameters(), std::nan("")), x), InputError);
  EXPECT_THROW((void)activation_kinks(net, u, Points<double>{{std::numeric_limits<double>::infinity()}}), InputError);
  EXPECT_THROW((void)pullback_in_cell(net, u, x, Points<double>::Ones(1, 1), ActivationPattern{}), InputError);
  EXPECT_THROW(TiedMlp(nullptr, u, Eigen::MatrixXd::Zero(1, 1)), InputError);
}

}  // namespace
}  // namespace slicecheck::testing
