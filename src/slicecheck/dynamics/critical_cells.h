#pragma once
/// The branch and bound of `find_critical_set`: which small cells of the ball may hold a critical point.

#include <array>
#include <cstdint>
#include <vector>

#include "slicecheck/dynamics/flow_field.h"

namespace slicecheck {

/// A square (d_u = 1: an interval) of a level of the grid: its corner of smallest coordinates is origin + side·at.
struct CriticalCell {
  std::array<std::int64_t, 2> at{0, 0};
  double distance = 0.0;       ///< of 0 to the hull of the gradients looked at, plus the cone, from above
  std::vector<Index> walls{};  ///< walls h_j = 0 that the cell touches
  bool meets_sphere = false;
};

/// The test of one cell.
class CellTest {
 public:
  /// Of C_r, r = radius, for a field with d_u ≤ 2 that outlives the test.
  CellTest(const FlowField& field, double radius) : field_(field), radius_(radius) {}

  /// May the cell hold a point of C_r?
  ///
  /// WALLS. A wall counts as touched if h_j, at corners and centre, on the pieces of the walls found so far, is not of one sign by a margin: twice its second
  /// differences and a sixteenth of its largest first difference. Linear h_j are decided exactly. More than eight walls: the cell is kept unseen.
  ///
  /// SPREAD. All 2^k sides of the touched walls are pieces, those without points included (this only enlarges the hull). On a linear piece ∇F stays in the hull
  /// of its values at the corners. It may leave the hull by the cell's spread, taken as twice the largest second difference ‖∇F(c) − (∇F(c−δ) + ∇F(c+δ))/2‖
  /// over the diagonals plus a quarter of the largest first difference ‖∇F(c±δ) − ∇F(c)‖, and 10⁻¹² of the largest gradient for rounding. Next to images that
  /// coincide ∇F depends on the angle at which one looks, on all scales alike: differences and spread stay of order 1, and the cell is kept.
  ///
  /// CONE. If the cell meets the sphere: conv{0, K·e_1, …} over the directions e_i of its corners, K twice the largest gradient. It contains every λu, u in the
  /// cell, that can be nearest to a gradient (see bounded_normal_cone).
  /// centre: of a cell of the given side that meets the ball. Fills distance, walls, meets_sphere.
  [[nodiscard]] bool keeps(VectorView<double> centre, double side, CriticalCell& cell) const;

  /// Some point of the cell has ‖u‖ ≤ r.
  [[nodiscard]] bool meets_ball(VectorView<double> centre, double side) const;

 private:
  const FlowField& field_;
  double radius_;
};

/// One level of the search.
struct CellLevel {
  Eigen::VectorXd origin;
  double side = 0.0;
  std::vector<CriticalCell> cells;

  /// The middle of a cell of this level.
  [[nodiscard]] Eigen::VectorXd centre(const CriticalCell& cell) const;
};

/// The cells of side about coarse·r that B(0, r) meets and that may hold a critical point. The grid is shifted by a part of its side that is no simple
/// fraction, so that symmetric problems have no corners or centres in special places.
CellLevel coarse_cells(const CellTest& test, Index parameters, double radius, double coarse);

/// The halves (quarters) of the level's cells that may hold a critical point.
CellLevel halved(const CellTest& test, const CellLevel& level);

/// Numbers of the cells of each connected component; cells with a common corner are connected.
std::vector<std::vector<std::size_t>> clusters(const CellLevel& level);

}  // namespace slicecheck
