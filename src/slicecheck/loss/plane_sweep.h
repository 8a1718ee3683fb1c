#pragma once
/// The exact sliced Wasserstein distance in the plane, by one sweep over all directions (theory/plane.md, claim L6).

#include <cstdint>

#include "slicecheck/core/types.h"

namespace slicecheck {

/// Of two n×2 clouds Z and Y, with θ(φ) = (cos φ, sin φ) and w(φ) = (1/n) Σ_r (θ(φ)·z_(r) − θ(φ)·y_(r))² over the sorted projections:
struct PlaneSliced {
  double value = 0.0;       ///< SW_2² = (1/π) ∫_0^π w(φ) dφ, never negative
  Points<double> gradient;  ///< n×2, row k the derivative of `value` for z_k; see `duplicates`. 0×2 where it was not asked for
  double max_value = 0.0;   ///< max-SW_2² = max w(φ) ≥ value; 0 where it was not asked for
  Eigen::RowVector2d max_direction = Eigen::RowVector2d::UnitX();  ///< a θ that attains it (one of them, at a tie), with θ_y ≥ 0, rounded
  bool duplicates = false;      ///< Z has coincident points: SW_2² is continuous but in general not differentiable there. Rows of coincident points are then
                                ///< the mean of their block, a member of the Clarke subdifferential
  std::uint64_t events = 0;     ///< pairs of points of one cloud that change places at an angle in (0, π)
  double condition = 1.0;       ///< √(mean ‖Δ_r‖² / value), the mean over ranks and angles: what a relative error of the gaps is multiplied by; ≥ 1
  double value_error = 0.0;     ///< bound on |value − exact|, for the clouds as given, every digit of them counted
  double gradient_error = 0.0;  ///< bound on Σ_k ‖row k − exact row k‖
  double max_error = 0.0;       ///< bound on |max_value − exact|
};

/// What is computed beside the value.
struct PlaneSweepOptions {
  bool gradient = true;
  bool max = true;
};

/// Everything in `PlaneSliced`, in O(n²) time and O(n) memory where slopes are spread out; O(n² log n) and O(n²) where very many pairs of points have close or
/// equal slopes, as on one line. (The maximum takes O(n) more for each arc near it that is in doubt by rounding: none in generic clouds, many where Z and Y
/// nearly coincide.)
///
/// Between two events the matching σ, τ by rank is fixed, so Δ_r = z_σ(r) − y_τ(r) is a constant vector, and every rank adds ∫ (θ(φ)·Δ_r)² dφ over the arcs on
/// which its Δ_r stays: non-negative terms, nothing cancels. The gradient row of the point of rank r collects (2/(nπ)) ∫ θ(φ) (θ(φ)·Δ_r) dφ.
///
/// Only differences z_k − z_l, y_k − y_l, z_k − y_l of the coordinates enter. A common offset is therefore never seen: nothing has to be centred. The order of
/// events is exact, and where several fall on one angle each block of equal projections is reversed as a whole.
/// The order of the rows of Z or of Y changes no bit of the values, and permutes the rows of the gradient with those of Z.
///
/// AT A TIE θ·z_k = θ·z_l of distinct points nothing happens: a single direction has no weight. See `duplicates` for z_k = z_l; coincident points of Y are
/// harmless.
/// @throws InputError unless z and y are n×2 with one n, 1 ≤ n < 2^31, and finite entries of magnitude at most 2^500.
PlaneSliced exact_plane_sw(PointsView<double> z, PointsView<double> y, const PlaneSweepOptions& options = {});

}  // namespace slicecheck
