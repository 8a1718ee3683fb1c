#include "slicecheck/loss/regularised/transport_gradient.h"

#include <Eigen/Dense>

#include "slicecheck/core/error.h"
#include "slicecheck/loss/regularised/transport_dual.h"

namespace slicecheck {

namespace {

/// u, v with Σ_j S_ij (C_ij − u_i − v_j) = 0 for every i and Σ_i likewise: the weighted least-squares fit of C by u ⊕ v (one null direction per component of
/// S).
Points<double> residual_cost(PointsView<double> weights, PointsView<double> cost) {
  const Index n = cost.rows();
  const Index m = cost.cols();
  Eigen::MatrixXd normal = Eigen::MatrixXd::Zero(n + m, n + m);
  normal.topLeftCorner(n, n).diagonal() = weights.rowwise().sum();
  normal.bottomRightCorner(m, m).diagonal() = weights.colwise().sum().transpose();
  normal.topRightCorner(n, m) = weights;
  normal.bottomLeftCorner(m, n) = weights.transpose();
  Eigen::VectorXd right(n + m);
  const Points<double> weighted = weights.cwiseProduct(cost);
  right.head(n) = weighted.rowwise().sum();
  right.tail(m) = weighted.colwise().sum().transpose();
  const Eigen::VectorXd uv = normal.completeOrthogonalDecomposition().solve(right);
  Points<double> residual = cost;
  residual.colwise() -= uv.head(n);
  residual.rowwise() -= uv.tail(m).transpose();
  return residual;
}

/// How often each atom was drawn.
Vector<double> counts(const std::vector<Index>& drawn, Index atoms, const char* law) {
  Vector<double> times = Vector<double>::Zero(atoms);
  for (const Index i : drawn) {
    if (i < 0 || i >= atoms) reject("a minibatch has the index {} of {}; expected one of {} atoms, from 0", i, law, atoms);
    times[i] += 1.0;
  }
  return times;
}

void require_size(const TransportProblem& problem, PointsView<double> matrix, const char* name) {
  if (matrix.rows() != problem.n() || matrix.cols() != problem.m())
    reject("the {} is {} × {}; expected {} × {}, as the cost matrix", name, matrix.rows(), matrix.cols(), problem.n(), problem.m());
}

}  // namespace

Points<double> gradient_weights(const TransportProblem& problem, const DualPotentials& potentials) { return plan_of(problem, potentials); }

Points<double> sharp_gradient_weights(const TransportProblem& problem, const DualPotentials& potentials) {
  // d̄ = ⟨π*, C⟩, so ∇d̄ = Σ π ∇C + Σ C dπ. KL: dπ = π (dφ ⊕ −dψ − dC)/λ without marginals; quadratic: the same with ab·1[V > 0] in place of π. In both the
  // adjoint is −S·residual/λ, residual of C after the fit by u ⊕ v with weights S.
  const Points<double> plan = plan_of(problem, potentials);
  Points<double> stiffness = plan;
  if (problem.regulariser == Regulariser::quadratic)
    stiffness = (problem.a * problem.b.transpose()).cwiseProduct(Points<double>((plan.array() > 0.0).cast<double>()));
  return sharp_gradient_weights(problem, plan, stiffness);
}

Points<double> sharp_gradient_weights(const TransportProblem& problem, PointsView<double> plan, PointsView<double> stiffness) {
  require_size(problem, plan, "plan");
  require_size(problem, stiffness, "stiffness");
  return plan - stiffness.cwiseProduct(residual_cost(stiffness, problem.cost)) / problem.lambda;
}

Points<double> minibatch_weights(const TransportProblem& problem, const DualPotentials& potentials, const std::vector<Index>& x, const std::vector<Index>& y) {
  if (x.empty() || x.size() != y.size()) reject("a minibatch has {} and {} points; expected equally many, at least one", x.size(), y.size());
  const Vector<double> of_x = counts(x, problem.n(), "x");
  const Vector<double> of_y = counts(y, problem.m(), "y");
  const double size = static_cast<double>(x.size());
  return (of_x * of_y.transpose()).cwiseProduct(plan_density(problem, potentials)) / (size * size);
}

}  // namespace slicecheck
