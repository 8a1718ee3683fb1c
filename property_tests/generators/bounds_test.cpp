/// Certificates: never below what is true, and not far above; and the naive ones are.

#include "slicecheck/generators/bounds.h"

#include <gtest/gtest.h>

#include <Eigen/SVD>
#include <cmath>

#include "slicecheck/claims/sample_objective.h"
#include "slicecheck/gallery/broken_generator.h"
#include "slicecheck/generators/spectral_norm.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

Points<double> drawn(std::uint64_t point, Index rows, Index columns) {
  const RandomStream stream(test_seed(), Purpose::cases, 77, 0);
  PointDraws draws(stream, point);
  Points<double> w(rows, columns);
  for (Index i = 0; i < w.size(); ++i) w.data()[i] = draws.normal();
  return w;
}

TEST(SpectralNormBound, is_above_the_largest_singular_value_and_close_to_it) {
  for (std::uint64_t i = 0; i < 40; ++i) {
    const Points<double> w = drawn(i, 1 + static_cast<Index>(i % 7), 1 + static_cast<Index>(i % 11));
    const double sigma = Eigen::JacobiSVD<Eigen::MatrixXd>(w).singularValues()[0];
    const double bound = spectral_norm_bound(w);
    EXPECT_GE(bound, sigma * (1.0 - 1e-14));
    EXPECT_LE(bound, sigma * std::pow(static_cast<double>(std::min(w.rows(), w.cols())), 1.0 / 2048.0) * (1.0 + 1e-9));
  }
}

TEST(SpectralNormBound, of_special_matrices) {
  EXPECT_EQ(spectral_norm_bound(Points<double>::Zero(3, 2)), 0.0);
  EXPECT_EQ(spectral_norm_bound(Points<double>(0, 0)), 0.0);
  EXPECT_NEAR(spectral_norm_bound(Points<double>::Identity(5, 5)), 1.0, 1e-3);
  EXPECT_GE(spectral_norm_bound(Points<double>::Identity(5, 5)), 1.0);
  for (const double scale : {1e-200, 1e200}) {
    EXPECT_GE(spectral_norm_bound(scale * Points<double>::Ones(2, 2)), 2.0 * scale * (1.0 - 1e-15));
    EXPECT_LE(spectral_norm_bound(scale * Points<double>::Ones(2, 2)), 2.001 * scale);
  }
}

/// Difference quotients on the ball stay below Λ, images below H, for every family and size.
TEST(GeneratorBounds, hold_on_the_ball) {
  for (const GeneratorSubject& subject : generator_subjects()) {
    double tightest = 0.0;
    for (std::uint64_t i = 0; i < 60; ++i) {
      const RandomStream stream(test_seed(), Purpose::cases, 78, i);
      PointDraws draws(stream, 0);
      const auto generator = subject.make(draws, 1 + static_cast<int>(i % 4));
      const Points<double> x = drawn_inputs(stream, 1, generator->input_dimension(), false);
      const Eigen::VectorXd u0 = drawn(i, 1, generator->parameters()).row(0).transpose();
      const double radius = 0.5;
      const auto bounds = generator->bounds(u0, radius, x.row(0));
      ASSERT_TRUE(bounds) << subject.name;
      Eigen::VectorXd v = drawn(1000 + i, 1, generator->parameters()).row(0).transpose();
      v *= 0.99 * radius / v.norm();
      const Points<double> one = generator->forward(u0 + v, x);
      const Points<double> two = generator->forward(u0 - v, x);
      const double quotient = (one - two).norm() / (2.0 * v.norm());
      EXPECT_LE(quotient, bounds->lipschitz * (1.0 + 1e-12)) << subject.name;
      EXPECT_LE(one.norm(), bounds->image * (1.0 + 1e-12)) << subject.name;
      EXPECT_LT(bounds->rounding, 1e-12 * (1.0 + bounds->image)) << subject.name;
      tightest = std::max(tightest, quotient / bounds->lipschitz);
    }
    EXPECT_GT(tightest, 0.1) << subject.name << ": a bound that nothing comes near";
  }
}

TEST(GeneratorBounds, of_softplus_without_its_offset_are_violated) {
  for (const GeneratorDefect& defect : broken_generators()) {
    if (defect.name != "certificate-without-offset") continue;
    bool violated = false;
    for (std::uint64_t i = 0; i < 60 && !violated; ++i) {
      const RandomStream stream(test_seed(), Purpose::cases, 79, i);
      PointDraws draws(stream, 0);
      const auto generator = defect.subject.make(draws, 2);
      const Points<double> x = Points<double>::Zero(1, generator->input_dimension());
      const Eigen::VectorXd u0 = Eigen::VectorXd::Zero(generator->parameters());
      const double radius = 1e-3;
      Points<double> cotangent = Points<double>::Zero(1, generator->output_dimension());
      cotangent(0, 0) = 1.0;
      violated = generator->pullback(u0, x, cotangent).norm() > generator->bounds(u0, radius, x.row(0))->lipschitz;
    }
    EXPECT_TRUE(violated);
    return;
  }
  FAIL() << "the defect is not in the gallery";
}

}  // namespace
}  // namespace slicecheck::testing
