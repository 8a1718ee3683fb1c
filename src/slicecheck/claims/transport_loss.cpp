#include <algorithm>
#include <cmath>
#include <limits>

#include "slicecheck/claims/claim.h"
#include "slicecheck/claims/transport_bound.h"
#include "slicecheck/claims/transport_case.h"
#include "slicecheck/claims/transport_loss_case.h"
#include "slicecheck/claims/transport_loss_noise.h"

namespace slicecheck {

namespace {

GroundCost draw_cost(PointDraws& draws) { return static_cast<GroundCost>(draws.below(3)); }

/// Of t ↦ L_λ(z + tv): 2L + L_self.
double smoothness(const MovingClouds& c) { return 2.0 * c.between(kSlopeReach).smoothness(c.lambda) + c.within(kSlopeReach).smoothness(c.lambda); }

/// The width at which Taylor's remainder Lh/2 and the error E/h of the values in a difference quotient are equal.
double best_width(double error, double L) { return std::min(kSlopeReach, std::sqrt(2.0 * error / L)); }

/// (d(h) − d(−h))/(2h) of L_λ by the textbook differs from the derivative at 0 by no more than `error`.
Slope textbook_quotient(const MovingClouds& c) {
  const double L = smoothness(c);
  const auto matrices = [](const SinkhornProblem& p) { return 2.0 * matrix_rounding(p.xy) + matrix_rounding(p.xx); };
  const double h = best_width(2.0 * matrices(c.at(0.0L)), L);
  const SinkhornProblem after = c.at(static_cast<Real>(h));
  const SinkhornProblem before = c.at(static_cast<Real>(-h));
  const TextbookLoss up = textbook_loss(after);
  const TextbookLoss down = textbook_loss(before);
  const double error = matrices(after) + matrices(before) + static_cast<double>(up.error + down.error);
  return {static_cast<double>((up.value - down.value) / (2.0L * static_cast<Real>(h))), 0.5 * L * h + 0.5 * error / h};
}

/// The gradient by the subject against differences of d.
Trial gradient_of_d(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const MovingClouds c = draw_moving_clouds(draws, draw_cost(draws), size);
  const Slope own = slope_of(subject, c);
  const Slope quotient = textbook_quotient(c);
  Trial trial = trial_of(std::abs(own.value - quotient.value), own.error + quotient.error, c.values());
  trial.values.push_back(named("slope", own.value));
  trial.values.push_back(named("difference quotient", quotient.value));
  return trial;
}

/// The gradient by the subject against differences of the value by the subject.
Trial gradient_of_its_value(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const MovingClouds c = draw_moving_clouds(draws, draw_cost(draws), size);
  const Slope own = slope_of(subject, c);
  const double L = smoothness(c);
  const SinkhornProblem here = c.at(0.0L);
  const SolverSettings settings = fine_settings(here);
  const double h = best_width(2.0 * settings.tolerance, L);
  double error = 0.0;
  const auto value = [&](double t) {
    const SinkhornProblem problem = c.at(static_cast<Real>(t));
    const SinkhornLoss loss = subject.transport->loss(problem, settings);
    error += accuracy_of(problem, loss).value() + 2.0 * matrix_rounding(problem.xy) + matrix_rounding(problem.xx);
    return loss.value;
  };
  const double quotient = (value(h) - value(-h)) / (2.0 * h);
  Trial trial = trial_of(std::abs(own.value - quotient), own.error + 0.5 * L * h + 0.5 * error / h, c.values());
  trial.values.push_back(named("slope", own.value));
  trial.values.push_back(named("difference quotient", quotient));
  return trial;
}

/// Descent by the subject's gradient ends where d's loss is stationary, which is not where d̄'s is: weights (.8, .2) and λ = 1 give θ = .613, not .515. Size 1
/// is that case.
Trial where_descent_ends(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const double weight = size == 1 ? 0.8 : draws.uniform(0.55, 0.9);
  const double lambda = size == 1 ? 1.0 : power_of_two(draws, -1.0, 0.5);
  // At θ = 0 the loss is stationary by symmetry; from .02 on, the slope is negative up to the minimum, and positive at 2.
  double low = 0.02;
  double high = 2.0;
  for (int k = 0; k < 30; ++k) {
    const double middle = 0.5 * (low + high);
    (slope_of(subject, line_clouds(weight, lambda, middle)).value < 0.0 ? low : high) = middle;
  }
  const MovingClouds there = line_clouds(weight, lambda, high);
  const Slope own = slope_of(subject, there);
  const Slope quotient = textbook_quotient(there);
  Trial trial = trial_of(std::abs(quotient.value), quotient.error + own.error + smoothness(there) * (high - low), there.values());
  trial.values.push_back(named("theta", high));
  trial.values.push_back(named("slope of the loss there", quotient.value));
  return trial;
}

/// A bound below 0 is no bound.
double bound_of(double value) { return value >= 0.0 ? value : std::numeric_limits<double>::quiet_NaN(); }

/// Two terms with slopes s along one parameter or two: ∇ = Σ π s.
struct Term {
  TransportProblem problem;
  std::vector<RealTable> slopes;
};

RealTable normal_table(PointDraws& draws, Index n, Index m, bool symmetric) {
  RealTable table(n, m);
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < m; ++j) table(i, j) = symmetric && j < i ? table(j, i) : static_cast<Real>(draws.normal());
  return table;
}

Term draw_term(PointDraws& draws, const Vector<double>& a, const Vector<double>& b, bool symmetric, Index parameters, double lambda, Regulariser regulariser) {
  Term term{{a, b, normal_table(draws, a.size(), b.size(), symmetric).cast<double>(), lambda, regulariser}, {}};
  for (Index k = 0; k < parameters; ++k) term.slopes.push_back(normal_table(draws, a.size(), b.size(), symmetric));
  return term;
}

RealVector gradient(const Term& term, const RealTable& plan) {
  RealVector out(static_cast<Index>(term.slopes.size()));
  for (Index k = 0; k < out.size(); ++k) out[k] = plan.cwiseProduct(term.slopes[static_cast<std::size_t>(k)]).sum();
  return out;
}

/// What perturbed potentials make of a term's gradient, less what the optimal ones do.
RealVector perturbation(PointDraws& draws, const Term& term, Real amplitude) {
  const TextbookPotentials best = textbook_solution(term.problem, 1e-15L * (1.0L + static_cast<Real>(term.problem.lambda)), 3000).potentials;
  TextbookPotentials wrong = best;
  for (RealVector* side : {&wrong.phi, &wrong.psi})
    for (Real& entry : *side) entry += amplitude * static_cast<Real>(draws.normal());
  return gradient(term, textbook_plan(term.problem, wrong)) - gradient(term, textbook_plan(term.problem, best));
}

/// Both terms err by at most δ, the loss by at most what the bound says. Half of the cases have one parameter and opposite errors of one size: 3δ is attained.
Trial error_of_both_terms(const TransportBoundsSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Vector<double> a = draw_weights(draws, between(draws, 1, size + 1));
  const Vector<double> b = draw_weights(draws, between(draws, 1, size + 1));
  const double lambda = power_of_two(draws, -2.0, 4.0);
  const auto regulariser = draws.below(2) == 0 ? Regulariser::kl : Regulariser::quadratic;
  const bool aligned = size == 1 || draws.below(2) == 0;
  const Index parameters = aligned ? 1 : between(draws, 1, 3);
  const auto amplitude = static_cast<Real>(lambda * power_of_two(draws, -8.0, 0.0));
  const RealVector of_xy = perturbation(draws, draw_term(draws, a, b, false, parameters, lambda, regulariser), amplitude);
  RealVector of_xx = perturbation(draws, draw_term(draws, a, a, true, parameters, lambda, regulariser), amplitude);
  // Slopes of the second term may have any scale and sign.
  if (aligned && of_xx[0] != 0.0L) of_xx[0] = -of_xy[0];
  const auto delta = static_cast<double>(std::max(of_xy.norm(), of_xx.norm()));
  const auto error = static_cast<double>((2.0L * of_xy - of_xx).norm());
  const double bound = bound_of(subject.bounds->loss_gradient_error(delta));
  Trial trial = trial_of(
      error, bound * (1.0 + 8.0 * kDoubleUnit),
      {named("error of xy", of_xy.cast<double>()), named("error of xx", of_xx.cast<double>()), named("delta", delta), named("error of the loss", error)});
  trial.judgement.tightness = bound > 0.0 ? error / bound : std::numeric_limits<double>::quiet_NaN();
  return trial;
}

/// All minibatches of both terms, of one or two points: E‖2g_xy − g_xx − E‖² against the bound for the larger of the terms' own variances.
Trial noise(const TransportBoundsSubject& subject, const RandomStream& stream, int size, bool shared) {
  PointDraws draws(stream, 0);
  const Index n = between(draws, 1, std::min(3, size + 1));
  const Index m = between(draws, 1, std::min(3, size + 1));
  const Index batch = size < 3 ? 1 : between(draws, 1, 2);
  NoisyTerms terms;
  terms.a = draw_weights(draws, n);
  terms.b = draw_weights(draws, m);
  terms.sharing = !shared ? Sharing::none : (size == 1 || draws.below(2) == 0 ? Sharing::both_slots : Sharing::first_slot);
  const bool of_x_alone = size == 1 || draws.below(2) == 0;
  terms.xy = normal_table(draws, n, m, false);
  terms.xx = normal_table(draws, n, n, true);
  if (of_x_alone) {  // the estimates depend on the points x alone, as those of a translation do
    const RealVector x = normal_vector(draws, n).cast<Real>();
    terms.xy = x.replicate(1, m);
    terms.xx = -(x.replicate(1, n) + x.transpose().replicate(n, 1));
  }
  terms.equalise(batch);
  const BatchVariances found = enumerate(terms, batch);
  const auto sigma_squared = static_cast<double>(std::max(found.xy, found.xx));
  const double bound = bound_of(subject.bounds->loss_noise(sigma_squared, shared));
  Trial trial = trial_of(static_cast<double>(found.loss), bound + static_cast<double>(found.rounding),
                         {named("a", terms.a),
                          named("b", terms.b),
                          {"m dC of xy", terms.xy.cast<double>()},
                          {"m dC of xx", terms.xx.cast<double>()},
                          named("batch", static_cast<double>(batch)),
                          named("variance of xy", static_cast<double>(found.xy)),
                          named("variance of xx", static_cast<double>(found.xx)),
                          named("variance of the loss", static_cast<double>(found.loss))});
  if (static_cast<double>(found.rounding) < 1e-3 * bound) trial.judgement.tightness = static_cast<double>(found.loss) / bound;
  return trial;
}

Trial noise_of_own_batches(const TransportBoundsSubject& subject, const RandomStream& stream, int size) { return noise(subject, stream, size, false); }
Trial noise_of_a_shared_batch(const TransportBoundsSubject& subject, const RandomStream& stream, int size) { return noise(subject, stream, size, true); }

/// C_xy = −θxy on the checkerboard and C_xx = κθ²/2: L_λ' = −2 tanh(θ/λ) − κθ (KL), −2 clip(θ/λ) − κθ (quadratic), |θ| ≤ r; L = 1/λ, L_self = κ + κ²r²/λ.
/// As r/λ and κr²/λ → 0, the slope at 0 attains 2L + L_self.
Trial smoothness_on_the_checkerboard(const TransportBoundsSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const bool kl = draws.below(2) == 0;
  const double lambda = power_of_two(draws, -4.0, 4.0);
  const double kappa = power_of_two(draws, -4.0, 4.0) / lambda;
  const double radius = lambda * power_of_two(draws, -10.0, static_cast<double>(size) - 4.0);
  const auto slope = [&](double theta) {
    const Real z = static_cast<Real>(theta) / static_cast<Real>(lambda);
    return -2.0L * (kl ? std::tanh(z) : std::clamp(z, -1.0L, 1.0L)) - static_cast<Real>(kappa) * static_cast<Real>(theta);
  };
  const double one = radius * draws.uniform(-1.0, 1.0);
  const double two = radius * draws.uniform(-1.0, 1.0);
  const double bound = bound_of(subject.bounds->loss_smoothness(1.0 / lambda, kappa + kappa * kappa * radius * radius / lambda));
  const auto moved = static_cast<double>(std::abs(slope(one) - slope(two)));
  Trial trial = trial_of(moved, bound * std::abs(one - two) * (1.0 + 8.0 * kDoubleUnit),
                         {named("lambda", lambda), named("kappa", kappa), named("radius", radius), named("theta", Eigen::Vector2d(one, two))});
  trial.judgement.tightness = moved / (bound * std::abs(one - two));
  return trial;
}

/// Clouds that move along a line: gradients by the textbook's plans at two places, with L and L_self of R5 and R6 there.
Trial smoothness_of_clouds(const TransportBoundsSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const MovingClouds c = draw_moving_clouds(draws, draws.below(2) == 0 ? GroundCost::squared : GroundCost::cosine, size);
  const double reach = c.cost == GroundCost::cosine ? 0.25 : power_of_two(draws, -4.0, 1.0);  // ‖z‖ ≥ ½ for the cosine
  const SlopeBounds between_bounds = c.between(reach);
  const SlopeBounds within_bounds = c.within(reach);
  const double one = reach * draws.uniform(-1.0, 1.0);
  const double two = reach * draws.uniform(-1.0, 1.0);
  double error = 0.0;
  const auto slope = [&](double t) {
    const SinkhornProblem problem = c.at(static_cast<Real>(t));
    const TextbookLoss loss = textbook_loss(problem);
    const auto plan_error = [&](Real gap) { return std::sqrt(2.0 * static_cast<double>(gap) / c.lambda); };
    // The matrices were rounded: what that moves is R5 again, in the matrix itself.
    const double rounded = (matrix_rounding(problem.xy) + matrix_rounding(problem.xx)) / c.lambda;
    error += 2.0 * between_bounds.L0 * (plan_error(loss.xy.gap) + rounded) + within_bounds.L0 * (plan_error(loss.xx.gap) + rounded);
    const Points<double> z = c.z + t * c.v;
    const Points<double> between_plan = loss.xy.plan.cast<double>();
    const Points<double> within_plan = loss.xx.plan.cast<double>();
    error += tolerance::gamma(static_cast<double>(z.size()) + 64.0, kDoubleUnit) * (2.0 * between_bounds.L0 + within_bounds.L0);
    const Points<double> g =
        2.0 * cost_pullback(c.cost, z, c.y, between_plan) - cost_pullback(c.cost, z, z, within_plan) - cost_pullback(c.cost, z, z, within_plan.transpose());
    return g.cwiseProduct(c.v).sum();
  };
  const double moved = std::abs(slope(one) - slope(two));
  const double bound = bound_of(subject.bounds->loss_smoothness(between_bounds.smoothness(c.lambda), within_bounds.smoothness(c.lambda))) * std::abs(one - two);
  Trial trial = trial_of(moved, bound + error, c.values());
  trial.values.push_back(named("t", Eigen::Vector2d(one, two)));
  if (error < 1e-3 * bound) trial.judgement.tightness = moved / bound;
  return trial;
}

}  // namespace

Claim claim_r12() {
  Claim claim;
  claim.id = "R12";
  claim.title = "Gradient of the Sinkhorn loss";
  claim.statement =
      "The plans' gradient 2Σπ_xy∇c − Σπ_xx∇c (both slots) is that of L_λ = 2d(G, Y) − d(G, G) − d(Y, Y), with d, not d̄. It errs by at most 3δ if each "
      "term errs by δ, has variance at most 5σ² if the terms' batches are uncorrelated and 9σ² if they share one, and is Lipschitz with constant 2L + "
      "L_self.";
  claim.source = "report 003, Corollary 4.3.1, corrected; theory/regularised_transport.md";
  std::get<std::vector<TypedCheck<TransportSubject>>>(claim.typed) = {
      {"gradient of d", 3, gradient_of_d}, {"gradient of its own value", 3, gradient_of_its_value}, {"where descent ends", 3, where_descent_ends, false, 10}};
  std::get<std::vector<TypedCheck<TransportBoundsSubject>>>(claim.typed) = {{"error of both terms", 3, error_of_both_terms},
                                                                            {"noise of batches of their own", 4, noise_of_own_batches},
                                                                            {"noise of a shared batch", 4, noise_of_a_shared_batch},
                                                                            {"smoothness on the checkerboard", 6, smoothness_on_the_checkerboard},
                                                                            {"smoothness of moving clouds", 3, smoothness_of_clouds}};
  return claim;
}

}  // namespace slicecheck
