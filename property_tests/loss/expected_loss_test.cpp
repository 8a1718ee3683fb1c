/// The expected loss by order statistics, against sums over all batches.

#include "slicecheck/loss/expected_loss.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "slicecheck/core/error.h"
#include "slicecheck/core/random.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/generators/closed_form.h"
#include "slicecheck/loss/reference_loss.h"
#include "slicecheck/nonsmooth/finite_objective.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

constexpr double kUnitRoundoff = tolerance::unit_roundoff<double>();

std::vector<double> drawn_probabilities(PointDraws& draws, Index count, bool equal) {
  std::vector<double> p(static_cast<std::size_t>(count), 1.0);
  if (!equal)
    for (double& one : p) one = draws.uniform(0.05, 1.0);
  const double sum = std::accumulate(p.begin(), p.end(), 0.0);
  for (double& one : p) one /= sum;
  return p;
}

struct Problem {
  std::vector<double> p;
  std::vector<double> q;
  Points<double> images;
  Points<double> targets;
  Index n;

  [[nodiscard]] Index a() const { return images.rows(); }
  [[nodiscard]] Index b() const { return targets.rows(); }
  [[nodiscard]] Index d() const { return images.cols(); }
  [[nodiscard]] double size() const { return images.rowwise().norm().maxCoeff() + targets.rowwise().norm().maxCoeff(); }
};

Problem drawn(PointDraws& draws, Index n, Index d) {
  const bool equal = draws.below(3) == 0;
  const Index most = n > 3 ? 2 : 3;
  Problem problem{drawn_probabilities(draws, 1 + static_cast<Index>(draws.below(static_cast<std::uint64_t>(most))), equal),
                  drawn_probabilities(draws, 1 + static_cast<Index>(draws.below(static_cast<std::uint64_t>(most))), equal),
                  {},
                  {},
                  n};
  problem.images.resize(static_cast<Index>(problem.p.size()), d);
  problem.targets.resize(static_cast<Index>(problem.q.size()), d);
  for (double& entry : problem.images.reshaped()) entry = draws.normal();
  for (double& entry : problem.targets.reshaped()) entry = draws.normal();
  return problem;
}

/// Bound on the rounding of value and gradient. A probability H_k takes O(n) operations with positive numbers, relative to 1; G is a sum of n products; each of
/// the ≤ (A² + B²) arcs sums A·B terms of size ≤ size². A rounding of an angle moves ∫θθᵀ by as much and swaps a pair of atoms whose gap it is.
double rounding(const Problem& problem) {
  const auto a = static_cast<double>(problem.a());
  const auto b = static_cast<double>(problem.b());
  const double arcs = problem.d() == 2 ? a * a + b * b : 1.0;
  return tolerance::gamma(64.0 * (static_cast<double>(problem.n) + a * b) * arcs, kUnitRoundoff) * problem.size() * problem.size();
}

/// T = Affine without slope: atom a of the source is image a.
double through_finite_objective(const Problem& problem, Points<double>& gradient) {
  const auto generator = std::make_shared<Affine<double>>(problem.d(), problem.d());
  Eigen::VectorXd u = Eigen::VectorXd::Zero(generator->parameters());
  for (Index j = 0; j < problem.d(); ++j) u[j * problem.d() + j] = 1.0;
  const FiniteLaw source("images", problem.images, problem.p);
  const FiniteLaw target("targets", problem.targets, problem.q);
  const FiniteObjective objective(generator, source, target, problem.n);
  const auto pulled = objective.gradient(u);
  EXPECT_TRUE(pulled.has_value());
  gradient.resize(0, 0);
  if (pulled) gradient = Points<double>(pulled->transpose());
  return objective.value(u).value;
}

TEST(ExpectedLoss, agrees_with_the_sum_over_multisets) {
  const RandomStream stream(1, Purpose::cases, 900, 0);  // cases with a choice are counted: one seed
  int refused = 0;
  int with_choice = 0;
  for (std::uint64_t number = 0; number < 60; ++number) {
    PointDraws draws(stream, number);
    const Problem problem = drawn(draws, 1 + static_cast<Index>(number % 5), 1 + static_cast<Index>(number / 5 % 2));
    const ExpectedLoss loss(problem.p, problem.targets, problem.q, problem.n);
    const ExpectedLossValue found = loss.evaluate(problem.images);
    Points<double> pulled;
    const double value = through_finite_objective(problem, pulled);
    const double allowed = 2.0 * rounding(problem) + 1e-15;
    EXPECT_TRUE(std::abs(found.value - value) <= allowed) << number << ": " << found.value - value << ", " << allowed;
    // T = Ax + b at A = I, b = 0: ∂F/∂A = Σ_a g_a x_aᵀ, ∂F/∂b = Σ_a g_a.
    const Affine<double> generator(problem.d(), problem.d());
    Eigen::VectorXd u = Eigen::VectorXd::Zero(generator.parameters());
    for (Index j = 0; j < problem.d(); ++j) u[j * problem.d() + j] = 1.0;
    const Eigen::VectorXd expected = generator.pullback(u, problem.images, found.gradient);
    ASSERT_EQ(pulled.cols(), expected.size());
    EXPECT_TRUE((pulled.transpose() - expected).norm() <= allowed * (1.0 + problem.size())) << number << ": " << (pulled.transpose() - expected).norm();
    // Another batch size is another F.
    const double other = ExpectedLoss(problem.p, problem.targets, problem.q, problem.n + 1).evaluate(problem.images).value;
    if (problem.a() == 1 || problem.b() == 1) continue;  // then F does not depend on n
    ++with_choice;
    refused += std::abs(other - value) > allowed ? 1 : 0;
  }
  EXPECT_GE(with_choice, 15);
  EXPECT_EQ(refused, with_choice) << "the comparison must tell batches of n from batches of n + 1";
}

/// Over all ordered batches, A^n·B^n of them.
double over_ordered_batches(const Problem& problem, const Points<double>& theta, Points<double>& gradient) {
  gradient = Points<double>::Zero(problem.a(), problem.d());
  double sum = 0.0;
  const auto power = [&](Index base) { return static_cast<Index>(std::llround(std::pow(static_cast<double>(base), static_cast<double>(problem.n)))); };
  for (Index i = 0; i < power(problem.a()); ++i)
    for (Index j = 0; j < power(problem.b()); ++j) {
      double weight = 1.0;
      Points<double> z(problem.n, problem.d());
      Points<double> y(problem.n, problem.d());
      std::vector<Index> atoms;
      Index code_z = i;
      Index code_y = j;
      for (Index k = 0; k < problem.n; ++k, code_z /= problem.a(), code_y /= problem.b()) {
        atoms.push_back(code_z % problem.a());
        z.row(k) = problem.images.row(atoms.back());
        y.row(k) = problem.targets.row(code_y % problem.b());
        weight *= problem.p[static_cast<std::size_t>(atoms.back())] * problem.q[static_cast<std::size_t>(code_y % problem.b())];
      }
      const LossGradient<double> w = ReferenceLoss(2.0).evaluate(z, y, theta);
      sum += weight * w.value;
      for (Index k = 0; k < problem.n; ++k) gradient.row(atoms[static_cast<std::size_t>(k)]) += weight * w.gradient.row(k);
    }
  return sum;
}

TEST(ExpectedLoss, given_directions_agree_with_all_ordered_batches) {
  const RandomStream stream(test_seed(), Purpose::cases, 901, 0);
  for (std::uint64_t number = 0; number < 40; ++number) {
    PointDraws draws(stream, number);
    const Index d = 1 + static_cast<Index>(number % 3);
    const Problem problem = drawn(draws, 1 + static_cast<Index>(number / 3 % 4), d);
    const Points<double> theta = uniform_directions<double>(RandomStream(test_seed(), Purpose::cases, 902, number), 3, d);
    const ExpectedLossValue found = ExpectedLoss(problem.p, problem.targets, problem.q, problem.n, theta).evaluate(problem.images);
    Points<double> gradient;
    const double value = over_ordered_batches(problem, theta, gradient);
    const double terms = std::pow(static_cast<double>(problem.a() * problem.b()), static_cast<double>(problem.n));
    const double allowed = rounding(problem) + tolerance::gamma(64.0 * terms, kUnitRoundoff) * problem.size() * problem.size() + 1e-15;
    EXPECT_TRUE(std::abs(found.value - value) <= allowed) << number << ": " << found.value - value;
    EXPECT_TRUE((found.gradient - gradient).norm() <= allowed * (1.0 + problem.size())) << number << ": " << (found.gradient - gradient).norm();
  }
}

/// A quadrature of the circle tends to the exact average: w is a trigonometric polynomial of degree 2 on each arc, so m equally spaced directions err by
/// O(1/m²) at the ends of arcs (the integrand is continuous, its slope jumps).
TEST(ExpectedLoss, the_plane_is_the_limit_of_many_directions) {
  const RandomStream stream(test_seed(), Purpose::cases, 903, 0);
  for (std::uint64_t number = 0; number < 10; ++number) {
    PointDraws draws(stream, number);
    const Problem problem = drawn(draws, 3, 2);
    constexpr Index kMany = 4000;
    Points<double> theta(kMany, 2);
    for (Index l = 0; l < kMany; ++l) {
      const double phi = M_PI * (static_cast<double>(l) + 0.5) / static_cast<double>(kMany);
      theta.row(l) << std::cos(phi), std::sin(phi);
    }
    const double exact = ExpectedLoss(problem.p, problem.targets, problem.q, 3).evaluate(problem.images).value;
    const double many = ExpectedLoss(problem.p, problem.targets, problem.q, 3, theta).evaluate(problem.images).value;
    // The midpoint rule: (π/m)²/24 · max|w''| on the arcs, |w''| ≤ 4·size², and at most 6 jumps of the slope of ≤ 4·size² each, (π/m)²/8 of it.
    const double step = M_PI / static_cast<double>(kMany);
    EXPECT_TRUE(std::abs(exact - many) <= step * step * (4.0 / 24.0 + 6.0 * 4.0 / 8.0 / M_PI) * problem.size() * problem.size()) << exact - many;
  }
}

TEST(ExpectedLoss, the_matching_is_a_coupling) {
  const RandomStream stream(test_seed(), Purpose::cases, 904, 0);
  for (std::uint64_t number = 0; number < 30; ++number) {
    PointDraws draws(stream, number);
    const Index n = std::vector<Index>{1, 2, 5, 40, 3000}[number % 5];
    const auto p = drawn_probabilities(draws, 4, number % 3 == 0);
    const auto q = drawn_probabilities(draws, 3, number % 3 == 0);
    const ExpectedLoss loss(p, Points<double>::Zero(3, 1), q, n);
    const std::vector<Index> source{2, 0, 3, 1};
    const std::vector<Index> target{1, 2, 0};
    const Points<double> g = loss.matching(source, target);
    const double allowed = tolerance::gamma(16.0 * static_cast<double>(n) + 512.0, kUnitRoundoff);
    EXPECT_TRUE(g.minCoeff() >= -allowed) << n << ": " << g.minCoeff();
    for (Index a = 0; a < 4; ++a) EXPECT_TRUE(std::abs(g.row(a).sum() - p[static_cast<std::size_t>(a)]) <= allowed) << n << ": " << g.row(a).sum();
    for (Index b = 0; b < 3; ++b) EXPECT_TRUE(std::abs(g.col(b).sum() - q[static_cast<std::size_t>(b)]) <= allowed) << n << ": " << g.col(b).sum();
    // n = 1: independent. Many points: nearly the monotone coupling, whose first entry is the smaller of the two probabilities.
    if (n == 1) {
      EXPECT_TRUE(std::abs(g(2, 1) - p[2] * q[1]) <= allowed);
    }
    if (n == 3000) {
      EXPECT_NEAR(g(2, 1), std::min(p[2], q[1]), 0.02);
    }
  }
}

/// The two-point line: F_n(u) = u² + 1 − 2c_n|u|.
TEST(ExpectedLoss, the_line_has_its_closed_form_for_large_batches) {
  const std::vector<double> half{0.5, 0.5};
  const Points<double> targets{{-1.0}, {1.0}};
  for (const Index n : {1, 2, 10, 100, 1000, 5000}) {
    double central = 1.0;
    for (Index k = 1; k <= n; ++k) central *= (2.0 * static_cast<double>(k) - 1.0) / (2.0 * static_cast<double>(k));
    const double c = 1.0 - 2.0 * central;
    const ExpectedLoss loss(half, targets, half, n);
    for (const double u : {-2.0, -0.3, 0.7}) {
      const ExpectedLossValue found = loss.evaluate(Points<double>{{-u}, {u}});
      const double allowed = tolerance::gamma(64.0 * static_cast<double>(n) + 512.0, kUnitRoundoff) * 9.0;
      EXPECT_TRUE(std::abs(found.value - (u * u + 1.0 - 2.0 * c * std::abs(u))) <= allowed) << n << ", " << u;
      const double slope = found.gradient(1, 0) - found.gradient(0, 0);
      EXPECT_TRUE(std::abs(slope - (2.0 * u - 2.0 * c * (u > 0.0 ? 1.0 : -1.0))) <= 4.0 * allowed) << n << ", " << u;
    }
  }
}

/// Where images coincide, the block's rows of G are proportional to its probabilities, in every form of the loss; and the value does not depend on the order.
TEST(ExpectedLoss, coincident_images_share_their_block) {
  const std::vector<double> p{0.1, 0.3, 0.2, 0.15, 0.25};
  const std::vector<double> q{0.5, 0.2, 0.3};
  for (const Index d : {1, 2, 3}) {
    Points<double> images(5, d);
    Points<double> targets(3, d);
    for (Index a = 0; a < 5; ++a)
      for (Index j = 0; j < d; ++j) images(a, j) = a == 1 ? -0.4 + 0.1 * static_cast<double>(j) : 0.3 / static_cast<double>(j + 1);
    for (Index b = 0; b < 3; ++b)
      for (Index j = 0; j < d; ++j) targets(b, j) = std::sin(static_cast<double>(3 * b + j) + 0.5);
    std::vector<ExpectedLoss> losses;
    losses.emplace_back(p, targets, q, 3, uniform_directions<double>(RandomStream(5, Purpose::cases, 905, 0), 7, d));
    if (d <= 2) losses.emplace_back(p, targets, q, 3);
    for (const ExpectedLoss& loss : losses) {
      const ExpectedLossValue found = loss.evaluate(images);
      for (const Index a : {2, 3, 4})
        EXPECT_TRUE((found.gradient.row(a) / p[static_cast<std::size_t>(a)] - found.gradient.row(0) / p[0]).norm() <= 1e-13 * 30.0) << d << ", " << a;
    }
  }
  const ExpectedLoss line({0.25, 0.75}, Points<double>{{-1.0}, {2.0}}, {0.5, 0.5}, 2);
  const Points<double> tied{{0.5}, {0.5}};
  const ExpectedLossValue shared = line.evaluate(tied);
  const ExpectedLossValue one = line.evaluate_in_order(tied, {0, 1});
  const ExpectedLossValue two = line.evaluate_in_order(tied, {1, 0});
  EXPECT_NEAR(one.value, two.value, 1e-15);
  EXPECT_NEAR(one.value, shared.value, 1e-15);
  // One-sided derivatives along (+1, 0): −F is convex along lines at ties, the right one is the smaller, and the shared gradient lies between.
  EXPECT_LT(two.gradient(0, 0), shared.gradient(0, 0));
  EXPECT_LT(shared.gradient(0, 0), one.gradient(0, 0));
}

TEST(ExpectedLoss, an_order_gives_the_piece_beyond_the_tie) {
  const ExpectedLoss loss({0.25, 0.75}, Points<double>{{-1.0}, {2.0}}, {0.5, 0.5}, 3);
  const Points<double> images{{0.2}, {0.7}};
  const ExpectedLossValue natural = loss.evaluate(images);
  const ExpectedLossValue same = loss.evaluate_in_order(images, {0, 1});
  const ExpectedLossValue other = loss.evaluate_in_order(images, {1, 0});
  EXPECT_EQ(natural.value, same.value);
  EXPECT_EQ(natural.gradient, same.gradient);
  EXPECT_GT(other.value, natural.value) << "the sorted matching is the cheapest";
  // Each piece is quadratic: its gradient is that of its value.
  for (const auto& order : {std::vector<Index>{0, 1}, std::vector<Index>{1, 0}})
    for (Index a = 0; a < 2; ++a) {
      Points<double> plus = images;
      Points<double> minus = images;
      plus(a, 0) += 0.25;
      minus(a, 0) -= 0.25;
      const double slope = (loss.evaluate_in_order(plus, order).value - loss.evaluate_in_order(minus, order).value) / 0.5;
      EXPECT_NEAR(slope, loss.evaluate_in_order(images, order).gradient(a, 0), 1e-14);
    }
}

TEST(ExpectedLoss, refuses_what_is_no_law_and_no_order) {
  const std::vector<double> half{0.5, 0.5};
  const Points<double> two{{-1.0}, {1.0}};
  EXPECT_NO_THROW(ExpectedLoss(half, two, half, 2));
  for (const std::vector<double>& bad : {std::vector<double>{}, {0.5, 0.6}, {1.5, -0.5}, {1.0, 0.0}, {std::nan(""), 1.0}}) {
    EXPECT_THROW(ExpectedLoss(bad, two, half, 2), InputError);
    EXPECT_THROW(ExpectedLoss(half, two, bad, 2), InputError);
  }
  EXPECT_THROW(ExpectedLoss(half, two, half, 0), InputError);
  EXPECT_THROW(ExpectedLoss(half, Points<double>::Zero(3, 1), half, 2), InputError);
  EXPECT_THROW(ExpectedLoss(half, Points<double>::Zero(2, 3), half, 2), InputError) << "no exact average over the sphere";
  EXPECT_THROW(ExpectedLoss(half, Points<double>{{0.0}, {std::nan("")}}, half, 2), InputError);
  EXPECT_THROW(ExpectedLoss(half, two, half, 2, Points<double>::Zero(0, 1)), InputError);
  EXPECT_THROW(ExpectedLoss(half, two, half, 2, Points<double>::Ones(1, 2)), InputError);
  const ExpectedLoss loss(half, two, half, 2);
  EXPECT_THROW((void)loss.evaluate(Points<double>::Zero(3, 1)), InputError);
  EXPECT_THROW((void)loss.evaluate(Points<double>{{0.0}, {std::numeric_limits<double>::infinity()}}), InputError);
  EXPECT_THROW((void)loss.evaluate_in_order(Points<double>{{0.0}, {std::nan("")}}, {0, 1}), InputError);
  EXPECT_THROW((void)loss.evaluate_in_order(two, {0}), InputError);
  EXPECT_THROW((void)loss.evaluate_in_order(two, {0, 0}), InputError);
  EXPECT_THROW((void)loss.matching({0, 1}, {0, 2}), InputError);
  EXPECT_THROW((void)ExpectedLoss(half, Points<double>::Zero(2, 2), half, 2).evaluate_in_order(Points<double>::Zero(2, 2), {0, 1}), InputError);
}

}  // namespace
}  // namespace slicecheck::testing
