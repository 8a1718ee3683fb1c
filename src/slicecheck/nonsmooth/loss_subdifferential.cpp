#include "slicecheck/nonsmooth/loss_subdifferential.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

#include "slicecheck/core/error.h"
#include "slicecheck/loss/plane_sweep.h"
#include "slicecheck/loss/sample_loss.h"

namespace slicecheck {

namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

std::vector<Index> ascending(VectorView<double> values) {
  std::vector<Index> order(at(values.size()));
  std::iota(order.begin(), order.end(), Index{0});
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return values[a] < values[b]; });
  return order;
}

/// ∫_a^b θ(φ)θ(φ)ᵀ dφ.
Eigen::Matrix2d second_moment(double a, double b) {
  const double half = 0.5 * (b - a);
  const double cosine = 0.25 * (std::sin(2.0 * b) - std::sin(2.0 * a));
  const double sine = 0.25 * (std::cos(2.0 * a) - std::cos(2.0 * b));
  return Eigen::Matrix2d{{half + cosine, sine}, {sine, half - cosine}};
}

/// The φ ∈ [0, π) with θ(φ)·difference = 0.
double swap_angle(const Eigen::RowVector2d& difference) {
  const double angle = std::atan2(-difference[0], difference[1]);
  return angle < 0.0 ? angle + std::numbers::pi : angle;
}

}  // namespace

SliceSubdifferential::SliceSubdifferential(PointsView<double> z, PointsView<double> y, const Eigen::RowVectorXd& theta, double tie_width) : theta_(theta) {
  check_loss_arguments<double>(z, y, Points<double>(theta));
  if (!(tie_width >= 0.0) || !std::isfinite(tie_width)) reject("slice subdifferential: the tie width is {}; it must be finite and at least 0", tie_width);
  projections_ = z * theta.transpose();
  Eigen::VectorXd targets = y * theta.transpose();
  std::sort(targets.begin(), targets.end());
  const std::vector<Index> order = ascending(projections_);
  const Index n = projections_.size();
  for (Index begin = 0, end = 0; begin < n; begin = end) {
    for (end = begin + 1; end < n && projections_[order[at(end)]] - projections_[order[at(end - 1)]] <= tie_width;) ++end;
    blocks_.push_back({{order.begin() + begin, order.begin() + end}, targets.segment(begin, end - begin)});
  }
}

Eigen::VectorXd SliceSubdifferential::gradient(VectorView<double> targets) const {
  const Index n = projections_.size();
  const Index d = theta_.size();
  if (targets.size() != n) reject("slice subdifferential: there are {} targets for {} points", targets.size(), n);
  Eigen::VectorXd out(n * d);
  for (Index k = 0; k < n; ++k) out.segment(k * d, d) = (2.0 / static_cast<double>(n) * (projections_[k] - targets[k])) * theta_.transpose();
  return out;
}

Eigen::VectorXd SliceSubdifferential::maximiser(VectorView<double> direction) const {
  check_direction(direction);
  const Index n = projections_.size();
  const Eigen::VectorXd along = Eigen::Map<const Points<double>>(direction.data(), n, theta_.size()) * theta_.transpose();
  Eigen::VectorXd targets(n);
  for (const Block& block : blocks_) {
    std::vector<Index> rows = block.rows;
    std::stable_sort(rows.begin(), rows.end(), [&](Index a, Index b) { return along[a] > along[b]; });
    for (Index i = 0; i < block.targets.size(); ++i) targets[rows[at(i)]] = block.targets[i];
  }
  return gradient(targets);
}

PlaneSubdifferential::PlaneSubdifferential(PointsView<double> z, PointsView<double> y) : z_(z), y_(y) {
  PlaneSliced sliced = exact_plane_sw(z, y, {.gradient = true, .max = false});
  mean_gradient_ = std::move(sliced.gradient);
  gradient_error_ = sliced.gradient_error;
  for (Index i = 0; i < z.rows(); ++i)
    for (Index j = i + 1; j < z.rows(); ++j)
      if (z.row(i) == z.row(j)) coincident_.emplace_back(i, j);
}

std::vector<double> PlaneSubdifferential::arc_ends(const Points<double>& v) const {
  std::vector<double> ends{0.0, std::numbers::pi};
  const auto add = [&](const Eigen::RowVector2d& difference) {
    if (difference != Eigen::RowVector2d::Zero()) ends.push_back(swap_angle(difference));
  };
  for (Index i = 0; i < z_.rows(); ++i) {
    for (Index j = i + 1; j < z_.rows(); ++j) {
      add(z_.row(j) - z_.row(i));
      add(y_.row(j) - y_.row(i));
    }
  }
  for (const auto& [i, j] : coincident_) add(v.row(j) - v.row(i));
  std::sort(ends.begin(), ends.end());
  return ends;
}

std::vector<Index> PlaneSubdifferential::order_along(const Eigen::Vector2d& theta, const Points<double>& v) const {
  // Equal rows have equal projections to the bit: the same operations on the same numbers.
  const auto project = [&](const Points<double>& cloud, Index k) { return cloud(k, 0) * theta[0] + cloud(k, 1) * theta[1]; };
  std::vector<Index> order(at(z_.rows()));
  std::iota(order.begin(), order.end(), Index{0});
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) {
    const double left = project(z_, a);
    const double right = project(z_, b);
    return left != right ? left < right : project(v, a) > project(v, b);
  });
  return order;
}

Eigen::VectorXd PlaneSubdifferential::maximiser(VectorView<double> direction) const {
  check_direction(direction);
  const Index n = z_.rows();
  const Points<double> v = Eigen::Map<const Points<double>>(direction.data(), n, 2);
  Points<double> gradient = mean_gradient_;
  const bool splits = std::any_of(coincident_.begin(), coincident_.end(), [&](const auto& pair) { return v.row(pair.first) != v.row(pair.second); });
  if (splits) {
    gradient.setZero();
    const std::vector<double> ends = arc_ends(v);
    for (std::size_t arc = 0; arc + 1 < ends.size(); ++arc) {
      if (ends[arc] == ends[arc + 1]) continue;
      const double middle = 0.5 * (ends[arc] + ends[arc + 1]);
      const Eigen::Vector2d theta(std::cos(middle), std::sin(middle));
      const std::vector<Index> order = order_along(theta, v);
      const std::vector<Index> targets = ascending(y_ * theta);
      const Eigen::Matrix2d moment = 2.0 / (static_cast<double>(n) * std::numbers::pi) * second_moment(ends[arc], ends[arc + 1]);
      for (Index rank = 0; rank < n; ++rank) {
        const Index k = order[at(rank)];
        const Index l = targets[at(rank)];
        const double x = z_(k, 0) - y_(l, 0);
        const double y = z_(k, 1) - y_(l, 1);
        gradient(k, 0) += x * moment(0, 0) + y * moment(1, 0);
        gradient(k, 1) += x * moment(0, 1) + y * moment(1, 1);
      }
    }
  }
  return Eigen::Map<const Eigen::VectorXd>(gradient.data(), 2 * n);
}

}  // namespace slicecheck
