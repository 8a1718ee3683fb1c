#pragma once
/// C_r = {u ∈ B(0, r) : 0 ∈ −∂_C F(u) − N_r(u)} itself, where it can be found: in closed form, or by search for d_u ≤ 2 (claims T4, T5).

#include <vector>

#include "slicecheck/dynamics/flow_field.h"

namespace slicecheck {

/// A point that is critical up to `residual`.
struct CriticalPoint {
  Eigen::VectorXd u;
  double residual = 0.0;    ///< dist(0, ∂_C F(u) + N_r(u)) from above, at u as given, a wall within rounding of u counting as met
  bool on_sphere = false;   ///< ‖u‖ = r up to rounding
  double multiplier = 0.0;  ///< λ̂ = max(0, −⟨g, u⟩)/r² on the sphere, g the gradient that is nearest to −λu; 0 inside
  bool minimum = false;     ///< F is larger at all points looked at around u (in the ball): a local minimum, as far as the search can tell
  bool resolved = true;  ///< residual ≤ 10⁻⁶·max ‖∇F‖, the maximum over the ball as looked at; if not, cells near u were kept, and that is all we know
};

/// lower ≤ dist(u, C_r) ≤ upper.
struct CriticalDistance {
  double lower;
  double upper;
};

/// What is known of C_r.
class CriticalSet {
 public:
  /// Closed forms: `points` is all of C_r. @throws InputError as below.
  CriticalSet(double radius, const std::vector<CriticalPoint>& points);
  /// By search: C_r is inside the union of the balls of radius `reach` around the rows of `cells`, and near each of `points` that is resolved.
  /// @throws InputError unless 0 < radius < ∞, there are points, and all have one number of finite entries, as cells have; 0 ≤ reach < ∞.
  CriticalSet(double radius, std::vector<CriticalPoint> points, Points<double> cells, double reach);

  [[nodiscard]] double radius() const { return radius_; }
  [[nodiscard]] const std::vector<CriticalPoint>& points() const { return points_; }
  [[nodiscard]] const Points<double>& cells() const { return cells_; }  ///< for closed forms: the points
  [[nodiscard]] double reach() const { return reach_; }                 ///< for closed forms: 0

  /// lower: to the balls; upper: to the nearest resolved point, infinite where there is none. @throws InputError for a u that does not fit or is not finite.
  [[nodiscard]] CriticalDistance distance(VectorView<double> u) const;

 private:
  double radius_;
  std::vector<CriticalPoint> points_;
  Points<double> cells_;
  double reach_;
};

/// How finely C_r is searched.
struct CriticalSearch {
  double coarse = 0.05;        ///< side of the cells that the ball is first cut into, as a fraction of r; at most 1/4
  double fine = 1.0 / 4096.0;  ///< side at which cells are kept, as a fraction of r; 2⁻²⁰ at least
};

/// C_r of the two-point line, batches of n: with c = 1 − 2·C(2n, n)/4ⁿ, {−c, 0, c} for r ≥ c and {−r, 0, r} for r ≤ c; n = 1: c = 0 and C_r = {0}.
/// @throws InputError unless n ≥ 1 and 0 < r < ∞.
CriticalSet two_point_line_critical_set(Index n, double radius);

/// Branch and bound over square cells that cover B(0, r), d_u = 1 or 2.
///
/// A CELL IS DISCARDED where no u in it can have 0 ∈ ∂_C F(u) + N_r(u), judged from ∇F at its corners and centre on every piece that it touches (`CellTest`
/// of critical_cells.h): if 0 is farther from conv(these gradients) + {λu : λ ≥ 0, u in the cell} (the cone only where the cell meets the sphere) than the
/// estimated amount by which ∇F inside leaves that hull. Cells that are kept are halved along each side until side ≤ fine·r.
///
/// THIS IS NO INTERVAL ARITHMETIC. The amount is estimated from differences between five values of ∇F, with a margin; a critical point between them where ∇F
/// swings and returns is missed. The resolution is that of `coarse`, and of `fine` for what is kept. If C_r is so thick (a flat part of F) that more than
/// 60 000 cells would be looked at on one level, cutting ends before `fine`: `reach` says where.
///
/// POINTS, in the order of F. In each connected cluster of cells: Newton's method, with finite differences, on each stratum that the cells touch (∇F = 0 on a
/// piece; tangential ∇F = 0 on a wall or the sphere; where two of these cross), at least one point for each stretch of about 0.02·r of a long cluster. A
/// stretch without a resolved point is cut further, to 2⁻³⁰·r: either nothing remains, and its cells go, or the rest is a spot where F is steep (images that
/// coincide in the plane). There the residual is that of gradients at 1024 points at distance 10⁻⁶·r, Goldstein's hull instead of Clarke's; the cells go where
/// it is away from 0 by more than the gradients between those points can add. If that decides nothing, the best point stays, unresolved.
/// @throws InputError for another d_u, r that is not positive and finite, and sizes of cells that are not as above.
CriticalSet find_critical_set(const FlowField& field, double radius, const CriticalSearch& search = {});

/// r is large enough: ⟨g, u⟩ > 0 for all g ∈ ∂_C F(u), ‖u‖ = r (T5), looked at in `directions` equally spaced points of the sphere (d_u = 1: both; d_u = 2) and
/// on both sides of the walls between them; the smallest ⟨g, u⟩/r that was found. Between two points it can be smaller, by a multiple of 1/directions.
/// @throws InputError for another d_u, r that is not positive and finite, directions < 1.
double smallest_outward_slope(const FlowField& field, double radius, Index directions = 4096);

}  // namespace slicecheck
