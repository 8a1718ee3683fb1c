#pragma once
/// The distance d_C between curves, in which SGD's interpolated paths approach the flow (claim T1).

#include <functional>
#include <vector>

#include "slicecheck/dynamics/flow.h"

namespace slicecheck {

/// d_C(u, v) = Σ_{k≥1} 2^{−k} min(1, max_{s≤k} ‖u(s) − v(s)‖), stopped: stopped ≤ d_C ≤ stopped + tail.
struct PathDistance {
  double stopped = 0.0;         ///< the terms k = 1, …, K
  double tail = 1.0;            ///< 2^{−K}: what all later terms can add
  std::vector<double> largest;  ///< max_{s≤k} ‖u(s) − v(s)‖ for k = 1, …, K, not cut off at 1
};

/// From gap(s) = ‖u(s) − v(s)‖, looked at for s = 0, spacing, 2·spacing, …, stop. stop ≥ 1 is K. Maxima are over these times: a curve that swings away and back
/// between two of them is not seen, so the spacing should be no more than half a step of the coarser curve.
/// @throws InputError unless stop ≥ 1 and 0 < spacing ≤ 1; Error where a gap is not a number.
PathDistance path_distance(const std::function<double(double)>& gap, double spacing, Index stop);

/// u_α(s) of iterates u_0, u_1, … (rows): joined by lines, u_t at s = tα. @throws InputError for s outside [0, (rows − 1)·α], beyond rounding.
Eigen::VectorXd interpolated(PointsView<double> iterates, double alpha, double s);

/// d_C between the interpolated path and a solution of the flow, looked at twice a step; K = ⌊min of both lengths⌋.
PathDistance distance_to_flow(PointsView<double> iterates, double alpha, const FlowPath& flow);

/// The same to the nearest of several solutions: an upper bound of the distance to any set that contains them.
PathDistance distance_to_flows(PointsView<double> iterates, double alpha, const std::vector<FlowPath>& flows);

}  // namespace slicecheck
