#include "slicecheck/loss/regularised/sinkhorn_loss.h"

#include "slicecheck/loss/regularised/transport_gradient.h"
#include "slicecheck/loss/regularised/transport_solver.h"

namespace slicecheck {

TransportProblem SinkhornProblem::between() const { return {a, b, xy, lambda, regulariser}; }
TransportProblem SinkhornProblem::within_x() const { return {a, a, xx, lambda, regulariser}; }
TransportProblem SinkhornProblem::within_y() const { return {b, b, yy, lambda, regulariser}; }

SinkhornProblem sinkhorn_problem(GroundCost cost, VectorView<double> a, PointsView<double> z, VectorView<double> b, PointsView<double> y, double lambda,
                                 Regulariser regulariser) {
  return {a, b, cost_matrix(cost, z, y), cost_matrix(cost, z, z), cost_matrix(cost, y, y), lambda, regulariser};
}

SinkhornLoss sinkhorn_loss(const SinkhornProblem& problem, const SolverSettings& settings) {
  SinkhornLoss loss;
  loss.xy = solve_transport(problem.between(), settings);
  loss.xx = solve_transport(problem.within_x(), settings);
  loss.yy = solve_transport(problem.within_y(), settings);
  loss.combine();
  return loss;
}

void SinkhornLoss::combine() {
  value = 2.0 * xy.dual_value - xx.dual_value - yy.dual_value;
  sharp_value = 2.0 * xy.transport - xx.transport - yy.transport;
  gap = 2.0 * (xy.gap + xy.floor) + xx.gap + xx.floor + yy.gap + yy.floor;
}

Points<double> sinkhorn_gradient(const SinkhornProblem& problem, const SinkhornLoss& loss, GroundCost cost, PointsView<double> z, PointsView<double> y) {
  const Points<double> between = gradient_weights(problem.between(), loss.xy.potentials);
  const Points<double> within = gradient_weights(problem.within_x(), loss.xx.potentials);
  const Points<double> both_slots = within + within.transpose();
  return 2.0 * cost_pullback(cost, z, y, between) - cost_pullback(cost, z, z, both_slots);
}

}  // namespace slicecheck
