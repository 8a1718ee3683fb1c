#pragma once
/// Everything that claims judge of an implementation of regularised transport, in one class that defects derive from.

#include <string>
#include <vector>

#include "slicecheck/loss/regularised/sinkhorn_loss.h"
#include "slicecheck/loss/regularised/transport_problem.h"

namespace slicecheck {

/// The free functions of this folder as methods: a user's implementation, or a planted defect, overrides what it does differently. Shapes, conventions at
/// kinks and errors are those of the free functions of the same name.
class RegularisedTransport {
 public:
  virtual ~RegularisedTransport() = default;

  /// `solve_transport`.
  [[nodiscard]] virtual TransportSolution solve(const TransportProblem& problem, const SolverSettings& settings, const DualPotentials* start = nullptr) const;
  /// `plan_density`.
  [[nodiscard]] virtual Points<double> density(const TransportProblem& problem, const DualPotentials& potentials) const;
  /// `dual_value`.
  [[nodiscard]] virtual double dual(const TransportProblem& problem, const DualPotentials& potentials) const;
  /// `regularisation`.
  [[nodiscard]] virtual double regularisation_of(const TransportProblem& problem, PointsView<double> plan) const;
  /// `duality_gap`.
  [[nodiscard]] virtual double gap(const TransportProblem& problem, const DualPotentials& potentials, PointsView<double> plan) const;
  /// `gradient_weights`.
  [[nodiscard]] virtual Points<double> weights_of_d(const TransportProblem& problem, const DualPotentials& potentials) const;
  /// `sharp_gradient_weights`.
  [[nodiscard]] virtual Points<double> weights_of_sharp_d(const TransportProblem& problem, const DualPotentials& potentials) const;
  /// `minibatch_weights`.
  [[nodiscard]] virtual Points<double> weights_of_batch(const TransportProblem& problem, const DualPotentials& potentials, const std::vector<Index>& x,
                                                        const std::vector<Index>& y) const;
  /// `cost_pullback`.
  [[nodiscard]] virtual Points<double> pullback(GroundCost cost, PointsView<double> z, PointsView<double> y, PointsView<double> weights) const;
  /// `sinkhorn_loss`, by `solve`.
  [[nodiscard]] virtual SinkhornLoss loss(const SinkhornProblem& problem, const SolverSettings& settings) const;
  /// `sinkhorn_gradient`.
  [[nodiscard]] virtual Points<double> loss_gradient(const SinkhornProblem& problem, const SinkhornLoss& loss, GroundCost cost, PointsView<double> z,
                                                     PointsView<double> y) const;
};

}  // namespace slicecheck
