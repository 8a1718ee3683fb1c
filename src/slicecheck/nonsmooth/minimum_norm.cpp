#include "slicecheck/nonsmooth/minimum_norm.h"

#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "slicecheck/core/error.h"
#include "slicecheck/core/tolerances.h"

namespace slicecheck {

namespace {

constexpr double kUnitRoundoff = tolerance::unit_roundoff<double>();

/// Affinely independent points of the set, with the weights of x.
class Corral {
 public:
  explicit Corral(Eigen::VectorXd first) : points_{std::move(first)}, weights_(Eigen::VectorXd::Ones(1)) {}

  [[nodiscard]] bool contains(const Eigen::VectorXd& point) const { return std::find(points_.begin(), points_.end(), point) != points_.end(); }

  [[nodiscard]] Eigen::VectorXd combination() const {
    Eigen::VectorXd sum = Eigen::VectorXd::Zero(points_.front().size());
    for (std::size_t i = 0; i < points_.size(); ++i) sum += weights_[index(i)] * points_[i];
    return sum;
  }

  /// Bound on the distance from `combination` to a convex combination: products and sums, k of each, and weights that sum to 1 up to 2k + 2 roundings.
  [[nodiscard]] double combination_rounding() const {
    double size = 0.0;
    for (std::size_t i = 0; i < points_.size(); ++i) size += weights_[index(i)] * points_[i].stableNorm();
    return tolerance::gamma(2.0 * static_cast<double>(points_.size()) + static_cast<double>(points_.front().size()) + 8.0, kUnitRoundoff) * size;
  }

  /// Adds a point with weight 0, then moves to the nearest point of the affine hull, or of a smaller one inside the convex hull.
  void add_and_minimise(Eigen::VectorXd point) {
    points_.push_back(std::move(point));
    weights_.conservativeResize(index(points_.size()));
    weights_[index(points_.size()) - 1] = 0.0;
    while (points_.size() > 1 && !minor_cycle()) {
    }
    if (points_.size() == 1) weights_[0] = 1.0;
  }

 private:
  static Index index(std::size_t i) { return static_cast<Index>(i); }

  /// True if the nearest point of the affine hull was reached; otherwise a point was dropped.
  bool minor_cycle() {
    const Index count = index(points_.size());
    const Index base = smallest_point();
    std::vector<Index> others;
    for (Index i = 0; i < count; ++i)
      if (i != base) others.push_back(i);

    // Columns: unit vectors from the base point to the others. A difference within the rounding of its ends is a duplicate.
    const Eigen::VectorXd& origin = points_[static_cast<std::size_t>(base)];
    Eigen::MatrixXd edges(origin.size(), count - 1);
    Eigen::VectorXd lengths(count - 1);
    for (Index j = 0; j < count - 1; ++j) {
      const Eigen::VectorXd& end = points_[static_cast<std::size_t>(others[static_cast<std::size_t>(j)])];
      edges.col(j) = end - origin;
      lengths[j] = edges.col(j).stableNorm();
      if (!(lengths[j] > 4.0 * kUnitRoundoff * (end.stableNorm() + origin.stableNorm()))) {
        Eigen::VectorXd shift = Eigen::VectorXd::Zero(count);
        shift[base] = -1.0;
        shift[others[static_cast<std::size_t>(j)]] = 1.0;
        drop_along(std::move(shift));
        return false;
      }
      edges.col(j) /= lengths[j];
    }

    // The QR factors of unit columns carry an error of this size: a smaller pivot is no direction of its own.
    Eigen::ColPivHouseholderQR<Eigen::MatrixXd> qr(edges.rows(), edges.cols());
    qr.setThreshold(tolerance::gamma(8.0 * static_cast<double>(std::max(edges.rows(), edges.cols())), kUnitRoundoff));
    qr.compute(edges);
    const Index rank = qr.rank();
    if (rank < count - 1) {
      drop_along(dependence(qr, rank, base, others, lengths));
      return false;
    }

    const Eigen::VectorXd steps = qr.solve(-origin).cwiseQuotient(lengths);
    Eigen::VectorXd target(count);
    target[base] = 1.0 - steps.sum();
    for (Index j = 0; j < count - 1; ++j) target[others[static_cast<std::size_t>(j)]] = steps[j];
    if (target.minCoeff() > 0.0) {
      weights_ = target / target.sum();
      return true;
    }
    move_until_one_is_zero(target - weights_);
    return false;
  }

  [[nodiscard]] Index smallest_point() const {
    const auto by_norm = [](const Eigen::VectorXd& a, const Eigen::VectorXd& b) { return a.squaredNorm() < b.squaredNorm(); };
    return index(static_cast<std::size_t>(std::min_element(points_.begin(), points_.end(), by_norm) - points_.begin()));
  }

  /// Weights that sum to 0 and move x by no more than rounding: the first dependent column is a combination of the independent ones.
  static Eigen::VectorXd dependence(const Eigen::ColPivHouseholderQR<Eigen::MatrixXd>& qr, Index rank, Index base, const std::vector<Index>& others,
                                    const Eigen::VectorXd& lengths) {
    const auto& permutation = qr.colsPermutation().indices();
    const Eigen::MatrixXd upper = qr.matrixR().topLeftCorner(rank, rank + 1);
    const Eigen::VectorXd combination = upper.leftCols(rank).triangularView<Eigen::Upper>().solve(upper.col(rank));
    Eigen::VectorXd shift = Eigen::VectorXd::Zero(static_cast<Index>(others.size()) + 1);
    for (Index i = 0; i <= rank; ++i) {
      const Index column = permutation[i];
      shift[others[static_cast<std::size_t>(column)]] = (i < rank ? combination[i] : -1.0) / lengths[column];
    }
    shift[base] = -shift.sum();
    return shift;
  }

  /// Along a dependence, in the direction in which the newest point gains weight.
  void drop_along(Eigen::VectorXd shift) {
    if (shift[shift.size() - 1] < 0.0) shift = -shift;
    move_until_one_is_zero(shift);
  }

  /// Moves the weights by a multiple in [0, 1 or more] of `shift` until the first of those that fall is 0, and drops the points without weight. At least one.
  void move_until_one_is_zero(const Eigen::VectorXd& shift) {
    Index first = -1;
    double step = std::numeric_limits<double>::infinity();
    for (Index i = 0; i < weights_.size(); ++i) {
      if (!(shift[i] < 0.0)) continue;
      const double reach = weights_[i] / -shift[i];
      if (reach < step) {
        step = reach;
        first = i;
      }
    }
    if (first < 0) {
      first = weights_.size() - 1;  // the shift is 0: the newest point does not help
    } else {
      weights_ = (weights_ + step * shift).cwiseMax(0.0);
      weights_[first] = 0.0;
    }
    drop_weightless(first);
  }

  /// Drops point `first` and all others without weight, but not the newest one, which has none before it is first used.
  void drop_weightless(Index first) {
    const Index newest = weights_.size() - 1;
    Index kept = 0;
    for (Index i = 0; i <= newest; ++i) {
      if (i == first || (!(weights_[i] > 0.0) && i != newest)) continue;
      if (kept != i) points_[static_cast<std::size_t>(kept)] = std::move(points_[static_cast<std::size_t>(i)]);
      weights_[kept++] = weights_[i];
    }
    points_.resize(static_cast<std::size_t>(kept));
    weights_.conservativeResize(kept);
    const double sum = weights_.sum();
    if (sum > 0.0) weights_ /= sum;
  }

  std::vector<Eigen::VectorXd> points_;
  Eigen::VectorXd weights_;
};

void check_options(const MinimumNormOptions& options) {
  if (!std::isfinite(options.gap) || options.gap < 0.0) reject("minimum norm: the gap is {}; it must be finite and at least 0", options.gap);
  if (options.iterations == 0) reject("minimum norm: 0 iterations; at least 1 is needed");
}

Eigen::VectorXd checked_maximiser(const ConvexSet& set, const Eigen::VectorXd& direction) {
  Eigen::VectorXd point = set.maximiser(direction);
  if (point.size() != direction.size()) reject("minimum norm: the set returned a point with {} entries; its dimension is {}", point.size(), direction.size());
  for (Index i = 0; i < point.size(); ++i)
    if (!std::isfinite(point[i])) reject("minimum norm: the set returned a point whose entry {} is {}; it must be finite", i, point[i]);
  return point;
}

/// ⟨g, x⟩/‖x‖, rounded down, not below 0. `length` is ‖x‖ > 0.
double certified_lower_bound(const Eigen::VectorXd& g, const Eigen::VectorXd& x, double length) {
  const auto d = static_cast<double>(x.size());
  const Eigen::VectorXd unit = x / length;
  const double rounding = tolerance::gamma(d + 2.0, kUnitRoundoff) * g.cwiseAbs().dot(unit.cwiseAbs());
  const double along = g.dot(unit) - 2.0 * rounding;
  return std::max(0.0, along / (1.0 + tolerance::gamma(d + 8.0, kUnitRoundoff)));
}

}  // namespace

MinimumNorm minimum_norm_point(const ConvexSet& set, const MinimumNormOptions& options) {
  check_options(options);
  const Index d = set.dimension();
  Corral corral(checked_maximiser(set, Eigen::VectorXd::Zero(d)));
  const std::uint64_t patience = 2 * static_cast<std::uint64_t>(d) + 8;
  std::uint64_t cycles_without_progress = 0;
  MinimumNorm best;
  best.norm = std::numeric_limits<double>::infinity();
  for (;;) {
    const Eigen::VectorXd x = corral.combination();
    const double length = x.stableNorm();
    const double upper = length * (1.0 + tolerance::gamma(static_cast<double>(d) + 4.0, kUnitRoundoff)) + corral.combination_rounding();
    bool progress = upper < best.norm;
    if (progress) {
      best.norm = upper;
      best.point = x;
    }
    best.converged = best.norm - best.lower_bound <= options.gap;
    if (best.converged || !(length > 0.0) || best.iterations == options.iterations) return best;

    Eigen::VectorXd g = checked_maximiser(set, -x);
    ++best.iterations;
    const double lower = certified_lower_bound(g, x, length);
    progress = progress || lower > best.lower_bound;
    best.lower_bound = std::max(best.lower_bound, lower);
    best.converged = best.norm - best.lower_bound <= options.gap;
    cycles_without_progress = progress ? 0 : cycles_without_progress + 1;
    if (best.converged || corral.contains(g) || cycles_without_progress > patience) return best;
    corral.add_and_minimise(std::move(g));
  }
}

}  // namespace slicecheck
