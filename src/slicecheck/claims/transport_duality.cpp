#include <cmath>

#include "slicecheck/claims/claim.h"
#include "slicecheck/claims/transport_bound.h"
#include "slicecheck/claims/transport_rounding.h"
#include "slicecheck/core/tolerances.h"

namespace slicecheck {

namespace {

/// λ up to 10¹² times the spread of the costs: what is lost in terms of the size of λ shows.
constexpr TransportWish kAnyLambda{.regulariser = {}, .least_lambda = 1e-2, .largest_lambda = 1e12};

SolverSettings with_small_gap(const TransportProblem& problem) { return {.tolerance = 1e-11 * cost_unit(problem)}; }

/// Potentials anywhere, or the subject's own at its optimum.
DualPotentials some_potentials(const TransportSubject& subject, PointDraws& draws, const TransportProblem& problem) {
  if (draws.below(3) == 0) return solved(subject, problem, with_small_gap(problem)).potentials;
  return draw_potentials(draws, problem);
}

Points<double> density_of(const TransportSubject& subject, const TransportProblem& problem, const DualPotentials& potentials) {
  Points<double> density = subject.transport->density(problem, potentials);
  expect_size("the rows of the density", density.rows(), problem.n());
  expect_size("the columns of the density", density.cols(), problem.m());
  return density;
}

/// M(V) of Lemma 2.1 with its 1/e, entry by entry, at the φ of the paper.
Trial density(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const TransportProblem problem = draw_transport_case(draws, size).problem;
  const DualPotentials potentials = some_potentials(subject, draws, problem);
  const Points<double> computed = density_of(subject, problem, potentials);
  const RealTable expected = textbook_density(problem, {textbook_phi(problem, potentials).cast<Real>(), potentials.psi.cast<Real>()});
  const RealTable allowed = density_rounding(problem, potentials);
  // φ + λ is rounded on the way to the paper's φ: u(|φ| + λ) in V, in units of λ.
  const Real moved = problem.regulariser == Regulariser::kl ? kDoubleUnit * (potentials.phi.cwiseAbs().maxCoeff() / problem.lambda + 1.0) : 0.0;
  Real worst = 0.0L;
  for (Index i = 0; i < problem.n(); ++i)
    for (Index j = 0; j < problem.m(); ++j)
      worst = worse_of(worst, std::abs(static_cast<Real>(computed(i, j)) - expected(i, j)) / (allowed(i, j) + expected(i, j) * std::expm1(moved)));
  std::vector<NamedValues> values = problem_values(problem, potentials);
  values.push_back({"density", computed});
  return ratio_trial(worst, std::move(values));
}

/// D(φ, ψ), anywhere.
Trial dual(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const TransportProblem problem = draw_transport_case(draws, size, kAnyLambda).problem;
  const DualPotentials potentials = draw_potentials(draws, problem);
  const double computed = subject.transport->dual(problem, potentials);
  std::vector<NamedValues> values = problem_values(problem, potentials);
  values.push_back(named("D", computed));
  return ratio_trial(std::abs(static_cast<Real>(computed) - exact_dual(problem, potentials)) / dual_rounding(problem, potentials), std::move(values));
}

/// D(φ + c, ψ + c) = D(φ, ψ) + c (Σa − Σb).
Trial common_constant(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const TransportProblem problem = draw_transport_case(draws, size).problem;
  const DualPotentials potentials = draw_potentials(draws, problem);
  const double c = cost_unit(problem) * power_of_two(draws, -2.0, 6.0);
  DualPotentials moved = potentials;
  moved.phi.array() += c;
  moved.psi.array() += c;
  const double before = subject.transport->dual(problem, potentials);
  const double after = subject.transport->dual(problem, moved);
  const auto constant = static_cast<Real>(c);
  const Real expected = static_cast<Real>(before) + constant * (problem.a.cast<Real>().sum() - problem.b.cast<Real>().sum());
  // φ + c and ψ + c are rounded: by u times their size, in a and in the mass of the plan, whose exponent or violation moves as much.
  const Real rounded = 2.0L * kDoubleUnit * potential_size(problem, moved);
  const Real mass = textbook_plan(problem, textbook_potentials(problem, potentials)).sum();
  const Real through_mass = problem.regulariser == Regulariser::kl
                                ? static_cast<Real>(problem.lambda) * mass * std::expm1(rounded / static_cast<Real>(problem.lambda))
                                : mass * rounded + rounded * rounded / (2.0L * static_cast<Real>(problem.lambda));
  const Real allowed = dual_rounding(problem, potentials) + dual_rounding(problem, moved) + rounded + through_mass;
  std::vector<NamedValues> values = problem_values(problem, potentials);
  values.push_back(named("c", c));
  values.push_back(named("D, D moved", Eigen::Vector2d(before, after)));
  return ratio_trial(std::abs(static_cast<Real>(after) - expected) / allowed, std::move(values));
}

std::vector<NamedValues> solution_values(const TransportProblem& problem, const TransportSolution& solution) {
  std::vector<NamedValues> values = problem_values(problem, solution.potentials);
  values.push_back(named("D, gap, <pi,C>, I(pi)", Eigen::Vector4d(solution.dual_value, solution.gap, solution.transport, solution.regularisation)));
  return values;
}

/// D ≤ d ≤ D + gap for d of the textbook; D is the dual value of the potentials; P(π') of the reported parts is D + gap; certified to the tolerance where the
/// floor of rounding is far below it.
Trial strong_duality(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const TransportProblem problem = draw_transport_case(draws, size).problem;
  const SolverSettings settings = with_small_gap(problem);
  const TransportSolution solution = solved(subject, problem, settings);
  const TextbookSolution textbook = textbook_optimum(problem);
  const RealInterval d = textbook_value(problem, textbook);
  const Real rounding = solution_rounding(problem, solution.potentials);
  const auto value = static_cast<Real>(solution.dual_value);
  const auto upper = value + static_cast<Real>(solution.gap);
  const Real primal = static_cast<Real>(solution.transport) + static_cast<Real>(problem.lambda) * static_cast<Real>(solution.regularisation);
  Real worst = std::abs(value - exact_dual(problem, solution.potentials)) / dual_rounding(problem, solution.potentials);
  worst = worse_of(worst, (value - d.high) / rounding);
  worst = worse_of(worst, (d.low - upper) / rounding);
  worst = worse_of(worst, (d.low - primal) / rounding);
  worst = worse_of(worst, std::abs(primal - upper) / rounding);
  const bool within_reach = rounding <= 0.125L * static_cast<Real>(settings.tolerance);
  if (solution.outcome == SolverOutcome::certified)
    worst = worse_of(worst, static_cast<Real>(solution.gap) / static_cast<Real>(settings.tolerance));
  else if (within_reach)
    worst = worse_of(worst, 2.0L);
  Trial trial = ratio_trial(worst, solution_values(problem, solution));
  trial.values.push_back(named("d", static_cast<double>(textbook.value)));
  trial.counts[solution.outcome == SolverOutcome::certified ? "certified" : "beyond the floor of rounding"] = 1;
  return trial;
}

/// The plan of the solution has mass 1, rows a and columns b, up to the distance from π* that the gap leaves.
Trial marginals(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const TransportProblem problem = draw_transport_case(draws, size).problem;
  const TransportSolution solution = solved(subject, problem, with_small_gap(problem));
  const Points<double> computed = density_of(subject, problem, solution.potentials);
  const RealVector a = problem.a.cast<Real>();
  const RealVector b = problem.b.cast<Real>();
  const RealTable plan = a.asDiagonal() * computed.cast<Real>() * b.asDiagonal();
  const Real rows = (plan.rowwise().sum() - a).cwiseAbs().sum();
  const Real columns = (plan.colwise().sum().transpose() - b).cwiseAbs().sum();
  const Real mass = std::abs(plan.sum() - 1.0L);
  const Real distance = plan_distance(problem, suboptimality(problem, solution));
  const Real rounding = (a.asDiagonal() * density_rounding(problem, solution.potentials) * b.asDiagonal()).sum() +
                        tolerance::gamma(static_cast<double>(problem.n() + problem.m()), kDoubleUnit);
  const Real off = worse_of(worse_of(rows, columns), mass);
  Trial trial = ratio_trial(off / (distance + rounding), solution_values(problem, solution));
  if (distance > 1e6L * rounding) trial.judgement.tightness = static_cast<double>(off / distance);
  trial.values.push_back({"plan", plan.cast<double>()});
  return trial;
}

/// The equations of an exact half-step, in φ and in ψ: moving one potential to its best raises D by no more than the gap. For KL that is
/// λ a_i (e^x − 1 − x), x = (φ_i − best)/λ, added up over i; for the quadratic regulariser at least λ a_i (1 − mass of row i / a_i)²/2 each.
Trial half_steps(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const TransportProblem problem = draw_transport_case(draws, size).problem;
  const TransportSolution solution = solved(subject, problem, with_small_gap(problem));
  const TextbookPotentials potentials = textbook_potentials(problem, solution.potentials);
  const auto lambda = static_cast<Real>(problem.lambda);
  const bool kl = problem.regulariser == Regulariser::kl;
  const auto of = [&](Index i, Index j) { return potentials.phi[i] - potentials.psi[j] - static_cast<Real>(problem.cost(i, j)); };
  const auto gain = [&](Real share) {  // share: row mass / a_i
    if (!kl) return 0.5L * lambda * (1.0L - share) * (1.0L - share);
    return lambda * (share - 1.0L - std::log(share));
  };
  const auto density = [&](Real v) { return kl ? std::exp(v / lambda - 1.0L) : std::max(v, 0.0L) / lambda; };
  Real of_rows = 0.0L;
  for (Index i = 0; i < problem.n(); ++i) {
    Real share = 0.0L;
    for (Index j = 0; j < problem.m(); ++j) share += static_cast<Real>(problem.b[j]) * density(of(i, j));
    of_rows += static_cast<Real>(problem.a[i]) * gain(share);
  }
  Real of_columns = 0.0L;
  for (Index j = 0; j < problem.m(); ++j) {
    Real share = 0.0L;
    for (Index i = 0; i < problem.n(); ++i) share += static_cast<Real>(problem.a[i]) * density(of(i, j));
    of_columns += static_cast<Real>(problem.b[j]) * gain(share);
  }
  return ratio_trial(worse_of(of_rows, of_columns) / suboptimality(problem, solution), solution_values(problem, solution));
}

/// |D − d| and |⟨π', C⟩ − d̄| against known values, in units of what the gap and rounding leave, and `rounded` of the costs.
Real off_known(const TransportProblem& problem, const TransportSolution& solution, Real d, Real sharp, Real rounded = 0.0L) {
  const Real open = suboptimality(problem, solution) + rounded;
  return worse_of(std::abs(static_cast<Real>(solution.dual_value) - d) / open,
                  std::abs(static_cast<Real>(solution.transport) - sharp) / (transport_distance(problem, open) + open));
}

/// x, y = ±1, G = θx, squared cost, z = 2θ/λ. KL d = θ² + 1 − λ ln cosh z, d̄ = θ² + 1 − 2θ tanh z; quadratic, s = clip(z, −1, 1):
/// d = θ² + 1 − 2θs + λ(1 + s²)/2, d̄ = θ² + 1 − 2θs.
Trial line(const TransportSubject& subject, const RandomStream& stream, int) {
  PointDraws draws(stream, 0);
  const double theta = draws.uniform(-2.0, 2.0);
  const Vector<double> halves = Vector<double>::Constant(2, 0.5);
  const Points<double> y = Eigen::Vector2d(1.0, -1.0);
  const TransportProblem problem{halves, halves, cost_matrix(GroundCost::squared, theta * y, y), power_of_two(draws, -5.0, 6.0),
                                 draws.below(2) == 0 ? Regulariser::kl : Regulariser::quadratic};
  const TransportSolution solution = solved(subject, problem, with_small_gap(problem));
  const Real t = theta;
  const Real lambda = problem.lambda;
  const Real z = 2.0L * t / lambda;
  Real d = 0.0L;
  Real sharp = 0.0L;
  if (problem.regulariser == Regulariser::kl) {
    const Real ln_cosh = std::abs(z) + std::log1p(std::exp(-2.0L * std::abs(z))) - std::log(2.0L);
    d = t * t + 1.0L - lambda * ln_cosh;
    sharp = t * t + 1.0L - 2.0L * t * std::tanh(z);
  } else {
    const Real s = std::min(1.0L, std::max(-1.0L, z));
    sharp = t * t + 1.0L - 2.0L * t * s;
    d = sharp + 0.5L * lambda * (1.0L + s * s);
  }
  // The matrix of costs is rounded, each entry by at most 3u of itself.
  const Real of_cost = 4.0L * kDoubleUnit * problem.cost.cwiseAbs().maxCoeff();
  Trial trial = ratio_trial(off_known(problem, solution, d, sharp, of_cost), solution_values(problem, solution));
  trial.values.push_back(named("theta", theta));
  trial.values.push_back(named("d, sharp d", Eigen::Vector2d(static_cast<double>(d), static_cast<double>(sharp))));
  return trial;
}

/// One atom on a side: the only plan is ab, d̄ = E C, d = d̄ (KL), d̄ + λ/2 (quadratic).
Trial single_atoms(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  TransportProblem problem = draw_transport_case(draws, size, {.regulariser = {}, .largest_lambda = 1e4}).problem;
  const bool of_x = draws.below(2) == 0;
  if (of_x) {
    problem.a = Vector<double>::Ones(1);
    problem.cost = problem.cost.topRows(1).eval();
  }
  if (!of_x || draws.below(2) == 0) {
    problem.b = Vector<double>::Ones(1);
    problem.cost = problem.cost.leftCols(1).eval();
  }
  const TransportSolution solution = solved(subject, problem, with_small_gap(problem));
  const Real sharp = problem.a.cast<Real>().dot(problem.cost.cast<Real>() * problem.b.cast<Real>());
  const Real d = sharp + (problem.regulariser == Regulariser::kl ? 0.0L : 0.5L * static_cast<Real>(problem.lambda));
  return ratio_trial(off_known(problem, solution, d, sharp), solution_values(problem, solution));
}

}  // namespace

Claim claim_r1() {
  Claim claim;
  claim.id = "R1";
  claim.title = "Duality of regularised transport";
  claim.statement =
      "d is the maximum of D(φ, ψ) = Eφ − Eψ − E f(V), V = φ ⊖ ψ − C, and the optimal plan is ab M(V): f = (λ/e) e^{V/λ}, M = e^{V/λ − 1} for KL, f = "
      "V₊²/(2λ), M = V₊/λ for the quadratic regulariser. Its mass is 1 and its marginals are a and b; the potentials satisfy the half-step equations, and "
      "D does not change when a constant is added to both.";
  claim.source = "report 003, Lemma 2.1; theory/regularised_transport.md";
  std::get<std::vector<TypedCheck<TransportSubject>>>(claim.typed) = {{"density", 6, density},
                                                                      {"dual value", 6, dual},
                                                                      {"common constant", 6, common_constant},
                                                                      {"strong duality", 5, strong_duality},
                                                                      {"marginals", 5, marginals},
                                                                      {"half-step equations", 5, half_steps},
                                                                      {"the line", 6, line},
                                                                      {"single atoms", 5, single_atoms}};
  return claim;
}

}  // namespace slicecheck
