#pragma once
/// Solvers of regularised transport: the duality gap R2 is the only stopping rule.

#include "slicecheck/loss/regularised/transport_problem.h"

namespace slicecheck {

/// Exact half-steps over φ and ψ in the log domain (KL) or by the roots of piecewise linear functions (quadratic), in turn; where these are slow, Newton's
/// method for the semi-dual (semi-smooth for the quadratic regulariser), along a decreasing sequence of λ where λ is much below the spread of C. A multiple of
/// the weights is added to Newton's matrix, as little as rounding asks for and a thousand times more each time that a direction fails. The length of a step is
/// searched by bracketing on the slope of D along it, until that is at most 0.3 of what it was and D has not fallen. Any λ, atoms and weights.
/// `start`: potentials to begin with (a warm start), or null: ψ = 0.
/// The result is certified where gap + floor ≤ tolerance, and inconclusive where the floor of rounding or the number of sweeps forbids it, or where the numbers
/// overflow; potentials, bounds, gap and floor are valid in either case (an infinite gap or floor says nothing).
/// @throws InputError for an invalid problem, potentials of wrong size or not finite, a tolerance that is not positive.
TransportSolution solve_transport(const TransportProblem& problem, const SolverSettings& settings, const DualPotentials* start = nullptr);
/// The same by half-steps alone: what Sinkhorn's method needs.
TransportSolution solve_by_half_steps(const TransportProblem& problem, const SolverSettings& settings, const DualPotentials* start = nullptr);

/// One exact maximisation of the dual over φ for given ψ (KL: φ_i = −λ ln Σ_j b_j e^{−(ψ_j + C_ij)/λ}; quadratic: the root of Σ_j b_j (φ_i − ψ_j − C_ij)₊ = λ).
/// Afterwards every row of the plan has mass a_i.
/// @throws InputError for a ψ of wrong size. The problem is not validated.
Vector<double> best_phi(const TransportProblem& problem, VectorView<double> psi);
/// The same over ψ for given φ: afterwards every column of the plan has mass b_j. @throws InputError for a φ of wrong size.
Vector<double> best_psi(const TransportProblem& problem, VectorView<double> phi);

}  // namespace slicecheck
