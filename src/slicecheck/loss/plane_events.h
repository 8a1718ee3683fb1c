#pragma once
/// The events of the angular sweep in the plane, in their exact order: the angles at which two points of one cloud change places (theory/plane.md, claim L6).

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "slicecheck/core/tolerances.h"
#include "slicecheck/core/types.h"

namespace slicecheck {

struct PlanePoint {
  double x = 0.0;
  double y = 0.0;
};

/// The sign (−1, 0, 1) of the cross product (b − a) × (d − c) = (b_x − a_x)(d_y − c_y) − (b_y − a_y)(d_x − c_x) of the exact differences. Never a rounded
/// answer: differences and products are expanded without error into sums of doubles, or, where a double could underflow, scaled to long integers.
/// Coordinates must be finite and at most 2^500 in magnitude.
int cross_sign(const PlanePoint& a, const PlanePoint& b, const PlanePoint& c, const PlanePoint& d);

/// Two points of one cloud, `first` lexicographically before `second` with a smaller x. They change places at the angle φ in (0, π) where
/// θ(φ)·(second − first) = 0, that is θ(φ) ∝ (−slope, 1): φ grows with the slope.
struct PlaneEvent {
  double slope;  ///< (second_y − first_y) / (second_x − first_x), rounded: a filter, never a decision
  std::uint32_t first;
  std::uint32_t second;
};

/// Of two rounded slopes: whether the exact ones are surely in this order.
///
/// Two differences and a quotient: a slope errs by γ_3 of itself, or by less than 2^−1000 where the quotient underflows; the subtraction adds u. Twice γ_3 and
/// u are less than 8u. Infinite slopes give NaN or inf > inf here: never sure.
inline bool surely_less(double left, double right) {
  return right - left > 8.0 * tolerance::unit_roundoff<double>() * std::max(std::abs(left), std::abs(right)) + 0x1p-1000;
}

/// The points of both clouds, each in lexicographic order, which is the order of their projections just after φ = 0; and the order of events.
class PlaneClouds {
 public:
  /// z, y: n×2 with finite entries of magnitude ≤ 2^500.
  PlaneClouds(PointsView<double> z, PointsView<double> y);

  [[nodiscard]] std::uint32_t size() const { return size_; }  ///< n
  /// Point k < n is the k-th of Z in lexicographic order, point n + k the k-th of Y.
  [[nodiscard]] const PlanePoint& point(std::uint32_t k) const { return points_[k]; }
  /// The row of Z or of Y that point k was.
  [[nodiscard]] Index row(std::uint32_t k) const { return rows_[k]; }
  [[nodiscard]] bool in_z(std::uint32_t k) const { return k < size_; }

  /// Sign of angle(left) − angle(right), exactly.
  [[nodiscard]] int compare(const PlaneEvent& left, const PlaneEvent& right) const {
    if (surely_less(left.slope, right.slope)) return -1;
    if (surely_less(right.slope, left.slope)) return 1;
    return -cross_sign(points_[left.first], points_[left.second], points_[right.first], points_[right.second]);
  }

 private:
  void add_cloud(PointsView<double> cloud);

  std::uint32_t size_;
  std::vector<PlanePoint> points_;
  std::vector<Index> rows_;
};

/// All events by increasing angle, in one array: to look at. The sweep takes them slab by slab (plane_slabs.h), as this does.
///
/// Coincident points have no event. Two points with one x and different y change places at φ = π only, where the sweep ends: no event either. Events at exactly
/// one angle form a group; inside a group their order means nothing.
class PlaneEvents : public PlaneClouds {
 public:
  /// As PlaneClouds. Memory: 16 bytes for each of the up to n(n − 1) events.
  PlaneEvents(PointsView<double> z, PointsView<double> y);

  [[nodiscard]] std::span<const PlaneEvent> events() const { return events_; }

  /// The end of the group of simultaneous events that starts at event number `first`.
  [[nodiscard]] std::size_t group_end(std::size_t first) const;

 private:
  std::vector<PlaneEvent> events_;
};

}  // namespace slicecheck
