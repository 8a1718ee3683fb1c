#pragma once
/// What the claims R share: bounds on plans that are not optimal, and judgements against 1.

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "slicecheck/claims/dynamics_trial.h"
#include "slicecheck/claims/transport_textbook.h"

namespace slicecheck {

/// The unit roundoff of double.
inline constexpr double kDoubleUnit = tolerance::unit_roundoff<double>();
/// The unit roundoff of `Real`.
inline constexpr double kRealUnit = static_cast<double>(std::numeric_limits<Real>::epsilon()) / 2.0;

/// A bound on ‖π − π*‖₁ for the plan π of potentials whose ε is at most `epsilon`, κ = ε/λ: √(2κ) + κ ≥ τ(κ) for KL, whose mass may differ from 1; √(2κ) for
/// the quadratic regulariser, in χ² too (R7).
Real plan_distance(Real epsilon, double lambda, Regulariser regulariser);
/// The same for a problem.
Real plan_distance(const TransportProblem& problem, Real epsilon);

/// A bound on |⟨π', C⟩ − d̄| for a feasible π' within ε of the optimum: ½ osc(C) √(2ε/λ), as the primal is λ-strongly convex (R2).
Real cost_distance(const TransportProblem& problem, Real epsilon);

/// 1 is allowed; NaN refutes.
Trial ratio_trial(Real ratio, std::vector<NamedValues> values);

/// The larger of two; NaN if one of them is.
template <class S>
S worse_of(S a, S b) {
  return std::isnan(a) || std::isnan(b) ? std::numeric_limits<S>::quiet_NaN() : std::max(a, b);
}

}  // namespace slicecheck
