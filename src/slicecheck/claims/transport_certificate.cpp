#include <algorithm>
#include <cmath>
#include <limits>

#include "slicecheck/claims/claim.h"
#include "slicecheck/claims/transport_bound.h"
#include "slicecheck/claims/transport_rounding.h"
#include "slicecheck/core/tolerances.h"

namespace slicecheck {

namespace {

/// The plan that fills the cells row by row as far as the marginals go: feasible, most of its entries 0.
Points<double> corner_plan(const TransportProblem& problem) {
  Points<double> plan = Points<double>::Zero(problem.n(), problem.m());
  Vector<double> left = problem.a;
  Vector<double> open = problem.b;
  for (Index i = 0, j = 0; i < problem.n() && j < problem.m();) {
    const double moved = std::min(left[i], open[j]);
    plan(i, j) = moved;
    left[i] -= moved;
    open[j] -= moved;
    if (left[i] > 0.0)
      ++j;
    else
      ++i;
  }
  return plan;
}

/// A plan with the marginals a and b to rounding: that of the potentials made feasible, the product, a vertex, or a mixture.
Points<double> draw_plan(PointDraws& draws, const TransportProblem& problem, const DualPotentials& potentials) {
  const Points<double> product = problem.a * problem.b.transpose();
  switch (draws.below(4)) {
    case 0: return textbook_feasible_plan(problem, textbook_potentials(problem, potentials)).cast<double>();
    case 1: return product;
    case 2: return corner_plan(problem);
    default: {
      const double share = draws.uniform();
      return share * product + (1.0 - share) * corner_plan(problem);
    }
  }
}

/// P(π') − D(φ, ψ) as a difference, in long double, I − Σπ + 1 in place of I for KL (the same for plans of mass 1), and a bound on its own rounding.
struct Difference {
  Real value = 0.0L;
  Real rounding = 0.0L;
};
Difference difference(const TransportProblem& problem, const DualPotentials& potentials, const Points<double>& plan) {
  const RealTable wide = plan.cast<Real>();
  const auto lambda = static_cast<Real>(problem.lambda);
  const Real regularised = textbook_regularisation(problem, wide);
  Real primal = textbook_primal(problem, wide);
  if (problem.regulariser == Regulariser::kl) primal += lambda * (problem.a.cast<Real>().sum() * problem.b.cast<Real>().sum() - wide.sum());
  const Real dual = exact_dual(problem, potentials);
  const Real mass = textbook_plan(problem, textbook_potentials(problem, potentials)).sum();
  const Real size =
      lambda * (std::abs(regularised) + wide.sum() + mass * mass + 1.0L) + potential_size(problem, potentials) * (1.0L + mass + wide.sum()) + std::abs(dual);
  return {primal - dual, 64.0L * static_cast<Real>(plan.size()) * std::numeric_limits<Real>::epsilon() * size};
}

std::vector<NamedValues> gap_values(const TransportProblem& problem, const DualPotentials& potentials, const Points<double>& plan, double gap, Real expected) {
  std::vector<NamedValues> values = problem_values(problem, potentials);
  values.push_back({"plan", plan});
  values.push_back(named("gap, expected", Eigen::Vector2d(gap, static_cast<double>(expected))));
  return values;
}

Trial gap_is_the_difference(const TransportSubject& subject, const TransportProblem& problem, const DualPotentials& potentials, const Points<double>& plan) {
  const double gap = subject.transport->gap(problem, potentials, plan);
  const Difference expected = difference(problem, potentials, plan);
  const Real allowed = gap_rounding(problem, potentials, plan) + expected.rounding;
  return ratio_trial(std::abs(static_cast<Real>(gap) - expected.value) / allowed, gap_values(problem, potentials, plan, gap, expected.value));
}

/// Any potentials, any feasible plan.
Trial any_potentials(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const TransportProblem problem = draw_transport_case(draws, size, {.regulariser = {}, .least_lambda = 1e-3, .largest_lambda = 1e4}).problem;
  const DualPotentials potentials = draw_potentials(draws, problem);
  return gap_is_the_difference(subject, problem, potentials, draw_plan(draws, problem, potentials));
}

/// A plan whose marginals are wrong by anything from 10⁻¹² to a half.
Trial wrong_marginals(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const TransportProblem problem = draw_transport_case(draws, size).problem;
  const DualPotentials potentials = draw_potentials(draws, problem);
  Points<double> plan = draw_plan(draws, problem, potentials);
  const double off = power_of_two(draws, -40.0, -1.0);
  for (double& entry : plan.reshaped<Eigen::RowMajor>()) entry *= 1.0 + off * draws.uniform(-1.0, 1.0);
  return gap_is_the_difference(subject, problem, potentials, plan);
}

/// π' = π*: the gap is d − D(φ, ψ), which for KL is λ KLg(π*‖π), whatever the mass of π.
Trial distance_to_the_optimum(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const TransportProblem problem = draw_transport_case(draws, size).problem;
  const DualPotentials potentials = draw_potentials(draws, problem);
  const TextbookSolution textbook = textbook_optimum(problem);
  const RealInterval d = textbook_value(problem, textbook);
  const Points<double> plan = textbook.plan.cast<double>();
  const double gap = subject.transport->gap(problem, potentials, plan);
  const Real expected = textbook.value - textbook_dual(problem, textbook_potentials(problem, potentials));
  // π* in double: every entry moves by u, and P(π*) with it.
  const Real rounded = kDoubleUnit * static_cast<Real>(plan.cwiseProduct(problem.cost.cwiseAbs()).sum()) +
                       static_cast<Real>(problem.lambda) * regularisation_rounding(problem, plan);
  const Real allowed = gap_rounding(problem, potentials, plan) + difference(problem, potentials, plan).rounding + (d.high - d.low) + rounded;
  return ratio_trial(std::abs(static_cast<Real>(gap) - expected) / allowed, gap_values(problem, potentials, plan, gap, expected));
}

/// What a solution says, against d of the textbook: certified means within the tolerance of d; and whatever the outcome, D ≤ d ≤ D + gap.
Trial honest(const TransportProblem& problem, const SolverSettings& settings, const TransportSolution& solution) {
  const RealInterval d = textbook_value(problem, textbook_optimum(problem));
  const Real short_of = d.low - exact_dual(problem, solution.potentials);
  const Real rounding = solution_rounding(problem, solution.potentials);
  const auto tolerance = static_cast<Real>(settings.tolerance);
  Real worst = short_of / (std::max(0.0L, static_cast<Real>(solution.gap)) + rounding);
  const bool certified = solution.outcome == SolverOutcome::certified;
  if (certified) worst = worse_of(worst, worse_of(static_cast<Real>(solution.gap) / tolerance, short_of / (tolerance + rounding)));
  if (std::isnan(solution.gap)) worst = std::numeric_limits<Real>::quiet_NaN();
  std::vector<NamedValues> values = problem_values(problem, solution.potentials);
  values.push_back(named("tolerance", settings.tolerance));
  values.push_back(named("D, gap, d", Eigen::Vector3d(solution.dual_value, solution.gap, static_cast<double>(d.low))));
  Trial trial = ratio_trial(worst, std::move(values));
  if (static_cast<Real>(solution.gap) > 1e6L * rounding) trial.judgement.tightness = static_cast<double>(short_of / static_cast<Real>(solution.gap));
  trial.counts[certified ? "certified" : "inconclusive"] = 1;
  return trial;
}

/// Tolerances from a half of the spread of the costs down to 10⁻⁹ of it.
Trial loose_tolerance(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const TransportProblem problem = draw_transport_case(draws, size).problem;
  const SolverSettings settings{cost_unit(problem) * power_of_two(draws, -30.0, -1.0)};
  return honest(problem, settings, solved(subject, problem, settings));
}

/// a = (½ + δ, ½ − δ), b = (½, ½), cost 0 on the diagonal and c off it, some atoms in several copies: ψ has to rise by nearly c, and every sweep moves it by
/// some λδ only, which adds λδ² to D, while the gap stays near δc.
Trial slow_sweeps(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const double c = power_of_two(draws, -3.0, 3.0);
  const double delta = power_of_two(draws, -6.0, -4.0);
  const Index copies = between(draws, 1, std::min(size, 3));
  const Index n = 2 * copies;
  TransportProblem problem;
  problem.a = Vector<double>::Constant(n, (0.5 - delta) / static_cast<double>(copies));
  problem.a.head(copies).setConstant((0.5 + delta) / static_cast<double>(copies));
  problem.b = Vector<double>::Constant(n, 0.5 / static_cast<double>(copies));
  problem.cost = Points<double>::Constant(n, n, c);
  problem.cost.topLeftCorner(copies, copies).setZero();
  problem.cost.bottomRightCorner(copies, copies).setZero();
  problem.lambda = c * power_of_two(draws, -5.0, -3.0);
  problem.regulariser = draws.below(2) == 0 ? Regulariser::kl : Regulariser::quadratic;
  const SolverSettings settings{c * delta * power_of_two(draws, -4.0, -2.0)};
  Trial trial = honest(problem, settings, solved(subject, problem, settings));
  if (trial.counts.contains("inconclusive")) trial.judgement.observed = std::numeric_limits<double>::infinity();  // a few hundred sweeps get there
  return trial;
}

/// λ = max C/1000, and an atom so far from all others that e^{−C/λ} is 0 in all of its row: what comes back is finite, and valid.
Trial small_lambda(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  TransportProblem problem;
  const Index n = between(draws, 2, std::min(size, 3) + 1);
  const Index m = between(draws, 1, std::min(size, 3) + 1);
  problem.a = draw_weights(draws, n);
  problem.b = draw_weights(draws, m);
  problem.cost.resize(n, m);
  for (double& entry : problem.cost.reshaped<Eigen::RowMajor>()) entry = draws.uniform();
  for (double& entry : problem.cost.row(between(draws, 0, n - 1))) entry = draws.uniform(0.85, 1.0);
  problem.lambda = 1e-3 * problem.cost.maxCoeff();
  problem.regulariser = draws.below(4) == 0 ? Regulariser::quadratic : Regulariser::kl;
  return honest(problem, {1e-3, 4000}, solved(subject, problem, {1e-3, 4000}));
}

/// A tolerance of 2⁻⁸ of the rounding unit of the largest cost, which no value in double can be said to meet: inconclusive, and valid all the same.
Trial below_the_floor(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const TransportProblem problem = draw_transport_case(draws, size, {.regulariser = {}, .least_lambda = 0.1}).problem;
  const double largest = problem.cost.cwiseAbs().maxCoeff();
  const SolverSettings settings{(largest > 0.0 ? largest : problem.lambda) * kDoubleUnit / 256.0, 200};
  const TransportSolution solution = solved(subject, problem, settings);
  Trial trial = honest(problem, settings, solution);
  if (largest > 0.0 && solution.outcome == SolverOutcome::certified) trial.judgement.observed = std::numeric_limits<double>::infinity();
  return trial;
}

/// k_i/64 with Σ k = 64: sums of them are exactly 1.
Vector<double> draw_exact_weights(PointDraws& draws, Index n) {
  Vector<double> weights = Vector<double>::Constant(n, 1.0);
  for (Index left = 64 - n; left > 0; --left) weights[between(draws, 0, n - 1)] += 1.0;
  return weights / 64.0;
}

/// Costs far from 0 beside their spread, weights whose sums are exact, a tolerance near what rounding allows: D − floor ≤ d ≤ D + gap + floor.
Trial the_floor(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  TransportProblem problem;
  const Index n = between(draws, 1, size + 1);
  const Index m = between(draws, 1, size + 1);
  problem.a = draw_exact_weights(draws, n);
  problem.b = draw_exact_weights(draws, m);
  problem.cost.resize(n, m);
  const double far = (draws.below(2) == 0 ? 1.0 : -1.0) * power_of_two(draws, 4.0, 20.0);
  for (double& entry : problem.cost.reshaped<Eigen::RowMajor>()) entry = far + draws.uniform(-0.5, 0.5);
  problem.lambda = power_of_two(draws, -3.0, 4.0);
  problem.regulariser = draws.below(2) == 0 ? Regulariser::kl : Regulariser::quadratic;
  const double largest = problem.cost.cwiseAbs().maxCoeff();
  const SolverSettings settings{largest * kDoubleUnit, 4000};
  const TransportSolution solution = solved(subject, problem, settings);
  const auto lambda = static_cast<Real>(problem.lambda);
  // Rounding of the textbook: V, f(V) and the sums of D, and those of P.
  const Real size_of_all = potential_size(problem, solution.potentials) + 2.0L * lambda;
  const Real open = 2.0L * static_cast<Real>(n * m + n + m + 16) * std::numeric_limits<Real>::epsilon() * size_of_all;
  const TextbookSolution textbook = textbook_solution(problem, open, 4000);
  const Real high = textbook.value + std::max(0.0L, textbook.gap) + open;
  const Real low = textbook.value - open;
  const auto dual = static_cast<Real>(solution.dual_value);
  const auto floor = static_cast<Real>(solution.floor);
  const Real outside = std::max(low - dual - std::max(0.0L, static_cast<Real>(solution.gap)), dual - high);
  std::vector<NamedValues> values = problem_values(problem, solution.potentials);
  values.push_back(named("D, gap, floor, d", Eigen::Vector4d(solution.dual_value, solution.gap, solution.floor, static_cast<double>(textbook.value))));
  return ratio_trial(std::isnan(floor) ? floor : outside / (std::max(0.0L, floor) + open), std::move(values));
}

}  // namespace

Claim claim_r2() {
  Claim claim;
  claim.id = "R2";
  claim.title = "The certificate of regularised transport";
  claim.statement =
      "For any potentials and any feasible plan π', P(π') − D(φ, ψ) is λ KLg(π'‖π) for KL and (λ/2)‖π' − π‖_χ² + Σ π' V₋ for the quadratic regulariser, π the "
      "plan of the potentials, of any mass; with wrong marginals r and s, Σ φ(r − a) − Σ ψ(s − b) is added. A solver calls certified only what is within the "
      "tolerance of d, and nothing that rounding forbids: d is between D − floor and D + gap + floor.";
  claim.source = "theory/regularised_transport.md";
  std::get<std::vector<TypedCheck<TransportSubject>>>(claim.typed) = {{"any potentials", 6, any_potentials},
                                                                      {"wrong marginals", 6, wrong_marginals},
                                                                      {"distance to the optimum", 5, distance_to_the_optimum},
                                                                      {"loose tolerance", 5, loose_tolerance},
                                                                      {"slow sweeps", 3, slow_sweeps},
                                                                      {"small λ", 3, small_lambda},
                                                                      {"below the floor", 5, below_the_floor},
                                                                      {"the floor", 4, the_floor}};
  return claim;
}

}  // namespace slicecheck
