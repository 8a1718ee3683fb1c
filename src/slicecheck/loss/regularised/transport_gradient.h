#pragma once
/// Gradients of regularised transport with respect to the cost matrix (claims R4, R7, R11): ∇_θ = Σ_ij W_ij ∇_θ C_ij for weights W.
///
/// Everything here throws InputError for potentials, plans or stiffnesses whose sizes are not those of the problem.

#include <vector>

#include "slicecheck/loss/regularised/transport_problem.h"

namespace slicecheck {

/// W = π, the plan of the potentials: ∇d at the optimum (Danskin), and the G of Theorem 4.1 elsewhere.
Points<double> gradient_weights(const TransportProblem& problem, const DualPotentials& potentials);

/// W with ∇d̄ = Σ W ∇C for d̄ = d − λ I(π*), near-optimal potentials assumed. KL: π(1 − (C − u ⊕ v)/λ), u and v such that W − π has no marginals. Quadratic: the
/// same on the support of π, π = ab V₊/λ: where the support changes, d̄ has a kink, and this is one side's derivative.
Points<double> sharp_gradient_weights(const TransportProblem& problem, const DualPotentials& potentials);

/// The same from a plan and how it yields: π − S(C − u ⊕ v)/λ, u and v such that W − π has no marginals. S = π (KL), ab on the support (quadratic). n×m each.
Points<double> sharp_gradient_weights(const TransportProblem& problem, PointsView<double> plan, PointsView<double> stiffness);

/// Algorithm 1's estimate as weights: W_ij = (1/S²) #{k: x_k = i} #{l: y_l = j} m_ij, so that g = Σ W ∇C; x and y are S indices of atoms each, drawn from a
/// and b. E[W] = π.
/// @throws InputError for lists that are empty or of different lengths, and for an index outside its law.
Points<double> minibatch_weights(const TransportProblem& problem, const DualPotentials& potentials, const std::vector<Index>& x, const std::vector<Index>& y);

}  // namespace slicecheck
