#pragma once
/// The direction that tells two clouds apart best: max-SW_2² from below (claims L6, L9).

#include <cstdint>

#include "slicecheck/core/random.h"
#include "slicecheck/core/types.h"

namespace slicecheck {

/// A direction and what it sees.
struct MaxSliced {
  double value;                  ///< w_θ(Z, Y) at `direction`: never above max-SW_2²(Z, Y)
  Eigen::RowVectorXd direction;  ///< θ, a unit vector to rounding; −θ is as good
  std::uint64_t iterations;      ///< accepted steps, all starts together
};

/// How long the ascent goes on.
struct MaxSlicedSettings {
  Index random_starts = 8;               ///< uniform on the sphere, beside the fixed ones
  std::uint64_t largest_steps = 500;     ///< accepted steps a start
  double smallest_angle = 1e-7;          ///< a start ends when no step of at least this angle (radians) leads up
  double smallest_relative_gain = 1e-8;  ///< … or when a step gains less than this share of w
};

/// A LOWER bound on max-SW_2²(Z, Y) = max_{‖θ‖=1} w_θ(Z, Y), w_θ = (1/n) Σ_k (θ·z_(k) − θ·y_(k))² (both sorted along θ), attained at the direction returned.
/// z and y are n×d.
///
/// With Δ_k the gap vectors of the sorted matching at θ and M = (1/n) Σ_k Δ_kΔ_kᵀ, w_θ = θᵀMθ, and t = Mθ − w_θ θ is half the gradient on the sphere. From each
/// start the ascent goes along the great circle of t, first by the angle of the power step θ → Mθ/‖Mθ‖, longer after a success, shorter after a failure. For
/// every fixed matching θ ↦ θᵀMθ does not fall by a power step, but w_θ is the MINIMUM of these forms over the matchings (L1), so w itself may fall: a step is
/// taken only if w, sorted anew, has grown; else its angle is halved. So w never falls along a start by construction, not by a theorem.
///
/// AT A TIE (a kink of θ ↦ w_θ) points keep the order of their rows, which gives one gradient of several; no ascent along it does not mean that there is none.
/// Maxima of a minimum often lie on kinks. Nothing promises the global maximum: with more starts the bound only grows.
///
/// Starts: the mean gap; the eigenvectors of the largest and smallest eigenvalue of Cov(Z) − Cov(Y); the coordinate axes for d ≤ 8; `random_starts` directions
/// of `stream`. The value is therefore at least w at each of these; in particular at least ‖mean gap‖², and at n = 1 and for Y = Z + v it is the maximum
/// itself, ‖z − y‖² and ‖v‖², up to rounding.
/// @throws InputError unless both clouds have one shape with n, d ≥ 1 and finite entries, no square overflows, random_starts ≥ 0 and the rest is positive.
MaxSliced max_sliced_w2_squared(PointsView<double> z, PointsView<double> y, const MaxSlicedSettings& settings, const RandomStream& stream);

/// Standard deviation divided by mean of w_θ(Z, Z + v) = (θ·v)² over uniform θ in R^d, v ≠ 0: √(2(d−1)/(d+2)), which grows from 0 at d = 1 to √2.
/// (E(θ·v)² = ‖v‖²/d and E(θ·v)⁴ = 3‖v‖⁴/(d(d+2)).) While it stays bounded, the mean is ‖v‖²/d and the maximum ‖v‖². @throws InputError unless d ≥ 1.
double relative_spread_of_translation(Index d);

}  // namespace slicecheck
