#include "slicecheck/loss/regularised/transport_bounds.h"

#include <algorithm>
#include <boost/math/special_functions/lambert_w.hpp>
#include <cmath>
#include <limits>

#include "slicecheck/core/error.h"

namespace slicecheck {

namespace {

double entropy(VectorView<double> weights) { return -(weights.array() * weights.array().log()).sum(); }

/// E of C under the product of the weights.
double mean_cost(VectorView<double> a, PointsView<double> cost, VectorView<double> b) { return a.dot(cost * b); }

}  // namespace

double mass_error(double kappa) {
  if (!(kappa >= 0.0)) reject("kappa is {}; expected a number ≥ 0", kappa);
  if (kappa == 0.0 || std::isinf(kappa)) return kappa;
  double t = 0.0;
  if (kappa < 1e-3) {  // W₋₁ cancels near its branch point; √(2κ) + 2κ/3 + … is a start for Newton's method there
    const double s = std::sqrt(2.0 * kappa);
    t = s + s * s / 3.0 + s * s * s / 36.0;
  } else if (kappa < 600.0) {
    t = -1.0 - boost::math::lambert_wm1(-std::exp(-1.0 - kappa));
  } else {
    t = kappa + std::log(kappa);
  }
  for (int k = 0; k < 4; ++k) {  // t − ln(1 + t) = κ
    const double excess =
        t < 1e-2 ? t * t * (0.5 - t * (1.0 / 3.0 - t * (0.25 - t * (0.2 - t * (1.0 / 6.0 - t * (1.0 / 7.0 - t / 8.0)))))) - kappa : t - std::log1p(t) - kappa;
    t -= excess * (1.0 + t) / t;
  }
  return t;
}

Points<double> centred_cost(const TransportProblem& problem) {
  Points<double> centred = problem.cost;
  const Vector<double> rows = centred * problem.b;
  centred.colwise() -= rows;
  const Vector<double> columns = centred.transpose() * problem.a;
  centred.rowwise() -= columns.transpose();
  return centred;
}

double TransportBounds::smoothness(const CostConstants& constants, double lambda, Regulariser regulariser) const {
  const double L0 = regulariser == Regulariser::kl ? constants.L0 : constants.rms_L0;
  return constants.L1 + L0 * L0 / lambda;
}

double TransportBounds::plan_stability(const CostConstants& constants, double lambda, Regulariser regulariser) const {
  return (regulariser == Regulariser::kl ? constants.L0 : constants.rms_L0) / lambda;
}

double TransportBounds::gradient_error(double gap, const CostConstants& constants, double lambda, Regulariser regulariser, bool unit_mass) const {
  const double kappa = gap / lambda;
  if (regulariser == Regulariser::quadratic) return constants.rms_L0 * std::sqrt(2.0 * kappa);
  return constants.L0 * (unit_mass ? std::sqrt(2.0 * kappa) : mass_error(kappa));
}

double TransportBounds::largest_step(const CostConstants& constants) const { return 1.0 / constants.L1; }

double TransportBounds::stationarity(double excess, double alpha, double steps, double delta_squared, double L, double sigma_squared) const {
  return 2.0 * excess / (alpha * steps) + delta_squared + L * alpha * sigma_squared;
}

double TransportBounds::batch_variance(double v_xy, double v_x, double v_y, double batch) const {
  return (v_xy + (batch - 1.0) * (v_x + v_y)) / (batch * batch);
}

double TransportBounds::loss_gradient_error(double delta) const { return 3.0 * delta; }

double TransportBounds::loss_noise(double sigma_squared, bool shared_batch) const { return (shared_batch ? 9.0 : 5.0) * sigma_squared; }

double TransportBounds::loss_smoothness(double between, double within) const { return 2.0 * between + within; }

TransportInterval TransportBounds::small_lambda(const TransportProblem& problem, double exact) const {
  if (problem.regulariser == Regulariser::kl) return {exact, exact + problem.lambda * std::min(entropy(problem.a), entropy(problem.b))};
  return {exact + 0.5 * problem.lambda, exact + 0.5 * problem.lambda * static_cast<double>(std::min(problem.n(), problem.m()))};
}

TransportInterval TransportBounds::large_lambda(const TransportProblem& problem) const {
  const double mean = mean_cost(problem.a, problem.cost, problem.b);
  const Points<double> centred = centred_cost(problem);
  if (problem.regulariser == Regulariser::kl) {
    const double oscillation = centred.maxCoeff() - centred.minCoeff();
    return {mean - oscillation * oscillation / (8.0 * problem.lambda), mean};
  }
  const double low = mean + 0.5 * problem.lambda - mean_cost(problem.a, Points<double>(centred.array().square()), problem.b) / (2.0 * problem.lambda);
  return {low, problem.lambda >= centred.maxCoeff() ? low : mean + 0.5 * problem.lambda};
}

double TransportBounds::loss_at_infinity(const SinkhornProblem& problem) const {
  return 2.0 * mean_cost(problem.a, problem.xy, problem.b) - mean_cost(problem.a, problem.xx, problem.a) - mean_cost(problem.b, problem.yy, problem.b);
}

double TransportBounds::weighted_stationarity(double excess, VectorView<double> alpha, VectorView<double> delta_squared, double L,
                                              VectorView<double> sigma_squared) const {
  return (2.0 * excess + alpha.dot(delta_squared) + L * alpha.cwiseAbs2().dot(sigma_squared)) / alpha.sum();
}

}  // namespace slicecheck
