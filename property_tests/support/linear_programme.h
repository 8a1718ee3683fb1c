#pragma once
/// Membership in a convex hull by linear programming: no theorem about the set is used, so it can judge code that uses one (N2). Solved by GLPK.

#include "slicecheck/core/types.h"

namespace slicecheck::testing {

/// dist_1(m, conv of the rows of points) = min ‖m − Σ_i λ_i p_i‖_1 over λ ≥ 0, Σ_i λ_i = 1; points k×d, m with d entries. 0 exactly for members.
///
/// Solved in rational arithmetic, from the basis that the simplex method in double ends with: the optimum of the programme with these very doubles, up to the
/// conversion of each entry of the solution to double and their sum, relative γ_{4d+4}.
/// @throws Error where GLPK does not report an optimum (there always is one), InputError for shapes that do not fit, no points, and entries that are not
/// finite.
double distance_to_hull_l1(PointsView<double> points, VectorView<double> m);

/// The different permutations of the values, one a row: the vertices of their permutohedron, at most n! of them. For n ≤ 8.
/// @throws InputError for more values, or none.
Points<double> all_permutations(VectorView<double> values);

}  // namespace slicecheck::testing
