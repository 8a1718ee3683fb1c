#pragma once
/// The cases of the claims R: small transport problems of many kinds, and families θ ↦ C(θ) with the constants that the theorems ask for.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "slicecheck/claims/dynamics_trial.h"
#include "slicecheck/claims/typed_check.h"
#include "slicecheck/loss/regularised/transport_bounds.h"
#include "slicecheck/loss/regularised/transport_cost.h"
#include "slicecheck/loss/regularised/transport_problem.h"

namespace slicecheck {

/// What a drawn problem must be.
struct TransportWish {
  std::optional<Regulariser> regulariser;  ///< none: either
  double least_lambda = 1e-2;              ///< λ is uniform in the logarithm between these, in units of max C − min C (1 where that is 0)
  double largest_lambda = 1e2;
  Index least_atoms = 1;
};

/// A problem with the kind of its weights and costs.
struct TransportCase {
  TransportProblem problem;
  std::string kind;

  /// a, b, C, λ as the reader sees them.
  [[nodiscard]] std::vector<NamedValues> values() const;
};

/// n weights: uniform, random, or skewed (one of them 10⁻⁶ of the others).
Vector<double> draw_weights(PointDraws& draws, Index n);

/// n points in R^d: normal, on a grid (ties, duplicates), or all but equal.
Points<double> draw_atoms(PointDraws& draws, Index n, Index d);

/// n, m ≤ size + 1 atoms. Costs: L1, squared, cosine of points (normal, integers with ties and duplicates, nearly equal), a metric of a random graph, a matrix
/// of normals of any sign, a checkerboard, a constant, squared distances with 10⁶ added.
TransportCase draw_transport_case(PointDraws& draws, int size, const TransportWish& wish = {});

/// θ ↦ C(θ) on a ball, with constants that hold there.
struct CostFamily {
  std::string kind;
  Vector<double> a;
  Vector<double> b;
  double lambda = 1.0;
  Regulariser regulariser = Regulariser::kl;
  Eigen::VectorXd centre;  ///< of the ball of θ
  double radius = 1.0;
  bool everywhere = false;  ///< L1 and sharp_L0 hold for every θ, not on the ball only
  std::function<Points<double>(const Eigen::VectorXd&)> cost;
  std::function<std::vector<Points<double>>(const Eigen::VectorXd&)> derivatives;  ///< ∂C/∂θ_k, n×m each
  CostConstants constants;
  double sharp_L0 = 0.0;            ///< L0⊥ (R5); L0 where nothing better is known
  double least_cost = 0.0;          ///< a lower bound on C for every θ; −∞ where there is none
  std::vector<NamedValues> points;  ///< the atoms, for the reader

  [[nodiscard]] Index parameters() const { return centre.size(); }
  /// The transport problem at θ.
  [[nodiscard]] TransportProblem at(const Eigen::VectorXd& theta) const { return {a, b, cost(theta), lambda, regulariser}; }
  /// Σ W ∇C(θ).
  [[nodiscard]] Eigen::VectorXd gradient(PointsView<double> weights, const Eigen::VectorXd& theta) const;
  /// Uniform in direction, anywhere in the ball.
  [[nodiscard]] Eigen::VectorXd draw_theta(PointDraws& draws) const;
  [[nodiscard]] std::vector<NamedValues> values() const;
};

/// The kinds of families.
enum class FamilyKind {
  checkerboard,    ///< C = −θxy, x, y = ±1, uniform: every bound is attained
  bilinear,        ///< C = −⟨x, Θy⟩
  affine_squared,  ///< ‖Ax + b − y‖², θ = (A by rows, b)
  translation,     ///< ‖x + θ − y‖²
  affine_cosine,   ///< cosine of Ax + b and y, ‖Ax + b‖ ≥ r on the ball
  identity,        ///< C = −θ·1[i = j]: few pairs carry all of ∇C, so that L̃0 is much below L0
};

/// A family of that kind with n, m ≤ size + 1 atoms, the regulariser as given.
CostFamily draw_family(PointDraws& draws, FamilyKind kind, Regulariser regulariser, int size);
/// A family of any kind, either regulariser.
CostFamily draw_family(PointDraws& draws, int size);

}  // namespace slicecheck
