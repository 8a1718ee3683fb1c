#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "slicecheck/claims/loss.h"
#include "slicecheck/claims/loss_bounds.h"

namespace slicecheck {

namespace {

std::vector<Index> order_of(const Eigen::VectorXd& values) {
  std::vector<Index> order(static_cast<std::size_t>(values.size()));
  std::iota(order.begin(), order.end(), Index{0});
  std::sort(order.begin(), order.end(), [&](Index a, Index b) { return values[a] < values[b]; });
  return order;
}

/// The gradient where it exists: (1/L) Σ_l (p/n)|Δ|^{p−1} sign(Δ) θ_l, every gap recomputed here. Skipped where two points of Z are tied along a direction up
/// to rounding (claims N1 to N4 are about those), and for p = 1 where a gap is 0 up to rounding.
Judgement gradient(const LossSubject& subject, const LossCase& c) {
  const Evaluation got = evaluate(subject, c.z, c.y, c.theta, c.p);
  Judgement judgement;
  if (!got.loss.gradient.allFinite()) {
    judgement.observed = std::numeric_limits<double>::quiet_NaN();
    return judgement;
  }
  Points<double> expected = Points<double>::Zero(c.n(), c.d());
  const double e = 2.0 * got.gap_error;  // the subject's gap, and the one computed here
  for (Index l = 0; l < c.theta.rows(); ++l) {
    const Eigen::VectorXd a = c.z * c.theta.row(l).transpose();
    const Eigen::VectorXd b = c.y * c.theta.row(l).transpose();
    const auto ranks = order_of(a);
    const auto targets = order_of(b);
    for (std::size_t r = 0; r < ranks.size(); ++r) {
      if (r > 0 && a[ranks[r]] - a[ranks[r - 1]] <= e) {
        judgement.skipped = "a tie within rounding";
        return judgement;
      }
      const double gap = a[ranks[r]] - b[targets[r]];
      if (c.p == 1.0 && std::abs(gap) <= e) {
        judgement.skipped = "p = 1: a gap is 0 within rounding";
        return judgement;
      }
      const double slope = c.p * std::pow(std::abs(gap), c.p - 1.0) * (gap > 0.0 ? 1.0 : (gap < 0.0 ? -1.0 : 0.0));
      expected.row(ranks[r]) += slope * c.theta.row(l);
    }
  }
  expected /= static_cast<double>(c.n() * c.theta.rows());
  const double at_gaps = c.p == 1.0 ? 0.0 : tolerance::gap_power_derivative(c.p, got.size, e);
  const double sums = tolerance::gamma(static_cast<double>(c.theta.rows() + c.d()) + 16.0, subject.unit_roundoff);
  judgement.observed = (got.loss.gradient - expected).rowwise().norm().maxCoeff() * static_cast<double>(c.n());
  judgement.allowed = at_gaps + sums * c.p * std::pow(got.size, c.p - 1.0) + std::numeric_limits<double>::min();
  return judgement;
}

/// Every second point is made to tie with the one before along an axis. For equal a's, b ↦ p|a − b|^{p−1} sign(a − b) is monotone, so exchanging the targets of
/// tied points exchanges these slopes: the subdifferential is the permutohedron of the slopes, in each block, and membership is Rado's inequalities (as in N2,
/// for every p > 1; at p = 1 where no gap is 0 within rounding). Points that rounding cannot tell apart are judged as one cluster.
Judgement at_a_tie(const LossSubject& subject, LossCase c) {
  Judgement judgement;
  judgement.allowed = 1.0;
  if (c.n() == 1) {
    judgement.skipped = "a single point";
    return judgement;
  }
  c.theta = Eigen::RowVectorXd::Unit(c.d(), static_cast<Index>(c.number % static_cast<std::uint64_t>(c.d())));
  for (Index k = 1; k < c.n(); k += 2) c.z(k, c.number % static_cast<std::uint64_t>(c.d())) = c.z(k - 1, c.number % static_cast<std::uint64_t>(c.d()));
  const Evaluation got = evaluate(subject, c.z, c.y, c.theta, c.p);
  const Eigen::VectorXd a = c.z * c.theta.row(0).transpose();
  const Eigen::VectorXd b = c.y * c.theta.row(0).transpose();
  const auto ranks = order_of(a);
  const auto targets = order_of(b);
  const auto n = static_cast<std::size_t>(c.n());
  const Eigen::VectorXd slopes = static_cast<double>(n) * (got.loss.gradient * c.theta.row(0).transpose());
  const double e = 2.0 * got.gap_error;
  const double sums =
      tolerance::gamma(static_cast<double>(c.d()) + 20.0, subject.unit_roundoff) * c.p * std::pow(got.size, c.p - 1.0) + std::numeric_limits<double>::min();
  if (!got.loss.gradient.allFinite()) {
    judgement.observed = std::numeric_limits<double>::quiet_NaN();
    return judgement;
  }
  judgement.observed = (static_cast<double>(n) * got.loss.gradient - slopes * c.theta.row(0)).rowwise().norm().maxCoeff() / sums;  // every row is along θ
  for (std::size_t begin = 0, end = 0; begin < n; begin = end) {
    for (end = begin + 1; end < n && a[ranks[end]] - a[ranks[end - 1]] <= e;) ++end;
    const double width = a[ranks[end - 1]] - a[ranks[begin]];
    std::vector<double> mine;
    std::vector<double> right;
    for (std::size_t r = begin; r < end; ++r) {
      const double gap = a[ranks[begin]] - b[targets[r]];
      if (c.p == 1.0 && std::abs(gap) <= e + width) {
        judgement.skipped = "p = 1: a gap is 0 within rounding";
        return judgement;
      }
      mine.push_back(slopes[ranks[r]]);
      right.push_back(c.p * std::pow(std::abs(gap), c.p - 1.0) * (gap > 0.0 ? 1.0 : (gap < 0.0 ? -1.0 : 0.0)));
    }
    std::sort(mine.rbegin(), mine.rend());
    std::sort(right.rbegin(), right.rend());
    const double slack = sums + (c.p == 1.0 ? 0.0 : tolerance::gap_power_derivative(c.p, got.size, e + width));
    double excess = 0.0;
    for (std::size_t j = 0; j < mine.size(); ++j) {
      excess += mine[j] - right[j];
      const double ratio = excess / (static_cast<double>(j + 1) * slack);
      judgement.observed = std::max(judgement.observed, j + 1 == mine.size() ? std::abs(ratio) : ratio);
    }
  }
  return judgement;
}

/// 1 < p < 2: one point at distance t from its target has the slope p t^{p−1}; the difference quotient from 0 is p t^{p−2}, which has no bound as t → 0.
Judgement second_derivative(const LossSubject& subject, const LossCase& c) {
  constexpr double p = 1.5;
  const Points<double> theta = Eigen::RowVectorXd::Unit(c.d(), 0);
  const Points<double> origin = Points<double>::Zero(1, c.d());
  const double at_zero = evaluate(subject, origin, origin, theta, p).loss.gradient(0, 0);
  Judgement judgement;
  double before = 0.0;
  for (int k = 4; k <= 24; k += 4) {
    const double t = std::exp2(-k);
    Points<double> z = origin;
    z(0, 0) = t;
    const Evaluation got = evaluate(subject, z, origin, theta, p);
    const double quotient = (got.loss.gradient(0, 0) - at_zero) / t;
    const double expected = p * std::pow(t, p - 2.0);
    const double ratio = std::abs(quotient - expected) / (expected * tolerance::gamma(32.0, subject.unit_roundoff) * 4.0);
    if (!(ratio <= judgement.observed)) judgement.observed = ratio;
    // Sixteen times nearer, the quotient is four times as large; there is no bound.
    if (!(quotient > 3.9 * before)) judgement.observed = std::numeric_limits<double>::infinity();
    before = quotient;
  }
  judgement.allowed = 1.0;
  return judgement;
}

}  // namespace

Claim claim_l8() {
  Claim claim;
  claim.id = "L8";
  claim.title = "the gradient for every exponent";
  claim.statement =
      "Where no projections are tied, ∂w_θ/∂z_k = (p/n)|Δ|^{p−1} sign(Δ) θ for p > 1; at p = 1 the same, except that nothing is claimed where Δ = 0. For 1 < p "
      "< 2 second derivatives are unbounded, so assumption A5 fails. At a tie the slopes of a block are a point of the permutohedron of p|Δ|^{p−1} sign(Δ).";
  claim.source = "elementary; theory/loss.md";
  claim.checks = {{"gradient", {}, gradient},
                  {"gradient at a tie", {.points = 24, .dimension = 6, .directions = 1, .large_cases = false}, at_a_tie},
                  {"second derivatives have no bound", {}, second_derivative, false, 5, true}};
  return claim;
}

}  // namespace slicecheck
