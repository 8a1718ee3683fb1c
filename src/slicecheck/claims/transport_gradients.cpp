/// R4: the plan is the gradient of d, and of d only.

#include <algorithm>
#include <cmath>
#include <limits>

#include "slicecheck/claims/claim.h"
#include "slicecheck/claims/transport_bound.h"
#include "slicecheck/claims/transport_reference.h"
#include "slicecheck/core/tolerances.h"

namespace slicecheck {

namespace {

Points<double> normal_table(PointDraws& draws, Index n, Index m) {
  Points<double> table(n, m);
  for (double& entry : table.reshaped<Eigen::RowMajor>()) entry = draws.normal();
  return table;
}

/// A step Δ of the cost matrix: 0 ≥ d(C + Δ) − d(C) − ⟨π, Δ⟩ ≥ −max|Δ|²/(2λ), as d is concave in C and its gradient 1/λ-Lipschitz (R5, R6).
Trial plan_is_gradient(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  TransportCase c = draw_transport_case(draws, size, {.regulariser = {}, .least_lambda = 0.03, .largest_lambda = 30.0, .least_atoms = 1});
  const TransportProblem& problem = c.problem;
  Points<double> direction = normal_table(draws, problem.n(), problem.m());
  direction /= direction.cwiseAbs().maxCoeff();
  const ReferenceOptimum here = reference_optimum(problem);
  TransportProblem moved = problem;
  moved.cost +=
      std::max(std::sqrt(4.0 * problem.lambda * static_cast<double>(here.open)), 1024.0 * kDoubleUnit * problem.cost.cwiseAbs().maxCoeff()) * direction;
  const RealTable step = moved.cost.cast<Real>() - problem.cost.cast<Real>();
  const double length = static_cast<double>(step.cwiseAbs().maxCoeff());
  const ReferenceOptimum there = reference_optimum(moved);
  const DualPotentials p = rounded_potentials(problem, here.at.potentials);
  const RealTable weights = checked_weights(subject.transport->weights_of_d(problem, p), problem);
  const Real difference = there.at.value - here.at.value;
  const Real predicted = paired(weights, step);
  const double of_plan = static_cast<double>(plan_distance(problem, shortfall(problem, p, here))) + plan_rounding(problem, p, 1.0);
  Trial trial = trial_of(static_cast<double>(std::abs(difference - predicted)) / length,
                         0.5 * length / problem.lambda + static_cast<double>(here.open + there.open) / length + of_plan, c.values());
  trial.values.push_back({"step", step.cast<double>()});
  trial.values.push_back(named("difference of d", static_cast<double>(difference)));
  trial.values.push_back(named("sum of W times step", static_cast<double>(predicted)));
  return trial;
}

/// A problem near a drawn one whose entries, and those of C + hM for the steps used here, are dyadic: moving along M is exact.
struct DyadicCase {
  TransportProblem problem;
  Points<double> direction;
  double step = 0.0;
};

DyadicCase draw_dyadic(PointDraws& draws, int size) {
  DyadicCase c{draw_transport_case(draws, size, {.regulariser = {}, .least_lambda = 0.1, .largest_lambda = 30.0, .least_atoms = 1}).problem, {}};
  const double spread = c.problem.cost.maxCoeff() - c.problem.cost.minCoeff();
  const double unit = std::exp2(std::floor(std::log2(spread > 0.0 ? spread : 1.0)));
  const Points<double> noise = normal_table(draws, c.problem.n(), c.problem.m());
  c.problem.cost = ((c.problem.cost + unit / 16.0 * noise).array() * (65536.0 / unit)).round() * (unit / 65536.0);
  c.direction = (16.0 * normal_table(draws, c.problem.n(), c.problem.m()).array()).round() / 16.0;
  if (c.direction.isZero(0.0)) c.direction(0, 0) = 1.0;
  c.step = std::exp2(std::floor(std::log2(c.problem.lambda / (16.0 * c.direction.cwiseAbs().maxCoeff()))));
  return c;
}

/// d̄ at C + hM and C − hM.
struct CentralDifference {
  Real slope = 0.0L;
  double noise = 0.0;         ///< (osc C / 2)‖π' − π*‖₁ at either end
  bool same_support = false;  ///< of the plans at both ends
  Eigen::Matrix<bool, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> support;
};

CentralDifference central(const DyadicCase& c, double h) {
  CentralDifference out;
  Real value = 0.0L;
  for (const double side : {1.0, -1.0}) {
    TransportProblem moved = c.problem;
    moved.cost += side * h * c.direction;
    const ReferenceOptimum optimum = reference_optimum(moved);
    value += static_cast<Real>(side) * optimum.at.transport;
    out.noise += 0.5 * (moved.cost.maxCoeff() - moved.cost.minCoeff()) * optimum.plan_error / (2.0 * h);
    const RealTable density = textbook_density(moved, optimum.at.potentials);
    const auto support = (density.array() > 0.0L).matrix().eval();
    if (side > 0.0)
      out.support = support;
    else
      out.same_support = support == out.support;
  }
  out.slope = value / static_cast<Real>(2.0 * h);
  return out;
}

struct MeasuredSlope {
  Real slope = 0.0L;
  double error = std::numeric_limits<double>::infinity();
};

/// KL: d̄ is analytic, and central differences err by c h² + c' h⁴ + …. Extrapolated once from h and h/2 they err by O(h⁴), which halving h divides by about 16:
/// the change of the extrapolated slope is 15 times the error of the finer one.
MeasuredSlope settled_slope(const DyadicCase& c) {
  for (double h = c.step; h > c.step / 32.0; h *= 0.5) {
    const CentralDifference wide = central(c, h);
    const CentralDifference half = central(c, 0.5 * h);
    const CentralDifference quarter = central(c, 0.25 * h);
    const double noise = 1.5 * quarter.noise + half.noise;
    const auto first = static_cast<double>(std::abs(half.slope - wide.slope));
    const auto second = static_cast<double>(std::abs(quarter.slope - half.slope));
    if (second > 0.4 * first + 2.0 * (noise + wide.noise)) continue;  // not by a quarter: h² does not dominate yet
    const Real coarse = (4.0L * half.slope - wide.slope) / 3.0L;
    const Real fine = (4.0L * quarter.slope - half.slope) / 3.0L;
    return {fine, static_cast<double>(std::abs(fine - coarse)) + noise};
  }
  return {};
}

/// Quadratic: where the plans at both ends have one support, means of their potentials are optimal in between, the plan is affine in the step and d̄ a quadratic
/// function: the central difference has no remainder. The support of the potentials in the middle has to be that one, with no V near 0.
MeasuredSlope supported_slope(const DyadicCase& c, const RealTable& stiffness) {
  for (double h = c.step; h > c.step * 1e-5; h *= 0.25) {
    const CentralDifference difference = central(c, h);
    if (difference.same_support && ((stiffness.array() > 0.0L).matrix() == difference.support)) return {difference.slope, difference.noise};
  }
  return {};
}

/// Σ W̄ M against differences of d̄ along M.
Trial sharp_by_differences(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  DyadicCase c;
  ReferenceOptimum here;
  DualPotentials p;
  SharpWeights exact;
  MeasuredSlope measured;
  // One in 50 cases is drawn anew: its optimum is not known well enough for a difference of d̄, or a kink is near.
  const auto settled = [&] { return std::isfinite(measured.error) && measured.error <= 0.01 * c.direction.cwiseAbs().maxCoeff(); };
  for (int attempt = 0; attempt < 8 && !settled(); ++attempt) {
    c = draw_dyadic(draws, size);
    here = reference_optimum(c.problem);
    p = rounded_potentials(c.problem, here.at.potentials);
    exact = sharp_weights(c.problem, textbook_potentials(c.problem, p));
    measured = c.problem.regulariser == Regulariser::kl ? settled_slope(c) : supported_slope(c, exact.stiffness);
  }
  if (!std::isfinite(measured.error)) return skipped_trial("d̄ has a kink nearby, or its differences do not settle, eight times");
  const TransportProblem& problem = c.problem;
  const TextbookPotentials textbook = textbook_potentials(problem, p);
  const RealTable weights = checked_weights(subject.transport->weights_of_sharp_d(problem, p), problem);
  const RealTable direction = c.direction.cast<Real>();
  const double scale = problem_scale(problem, textbook);
  const double of_plan = static_cast<double>(plan_distance(problem, shortfall(problem, p, here)));
  const Real claimed = paired(weights, direction);
  Trial trial = trial_of(static_cast<double>(std::abs(claimed - measured.slope)), measured.error + sharp_error(problem, exact, direction, of_plan, scale),
                         TransportCase{problem, "dyadic"}.values());
  trial.values.push_back({"direction", c.direction});
  trial.values.push_back(named("allowed for the differences", measured.error));
  trial.values.push_back(named("slope of the sharp d", static_cast<double>(measured.slope)));
  trial.values.push_back(named("sum of W times direction", static_cast<double>(claimed)));
  return trial;
}

/// Both gradients on the line; for the quadratic regulariser they agree iff s is locally constant.
Trial on_the_line(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const double theta = size == 1 ? 1.0 : draws.uniform(-3.0, 3.0);
  const double lambda = size == 1 ? 2.0 + 2.0 * draws.uniform() : power_of_two(draws, -2.0, 3.0);
  const TransportLine l = transport_line(theta, lambda, draws.below(2) == 0 ? Regulariser::kl : Regulariser::quadratic);
  const RealTable slopes = l.slopes.cast<Real>();
  const auto plain = static_cast<double>(paired(checked_weights(subject.transport->weights_of_d(l.problem, l.potentials), l.problem), slopes));
  const auto sharp = static_cast<double>(paired(checked_weights(subject.transport->weights_of_sharp_d(l.problem, l.potentials), l.problem), slopes));
  const TextbookPotentials textbook = textbook_potentials(l.problem, l.potentials);
  const SharpWeights exact = sharp_weights(l.problem, textbook);
  // Cost and potentials are rounded too: V moves by no more than it errs in the subject.
  const double rounding = plan_rounding(l.problem, l.potentials, 1.0);
  const double largest = l.slopes.cwiseAbs().maxCoeff();
  const double of_plain = 2.0 * rounding * largest + 16.0 * kDoubleUnit * (largest + 2.0);
  const double of_sharp =
      sharp_error(l.problem, exact, slopes, rounding, problem_scale(l.problem, textbook)) + 16.0 * kDoubleUnit * (largest + std::abs(l.sharp));
  Trial trial = ratio_trial(worse_of(std::abs(plain - l.plain) / of_plain, std::abs(sharp - l.sharp) / of_sharp),
                            {named("theta", theta), named("lambda", lambda), named("gradient of d", l.plain), named("gradient of the sharp d", l.sharp)});
  trial.values.push_back(named("the subject's of d", plain));
  trial.values.push_back(named("the subject's of the sharp d", sharp));
  return trial;
}

/// P_λ'(π') = P_λ(π') + (λ' − λ) I(π') ≥ d(λ') for λ' on either side of λ: I(π') lies between the difference quotients of d.
Trial slope_in_lambda(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const TransportCase c = draw_transport_case(draws, size, {.regulariser = {}, .least_lambda = 0.03, .largest_lambda = 30.0, .least_atoms = 1});
  const TransportProblem& problem = c.problem;
  const ReferenceOptimum here = reference_optimum(problem);
  const double stated = subject.transport->regularisation_of(problem, here.at.plan.cast<double>());
  double bounds[2];
  for (const int side : {0, 1}) {
    TransportProblem moved = problem;
    moved.lambda *= side == 0 ? 1.0 + 0x1p-12 : 1.0 - 0x1p-12;
    const ReferenceOptimum there = reference_optimum(moved);
    const Real step = static_cast<Real>(moved.lambda) - static_cast<Real>(problem.lambda);
    const Real open = (there.open + 2.0L * here.open) / std::abs(step);
    bounds[side] = static_cast<double>((there.at.value - here.at.value) / step + (side == 0 ? -open : open));
  }
  // The sum of |terms| of I, and I's own change when the plan is rounded.
  double terms = 1.0;
  for (Index i = 0; i < problem.n(); ++i)
    for (Index j = 0; j < problem.m(); ++j) {
      const auto pi = static_cast<double>(here.at.plan(i, j));
      const double density = pi / (problem.a[i] * problem.b[j]);
      terms += problem.regulariser == Regulariser::quadratic ? pi * density : (pi > 0.0 ? pi * (1.0 + std::abs(std::log(density))) : 0.0);
    }
  const double rounding = tolerance::gamma(static_cast<double>(problem.n() * problem.m()) + 16.0, kDoubleUnit) * terms;
  Trial trial = trial_of(std::abs(stated - 0.5 * (bounds[0] + bounds[1])), 0.5 * (bounds[1] - bounds[0]) + rounding, c.values());
  trial.values.push_back(named("I", stated));
  trial.values.push_back(named("quotients of d", Eigen::Vector2d(bounds[0], bounds[1])));
  return trial;
}

Real ground_cost(GroundCost cost, const RealVector& z, const RealVector& y) {
  switch (cost) {
    case GroundCost::l1: return (z - y).cwiseAbs().sum();
    case GroundCost::squared: return (z - y).squaredNorm();
    case GroundCost::cosine: return 0.5L * (z.normalized() - y.normalized()).squaredNorm();
  }
  return std::numeric_limits<Real>::quiet_NaN();
}

/// Central differences of Σ W c(z, y) along one z_i. Squared: exact. L1: exact for steps shorter than the way to the next kink, and at a kink it is the middle
/// of Clarke's interval. Cosine: ∇c is (2/√3)/r²-Lipschitz where ‖z‖ ≥ r.
Trial ground_cost_slope(const TransportSubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const auto cost = static_cast<GroundCost>(draws.below(3));
  const Index d = between(draws, cost == GroundCost::cosine ? 2 : 1, 3);
  Points<double> z = draw_atoms(draws, between(draws, 1, size + 1), d);
  Points<double> y = draw_atoms(draws, between(draws, 1, size + 1), d);
  if (draws.below(2) == 0) y.row(0).head(1) = z.row(0).head(1);
  if (cost == GroundCost::cosine)
    for (Points<double>* cloud : {&z, &y})
      for (Index i = 0; i < cloud->rows(); ++i)
        if (!(cloud->row(i).norm() > 0.25)) cloud->row(i)[0] += 1.0;
  const Points<double> weights = normal_table(draws, z.rows(), y.rows());
  const Points<double> pulled = subject.transport->pullback(cost, z, y, weights);
  if (pulled.rows() != z.rows() || pulled.cols() != d)
    throw Error(fmt::format("the pullback is {} × {}; expected {} × {}", pulled.rows(), pulled.cols(), z.rows(), d));
  double worst = 0.0;
  for (Index i = 0; i < z.rows(); ++i) {
    Eigen::VectorXd along = normal_vector(draws, d);
    along /= along.cwiseAbs().maxCoeff();
    double h = 0x1p-20;
    if (cost == GroundCost::cosine) h *= z.row(i).norm();
    if (cost == GroundCost::l1)
      for (const double gap : (y.rowwise() - z.row(i)).reshaped())
        if (gap != 0.0) h = std::min(h, 0.5 * std::abs(gap));
    const RealVector at = z.row(i).transpose().cast<Real>();
    const RealVector moved = static_cast<Real>(h) * along.cast<Real>();
    Real difference = 0.0L;
    double size_of_costs = 0.0;
    double size_of_slopes = 0.0;
    double curvature = 0.0;
    for (Index j = 0; j < y.rows(); ++j) {
      const RealVector to = y.row(j).transpose().cast<Real>();
      difference += static_cast<Real>(weights(i, j)) * (ground_cost(cost, at + moved, to) - ground_cost(cost, at - moved, to));
      const double weight = std::abs(weights(i, j));
      const double norm = z.row(i).norm();
      const double gap = (z.row(i) - y.row(j)).norm();
      const double reach = norm + y.row(j).norm();
      size_of_costs += weight * (cost == GroundCost::cosine ? 2.0 : (cost == GroundCost::l1 ? 2.0 * reach : (gap + h) * (2.0 * reach + gap)));
      size_of_slopes += weight * (cost == GroundCost::cosine ? 4.0 / norm : (cost == GroundCost::l1 ? 2.0 : 2.0 * gap));
      if (cost == GroundCost::cosine) curvature += weight * 2.0 / std::sqrt(3.0) / ((norm - 2.0 * h) * (norm - 2.0 * h));
    }
    const double length = along.norm();
    const Real quotient = difference / static_cast<Real>(2.0 * h);
    const auto claimed = static_cast<Real>(pulled.row(i).dot(along));
    const double allowed = 0.5 * h * curvature * length * length + 32.0 * kRealUnit * static_cast<double>(d) * size_of_costs / h +
                           tolerance::gamma(static_cast<double>(y.rows() + 2 * d) + 24.0, kDoubleUnit) * size_of_slopes * length;
    worst = worse_of(worst, against(static_cast<double>(std::abs(quotient - claimed)), allowed));
  }
  return ratio_trial(worst,
                     {{"z", z}, {"y", y}, {"weights", weights}, {"pullback", pulled}, named("cost (0 l1, 1 squared, 2 cosine)", static_cast<double>(cost))});
}

}  // namespace

Claim claim_r4() {
  Claim claim;
  claim.id = "R4";
  claim.title = "The plan is the gradient of d";
  claim.statement =
      "∇d = Σ π* ∇C, within −max|Δ|²/(2λ) for a finite step Δ of the cost. ∇d̄ is another: ∇d − λ ∇I(π*), which is Σ W ∇C with W − π* = −S(C − u ⊕ v)/λ "
      "free of marginals (S = π* for KL, ab on the support for the quadratic regulariser). ∂d/∂λ = I(π*). The ground costs' derivatives are two-sided "
      "differences, at kinks too.";
  claim.source = "report 003, section 2.2, corrected; theory/regularised_transport.md";
  std::get<std::vector<TypedCheck<TransportSubject>>>(claim.typed) = {{"the plan is the gradient of d", 6, plan_is_gradient},
                                                                      {"the gradient of d̄ by differences", 5, sharp_by_differences, false, 2},
                                                                      {"both gradients on the line", 6, on_the_line},
                                                                      {"the slope in λ is I", 6, slope_in_lambda, false, 2},
                                                                      {"the derivative of the ground cost", 6, ground_cost_slope}};
  return claim;
}

}  // namespace slicecheck
