#pragma once
/// Numbers that carry a bound on the error with which single precision computes them: running error analysis, so that a comparison with code in float needs no
/// tolerance of its own.

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "slicecheck/core/tolerances.h"

namespace slicecheck::testing {

/// A value in double, and a bound on |computed in float − value|. Rounding in double is below it by 2^−29 and is not counted.
struct Rounded {
  double value = 0.0;
  double error = 0.0;

  [[nodiscard]] double size() const { return std::abs(value) + error; }
};

constexpr double kFloatUnit = tolerance::unit_roundoff<float>();

/// `value`, reached with the error `carried` and at most `roundings` relative roundings of something of size `size`; or lost below the smallest normal number.
inline Rounded rounded(double value, double carried, double size, double roundings) {
  return {value, carried + tolerance::gamma(roundings, kFloatUnit) * size + static_cast<double>(std::numeric_limits<float>::min())};
}

inline Rounded operator-(const Rounded& a) { return {-a.value, a.error}; }
inline Rounded operator+(const Rounded& a, const Rounded& b) {
  return rounded(a.value + b.value, a.error + b.error, std::abs(a.value + b.value) + a.error + b.error, 1.0);
}
inline Rounded operator-(const Rounded& a, const Rounded& b) { return a + (-b); }
inline Rounded operator*(const Rounded& a, const Rounded& b) {
  return rounded(a.value * b.value, a.size() * b.size() - std::abs(a.value * b.value), a.size() * b.size(), 1.0);
}
/// For 0 < b.
inline Rounded reciprocal(const Rounded& b) {
  const double lowest = b.value - b.error;
  if (!(lowest > 0.0)) return {1.0 / b.value, std::numeric_limits<double>::infinity()};
  return rounded(1.0 / b.value, b.error / (b.value * lowest), 1.0 / lowest, 2.0);
}
inline Rounded operator/(const Rounded& a, const Rounded& b) { return a * reciprocal(b); }
/// For 0 < a.
inline Rounded root(const Rounded& a) {
  const double lowest = a.value - a.error;
  if (!(lowest > 0.0)) return {std::sqrt(a.value), std::numeric_limits<double>::infinity()};
  return rounded(std::sqrt(a.value), a.error / (2.0 * std::sqrt(lowest)), std::sqrt(a.size()), 2.0);
}

/// Σ a_i b_i over what is added, in any order: each term passes through at most as many roundings as there are terms, and two.
class Sum {
 public:
  void add(const Rounded& a, const Rounded& b) {
    value_ += a.value * b.value;
    const double size = a.size() * b.size();
    carried_ += size - std::abs(a.value * b.value);
    size_ += size;
    ++terms_;
  }
  void add(const Rounded& a) { add(a, {1.0, 0.0}); }
  /// The size of what was added: Σ (|a_i| + error)(|b_i| + error).
  [[nodiscard]] double size() const { return size_; }
  [[nodiscard]] Rounded total() const { return rounded(value_, carried_, size_, static_cast<double>(terms_) + 2.0); }

 private:
  double value_ = 0.0;
  double carried_ = 0.0;
  double size_ = 0.0;
  long terms_ = 0;
};

}  // namespace slicecheck::testing
