/// T5: closed forms against F itself; right measures hold, planted defects are refused.

#include "slicecheck/claims/boundary.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "claims/typed_check_runs.h"
#include "slicecheck/claims/nonsmooth_criticality.h"
#include "slicecheck/gallery/broken_criticality.h"
#include "slicecheck/generators/closed_form.h"
#include "slicecheck/nonsmooth/activation_cells.h"
#include "slicecheck/nonsmooth/finite_objective.h"

namespace slicecheck::testing {
namespace {

/// One-sided slopes of F by differences, F by summing over all batches. F is quadratic on each side of 0: a difference at step h is off by h.
TEST(Boundary, distance_on_the_line_is_that_of_the_slopes_of_F) {
  const std::shared_ptr<const Law> law = FiniteLaw::two_points();
  constexpr double kStep = 0x1p-20;
  for (Index n = 1; n <= 4; ++n) {
    const FiniteObjective objective(std::make_shared<TwoPointLine<double>>(), *law, *law, n);
    const auto value = [&](double u) { return objective.value(Eigen::VectorXd::Constant(1, u)).value; };
    for (const double u : {0.0, 0.1, -0.1, 0.25, -0.3, 0.375, 0.8, -1.5}) {
      const double right = (value(u + kStep) - value(u)) / kStep;
      const double left = (value(u) - value(u - kStep)) / kStep;
      const double low = std::min(left, right);
      const double high = std::max(left, right);
      EXPECT_NEAR(line_distance(n, u, 2.0), std::max({0.0, low, -high}), 4.0 * kStep) << n << ", " << u;
      // On the sphere: slopes that point inwards, times −sign(u), are taken by the ray.
      if (u != 0.0) {
        EXPECT_NEAR(line_distance(n, u, std::abs(u)), std::max(0.0, u > 0.0 ? low : -high), 4.0 * kStep) << n << ", " << u;
      }
    }
    const double c_n = line_minimiser(n);
    if (n > 1) {
      EXPECT_EQ(line_distance(n, 0.5 * c_n, 0.5 * c_n), 0.0);
    }
    EXPECT_GT(line_distance(n, c_n + 0.1, c_n + 0.1), 0.0);
  }
}

TEST(Boundary, distance_of_a_quadratic_is_the_smallest_over_multipliers) {
  const RandomStream stream(test_seed(), Purpose::cases, 51, 0);
  PointDraws draws(stream, 0);
  for (int i = 0; i < 40; ++i) {
    const Eigen::Vector2d u(draws.normal(), draws.normal());
    const Eigen::Vector2d c(2.0 * draws.normal(), 2.0 * draws.normal());
    EXPECT_EQ(quadratic_distance(u, c, false), (u - c).norm());
    double least = std::numeric_limits<double>::infinity();
    const double most = c.norm() / u.norm();
    for (int k = 0; k <= 4000; ++k) least = std::min(least, (u - c + most * k / 4000.0 * u).norm());
    EXPECT_LE(quadratic_distance(u, c, true), least + 1e-14);
    EXPECT_GE(quadratic_distance(u, c, true), least - most / 4000.0 * u.norm());
  }
  const Eigen::Vector2d c(3.0, 4.0);
  EXPECT_NEAR(quadratic_distance(0.2 * c, c, true), 0.0, 1e-15);  // r = 1 ≤ ‖c‖ = 5, λ̂ = 4
  EXPECT_NEAR(quadratic_distance(2.0 * c, c, true), 5.0, 1e-14);  // r = 10 > ‖c‖
  EXPECT_NEAR(quadratic_distance(-0.2 * c, c, true), 6.0, 1e-14);
}

/// F(u) − F(0) = ‖u − c‖²/2 − ‖c‖²/2, whatever n.
TEST(Boundary, translations_of_the_plane_have_a_quadratic_F) {
  const auto network = std::make_shared<DenseMlp<double>>(2, std::vector<Index>{}, 2, Activation::identity);
  Eigen::VectorXd base = Eigen::VectorXd::Zero(6);
  base[0] = base[3] = 1.0;
  Eigen::MatrixXd matrix = Eigen::MatrixXd::Zero(6, 2);
  matrix(4, 0) = matrix(5, 1) = 1.0;
  Points<double> x(2, 2);
  x << 1.0, 0.0, -0.5, 2.0;
  Points<double> y(3, 2);
  y << 0.0, 3.0, 2.0, 1.0, -1.0, -1.0;
  const Eigen::Vector2d c = (y.colwise().mean() - x.colwise().mean()).transpose();
  for (const Index n : {1, 2}) {
    const FiniteObjective objective(std::make_shared<TiedMlp>(network, base, matrix), FiniteLaw("x", x), FiniteLaw("y", y), n);
    const FiniteValue at_zero = objective.value(Eigen::Vector2d::Zero());
    for (const Eigen::Vector2d& u : {Eigen::Vector2d(1.0, 0.5), Eigen::Vector2d(-2.0, 3.0)}) {
      const FiniteValue at = objective.value(u);
      EXPECT_NEAR(at.value - at_zero.value, 0.5 * ((u - c).squaredNorm() - c.squaredNorm()), at.error + at_zero.error + 1e-13) << n;
    }
  }
}

/// ⟨g, u⟩ ≥ 2(M − √(M·M_y)) for T = Ax + b: attained, nearly, where all images and targets are on one ray.
TEST(Boundary, the_inner_product_is_as_large_as_large_enough_needs) {
  const RandomStream stream(test_seed(), Purpose::cases, 52, 0);
  PointDraws draws(stream, 0);
  double closest = std::numeric_limits<double>::infinity();
  for (int i = 0; i < 30; ++i) {
    const auto generator = std::make_shared<Affine<double>>(1, 2);
    Points<double> x(2, 1);
    Points<double> y(2, 2);
    Eigen::VectorXd u(4);
    for (Points<double>* cloud : {&x, &y})
      for (Index k = 0; k < cloud->size(); ++k) cloud->data()[k] = draws.normal();
    for (double& entry : u) entry = draws.normal();
    const Index n = 1 + i % 2;
    const auto gradient = FiniteObjective(generator, FiniteLaw("x", x), FiniteLaw("y", y), n).gradient(u);
    ASSERT_TRUE(gradient);
    const double images = 0.5 * generator->forward(u, x).rowwise().squaredNorm().mean();
    const double targets = 0.5 * y.rowwise().squaredNorm().mean();
    const double slack = gradient->dot(u) - 2.0 * (images - std::sqrt(images * targets));
    EXPECT_GE(slack, -1e-12 * (images + targets));
    closest = std::min(closest, slack / (images + targets));
  }
  EXPECT_LT(closest, 0.5);
}

TEST(Boundary, right_measures_hold) {
  for (const CriticalitySubject& subject : criticality_subjects()) expect_all_hold(boundary_checks(), subject, 300);
  expect_all_hold(boundary_checks(), repaired_criticality(), 120);
}

TEST(Boundary, broken_measures_are_refused) {
  const std::string line = "the sphere of the line";
  const std::string plane = "translations of the plane";
  const std::string large = "large enough";
  expect_refusals(boundary_checks(), broken_criticalities(),
                  {{"normal-cone-missing", {line, plane}},
                   {"normal-cone-both-ways", {line, plane, large}},
                   {"normal-cone-cut-short", {line, plane}},
                   {"one-limit-is-the-set", {line}},
                   {"multiplicities-forgotten", {line}},
                   {"population-for-batches", {line}}},
                  120);
}

/// A bracket that says nothing is right, and no answer: it is refused, as is one that is no number.
TEST(Boundary, brackets_that_say_nothing_are_refused) {
  const auto always = [](double lower, double upper) {
    return CriticalitySubject{"always", "", [=](const CriticalityQuestion&) { return DistanceBracket{lower, upper}; }, {}};
  };
  for (const auto& check : boundary_checks()) {
    EXPECT_EQ(run_check(check, always(0.0, 1e6), 30).refused, 30) << check.name;
    EXPECT_EQ(run_check(check, always(std::nan(""), 1.0), 30).refused, 30) << check.name;
    EXPECT_EQ(run_check(check, always(0.0, std::nan("")), 30).refused, 30) << check.name;
  }
}

}  // namespace
}  // namespace slicecheck::testing
