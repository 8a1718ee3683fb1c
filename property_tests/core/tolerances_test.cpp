/// The derived tolerances really bound the rounding that they were derived for, and are not so wide that they bound anything.

#include "slicecheck/core/tolerances.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "slicecheck/core/random.h"
#include "slicecheck/loss/gap_power.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

using Wide = long double;

TEST(Tolerances, gamma_is_monotone_and_just_above_k_u) {
  for (const double u : {tolerance::unit_roundoff<float>(), tolerance::unit_roundoff<double>()}) {
    double before = 0.0;
    for (double k = 1.0; k <= 4096.0; k *= 2.0) {
      const double value = tolerance::gamma(k, u);
      EXPECT_GT(value, before);
      EXPECT_GE(value, k * u);
      EXPECT_LE(value, 1.001 * k * u);
      before = value;
    }
  }
  EXPECT_EQ(tolerance::unit_roundoff<double>(), 0x1p-53);
  EXPECT_EQ(tolerance::unit_roundoff<float>(), 0x1p-24);
}

TEST(Tolerances, gap_and_value_grow_with_every_argument) {
  const double u = tolerance::unit_roundoff<double>();
  EXPECT_LT(tolerance::gap(3, 1.0, u), tolerance::gap(4, 1.0, u));
  EXPECT_LT(tolerance::gap(3, 1.0, u), tolerance::gap(3, 2.0, u));
  for (const double p : {1.0, 1.5, 2.0, 3.0}) {
    EXPECT_LT(tolerance::value(1.0, p, 1e-9, 10, u), tolerance::value(1.0, p, 1e-8, 10, u));
    EXPECT_LT(tolerance::value(1.0, p, 1e-9, 10, u), tolerance::value(2.0, p, 1e-9, 10, u) + (p == 1.0 ? 1e-15 : 0.0));
    EXPECT_GT(tolerance::value(0.0, p, 0.0, 1, u), 0.0) << "rounding near 0 must be allowed";
    EXPECT_TRUE(std::isnan(tolerance::value(std::nan(""), p, 0.0, 1, u))) << "NaN must not become a tolerance";
  }
}

/// Plain evaluation in S and in long double on the same representable clouds of one random case.
template <class S>
class Rounding {
 public:
  explicit Rounding(std::uint64_t number) {
    const RandomStream stream(test_seed(), Purpose::cases, 77, number);
    PointDraws draws(stream, 0);
    n_ = 1 + static_cast<Index>(draws.below(40));
    d_ = 1 + static_cast<Index>(draws.below(12));
    const double offset = draws.below(3) == 0 ? 1e3 : 0.0;
    z_ = cloud(draws, offset);
    y_ = cloud(draws, offset);
    Eigen::VectorXd theta(d_);
    for (Index j = 0; j < d_; ++j) theta[j] = draws.normal();
    theta_ = theta.normalized().cast<S>();
  }

  [[nodiscard]] Index n() const { return n_; }
  [[nodiscard]] Index d() const { return d_; }
  [[nodiscard]] double size() const { return largest_norm(z_) + largest_norm(y_); }

  /// Sorted gaps, computed in T.
  template <class T>
  [[nodiscard]] std::vector<T> gaps() const {
    const auto z = projected<T>(z_);
    const auto y = projected<T>(y_);
    std::vector<T> gaps;
    for (std::size_t k = 0; k < z.size(); ++k) gaps.push_back(z[k] - y[k]);
    return gaps;
  }

 private:
  Points<S> cloud(PointDraws& draws, double offset) const {
    Points<S> points(n_, d_);
    for (Index k = 0; k < n_; ++k)
      for (Index j = 0; j < d_; ++j) points(k, j) = static_cast<S>(offset + draws.normal());
    return points;
  }

  static double largest_norm(const Points<S>& points) { return points.template cast<double>().rowwise().norm().maxCoeff(); }

  template <class T>
  std::vector<T> projected(const Points<S>& points) const {
    std::vector<T> out;
    for (Index k = 0; k < n_; ++k) {
      T sum = 0;
      for (Index j = 0; j < d_; ++j) sum += static_cast<T>(theta_[j]) * static_cast<T>(points(k, j));
      out.push_back(sum);
    }
    std::sort(out.begin(), out.end());
    return out;
  }

  Index n_;
  Index d_;
  Points<S> z_;
  Points<S> y_;
  Vector<S> theta_;
};

template <class T>
Wide mean_power(const std::vector<T>& gaps, double p) {
  Wide sum = 0;
  for (const T gap : gaps) sum += static_cast<Wide>(gap_power(gap, p));
  return sum / static_cast<Wide>(gaps.size());
}

/// Largest observed / allowed of gaps and values over many cases.
template <class S>
void check_rounding() {
  const double u = tolerance::unit_roundoff<S>();
  double worst_gap = 0.0;
  double worst_value = 0.0;
  for (std::uint64_t number = 0; number < 2000; ++number) {
    const Rounding<S> drawn(number);
    const auto got = drawn.template gaps<S>();
    const auto exact = drawn.template gaps<Wide>();
    const double allowed = tolerance::gap(drawn.d(), drawn.size(), u);
    for (std::size_t k = 0; k < got.size(); ++k) worst_gap = std::max(worst_gap, static_cast<double>(std::abs(static_cast<Wide>(got[k]) - exact[k])) / allowed);
    for (const double p : {1.0, 1.5, 2.0, 3.0}) {
      const Wide value = mean_power(exact, p);
      const auto error = static_cast<double>(std::abs(mean_power(got, p) - value));
      worst_value = std::max(worst_value, error / tolerance::value(static_cast<double>(value), p, allowed, drawn.n(), u));
    }
  }
  EXPECT_LE(worst_gap, 1.0);
  EXPECT_LE(worst_value, 1.0);
  // A tolerance a thousand times too wide would pass as well, and mean nothing.
  EXPECT_GT(worst_gap, 1e-2);
  EXPECT_GT(worst_value, 1e-3);
}

TEST(Tolerances, bound_the_rounding_of_float) { check_rounding<float>(); }

TEST(Tolerances, bound_the_rounding_of_double) {
  if (std::numeric_limits<Wide>::digits <= std::numeric_limits<double>::digits) GTEST_SKIP() << "long double is double on this machine";
  check_rounding<double>();
}

TEST(Tolerances, bound_the_change_of_the_derivative) {
  const RandomStream stream(test_seed(), Purpose::cases, 78, 0);
  for (const double p : {1.2, 1.5, 2.0, 2.5, 3.0}) {
    double worst = 0.0;
    for (int i = 0; i < 4000; ++i) {
      PointDraws draws(stream, static_cast<std::uint64_t>(i));
      const double size = 2.0;
      const double e = std::exp2(draws.uniform(-20.0, 0.0));
      const double at = draws.below(4) == 0 ? 0.5 * e : draws.uniform(-size, size);  // both sides of 0, where p < 2 is worst
      const double moved = at + (draws.below(2) == 0 ? -e : e);
      const double change = std::abs(gap_power_derivative(moved, p) - gap_power_derivative(at, p));
      worst = std::max(worst, change / tolerance::gap_power_derivative(p, size, e));
    }
    EXPECT_LE(worst, 1.0 + 1e-9) << p;
    EXPECT_GT(worst, 0.1) << p;
  }
}

}  // namespace
}  // namespace slicecheck::testing
