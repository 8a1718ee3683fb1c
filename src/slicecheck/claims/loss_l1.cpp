#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "slicecheck/claims/loss.h"
#include "slicecheck/claims/loss_bounds.h"

namespace slicecheck {

namespace {

/// min over all permutations of (1/n) Σ_k |θ·z_k − θ·y_{π(k)}|^p, in extended precision where the machine has it. n ≤ 7.
double brute_force_cost(const LossCase& c, Index l) {
  using Wide = long double;
  const Eigen::Matrix<Wide, Eigen::Dynamic, 1> theta = c.theta.row(l).transpose().cast<Wide>();
  const Eigen::Matrix<Wide, Eigen::Dynamic, 1> pz = c.z.cast<Wide>() * theta;
  const Eigen::Matrix<Wide, Eigen::Dynamic, 1> py = c.y.cast<Wide>() * theta;
  const Index n = c.n();
  Eigen::Matrix<Wide, Eigen::Dynamic, Eigen::Dynamic> cost(n, n);
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < n; ++j) cost(i, j) = std::pow(std::abs(pz[i] - py[j]), static_cast<Wide>(c.p));
  std::vector<Index> permutation(static_cast<std::size_t>(n));
  std::iota(permutation.begin(), permutation.end(), Index{0});
  Wide least = std::numeric_limits<Wide>::infinity();
  do {
    Wide sum = 0;
    for (Index i = 0; i < n; ++i) sum += cost(i, permutation[static_cast<std::size_t>(i)]);
    least = std::min(least, sum);
  } while (std::next_permutation(permutation.begin(), permutation.end()));
  return static_cast<double>(least / static_cast<Wide>(n));
}

/// value = mean over the directions of the least cost over all permutations.
Judgement brute_force(const LossSubject& subject, const LossCase& c) {
  const Evaluation got = evaluate(subject, c.z, c.y, c.theta, c.p);
  double expected = 0.0;
  for (Index l = 0; l < c.theta.rows(); ++l) expected += brute_force_cost(c, l) / static_cast<double>(c.theta.rows());
  Judgement judgement;
  judgement.observed = std::abs(got.loss.value - expected);
  // The subject's error, and the brute force's own in case the machine's long double is a double.
  const double own = tolerance::gap(c.d(), got.size, tolerance::unit_roundoff<double>());
  judgement.allowed = tolerance::value(expected, c.p, got.gap_error, c.n() * c.theta.rows(), subject.unit_roundoff) +
                      tolerance::value(expected, c.p, own, c.n() * c.theta.rows(), tolerance::unit_roundoff<double>());
  return judgement;
}

/// Where the subject tells them, the values per direction are those of single directions, and their mean is the value.
Judgement per_direction(const LossSubject& subject, const LossCase& c) {
  const Evaluation all = evaluate(subject, c.z, c.y, c.theta, c.p);
  Judgement judgement;
  if (all.loss.per_direction.size() == 0) {
    judgement.skipped = "the subject gives no value per direction";
    return judgement;
  }
  if (all.loss.per_direction.size() != c.theta.rows()) {
    judgement.observed = std::numeric_limits<double>::quiet_NaN();
    judgement.note = "the number of values per direction is not the number of directions";
    return judgement;
  }
  // Every direction by itself; NaN must not slip through a maximum.
  judgement.observed = 0.0;
  for (Index l = 0; l < c.theta.rows(); ++l) {
    const Evaluation one = evaluate(subject, c.z, c.y, c.theta.row(l), c.p);
    const double ratio = std::abs(all.loss.per_direction[l] - one.loss.value) / (2.0 * one.value_error);
    if (!(ratio <= judgement.observed)) judgement.observed = ratio;
    if (std::isnan(judgement.observed)) return judgement;
  }
  // The mean of the values is the value, up to the rounding of one sum in double.
  const double mean = all.loss.per_direction.mean();
  const double sum_error = 2.0 * tolerance::gamma(static_cast<double>(c.theta.rows()) + 4.0, tolerance::unit_roundoff<double>()) * std::abs(all.loss.value);
  const double ratio = std::abs(mean - all.loss.value) / (sum_error + std::numeric_limits<double>::min());
  if (!(ratio <= judgement.observed)) judgement.observed = ratio;
  judgement.allowed = 1.0;
  return judgement;
}

/// For p = 2, keeping the matching of Z bounds w from above: w(Z + V) ≤ w(Z) + ⟨G, V⟩ + mean_l (1/n) Σ_k (θ_l·v_k)² for every V, at ties as well, whichever
/// optimal matching (or convex combination of optimal ones) G comes from. This ties the gradient at general clouds to the value.
Judgement upper_model(const LossSubject& subject, const LossCase& c) {
  LossCase square = c;
  square.p = 2.0;
  const Evaluation at = evaluate(subject, c.z, c.y, c.theta, 2.0);
  Judgement worst;
  for (const double sign : {1.0, -1.0}) {
    const Points<double> moved_z = subject.rounded(Points<double>(c.z + sign * c.s * c.w));
    const Points<double> v = moved_z - c.z;
    const Evaluation there = evaluate(subject, moved_z, c.y, c.theta, 2.0);
    const double quadratic = (c.theta * v.transpose()).squaredNorm() / static_cast<double>(c.n() * c.theta.rows());
    const double model = at.loss.value + at.loss.gradient.cwiseProduct(v).sum() + quadratic;
    const double step = largest_norm(v);
    // The subject's matching is optimal for its own rounded projections: by the exact ones every gap is within 2e of the gap of its rank.
    const double e = 2.0 * at.gap_error;
    const double matching = 2.0 * e * at.size + e * e;
    const double own = tolerance::gamma(static_cast<double>(c.n() * c.d() * c.theta.rows()) + 16.0, tolerance::unit_roundoff<double>()) *
                       (at.loss.value + quadratic + 2.0 * at.size * step + step * step);
    Judgement judgement;
    judgement.observed = there.loss.value - model;
    if (judgement.observed < 0.0) judgement.observed = 0.0;  // NaN stays NaN
    judgement.allowed = at.value_error + there.value_error + (gradient_error(subject, square, at) + 2.0 * e) * step + matching + own;
    if (!(judgement.ratio() <= worst.ratio())) worst = judgement;
    if (std::isnan(worst.ratio())) return worst;
  }
  return worst;
}

}  // namespace

Claim claim_l1() {
  Claim claim;
  claim.id = "L1";
  claim.title = "order statistics";
  claim.statement =
      "Sorting solves the one-dimensional transport problem: for every p ≥ 1, w_θ(Z, Y) = min over permutations π of (1/n) Σ_k |θ·z_k − θ·y_π(k)|^p. "
      "Compared with all n! permutations for n ≤ 7. Keeping an optimal matching gives an upper model: for p = 2, w(Z + V) ≤ w(Z) + ⟨∂w, V⟩ + (1/n) Σ_k "
      "(θ·v_k)².";
  claim.source = "classical; report 000, section 2.1";
  claim.checks = {{"all permutations", {.points = 7, .dimension = 6, .directions = 3, .large_cases = false}, brute_force},
                  {"values per direction", {.points = 40, .dimension = 8, .directions = 5, .large_cases = false}, per_direction, false, 1, false, true},
                  {"gradient is an upper model", {}, upper_model}};
  return claim;
}

}  // namespace slicecheck
