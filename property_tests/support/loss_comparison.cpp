#include "support/loss_comparison.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "slicecheck/core/tolerances.h"
#include "slicecheck/loss/reference_loss.h"

namespace slicecheck::testing {

double largest_norm(const Points<double>& points) { return points.rowwise().norm().maxCoeff(); }

namespace {

/// How far a correct evaluation with unit roundoff u may be from the reference: its value, its values per direction, and every row of its gradient.
struct Allowed {
  double value;
  Eigen::VectorXd per_direction;
  Eigen::VectorXd gradient;
};

/// Every gap errs by at most `gap_error`; a point may hold the rank of any other whose projection is within 2·gap_error of its own.
Allowed allowed_errors(const Points<double>& z, const Points<double>& y, const Points<double>& theta, double p, double gap_error, double u) {
  const auto n = static_cast<double>(z.rows());
  const auto count = static_cast<double>(theta.rows());
  const LossGradient<double> exact = ReferenceLoss(p).evaluate(z, y, theta);
  Allowed allowed{tolerance::value(exact.value, p, gap_error, z.rows() * theta.rows(), u), Eigen::VectorXd(theta.rows()), Eigen::VectorXd::Zero(z.rows())};
  for (Index l = 0; l < theta.rows(); ++l) {
    allowed.per_direction[l] = tolerance::value(exact.per_direction[l], p, gap_error, z.rows(), u);
    const Eigen::VectorXd pz = z * theta.row(l).transpose();
    Eigen::VectorXd sorted_z = pz;
    Eigen::VectorXd sorted_y = y * theta.row(l).transpose();
    std::sort(sorted_z.begin(), sorted_z.end());
    std::sort(sorted_y.begin(), sorted_y.end());
    for (Index k = 0; k < z.rows(); ++k) {
      const Index low = std::lower_bound(sorted_z.begin(), sorted_z.end(), pz[k] - 2.0 * gap_error) - sorted_z.begin();
      const Index high = std::upper_bound(sorted_z.begin(), sorted_z.end(), pz[k] + 2.0 * gap_error) - sorted_z.begin() - 1;
      const double moved = sorted_y[high] - sorted_y[low] + 2.0 * gap_error;
      const double largest = std::max(std::abs(pz[k] - sorted_y[low]), std::abs(pz[k] - sorted_y[high])) + gap_error;
      const double least = pz[k] < sorted_y[low] ? sorted_y[low] - pz[k] : pz[k] > sorted_y[high] ? pz[k] - sorted_y[high] : 0.0;
      const double of_slope = p == 1.0 ? (least <= 2.0 * gap_error ? 2.0 : 0.0) : tolerance::gap_power_derivative(p, largest, moved);
      // The weights take at most 8 roundings, and the sum over the directions one each.
      const double of_sums = tolerance::gamma(count + 8.0, u) * p * std::pow(largest, p - 1.0);
      allowed.gradient[k] += (of_slope + of_sums) / (n * count);
    }
  }
  return allowed;
}

}  // namespace

Ratios compare_with_reference(const LossGradient<double>& got, const Clouds<double>& c, double p, double size, double u) {
  const LossGradient<double> exact = ReferenceLoss(p).evaluate(c.z, c.y, c.theta);
  const Allowed allowed = allowed_errors(c.z, c.y, c.theta, p, tolerance::gap(c.z.cols(), size, u), u);
  Ratios ratios;
  const auto raise = [](double& worst, double observed, double bound) {
    const double ratio = observed / bound;
    worst = ratio <= worst ? worst : (ratio > worst ? ratio : std::numeric_limits<double>::infinity());
  };
  raise(ratios.value, std::abs(got.value - exact.value), allowed.value);
  for (Index l = 0; l < c.theta.rows(); ++l) raise(ratios.value, std::abs(got.per_direction[l] - exact.per_direction[l]), allowed.per_direction[l]);
  for (Index k = 0; k < c.z.rows(); ++k) raise(ratios.gradient, (got.gradient.row(k) - exact.gradient.row(k)).norm(), allowed.gradient[k]);
  return ratios;
}

}  // namespace slicecheck::testing
