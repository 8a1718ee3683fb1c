/// δ-membership in the Clarke subdifferential: exact on hand cases, tolerant of rounding, and not of more.

#include "slicecheck/claims/tie_membership.h"

#include <gtest/gtest.h>

#include <cmath>

#include "slicecheck/core/error.h"

namespace slicecheck::testing {
namespace {

/// Three points tied at 0, one at 10; targets 0, 1, 3 and 8.
class ThreeWayTie : public ::testing::Test {
 protected:
  [[nodiscard]] Judgement judged(const Eigen::VectorXd& m) const { return judge_membership(slice_, gradient_of_targets(slice_, m)); }
  [[nodiscard]] static Eigen::VectorXd targets(double a, double b, double c, double d) { return Eigen::Vector4d(a, b, c, d); }

  LossSubject subject_ = core_loss_subjects().front();
  Points<double> z_{{0.0, 5.0}, {0.0, -2.0}, {10.0, 1.0}, {0.0, 7.0}};
  Points<double> y_{{3.0, 0.0}, {0.0, 4.0}, {8.0, 1.0}, {1.0, -1.0}};
  Slice slice_ = slice_of(subject_, z_, y_, Eigen::RowVector2d(1.0, 0.0));
};

TEST_F(ThreeWayTie, has_the_blocks_and_vertices_that_it_should) {
  const auto runs = slice_.runs(0.0);
  ASSERT_EQ(runs.size(), 2U);
  EXPECT_EQ(runs[0], (std::pair<Index, Index>{0, 3}));
  EXPECT_EQ(tie_vertices(slice_, runs, 6).rows(), 6);
  EXPECT_THROW((void)tie_vertices(slice_, runs, 5), InputError);
}

TEST_F(ThreeWayTie, every_vertex_and_mixture_is_a_member) {
  for (const auto& m : {targets(0, 1, 8, 3), targets(3, 1, 8, 0), targets(4.0 / 3, 4.0 / 3, 8, 4.0 / 3), targets(0.5, 0.5, 8, 3), targets(2, 2, 8, 0)})
    EXPECT_FALSE(judged(m).refutes()) << m.transpose();
}

TEST_F(ThreeWayTie, what_is_outside_is_refuted) {
  EXPECT_TRUE(judged(targets(0, 1, 3, 8)).refutes()) << "the target of the point at 10 given to a tied one";
  EXPECT_TRUE(judged(targets(3, 3, 8, 3)).refutes()) << "everybody gets the largest";
  EXPECT_TRUE(judged(targets(-0.1, 1.1, 8, 3)).refutes()) << "below the smallest";
  EXPECT_TRUE(judged(targets(2.5, 1.5, 8, 0.1)).refutes()) << "the sum is off";
  EXPECT_TRUE(judged(targets(4.0 / 3, 4.0 / 3, 8, 4.0 / 3 + 1e-9)).refutes()) << "a known small margin";
  Points<double> across = gradient_of_targets(slice_, targets(0, 1, 8, 3));
  across(0, 1) += 1e-9;
  EXPECT_TRUE(judge_membership(slice_, across).refutes()) << "not along θ";
  across(0, 1) = std::nan("");
  EXPECT_TRUE(judge_membership(slice_, across).refutes()) << "NaN";
}

TEST_F(ThreeWayTie, extreme_targets_bound_every_vertex) {
  const Eigen::Vector4d along(0.3, -2.0, 1.0, 0.7);
  const auto value = [&](const Eigen::VectorXd& m) { return (slice_.a - m).dot(along); };
  const double least = value(extreme_targets(slice_, along, true));
  const double most = value(extreme_targets(slice_, along, false));
  const Points<double> vertices = tie_vertices(slice_, slice_.runs(0.0), 6);
  double low = INFINITY;
  double high = -INFINITY;
  for (Index k = 0; k < vertices.rows(); ++k) {
    low = std::min(low, value(vertices.row(k).transpose()));
    high = std::max(high, value(vertices.row(k).transpose()));
  }
  EXPECT_EQ(least, low);
  EXPECT_EQ(most, high);
}

TEST(TieMembership, a_swap_within_rounding_is_no_defect_and_a_wider_one_is) {
  const LossSubject single = core_loss_subjects()[2];
  ASSERT_TRUE(single.single());
  Points<double> z{{1.0, 0.0}, {1.0 + 0x1p-23, 0.0}};  // neighbours in float
  const Points<double> y{{0.0, 0.0}, {5.0, 0.0}};
  const Eigen::RowVector2d theta(1.0, 0.0);
  const auto swapped = [&](const LossSubject& subject) {
    const Slice slice = slice_of(subject, z, y, theta);
    return judge_membership(slice, gradient_of_targets(slice, Eigen::Vector2d(5.0, 0.0)));
  };
  EXPECT_FALSE(swapped(single).refutes());
  EXPECT_TRUE(swapped(core_loss_subjects().front()).refutes()) << "in double the two are far apart";
  z(1, 0) = 1.001;
  EXPECT_TRUE(swapped(single).refutes());
}

/// A chain of near ties is not one big tie: the first and the last point, far apart, may not be swapped.
TEST(TieMembership, does_not_merge_transitively) {
  const LossSubject subject = core_loss_subjects()[2];
  const Index n = 200;
  Points<double> z(n, 1);
  Points<double> y(n, 1);
  for (Index k = 0; k < n; ++k) {
    z(k, 0) = 1.0 + static_cast<double>(k) * 0x1p-22;
    y(k, 0) = static_cast<double>(k) / static_cast<double>(n);
  }
  const Slice slice = slice_of(subject, z, y, Eigen::RowVectorXd::Ones(1));
  ASSERT_EQ(slice.runs(2.0 * slice.delta).size(), 1U) << "chained, all points are one cluster";
  Eigen::VectorXd m = slice.b;
  EXPECT_FALSE(judge_membership(slice, gradient_of_targets(slice, m)).refutes());
  std::swap(m[0], m[n - 1]);
  EXPECT_TRUE(judge_membership(slice, gradient_of_targets(slice, m)).refutes());
}

TEST(TieMembership, an_averaged_gradient_on_a_large_cluster_is_not_judged) {
  const LossSubject subject = core_loss_subjects().front();
  const Index n = kLargestCluster + 1;
  const Points<double> z = Points<double>::Zero(n, 1);
  Points<double> y(n, 1);
  for (Index k = 0; k < n; ++k) y(k, 0) = static_cast<double>(k);
  const Slice slice = slice_of(subject, z, y, Eigen::RowVectorXd::Ones(1));
  EXPECT_FALSE(judge_membership(slice, gradient_of_targets(slice, Eigen::VectorXd::Constant(n, slice.b.mean()))).skipped.empty());
  EXPECT_TRUE(judge_membership(slice, gradient_of_targets(slice, slice.b)).skipped.empty()) << "a matching is";
}

}  // namespace
}  // namespace slicecheck::testing
