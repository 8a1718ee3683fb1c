#pragma once
/// Ground costs c(z, y) between points, their matrices and their derivatives (claims R5, R13).

#include <string>
#include <string_view>

#include "slicecheck/core/types.h"

namespace slicecheck {

/// c(z, y): `l1` ‖z − y‖₁; `squared` ‖z − y‖²; `cosine` 1 − ⟨z, y⟩/(‖z‖‖y‖). All three are symmetric.
enum class GroundCost { l1, squared, cosine };

/// l1, squared or cosine.
std::string_view ground_cost_name(GroundCost cost);
/// @throws InputError for an unknown name; the sentence lists the known ones.
GroundCost ground_cost_by_name(const std::string& name);

/// C_ij = c(z_i, y_j), n×m, for z n×d and y m×d.
/// @throws InputError unless both are finite, not empty and of one dimension; for `cosine`, unless no point is 0 (there is no direction there).
Points<double> cost_matrix(GroundCost cost, PointsView<double> z, PointsView<double> y);

/// Σ_j W_ij ∂c(z_i, y_j)/∂z_i, n×d: what weights W on the entries of the cost matrix say of the first cloud. The second cloud's is the same function with the
/// clouds exchanged and W transposed, as the costs are symmetric. At a kink of `l1` (a coordinate where z_i and y_j agree) the derivative is 0, the middle of
/// Clarke's interval.
/// @throws InputError as `cost_matrix`, and unless W is n×m.
Points<double> cost_pullback(GroundCost cost, PointsView<double> z, PointsView<double> y, PointsView<double> weights);

}  // namespace slicecheck
