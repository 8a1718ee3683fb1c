#pragma once
/// Membership in a convex hull by linear programming: no theorem about the set is used, so it can judge code that uses one (N2). Solved by GLPK.

#include <algorithm>
#include <vector>

#include "slicecheck/core/error.h"
#include "slicecheck/core/types.h"

namespace slicecheck::testing {

/// dist_1(m, conv of the rows of points) = min ‖m − Σ_i λ_i p_i‖_1 over λ ≥ 0, Σ_i λ_i = 1; points k×d, m with d entries. 0 exactly for members.
///
/// Solved in rational arithmetic, from the basis that the simplex method in double ends with: the optimum of the programme with these very doubles, up to the
/// conversion of each entry of the solution to double and their sum, relative γ_{4d+4}.
/// @throws Error where GLPK does not report an optimum (there always is one), InputError for shapes that do not fit, no points, and entries that are not finite
/// or span too many powers of two to be made integers.
double distance_to_hull_l1(PointsView<double> points, VectorView<double> m);

/// The different permutations of the values, one a row: the vertices of their permutohedron, at most n! of them. For n ≤ 8.
/// @throws InputError for more values, or none.
inline Points<double> all_permutations(VectorView<double> values) {
  if (values.size() == 0 || values.size() > 8) reject("permutations of {} values; between 1 and 8 are listed", values.size());
  Eigen::VectorXd current = values;
  std::sort(current.begin(), current.end());
  std::vector<Eigen::VectorXd> found;
  do found.push_back(current);
  while (std::next_permutation(current.begin(), current.end()));
  Points<double> rows(static_cast<Index>(found.size()), values.size());
  for (Index k = 0; k < rows.rows(); ++k) rows.row(k) = found[static_cast<std::size_t>(k)].transpose();
  return rows;
}

}  // namespace slicecheck::testing
