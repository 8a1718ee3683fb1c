/// R9: h is a minimum of functions with L1-Lipschitz gradients, so that L1 alone bounds the step.

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "slicecheck/claims/claim.h"
#include "slicecheck/claims/dynamics_trial.h"
#include "slicecheck/claims/transport_bound.h"
#include "slicecheck/claims/transport_descent_case.h"
#include "slicecheck/core/tolerances.h"

namespace slicecheck {

namespace {

/// h with a plan that attains it, both to `gap`.
struct Solved {
  Real value = 0.0L;
  Points<double> plan;
  Real gap = 0.0L;
};

/// The best permutation of n = m atoms with equal weights, by trying all.
Solved best_permutation(const TransportProblem& problem) {
  const Index n = problem.n();
  std::vector<Index> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), Index{0});
  std::vector<Index> best = order;
  Real least = std::numeric_limits<Real>::infinity();
  do {
    Real sum = 0.0L;
    for (Index i = 0; i < n; ++i) sum += static_cast<Real>(problem.a[i]) * static_cast<Real>(problem.cost(i, order[static_cast<std::size_t>(i)]));
    if (sum < least) {
      least = sum;
      best = order;
    }
  } while (std::next_permutation(order.begin(), order.end()));
  Solved solved{least, Points<double>::Zero(n, n), 0.0L};
  for (Index i = 0; i < n; ++i) solved.plan(i, best[static_cast<std::size_t>(i)]) = problem.a[i];
  return solved;
}

Solved solved(const TransportProblem& problem) {
  if (problem.n() <= 2 && problem.m() <= 2) {
    const SmallSolution small = small_solution(problem);
    return {small.value, small.plan.cast<double>(), 0.0L};
  }
  if (problem.lambda == 0.0) return best_permutation(problem);
  const TextbookSolution solution = textbook_solution(problem, 1e-13L * static_cast<Real>(problem.lambda + problem.cost.cwiseAbs().maxCoeff()), 400);
  return {solution.value, solution.plan.cast<double>(), solution.gap};
}

/// h(θ + v) ≤ h(θ) + ⟨∇h(θ), v⟩ + ‖v‖²/(2α) for the largest step α. With the value of the dual on the left and a feasible plan on the right it holds up to
/// rounding whatever the gap.
Trial majorant(const TransportBoundsSubject& subject, const CostFamily& family, const Eigen::VectorXd& theta, const Eigen::VectorXd& v) {
  const TransportProblem problem = family.at(theta);
  const Solved here = solved(problem);
  const Solved there = solved(family.at(theta + v));
  const Eigen::VectorXd gradient = family.gradient(here.plan, theta);
  const auto observed = static_cast<double>(there.value - here.value) - gradient.dot(v);
  const double alpha = subject.bounds->largest_step(family.constants);
  const double bound = v.squaredNorm() / (2.0 * alpha);
  // Costs at both ends err relative to (‖θ‖ + 1)² reach², slopes to one factor less; d has its own size for large λ.
  const double atoms = reach(family);
  const double norm = (theta.norm() + v.norm() + 1.0) * atoms;
  const double size = 2.0 * norm * norm + 2.0 * norm * atoms * v.norm() + static_cast<double>(std::abs(here.value) + std::abs(there.value));
  const double slack = tolerance::gamma(64.0, kDoubleUnit) * size + static_cast<double>(here.gap);
  auto values = family.values();
  values.push_back(named("theta", theta));
  values.push_back(named("v", v));
  values.push_back(named("step", alpha));
  Trial trial = within_bound(observed, bound, slack, std::move(values));
  if (here.gap + there.gap > 1e-9L * static_cast<Real>(problem.lambda + problem.cost.cwiseAbs().maxCoeff())) trial.counts["h known to fewer than 9 digits"] = 1;
  return trial;
}

/// v of any length, or a step of the largest size along −∇h.
Eigen::VectorXd draw_move(PointDraws& draws, const TransportBoundsSubject& subject, const CostFamily& family, const Eigen::VectorXd& theta) {
  if (draws.below(2) == 0 && family.constants.L1 > 0.0)
    return -subject.bounds->largest_step(family.constants) * family.gradient(solved(family.at(theta)).plan, theta);
  Eigen::VectorXd v = normal_vector(draws, theta.size());
  return power_of_two(draws, -8.0, 3.0) / std::max(v.norm(), 1e-3) * v;
}

Trial any_lambda(const TransportBoundsSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  CostFamily family = draw_family(draws, size);
  family.lambda *= power_of_two(draws, -10.0, 0.0);
  const Eigen::VectorXd theta = family.draw_theta(draws);
  const Eigen::VectorXd v = family.everywhere ? draw_move(draws, subject, family, theta) : Eigen::VectorXd(family.draw_theta(draws) - theta);
  return majorant(subject, family, theta, v);
}

/// λ = 0: the plan of the linear programme, a vertex; where two of them are best ∇h stands for the gradient along either.
Trial without_regularisation(const TransportBoundsSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  CostFamily family = draw_family(draws, size);
  const Index n = std::min(family.a.size(), family.b.size());
  if (family.a.size() > 2 || family.b.size() > 2) {
    // As many atoms on either side, of equal weights: the first n of each.
    const auto whole_cost = family.cost;
    const auto whole_derivatives = family.derivatives;
    family.cost = [=](const Eigen::VectorXd& theta) { return Points<double>(whole_cost(theta).topLeftCorner(n, n)); };
    family.derivatives = [=](const Eigen::VectorXd& theta) {
      std::vector<Points<double>> slopes;
      for (const Points<double>& slope : whole_derivatives(theta)) slopes.emplace_back(slope.topLeftCorner(n, n));
      return slopes;
    };
    family.a = family.b = Vector<double>::Constant(n, 1.0 / static_cast<double>(n));
  }
  family.lambda = 0.0;
  const Eigen::VectorXd theta = family.draw_theta(draws);
  const Eigen::VectorXd v = family.everywhere ? draw_move(draws, subject, family, theta) : Eigen::VectorXd(family.draw_theta(draws) - theta);
  return majorant(subject, family, theta, v);
}

/// R8 with L = L1 and α = 1/L1 for λ so small that L1 + L0²/λ is much larger, or for λ = 0.
Trial tree_with_l1(const TransportBoundsSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  SmallDescent descent;
  CostFamily family = draw_small_family(draws, false);
  const bool none = draws.below(3) == 0;
  family.lambda *= none ? 0.0 : power_of_two(draws, -14.0, -4.0);
  descent.start = draw_start(draws, family);
  const TreeShape shape = draw_shape(draws, family, size);
  descent.batch = shape.batch;
  const double share = draws.below(2) == 0 ? 1.0 : draws.uniform(0.05, 1.0);
  descent.steps = Vector<double>::Constant(shape.steps, share * subject.bounds->largest_step(family.constants));
  descent.errors = draw_errors(draws, family, shape.steps, true);
  const double L1 = family.constants.L1;
  const bool plans_differ = family.a.size() > 1 && family.b.size() > 1 && family.sharp_L0 > 0.0;
  const bool much_larger = plans_differ && (none || smoothness_everywhere(family) > 100.0 * L1);
  descent.family = std::move(family);
  const TreeSums sums = walk(descent);
  const double bound = subject.bounds->stationarity(sums.first_value - sums.last_value, descent.steps[0], static_cast<double>(shape.steps),
                                                    sums.error_squared.mean(), L1, sums.noise.mean());
  Trial trial = within_bound(sums.gradient_squared.mean(), bound, sums.slack, descent.values());
  if (much_larger) trial.counts["trees with L above 100 L1"] = 1;
  return trial;
}

}  // namespace

Claim claim_r9() {
  Claim claim;
  claim.id = "R9";
  claim.title = "L1 alone bounds the step";
  claim.statement =
      "h is a minimum over plans of functions whose gradients are L1-Lipschitz: h(θ + v) ≤ h + ⟨∇h, v⟩ + (L1/2)‖v‖² for every λ ≥ 0. So R8 holds with "
      "L = L1 and α = 1/L1, however small λ is, and with plans of the linear programme for λ = 0.";
  claim.source = "theory/regularised_transport.md; sharper than Theorem 4.2 of report 003";
  std::get<std::vector<TypedCheck<TransportBoundsSubject>>>(claim.typed) = {
      {"the majorant for λ > 0", 4, any_lambda}, {"the majorant for λ = 0", 3, without_regularisation}, {"the tree with L1 in place of L", 6, tree_with_l1}};
  return claim;
}

}  // namespace slicecheck
