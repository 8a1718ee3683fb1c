#include <algorithm>
#include <cmath>
#include <limits>

#include "slicecheck/claims/loss.h"
#include "slicecheck/claims/loss_bounds.h"
#include "slicecheck/loss/assignment.h"
#include "slicecheck/loss/plane_sweep.h"

namespace slicecheck {

namespace {

/// Z and its translate by v, rounded to the subject's scalar; how far every gap may have moved by that.
struct Translated {
  Points<double> y;
  double moved;
};

Translated translated(const LossSubject& subject, const LossCase& c) {
  Points<double> y = subject.rounded(Points<double>(c.z.rowwise() + c.v));
  const double moved = subject.unit_roundoff * largest_norm(y);
  return {std::move(y), moved};
}

/// w_θ(Z, Z + v) = |θ·v|^p for every direction, hence their mean.
Judgement one_direction(const LossSubject& subject, const LossCase& c) {
  const auto [y, moved] = translated(subject, c);
  const Evaluation got = evaluate(subject, c.z, y, c.theta, c.p, moved);
  const double expected = (c.theta * c.v.transpose()).array().abs().pow(c.p).mean();
  const double own = tolerance::gap(c.d(), c.v.norm(), tolerance::unit_roundoff<double>());  // the rounding of θ·v here
  Judgement judgement;
  judgement.observed = std::abs(got.loss.value - expected);
  judgement.allowed = tolerance::value(expected, c.p, got.gap_error + own, c.n() * c.theta.rows(), subject.unit_roundoff);
  return judgement;
}

/// Over an orthonormal frame of directions the mean of (θ·v)² is exactly ‖v‖²/d, the closed form of SW_2²(Z, Z + v): no Monte-Carlo error.
Judgement frame(const LossSubject& subject, const LossCase& c) {
  const auto [y, moved] = translated(subject, c);
  const Reflected axes = reflected(subject, Points<double>::Identity(c.d(), c.d()), c.w.row(0));
  const double size = largest_norm(c.z) + largest_norm(y);
  const Evaluation got = evaluate(subject, c.z, y, axes.points, 2.0, moved + 2.0 * axes.error * size);
  const double expected = c.v.squaredNorm() / static_cast<double>(c.d());
  Judgement judgement;
  judgement.observed = std::abs(got.loss.value - expected);
  judgement.allowed = tolerance::value(expected, 2.0, got.gap_error, c.n() * c.d(), subject.unit_roundoff);
  return judgement;
}

/// Every point is pushed alike: ∂w/∂z_k = −(p/n) mean_θ |θ·v|^{p−1} sign(θ·v) θ, at ties as well. With v = 0 the gradient is 0 (and not NaN).
Judgement gradient(const LossSubject& subject, const LossCase& c) {
  const auto [y, moved] = translated(subject, c);
  const Evaluation got = evaluate(subject, c.z, y, c.theta, c.p, moved);
  const Eigen::VectorXd shift = c.theta * c.v.transpose();
  const double e = 2.0 * got.gap_error;  // of a gap, and of θ·v as it is computed here
  Judgement judgement;
  if (c.p == 1.0 && (shift.array().abs() <= e).any()) {
    judgement.skipped = "p = 1: a gap is 0 within rounding";
    return judgement;
  }
  const Eigen::VectorXd slope = c.p * shift.array().abs().pow(c.p - 1.0) * shift.array().sign();
  const Eigen::RowVectorXd expected = -(slope.transpose() * c.theta) / static_cast<double>(c.n() * c.theta.rows());
  judgement.observed = (got.loss.gradient.rowwise() - expected).rowwise().norm().maxCoeff() * static_cast<double>(c.n());
  const double largest_shift = shift.array().abs().maxCoeff();
  const double at_gaps = c.p == 1.0 ? 0.0 : tolerance::gap_power_derivative(c.p, largest_shift, e);
  const double roundings = static_cast<double>(c.theta.rows() + c.d()) + 16.0;
  judgement.allowed = at_gaps + tolerance::gamma(roundings, subject.unit_roundoff) * c.p * std::pow(largest_shift + e, c.p - 1.0);
  if (got.loss.gradient.hasNaN()) judgement.observed = std::numeric_limits<double>::quiet_NaN();
  return judgement;
}

/// All of Z at one point and all of Y at another: ‖z − y‖²/d over an orthonormal frame, for n = 1 and for coincident points.
Judgement single_pair(const LossSubject& subject, const LossCase& c) {
  const Points<double> axes = Points<double>::Identity(c.d(), c.d());
  const Evaluation got = evaluate(subject, c.z.row(0).replicate(c.n(), 1), c.y.row(0).replicate(c.n(), 1), axes, 2.0);
  const double expected = (c.z.row(0) - c.y.row(0)).squaredNorm() / static_cast<double>(c.d());
  Judgement judgement;
  judgement.observed = std::abs(got.loss.value - expected);
  judgement.allowed = tolerance::value(expected, 2.0, 2.0 * got.gap_error, c.n() * c.d(), subject.unit_roundoff);
  return judgement;
}

/// The gap of the means splits off: w_θ(Z, Y) = (θ·(mean z − mean y))² + w_θ of the centred clouds.
Judgement mean_gap(const LossSubject& subject, const LossCase& c) {
  const Eigen::RowVectorXd mean_z = c.z.colwise().mean();
  const Eigen::RowVectorXd mean_y = c.y.colwise().mean();
  const Points<double> z = subject.rounded(Points<double>(c.z.rowwise() - mean_z));
  const Points<double> y = subject.rounded(Points<double>(c.y.rowwise() - mean_y));
  const Evaluation whole = evaluate(subject, c.z, c.y, c.theta, 2.0);
  // The means are rounded in double, the centred points to the subject's scalar.
  const double moved = subject.unit_roundoff * (largest_norm(z) + largest_norm(y)) +
                       tolerance::gamma(static_cast<double>(c.n()) + 4.0, tolerance::unit_roundoff<double>()) * whole.size;
  const Evaluation centred = evaluate(subject, z, y, c.theta, 2.0, moved);
  const Eigen::VectorXd gap = c.theta * (mean_z - mean_y).transpose();
  const double split = gap.squaredNorm() / static_cast<double>(c.theta.rows());
  Judgement judgement;
  judgement.observed = std::abs(whole.loss.value - split - centred.loss.value);
  judgement.allowed = whole.value_error + centred.value_error + tolerance::value(split, 2.0, 2.0 * whole.gap_error + moved, 1, subject.unit_roundoff);
  return judgement;
}

/// Over an orthonormal frame, and so over the sphere, w ≤ W_2²/d: one matching of the points is at most as good as the best one for every direction.
Judgement below_w2(const LossSubject& subject, const LossCase& c) {
  const Points<double> axes = Points<double>::Identity(c.d(), c.d());
  const Evaluation got = evaluate(subject, c.z, c.y, axes, 2.0);
  const double bound = exact_w2_squared(c.z, c.y) / static_cast<double>(c.d());
  Judgement judgement;
  judgement.observed = got.loss.value;
  judgement.allowed = bound + got.value_error + tolerance::value(bound, 2.0, got.gap_error, c.n() * c.d(), tolerance::unit_roundoff<double>());
  if (bound > 0.0 && judgement.allowed < 1.001 * bound) judgement.tightness = judgement.observed / bound;
  return judgement;
}

/// In the plane: no direction beats max-SW_2², which is at least SW_2² and is attained at its direction.
Judgement maximum(const LossSubject& subject, const LossCase& c) {
  Judgement judgement;
  const PlaneSliced exact = exact_plane_sw(c.z, c.y, {.gradient = false, .max = true});
  const Points<double> best = subject.rounded(Points<double>(exact.max_direction));
  const double moved = subject.unit_roundoff * (largest_norm(c.z) + largest_norm(c.y));
  const Evaluation at_best = evaluate(subject, c.z, c.y, best, 2.0, moved);
  const double error = at_best.value_error + tolerance::value(exact.max_value, 2.0, at_best.gap_error, c.n(), tolerance::unit_roundoff<double>());
  const Evaluation elsewhere = evaluate(subject, c.z, c.y, c.theta.topRows(1), 2.0, moved);
  judgement.observed =
      std::max({std::abs(at_best.loss.value - exact.max_value) / error, (elsewhere.loss.value - exact.max_value) / (error + elsewhere.value_error),
                (exact.value - exact.max_value) / (exact.value_error + error)});
  if (std::isnan(at_best.loss.value) || std::isnan(elsewhere.loss.value)) judgement.observed = std::numeric_limits<double>::quiet_NaN();
  judgement.allowed = 1.0;
  return judgement;
}

}  // namespace

Claim claim_l6() {
  Claim claim;
  claim.id = "L6";
  claim.title = "closed forms";
  claim.statement =
      "w_θ(Z, Z + v) = |θ·v|^p; over an orthonormal frame of directions, and so over the sphere, SW_2²(Z, Z + v) = ‖v‖²/d. "
      "The gradient pushes every point alike, ∂w/∂z_k = −(p/n)|θ·v|^{p−1} sign(θ·v) θ, whatever the ties; at v = 0 it is 0. "
      "For two points SW_2² = ‖z − y‖²/d; the gap of the means splits off; SW_2² ≤ W_2²/d; max-SW_2² ≥ SW_2².";
  claim.source = "elementary; theory/loss.md";
  claim.checks = {{"every direction", {}, one_direction},
                  {"orthonormal frame", {.points = 40, .dimension = 16, .directions = 1}, frame},
                  {"gradient", {}, gradient},
                  {"single pair", {.points = 12, .dimension = 16, .directions = 1}, single_pair},
                  {"mean gap splits off", {}, mean_gap},
                  {"below W_2²/d", {.points = 12, .dimension = 6, .directions = 1, .large_cases = false}, below_w2},
                  {"maximum in the plane", {.points = 20, .dimension = 2, .least_dimension = 2, .directions = 1, .large_cases = false}, maximum}};
  return claim;
}

}  // namespace slicecheck
