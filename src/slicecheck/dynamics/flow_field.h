#pragma once
/// F as the flow solver sees it: smooth pieces, and the switching functions between them (claims T0, T1, T3).

#include <memory>
#include <string>
#include <vector>

#include "slicecheck/generators/generator.h"
#include "slicecheck/loss/expected_loss.h"
#include "slicecheck/measures/law.h"

namespace slicecheck {

/// F and what surrounds a point, on one piece.
struct PieceValue {
  double value = 0.0;
  Eigen::VectorXd gradient;  ///< ∇F of the piece
  Eigen::VectorXd switches;  ///< h_1(u), …, h_m(u)
};

/// A function F: R^{d_u} → R that is C¹ where no switching function h_1, …, h_m is 0. Sides s ∈ {−1, +1}^m choose a piece; the piece's F and ∇F are given for
/// all u near it, also beyond the walls h_j = 0 (its smooth extension), so that a solver can step up to a wall and look at both sides of it.
class FlowField {
 public:
  FlowField() = default;
  FlowField(const FlowField&) = delete;
  FlowField& operator=(const FlowField&) = delete;
  virtual ~FlowField() = default;

  [[nodiscard]] virtual Index parameters() const = 0;  ///< d_u
  [[nodiscard]] virtual Index switches() const = 0;    ///< m, possibly 0
  /// What is at 0 there, for readers: "hidden unit 0 at atom 2", "tie of atoms 0 and 1".
  [[nodiscard]] virtual std::string switch_name(Index j) const = 0;
  /// @throws InputError for a u of another size or not finite, and for sides that are not m values ±1.
  [[nodiscard]] virtual PieceValue evaluate(VectorView<double> u, const std::vector<int>& sides) const = 0;
  /// ∇h_j(u), on the piece.
  [[nodiscard]] virtual Eigen::VectorXd switch_gradient(VectorView<double> u, Index j, const std::vector<int>& sides) const = 0;
};

/// F(u) = E f(u, X, Y, θ) between finite laws, batches of n, by `ExpectedLoss`.
///
/// Switches: every hidden unit with a kink (relu, leaky_relu) at every atom of the source, h = its pre-activation; and in dimension 1 every pair of atoms of
/// the source, h = T(u, x_a) − T(u, x_b). In the plane two images coincide on a set of codimension 2 only, near which the field is merely steep.
class FiniteFlowField final : public FlowField {
 public:
  /// @throws InputError as FiniteObjective does. Kinks are known for DenseMlp and TiedMlp; any other generator must be smooth in u, which is the caller's
  /// promise.
  FiniteFlowField(std::shared_ptr<const Generator<double>> generator, const Law& source, const Law& target, Index n);
  ~FiniteFlowField() override;

  [[nodiscard]] Index parameters() const override;
  [[nodiscard]] Index switches() const override;
  [[nodiscard]] std::string switch_name(Index j) const override;
  [[nodiscard]] PieceValue evaluate(VectorView<double> u, const std::vector<int>& sides) const override;
  [[nodiscard]] Eigen::VectorXd switch_gradient(VectorView<double> u, Index j, const std::vector<int>& sides) const override;

  [[nodiscard]] const ExpectedLoss& loss() const;
  [[nodiscard]] const Points<double>& inputs() const;  ///< the atoms of the source
  [[nodiscard]] const Generator<double>& generator() const;

 private:
  struct Parts;
  std::unique_ptr<const Parts> parts_;
};

/// The signs of the switching functions at u; 0 for |h_j| ≤ width.
std::vector<int> sides_at(const FlowField& field, VectorView<double> u, double width = 0.0);

/// F(u), for any u: on a wall all pieces that meet there have one value.
double value_at(const FlowField& field, VectorView<double> u);

/// ∇F(u) where u is on no wall; on a wall, that of the piece with h_j > 0.
Eigen::VectorXd gradient_at(const FlowField& field, VectorView<double> u);

}  // namespace slicecheck
