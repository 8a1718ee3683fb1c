#pragma once
/// Box–Muller for many pairs at once.

#include "slicecheck/core/index.h"

namespace slicecheck {

/// (u, v) ↦ √(−2 ln(1 − u)) · (cos 2πv, sin 2πv) for `pairs` pairs of numbers in [0, 1), one after another in memory. By Highway's vector logarithm, sine and
/// cosine (at most 4 units in the last place each); a pair's result does not depend on the others, nor on how many there are. Rounding: each normal is within
/// 24 u · (its radius) of the exact one, u = 2^−53, plus that of the argument 2πv, 2π·u·radius.
void normals_from_uniforms(const double* uniforms, Index pairs, double* normals);

}  // namespace slicecheck
