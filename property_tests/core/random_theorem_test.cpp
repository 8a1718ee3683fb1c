/// The laws of random streams, each assertion with its probability of failing by chance (support/false_alarm.h).

#include <gtest/gtest.h>

#include <boost/math/distributions/beta.hpp>
#include <boost/math/distributions/normal.hpp>
#include <cmath>

#include "slicecheck/core/random.h"
#include "slicecheck/statistics/confidence.h"
#include "support/false_alarm.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

constexpr int kDraws = 200'000;

RandomStream stream(std::uint32_t replicate) { return {test_seed(), Purpose::cases, replicate, 0}; }

TEST(RandomLaws, both_doubles_of_a_block_are_uniform) {
  const RandomStream draws = stream(1);
  for (const std::size_t lane : {0U, 1U}) {
    std::vector<double> values;
    for (int i = 0; i < kDraws; ++i) values.push_back(draws.uniforms(static_cast<std::uint64_t>(i))[lane]);
    EXPECT_LE(kolmogorov_smirnov_distance(values), kolmogorov_smirnov_bound(kDraws, spend_false_alarm()));
  }
}

TEST(RandomLaws, the_test_of_uniformity_refuses_a_planted_bias) {
  std::vector<double> values;
  for (int i = 0; i < kDraws; ++i) values.push_back(std::pow(stream(1).uniforms(static_cast<std::uint64_t>(i))[0], 1.03));
  EXPECT_GT(kolmogorov_smirnov_distance(values), kolmogorov_smirnov_bound(kDraws, kFalseAlarm));
}

TEST(RandomLaws, normals_are_standard_normal) {
  const boost::math::normal law;
  for (const std::size_t lane : {0U, 1U}) {
    std::vector<double> probabilities;
    double sum = 0.0;
    double squares = 0.0;
    for (int i = 0; i < kDraws; ++i) {
      const double x = stream(2).normals(static_cast<std::uint64_t>(i))[lane];
      sum += x;
      squares += x * x;
      probabilities.push_back(boost::math::cdf(law, x));
    }
    EXPECT_LE(std::abs(sum / kDraws), normal_mean_bound(kDraws, spend_false_alarm()));
    EXPECT_TRUE(chi_squared_range(kDraws, spend_false_alarm()).contains(squares)) << squares / kDraws;
    EXPECT_LE(kolmogorov_smirnov_distance(probabilities), kolmogorov_smirnov_bound(kDraws, spend_false_alarm()));
  }
}

TEST(RandomLaws, the_normals_of_a_block_are_uncorrelated) {
  // Of independent normals, (x + y)/√2 and (x − y)/√2 are again standard normal; a correlation would change their variances.
  double plus = 0.0;
  double minus = 0.0;
  for (int i = 0; i < kDraws; ++i) {
    const auto [x, y] = stream(3).normals(static_cast<std::uint64_t>(i));
    plus += 0.5 * (x + y) * (x + y);
    minus += 0.5 * (x - y) * (x - y);
  }
  EXPECT_TRUE(chi_squared_range(kDraws, spend_false_alarm()).contains(plus));
  EXPECT_TRUE(chi_squared_range(kDraws, spend_false_alarm()).contains(minus));
}

TEST(RandomLaws, integers_below_m_are_uniform) {
  for (const std::uint64_t m : {2U, 3U, 7U, 60U}) {
    std::vector<double> counts(m, 0.0);
    const RandomStream source = stream(4);
    for (int i = 0; i < kDraws; ++i) {
      PointDraws draws(source, static_cast<std::uint64_t>(i));
      const std::uint64_t value = draws.below(m);
      ASSERT_LT(value, m);
      ++counts[value];
    }
    // Pearson's statistic; χ² is its limit law, and over 3000 draws are expected in every cell.
    const double expected = static_cast<double>(kDraws) / static_cast<double>(m);
    double statistic = 0.0;
    for (const double count : counts) statistic += (count - expected) * (count - expected) / expected;
    EXPECT_TRUE(chi_squared_range(static_cast<double>(m) - 1.0, spend_false_alarm()).contains(statistic)) << m << ": " << statistic;
    // The exact law of each count.
    const CountRange range = binomial_range(kDraws, 1.0 / static_cast<double>(m), spend_false_alarm() / static_cast<double>(m));
    for (const double count : counts) EXPECT_TRUE(range.contains(count)) << m << ": " << count;
  }
}

/// θ·e for directions uniform on S^{d−1} and a unit vector e: (1 + θ·e)/2 is Beta((d−1)/2, (d−1)/2).
double distance_from_beta(const Points<double>& theta, const Eigen::VectorXd& e) {
  const double a = (static_cast<double>(theta.cols()) - 1.0) / 2.0;
  const boost::math::beta_distribution<double> law(a, a);
  std::vector<double> probabilities;
  for (Index l = 0; l < theta.rows(); ++l) probabilities.push_back(boost::math::cdf(law, std::clamp(0.5 * (1.0 + theta.row(l).dot(e)), 0.0, 1.0)));
  return kolmogorov_smirnov_distance(std::move(probabilities));
}

TEST(DirectionLaws, projections_have_the_beta_law) {
  constexpr Index count = 50'000;
  for (const Index d : {2, 3, 10}) {
    const Points<double> theta = uniform_directions<double>(stream(5), count, d);
    EXPECT_LE(distance_from_beta(theta, Eigen::VectorXd::Unit(d, 0)), kolmogorov_smirnov_bound(count, spend_false_alarm())) << d;
    EXPECT_LE(distance_from_beta(theta, Eigen::VectorXd::Ones(d).normalized()), kolmogorov_smirnov_bound(count, spend_false_alarm())) << d;
  }
}

TEST(DirectionLaws, the_test_refuses_directions_drawn_from_a_cube) {
  constexpr Index count = 50'000;
  Points<double> cube(count, 2);
  const RandomStream source = stream(6);
  for (Index l = 0; l < count; ++l) {
    PointDraws draws(source, static_cast<std::uint64_t>(l));
    cube.row(l) << draws.uniform(-1.0, 1.0), draws.uniform(-1.0, 1.0);
    cube.row(l).normalize();
  }
  EXPECT_GT(distance_from_beta(cube, Eigen::VectorXd::Unit(2, 0)), kolmogorov_smirnov_bound(count, kFalseAlarm));
}

TEST(DirectionLaws, mean_is_zero_and_covariance_is_the_identity_over_d) {
  constexpr Index count = 100'000;
  for (const Index d : {1, 2, 5, 20}) {
    const Points<double> theta = uniform_directions<double>(stream(7), count, d);
    const auto numbers = static_cast<double>(d + d * (d + 1) / 2);
    const double failure = spend_false_alarm() / numbers;
    // Hoeffding: θ_i lies in [−1, 1], θ_i² in [0, 1], θ_iθ_j in [−1/2, 1/2].
    EXPECT_LE(theta.colwise().mean().cwiseAbs().maxCoeff(), hoeffding_half_width(2.0, count, failure));
    const Eigen::MatrixXd covariance = theta.transpose() * theta / static_cast<double>(count);
    const Eigen::MatrixXd expected = Eigen::MatrixXd::Identity(d, d) / static_cast<double>(d);
    EXPECT_LE((covariance - expected).cwiseAbs().maxCoeff(), hoeffding_half_width(1.0, count, failure));
  }
}

}  // namespace
}  // namespace slicecheck::testing
