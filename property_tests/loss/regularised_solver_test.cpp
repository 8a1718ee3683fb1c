/// Solvers of regularised transport: closed forms, duality, extreme λ, duplicated atoms, threads, refusals.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <utility>

#include "slicecheck/claims/transport_case.h"
#include "slicecheck/claims/transport_rounding.h"
#include "slicecheck/claims/transport_textbook.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/parallel.h"
#include "slicecheck/core/random.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/loss/regularised/exact_transport.h"
#include "slicecheck/loss/regularised/transport_bounds.h"
#include "slicecheck/loss/regularised/transport_cost.h"
#include "slicecheck/loss/regularised/transport_dual.h"
#include "slicecheck/loss/regularised/transport_solver.h"
#include "slicecheck/loss/regularised/tree_plan.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

constexpr Regulariser kBoth[] = {Regulariser::kl, Regulariser::quadratic};

std::string refusal(const std::function<void()>& work) {
  try {
    work();
  } catch (const InputError& error) {
    return error.what();
  }
  return "accepted";
}

Vector<double> uniform(Index n) { return Vector<double>::Constant(n, 1.0 / static_cast<double>(n)); }

/// x, y = ±1, G = θx, squared cost.
TransportProblem line(double theta, double lambda, Regulariser regulariser) {
  TransportProblem problem{uniform(2), uniform(2), Points<double>(2, 2), lambda, regulariser};
  problem.cost << (theta - 1.0) * (theta - 1.0), (theta + 1.0) * (theta + 1.0), (theta + 1.0) * (theta + 1.0), (theta - 1.0) * (theta - 1.0);
  return problem;
}

TransportProblem drawn(std::uint64_t number, Regulariser regulariser, double least, double largest, int size) {
  const RandomStream stream(test_seed(), Purpose::cases, 97, number);
  PointDraws draws(stream, 0);
  TransportWish wish;
  wish.regulariser = regulariser;
  wish.least_lambda = least;
  wish.largest_lambda = largest;
  return draw_transport_case(draws, size, wish).problem;
}

double gamma(double k) { return tolerance::gamma(k, tolerance::unit_roundoff<double>()); }

double scale_of(const TransportProblem& problem) { return std::max(problem.cost.cwiseAbs().maxCoeff(), 1e-100); }

/// ln cosh without overflow.
double log_cosh(double z) { return std::abs(z) + std::log1p(std::exp(-2.0 * std::abs(z))) - std::log(2.0); }

TEST(SolveTransport, agrees_with_the_closed_forms_of_the_line) {
  for (const double theta : {-1.3, -0.2, 0.0, 0.4, 1.0, 2.5})
    for (const double lambda : {1e-8, 1e-3, 0.1, 1.0, 2.0, 10.0, 1e4, 1e9}) {
      const double z = 2.0 * theta / lambda;
      const double s = std::clamp(z, -1.0, 1.0);
      for (const Regulariser regulariser : kBoth) {
        const double expected =
            theta * theta + 1.0 + (regulariser == Regulariser::kl ? -lambda * log_cosh(z) : -2.0 * theta * s + 0.5 * lambda * (1.0 + s * s));
        const TransportSolution solution = solve_transport(line(theta, lambda, regulariser), {1e-12, 10'000});
        EXPECT_LE(solution.gap, std::max(1e-12, solution.floor)) << theta << " " << lambda;
        // C and the closed form round by a few u of their terms; λ ln cosh z by 3u(2|θ| + 2λ ln 2)
        const double rounding = gamma(10.0) * ((std::abs(theta) + 1.0) * (std::abs(theta) + 1.0) + 1.5 * lambda);
        EXPECT_NEAR(solution.dual_value, expected, solution.gap + solution.floor + rounding) << regulariser_name(regulariser) << theta << " " << lambda;
      }
    }
}

TEST(SolveTransport, agrees_with_the_checkerboard_and_with_single_atoms) {
  for (const double lambda : {1e-3, 0.3, 1.0, 30.0}) {
    TransportProblem board{uniform(2), uniform(2), Points<double>(2, 2), lambda, Regulariser::kl};
    board.cost << -0.7, 0.7, 0.7, -0.7;
    const TransportSolution solution = solve_transport(board, {1e-13, 1000});
    EXPECT_NEAR(solution.dual_value, -lambda * log_cosh(0.7 / lambda), solution.gap + solution.floor + gamma(8.0) * (0.7 + 1.5 * lambda));
    EXPECT_LE(solution.gap, 1e-13);
  }
  for (const double lambda : {1e-8, 1.0, 1e12})
    for (const Regulariser regulariser : kBoth) {
      const TransportProblem single{Vector<double>::Ones(1), Vector<double>::Ones(1), Points<double>::Constant(1, 1, -3.5), lambda, regulariser};
      const TransportSolution solution = solve_transport(single, {1e-10, 100});
      EXPECT_EQ(solution.sweeps, 1);
      EXPECT_NEAR(solution.dual_value, regulariser == Regulariser::kl ? -3.5 : -3.5 + 0.5 * lambda, solution.floor + gamma(2.0) * (3.5 + lambda));
      EXPECT_LE(solution.gap, std::max(1e-10, solution.floor));
    }
}

TEST(SolveTransport, certifies_every_kind_of_case_for_every_lambda_or_says_that_rounding_forbids_it) {
  const double ranges[][2] = {{1e-8, 1e-6}, {1e-6, 1e-3}, {1e-3, 1.0}, {1.0, 1e3}, {1e11, 1e12}};
  for (const Regulariser regulariser : kBoth)
    for (int k = 0; k < 5; ++k) {
      int certified = 0;
      for (std::uint64_t number = 0; number < 100; ++number) {
        const TransportProblem problem = drawn(1000 * k + number, regulariser, ranges[k][0], ranges[k][1], number % 10 == 0 ? 49 : 6);
        const double tolerance = 1e-10 * scale_of(problem);
        const TransportSolution s = solve_transport(problem, {tolerance, 20'000});
        certified += s.outcome == SolverOutcome::certified ? 1 : 0;
        if (s.outcome == SolverOutcome::certified) {
          EXPECT_LE(s.gap + s.floor, tolerance);
        }
        EXPECT_GE(s.gap, 0.0);
        EXPECT_TRUE(s.outcome == SolverOutcome::certified || s.floor > 0.5 * tolerance)
            << regulariser_name(regulariser) << " " << number << " λ " << problem.lambda << " gap " << s.gap << " tolerance " << tolerance << " floor "
            << s.floor;
        // P and D as they were reported
        if (std::isfinite(s.floor)) {
          EXPECT_NEAR(s.transport + problem.lambda * s.regularisation, s.primal_value(),
                      2.0 * s.floor + static_cast<double>(solution_rounding(problem, s.potentials)));
        }
        EXPECT_LE(s.dual_value - s.floor, problem.a.dot(problem.cost * problem.b) + (regulariser == Regulariser::kl ? 0.0 : 0.5 * problem.lambda) +
                                              gamma(static_cast<double>(problem.n() + problem.m()) + 4.0) * (scale_of(problem) + problem.lambda));
      }
      if (regulariser == Regulariser::kl || k < 4) {
        EXPECT_GE(certified, 90) << k;
      }
    }
}

TEST(SolveTransport, has_the_textbook_s_value) {
  int certified = 0;
  for (std::uint64_t number = 0; number < 60; ++number)
    for (const Regulariser regulariser : kBoth) {
      const TransportProblem problem = drawn(5000 + number, regulariser, 3e-2, 1e2, 4);
      const RealInterval d = textbook_value(problem, textbook_optimum(problem));
      const double low = static_cast<double>(d.low);
      const double high = static_cast<double>(d.high);
      for (const double tolerance : {1e-3, 1e-11, 4e-14}) {  // the last is near the floor
        const TransportSolution solution = solve_transport(problem, {tolerance * scale_of(problem), 20'000});
        EXPECT_LE(solution.dual_value, high + solution.floor) << number;
        EXPECT_GE(solution.primal_value(), low - solution.floor) << number;
        if (solution.outcome != SolverOutcome::certified) continue;
        ++certified;
        EXPECT_LE(solution.dual_value, high + tolerance * scale_of(problem)) << number;
        EXPECT_GE(solution.dual_value, low - tolerance * scale_of(problem)) << number;
      }
    }
  EXPECT_GE(certified, 200);
}

TEST(SolveTransport, ends_where_the_numbers_overflow_or_rounding_forbids_more) {
  for (const Regulariser regulariser : kBoth)
    for (const double lambda : {1e-300, 1e-200, 1e200, 1e300}) {
      TransportProblem problem = line(0.4, lambda, regulariser);
      problem.cost *= 1e149;
      const TransportSolution far = solve_transport(problem, {});
      EXPECT_EQ(far.outcome, SolverOutcome::inconclusive);
      EXPECT_LT(far.sweeps, 1000) << lambda;
      EXPECT_FALSE(std::isnan(far.gap) || std::isnan(far.floor));
    }
  for (std::uint64_t number = 0; number < 40; ++number)
    for (const Regulariser regulariser : kBoth) {
      const TransportProblem problem = drawn(9500 + number, regulariser, 1e-3, 1e1, 6);
      const double floor = solve_transport(problem, {1e-11 * scale_of(problem), 20'000}).floor;
      const TransportSolution s = solve_transport(problem, {1.0001 * floor, 1'000'000});  // no gap but 0 is enough
      EXPECT_LT(s.sweeps, 100'000) << number;
    }
}

TEST(SolveTransport, tends_to_exact_transport) {
  for (std::uint64_t number = 0; number < 60; ++number)
    for (const Regulariser regulariser : kBoth) {
      const TransportProblem problem = drawn(6000 + number, regulariser, 1e-7, 1e-5, 10);
      const TransportSolution solution = solve_transport(problem, {1e-9 * scale_of(problem), 20'000});
      const ExactTransport vertex = exact_transport(problem.a, problem.b, problem.cost);
      const double exact = vertex.value;
      const double sizes = vertex.phi.cwiseAbs().maxCoeff() + vertex.psi.cwiseAbs().maxCoeff() + problem.cost.cwiseAbs().maxCoeff();
      const double size = static_cast<double>(std::min(problem.n(), problem.m()));
      const double slack = solution.floor + gamma(8.0 * static_cast<double>(problem.n() + problem.m() + 8)) * sizes;  // as its own certificate
      EXPECT_GE(solution.primal_value(), exact + (regulariser == Regulariser::kl ? 0.0 : 0.5 * problem.lambda) - slack);
      EXPECT_LE(solution.dual_value, exact + problem.lambda * (regulariser == Regulariser::kl ? std::log(size) : 0.5 * size) + slack);
    }
}

TEST(SolveTransport, does_not_mind_duplicated_atoms) {
  for (std::uint64_t number = 0; number < 60; ++number)
    for (const Regulariser regulariser : kBoth) {
      const TransportProblem problem = drawn(7000 + number, regulariser, 1e-5, 1e1, 5);
      TransportProblem twice = problem;
      const Index n = problem.n();
      const Index m = problem.m();
      twice.a.resize(2 * n);
      twice.a << 0.5 * problem.a, 0.5 * problem.a;
      twice.b.resize(2 * m);
      twice.b << 0.25 * problem.b, 0.75 * problem.b;
      twice.cost.resize(2 * n, 2 * m);
      twice.cost << problem.cost, problem.cost, problem.cost, problem.cost;
      const double tolerance = 1e-10 * scale_of(problem);
      const TransportSolution once = solve_transport(problem, {tolerance, 20'000});
      const TransportSolution split = solve_transport(twice, {tolerance, 20'000});
      EXPECT_LE(split.gap, std::max(tolerance, split.floor)) << number;
      EXPECT_NEAR(split.dual_value, once.dual_value, split.gap + once.gap + split.floor + once.floor) << regulariser_name(regulariser) << number;  // R3
    }
}

TEST(SolveTransport, gives_the_same_bits_on_one_and_two_threads) {
  const int threads = thread_count();
  for (const auto& [regulariser, lambda] : {std::pair{Regulariser::kl, 0.05}, std::pair{Regulariser::quadratic, 0.01}}) {
    const RandomStream stream(test_seed(), Purpose::cases, 98, 0);
    TransportProblem problem{uniform(600), uniform(450), Points<double>(600, 450), lambda, regulariser};
    for (Index i = 0; i < 600; ++i) {
      PointDraws draws(stream, static_cast<std::uint64_t>(i));
      for (Index j = 0; j < 450; ++j) problem.cost(i, j) = draws.uniform();
    }
    set_thread_count(1);
    const TransportSolution one = solve_transport(problem, {1e-6, 5000});
    set_thread_count(2);
    const TransportSolution two = solve_transport(problem, {1e-6, 5000});
    set_thread_count(threads);
    EXPECT_EQ(one.outcome, SolverOutcome::certified);
    EXPECT_EQ(one.potentials.phi, two.potentials.phi);
    EXPECT_EQ(one.potentials.psi, two.potentials.psi);
    EXPECT_EQ(one.gap, two.gap);
    EXPECT_EQ(one.dual_value, two.dual_value);
    EXPECT_EQ(one.floor, two.floor);
    EXPECT_EQ(one.transport, two.transport);
    EXPECT_EQ(one.sweeps, two.sweeps);
  }
}

TEST(SolveTransport, counts_half_sweeps_and_stops_where_told) {
  const TransportProblem problem = line(0.4, 0.01, Regulariser::kl);
  for (const Index most : {1, 2, 3, 10}) {
    const TransportSolution s = solve_transport(problem, {1e-300, most});
    EXPECT_LE(s.sweeps, most);
    EXPECT_EQ(s.outcome, SolverOutcome::inconclusive);
    EXPECT_EQ(s.gap, duality_gap(problem, s.potentials, feasible_plan(problem, s.potentials)));
    EXPECT_EQ(s.dual_value, dual_value(problem, s.potentials));
  }
}

TEST(SolveTransport, starts_where_told) {
  for (const Regulariser regulariser : kBoth) {
    const TransportProblem problem = drawn(8000, regulariser, 1e-2, 2e-2, 6);
    const TransportSolution cold = solve_transport(problem, {1e-11 * scale_of(problem), 20'000});
    const TransportSolution warm = solve_transport(problem, {1e-10 * scale_of(problem), 20'000}, &cold.potentials);
    EXPECT_EQ(warm.sweeps, 1);
    const TransportSolution alone = solve_by_half_steps(problem, {1e-7 * scale_of(problem), 200'000});
    EXPECT_NEAR(alone.dual_value, cold.dual_value, alone.gap + cold.gap + cold.floor + alone.floor);
  }
}

TEST(HalfSteps, give_the_marginals_and_never_lower_the_dual) {
  for (std::uint64_t number = 0; number < 100; ++number)
    for (const Regulariser regulariser : kBoth) {
      const TransportProblem problem = drawn(9000 + number, regulariser, 1e-3, 1e3, 6);
      DualPotentials at{Vector<double>::Zero(problem.n()), Vector<double>::Zero(problem.m())};
      at.phi = best_phi(problem, at.psi);
      double before = dual_value(problem, at);
      for (int k = 0; k < 5; ++k) {
        // V rounds by γ_6 of its terms, here and in the half-step; the sums and the logarithm by γ of their number.
        const double size = scale_of(problem) + at.phi.cwiseAbs().maxCoeff() + at.psi.cwiseAbs().maxCoeff();
        const double allowed = 2.0 * gamma(static_cast<double>(problem.n() + problem.m()) + 8.0) + 2.0 * std::expm1(gamma(6.0) * size / problem.lambda);
        EXPECT_LE(((plan_of(problem, at).rowwise().sum() - problem.a).cwiseQuotient(problem.a)).cwiseAbs().maxCoeff(), allowed) << number;
        at.psi = best_psi(problem, at.phi);
        EXPECT_LE(((plan_of(problem, at).colwise().sum().transpose() - problem.b).cwiseQuotient(problem.b)).cwiseAbs().maxCoeff(), allowed) << number;
        at.phi = best_phi(problem, at.psi);
        const double after = dual_value(problem, at);
        EXPECT_GE(after, before - 2.0 * certificate_floor(problem, at));
        before = after;
      }
    }
}

TEST(TreePlan, has_the_marginals_and_refuses_what_it_cannot_repair) {
  const TransportProblem problem = line(1.0, 1.0, Regulariser::kl);
  Points<double> plan(2, 2);
  plan << 0.499, 0.0, 0.001, 0.4995;
  const auto repaired = tree_plan(problem, plan);
  ASSERT_TRUE(repaired.has_value());
  EXPECT_TRUE(repaired->rowwise().sum().isApprox(problem.a, gamma(4.0)));
  EXPECT_TRUE(repaired->colwise().sum().transpose().isApprox(problem.b, gamma(4.0)));
  EXPECT_GE(repaired->minCoeff(), 0.0);
  TransportProblem skewed = problem;
  skewed.a << 0.2, 0.8;
  plan << 0.3, 0.3, 0.3, 0.0;  // the tree has (0, 1), which alone would have to carry 0.5
  EXPECT_FALSE(tree_plan(skewed, plan).has_value());
}

TEST(SolveTransport, refuses_what_is_no_problem) {
  const TransportProblem good = line(1.0, 1.0, Regulariser::kl);
  TransportProblem bad = good;
  bad.lambda = 0.0;
  EXPECT_EQ(refusal([&] { solve_transport(bad, {}); }), "lambda is 0; expected a positive finite number");
  bad = good;
  bad.a[0] = 0.6;
  EXPECT_EQ(refusal([&] { solve_transport(bad, {}); }), "the weights have the sum 1.1000000000000001; expected 1");
  bad.a[0] = -0.5;
  EXPECT_EQ(refusal([&] { solve_transport(bad, {}); }), "the smallest weight is -0.5; expected positive finite weights");
  bad = good;
  bad.cost(0, 1) = std::numeric_limits<double>::infinity();
  EXPECT_EQ(refusal([&] { solve_transport(bad, {}); }), "the cost matrix has an entry that is not finite");
  bad.cost(0, 1) = -1e151;
  EXPECT_EQ(refusal([&] { solve_transport(bad, {}); }), "the cost matrix has an entry of the size 1e+151; expected at most 1e+150");
  bad.cost.resize(1, 2);
  EXPECT_EQ(refusal([&] { solve_transport(bad, {}); }), "the cost matrix is 1 × 2; expected 2 × 2, as the weights");
  EXPECT_EQ(refusal([&] { solve_transport(good, {0.0, 10}); }), "the tolerance is 0; expected a positive number");
  EXPECT_EQ(refusal([&] { solve_transport(good, {1e-10, 0}); }), "most_sweeps is 0; expected at least 1");
  DualPotentials start{Vector<double>::Zero(1), Vector<double>::Zero(2)};
  EXPECT_EQ(refusal([&] { solve_transport(good, {}, &start); }), "the potentials to start with have 1 and 2 entries; expected 2 and 2");
  start.phi = Vector<double>::Constant(2, std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(refusal([&] { solve_transport(good, {}, &start); }), "the potentials to start with have an entry that is not finite");
  EXPECT_EQ(refusal([&] { best_phi(good, Vector<double>::Zero(3)); }), "psi has 3 entries; expected 2");
  EXPECT_EQ(refusal([&] { best_psi(good, Vector<double>::Zero(3)); }), "phi has 3 entries; expected 2");
  EXPECT_EQ(refusal([] {
              TransportProblem{{}, Vector<double>::Ones(1), Points<double>(0, 1), 1.0, Regulariser::kl}.validate();
            }),
            "a law has no atom: 0 and 1 weights");
  EXPECT_EQ(refusal([] { mass_error(-1.0); }), "kappa is -1; expected a number ≥ 0");
  EXPECT_EQ(refusal([] { mass_error(std::numeric_limits<double>::quiet_NaN()); }), "kappa is nan; expected a number ≥ 0");
  EXPECT_EQ(refusal([&] { regulariser_by_name("entropy"); }), "unknown regulariser 'entropy'; the known ones are kl, quadratic");
}

}  // namespace
}  // namespace slicecheck::testing
