#include <algorithm>
#include <cmath>
#include <limits>

#include "slicecheck/claims/claim.h"
#include "slicecheck/claims/transport_bound.h"
#include "slicecheck/claims/transport_rounding.h"
#include "slicecheck/claims/transport_unregularised.h"
#include "slicecheck/core/tolerances.h"

namespace slicecheck {

namespace {

SolverSettings near_optimum(const TransportProblem& problem) { return {1e-12 * cost_unit(problem), 20'000}; }

Real entropy(const Vector<double>& weights) {
  Real sum = 0.0L;
  for (const double w : weights) sum -= static_cast<Real>(w) * std::log(static_cast<Real>(w));
  return sum;
}

/// How far d may be from d_c + the least that the regulariser adds: λ min(H(a), H(b)), (λ/2) min(n, m).
Real largest_excess(const TransportProblem& problem) {
  const auto lambda = static_cast<Real>(problem.lambda);
  if (is_kl(problem)) return lambda * std::min(entropy(problem.a), entropy(problem.b));
  return 0.5L * lambda * static_cast<Real>(std::min(problem.n(), problem.m()));
}

/// The least of λ I: 0, λ/2.
Real least_excess(const TransportProblem& problem) { return is_kl(problem) ? 0.0L : 0.5L * static_cast<Real>(problem.lambda); }

/// d_c by the textbook, as wide as weights that add up to 1 only to rounding make it.
RealInterval exact_value(const TransportProblem& problem, const UnregularisedTransport& exact) {
  const Real size = exact.phi.cwiseAbs().maxCoeff() + exact.psi.cwiseAbs().maxCoeff() + static_cast<Real>(problem.cost.cwiseAbs().maxCoeff());
  const Real open = tolerance::gamma(2.0 * static_cast<double>(problem.n() + problem.m()), kDoubleUnit) * size;
  return {exact.low - open, std::max(exact.low, exact.high) + open};
}

std::vector<NamedValues> limit_values(const TransportProblem& problem, const TransportSolution& solution, Real exact) {
  std::vector<NamedValues> values = problem_values(problem, solution.potentials);
  values.push_back(named("D, gap, <pi,C>, I(pi)", Eigen::Vector4d(solution.dual_value, solution.gap, solution.transport, solution.regularisation)));
  values.push_back(named("d_c", static_cast<double>(exact)));
  return values;
}

/// KL d_c ≤ d̄ ≤ d ≤ d_c + λ min(H(a), H(b)); quadratic d_c ≤ d̄ ≤ d − λ/2 and d ≤ d_c + (λ/2) min(n, m).
Trial between_its_bounds(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const TransportProblem problem = draw_transport_case(draws, size, {.regulariser = {}, .largest_lambda = 10.0}).problem;
  const TransportSolution solution = solved(subject, problem, near_optimum(problem));
  const RealInterval exact = exact_value(problem, unregularised_transport(problem));
  const Real rounding = solution_rounding(problem, solution.potentials);
  const auto value = static_cast<Real>(solution.dual_value);
  const Real upper = value + static_cast<Real>(solution.gap);
  const auto sharp = static_cast<Real>(solution.transport);
  const Real excess = largest_excess(problem);
  // λ min H has the rounding of its logarithms; so has λ I.
  const Real open = rounding + tolerance::gamma(static_cast<double>(problem.n() + problem.m()) + 8.0, kDoubleUnit) * excess;
  Real worst = (exact.low - sharp) / open;
  worst = worse_of(worst, (sharp + least_excess(problem) - upper) / open);
  worst = worse_of(worst, (exact.low + least_excess(problem) - upper) / open);
  worst = worse_of(worst, (value - exact.high - excess) / open);
  Trial trial = ratio_trial(worst, limit_values(problem, solution, exact.low));
  if (excess > 1e6L * open) trial.judgement.tightness = static_cast<double>((value - exact.low) / excess);
  return trial;
}

/// Three λ. With P(π') ≤ d + ε and D ≥ d − ε in each: ⟨π', C⟩ does not fall and I does not rise with λ, up to what the ε leave; d is concave, with slope I:
/// I(λ₂)(λ₂ − λ₁) ≤ d(λ₂) − d(λ₁) ≤ I(λ₁)(λ₂ − λ₁).
Trial along_lambda(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  TransportProblem problem = draw_transport_case(draws, size, {.regulariser = {}, .least_lambda = 0.02, .largest_lambda = 10.0}).problem;
  struct Point {
    Real lambda, value, upper, sharp, regularisation, open;
  };
  std::vector<Point> points;
  std::vector<NamedValues> values = problem_values(problem);
  for (int k = 0; k < 3; ++k) {
    const TransportSolution at = solved(subject, problem, near_optimum(problem));
    const auto value = static_cast<Real>(at.dual_value);
    points.push_back({static_cast<Real>(problem.lambda), value, value + static_cast<Real>(at.gap), static_cast<Real>(at.transport),
                      static_cast<Real>(at.regularisation), suboptimality(problem, at) + solution_rounding(problem, at.potentials)});
    values.push_back(
        named("lambda, D, gap, <pi,C>, I(pi)", (Eigen::VectorXd(5) << problem.lambda, at.dual_value, at.gap, at.transport, at.regularisation).finished()));
    problem.lambda *= power_of_two(draws, 0.1, 2.0);
  }
  Real worst = 0.0L;
  double tightness = std::numeric_limits<double>::quiet_NaN();
  for (int k = 0; k < 2; ++k) {
    const Point& one = points[static_cast<std::size_t>(k)];
    const Point& two = points[static_cast<std::size_t>(k) + 1];
    const Real step = two.lambda - one.lambda;
    const Real open = one.open + two.open;
    worst = worse_of(worst, (two.regularisation - one.regularisation) / (open / step));
    worst = worse_of(worst, (one.sharp - two.sharp) / (one.lambda * open / step + one.open));
    worst = worse_of(worst, (two.value - one.value - step * one.regularisation) / open);
    worst = worse_of(worst, (step * two.regularisation - (two.upper - one.value)) / open);
    if (step * one.regularisation > 1e6L * open) tightness = static_cast<double>((two.value - one.value) / (step * one.regularisation));
  }
  const Real whole = points[2].lambda - points[0].lambda;
  const Real chord = ((points[2].lambda - points[1].lambda) * points[0].value + (points[1].lambda - points[0].lambda) * points[2].value) / whole;
  worst = worse_of(worst, (chord - points[1].upper) / (points[0].open + points[1].open + points[2].open));
  Trial trial = ratio_trial(worst, std::move(values));
  trial.judgement.tightness = tightness;
  return trial;
}

/// Quadratic: d̄ = d_c at some λ > 0. There is λ₀ with I(π) ≥ I(π*) − (⟨π, C⟩ − d_c)/λ₀ for all plans; so for λ ≤ λ₀/2 a feasible plan with P(π') ≤ d + ε has
/// ⟨π', C⟩ − d_c ≤ 2ε. λ is quartered until the subject's plan has.
Trial exact_at_some_lambda(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  TransportProblem problem = draw_transport_case(draws, size, {.regulariser = Regulariser::quadratic, .least_lambda = 1.0, .largest_lambda = 1.0}).problem;
  problem.a = Vector<double>::Constant(problem.n(), 1.0 / static_cast<double>(problem.n()));  // a weight of 10⁻⁶ puts λ₀ 10⁶ times lower
  problem.b = Vector<double>::Constant(problem.m(), 1.0 / static_cast<double>(problem.m()));
  const RealInterval exact = exact_value(problem, unregularised_transport(problem));
  for (int quartered = 0;; ++quartered, problem.lambda /= 4.0) {
    const TransportSolution solution = solved(subject, problem, near_optimum(problem));
    const auto sharp = static_cast<Real>(solution.transport);
    const Real open = 2.0L * suboptimality(problem, solution) + solution_rounding(problem, solution.potentials);
    const Real ratio = worse_of((sharp - exact.high) / open, (exact.low - sharp) / open);
    if (quartered < 15 && !std::isnan(ratio) && !(ratio <= 1.0L)) continue;
    return ratio_trial(ratio, limit_values(problem, solution, exact.low));
  }
}

/// `small_lambda` is the interval that is claimed, to rounding, and has d in it.
Trial interval_for_small_lambda(const TransportBoundsSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const TransportProblem problem = draw_transport_case(draws, size).problem;
  const UnregularisedTransport unregularised = unregularised_transport(problem);
  const RealInterval exact = exact_value(problem, unregularised);
  const auto given = static_cast<double>(unregularised.low);
  const TransportInterval interval = subject.bounds->small_lambda(problem, given);
  const RealInterval d = textbook_value(problem, textbook_optimum(problem));
  const Real excess = largest_excess(problem);
  const Real rounding = tolerance::gamma(static_cast<double>(problem.n() + problem.m()) + 8.0, kDoubleUnit) *
                            (std::abs(static_cast<Real>(given)) + excess + least_excess(problem)) +
                        std::numeric_limits<double>::min();
  const Real open = rounding + (exact.high - exact.low);
  const auto low = static_cast<Real>(interval.low);
  const auto high = static_cast<Real>(interval.high);
  Real worst = std::abs(low - static_cast<Real>(given) - least_excess(problem)) / rounding;
  worst = worse_of(worst, std::abs(high - static_cast<Real>(given) - excess) / rounding);
  worst = worse_of(worst, (low - d.high) / open);
  worst = worse_of(worst, (d.low - high) / open);
  std::vector<NamedValues> values = problem_values(problem);
  values.push_back(named("d_c", given));
  values.push_back(named("d", static_cast<double>(d.low)));
  values.push_back(named("low, high", Eigen::Vector2d(interval.low, interval.high)));
  Trial trial = ratio_trial(worst, std::move(values));
  if (excess > 1e6L * open) trial.judgement.tightness = static_cast<double>((d.low - static_cast<Real>(given)) / excess);
  return trial;
}

}  // namespace

Claim claim_r15() {
  Claim claim;
  claim.id = "R15";
  claim.title = "Regularised transport as λ → 0";
  claim.statement =
      "KL: d_c ≤ d̄ ≤ d ≤ d_c + λ min(H(a), H(b)). Quadratic: d_c + λ/2 ≤ d ≤ d_c + (λ/2) min(n, m), and d̄ = d_c at some λ > 0 already. In λ, d̄ does not "
      "fall, and d is concave with slope I(π*).";
  claim.source = "theory/regularised_transport.md";
  std::get<std::vector<TypedCheck<TransportSubject>>>(claim.typed) = {
      {"between its bounds", 5, between_its_bounds}, {"along λ", 4, along_lambda}, {"exact at some λ", 3, exact_at_some_lambda}};
  std::get<std::vector<TypedCheck<TransportBoundsSubject>>>(claim.typed) = {{"interval for small λ", 5, interval_for_small_lambda}};
  return claim;
}

}  // namespace slicecheck
