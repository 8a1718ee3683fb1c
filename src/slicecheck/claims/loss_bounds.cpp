#include "slicecheck/claims/loss_bounds.h"

#include <cmath>

#include "slicecheck/core/error.h"

namespace slicecheck {

Evaluation evaluate(const LossSubject& subject, const Points<double>& z, const Points<double>& y, const Points<double>& theta, double p, double moved) {
  Evaluation out;
  out.loss = subject.evaluate(z, y, theta, p);
  if (out.loss.gradient.rows() != z.rows() || out.loss.gradient.cols() != z.cols())
    reject("the gradient is {} × {}; the cloud is {} × {}", out.loss.gradient.rows(), out.loss.gradient.cols(), z.rows(), z.cols());
  out.size = largest_norm(z) + largest_norm(y);
  out.gap_error = tolerance::gap(z.cols(), out.size, subject.unit_roundoff) + moved;
  out.value_error = tolerance::value(std::abs(out.loss.value), p, out.gap_error, z.rows() * theta.rows(), subject.unit_roundoff);
  return out;
}

double gradient_error(const LossSubject& subject, const LossCase& c, const Evaluation& evaluation) {
  const double at_gaps = tolerance::gap_power_derivative(c.p, evaluation.size, evaluation.gap_error);
  // Each entry of the gradient is a sum of L products with weights of at most 8 roundings, in the subject's scalar; the claim then adds up to n·d of them in
  // double.
  const double in_subject = tolerance::gamma(static_cast<double>(c.theta.rows() + c.d()) + 8.0, subject.unit_roundoff);
  const double in_double = tolerance::gamma(static_cast<double>(c.n() * (c.d() + 1)), tolerance::unit_roundoff<double>());
  return at_gaps + (in_subject + in_double) * c.p * std::pow(evaluation.size, c.p - 1.0);
}

Reflected reflected(const LossSubject& subject, const Points<double>& points, const Eigen::RowVectorXd& v) {
  const double square = v.squaredNorm();
  Points<double> out = points;
  if (square > 0.0) out -= (points * v.transpose()) * (v * (2.0 / square));
  // Two inner products, a quotient, a product, a difference: at most 2d + 6 roundings of numbers that add up to at most 3‖x‖; then one rounding to the scalar.
  const double error = 3.0 * tolerance::gamma(2.0 * static_cast<double>(points.cols()) + 6.0, tolerance::unit_roundoff<double>()) + 1.5 * subject.unit_roundoff;
  return {subject.rounded(out), error};
}

}  // namespace slicecheck
