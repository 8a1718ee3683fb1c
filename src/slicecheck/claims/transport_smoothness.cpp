/// R5 and R6: how fast gradients and plans move with θ.

#include <algorithm>
#include <cmath>
#include <limits>

#include "slicecheck/claims/claim.h"
#include "slicecheck/claims/transport_bound.h"
#include "slicecheck/claims/transport_reference.h"
#include "slicecheck/core/tolerances.h"

namespace slicecheck {

namespace {

/// The largest of ‖∇C_ij‖, in the words of the theorem: L0 (KL) or L̃0 (quadratic), as the claim computes with them.
double own_L0(const CostConstants& c, Regulariser regulariser) { return regulariser == Regulariser::kl ? c.L0 : c.rms_L0; }
double own_smoothness(const CostConstants& c, double lambda, Regulariser regulariser) {
  const double L0 = own_L0(c, regulariser);
  return c.L1 + L0 * L0 / lambda;
}

/// |a − b| against a few roundings of b.
double off(double a, double b) { return std::abs(a - b) / (tolerance::gamma(8.0, kDoubleUnit) * b); }

/// L1 + L0²/λ and L0/λ: no less, which would be false, and no more, which would be less than is known.
template <Regulariser regulariser>
Trial formulas(const TransportBoundsSubject& subject, const RandomStream& stream, int /*size*/) {
  PointDraws draws(stream, 0);
  CostConstants c;
  c.L0 = power_of_two(draws, -10.0, 10.0);
  c.rms_L0 = c.L0 * draws.uniform(0.1, 1.0);
  c.L1 = draws.below(4) == 0 ? 0.0 : power_of_two(draws, -10.0, 10.0);
  const double lambda = power_of_two(draws, -10.0, 10.0);
  const double smoothness = subject.bounds->smoothness(c, lambda, regulariser);
  const double stability = subject.bounds->plan_stability(c, lambda, regulariser);
  Trial trial = ratio_trial(worse_of(off(smoothness, own_smoothness(c, lambda, regulariser)), off(stability, own_L0(c, regulariser) / lambda)),
                            {named("L0, L0 in the mean square, L1", Eigen::Vector3d(c.L0, c.rms_L0, c.L1)), named("lambda", lambda)});
  trial.values.push_back(named("smoothness", smoothness));
  trial.values.push_back(named("stability of the plan", stability));
  return trial;
}

/// Two parameters of a family, and constants that hold between them.
struct Pair {
  CostFamily family;
  CostConstants constants;
  Eigen::VectorXd from;
  Eigen::VectorXd to;

  [[nodiscard]] double length() const { return (from - to).norm(); }
};

/// In the ball with L0, or, where L0⊥ holds everywhere, anywhere with that: a plan does not see what u ⊕ v adds to C.
Pair draw_pair(PointDraws& draws, Regulariser regulariser, int size) {
  Pair pair;
  pair.family = draw_family(draws, static_cast<FamilyKind>(draws.below(6)), regulariser, size);
  const CostFamily& f = pair.family;
  pair.constants = f.constants;
  const double near = f.radius * power_of_two(draws, -8.0, 0.0);
  if (f.everywhere && draws.below(2) == 0) {
    pair.constants.L0 = f.sharp_L0;
    pair.constants.rms_L0 = std::min(f.sharp_L0, f.constants.rms_L0);
    if (f.sharp_L0 < f.constants.L0) pair.constants.rms_L0 = f.sharp_L0;  // the mean square was taken in the ball
    const double away = draws.below(2) == 0 ? 0.0 : power_of_two(draws, -4.0, 4.0);
    pair.from = (draws.below(2) == 0 ? 0.0 : 1.0) * f.centre + away * normal_vector(draws, f.parameters());
    pair.to = pair.from + near * normal_vector(draws, f.parameters()).normalized();
    return pair;
  }
  pair.from = f.draw_theta(draws);
  pair.to = f.draw_theta(draws);
  const double length = pair.length();
  if (length > near) pair.to = pair.from + near / length * (pair.to - pair.from);  // the ball is convex
  return pair;
}

std::vector<NamedValues> shown(const Pair& pair) {
  std::vector<NamedValues> values = pair.family.values();
  values.push_back(named("theta", pair.from));
  values.push_back(named("theta'", pair.to));
  return values;
}

/// ‖Δπ‖: ℓ₁ (KL) or χ² (quadratic), which is not less than ℓ₁.
double plan_distance(const CostFamily& f, const RealTable& from, const RealTable& to) {
  if (f.regulariser == Regulariser::kl) return static_cast<double>((from - to).cwiseAbs().sum());
  Real sum = 0.0L;
  for (Index i = 0; i < from.rows(); ++i)
    for (Index j = 0; j < from.cols(); ++j) sum += (from(i, j) - to(i, j)) * (from(i, j) - to(i, j)) / (static_cast<Real>(f.a[i]) * static_cast<Real>(f.b[j]));
  return static_cast<double>(std::sqrt(sum));
}

/// Σ W ∇C(θ) in long double, and a bound on what the doubles in ∇C leave open.
struct Gradient {
  RealVector value;
  double rounding = 0.0;
  double largest = 0.0;  ///< max ‖∇C_ij(θ)‖
};
Gradient gradient_of(const CostFamily& f, const RealTable& weights, const Eigen::VectorXd& theta) {
  const std::vector<Points<double>> slopes = f.derivatives(theta);
  Gradient out;
  out.value.resize(f.parameters());
  RealTable squares = RealTable::Zero(weights.rows(), weights.cols());
  for (Index k = 0; k < f.parameters(); ++k) {
    const RealTable slope = slopes[static_cast<std::size_t>(k)].cast<Real>();
    out.value[k] = paired(weights, slope);
    squares += slope.cwiseAbs2();
  }
  out.largest = std::sqrt(static_cast<double>(squares.maxCoeff()));
  // ∂C/∂θ_k = x̃_l · 2(z − y)_k and the like: sums of a few products, relative to what they are made of, of which L0 knows.
  out.rounding = tolerance::gamma(32.0, kDoubleUnit) * (out.largest + f.constants.L0) * static_cast<double>(weights.cwiseAbs().sum());
  return out;
}

/// The optimum at θ with what moves it: the cost is rounded by γ·(its terms), and d's gradient is L0/λ-Lipschitz in the cost.
struct Seen {
  RealTable plan;
  RealVector gradient;
  double plan_error = 0.0;
  double gradient_error = 0.0;
};

double cost_rounding(const CostFamily& f, const TransportProblem& problem, const Eigen::VectorXd& theta, double largest) {
  // C is a sum of squares or products of entries that are linear in θ: what rounds is not larger than C and ‖∇C‖‖θ‖ together.
  return tolerance::gamma(32.0, kDoubleUnit) * (problem.cost.cwiseAbs().maxCoeff() + (largest + f.constants.L0) * (1.0 + theta.norm()));
}

Seen optimum_at(const CostFamily& f, const Eigen::VectorXd& theta) {
  const TransportProblem problem = f.at(theta);
  const ReferenceOptimum optimum = reference_optimum(problem);
  const Gradient gradient = gradient_of(f, optimum.at.plan, theta);
  Seen seen{optimum.at.plan, gradient.value, 0.0, 0.0};
  seen.plan_error = optimum.plan_error + cost_rounding(f, problem, theta, gradient.largest) / f.lambda;
  seen.gradient_error = gradient.largest * seen.plan_error + gradient.rounding;
  return seen;
}

/// Observed changes against the constants times ‖Δθ‖; tightness only where errors are a hundredth of that at most.
Trial compared(const Pair& pair, const Seen& from, const Seen& to, double L, double K) {
  const double moved = static_cast<double>((from.gradient - to.gradient).norm());
  const double replanned = plan_distance(pair.family, from.plan, to.plan);
  const double of_gradient = from.gradient_error + to.gradient_error;
  const double of_plan = from.plan_error + to.plan_error;
  const double length = pair.length();
  Trial trial = ratio_trial(worse_of(against(moved, L * length + of_gradient), against(replanned, K * length + of_plan)), shown(pair));
  double tight = -1.0;
  if (L > 0.0 && of_gradient <= 0.01 * L * length) tight = std::max(tight, moved / (L * length + of_gradient));
  if (K > 0.0 && of_plan <= 0.01 * K * length) tight = std::max(tight, replanned / (K * length + of_plan));
  trial.judgement.tightness = tight < 0.0 ? std::numeric_limits<double>::quiet_NaN() : tight;
  trial.values.push_back(named("change of the gradient, of the plan", Eigen::Vector2d(moved, replanned)));
  trial.values.push_back(named("bounds on them", Eigen::Vector2d(L * length, K * length)));
  return trial;
}

/// Gradients and plans of the textbook on families of every kind.
template <Regulariser regulariser>
Trial on_families(const TransportBoundsSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Pair pair = draw_pair(draws, regulariser, size);
  const double lambda = pair.family.lambda;
  return compared(pair, optimum_at(pair.family, pair.from), optimum_at(pair.family, pair.to), subject.bounds->smoothness(pair.constants, lambda, regulariser),
                  subject.bounds->plan_stability(pair.constants, lambda, regulariser));
}

/// C = −sθxy, x, y = ±1, uniform: π = ¼(1 + xy t), ∇h = −st, ‖Δπ‖ = |Δt| in ℓ₁ and χ², t = tanh(sθ/λ) (KL) or sθ/λ clipped at ±1 (quadratic). From −θ to θ the
/// bounds are reached up to tanh(x)/x ≥ 1 − x²/3, or at once.
template <Regulariser regulariser>
Trial checkerboard(const TransportBoundsSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const double slope = size == 1 ? 1.0 : power_of_two(draws, -4.0, 4.0);
  const double lambda = size == 1 ? 4.0 : power_of_two(draws, -4.0, 4.0);
  const double x = std::exp2(-2.0 * size - 2.0);  // sθ/λ
  const double theta = x * lambda / slope;
  const double t = regulariser == Regulariser::kl ? std::tanh(x) : x;
  const CostConstants c{slope, slope, 0.0};
  const double L = subject.bounds->smoothness(c, lambda, regulariser);
  const double K = subject.bounds->plan_stability(c, lambda, regulariser);
  const double reached = regulariser == Regulariser::kl ? 1.0 - x * x / 3.0 : 1.0;
  const double slack = 1.0 + tolerance::gamma(32.0, kDoubleUnit);
  const double of_gradient = 2.0 * slope * t / (L * 2.0 * theta);
  const double of_plan = 2.0 * t / (K * 2.0 * theta);
  double worst = worse_of(of_gradient / slack, of_plan / slack);
  worst = worse_of(worst, worse_of(reached / (of_gradient * slack), reached / (of_plan * slack)));
  Trial trial = ratio_trial(worst, {named("slope", slope), named("lambda", lambda), named("theta and its negative", theta), named("smoothness", L),
                                    named("stability of the plan", K)});
  trial.judgement.tightness = std::max(of_gradient, of_plan);
  trial.values.push_back(named("change of the gradient / bound", of_gradient));
  trial.values.push_back(named("change of the plan / bound", of_plan));
  return trial;
}

/// C = −θ 1[i = j], n atoms, uniform: by symmetry n π_ii = p = 1/(1 + (n − 1)e^{−θ/λ}) for KL, ∇h = −p, ‖Δπ‖₁ = 2|Δp|, steepest at p = ½, where the slopes are
/// 1/(4λ) and 1/(2λ). L0 = 1 allows 1/λ; a mean square of 1/√n would allow 1/(nλ) and 1/(√n λ).
Trial few_pairs(const TransportBoundsSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Index n = size == 1 ? 9 : size + 5;
  const double lambda = size == 1 ? 1.0 : power_of_two(draws, -4.0, 4.0);
  const CostConstants c{1.0, 1.0 / std::sqrt(static_cast<double>(n)), 0.0};
  const double middle = lambda * std::log(static_cast<double>(n - 1));
  const double theta = lambda * std::exp2(-static_cast<double>(between(draws, 3, 8)));
  const auto p = [&](double at) { return 1.0 / (1.0 + static_cast<double>(n - 1) * std::exp(-at / lambda)); };
  const double moved = p(middle + theta) - p(middle - theta);
  // The exponent errs by a few roundings of its size, and p moves by a quarter of that.
  const double rounding = tolerance::gamma(16.0, kDoubleUnit) * (2.0 + middle / lambda);
  const double L = subject.bounds->smoothness(c, lambda, Regulariser::kl);
  const double K = subject.bounds->plan_stability(c, lambda, Regulariser::kl);
  Trial trial =
      ratio_trial(worse_of(moved / (L * 2.0 * theta + rounding), 2.0 * moved / (K * 2.0 * theta + 2.0 * rounding)),
                  {named("n", static_cast<double>(n)), named("lambda", lambda), named("theta, theta'", Eigen::Vector2d(middle - theta, middle + theta)),
                   named("smoothness", L), named("stability of the plan", K)});
  trial.judgement.tightness = 2.0 * moved / (K * 2.0 * theta);
  trial.values.push_back(named("change of the gradient / bound", moved / (L * 2.0 * theta)));
  trial.values.push_back(named("change of the plan / bound", 2.0 * moved / (K * 2.0 * theta)));
  return trial;
}

/// What an implementation computes moves no faster, up to the error that its certificate leaves (R7).
Seen computed_at(const TransportSubject& subject, const CostFamily& f, const Eigen::VectorXd& theta) {
  const TransportProblem problem = f.at(theta);
  const double size = problem.cost.cwiseAbs().maxCoeff() + problem.lambda;
  const TransportSolution solution = subject.transport->solve(problem, {.tolerance = 1e-12 * size, .most_sweeps = 20'000});
  expect_size("phi", solution.potentials.phi.size(), problem.n());
  expect_size("psi", solution.potentials.psi.size(), problem.m());
  const TextbookPotentials p = textbook_potentials(problem, solution.potentials);
  const RealTable weights = checked_weights(subject.transport->weights_of_d(problem, solution.potentials), problem);
  const Gradient gradient = gradient_of(f, weights, theta);
  Seen seen{weights, gradient.value, 0.0, 0.0};
  const double epsilon = certified_shortfall(problem, solution.potentials);
  const double mass = static_cast<double>(textbook_plan(problem, p).sum());
  seen.plan_error = static_cast<double>(plan_distance(problem, epsilon)) + cost_rounding(f, problem, theta, gradient.largest) / f.lambda;
  const double rounding = plan_rounding(problem, solution.potentials, mass);
  seen.gradient_error = gradient.largest * (seen.plan_error + rounding) + gradient.rounding;
  // In χ² an error of the density counts as it is: Σ ab (Δm)² ≤ max (Δm)².
  seen.plan_error += rounding;
  return seen;
}

template <Regulariser regulariser>
Trial computed(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Pair pair = draw_pair(draws, regulariser, size);
  return compared(pair, computed_at(subject, pair.family, pair.from), computed_at(subject, pair.family, pair.to),
                  own_smoothness(pair.constants, pair.family.lambda, regulariser), own_L0(pair.constants, regulariser) / pair.family.lambda);
}

}  // namespace

Claim claim_r5() {
  Claim claim;
  claim.id = "R5";
  claim.title = "Smoothness of h, entropic";
  claim.statement =
      "‖∇h(θ) − ∇h(θ')‖ ≤ (L1 + L0²/λ)‖θ − θ'‖ and ‖π* − π*'‖₁ ≤ (L0/λ)‖θ − θ'‖ on convex sets of θ, both attained by the checkerboard C = −θxy; L0 may be "
      "taken of ∇C − u ⊕ v, which is finite everywhere for the squared cost of affine generators and 0 for translations.";
  claim.source = "report 003, Theorem 3.1; theory/regularised_transport.md";
  std::get<std::vector<TypedCheck<TransportBoundsSubject>>>(claim.typed) = {{"the constants' formulas", 6, formulas<Regulariser::kl>},
                                                                            {"the checkerboard attains them", 6, checkerboard<Regulariser::kl>},
                                                                            {"families of costs", 6, on_families<Regulariser::kl>}};
  std::get<std::vector<TypedCheck<TransportSubject>>>(claim.typed) = {{"computed gradients and plans", 6, computed<Regulariser::kl>}};
  return claim;
}

Claim claim_r6() {
  Claim claim;
  claim.id = "R6";
  claim.title = "Smoothness of h, quadratic";
  claim.statement =
      "With L̃0² = sup λ_max(Σ ab ∇C∇Cᵀ), a mean square: ‖π* − π*'‖_χ² ≤ (L̃0/λ)‖θ − θ'‖ and ‖∇h(θ) − ∇h(θ')‖ ≤ (L1 + L̃0²/λ)‖θ − θ'‖, both attained. For "
      "KL the mean square does not do: few pairs may carry all of ∇C.";
  claim.source = "quadratic analogue of report 003, Theorem 3.1; theory/regularised_transport.md";
  std::get<std::vector<TypedCheck<TransportBoundsSubject>>>(claim.typed) = {{"the largest entry counts for KL", 6, few_pairs},
                                                                            {"the constants' formulas", 6, formulas<Regulariser::quadratic>},
                                                                            {"the checkerboard attains them", 6, checkerboard<Regulariser::quadratic>},
                                                                            {"families of costs", 6, on_families<Regulariser::quadratic>}};
  std::get<std::vector<TypedCheck<TransportSubject>>>(claim.typed) = {{"computed gradients and plans", 6, computed<Regulariser::quadratic>}};
  return claim;
}

}  // namespace slicecheck
