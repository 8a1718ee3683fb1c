#include "slicecheck/loss/regularised/transport_dual.h"

#include <algorithm>
#include <cmath>

#include "slicecheck/core/error.h"
#include "slicecheck/core/tolerances.h"

namespace slicecheck {

namespace {

void require_sizes(const TransportProblem& problem, const DualPotentials& potentials) {
  if (potentials.phi.size() != problem.n() || potentials.psi.size() != problem.m())
    reject("the potentials have {} and {} entries; expected {} and {}", potentials.phi.size(), potentials.psi.size(), problem.n(), problem.m());
}

/// V/λ.
Points<double> scaled_violation(const TransportProblem& problem, const DualPotentials& potentials) {
  require_sizes(problem, potentials);
  Points<double> v = -problem.cost;
  v.colwise() += potentials.phi;
  v.rowwise() -= potentials.psi.transpose();
  return v / problem.lambda;
}

Points<double> product(const TransportProblem& problem) { return problem.a * problem.b.transpose(); }

/// x ln(x/y) − x + y ≥ 0 without cancellation near x = y; y for x = 0.
double generalised_divergence(double x, double y) {
  if (!(x > 0.0)) return y;
  const double t = (x - y) / y;
  if (std::abs(t) < 0.1) {  // y [(1 + t) ln(1 + t) − t], by its series where it cancels
    double sum = 0.0;
    double power = t;
    for (int k = 2; k < 30; ++k) {
      power *= -t;
      const double term = -power / (static_cast<double>(k) * static_cast<double>(k - 1));
      sum += term;
      if (std::abs(term) <= 1e-18 * std::abs(sum)) break;
    }
    return y * sum;
  }
  return x * std::log(x / y) - x + y;
}

}  // namespace

Points<double> plan_density(const TransportProblem& problem, const DualPotentials& potentials) {
  const Points<double> v = scaled_violation(problem, potentials);
  if (problem.regulariser == Regulariser::kl) return v.array().exp();
  return v.array().max(0.0);
}

Points<double> plan_of(const TransportProblem& problem, const DualPotentials& potentials) {
  return product(problem).cwiseProduct(plan_density(problem, potentials));
}

double dual_value(const TransportProblem& problem, const DualPotentials& potentials) {
  const Points<double> v = scaled_violation(problem, potentials);
  const double linear = problem.a.dot(potentials.phi) - problem.b.dot(potentials.psi);
  if (problem.regulariser == Regulariser::kl) return linear - problem.lambda * problem.a.dot(v.unaryExpr([](double t) { return std::expm1(t); }) * problem.b);
  return linear - 0.5 * problem.lambda * problem.a.dot(Points<double>(v.array().max(0.0).square()) * problem.b);
}

double regularisation(const TransportProblem& problem, PointsView<double> plan) {
  const Points<double> ab = product(problem);
  double sum = 0.0;
  for (Index i = 0; i < plan.rows(); ++i)
    for (Index j = 0; j < plan.cols(); ++j) {
      const double p = plan(i, j);
      if (problem.regulariser == Regulariser::quadratic)
        sum += 0.5 * p * (p / ab(i, j));
      else if (p > 0.0)
        sum += p * std::log(p / ab(i, j));
    }
  return sum;
}

Points<double> feasible_plan(const TransportProblem& problem, const DualPotentials& potentials) {
  Points<double> plan = plan_of(problem, potentials);
  for (Index i = 0; i < plan.rows(); ++i) {
    const double mass = plan.row(i).sum();
    if (mass > problem.a[i]) plan.row(i) *= problem.a[i] / mass;
  }
  for (Index j = 0; j < plan.cols(); ++j) {
    const double mass = plan.col(j).sum();
    if (mass > problem.b[j]) plan.col(j) *= problem.b[j] / mass;
  }
  const Vector<double> rows = (problem.a - plan.rowwise().sum()).cwiseMax(0.0);
  const Vector<double> columns = (problem.b - plan.colwise().sum().transpose()).cwiseMax(0.0);
  const double missing = columns.sum();
  if (missing > 0.0) plan += rows * columns.transpose() / missing;
  return plan;
}

double duality_gap(const TransportProblem& problem, const DualPotentials& potentials, PointsView<double> plan) {
  const Points<double> v = scaled_violation(problem, potentials);
  const Points<double> ab = product(problem);
  double sum = 0.0;
  for (Index i = 0; i < plan.rows(); ++i)
    for (Index j = 0; j < plan.cols(); ++j) {
      const double p = plan(i, j);
      if (problem.regulariser == Regulariser::kl) {
        const double own = ab(i, j) * std::exp(v(i, j));
        sum += own > 0.0 ? generalised_divergence(p, own) : (p > 0.0 ? p * (std::log(p / ab(i, j)) - v(i, j)) - p : 0.0);
      } else {
        const double moved = p / ab(i, j) - std::max(v(i, j), 0.0);
        sum += 0.5 * ab(i, j) * moved * moved + p * std::max(-v(i, j), 0.0);
      }
    }
  const Vector<double> rows = plan.rowwise().sum() - problem.a;
  const Vector<double> columns = plan.colwise().sum().transpose() - problem.b;
  return problem.lambda * sum + potentials.phi.dot(rows) - potentials.psi.dot(columns);
}

double certificate_floor(const TransportProblem& problem, const DualPotentials& potentials) {
  const double size = potentials.phi.cwiseAbs().maxCoeff() + potentials.psi.cwiseAbs().maxCoeff() + problem.cost.cwiseAbs().maxCoeff();
  return tolerance::gamma(static_cast<double>(problem.n() + problem.m()) + 16.0, tolerance::unit_roundoff<double>()) * size;
}

}  // namespace slicecheck
