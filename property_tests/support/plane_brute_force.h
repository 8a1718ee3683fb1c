#pragma once
/// SW_2² in the plane by brute force in a hundred digits: what the sweep is compared with. It shares nothing with the sweep but the definition.

#include <array>
#include <boost/multiprecision/cpp_bin_float.hpp>
#include <string>
#include <vector>

#include "slicecheck/core/types.h"
#include "slicecheck/loss/plane_sweep.h"

namespace slicecheck::testing {

/// A hundred decimal digits.
using Extended = boost::multiprecision::number<boost::multiprecision::cpp_bin_float_100::backend_type, boost::multiprecision::et_off>;

/// What `exact_plane_sw` should have returned.
struct PlaneTruth {
  Extended value;
  std::vector<std::array<Extended, 2>> gradient;  ///< rows of coincident points: the mean of their block
  Extended max_value;
  double condition = 1.0;  ///< √(mean ‖Δ_r‖² / value)
};

/// Sorts both clouds anew in the middle of every arc between two critical angles of any two points. An arc that a hundred digits cannot tell from a point
/// weighs nothing, in whatever order it is sorted. For n points 2n² arcs: n ≤ 8 or so.
PlaneTruth brute_force_plane(PointsView<double> z, PointsView<double> y);

/// w_θ for one direction, of unit length or not.
Extended extended_projected_cost(PointsView<double> z, PointsView<double> y, const std::array<Extended, 2>& theta);

/// The first thing in which `claimed` misses the truth by more than its own error bounds, or those bounds are no use (that of the value above 10⁻¹² times value
/// and condition, and above 10⁻⁴⁰ n² times the squared size), or ''. Nothing in it can pass by being NaN.
std::string plane_complaint(const PlaneSliced& claimed, PointsView<double> z, PointsView<double> y, const PlaneTruth& truth);

}  // namespace slicecheck::testing
