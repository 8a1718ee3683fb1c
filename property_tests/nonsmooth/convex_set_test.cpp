/// Support functions against enumeration: permutohedra, hulls, sums, images, and the bounded normal cone.

#include "slicecheck/nonsmooth/convex_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <type_traits>

#include "slicecheck/core/error.h"
#include "slicecheck/core/random.h"
#include "slicecheck/core/tolerances.h"
#include "support/linear_programme.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

static_assert(!std::is_copy_constructible_v<PointHull> && !std::is_copy_assignable_v<Permutohedron>);

using Map = std::function<Eigen::VectorXd(VectorView<double>)>;

Eigen::VectorXd vector(std::initializer_list<double> entries) { return Eigen::VectorXd::Map(entries.begin(), static_cast<Index>(entries.size())); }

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// rows×columns, from number `number`: small integers (many ties; sums and products of them are exact), or normals.
Points<double> random_points(Index rows, Index columns, std::uint64_t number, bool integers) {
  const RandomStream stream(test_seed(), Purpose::cases, 70, number);
  Points<double> points(rows, columns);
  for (Index k = 0; k < rows; ++k) {
    PointDraws draws(stream, static_cast<std::uint64_t>(k));
    for (Index j = 0; j < columns; ++j) points(k, j) = integers ? static_cast<double>(draws.below(9)) - 4.0 : draws.normal();
  }
  return points;
}

Eigen::VectorXd random_vector(Index size, std::uint64_t number, bool integers) { return random_points(1, size, number, integers).row(0).transpose(); }

/// The claimed maximiser over conv(vertices) is one of them and maximal, both up to the rounding of inner products and of the point (exactly for integers).
bool is_maximiser(const Eigen::VectorXd& claimed, const Points<double>& vertices, const Eigen::VectorXd& direction, double point_error) {
  const double most = (vertices * direction).maxCoeff();
  const auto d = static_cast<double>(direction.size());
  const double size = vertices.rowwise().norm().maxCoeff() * direction.norm();
  const double allowed = 2.0 * tolerance::gamma(d + 2.0, tolerance::unit_roundoff<double>()) * size + point_error * direction.lpNorm<1>();
  if (!(std::abs(claimed.dot(direction) - most) <= allowed)) return false;
  return (vertices.rowwise() - claimed.transpose()).cwiseAbs().rowwise().maxCoeff().minCoeff() <= point_error;
}

/// Judges a rule (values, direction) ↦ maximiser over the permutohedron on many cases.
bool maximises_over_permutations(const std::function<Eigen::VectorXd(const Eigen::VectorXd&, const Eigen::VectorXd&)>& rule) {
  for (std::uint64_t number = 0; number < 120; ++number) {
    const Index n = 1 + static_cast<Index>(number % 6);
    const bool integers = number % 2 == 0;
    const Eigen::VectorXd values = random_vector(n, 2 * number, integers);
    const Eigen::VectorXd direction = random_vector(n, 2 * number + 1, number % 3 != 0);
    if (!is_maximiser(rule(values, direction), all_permutations(values), direction, 0.0)) return false;
  }
  return true;
}

TEST(Permutohedron, n5_maximiser_agrees_with_all_permutations) {
  EXPECT_TRUE(maximises_over_permutations([](const auto& values, const auto& direction) { return Permutohedron(values).maximiser(direction); }));
  const Permutohedron set(vector({3.0, 1.0, 2.0}));
  EXPECT_EQ(set.support(vector({-1.0, 5.0, 0.0})), 15.0 - 1.0);
}

TEST(Permutohedron, n5_wrong_orders_are_refused) {
  EXPECT_FALSE(maximises_over_permutations([](const auto& values, const auto& direction) { return Permutohedron(values).maximiser(-direction); }))
      << "sorted the wrong way";
  EXPECT_FALSE(maximises_over_permutations([](const auto& values, const auto&) { return values; })) << "not sorted";
  EXPECT_FALSE(maximises_over_permutations([](const auto& values, const auto&) {
    return Eigen::VectorXd(Eigen::VectorXd::Constant(values.size(), values.mean()));
  })) << "the mean";
  EXPECT_FALSE(maximises_over_permutations([](const auto& values, const auto& direction) {
    return Eigen::VectorXd(Eigen::VectorXd::Constant(values.size(), values.maxCoeff()).cwiseProduct(direction.cwiseSign()));
  })) << "of a larger set";
}

TEST(Permutohedron, at_a_tie_the_smaller_value_goes_to_the_smaller_index) {
  const Permutohedron set(vector({4.0, 3.0, 2.0, 1.0}));
  EXPECT_EQ(set.maximiser(Eigen::VectorXd::Zero(4)), vector({1.0, 2.0, 3.0, 4.0}));
  EXPECT_EQ(set.maximiser(vector({7.0, 0.0, 7.0, 0.0})), vector({3.0, 1.0, 4.0, 2.0}));
  EXPECT_EQ(set.maximiser(vector({0.0, -0.0, -0.0, 0.0})), vector({1.0, 2.0, 3.0, 4.0})) << "-0 and 0 tie";
}

TEST(PointHull, at_a_tie_the_smallest_row) {
  const PointHull set(Points<double>{{1.0, 0.0}, {1.0, 2.0}, {0.0, 5.0}, {1.0, 0.0}});
  EXPECT_EQ(set.maximiser(vector({1.0, 0.0})), vector({1.0, 0.0}));
  EXPECT_EQ(set.maximiser(vector({0.0, 0.0})), vector({1.0, 0.0}));
  EXPECT_EQ(set.maximiser(vector({0.0, 1.0})), vector({0.0, 5.0}));
  EXPECT_EQ(set.support(vector({2.0, 1.0})), 5.0);
  EXPECT_EQ(set.dimension(), 2);
}

/// All Σ_t weight_t·(row of C_t).
Points<double> all_sums(const Points<double>& a, double weight_a, const Points<double>& b, double weight_b) {
  Points<double> sums(a.rows() * b.rows(), a.cols());
  for (Index i = 0; i < a.rows(); ++i)
    for (Index j = 0; j < b.rows(); ++j) sums.row(i * b.rows() + j) = weight_a * a.row(i) + weight_b * b.row(j);
  return sums;
}

/// Judges sums whose terms went through `distort` against the enumeration with the true terms; all numbers are exact.
bool sums_agree(const std::function<MinkowskiSum::Term(MinkowskiSum::Term)>& distort) {
  for (std::uint64_t number = 0; number < 60; ++number) {
    const Index d = 1 + static_cast<Index>(number % 4);
    const Points<double> a = random_points(5, d, 1000 + 3 * number, true);
    const Eigen::VectorXd values = random_vector(d, 1001 + 3 * number, true);
    const double weight_a = 0.5 * static_cast<double>(number % 5);  // 0 included; all sums are exact
    const auto sum = MinkowskiSum({distort({weight_a, std::make_shared<PointHull>(a)}), distort({2.0, std::make_shared<Permutohedron>(values)})});
    const Eigen::VectorXd direction = random_vector(d, 1002 + 3 * number, true);
    if (!is_maximiser(sum.maximiser(direction), all_sums(a, weight_a, all_permutations(values), 2.0), direction, 0.0)) return false;
  }
  return true;
}

TEST(MinkowskiSum, agrees_with_all_sums) {
  EXPECT_TRUE(sums_agree([](MinkowskiSum::Term term) { return term; }));
  EXPECT_FALSE(sums_agree([](const MinkowskiSum::Term& term) { return MinkowskiSum::Term{1.0, term.set}; })) << "weights ignored";
}

/// Judges images of hulls, made by `image`, against the images of the vertices; everything is an integer, so nothing is rounded.
bool images_agree(const std::function<std::unique_ptr<ConvexSet>(const Points<double>&, std::shared_ptr<const ConvexSet>)>& image) {
  for (std::uint64_t number = 0; number < 60; ++number) {
    const Index d = 1 + static_cast<Index>(number % 4);
    const Points<double> matrix = random_points(d, d, 2000 + 3 * number, true);
    const Points<double> points = random_points(6, d, 2001 + 3 * number, true);
    const Points<double> images = points * matrix.transpose();
    const Eigen::VectorXd direction = random_vector(d, 2002 + 3 * number, true);
    if (!is_maximiser(image(matrix, std::make_shared<PointHull>(points))->maximiser(direction), images, direction, 0.0)) return false;
  }
  return true;
}

std::unique_ptr<ConvexSet> image_by_maps(const Points<double>& forward, const Points<double>& transpose, std::shared_ptr<const ConvexSet> inner) {
  return std::make_unique<LinearImage>(
      forward.rows(), [forward](VectorView<double> c) -> Eigen::VectorXd { return forward * c; },
      [transpose](VectorView<double> direction) -> Eigen::VectorXd { return transpose * direction; }, std::move(inner));
}

TEST(LinearImage, agrees_with_the_images_of_all_points) {
  EXPECT_TRUE(images_agree([](const auto& matrix, auto inner) { return std::make_unique<LinearImage>(matrix, std::move(inner)); }));
  EXPECT_TRUE(images_agree([](const auto& matrix, auto inner) { return image_by_maps(matrix, matrix.transpose(), std::move(inner)); }));
}

TEST(LinearImage, a_wrong_transpose_is_refused) {
  EXPECT_FALSE(images_agree([](const auto& matrix, auto inner) { return image_by_maps(matrix, matrix, std::move(inner)); })) << "the matrix for its transpose";
  EXPECT_FALSE(images_agree([](const auto& matrix, auto inner) { return image_by_maps(matrix.transpose(), matrix, std::move(inner)); }))
      << "both the wrong way round";
}

TEST(LinearImage, changes_the_dimension) {
  // The segment from (1, 2, 3) to (4, 0, 0), and its shadow on the line.
  const auto segment = std::make_shared<PointHull>(Points<double>{{1.0, 2.0, 3.0}, {4.0, 0.0, 0.0}});
  const LinearImage shadow(Points<double>{{1.0, 1.0, 1.0}}, segment);
  EXPECT_EQ(shadow.dimension(), 1);
  EXPECT_EQ(shadow.support(Eigen::VectorXd::Ones(1)), 6.0);
  EXPECT_EQ(shadow.support(-Eigen::VectorXd::Ones(1)), -4.0);
}

TEST(Translated, moves_the_support_function_by_a_linear_one) {
  const auto set = std::make_shared<Permutohedron>(vector({0.0, 1.0, 5.0}));
  const Translated moved(set, vector({1.0, -2.0, 3.0}));
  const Eigen::VectorXd direction = vector({2.0, 1.0, -1.0});
  EXPECT_EQ(moved.support(direction), set->support(direction) + (2.0 - 2.0 - 3.0));
  EXPECT_EQ(moved.dimension(), 3);
}

TEST(BoundedNormalCone, is_a_segment_on_the_sphere_and_zero_inside) {
  const Eigen::VectorXd u = vector({3.0, 4.0});
  const auto segment = bounded_normal_cone(u, 5.0, 10.0);
  // Its end is (K/r) u = (6, 8), lengthened by a rounding.
  const double error = 2.0 * tolerance::gamma(16.0, tolerance::unit_roundoff<double>()) * 10.0;
  EXPECT_NEAR(segment->support(u), 50.0, 5.0 * error);
  EXPECT_GE(segment->maximiser(u).norm(), 10.0);
  EXPECT_EQ(segment->support(-u), 0.0);
  EXPECT_NEAR(segment->maximiser(u)[0], 6.0, error);

  const auto inside = bounded_normal_cone(u, 5.0625, 10.0);
  EXPECT_EQ(inside->support(u), 0.0);
  EXPECT_EQ(inside->support(-u), 0.0);
  EXPECT_GT(bounded_normal_cone(u, 5.0625, 10.0, 0.0625)->support(u), 49.0) << "within the slack";
  EXPECT_EQ(bounded_normal_cone(u, 5.0625, 10.0, 0.03)->support(u), 0.0) << "beyond the slack";
  EXPECT_EQ(bounded_normal_cone(Eigen::VectorXd::Zero(2), 5.0, 10.0)->support(u), 0.0);
  EXPECT_EQ(bounded_normal_cone(u, 5.0, 0.0)->support(u), 0.0) << "C = {0} needs no cone";
}

TEST(BoundedNormalCone, what_was_projected_is_on_the_sphere) {
  int inside = 0;
  for (std::uint64_t number = 0; number < 200; ++number) {
    const Eigen::VectorXd drawn = random_vector(1 + static_cast<Index>(number % 40), 5000 + number, false);
    const double radius = 0.1 + static_cast<double>(number);
    const Eigen::VectorXd u = drawn * (radius / drawn.norm());
    inside += u.norm() < radius ? 1 : 0;
    EXPECT_GT(bounded_normal_cone(u, radius, 1.0)->support(u), 0.0) << number;
    EXPECT_EQ(bounded_normal_cone(u * (1.0 - 1e-12), radius, 1.0)->support(u), 0.0) << number;
  }
  EXPECT_GT(inside, 0) << "some of these points lie a rounding inside: a comparison without rounding would lose their rays";
}

TEST(ConvexSets, reject_what_they_cannot_use) {
  const auto hull = std::make_shared<PointHull>(Points<double>{{1.0, 2.0}});
  for (const double bad : {std::nan(""), kInfinity, -kInfinity}) {
    EXPECT_THROW(PointHull(Points<double>{{0.0, bad}}), InputError);
    EXPECT_THROW(Permutohedron(vector({bad, 0.0})), InputError);
    EXPECT_THROW((void)hull->maximiser(vector({0.0, bad})), InputError);
    EXPECT_THROW((void)hull->support(vector({bad, 0.0})), InputError);
    EXPECT_THROW(MinkowskiSum({{bad, hull}}), InputError);
    EXPECT_THROW(LinearImage(Points<double>{{bad, 0.0}}, hull), InputError);
    EXPECT_THROW(Translated(hull, vector({0.0, bad})), InputError);
    EXPECT_THROW((void)bounded_normal_cone(vector({bad, 0.0}), 1.0, 1.0), InputError);
    EXPECT_THROW((void)bounded_normal_cone(vector({1.0, 0.0}), bad, 1.0), InputError);
    EXPECT_THROW((void)bounded_normal_cone(vector({1.0, 0.0}), 1.0, bad), InputError);
    EXPECT_THROW((void)bounded_normal_cone(vector({1.0, 0.0}), 1.0, 1.0, bad), InputError);
  }
  EXPECT_THROW(PointHull(Points<double>(0, 2)), InputError);
  EXPECT_THROW(PointHull(Points<double>(2, 0)), InputError);
  EXPECT_THROW(Permutohedron{Eigen::VectorXd(0)}, InputError);
  EXPECT_THROW((void)hull->maximiser(Eigen::VectorXd::Zero(3)), InputError);
  EXPECT_THROW(MinkowskiSum({}), InputError);
  EXPECT_THROW(MinkowskiSum({{-1.0, hull}}), InputError);
  EXPECT_THROW(MinkowskiSum({{1.0, nullptr}}), InputError);
  EXPECT_THROW(MinkowskiSum({{1.0, hull}, {1.0, std::make_shared<Permutohedron>(Eigen::VectorXd::Zero(3))}}), InputError);
  EXPECT_THROW(LinearImage(Points<double>{{1.0}}, hull), InputError);
  EXPECT_THROW(LinearImage(Points<double>(0, 2), hull), InputError);
  EXPECT_THROW(LinearImage(Points<double>{{1.0, 1.0}}, nullptr), InputError);
  const Map identity = [](VectorView<double> c) -> Eigen::VectorXd { return c; };
  EXPECT_THROW(LinearImage(2, identity, nullptr, hull), InputError);
  EXPECT_THROW(LinearImage(2, nullptr, identity, hull), InputError);
  EXPECT_THROW(LinearImage(0, identity, identity, hull), InputError);
  EXPECT_THROW((void)LinearImage(3, identity, identity, hull).maximiser(Eigen::VectorXd::Zero(3)), InputError) << "maps of the wrong size";
  const Map nowhere = [](VectorView<double> c) -> Eigen::VectorXd { return Eigen::VectorXd::Constant(c.size(), kInfinity); };
  EXPECT_THROW((void)LinearImage(2, nowhere, identity, hull).maximiser(Eigen::VectorXd::Zero(2)), InputError);
  EXPECT_THROW(Translated(nullptr, Eigen::VectorXd::Zero(2)), InputError);
  EXPECT_THROW(Translated(hull, Eigen::VectorXd::Zero(3)), InputError);
  EXPECT_THROW((void)bounded_normal_cone(Eigen::VectorXd(), 1.0, 1.0), InputError);
  EXPECT_THROW((void)bounded_normal_cone(vector({3.0, 4.0}), 4.999, 1.0), InputError) << "outside of the ball";
  EXPECT_THROW((void)bounded_normal_cone(vector({0.0, 0.0}), 0.0, 1.0), InputError);
  EXPECT_THROW((void)bounded_normal_cone(vector({1.0, 0.0}), 1.0, -1.0), InputError);
  EXPECT_THROW((void)bounded_normal_cone(vector({1.0, 0.0}), 1.0, 1.0, 1.0), InputError);
}

}  // namespace
}  // namespace slicecheck::testing
