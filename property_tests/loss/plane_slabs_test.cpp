/// Events slab by slab: the groups do not depend on the slabs, and are those that exact signs alone give; and the parts of the sweep's arithmetic that replace
/// library functions.

#include "slicecheck/loss/plane_slabs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/multiprecision/cpp_bin_float.hpp>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "slicecheck/core/random.h"
#include "slicecheck/loss/plane_arcs.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

using Extended = boost::multiprecision::number<boost::multiprecision::cpp_bin_float_100::backend_type, boost::multiprecision::et_off>;

struct Named {
  std::string name;
  Points<double> cloud;
};

/// Clouds whose events are far apart, close, simultaneous, on lines, steep, tiny and far away.
std::vector<Named> clouds(Index n) {
  const RandomStream stream(test_seed(), Purpose::cases, 77, 0);
  Points<double> normal(n, 2);
  Points<double> lattice(n, 2);
  Points<double> line(n, 2);
  for (Index k = 0; k < n; ++k) {
    PointDraws draws(stream, static_cast<std::uint64_t>(k));
    for (Index j = 0; j < 2; ++j) normal(k, j) = draws.normal();
    for (Index j = 0; j < 2; ++j) lattice(k, j) = static_cast<double>(draws.below(6));
    line.row(k).setConstant(static_cast<double>(draws.below(1000)));
  }
  std::vector<Named> all;
  all.push_back({"normal", normal});
  all.push_back({"lattice, with duplicates", lattice});
  all.push_back({"a line, exactly", line});
  all.push_back({"a line, rounded", line.array().rowwise() * Eigen::RowVector2d(0.1, 0.3).array()});
  all.push_back({"a rounded line far away", line.array().rowwise() * Eigen::RowVector2d(0.1, 0.3).array() + 1e6});
  all.push_back({"two parallel lines", line});
  all.back().cloud.col(1).head(n / 2).array() += 7.0;
  all.push_back({"a line and others", line});
  all.back().cloud.topRows(n / 4) = 300.0 * normal.topRows(n / 4);
  all.push_back({"lattice of thirds", lattice / 3.0});
  all.push_back({"lattice of tenths far away", lattice.array() * 0.1 + 1e6});
  all.push_back({"nearly vertical", normal.array().rowwise() * Eigen::RowVector2d(1e-30, 1.0).array()});
  all.push_back({"nearly horizontal", normal.array().rowwise() * Eigen::RowVector2d(1.0, 1e-30).array()});
  all.push_back({"slopes that overflow", normal.array().rowwise() * Eigen::RowVector2d(1e-200, 1e150).array()});
  all.push_back({"slopes that underflow", normal.array().rowwise() * Eigen::RowVector2d(1e150, 1e-200).array()});
  all.push_back({"tiny", 0x1p-1060 * lattice});
  all.push_back({"equal to the last bits", (normal.array() * 1e-15 + 1.0)});
  all.push_back({"all one point", Points<double>::Ones(n, 2)});
  return all;
}

using Pairs = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

std::vector<Pairs> groups_by_slabs(const PlaneClouds& clouds, std::size_t per_slab) {
  std::vector<Pairs> groups;
  PlaneSlabs slabs(clouds, per_slab);
  while (slabs.next()) {
    EXPECT_FALSE(slabs.events().empty());
    EXPECT_EQ(slabs.group_ends().back(), slabs.events().size());
    std::size_t begin = 0;
    for (const std::uint32_t end : slabs.group_ends()) {
      groups.emplace_back();
      for (; begin < end; ++begin) groups.back().emplace_back(slabs.events()[begin].first, slabs.events()[begin].second);
      std::sort(groups.back().begin(), groups.back().end());
    }
  }
  return groups;
}

/// All pairs with different x, sorted by exact signs alone.
std::vector<Pairs> groups_by_signs(const PlaneClouds& clouds) {
  Pairs all;
  for (std::uint32_t i = 0; i < 2 * clouds.size(); ++i)
    for (std::uint32_t j = i + 1; j < 2 * clouds.size(); ++j)
      if (clouds.in_z(i) == clouds.in_z(j) && clouds.point(i).x != clouds.point(j).x) all.emplace_back(i, j);
  const auto turn = [&](const auto& left, const auto& right) {
    return cross_sign(clouds.point(left.first), clouds.point(left.second), clouds.point(right.first), clouds.point(right.second));
  };
  std::sort(all.begin(), all.end(), [&](const auto& left, const auto& right) { return turn(left, right) > 0; });
  std::vector<Pairs> groups;
  for (std::size_t e = 0; e < all.size(); ++e) {
    if (e == 0 || turn(all[e - 1], all[e]) != 0) groups.emplace_back();
    groups.back().push_back(all[e]);
  }
  for (Pairs& group : groups) std::sort(group.begin(), group.end());
  return groups;
}

TEST(PlaneSlabs, groups_are_those_of_exact_signs_whatever_the_slabs) {
  for (const Index n : {2, 3, 40}) {
    const auto all = clouds(n);
    for (std::size_t c = 0; c < all.size(); ++c) {
      const PlaneClouds both(all[c].cloud, all[(c + n) % all.size()].cloud);
      const auto expected = groups_by_signs(both);
      // 40 points have 1560 events: one slab, a few slabs, and slabs of one event.
      for (const std::size_t per_slab : {0, 300, 64, 1}) EXPECT_EQ(groups_by_slabs(both, per_slab), expected) << all[c].name << ", " << n << ", " << per_slab;
    }
  }
}

TEST(PlaneSlabs, many_slabs_of_their_own_choice) {
  // 300 points have 89,700 events in slabs of some 8,192.
  const auto all = clouds(300);
  for (const std::size_t c : {std::size_t{0}, std::size_t{1}, std::size_t{4}, std::size_t{9}}) {
    const PlaneClouds both(all[c].cloud, all[0].cloud);
    EXPECT_EQ(groups_by_slabs(both, 0), groups_by_slabs(both, 1000000)) << all[c].name;
  }
}

TEST(PlaneSlabs, a_slab_holds_few_of_many_events) {
  const PlaneClouds both(clouds(1000)[0].cloud, clouds(1000)[0].cloud);
  PlaneSlabs slabs(both);
  std::size_t all = 0;
  std::size_t most = 0;
  while (slabs.next()) {
    all += slabs.events().size();
    most = std::max(most, slabs.events().size());
  }
  EXPECT_EQ(all, 999000U);
  // Between two bounds lie 32 of 3,997 points of a regular sequence; 8,192 events are aimed at, and the factor of four is generous.
  EXPECT_LE(most, 4U * 8192U);
}

double distance(const Extended& exact, long double value) { return static_cast<double>(Extended(abs(Extended(exact - Extended(value))))); }

TEST(PlaneArcs, angles_by_table_are_within_the_bound_of_p2) {
  const plane::AngleTable table;
  const RandomStream stream(test_seed(), Purpose::cases, 78, 0);
  std::size_t increasing = 0;
  for (std::uint64_t number = 0; number < 3000; ++number) {
    PointDraws draws(stream, number);
    // Even: in increasing steps, from the cell before. Odd: from any cell. And close to both ends.
    const long double phi = number < 20 ? std::ldexp(1.0L, -3 * static_cast<int>(number)) : plane::kPi * static_cast<long double>(number) / 3000.0L;
    const Extended x = cos(Extended(phi));
    const Extended y = sin(Extended(phi));
    const auto cosine = static_cast<long double>(x);
    const auto sine = static_cast<long double>(y);
    std::size_t any = draws.below(256);
    std::size_t& cell = number % 2 == 0 ? increasing : any;
    // P2 allows 10u, of which the direction has 3u here: rounding of each component turns it by at most u.
    EXPECT_LE(distance(Extended(phi), table.angle_of(cosine, sine, cell)), 10.0 * plane::kUnit) << number;
    if (number < 20) {
      // π − φ, in the same digits.
      EXPECT_LE(distance(boost::math::constants::pi<Extended>() - Extended(phi), table.angle_of(-cosine, sine, any)), 10.0 * plane::kUnit) << number;
    }
  }
}

TEST(PlaneArcs, weights_of_a_piece_are_within_16u) {
  for (int number = 0; number <= 400; ++number) {
    const long double x = number < 300 ? std::ldexp(1.0L, -3) * static_cast<long double>(number + 1) / 300.0L : std::ldexp(1.0L, -3 - (number - 300));
    const Extended exact(x);
    const Extended cosine = cos(exact);
    const Extended sine = sin(exact);
    const Extended along = (exact + sine) / (4 * (1 + cosine));
    const Extended across = (exact - sine) / (4 * (1 + cosine));
    const plane::PieceWeights weights = plane::piece_weights(x);
    EXPECT_LE(distance(along, weights.along), 16.0 * plane::kUnit * static_cast<double>(along)) << x;
    EXPECT_LE(distance(across, weights.across), 16.0 * plane::kUnit * static_cast<double>(across)) << x;
  }
}

TEST(PlaneArcs, moments_of_many_exchanges_are_those_of_the_last_matching) {
  // Exchanges at random, and S anew in a hundred digits.
  const Index n = 30;
  const auto all = clouds(n);
  for (const Named& named : {all[0], all[4], all[14]}) {
    std::vector<PlanePoint> z;
    std::vector<PlanePoint> y;
    for (Index k = 0; k < n; ++k) {
      z.push_back({named.cloud(k, 0), named.cloud(k, 1)});
      y.push_back({all[0].cloud(k, 1), all[0].cloud(k, 0)});
    }
    plane::RunningMoments running;
    double trace = 0.0;
    for (std::size_t r = 0; r < z.size(); ++r) running.add_square(y[r], z[r], 1.0);
    const RandomStream stream(test_seed(), Purpose::cases, 79, 0);
    PointDraws draws(stream, 0);
    for (int step = 0; step < 5000; ++step) {
      trace = std::max(trace, static_cast<double>(running.value().trace()));
      const std::size_t r = draws.below(n - 1);
      if (step % 3 == 0) {
        for (const std::size_t s : {r, r + 1}) running.add_square(y[s], z[s], -1.0);
        std::swap(y[r], y[r + 1]);
        for (const std::size_t s : {r, r + 1}) running.add_square(y[s], z[s], 1.0);
      } else {
        running.add_pair(z[r], z[r + 1], y[r], y[r + 1]);
        std::swap(z[r], z[r + 1]);
      }
    }
    Extended xx = 0;
    Extended xy = 0;
    Extended yy = 0;
    for (std::size_t r = 0; r < z.size(); ++r) {
      const Extended dx = Extended(z[r].x) - Extended(y[r].x);
      const Extended dy = Extended(z[r].y) - Extended(y[r].y);
      xx += dx * dx;
      xy += dx * dy;
      yy += dy * dy;
    }
    // 2⁻⁹⁶ of the largest trace for each addition, and u for the result.
    const double bound = (static_cast<double>(running.additions()) * 0x1p-96 + 2.0 * plane::kUnit) * trace;
    EXPECT_LE(distance(xx, running.value().xx), bound) << named.name;
    EXPECT_LE(distance(xy, running.value().xy), bound) << named.name;
    EXPECT_LE(distance(yy, running.value().yy), bound) << named.name;
  }
}

}  // namespace
}  // namespace slicecheck::testing
