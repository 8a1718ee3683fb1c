/// N6, N9: ties and critical points as the parameters u see them.

#include <algorithm>
#include <cmath>
#include <limits>

#include "slicecheck/claims/nonsmooth.h"
#include "slicecheck/claims/nonsmooth_criticality.h"
#include "slicecheck/claims/sample_objective.h"
#include "slicecheck/claims/tie_membership.h"
#include "slicecheck/generators/closed_form.h"
#include "slicecheck/nonsmooth/convex_set.h"
#include "slicecheck/nonsmooth/minimum_norm.h"

namespace slicecheck {

namespace {

Judgement skipped(const std::string& reason) {
  Judgement judgement;
  judgement.skipped = reason;
  return judgement;
}

/// Equal inputs are tied for every u and every θ, and harmlessly: their Jacobians are equal, so all matchings pull back to the same vector. φ is compared for
/// two orders of the rows.
Judgement harmless(const LossSubject& subject, const LossCase& c) {
  const RandomStream inputs(c.number, Purpose::cases, 6, 1);
  const RandomStream stream(c.number, Purpose::cases, 6, 0);
  PointDraws draws(stream, 0);
  const auto generator = drawn_network(draws, 2, c.d());
  const Points<double> x = drawn_inputs(inputs, c.n(), generator->input_dimension(), true);
  const Eigen::VectorXd u = generator->initial({c.number, Purpose::initial, 6, 0});
  const auto image = generator->linearise(u, x);
  const Points<double> z = subject.rounded(image->images());
  const Points<double> theta = c.theta.topRows(1);
  const Slice slice = slice_of(subject, z, c.y, theta.row(0));
  bool tied = false;
  for (const auto& [begin, end] : slice.runs(2.0 * slice.delta))
    for (Index i = begin + 1; i < end; ++i) {
      const Index one = slice.order[static_cast<std::size_t>(i - 1)];
      const Index two = slice.order[static_cast<std::size_t>(i)];
      if (x.row(one) != x.row(two)) return skipped("a near tie of different inputs");
      tied = true;
    }
  if (!tied) return skipped("no equal inputs");
  const Evaluation as_given = evaluate(subject, z, c.y, theta, 2.0);
  const Points<double> turned = evaluate(subject, z.colwise().reverse(), c.y, theta, 2.0).loss.gradient.colwise().reverse();
  LossCase square = c;
  square.p = 2.0;
  square.theta = theta;
  const CertifiedBall ball = certified_ball(*generator, u, 0.0, x);
  Judgement judgement;
  judgement.observed = (image->pullback(as_given.loss.gradient) - image->pullback(turned)).norm();
  // Equal rows may be projected to different last bits, so a target may go to either of them: that changes nothing. What is left is rounding, times ‖J‖ ≤ Λ.
  judgement.allowed =
      ball.lipschitz * (2.0 * gradient_error(subject, square, as_given) +
                        tolerance::gamma(static_cast<double>(c.n() * (u.size() + 8)) + 64.0, tolerance::unit_roundoff<double>()) * 16.0 * as_given.size);
  return judgement;
}

/// Different inputs tied along θ with different targets: φ may be any of several vectors. It is in the hull of the pull-backs of all tied matchings; and there
/// is more than one exactly where the tie is harmful.
Judgement harmful(const LossSubject& subject, const LossCase& c) {
  const RandomStream stream(c.number, Purpose::cases, 6, 2);
  PointDraws draws(stream, 0);
  const Affine<double> generator(2, c.d());
  const auto lattice = [&] { return static_cast<double>(draws.below(5)) - 2.0; };
  Points<double> x(c.n(), 2);
  Eigen::VectorXd u(generator.parameters());
  for (Index i = 0; i < u.size(); ++i) u[i] = lattice();
  for (Index i = 0; i < x.size(); ++i) x.data()[i] = lattice();
  // Two different inputs get equal images along the first row of A: (x_1 − x_0) is across it.
  if (c.n() > 1) {
    x(1, 0) = x(0, 0) - u[1];
    x(1, 1) = x(0, 1) + u[0];
  }
  const Points<double> theta = Eigen::RowVectorXd::Unit(c.d(), 0);
  const auto image = generator.linearise(u, x);  // small integers: exact in every precision
  const Points<double> z = image->images();
  const Slice slice = slice_of(subject, z, c.y, theta.row(0));
  const Points<double> vertices = tie_vertices(slice, slice.runs(2.0 * slice.delta), 120);
  bool harmful_tie = false;
  for (const auto& [begin, end] : slice.runs(0.0)) {
    const bool targets_differ = slice.b[end - 1] - slice.b[begin] > 16.0 * slice.target_error();
    const auto input = [&](Index position) { return x.row(slice.order[static_cast<std::size_t>(position)]); };
    for (Index i = begin + 1; i < end; ++i) harmful_tie = harmful_tie || (targets_differ && input(i) != input(begin));
  }
  if (!harmful_tie) return skipped("no harmful tie");
  const Evaluation at = evaluate(subject, z, c.y, theta, 2.0);
  if (!at.loss.gradient.allFinite()) return {std::numeric_limits<double>::quiet_NaN(), 0.0, std::numeric_limits<double>::quiet_NaN(), "", ""};
  const Eigen::VectorXd phi = image->pullback(at.loss.gradient);
  Points<double> pulled(vertices.rows(), phi.size());
  for (Index k = 0; k < vertices.rows(); ++k) pulled.row(k) = (image->pullback(gradient_of_targets(slice, vertices.row(k).transpose())) - phi).transpose();
  LossCase square = c;
  square.p = 2.0;
  square.theta = theta;
  const CertifiedBall ball = certified_ball(generator, u, 0.0, x);
  const double allowed = ball.lipschitz * (gradient_error(subject, square, at) + 4.0 * slice.delta);
  Judgement judgement;
  judgement.observed = minimum_norm_point(PointHull(pulled), {.gap = 0.01 * allowed, .iterations = 1000}).lower_bound;
  judgement.allowed = allowed;
  // A harmful tie has more than one pull-back; otherwise the definition, not the subject, is wrong.
  if ((pulled.rowwise() - pulled.row(0)).rowwise().norm().maxCoeff() <= 0.0) judgement.observed = std::numeric_limits<double>::infinity();
  return judgement;
}

/// The two-point line: F_n and its subdifferential from every batch, against the closed forms F_n(u) = u² + 1 − 2c_n|u| and {2u − 2c_n sign u}, [−2c_n, 2c_n]
/// at 0; and the distance of 0 to it, which is what criticality means without a ball.
Judgement two_point_line(const LossSubject& subject, const LossCase& c) {
  const Index n = 1 + static_cast<Index>(c.number % 3);
  const double c_n = line_minimiser(n);
  const double candidates[] = {0.0, c_n, -c_n, 0.25, subject.rounded(Points<double>::Constant(1, 1, c.s * (c.v.size() > 0 ? c.v[0] : 1.0)))(0, 0)};
  const double u = candidates[(c.number / 3) % 5];
  const Points<double> theta = Points<double>::Ones(1, 1);
  const auto batches = Index{1} << n;
  const auto batch = [&](Index code) {
    Points<double> points(n, 1);
    for (Index k = 0; k < n; ++k) points(k, 0) = (code >> k) % 2 == 0 ? -1.0 : 1.0;
    return points;
  };
  double mean_gradient = 0.0;
  double mean_value = 0.0;
  double value_error = 0.0;
  double slope_error = 0.0;
  double tie_width = 0.0;
  LossCase square = c;
  square.p = 2.0;
  square.theta = theta;
  square.z = Points<double>::Zero(n, 1);
  const double probability = 1.0 / static_cast<double>(batches * batches);
  for (Index i = 0; i < batches; ++i)
    for (Index j = 0; j < batches; ++j) {
      const Points<double> x = batch(i);
      const Evaluation got = evaluate(subject, subject.rounded(Points<double>(u * x)), batch(j), theta, 2.0, subject.unit_roundoff * std::abs(u));
      mean_value += probability * got.loss.value;
      mean_gradient += probability * got.loss.gradient.cwiseProduct(x).sum();
      value_error = std::max(value_error, got.value_error);
      slope_error = std::max(slope_error, gradient_error(subject, square, got));
      tie_width = std::max(tie_width, 2.0 * got.gap_error);
    }
  value_error += tolerance::gamma(256.0, tolerance::unit_roundoff<double>()) * (u * u + 2.0);
  slope_error += tolerance::gamma(256.0, tolerance::unit_roundoff<double>()) * 4.0 * (std::abs(u) + 1.0);
  // Within rounding of the tie, the subject may be on either side of it.
  const bool tied = std::abs(u) <= tie_width;
  const double low = tied ? 2.0 * u - 2.0 * c_n : (u > 0.0 ? 2.0 * u - 2.0 * c_n : 2.0 * u + 2.0 * c_n);
  const double high = tied ? 2.0 * u + 2.0 * c_n : low;
  const double outside = std::max({0.0, low - mean_gradient, mean_gradient - high});
  Judgement judgement;
  judgement.allowed = 1.0;
  judgement.observed = std::max(outside / slope_error, std::abs(mean_value - (u * u + 1.0 - 2.0 * c_n * std::abs(u))) / value_error);
  if (std::isnan(mean_gradient) || std::isnan(mean_value)) judgement.observed = std::numeric_limits<double>::quiet_NaN();
  return judgement;
}

}  // namespace

Claim claim_n6() {
  Claim claim;
  claim.id = "N6";
  claim.title = "harmful and harmless ties";
  claim.statement =
      "A tie of i and j is harmful for u ↦ f exactly where J_iᵀθ ≠ J_jᵀθ and the block's targets differ. Equal inputs are harmless: every matching pulls back "
      "to the same "
      "vector. At a harmful tie φ is in the hull of the pull-backs of all tied matchings.";
  claim.source = "own derivation (theory/nonsmooth.md)";
  claim.checks = {{"harmless", {.points = 8, .dimension = 4, .directions = 1, .large_cases = false}, harmless, false, 2},
                  {"harmful", {.points = 5, .dimension = 3, .directions = 1, .large_cases = false}, harmful}};
  return claim;
}

Claim claim_n9() {
  Claim claim;
  claim.id = "N9";
  claim.title = "criticality";
  claim.statement =
      "A measure of criticality brackets dist(0, ∂_C F(u) + N_r(u)): the two ends meet where T is smooth near u and no images coincide; at ReLU kinks the hull "
      "of the limiting "
      "gradients "
      "is the set, not the sum rule's and not back-propagation's; Goldstein's version uses one frozen set of batches, and the ray near the sphere. On the "
      "two-point line the mean over all batches of a loss's values and gradients is F_n(u) = u² + 1 − 2c_n|u| and an element of ∂_C F_n(u), with "
      "c_n = 1 − 2·C(2n, n)/4ⁿ.";
  claim.source = "own derivation (theory/nonsmooth.md); testbeds 1 and 2";
  claim.checks = {{"every batch of the two-point line", {.points = 4, .dimension = 2, .directions = 1, .large_cases = false}, two_point_line, false, 5}};
  std::get<std::vector<TypedCheck<CriticalitySubject>>>(claim.typed) = criticality_checks();
  return claim;
}

}  // namespace slicecheck
