#include <algorithm>
#include <cmath>
#include <limits>

#include "slicecheck/claims/loss.h"
#include "slicecheck/claims/loss_bounds.h"

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

}  // namespace

Claim claim_l6() {
  Claim claim;
  claim.id = "L6";
  claim.title = "closed form: translation";
  claim.statement =
      "w_θ(Z, Z + v) = |θ·v|^p; over an orthonormal frame of directions, and so over the sphere, SW_2²(Z, Z + v) = ‖v‖²/d. "
      "The gradient pushes every point alike, ∂w/∂z_k = −(p/n)|θ·v|^{p−1} sign(θ·v) θ, whatever the ties; at v = 0 it is 0.";
  claim.source = "elementary; theory/loss.md";
  claim.judges = "loss";
  claim.checks = {
      {"every direction", {}, one_direction}, {"orthonormal frame", {.points = 40, .dimension = 16, .directions = 1}, frame}, {"gradient", {}, gradient}};
  return claim;
}

}  // namespace slicecheck
