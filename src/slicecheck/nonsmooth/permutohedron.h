#pragma once
/// Membership in a permutohedron and the projection onto it: what decides whether a gradient at a tie is a Clarke subgradient (N1, N2, N4).

#include "slicecheck/core/types.h"

namespace slicecheck {

/// How far m is from satisfying the inequalities that describe P = conv{permutations of values}. With m_(1) ≥ … ≥ m_(n), v_(1) ≥ … ≥ v_(n) and
/// D_k = Σ_{i≤k} (m_(i) − v_(i)), m ∈ P if and only if D_k ≤ 0 for k < n and D_n = 0: m is majorised by the values (Rado; N2). Returned is
///
///     max(0, D_1, …, D_{n−1}, |D_n|),
///
/// 0 exactly for members. It is in the unit of the values, but as a sum of up to n of them: m + e with |e_i| ≤ τ moves it by at most nτ.
///
/// D_k is the largest violation among the half-spaces ⟨1_S, ·⟩ ≤ max over P with |S| = k, hence excess ≤ dist_1(m, P) ≤ 3·excess, because
/// dist_1(m, P) = max(|D_n|, max_{k<n} 2D_k − D_n): the dual linear programme maximises ⟨m, s⟩ − max_P⟨·, s⟩ over s ∈ [−1, 1]^n, and this is linear on every
/// set of s with one order, whose extreme points are the s with entries ±1.
///
/// Rounding: at most γ_n·Σ_i |m_(i) − v_(i)|; none where m is a permutation of the values. Ties in m or in the values do not matter.
/// @throws InputError unless m and values have the same size ≥ 1 and finite entries.
double majorisation_excess(VectorView<double> m, VectorView<double> values);

/// The point p of P = conv{permutations of values} with ‖m − p‖_2 smallest; unique. It is characterised by ⟨m − p, g − p⟩ ≤ 0 for all g ∈ P.
///
/// With m and the values sorted downwards, p_(i) = m_(i) − f_i, where f is the non-increasing sequence nearest to m_(i) − v_(i) in the least-squares sense,
/// found by pooling adjacent violators: O(n log n). Proof: f's pools B have f = the mean of m − v on B, so Σ_B p = Σ_B v, and within a pool prefix means of m −
/// v are at most f, so prefix sums of p are at most those of v: p ∈ P. As f is non-increasing, max_P ⟨f, ·⟩ = Σ f_i v_(i) = Σ f_i p_(i), hence ⟨m − p, g − p⟩ ≤
/// 0.
///
/// AT A TIE of m the entries of p are equal too: equal m and falling v make a rising m − v, which is pooled. Members come back up to rounding, permutations of
/// the values to the bit. Rounding, with scale = max|m_i| + max|v_i|: p is in P up to an excess of n·γ_{5n+8}·scale (each of at most n poolings adds one
/// rounding to a sum and lowers the means by at most three), and |⟨f, v − p⟩| ≤ γ_{2n+8}·Σ_i |f_i|·scale.
/// @throws InputError as above.
Eigen::VectorXd project_onto_permutohedron(VectorView<double> m, VectorView<double> values);

}  // namespace slicecheck
