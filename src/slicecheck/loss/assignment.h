#pragma once
/// Exact W_2² between two clouds of one size, for comparison beside SW: a low SW does not mean good samples.

#include <vector>

#include "slicecheck/core/types.h"

namespace slicecheck {

/// A permutation match with Σ_k cost(k, match[k]) minimal, by successive shortest augmenting paths with dual potentials (the Hungarian method; Jonker &
/// Volgenant's variant), O(n³). Ties between optimal assignments are broken by the smallest column.
/// @throws InputError unless cost is square, not empty and finite.
std::vector<Index> optimal_assignment(PointsView<double> cost);

/// W_2²(γ_Z, γ_Y) = min_π (1/n) Σ_k ‖z_k − y_π(k)‖², z and y n×d.
/// @throws InputError unless both have the same shape with n, d ≥ 1 and finite entries.
double exact_w2_squared(PointsView<double> z, PointsView<double> y);

}  // namespace slicecheck
