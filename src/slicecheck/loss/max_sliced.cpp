#include "slicecheck/loss/max_sliced.h"

#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

#include "slicecheck/core/error.h"
#include "slicecheck/loss/plane_sweep.h"

namespace slicecheck {

namespace {

using Row = Eigen::RowVectorXd;

constexpr Index kFewAxes = 8;  // up to this dimension the coordinate axes are looked at
constexpr double kLargestOfSweep = 0x1p500;

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

  /// Axes of the largest and the smallest eigenvalue of Cov(Z) − Cov(Y); where d > 2n, of those within the span of the centred points.
  [[nodiscard]] std::pair<Row, Row> covariance_axes() const {
    const Index n = z_.rows();
    const Eigen::MatrixXd z = (z_.rowwise() - z_.colwise().mean()).transpose();
    const Eigen::MatrixXd y = (y_.rowwise() - y_.colwise().mean()).transpose();
    if (dimension() <= 2 * n) {
      const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(Eigen::MatrixXd(z * z.transpose() - y * y.transpose()));
      return {solver.eigenvectors().col(dimension() - 1).transpose(), solver.eigenvectors().col(0).transpose()};
    }
    Eigen::MatrixXd both(dimension(), 2 * n);
    both << z, y;
    const Eigen::HouseholderQR<Eigen::MatrixXd> basis(both);
    const Eigen::MatrixXd triangle = basis.matrixQR().topRows(2 * n).triangularView<Eigen::Upper>();
    const auto of_z = triangle.leftCols(n);
    const auto of_y = triangle.rightCols(n);
    const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(Eigen::MatrixXd(of_z * of_z.transpose() - of_y * of_y.transpose()));
    const auto axis = [&](Index which) -> Row {
      Eigen::VectorXd padded = Eigen::VectorXd::Zero(dimension());
      padded.head(2 * n) = solver.eigenvectors().col(which);
      return (basis.householderQ() * padded).transpose();
    };
    return {axis(2 * n - 1), axis(0)};
  }

 private:
  using Order = std::vector<std::pair<double, Index>>;

  [[nodiscard]] std::size_t size() const { return static_cast<std::size_t>(z_.rows()); }

  void sort_along(const Row& theta, const Points<double>& cloud, Order& order) {
    projected_.noalias() = cloud * theta.transpose();
    for (Index k = 0; k < cloud.rows(); ++k) order[static_cast<std::size_t>(k)] = {projected_[k], k};
    std::sort(order.begin(), order.end());
  }

  Points<double> z_;
  Points<double> y_;
  Order of_z_;
  Order of_y_;
  Eigen::VectorXd gap_z_;
  Eigen::VectorXd gap_y_;
  Eigen::VectorXd projected_;
};

/// What an ascent has found.
struct Found {
  double value;
  Row direction;
  std::uint64_t steps = 0;
};

/// θ ← norm(θ + s_k t/‖t‖), s_k = first_step · decay^k, from a unit vector; the best direction on the way, the start among them.
Found ascend(SortedPair& pair, const Row& start, const MaxSlicedSettings& settings) {
  Row theta = start;
  double value = pair.value(theta);
  Found best{value, theta};
  double step = settings.first_step;
  for (std::uint64_t k = 0; k < settings.steps; ++k) {
    const Row pull = pair.pull();
    Row tangent = pull - pull.dot(theta) * theta;
    const double slope = tangent.norm();
    if (!(slope > 0.0)) break;
    theta = (theta + (step / slope) * tangent).normalized();
    value = pair.value(theta);
    if (value > best.value) {
      best.value = value;
      best.direction = theta;
    }
    ++best.steps;
    step *= settings.decay;
  }
  return best;
}

/// Climbs from a unit vector; what comes back is never below w there.
Found climb(SortedPair& pair, const Row& start, const MaxSlicedSettings& settings) {
  Found best{pair.value(start), start};
  double stretch = 1.0;  // angle of the next trial, in power steps
  while (best.steps < settings.largest_steps) {
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
    best = {value, trial, best.steps + 1};
    if (gain <= settings.smallest_relative_gain * value) break;
  }
  return best;
}

void check(PointsView<double> z, PointsView<double> y, const MaxSlicedSettings& settings, const Row& previous) {
  if (z.rows() != y.rows() || z.cols() != y.cols() || z.rows() == 0 || z.cols() == 0)
    reject("max-SW: the clouds are {} × {} and {} × {}; they must have one shape and at least one point", z.rows(), z.cols(), y.rows(), y.cols());
  if (!z.allFinite()) reject("max-SW: the first cloud has an entry that is not finite");
  if (!y.allFinite()) reject("max-SW: the second cloud has an entry that is not finite");
  if (previous.size() != 0) {
    if (previous.size() != z.cols()) reject("max-SW: the direction to begin with has {} entries; the clouds have dimension {}", previous.size(), z.cols());
    const double length = previous.stableNorm();
    if (!(std::isfinite(length) && length > 0.0)) reject("max-SW: the direction to begin with has the length {}; it must be finite and positive", length);
  }
  const auto positive = [](double value, const char* name) {
    if (!(std::isfinite(value) && value > 0.0)) reject("max-SW: {} is {}; it must be finite and positive", name, value);
  };
  if (settings.random_starts < 0) reject("max-SW: the number of random starts is {}; it must not be negative", settings.random_starts);
  if (settings.scanned < 0) reject("max-SW: the number of directions looked at is {}; it must not be negative", settings.scanned);
  if (settings.largest_steps < 1) reject("max-SW: the number of steps is 0; it must be at least 1");
  positive(settings.first_step, "the first step");
  positive(settings.smallest_angle, "the smallest angle");
  positive(settings.smallest_relative_gain, "the smallest gain");
  if (!(settings.decay > 0.0 && settings.decay < 1.0)) reject("max-SW: the decay of the steps is {}; it must be between 0 and 1", settings.decay);
}

/// The best of the coordinate axes and of the first `scanned` rows; empty if there are none.
Row best_looked_at(SortedPair& pair, const Points<double>& random, Index scanned) {
  Row best;
  double value = -1.0;
  const auto look = [&](const Row& theta) {
    const double here = pair.value(theta);
    if (!(here > value)) return;
    value = here;
    best = theta;
  };
  if (pair.dimension() <= kFewAxes)
    for (Index j = 0; j < pair.dimension(); ++j) look(Row::Unit(pair.dimension(), j));
  for (Index l = 0; l < scanned; ++l) look(random.row(l));
  return best;
}

Points<double> starts(SortedPair& pair, const MaxSlicedSettings& settings, const RandomStream& stream, const Row& previous) {
  const Index d = pair.dimension();
  std::vector<Row> out;
  const auto add = [&](const Row& direction) {
    const Row unit = direction.stableNormalized();  // a solver's vectors are unit vectors up to a few more roundings
    if (unit.allFinite() && unit.norm() > 0.5) out.push_back(unit);
  };
  if (previous.size() != 0) add(previous);
  add(pair.mean_gap());
  if (settings.covariance_starts) {
    const auto [largest, smallest] = pair.covariance_axes();
    add(largest);
    add(smallest);
  }
  Points<double> random(0, d);
  if (settings.scanned + settings.random_starts > 0) random = uniform_directions<double>(stream, settings.scanned + settings.random_starts, d);
  const Row looked_at = best_looked_at(pair, random, settings.scanned);
  if (looked_at.size() != 0) out.push_back(looked_at);
  for (Index l = settings.scanned; l < random.rows(); ++l) out.emplace_back(random.row(l));
  if (out.empty()) out.emplace_back(Row::Unit(d, 0));
  Points<double> rows(static_cast<Index>(out.size()), d);
  for (std::size_t i = 0; i < out.size(); ++i) rows.row(static_cast<Index>(i)) = out[i];
  return rows;
}

}  // namespace

MaxSliced max_sliced_w2_squared(PointsView<double> z, PointsView<double> y, const MaxSlicedSettings& settings, const RandomStream& stream,
                                const Eigen::RowVectorXd& previous) {
  check(z, y, settings, previous);
  const Row centre = y.colwise().mean();  // moves no gap, and keeps the digits of clouds far from 0
  const Points<double> moved_z = z.rowwise() - centre;
  const Points<double> moved_y = y.rowwise() - centre;
  // No gap exceeds the sum of the largest norms.
  const double largest = moved_z.rowwise().norm().maxCoeff() + moved_y.rowwise().norm().maxCoeff();
  if (!std::isfinite(largest * largest * static_cast<double>(z.rows())))
    reject("max-SW: the clouds reach {} from the mean of the second; its square overflows", largest);
  SortedPair pair(moved_z, moved_y);
  MaxSliced best;
  best.starts.resize(0, z.cols());
  best.exact = z.rows() == 1 || z.cols() == 1;
  const bool within_sweep = std::max(z.cwiseAbs().maxCoeff(), y.cwiseAbs().maxCoeff()) <= kLargestOfSweep;
  if (z.cols() == 2 && z.rows() <= settings.plane_points && within_sweep) {
    best.direction = exact_plane_sw(z, y, {.gradient = false, .max = true}).max_direction.normalized();
    best.value = pair.value(best.direction);
    best.exact = true;
    return best;
  }
  best.value = -1.0;
  best.starts = starts(pair, settings, stream, previous);
  for (Index i = 0; i < best.starts.rows(); ++i) {
    const Found rough = ascend(pair, best.starts.row(i), settings);
    const Found found = climb(pair, rough.direction, settings);
    best.iterations += rough.steps + found.steps;
    if (!(found.value > best.value)) continue;
    best.value = found.value;
    best.direction = found.direction;
  }
  return best;
}

double relative_spread_of_translation(Index d) {
  if (d < 1) reject("the dimension is {}; it must be at least 1", d);
  const auto dimension = static_cast<double>(d);
  return std::sqrt(2.0 * (dimension - 1.0) / (dimension + 2.0));
}

}  // namespace slicecheck
