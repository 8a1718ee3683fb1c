#pragma once
/// Compact convex sets known through their support functions: what the Clarke subdifferentials of claims N1, N5 and N9 are made of.

#include <functional>
#include <memory>
#include <vector>

#include "slicecheck/core/types.h"

namespace slicecheck {

/// A non-empty compact convex set C in R^d, as an oracle for the linear maximisation over it. Sums, linear images and translates of such oracles are such
/// oracles, so that sets with far too many vertices to list are still at hand.
class ConvexSet {
 public:
  ConvexSet() = default;
  ConvexSet(const ConvexSet&) = delete;
  ConvexSet& operator=(const ConvexSet&) = delete;
  virtual ~ConvexSet() = default;

  /// d ≥ 1.
  [[nodiscard]] virtual Index dimension() const = 0;

  /// Some g ∈ C with ⟨g, direction⟩ = max_{c∈C} ⟨c, direction⟩; direction: d entries, any length, 0 included (then any point of C will do).
  ///
  /// AT A TIE, where several points are maximal (the support function has a kink there), one of them is returned, always the same for the same direction; each
  /// class says which. The sets of this file return extreme points of what they are made of, never averages.
  /// @throws InputError unless direction has d finite entries.
  [[nodiscard]] virtual Eigen::VectorXd maximiser(VectorView<double> direction) const = 0;

  /// The support function max_{c∈C} ⟨c, direction⟩. It does not depend on how ties are broken.
  /// @throws InputError as maximiser does.
  [[nodiscard]] double support(VectorView<double> direction) const;

 protected:
  /// Rejects a direction of another size or with an entry that is not finite.
  void check_direction(VectorView<double> direction) const;
};

/// conv{p_1, …, p_k}, the rows of a k×d matrix; rows may repeat. At a tie: the row of the smallest number.
///
/// Rounding: the row chosen is maximal up to 2γ_d·‖direction‖·max‖p_i‖, the error of the two inner products compared.
class PointHull final : public ConvexSet {
 public:
  /// @throws InputError unless points has k, d ≥ 1 and finite entries.
  explicit PointHull(Points<double> points);

  [[nodiscard]] Index dimension() const override { return points_.cols(); }
  [[nodiscard]] Eigen::VectorXd maximiser(VectorView<double> direction) const override;
  [[nodiscard]] const Points<double>& points() const { return points_; }

 private:
  Points<double> points_;
};

/// The permutohedron conv{(v_π(1), …, v_π(n))}, over all n! permutations π, of the values v_1, …, v_n, which may repeat (N1).
///
/// The maximiser puts the values in the order of the direction, the largest where the direction is largest (rearrangement inequality; N5: with the minus sign
/// of N1 this is "sorted opposite"), O(n log n). At a tie of the direction: the smaller value goes to the smaller index. No rounding: values are only moved.
class Permutohedron final : public ConvexSet {
 public:
  /// @throws InputError unless there is at least one value and all are finite.
  explicit Permutohedron(VectorView<double> values);

  [[nodiscard]] Index dimension() const override { return ascending_.size(); }
  [[nodiscard]] Eigen::VectorXd maximiser(VectorView<double> direction) const override;

 private:
  Eigen::VectorXd ascending_;
};

/// Σ_t weight_t·C_t = {Σ_t weight_t·c_t : c_t ∈ C_t}, weights ≥ 0 (a weight 0 contributes {0}). Support functions add up with these weights, and so do
/// maximisers; at a tie each term breaks its own.
class MinkowskiSum final : public ConvexSet {
 public:
  /// weight·set.
  struct Term {
    double weight;
    std::shared_ptr<const ConvexSet> set;
  };

  /// @throws InputError unless there is a term, all sets are there and of one dimension, and every weight is finite and ≥ 0.
  explicit MinkowskiSum(std::vector<Term> terms);

  [[nodiscard]] Index dimension() const override { return terms_.front().set->dimension(); }
  [[nodiscard]] Eigen::VectorXd maximiser(VectorView<double> direction) const override;

 private:
  std::vector<Term> terms_;
};

/// A·C = {A c : c ∈ C} in R^m for a linear map A: R^d → R^m. Since ⟨A c, direction⟩ = ⟨c, Aᵀ direction⟩, a maximiser is A·(C's maximiser of Aᵀ direction); at
/// a tie C breaks it. Where Aᵀ direction = 0, all of A·C is maximal.
class LinearImage final : public ConvexSet {
 public:
  /// A linear map of vectors.
  using Map = std::function<Eigen::VectorXd(VectorView<double>)>;

  /// By its matrix, m×d.
  /// @throws InputError unless inner is there, matrix has m ≥ 1 rows, inner->dimension() columns, and finite entries.
  LinearImage(Points<double> matrix, std::shared_ptr<const ConvexSet> inner);

  /// By the two maps c ↦ A c and direction ↦ Aᵀ direction (a generator's pullback, say), for which no matrix is at hand. That the two are transposes of each
  /// other is the caller's promise; without it the points returned are still in A·C, but they are not maximal.
  /// @throws InputError unless inner and both maps are there and image_dimension ≥ 1; maximiser throws it where a map returns a vector of another size or
  /// with an entry that is not finite.
  LinearImage(Index image_dimension, Map forward, Map transpose, std::shared_ptr<const ConvexSet> inner);

  [[nodiscard]] Index dimension() const override { return image_dimension_; }
  [[nodiscard]] Eigen::VectorXd maximiser(VectorView<double> direction) const override;

 private:
  Index image_dimension_;
  Map forward_;
  Map transpose_;
  std::shared_ptr<const ConvexSet> inner_;
};

/// C + offset. The maximiser does not depend on the offset, but for being moved by it.
class Translated final : public ConvexSet {
 public:
  /// @throws InputError unless inner is there and offset has inner->dimension() finite entries.
  Translated(std::shared_ptr<const ConvexSet> inner, Eigen::VectorXd offset);

  [[nodiscard]] Index dimension() const override { return offset_.size(); }
  [[nodiscard]] Eigen::VectorXd maximiser(VectorView<double> direction) const override;

 private:
  std::shared_ptr<const ConvexSet> inner_;
  Eigen::VectorXd offset_;
};

/// A compact part of the normal cone N_r(u) of the ball B(0, r) that serves for dist(0, C + N_r(u)) as well as the whole cone (N9): the segment
/// conv{0, (K/‖u‖) u} where ‖u‖ = r, and {0} where ‖u‖ < r.
///
/// WHY IT IS EXACT, if bound = K ≥ max{‖g‖ : g ∈ C}. On the sphere N_r(u) is the ray {t u : t ≥ 0}, which has no maximiser in the directions that make an
/// acute angle with u. For each g ∈ C the best t of min_{t≥0} ‖g + t u‖ is t = max(0, −⟨g, u⟩)/r², and t·‖u‖ ≤ ‖g‖ ≤ K by Cauchy and Schwarz. So for every g
/// the nearest point of g + N_r(u) to 0 is one of g + segment; the minimum over g is the same. A smaller K may be wrong (C = {−K u/r}); a larger one is not.
///
/// ON THE SPHERE means ‖u‖ ≥ r − slack, up to the rounding of a norm and of a projection onto the ball, r·γ_{d+8}: a projected point that lands a rounding
/// inside still has its ray. slack > 0 gives the cone of Goldstein's enlargement, with r − slack ≤ ‖u‖ allowed. The end of the segment is lengthened by the
/// same rounding, never shortened.
/// @throws InputError unless u has at least one entry and finite ones; radius is finite and > 0; 0 ≤ bound, finite; 0 ≤ slack < radius; ‖u‖ ≤ r up to the
/// rounding above (outside of the ball there is no normal cone).
std::shared_ptr<const ConvexSet> bounded_normal_cone(VectorView<double> u, double radius, double bound, double slack = 0.0);

}  // namespace slicecheck
