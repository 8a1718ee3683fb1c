#include "slicecheck/nonsmooth/minimum_norm.h"

#include <Eigen/Core>
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
///
/// Point 0 is the base. The unit vectors from it to the others, one after the other, are the columns of a QR factorisation by reflections, which grows by one
/// column with a new point and loses the columns behind a point that is dropped: O(dk) operations for a new point, not O(dk²).
class Corral {
 public:
  explicit Corral(Eigen::VectorXd first) : points_{std::move(first)}, norms_{points_.front().stableNorm()}, weights_(Eigen::VectorXd::Ones(1)) {}

  [[nodiscard]] bool contains(const Eigen::VectorXd& point) const { return std::find(points_.begin(), points_.end(), point) != points_.end(); }

  [[nodiscard]] Eigen::VectorXd combination() const {
    Eigen::VectorXd sum = weights_[0] * points_[0];
    for (std::size_t i = 1; i < points_.size(); ++i) sum += weights_[index(i)] * points_[i];
    return sum;
  }

  /// Bound on the distance from `combination` to a convex combination: products and sums, k of each, and weights that sum to 1 up to 2k + 2 roundings.
  [[nodiscard]] double combination_rounding() const {
    double size = 0.0;
    for (std::size_t i = 0; i < points_.size(); ++i) size += weights_[index(i)] * norms_[i];
    return tolerance::gamma(2.0 * static_cast<double>(points_.size()) + static_cast<double>(points_.front().size()) + 8.0, kUnitRoundoff) * size;
  }

  /// Adds a point with weight 0, then moves to the nearest point of the affine hull, or of a smaller one inside the convex hull.
  void add_and_minimise(Eigen::VectorXd point) {
    norms_.push_back(point.stableNorm());
    points_.push_back(std::move(point));
    weights_.conservativeResize(index(points_.size()));
    newest_ = points_.size() - 1;
    weights_[index(newest_)] = 0.0;
    // What is left of a base in x after cancellation carries the rounding of the whole: a small base is accurate.
    if (norms_[newest_] < 0.5 * norms_[0]) make_base(newest_);
    while (points_.size() > 1 && !minor_cycle()) {
    }
    if (points_.size() == 1) weights_[0] = 1.0;
  }

 private:
  static Index index(std::size_t i) { return static_cast<Index>(i); }

  void make_base(std::size_t i) {
    if (i == 0) return;
    std::swap(points_[0], points_[i]);
    std::swap(norms_[0], norms_[i]);
    std::swap(weights_[0], weights_[index(i)]);
    if (newest_ == i)
      newest_ = 0;
    else if (newest_ == 0)
      newest_ = i;
    forget_columns_from(0);
  }

  void forget_columns_from(Index j) {
    factored_ = std::min(factored_, j);
    if (reflections_ > factored_) reflections_ = 0;
  }

  /// True if the nearest point of the affine hull was reached; otherwise a point was dropped.
  bool minor_cycle() {
    const Index columns = index(points_.size()) - 1;
    const Index d = points_[0].size();
    if (factor_.cols() < columns) {
      const Index room = std::min(std::max(2 * columns, Index{4}), d + 1);
      factor_.conservativeResize(d, room);
      scales_.conservativeResize(room);
      lengths_.conservativeResize(room);
    }
    for (; factored_ < columns; ++factored_)
      if (!append_column(factored_, columns)) return false;
    if (reflections_ == 0) reflected_ = -points_[0];
    for (; reflections_ < columns; ++reflections_) reflect(reflections_, reflected_);
    const auto upper = factor_.topLeftCorner(columns, columns).triangularView<Eigen::Upper>();
    target_.resize(columns + 1);
    target_.tail(columns) = reflected_.head(columns);
    auto steps = target_.tail(columns);
    upper.solveInPlace(steps);
    steps.array() /= lengths_.head(columns).array();
    target_[0] = 1.0 - steps.sum();
    if (target_.minCoeff() > 0.0) {
      weights_ = target_ / target_.sum();
      return true;
    }
    move_until_one_is_zero(target_ - weights_);
    return false;
  }

  /// Applies reflection j, I − scale·(1, h)(1, h)ᵀ on the entries from j on.
  template <class Column>
  void reflect(Index j, Column&& column) const {
    const Index rest = factor_.rows() - j - 1;
    const auto h = factor_.col(j).tail(rest);
    const double along = scales_[j] * (column[j] + h.dot(column.tail(rest)));
    column[j] -= along;
    column.tail(rest) -= along * h;
  }

  /// Column j: the unit vector from the base to point j + 1. False if it depends on those before, up to rounding; then a point was dropped.
  bool append_column(Index j, Index columns) {
    const std::size_t end = static_cast<std::size_t>(j) + 1;
    const Index d = points_[0].size();
    if (j >= d) {
      // More columns than dimensions.
      edge_ = (points_[end] - points_[0]).stableNormalized();
      lengths_[j] = (points_[end] - points_[0]).stableNorm();
      for (Index i = 0; i < d; ++i) reflect(i, edge_);
      drop_along(dependence(j, edge_));
      return false;
    }
    auto column = factor_.col(j);
    column = points_[end] - points_[0];
    lengths_[j] = column.stableNorm();
    // A difference within the rounding of its ends is a duplicate.
    if (!(lengths_[j] > 4.0 * kUnitRoundoff * (norms_[end] + norms_[0]))) {
      Eigen::VectorXd shift = Eigen::VectorXd::Zero(index(points_.size()));
      shift[0] = -1.0;
      shift[index(end)] = 1.0;
      drop_along(std::move(shift));
      return false;
    }
    column /= lengths_[j];
    for (Index i = 0; i < j; ++i) reflect(i, column);
    const double left = column.tail(d - j).norm();
    // The factors of unit columns carry an error of this size: less is no direction of its own.
    if (!(left > tolerance::gamma(8.0 * static_cast<double>(std::max(d, columns)), kUnitRoundoff))) {
      edge_ = column;
      drop_along(dependence(j, edge_));
      return false;
    }
    const double first = column[j];
    const double diagonal = first > 0.0 ? -left : left;
    scales_[j] = (diagonal - first) / diagonal;
    column.tail(d - j - 1) /= first - diagonal;
    column[j] = diagonal;
    return true;
  }

  /// Weights that sum to 0 and move x by no more than rounding: `reflected`, column j after the reflections before it, is a combination of the columns before.
  [[nodiscard]] Eigen::VectorXd dependence(Index j, const Eigen::VectorXd& reflected) const {
    Eigen::VectorXd shift = Eigen::VectorXd::Zero(index(points_.size()));
    shift.segment(1, j) = factor_.topLeftCorner(j, j).triangularView<Eigen::Upper>().solve(reflected.head(j)).cwiseQuotient(lengths_.head(j));
    shift[j + 1] = -1.0 / lengths_[j];
    shift[0] = -shift.sum();
    return shift;
  }

  /// Along a dependence, in the direction in which the newest point gains weight.
  void drop_along(Eigen::VectorXd shift) {
    if (shift[index(newest_)] < 0.0) shift = -shift;
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
      first = index(newest_);  // the shift is 0: the newest point does not help
    } else {
      weights_ = (weights_ + step * shift).cwiseMax(0.0);
      weights_[first] = 0.0;
    }
    drop_weightless(first);
  }

  /// Drops point `first` and all others without weight, but not the newest one, which has none before it is first used.
  void drop_weightless(Index first) {
    const std::size_t newest = newest_;
    bool base_dropped = false;
    std::size_t kept = 0;
    for (std::size_t i = 0; i < points_.size(); ++i) {
      if (index(i) == first || (!(weights_[index(i)] > 0.0) && i != newest)) {
        base_dropped = base_dropped || i == 0;
        forget_columns_from(std::max(index(i) - 1, Index{0}));
        continue;
      }
      if (i == newest) newest_ = kept;
      if (kept != i) {
        points_[kept] = std::move(points_[i]);
        norms_[kept] = norms_[i];
        weights_[index(kept)] = weights_[index(i)];
      }
      ++kept;
    }
    points_.resize(kept);
    norms_.resize(kept);
    weights_.conservativeResize(index(kept));
    if (base_dropped) {
      forget_columns_from(0);
      make_base(static_cast<std::size_t>(std::min_element(norms_.begin(), norms_.end()) - norms_.begin()));
    }
    const double sum = weights_.sum();
    if (sum > 0.0) weights_ /= sum;
  }

  std::vector<Eigen::VectorXd> points_;
  std::vector<double> norms_;
  Eigen::VectorXd weights_;
  std::size_t newest_ = 0;
  Eigen::MatrixXd factor_;     ///< column j: R above and on the diagonal, h of reflection j below
  Eigen::VectorXd scales_;     ///< of the reflections
  Eigen::VectorXd lengths_;    ///< from the base to the other points
  Index factored_ = 0;         ///< columns that are up to date
  Eigen::VectorXd reflected_;  ///< minus the base, by the first reflections
  Index reflections_ = 0;
  Eigen::VectorXd target_;
  Eigen::VectorXd edge_;
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
