/// T5: boundary critical points appear for small r, and there are none for large r.
///
/// TRANSLATIONS OF THE PLANE, T(u, x) = x + u, batches of n. SW_2²(X + u, Y) = ‖mean(X) + u − mean(Y)‖²/2 + SW_2² of the centred clouds (L6, d = 2), and the
/// last term does not depend on u. So F(u) = E‖mean(X) + u − mean(Y)‖²/2 + const = ‖u − c‖²/2 + const with c = E y − E x, for every n, and ∂_C F(u) = {u − c}.
/// Hence C_r = {c} for r ≥ ‖c‖ and {rc/‖c‖}, on the sphere, for r ≤ ‖c‖.
///
/// LARGE ENOUGH, T(u, x) = Ax + b, u = (A, b). T is linear in u, so for every g ∈ ∂_C F(u), a mean over batches, directions and (at ties) matchings,
///
///     ⟨g, u⟩ = E (2/n)Σ_k (θ·z_k)(θ·z_k − θ·y_match(k)) ≥ 2(M − √(M·M_y)),   M = E‖T(u, x)‖²/d,  M_y = E‖y‖²/d,
///
/// by Cauchy and Schwarz, for batches first and then for the expectation. M ≥ (r²/d)·λ for ‖u‖ = r, λ the smallest eigenvalue of E (x, 1)(x, 1)ᵀ. If
/// r² λ > E‖y‖² then ⟨g, u⟩ > 0 on the whole sphere, and no g + tu, t ≥ 0, is 0: ‖g + tu‖ ≥ ⟨g + tu, u⟩/r ≥ ⟨g, u⟩/r. That is how large is large enough.

#include "slicecheck/claims/boundary.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <limits>

#include "slicecheck/claims/dynamics.h"
#include "slicecheck/claims/dynamics_trial.h"
#include "slicecheck/claims/nonsmooth_criticality.h"
#include "slicecheck/generators/closed_form.h"
#include "slicecheck/nonsmooth/activation_cells.h"

namespace slicecheck {

namespace {

/// What "the two ends meet" and "more than 0" mean: to 2⁻³⁰ of the largest gradient and 1, as in N9.
constexpr double kClosed = 0x1p-30;

/// The bracket holds the distance, and its ends meet; `rounding` of the distance as the judge has it, `size` of the largest gradient.
Trial judge_exact(const DistanceBracket& bracket, double distance, double rounding, double size, std::vector<NamedValues> values) {
  values.push_back(named("lower, distance, upper", Eigen::Vector3d(bracket.lower, distance, bracket.upper)));
  if (std::isnan(bracket.lower) || std::isnan(bracket.upper)) return trial_of(std::nan(""), 1.0, std::move(values));
  const double outside = std::max({0.0, bracket.lower - distance, distance - bracket.upper}) / rounding;
  const double open = (bracket.upper - bracket.lower) / (kClosed * (size + 1.0) + rounding);
  return trial_of(std::max(outside, open), 1.0, std::move(values));
}

/// Three in four points on the sphere, of a ball smaller than c_n, as large as c_n, or larger; else inside.
Trial judge_line(const CriticalitySubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Index n = size;
  const double c_n = line_minimiser(n);
  const double radii[] = {c_n * draws.uniform(0.05, 0.95), c_n, c_n + draws.uniform(0.05, 1.0)};
  const double radius = n == 1 ? radii[2] : radii[draws.below(3)];
  const double sign = draws.below(2) == 0 ? 1.0 : -1.0;
  const double inside[] = {0.0, std::min(c_n, 0.5 * radius), 0.9 * draws.uniform() * radius};
  const double u = draws.below(4) > 0 ? sign * radius : sign * inside[draws.below(3)];
  const std::shared_ptr<const Law> law = FiniteLaw::two_points();
  const DistanceBracket bracket = subject.bracket({std::make_shared<TwoPointLine<double>>(), law, law, n, Eigen::VectorXd::Constant(1, u), radius});
  // c_n is a product of n quotients; the distance a handful of operations on numbers below 2(|u| + 1).
  const double rounding = sum_rounding(2.0 * static_cast<double>(n) + 16.0, 8.0 * (std::abs(u) + 1.0));
  return judge_exact(bracket, line_distance(n, u, radius), rounding, 2.0 * (std::abs(u) + c_n),
                     {named("n", static_cast<double>(n)), named("c_n", c_n), named("u", u), named("radius", radius)});
}

/// T(u, x) = x + u as a linear network whose weights stay I and whose biases are u.
std::shared_ptr<const Generator<double>> translation() {
  const auto network = std::make_shared<DenseMlp<double>>(2, std::vector<Index>{}, 2, Activation::identity);
  Eigen::VectorXd base = Eigen::VectorXd::Zero(6);
  base[0] = base[3] = 1.0;
  Eigen::MatrixXd matrix = Eigen::MatrixXd::Zero(6, 2);
  matrix(4, 0) = matrix(5, 1) = 1.0;
  return std::make_shared<TiedMlp>(network, base, matrix);
}

Points<double> drawn_atoms(PointDraws& draws, Index count, Index dimension, double spread) {
  Points<double> atoms(count, dimension);
  for (Index i = 0; i < atoms.size(); ++i) atoms.data()[i] = spread * draws.normal();
  return atoms;
}

/// Translations: u at the critical point of the sphere, anywhere on it, or inside.
Trial judge_translation(const CriticalitySubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Index n = between(draws, 1, std::min(2, size));
  const Points<double> x = drawn_atoms(draws, between(draws, 1, 2), 2, 1.0);
  const Points<double> y = drawn_atoms(draws, between(draws, 1, size), 2, 2.0);
  const Eigen::Vector2d c = (y.colwise().mean() - x.colwise().mean()).transpose();
  const double radius = c.norm() * (draws.below(4) > 0 ? draws.uniform(0.1, 0.9) : draws.uniform(1.1, 2.0));
  Eigen::Vector2d direction(draws.normal(), draws.normal());
  const auto where = draws.below(3);
  if (where == 0) direction = c;
  const Eigen::Vector2d u = direction.normalized() * radius * (where == 2 ? draws.uniform(0.0, 0.99) : 1.0);
  const DistanceBracket bracket =
      subject.bracket({translation(), std::make_shared<FiniteLaw>("inputs", x), std::make_shared<FiniteLaw>("targets", y), n, u, radius});
  // The judge's own error: means, norms and a projection of vectors of this size. The subject's belongs into its bracket.
  const double magnitude = u.norm() + x.rowwise().norm().maxCoeff() + y.rowwise().norm().maxCoeff();
  return judge_exact(bracket, quadratic_distance(u, c, where != 2), sum_rounding(64.0, 4.0 * magnitude), magnitude,
                     {{"x", x}, {"y", y}, named("n", static_cast<double>(n)), named("c", c), named("u", u), named("radius", radius)});
}

/// r² λ > E‖y‖²: at no u of the sphere may the bracket reach down to 0, nor its upper end below ⟨g, u⟩/r.
Trial judge_large_enough(const CriticalitySubject& subject, const RandomStream& stream, int size) {
  PointDraws draws(stream, 0);
  const Index n = between(draws, 1, 2);
  const Index d_x = between(draws, 1, 2);
  const auto generator = std::make_shared<Affine<double>>(d_x, 2);
  // Two points of the line or a triangle, both around 0, each coordinate moved by at most 0.2: (x, 1) spans its space, and λ is well above 0.
  Points<double> x(d_x + 1, d_x);
  if (d_x == 1)
    x << 1.0, -1.0;
  else
    x << 1.0, 0.0, -0.5, 0.75, -0.5, -0.75;
  for (Index i = 0; i < x.size(); ++i) x.data()[i] += draws.uniform(-0.2, 0.2);
  const Points<double> y = drawn_atoms(draws, between(draws, 1, size), 2, 1.0);
  Points<double> extended(x.rows(), d_x + 1);
  extended << x, Eigen::VectorXd::Ones(x.rows());
  const Eigen::MatrixXd moments = extended.transpose() * extended / static_cast<double>(x.rows());
  const double smallest = Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(moments).eigenvalues()[0];
  const double mean_square = y.rowwise().squaredNorm().mean();
  const double radius = std::sqrt(mean_square / smallest) * draws.uniform(1.1, 2.0);
  const Eigen::VectorXd u = normal_vector(draws, generator->parameters()).normalized() * radius;
  const double images = 0.5 * generator->forward(u, x).rowwise().squaredNorm().mean();
  const double inner = 2.0 * (images - std::sqrt(images * 0.5 * mean_square));  // ⟨g, u⟩, at least
  const double least = inner / radius;
  const DistanceBracket bracket =
      subject.bracket({generator, std::make_shared<FiniteLaw>("inputs", x), std::make_shared<FiniteLaw>("targets", y), n, u, radius});
  // Sums of at most 3·3 products, roots and a quotient; differences of numbers below 4·images.
  const double rounding = sum_rounding(64.0, 8.0 * (images + 1.0) / radius);
  std::vector<NamedValues> values{{"x", x},
                                  {"y", y},
                                  named("u", u),
                                  named("radius", radius),
                                  named("smallest eigenvalue", smallest),
                                  named("lower, at least, upper", Eigen::Vector3d(bracket.lower, least, bracket.upper))};
  if (std::isnan(bracket.lower) || std::isnan(bracket.upper)) return trial_of(std::nan(""), 1.0, std::move(values));
  // F is smooth at u (no two images are equal), so the lower end is the distance too, to 2⁻³⁰.
  const double closed = kClosed * (2.0 * std::sqrt(images) + 1.0) * (x.rowwise().norm().maxCoeff() + 1.0) + rounding;
  const double observed = std::max({0.0, (least - bracket.upper) / rounding, (least - bracket.lower) / closed});
  return trial_of(observed, 1.0, std::move(values));
}

}  // namespace

double line_distance(Index n, double u, double radius) {
  const double c_n = line_minimiser(n);
  if (std::abs(u) == radius) return std::max(0.0, 2.0 * (radius - c_n));
  return u == 0.0 ? 0.0 : 2.0 * std::abs(std::abs(u) - c_n);
}

double quadratic_distance(const Eigen::VectorXd& u, const Eigen::VectorXd& c, bool on_sphere) {
  const double multiplier = on_sphere ? std::max(0.0, c.dot(u) / u.squaredNorm() - 1.0) : 0.0;
  return (u - c + multiplier * u).norm();
}

std::vector<TypedCheck<CriticalitySubject>> boundary_checks() {
  return {{"the sphere of the line", 6, judge_line},
          {"translations of the plane", 3, judge_translation, false, 5},
          {"large enough", 3, judge_large_enough, false, 5}};
}

Claim claim_t5() {
  Claim claim;
  claim.id = "T5";
  claim.title = "critical points on the sphere";
  claim.statement =
      "For small r the set C_r has points on the sphere ‖u‖ = r that are not critical for F. On the two-point line ±r belong to it exactly for r ≤ c_n; for "
      "T(u, x) = x + u in the plane F(u) = ‖u − c‖²/2 + const, c = E y − E x, and C_r = {rc/‖c‖} for r ≤ ‖c‖. A measure of criticality must bracket the exact "
      "distance there, and tightly. For T = Ax + b r is large enough, and no point of the sphere critical, where r² times the smallest eigenvalue of "
      "E (x, 1)(x, 1)ᵀ exceeds E‖y‖².";
  claim.source = "report 000, remark on very large r; the answers: own derivation (theory/dynamics.md)";
  std::get<std::vector<TypedCheck<CriticalitySubject>>>(claim.typed) = boundary_checks();
  return claim;
}

}  // namespace slicecheck
