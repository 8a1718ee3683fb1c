#include <cmath>

#include "slicecheck/claims/loss.h"
#include "slicecheck/claims/loss_bounds.h"
#include "slicecheck/loss/plane_sweep.h"
#include "slicecheck/statistics/confidence.h"
#include "slicecheck/statistics/goodness_of_fit.h"

namespace slicecheck {

namespace {

constexpr Index kDirections = 1000;

/// |mean of w over L uniform directions − SW_2²| ≤ B√(ln(2/δ)/(2L)), B = max_{k,l} ‖z_k − y_l‖² ≥ w_θ ≥ 0, except with probability δ (Hoeffding).
Judgement judged_mean(const LossSubject& subject, const LossCase& c, double exact, double exact_error) {
  const Points<double> theta = subject.rounded(uniform_directions<double>({c.number, Purpose::cases, 7, 0}, kDirections, c.d()));
  // A direction rounded to the subject's scalar moves every projection by at most u‖x‖.
  const double moved = subject.unit_roundoff * (largest_norm(c.z) + largest_norm(c.y));
  const Evaluation got = evaluate(subject, c.z, c.y, theta, 2.0, moved);
  double range = 0.0;
  for (Index k = 0; k < c.n(); ++k) range = std::max(range, (c.y.rowwise() - c.z.row(k)).rowwise().squaredNorm().maxCoeff());
  const double half_width = hoeffding_half_width(range, static_cast<double>(kDirections), kTypedFalseAlarm);
  Judgement judgement;
  judgement.observed = std::abs(got.loss.value - exact);
  judgement.allowed = half_width + got.value_error + exact_error;
  if (half_width > 0.0 && got.value_error + exact_error < 1e-3 * half_width) judgement.tightness = judgement.observed / half_width;
  return judgement;
}

Judgement plane(const LossSubject& subject, const LossCase& c) {
  const PlaneSliced exact = exact_plane_sw(c.z, c.y, {.gradient = false, .max = false});
  return judged_mean(subject, c, exact.value, exact.value_error);
}

/// All of Z at one point and all of Y at another: SW_2² = ‖z − y‖²/d in every dimension.
Judgement two_points(const LossSubject& subject, const LossCase& c) {
  LossCase both = c;
  both.z = c.z.row(0).replicate(c.n(), 1);
  both.y = c.y.row(0).replicate(c.n(), 1);
  const double exact = (c.z.row(0) - c.y.row(0)).squaredNorm() / static_cast<double>(c.d());
  return judged_mean(subject, both, exact, tolerance::gamma(static_cast<double>(c.d()) + 4.0, tolerance::unit_roundoff<double>()) * exact);
}

}  // namespace

Claim claim_l7() {
  Claim claim;
  claim.id = "L7";
  claim.title = "Monte Carlo over directions";
  claim.statement =
      "With L independent uniform directions, |mean of w − SW_2²| ≤ B√(ln(2/δ)/(2L)) except with probability δ, B = max‖z_k − y_l‖². Judged at L = 1000 and "
      "δ = 10⁻¹² where SW_2² is known exactly. Nothing is asserted of t-intervals, which under-cover for few directions.";
  claim.source = "Hoeffding; the warning about t-intervals: own measurement (theory/loss.md)";
  claim.checks = {{"exact value in the plane", {.points = 40, .dimension = 2, .least_dimension = 2, .directions = 1, .large_cases = false}, plane, true, 2},
                  {"two points", {.points = 8, .dimension = 16, .directions = 1, .large_cases = false}, two_points, true, 4}};
  return claim;
}

}  // namespace slicecheck
