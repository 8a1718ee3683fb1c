/// The minimum-norm point where it is known, on sets that are no polytopes, on bad corrals, and beside the normal cone of a ball (N9). Against the enumeration
/// of all faces in convex_property_test.cpp.

#include "slicecheck/nonsmooth/minimum_norm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <initializer_list>
#include <limits>

#include "slicecheck/core/error.h"
#include "slicecheck/core/random.h"
#include "slicecheck/core/tolerances.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

constexpr double kUnitRoundoff = tolerance::unit_roundoff<double>();

Eigen::VectorXd vector(std::initializer_list<double> entries) { return Eigen::VectorXd::Map(entries.begin(), static_cast<Index>(entries.size())); }

Points<double> random_points(Index rows, Index columns, std::uint64_t number) {
  const RandomStream stream(test_seed(), Purpose::cases, 72, number);
  Points<double> points(rows, columns);
  for (Index k = 0; k < rows; ++k) {
    PointDraws draws(stream, static_cast<std::uint64_t>(k));
    for (Index j = 0; j < columns; ++j) points(k, j) = draws.normal();
  }
  return points;
}

Eigen::VectorXd random_vector(Index size, std::uint64_t number) { return random_points(1, size, number).row(0).transpose(); }

/// {c + diag(axes) b : ‖b‖ ≤ 1}, known by its maximiser only.
class Ellipsoid final : public ConvexSet {
 public:
  Ellipsoid(Eigen::VectorXd centre, Eigen::VectorXd axes) : centre_(std::move(centre)), axes_(std::move(axes)) {}
  [[nodiscard]] Index dimension() const override { return centre_.size(); }
  [[nodiscard]] Eigen::VectorXd maximiser(VectorView<double> direction) const override {
    const Eigen::VectorXd stretched = axes_.cwiseProduct(direction);
    const double norm = stretched.norm();
    if (!(norm > 0.0)) return centre_;
    return centre_ + axes_.cwiseProduct(stretched / norm);
  }

 private:
  Eigen::VectorXd centre_;
  Eigen::VectorXd axes_;
};

using Search = std::function<MinimumNorm(const ConvexSet&, const MinimumNormOptions&)>;

/// The bracket holds the true distance, up to the rounding of the set's own maximiser, 2γ_{d+4}·size (size ≥ ‖g‖ for all points); `converged` says no more and
/// no less than norm − lower_bound ≤ gap; and the norm is that of the point.
bool bracket_is_valid(const MinimumNorm& found, double truth, double gap, double size) {
  const auto d = static_cast<double>(found.point.size());
  const double rounding = 2.0 * tolerance::gamma(d + 4.0, kUnitRoundoff) * size;
  if (!(found.lower_bound >= 0.0 && found.lower_bound <= truth + rounding && truth <= found.norm + rounding)) return false;
  if (found.converged != (found.norm - found.lower_bound <= gap)) return false;
  return std::abs(found.norm - found.point.norm()) <= tolerance::gamma(4.0 * d + 16.0, kUnitRoundoff) * (size + found.norm);
}

struct KnownCase {
  const char* what;
  Points<double> points;
  double distance;
};

std::vector<KnownCase> known_cases() {
  std::vector<KnownCase> cases{
      {"a point", Points<double>{{3.0, 4.0}}, 5.0},
      {"the same point three times", Points<double>{{3.0, 4.0}, {3.0, 4.0}, {3.0, 4.0}}, 5.0},
      {"the origin", Points<double>{{0.0, 0.0}}, 0.0},
      {"a segment, nearest inside", Points<double>{{-3.0, 2.0}, {5.0, 2.0}}, 2.0},
      {"a segment, nearest at an end", Points<double>{{1.0, 1.0}, {4.0, 5.0}}, std::sqrt(2.0)},
      {"a segment through the origin", Points<double>{{-1.0, -1.0}, {2.0, 2.0}}, 0.0},
      {"the origin inside", Points<double>{{1.0, 0.0}, {-1.0, 1.0}, {-1.0, -1.0}, {5.0, 5.0}}, 0.0},
      {"the origin is a vertex", Points<double>{{0.0, 0.0}, {1.0, 2.0}, {2.0, 1.0}}, 0.0},
      {"a square and its centre", Points<double>{{1.0, -1.0}, {1.0, 1.0}, {3.0, -1.0}, {3.0, 1.0}, {2.0, 0.0}}, 1.0},
      {"collinear", Points<double>{{1.0, -4.0}, {1.0, -2.0}, {1.0, 0.0}, {1.0, 3.0}, {1.0, 5.0}}, 1.0},
      {"a facet with many points in it", Points<double>{{2.0, 0.0, 0.0}, {2.0, 1.0, 0.0}, {2.0, -1.0, 0.5}, {2.0, 0.0, -1.0}, {2.0, 3.0, 3.0}, {9.0, 0.0, 0.0}},
       2.0},
      {"far from the origin", Points<double>{{1e6, 1.0}, {1e6, -1.0}, {1e6 + 1.0, 0.0}}, 1e6},
      {"tiny", Points<double>{{0x1p-60, 0x1p-61}, {0x1p-60, -0x1p-61}}, 0x1p-60},
  };
  for (const Index d : {2, 5, 30}) cases.push_back({"a simplex", Points<double>::Identity(d, d), 1.0 / std::sqrt(static_cast<double>(d))});
  return cases;
}

/// Every known case, with a gap asked for that is small beside the size of the set: the bracket is valid, and it converges.
bool solves_known_cases(const Search& search) {
  for (const KnownCase& known : known_cases()) {
    const double size = known.points.rowwise().norm().maxCoeff();
    const double gap = 1e-10 * size;
    const MinimumNorm found = search(PointHull(known.points), {gap, 1000});
    if (!bracket_is_valid(found, known.distance, gap, size) || !found.converged) return false;
  }
  return true;
}

TEST(MinimumNormPoint, n9_known_cases) {
  EXPECT_TRUE(solves_known_cases(minimum_norm_point));
  const MinimumNorm segment = minimum_norm_point(PointHull(Points<double>{{-3.0, 2.0}, {5.0, 2.0}}), {1e-10, 100});
  EXPECT_NEAR(segment.point[0], 0.0, 1e-10);
  EXPECT_NEAR(segment.point[1], 2.0, 1e-10);
  EXPECT_LE(segment.iterations, 4U) << "a polytope takes finitely many";
}

/// Frank and Wolfe's method with exact steps, `steps` of them, that claims to have converged.
MinimumNorm frank_wolfe(const ConvexSet& set, const MinimumNormOptions& options, int steps) {
  Eigen::VectorXd x = set.maximiser(Eigen::VectorXd::Zero(set.dimension()));
  for (int step = 0; step < steps; ++step) {
    const Eigen::VectorXd move = set.maximiser(-x) - x;
    if (move.squaredNorm() > 0.0) x += std::min(1.0, std::max(0.0, -x.dot(move) / move.squaredNorm())) * move;
  }
  MinimumNorm found;
  found.point = x;
  found.norm = x.norm();
  found.lower_bound = std::max(0.0, found.norm - options.gap);
  found.converged = found.norm - found.lower_bound <= options.gap;
  return found;
}

TEST(MinimumNormPoint, wrong_searches_are_refused) {
  EXPECT_FALSE(solves_known_cases([](const ConvexSet& set, const MinimumNormOptions& options) { return frank_wolfe(set, options, 1); })) << "one step";
  EXPECT_FALSE(solves_known_cases([](const ConvexSet& set, const MinimumNormOptions& options) { return frank_wolfe(set, options, 30); })) << "thirty steps";
  EXPECT_FALSE(solves_known_cases([](const ConvexSet& set, const MinimumNormOptions& options) {
    MinimumNorm found = minimum_norm_point(set, {options.gap, 1});
    found.converged = true;
    return found;
  })) << "stopped after one cycle, said to have converged";
  EXPECT_FALSE(solves_known_cases([](const ConvexSet& set, const MinimumNormOptions& options) {
    MinimumNorm found = minimum_norm_point(set, options);
    found.norm *= 0.999;
    found.lower_bound = found.norm;
    return found;
  })) << "a norm below the distance";
  EXPECT_FALSE(solves_known_cases([](const ConvexSet& set, const MinimumNormOptions& options) {
    MinimumNorm found = minimum_norm_point(set, options);
    found.lower_bound = 0.0;
    found.converged = found.norm <= options.gap;
    return found;
  })) << "no lower bound";
}

TEST(MinimumNormPoint, balls_and_ellipsoids_by_their_maximiser_alone) {
  for (std::uint64_t number = 0; number < 40; ++number) {
    const Index d = 1 + static_cast<Index>(number % 12);
    const double radius = number % 4 == 0 ? 0.5 : 2.0;
    const Eigen::VectorXd centre = (number % 3 == 0 ? 0.3 : 3.0) * random_vector(d, number);
    const double size = centre.norm() + radius;
    const double gap = 1e-8 * size;
    const MinimumNorm found = minimum_norm_point(Ellipsoid(centre, Eigen::VectorXd::Constant(d, radius)), {gap, 10000});
    EXPECT_TRUE(bracket_is_valid(found, std::max(0.0, centre.norm() - radius), gap, size)) << number;
    EXPECT_TRUE(found.converged) << number << ": " << found.norm - found.lower_bound;
  }
  // {((a − 5)/4)² + b² ≤ 1} is nearest to 0 at its vertex (1, 0).
  EXPECT_TRUE(bracket_is_valid(minimum_norm_point(Ellipsoid(vector({5.0, 0.0}), vector({4.0, 1.0})), {1e-9, 10000}), 1.0, 1e-9, 9.0));
}

TEST(MinimumNormPoint, running_out_of_iterations_is_said_and_leaves_a_valid_bracket) {
  int stopped = 0;
  for (std::uint64_t iterations = 1; iterations < 12; ++iterations) {
    const Eigen::VectorXd centre = vector({3.0, 2.0, -1.0, 0.5});
    const Eigen::VectorXd axes = vector({1.5, 0.2, 1.0, 0.05});
    const Ellipsoid set(centre, axes);
    const MinimumNorm accurate = minimum_norm_point(set, {1e-11, 100000});
    ASSERT_TRUE(accurate.converged);
    const MinimumNorm found = minimum_norm_point(set, {1e-11, iterations});
    EXPECT_LE(found.iterations, iterations);
    EXPECT_EQ(found.converged, found.norm - found.lower_bound <= 1e-11) << iterations;
    // Two valid brackets of one number overlap, up to the rounding of the maximiser.
    const double rounding = 4.0 * tolerance::gamma(8.0, kUnitRoundoff) * (centre.norm() + axes.maxCoeff());
    EXPECT_LE(found.lower_bound, accurate.norm + rounding) << iterations;
    EXPECT_GE(found.norm, accurate.lower_bound - rounding) << iterations;
    stopped += found.converged ? 0 : 1;
  }
  EXPECT_GT(stopped, 2) << "a set that is no polytope takes more than a few";
}

TEST(MinimumNormPoint, a_gap_below_rounding_ends_and_is_not_claimed) {
  for (std::uint64_t number = 0; number < 20; ++number) {
    const Index d = 2 + static_cast<Index>(number);
    const Points<double> points = random_points(3 * d, d, 100 + number).array() + 0.4;
    const MinimumNorm found = minimum_norm_point(PointHull(points), {0.0, 100000});
    EXPECT_FALSE(found.converged) << "the norm carries its rounding: it never equals the lower bound here";
    EXPECT_LT(found.iterations, 1000U) << number;
    const MinimumNorm loose = minimum_norm_point(PointHull(points), {1e-9, 100000});
    EXPECT_TRUE(loose.converged);
    EXPECT_LE(found.norm, loose.norm);
  }
}

TEST(MinimumNormPoint, duplicates_and_near_dependent_points) {
  for (std::uint64_t number = 0; number < 60; ++number) {
    const Index d = 2 + static_cast<Index>(number % 5);
    const Points<double> few = random_points(d + 2, d, 200 + number).array() + 0.3;
    // Each point again, moved by 0, by an ulp or so, by 1e-13, 1e-10, 1e-6: the corral fills with points that hardly differ.
    Points<double> many(6 * few.rows(), d);
    for (Index k = 0; k < few.rows(); ++k) {
      int copy = 0;
      for (const double moved : {0.0, 0.0, 0x1p-52, 1e-13, 1e-10, 1e-6})
        many.row(6 * k + copy++) = few.row(k) + moved * random_points(1, d, 10000 + 10 * number).row(0);
    }
    const double size = many.rowwise().norm().maxCoeff();
    const MinimumNorm of_few = minimum_norm_point(PointHull(few), {1e-10, 10000});
    const MinimumNorm of_many = minimum_norm_point(PointHull(many), {1e-10, 10000});
    ASSERT_TRUE(of_few.converged && of_many.converged) << number << ": " << of_many.norm - of_many.lower_bound;
    // The hulls differ by at most 1e-6 times the move.
    const double moved = 1e-6 * random_points(1, d, 10000 + 10 * number).norm() + 2.0 * tolerance::gamma(10.0, kUnitRoundoff) * size;
    EXPECT_LE(of_many.lower_bound, of_few.norm + moved) << number;
    EXPECT_GE(of_many.norm, of_few.lower_bound - moved) << number;
  }
}

TEST(MinimumNormPoint, large_corrals_that_gain_and_lose_points) {
  // A corral of up to d points that is factorised step by step: a factorisation that has gone wrong gives a wide bracket, or more cycles than points.
  for (std::uint64_t number = 0; number < 24; ++number) {
    const Index d = 10 + 3 * static_cast<Index>(number);
    const Index count = 5 * d;
    Points<double> points = random_points(count, d, 400 + number);
    if (number % 3 == 1) {
      // Lengths over eight powers of ten, the first point among the longest: the base of the factorisation changes.
      for (Index k = 0; k < count; ++k) points.row(k) *= std::pow(10.0, 4.0 - static_cast<double>((k * 7) % 9));
    }
    if (number % 3 == 2) {
      // On a plane through e_1 and a little beyond: all are far away along it, and points keep replacing one another.
      points.col(0).setOnes();
      points.col(0) += 1e-3 * random_vector(count, 500 + number).cwiseAbs();
    } else {
      points.col(0).array() = points.col(0).array().abs() + 0.5;
    }
    const double size = points.rowwise().norm().maxCoeff();
    const MinimumNorm found = minimum_norm_point(PointHull(points), {0.0, 100000});
    // The bound on the rounding of a combination of up to d + 1 points, and as much again for the factorisation.
    const double rounding = 2.0 * tolerance::gamma(4.0 * static_cast<double>(d) + 10.0, kUnitRoundoff) * size;
    EXPECT_LE(found.norm - found.lower_bound, rounding) << number;
    EXPECT_GE((points * found.point).minCoeff(), found.point.squaredNorm() - rounding * found.norm) << number;
    EXPECT_LE(found.iterations, static_cast<std::uint64_t>(4 * count)) << number;
  }
}

/// min over the vertices' hull C of ‖g + t u‖, t ≥ 0, with a ray that is `length` long instead of N_r(u).
double distance_with_ray(const std::shared_ptr<const ConvexSet>& set, const Eigen::VectorXd& u, double length, double gap) {
  Points<double> ends = Points<double>::Zero(2, u.size());
  ends.row(1) = (length * u.normalized()).transpose();
  const MinimumNorm found = minimum_norm_point(MinkowskiSum({{1.0, set}, {1.0, std::make_shared<PointHull>(ends)}}), {gap, 100000});
  EXPECT_TRUE(found.converged);
  return found.norm;
}

/// Judges cones made with `bound` times the true K against a ray 1000 times as long as K.
bool cone_is_exact(double bound) {
  int boundary_matters = 0;
  for (std::uint64_t number = 0; number < 40; ++number) {
    const Index d = 1 + static_cast<Index>(number % 5);
    Points<double> points = 0.5 * random_points(4, d, 300 + 2 * number);
    Eigen::VectorXd u = random_vector(d, 301 + 2 * number);
    points.rowwise() -= (number % 3 == 0 ? 3.0 : 1.0) * u.normalized().transpose();  // mostly pushing outwards: the cone takes it back
    const auto set = std::make_shared<PointHull>(points);
    const double largest = points.rowwise().norm().maxCoeff();
    const double gap = 1e-7 * largest;
    const auto cone = bounded_normal_cone(u, u.norm(), bound * largest);
    const MinimumNorm found = minimum_norm_point(MinkowskiSum({{1.0, set}, {1.0, cone}}), {gap, 100000});
    EXPECT_TRUE(found.converged) << number;
    // Both norms are at most `gap` above their distances.
    if (!(std::abs(found.norm - distance_with_ray(set, u, 1000.0 * largest, gap)) <= gap)) return false;
    boundary_matters += minimum_norm_point(*set, {gap, 100000}).norm > found.norm + 0.1 ? 1 : 0;
  }
  EXPECT_GT(boundary_matters, 20);
  return true;
}

TEST(MinimumNormPoint, n9_the_bounded_normal_cone_gives_the_distance_with_the_whole_cone) {
  EXPECT_TRUE(cone_is_exact(1.0));
  EXPECT_TRUE(cone_is_exact(7.0)) << "a larger bound is as good";
}

TEST(MinimumNormPoint, a_normal_cone_cut_too_short_is_refused) {
  EXPECT_FALSE(cone_is_exact(0.5));
  EXPECT_FALSE(cone_is_exact(0.0));
}

TEST(MinimumNormPoint, n9_the_two_point_line_at_its_boundary) {
  // F(u) = u² + 1 − |u|/2 at u = r = 1/8: F′ = 2u − 1/2 = −1/4 pushes outwards, so u is critical for the ball and not without it.
  const auto derivative = std::make_shared<PointHull>(Points<double>{{-0.25}});
  const auto cone = bounded_normal_cone(vector({0.125}), 0.125, 0.25);
  EXPECT_LE(minimum_norm_point(MinkowskiSum({{1.0, derivative}, {1.0, cone}}), {1e-14, 100}).norm, 1e-14);
  EXPECT_GE(minimum_norm_point(*derivative, {1e-14, 100}).lower_bound, 0.25 - 1e-14);
  // At the other end, u = −1/8, F′ = 1/4 and the cone is {t·(−1/8)}.
  const auto mirrored = std::make_shared<PointHull>(Points<double>{{0.25}});
  EXPECT_LE(minimum_norm_point(MinkowskiSum({{1.0, mirrored}, {1.0, bounded_normal_cone(vector({-0.125}), 0.125, 0.25)}}), {1e-14, 100}).norm, 1e-14);
  // The cone points outwards: it does not help a derivative that pushes inwards.
  EXPECT_GE(minimum_norm_point(MinkowskiSum({{1.0, mirrored}, {1.0, cone}}), {1e-14, 100}).lower_bound, 0.25 - 1e-14);
}

/// Returns what it is told to.
class Broken final : public ConvexSet {
 public:
  explicit Broken(Eigen::VectorXd answer) : answer_(std::move(answer)) {}
  [[nodiscard]] Index dimension() const override { return 2; }
  [[nodiscard]] Eigen::VectorXd maximiser(VectorView<double>) const override { return answer_; }

 private:
  Eigen::VectorXd answer_;
};

TEST(MinimumNormPoint, rejects_options_and_sets_it_cannot_use) {
  const PointHull set(Points<double>{{1.0, 0.0}});
  EXPECT_THROW((void)minimum_norm_point(set, {-1.0, 10}), InputError);
  EXPECT_THROW((void)minimum_norm_point(set, {std::nan(""), 10}), InputError);
  EXPECT_THROW((void)minimum_norm_point(set, {std::numeric_limits<double>::infinity(), 10}), InputError);
  EXPECT_THROW((void)minimum_norm_point(set, {1e-9, 0}), InputError);
  EXPECT_THROW((void)minimum_norm_point(Broken(vector({1.0, 2.0, 3.0})), {1e-9, 10}), InputError);
  EXPECT_THROW((void)minimum_norm_point(Broken(vector({1.0, std::nan("")})), {1e-9, 10}), InputError);
}

}  // namespace
}  // namespace slicecheck::testing
