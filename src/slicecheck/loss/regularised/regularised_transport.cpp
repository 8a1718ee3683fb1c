#include "slicecheck/loss/regularised/regularised_transport.h"

#include "slicecheck/loss/regularised/transport_dual.h"
#include "slicecheck/loss/regularised/transport_gradient.h"
#include "slicecheck/loss/regularised/transport_solver.h"

namespace slicecheck {

TransportSolution RegularisedTransport::solve(const TransportProblem& problem, const SolverSettings& settings, const DualPotentials* start) const {
  return solve_transport(problem, settings, start);
}

Points<double> RegularisedTransport::density(const TransportProblem& problem, const DualPotentials& potentials) const {
  return plan_density(problem, potentials);
}

double RegularisedTransport::dual(const TransportProblem& problem, const DualPotentials& potentials) const { return dual_value(problem, potentials); }

double RegularisedTransport::regularisation_of(const TransportProblem& problem, PointsView<double> plan) const { return regularisation(problem, plan); }

double RegularisedTransport::gap(const TransportProblem& problem, const DualPotentials& potentials, PointsView<double> plan) const {
  return duality_gap(problem, potentials, plan);
}

Points<double> RegularisedTransport::weights_of_d(const TransportProblem& problem, const DualPotentials& potentials) const {
  return gradient_weights(problem, potentials);
}

Points<double> RegularisedTransport::weights_of_sharp_d(const TransportProblem& problem, const DualPotentials& potentials) const {
  return sharp_gradient_weights(problem, potentials);
}

Points<double> RegularisedTransport::weights_of_batch(const TransportProblem& problem, const DualPotentials& potentials, const std::vector<Index>& x,
                                                      const std::vector<Index>& y) const {
  return minibatch_weights(problem, potentials, x, y);
}

Points<double> RegularisedTransport::pullback(GroundCost cost, PointsView<double> z, PointsView<double> y, PointsView<double> weights) const {
  return cost_pullback(cost, z, y, weights);
}

SinkhornLoss RegularisedTransport::loss(const SinkhornProblem& problem, const SolverSettings& settings) const {
  SinkhornLoss loss;
  loss.xy = solve(problem.between(), settings);
  loss.xx = solve(problem.within_x(), settings);
  loss.yy = solve(problem.within_y(), settings);
  loss.combine();
  return loss;
}

Points<double> RegularisedTransport::loss_gradient(const SinkhornProblem& problem, const SinkhornLoss& loss, GroundCost cost, PointsView<double> z,
                                                   PointsView<double> y) const {
  return sinkhorn_gradient(problem, loss, cost, z, y);
}

}  // namespace slicecheck
