/// F between finite laws: the closed form of the two-point line, all ordered batches, gradients against values, and plain simulation.

#include "slicecheck/nonsmooth/finite_objective.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "slicecheck/core/error.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/generators/closed_form.h"
#include "slicecheck/generators/dense_mlp.h"
#include "slicecheck/loss/plane_sweep.h"
#include "slicecheck/loss/reference_loss.h"
#include "slicecheck/statistics/confidence.h"
#include "support/false_alarm.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

constexpr double kUnitRoundoff = tolerance::unit_roundoff<double>();

Eigen::VectorXd scalar(double u) { return Eigen::VectorXd::Constant(1, u); }

FiniteObjective line(Index n) {
  const auto points = FiniteLaw::two_points();
  return {std::make_shared<TwoPointLine<double>>(), *points, *points, n};
}

/// c_n = 1 − 2·C(2n, n)/4ⁿ.
double minimiser_of_the_line(Index n) {
  double central = 1.0;
  for (Index k = 1; k <= n; ++k) central *= (2.0 * static_cast<double>(k) - 1.0) / (2.0 * static_cast<double>(k));
  return 1.0 - 2.0 * central;
}

/// Testbed 2: three atoms in the plane to three targets, unequal probabilities, affine.
struct Plane {
  std::shared_ptr<Affine<double>> generator = std::make_shared<Affine<double>>(2, 2);
  FiniteLaw source{"triangle", Points<double>{{1.0, 0.0}, {0.0, 1.0}, {-1.0, -1.0}}, {0.5, 0.25, 0.25}};
  FiniteLaw target{"targets", Points<double>{{2.0, 1.0}, {-1.0, 0.5}, {0.0, -2.0}}, {0.25, 0.25, 0.5}};
};

Eigen::VectorXd generic_parameters(std::uint64_t number) {
  Eigen::VectorXd u(6);
  RandomStream(test_seed(), Purpose::cases, 71, number).fill_normal(u);
  return u;
}

/// Σ over all ordered batches, by counting in base (number of atoms).
double over_ordered_batches(const Generator<double>& generator, const FiniteLaw& source, const FiniteLaw& target, Index n, const Eigen::VectorXd& u) {
  const auto power = [](Index base, Index exponent) {
    Index out = 1;
    for (Index k = 0; k < exponent; ++k) out *= base;
    return out;
  };
  const auto batch = [n](const FiniteLaw& law, Index code, double& weight) {
    Points<double> points(n, law.dimension());
    for (Index k = 0; k < n; ++k, code /= law.atom_count()) {
      points.row(k) = law.atom(code % law.atom_count());
      weight *= law.probability(code % law.atom_count());
    }
    return points;
  };
  double sum = 0.0;
  for (Index a = 0; a < power(source.atom_count(), n); ++a) {
    for (Index b = 0; b < power(target.atom_count(), n); ++b) {
      double weight = 1.0;
      const Points<double> x = batch(source, a, weight);
      const Points<double> y = batch(target, b, weight);
      const Points<double> z = generator.forward(u, x);
      sum += weight * (z.cols() == 1 ? ReferenceLoss(2.0).evaluate(z, y, Points<double>::Ones(1, 1)).value : exact_plane_sw(z, y).value);
    }
  }
  return sum;
}

TEST(FiniteObjective, two_point_line_closed_form) {
  for (Index n = 1; n <= 8; ++n) {
    const FiniteObjective objective = line(n);
    for (const double u : {-2.0, -0.25, 0.0, 0.1, 0.7, 1.0}) {
      const FiniteValue computed = objective.value(scalar(u));
      const double allowed = computed.error + tolerance::gamma(32.0, kUnitRoundoff) * (u * u + 1.0 + 2.0 * std::abs(u));
      EXPECT_LT(allowed, 1e-13);
      EXPECT_TRUE(std::abs(computed.value - (u * u + 1.0 - 2.0 * minimiser_of_the_line(n) * std::abs(u))) <= allowed) << n << ", " << u;
      if (u != 0.0) {
        EXPECT_FALSE(std::abs(computed.value - (u * u + 1.0 - 2.0 * minimiser_of_the_line(n + 1) * std::abs(u))) <= allowed) << n << ", " << u;
        const auto gradient = objective.gradient(scalar(u));
        ASSERT_TRUE(gradient.has_value());
        const double expected = 2.0 * u - 2.0 * minimiser_of_the_line(n) * (u > 0.0 ? 1.0 : -1.0);
        EXPECT_TRUE(std::abs((*gradient)[0] - expected) <= tolerance::gamma(64.0, kUnitRoundoff) * 8.0 + objective.subdifferential(scalar(u)).rounding());
      }
    }
    EXPECT_EQ(objective.gradient(scalar(0.0)).has_value(), n == 1) << "one point has no tie";
  }
  EXPECT_EQ(minimiser_of_the_line(2), 0.25);
}

TEST(FiniteObjective, weights_are_those_of_ordered_batches) {
  const Plane plane;
  for (Index n = 1; n <= 3; ++n) {
    const FiniteObjective objective(plane.generator, plane.source, plane.target, n);
    double total = 0.0;
    for (const SampleTerm& term : objective.terms()) total += term.weight;
    EXPECT_NEAR(total, 1.0, tolerance::gamma(400.0, kUnitRoundoff));
    const Eigen::VectorXd u = generic_parameters(static_cast<std::uint64_t>(n));
    const FiniteValue value = objective.value(u);
    const double ordered = over_ordered_batches(*plane.generator, plane.source, plane.target, n, u);
    // The same losses, in another order of rows and of summation: at most 729 terms.
    EXPECT_TRUE(std::abs(value.value - ordered) <= 2.0 * value.error + tolerance::gamma(1000.0, kUnitRoundoff) * value.value) << n;
    // Multisets with equal weights give another sum.
    if (n > 1) {
      double unweighted = 0.0;
      for (const SampleTerm& term : objective.terms()) {
        Points<double> x(n, 2);
        for (Index k = 0; k < n; ++k) x.row(k) = objective.inputs().row(term.inputs[static_cast<std::size_t>(k)]);
        unweighted += exact_plane_sw(plane.generator->forward(u, x), term.y).value / static_cast<double>(objective.terms().size());
      }
      EXPECT_FALSE(std::abs(unweighted - ordered) <= 2.0 * value.error + tolerance::gamma(1000.0, kUnitRoundoff) * value.value) << n;
    }
  }
  const FiniteLaw skewed("skewed", Points<double>{{-1.0}, {0.5}, {2.0}}, {0.7, 0.2, 0.1});
  const auto generator = std::make_shared<TwoPointLine<double>>();
  for (Index n = 1; n <= 4; ++n) {
    const FiniteValue value = FiniteObjective(generator, skewed, skewed, n).value(scalar(0.75));
    const double ordered = over_ordered_batches(*generator, skewed, skewed, n, scalar(0.75));
    EXPECT_TRUE(std::abs(value.value - ordered) <= 2.0 * value.error + tolerance::gamma(7000.0, kUnitRoundoff) * value.value) << n;
  }
}

TEST(FiniteObjective, atoms_of_probability_zero_are_left_out) {
  const FiniteLaw law("with a ghost", Points<double>{{-1.0}, {100.0}, {1.0}}, {0.5, 0.0, 0.5});
  const FiniteObjective objective(std::make_shared<TwoPointLine<double>>(), law, law, 2);
  EXPECT_EQ(objective.terms().size(), 9u);
  EXPECT_EQ(objective.value(scalar(0.5)).value, line(2).value(scalar(0.5)).value);
}

/// −f is regular and T linear in u, so with Q = max_a ‖J_a v‖² and any t > 0
///     t⟨∇F(u + tv), v⟩ − t²Q ≤ F(u + tv) − F(u) ≤ t⟨∇F(u), v⟩ + t²Q,
/// with no error but rounding. Batches repeat atoms: the coincident points that this makes are harmless.
struct Sandwich {
  double low;
  double middle;
  double high;
  double rounding;
  [[nodiscard]] bool holds() const { return low - rounding <= middle && middle <= high + rounding; }
};

Sandwich sandwich(const FiniteObjective& objective, const Eigen::VectorXd& u, const Eigen::VectorXd& v, double t, double factor) {
  const auto here = objective.gradient(u);
  const auto there = objective.gradient(u + t * v);
  if (!here || !there) return {std::nan(""), 0.0, 0.0, 0.0};
  const FiniteValue from = objective.value(u);
  const FiniteValue to = objective.value(u + t * v);
  double q = 0.0;
  for (Index a = 0; a < objective.inputs().rows(); ++a) q = std::max(q, (objective.inputs().row(a).squaredNorm() + 1.0) * v.squaredNorm());
  const double bound = objective.subdifferential(u).bound();
  // The images are rounded as well: a relative error of u·‖u‖‖(x, 1)‖ moves F by at most the bound on gradients times it.
  const double rounding = from.error + to.error + tolerance::gamma(32.0, kUnitRoundoff) * (1.0 + u.norm()) * bound * 4.0;
  return {factor * t * there->dot(v) - t * t * q, to.value - from.value, factor * t * here->dot(v) + t * t * q, rounding};
}

TEST(FiniteObjective, gradients_are_those_of_the_value) {
  const Plane plane;
  int refused = 0;
  for (Index n = 1; n <= 3; ++n) {
    const FiniteObjective objective(plane.generator, plane.source, plane.target, n);
    for (std::uint64_t number = 0; number < 5; ++number) {
      const Eigen::VectorXd u = generic_parameters(100 + 2 * number);
      const Eigen::VectorXd v = generic_parameters(101 + 2 * number).normalized();
      for (const double sign : {-1.0, 1.0}) {
        for (const double t : {1e-1, 1e-3, 1e-5}) EXPECT_TRUE(sandwich(objective, u, sign * v, t, 1.0).holds()) << n << ", " << number << ", " << t;
        refused += sandwich(objective, u, sign * v, 1e-5, 1.01).holds() ? 0 : 1;
      }
    }
  }
  EXPECT_GE(refused, 25) << "a gradient one per cent too long must be refused";
}

TEST(FiniteObjective, coinciding_images_of_distinct_atoms_have_no_gradient) {
  const Plane plane;
  const FiniteObjective objective(plane.generator, plane.source, plane.target, 2);
  EXPECT_FALSE(objective.gradient(Eigen::VectorXd::Zero(6)).has_value());
  EXPECT_TRUE(FiniteObjective(plane.generator, plane.source, plane.target, 1).gradient(Eigen::VectorXd::Zero(6)).has_value());
  // The value is continuous there all the same.
  const Eigen::VectorXd v = generic_parameters(200);
  const double apart = std::abs(objective.value(1e-9 * v).value - objective.value(Eigen::VectorXd::Zero(6)).value);
  EXPECT_TRUE(apart <= 1e-9 * v.norm() * (objective.subdifferential(Eigen::VectorXd::Zero(6)).bound() + 1.0)) << apart;
}

/// The mean of `count` independent w_θ(T_u(X), Y), each in [0, max ‖z − y‖²].
double simulate(const FiniteObjective& objective, const Law& source, const Law& target, const Eigen::VectorXd& u, std::uint64_t count) {
  const ReferenceLoss loss(2.0);
  double sum = 0.0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto x = source.sample<double>(RandomStream(test_seed(), Purpose::evaluation_source, 3, i), objective.n());
    const auto y = target.sample<double>(RandomStream(test_seed(), Purpose::evaluation_target, 3, i), objective.n());
    const auto theta = uniform_directions<double>(RandomStream(test_seed(), Purpose::evaluation_directions, 3, i), 1, y.cols());
    sum += loss.evaluate(objective.generator().forward(u, x), y, theta).value;
  }
  return sum / static_cast<double>(count);
}

double largest_squared_gap(const FiniteObjective& objective, const Law& target, const Eigen::VectorXd& u) {
  const Points<double> z = objective.generator().forward(u, objective.inputs());
  double largest = 0.0;
  for (Index a = 0; a < z.rows(); ++a)
    for (Index b = 0; b < target.atom_count(); ++b) largest = std::max(largest, (z.row(a) - target.atom(b)).squaredNorm());
  return largest;
}

TEST(FiniteObjective, plain_simulation_agrees) {
  constexpr std::uint64_t kCount = 20000;
  const auto points = FiniteLaw::two_points();
  const FiniteObjective two = line(2);
  const Eigen::VectorXd u = scalar(0.7);
  double half = hoeffding_half_width(largest_squared_gap(two, *points, u), static_cast<double>(kCount), spend_false_alarm());
  const double simulated = simulate(two, *points, *points, u, kCount);
  EXPECT_TRUE(std::abs(simulated - two.value(u).value) <= half) << simulated;
  EXPECT_FALSE(std::abs(simulated - line(1).value(u).value) <= half) << "another batch size must be refused";

  const Plane plane;
  const FiniteObjective objective(plane.generator, plane.source, plane.target, 2);
  const Eigen::VectorXd w = 0.5 * generic_parameters(300);
  half = hoeffding_half_width(largest_squared_gap(objective, plane.target, w), static_cast<double>(kCount), spend_false_alarm());
  const double exact = objective.value(w).value;
  const double mean = simulate(objective, plane.source, plane.target, w, kCount);
  EXPECT_TRUE(std::abs(mean - exact) <= half) << mean << " against " << exact << " ± " << half;
  EXPECT_FALSE(std::abs(mean - 2.0 * exact) <= half) << "an average over θ without the factor 1/2 must be refused";
}

TEST(FiniteObjective, refuses_what_it_cannot_sum) {
  const auto points = FiniteLaw::two_points();
  const auto generator = std::make_shared<TwoPointLine<double>>();
  EXPECT_THROW(FiniteObjective(generator, *points, *points, 0), InputError);
  EXPECT_THROW(FiniteObjective(nullptr, *points, *points, 1), InputError);
  EXPECT_THROW(FiniteObjective(generator, *Gaussian::standard(1), *points, 2), InputError);
  EXPECT_THROW(FiniteObjective(generator, *points, *points, 200), InputError) << "201² pairs";
  EXPECT_NO_THROW(FiniteObjective(generator, *points, *points, 200, 40401));
  EXPECT_THROW(FiniteObjective(generator, *points, *points, 200, 40400), InputError);
  const FiniteLaw cube("cube", Points<double>::Identity(3, 3));
  EXPECT_THROW(FiniteObjective(std::make_shared<Affine<double>>(3, 3), cube, cube, 2), InputError);
  EXPECT_THROW((void)line(2).value(scalar(std::nan(""))), InputError);
  EXPECT_THROW((void)line(2).value(Eigen::VectorXd::Zero(2)), InputError);
}

}  // namespace
}  // namespace slicecheck::testing
