#pragma once
/// The arithmetic of one arc of the angular sweep (theory/plane.md): angles with their unit vectors, integrals, and the moments whose sinusoid is maximised. In
/// `long double`; private to plane_sweep.cpp.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>

#include "slicecheck/loss/plane_events.h"
#include "slicecheck/loss/plane_exact.h"

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

/// φ of unit vectors in the upper half plane, by the chord to a tabulated direction: far cheaper than atan2, and as good.
class AngleTable {
 public:
  AngleTable() {
    for (std::size_t k = 0; k < kCells; ++k) {
      const Real phi = (static_cast<Real>(k) + 0.5L) * (kPi / static_cast<Real>(kCells));
      at_[k] = {phi, std::cos(phi), std::sin(phi)};
    }
  }

  /// `cell`: a guess, which becomes the cell of this angle. For increasing angles that is the cell of the one before.
  [[nodiscard]] Real angle_of(Real cosine, Real sine, std::size_t& cell) const {
    Real across = at_[cell].cosine * sine - at_[cell].sine * cosine;
    // Opposite directions have a short chord too, and cosines of opposite signs.
    if (!(std::abs(across) < kHalfCell) || at_[cell].cosine * cosine < 0.0L) {
      const double rough = std::atan2(static_cast<double>(sine), static_cast<double>(cosine));
      const double place = rough * (static_cast<double>(kCells) * std::numbers::inv_pi);
      cell = std::min(static_cast<std::size_t>(std::max(place, 0.0)), kCells - 1);
      across = at_[cell].cosine * sine - at_[cell].sine * cosine;
    }
    // arcsin t = t (1 + t²/6 + 3t⁴/40 + 15t⁶/336 + …): for |t| < 1/160 the terms left out are below 10⁻²¹.
    const Real square = across * across;
    const Real series = 1.0L + square * (1.0L / 6.0L + square * (3.0L / 40.0L + square * (15.0L / 336.0L)));
    return at_[cell].phi + across * series;
  }

 private:
  static constexpr std::size_t kCells = 256;
  /// More than sin(π/512), so that an angle at the common end of two cells stays in either.
  static constexpr Real kHalfCell = 1.0L / 160.0L;
  std::array<Angle, kCells> at_;
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

/// A number to some hundred bits: adding to it errs by less than 2^−101 of the larger of the sum and what is added.
class LongSum {
 public:
  void add(const TwoDoubles& term) {
    const TwoDoubles high = exact_sum(high_, term.high);
    const TwoDoubles low = exact_sum(low_, term.low);
    const double carried = high.low + low.high;
    const double sum = high.high + carried;
    const double rest = (carried - (sum - high.high)) + low.low;
    high_ = sum + rest;
    low_ = rest - (high_ - sum);
  }
  [[nodiscard]] Real value() const { return Real{high_} + Real{low_}; }

 private:
  double high_ = 0.0;
  double low_ = 0.0;
};

/// Twice the product, with an error below 2^−101 of it, where nothing underflows.
inline TwoDoubles product(const TwoDoubles& a, const TwoDoubles& b) {
  const TwoDoubles high = exact_product(a.high, b.high);
  return {high.high, high.low + (a.high * b.low + a.low * b.high)};
}

/// S to some hundred bits, kept up to date.
class RunningMoments {
 public:
  /// Adds a bᵀ and its transpose.
  void add_pair(const PlanePoint& a_from, const PlanePoint& a_to, const PlanePoint& b_from, const PlanePoint& b_to) {
    const TwoDoubles ax = exact_sum(a_to.x, -a_from.x);
    const TwoDoubles ay = exact_sum(a_to.y, -a_from.y);
    const TwoDoubles bx = exact_sum(b_to.x, -b_from.x);
    const TwoDoubles by = exact_sum(b_to.y, -b_from.y);
    xx_.add(scaled(product(ax, bx), 2.0));
    xy_.add(product(ax, by));
    xy_.add(product(ay, bx));
    yy_.add(scaled(product(ay, by), 2.0));
    additions_ += 2;
  }
  /// Adds factor·(to − from)(to − from)ᵀ.
  void add_square(const PlanePoint& from, const PlanePoint& to, double factor) {
    const TwoDoubles x = exact_sum(to.x, -from.x);
    const TwoDoubles y = exact_sum(to.y, -from.y);
    xx_.add(scaled(product(x, x), factor));
    xy_.add(scaled(product(x, y), factor));
    yy_.add(scaled(product(y, y), factor));
    ++additions_;
  }
  [[nodiscard]] Moments value() const { return {xx_.value(), xy_.value(), yy_.value()}; }
  [[nodiscard]] std::uint64_t additions() const { return additions_; }

 private:
  static TwoDoubles scaled(const TwoDoubles& term, double power_of_two) { return {power_of_two * term.high, power_of_two * term.low}; }

  LongSum xx_;
  LongSum xy_;
  LongSum yy_;
  std::uint64_t additions_ = 0;
};

/// A piece of length x from the unit vector a to the unit vector b: with S = a + b, ∫ (θ·D)² dφ = along·(S·D)² + across·(S × D)².
struct PieceWeights {
  Real along;   ///< (x + sin x) / (8 cos²(x/2))
  Real across;  ///< (x − sin x) / (8 cos²(x/2))
};

/// For 0 ≤ x ≤ 1/8, with relative errors below 16u: the first terms left out are below 10⁻²¹ of the sums, at x = 1/256, 1/32 and 1/8.
inline PieceWeights piece_weights(Real x) {
  const Real square = x * x;
  Real along = 17.0L / 5040.0L;
  Real across = 31.0L / 7560.0L;
  if (x > 0x1p-8L) {
    Real further_along = 691.0L / 13305600.0L;
    Real further_across = 5461.0L / 86486400.0L;
    if (x > 0x1p-5L) {
      further_along += square * (5461.0L / 889574400.0L + square * (929569.0L / 1307674368000.0L));
      further_across += square * (929569.0L / 124540416000.0L + square * (3202291.0L / 3705077376000.0L));
    }
    along += square * (31.0L / 72576.0L + square * further_along);
    across += square * (691.0L / 1330560.0L + square * further_across);
  }
  along = 1.0L + square * (1.0L / 6.0L + square * (1.0L / 40.0L + square * along));
  across = 1.0L + square * (1.0L / 5.0L + square * (17.0L / 560.0L + square * across));
  return {x * (1.0L / 4.0L) * along, x * square * (1.0L / 48.0L) * across};
}

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
