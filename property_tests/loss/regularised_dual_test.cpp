/// Dual value, gap and floor of regularised transport against long double; feasible plans; costs and their derivatives.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iostream>
#include <string>

#include "slicecheck/claims/transport_case.h"
#include "slicecheck/claims/transport_textbook.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/random.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/loss/regularised/transport_cost.h"
#include "slicecheck/loss/regularised/transport_dual.h"
#include "slicecheck/loss/regularised/transport_gradient.h"
#include "slicecheck/loss/regularised/transport_solver.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

std::string refusal(const std::function<void()>& work) {
  try {
    work();
  } catch (const InputError& error) {
    return error.what();
  }
  return "accepted";
}

double gamma(double k) { return tolerance::gamma(k, tolerance::unit_roundoff<double>()); }

/// The laws in long double, their mass 1.
struct RealLaws {
  explicit RealLaws(const TransportProblem& problem) : a(problem.a.cast<Real>()), b(problem.b.cast<Real>()) {
    a /= a.sum();
    b /= b.sum();
  }
  RealVector a;
  RealVector b;
};

Real real_violation(const TransportProblem& p, const DualPotentials& at, Index i, Index j) {
  return static_cast<Real>(at.phi[i]) - static_cast<Real>(at.psi[j]) - static_cast<Real>(p.cost(i, j));
}

Real real_dual(const TransportProblem& p, const DualPotentials& at) {
  const RealLaws laws(p);
  const auto lambda = static_cast<Real>(p.lambda);
  Real sum = laws.a.dot(at.phi.cast<Real>()) - laws.b.dot(at.psi.cast<Real>());
  for (Index i = 0; i < p.n(); ++i)
    for (Index j = 0; j < p.m(); ++j) {
      const Real v = real_violation(p, at, i, j);
      sum -= laws.a[i] * laws.b[j] * (p.regulariser == Regulariser::kl ? lambda * std::expm1(v / lambda) : v > 0.0L ? v * v / (2.0L * lambda) : 0.0L);
    }
  return sum;
}

/// R2 at this plan.
Real real_gap(const TransportProblem& p, const DualPotentials& at, const Points<double>& plan) {
  const RealLaws laws(p);
  const auto lambda = static_cast<Real>(p.lambda);
  Real sum = 0.0L;
  for (Index i = 0; i < p.n(); ++i)
    for (Index j = 0; j < p.m(); ++j) {
      const Real v = real_violation(p, at, i, j) / lambda;
      const Real ab = laws.a[i] * laws.b[j];
      const Real x = static_cast<Real>(plan(i, j));
      if (p.regulariser == Regulariser::quadratic) {
        const Real moved = x / ab - (v > 0.0L ? v : 0.0L);
        sum += 0.5L * ab * moved * moved + (v < 0.0L ? -x * v : 0.0L);
        continue;
      }
      const Real own = ab * std::exp(v);
      if (own == 0.0L) {
        sum += x > 0.0L ? x * (std::log(x / ab) - v) - x : 0.0L;
        continue;
      }
      const Real t = x / own - 1.0L;
      sum += x == 0.0L ? own : std::abs(t) < 1e-6L ? own * t * t * (0.5L - t / 6.0L) : own * ((1.0L + t) * std::log1p(t) - t);
    }
  sum *= lambda;
  for (Index i = 0; i < p.n(); ++i) sum += static_cast<Real>(at.phi[i]) * (plan.row(i).cast<Real>().sum() - laws.a[i]);
  for (Index j = 0; j < p.m(); ++j) sum -= static_cast<Real>(at.psi[j]) * (plan.col(j).cast<Real>().sum() - laws.b[j]);
  return sum;
}

/// Cases of every kind with λ between these, in units of the spread of C.
TransportProblem drawn_problem(std::uint64_t number, Regulariser regulariser, double least, double largest, int size) {
  const RandomStream stream(test_seed(), Purpose::cases, 90, number);
  PointDraws draws(stream, 0);
  TransportWish wish;
  wish.regulariser = regulariser;
  wish.least_lambda = least;
  wish.largest_lambda = largest;
  return draw_transport_case(draws, size, wish).problem;
}

/// Potentials after some half-steps from random ψ: far from and near the optimum.
DualPotentials drawn_potentials(const TransportProblem& problem, std::uint64_t number) {
  const RandomStream stream(test_seed(), Purpose::cases, 91, number);
  PointDraws draws(stream, 0);
  DualPotentials at{{}, Vector<double>(problem.m())};
  const double spread = problem.cost.maxCoeff() - problem.cost.minCoeff();
  for (double& psi : at.psi) psi = 0.3 * spread * draws.normal();
  at.phi = best_phi(problem, at.psi);
  for (std::uint64_t k = 0; k < number % 7; ++k) {
    at.psi = best_psi(problem, at.phi);
    at.phi = best_phi(problem, at.psi);
  }
  return at;
}

TEST(CertificateFloor, bounds_the_rounding_of_dual_value_and_gap) {
  Index judged = 0;
  double closest = 0.0;
  double highest = 0.0;  // floor over size
  const double ranges[][2] = {{1e-8, 1e-7}, {1e-6, 1e-2}, {1e-2, 1e2}, {1e2, 1e6}, {1e11, 1e12}};
  for (std::uint64_t number = 0; number < 600; ++number)
    for (const Regulariser regulariser : {Regulariser::kl, Regulariser::quadratic}) {
      const auto& range = ranges[number % 5];
      const TransportProblem problem = drawn_problem(number, regulariser, range[0], range[1], number % 10 == 0 ? 30 : 7);
      const DualPotentials at = drawn_potentials(problem, number);
      const double floor = certificate_floor(problem, at);
      if (!std::isfinite(floor)) continue;  // λ below the rounding of C: nothing is claimed
      ++judged;
      const double of_dual = static_cast<double>(std::abs(static_cast<Real>(dual_value(problem, at)) - real_dual(problem, at)));
      const Points<double> plan = feasible_plan(problem, at);
      const double gap = duality_gap(problem, at, plan);
      const double of_gap = static_cast<double>(std::abs(static_cast<Real>(gap) - real_gap(problem, at, plan)));
      EXPECT_LE(of_dual, floor) << "case " << number << " " << regulariser_name(regulariser) << " λ " << problem.lambda;
      EXPECT_LE(of_gap, floor) << "case " << number << " " << regulariser_name(regulariser) << " λ " << problem.lambda << " gap " << gap;
      closest = std::max({closest, of_dual / floor, of_gap / floor});
      const double size = at.phi.cwiseAbs().maxCoeff() + at.psi.cwiseAbs().maxCoeff() + problem.cost.cwiseAbs().maxCoeff();
      if (size > 0.0 && problem.lambda > 1e-12 * size) highest = std::max(highest, floor / size / static_cast<double>(problem.n() + problem.m() + 16));
    }
  RecordProperty("largest_error_over_floor", std::to_string(closest));
  std::cout << "largest error / floor: " << closest << ", largest floor / (size (n + m + 16)): " << highest << ", cases: " << judged << "\n";
  EXPECT_GE(judged, 1100);
  EXPECT_GE(closest, 0.01);  // not absurdly large
  EXPECT_LE(highest, 3e-16);
}

TEST(DualityGap, is_the_difference_of_the_textbook_s_values) {
  for (std::uint64_t number = 0; number < 200; ++number)
    for (const Regulariser regulariser : {Regulariser::kl, Regulariser::quadratic}) {
      const TransportProblem problem = drawn_problem(number, regulariser, 1e-2, 1e2, 6);
      const DualPotentials at = drawn_potentials(problem, number);
      const TextbookPotentials book = textbook_potentials(problem, at);
      const double allowed =
          2.0 * certificate_floor(problem, at) + gamma(2.0 * static_cast<double>(problem.n() + problem.m())) * problem.lambda;  // Σa, Σb ≠ 1 exactly
      EXPECT_NEAR(dual_value(problem, at), static_cast<double>(textbook_dual(problem, book)), allowed) << number;
      EXPECT_NEAR(duality_gap(problem, at, feasible_plan(problem, at)), static_cast<double>(textbook_gap(problem, book)), allowed) << number;
      const Points<double> plan = feasible_plan(problem, at);
      EXPECT_NEAR(problem.lambda * regularisation(problem, plan),
                  static_cast<double>(static_cast<Real>(problem.lambda) * textbook_regularisation(problem, plan.cast<Real>())), allowed)
          << number;
    }
}

TEST(DualityGap, of_unshifted_potentials_would_lose_the_rounding_of_lambda) {
  TransportProblem problem{Vector<double>::Constant(2, 0.5), Vector<double>::Constant(2, 0.5), Points<double>(2, 2), 1e12, Regulariser::kl};
  problem.cost << 0.0, 1.0, 1.0, 0.3;
  const TransportSolution solution = solve_transport(problem, {});
  EXPECT_EQ(solution.outcome, SolverOutcome::certified);
  EXPECT_NEAR(solution.dual_value, problem.cost.mean(), solution.gap + solution.floor + 1.0 / (8.0 * problem.lambda));  // osc(C⊥)²/(8λ) below it
  DualPotentials lost = solution.potentials;
  lost.phi = (textbook_phi(problem, lost).array() - problem.lambda).eval();
  EXPECT_GT((lost.phi - solution.potentials.phi).cwiseAbs().maxCoeff(), 1e-6);
}

TEST(FeasiblePlan, has_the_marginals) {
  for (std::uint64_t number = 0; number < 300; ++number)
    for (const Regulariser regulariser : {Regulariser::kl, Regulariser::quadratic}) {
      const TransportProblem problem = drawn_problem(number, regulariser, 1e-6, 1e6, 8);
      const Points<double> plan = feasible_plan(problem, drawn_potentials(problem, number));
      const double u = gamma(2.0 * static_cast<double>(problem.n() + problem.m() + 8));
      EXPECT_GE(plan.minCoeff(), 0.0);
      EXPECT_LE((plan.rowwise().sum() - problem.a).cwiseAbs().maxCoeff(), u) << number;
      EXPECT_LE((plan.colwise().sum().transpose() - problem.b).cwiseAbs().maxCoeff(), u) << number;
    }
}

TEST(TransportDual, refuses_what_does_not_fit) {
  const TransportProblem problem{Vector<double>::Constant(2, 0.5), Vector<double>::Ones(1), Points<double>::Zero(2, 1), 1.0, Regulariser::kl};
  const DualPotentials wrong{Vector<double>::Zero(2), Vector<double>::Zero(2)};
  const DualPotentials right{Vector<double>::Zero(2), Vector<double>::Zero(1)};
  EXPECT_EQ(refusal([&] { dual_value(problem, wrong); }), "the potentials have 2 and 2 entries; expected 2 and 1");
  EXPECT_EQ(refusal([&] { certificate_floor(problem, wrong); }), "the potentials have 2 and 2 entries; expected 2 and 1");
  EXPECT_EQ(refusal([&] { certificate_floor(problem, {}); }), "the potentials have 0 and 0 entries; expected 2 and 1");
  const Points<double> plan = Points<double>::Zero(2, 1);
  EXPECT_EQ(refusal([&] { sharp_gradient_weights(problem, Points<double>::Zero(1, 1), plan); }), "the plan is 1 × 1; expected 2 × 1, as the cost matrix");
  EXPECT_EQ(refusal([&] { sharp_gradient_weights(problem, plan, Points<double>::Zero(2, 2)); }), "the stiffness is 2 × 2; expected 2 × 1, as the cost matrix");
  EXPECT_EQ(refusal([&] { minibatch_weights(problem, right, {0, 2}, {0, 0}); }), "a minibatch has the index 2 of x; expected one of 2 atoms, from 0");
  EXPECT_EQ(refusal([&] { minibatch_weights(problem, right, {0, 1}, {0, -1}); }), "a minibatch has the index -1 of y; expected one of 1 atoms, from 0");
  EXPECT_EQ(refusal([&] { minibatch_weights(problem, right, {0, 1}, {0}); }), "a minibatch has 2 and 1 points; expected equally many, at least one");
  EXPECT_EQ(refusal([&] { minibatch_weights(problem, right, {}, {}); }), "a minibatch has 0 and 0 points; expected equally many, at least one");
  EXPECT_EQ(refusal([&] { regularisation(problem, Points<double>::Zero(1, 1)); }), "the plan is 1 × 1; expected 2 × 1, as the cost matrix");
  EXPECT_EQ(refusal([&] { duality_gap(problem, right, Points<double>::Zero(1, 1)); }), "the plan is 1 × 1; expected 2 × 1, as the cost matrix");
}

Points<double> cloud(Index n, Index d, std::uint64_t number) {
  const RandomStream stream(test_seed(), Purpose::cases, 92, number);
  Points<double> points(n, d);
  PointDraws draws(stream, 0);
  for (double& x : points.reshaped<Eigen::RowMajor>()) x = draws.normal();
  return points;
}

TEST(GroundCost, matrices_of_hand_made_clouds) {
  Points<double> z(2, 2);
  z << 0.0, 3.0, 4.0, 0.0;
  Points<double> y(1, 2);
  y << 0.0, 1.0;
  EXPECT_EQ(cost_matrix(GroundCost::l1, z, y), (Points<double>(2, 1) << 2.0, 5.0).finished());
  EXPECT_EQ(cost_matrix(GroundCost::squared, z, y), (Points<double>(2, 1) << 4.0, 17.0).finished());
  EXPECT_TRUE(cost_matrix(GroundCost::cosine, z, y).isApprox((Points<double>(2, 1) << 0.0, 1.0).finished(), 1e-15));
  EXPECT_EQ(refusal([&] { cost_matrix(GroundCost::cosine, Points<double>::Zero(1, 2), y); }), "a point is 0; the cosine cost needs a direction");
  EXPECT_EQ(refusal([&] { cost_matrix(GroundCost::l1, z, Points<double>::Zero(1, 3)); }),
            "clouds are 2 × 2 and 1 × 3; expected n × d and m × d with n, m, d ≥ 1");
  Points<double> lost = z;
  lost(1, 0) = std::nan("");
  EXPECT_EQ(refusal([&] { cost_matrix(GroundCost::squared, lost, y); }), "the clouds have an entry that is not finite");
  EXPECT_EQ(refusal([&] { cost_matrix(GroundCost::squared, y, lost); }), "the clouds have an entry that is not finite");
  EXPECT_EQ(refusal([&] { cost_pullback(GroundCost::l1, z, y, Points<double>::Zero(1, 1)); }), "the weights are 1 × 1; expected 2 × 1, as the cost matrix");
  EXPECT_EQ(refusal([&] { ground_cost_by_name("l3"); }), "unknown ground cost 'l3'; the known ones are l1, squared, cosine");
}

TEST(GroundCost, pullback_is_the_derivative) {
  const double h = 1e-5;
  for (const GroundCost cost : {GroundCost::l1, GroundCost::squared, GroundCost::cosine})
    for (std::uint64_t number = 0; number < 20; ++number) {
      const Points<double> z = cloud(3, 2, 3 * number);
      const Points<double> y = cloud(4, 2, 3 * number + 1);
      const Points<double> weights = cloud(3, 4, 3 * number + 2);
      if (cost == GroundCost::cosine && std::min(z.rowwise().norm().minCoeff(), y.rowwise().norm().minCoeff()) < 0.1) continue;
      const Points<double> pull = cost_pullback(cost, z, y, weights);
      const Points<double> of_y = cost_pullback(cost, y, z, weights.transpose());
      for (Index i = 0; i < 3; ++i)
        for (Index k = 0; k < 2; ++k) {
          if (cost == GroundCost::l1 && (y.col(k).array() - z(i, k)).abs().minCoeff() < 2.0 * h) continue;
          Points<double> more = z;
          Points<double> less = z;
          more(i, k) += h;
          less(i, k) -= h;
          const double slope = weights.cwiseProduct(cost_matrix(cost, more, y) - cost_matrix(cost, less, y)).sum() / (2.0 * h);
          // Third derivatives are at most 30/‖z‖³ for the cosine, ‖z‖ ≥ 0.1, and 0 for the others; the difference rounds by u·values/h.
          const double third = cost == GroundCost::cosine ? 30.0 * 1e3 * weights.row(i).cwiseAbs().sum() : 0.0;
          const double rounding = gamma(32.0) * weights.cwiseAbs().cwiseProduct(cost_matrix(cost, more, y) + Points<double>::Ones(3, 4)).sum() / h;
          const double allowed = h * h * third / 6.0 + rounding;
          EXPECT_NEAR(pull(i, k), slope, allowed) << ground_cost_name(cost) << number;
          EXPECT_NEAR(weights.transpose().cwiseProduct(cost_matrix(cost, y, more) - cost_matrix(cost, y, less)).sum() / (2.0 * h), slope, rounding);
        }
      EXPECT_EQ(of_y.rows(), 4);
    }
}

TEST(GroundCost, is_flat_at_the_kink_of_l1) {
  const Points<double> point = cloud(1, 3, 1);
  EXPECT_EQ(cost_pullback(GroundCost::l1, point, point, Points<double>::Ones(1, 1)), Points<double>::Zero(1, 3));
}

}  // namespace
}  // namespace slicecheck::testing
