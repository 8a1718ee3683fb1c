/// Mode coverage on clouds made by hand.

#include "slicecheck/measures/mode_coverage.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numbers>

#include "slicecheck/core/error.h"

namespace slicecheck::testing {
namespace {

/// Six centres on a circle of radius 1.
Points<double> hexagon() {
  Points<double> centres(6, 2);
  for (Index m = 0; m < 6; ++m) {
    const double angle = std::numbers::pi * static_cast<double>(m) / 3.0;
    centres.row(m) = Eigen::RowVector2d(std::cos(angle), std::sin(angle));
  }
  return centres;
}

TEST(ModeCoverage, all_points_at_the_centres) {
  const ModeCoverage found = mode_coverage(hexagon().replicate(3, 1), hexagon());
  EXPECT_EQ(found.modes, 6);
  EXPECT_EQ(found.high_quality, 1.0);
  EXPECT_EQ(found.shares, std::vector<double>(6, 3.0 / 18.0));
}

TEST(ModeCoverage, one_of_eighteen_is_enough_and_one_of_nineteen_is_not) {
  Points<double> points = Points<double>::Constant(18, 2, 5.0);
  points.row(7) = hexagon().row(2);
  const ModeCoverage enough = mode_coverage(points, hexagon());
  EXPECT_EQ(enough.modes, 1);
  EXPECT_EQ(enough.high_quality, 1.0 / 18.0);
  EXPECT_EQ(enough.shares[2], 1.0 / 18.0);
  points.conservativeResize(19, 2);
  points.row(18).setConstant(5.0);
  const ModeCoverage few = mode_coverage(points, hexagon());
  EXPECT_EQ(few.modes, 0);
  EXPECT_EQ(few.high_quality, 1.0 / 19.0);
}

TEST(ModeCoverage, a_point_at_the_radius_counts_and_one_beyond_does_not) {
  const Points<double> centre = Points<double>::Zero(1, 2);
  const double beyond = std::nextafter(0.03, 1.0);
  EXPECT_EQ(mode_coverage(Points<double>{{0.03, 0.0}, {0.0, -0.03}}, centre).high_quality, 1.0);
  EXPECT_EQ(mode_coverage(Points<double>{{beyond, 0.0}, {0.0, -beyond}}, centre).high_quality, 0.0);
  EXPECT_EQ(mode_coverage(Points<double>{{3.0, 4.0}}, centre, {.radius = 5.0}).high_quality, 1.0);
  EXPECT_EQ(mode_coverage(Points<double>{{3.0, 4.0}}, centre, {.radius = std::nextafter(5.0, 0.0)}).high_quality, 0.0);
}

TEST(ModeCoverage, a_point_counts_for_its_nearest_centre_alone) {
  // Discs that overlap: 1/64 + 1/128 away from the first centre, 1/128 from the second.
  const Points<double> centres{{0.0, 0.0}, {1.0 / 32.0, 0.0}};
  const ModeCoverage second = mode_coverage(Points<double>{{3.0 / 128.0, 0.0}}, centres);
  EXPECT_EQ(second.shares, (std::vector<double>{0.0, 1.0}));
  EXPECT_EQ(second.modes, 1);
  EXPECT_EQ(second.high_quality, 1.0);
  const ModeCoverage first = mode_coverage(Points<double>{{1.0 / 64.0, 0.0}}, centres);
  EXPECT_EQ(first.shares, (std::vector<double>{1.0, 0.0})) << "equally near: the first";
}

TEST(ModeCoverage, of_equal_centres_the_first_takes_all) {
  const Points<double> centres{{0.5}, {0.0}, {0.0}};
  const ModeCoverage found = mode_coverage(Points<double>{{0.0}, {0.01}, {0.5}}, centres);
  EXPECT_EQ(found.shares, (std::vector<double>{1.0 / 3.0, 2.0 / 3.0, 0.0}));
  EXPECT_EQ(found.modes, 2);
}

TEST(ModeCoverage, a_cloud_between_the_centres_is_not_close_to_any) {
  const Points<double> centres = hexagon();
  Points<double> points(6, 2);
  for (Index m = 0; m < 6; ++m) points.row(m) = 0.96 * centres.row(m);  // within 0.05 of each centre, not within 0.03
  const ModeCoverage found = mode_coverage(points, centres);
  EXPECT_EQ(found.modes, 0);
  EXPECT_EQ(found.high_quality, 0.0);
  EXPECT_EQ(mode_coverage(points, centres, {.radius = 0.05, .least_share = 0.02}).modes, 6) << "coverage at 2 % within 0.05 calls it complete";
}

TEST(ModeCoverage, rejects_what_it_cannot_measure) {
  const Points<double> one = Points<double>::Zero(1, 2);
  const auto rejected = [](const Points<double>& points, const Points<double>& centres, const ModeCoverageSettings& settings = {}) {
    EXPECT_THROW((void)mode_coverage(points, centres, settings), InputError);
  };
  EXPECT_NO_THROW((void)mode_coverage(one, one));
  rejected(Points<double>(0, 2), one);
  rejected(one, Points<double>(0, 2));
  rejected(one, Points<double>::Zero(1, 3));
  rejected(Points<double>(1, 0), Points<double>(1, 0));
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    rejected(Points<double>{{0.0, bad}}, one);
    rejected(one, Points<double>{{bad, 0.0}});
  }
  for (const double bad : {0.0, -0.1, std::nan(""), std::numeric_limits<double>::infinity()}) {
    rejected(one, one, {.radius = bad});
    rejected(one, one, {.least_share = bad});
  }
}

}  // namespace
}  // namespace slicecheck::testing
