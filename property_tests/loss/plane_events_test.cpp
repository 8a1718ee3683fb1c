/// The exact order of events; and that the comparison with a hundred digits refuses sweeps whose order is wrong.

#include "slicecheck/loss/plane_events.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/multiprecision/cpp_int.hpp>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "slicecheck/core/random.h"
#include "support/plane_brute_force.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

using Rational = boost::multiprecision::cpp_rational;

int rational_sign(const PlanePoint& a, const PlanePoint& b, const PlanePoint& c, const PlanePoint& d) {
  const Rational cross = (Rational(b.x) - Rational(a.x)) * (Rational(d.y) - Rational(c.y)) - (Rational(b.y) - Rational(a.y)) * (Rational(d.x) - Rational(c.x));
  return cross.sign();
}

TEST(CrossSign, by_hand) {
  const PlanePoint origin{0.0, 0.0};
  EXPECT_EQ(cross_sign(origin, {1.0, 0.0}, origin, {0.0, 1.0}), 1);
  EXPECT_EQ(cross_sign(origin, {0.0, 1.0}, origin, {1.0, 0.0}), -1);
  EXPECT_EQ(cross_sign(origin, {2.0, 4.0}, {1.0, 1.0}, {2.0, 3.0}), 0);
  EXPECT_EQ(cross_sign(origin, origin, origin, {1.0, 1.0}), 0);
  // Double rounds both products to one number: (1 + 2^−52)² against 1·(1 + 2^−51).
  const double next = 1.0 + 0x1p-52;
  EXPECT_EQ(cross_sign(origin, {next, 1.0 + 0x1p-51}, origin, {1.0, next}), 1);
  EXPECT_EQ(cross_sign(origin, {1.0, next}, origin, {next, 1.0 + 0x1p-51}), -1);
  // The differences are no doubles: (1 + 2^−80, 1) against (1, 1).
  EXPECT_EQ(cross_sign({-0x1p-80, 0.0}, {1.0, 1.0}, origin, {1.0, 1.0}), 1);
  EXPECT_EQ(cross_sign({0.0, -0x1p-80}, {1.0, 1.0}, origin, {1.0, 1.0}), -1);
  // Here every product underflows.
  const double least = std::numeric_limits<double>::denorm_min();
  EXPECT_EQ(cross_sign(origin, {3.0 * least, 2.0 * least}, origin, {4.0 * least, 3.0 * least}), 1);
  EXPECT_EQ(cross_sign(origin, {4.0 * least, 2.0 * least}, origin, {2.0 * least, least}), 0);
}

TEST(CrossSign, against_rational_numbers) {
  const RandomStream stream(test_seed(), Purpose::cases, 73, 0);
  int zeros = 0;
  for (std::uint64_t number = 0; number < 4000; ++number) {
    PointDraws draws(stream, number);
    const double spacing = std::ldexp(1.0, static_cast<int>(draws.below(5)) * 200 - 700);
    const double offset = draws.below(2) == 0 ? 0.0 : 1e6 * spacing;
    const auto coordinate = [&] {
      const double x = offset + spacing * static_cast<double>(draws.below(5)) / 3.0;
      return draws.below(4) == 0 ? std::nextafter(x, 0.0) : x;
    };
    PlanePoint p[4];
    for (PlanePoint& point : p) {
      point.x = coordinate();
      point.y = coordinate();
    }
    const int expected = rational_sign(p[0], p[1], p[2], p[3]);
    ASSERT_EQ(cross_sign(p[0], p[1], p[2], p[3]), expected) << number;
    zeros += expected == 0 ? 1 : 0;
  }
  EXPECT_GT(zeros, 100);
  EXPECT_LT(zeros, 3900);
}

Points<double> shuffled_lattice() {
  // Three by two, and rows in an order in which pairs taken by index undo one another.
  return Points<double>{{0.0, 0.0}, {2.0, 0.0}, {1.0, 0.0}, {2.0, 1.0}, {0.0, 1.0}, {1.0, 1.0}};
}

/// Corners of a tiny perturbation of three points on a line, and far ones: three angles within 10⁻¹².
Points<double> nearly_collinear() { return Points<double>{{0.0, 0.0}, {2.0, 2.0}, {1.0, 1.0 + 1e-12}, {3.0, -1.0}}; }

TEST(PlaneEvents, are_sorted_exactly) {
  for (const Points<double>& z : {shuffled_lattice(), Points<double>(nearly_collinear()), Points<double>(shuffled_lattice().array() * 0.1 + 1e6)}) {
    const PlaneEvents events(z, z);
    const std::uint32_t n = events.size();
    const auto all = events.events();
    for (std::size_t e = 0; e + 1 < all.size(); ++e)
      EXPECT_LE(-rational_sign(events.point(all[e].first), events.point(all[e].second), events.point(all[e + 1].first), events.point(all[e + 1].second)), 0)
          << e;
    // Every pair with different x, once for each cloud.
    std::size_t pairs = 0;
    for (std::uint32_t i = 0; i < n; ++i)
      for (std::uint32_t j = 0; j < i; ++j) pairs += events.point(i).x != events.point(j).x ? 2U : 0U;
    EXPECT_EQ(all.size(), pairs);
    for (std::size_t first = 0, end = 0; first < all.size(); first = end) {
      end = events.group_end(first);
      EXPECT_TRUE(end == all.size() || events.compare(all[first], all[end]) < 0) << end;
    }
    for (std::uint32_t k = 0; k < n; ++k) {
      EXPECT_EQ(events.point(k).x, z(events.row(k), 0));
      EXPECT_EQ(events.point(n + k).y, z(events.row(n + k), 1));
      EXPECT_TRUE(events.in_z(k) && !events.in_z(n + k));
    }
  }
}

TEST(PlaneEvents, simultaneous_events_are_one_group) {
  const PlaneEvents lattice(shuffled_lattice(), shuffled_lattice());
  // Slopes −1 (twice), −1/2, 0 (six), 1/2, 1 (twice) in each cloud.
  EXPECT_EQ(lattice.events().size(), 24U);
  std::vector<std::size_t> sizes;
  for (std::size_t first = 0; first < 24; first = lattice.group_end(first)) sizes.push_back(lattice.group_end(first) - first);
  EXPECT_EQ(sizes, (std::vector<std::size_t>{4, 2, 12, 2, 4}));
  const PlaneEvents near(nearly_collinear(), nearly_collinear());
  EXPECT_EQ(near.group_end(0), 2U) << "the angles 10⁻¹² apart are apart";
}

/// How a careless sweep orders events and swaps.
struct Careless {
  double epsilon;   ///< angles are rounded to multiples of it, 0: not at all; within one multiple events go by their indices
  bool one_by_one;  ///< swap pair after pair in that order; otherwise sort both clouds anew in the middle of every arc
};

/// The value, as `exact_plane_sw` would give it with such a sweep, in double with long double sums.
double careless_value(const Points<double>& z, const Points<double>& y, const Careless& how) {
  struct Swap {
    double angle;
    int cloud;
    std::size_t i;
    std::size_t j;
  };
  const Points<double>* clouds[2] = {&z, &y};
  const auto n = static_cast<std::size_t>(z.rows());
  std::vector<std::size_t> order[2];
  std::vector<Swap> swaps;
  for (int c = 0; c < 2; ++c) {
    const Points<double>& p = *clouds[c];
    order[c].resize(n);
    std::iota(order[c].begin(), order[c].end(), std::size_t{0});
    std::sort(order[c].begin(), order[c].end(), [&](std::size_t a, std::size_t b) { return std::pair(p(a, 0), p(a, 1)) < std::pair(p(b, 0), p(b, 1)); });
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = i + 1; j < n; ++j) {
        if (p(i, 0) == p(j, 0)) continue;
        const double side = p(i, 0) < p(j, 0) ? 1.0 : -1.0;
        double angle = std::atan2(side * (p(j, 0) - p(i, 0)), -side * (p(j, 1) - p(i, 1)));
        if (how.epsilon > 0.0) angle = how.epsilon * std::round(angle / how.epsilon);
        swaps.push_back({angle, c, i, j});
      }
  }
  std::stable_sort(swaps.begin(), swaps.end(), [](const Swap& a, const Swap& b) { return a.angle < b.angle; });
  swaps.push_back({std::numbers::pi, 0, 0, 0});
  long double sum = 0.0L;
  double from = 0.0;
  for (const Swap& swap : swaps) {
    const double length = swap.angle - from;
    const double mid = (swap.angle + from) / 2.0;
    if (!how.one_by_one)
      for (int c = 0; c < 2; ++c) {
        const Eigen::VectorXd along = *clouds[c] * Eigen::Vector2d(std::cos(mid), std::sin(mid));
        std::sort(order[c].begin(), order[c].end(), [&](std::size_t a, std::size_t b) { return along[static_cast<Index>(a)] < along[static_cast<Index>(b)]; });
      }
    for (std::size_t r = 0; r < n; ++r) {
      const Eigen::RowVector2d gap = z.row(static_cast<Index>(order[0][r])) - y.row(static_cast<Index>(order[1][r]));
      const double p = gap[0] * std::cos(mid) + gap[1] * std::sin(mid);
      sum += (length * gap.squaredNorm() + std::sin(length) * (2.0 * p * p - gap.squaredNorm())) / 2.0;
    }
    from = swap.angle;
    if (!how.one_by_one || swap.i == swap.j) continue;
    auto& of_cloud = order[swap.cloud];
    std::iter_swap(std::find(of_cloud.begin(), of_cloud.end(), swap.i), std::find(of_cloud.begin(), of_cloud.end(), swap.j));
  }
  return static_cast<double>(sum / (static_cast<long double>(n) * std::numbers::pi_v<long double>));
}

std::string judge(const Points<double>& z, const Points<double>& y, const Careless& how) {
  PlaneSliced claimed = exact_plane_sw(z, y);
  claimed.value = careless_value(z, y, how);
  // Of a sweep in double: the bound of the sweep in long double times the ratio of the unit roundoffs.
  claimed.value_error *= static_cast<double>(std::numeric_limits<double>::epsilon() / std::numeric_limits<long double>::epsilon());
  return plane_complaint(claimed, z, y, brute_force_plane(z, y));
}

TEST(PlaneComparison, refuses_a_wrong_order_of_events) {
  const Points<double> lattice = shuffled_lattice();
  const Points<double> target{{0.0, 0.3}, {1.1, 2.0}, {-0.7, 0.9}, {0.4, -1.2}, {2.2, 0.1}, {1.3, 1.7}};
  const Points<double> near = nearly_collinear();
  const Points<double> near_target = target.topRows(4);
  const Careless sound{0.0, false};
  EXPECT_EQ(judge(lattice, target, sound), "") << "what is right passes";
  EXPECT_EQ(judge(near, near_target, sound), "");
  // Pair after pair is right where no two events are simultaneous …
  EXPECT_EQ(judge(near, near_target, {0.0, true}), "");
  // … and ends in a wrong order where they are, or where an epsilon makes them so.
  const std::string one_by_one = judge(lattice, target, {0.0, true});
  EXPECT_EQ(one_by_one.substr(0, 5), "value") << one_by_one;
  const std::string epsilon = judge(near, near_target, {1e-9, true});
  EXPECT_EQ(epsilon.substr(0, 5), "value") << epsilon;
}

TEST(PlaneComparison, refuses_small_mistakes_in_every_number) {
  const Points<double> z = nearly_collinear();
  const Points<double> y = shuffled_lattice().topRows(4);
  const PlaneTruth truth = brute_force_plane(z, y);
  const PlaneSliced right = exact_plane_sw(z, y);
  ASSERT_EQ(plane_complaint(right, z, y, truth), "");
  const auto refused = [&](auto&& spoil, const std::string& word) {
    PlaneSliced wrong = right;
    spoil(wrong);
    const std::string says = plane_complaint(wrong, z, y, truth);
    EXPECT_NE(says.find(word), std::string::npos) << word << " | " << says;
  };
  refused([](PlaneSliced& w) { w.value *= 1.0 + 1e-14; }, "value");
  refused([](PlaneSliced& w) { w.value = -w.value; }, "value");
  refused([](PlaneSliced& w) { w.value = std::nan(""); }, "value");
  refused([](PlaneSliced& w) { w.value_error = 1.0; }, "too weak");
  refused([](PlaneSliced& w) { w.gradient(1, 0) += 1e-13; }, "gradient");
  refused([](PlaneSliced& w) { w.gradient.row(0).swap(w.gradient.row(1)); }, "gradient");
  refused([](PlaneSliced& w) { w.gradient(2, 1) = std::nan(""); }, "gradient");
  refused([](PlaneSliced& w) { w.max_value *= 1.0 + 1e-13; }, "max");
  refused([](PlaneSliced& w) { w.max_value = std::nan(""); }, "max");
  refused([](PlaneSliced& w) { w.max_direction = {-w.max_direction[1], w.max_direction[0]}; }, "max direction");
}

}  // namespace
}  // namespace slicecheck::testing
