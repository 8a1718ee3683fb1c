#pragma once
/// The checks of claim N9 on measures of criticality.

#include <vector>

#include "slicecheck/claims/criticality_subject.h"
#include "slicecheck/claims/typed_check.h"

namespace slicecheck {

/// c_n = 1 − 2·C(2n, n)/4ⁿ: the two-point line has F_n(u) = u² + 1 − 2c_n|u|, and its minimisers are ±c_n.
double line_minimiser(Index n);

/// The two-point line and one ReLU parameter (closed forms), piecewise linear networks of two parameters (every limiting gradient, by brute force), affine maps
/// of the plane (directional derivatives), and Goldstein's version on frozen batches.
std::vector<TypedCheck<CriticalitySubject>> criticality_checks();

}  // namespace slicecheck
