#include <algorithm>
#include <cmath>

#include "slicecheck/claims/loss.h"
#include "slicecheck/claims/loss_bounds.h"

namespace slicecheck {

namespace {

double square_of_longest(const Points<double>& theta) { return theta.rowwise().squaredNorm().maxCoeff(); }

/// |w(Z') − w(Z'')| ≤ κ ‖Z' − Z''‖_{∞,2}, κ = 2(r + ‖Z‖ + ‖Y‖)‖θ‖², for Z', Z'' within r of Z.
Judgement judged_pair(const LossSubject& subject, const LossCase& c, const Points<double>& z1, const Points<double>& z2) {
  const Evaluation one = evaluate(subject, z1, c.y, c.theta, 2.0);
  const Evaluation two = evaluate(subject, z2, c.y, c.theta, 2.0);
  const double radius = std::max(largest_norm(z1 - c.z), largest_norm(z2 - c.z));
  const double kappa = 2.0 * (radius + largest_norm(c.z) + largest_norm(c.y)) * square_of_longest(c.theta);
  const double bound = kappa * largest_norm(z1 - z2);
  const double rounding = one.value_error + two.value_error;
  Judgement judgement;
  judgement.observed = std::abs(one.loss.value - two.loss.value);
  // The bound itself is computed with fewer than 4d + 16 roundings of positive numbers.
  judgement.allowed = bound * (1.0 + tolerance::gamma(4.0 * static_cast<double>(c.d()) + 16.0, tolerance::unit_roundoff<double>())) + rounding;
  // Below that the ratio would tell of rounding, not of the bound.
  if (bound > 0.0 && rounding < 1e-3 * bound) judgement.tightness = judgement.observed / bound;
  return judgement;
}

/// Two clouds at random distances within a radius of Z.
Judgement nearby_pair(const LossSubject& subject, const LossCase& c) {
  const double step = c.s * largest_norm(c.z);
  Points<double> z1 = c.z;
  Points<double> z2 = c.z;
  for (Index k = 0; k < c.n(); ++k) {
    z1.row(k) += step * c.w.row(k).stableNormalized();  // 0 stays 0
    z2.row(k) += 0.5 * step * c.w.row(c.order[static_cast<std::size_t>(k)]).stableNormalized();
  }
  return judged_pair(subject, c, subject.rounded(z1), subject.rounded(z2));
}

/// The pair on which the constant is attained in the limit: z_k = Re, y_k = −Se, θ = e, Z' = (R + r)e, Z'' = (R + r − δ)e has ratio 1 − δ/κ. δ = κ/256.
struct Witness {
  LossCase c;         ///< one direction; Z = Re, Y = −Se
  Points<double> z1;  ///< (R + r)e
  Points<double> z2;  ///< (R + r − δ)e
  double largest;     ///< R + r + S
  double delta;
};

Witness witness_of(const LossSubject& subject, const LossCase& c) {
  const Eigen::RowVectorXd e = c.theta.row(0);
  const double big_r = std::abs(c.z(0, 0)) + std::abs(c.y(0, 0));
  const double big_s = std::abs(c.w(0, 0)) + 1e-3 * big_r;
  const double radius = c.s * (big_r + big_s);
  const double largest = radius + big_r + big_s;
  const double delta = 2.0 * largest / 256.0;
  const auto all_at = [&](double factor) { return subject.rounded(Points<double>((factor * e).replicate(c.n(), 1))); };
  LossCase sharp = c;
  sharp.theta = e;
  sharp.z = all_at(big_r);
  sharp.y = all_at(-big_s);
  return {std::move(sharp), all_at(big_r + radius), all_at(big_r + radius - delta), largest, delta};
}

Judgement witness(const LossSubject& subject, const LossCase& c) {
  const Witness pair = witness_of(subject, c);
  return judged_pair(subject, pair.c, pair.z1, pair.z2);
}

/// The same pair from below: the difference is known, ((R + r + S)² − (R + r + S − δ)²)‖θ‖⁴, so a loss that is too flat is refused as well.
Judgement witness_value(const LossSubject& subject, const LossCase& c) {
  const Witness pair = witness_of(subject, c);
  const auto moved = [&](const Points<double>& z) { return subject.unit_roundoff * (largest_norm(z) + largest_norm(pair.c.y)); };
  const Evaluation one = evaluate(subject, pair.z1, pair.c.y, pair.c.theta, 2.0, moved(pair.z1));
  const Evaluation two = evaluate(subject, pair.z2, pair.c.y, pair.c.theta, 2.0, moved(pair.z2));
  const double fourth = pair.c.theta.row(0).squaredNorm() * pair.c.theta.row(0).squaredNorm();
  const double expected = pair.delta * (2.0 * pair.largest - pair.delta) * fourth;
  Judgement judgement;
  judgement.observed = std::abs(one.loss.value - two.loss.value - expected);
  judgement.allowed =
      one.value_error + two.value_error + tolerance::gamma(4.0 * static_cast<double>(c.d()) + 16.0, tolerance::unit_roundoff<double>()) * one.loss.value;
  return judgement;
}

/// Every gradient obeys the constant: Σ_k ‖g_k‖ ≤ 2(‖Z‖ + ‖Y‖)‖θ‖², the norm dual to ‖·‖_{∞,2}.
Judgement dual_norm(const LossSubject& subject, const LossCase& c) {
  LossCase square = c;
  square.p = 2.0;
  const Evaluation got = evaluate(subject, c.z, c.y, c.theta, 2.0);
  const double bound = 2.0 * got.size * square_of_longest(c.theta);
  Judgement judgement;
  judgement.observed = got.loss.gradient.rowwise().norm().sum();
  judgement.allowed = bound + gradient_error(subject, square, got);
  if (bound > 0.0 && judgement.allowed < (1.0 + 1e-3) * bound) judgement.tightness = judgement.observed / bound;
  return judgement;
}

}  // namespace

Claim claim_l2() {
  Claim claim;
  claim.id = "L2";
  claim.title = "Lipschitz in the points";
  claim.statement =
      "For p = 2 and every direction, |w_θ(Z') − w_θ(Z'')| ≤ κ‖Z' − Z''‖_{∞,2} on the ball ‖· − Z‖_{∞,2} ≤ r, with κ = 2(r + ‖Z‖_{∞,2} + ‖Y‖_{∞,2}); the "
      "constant is sharp. "
      "Every gradient satisfies Σ_k ‖g_k‖ ≤ 2(‖Z‖_{∞,2} + ‖Y‖_{∞,2}).";
  claim.source = "own derivation (theory/loss.md); the published constant is said to carry a factor n more";
  claim.checks = {{"nearby pairs", {}, nearby_pair},
                  {"sharp witness", {}, witness},
                  {"sharp witness from below", {}, witness_value},
                  {"gradient in the dual norm", {}, dual_norm}};
  return claim;
}

}  // namespace slicecheck
