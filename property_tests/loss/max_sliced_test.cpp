/// max-SW_2² from below: attained where it says, above every direction tried, and the maximum itself where that is known.

#include "slicecheck/loss/max_sliced.h"

#include <gtest/gtest.h>

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "slicecheck/core/error.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/loss/assignment.h"
#include "slicecheck/loss/plane_sweep.h"
#include "slicecheck/loss/reference_loss.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

constexpr double kUnit = tolerance::unit_roundoff<double>();

RandomStream stream(std::uint64_t number) { return {test_seed(), Purpose::cases, 81, number}; }

/// Where a test asks for what the ascent finds but nothing promises, the clouds and the starts are the same in every run.
constexpr std::uint64_t kFixedSeed = 1;
RandomStream fixed_stream(std::uint64_t number) { return {kFixedSeed, Purpose::cases, 81, number}; }

/// n×d, from number `number`: small integers (many ties), or normals.
Points<double> random_cloud(Index n, Index d, std::uint64_t number, bool integers, std::uint64_t seed = test_seed()) {
  const RandomStream own(seed, Purpose::cases, 82, number);
  Points<double> cloud(n, d);
  for (Index k = 0; k < n; ++k) {
    PointDraws draws(own, static_cast<std::uint64_t>(k));
    for (Index j = 0; j < d; ++j) cloud(k, j) = integers ? static_cast<double>(draws.below(4)) : draws.normal();
  }
  return cloud;
}

double along(const Points<double>& z, const Points<double>& y, const Eigen::RowVectorXd& theta) {
  return ReferenceLoss(2.0).evaluate(z, y, Points<double>(theta)).value;
}

double size_of(const Points<double>& z, const Points<double>& y) { return z.rowwise().norm().maxCoeff() + y.rowwise().norm().maxCoeff(); }

/// Error of w computed twice, once of clouds moved by a common vector: each within tolerance::value.
double rounding(double w, const Points<double>& z, const Points<double>& y) {
  return 2.0 * tolerance::value(w, 2.0, tolerance::gap(z.cols(), size_of(z, y), kUnit), z.rows(), kUnit);
}

/// The claim of the header: a unit vector, and w there is the value.
bool is_attained(const MaxSliced& found, const Points<double>& z, const Points<double>& y) {
  if (!(std::abs(found.direction.norm() - 1.0) <= 4.0 * kUnit)) return false;
  return std::abs(along(z, y, found.direction) - found.value) <= rounding(found.value, z, y);
}

/// max w over `count` equally spaced directions of the plane.
double scan(const Points<double>& z, const Points<double>& y, Index count) {
  double best = 0.0;
  for (Index i = 0; i < count; ++i) {
    const double angle = std::numbers::pi * static_cast<double>(i) / static_cast<double>(count);
    best = std::max(best, along(z, y, Eigen::RowVector2d(std::cos(angle), std::sin(angle))));
  }
  return best;
}

/// An upper bound on max-SW_2² from a scan with `count` directions: the nearest scanned direction is within chord π/(2·count), and √w moves by at most
/// chord·max‖z_k − y_l‖ (Minkowski, with the matching of either direction).
double above_scan(double best, const Points<double>& z, const Points<double>& y, Index count) {
  const double root = std::sqrt(best) + std::numbers::pi / (2.0 * static_cast<double>(count)) * size_of(z, y);
  return root * root;
}

TEST(MaxSliced, is_attained_at_its_direction_and_above_every_start) {
  for (std::uint64_t number = 0; number < 60; ++number) {
    const Index d = 1 + static_cast<Index>(number % 7);
    const Index n = 1 + static_cast<Index>(number % 23);
    const bool integers = number % 3 == 0;
    const Points<double> z = random_cloud(n, d, number, integers);
    const Points<double> y = 1.5 * random_cloud(n, d, 1000 + number, integers);
    const MaxSlicedSettings settings{.random_starts = 5};
    const MaxSliced found = max_sliced_w2_squared(z, y, settings, stream(number));
    EXPECT_TRUE(is_attained(found, z, y)) << number;
    const Points<double> starts = uniform_directions<double>(stream(number), 5, d);
    for (Index l = 0; l < 5; ++l) EXPECT_LE(along(z, y, starts.row(l)), found.value + rounding(found.value, z, y)) << number;
    for (Index j = 0; j < d; ++j) EXPECT_LE(along(z, y, Eigen::RowVectorXd::Unit(d, j)), found.value + rounding(found.value, z, y)) << number;
    // ‖mean gap‖² ≤ max-SW_2² ≤ W_2².
    const double gap = (z.colwise().mean() - y.colwise().mean()).squaredNorm();
    EXPECT_LE(gap, found.value + rounding(found.value, z, y)) << number;
    const double exact = exact_w2_squared(z, y);
    EXPECT_LE(found.value, exact + rounding(exact, z, y) + tolerance::gamma(4.0 * static_cast<double>(n) + 16.0, kUnit) * size_of(z, y) * size_of(z, y))
        << number;
  }
}

TEST(MaxSliced, of_a_translation_is_its_squared_length) {
  for (const Index d : {1, 2, 3, 9, 64})
    for (const bool integers : {true, false}) {
      const Points<double> z = random_cloud(40, d, 2000 + static_cast<std::uint64_t>(d), integers);
      const Eigen::RowVectorXd v = random_cloud(1, d, 2100 + static_cast<std::uint64_t>(d), false).row(0);
      const Points<double> y = z.rowwise() + v;
      const MaxSliced found = max_sliced_w2_squared(z, y, {.random_starts = 0}, stream(0));
      // Rounding z + v moves every gap by at most u·size.
      const double allowed = rounding(v.squaredNorm(), z, y) + 2.0 * (2.0 * v.norm() + 1.0) * kUnit * size_of(z, y);
      EXPECT_TRUE(std::abs(found.value - v.squaredNorm()) <= allowed) << d << ": " << found.value - v.squaredNorm();
      // w falls like cos²: an excess of `allowed` in the value allows an angle of √(allowed/‖v‖²).
      EXPECT_TRUE(1.0 - std::abs(found.direction.dot(v)) / v.norm() <= 2.0 * allowed / v.squaredNorm() + 8.0 * kUnit) << d;
    }
}

TEST(MaxSliced, of_single_points_and_of_equal_clouds) {
  const MaxSliced one = max_sliced_w2_squared(Points<double>{{3.0, 4.0, 12.0}}, Points<double>{{0.0, 0.0, 0.0}}, {}, stream(1));
  EXPECT_NEAR(one.value, 169.0, 169.0 * tolerance::gamma(32.0, kUnit));
  const Points<double> z = random_cloud(20, 4, 3000, true);
  const MaxSliced none = max_sliced_w2_squared(z, z.colwise().reverse(), {}, stream(2));
  EXPECT_EQ(none.value, 0.0);
  EXPECT_NEAR(none.direction.norm(), 1.0, 4.0 * kUnit);
}

TEST(MaxSliced, sees_a_difference_of_scale_without_a_mean_gap) {
  // ±e_j and the same with one axis stretched to 5: along that axis the gaps are −4, 0, …, 0, 4.
  const Index d = 20;
  Points<double> z(2 * d, d);
  z << Points<double>::Identity(d, d), -Points<double>::Identity(d, d);
  Points<double> y = z;
  y.col(13) *= 5.0;
  const double expected = 2.0 * 16.0 / static_cast<double>(2 * d);
  const MaxSliced found = max_sliced_w2_squared(z, y, {.random_starts = 0}, stream(3));
  EXPECT_GE(found.value, expected * (1.0 - tolerance::gamma(200.0, kUnit)));
  EXPECT_LE(found.value, exact_w2_squared(z, y) * (1.0 + tolerance::gamma(200.0, kUnit)));
}

TEST(MaxSliced, in_the_plane_is_the_maximum_of_the_sweep) {
  for (std::uint64_t number = 0; number < 24; ++number) {
    const Index n = 1 + static_cast<Index>(number) * 2;
    const Points<double> z = random_cloud(n, 2, 4000 + number, number % 4 == 0);
    const Points<double> y = random_cloud(n, 2, 5000 + number, number % 4 == 0);
    const MaxSliced found = max_sliced_w2_squared(z, y, {}, stream(4));
    EXPECT_TRUE(found.exact);
    EXPECT_EQ(found.starts.rows(), 0);
    EXPECT_EQ(found.starts.cols(), 2);
    EXPECT_TRUE(is_attained(found, z, y)) << n;
    const PlaneSliced exact = exact_plane_sw(z, y, {.gradient = false, .max = true});
    EXPECT_LE(std::abs(found.value - exact.max_value), exact.max_error + rounding(found.value, z, y)) << n;
    constexpr Index count = 4000;
    const double best = scan(z, y, count);
    EXPECT_GE(found.value, best - rounding(best, z, y)) << n;
    EXPECT_LE(found.value, above_scan(best, z, y, count) + rounding(best, z, y)) << n;
  }
}

// The ascent promises no global maximum. In the plane it has to come as near as the sweep on these clouds.
TEST(MaxSliced, in_the_plane_the_ascent_reaches_the_sweep) {
  for (std::uint64_t number = 0; number < 12; ++number) {
    const Index n = 2 + static_cast<Index>(number) * 4;
    const Points<double> z = random_cloud(n, 2, 4000 + number, number % 4 == 0, kFixedSeed);
    const Points<double> y = random_cloud(n, 2, 5000 + number, number % 4 == 0, kFixedSeed);
    const MaxSliced found = max_sliced_w2_squared(z, y, {.plane_points = n - 1}, fixed_stream(4));
    EXPECT_FALSE(found.exact);
    EXPECT_TRUE(is_attained(found, z, y)) << n;
    const double best = max_sliced_w2_squared(z, y, {.plane_points = n}, fixed_stream(4)).value;
    EXPECT_GE(found.value, best * (1.0 - 1e-6)) << n;  // the climb stops at relative gains of 1e-8
    EXPECT_LE(found.value, best + rounding(best, z, y)) << n;
  }
}

TEST(MaxSliced, the_starts_are_told_and_more_of_them_never_lower_it) {
  for (std::uint64_t number = 0; number < 12; ++number) {
    const Index d = 3 + static_cast<Index>(number);
    const Points<double> z = random_cloud(9, d, 4200 + number, number % 3 == 0);
    const Points<double> y = random_cloud(9, d, 4300 + number, number % 3 == 0);
    double before = 0.0;
    for (const Index random : {0, 1, 4}) {
      const MaxSliced found = max_sliced_w2_squared(z, y, {.random_starts = random, .scanned = 16}, stream(number));
      EXPECT_EQ(found.starts.rows(), 4 + random) << "the mean gap, two axes, the best of those looked at, and the random ones";
      EXPECT_LE((found.starts.rowwise().norm().array() - 1.0).abs().maxCoeff(), 8.0 * kUnit);
      for (Index i = 0; i < found.starts.rows(); ++i) EXPECT_LE(along(z, y, found.starts.row(i)), found.value + rounding(found.value, z, y));
      EXPECT_GE(found.value, before) << "the starts of before are among these";
      before = found.value;
    }
    // One start more, where another run ended.
    const MaxSliced once = max_sliced_w2_squared(z, y, {.random_starts = 12}, stream(100 + number));
    const MaxSlicedSettings few{.random_starts = 0, .scanned = 0, .covariance_starts = false};
    const MaxSliced again = max_sliced_w2_squared(z, y, few, stream(number), 3.0 * once.direction);
    EXPECT_EQ(again.starts.rows(), d > 8 ? 2 : 3);
    EXPECT_GE(again.value, once.value - rounding(once.value, z, y));
  }
}

TEST(MaxSliced, decaying_steps_find_more_than_the_climb_alone) {
  double with = 0.0;
  double without = 0.0;
  for (std::uint64_t number = 0; number < 8; ++number) {
    const Points<double> z = random_cloud(64, 16, 4400 + number, false, kFixedSeed);
    const Points<double> y = random_cloud(64, 16, 4500 + number, false, kFixedSeed);
    const double here = max_sliced_w2_squared(z, y, {.random_starts = 5, .scanned = 0}, fixed_stream(number)).value;
    const double there = max_sliced_w2_squared(z, y, {.random_starts = 5, .scanned = 0, .steps = 0}, fixed_stream(number)).value;
    with += here;
    without += there;
    EXPECT_GE(here, 0.95 * there) << number;
  }
  EXPECT_GT(with, without) << "from the same starts";
}

TEST(MaxSliced, sees_a_difference_of_scale_in_fewer_points_than_dimensions) {
  // Six points ±c·e_i (i = 0, 1, 2) of R^20, turned by a reflection, and the same with the second pair a third as long: that pair's axis is no start but
  // through the covariances, and their sum would not show it. The identity matching is optimal along it, and max-SW_2² ≤ W_2² = (2/6)·(2c/3)².
  const Index d = 20;
  const double c = 0.75;
  const Eigen::RowVectorXd mirror = random_cloud(1, d, 4600, false).row(0).normalized();
  Points<double> z = Points<double>::Zero(6, d);
  for (Index i = 0; i < 3; ++i) {
    z(2 * i, i) = c;
    z(2 * i + 1, i) = -c;
  }
  Points<double> y = z;
  y.middleRows(2, 2) /= 3.0;
  z -= 2.0 * (z * mirror.transpose()) * mirror;
  y -= 2.0 * (y * mirror.transpose()) * mirror;
  const double expected = 2.0 / 6.0 * 4.0 / 9.0 * c * c;
  const MaxSliced found = max_sliced_w2_squared(z, y, {.random_starts = 0, .scanned = 0, .steps = 0, .largest_steps = 1}, stream(3));
  EXPECT_NEAR(found.value, expected, expected * tolerance::gamma(2000.0, kUnit));
  const Eigen::RowVectorXd axis = Eigen::RowVectorXd::Unit(d, 1) - 2.0 * mirror[1] * mirror;
  EXPECT_NEAR((found.starts * axis.transpose()).cwiseAbs().maxCoeff(), 1.0, tolerance::gamma(2000.0, kUnit)) << "the axis is a start";
}

TEST(MaxSliced, is_above_the_mean_over_directions) {
  for (const Index d : {2, 5, 16, 64}) {
    const Points<double> z = random_cloud(50, d, 6000 + static_cast<std::uint64_t>(d), false, kFixedSeed);
    const Points<double> y = random_cloud(50, d, 6100 + static_cast<std::uint64_t>(d), false, kFixedSeed);
    const double mean = ReferenceLoss(2.0).evaluate(z, y, uniform_directions<double>(fixed_stream(5), 400, d)).value;
    const double found = max_sliced_w2_squared(z, y, {}, fixed_stream(6)).value;
    EXPECT_GT(found, 1.2 * mean) << d;
    EXPECT_GT(mean, 0.0);
  }
}

/// The two tempting mistakes. Both take θᵀMθ with the matching of ONE direction for w at another: an upper model (L1), not a value.
MaxSliced top_eigenvector_of_one_matching(const Points<double>& z, const Points<double>& y, bool report_the_eigenvalue) {
  const Index n = z.rows();
  std::vector<Index> of_z(static_cast<std::size_t>(n));
  std::vector<Index> of_y(of_z);
  for (Index k = 0; k < n; ++k) of_z[static_cast<std::size_t>(k)] = of_y[static_cast<std::size_t>(k)] = k;
  std::sort(of_z.begin(), of_z.end(), [&](Index a, Index b) { return z(a, 0) < z(b, 0); });
  std::sort(of_y.begin(), of_y.end(), [&](Index a, Index b) { return y(a, 0) < y(b, 0); });
  Eigen::Matrix2d m = Eigen::Matrix2d::Zero();
  for (std::size_t r = 0; r < of_z.size(); ++r) {
    const Eigen::RowVector2d gap = z.row(of_z[r]) - y.row(of_y[r]);
    m += gap.transpose() * gap / static_cast<double>(n);
  }
  const Eigen::SelfAdjointEigenSolver<Eigen::Matrix2d> solver(m);
  const Eigen::RowVectorXd top = solver.eigenvectors().col(1).transpose();
  return {report_the_eigenvalue ? solver.eigenvalues()[1] : along(z, y, top), top, 1};
}

TEST(MaxSliced, the_tests_refuse_an_upper_model_and_a_step_that_is_not_looked_at) {
  constexpr Index count = 2000;
  int not_attained = 0;
  int too_large = 0;
  int fallen = 0;
  for (std::uint64_t number = 0; number < 10; ++number) {
    const Points<double> z = random_cloud(30, 2, 7000 + number, false, kFixedSeed);
    const Points<double> y = random_cloud(30, 2, 7100 + number, false, kFixedSeed);
    const MaxSliced model = top_eigenvector_of_one_matching(z, y, true);
    not_attained += is_attained(model, z, y) ? 0 : 1;
    const double best = scan(z, y, count);
    too_large += model.value > above_scan(best, z, y, count) + rounding(best, z, y) ? 1 : 0;
    // The step e₁ → top eigenvector of M, taken without looking: w itself may fall, so the ascent has to look.
    const double before = along(z, y, Eigen::RowVector2d(1.0, 0.0));
    const double after = top_eigenvector_of_one_matching(z, y, false).value;
    fallen += after < before - rounding(before, z, y) ? 1 : 0;
    EXPECT_GE(model.value, before - rounding(before, z, y)) << "for the fixed matching the form does grow";
  }
  EXPECT_EQ(not_attained, 10);
  EXPECT_EQ(too_large, 10);
  EXPECT_GT(fallen, 0) << "no step fell: this test shows nothing";
}

TEST(MaxSliced, does_not_depend_on_a_common_offset_and_repeats_itself) {
  const Points<double> z = random_cloud(25, 3, 8000, true, kFixedSeed);
  const Points<double> y = random_cloud(25, 3, 8001, true, kFixedSeed);
  const Eigen::RowVector3d offset(1048576.0, -2097152.0, 4194304.0);
  const MaxSliced here = max_sliced_w2_squared(z, y, {}, fixed_stream(7));
  const MaxSliced again = max_sliced_w2_squared(z, y, {}, fixed_stream(7));
  EXPECT_EQ(here.value, again.value);
  EXPECT_EQ(here.direction, again.direction);
  const Points<double> far_z = z.rowwise() + offset;
  const Points<double> far_y = y.rowwise() + offset;
  // The paths may part at a kink; both end at the value of their own direction.
  EXPECT_TRUE(is_attained(max_sliced_w2_squared(far_z, far_y, {}, fixed_stream(7)), far_z, far_y));
  EXPECT_NEAR(max_sliced_w2_squared(far_z, far_y, {}, fixed_stream(7)).value, here.value, 1e-3 * here.value);
}

/// Roots of D4 (24 vectors, d = 4) and E8 (240, d = 8), and the hexagon (d = 2): averages over them are those over the sphere for every polynomial of degree
/// ≤ 5.
Points<double> design(Index d) {
  std::vector<Eigen::RowVectorXd> rows;
  if (d == 2)
    for (int i = 0; i < 6; ++i) rows.emplace_back(Eigen::RowVector2d(std::cos(i * std::numbers::pi / 3.0), std::sin(i * std::numbers::pi / 3.0)));
  for (Index i = 0; i < d && d > 2; ++i)
    for (Index j = i + 1; j < d; ++j)
      for (const double a : {-1.0, 1.0})
        for (const double b : {-1.0, 1.0}) rows.emplace_back((a * Eigen::RowVectorXd::Unit(d, i) + b * Eigen::RowVectorXd::Unit(d, j)).normalized());
  for (unsigned signs = 0; signs < 256 && d == 8; ++signs) {
    if (std::popcount(signs) % 2 != 0) continue;
    Eigen::RowVectorXd row(8);
    for (unsigned j = 0; j < 8; ++j) row[j] = (signs >> j & 1U) != 0U ? -1.0 : 1.0;
    rows.emplace_back(row.normalized());
  }
  Points<double> out(static_cast<Index>(rows.size()), d);
  for (std::size_t l = 0; l < rows.size(); ++l) out.row(static_cast<Index>(l)) = rows[l];
  return out;
}

TEST(TranslationSpread, is_that_of_the_directions_of_a_design) {
  for (const Index d : {2, 4, 8}) {
    const Points<double> theta = design(d);
    ASSERT_EQ(theta.rows(), d == 2 ? 6 : d == 4 ? 24 : 240);
    const Points<double> z = random_cloud(12, d, 9000, true);
    const Eigen::RowVectorXd v = random_cloud(1, d, 9001 + static_cast<std::uint64_t>(d), false).row(0);
    const Points<double> y = z.rowwise() + v;
    const Vector<double> w = ReferenceLoss(2.0).evaluate(z, y, theta).per_direction;
    const double mean = w.mean();
    const double expected = v.squaredNorm() / static_cast<double>(d);
    // Each w errs by at most e; the mean by e, the mean square by (2 max w + e)·e, and √ halves the relative error of what is under it.
    const double e = rounding(v.squaredNorm(), z, y) + 2.0 * (2.0 * v.norm() + 1.0) * kUnit * size_of(z, y);
    EXPECT_TRUE(std::abs(mean - expected) <= e) << d;
    const double variance = (w.array() - mean).square().mean() / (mean * mean);
    const double allowed = 4.0 * (2.0 * v.squaredNorm() + e) * e / (expected * expected);
    EXPECT_TRUE(std::abs(variance - relative_spread_of_translation(d) * relative_spread_of_translation(d)) <= allowed) << d;
    EXPECT_FALSE(std::abs(variance - 2.0 * static_cast<double>(d - 1) / static_cast<double>(d + 1)) <= allowed) << "another formula passes too";
  }
  EXPECT_EQ(relative_spread_of_translation(1), 0.0);
  EXPECT_LT(relative_spread_of_translation(1'000'000), std::numbers::sqrt2);
  EXPECT_THROW((void)relative_spread_of_translation(0), InputError);
}

TEST(MaxSliced, rejects_clouds_and_settings_that_cannot_be_used) {
  const Points<double> z = Points<double>::Zero(2, 2);
  const auto call = [](const Points<double>& a, const Points<double>& b, const MaxSlicedSettings& settings = {}) {
    (void)max_sliced_w2_squared(a, b, settings, stream(8));
  };
  EXPECT_NO_THROW(call(z, z));
  EXPECT_THROW(call(z, Points<double>::Zero(3, 2)), InputError);
  EXPECT_THROW(call(z, Points<double>::Zero(2, 3)), InputError);
  EXPECT_THROW(call(Points<double>(0, 2), Points<double>(0, 2)), InputError);
  EXPECT_THROW(call(Points<double>(2, 0), Points<double>(2, 0)), InputError);
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity(), 1e200}) {
    EXPECT_THROW(call(Points<double>{{bad, 0.0}, {0.0, 0.0}}, z), InputError) << bad;
    EXPECT_THROW(call(z, Points<double>{{bad, 0.0}, {0.0, 0.0}}), InputError) << bad;
  }
  EXPECT_THROW(call(z, z, {.random_starts = -1}), InputError);
  EXPECT_THROW(call(z, z, {.largest_steps = 0}), InputError);
  EXPECT_THROW(call(z, z, {.smallest_angle = 0.0}), InputError);
  EXPECT_THROW(call(z, z, {.smallest_relative_gain = std::nan("")}), InputError);
  EXPECT_THROW(call(z, z, {.scanned = -1}), InputError);
  EXPECT_THROW(call(z, z, {.first_step = std::numeric_limits<double>::infinity()}), InputError);
  for (const double decay : {0.0, 1.0, -0.5, std::nan("")}) EXPECT_THROW(call(z, z, {.decay = decay}), InputError) << decay;
  for (const Eigen::RowVectorXd& previous : {Eigen::RowVectorXd(Eigen::RowVector3d(1.0, 0.0, 0.0)), Eigen::RowVectorXd(Eigen::RowVector2d(0.0, 0.0)),
                                             Eigen::RowVectorXd(Eigen::RowVector2d(std::nan(""), 1.0))})
    EXPECT_THROW((void)max_sliced_w2_squared(z, z, {}, stream(8), previous), InputError);
  // Beyond the sweep's range, but not beyond that of a square.
  const Points<double> large{{1e152, 0.0}, {0.0, 0.0}};
  const MaxSliced found = max_sliced_w2_squared(large, z, {}, stream(8));
  EXPECT_FALSE(found.exact);
  EXPECT_NEAR(found.value, 0.5e304, 1e-12 * 0.5e304);
}

}  // namespace
}  // namespace slicecheck::testing
