/// The root of a loss and its gradient, by hand, by differences, and where the loss is 0.

#include "slicecheck/loss/rooted.h"

#include <gtest/gtest.h>

#include <cmath>

#include "slicecheck/core/error.h"
#include "slicecheck/core/random.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/loss/reference_loss.h"

namespace slicecheck::testing {
namespace {

constexpr double kUnit = tolerance::unit_roundoff<double>();

Points<double> normal_cloud(Index n, Index d, std::uint64_t number) {
  const RandomStream stream(1, Purpose::cases, 83, number);  // the same clouds in every run: differences across a tie show nothing
  Points<double> cloud(n, d);
  for (Index k = 0; k < n; ++k) {
    PointDraws draws(stream, static_cast<std::uint64_t>(k));
    for (Index j = 0; j < d; ++j) cloud(k, j) = draws.normal();
  }
  return cloud;
}

TEST(Rooted, by_hand) {
  // One point, gap 3 along e₁ at p = 2: w = 9, its gradient 6 e₁; the root 3, its gradient e₁. At p = 3: 27, 27 e₁; 3, e₁.
  for (const double p : {1.0, 1.5, 2.0, 3.0}) {
    const LossGradient<double> root = rooted(ReferenceLoss(p).evaluate(Points<double>{{3.0, 7.0}}, Points<double>{{0.0, 0.0}}, Points<double>{{1.0, 0.0}}), p);
    EXPECT_NEAR(root.value, 3.0, 3.0 * tolerance::gamma(16.0, kUnit)) << p;
    EXPECT_NEAR(root.gradient(0, 0), 1.0, tolerance::gamma(16.0, kUnit)) << p;
    EXPECT_EQ(root.gradient(0, 1), 0.0) << p;
    EXPECT_EQ(root.per_direction.size(), 0) << p;
  }
}

TEST(Rooted, against_central_differences) {
  constexpr double h = 0x1p-18;
  for (const double p : {1.5, 2.0, 3.0}) {
    const Points<double> z = normal_cloud(7, 3, 1);
    const Points<double> y = normal_cloud(7, 3, 2);
    const Points<double> theta = uniform_directions<double>({1, Purpose::cases, 83, 3}, 5, 3);
    const ReferenceLoss loss(p);
    const auto value = [&](const Points<double>& at) { return rooted(loss.evaluate(at, y, theta), p).value; };
    const Points<double> gradient = rooted(loss.evaluate(z, y, theta), p).gradient;
    for (Index i = 0; i < z.size(); ++i) {
      Points<double> up = z;
      Points<double> down = z;
      up.data()[i] += h;
      down.data()[i] -= h;
      // Third derivatives of the smooth pieces are of order 1, h² is 10⁻¹¹; at p = 1.5 a gap may pass 0 within h, which bends by √h. Rounding is 10⁻¹⁶/h.
      EXPECT_NEAR((value(up) - value(down)) / (2.0 * h), gradient.data()[i], p == 1.5 ? 2e-3 : 1e-7) << p;
    }
  }
}

TEST(Rooted, at_value_0_the_gradient_is_0_whatever_it_was) {
  for (const double p : {1.0, 1.5, 2.0, 3.0}) {
    const Points<double> z = normal_cloud(5, 2, 4);
    const LossGradient<double> root = rooted(ReferenceLoss(p).evaluate(z, z, Points<double>::Identity(2, 2)), p);
    EXPECT_EQ(root.value, 0.0) << p;
    EXPECT_EQ(root.gradient.cwiseAbs().maxCoeff(), 0.0) << p;
  }
}

TEST(Rooted, near_value_0_the_gradient_keeps_its_length) {
  // Z = Y + t(1, …, 1)ᵀθ: the root is t, its gradient θ/n for every t, down to where squares underflow to subnormal numbers.
  const Points<double> y = normal_cloud(4, 2, 5);
  const Points<double> theta = Points<double>{{0.6, 0.8}};
  for (const int exponent : {-4, -20, -40}) {
    const double t = std::exp2(exponent);
    const Points<double> z = y.rowwise() + t * theta.row(0);
    const LossGradient<double> root = rooted(ReferenceLoss(2.0).evaluate(z, y, theta), 2.0);
    const double blur = 4.0 * tolerance::gap(2, z.rowwise().norm().maxCoeff() + y.rowwise().norm().maxCoeff(), kUnit) / t;
    EXPECT_NEAR(root.value, t, blur * t);
    EXPECT_LE((root.gradient.rowwise() - theta.row(0) / 4.0).rowwise().norm().maxCoeff(), blur) << exponent;
  }
  const LossGradient<float> tiny = rooted(LossGradient<float>{1e-300, {}, Points<float>::Zero(1, 1)}, 2.0);
  EXPECT_EQ(tiny.gradient(0, 0), 0.0F) << "not 0 · ∞";
}

TEST(Rooted, rejects_exponents_below_1) {
  EXPECT_THROW((void)rooted(LossGradient<double>{}, 0.5), InputError);
  EXPECT_THROW((void)rooted(LossGradient<double>{}, std::nan("")), InputError);
}

}  // namespace
}  // namespace slicecheck::testing
