#pragma once
/// The direction that tells two clouds apart best: max-SW_2², from below (theory/generative.md, claim G1; L6, L9).

#include <cstdint>

#include "slicecheck/core/random.h"
#include "slicecheck/core/types.h"

namespace slicecheck {

/// A direction and what it sees.
struct MaxSliced {
  double value = 0.0;            ///< w_θ(Z, Y) at `direction`, sorted there: never above max-SW_2²(Z, Y)
  Eigen::RowVectorXd direction;  ///< θ, a unit vector to rounding; −θ is as good
  std::uint64_t iterations = 0;  ///< steps, all starts together
  Points<double> starts{};       ///< where the ascent began, one unit vector a row: `value` is not below w at any of them. 0×d where it was not needed
  bool exact = false;            ///< `value` is max-SW_2² itself up to rounding: the plane, or n = 1, or d = 1
};

/// Where the ascent begins and how long it goes on.
struct MaxSlicedSettings {
  Index random_starts = 5;               ///< uniform on the sphere, beside the fixed ones
  Index scanned = 256;                   ///< more of them are looked at, and the best is one start; 0: none
  bool covariance_starts = true;         ///< eigenvectors of Cov(Z) − Cov(Y), by an eigenvalue problem of size min(d, 2n)
  std::uint64_t steps = 100;             ///< K; 0: the climb alone
  double first_step = 0.5;               ///< s_0, to be read as an angle while it is small
  double decay = 0.93;                   ///< s_{k+1} = decay · s_k
  std::uint64_t largest_steps = 500;     ///< accepted steps of the climb, a start
  double smallest_angle = 1e-7;          ///< the climb ends when no step of at least this angle (radians) leads up
  double smallest_relative_gain = 1e-8;  ///< … or when a step gains less than this share of w
  Index plane_points = 2048;             ///< d = 2: the exact sweep for at most so many points, as its time grows like n²; else the ascent
};

/// A LOWER bound on max-SW_2²(Z, Y) = max_{‖θ‖=1} w_θ(Z, Y), w_θ = (1/n) Σ_k (θ·z_(k) − θ·y_(k))² (both sorted along θ): w at the direction returned.
/// z and y are n×d. In the plane it is the maximum itself, by the angular sweep (plane_sweep.h).
///
/// With Δ_k the gap vectors of the sorted matching at θ and M = (1/n) Σ_k Δ_kΔ_kᵀ, w_θ = θᵀMθ, and t = Mθ − w_θ θ is half the gradient on the sphere. From each
/// start first θ ← norm(θ + s_k t/‖t‖) with decaying s_k, whether w grows or falls, and the best direction on the way is kept; then a climb from there along
/// the great circle of t, first by the angle of the power step θ → Mθ/‖Mθ‖, in which a step is taken only if w, sorted anew, has grown. So `value` is not below
/// w at any start by construction, not by a theorem: for a fixed matching θ ↦ θᵀMθ does not fall by a power step, but w_θ is the MINIMUM of these forms over
/// the matchings (L1), so w itself may fall. Steps of fixed length cross kinks at which a climb would stop.
///
/// AT A TIE (a kink of θ ↦ w_θ) points keep the order of their rows, which gives one gradient of several; no ascent along it does not mean that there is none.
/// Maxima of a minimum often lie on kinks. Nothing promises the global maximum for d > 2: with more starts the bound only grows.
///
/// Starts: `previous`, if it is not empty, such as the direction found for clouds close to these; the mean gap; the eigenvectors of the largest and smallest
/// eigenvalue of Cov(Z) − Cov(Y); the best of the coordinate axes (d ≤ 8) and of rows 0, …, scanned − 1 of the directions of `stream`; its next random_starts
/// rows. The value is therefore at least w at each of these; in particular at least ‖mean gap‖², and at n = 1 and for Y = Z + v it is the maximum itself,
/// ‖z − y‖² and ‖v‖², up to rounding.
/// @throws InputError unless both clouds have one shape with n, d ≥ 1 and finite entries, no square overflows, `previous` has no or d finite entries that are
/// not all 0, counts are not negative, 0 < decay < 1 and the rest is positive.
MaxSliced max_sliced_w2_squared(PointsView<double> z, PointsView<double> y, const MaxSlicedSettings& settings, const RandomStream& stream,
                                const Eigen::RowVectorXd& previous = {});

/// Standard deviation divided by mean of w_θ(Z, Z + v) = (θ·v)² over uniform θ in R^d, v ≠ 0: √(2(d−1)/(d+2)), which grows from 0 at d = 1 to √2.
/// (E(θ·v)² = ‖v‖²/d and E(θ·v)⁴ = 3‖v‖⁴/(d(d+2)).) While it stays bounded, the mean is ‖v‖²/d and the maximum ‖v‖². @throws InputError unless d ≥ 1.
double relative_spread_of_translation(Index d);

}  // namespace slicecheck
