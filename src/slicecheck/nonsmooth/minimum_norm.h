#pragma once
/// The point of a convex set nearest to 0: the measure of criticality dist(0, ∂_C F(u) + N_r(u)) of claim N9.

#include <cstdint>

#include "slicecheck/nonsmooth/convex_set.h"

namespace slicecheck {

/// When the search ends.
struct MinimumNormOptions {
  /// Stop once norm − lower_bound ≤ gap: absolute, in the unit of the set's points, ≥ 0. A gap below the rounding of the arithmetic is never reached: the
  /// search then ends where it makes no more progress, and says so.
  double gap = 0.0;
  /// At most so many calls of the set's maximiser after the first, ≥ 1.
  std::uint64_t iterations = 10000;
};

/// lower_bound ≤ dist(0, C) ≤ norm, whether it converged or not.
struct MinimumNorm {
  Eigen::VectorXd point;         ///< x = Σ λ_i g_i, a convex combination of maximisers: a point of C up to rounding
  double norm = 0.0;             ///< upper bound of dist(0, C): ‖x‖ and the rounding of x, γ_{2k+d+8}·Σ λ_i‖g_i‖
  double lower_bound = 0.0;      ///< max(0, min_{g∈C} ⟨g, x⟩/‖x‖), less the rounding of the inner product; the largest over all x on the way
  std::uint64_t iterations = 0;  ///< calls of the set's maximiser after the first
  bool converged = false;        ///< norm − lower_bound ≤ gap
};

/// Wolfe's algorithm. x is the point nearest to 0 of the affine hull of a few points of C, its corral, and inside their convex hull. A major cycle adds
/// g = the maximiser of −x; minor cycles then move x towards the nearest point of the new affine hull, and drop the points whose weight falls to 0 on the way.
///
/// THE BRACKET. Every c ∈ C has ‖c‖ ≥ ⟨c, x⟩/‖x‖ ≥ min_{g∈C} ⟨g, x⟩/‖x‖, and the minimum is attained at the point that the algorithm asks for anyway. At the
/// nearest point both ends agree, for any compact convex C. For a polytope they meet after finitely many cycles; for another set the gap only tends to 0, and
/// the number of iterations may run out: then converged is false and the bracket is still valid.
/// Not in lower_bound: the rounding of the set's own maximiser, which may return a point short of maximal by that much (`convex_set.h` says how much).
///
/// 0 ∈ C: norm is of the size of the rounding and lower_bound is 0; at x = 0 exactly, the search ends.
/// DUPLICATES AND NEAR-DEPENDENCE. Where the corral is affinely dependent, up to rounding, weight is moved along a dependence until a point has none, which
/// leaves x where it was; that point is dropped. The new point is never the one that loses weight first. A search that finds no better bracket for 2d + 8
/// cycles is at the end of what the arithmetic gives, and ends.
/// @throws InputError unless gap is finite and ≥ 0 and iterations ≥ 1; where the set returns a point of another size or one that is not finite.
MinimumNorm minimum_norm_point(const ConvexSet& set, const MinimumNormOptions& options);

}  // namespace slicecheck
