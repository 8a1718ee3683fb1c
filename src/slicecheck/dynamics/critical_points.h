#pragma once
/// Single points of C_r: how critical a point is, and the way to one from a cell of the branch and bound.

#include <vector>

#include "slicecheck/dynamics/critical_cells.h"
#include "slicecheck/dynamics/critical_set.h"

namespace slicecheck {

/// Where a point is looked for: ∇F of the piece with these sides has no component tangential to the walls (all of which are met) and to the sphere (if met).
struct CriticalStratum {
  std::vector<int> sides;
  std::vector<Index> walls;
  bool sphere = false;
};

/// All strata of the pieces that touch a place with these walls, at most d_u conditions each. sides: of the piece at the place.
std::vector<CriticalStratum> strata_at(Index parameters, const std::vector<int>& sides, const std::vector<Index>& walls, bool sphere);

/// A place at which ∇F differs from one direction to another, at all distances alike.
struct SteepSpot {
  CriticalPoint point;
  bool refuted = false;  ///< 0 is away from the hull by more than the gradients between those looked at can add
};

/// Critical points of C_r one by one: judged, and found from a start.
class PointSearch {
 public:
  /// scale: of ‖∇F‖; a residual ≤ 10⁻⁶·scale counts as 0.
  PointSearch(const FlowField& field, double radius, double scale) : field_(field), radius_(radius), scale_(scale) {}

  /// u ∈ B(0, r) with its residual: the exact minimum-norm point of conv{∇F of the pieces that can be entered from u} + the normal cone. Walls: |h_j| ≤
  /// 10⁻¹²·(1 + ‖∇h_j‖). `minimum` is left open.
  [[nodiscard]] CriticalPoint judged(VectorView<double> u) const;

  /// The same with the gradients at 1024 points (d_u = 1: 2) at distance 10⁻⁶·r instead, for spots where F is steep. Refuted: 0 is farther from their hull
  /// (plus the cone) than twice the largest second difference between neighbours on one piece, plus, if a wall comes near, the largest first difference, plus
  /// 10⁻⁵ of the scale for the distance.
  [[nodiscard]] SteepSpot judged_around(VectorView<double> u) const;

  /// Newton's method from `start`, which may end up to 0.05·r away; nothing where it leaves that neighbourhood or the ball.
  [[nodiscard]] std::vector<CriticalPoint> polished(VectorView<double> start, const std::vector<Index>& walls, bool sphere) const;

  /// F ≥ F(u), beyond rounding, at 16 points (d_u = 1: 2) at distance 10⁻³·r; those outside of the ball are first moved to the nearest point of the sphere.
  [[nodiscard]] bool is_minimum(VectorView<double> u) const;

 private:
  [[nodiscard]] Eigen::VectorXd equations(VectorView<double> u, const CriticalStratum& stratum) const;
  [[nodiscard]] bool solve(Eigen::VectorXd& u, const CriticalStratum& stratum) const;
  /// residual, on_sphere, multiplier and resolved from gradients, one a row; slack: of the sphere.
  struct Judged {
    CriticalPoint point;
    double lower = 0.0;  // of the residual
  };
  [[nodiscard]] Judged judged_by(VectorView<double> u, const Points<double>& gradients, double slack) const;

  const FlowField& field_;
  double radius_;
  double scale_;
};

/// ∇F of the pieces that can be entered from u, one a row. @throws Error where more than ten walls meet.
Points<double> entered_gradients(const FlowField& field, VectorView<double> u);

/// `count` points at the given distance around u, one a row (d_u = 1: two).
Points<double> points_around(VectorView<double> u, double distance, Index count);

}  // namespace slicecheck
