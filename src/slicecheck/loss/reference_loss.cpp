#include "slicecheck/loss/reference_loss.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "slicecheck/loss/gap_power.h"

namespace slicecheck {

namespace {

/// θ·p_k for every row k.
std::vector<double> project(PointsView<double> points, PointsView<double> directions, Index l) {
  std::vector<double> projected(static_cast<std::size_t>(points.rows()));
  for (Index k = 0; k < points.rows(); ++k) {
    double sum = 0.0;
    for (Index j = 0; j < points.cols(); ++j) sum += directions(l, j) * points(k, j);
    projected[static_cast<std::size_t>(k)] = sum;
  }
  return projected;
}

/// order[r] = the point of rank r along the direction; equal points keep the order of their rows.
std::vector<std::size_t> sorting_order(const std::vector<double>& projected) {
  std::vector<std::size_t> order(projected.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return projected[a] < projected[b]; });
  return order;
}

}  // namespace

LossGradient<double> ReferenceLoss::evaluate(PointsView<double> z, PointsView<double> y, PointsView<double> directions) const {
  check_loss_arguments<double>(z, y, directions);
  const Index n = z.rows();
  const Index directions_count = directions.rows();
  LossGradient<double> out{0.0, Vector<double>(directions_count), Points<double>::Zero(n, z.cols())};
  for (Index l = 0; l < directions_count; ++l) {
    const auto pz = project(z, directions, l);
    const auto py = project(y, directions, l);
    const auto order_z = sorting_order(pz);
    const auto order_y = sorting_order(py);
    double sum = 0.0;
    for (std::size_t rank = 0; rank < order_z.size(); ++rank) {
      const double gap = pz[order_z[rank]] - py[order_y[rank]];
      sum += gap_power(gap, p_);
      const double weight = gap_power_derivative(gap, p_) / (static_cast<double>(n) * static_cast<double>(directions_count));
      out.gradient.row(static_cast<Index>(order_z[rank])) += weight * directions.row(l);
    }
    out.per_direction[l] = sum / static_cast<double>(n);
  }
  out.value = out.per_direction.sum() / static_cast<double>(directions_count);
  return out;
}

}  // namespace slicecheck
