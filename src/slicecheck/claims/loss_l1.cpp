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
  const Index last = c.theta.rows() - 1;
  const Evaluation one = evaluate(subject, c.z, c.y, c.theta.row(last), c.p);
  const double by_direction = std::abs(all.loss.per_direction[last] - one.loss.value);
  const double by_mean = std::abs(all.loss.per_direction.mean() - all.loss.value);
  judgement.observed = std::max(by_direction / (2.0 * one.value_error), by_mean / (2.0 * all.value_error));
  judgement.allowed = 1.0;
  return judgement;
}

}  // namespace

Claim claim_l1() {
  Claim claim;
  claim.id = "L1";
  claim.title = "order statistics";
  claim.statement =
      "Sorting solves the one-dimensional transport problem: for every p ≥ 1, w_θ(Z, Y) = min over permutations π of (1/n) Σ_k |θ·z_k − θ·y_π(k)|^p. "
      "Compared with all n! permutations for n ≤ 7.";
  claim.source = "classical; report 000, section 2.1";
  claim.judges = "loss";
  claim.checks = {{"all permutations", {.points = 7, .dimension = 6, .directions = 3, .large_cases = false}, brute_force},
                  {"values per direction", {}, per_direction}};
  return claim;
}

}  // namespace slicecheck
