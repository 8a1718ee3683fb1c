#pragma once
/// Is a gradient in the Clarke subdifferential of w_θ at a point within δ of Z? Claims N1, N2 and N4, with rounding.

#include "slicecheck/claims/loss_bounds.h"
#include "slicecheck/claims/loss_subject.h"
#include "slicecheck/claims/verdict.h"

namespace slicecheck {

/// Points of one direction that rounding cannot tell apart are merged into clusters, for averaged gradients only, up to this size; beyond it nothing is judged.
constexpr Index kLargestCluster = 64;

/// What one direction sees of a case: p = 2, w_θ(Z, Y) = (1/n) Σ_k (θ·z_(k) − θ·y_(k))².
struct Slice {
  Eigen::RowVectorXd theta;
  Eigen::VectorXd a;         ///< θ·z_k
  Eigen::VectorXd b;         ///< θ·y_k, sorted
  std::vector<Index> order;  ///< rows of Z by ascending a
  double size = 0.0;         ///< max‖z‖ + max‖y‖
  double delta = 0.0;        ///< δ: how far the subject's projections and ours may be from the exact ones
  double unit_roundoff = 0.0;

  [[nodiscard]] Index n() const { return a.size(); }
  /// Bound on the error of every target that `matched_targets` recovers.
  [[nodiscard]] double target_error() const;
  /// Runs [begin, end) of `order` chained by differences of at most `width`: blocks of ties for width 0, clusters for 2δ.
  [[nodiscard]] std::vector<std::pair<Index, Index>> runs(double width) const;
};

/// The slice of the clouds along theta, δ derived from the rounding of the subject's projections (tolerance::gap), and from `moved` where the clouds had to be
/// rounded.
Slice slice_of(const LossSubject& subject, const Points<double>& z, const Points<double>& y, const Eigen::RowVectorXd& theta, double moved = 0.0);

/// The m_k of a gradient ((2/n) θ (θ·z_k − m_k))_k: what each point was matched with, an average of targets for an averaged gradient.
Eigen::VectorXd matched_targets(const Slice& slice, const Points<double>& gradient);

/// δ-membership: the gradient lies in ∂_C w_θ(·, Y) at some Z' with ‖Z' − Z‖_{∞,2} ≤ δ.
///
/// Every row must be along θ. A gradient that is a matching (its targets are the b's) is judged by its inversions: each must be between points whose
/// projections differ by at most 2δ; there is no transitive merging. Any other gradient is judged by majorisation (Rado) within clusters chained at 2δ; a
/// cluster of more than `kLargestCluster` points is not judged: skipped. observed / allowed ≤ 1 exactly where it is a member; NaN refutes.
Judgement judge_membership(const Slice& slice, const Points<double>& gradient);

/// All products of permutations within the given runs, as rows: the vertices m of the subdifferential (each row in the order of Z's rows).
/// @throws InputError where there are more than `most` of them.
Points<double> tie_vertices(const Slice& slice, const std::vector<std::pair<Index, Index>>& runs, Index most);

/// The gradient ((2/n) θ (a_k − m_k))_k.
Points<double> gradient_of_targets(const Slice& slice, const Eigen::VectorXd& targets);

/// The targets of the vertex that minimises (alike) or maximises (opposite) ⟨g, V⟩ over the subdifferential, blocks being exact ties: each block's b's sorted
/// like, or opposite to, θ·v (N5).
Eigen::VectorXd extreme_targets(const Slice& slice, const Eigen::VectorXd& along, bool alike);

}  // namespace slicecheck
