#pragma once
/// Dual value, plan, certificate of regularised transport (claims R1, R2). Formulas only; nothing here iterates.

#include "slicecheck/loss/regularised/transport_problem.h"

namespace slicecheck {

/// m = π/(ab) of the potentials, n×m: e^{V/λ} or V₊/λ. Any potentials; the plan need not be feasible, nor its mass 1.
Points<double> plan_density(const TransportProblem& problem, const DualPotentials& potentials);

/// π = ab·m.
Points<double> plan_of(const TransportProblem& problem, const DualPotentials& potentials);

/// D(φ, ψ): a lower bound on d for ANY potentials.
double dual_value(const TransportProblem& problem, const DualPotentials& potentials);

/// I(π) for any π ≥ 0; 0·ln 0 = 0.
double regularisation(const TransportProblem& problem, PointsView<double> plan);

/// A plan with exact marginals (to rounding) near that of the potentials: rows scaled down to a, columns to b, and the rest added as a product (Altschuler,
/// Weed and Rigollet's rounding).
Points<double> feasible_plan(const TransportProblem& problem, const DualPotentials& potentials);

/// P(π') − D(φ, ψ) for π' with marginals r and s, without a difference of large numbers (R2):
///   KL λ Σ [π' ln(π'/π) − π' + π], quadratic (λ/2) Σ (π' − π)²/(ab) + Σ π' V₋, each + Σ φ(r − a) − Σ ψ(s − b).
double duality_gap(const TransportProblem& problem, const DualPotentials& potentials, PointsView<double> plan);

/// A bound on what rounding adds to `dual_value` and `duality_gap` at these potentials: the best that a solver in double can certify.
double certificate_floor(const TransportProblem& problem, const DualPotentials& potentials);

}  // namespace slicecheck
