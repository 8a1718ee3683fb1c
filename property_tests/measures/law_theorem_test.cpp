/// What laws promise about their moments and frequencies, each assertion with its probability of failing by chance.

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "slicecheck/measures/law.h"
#include "slicecheck/statistics/confidence.h"
#include "support/false_alarm.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

constexpr Index kDraws = 60'000;

RandomStream stream(std::uint64_t step) { return {test_seed(), Purpose::figure, 1, step}; }

TEST(LawTheorems, normal_5_2_has_mean_5_and_standard_deviation_2) {
  const Points<double> points = law_by_name("normal-5-2")->sample<double>(stream(0), kDraws);
  for (Index j = 0; j < 2; ++j) {
    const Eigen::VectorXd x = points.col(j);
    EXPECT_LE(std::abs(x.mean() - 5.0) / 2.0, normal_mean_bound(kDraws, spend_false_alarm()));
    const double squares = (x.array() - 5.0).square().sum();
    EXPECT_TRUE(chi_squared_range(kDraws, spend_false_alarm()).contains(squares / 4.0)) << "standard deviation " << std::sqrt(squares / kDraws);
    EXPECT_FALSE(chi_squared_range(kDraws, kFalseAlarm).contains(squares / 2.0)) << "a variance of 2 must be told from a standard deviation of 2";
  }
}

TEST(LawTheorems, uniform_is_uniform_in_every_coordinate) {
  const Points<double> points = Uniform(-1.0, 3.0, 2).sample<double>(stream(1), kDraws);
  for (Index j = 0; j < 2; ++j) {
    std::vector<double> values;
    for (Index k = 0; k < kDraws; ++k) values.push_back((points(k, j) + 1.0) / 4.0);
    EXPECT_LE(kolmogorov_smirnov_distance(values), kolmogorov_smirnov_bound(kDraws, spend_false_alarm()));
  }
}

TEST(LawTheorems, the_swiss_roll_is_uniform_in_its_angle) {
  const Points<double> points = SwissRoll(0.0, 1.0).sample<double>(stream(2), kDraws);
  std::vector<double> values;
  for (Index k = 0; k < kDraws; ++k) values.push_back((points.row(k).norm() / (1.5 * std::numbers::pi) - 1.0) / 2.0);
  EXPECT_LE(kolmogorov_smirnov_distance(values), kolmogorov_smirnov_bound(kDraws, spend_false_alarm()));
}

TEST(LawTheorems, the_moons_are_equally_likely_and_uniform_in_their_angles) {
  const Points<double> points = TwoMoons(0.0).sample<double>(stream(3), kDraws);
  std::vector<double> upper;
  std::vector<double> lower;
  for (Index k = 0; k < kDraws; ++k) {
    const double x = points(k, 0);
    const double y = points(k, 1);
    if (std::abs(std::hypot(x, y) - 1.0) < 1e-12 && y >= 0.0)
      upper.push_back(std::atan2(y, x) / std::numbers::pi);
    else
      lower.push_back(std::atan2(0.5 - y, 1.0 - x) / std::numbers::pi);
  }
  EXPECT_TRUE(binomial_range(kDraws, 0.5, spend_false_alarm()).contains(static_cast<double>(upper.size()))) << upper.size();
  // Given their number, the angles of each moon are uniform.
  const auto upper_count = static_cast<double>(upper.size());
  const auto lower_count = static_cast<double>(lower.size());
  EXPECT_LE(kolmogorov_smirnov_distance(upper), kolmogorov_smirnov_bound(upper_count, spend_false_alarm()));
  EXPECT_LE(kolmogorov_smirnov_distance(lower), kolmogorov_smirnov_bound(lower_count, spend_false_alarm()));
}

TEST(LawTheorems, six_gaussians_has_the_mean_and_the_spread_of_its_centres) {
  const auto law = GaussianMixture::six_centres();
  const Points<double> points = law->sample<double>(stream(4), kDraws);
  Eigen::VectorXd counts = Eigen::VectorXd::Zero(6);
  double squares = 0.0;
  for (Index k = 0; k < kDraws; ++k) {
    Index nearest = 0;
    squares += (law->centres().rowwise() - points.row(k)).rowwise().squaredNorm().minCoeff(&nearest);
    ++counts[nearest];
  }
  // Centres 0 and 1 are 3.5 spreads apart and share their points; the four others are 25 spreads from everything.
  const double failure = spend_false_alarm() / 5.0;
  EXPECT_TRUE(binomial_range(kDraws, 2.0 / 6.0, failure).contains(counts[0] + counts[1]));
  for (Index i = 2; i < 6; ++i) EXPECT_TRUE(binomial_range(kDraws, 1.0 / 6.0, failure).contains(counts[i])) << i << ": " << counts[i];
  // The squared distance to the nearest centre is at most that to the own one, which is 2·0.02² in the mean.
  EXPECT_LE(squares / (0.02 * 0.02), chi_squared_range(2.0 * kDraws, spend_false_alarm()).high);
}

/// How often each atom was drawn.
Eigen::VectorXd counts_of(const FiniteLaw& law, std::uint64_t step) {
  const Points<double> points = law.sample<double>(stream(step), kDraws);
  Eigen::VectorXd counts = Eigen::VectorXd::Zero(law.atom_count());
  for (Index k = 0; k < kDraws; ++k)
    for (Index a = 0; a < law.atom_count(); ++a)
      if (points.row(k) == law.atom(a)) ++counts[a];
  return counts;
}

TEST(LawTheorems, finite_laws_are_drawn_with_replacement_and_by_their_probabilities) {
  const Points<double> atoms{{0.0}, {1.0}, {2.0}, {3.0}, {4.0}};
  const FiniteLaw equal("equal", atoms);
  const FiniteLaw weighted("weighted", atoms, {0.5, 0.25, 0.125, 0.0625, 0.0625});
  for (const FiniteLaw* law : {&equal, &weighted}) {
    const Eigen::VectorXd counts = counts_of(*law, 5);
    EXPECT_EQ(counts.sum(), static_cast<double>(kDraws));
    const double failure = spend_false_alarm() / 5.0;
    for (Index a = 0; a < 5; ++a) EXPECT_TRUE(binomial_range(kDraws, law->probability(a), failure).contains(counts[a])) << law->name() << ", atom " << a;
  }
  // With replacement: pairs of neighbouring draws are independent, so equal ones have probability Σ p².
  const Points<double> points = weighted.sample<double>(stream(6), 2 * kDraws);
  double equal_pairs = 0.0;
  for (Index k = 0; k < kDraws; ++k) equal_pairs += points(2 * k, 0) == points(2 * k + 1, 0) ? 1.0 : 0.0;
  EXPECT_TRUE(binomial_range(kDraws, 0.25 + 0.0625 + 0.015625 + 2.0 * 0.00390625, spend_false_alarm()).contains(equal_pairs));
}

TEST(LawTheorems, little_of_the_truncated_laws_is_cut_off) {
  // law.h: mass outside below 10⁻³ of the Gaussian parts.
  for (const std::string name : {"normal-5-2", "standard-normal", "two-moons", "swiss-roll", "six-gaussians"}) {
    const Points<double> whole = law_by_name(name)->sample<double>(stream(7), kDraws);
    const Points<double> cut = law_by_name("truncated-" + name)->sample<double>(stream(7), kDraws);
    double moved = 0.0;
    for (Index k = 0; k < kDraws; ++k) moved += whole.row(k) == cut.row(k) ? 0.0 : 1.0;
    EXPECT_LE(moved, binomial_range(kDraws, 1e-3, spend_false_alarm()).high) << name;
  }
}

}  // namespace
}  // namespace slicecheck::testing
