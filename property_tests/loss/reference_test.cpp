/// The reference loss, by hand: numbers that a person can check, exactly.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "slicecheck/core/error.h"
#include "slicecheck/loss/reference_loss.h"

namespace slicecheck {
namespace {

using Cloud = Points<double>;

LossGradient<double> evaluate(double p, const Cloud& z, const Cloud& y, const Cloud& theta) { return ReferenceLoss(p).evaluate(z, y, theta); }

const Cloud kRight{{1.0}};

TEST(ReferenceLoss, sorts_both_clouds) {
  // Sorted: 1, 3 and 0, 5. Gaps 1 and −2: (1 + 4)/2.
  const auto out = evaluate(2.0, Cloud{{3.0}, {1.0}}, Cloud{{0.0}, {5.0}}, kRight);
  EXPECT_EQ(out.value, 2.5);
  EXPECT_EQ(out.per_direction, Eigen::VectorXd::Constant(1, 2.5));
  // (2/n)Δ: the point 3 has rank 2 and gap −2, the point 1 has rank 1 and gap 1.
  EXPECT_EQ(out.gradient, (Cloud{{-2.0}, {1.0}}));
}

TEST(ReferenceLoss, every_exponent_by_hand) {
  // Gaps 1 and −4, in this order of the rows.
  const Cloud z{{1.0}, {5.0}};
  const Cloud y{{9.0}, {0.0}};
  EXPECT_EQ(evaluate(1.0, z, y, kRight).value, 2.5);
  EXPECT_EQ(evaluate(1.0, z, y, kRight).gradient, (Cloud{{0.5}, {-0.5}}));
  EXPECT_EQ(evaluate(1.5, z, y, kRight).value, 4.5) << "(1 + 8)/2";
  EXPECT_EQ(evaluate(1.5, z, y, kRight).gradient, (Cloud{{0.75}, {-1.5}})) << "(3/2)/2 · (1, −√4)";
  EXPECT_EQ(evaluate(2.0, z, y, kRight).value, 8.5);
  EXPECT_EQ(evaluate(2.0, z, y, kRight).gradient, (Cloud{{1.0}, {-4.0}}));
  EXPECT_EQ(evaluate(3.0, z, y, kRight).value, 32.5);
  EXPECT_EQ(evaluate(3.0, z, y, kRight).gradient, (Cloud{{1.5}, {-24.0}}));
}

TEST(ReferenceLoss, averages_over_the_directions) {
  const Cloud z{{1.0, 0.0}};
  const Cloud y{{0.0, 3.0}};
  const auto out = evaluate(2.0, z, y, Cloud{{1.0, 0.0}, {0.0, -1.0}});
  EXPECT_EQ(out.per_direction, Eigen::Vector2d(1.0, 9.0));
  EXPECT_EQ(out.value, 5.0);
  // (1/2)·2·1·e1 + (1/2)·2·3·(−e2)
  EXPECT_EQ(out.gradient, (Cloud{{1.0, -3.0}}));
}

TEST(ReferenceLoss, at_a_tie_the_points_keep_the_order_of_their_rows) {
  // All three of Z project to 1: ranks by row. Gaps 1, 0, −2.
  const Cloud z{{1.0, 7.0}, {1.0, -7.0}, {1.0, 0.0}};
  const Cloud y{{3.0, 0.0}, {0.0, 0.0}, {1.0, 0.0}};
  const Cloud theta{{1.0, 0.0}};
  const auto out = evaluate(2.0, z, y, theta);
  EXPECT_DOUBLE_EQ(out.value, 5.0 / 3.0);
  for (const auto& [row, gap] : {std::pair<Index, double>{0, 1.0}, {1, 0.0}, {2, -2.0}}) {
    EXPECT_DOUBLE_EQ(out.gradient(row, 0), 2.0 / 3.0 * gap);
    EXPECT_EQ(out.gradient(row, 1), 0.0);
  }
}

TEST(ReferenceLoss, a_tie_in_the_target_changes_nothing) {
  const Cloud z{{0.0}, {1.0}, {2.0}};
  const auto out = evaluate(2.0, z, Cloud{{1.0}, {1.0}, {1.0}}, kRight);
  EXPECT_DOUBLE_EQ(out.value, 2.0 / 3.0);
  EXPECT_EQ(out.gradient(1, 0), 0.0);
}

TEST(ReferenceLoss, equal_clouds_have_value_and_gradient_zero_for_every_exponent) {
  const Cloud z{{0.5, 2.0}, {-1.0, 3.0}, {0.5, 2.0}};
  const Cloud y{{0.5, 2.0}, {0.5, 2.0}, {-1.0, 3.0}};
  for (const double p : {1.0, 1.5, 2.0, 3.0}) {
    const auto out = evaluate(p, z, y, Cloud{{0.6, 0.8}, {1.0, 0.0}});
    EXPECT_EQ(out.value, 0.0) << p;
    EXPECT_EQ(out.gradient, Cloud::Zero(3, 2)) << p;
  }
}

TEST(ReferenceLoss, negative_zero_is_zero) {
  const auto out = evaluate(2.0, Cloud{{0.0}, {-0.0}}, Cloud{{1.0}, {2.0}}, kRight);
  EXPECT_EQ(out.gradient, (Cloud{{-1.0}, {-2.0}})) << "a tie: the ranks are those of the rows";
}

TEST(ReferenceLoss, tells_its_exponent_and_name) {
  EXPECT_EQ(ReferenceLoss(1.5).exponent(), 1.5);
  EXPECT_EQ(ReferenceLoss().exponent(), 2.0);
  EXPECT_EQ(ReferenceLoss().name(), "reference");
}

TEST(ReferenceLoss, values_are_those_per_direction) {
  const Cloud z{{3.0}, {1.0}};
  EXPECT_EQ(ReferenceLoss().values(z, Cloud{{0.0}, {5.0}}, Cloud{{1.0}, {-1.0}}), Eigen::Vector2d(2.5, 2.5));
}

TEST(ReferenceLoss, rejects_exponents_below_one) {
  for (const double p : {0.0, 0.99, -2.0, std::nan(""), std::numeric_limits<double>::infinity()}) EXPECT_THROW(ReferenceLoss{p}, InputError) << p;
}

}  // namespace
}  // namespace slicecheck
