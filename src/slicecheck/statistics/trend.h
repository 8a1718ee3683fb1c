#pragma once
/// Do values become smaller from group to group? A p-value that is valid however far out.

#include <cstddef>
#include <vector>

namespace slicecheck {

/// Jonckheere and Terpstra's test, one-sided: the alternative is that values become stochastically smaller from group to group (groups in the order of falling
/// step size). With W the number of pairs of an earlier and a later group's value in which the later one is larger, a pair of equal values counting 1/2, out of
/// M = Σ_{g<h} n_g n_h pairs, N = Σ n_g,
///
///     p = min_{0<q<1} q^{−W} · (Π_g n_g! / N!) · Π_{i≤N} (1 − q^i) / Π_g Π_{i≤n_g} (1 − q^i),    and 1 where W ≥ M/2.
///
/// The product is E q^W under the hypothesis when no values are equal, so that this is Chernoff's bound with the exact generating function; equal values only
/// make E q^W smaller. So P(p ≤ level) ≤ level for all sizes, all levels and all patterns of equal values, up to rounding, under each of these hypotheses:
/// the N values are exchangeable; or they are independent, equally distributed inside a group, and stochastically no smaller from group to group (flat or
/// increasing, not only flat). Independent means: no random numbers are shared between step sizes.
///
/// Compared with the normal approximation of z = (M/2 − W)/σ, σ² = (N²(2N + 3) − Σ n_g²(2n_g + 3))/72: always p ≤ exp(−z²/2), with the same exponent as the
/// normal tail, which is smaller by a factor of about z√(2π) (12 at z = 5) in large groups. Where every pair is in order (W = 0) p is the exact n_1!…n_k!/N!.
/// Without equal values the approximation is too small near the centre and too large far out. With them, and the variance corrected for them, it can be wrong
/// by any factor: of 101 values one is larger than the others, which are equal, and it is the only one in its group: exact 1/101, p the same, normal
/// approximation 10⁻²³. The price of p: equal values do not lower it as the corrected variance would (3/4 of σ² for two values equally frequent).
/// @throws InputError for fewer than 2 groups, an empty group, or NaN. Infinite values are ordered as usual.
double decreasing_trend_p_value(const std::vector<std::vector<double>>& groups);

/// The smallest p-value that groups of these sizes can have, n_1!…n_k!/N!: where it exceeds the level of a verdict, the budget is too small for the trend test.
/// @throws InputError for fewer than 2 groups or an empty one.
double smallest_trend_p_value(const std::vector<std::size_t>& sizes);

}  // namespace slicecheck
