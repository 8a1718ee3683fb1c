#pragma once
/// The walls of a FlowField that meet at a point, the pieces between them, and the point of smallest norm of their gradients: what `solve_flow` decides with.

#include <vector>

#include "slicecheck/dynamics/flow_field.h"

namespace slicecheck {

/// Relative size below which a rate ⟨∇h_j, u'⟩ is rounding: gradients are sums of a few hundred terms.
constexpr double kRateRounding = 1e-10;

/// The walls that u lies on.
std::vector<Index> walls_at(const FlowField& field, VectorView<double> u, const std::vector<int>& sides, double width);

/// ∇h_j of the walls, one a column.
Eigen::MatrixXd normals(const FlowField& field, VectorView<double> u, const std::vector<int>& sides, const std::vector<Index>& walls);

/// Whether points next to u have these sides of the walls at once, to first order: some v has side_j ⟨∇h_j, v⟩ > 0 for all of them. Walls whose gradients are
/// linearly independent have all pieces; relu(t) − relu(−t) has two of its four.
bool piece_exists(const FlowField& field, VectorView<double> u, const std::vector<int>& sides, const std::vector<Index>& walls);

/// ∇F of every piece that touches u, one a row.
Points<double> piece_gradients(const FlowField& field, VectorView<double> u, std::vector<int> sides, const std::vector<Index>& walls);

/// v without its components along the columns.
Eigen::VectorXd tangential(const Eigen::MatrixXd& columns, const Eigen::VectorXd& v);

/// The point of the hull of the rows that is nearest to 0.
///
/// `minimum_norm_point` finds the NORM up to rounding, so the point only up to the root of it: next to a vertex it cannot tell a rate of 10⁻⁸ from 0, and a
/// wall would seem to let go too early. So the point is made exact on the face that it is near to: the nearest point of the affine hull of the pieces with ⟨g,
/// x⟩ close to ‖x‖², if that lies in the hull (a distance, and so found up to rounding).
Eigen::VectorXd smallest_gradient(const Points<double>& gradients);

}  // namespace slicecheck
