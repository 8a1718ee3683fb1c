#pragma once
/// Drawn descents for the claims R8–R10.

#include <vector>

#include "slicecheck/claims/transport_moments.h"
#include "slicecheck/claims/transport_tree.h"

namespace slicecheck {

/// A family with n, m ≤ 2 whose constants hold for every θ: translation or affine map under the squared cost; with `linear` also costs −⟨x, Θy⟩ and the
/// checkerboard, which have L1 = 0.
CostFamily draw_small_family(PointDraws& draws, bool linear);

/// L1 + L0²/λ with the sharpest L0 known to hold for every θ.
double smoothness_everywhere(const CostFamily& family);

/// A start for it: for translations at the optimum, near it or far away.
Eigen::VectorXd draw_start(PointDraws& draws, const CostFamily& family);

/// S ≤ 3 and T ≤ 5 − S, so that the tree has at most 9³ leaves.
struct TreeShape {
  Index batch = 1;
  Index steps = 1;
};
/// A shape whose whole tree can be walked at this size.
TreeShape draw_shape(PointDraws& draws, const CostFamily& family, int size);

/// Exact, of another mass, with other marginals, or a plan that is all but 0.
PotentialError draw_error(PointDraws& draws, Index n, Index m);
/// One for all steps, or one for each.
std::vector<PotentialError> draw_errors(PointDraws& draws, const CostFamily& family, Index steps, bool each);

/// A translation with n, m ≤ size atoms and oracles that are exact (the textbook's optimum) or off as `draw_error` has it; no steps yet.
TranslationDescent draw_translation(PointDraws& draws, int size, std::size_t oracles);

}  // namespace slicecheck
