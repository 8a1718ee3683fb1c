#pragma once
/// The Sinkhorn loss L_λ = 2 d(G, Y) − d(G, G) − d(Y, Y) (claims R12–R14, R16).

#include "slicecheck/loss/regularised/transport_cost.h"
#include "slicecheck/loss/regularised/transport_problem.h"

namespace slicecheck {

/// The three cost matrices of two finite laws.
struct SinkhornProblem {
  Vector<double> a;   ///< n weights
  Vector<double> b;   ///< m weights
  Points<double> xy;  ///< n×m
  Points<double> xx;  ///< n×n, symmetric
  Points<double> yy;  ///< m×m, symmetric
  double lambda = 1.0;
  Regulariser regulariser = Regulariser::kl;

  [[nodiscard]] TransportProblem between() const;
  [[nodiscard]] TransportProblem within_x() const;
  [[nodiscard]] TransportProblem within_y() const;
};

/// The three matrices of a cost between clouds z n×d and y m×d.
/// @throws InputError as `cost_matrix`.
SinkhornProblem sinkhorn_problem(GroundCost cost, VectorView<double> a, PointsView<double> z, VectorView<double> b, PointsView<double> y, double lambda,
                                 Regulariser regulariser);

/// L_λ with what is known of its error.
struct SinkhornLoss {
  double value = 0.0;        ///< with d
  double sharp_value = 0.0;  ///< with d̄ in place of d: the paper's (9)
  double gap = 0.0;          ///< 2 gap_xy + gap_xx + gap_yy + floors: |value − L_λ| is at most that
  TransportSolution xy;
  TransportSolution xx;
  TransportSolution yy;

  /// Sets value, sharp_value and gap from the three solutions.
  void combine();

  [[nodiscard]] bool certified() const {
    return xy.outcome == SolverOutcome::certified && xx.outcome == SolverOutcome::certified && yy.outcome == SolverOutcome::certified;
  }
};

/// Solves the three problems.
/// @throws InputError as `solve_transport`, for each of them.
SinkhornLoss sinkhorn_loss(const SinkhornProblem& problem, const SolverSettings& settings);

/// ∇_z of the loss with d, n×d: 2 Σ_j π_ij ∂c(z_i, y_j) − both slots of Σ π^xx_kl c(z_k, z_l). At a kink of the cost as `cost_pullback`.
/// @throws InputError as `gradient_weights` and `cost_pullback`: where the loss or the clouds are not of this problem's sizes.
Points<double> sinkhorn_gradient(const SinkhornProblem& problem, const SinkhornLoss& loss, GroundCost cost, PointsView<double> z, PointsView<double> y);

}  // namespace slicecheck
