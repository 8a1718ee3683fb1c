/// Activations: values, slopes, the convention at kinks, no overflow.

#include "slicecheck/generators/activation.h"

#include <gtest/gtest.h>

#include <cmath>

#include "generators/textbook.h"
#include "slicecheck/core/tolerances.h"

namespace slicecheck::testing {
namespace {

constexpr std::array kAll{Activation::identity, Activation::relu, Activation::leaky_relu, Activation::tanh, Activation::softplus};

TEST(Activation, names_are_read_back) {
  for (const Activation act : kAll) EXPECT_EQ(parse_activation(activation_name(act)), act);
  EXPECT_THROW((void)parse_activation("ReLU"), InputError);
  EXPECT_THROW((void)parse_activation(""), InputError);
}

TEST(Activation, values_and_slopes_are_the_textbook_s) {
  const double allowed = tolerance::gamma(16.0, tolerance::unit_roundoff<double>());
  for (const Activation act : kAll) {
    for (const double t : {-20.0, -3.0, -1.0, -1e-3, 1e-3, 0.5, 1.0, 3.0, 20.0}) {
      const Complex expected = activate_complex(act, {t, kImaginaryStep});
      EXPECT_NEAR(activate(act, t), expected.real(), allowed * (1.0 + std::abs(t))) << activation_name(act) << " at " << t;
      EXPECT_NEAR(activation_slope(act, t), expected.imag() / kImaginaryStep, allowed) << activation_name(act) << " at " << t;
      const auto single = static_cast<float>(t);
      EXPECT_NEAR(activate(act, single), expected.real(), 16.0 * tolerance::unit_roundoff<float>() * (1.0 + std::abs(t)));
      EXPECT_NEAR(activation_slope(act, single), expected.imag() / kImaginaryStep, 16.0 * tolerance::unit_roundoff<float>());
    }
  }
}

TEST(Activation, at_the_kink_the_slope_is_the_left_one) {
  for (const double zero : {0.0, -0.0}) {
    EXPECT_EQ(activation_slope(Activation::relu, zero), 0.0);
    EXPECT_EQ(activation_slope(Activation::leaky_relu, zero), 0.01);
    EXPECT_EQ(activation_slope(Activation::relu, static_cast<float>(zero)), 0.0F);
    EXPECT_EQ(activation_slope(Activation::leaky_relu, static_cast<float>(zero)), 0.01F);
    EXPECT_EQ(activate(Activation::relu, zero), 0.0);
    EXPECT_EQ(activate(Activation::leaky_relu, zero), 0.0);
  }
  const double least = std::numeric_limits<double>::denorm_min();
  EXPECT_EQ(activation_slope(Activation::relu, least), 1.0);
  EXPECT_EQ(activation_slope(Activation::relu, -least), 0.0);
}

TEST(Activation, softplus_does_not_overflow) {
  EXPECT_EQ(activate(Activation::softplus, 1e4), 1e4);
  EXPECT_EQ(activate(Activation::softplus, -1e4), 0.0);
  EXPECT_EQ(activation_slope(Activation::softplus, 1e4), 1.0);
  EXPECT_EQ(activation_slope(Activation::softplus, -1e4), 0.0);
  EXPECT_EQ(activate(Activation::softplus, 1e4F), 1e4F);
  EXPECT_EQ(activate(Activation::softplus, -1e4F), 0.0F);
  EXPECT_EQ(activation_slope(Activation::softplus, 1e4F), 1.0F);
  EXPECT_EQ(activation_slope(Activation::softplus, -1e4F), 0.0F);
  EXPECT_DOUBLE_EQ(activate(Activation::softplus, 0.0), std::log(2.0));
  EXPECT_DOUBLE_EQ(activate(Activation::softplus, -40.0), std::exp(-40.0)) << "small values keep their relative precision";
  EXPECT_EQ(activation_slope(Activation::softplus, 0.0), 0.5);
}

}  // namespace
}  // namespace slicecheck::testing
