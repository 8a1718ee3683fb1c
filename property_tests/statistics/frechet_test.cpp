/// The Fréchet distance on closed forms.

#include "slicecheck/statistics/frechet.h"

#include <gtest/gtest.h>

#include <Eigen/QR>
#include <cmath>

#include "slicecheck/core/error.h"
#include "slicecheck/core/random.h"
#include "slicecheck/core/tolerances.h"

namespace slicecheck {
namespace {

constexpr double kUnit = tolerance::unit_roundoff<double>();

Points<double> cloud(Index n, Index d, std::uint32_t number) {
  Eigen::VectorXd entries(n * d);
  RandomStream(1, Purpose::cases, number, 0).fill_normal(entries);
  return entries.reshaped<Eigen::RowMajor>(n, d);
}

/// What rounding may do to the distance. An eigenvalue λ of a symmetric matrix errs by at most e = c·d·u·‖·‖ with c below 10 (Higham, section 3.6; the QR
/// iteration is backward stable), so its root by √e: the sum of d roots by d√e, twice. The traces and the gap of the means add d + 4 roundings of their size.
double bound(const GaussianFit& a, const GaussianFit& b) {
  const auto d = static_cast<double>(a.mean.size());
  const double size = a.covariance.trace() + b.covariance.trace();
  const double eigenvalue = 10.0 * d * d * kUnit * a.covariance.trace() * b.covariance.trace();
  return 2.0 * d * std::sqrt(eigenvalue) + tolerance::gamma(d + 4.0, kUnit) * (size + (a.mean - b.mean).squaredNorm());
}

TEST(FitGaussian, is_mean_and_covariance) {
  Points<double> points(3, 2);
  points << 0, 0, 2, 0, 1, 3;
  const auto fit = fit_gaussian(points);
  EXPECT_EQ(fit.mean, Eigen::Vector2d(1, 1));
  Eigen::Matrix2d expected;
  expected << 1, 0, 0, 3;
  EXPECT_EQ(fit.covariance, expected);
  EXPECT_THROW((void)fit_gaussian(points.topRows(1)), InputError);
  points(0, 0) = std::nan("");
  EXPECT_THROW((void)fit_gaussian(points), InputError);
}

TEST(FrechetDistance, of_equal_clouds_is_0_and_of_a_translated_one_the_square_of_the_shift) {
  for (const Index d : {1, 2, 7, 30}) {
    const Points<double> points = cloud(50, d, static_cast<std::uint32_t>(d));
    const auto a = fit_gaussian(points);
    EXPECT_LE(frechet_distance(a, a), bound(a, a));
    auto b = a;
    b.mean.array() += 2.0;
    EXPECT_NEAR(frechet_distance(a, b), 4.0 * static_cast<double>(d), bound(a, b));
    b.mean.array() += 0.1;
    EXPECT_GT(std::abs(frechet_distance(a, b) - 4.0 * static_cast<double>(d)), bound(a, b)) << "another shift is told apart";
  }
}

TEST(FrechetDistance, of_diagonal_covariances_is_that_of_the_spreads) {
  const Index d = 6;
  GaussianFit a{Eigen::VectorXd::Zero(d), Eigen::MatrixXd::Zero(d, d)}, b = a;
  double expected = 0.0;
  for (Index i = 0; i < d; ++i) {
    const double s = 0.5 * static_cast<double>(i), t = 3.0 - 0.25 * static_cast<double>(i);  // one spread is 0
    a.covariance(i, i) = s * s;
    b.covariance(i, i) = t * t;
    expected += (s - t) * (s - t);
  }
  EXPECT_NEAR(frechet_distance(a, b), expected, bound(a, b));
  EXPECT_NEAR(frechet_distance(b, a), expected, bound(a, b));
}

TEST(FrechetDistance, does_not_see_a_rotation_of_both) {
  const Index d = 5;
  const auto a = fit_gaussian(cloud(40, d, 101)), b = fit_gaussian(cloud(40, d, 102) * 1.5);
  const Eigen::MatrixXd rotation = Eigen::HouseholderQR<Eigen::MatrixXd>(cloud(d, d, 103)).householderQ();
  const auto rotated = [&](const GaussianFit& fit) { return GaussianFit{rotation * fit.mean, rotation * fit.covariance * rotation.transpose()}; };
  EXPECT_NEAR(frechet_distance(rotated(a), rotated(b)), frechet_distance(a, b), 2.0 * bound(a, b));
  EXPECT_GT(std::abs(frechet_distance(rotated(a), b) - frechet_distance(a, b)), 2.0 * bound(a, b)) << "a rotation of one of them is seen";
}

TEST(FrechetDistance, what_does_not_fit_is_rejected) {
  EXPECT_THROW((void)frechet_distance(fit_gaussian(cloud(3, 2, 1)), fit_gaussian(cloud(3, 3, 1))), InputError);
}

}  // namespace
}  // namespace slicecheck
