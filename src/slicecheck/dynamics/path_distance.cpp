#include "slicecheck/dynamics/path_distance.h"

#include <algorithm>
#include <cmath>

#include "slicecheck/core/error.h"

namespace slicecheck {

PathDistance path_distance(const std::function<double(double)>& gap, double spacing, Index stop) {
  if (stop < 1) reject("path distance: it stops at {}; expected at least 1", stop);
  if (!(spacing > 0.0 && spacing <= 1.0)) reject("path distance: the spacing is {}; expected more than 0 and at most 1", spacing);
  PathDistance distance;
  double largest = 0.0;
  const auto look = [&](double s) {
    const double here = gap(s);
    if (std::isnan(here)) throw Error(fmt::format("path distance: the gap at s = {} is not a number", s));
    largest = std::max(largest, here);
  };
  std::uint64_t looks = 0;
  for (Index k = 1; k <= stop; ++k) {
    const auto end = static_cast<double>(k);
    for (double s = 0.0; (s = std::min(static_cast<double>(looks) * spacing, end)) < end || looks == 0; ++looks) look(s);
    look(end);
    distance.largest.push_back(largest);
    distance.stopped += std::ldexp(std::min(1.0, largest), -static_cast<int>(k));
  }
  distance.tail = std::ldexp(1.0, -static_cast<int>(stop));
  return distance;
}

Eigen::VectorXd interpolated(PointsView<double> iterates, double alpha, double s) {
  if (!std::isfinite(alpha) || !(alpha > 0.0)) reject("interpolated path: the step size is {}; it must be positive and finite", alpha);
  const double position = s / alpha;
  const auto last = static_cast<double>(iterates.rows() - 1);
  if (!(position >= 0.0 && position <= last * (1.0 + 1e-12) + 1e-9)) reject("interpolated path: s = {} is outside [0, {}]", s, last * alpha);
  const auto t = static_cast<Index>(std::clamp(std::floor(position), 0.0, std::max(0.0, last - 1.0)));
  const double part = std::clamp(position - static_cast<double>(t), 0.0, 1.0);
  if (t + 1 >= iterates.rows()) return iterates.row(t).transpose();
  return ((1.0 - part) * iterates.row(t) + part * iterates.row(t + 1)).transpose();
}

PathDistance distance_to_flow(PointsView<double> iterates, double alpha, const FlowPath& flow) {
  const double length = std::min(static_cast<double>(iterates.rows() - 1) * alpha, flow.horizon());
  const auto stop = static_cast<Index>(std::floor(length * (1.0 + 1e-12)));
  return path_distance([&](double s) { return (interpolated(iterates, alpha, s) - flow.at(std::min(s, flow.horizon()))).norm(); }, 0.5 * alpha, stop);
}

PathDistance distance_to_flows(PointsView<double> iterates, double alpha, const std::vector<FlowPath>& flows) {
  if (flows.empty()) reject("path distance: there is no solution to compare with");
  PathDistance best = distance_to_flow(iterates, alpha, flows.front());
  for (std::size_t i = 1; i < flows.size(); ++i) {
    PathDistance other = distance_to_flow(iterates, alpha, flows[i]);
    if (other.stopped < best.stopped) best = std::move(other);
  }
  return best;
}

}  // namespace slicecheck
