#pragma once
/// What claim T2 says of single step sizes: α = 1/2 on the two-point line, every other one, and α = 1/2 where θ averages.

#include <vector>

#include "slicecheck/claims/dynamics_subject.h"
#include "slicecheck/claims/typed_check.h"

namespace slicecheck {

/// P(m = k), k = 0, …, n, for m = |A − B|, A and B independent binomial(n, 1/2).
///
/// A + (n − B) is binomial(2n, 1/2), so P(A − B = j) = C(2n, n + j)/4ⁿ: P(m = 0) = C(2n, n)/4ⁿ and P(m = k) = 2·C(2n, n − k)/4ⁿ for k > 0. n = 2: 3/8, 1/2,
/// 1/8. Relative error at most γ_{4n+4}.
/// @throws InputError unless n ≥ 1.
std::vector<double> law_of_mismatches(Index n);

/// The checks of step sizes, on trainings.
std::vector<TypedCheck<TrainingSubject>> step_size_checks();

}  // namespace slicecheck
