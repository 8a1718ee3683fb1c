#pragma once
/// The arithmetic of one arc of the angular sweep (theory/plane.md): angles with their unit vectors, integrals, and the moments whose sinusoid is maximised. In
/// `long double`; private to plane_sweep.cpp.

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>

namespace slicecheck::plane {

using Real = long double;

inline constexpr Real kPi = std::numbers::pi_v<Real>;
/// u of the sweep's arithmetic, and how far a stored angle lies from the exact one (theory/plane.md, P2).
inline constexpr double kUnit = static_cast<double>(std::numeric_limits<Real>::epsilon()) / 2.0;
inline constexpr double kAngleError = 10.0 * kUnit;

struct Angle {
  Real phi;
  Real cosine;
  Real sine;
};

/// The vector Δ_r of one rank, the angle from which it holds, and whether it still does.
struct Gap {
  Real x;
  Real y;
  Angle since;
  bool open;
};

/// A running sum whose rounding errors are summed beside it: after k additions it errs by at most (k·u)² of the largest partial sum.
class CompensatedSum {
 public:
  void add(Real term) {
    const Real sum = high_ + term;
    const Real of_term = sum - high_;
    low_ += (high_ - (sum - of_term)) + (term - of_term);
    high_ = sum;
  }
  [[nodiscard]] Real value() const { return high_ + low_; }

 private:
  Real high_ = 0.0L;
  Real low_ = 0.0L;
};

/// S = Σ_r Δ_r Δ_rᵀ and θᵀSθ.
struct Moments {
  Real xx;
  Real xy;
  Real yy;

  [[nodiscard]] Real trace() const { return xx + yy; }
  [[nodiscard]] Real along(const Angle& a) const { return a.cosine * a.cosine * xx + 2.0L * a.cosine * a.sine * xy + a.sine * a.sine * yy; }
  /// The derivative of `along` for φ.
  [[nodiscard]] Real slope(const Angle& a) const { return 2.0L * ((a.cosine * a.cosine - a.sine * a.sine) * xy - a.cosine * a.sine * (xx - yy)); }
  /// The larger eigenvalue, and the angle of its direction in [0, π).
  [[nodiscard]] Real largest() const { return (trace() + std::hypot(xx - yy, 2.0L * xy)) / 2.0L; }
  [[nodiscard]] Real angle_of_largest() const {
    const Real phi = std::atan2(2.0L * xy, xx - yy) / 2.0L;
    return phi < 0.0L ? phi + kPi : phi;
  }
};

/// S, kept up to date. What is taken away is bit for bit what was added, so only the additions round.
class RunningMoments {
 public:
  void add(const Gap& gap, Real factor) {
    xx_.add(factor * (gap.x * gap.x));
    xy_.add(factor * (gap.x * gap.y));
    yy_.add(factor * (gap.y * gap.y));
    ++additions_;
  }
  [[nodiscard]] Moments value() const { return {xx_.value(), xy_.value(), yy_.value()}; }
  [[nodiscard]] std::uint64_t additions() const { return additions_; }

 private:
  CompensatedSum xx_;
  CompensatedSum xy_;
  CompensatedSum yy_;
  std::uint64_t additions_ = 0;
};

/// (x − sin x) / 2 for 0 ≤ x ≤ π, with a relative error below 64u.
inline Real half_of_x_minus_sine(Real x) {
  if (x > 0.5L) return (x - std::sin(x)) / 2.0L;
  // x³/12 · (1 − x²/(4·5) (1 − x²/(6·7) (…))): the terms left out are below 10⁻²¹ of the sum, at x = 1/2 as at x = 1/64.
  constexpr std::array<Real, 8> inverse{1.0L / 342.0L, 1.0L / 272.0L, 1.0L / 210.0L, 1.0L / 156.0L, 1.0L / 110.0L, 1.0L / 72.0L, 1.0L / 42.0L, 1.0L / 20.0L};
  const Real square = x * x;
  Real sum = 1.0L;
  for (std::size_t t = x > 0x1p-6L ? 0 : 5; t < inverse.size(); ++t) sum = 1.0L - square * inverse[t] * sum;
  return x * square * sum * (1.0L / 12.0L);
}

/// The direction half-way from a to b.
inline Angle middle(const Angle& a, const Angle& b) {
  const Real phi = (a.phi + b.phi) / 2.0L;
  if (b.phi - a.phi > 1.0L) return {phi, std::cos(phi), std::sin(phi)};
  const Real x = a.cosine + b.cosine;
  const Real y = a.sine + b.sine;
  const Real scale = 1.0L / std::sqrt(x * x + y * y);
  return {phi, scale * x, scale * y};
}

}  // namespace slicecheck::plane
