#pragma once
/// Numbers that carry a bound on their rounding: what the claims G3 and G4 compare a two-player training with.
///
/// A formula evaluated in these numbers gives its value, its derivative along one direction, and bounds on how far ANY evaluation of the same formula in double
/// may be from either: sums in whatever order, derivatives forwards or backwards. To first order in u = 2⁻⁵³; the counts of operations are generous, and the
/// terms of second order are 10⁻¹⁰ times smaller.
///
/// Value: error obeys |computed − exact| ≤ error. Derivative: it is a sum over all paths of products of local derivatives. `paths` is the sum of the absolute
/// values of these products, so that any factored evaluation with at most K roundings on a path errs by at most γ_K · paths for the products and sums; the
/// local derivatives themselves are computed from inexact values, and `slope_error` is what that does, added up over the paths.

#include <algorithm>
#include <cmath>
#include <vector>

#include "slicecheck/core/tolerances.h"

namespace slicecheck {

/// One number.
struct Tracked {
  double value = 0.0;
  double error = 0.0;
  double slope = 0.0;
  double paths = 0.0;
  double slope_error = 0.0;

  static constexpr double u = 0x1p-53;

  Tracked() = default;
  /// A number that is known exactly, with its derivative along the direction. Not explicit: formulas are full of numbers.
  Tracked(double exact, double along = 0.0) : value(exact), slope(along), paths(std::abs(along)) {}  // NOLINT(google-explicit-constructor)

  /// An upper bound on |value|, exact or computed.
  [[nodiscard]] double size() const { return std::abs(value) + error; }
};

/// f(a), with |f'| near a, its error beyond what `a.error` makes, and a bound on |f''| near a. `own` is the rounding of f itself.
inline Tracked applied(const Tracked& a, double f, double own, double derivative, double derivative_error, double second) {
  Tracked out;
  out.value = f;
  out.error = (std::abs(derivative) + second * a.error) * a.error + own;
  out.slope = derivative * a.slope;
  out.paths = std::abs(derivative) * a.paths;
  out.slope_error = std::abs(derivative) * a.slope_error + (second * a.error + derivative_error) * (a.paths + a.slope_error);
  return out;
}

/// Σ of any number of terms, in any order.
inline Tracked sum(const std::vector<Tracked>& terms) {
  Tracked out;
  double sizes = 0.0;
  for (const Tracked& term : terms) {
    out.value += term.value;
    out.error += term.error;
    out.slope += term.slope;
    out.paths += term.paths;
    out.slope_error += term.slope_error;
    sizes += term.size();
  }
  out.error += tolerance::gamma(static_cast<double>(terms.size()) + 3.0, Tracked::u) * sizes;
  return out;
}

/// With the error of one sum.
inline Tracked operator+(const Tracked& a, const Tracked& b) { return sum({a, b}); }

/// Exact.
inline Tracked operator-(const Tracked& a) {
  Tracked out = a;
  out.value = -a.value;
  out.slope = -a.slope;
  return out;
}

/// With the error of one sum.
inline Tracked operator-(const Tracked& a, const Tracked& b) { return sum({a, -b}); }

/// With the errors of both factors, and its own.
inline Tracked operator*(const Tracked& a, const Tracked& b) {
  Tracked out;
  out.value = a.value * b.value;
  out.error = a.size() * b.error + b.size() * a.error + 4.0 * Tracked::u * a.size() * b.size();
  out.slope = a.value * b.slope + b.value * a.slope;
  out.paths = std::abs(a.value) * b.paths + std::abs(b.value) * a.paths;
  out.slope_error = a.size() * b.slope_error + b.size() * a.slope_error + a.error * b.paths + b.error * a.paths;
  return out;
}

/// a/c for an exact number c ≠ 0.
inline Tracked operator/(const Tracked& a, double c) { return a * Tracked(1.0 / c); }

/// Σ / count.
inline Tracked mean(const std::vector<Tracked>& terms) { return sum(terms) / static_cast<double>(terms.size()); }

/// |tanh'| ≤ 1, |tanh''| ≤ 4/(3√3); tanh' = 1 − tanh² cancels near ±1.
inline Tracked tanh(const Tracked& a) {
  const double t = std::tanh(a.value);
  return applied(a, t, 8.0 * Tracked::u * std::abs(t), 1.0 - t * t, 20.0 * Tracked::u, 0.77);
}

/// σ; σ' = σ(1 − σ), |σ''| ≤ 1/(6√3). 1 − σ cancels for large arguments in some evaluations.
inline Tracked logistic_of(const Tracked& a) {
  const double f = a.value >= 0.0 ? 1.0 / (1.0 + std::exp(-a.value)) : std::exp(a.value) / (1.0 + std::exp(a.value));
  return applied(a, f, 16.0 * Tracked::u, f * (1.0 - f), 32.0 * Tracked::u, 0.1);
}

/// ln(1 + e^t), with derivative σ(t).
inline Tracked softplus(const Tracked& a) {
  const double f = std::max(a.value, 0.0) + std::log1p(std::exp(-std::abs(a.value)));
  return applied(a, f, 16.0 * Tracked::u * (1.0 + f), logistic_of(a).value, 16.0 * Tracked::u, 0.25);
}

/// a^q for a above its own error, any real q. pow errs by a few units, relative to its result.
inline Tracked power(const Tracked& a, double q) {
  const double least = a.value - a.error;
  const double first = q * std::pow(a.value, q - 1.0);
  const double second = std::abs(q * (q - 1.0)) * std::max(std::pow(least, q - 2.0), std::pow(a.value + a.error, q - 2.0));
  const double f = std::pow(a.value, q);
  return applied(a, f, 16.0 * Tracked::u * f, first, 16.0 * Tracked::u * std::abs(first), second);
}

/// |a|^p for p ≥ 1, at 0 too. For 1 < p < 2 the derivative is only Hölder near 0.
inline Tracked gap_power_of(const Tracked& a, double p) {
  const double size = std::abs(a.value);
  const double f = std::pow(size, p);
  const double first = size > 0.0 ? p * std::pow(size, p - 1.0) * (a.value > 0.0 ? 1.0 : -1.0) : 0.0;
  double moved = 0.0;  // how far p|t|^{p−1} sign t may be off
  if (p >= 2.0 || (p > 1.0 && size <= 2.0 * a.error))
    moved = tolerance::gap_power_derivative(p, size, a.error);
  else if (p > 1.0)
    moved = p * (p - 1.0) * std::pow(size - a.error, p - 2.0) * a.error;
  Tracked out = applied(a, f, 16.0 * Tracked::u * f, first, moved + 16.0 * Tracked::u * std::abs(first), 0.0);
  out.error = (std::abs(first) + moved) * a.error + 16.0 * Tracked::u * f;
  return out;
}

/// How far two evaluations of one number may be apart.
inline double distance_of_values(const Tracked& a) { return 2.0 * a.error; }

/// How far two evaluations of one derivative may be apart, with at most `roundings` on a path.
inline double distance_of_slopes(const Tracked& a, double roundings) { return 2.0 * (tolerance::gamma(roundings, Tracked::u) * a.paths + a.slope_error); }

}  // namespace slicecheck
