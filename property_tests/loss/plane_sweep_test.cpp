/// The sweep in the plane: by hand, against a hundred digits, against quadrature; and that these comparisons refuse a wrong order of events.

#include "slicecheck/loss/plane_sweep.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/math/quadrature/gauss.hpp>
#include <cmath>
#include <limits>
#include <numbers>

#include "slicecheck/core/error.h"
#include "slicecheck/core/random.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/loss/assignment.h"
#include "slicecheck/loss/reference_loss.h"
#include "support/plane_brute_force.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

constexpr double kUnit = tolerance::unit_roundoff<double>();

Points<double> normal_cloud(Index n, std::uint64_t number) {
  const RandomStream stream(test_seed(), Purpose::cases, 71, number);
  Points<double> cloud(n, 2);
  for (Index k = 0; k < n; ++k) {
    PointDraws draws(stream, static_cast<std::uint64_t>(k));
    for (Index j = 0; j < 2; ++j) cloud(k, j) = draws.normal();
  }
  return cloud;
}

/// Integers 0, …, below − 1: ties, duplicates and simultaneous events in plenty.
Points<double> lattice_cloud(Index n, std::uint64_t below, std::uint64_t number) {
  const RandomStream stream(test_seed(), Purpose::cases, 72, number);
  Points<double> cloud(n, 2);
  for (Index k = 0; k < n; ++k) {
    PointDraws draws(stream, static_cast<std::uint64_t>(k));
    for (Index j = 0; j < 2; ++j) cloud(k, j) = static_cast<double>(draws.below(below));
  }
  return cloud;
}

/// Points of one regular polygon: pairs of opposite sides and diagonals give simultaneous events, up to rounding.
Points<double> polygon(Index corners, double radius, double turn) {
  Points<double> cloud(corners, 2);
  for (Index k = 0; k < corners; ++k) {
    const double angle = turn + 2.0 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(corners);
    cloud(k, 0) = radius * std::cos(angle);
    cloud(k, 1) = radius * std::sin(angle);
  }
  return cloud;
}

std::string complaint(const Points<double>& z, const Points<double>& y) { return plane_complaint(exact_plane_sw(z, y), z, y, brute_force_plane(z, y)); }

TEST(PlaneSweep, one_point) {
  const auto one = exact_plane_sw(Points<double>{{3.0, 5.0}}, Points<double>{{0.0, 1.0}});
  EXPECT_NEAR(one.value, 12.5, one.value_error);
  EXPECT_LE(one.value_error, 4.0 * kUnit * 12.5);
  EXPECT_NEAR(one.gradient(0, 0), 3.0, one.gradient_error);
  EXPECT_NEAR(one.gradient(0, 1), 4.0, one.gradient_error);
  EXPECT_NEAR(one.max_value, 25.0, one.max_error);
  EXPECT_NEAR(one.max_direction[0], 0.6, 4.0 * kUnit);
  EXPECT_NEAR(one.max_direction[1], 0.8, 4.0 * kUnit);
  EXPECT_EQ(one.events, 0U);
  EXPECT_FALSE(one.duplicates);
}

TEST(PlaneSweep, translation) {
  for (Index n = 1; n <= 40; n += 13) {
    const Points<double> z = lattice_cloud(n, 6, static_cast<std::uint64_t>(n));
    for (const double scale : {1.0, 0x1p-40}) {
      const Eigen::RowVector2d v(-5.0 * scale, 12.0 * scale);
      const Points<double> y = z.rowwise() + v;
      const auto out = exact_plane_sw(z, y);
      EXPECT_NEAR(out.value, v.squaredNorm() / 2.0, out.value_error) << n;
      EXPECT_LE(out.value_error, 4.0 * kUnit * out.value) << n;
      EXPECT_NEAR(out.condition, std::sqrt(2.0), 1e-9) << n;
      EXPECT_NEAR(out.max_value, v.squaredNorm(), out.max_error);
      EXPECT_LE(out.max_error, 8.0 * kUnit * out.max_value);
      EXPECT_LE((out.gradient.rowwise() + v / static_cast<double>(n)).rowwise().norm().sum(), out.gradient_error) << n;
    }
  }
}

TEST(PlaneSweep, a_translation_that_rounding_blurs) {
  // Every coordinate of Y is rounded by at most u of itself, so √w moves by that. Between the events of a pair of Z and of its image lies an arc of 10⁻¹⁵ on
  // which matched points are far apart: the moments of the sweep cancel there, and the maximum must come from the gaps.
  const Points<double> z = normal_cloud(300, 2);
  const Eigen::RowVector2d v(3e-9, 4e-9);
  const Points<double> y = z.rowwise() + v;
  const auto out = exact_plane_sw(z, y);
  const double blur = 2.0 * kUnit * (y.cwiseAbs().maxCoeff() + 1.0);
  EXPECT_NEAR(std::sqrt(out.max_value), v.norm(), blur + out.max_error / v.norm());
  EXPECT_NEAR(std::sqrt(out.value), v.norm() / std::sqrt(2.0), blur + out.value_error / v.norm());
  EXPECT_LE(out.max_error, 1e-8 * out.max_value);
  EXPECT_NEAR(out.max_direction[0], 0.6, 0.01);
}

TEST(PlaneSweep, the_least_value_of_a_sinusoid_is_not_taken_for_its_maximum) {
  // The same with v = (1, 1)·10⁻⁹. On arcs of 10⁻¹⁵ matched points are far apart ACROSS the direction: the derivative of their sinusoid is 0 up to rounding
  // where it is least, and its maximum, a million million million times too large, is a right angle away. These four clouds show it.
  const std::pair<Index, std::uint64_t> clouds[] = {{8, 146}, {12, 535}, {20, 92}, {40, 224}};
  for (const auto& [n, number] : clouds) {
    const RandomStream stream(7, Purpose::cases, 1, number * 1000 + static_cast<std::uint64_t>(n));
    PointDraws draws(stream, 0);
    Points<double> z(n, 2);
    for (Index k = 0; k < n; ++k)
      for (Index j = 0; j < 2; ++j) z(k, j) = draws.normal();
    const Points<double> y = z.array() + 1e-9;
    const auto out = exact_plane_sw(z, y, {.gradient = false, .max = true});
    const double length = std::sqrt(2.0) * 1e-9;
    EXPECT_NEAR(std::sqrt(out.max_value), length, 2.0 * kUnit * (y.cwiseAbs().maxCoeff() + 1.0) + out.max_error / length) << n;
  }
}

TEST(PlaneSweep, equal_clouds_in_any_order) {
  const Points<double> z = normal_cloud(30, 1);
  const auto out = exact_plane_sw(z, z.colwise().reverse());
  EXPECT_EQ(out.value, 0.0);
  EXPECT_EQ(out.max_value, 0.0);
  EXPECT_EQ(out.gradient.cwiseAbs().maxCoeff(), 0.0);
  EXPECT_EQ(out.events, 2U * 435U);
  EXPECT_LE(out.value_error, std::numeric_limits<double>::min());
}

TEST(PlaneSweep, two_points_by_hand) {
  // Z = ±(1, 0), Y = ±(0, 1): w = (|cos φ| − |sin φ|)², mean 1 − 2/π, maximum 1.
  const Points<double> z{{1.0, 0.0}, {-1.0, 0.0}};
  const Points<double> y{{0.0, 1.0}, {0.0, -1.0}};
  const auto out = exact_plane_sw(z, y);
  EXPECT_NEAR(out.value, 1.0 - 2.0 / std::numbers::pi, out.value_error + kUnit);
  EXPECT_NEAR(out.gradient(0, 0), 0.5 - 1.0 / std::numbers::pi, out.gradient_error + kUnit);
  EXPECT_NEAR(out.gradient(0, 1), 0.0, out.gradient_error);
  EXPECT_NEAR(out.max_value, 1.0, out.max_error);
  EXPECT_EQ(out.events, 1U) << "Y changes places at φ = π, where the sweep ends";
  EXPECT_EQ(complaint(z, y), "");
}

TEST(PlaneSweep, duplicates) {
  const Points<double> z{{0.0, 0.0}, {0.0, 0.0}, {0.0, 0.0}, {0.0, 0.0}};
  const Points<double> y{{1.0, 0.0}, {-1.0, 0.0}, {0.0, 1.0}, {0.0, -1.0}};
  const auto out = exact_plane_sw(z, y);
  EXPECT_TRUE(out.duplicates);
  EXPECT_NEAR(out.value, 0.5, out.value_error);
  EXPECT_LE(out.gradient.rowwise().norm().sum(), out.gradient_error) << "the mean over the block is 0: Y is symmetric";
  EXPECT_FALSE(exact_plane_sw(y, z).duplicates) << "only those of Z matter";
  EXPECT_TRUE(exact_plane_sw(z, y, {.gradient = false, .max = false}).duplicates);
  EXPECT_EQ(complaint(z, y), "");
  EXPECT_EQ(complaint(y, z), "");
  EXPECT_EQ(complaint(Points<double>{{1.0, 2.0}, {0.0, 0.0}, {1.0, 2.0}, {-0.0, 0.0}, {3.0, 1.0}}, lattice_cloud(5, 3, 0)), "");
}

/// Points on the line along (1, 3).
Points<double> collinear_cloud(Index n, std::uint64_t number) {
  const Points<double> along = normal_cloud(n, number);
  Points<double> cloud(n, 2);
  for (Index k = 0; k < n; ++k) cloud.row(k) << 0.1 * along(k, 0), 0.3 * along(k, 0);
  return cloud;
}

TEST(PlaneSweep, against_a_hundred_digits) {
  for (std::uint64_t number = 0; number < 24; ++number) {
    const Index n = 2 + static_cast<Index>(number % 7);
    EXPECT_EQ(complaint(normal_cloud(n, number), normal_cloud(n, 100 + number)), "") << number;
    EXPECT_EQ(complaint(lattice_cloud(n, 3, number), lattice_cloud(n, 4, 100 + number)), "") << number;
    EXPECT_EQ(complaint(1e-9 * normal_cloud(n, number), 1e-9 * lattice_cloud(n, 4, number)), "") << number;
    EXPECT_EQ(complaint(1e6 + normal_cloud(n, number).array(), 1e6 + lattice_cloud(n, 4, number).array()), "") << number;
    EXPECT_EQ(complaint(collinear_cloud(n, number), normal_cloud(n, number)), "") << number;
  }
  for (const Index corners : {3, 4, 5, 6, 8}) {
    EXPECT_EQ(complaint(polygon(corners, 1.0, 0.0), polygon(corners, 2.0, 0.1)), "") << corners;
    EXPECT_EQ(complaint(polygon(corners, 1.0, 0.0), polygon(corners, 1.0, 1e-7)), "") << corners;
  }
}

TEST(PlaneSweep, magnitudes_at_the_ends_of_the_range) {
  const Points<double> z = lattice_cloud(6, 4, 11);
  const Points<double> y = normal_cloud(6, 11);
  for (const double scale : {0x1p490, 0x1p-490, 0x1p-900}) {
    const auto out = exact_plane_sw(scale * z, scale * y);
    const auto truth = brute_force_plane(scale * z, scale * y);
    EXPECT_TRUE(std::isfinite(out.value));
    EXPECT_LE(std::abs(static_cast<double>(Extended(out.value - truth.value))), out.value_error) << scale;
    EXPECT_EQ(out.events, exact_plane_sw(z, y).events);
  }
}

TEST(PlaneSweep, powers_of_two_change_no_digit) {
  for (const bool lattice : {false, true}) {
    const Points<double> z = lattice ? lattice_cloud(30, 4, 12) : normal_cloud(30, 12);
    const Points<double> y = lattice ? lattice_cloud(30, 5, 13) : normal_cloud(30, 13);
    const auto here = exact_plane_sw(z, y);
    for (const int power : {480, 100, -100, -390, -420, -480}) {
      const double scale = std::ldexp(1.0, power);
      const auto there = exact_plane_sw(scale * z, scale * y);
      EXPECT_EQ(there.value, scale * scale * here.value) << power;
      EXPECT_EQ(there.max_value, scale * scale * here.max_value) << power;
      EXPECT_EQ(there.gradient, scale * here.gradient) << power;
      EXPECT_EQ(there.max_direction, here.max_direction) << power;
      EXPECT_NEAR(there.value_error / (scale * scale), here.value_error, 1e-9 * here.value_error) << power;
      EXPECT_NEAR(there.max_error / (scale * scale), here.max_error, 1e-9 * here.max_error) << power;
      EXPECT_NEAR(there.gradient_error / scale, here.gradient_error, 1e-9 * here.gradient_error) << power;
    }
  }
}

/// (1/π) Σ of Gauss–Legendre sums of 7 nodes over pieces of length at most 1/4 between the critical angles, as double has them, with the reference loss.
double quadrature(const Points<double>& z, const Points<double>& y) {
  std::vector<double> angles{0.0, std::numbers::pi};
  for (const Points<double>* cloud : {&z, &y})
    for (Index i = 0; i < cloud->rows(); ++i)
      for (Index j = 0; j < i; ++j) {
        const Eigen::RowVector2d step = cloud->row(i) - cloud->row(j);
        const double angle = std::atan2(step[0], -step[1]);
        angles.push_back(angle < 0.0 ? angle + std::numbers::pi : angle);
      }
  for (int t = 1; t < 13; ++t) angles.push_back(0.25 * t);
  std::sort(angles.begin(), angles.end());
  const ReferenceLoss reference(2.0);
  double sum = 0.0;
  for (std::size_t a = 0; a + 1 < angles.size(); ++a) {
    const auto w = [&](double phi) { return reference.evaluate(z, y, Points<double>{{std::cos(phi), std::sin(phi)}}).value; };
    if (angles[a] < angles[a + 1]) sum += boost::math::quadrature::gauss<double, 7>::integrate(w, angles[a], angles[a + 1]);
  }
  return sum / std::numbers::pi;
}

TEST(PlaneSweep, against_quadrature) {
  for (std::uint64_t number = 0; number < 6; ++number) {
    const Index n = 5 * (1 + static_cast<Index>(number));
    for (const bool lattice : {false, true}) {
      const Points<double> z = lattice ? lattice_cloud(n, 5, number) : normal_cloud(n, number);
      const Points<double> y = lattice ? lattice_cloud(n, 6, 50 + number) : normal_cloud(n, 50 + number);
      const auto out = exact_plane_sw(z, y);
      const double size = z.rowwise().norm().maxCoeff() + y.rowwise().norm().maxCoeff();
      // Weights and nodes are positive, so errors of √w add as in L²: the gaps of the reference; the kinks, misplaced by less than 8u, with √w Lipschitz of
      // constant `size`; θ, rounded from an angle below 4. Seven nodes integrate a sinusoid cos 2φ over 1/4 to 10⁻²³. The sums have 7·(n² + 12) terms.
      const double gap = tolerance::gap(2, size, kUnit) + 24.0 * kUnit * size;
      const double terms = 7.0 * static_cast<double>(n * n + 12);
      const double bound =
          2.0 * gap * std::sqrt(out.value) + gap * gap + tolerance::gamma(terms + static_cast<double>(n) + 16.0, kUnit) * out.value + out.value_error;
      EXPECT_NEAR(out.value, quadrature(z, y), bound) << n << (lattice ? " lattice" : " normal");
      EXPECT_LE(bound, 1e-12 * out.condition * out.value) << n;
    }
  }
}

TEST(PlaneSweep, an_offset_of_a_million_costs_nothing) {
  // Multiples of 2^−20: the moved clouds are exact, so nothing may change but bits of nothing.
  const Points<double> z = (0x1p20 * normal_cloud(50, 3)).array().round() * 0x1p-20;
  const Points<double> y = (0x1p20 * normal_cloud(50, 4)).array().round() * 0x1p-20;
  const auto near = exact_plane_sw(z, y);
  const auto far = exact_plane_sw(z.array() + 1e6, y.array() + 1e6);
  EXPECT_EQ(near.value, far.value);
  EXPECT_EQ(near.max_value, far.max_value);
  EXPECT_EQ(near.gradient, far.gradient);
}

TEST(PlaneSweep, the_order_of_rows_changes_no_bit) {
  for (const bool lattice : {false, true}) {
    const Points<double> z = lattice ? lattice_cloud(25, 4, 5) : normal_cloud(25, 5);
    const Points<double> y = lattice ? lattice_cloud(25, 4, 6) : normal_cloud(25, 6);
    const auto out = exact_plane_sw(z, y);
    const auto moved = exact_plane_sw(z.colwise().reverse(), y.colwise().reverse());
    EXPECT_EQ(out.value, moved.value);
    EXPECT_EQ(out.max_value, moved.max_value);
    EXPECT_EQ(out.gradient.colwise().reverse(), moved.gradient);
  }
}

TEST(PlaneSweep, options_change_no_number) {
  const Points<double> z = normal_cloud(20, 7);
  const Points<double> y = lattice_cloud(20, 3, 7);
  const auto all = exact_plane_sw(z, y);
  const auto value = exact_plane_sw(z, y, {.gradient = false, .max = false});
  EXPECT_EQ(all.value, value.value);
  EXPECT_EQ(all.value_error, value.value_error);
  EXPECT_EQ(value.gradient.size(), 0);
  EXPECT_EQ(value.max_value, 0.0);
  EXPECT_EQ(exact_plane_sw(z, y, {.gradient = false}).max_value, all.max_value);
  EXPECT_EQ(exact_plane_sw(z, y, {.max = false}).gradient, all.gradient);
}

double pairing(const Points<double>& a, const Points<double>& b) { return a.cwiseProduct(b).sum(); }

TEST(PlaneSweep, balance_euler_and_symmetry) {
  for (std::uint64_t number = 0; number < 12; ++number) {
    const Index n = 3 + 9 * static_cast<Index>(number);
    const Points<double> z = number % 2 == 0 ? normal_cloud(n, number) : lattice_cloud(n, 5, number);
    const Points<double> y = number % 3 == 0 ? normal_cloud(n, 30 + number) : lattice_cloud(n, 5, 30 + number);
    const auto there = exact_plane_sw(z, y);
    const auto back = exact_plane_sw(y, z);
    EXPECT_NEAR(there.value, back.value, there.value_error + back.value_error);
    EXPECT_NEAR(there.max_value, back.max_value, there.max_error + back.max_error);
    const double errors = there.gradient_error + back.gradient_error;
    const double mass = there.gradient.rowwise().norm().sum() + back.gradient.rowwise().norm().sum();
    const double rounding = tolerance::gamma(2.0 * static_cast<double>(n) + 8.0, kUnit) * mass;
    EXPECT_LE((there.gradient.colwise().sum() + back.gradient.colwise().sum()).norm(), errors + rounding) << n;
    const double size = std::max(z.rowwise().norm().maxCoeff(), y.rowwise().norm().maxCoeff());
    EXPECT_NEAR(pairing(there.gradient, z) + pairing(back.gradient, y), 2.0 * there.value, (errors + 2.0 * rounding) * size + 2.0 * there.value_error) << n;
  }
}

TEST(PlaneSweep, gradient_against_central_differences) {
  // w is a minimum of quadratics: f(Z + tV) ≤ f(Z) + t⟨g(Z), V⟩ + t²c, c = (1/2n) Σ‖v_k‖², at every Z. Used from Z and from Z ± tV it brackets the central
  // difference within tc + the change of the gradients.
  for (std::uint64_t number = 0; number < 10; ++number) {
    const Index n = 2 + 3 * static_cast<Index>(number);
    const Points<double> z = normal_cloud(n, 200 + number);
    const Points<double> y = number % 2 == 0 ? normal_cloud(n, 300 + number) : lattice_cloud(n, 3, number);
    const Points<double> v = normal_cloud(n, 400 + number);
    const double t = 0x1p-20;
    const auto here = exact_plane_sw(z, y);
    const auto plus = exact_plane_sw(z + t * v, y);
    const auto minus = exact_plane_sw(z - t * v, y);
    const double slope = pairing(here.gradient, v);
    const double changes = std::abs(pairing(plus.gradient, v) - slope) + std::abs(pairing(minus.gradient, v) - slope);
    const double mass = here.gradient.rowwise().norm().sum();
    // Z ± tV are rounded, by u of a coordinate, and the values too.
    const double rounding = (plus.value_error + minus.value_error + 4.0 * kUnit * (mass + changes) * (z.cwiseAbs().maxCoeff() + 1.0)) / t;
    const double bound = changes + t * v.squaredNorm() / (2.0 * static_cast<double>(n)) + rounding;
    EXPECT_NEAR((plus.value - minus.value) / (2.0 * t), slope, bound) << n;
    EXPECT_LE(bound, 1e-3 * mass * v.rowwise().norm().maxCoeff()) << "the bound says nothing";
  }
}

TEST(PlaneSweep, max_against_a_dense_scan) {
  for (std::uint64_t number = 0; number < 6; ++number) {
    const Points<double> z = number % 2 == 0 ? normal_cloud(40, number) : lattice_cloud(40, 4, number);
    const Points<double> y = normal_cloud(40, 60 + number);
    const auto out = exact_plane_sw(z, y);
    const double size = z.rowwise().norm().maxCoeff() + y.rowwise().norm().maxCoeff();
    const auto rounding = [&](double w) { return tolerance::value(w, 2.0, tolerance::gap(2, size, kUnit) + 16.0 * kUnit * size, 40, kUnit); };
    const ReferenceLoss reference(2.0);
    double largest = 0.0;
    const int steps = 4000;
    for (int s = 0; s < steps; ++s) {
      const double phi = std::numbers::pi * s / steps;
      largest = std::max(largest, reference.evaluate(z, y, Points<double>{{std::cos(phi), std::sin(phi)}}).value);
    }
    EXPECT_LE(largest, out.max_value + out.max_error + rounding(largest)) << number;
    EXPECT_NEAR(reference.evaluate(z, y, Points<double>{{out.max_direction[0], out.max_direction[1]}}).value, out.max_value,
                out.max_error + rounding(out.max_value))
        << number;
    // √w changes by at most size·(half a step) to the nearest direction of the scan.
    EXPECT_GE(std::sqrt(largest) + size * std::numbers::pi / (2.0 * steps), std::sqrt(out.max_value)) << number;
    EXPECT_GT(out.max_value, out.value);
  }
}

TEST(PlaneSweep, at_most_half_of_exact_w2) {
  for (std::uint64_t number = 0; number < 6; ++number) {
    const Points<double> z = normal_cloud(20, number);
    const Points<double> y = lattice_cloud(20, 3, number);
    const auto out = exact_plane_sw(z, y);
    const double w2 = exact_w2_squared(z, y);
    EXPECT_LE(out.value, w2 / 2.0 * (1.0 + 100.0 * kUnit) + out.value_error);
    EXPECT_LE(out.max_value, w2 * (1.0 + 100.0 * kUnit) + out.max_error);
  }
}

TEST(PlaneSweep, many_events_keep_every_digit) {
  // 120 points of an 11 × 11 lattice: thousands of events in large groups. Its reflection in the diagonal has w(φ) = w(π/2 − φ), hence the same numbers.
  Points<double> z(120, 2);
  for (Index k = 0; k < 120; ++k) {
    z(k, 0) = static_cast<double>(k % 11);
    z(k, 1) = static_cast<double>(k / 11);
  }
  const Points<double> y = normal_cloud(120, 9);
  const auto out = exact_plane_sw(z, y);
  const auto mirrored = exact_plane_sw(z.rowwise().reverse(), y.rowwise().reverse());
  EXPECT_NEAR(out.value, mirrored.value, out.value_error + mirrored.value_error);
  EXPECT_LE((out.gradient - mirrored.gradient.rowwise().reverse()).rowwise().norm().sum(), out.gradient_error + mirrored.gradient_error);
  EXPECT_NEAR(out.max_value, mirrored.max_value, out.max_error + mirrored.max_error);
  EXPECT_LE(out.value_error, 1e-12 * out.condition * out.value);
}

TEST(PlaneSweep, rejects_what_is_no_pair_of_plane_clouds) {
  const Points<double> two = Points<double>::Zero(2, 2);
  EXPECT_THROW((void)exact_plane_sw(two, Points<double>::Zero(3, 2)), InputError);
  EXPECT_THROW((void)exact_plane_sw(Points<double>::Zero(2, 3), Points<double>::Zero(2, 3)), InputError);
  EXPECT_THROW((void)exact_plane_sw(two, Points<double>::Zero(2, 1)), InputError);
  EXPECT_THROW((void)exact_plane_sw(Points<double>(0, 2), Points<double>(0, 2)), InputError);
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(), 0x1p501}) {
    EXPECT_THROW((void)exact_plane_sw(two, Points<double>{{0.0, 0.0}, {0.0, bad}}), InputError) << bad;
    EXPECT_THROW((void)exact_plane_sw(Points<double>{{bad, 0.0}, {0.0, 0.0}}, two), InputError) << bad;
  }
  try {
    (void)exact_plane_sw(two, Points<double>{{0.0, 0.0}, {0.0, 0x1p501}});
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("row 2, column 2"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace slicecheck::testing
