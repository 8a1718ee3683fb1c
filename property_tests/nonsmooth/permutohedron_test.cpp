/// Majorisation and the projection onto a permutohedron, by hand and for many values; against linear programming in convex_property_test.cpp.

#include "slicecheck/nonsmooth/permutohedron.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <initializer_list>
#include <limits>

#include "slicecheck/core/error.h"
#include "slicecheck/core/random.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/nonsmooth/convex_set.h"
#include "slicecheck/nonsmooth/minimum_norm.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

constexpr double kUnitRoundoff = tolerance::unit_roundoff<double>();

Eigen::VectorXd vector(std::initializer_list<double> entries) { return Eigen::VectorXd::Map(entries.begin(), static_cast<Index>(entries.size())); }

/// Small integers (many ties), or normals.
Eigen::VectorXd random_vector(Index size, std::uint64_t number, bool integers) {
  const RandomStream stream(test_seed(), Purpose::cases, 71, number);
  PointDraws draws(stream, 0);
  Eigen::VectorXd drawn(size);
  for (double& entry : drawn) entry = integers ? static_cast<double>(draws.below(9)) - 4.0 : draws.normal();
  return drawn;
}

TEST(MajorisationExcess, n2_by_hand) {
  const Eigen::VectorXd values = vector({1.0, 2.0, 6.0});
  EXPECT_EQ(majorisation_excess(values, values), 0.0);
  EXPECT_EQ(majorisation_excess(vector({6.0, 1.0, 2.0}), values), 0.0) << "a vertex";
  EXPECT_EQ(majorisation_excess(vector({3.0, 3.0, 3.0}), values), 0.0) << "the centre";
  EXPECT_EQ(majorisation_excess(vector({1.5, 1.5, 6.0}), values), 0.0) << "on a facet";
  EXPECT_EQ(majorisation_excess(vector({6.5, 1.0, 1.5}), values), 0.5) << "the largest is too large: D_1";
  EXPECT_EQ(majorisation_excess(vector({4.25, 0.5, 4.25}), values), 0.5) << "the two largest together are: D_2";
  EXPECT_EQ(majorisation_excess(vector({3.0, 3.0, 2.0}), values), 1.0) << "the sum is too small: |D_3|";
  EXPECT_EQ(majorisation_excess(vector({3.0, 3.0, 4.0}), values), 1.0) << "the sum is too large";
  EXPECT_EQ(majorisation_excess(vector({5.0}), vector({3.0})), 2.0);
  EXPECT_EQ(majorisation_excess(vector({3.0}), vector({3.0})), 0.0);
}

TEST(MajorisationExcess, is_zero_to_the_bit_at_vertices_and_small_at_combinations) {
  for (std::uint64_t number = 0; number < 60; ++number) {
    const Index n = 1 + static_cast<Index>(5 * number);
    const Eigen::VectorXd values = random_vector(n, 4 * number, number % 3 == 0);
    const Permutohedron set(values);
    const Eigen::VectorXd a = set.maximiser(random_vector(n, 4 * number + 1, false));
    const Eigen::VectorXd b = set.maximiser(random_vector(n, 4 * number + 2, number % 2 == 0));
    EXPECT_EQ(majorisation_excess(a, values), 0.0) << number;
    EXPECT_EQ(majorisation_excess(b, values), 0.0) << number;
    // Each entry of 0.3a + 0.7b is off by at most γ_4·max|v| (the weights do not sum to 1 exactly either); so is the excess by n of these, and its own
    // rounding.
    const double scale = values.cwiseAbs().maxCoeff();
    const auto size = static_cast<double>(n);
    const double allowed = size * (tolerance::gamma(4.0, kUnitRoundoff) + 2.0 * tolerance::gamma(size, kUnitRoundoff)) * scale;
    EXPECT_LE(majorisation_excess(0.3 * a + 0.7 * b, values), allowed) << number;
  }
}

TEST(MajorisationExcess, a_vertex_pushed_outwards_is_outside_by_what_it_was_pushed) {
  // Pushed by `margin` along 1_S, S the places of the k largest values: exactly k·margin, when margins and values are integers.
  for (std::uint64_t number = 0; number < 40; ++number) {
    const Index n = 2 + static_cast<Index>(number % 9);
    const Index k = 1 + static_cast<Index>(number % static_cast<std::uint64_t>(n));
    Eigen::VectorXd vertex = random_vector(n, 1000 + number, true);
    const Eigen::VectorXd values = vertex;
    std::sort(vertex.begin(), vertex.end());
    vertex.tail(k).array() += 3.0;
    EXPECT_EQ(majorisation_excess(vertex.reverse(), values), 3.0 * static_cast<double>(k)) << number;
  }
}

TEST(ProjectOntoPermutohedron, by_hand) {
  const Eigen::VectorXd values = vector({0.0, 2.0});
  // The segment from (0, 2) to (2, 0).
  EXPECT_EQ(project_onto_permutohedron(vector({2.0, 2.0}), values), vector({1.0, 1.0}));
  EXPECT_EQ(project_onto_permutohedron(vector({5.0, 0.0}), values), vector({2.0, 0.0}));
  EXPECT_EQ(project_onto_permutohedron(vector({0.0, 9.0}), values), vector({0.0, 2.0}));
  EXPECT_EQ(project_onto_permutohedron(vector({2.5, 1.5}), values), vector({1.5, 0.5}));
  // The hexagon of 0, 1, 2 in the plane Σ = 3; (7, 7, 0) is nearest to the middle of an edge, (4, 1, −2) to a vertex.
  const Eigen::VectorXd three = vector({1.0, 0.0, 2.0});
  EXPECT_EQ(project_onto_permutohedron(vector({7.0, 7.0, 0.0}), three), vector({1.5, 1.5, 0.0}));
  EXPECT_EQ(project_onto_permutohedron(vector({4.0, 1.0, -2.0}), three), vector({2.0, 1.0, 0.0}));
  EXPECT_EQ(project_onto_permutohedron(vector({5.0, 5.0, 5.0}), three), vector({1.0, 1.0, 1.0}));
  EXPECT_EQ(project_onto_permutohedron(vector({-7.0}), vector({3.0})), vector({3.0}));
}

TEST(ProjectOntoPermutohedron, keeps_members) {
  for (std::uint64_t number = 0; number < 40; ++number) {
    const Index n = 1 + static_cast<Index>(3 * number);
    const Eigen::VectorXd values = random_vector(n, 2000 + 3 * number, number % 3 == 0);
    const Eigen::VectorXd vertex = Permutohedron(values).maximiser(random_vector(n, 2001 + 3 * number, number % 2 == 0));
    EXPECT_EQ(project_onto_permutohedron(vertex, values), vertex) << "to the bit, " << number;
    const Eigen::VectorXd other = Permutohedron(values).maximiser(random_vector(n, 2002 + 3 * number, false));
    // A member up to n·γ_4·scale is that near its projection in the sum norm, times 3 (excess ≤ dist_1 ≤ 3·excess); the projection's own rounding beside it.
    const Eigen::VectorXd middle = 0.5 * vertex + 0.5 * other;
    const auto size = static_cast<double>(n);
    const double allowed =
        3.0 * size * (tolerance::gamma(4.0, kUnitRoundoff) + tolerance::gamma(5.0 * size + 8.0, kUnitRoundoff)) * 2.0 * values.cwiseAbs().maxCoeff();
    EXPECT_LE((project_onto_permutohedron(middle, values) - middle).lpNorm<1>(), allowed) << number;
  }
}

TEST(ProjectOntoPermutohedron, at_a_tie_equal_entries_stay_equal_and_the_order_of_the_values_does_not_matter) {
  for (std::uint64_t number = 0; number < 40; ++number) {
    const Index n = 2 + static_cast<Index>(number % 30);
    const Eigen::VectorXd values = random_vector(n, 3000 + 2 * number, false);
    const Eigen::VectorXd m = random_vector(n, 3001 + 2 * number, true);
    const Eigen::VectorXd p = project_onto_permutohedron(m, values);
    EXPECT_EQ(project_onto_permutohedron(m, values.reverse()), p);
    for (Index i = 0; i < n; ++i) {
      for (Index j = 0; j < n; ++j) {
        if (m[i] == m[j]) {
          EXPECT_EQ(p[i], p[j]) << number;
        }
      }
    }
  }
}

using Projection = std::function<Eigen::VectorXd(const Eigen::VectorXd&, const Eigen::VectorXd&)>;

/// Judges a projection for many values, n up to 400: p in P by majorisation, and max_{g∈P} ⟨m − p, g − p⟩ ≤ 0 by the support function, both up to rounding.
bool is_projection(const Projection& projection) {
  for (std::uint64_t number = 0; number < 60; ++number) {
    const Index n = number < 40 ? 1 + static_cast<Index>(number) : 20 * static_cast<Index>(number - 39);
    const Eigen::VectorXd values = random_vector(n, 5000 + 2 * number, number % 3 == 0);
    const Eigen::VectorXd m = (number % 4 == 0 ? 0.25 : 1.5) * random_vector(n, 5001 + 2 * number, number % 2 == 0);
    const Eigen::VectorXd p = projection(m, values);
    const auto size = static_cast<double>(n);
    const double scale = values.cwiseAbs().maxCoeff() + m.cwiseAbs().maxCoeff();
    if (!(majorisation_excess(p, values) <= size * tolerance::gamma(6.0 * size + 8.0, kUnitRoundoff) * scale)) return false;
    const Eigen::VectorXd outward = m - p;
    const Eigen::VectorXd g = Permutohedron(values).maximiser(outward);
    // ⟨f, v − p⟩ has its bound in the header; m − p differs from f by one rounding of an entry of p, |g − p| ≤ 2·scale; the inner product is one more of n
    // terms.
    const double allowed = tolerance::gamma(4.0 * size + 24.0, kUnitRoundoff) * 2.0 * scale * (outward.lpNorm<1>() + size * scale);
    if (!(outward.dot(g - p) <= allowed)) return false;
  }
  return true;
}

TEST(ProjectOntoPermutohedron, satisfies_the_optimality_conditions) { EXPECT_TRUE(is_projection(project_onto_permutohedron)); }

TEST(ProjectOntoPermutohedron, entries_keep_their_places) {
  // No violators to pool: p is the values in the order of m. Places are visited in steps of 7, which no n here is a multiple of.
  for (const Index n : {1, 2, 17, 3000}) {
    Eigen::VectorXd m(n);
    Eigen::VectorXd values(n);
    Eigen::VectorXd expected(n);
    for (Index i = 0; i < n; ++i) {
      const Index place = i * 7 % n;
      m[place] = 4.0 * static_cast<double>(i);
      values[i] = static_cast<double>(n - i);
      expected[place] = static_cast<double>(i + 1);
    }
    EXPECT_EQ(project_onto_permutohedron(m, values), expected) << n;
  }
}

TEST(ProjectOntoPermutohedron, wrong_projections_are_refused) {
  EXPECT_FALSE(is_projection([](const auto& m, const auto& values) { return Permutohedron(values).maximiser(m); })) << "the nearest vertex";
  EXPECT_FALSE(is_projection([](const auto& m, const auto&) { return m; })) << "the point itself";
  EXPECT_FALSE(is_projection([](const auto& m, const auto& values) { return Eigen::VectorXd(m.array() + (values.mean() - m.mean())); })) << "the sum alone";
  EXPECT_FALSE(is_projection([](const auto& m, const auto& values) { return Eigen::VectorXd(Eigen::VectorXd::Constant(m.size(), values.mean())); }))
      << "the centre: a member, not the nearest";
  EXPECT_FALSE(is_projection([](const auto& m, const auto& values) { return Eigen::VectorXd(-project_onto_permutohedron(-m, values)); }))
      << "the values of the other sign";
}

TEST(ProjectOntoPermutohedron, its_distance_is_that_of_the_minimum_norm_point) {
  for (std::uint64_t number = 0; number < 20; ++number) {
    const Index n = 2 + static_cast<Index>(number);
    const Eigen::VectorXd values = random_vector(n, 6000 + 2 * number, number % 2 == 0);
    const Eigen::VectorXd m = 2.0 * random_vector(n, 6001 + 2 * number, number % 3 == 0);
    const double gap = 1e-9;  // asked for, not a tolerance
    const MinimumNorm nearest = minimum_norm_point(Translated(std::make_shared<Permutohedron>(values), -m), {gap, 10000});
    const double distance = (m - project_onto_permutohedron(m, values)).norm();
    ASSERT_TRUE(nearest.converged) << number;
    // The distance is right up to that of p from the exact projection, n entries within 3n·γ_{5n+8}·scale (dist_1 ≤ 3·excess); translating rounds once.
    const auto size = static_cast<double>(n);
    const double rounding = 3.0 * size * tolerance::gamma(5.0 * size + 8.0, kUnitRoundoff) * (values.cwiseAbs().maxCoeff() + m.cwiseAbs().maxCoeff());
    EXPECT_LE(nearest.lower_bound, distance + rounding) << number;
    EXPECT_GE(nearest.norm, distance - rounding) << number;
  }
}

TEST(Permutohedra, reject_what_does_not_fit) {
  EXPECT_THROW((void)majorisation_excess(vector({1.0}), vector({1.0, 2.0})), InputError);
  EXPECT_THROW((void)majorisation_excess(Eigen::VectorXd(), Eigen::VectorXd()), InputError);
  EXPECT_THROW((void)project_onto_permutohedron(vector({1.0}), vector({1.0, 2.0})), InputError);
  EXPECT_THROW((void)project_onto_permutohedron(Eigen::VectorXd(), Eigen::VectorXd()), InputError);
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    EXPECT_THROW((void)majorisation_excess(vector({bad, 0.0}), vector({1.0, 2.0})), InputError);
    EXPECT_THROW((void)majorisation_excess(vector({1.0, 2.0}), vector({0.0, bad})), InputError);
    EXPECT_THROW((void)project_onto_permutohedron(vector({bad, 0.0}), vector({1.0, 2.0})), InputError);
    EXPECT_THROW((void)project_onto_permutohedron(vector({1.0, 2.0}), vector({0.0, bad})), InputError);
  }
}

}  // namespace
}  // namespace slicecheck::testing
