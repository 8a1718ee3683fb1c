#pragma once
/// The sliced Wasserstein loss between two batches, and the interface of every implementation of it.

#include <memory>
#include <string_view>

#include "slicecheck/core/types.h"

namespace slicecheck {

/// What a loss returns. `value` is the mean of `per_direction`.
template <class S>
struct LossGradient {
  double value = 0.0;            ///< SW_p^p over the given directions, summed in double
  Vector<double> per_direction;  ///< w_θ for each row of the directions; empty if the subject cannot tell
  Points<S> gradient;            ///< derivative of `value` with respect to the first cloud, n×d
};

/// A subject under test: an implementation of
///
///     value = (1/L) Σ_l w_{θ_l}(Z, Y),    w_θ(Z, Y) = (1/n) Σ_k |θ·z_(k) − θ·y_(k)|^p,
///
/// where θ·z_(1) ≤ … ≤ θ·z_(n) and θ·y_(1) ≤ … ≤ θ·y_(n) are the sorted projections (claim L1: this is the optimal transport cost W_p^p of the projected
/// clouds), and of its almost-everywhere gradient
///
///     ∂value/∂z_k = (1/L) Σ_l (p/n) |Δ|^{p−1} sign(Δ) θ_l,    Δ = θ_l·z_k − (the projected target matched to z_k).
///
/// AT A TIE θ·z_i = θ·z_j the value is continuous; the gradient returned is that of one of the optimal matchings (or a convex combination of them), a member of
/// the Clarke subdifferential (N1, N4). Where Δ = 0 and p = 1 the sign is taken as 0.
template <class S>
class SampleLoss {
 public:
  SampleLoss() = default;
  SampleLoss(const SampleLoss&) = delete;
  SampleLoss& operator=(const SampleLoss&) = delete;
  virtual ~SampleLoss() = default;

  [[nodiscard]] virtual std::string_view name() const = 0;

  /// The exponent p ≥ 1.
  [[nodiscard]] virtual double exponent() const = 0;

  /// Value and gradient. z, y: n×d; directions: L×d, rows of unit length.
  /// @throws InputError for empty or unequal shapes and for entries that are not finite.
  [[nodiscard]] virtual LossGradient<S> evaluate(PointsView<S> z, PointsView<S> y, PointsView<S> directions) const = 0;

  /// The same, into `out`, whose memory is used again where its sizes fit: a loop that keeps `out` need not allocate.
  virtual void evaluate_into(PointsView<S> z, PointsView<S> y, PointsView<S> directions, LossGradient<S>& out) const { out = evaluate(z, y, directions); }

  /// w_θ for each direction, without the gradient. Same shapes and errors.
  [[nodiscard]] virtual Vector<double> values(PointsView<S> z, PointsView<S> y, PointsView<S> directions) const {
    return evaluate(z, y, directions).per_direction;
  }
};

/// Rejects what no loss accepts: shapes that do not fit, no points, no directions, NaN, infinities. The sentence names the argument, the row and the value.
template <class S>
void check_loss_arguments(PointsView<S> z, PointsView<S> y, PointsView<S> directions);

/// Rejects p that is not a finite number ≥ 1.
void check_exponent(double p);

}  // namespace slicecheck
