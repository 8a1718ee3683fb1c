#pragma once
/// A certified upper bound on ‖W‖₂. Power iteration alone gives a lower bound.

#include "slicecheck/core/types.h"

namespace slicecheck {

/// An upper bound on the largest singular value of W, rounding included; 0 for W = 0 and for an empty W. It exceeds ‖W‖₂ by a factor of at most r^(1/2048) and
/// rounding, r the smaller dimension.
///
/// For a symmetric positive semidefinite G, ‖G‖₂ = ‖G²‖₂^{1/2} and ‖G‖₂ ≤ ‖G‖_F. Starting from the Gram matrix of W, G is divided by its Frobenius norm and
/// squared ten times; the Frobenius norm ends the recursion. A product of two r×r matrices of Frobenius norm 1 errs by at most γ_r in that norm (Higham,
/// section 3.5), which is added at every level.
double spectral_norm_bound(PointsView<double> w);

}  // namespace slicecheck
