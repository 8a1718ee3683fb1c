/// N3, N5: what the loss does on either side of a tie.

#include <algorithm>
#include <cmath>
#include <limits>

#include "slicecheck/claims/nonsmooth.h"
#include "slicecheck/claims/tie_membership.h"

namespace slicecheck {

namespace {

constexpr CaseLimits kOneDirection{.points = 24, .dimension = 6, .directions = 1, .large_cases = false};

/// A step V off a tie that no block survives mixed up with another: |θ·v_k| < gap/4, gap the smallest distance between blocks of exact ties.
struct Step {
  Slice slice;            ///< at Z
  Points<double> moved;   ///< Z + V
  Points<double> v;       ///< V as it came out after rounding
  Eigen::VectorXd along;  ///< θ·v_k
  std::string skipped;    ///< not empty: there is no such step
};

Step step_off(const LossSubject& subject, const LossCase& c, const Points<double>& towards) {
  Step step{slice_of(subject, c.z, c.y, c.theta.row(0)), c.z, Points<double>::Zero(c.n(), c.d()), {}, ""};
  const auto blocks = step.slice.runs(0.0);
  const auto sorted_a = [&](Index i) { return step.slice.a[step.slice.order[static_cast<std::size_t>(i)]]; };
  double gap = step.slice.size;
  for (std::size_t i = 1; i < blocks.size(); ++i) gap = std::min(gap, sorted_a(blocks[i].first) - sorted_a(blocks[i].first - 1));
  const double speed = (towards * c.theta.row(0).transpose()).cwiseAbs().maxCoeff();
  if (!(gap > 64.0 * step.slice.delta)) {
    step.skipped = "a near tie: no step is both small and exact";
    return step;
  }
  if (!(speed > 0.0)) {
    step.skipped = "the step is across the direction";
    return step;
  }
  const double t = std::exp2(std::floor(std::log2(gap / (8.0 * speed))));
  step.moved = subject.rounded(Points<double>(c.z + t * towards));
  step.v = step.moved - c.z;
  step.along = step.v * c.theta.row(0).transpose();
  if (!(step.along.cwiseAbs().maxCoeff() < 0.25 * gap)) step.skipped = "a near tie: no step is both small and exact";
  return step;
}

double mean_square(const Eigen::VectorXd& values) { return values.squaredNorm() / static_cast<double>(values.size()); }

double inner(const Points<double>& a, const Points<double>& b) { return a.cwiseProduct(b).sum(); }

Judgement skipped(const std::string& reason) {
  Judgement judgement;
  judgement.skipped = reason;
  return judgement;
}

/// What our own sums over n points lose, in double.
double own_rounding(const LossCase& c, double magnitude) {
  return tolerance::gamma(static_cast<double>(c.n() * (c.d() + 2)) + 32.0, tolerance::unit_roundoff<double>()) * magnitude;
}

/// ⟨G(Z + V), V⟩ = min_{g ∈ ∂w(Z)} ⟨g, V⟩ + (2/n) Σ (θ·v_k)²: the gradient off the tie belongs to the vertex that minimises ⟨g, V⟩.
Judgement limit_is_vertex(const LossSubject& subject, const LossCase& c) {
  const Step step = step_off(subject, c, c.w);
  if (!step.skipped.empty()) return skipped(step.skipped);
  // Tied points whose θ·v differ by less than rounding are still tied: they may be matched either way, which moves ⟨G, V⟩ by at most that difference times the
  // spread of the targets.
  const Evaluation off = evaluate(subject, step.moved, c.y, c.theta.topRows(1), 2.0);
  LossCase square = c;
  square.p = 2.0;
  square.theta = c.theta.topRows(1);
  const Points<double> vertex = gradient_of_targets(step.slice, extreme_targets(step.slice, step.along, true));
  const double expected = inner(vertex, step.v) + 2.0 * mean_square(step.along);
  const double reach = largest_norm(step.v);
  Judgement judgement;
  judgement.observed = std::abs(inner(off.loss.gradient, step.v) - expected);
  judgement.allowed = gradient_error(subject, square, off) * reach + 8.0 * step.slice.delta * off.size + own_rounding(c, 4.0 * off.size * (reach + off.size));
  return judgement;
}

/// The row of every point, not only the sum: G(Z + V) is the vertex's gradient, carried along, up to a matching within δ.
Judgement limit_row_by_row(const LossSubject& subject, const LossCase& c) {
  const Step step = step_off(subject, c, c.w);
  if (!step.skipped.empty()) return skipped(step.skipped);
  const Slice there = slice_of(subject, step.moved, c.y, c.theta.row(0));
  for (const auto& [begin, end] : there.runs(2.0 * there.delta))
    if (end - begin > 1) return skipped("the step leaves a tie");
  const Points<double> got = subject.evaluate(step.moved, c.y, c.theta.topRows(1), 2.0).gradient;
  const Points<double> carried = (2.0 / static_cast<double>(c.n())) * step.along * c.theta.row(0);
  const Points<double> expected = gradient_of_targets(step.slice, extreme_targets(step.slice, step.along, true)) + carried;
  Judgement judgement;
  judgement.observed = 0.5 * static_cast<double>(c.n()) * (got - expected).rowwise().norm().maxCoeff();
  if (!got.allFinite()) judgement.observed = std::numeric_limits<double>::quiet_NaN();
  judgement.allowed = 2.0 * (there.target_error() + step.slice.target_error()) + own_rounding(c, there.size);
  return judgement;
}

/// w(Z + V) − w(Z) = min_g ⟨g, V⟩ + (1/n) Σ (θ·v_k)², to rounding, at a finite step.
Judgement finite_step(const LossSubject& subject, const LossCase& c) {
  const Step step = step_off(subject, c, c.w);
  if (!step.skipped.empty()) return skipped(step.skipped);
  const Evaluation at = evaluate(subject, c.z, c.y, c.theta.topRows(1), 2.0);
  const Evaluation off = evaluate(subject, step.moved, c.y, c.theta.topRows(1), 2.0);
  const Points<double> least = gradient_of_targets(step.slice, extreme_targets(step.slice, step.along, true));
  const double expected = inner(least, step.v) + mean_square(step.along);
  Judgement judgement;
  judgement.observed = std::abs(off.loss.value - at.loss.value - expected);
  judgement.allowed = at.value_error + off.value_error + own_rounding(c, 4.0 * at.size * (largest_norm(step.v) + at.size));
  return judgement;
}

/// From any Z' near the tie: w(Z' + V) − w(Z') ≤ max_g ⟨g, V⟩ + (2/n) Σ (θ·v_k) θ·(z'_k − z_k) + (1/n) Σ (θ·v_k)².
Judgement from_nearby(const LossSubject& subject, const LossCase& c) {
  LossCase other = c;
  for (Index k = 0; k < c.n(); ++k) other.w.row(k) = c.w.row(c.order[static_cast<std::size_t>(k)]) - 0.5 * c.w.row(k);
  const Step first = step_off(subject, other, other.w);  // Z' = Z + D
  if (!first.skipped.empty()) return skipped(first.skipped);
  const Step second = step_off(subject, c, c.w);  // V
  if (!second.skipped.empty()) return skipped(second.skipped);
  const Points<double> end = subject.rounded(Points<double>(first.moved + second.v));
  const Points<double> v = end - first.moved;
  const Eigen::VectorXd along = v * c.theta.row(0).transpose();
  const Evaluation from = evaluate(subject, first.moved, c.y, c.theta.topRows(1), 2.0);
  const Evaluation to = evaluate(subject, end, c.y, c.theta.topRows(1), 2.0);
  const Points<double> most = gradient_of_targets(first.slice, extreme_targets(first.slice, along, false));
  const double bound = inner(most, v) + 2.0 / static_cast<double>(c.n()) * along.dot(first.along) + mean_square(along);
  Judgement judgement;
  judgement.observed = std::max(0.0, to.loss.value - from.loss.value - bound);
  if (std::isnan(to.loss.value) || std::isnan(from.loss.value)) judgement.observed = std::numeric_limits<double>::quiet_NaN();
  judgement.allowed = from.value_error + to.value_error + own_rounding(c, 4.0 * from.size * (largest_norm(v) + from.size));
  return judgement;
}

/// The gradient AT the tie lies between the two: min_g ⟨g, V⟩ ≤ ⟨G, V⟩ ≤ max_g ⟨g, V⟩ for every V.
Judgement between_supports(const LossSubject& subject, const LossCase& c) {
  const Slice slice = slice_of(subject, c.z, c.y, c.theta.row(0));
  const auto blocks = slice.runs(0.0);
  const auto clusters = slice.runs(2.0 * slice.delta);
  if (blocks.size() != clusters.size()) return skipped("a near tie");
  LossCase square = c;
  square.p = 2.0;
  square.theta = c.theta.topRows(1);
  const Evaluation at = evaluate(subject, c.z, c.y, square.theta, 2.0);
  const Eigen::VectorXd along = c.w * c.theta.row(0).transpose();
  const double got = inner(at.loss.gradient, c.w);
  const double low = inner(gradient_of_targets(slice, extreme_targets(slice, along, true)), c.w);
  const double high = inner(gradient_of_targets(slice, extreme_targets(slice, along, false)), c.w);
  const double reach = largest_norm(c.w);
  Judgement judgement;
  judgement.observed = std::max({0.0, low - got, got - high});
  if (std::isnan(got)) judgement.observed = got;
  judgement.allowed = (gradient_error(subject, square, at) + 2.0 * slice.delta) * reach + own_rounding(c, 4.0 * at.size * reach);
  return judgement;
}

}  // namespace

Claim claim_n3() {
  Claim claim;
  claim.id = "N3";
  claim.title = "one-sided limits are vertices";
  claim.statement =
      "Off a tie, at Z + V with V small against the gaps between blocks, the gradient is that of the vertex of ∂_C w_θ(·, Y)(Z) which minimises ⟨g, V⟩: each "
      "block's "
      "targets are sorted like θ·v_k.";
  claim.source = "own derivation (theory/nonsmooth.md)";
  claim.checks = {{"limit minimises ⟨g, V⟩", kOneDirection, limit_is_vertex}, {"limit row by row", kOneDirection, limit_row_by_row}};
  return claim;
}

Claim claim_n5() {
  Claim claim;
  claim.id = "N5";
  claim.title = "support function, exact at finite steps";
  claim.statement =
      "For V small against the gaps between blocks, w(Z + V) − w(Z) = min_g ⟨g, V⟩ + (1/n) Σ (θ·v_k)²; from any nearby Z', w(Z' + V) − w(Z') ≤ max_g ⟨g, V⟩ + "
      "(2/n) "
      "Σ (θ·v_k) θ·(z'_k − z_k) + (1/n) Σ (θ·v_k)². The max sorts each block's targets opposite to θ·v, the min alike. A gradient at the tie lies between.";
  claim.source = "own derivation (theory/nonsmooth.md)";
  claim.checks = {{"finite step", kOneDirection, finite_step},
                  {"from nearby", kOneDirection, from_nearby},
                  {"gradient between the supports", kOneDirection, between_supports}};
  return claim;
}

}  // namespace slicecheck
