#include <algorithm>
#include <cmath>
#include <limits>

#include "slicecheck/claims/loss.h"
#include "slicecheck/claims/loss_bounds.h"

namespace slicecheck {

namespace {

/// |value of one − scale · value of two| within both rounding errors.
Judgement equal_values(const Evaluation& one, const Evaluation& two, double scale = 1.0) {
  Judgement judgement;
  judgement.observed = std::abs(one.loss.value - scale * two.loss.value);
  judgement.allowed = one.value_error + scale * two.value_error;
  return judgement;
}

/// u‖x‖ for the one rounding to the subject's scalar that a moved cloud went through.
double moved_by_rounding(const LossSubject& subject, const Points<double>& z, const Points<double>& y) {
  return subject.unit_roundoff * (largest_norm(z) + largest_norm(y));
}

Judgement not_negative(const LossSubject& subject, const LossCase& c) {
  const auto loss = subject.evaluate(c.z, c.y, c.theta, c.p);
  double least = loss.value;
  if (loss.per_direction.size() > 0) least = std::min(least, loss.per_direction.minCoeff());
  Judgement judgement;
  judgement.observed = std::isnan(loss.value) || loss.per_direction.hasNaN() ? std::numeric_limits<double>::quiet_NaN() : std::max(0.0, -least);
  judgement.allowed = 0.0;
  return judgement;
}

Judgement permutation(const LossSubject& subject, const LossCase& c) {
  Points<double> z(c.n(), c.d());
  Points<double> y(c.n(), c.d());
  for (Index k = 0; k < c.n(); ++k) {
    z.row(k) = c.z.row(c.order[static_cast<std::size_t>(k)]);
    y.row(k) = c.y.row(c.n() - 1 - k);
  }
  return equal_values(evaluate(subject, z, y, c.theta, c.p), evaluate(subject, c.z, c.y, c.theta, c.p));
}

Judgement translation(const LossSubject& subject, const LossCase& c) {
  const Points<double> z = subject.rounded(Points<double>(c.z.rowwise() + c.v));
  const Points<double> y = subject.rounded(Points<double>(c.y.rowwise() + c.v));
  return equal_values(evaluate(subject, z, y, c.theta, c.p, moved_by_rounding(subject, z, y)), evaluate(subject, c.z, c.y, c.theta, c.p));
}

Judgement reflection(const LossSubject& subject, const LossCase& c) {
  const Reflected z = reflected(subject, c.z, c.v);
  const Reflected y = reflected(subject, c.y, c.v);
  const Reflected theta = reflected(subject, c.theta, c.v);
  const double size = largest_norm(z.points) + largest_norm(y.points);
  // Points and directions are each off by at most their relative error.
  const double moved = 2.0 * (z.error + theta.error) * size;
  return equal_values(evaluate(subject, z.points, y.points, theta.points, c.p, moved), evaluate(subject, c.z, c.y, c.theta, c.p));
}

Judgement homogeneity(const LossSubject& subject, const LossCase& c) {
  const Points<double> z = subject.rounded(Points<double>(c.s * c.z));
  const Points<double> y = subject.rounded(Points<double>(c.s * c.y));
  return equal_values(evaluate(subject, z, y, c.theta, c.p, moved_by_rounding(subject, z, y)), evaluate(subject, c.z, c.y, c.theta, c.p), std::pow(c.s, c.p));
}

Judgement symmetry(const LossSubject& subject, const LossCase& c) {
  return equal_values(evaluate(subject, c.y, c.z, c.theta, c.p), evaluate(subject, c.z, c.y, c.theta, c.p));
}

/// w^{1/p} is a distance. Its root errs by the gap error, and by the relative rounding of w: near 0 a relative test would divide by nothing.
Judgement triangle(const LossSubject& subject, const LossCase& c) {
  const Evaluation whole = evaluate(subject, c.z, c.y, c.theta, c.p);
  const Evaluation first = evaluate(subject, c.z, c.w, c.theta, c.p);
  const Evaluation second = evaluate(subject, c.w, c.y, c.theta, c.p);
  const auto root = [&](const Evaluation& e) { return std::pow(e.loss.value, 1.0 / c.p); };
  const double bound = root(first) + root(second);
  const double terms = static_cast<double>(c.n() * c.theta.rows()) + 16.0;
  const double relative = tolerance::gamma(16.0, subject.unit_roundoff) + tolerance::gamma(terms, tolerance::unit_roundoff<double>());
  Judgement judgement;
  judgement.observed = root(whole);
  judgement.allowed = bound + whole.gap_error + first.gap_error + second.gap_error + relative * (root(whole) + bound);
  if (bound > 0.0) judgement.tightness = root(whole) / bound;
  return judgement;
}

/// Both gradients, for the two consequences below; skipped at p = 1, where nothing is claimed at a gap of 0 (L8).
struct BothGradients {
  Evaluation z;
  Evaluation y;
};

BothGradients both_gradients(const LossSubject& subject, const LossCase& c) {
  return {evaluate(subject, c.z, c.y, c.theta, c.p), evaluate(subject, c.y, c.z, c.theta, c.p)};
}

constexpr const char* kNoDerivative = "p = 1: no derivative is claimed where a gap is 0";

/// The derivative of translation invariance: Σ_k ∂w/∂z_k + Σ_k ∂w/∂y_k = 0. It holds for every tie-breaking rule: the gaps by rank are the same in both
/// evaluations.
Judgement gradient_balance(const LossSubject& subject, const LossCase& c) {
  Judgement judgement;
  if (c.p == 1.0) {
    judgement.skipped = kNoDerivative;
    return judgement;
  }
  const auto [z, y] = both_gradients(subject, c);
  judgement.observed = (z.loss.gradient.colwise().sum() + y.loss.gradient.colwise().sum()).norm();
  judgement.allowed = gradient_error(subject, c, z) + gradient_error(subject, c, y);
  return judgement;
}

/// The derivative of homogeneity (Euler's identity): ⟨∂w/∂Z, Z⟩ + ⟨∂w/∂Y, Y⟩ = p·w, for every tie-breaking rule that matches by rank.
Judgement gradient_euler(const LossSubject& subject, const LossCase& c) {
  Judgement judgement;
  if (c.p == 1.0) {
    judgement.skipped = kNoDerivative;
    return judgement;
  }
  const auto [z, y] = both_gradients(subject, c);
  judgement.observed = std::abs(z.loss.gradient.cwiseProduct(c.z).sum() + y.loss.gradient.cwiseProduct(c.y).sum() - c.p * z.loss.value);
  // A point may hold the rank of another whose projection differs by less than the gap error.
  const double wrong_rank = 2.0 * z.gap_error * c.p * std::pow(z.size, c.p - 1.0);
  judgement.allowed = (gradient_error(subject, c, z) + gradient_error(subject, c, y)) * z.size + wrong_rank + c.p * z.value_error;
  return judgement;
}

}  // namespace

Claim claim_l5() {
  Claim claim;
  claim.id = "L5";
  claim.title = "invariances";
  claim.statement =
      "w is non-negative and symmetric; it does not change under permutations of the rows of Z or Y, a common translation, or a common rotation or reflection "
      "of Z, Y and θ; "
      "w(sZ, sY) = s^p w(Z, Y); the p-th root of its mean over directions satisfies the triangle inequality. The gradients balance and satisfy Euler's "
      "identity.";
  claim.source = "elementary; theory/loss.md";
  claim.checks = {
      {"not negative", {}, not_negative},      {"permutation", {}, permutation}, {"translation", {}, translation}, {"reflection", {}, reflection},
      {"homogeneity", {}, homogeneity},        {"symmetry", {}, symmetry},       {"triangle", {}, triangle},       {"gradients balance", {}, gradient_balance},
      {"Euler's identity", {}, gradient_euler}};
  return claim;
}

}  // namespace slicecheck
