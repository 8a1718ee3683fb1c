/// N1, N2, N4: which gradients a loss may return at a tie.

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "slicecheck/claims/nonsmooth.h"
#include "slicecheck/claims/tie_membership.h"
#include "slicecheck/nonsmooth/convex_set.h"
#include "slicecheck/nonsmooth/minimum_norm.h"

namespace slicecheck {

namespace {

constexpr CaseLimits kEnumerated{.points = 5, .dimension = 3, .directions = 1, .large_cases = false};

void keep_worse(Judgement& worst, const Judgement& other) {
  if (!(other.ratio() <= worst.ratio())) worst = other;
}

/// The gradient along the first direction, with the rows of Z handed over in the given order and taken back.
Points<double> gradient_in_order(const LossSubject& subject, const LossCase& c, const std::vector<Index>& order) {
  Points<double> z(c.n(), c.d());
  for (Index k = 0; k < c.n(); ++k) z.row(k) = c.z.row(order[static_cast<std::size_t>(k)]);
  const Points<double> got = subject.evaluate(z, c.y, c.theta.topRows(1), 2.0).gradient;
  Points<double> gradient(c.n(), c.d());
  for (Index k = 0; k < c.n(); ++k) gradient.row(order[static_cast<std::size_t>(k)]) = got.row(k);
  return gradient;
}

std::vector<std::vector<Index>> some_orders(const LossCase& c) {
  std::vector<Index> rows(static_cast<std::size_t>(c.n()));
  std::iota(rows.begin(), rows.end(), Index{0});
  std::vector<Index> reversed(rows.rbegin(), rows.rend());
  return {rows, reversed, c.order};
}

Judgement member(const LossSubject& subject, const LossCase& c) {
  const Slice slice = slice_of(subject, c.z, c.y, c.theta.row(0));
  return judge_membership(slice, subject.evaluate(c.z, c.y, c.theta.topRows(1), 2.0).gradient);
}

/// The sum of all targets is the sum of the b's: Σ_k g_k = (2/n) θ (Σ a − Σ b), at ties as well; it holds for the mean over any directions.
Judgement total(const LossSubject& subject, const LossCase& c) {
  const Evaluation got = evaluate(subject, c.z, c.y, c.theta, 2.0);
  LossCase square = c;
  square.p = 2.0;
  const Eigen::RowVectorXd gap = 2.0 * (c.z.colwise().mean() - c.y.colwise().mean());
  const Eigen::RowVectorXd expected = (c.theta * gap.transpose()).transpose() * c.theta / static_cast<double>(c.theta.rows());
  Judgement judgement;
  judgement.observed = (got.loss.gradient.colwise().sum() - expected).norm();
  judgement.allowed = gradient_error(subject, square, got) +
                      tolerance::gamma(static_cast<double>(c.n() + c.d() + c.theta.rows()) + 16.0, tolerance::unit_roundoff<double>()) * 2.0 * got.size;
  return judgement;
}

/// The mean of gradients for several orders of the rows lies in the hull of all tied matchings, found by enumeration and a minimum-norm point: nothing is
/// sorted, no inequality of Rado's is used.
Judgement enumerated(const LossSubject& subject, const LossCase& c) {
  const Slice slice = slice_of(subject, c.z, c.y, c.theta.row(0));
  Points<double> mean = Points<double>::Zero(c.n(), c.d());
  const auto orders = some_orders(c);
  for (const auto& order : orders) mean += gradient_in_order(subject, c, order) / static_cast<double>(orders.size());
  Judgement judgement;
  if (!mean.allFinite()) {
    judgement.observed = std::numeric_limits<double>::quiet_NaN();
    return judgement;
  }
  const Eigen::VectorXd m = matched_targets(slice, mean);
  Points<double> vertices = tie_vertices(slice, slice.runs(2.0 * slice.delta), 120);
  vertices.rowwise() -= m.transpose();
  const double allowed = std::sqrt(static_cast<double>(c.n())) * (slice.target_error() + slice.delta);
  const MinimumNorm nearest = minimum_norm_point(PointHull(vertices), {.gap = 0.01 * allowed, .iterations = 1000});
  judgement.observed = nearest.lower_bound;  // certified: the true distance is at least this
  judgement.allowed = allowed;
  return judgement;
}

Judgement every_order(const LossSubject& subject, const LossCase& c) {
  const Slice slice = slice_of(subject, c.z, c.y, c.theta.row(0));
  Judgement worst;
  worst.allowed = 1.0;
  for (const auto& order : some_orders(c)) {
    Judgement judgement = judge_membership(slice, gradient_in_order(subject, c, order));
    if (!judgement.skipped.empty()) return judgement;
    keep_worse(worst, judgement);
  }
  return worst;
}

/// A convex combination of the gradients of different orders is a member: an averaged gradient, judged by majorisation.
Judgement combination(const LossSubject& subject, const LossCase& c) {
  const Slice slice = slice_of(subject, c.z, c.y, c.theta.row(0));
  Points<double> mean = Points<double>::Zero(c.n(), c.d());
  const std::array<double, 3> weights{0.5, 0.25, 0.25};
  const auto orders = some_orders(c);
  for (std::size_t i = 0; i < orders.size(); ++i) mean += weights.at(i) * gradient_in_order(subject, c, orders[i]);
  return judge_membership(slice, mean);
}

}  // namespace

Claim claim_n1() {
  Claim claim;
  claim.id = "N1";
  claim.title = "the Clarke subdifferential of w_θ";
  claim.statement =
      "∂_C w_θ(·, Y)(Z) is the set of ((2/n) θ (θ·z_k − m_k))_k, where within each block of equal θ·z_k the m's are in the permutohedron of the block's sorted "
      "θ·y. A gradient is judged by δ-membership: it lies in this set at some Z' with ‖Z' − Z‖_{∞,2} ≤ δ, δ the rounding of the projections.";
  claim.source = "own derivation (theory/nonsmooth.md)";
  claim.checks = {{"gradient is a member", {}, member}, {"sum of the rows", {}, total}};
  return claim;
}

Claim claim_n2() {
  Claim claim;
  claim.id = "N2";
  claim.title = "membership is majorisation";
  claim.statement =
      "m is in the permutohedron of the block's targets exactly where it is majorised by them (Rado). The mean of a subject's gradients over orders of its "
      "rows is "
      "compared with the hull of all tied matchings, by enumeration, for n ≤ 5.";
  claim.source = "Rado 1952; theory/nonsmooth.md";
  claim.checks = {{"means over row orders, by enumeration", kEnumerated, enumerated}};
  return claim;
}

Claim claim_n4() {
  Claim claim;
  claim.id = "N4";
  claim.title = "every tie-break is a member";
  claim.statement =
      "Whatever order the rows of Z are handed over in, and so however ties are broken, the gradient is in ∂_C w_θ within rounding; so is every convex "
      "combination of "
      "such gradients.";
  claim.source = "own derivation (theory/nonsmooth.md)";
  claim.checks = {{"every order of the rows", {.points = 40, .dimension = 8, .directions = 1, .large_cases = false}, every_order},
                  {"convex combinations", {.points = 40, .dimension = 8, .directions = 1, .large_cases = false}, combination}};
  return claim;
}

}  // namespace slicecheck
