#pragma once
/// Every tolerance of SliceCheck, each derived from the rounding of what it judges; none is guessed.
///
/// Notation: u is the unit roundoff (2^-53 for double, 2^-24 for float) and γ_k = k·u / (1 − k·u) bounds the relative error of any sequence of k rounded
/// operations (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1), in whatever order and with or without fused multiply-adds.

#include <cmath>
#include <limits>

#include "slicecheck/core/types.h"

namespace slicecheck::tolerance {

/// u of the scalar S.
template <class S>
constexpr double unit_roundoff() {
  return static_cast<double>(std::numeric_limits<S>::epsilon()) / 2.0;
}

/// γ_k.
inline double gamma(double k, double u) { return k * u / (1.0 - k * u); }

/// Bound on the error of every computed gap Δ_k = θ·z_(k) − θ·y_(k), where ‖z_k‖ + ‖y_l‖ ≤ size for all k, l and ‖θ‖ ≤ 1 + 4u.
///
/// A projection is d products and d − 1 sums: γ_d‖θ‖‖z‖. A subject may first move both clouds by one common vector c with ‖c‖ ≤ max‖y_l‖ (the mean of Y, say;
/// the gaps themselves do not move): one more rounding each, and ‖z_k − c‖ + ‖y_l − c‖ ≤ 3·size. Sorting does not enlarge the largest error (the k-th smallest
/// of a family moves by at most the largest move), and the subtraction adds one rounding: together at most 3γ_{d+3}·size.
inline double gap(Index d, double size, double u) { return 3.0 * gamma(static_cast<double>(d) + 3.0, u) * size; }

/// Bound on the error of w = (mean of |Δ_k|^p over points, then over directions) when every gap errs by at most `gap_error`.
///
/// Minkowski: the p-th roots differ by at most gap_error, so w itself moves by at most (w^{1/p} + e)^p − w^{1/p·p}; the power and the scaling cost at most
/// 8 roundings in the subject's precision u, and the sum of `terms` values is taken in double.
inline double value(double w, double p, double gap_error, Index terms, double u) {
  const double root = std::pow(w, 1.0 / p);
  // (root + e)^p − w without cancellation.
  const double moved = w > 0.0 ? w * std::expm1(p * std::log1p(gap_error / root)) : std::pow(gap_error, p);
  const double rounding = gamma(8.0, u) + gamma(static_cast<double>(terms) + 8.0, unit_roundoff<double>());
  return moved + rounding * (w + moved) + std::numeric_limits<double>::min();
}

/// Bound on the change of p·|Δ|^{p−1}·sign Δ when Δ, |Δ| ≤ size, errs by at most e; p > 1.
///
/// For p ≥ 2 the derivative is at most p(p−1)(size + e)^{p−2}; for 1 < p ≤ 2 the function is Hölder of order p − 1 with constant p·2^{2−p}.
inline double gap_power_derivative(double p, double size, double e) {
  if (p >= 2.0) return p * (p - 1.0) * std::pow(size + e, p - 2.0) * e;
  return p * std::pow(2.0, 2.0 - p) * std::pow(e, p - 1.0);
}

}  // namespace slicecheck::tolerance
