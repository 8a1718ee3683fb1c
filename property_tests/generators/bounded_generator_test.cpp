/// The cut-off is C²; the bounded generator is the inner one inside, zero outside, and differentiated in between.

#include "slicecheck/generators/bounded_generator.h"

#include <gtest/gtest.h>

#include "generators/pullback_check.h"
#include "slicecheck/core/error.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/generators/closed_form.h"
#include "slicecheck/generators/dense_mlp.h"

namespace slicecheck::testing {
namespace {

constexpr double kRadius = 2.0;

TEST(CutOff, is_one_then_falls_to_zero) {
  for (const double t : {0.0, 0.3, 1.0}) EXPECT_EQ(cut_off(t), 1.0) << t;
  for (const double t : {2.0, 2.1, 1e300}) EXPECT_EQ(cut_off(t), 0.0) << t;
  EXPECT_EQ(cut_off(1.5), 0.5);
  double before = 1.0;
  for (double t = 1.0; t <= 2.0; t += 0x1p-10) {
    EXPECT_LE(cut_off(t), before + 0x1p-48) << t;
    EXPECT_GE(cut_off(t), -0x1p-48) << t;
    before = cut_off(t);
  }
}

TEST(CutOff, has_two_continuous_derivatives) {
  for (const double t : {0.5, 1.0, 2.0, 3.0}) EXPECT_EQ(cut_off_slope(t), 0.0) << t;
  // At both ends the value leaves by at most 10h³ and the slope by at most 30h²: the second derivative is 0 there too, as it is outside.
  for (double h = 0x1p-4; h >= 0x1p-12; h /= 2.0) {
    EXPECT_LE(std::abs(cut_off(1.0 + h) - 1.0), 10.0 * h * h * h + 0x1p-50);
    EXPECT_LE(std::abs(cut_off(2.0 - h)), 10.0 * h * h * h + 0x1p-46);
    EXPECT_LE(std::abs(cut_off_slope(1.0 + h)), 30.0 * h * h);
    EXPECT_LE(std::abs(cut_off_slope(2.0 - h)), 30.0 * h * h * (1.0 + 0x1p-40));
    // And no less: a cut-off that is flatter is another function.
    EXPECT_GE(std::abs(cut_off_slope(1.0 + h)), 30.0 * h * h * (1.0 - 2.0 * h));
  }
}

TEST(CutOff, the_slope_is_the_derivative_and_at_least_minus_15_8) {
  double least = 0.0;
  for (double t = 1.0; t <= 2.0; t += 0x1p-8) {
    least = std::min(least, cut_off_slope(t));
    const Complex s{t - 1.0, kImaginaryStep};
    const Complex value = 1.0 - s * s * s * (10.0 + s * (-15.0 + 6.0 * s));
    EXPECT_NEAR(cut_off(t), value.real(), 0x1p-46);
    EXPECT_NEAR(cut_off_slope(t), value.imag() / kImaginaryStep, 0x1p-44);
  }
  EXPECT_EQ(least, -15.0 / 8.0);
}

template <class S>
class Bounded : public ::testing::Test {
 protected:
  std::shared_ptr<const DenseMlp<S>> inner_ = std::make_shared<DenseMlp<S>>(2, std::vector<Index>{4, 3}, 2, Activation::tanh);
  BoundedGenerator<S> bounded_{inner_, kRadius};
  Points<S> x_ = random_points<S>(5, 2, 1).template cast<S>();
  Points<S> c_ = random_points<S>(5, 2, 2).template cast<S>();

  /// Parameters of the given norm.
  Vector<S> u_of_norm(double norm, std::uint32_t number = 3) const {
    const Eigen::VectorXd u = random_vector<double>(inner_->parameters(), number, 1.0).normalized() * norm;
    return u.cast<S>();
  }
};
using Scalars = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Bounded, Scalars);

TYPED_TEST(Bounded, inside_is_the_inner_generator_to_the_bit) {
  for (const double norm : {0.0, 0.5, 1.999}) {
    const auto u = this->u_of_norm(norm);
    EXPECT_EQ(this->bounded_.forward(u, this->x_), this->inner_->forward(u, this->x_)) << norm;
    EXPECT_EQ(this->bounded_.pullback(u, this->x_, this->c_), this->inner_->pullback(u, this->x_, this->c_)) << norm;
  }
}

TYPED_TEST(Bounded, outside_is_zero) {
  using S = TypeParam;
  for (const double norm : {4.001, 10.0, 1e6}) {
    const auto u = this->u_of_norm(norm);
    EXPECT_EQ(this->bounded_.forward(u, this->x_), Points<S>::Zero(5, 2)) << norm;
    EXPECT_EQ(this->bounded_.pullback(u, this->x_, this->c_), Vector<S>::Zero(this->inner_->parameters())) << norm;
  }
}

TYPED_TEST(Bounded, in_between_images_and_pullback_have_the_radial_term) {
  using S = TypeParam;
  const auto act = [](Complex t) { return activate_complex(Activation::tanh, t); };
  const Points<double> x = this->x_.template cast<double>();
  const Points<double> c = this->c_.template cast<double>();
  double without_radial_term = 0.0;
  for (std::uint32_t number = 0; number < 60; ++number) {
    const double norm = kRadius * (1.02 + 0.016 * number);
    const Eigen::VectorXd u = this->u_of_norm(norm, 100 + number).template cast<double>();
    const Eigen::VectorXd v = random_vector<S>(u.size(), 200 + number, 1.0);
    const TextbookMlp inner{{4, 3, 2}, act, x};
    const Textbook textbook = [&](const ComplexVector& at) -> ComplexPoints {
      Complex square = 0.0;
      for (const Complex& entry : at) square += entry * entry;
      const Complex s = std::sqrt(square) / kRadius - 1.0;
      return inner(at) * (1.0 - s * s * s * (10.0 + s * (-15.0 + 6.0 * s)));
    };
    const PullbackErrors errors = pullback_errors<S>(this->bounded_, textbook, x, u, v, c);
    // As for the network; the terms of the cut-off add up to at most 32, those of its slope, and of that slope's change, to at most 240.
    const MlpTerms terms = mlp_terms({4, 3, 2}, x, u, v);
    const double relative = mlp_relative_error({4, 3, 2}, x, u.size(), tolerance::unit_roundoff<S>());
    const double of_inner = 32.0 * (1.0 + 3.0 * terms.features) * terms.derivative.cwiseProduct(c.cwiseAbs()).sum();
    const double of_factor = 240.0 / kRadius * v.norm() * terms.images.cwiseProduct(c.cwiseAbs()).sum();
    EXPECT_LE(errors.images, relative * 32.0 * terms.images.maxCoeff()) << number;
    EXPECT_LE(errors.pullback, relative * (of_inner + of_factor)) << number;
    const Vector<S> u_s = u.cast<S>();
    const Vector<S> alone = static_cast<S>(cut_off(norm / kRadius)) * this->inner_->pullback(u_s, this->x_, this->c_);
    without_radial_term = std::max(without_radial_term, static_cast<double>((this->bounded_.pullback(u_s, this->x_, this->c_) - alone).norm()));
  }
  EXPECT_GT(without_radial_term, 0.01) << "the radial term must matter in these cases";
}

TYPED_TEST(Bounded, passes_everything_else_on) {
  using S = TypeParam;
  EXPECT_EQ(this->bounded_.parameters(), this->inner_->parameters());
  EXPECT_EQ(this->bounded_.tensors(), this->inner_->tensors());
  EXPECT_EQ(this->bounded_.input_dimension(), 2);
  EXPECT_EQ(this->bounded_.output_dimension(), 2);
  const RandomStream stream(1, Purpose::initial, 0, 0);
  EXPECT_EQ(this->bounded_.initial(stream), this->inner_->initial(stream));
  EXPECT_NE(this->bounded_.name().find(this->inner_->name()), std::string::npos);
  EXPECT_THROW((void)this->bounded_.forward(Vector<S>::Ones(3), this->x_), InputError);
  EXPECT_THROW((void)this->bounded_.pullback(this->u_of_norm(1.0), this->x_, Points<S>::Ones(2, 2)), InputError);
}

TYPED_TEST(Bounded, rejects_radii_that_make_no_sense) {
  for (const double radius : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()})
    EXPECT_THROW(BoundedGenerator<TypeParam>(this->inner_, radius), InputError) << radius;
}

}  // namespace
}  // namespace slicecheck::testing
