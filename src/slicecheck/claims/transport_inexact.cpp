/// R7: the gradient at potentials that are not optimal.

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <limits>

#include "slicecheck/claims/claim.h"
#include "slicecheck/claims/transport_bound.h"
#include "slicecheck/claims/transport_reference.h"
#include "slicecheck/core/tolerances.h"

namespace slicecheck {

namespace {

/// How exactly a bound has to be evaluated: a definition. Any stable way meets it; √(2κ) + 2κ/3 differs from τ by κ/18 of it.
constexpr double kExact = 1e-12;

/// t − ln(1 + t), without cancellation: its series t²/2 − t³/3 + … for small t.
Real excess_of(Real t) {
  if (t > 0.25L) return t - std::log1p(t);
  Real sum = 0.0L;
  Real power = t;
  for (int k = 2; k < 80; ++k) {
    power *= -t;
    const Real term = -power / static_cast<Real>(k);
    sum += term;
    if (std::abs(term) <= 1e-22L * std::abs(sum)) break;
  }
  return sum;
}

/// τ(κ) from above: Newton's method on a convex increasing function, from √(2κ) + κ.
Real tau(Real kappa) {
  if (!(kappa > 0.0L)) return 0.0L;
  Real t = std::sqrt(2.0L * kappa) + kappa;
  for (int k = 0; k < 60; ++k) {
    const Real step = (excess_of(t) - kappa) * (1.0L + t) / t;
    if (!(step > 1e-18L * t)) break;
    t -= step;
  }
  return t * (1.0L + 1e-15L);
}

/// ∇C at θ, with max ‖∇C_ij‖ and √λ_max(Σ ab ∇C∇Cᵀ) there: the theorem needs them at this θ only.
struct Slopes {
  std::vector<RealTable> tables;
  CostConstants constants;
};

Slopes slopes_at(const CostFamily& f, const Eigen::VectorXd& theta) {
  Slopes out;
  for (const Points<double>& table : f.derivatives(theta)) out.tables.push_back(table.cast<Real>());
  Eigen::MatrixXd second = Eigen::MatrixXd::Zero(f.parameters(), f.parameters());
  for (Index i = 0; i < f.a.size(); ++i)
    for (Index j = 0; j < f.b.size(); ++j) {
      Eigen::VectorXd slope(f.parameters());
      for (Index k = 0; k < f.parameters(); ++k) slope[k] = static_cast<double>(out.tables[static_cast<std::size_t>(k)](i, j));
      out.constants.L0 = std::max(out.constants.L0, slope.norm());
      second += f.a[i] * f.b[j] * slope * slope.transpose();
    }
  const double largest = Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(second, Eigen::EigenvaluesOnly).eigenvalues().maxCoeff();
  const double rounding = tolerance::gamma(64.0, kDoubleUnit) * out.constants.L0 * out.constants.L0;
  out.constants.rms_L0 = std::sqrt(std::max(0.0, largest) + rounding);
  return out;
}

double gradient_norm(const Slopes& slopes, const RealTable& weights) {
  RealVector g(static_cast<Index>(slopes.tables.size()));
  for (Index k = 0; k < g.size(); ++k) g[k] = paired(weights, slopes.tables[static_cast<std::size_t>(k)]);
  return static_cast<double>(g.norm());
}

/// A problem, its optimum, and potentials away from it.
struct Inexact {
  CostFamily family;
  Eigen::VectorXd theta;
  TransportProblem problem;
  ReferenceOptimum optimum;
  DualPotentials potentials;
  bool unit_mass = false;
  std::string kind;

  [[nodiscard]] std::vector<NamedValues> values() const {
    std::vector<NamedValues> out = family.values();
    out.push_back(named("theta", theta));
    out.push_back(named("phi", potentials.phi));
    out.push_back(named("psi", potentials.psi));
    return out;
  }
};

Inexact draw_inexact(PointDraws& draws, int size) {
  Inexact c;
  c.family = draw_family(draws, size);
  c.theta = c.family.draw_theta(draws);
  c.problem = c.family.at(c.theta);
  c.optimum = reference_optimum(c.problem);
  const double lambda = c.problem.lambda;
  c.potentials = rounded_potentials(c.problem, c.optimum.at.potentials);
  const bool kl = c.problem.regulariser == Regulariser::kl;
  const double noise = lambda * power_of_two(draws, -8.0, 1.0);
  switch (draws.below(4)) {
    case 0: {
      const double t = power_of_two(draws, -4.0, 6.0);
      c.potentials.phi.array() += kl ? lambda * std::log1p(t) : lambda * t;
      break;
    }
    case 1: {  // one row is wrong
      c.potentials.phi[between(draws, 0, c.problem.n() - 1)] += 8.0 * noise * draws.normal();
      break;
    }
    case 2:
      c.potentials.phi = c.potentials.phi + noise * normal_vector(draws, c.problem.n());
      c.potentials.psi = c.potentials.psi + noise * normal_vector(draws, c.problem.m());
      break;
    default:
      c.potentials.phi = lambda * normal_vector(draws, c.problem.n()).array() + c.problem.cost.mean();
      c.potentials.psi = lambda * normal_vector(draws, c.problem.m());
  }
  if (kl && draws.below(3) == 0) {
    const Real mass = textbook_plan(c.problem, textbook_potentials(c.problem, c.potentials)).sum();
    c.potentials.phi.array() -= lambda * static_cast<double>(std::log(mass));
    c.unit_mass = true;
  }
  return c;
}

/// ‖Σ (π − π*)∇C‖ for the textbook's plans against the bound at their ε.
Trial off_the_optimum(const TransportBoundsSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Inexact c = draw_inexact(draws, size);
  const Slopes slopes = slopes_at(c.family, c.theta);
  const RealTable plan = textbook_plan(c.problem, textbook_potentials(c.problem, c.potentials));
  const double epsilon = shortfall(c.problem, c.potentials, c.optimum);
  const double bound = subject.bounds->gradient_error(epsilon, slopes.constants, c.problem.lambda, c.problem.regulariser, c.unit_mass);
  const double observed = gradient_norm(slopes, plan - c.optimum.at.plan);
  double slack = slopes.constants.L0 * c.optimum.plan_error;
  if (c.unit_mass) {  // to rounding: mass 1 + η is mass 1 and η besides
    const double exponent = 8.0 * kDoubleUnit * problem_scale(c.problem, textbook_potentials(c.problem, c.potentials)) / c.problem.lambda;
    slack += slopes.constants.L0 * exponent;
  }
  Trial trial = trial_of(observed, bound + slack, c.values());
  if (std::isnan(bound)) trial.judgement.observed = std::numeric_limits<double>::quiet_NaN();
  if (slack <= 1e-3 * bound) trial.judgement.tightness = observed / bound;
  trial.values.push_back(named("epsilon", epsilon));
  trial.values.push_back(named("bound", bound));
  return trial;
}

/// KL, plans (1 + t)π* with ∇C = L0 for every pair: ε = λ(t − ln(1 + t)) and ‖G − ∇h‖ = L0 t. No bound may be less, and τ is not more.
Trial too_much_mass(const TransportBoundsSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const double t = size == 1 ? 1.0 : power_of_two(draws, -20.0, 10.0);
  const double lambda = size == 1 ? 1.0 : power_of_two(draws, -6.0, 6.0);
  const double L0 = size == 1 ? 1.0 : power_of_two(draws, -6.0, 6.0);
  const double kappa = static_cast<double>(excess_of(t));
  const double bound = subject.bounds->gradient_error(kappa * lambda, {L0, 0.5 * L0, 0.0}, lambda, Regulariser::kl, false);
  const double error = L0 * t;
  Trial trial = trial_of(std::abs(bound - error), kExact * error, {named("t", t), named("kappa", kappa), named("lambda", lambda), named("L0", L0)});
  trial.judgement.tightness = error / bound;
  trial.values.push_back(named("bound", bound));
  trial.values.push_back(named("error of the gradient", error));
  trial.values.push_back(named("L0 sqrt(2 kappa)", L0 * std::sqrt(2.0 * kappa)));
  return trial;
}

/// Plans of mass 1: L0√(2κ); quadratic: L̃0√(2κ), attained where all V ≥ 0 and φ is shifted by c: π − π* = ab c/λ, ε = c²/(2λ).
Trial square_roots(const TransportBoundsSubject& subject, const RandomStream& stream, int /*size*/) {
  PointDraws draws(stream, 0);
  const double kappa = power_of_two(draws, -60.0, 10.0);
  const double lambda = power_of_two(draws, -6.0, 6.0);
  const double L0 = power_of_two(draws, -6.0, 6.0);
  const CostConstants constants{L0, L0 * draws.uniform(0.1, 1.0), power_of_two(draws, -6.0, 6.0)};
  const bool kl = draws.below(2) == 0;
  const double bound =
      subject.bounds->gradient_error(kappa * lambda, constants, lambda, kl ? Regulariser::kl : Regulariser::quadratic, kl || draws.below(2) == 0);
  const double expected = (kl ? constants.L0 : constants.rms_L0) * std::sqrt(2.0 * kappa);
  return trial_of(std::abs(bound - expected), tolerance::gamma(16.0, kDoubleUnit) * expected,
                  {named("kappa", kappa), named("lambda", lambda), named("L0, L0 in the mean square", Eigen::Vector2d(constants.L0, constants.rms_L0)),
                   named("bound", bound), named("expected", expected)});
}

/// τ as the bound has it, L0 = λ = 1: t − ln(1 + t) = κ, τ ≤ √(2κ) + κ, τ(0) = 0.
Trial inverse_function(const TransportBoundsSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const double exponent = draws.uniform(-20.0, 6.0);
  const double kappa = size == 1 ? (draws.below(4) == 0 ? 0.0 : 1e-20) : (size == 2 ? 1e6 : std::pow(10.0, exponent));
  const double t = subject.bounds->gradient_error(kappa, {1.0, 1.0, 1.0}, 1.0, Regulariser::kl, false);
  std::vector<NamedValues> values{named("kappa", kappa), named("tau", t)};
  if (kappa == 0.0) return trial_of(std::abs(t), 0.0, std::move(values));
  const double back = static_cast<double>(std::abs(excess_of(t) - static_cast<Real>(kappa))) / (2.0 * kExact * kappa);
  const double simple = t / ((std::sqrt(2.0 * kappa) + kappa) * (1.0 + kExact));
  Trial trial = ratio_trial(worse_of(back, simple), std::move(values));
  trial.judgement.tightness = t / (std::sqrt(2.0 * kappa) + kappa);
  return trial;
}

/// What an implementation gives for the gradient at any potentials.
Trial computed_off_the_optimum(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Inexact c = draw_inexact(draws, size);
  const Slopes slopes = slopes_at(c.family, c.theta);
  const RealTable weights = checked_weights(subject.transport->weights_of_d(c.problem, c.potentials), c.problem);
  const double epsilon = shortfall(c.problem, c.potentials, c.optimum);
  const double kappa = epsilon / c.problem.lambda;
  const bool kl = c.problem.regulariser == Regulariser::kl;
  double bound = (kl ? slopes.constants.L0 : slopes.constants.rms_L0) * std::sqrt(2.0 * kappa);
  if (kl && !c.unit_mass) bound = slopes.constants.L0 * static_cast<double>(tau(kappa));
  const double mass = static_cast<double>(textbook_plan(c.problem, textbook_potentials(c.problem, c.potentials)).sum());
  const double slack = slopes.constants.L0 * (c.optimum.plan_error + 2.0 * plan_rounding(c.problem, c.potentials, mass));
  const double observed = gradient_norm(slopes, weights - c.optimum.at.plan);
  Trial trial = trial_of(observed, bound + slack, c.values());
  if (slack <= 1e-3 * bound) trial.judgement.tightness = observed / bound;
  trial.values.push_back(named("epsilon", epsilon));
  trial.values.push_back(named("bound", bound));
  return trial;
}

/// The potentials of (1 + t)π*, ∇C = 1: G − ∇h = t, which is τ(ε/λ) and not less.
Trial computed_mass(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  TransportProblem problem{Vector<double>::Ones(1), Vector<double>::Ones(1), Points<double>::Ones(1, 1), 1.0, Regulariser::kl};
  if (size > 1)
    problem = draw_transport_case(draws, size, {.regulariser = Regulariser::kl, .least_lambda = 0.1, .largest_lambda = 30.0, .least_atoms = 1}).problem;
  const double t = size == 1 ? 1.0 : power_of_two(draws, -2.0, 6.0);
  const ReferenceOptimum optimum = reference_optimum(problem);
  DualPotentials p = rounded_potentials(problem, optimum.at.potentials);
  const double off = static_cast<double>(plan_distance(problem, shortfall(problem, p, optimum)));  // Σπ and π* before the shift
  p.phi.array() += problem.lambda * std::log1p(t);
  const Real epsilon = optimum.at.value - textbook_dual(problem, textbook_potentials(problem, p));
  const Real expected = tau(epsilon / static_cast<Real>(problem.lambda));
  const auto excess = static_cast<double>(checked_weights(subject.transport->weights_of_d(problem, p), problem).sum() - 1.0L);
  // dτ/dκ = (1 + t)/t, and κ moves by open/λ and by what the plan is off, times 1 + t.
  const double of_kappa = 2.0 * static_cast<double>(optimum.open) / problem.lambda + (1.0 + t) * (off + 8.0 * kRealUnit);
  const double allowed = (1.0 + t) / t * 2.0 * of_kappa + (1.0 + t) * off + 2.0 * plan_rounding(problem, p, 1.0 + t);
  Trial trial = trial_of(std::abs(excess - static_cast<double>(expected)), allowed,
                         {named("a", problem.a), named("b", problem.b), {"C", problem.cost}, named("lambda", problem.lambda), named("t", t)});
  trial.values.push_back(named("G - grad h", excess));
  trial.values.push_back(named("tau(epsilon/lambda)", static_cast<double>(expected)));
  trial.values.push_back(named("sqrt(2 epsilon/lambda)", static_cast<double>(std::sqrt(2.0L * epsilon / static_cast<Real>(problem.lambda)))));
  return trial;
}

}  // namespace

Claim claim_r7() {
  Claim claim;
  claim.id = "R7";
  claim.title = "Gradients from potentials that are not optimal";
  claim.statement =
      "Potentials within ε of the optimum give ‖G − ∇h‖ ≤ L0 τ(ε/λ) for KL, τ the inverse of t − ln(1 + t), ≤ √(2κ) + κ, attained by plans (1 + t)π*; "
      "L0√(2ε/λ) if the plan has mass 1; L̃0√(2ε/λ) for the quadratic regulariser.";
  claim.source = "report 003, Theorem 4.1 with a constant; theory/regularised_transport.md";
  std::get<std::vector<TypedCheck<TransportBoundsSubject>>>(claim.typed) = {{"too much mass attains the bound", 6, too_much_mass},
                                                                            {"the inverse of t − ln(1 + t)", 6, inverse_function},
                                                                            {"square roots", 6, square_roots},
                                                                            {"plans off the optimum", 6, off_the_optimum}};
  std::get<std::vector<TypedCheck<TransportSubject>>>(claim.typed) = {{"computed from too much mass", 6, computed_mass},
                                                                      {"computed off the optimum", 6, computed_off_the_optimum}};
  return claim;
}

}  // namespace slicecheck
