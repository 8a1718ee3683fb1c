/// ∂_C of the loss in the points: blocks by hand, N3 and N5 against the loss itself, and the average over the plane.

#include "slicecheck/nonsmooth/loss_subdifferential.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "slicecheck/core/error.h"
#include "slicecheck/core/random.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/loss/plane_sweep.h"
#include "slicecheck/loss/reference_loss.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

constexpr double kUnitRoundoff = tolerance::unit_roundoff<double>();

/// n×d small integers (ties and duplicates), from number `number`.
Points<double> integer_cloud(Index n, Index d, std::uint64_t number, std::uint64_t values) {
  const RandomStream stream(test_seed(), Purpose::cases, 70, number);
  Points<double> cloud(n, d);
  for (Index k = 0; k < n; ++k) {
    PointDraws draws(stream, static_cast<std::uint64_t>(k));
    for (Index j = 0; j < d; ++j) cloud(k, j) = static_cast<double>(draws.below(values)) - static_cast<double>(values / 2);
  }
  return cloud;
}

Eigen::VectorXd flat(const Points<double>& cloud) { return Eigen::Map<const Eigen::VectorXd>(cloud.data(), cloud.size()); }

double slice_value(const Points<double>& z, const Points<double>& y, const Eigen::RowVectorXd& theta) {
  return ReferenceLoss(2.0).values(z, y, Points<double>(theta))[0];
}

/// How far the two sides of N5 are apart at step t, for a maximiser that may be right or wrong: [w(Z+tV) − w(Z)]/t − min⟨g, V⟩ − (t/n)Σ(θ·v)².
double finite_step_defect(const Points<double>& z, const Points<double>& y, const Eigen::RowVectorXd& theta, const Points<double>& v, double t, double least) {
  const double growth = (slice_value(z + t * v, y, theta) - slice_value(z, y, theta)) / t;
  return std::abs(growth - least - t / static_cast<double>(z.rows()) * (v * theta.transpose()).squaredNorm());
}

TEST(SliceSubdifferential, by_hand) {
  // One line, θ = 1: z = (0, 0, 1), y = (−1, 2, 5): the block {0, 1} has targets −1 and 2, the point 2 has 5.
  const Points<double> z{{0.0}, {0.0}, {1.0}};
  const Points<double> y{{2.0}, {5.0}, {-1.0}};
  const SliceSubdifferential set(z, y, Eigen::RowVectorXd::Ones(1));
  ASSERT_EQ(set.dimension(), 3);
  ASSERT_EQ(set.blocks().size(), 2u);
  EXPECT_EQ(set.blocks()[0].rows, (std::vector<Index>{0, 1}));
  EXPECT_EQ(set.blocks()[0].targets, (Eigen::Vector2d(-1.0, 2.0)));
  EXPECT_EQ(set.blocks()[1].targets, Eigen::VectorXd::Constant(1, 5.0));
  // Largest in direction (1, 0, 0): −m_0 large, so m_0 = −1: (2/3)(1, −2, −4).
  const double third = 2.0 / 3.0;
  EXPECT_EQ(set.maximiser(Eigen::Vector3d(1.0, 0.0, 0.0)), (Eigen::Vector3d(third, third * -2.0, third * -4.0)));
  EXPECT_EQ(set.maximiser(Eigen::Vector3d(0.0, 1.0, 0.0)), (Eigen::Vector3d(third * -2.0, third, third * -4.0)));
}

TEST(SliceSubdifferential, blocks_are_exact_ties_unless_a_width_is_given) {
  const Points<double> z{{0.0}, {0.25}, {0.5}, {3.0}};
  const Points<double> y{{0.0}, {1.0}, {2.0}, {3.0}};
  EXPECT_EQ(SliceSubdifferential(z, y, Eigen::RowVectorXd::Ones(1)).blocks().size(), 4u);
  EXPECT_EQ(SliceSubdifferential(z, y, Eigen::RowVectorXd::Ones(1), 0.125).blocks().size(), 4u);
  const SliceSubdifferential chained(z, y, Eigen::RowVectorXd::Ones(1), 0.25);
  ASSERT_EQ(chained.blocks().size(), 2u) << "0, 1/4, 1/2 are a chain";
  EXPECT_EQ(chained.blocks()[0].rows.size(), 3u);
}

TEST(SliceSubdifferential, rejects_what_does_not_fit) {
  const Points<double> z{{0.0}, {1.0}};
  const Eigen::RowVectorXd theta = Eigen::RowVectorXd::Ones(1);
  EXPECT_THROW(SliceSubdifferential(z, Points<double>::Zero(3, 1), theta), InputError);
  EXPECT_THROW(SliceSubdifferential(z, Points<double>{{std::nan("")}, {0.0}}, theta), InputError);
  EXPECT_THROW(SliceSubdifferential(z, z, theta, -1.0), InputError);
  EXPECT_THROW(SliceSubdifferential(z, z, theta, std::nan("")), InputError);
  EXPECT_THROW((void)SliceSubdifferential(z, z, theta).maximiser(Eigen::VectorXd::Zero(3)), InputError);
  EXPECT_THROW((void)SliceSubdifferential(z, z, theta).gradient(Eigen::VectorXd::Zero(3)), InputError);
}

/// N5 at finite steps on integer clouds and axes, where everything but the last sums is exact: the identity holds with the minimiser, and fails with the
/// maximiser (targets sorted the other way) wherever the two differ.
TEST(SliceSubdifferential, finite_steps_follow_the_minimiser) {
  int ties = 0;
  for (std::uint64_t number = 0; number < 200; ++number) {
    const Index n = 2 + static_cast<Index>(number % 5);
    const Index d = 1 + static_cast<Index>(number % 3);
    const Points<double> z = integer_cloud(n, d, 4 * number, 3);
    const Points<double> y = integer_cloud(n, d, 4 * number + 1, 9);
    const Points<double> v = integer_cloud(n, d, 4 * number + 2, 9);
    const Eigen::RowVectorXd theta = Eigen::RowVectorXd::Unit(d, static_cast<Index>(number) % d);
    const SliceSubdifferential set(z, y, theta);
    const Eigen::VectorXd direction = flat(v);
    const double least = -set.support(-direction);
    const double most = set.support(direction);
    // Distinct integers are at least 1 apart and |θ·v| ≤ 4: t = 1/16 < gap / (2·4). Values are below (1 + 4 + 1)² = 36 in size, divided by t.
    const double t = 0.0625;
    const double allowed = tolerance::gamma(8.0 * static_cast<double>(n), kUnitRoundoff) * (2.0 * 36.0 / t + 2.0 * 6.0 * 2.0 * 4.0);
    EXPECT_TRUE(finite_step_defect(z, y, theta, v, t, least) <= allowed) << number << ": " << finite_step_defect(z, y, theta, v, t, least);
    if (most > least) {
      ++ties;
      EXPECT_FALSE(finite_step_defect(z, y, theta, v, t, most) <= allowed) << number;
    }
  }
  EXPECT_GT(ties, 50);
}

/// N3: next to Z, in a direction that orders each block, the gradient is the minimiser's matching.
TEST(SliceSubdifferential, one_sided_gradients_tend_to_the_minimiser) {
  int compared = 0;
  for (std::uint64_t number = 0; number < 100; ++number) {
    const Points<double> z = integer_cloud(5, 1, 1000 + 3 * number, 3);
    const Points<double> y = integer_cloud(5, 1, 1001 + 3 * number, 9);
    Points<double> v(5, 1);
    v << 1.0, -2.0, 3.0, 0.5, -0.25;
    const double epsilon = 0x1p-20;
    const Eigen::VectorXd beside = flat(ReferenceLoss(2.0).evaluate(z + epsilon * v, y, Points<double>::Ones(1, 1)).gradient);
    const SliceSubdifferential set(z, y, Eigen::RowVectorXd::Ones(1));
    // The gradient moves by (2/n) ε v with the matching fixed; sums of small dyadics, the products by 2/5 rounded.
    const double allowed = 0.4 * epsilon * v.norm() + 1e3 * kUnitRoundoff;
    EXPECT_TRUE((beside - set.maximiser(-flat(v))).norm() <= allowed) << number;
    if (set.maximiser(-flat(v)) != set.maximiser(flat(v))) {
      ++compared;
      EXPECT_FALSE((beside - set.maximiser(flat(v))).norm() <= allowed) << number;
    }
  }
  EXPECT_GT(compared, 20);
}

TEST(PlaneSubdifferential, distinct_points_have_one_gradient) {
  const Points<double> z{{0.0, 0.0}, {1.0, 0.5}, {-0.5, 2.0}};
  const Points<double> y{{1.0, 1.0}, {0.0, -1.0}, {2.0, 0.0}};
  const PlaneSubdifferential set(z, y);
  EXPECT_TRUE(set.differentiable());
  const Eigen::VectorXd gradient = flat(exact_plane_sw(z, y).gradient);
  for (Index i = 0; i < 6; ++i) EXPECT_EQ(set.maximiser(Eigen::VectorXd::Unit(6, i)), gradient);
}

TEST(PlaneSubdifferential, two_points_on_one_spot_by_hand) {
  const Points<double> z = Points<double>::Zero(2, 2);
  const Points<double> y{{1.0, 0.0}, {-1.0, 0.0}};
  const PlaneSubdifferential set(z, y);
  EXPECT_FALSE(set.differentiable());
  // With V = (e_1, 0): θ·v_1 = cos φ > 0 on φ < π/2, where the opposite target of the two is −cos φ; on φ > π/2, θ·v_1 < 0 and the largest target is −cos φ.
  // So m = −cos φ throughout: row 1 = (1/π) ∫ θ cos φ dφ = (1/2, 0).
  const double allowed = tolerance::gamma(64.0, kUnitRoundoff);
  EXPECT_TRUE((set.maximiser(Eigen::Vector4d(1.0, 0.0, 0.0, 0.0)) - Eigen::Vector4d(0.5, 0.0, -0.5, 0.0)).norm() <= allowed);
  // V = (e_2, 0): θ·v_1 = sin φ > 0, m = min(±cos φ) = −|cos φ|: row 1 = (1/π) ∫ θ |cos φ| dφ = (1/π)(0, 2·1/2) = (0, 1/π).
  const Eigen::VectorXd up = set.maximiser(Eigen::Vector4d(0.0, 1.0, 0.0, 0.0));
  EXPECT_TRUE((up - Eigen::Vector4d(0.0, 1.0 / std::acos(-1.0), 0.0, -1.0 / std::acos(-1.0))).norm() <= allowed) << up.transpose();
  // Both moved alike: every member is maximal.
  EXPECT_EQ(set.support(Eigen::Vector4d(1.0, 2.0, 1.0, 2.0)), 0.0);
}

/// The minimiser is the limit of exact gradients next to a coincidence, and the maximiser is not; and the support function bounds difference quotients of SW_2²
/// itself.
TEST(PlaneSubdifferential, gradients_beside_a_coincidence_tend_to_the_minimiser) {
  int compared = 0;
  for (std::uint64_t number = 0; number < 60; ++number) {
    const Index n = 2 + static_cast<Index>(number % 4);
    Points<double> z = integer_cloud(n, 2, 2000 + 3 * number, 9);
    z.row(1) = z.row(0);
    if (n > 3) z.row(3) = z.row(0);
    const Points<double> y = integer_cloud(n, 2, 2001 + 3 * number, 9);
    const Points<double> v = integer_cloud(n, 2, 2002 + 3 * number, 9);
    const PlaneSubdifferential set(z, y);
    const auto& pairs = set.coincident();
    if (std::any_of(pairs.begin(), pairs.end(), [&](const auto& pair) { return v.row(pair.first) == v.row(pair.second); })) continue;  // still tied at Z + tV
    const double t = 0x1p-24;
    const Eigen::VectorXd beside = flat(exact_plane_sw(z + t * v, y).gradient);
    // Distinct points keep their order but on arcs of width O(t‖v‖/gap), where a row changes by at most (2/n)·‖y − y'‖; the gradient moves by (2/n)t‖v‖
    // besides. Integers: gap ≥ 1, ‖v_i − v_j‖ ≤ 12, ‖y − y'‖ ≤ 12; each of n²/2 pairs owns an arc of at most 2t·12 of π, twice.
    const double dn = static_cast<double>(n);
    const double allowed = t * (2.0 * 6.0 + 2.0 * dn * dn * 12.0 * 2.0 * 12.0);
    const Eigen::VectorXd least = set.maximiser(-flat(v));
    EXPECT_TRUE((beside - least).norm() <= allowed) << number << ": " << (beside - least).norm() / t;
    EXPECT_TRUE(set.support(flat(v)) >= beside.dot(flat(v)) - allowed * v.norm());
    // The mean of the block is a member. Rounding: sums over at most 100 arcs of terms of size ≤ 12.
    const double rounding = tolerance::gamma(200.0, kUnitRoundoff) * 12.0 * 2.0 * dn;
    const Eigen::VectorXd mean = flat(exact_plane_sw(z, y).gradient);
    EXPECT_TRUE(mean.dot(flat(v)) >= least.dot(flat(v)) - rounding * v.norm());
    EXPECT_TRUE(mean.dot(flat(v)) <= set.support(flat(v)) + rounding * v.norm());
    if ((set.maximiser(flat(v)) - least).norm() > 1e-3) {
      ++compared;
      EXPECT_FALSE((beside - set.maximiser(flat(v))).norm() <= allowed);
      EXPECT_FALSE((beside - mean).norm() <= allowed) << "the mean of the block is a member, not the limit";
    }
  }
  EXPECT_GT(compared, 20);
}

}  // namespace
}  // namespace slicecheck::testing
