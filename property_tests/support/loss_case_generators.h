#pragma once
/// RapidCheck's cases for claims about a loss: few, bounded, hard numbers, and counter-examples that shrink to something a person can read.

#include <rapidcheck.h>

#include <iosfwd>
#include <string>
#include <vector>

#include "slicecheck/claims/loss_case.h"

namespace slicecheck {

/// How RapidCheck prints a case.
void showValue(const LossCase& c, std::ostream& out);

}  // namespace slicecheck

namespace slicecheck::testing {

/// A case within the limits: at most 12 points, 5 dimensions and 4 directions. Every coordinate is a small integer times a scale, so that exact ties are common
/// and that shrinking, which takes away points and directions and moves every integer towards 0, ends in round numbers.
///
/// The kinds, from the simplest: ties (eighths); duplicates (equal rows); near ties (equal rows, moved by one unit in the last place of double or float);
/// collinear; single point; generic (tenths: no coordinate is exact); tiny (scale 2⁻³⁰); far (all clouds moved by 10⁶); unequal scales (first coordinate times
/// 2²⁰). Directions: axes, Pythagorean pairs (3/5, 4/5, …), and normalised integer vectors. p is 2, 1, 3/2 or 3.
rc::Gen<LossCase> loss_case(const CaseLimits& limits);

/// The kinds above.
std::vector<std::string> generated_kinds();

/// Two different points of Z or of Y have equal projections on a direction of the case, as double computes them.
bool has_exact_tie(const LossCase& c);

}  // namespace slicecheck::testing
