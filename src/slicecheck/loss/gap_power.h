#pragma once
/// |Δ|^p and its derivative, with the exponents that matter spelled out.

#include <cmath>

namespace slicecheck {

/// |gap|^p.
template <class S>
S gap_power(S gap, double p) {
  if (p == 2.0) return gap * gap;
  if (p == 1.0) return std::abs(gap);
  return static_cast<S>(std::pow(std::abs(gap), static_cast<S>(p)));
}

/// p |gap|^{p−1} sign(gap). At gap = 0 it is 0, for p = 1 as well: there the derivative does not exist and nothing is claimed (L8).
template <class S>
S gap_power_derivative(S gap, double p) {
  if (p == 2.0) return S{2} * gap;
  const S sign = gap > S{0} ? S{1} : (gap < S{0} ? S{-1} : S{0});
  if (p == 1.0) return sign;
  return static_cast<S>(p) * sign * static_cast<S>(std::pow(std::abs(gap), static_cast<S>(p - 1.0)));
}

}  // namespace slicecheck
