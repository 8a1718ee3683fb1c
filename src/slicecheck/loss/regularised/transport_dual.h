#pragma once
/// Dual value, plan, certificate of regularised transport (claims R1, R2). Formulas only; nothing here iterates.
///
/// Everything here throws InputError for potentials or plans whose sizes are not those of the problem, and does not validate the problem.

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
/// For KL the P of this convention has I − Σπ' + ΣaΣb in place of I: the same for every π' of mass 1, and λ(1 − Σπ') more for others. Rounding may make the
/// result negative, by no more than `certificate_floor`.
double duality_gap(const TransportProblem& problem, const DualPotentials& potentials, PointsView<double> plan);

/// A bound on what rounding adds to `dual_value` and `duality_gap` at these potentials: the best that a solver in double can certify.
double certificate_floor(const TransportProblem& problem, const DualPotentials& potentials);

}  // namespace slicecheck
