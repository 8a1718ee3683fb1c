/// F as pieces: against F itself on both sides of walls, and every derivative against differences.

#include "slicecheck/dynamics/flow_field.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "slicecheck/core/error.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/generators/closed_form.h"
#include "slicecheck/generators/dense_mlp.h"
#include "slicecheck/nonsmooth/activation_cells.h"
#include "slicecheck/nonsmooth/finite_objective.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

constexpr double kUnitRoundoff = tolerance::unit_roundoff<double>();

struct Bed {
  std::string name;
  std::shared_ptr<const Generator<double>> generator;
  std::shared_ptr<const FiniteLaw> source;
  std::shared_ptr<const FiniteLaw> target;
  Index n;
};

std::shared_ptr<const FiniteLaw> inputs() {
  return std::make_shared<FiniteLaw>("inputs", Points<double>{{-1.2}, {0.5}, {1.3}}, std::vector<double>{0.25, 0.5, 0.25});
}
std::shared_ptr<const FiniteLaw> on_the_line() {
  return std::make_shared<FiniteLaw>("targets", Points<double>{{-1.0}, {0.25}, {2.0}}, std::vector<double>{0.3, 0.5, 0.2});
}
std::shared_ptr<const FiniteLaw> in_the_plane() {
  return std::make_shared<FiniteLaw>("targets", Points<double>{{1.0, 1.0}, {-1.0, 0.5}, {0.0, -1.0}}, std::vector<double>{0.3, 0.5, 0.2});
}

std::vector<Bed> beds() {
  const auto relu_pair = std::make_shared<DenseMlp<double>>(1, std::vector<Index>{2}, 1, Activation::relu);
  Eigen::VectorXd base(relu_pair->parameters());
  for (Index i = 0; i < base.size(); ++i) base[i] = std::cos(1.0 + static_cast<double>(i));
  Eigen::MatrixXd matrix(base.size(), 3);
  for (Index i = 0; i < matrix.size(); ++i) matrix.data()[i] = std::sin(2.0 + 3.0 * static_cast<double>(i));
  return {{"affine line", std::make_shared<Affine<double>>(1, 1), inputs(), on_the_line(), 3},
          {"affine plane", std::make_shared<Affine<double>>(1, 2), inputs(), in_the_plane(), 2},
          {"tanh line", std::make_shared<DenseMlp<double>>(1, std::vector<Index>{2}, 1, Activation::tanh), inputs(), on_the_line(), 2},
          {"relu line", std::make_shared<DenseMlp<double>>(1, std::vector<Index>{2}, 1, Activation::relu), inputs(), on_the_line(), 2},
          {"two layers, leaky", std::make_shared<DenseMlp<double>>(1, std::vector<Index>{2, 1}, 1, Activation::leaky_relu), inputs(), on_the_line(), 2},
          {"two layers, relu, plane", std::make_shared<DenseMlp<double>>(1, std::vector<Index>{1, 2}, 2, Activation::relu), inputs(), in_the_plane(), 2},
          {"two layers, tanh, plane", std::make_shared<DenseMlp<double>>(1, std::vector<Index>{2, 1}, 2, Activation::tanh), inputs(), in_the_plane(), 2},
          {"tied", std::make_shared<TiedMlp>(relu_pair, base, matrix), inputs(), on_the_line(), 2}};
}

Eigen::VectorXd drawn(const Bed& bed, std::uint64_t number) {
  Eigen::VectorXd u(bed.generator->parameters());
  RandomStream(1, Purpose::cases, 910, number).fill_normal(u);
  return u;
}

TEST(FlowField, value_and_gradient_are_those_of_the_sum_over_batches) {
  for (const Bed& bed : beds()) {
    const FiniteFlowField field(bed.generator, *bed.source, *bed.target, bed.n);
    const FiniteObjective objective(bed.generator, *bed.source, *bed.target, bed.n);
    for (std::uint64_t number = 0; number < 8; ++number) {
      const Eigen::VectorXd u = drawn(bed, number);
      const FiniteValue value = objective.value(u);
      const double images = bed.generator->forward(u, field.inputs()).rowwise().norm().maxCoeff() + 2.3;
      const double rounding = value.error + tolerance::gamma(4096.0, kUnitRoundoff) * images * images;
      EXPECT_TRUE(std::abs(value_at(field, u) - value.value) <= rounding) << bed.name << ": " << value_at(field, u) - value.value;
      const auto gradient = objective.gradient(u);
      ASSERT_TRUE(gradient.has_value()) << bed.name;
      const double allowed = 2.0 * objective.subdifferential(u).rounding() + tolerance::gamma(4096.0, kUnitRoundoff) * (gradient->norm() + images * images);
      EXPECT_TRUE((gradient_at(field, u) - *gradient).norm() <= allowed) << bed.name << ": " << (gradient_at(field, u) - *gradient).norm();
    }
  }
}

/// Richardson's extrapolation of central differences: error O(h⁴) on a smooth function.
template <class F>
Eigen::VectorXd differences(const F& f, const Eigen::VectorXd& u, double h) {
  Eigen::VectorXd out(u.size());
  for (Index i = 0; i < u.size(); ++i) {
    const auto central = [&](double step) {
      Eigen::VectorXd plus = u;
      Eigen::VectorXd minus = u;
      plus[i] += step;
      minus[i] -= step;
      return (f(plus) - f(minus)) / (2.0 * step);
    };
    out[i] = (4.0 * central(h) - central(2.0 * h)) / 3.0;
  }
  return out;
}

/// Every piece is smooth on both sides of its walls: at random sides, right or wrong, the gradients are those of the values. Differences with h = 10⁻³ err by
/// h⁴/30 · fifth derivatives (tanh'''' and products: below 10⁴) + rounding/h: below 10⁻⁸ of the size of F.
TEST(FlowField, every_piece_has_the_gradients_of_its_own_values) {
  for (const Bed& bed : beds()) {
    const FiniteFlowField field(bed.generator, *bed.source, *bed.target, bed.n);
    for (std::uint64_t number = 0; number < 6; ++number) {
      const Eigen::VectorXd u = 0.7 * drawn(bed, 50 + number);
      const RandomStream stream(test_seed(), Purpose::cases, 911, number);
      PointDraws draws(stream, 0);
      std::vector<int> sides(static_cast<std::size_t>(field.switches()));
      for (int& side : sides) side = draws.below(2) == 0 ? -1 : 1;
      const PieceValue here = field.evaluate(u, sides);
      const Eigen::VectorXd by_value = differences([&](const Eigen::VectorXd& v) { return field.evaluate(v, sides).value; }, u, 1e-3);
      const double size = 1.0 + std::abs(here.value) + here.gradient.norm();
      EXPECT_TRUE((here.gradient - by_value).norm() <= 1e-8 * size) << bed.name << ": " << (here.gradient - by_value).norm();
      EXPECT_FALSE((1.001 * here.gradient - by_value).norm() <= 1e-8 * size && here.gradient.norm() > 0.1) << "one in a thousand must be seen";
      for (Index j = 0; j < field.switches(); ++j) {
        const Eigen::VectorXd normal = field.switch_gradient(u, j, sides);
        const Eigen::VectorXd by_switch = differences([&](const Eigen::VectorXd& v) { return field.evaluate(v, sides).switches[j]; }, u, 1e-3);
        EXPECT_TRUE((normal - by_switch).norm() <= 1e-8 * (1.0 + normal.norm())) << bed.name << ", " << field.switch_name(j);
      }
    }
  }
}

/// A line through parameter space is followed until a switch changes its sign; there both pieces have one value, and gradients that differ along the normal.
TEST(FlowField, pieces_meet_at_walls) {
  int walls = 0;
  for (const Bed& bed : beds()) {
    const FiniteFlowField field(bed.generator, *bed.source, *bed.target, bed.n);
    for (std::uint64_t number = 0; number < 6; ++number) {
      const Eigen::VectorXd a = drawn(bed, 100 + 2 * number);
      const Eigen::VectorXd b = drawn(bed, 101 + 2 * number);
      const std::vector<int> start = sides_at(field, a);
      double low = 0.0;
      double high = 1.0;
      if (sides_at(field, b) == start) continue;
      while (high - low > 1e-13) {
        const double middle = 0.5 * (low + high);
        (sides_at(field, a + middle * (b - a)) == start ? low : high) = middle;
      }
      const Eigen::VectorXd u = a + high * (b - a);
      const std::vector<int> beyond = sides_at(field, u);
      ASSERT_TRUE(std::count(beyond.begin(), beyond.end(), 0) == 0) << bed.name;
      std::vector<Index> changed;
      for (Index j = 0; j < field.switches(); ++j)
        if (start[static_cast<std::size_t>(j)] != beyond[static_cast<std::size_t>(j)]) changed.push_back(j);
      ASSERT_FALSE(changed.empty());
      // Several change at once where they are multiples of each other: all ties of an affine map of the line, also that of a network whose units are dead.
      const Eigen::VectorXd normal = field.switch_gradient(u, changed[0], start).normalized();
      for (const Index j : changed) EXPECT_TRUE(std::abs(std::abs(field.switch_gradient(u, j, start).normalized().dot(normal)) - 1.0) <= 1e-12) << bed.name;
      ++walls;
      const PieceValue one = field.evaluate(u, start);
      const PieceValue two = field.evaluate(u, beyond);
      const double size = 1.0 + std::abs(one.value) + one.gradient.norm() + two.gradient.norm();
      EXPECT_TRUE(std::abs(one.value - two.value) <= 1e-13 * size) << bed.name << ": " << one.value - two.value;
      const Eigen::VectorXd jump = two.gradient - one.gradient;
      EXPECT_TRUE((jump - jump.dot(normal) * normal).norm() <= 1e-12 * size) << bed.name << ", " << field.switch_name(changed[0]);
      // `gradient_at` follows the side that u is on.
      EXPECT_EQ(gradient_at(field, u), two.gradient);
    }
  }
  EXPECT_GE(walls, 25);
}

TEST(FlowField, switches_have_names_in_the_order_of_their_values) {
  const auto mlp = std::make_shared<DenseMlp<double>>(1, std::vector<Index>{2}, 1, Activation::relu);
  const FiniteFlowField field(mlp, *inputs(), *on_the_line(), 2);
  ASSERT_EQ(field.switches(), 2 * 3 + 3);
  EXPECT_EQ(field.switch_name(0), "hidden unit 0 at atom 0");
  EXPECT_EQ(field.switch_name(3), "hidden unit 1 at atom 1");
  EXPECT_EQ(field.switch_name(6), "tie of atoms 0 and 1");
  EXPECT_EQ(field.switch_name(7), "tie of atoms 0 and 2");
  EXPECT_EQ(field.switch_name(8), "tie of atoms 1 and 2");
  Eigen::VectorXd u(mlp->parameters());
  RandomStream(test_seed(), Purpose::cases, 912, 0).fill_normal(u);
  const Eigen::VectorXd h = field.evaluate(u, std::vector<int>(9, 1)).switches;
  // W_1 = (u_0; u_1), b_1 = (u_2, u_3): unit 1 at the input 0.5.
  EXPECT_NEAR(h[3], u[1] * 0.5 + u[3], 1e-15);
  const std::vector<int> sides = sides_at(field, u);
  const Points<double> images = mlp->forward(u, field.inputs());
  const Eigen::VectorXd settled = field.evaluate(u, sides).switches;
  EXPECT_NEAR(settled[7], images(0, 0) - images(2, 0), 1e-14);
  EXPECT_THROW((void)field.switch_name(9), InputError);
  EXPECT_THROW((void)field.switch_name(-1), InputError);
}

TEST(FlowField, sides_are_zero_within_the_width_only) {
  const auto two = FiniteLaw::two_points();
  const FiniteFlowField line(std::make_shared<TwoPointLine<double>>(), *two, *two, 2);
  EXPECT_EQ(sides_at(line, Eigen::VectorXd::Zero(1)), std::vector<int>{0});
  EXPECT_EQ(sides_at(line, Eigen::VectorXd::Constant(1, 1e-9)), std::vector<int>{-1}) << "h = T(u, −1) − T(u, 1) = −2u";
  EXPECT_EQ(sides_at(line, Eigen::VectorXd::Constant(1, 1e-9), 1e-8), std::vector<int>{0});
  EXPECT_EQ(value_at(line, Eigen::VectorXd::Zero(1)), 1.0);
  EXPECT_EQ(gradient_at(line, Eigen::VectorXd::Zero(1))[0], 0.5) << "the piece with h > 0 is u < 0, where F' = 2u + 1/2";
}

TEST(FlowField, refuses_what_does_not_fit) {
  const auto two = FiniteLaw::two_points();
  const auto generator = std::make_shared<TwoPointLine<double>>();
  EXPECT_THROW(FiniteFlowField(nullptr, *two, *two, 2), InputError);
  EXPECT_THROW(FiniteFlowField(generator, *Gaussian::standard(1), *two, 2), InputError);
  EXPECT_THROW(FiniteFlowField(generator, *two, FiniteLaw("plane", Points<double>::Identity(2, 2)), 2), InputError);
  EXPECT_THROW(FiniteFlowField(generator, *two, *two, 0), InputError);
  EXPECT_THROW(FiniteFlowField(generator, FiniteLaw("empty atom", Points<double>{{0.0}, {1.0}}, {1.0, 0.0}), *two, 2), InputError);
  const FiniteFlowField line(generator, *two, *two, 2);
  EXPECT_THROW((void)line.evaluate(Eigen::VectorXd::Zero(2), {1}), InputError);
  EXPECT_THROW((void)line.evaluate(Eigen::VectorXd::Constant(1, std::nan("")), {1}), InputError);
  EXPECT_THROW((void)line.evaluate(Eigen::VectorXd::Zero(1), {}), InputError);
  EXPECT_THROW((void)line.evaluate(Eigen::VectorXd::Zero(1), {0}), InputError);
  EXPECT_THROW((void)line.switch_gradient(Eigen::VectorXd::Zero(1), 1, {1}), InputError);
}

}  // namespace
}  // namespace slicecheck::testing
