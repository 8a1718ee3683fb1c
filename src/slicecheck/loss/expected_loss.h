#pragma once
/// The expected loss between BATCHES from two finite laws, without enumerating the batches (testbeds 1–4; claims T0–T5).

#include <optional>
#include <vector>

#include "slicecheck/core/types.h"

namespace slicecheck {

/// E w and its derivative, as a function of where the source's atoms lie.
struct ExpectedLossValue {
  double value = 0.0;
  Points<double> gradient;  ///< A×d, row a for atom a
};

/// L(Z) = E w_θ((z_{a_1}, …, z_{a_n}), (y_{b_1}, …, y_{b_n})), p = 2: a_k i.i.d. from the probabilities P of A source atoms, b_k from Q of B target atoms,
/// independent, and θ uniform on the sphere (d ≤ 2, exactly) or on given directions. With Z = T_u(atoms), L(Z) = F(u) and F's gradient is its pull-back.
///
/// ORDER STATISTICS INSTEAD OF BATCHES. At one θ let the atoms be in the order of their projections. The k-th smallest of n draws lies among the first j atoms
/// with probability H_k(P_j) = P(Binomial(n, P_j) ≥ k), P_j the sum of the first j probabilities; so it is atom j with c_{kj} = H_k(P_j) − H_k(P_{j−1}), and
/// likewise e_{kl} for the target. X and Y are independent, hence w = (1/n) Σ_k (…)² has the expectation
///
///     Σ_{jl} G_{jl} (θ·z_j − θ·y_l)²,      G_{jl} = (1/n) Σ_k c_{kj} e_{kl},
///
/// the transport cost of the EXPECTED MATCHING G, a coupling of P and Q that depends on the two orders alone. `FiniteObjective` sums over all
/// C(A+n−1, n)·C(B+n−1, n) pairs of multisets instead and agrees (tests); here the cost is A·B an order, whatever n.
///
/// In the plane the orders change at the angles where two atoms of one side have equal projections, at most A(A−1)/2 + B(B−1)/2 of them; between two angles
/// ∫θθᵀ is elementary. Orders are found afresh at the middle of each arc, so that a rounding can misplace only arcs as short as rounding.
///
/// AT A TIE. L is differentiable in the plane where the atoms' images are distinct; images that coincide exactly share the mean of their block, weighted by P:
/// a member of the Clarke subdifferential. In dimension 1, and for given directions, equal projections share their block's mean too, unless `evaluate` is given
/// an order: then the gradient is that of the smooth piece that has this order.
class ExpectedLoss {
 public:
  /// θ uniform on the sphere; d = 1 or 2.
  /// @throws InputError unless probabilities are positive, finite and add up to 1 up to 10⁻⁹, n ≥ 1, targets is B×d with finite entries.
  ExpectedLoss(std::vector<double> source_probabilities, Points<double> targets, std::vector<double> target_probabilities, Index n);
  /// θ uniform on the rows of directions (L×d, any d): a quadrature, or a training that draws θ from these.
  ExpectedLoss(std::vector<double> source_probabilities, Points<double> targets, std::vector<double> target_probabilities, Index n, Points<double> directions);

  [[nodiscard]] Index source_atoms() const { return static_cast<Index>(p_.size()); }
  [[nodiscard]] Index dimension() const { return targets_.cols(); }
  [[nodiscard]] Index n() const { return n_; }
  [[nodiscard]] const std::vector<double>& source_probabilities() const { return p_; }

  /// G for source atoms in `source_order` and targets in `target_order`, A×B: entry (a, b) is about ATOMS a and b, not about positions.
  /// @throws InputError unless each order holds every atom once.
  [[nodiscard]] Points<double> matching(const std::vector<Index>& source_order, const std::vector<Index>& target_order) const;

  /// images: A×d. @throws InputError for another shape or entries that are not finite.
  [[nodiscard]] ExpectedLossValue evaluate(PointsView<double> images) const;
  /// d = 1 without directions: the smooth piece on which the atoms have this order, extended to all images.
  [[nodiscard]] ExpectedLossValue evaluate_in_order(PointsView<double> images, const std::vector<Index>& source_order) const;

 private:
  /// H_k(P_j) = P(Binomial(n, P_j) ≥ k) for the atoms in the given order: n×(atoms + 1).
  [[nodiscard]] Eigen::MatrixXd tails(const std::vector<double>& probabilities, const std::vector<Index>& order) const;
  [[nodiscard]] Eigen::MatrixXd matching_by_position(const std::vector<Index>& source_order, const std::vector<Index>& target_order) const;
  void prepare();
  [[nodiscard]] ExpectedLossValue evaluate_line(PointsView<double> images, const std::vector<Index>& source_order, bool share) const;
  [[nodiscard]] ExpectedLossValue evaluate_plane(PointsView<double> images) const;
  [[nodiscard]] ExpectedLossValue evaluate_directions(PointsView<double> images) const;

  std::vector<double> p_;
  Points<double> targets_;
  std::vector<double> q_;
  Index n_;
  std::optional<Points<double>> directions_;
  bool uniform_ = false;                           // equal probabilities on both sides: one matching by position serves all orders
  Eigen::MatrixXd by_position_;                    // A×B, where uniform_
  std::vector<double> target_angles_;              // plane: where two targets change places, in [0, π), ascending
  std::vector<std::vector<Index>> target_orders_;  // line: one; given directions: one each
};

}  // namespace slicecheck
