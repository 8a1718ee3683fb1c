/// Laws: geometry, supports, atoms, errors.

#include "slicecheck/measures/law.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>

#include "slicecheck/core/error.h"
#include "slicecheck/core/tolerances.h"

namespace slicecheck {
namespace {

constexpr double kPi = std::numbers::pi;
const double kRounding = tolerance::gamma(16.0, tolerance::unit_roundoff<double>());

RandomStream stream(std::uint64_t step = 0) { return {1, Purpose::figure, 0, step}; }

TEST(LawByName, every_name_makes_a_law_that_draws) {
  const auto names = law_names();
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
  for (const char* name : {"normal-5-2", "standard-normal", "two-moons", "swiss-roll", "uniform", "six-gaussians", "noisy-grid", "two-points",
                           "truncated-normal-5-2", "truncated-standard-normal", "truncated-two-moons", "truncated-swiss-roll", "truncated-six-gaussians"})
    EXPECT_NE(std::find(names.begin(), names.end(), name), names.end()) << name;
  for (const std::string& name : names) {
    const auto law = law_by_name(name);
    EXPECT_EQ(law->dimension(), name == "two-points" ? 1 : 2) << name;
    EXPECT_FALSE(law->name().empty());
    const Points<double> points = law->sample<double>(stream(), 200);
    EXPECT_TRUE(points.allFinite()) << name;
    EXPECT_EQ(points.cast<float>(), law->sample<float>(stream(), 200)) << name;
  }
}

TEST(LawByName, rejects_other_names_and_lists_the_known_ones) {
  try {
    (void)law_by_name("three-moons");
    FAIL() << "accepted";
  } catch (const InputError& error) {
    const std::string sentence = error.what();
    EXPECT_NE(sentence.find("three-moons"), std::string::npos) << sentence;
    for (const std::string& name : law_names()) EXPECT_NE(sentence.find(name), std::string::npos) << name;
  }
}

TEST(Law, a_shorter_batch_is_the_beginning_of_a_longer_one) {
  for (const std::string& name : law_names()) {
    const auto law = law_by_name(name);
    EXPECT_EQ(law->sample<double>(stream(3), 5), law->sample<double>(stream(3), 9).topRows(5)) << name;
    EXPECT_NE(law->sample<double>(stream(3), 9), law->sample<double>(stream(4), 9)) << name;
    EXPECT_THROW((void)law->sample<double>(stream(), 0), InputError) << name;
  }
}

TEST(Law, draws_stay_within_the_support_radius) {
  for (const std::string& name : law_names()) {
    const auto law = law_by_name(name);
    const auto radius = law->support_radius();
    if (!radius) continue;
    const double largest = law->sample<double>(stream(), 4000).rowwise().norm().maxCoeff();
    EXPECT_LE(largest, *radius * (1.0 + kRounding)) << name;
    EXPECT_GE(largest, 0.5 * *radius) << name << ": a radius that is nowhere near attained is no use";
  }
}

TEST(Law, says_which_supports_are_bounded) {
  const std::set<std::string> unbounded{"normal-5-2", "standard-normal", "two-moons", "swiss-roll", "six-gaussians"};
  for (const std::string& name : law_names()) EXPECT_EQ(law_by_name(name)->support_radius().has_value(), !unbounded.contains(name)) << name;
  EXPECT_EQ(TwoMoons(0.0).support_radius(), std::hypot(2.0, 0.5));
  EXPECT_EQ(SwissRoll(0.0, 2.0).support_radius(), 9.0 * kPi);
  EXPECT_EQ(Uniform(-1.0, 3.0, 4).support_radius(), 6.0);
}

TEST(Law, only_finite_laws_have_atoms) {
  for (const std::string& name : law_names()) {
    const auto law = law_by_name(name);
    if (law->atom_count() > 0) continue;
    EXPECT_THROW((void)law->atom(0), InputError) << name;
    EXPECT_THROW((void)law->probability(0), InputError) << name;
  }
  EXPECT_EQ(law_by_name("noisy-grid")->atom_count(), 2025);
  EXPECT_EQ(law_by_name("two-points")->atom_count(), 2);
}

TEST(TwoMoonsLaw, without_noise_lies_on_two_half_circles) {
  const Points<double> points = TwoMoons(0.0).sample<double>(stream(), 2000);
  int upper = 0;
  for (Index k = 0; k < points.rows(); ++k) {
    const double x = points(k, 0);
    const double y = points(k, 1);
    const bool on_upper = std::abs(std::hypot(x, y) - 1.0) <= kRounding && y >= -kRounding;
    const bool on_lower = std::abs(std::hypot(x - 1.0, y - 0.5) - 1.0) <= 2.0 * kRounding && y <= 0.5 + kRounding;
    EXPECT_TRUE(on_upper || on_lower) << x << ' ' << y;
    upper += on_upper ? 1 : 0;
  }
  EXPECT_GT(upper, 500);
  EXPECT_LT(upper, 1500);
}

TEST(SwissRollLaw, without_noise_is_the_spiral) {
  for (const double scale : {1.0, 0.25}) {
    const Points<double> points = SwissRoll(0.0, scale).sample<double>(stream(), 2000);
    double least = 100.0;
    double largest = 0.0;
    for (Index k = 0; k < points.rows(); ++k) {
      const double t = points.row(k).norm() / scale;
      least = std::min(least, t);
      largest = std::max(largest, t);
      // cos and sin of t magnify the rounding of t by at most t.
      EXPECT_NEAR(points(k, 0), scale * t * std::cos(t), 200.0 * kRounding);
      EXPECT_NEAR(points(k, 1), scale * t * std::sin(t), 200.0 * kRounding);
    }
    EXPECT_GE(least, 1.5 * kPi * (1.0 - kRounding));
    EXPECT_LE(largest, 4.5 * kPi * (1.0 + kRounding));
    EXPECT_LT(least, 1.6 * kPi);
    EXPECT_GT(largest, 4.4 * kPi);
  }
}

TEST(GaussianLaw, is_its_mean_plus_its_spread_times_normals) {
  const Gaussian law(Eigen::RowVector2d(5.0, -1.0), 2.0);
  const RandomStream draws = stream();
  const Points<double> points = law.sample<double>(draws, 3);
  for (Index k = 0; k < 3; ++k) {
    PointDraws cursor(draws, static_cast<std::uint64_t>(k));
    EXPECT_EQ(points(k, 0), 5.0 + 2.0 * cursor.normal());
    EXPECT_EQ(points(k, 1), -1.0 + 2.0 * cursor.normal());
  }
  EXPECT_EQ(Gaussian(Eigen::RowVector2d(5.0, -1.0), 0.0).sample<double>(draws, 1), (Points<double>{{5.0, -1.0}}));
}

TEST(TruncatedLaw, stays_in_its_ball_and_keeps_what_was_inside) {
  const auto inner = std::make_shared<Gaussian>(Eigen::RowVector2d(1.0, 1.0), 1.0);
  const Eigen::RowVector2d centre(1.0, 0.0);
  const Truncated law(inner, centre, 1.5);
  const Points<double> all = inner->sample<double>(stream(), 1000);
  const Points<double> kept = law.sample<double>(stream(), 1000);
  EXPECT_LE((kept.rowwise() - centre).rowwise().norm().maxCoeff(), 1.5);
  int unchanged = 0;
  for (Index k = 0; k < 1000; ++k) {
    if ((all.row(k) - centre).norm() > 1.5) continue;
    EXPECT_EQ(kept.row(k), all.row(k));
    ++unchanged;
  }
  EXPECT_GT(unchanged, 400);
  EXPECT_LT(unchanged, 900);
  EXPECT_EQ(law.support_radius(), 2.5);
  EXPECT_EQ(Truncated(FiniteLaw::two_points(), Eigen::RowVectorXd::Zero(1), 5.0).support_radius(), 1.0) << "the smaller of two bounds";
}

TEST(TruncatedLaw, gives_up_where_there_is_no_mass) {
  const Truncated law(Gaussian::standard(2), Eigen::RowVector2d(100.0, 0.0), 1.0);
  EXPECT_THROW((void)law.sample<double>(stream(), 1), InputError);
}

TEST(FiniteLaws, probabilities_add_up_to_one) {
  for (const std::string& name : law_names()) {
    const auto law = law_by_name(name);
    if (law->atom_count() == 0) continue;
    double sum = 0.0;
    double furthest = 0.0;
    for (Index k = 0; k < law->atom_count(); ++k) {
      sum += law->probability(k);
      furthest = std::max(furthest, law->atom(k).norm());
    }
    EXPECT_NEAR(sum, 1.0, tolerance::gamma(static_cast<double>(law->atom_count()) + 1.0, tolerance::unit_roundoff<double>())) << name;
    EXPECT_EQ(law->support_radius(), furthest) << name;
    EXPECT_THROW((void)law->probability(law->atom_count()), InputError);
    EXPECT_THROW((void)law->probability(-1), InputError);
  }
}

TEST(FiniteLaws, draw_nothing_but_their_atoms) {
  const auto law = law_by_name("noisy-grid");
  std::set<std::pair<double, double>> atoms;
  for (Index k = 0; k < law->atom_count(); ++k) atoms.emplace(law->atom(k)[0], law->atom(k)[1]);
  EXPECT_EQ(atoms.size(), 2025U);
  const Points<double> points = law->sample<double>(stream(), 3000);
  for (Index k = 0; k < points.rows(); ++k) EXPECT_TRUE(atoms.contains({points(k, 0), points(k, 1)}));
}

TEST(FiniteLaws, never_draw_an_atom_of_probability_zero) {
  const FiniteLaw law("with zeros", Points<double>{{1.0}, {2.0}, {3.0}, {4.0}}, {0.0, 0.5, 0.5, 0.0});
  const Points<double> points = law.sample<double>(stream(), 2000);
  EXPECT_EQ(points.minCoeff(), 2.0);
  EXPECT_EQ(points.maxCoeff(), 3.0);
}

TEST(FiniteLaws, reject_probabilities_that_are_none) {
  const Points<double> atoms{{1.0}, {2.0}};
  EXPECT_NO_THROW(FiniteLaw("fine", atoms, {0.25, 0.75}));
  EXPECT_NO_THROW(FiniteLaw("fine", Points<double>(Points<double>::Zero(10, 1)), std::vector<double>(10, 0.1)));
  EXPECT_THROW(FiniteLaw("sum", atoms, {0.5, 0.6}), InputError);
  EXPECT_THROW(FiniteLaw("sum", atoms, {0.5, 0.5 - 1e-12}), InputError);
  EXPECT_THROW(FiniteLaw("negative", atoms, {1.5, -0.5}), InputError);
  EXPECT_THROW(FiniteLaw("NaN", atoms, {0.5, std::nan("")}), InputError);
  EXPECT_THROW(FiniteLaw("too few", atoms, {1.0}), InputError);
  EXPECT_THROW(FiniteLaw("empty", Points<double>(0, 1)), InputError);
  EXPECT_THROW(FiniteLaw("NaN", Points<double>{{std::nan("")}}), InputError);
}

TEST(FiniteLaws, the_noisy_grid_is_a_grid_moved_by_its_noise) {
  const auto grid = FiniteLaw::noisy_grid(5, -2.0, 2.0, 0.25, stream());
  ASSERT_EQ(grid->atom_count(), 25);
  double largest = 0.0;
  for (Index i = 0; i < 5; ++i)
    for (Index j = 0; j < 5; ++j) {
      const Eigen::RowVector2d place(-2.0 + static_cast<double>(i), -2.0 + static_cast<double>(j));
      largest = std::max(largest, (grid->atom(i * 5 + j) - place).cwiseAbs().maxCoeff());
    }
  EXPECT_LE(largest, 0.25 + kRounding);
  EXPECT_GT(largest, 0.15);
  EXPECT_THROW(FiniteLaw::noisy_grid(1, 0.0, 1.0, 0.1, stream()), InputError);
}

TEST(FiniteLaws, a_discretised_law_has_the_draws_as_atoms) {
  const Gaussian law(Eigen::RowVector2d(0.0, 0.0), 1.0);
  const auto finite = FiniteLaw::discretised(law, 7, stream(5));
  ASSERT_EQ(finite->atom_count(), 7);
  const Points<double> draws = law.sample<double>(stream(5), 7);
  for (Index k = 0; k < 7; ++k) EXPECT_EQ(finite->atom(k), draws.row(k));
}

TEST(Laws, reject_parameters_that_make_no_sense) {
  const auto gaussian = std::make_shared<Gaussian>(Eigen::RowVector2d(0.0, 0.0), 1.0);
  EXPECT_THROW(Gaussian(Eigen::RowVector2d(0.0, 0.0), -1.0), InputError);
  EXPECT_THROW(Gaussian(Eigen::RowVector2d(0.0, 0.0), std::nan("")), InputError);
  EXPECT_THROW(Gaussian(Eigen::RowVectorXd(0), 1.0), InputError);
  EXPECT_THROW(TwoMoons(-0.1), InputError);
  EXPECT_THROW(SwissRoll(0.1, 0.0), InputError);
  EXPECT_THROW(Uniform(1.0, 1.0, 2), InputError);
  EXPECT_THROW(Uniform(0.0, std::numeric_limits<double>::infinity(), 2), InputError);
  EXPECT_THROW(Uniform(0.0, 1.0, 0), InputError);
  EXPECT_THROW(GaussianMixture(Points<double>(0, 2), 1.0), InputError);
  EXPECT_THROW(Truncated(gaussian, Eigen::RowVector2d(0.0, 0.0), 0.0), InputError);
  EXPECT_THROW(Truncated(gaussian, Eigen::RowVectorXd::Zero(3), 1.0), InputError);
}

TEST(GaussianMixtures, six_centres_are_as_documented) {
  const auto law = GaussianMixture::six_centres();
  ASSERT_EQ(law->centres().rows(), 6);
  EXPECT_LE(law->centres().cwiseAbs().maxCoeff(), 0.5);
  double closest = 10.0;
  for (Index i = 0; i < 6; ++i)
    for (Index j = 0; j < i; ++j) closest = std::min(closest, (law->centres().row(i) - law->centres().row(j)).norm());
  EXPECT_NEAR(closest, 0.0707, 1e-4);
}

}  // namespace
}  // namespace slicecheck
