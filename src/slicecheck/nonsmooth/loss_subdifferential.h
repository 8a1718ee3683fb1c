#pragma once
/// ∂_C of the loss in the points: of w_θ(·, Y) for one direction (claims N1, N5), and of its average over all directions of the plane.

#include <vector>

#include "slicecheck/nonsmooth/convex_set.h"

namespace slicecheck {

/// ∂_C w_θ(·, Y)(Z) for p = 2 and one fixed θ (N1), in R^{n·d}: entry k·d + j is coordinate j of the row for z_k.
///
///     { ((2/n) θ (θ·z_k − m_k))_k : m ∈ Π_blocks Perm(the block's targets) }
///
/// With the projections sorted, θ·z_(1) ≤ … ≤ θ·z_(n) and θ·y_(1) ≤ … ≤ θ·y_(n), a BLOCK is a maximal run of ranks whose computed θ·z are EXACTLY equal, and
/// its targets are the θ·y of the same ranks. With tie_width > 0 a run goes on as long as neighbours differ by at most tie_width; every point keeps its own
/// θ·z_k, so the set is then not ∂_C at Z: row by row, a member is within (2/n)‖θ‖·(width of its block) of a member of ∂_C at a cloud where the block is a
/// tie.
///
/// Without ties: the gradient alone. Equal targets in a block make no difference.
class SliceSubdifferential final : public ConvexSet {
 public:
  /// A block: rows of Z in ascending order of θ·z (equal ones by row number), and as many targets, ascending.
  struct Block {
    std::vector<Index> rows;
    Eigen::VectorXd targets;
  };

  /// z, y: n×d; theta: d entries, used as it is.
  /// @throws InputError for empty or unequal shapes, entries that are not finite, and a tie_width that is negative or not finite.
  SliceSubdifferential(PointsView<double> z, PointsView<double> y, const Eigen::RowVectorXd& theta, double tie_width = 0.0);

  [[nodiscard]] Index dimension() const override { return projections_.size() * theta_.size(); }

  /// The g ∈ ∂_C with the largest ⟨g, V⟩: every block's targets are matched OPPOSITE to θ·v, the smallest target with the largest θ·v_k (N5). The minimiser is
  /// maximiser(−V); it is also lim ∇w(Z + tV), t ↓ 0, where θ·v_k are distinct within each block (N3). AT A TIE of θ·v within a block every order is maximal;
  /// the order of the block's rows is taken.
  [[nodiscard]] Eigen::VectorXd maximiser(VectorView<double> direction) const override;

  [[nodiscard]] const std::vector<Block>& blocks() const { return blocks_; }
  [[nodiscard]] const Eigen::RowVectorXd& theta() const { return theta_; }
  [[nodiscard]] const Eigen::VectorXd& projections() const { return projections_; }  ///< θ·z_k

  /// ((2/n) θ (θ·z_k − m_k))_k for any m ∈ R^n, flattened.
  [[nodiscard]] Eigen::VectorXd gradient(VectorView<double> targets) const;

 private:
  Eigen::RowVectorXd theta_;
  Eigen::VectorXd projections_;
  std::vector<Block> blocks_;
};

/// ∂_C SW_2²(·, Y)(Z) in the plane, in R^{2n}: the average over θ of the sets above. −w_θ is Clarke regular, so averaging is exact: the support function of the
/// average is the average of the support functions.
///
/// Distinct points: {∇SW_2²(Z)}. COINCIDENT rows of Z (equal to the bit) are tied for every θ; the set is then no polytope, and the maximiser in direction V
/// matches the targets of coincident points opposite to θ·v on every arc of directions on which no two of z, y, or v of coincident points change places. Where
/// V is the same on all coincident points every member is maximal, and the mean of the block is returned (`exact_plane_sw`).
class PlaneSubdifferential final : public ConvexSet {
 public:
  /// @throws InputError as exact_plane_sw does.
  PlaneSubdifferential(PointsView<double> z, PointsView<double> y);

  [[nodiscard]] Index dimension() const override { return 2 * z_.rows(); }
  [[nodiscard]] Eigen::VectorXd maximiser(VectorView<double> direction) const override;
  [[nodiscard]] bool differentiable() const { return coincident_.empty(); }
  [[nodiscard]] double gradient_error() const { return gradient_error_; }  ///< of all rows of the mean gradient together, by rounding
  /// Pairs i < j of equal rows.
  [[nodiscard]] const std::vector<std::pair<Index, Index>>& coincident() const { return coincident_; }

 private:
  [[nodiscard]] std::vector<double> arc_ends(const Points<double>& v) const;
  [[nodiscard]] std::vector<Index> order_along(const Eigen::Vector2d& theta, const Points<double>& v) const;

  Points<double> z_;
  Points<double> y_;
  Points<double> mean_gradient_;
  double gradient_error_ = 0.0;
  std::vector<std::pair<Index, Index>> coincident_;
};

}  // namespace slicecheck
