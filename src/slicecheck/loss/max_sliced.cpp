#include "slicecheck/loss/max_sliced.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

#include "slicecheck/core/error.h"

namespace slicecheck {

namespace {

using Row = Eigen::RowVectorXd;

constexpr Index kFewAxes = 8;  // up to this dimension every coordinate axis is a start

/// w_θ and Mθ of two centred clouds.
class SortedPair {
 public:
  SortedPair(Points<double> z, Points<double> y) : z_(std::move(z)), y_(std::move(y)), of_z_(size()), of_y_(size()), gap_z_(z_.rows()), gap_y_(z_.rows()) {}

  [[nodiscard]] Index dimension() const { return z_.cols(); }

  /// w_θ; keeps the matching for `pull`.
  double value(const Row& theta) {
    sort_along(theta, z_, of_z_);
    sort_along(theta, y_, of_y_);
    double sum = 0.0;
    for (std::size_t rank = 0; rank < of_z_.size(); ++rank) {
      const double gap = of_z_[rank].first - of_y_[rank].first;
      gap_z_[of_z_[rank].second] = gap;
      gap_y_[of_y_[rank].second] = gap;
      sum += gap * gap;
    }
    return sum / static_cast<double>(z_.rows());
  }

  /// Mθ at the θ of the last `value`.
  [[nodiscard]] Row pull() const { return (gap_z_.transpose() * z_ - gap_y_.transpose() * y_) / static_cast<double>(z_.rows()); }

  [[nodiscard]] Row mean_gap() const { return z_.colwise().mean() - y_.colwise().mean(); }

  /// Axes of the largest and the smallest eigenvalue of Cov(Z) − Cov(Y).
  [[nodiscard]] std::pair<Row, Row> covariance_axes() const {
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(Eigen::MatrixXd(covariance(z_) - covariance(y_)));
    return {solver.eigenvectors().col(dimension() - 1).transpose(), solver.eigenvectors().col(0).transpose()};
  }

 private:
  using Order = std::vector<std::pair<double, Index>>;

  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(z_.rows()); }

  void sort_along(const Row& theta, const Points<double>& cloud, Order& order) {
    projected_.noalias() = cloud * theta.transpose();
    for (Index k = 0; k < cloud.rows(); ++k) order[static_cast<std::size_t>(k)] = {projected_[k], k};
    std::sort(order.begin(), order.end());
  }

  static Eigen::MatrixXd covariance(const Points<double>& cloud) {
    const Points<double> centred = cloud.rowwise() - cloud.colwise().mean();
    return centred.transpose() * centred / static_cast<double>(cloud.rows());
  }

  Points<double> z_;
  Points<double> y_;
  Order of_z_;
  Order of_y_;
  Eigen::VectorXd gap_z_;
  Eigen::VectorXd gap_y_;
  Eigen::VectorXd projected_;
};

/// Climbs from a unit vector; what comes back is never below w there.
MaxSliced climb(SortedPair& pair, const Row& start, const MaxSlicedSettings& settings) {
  MaxSliced best{pair.value(start), start, 0};
  double stretch = 1.0;  // angle of the next trial, in power steps
  while (best.iterations < settings.largest_steps) {
    const Row pull = pair.pull();  // the last value taken was that of best.direction, see the end of the loop
    Row tangent = pull - pull.dot(best.direction) * best.direction;
    const double slope = tangent.norm();
    if (!(slope > 0.0)) break;
    tangent /= slope;
    const double power_angle = std::atan2(slope, best.value);
    double angle = std::min(stretch * power_angle, std::numbers::pi / 2.0);
    bool shortened = false;
    Row trial;
    double value = 0.0;
    while (angle >= settings.smallest_angle) {
      trial = (std::cos(angle) * best.direction + std::sin(angle) * tangent).normalized();
      value = pair.value(trial);
      if (value > best.value) break;
      angle /= 2.0;
      shortened = true;
    }
    if (!(angle >= settings.smallest_angle)) break;
    stretch = shortened ? angle / power_angle : 2.0 * angle / power_angle;
    const double gain = value - best.value;
    best = {value, trial, best.iterations + 1};
    if (gain <= settings.smallest_relative_gain * value) break;
  }
  return best;
}

void check(PointsView<double> z, PointsView<double> y, const MaxSlicedSettings& settings) {
  if (z.rows() != y.rows() || z.cols() != y.cols() || z.rows() == 0 || z.cols() == 0)
    reject("max-SW: the clouds are {} × {} and {} × {}; they must have one shape and at least one point", z.rows(), z.cols(), y.rows(), y.cols());
  if (!z.allFinite()) reject("max-SW: the first cloud has an entry that is not finite");
  if (!y.allFinite()) reject("max-SW: the second cloud has an entry that is not finite");
  if (settings.random_starts < 0) reject("max-SW: the number of random starts is {}; it must not be negative", settings.random_starts);
  if (settings.largest_steps < 1) reject("max-SW: the number of steps is 0; it must be at least 1");
  if (!(settings.smallest_angle > 0.0)) reject("max-SW: the smallest angle is {}; it must be positive", settings.smallest_angle);
  if (!(settings.smallest_relative_gain > 0.0)) reject("max-SW: the smallest gain is {}; it must be positive", settings.smallest_relative_gain);
}

std::vector<Row> starts(const SortedPair& pair, const MaxSlicedSettings& settings, const RandomStream& stream) {
  const Index d = pair.dimension();
  std::vector<Row> out;
  const Row gap = pair.mean_gap();
  if (gap.norm() > 0.0) out.emplace_back(gap.normalized());
  const auto [largest, smallest] = pair.covariance_axes();
  out.emplace_back(largest.normalized());  // the solver's vectors are unit vectors up to a few more roundings
  out.emplace_back(smallest.normalized());
  if (d <= kFewAxes)
    for (Index j = 0; j < d; ++j) out.emplace_back(Row::Unit(d, j));
  if (settings.random_starts > 0) {
    const Points<double> random = uniform_directions<double>(stream, settings.random_starts, d);
    for (Index l = 0; l < random.rows(); ++l) out.emplace_back(random.row(l));
  }
  return out;
}

}  // namespace

MaxSliced max_sliced_w2_squared(PointsView<double> z, PointsView<double> y, const MaxSlicedSettings& settings, const RandomStream& stream) {
  check(z, y, settings);
  const Row centre = y.colwise().mean();  // moves no gap, and keeps the digits of clouds far from 0
  const Points<double> moved_z = z.rowwise() - centre;
  const Points<double> moved_y = y.rowwise() - centre;
  // No gap exceeds the sum of the largest norms.
  const double largest = moved_z.rowwise().norm().maxCoeff() + moved_y.rowwise().norm().maxCoeff();
  if (!std::isfinite(largest * largest * static_cast<double>(z.rows())))
    reject("max-SW: the clouds reach {} from the mean of the second; its square overflows", largest);
  SortedPair pair(moved_z, moved_y);
  MaxSliced best{-1.0, {}, 0};
  std::uint64_t iterations = 0;
  for (const Row& start : starts(pair, settings, stream)) {
    MaxSliced found = climb(pair, start, settings);
    iterations += found.iterations;
    if (found.value > best.value) best = std::move(found);
  }
  best.iterations = iterations;
  return best;
}

double relative_spread_of_translation(Index d) {
  if (d < 1) reject("the dimension is {}; it must be at least 1", d);
  const auto dimension = static_cast<double>(d);
  return std::sqrt(2.0 * (dimension - 1.0) / (dimension + 2.0));
}

}  // namespace slicecheck
