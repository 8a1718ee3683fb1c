#pragma once
/// Solvers of regularised transport: the duality gap R2 is the only stopping rule.

#include "slicecheck/loss/regularised/transport_problem.h"

namespace slicecheck {

/// KL: log-domain sweeps (log-sum-exp, exact maximisation over φ, then over ψ); any λ, atoms and weights. Quadratic: exact half-steps (sorting) and a damped
/// semi-smooth Newton method with Armijo's rule, falling back to half-steps where the support graph makes it singular.
/// `start`: potentials to begin with (a warm start), or null: ψ = 0.
/// The result is certified where gap ≤ tolerance, and inconclusive where the floor of rounding or the number of sweeps forbids it; potentials, bounds and gap
/// are valid in either case.
/// @throws InputError for an invalid problem, potentials of wrong size or not finite, a tolerance that is not positive.
TransportSolution solve_transport(const TransportProblem& problem, const SolverSettings& settings, const DualPotentials* start = nullptr);

/// One exact maximisation of the dual over φ for given ψ (KL: φ_i = −λ ln Σ_j b_j e^{−(ψ_j + C_ij)/λ}; quadratic: the root of Σ_j b_j (φ_i − ψ_j − C_ij)₊ = λ).
/// Afterwards every row of the plan has mass a_i.
Vector<double> best_phi(const TransportProblem& problem, VectorView<double> psi);
/// The same over ψ for given φ: afterwards every column of the plan has mass b_j.
Vector<double> best_psi(const TransportProblem& problem, VectorView<double> phi);

}  // namespace slicecheck
