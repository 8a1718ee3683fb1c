#include <algorithm>
#include <cmath>
#include <limits>

#include "slicecheck/claims/claim.h"
#include "slicecheck/claims/loss_bounds.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/loss/rooted.h"

namespace slicecheck {

namespace {

constexpr double kUnit = tolerance::unit_roundoff<double>();
constexpr const char* kZero = "the loss is 0 within rounding";

/// SW_p, with its gradient: 0 at value 0.
LossGradient<double> root_of(const Evaluation& e, double p) { return rooted(e.loss, p); }

/// Bound on |root of the computed value − exact root|: that of the gaps, and the relative rounding of powers and sums.
double root_error(const LossSubject& subject, const Evaluation& e, double root, Index terms) {
  return e.gap_error + (tolerance::gamma(24.0, subject.unit_roundoff) + tolerance::gamma(static_cast<double>(terms) + 24.0, kUnit)) * (root + e.gap_error);
}

/// Bound on ‖∇ SW_p‖ for n points: theory/generative.md#g2.
double longest(Index n, double p) { return std::pow(static_cast<double>(n), -1.0 / std::max(p, 2.0)); }

/// The largest of several comparisons; NaN refutes.
class Worst {
 public:
  void add(double observed, double allowed) {
    const double ratio = observed <= allowed ? (allowed > 0.0 ? observed / allowed : 0.0) : observed / std::max(allowed, std::numeric_limits<double>::min());
    if (!(ratio <= judgement_.observed)) judgement_.observed = std::isnan(judgement_.observed) ? judgement_.observed : ratio;
  }
  [[nodiscard]] Judgement judgement() const { return judgement_; }

 private:
  Judgement judgement_{0.0, 1.0, std::numeric_limits<double>::quiet_NaN(), {}, {}};
};

Judgement skipped(const char* why) {
  Judgement judgement;
  judgement.skipped = why;
  return judgement;
}

/// Along an axis the points of Z stand 8 apart and the gaps g_k, at most 3, are known: SW_p^p is the mean of |g_k|^p and SW_p its root. Everything is a
/// multiple of 1/4, so that no number is rounded before it is raised to a power.
Judgement known_gaps(const LossSubject& subject, const LossCase& c, double p) {
  const RandomStream stream(c.number, Purpose::cases, 2, 0);
  PointDraws draws(stream, 0);
  const Index axis = static_cast<Index>(draws.below(static_cast<std::uint64_t>(c.d())));
  Points<double> z(c.n(), c.d());
  Points<double> y(c.n(), c.d());
  double mean = 0.0;
  for (Index k = 0; k < c.n(); ++k) {
    const double gap = 0.25 * (static_cast<double>(draws.below(25)) - 12.0);
    for (Index j = 0; j < c.d(); ++j) z(k, j) = y(c.order[static_cast<std::size_t>(k)], j) = 0.25 * static_cast<double>(draws.below(9));
    z(k, axis) = 8.0 * static_cast<double>(k);
    y(c.order[static_cast<std::size_t>(k)], axis) = z(k, axis) - gap;
    mean += std::pow(std::abs(gap), p) / static_cast<double>(c.n());
  }
  const Evaluation got = evaluate(subject, z, y, Points<double>(Eigen::RowVectorXd::Unit(c.d(), axis)), p);
  const double root = std::pow(mean, 1.0 / p);
  Worst worst;
  worst.add(std::abs(got.loss.value - mean), tolerance::value(mean, p, got.gap_error, 4 * c.n(), subject.unit_roundoff));
  worst.add(std::abs(root_of(got, p).value - root), root_error(subject, got, root, 4 * c.n()));
  return worst.judgement();
}

Judgement own_exponent(const LossSubject& subject, const LossCase& c) { return known_gaps(subject, c, c.p); }

Judgement every_exponent(const LossSubject& subject, const LossCase& c) {
  Judgement largest;
  largest.allowed = 1.0;
  for (const double p : {1.0, 1.5, 2.0, 3.0}) {
    const Judgement one = known_gaps(subject, c, p);
    if (!(one.observed <= largest.observed)) largest.observed = std::isnan(largest.observed) ? largest.observed : one.observed;
  }
  return largest;
}

/// Jensen, over points and directions together: SW_1² ≤ SW_2², and SW_p grows with p.
Judgement growing_in_p(const LossSubject& subject, const LossCase& c) {
  Worst worst;
  double before = 0.0;
  double error_before = 0.0;
  for (const double p : {1.0, 1.5, 2.0, 3.0}) {
    const Evaluation got = evaluate(subject, c.z, c.y, c.theta, p);
    const double root = root_of(got, p).value;
    const double error = root_error(subject, got, root, c.n() * c.theta.rows());
    worst.add(std::max(0.0, before - root), error + error_before);
    if (std::isnan(root)) worst.add(root, 1.0);
    before = root;
    error_before = error;
  }
  return worst.judgement();
}

/// ‖∇ SW_p‖ ≤ n^{−1/max(p, 2)}. If the gaps of value and gradient each err by e, the bound is of gaps whose root differs from the value's by 2e.
Judgement bounded_gradient(const LossSubject& subject, const LossCase& c) {
  const Evaluation got = evaluate(subject, c.z, c.y, c.theta, c.p);
  if (!got.loss.gradient.allFinite()) return {std::numeric_limits<double>::quiet_NaN(), 1.0, {}, {}, {}};
  const LossGradient<double> root = root_of(got, c.p);
  const double e = got.gap_error;
  if (root.value <= e) return skipped(kZero);
  const double relative = tolerance::gamma(static_cast<double>(c.theta.rows() + c.d()) + 40.0, subject.unit_roundoff) +
                          tolerance::gamma(static_cast<double>(c.n() * (c.theta.rows() + c.d())) + 40.0, kUnit);
  Judgement judgement;
  judgement.observed = root.gradient.norm();
  judgement.allowed = longest(c.n(), c.p) * std::pow(1.0 + 2.0 * e / root.value, c.p - 1.0) * (1.0 + relative);
  if (judgement.allowed < 1.001 * longest(c.n(), c.p)) judgement.tightness = judgement.observed / longest(c.n(), c.p);
  return judgement;
}

/// SW_p(sZ, sY) = s·SW_p(Z, Y) and ∇ SW_p(sZ, sY) = ∇ SW_p(Z, Y), s a power of two, which changes no digit of a projection: the same matching is chosen.
Judgement homogeneous(const LossSubject& subject, const LossCase& c) {
  const double s = std::exp2(std::round(std::log2(c.s)));
  const Evaluation here = evaluate(subject, c.z, c.y, c.theta, c.p);
  const Evaluation there = evaluate(subject, s * c.z, s * c.y, c.theta, c.p);
  const LossGradient<double> root = root_of(here, c.p);
  const LossGradient<double> scaled = root_of(there, c.p);
  Worst worst;
  worst.add(std::abs(scaled.value - s * root.value),
            root_error(subject, there, scaled.value, c.n() * c.theta.rows()) + s * root_error(subject, here, root.value, c.n() * c.theta.rows()));
  // Σ_k of the rows' terms, without their signs, is at most 1 for a root (theory/generative.md#g2): that is what rounding is relative to.
  const double roundings = tolerance::gamma(static_cast<double>(c.theta.rows() + c.d()) + 64.0, subject.unit_roundoff);
  if (root.value > 0.0 && scaled.value > 0.0) worst.add((scaled.gradient - root.gradient).rowwise().norm().sum(), 2.0 * roundings);
  return worst.judgement();
}

/// ⟨∇_Z SW_p, Z⟩ + ⟨∇_Y SW_p, Y⟩ = SW_p, and the rows of both add up to 0, for every rule at ties; not at p = 1 (L5).
Judgement euler(const LossSubject& subject, const LossCase& c) {
  if (c.p == 1.0) return skipped("p = 1: no derivative is claimed where a gap is 0");
  const Evaluation z = evaluate(subject, c.z, c.y, c.theta, c.p);
  const Evaluation y = evaluate(subject, c.y, c.z, c.theta, c.p);
  const LossGradient<double> of_z = root_of(z, c.p);
  const LossGradient<double> of_y = root_of(y, c.p);
  if (of_z.value <= 2.0 * z.gap_error || of_y.value <= 2.0 * y.gap_error) return skipped(kZero);
  // As in L5 for SW_p^p, times the factor of the root, which differs between the two evaluations by twice the error of the gaps.
  const double factor = std::pow(of_z.value, 1.0 - c.p) / c.p;
  const double wrong_rank = 2.0 * z.gap_error * c.p * std::pow(z.size, c.p - 1.0);
  const double errors = gradient_error(subject, c, z) + gradient_error(subject, c, y);
  const double of_factor = std::pow(1.0 + 2.0 * z.gap_error / of_z.value, c.p) - 1.0 + tolerance::gamma(64.0, subject.unit_roundoff);
  const double lengths = of_z.gradient.rowwise().norm().sum() + of_y.gradient.rowwise().norm().sum();
  Worst worst;
  worst.add(std::abs(of_z.gradient.cwiseProduct(c.z).sum() + of_y.gradient.cwiseProduct(c.y).sum() - of_z.value),
            factor * (errors * z.size + wrong_rank + c.p * z.value_error) + of_factor * lengths * z.size);
  worst.add((of_z.gradient.colwise().sum() + of_y.gradient.colwise().sum()).norm(), factor * errors + of_factor * lengths);
  return worst.judgement();
}

/// Z = Y: no NaN in the gradient, not before and not after the root; value 0 gives the gradient 0.
Judgement at_zero(const LossSubject& subject, const LossCase& c) {
  const Evaluation got = evaluate(subject, c.z, c.z, c.theta, c.p);
  const LossGradient<double> root = root_of(got, c.p);
  Worst worst;
  worst.add(root.value, root_error(subject, got, 0.0, c.n() * c.theta.rows()));
  worst.add(got.loss.gradient.allFinite() && root.gradient.allFinite() ? 0.0 : std::numeric_limits<double>::quiet_NaN(), 1.0);
  if (got.loss.value == 0.0) worst.add(root.gradient.norm(), 0.0);
  return worst.judgement();
}

/// Z = Y + tH, so near that nothing changes places along any direction: SW_p = t·(mean |θ·h_k|^p)^{1/p}, which is linear in t, and ⟨∇ SW_p, Z − Y⟩ = SW_p for
/// every such t > 0, however small: the gradient does not go to 0.
Judgement near_zero(const LossSubject& subject, LossCase c) {
  if (c.number % 2 == 0)  // on a line across no direction, 4 units apart: no ties
    for (Index k = 0; k < c.n(); ++k)
      for (Index j = 0; j < c.d(); ++j)
        c.y(k, j) = 4.0 * static_cast<double>(c.order[static_cast<std::size_t>(k)]) * (1.0 + 0.0625 * static_cast<double>(5 * j % 7));
  double separation = std::numeric_limits<double>::infinity();
  for (Index l = 0; l < c.theta.rows(); ++l) {
    Eigen::VectorXd projected = c.y * c.theta.row(l).transpose();
    std::sort(projected.begin(), projected.end());
    for (Index k = 1; k < c.n(); ++k) separation = std::min(separation, projected[k] - projected[k - 1]);
  }
  const double largest_h = largest_norm(c.w);
  if (!(largest_h > 0.0)) return skipped("no direction to move in");
  if (c.n() == 1) separation = std::max(largest_norm(c.y), 1.0);
  if (!(separation > 0.0)) return skipped("a tie");
  const double t = std::exp2(std::floor(std::log2(separation / largest_h)) - 3.0);
  const Points<double> z = subject.rounded(Points<double>(c.y + t * c.w));
  const Evaluation got = evaluate(subject, z, c.y, c.theta, c.p, subject.unit_roundoff * largest_norm(z));
  const Eigen::MatrixXd gaps = t * (c.w * c.theta.transpose());
  const double expected = std::pow(gaps.array().abs().pow(c.p).mean(), 1.0 / c.p);
  const double e = 2.0 * got.gap_error + tolerance::gap(c.d(), t * largest_h, kUnit);
  if (!(expected > 64.0 * e)) return skipped("too near to 0 for rounding");
  const LossGradient<double> root = root_of(got, c.p);
  const Index terms = c.n() * c.theta.rows();
  Worst worst;
  worst.add(std::abs(root.value - expected),
            root_error(subject, got, expected, terms) + e + tolerance::gamma(static_cast<double>(terms) + 32.0, kUnit) * expected);
  // Each Δ·(p|Δ|^{p−1} sign Δ) moves by at most p(p + 1)(t‖h‖ + e)^{p−1}·2e (at p = 1 by 2e, whatever the sign), and ‖z − y‖ by rounding.
  const double step = t * largest_h;
  const double factor = std::pow(root.value, 1.0 - c.p) / c.p;
  const double of_slopes = c.p * (c.p + 1.0) * std::pow(step + e, c.p - 1.0) * 2.0 * e;
  const double sums = tolerance::gamma(static_cast<double>(c.theta.rows() + 2 * c.d() + c.n()) + 64.0, subject.unit_roundoff);
  worst.add(std::abs(root.gradient.cwiseProduct(z - c.y).sum() - root.value),
            factor * (of_slopes + sums * c.p * std::pow(step + e, c.p)) + e + sums * root.value);
  return worst.judgement();
}

}  // namespace

Claim claim_g2() {
  Claim claim;
  claim.id = "G2";
  claim.title = "exponents and roots";
  claim.statement =
      "SW_p^p is the mean of |Δ|^p and SW_p its p-th root, for the p that was asked: SW_1² ≤ SW_2², with equality only where all |Δ| are equal. SW_p is "
      "1-homogeneous, ⟨∇_Z, Z⟩ + ⟨∇_Y, Y⟩ = SW_p, and ‖∇_Z SW_p‖ ≤ n^{−1/max(p, 2)}. At Z = Y the gradient is taken as 0, a Clarke subgradient; nearby "
      "⟨∇_Z SW_p, Z − Y⟩ = SW_p, so it does not go to 0.";
  claim.source = "elementary; theory/generative.md";
  claim.checks = {{"known gaps", {.large_cases = false}, own_exponent},
                  {"known gaps, every exponent", {.large_cases = false}, every_exponent, false, 2, true},
                  {"the root grows with p", {}, growing_in_p, false, 2, true},
                  {"the root's gradient is bounded", {}, bounded_gradient},
                  {"the root is homogeneous", {}, homogeneous},
                  {"Euler's identity of the root", {}, euler},
                  {"the root at Z = Y", {}, at_zero},
                  {"the root near Z = Y", {.points = 16, .dimension = 8, .directions = 4, .large_cases = false}, near_zero}};
  return claim;
}

}  // namespace slicecheck
