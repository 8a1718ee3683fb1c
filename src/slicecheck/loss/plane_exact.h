#pragma once
/// Sums and products of two doubles without error, for the angular sweep in the plane.

#include <cmath>

namespace slicecheck::plane {

/// high + low is exact, high is the rounded sum, difference or product.
struct TwoDoubles {
  double high;
  double low;
};

inline TwoDoubles exact_sum(double a, double b) {
  const double high = a + b;
  const double of_b = high - a;
  return {high, (a - (high - of_b)) + (b - of_b)};
}

/// Exact where neither overflow nor underflow occurs.
inline TwoDoubles exact_product(double a, double b) {
  const double high = a * b;
  return {high, std::fma(a, b, -high)};
}

/// Products of such numbers, and what their rounding loses, are far from underflow: multiples of 2^(−2·452).
inline bool far_from_underflow(const TwoDoubles& difference) {
  constexpr double least = 0x1p-400;
  const auto safe = [](double part) { return part == 0.0 || std::abs(part) >= least; };
  return safe(difference.high) && safe(difference.low);
}

}  // namespace slicecheck::plane
