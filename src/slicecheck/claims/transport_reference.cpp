#include "slicecheck/claims/transport_reference.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "slicecheck/claims/transport_bound.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/tolerances.h"

namespace slicecheck {

namespace {

/// Of D and P in long double. Σ ab f is as large as λ Σπ or λ Σπ²/(2ab), whatever the potentials.
double value_rounding(const TransportProblem& problem, const TextbookPotentials& p) {
  const double size = problem_scale(problem, p) + problem.lambda * (static_cast<double>(textbook_density(problem, p).cwiseAbs2().maxCoeff()) + 1.0);
  return tolerance::gamma(static_cast<double>(problem.n() * problem.m()) + 32.0, kRealUnit) * size;
}

}  // namespace

ReferenceOptimum reference_optimum(const TransportProblem& problem) {
  ReferenceOptimum optimum;
  const double spread = problem.lambda + problem.cost.cwiseAbs().maxCoeff();
  optimum.at = textbook_solution(problem, 1e-16L * static_cast<Real>(spread), 2000);
  const double terms = static_cast<double>(problem.n() * problem.m()) + 32.0;
  const double rounding = tolerance::gamma(terms, kRealUnit) * problem_scale(problem, optimum.at.potentials);
  optimum.open = std::max(optimum.at.gap, 0.0L) + static_cast<Real>(rounding);
  optimum.plan_error = std::sqrt(4.0 * static_cast<double>(optimum.open) / problem.lambda);
  return optimum;
}

double problem_scale(const TransportProblem& problem, const TextbookPotentials& potentials) {
  return static_cast<double>(potentials.phi.cwiseAbs().maxCoeff() + potentials.psi.cwiseAbs().maxCoeff()) + problem.cost.cwiseAbs().maxCoeff() + problem.lambda;
}

DualPotentials rounded_potentials(const TransportProblem& problem, const TextbookPotentials& potentials) {
  RealVector phi = potentials.phi;
  if (problem.regulariser == Regulariser::kl) phi.array() -= static_cast<Real>(problem.lambda);
  return {phi.cast<double>(), potentials.psi.cast<double>()};
}

double shortfall(const TransportProblem& problem, const DualPotentials& potentials, const ReferenceOptimum& optimum) {
  const TextbookPotentials p = textbook_potentials(problem, potentials);
  return std::max(0.0, static_cast<double>(optimum.at.value + optimum.open - textbook_dual(problem, p))) + value_rounding(problem, p);
}

double certified_shortfall(const TransportProblem& problem, const DualPotentials& potentials) {
  const TextbookPotentials p = textbook_potentials(problem, potentials);
  return std::max(0.0, static_cast<double>(textbook_gap(problem, p))) + 2.0 * value_rounding(problem, p);
}

double plan_rounding(const TransportProblem& problem, const DualPotentials& potentials, double mass) {
  const double scale = problem_scale(problem, textbook_potentials(problem, potentials));
  const double exponent = 8.0 * kDoubleUnit * scale / problem.lambda;
  return problem.regulariser == Regulariser::kl ? mass * (std::expm1(exponent) + 16.0 * kDoubleUnit) : exponent + 16.0 * kDoubleUnit * mass;
}

MarginalFit marginal_fit(const RealTable& weights, const RealTable& table) {
  const Index n = table.rows();
  const Index m = table.cols();
  Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic> normal = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>::Zero(n + m, n + m);
  normal.diagonal() << weights.rowwise().sum(), weights.colwise().sum().transpose();
  normal.topRightCorner(n, m) = weights;
  normal.bottomLeftCorner(m, n) = weights.transpose();
  const RealTable weighted = weights.cwiseProduct(table);
  RealVector right(n + m);
  right << weighted.rowwise().sum(), weighted.colwise().sum().transpose();
  MarginalFit fit{normal.completeOrthogonalDecomposition().solve(right), table};
  fit.residual.colwise() -= fit.uv.head(n);
  fit.residual.rowwise() -= fit.uv.tail(m).transpose();
  return fit;
}

SharpWeights sharp_weights(const TransportProblem& problem, const TextbookPotentials& potentials) {
  const RealTable plan = textbook_plan(problem, potentials);
  SharpWeights out;
  out.stiffness = plan;
  if (problem.regulariser == Regulariser::quadratic)
    for (Index i = 0; i < problem.n(); ++i)
      for (Index j = 0; j < problem.m(); ++j)
        out.stiffness(i, j) = plan(i, j) > 0.0L ? static_cast<Real>(problem.a[i]) * static_cast<Real>(problem.b[j]) : 0.0L;
  out.fit = marginal_fit(out.stiffness, problem.cost.cast<Real>());
  out.weights = plan - out.stiffness.cwiseProduct(out.fit.residual) / static_cast<Real>(problem.lambda);
  return out;
}

double sharp_error(const TransportProblem& problem, const SharpWeights& exact, const RealTable& direction, double plan_error, double scale) {
  const MarginalFit of_direction = marginal_fit(exact.stiffness, direction);
  const auto largest = [](const auto& table) { return static_cast<double>(table.cwiseAbs().maxCoeff()); };
  const double size = static_cast<double>(problem.n() + problem.m());
  const double rounding = 8.0 * kDoubleUnit * scale / problem.lambda + 32.0 * kDoubleUnit;
  const double moved = plan_error + rounding;
  // The stiffness of the quadratic regulariser is exact where the supports agree.
  const double of_stiffness = problem.regulariser == Regulariser::kl ? moved : 32.0 * kDoubleUnit;
  const double residuals = largest(exact.fit.residual) * largest(of_direction.residual);
  const double backward = tolerance::gamma(16.0 * size * size, kDoubleUnit) * (2.0 * static_cast<double>(exact.fit.uv.norm()) + largest(problem.cost)) *
                          (static_cast<double>(of_direction.uv.norm()) + largest(direction));
  return moved * largest(direction) + (2.0 * of_stiffness * residuals + backward) / problem.lambda;
}

TransportLine transport_line(double theta, double lambda, Regulariser regulariser) {
  TransportLine out;
  out.problem = {Vector<double>::Constant(2, 0.5), Vector<double>::Constant(2, 0.5), Points<double>(2, 2), lambda, regulariser};
  out.slopes = Points<double>(2, 2);
  for (Index i = 0; i < 2; ++i)
    for (Index j = 0; j < 2; ++j) {
      const double x = i == 0 ? 1.0 : -1.0;
      const double y = j == 0 ? 1.0 : -1.0;
      out.problem.cost(i, j) = (theta * x - y) * (theta * x - y);
      out.slopes(i, j) = 2.0 * x * (theta * x - y);
    }
  const double z = 2.0 * theta / lambda;
  double s = 0.0;
  double ds = 0.0;  // ds/dθ
  double phi = theta * theta + 1.0;
  if (regulariser == Regulariser::kl) {
    s = std::tanh(z);
    ds = 2.0 / (lambda * std::cosh(z) * std::cosh(z));
    phi -= lambda * (std::abs(z) + std::log1p(std::exp(-2.0 * std::abs(z))) - std::log(2.0));
  } else {
    s = std::clamp(z, -1.0, 1.0);
    ds = std::abs(z) < 1.0 ? 2.0 / lambda : 0.0;
    phi += std::abs(z) < 1.0 ? lambda : 2.0 * lambda - 2.0 * std::abs(theta);
  }
  out.potentials = {Vector<double>::Constant(2, phi), Vector<double>::Zero(2)};
  out.plain = 2.0 * theta - 2.0 * s;
  out.sharp = out.plain - 2.0 * theta * ds;
  return out;
}

Real paired(const RealTable& weights, const RealTable& direction) { return weights.cwiseProduct(direction).sum(); }

double against(double observed, double allowed) { return observed == 0.0 && !std::isnan(allowed) ? 0.0 : observed / allowed; }

RealTable checked_weights(const Points<double>& weights, const TransportProblem& problem) {
  if (weights.rows() != problem.n() || weights.cols() != problem.m())
    throw Error(fmt::format("the weights are {} × {}; expected {} × {}", weights.rows(), weights.cols(), problem.n(), problem.m()));
  return weights.cast<Real>();
}

}  // namespace slicecheck
