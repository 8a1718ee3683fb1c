/// F1, F2, F3: published statements about gradients that are false. Each holds for nothing but an implementation that is wrong in the way that makes it true.

#include <algorithm>
#include <cmath>

#include "slicecheck/claims/claim.h"
#include "slicecheck/claims/transport_reference.h"

namespace slicecheck {

namespace {

/// ‖∇d − ∇d̄‖ against what both computed gradients may err by. Size 1: the line at θ = 1, λ = 2, where they are +.4768 and −.3631.
Trial gradients_agree(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  TransportProblem problem;
  DualPotentials p;
  std::vector<Points<double>> slopes;
  std::vector<NamedValues> values;
  double of_plan = 0.0;
  if (size == 1) {
    TransportLine line = transport_line(1.0, 2.0, Regulariser::kl);
    problem = line.problem;
    p = line.potentials;
    slopes = {line.slopes};
    values = {named("theta", 1.0), named("lambda", 2.0)};
  } else {
    const CostFamily f = draw_family(draws, size);
    const Eigen::VectorXd theta = f.draw_theta(draws);
    problem = f.at(theta);
    const ReferenceOptimum optimum = reference_optimum(problem);
    p = rounded_potentials(problem, optimum.at.potentials);
    slopes = f.derivatives(theta);
    values = f.values();
    values.push_back(named("theta", theta));
    of_plan = static_cast<double>(plan_distance(problem, shortfall(problem, p, optimum)));
  }
  const TextbookPotentials textbook = textbook_potentials(problem, p);
  const SharpWeights exact = sharp_weights(problem, textbook);
  const double scale = problem_scale(problem, textbook);
  const double of_rounding = of_plan + plan_rounding(problem, p, 1.0);
  const RealTable plain = checked_weights(subject.transport->weights_of_d(problem, p), problem);
  const RealTable sharp = checked_weights(subject.transport->weights_of_sharp_d(problem, p), problem);
  Eigen::VectorXd of_d(static_cast<Index>(slopes.size()));
  Eigen::VectorXd of_sharp_d = of_d;
  double allowed = 0.0;
  for (Index k = 0; k < of_d.size(); ++k) {
    const RealTable slope = slopes[static_cast<std::size_t>(k)].cast<Real>();
    of_d[k] = static_cast<double>(paired(plain, slope));
    of_sharp_d[k] = static_cast<double>(paired(sharp, slope));
    allowed += of_rounding * static_cast<double>(slope.cwiseAbs().maxCoeff()) + sharp_error(problem, exact, slope, of_rounding, scale);
  }
  values.push_back(named("gradient of d", of_d));
  values.push_back(named("gradient of the sharp d", of_sharp_d));
  return trial_of((of_d - of_sharp_d).norm(), allowed, std::move(values));
}

/// One atom G = θ against Σ b_j δ(y_j), in R^d: h = Σ b_j ‖θ − y_j‖₁ for every λ and both regularisers (up to a constant), L1 = 0 and L0 = √d wherever c has a
/// gradient. Across a kink, y_1 ± δ(1, …, 1), ∇h jumps by 2 b_1 √d. Size 1: h = |θ|, λ = 1, θ = ±1/8.
Trial l1_is_smooth(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Index d = size == 1 ? 1 : between(draws, 1, 3);
  const Index m = size == 1 ? 1 : between(draws, 1, size);
  const double lambda = size == 1 ? 1.0 : power_of_two(draws, -8.0, 0.0);
  const Points<double> y = size == 1 ? Points<double>(Points<double>::Zero(1, 1)) : draw_atoms(draws, m, d);
  Vector<double> b = Vector<double>::Ones(m);
  for (double& weight : b) weight = size == 1 ? 1.0 : draws.uniform(0.25, 1.0);
  b /= b.sum();
  const double dimension = static_cast<double>(d);
  const double delta = std::min(0.125, 0.25 * b[0] * lambda / dimension) * (size == 1 ? 1.0 : power_of_two(draws, -8.0, 0.0));
  Points<double> gradients(2, d);
  Points<double> thetas(2, d);
  double slack = 0.0;
  for (const Index side : {0, 1}) {
    thetas.row(side) = y.row(0).array() + (side == 0 ? delta : -delta);
    const Points<double> at = thetas.row(side);
    const TransportProblem problem{Vector<double>::Ones(1), b, cost_matrix(GroundCost::l1, at, y), lambda, Regulariser::kl};
    const double scale = problem.cost.maxCoeff() + lambda;
    const TransportSolution solution = subject.transport->solve(problem, {.tolerance = 1e-12 * scale, .most_sweeps = 1000});
    const Points<double> weights = checked_weights(subject.transport->weights_of_d(problem, solution.potentials), problem).cast<double>();
    slack += std::sqrt(dimension) * (static_cast<double>(plan_distance(problem, certified_shortfall(problem, solution.potentials))) +
                                     plan_rounding(problem, solution.potentials, 1.0));
    gradients.row(side) = subject.transport->pullback(GroundCost::l1, at, y, weights).row(0);
  }
  const double L = dimension / lambda;
  const double distance = (thetas.row(0) - thetas.row(1)).norm();
  const double jump = (gradients.row(0) - gradients.row(1)).norm();
  Trial trial = trial_of(jump, L * distance + slack, {named("b", b), {"y", y}, named("lambda", lambda), {"theta, theta'", thetas}, {"gradients", gradients}});
  trial.values.push_back(named("L1 + L0^2/lambda", L));
  trial.values.push_back(named("change of the gradient / change of theta", jump / distance));
  return trial;
}

/// ∇C = 1 for every pair, potentials of (1 + t)π*: ‖G − ∇h‖ = t against √(2ε/λ), ε = λ(t − ln(1 + t)): their ratio grows like √(t/2). Size 1: one atom each, t
/// = 1.
Trial square_root_of_gap(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  TransportProblem problem{Vector<double>::Ones(1), Vector<double>::Ones(1), Points<double>::Ones(1, 1), 1.0, Regulariser::kl};
  if (size > 1)
    problem = draw_transport_case(draws, size, {.regulariser = Regulariser::kl, .least_lambda = 0.1, .largest_lambda = 30.0, .least_atoms = 1}).problem;
  const double t = size == 1 ? 1.0 : power_of_two(draws, 0.0, 12.0);
  const ReferenceOptimum optimum = reference_optimum(problem);
  DualPotentials p = rounded_potentials(problem, optimum.at.potentials);
  p.phi.array() += problem.lambda * std::log1p(t);
  const double epsilon = shortfall(problem, p, optimum);
  const auto error = static_cast<double>(std::abs(checked_weights(subject.transport->weights_of_d(problem, p), problem).sum() - 1.0L));
  const double bound = std::sqrt(2.0 * epsilon / problem.lambda);
  Trial trial = trial_of(error, bound + 2.0 * plan_rounding(problem, p, 1.0 + t),
                         {named("a", problem.a), named("b", problem.b), {"C", problem.cost}, named("lambda", problem.lambda), named("t", t)});
  trial.values.push_back(named("epsilon/lambda", epsilon / problem.lambda));
  trial.values.push_back(named("error of the gradient", error));
  trial.values.push_back(named("L0 sqrt(2 epsilon/lambda)", bound));
  for (const double factor : {1.0, 4.0, 16.0}) trial.counts[fmt::format("error above {} times L0√(2ε/λ)", factor)] = error > factor * bound ? 1 : 0;
  return trial;
}

}  // namespace

Claim claim_f1() {
  Claim claim;
  claim.id = "F1";
  claim.title = "The two regularised distances have one gradient";
  claim.statement = "Both regularised distances, d with the regulariser's value and d̄ = ⟨π*, C⟩ without it, have the gradient Σ π* ∇C.";
  claim.source = "003, section 2.2";
  claim.expected = Outcome::refuted;
  std::get<std::vector<TypedCheck<TransportSubject>>>(claim.typed) = {{"the gradients of d and d̄ agree", 6, gradients_agree}};
  return claim;
}

Claim claim_f2() {
  Claim claim;
  claim.id = "F2";
  claim.title = "Smoothness of h covers the L1 cost";
  claim.statement = "For the cost c = ‖· − ·‖₁ of the experiments, ∇h is (L1 + L0²/λ)-Lipschitz.";
  claim.source = "003, Theorem 3.1 with the costs of section 5";
  claim.expected = Outcome::refuted;
  std::get<std::vector<TypedCheck<TransportSubject>>>(claim.typed) = {{"∇h is Lipschitz for the L1 cost", 6, l1_is_smooth}};
  return claim;
}

Claim claim_f3() {
  Claim claim;
  claim.id = "F3";
  claim.title = "Gradient error √(ε/λ) for any plan";
  claim.statement = "Potentials within ε of the dual optimum give a gradient with δ = O(√(ε/λ)) whatever ε: ‖G − ∇h‖ ≤ L0√(2ε/λ).";
  claim.source = "003, Theorem 4.1 and Remark 4.1.1";
  claim.expected = Outcome::refuted;
  std::get<std::vector<TypedCheck<TransportSubject>>>(claim.typed) = {{"the error is at most L0√(2ε/λ)", 6, square_root_of_gap}};
  return claim;
}

}  // namespace slicecheck
