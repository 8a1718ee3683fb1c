/// The comparison with the reference refuses losses with a mistake that only a kernel would make. It needs no device.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "cuda/gpu/parity.h"

namespace slicecheck::testing {
namespace {

constexpr Index kCount = 5;

std::vector<Index> sorted_rows(const Eigen::VectorXf& projected) {
  std::vector<Index> order(static_cast<std::size_t>(projected.size()));
  std::iota(order.begin(), order.end(), Index{0});
  std::stable_sort(order.begin(), order.end(), [&](Index i, Index j) { return projected[i] < projected[j]; });
  return order;
}

/// θ·(x_i − origin), summed in the order of the coordinates: a direction's projections do not depend on the other directions, as in the kernels.
Eigen::VectorXf projections(const Points<float>& points, const Eigen::RowVectorXf& origin, const Eigen::RowVectorXf& theta) {
  Eigen::VectorXf out = Eigen::VectorXf::Zero(points.rows());
  for (Index i = 0; i < points.rows(); ++i)
    for (Index k = 0; k < points.cols(); ++k) out[i] += theta[k] * (points(i, k) - origin[k]);
  return out;
}

/// The loss in float, by plain loops.
LossGradient<float> right(const Points<float>& z, const Points<float>& y, const Points<float>& theta) {
  const Index n = z.rows();
  LossGradient<float> out{0.0, Vector<double>::Zero(theta.rows()), Points<float>::Zero(n, z.cols())};
  for (Index l = 0; l < theta.rows(); ++l) {
    const Eigen::VectorXf projected_z = projections(z, y.row(0), theta.row(l));
    const Eigen::VectorXf projected_y = projections(y, y.row(0), theta.row(l));
    const auto order_z = sorted_rows(projected_z);
    const auto order_y = sorted_rows(projected_y);
    for (std::size_t rank = 0; rank < order_z.size(); ++rank) {
      const float gap = projected_z[order_z[rank]] - projected_y[order_y[rank]];
      out.per_direction[l] += static_cast<double>(gap) * gap / static_cast<double>(n);
      out.gradient.row(order_z[rank]) += gap * theta.row(l);
    }
  }
  out.value = out.per_direction.mean();
  out.gradient *= 2.0F / static_cast<float>(n * theta.rows());
  return out;
}

Clouds clouds() { return clouds_of(Kind::normal, 33, 3, kCount); }

/// The worst ratios of the right loss with something done to what it returns.
Parity changed(const std::function<void(LossGradient<float>&)>& change) {
  const Evaluate wrong = [&](const Points<float>& z, const Points<float>& y, const Points<float>& theta) {
    LossGradient<float> out = right(z, y, theta);
    change(out);
    return out;
  };
  return parity_of(clouds(), wrong, kCount);
}

TEST(ParityCheck, a_right_loss_in_float_passes) {
  for (const Kind kind : {Kind::normal, Kind::duplicates, Kind::lattice, Kind::offset})
    for (const Index d : {1, 3, 17}) {
      const Parity parity = parity_of(clouds_of(kind, 33, d, kCount), right, kCount);
      EXPECT_LE(parity.worst(), 1.0) << name_of(kind) << ", d = " << d << ": " << parity.values << ", " << parity.members << ", " << parity.sums;
    }
}

TEST(ParityCheck, kinds_are_what_they_say) {
  const Clouds duplicates = clouds_of(Kind::duplicates, 33, 3, kCount);
  EXPECT_EQ(duplicates.z.row(0), duplicates.z.row(11));
  const Clouds lattice = clouds_of(Kind::lattice, 33, 3, kCount);
  EXPECT_EQ(lattice.theta.topRows(3), (Points<float>(Points<float>::Identity(3, 3))));
  EXPECT_EQ((4.0F * lattice.z), (Points<float>((4.0F * lattice.z).array().round())));
  EXPECT_GT(clouds_of(Kind::offset, 33, 3, kCount).y.minCoeff(), 990.0F);
}

TEST(ParityCheck, refuses_a_value_that_is_off) {
  EXPECT_GT(changed([](auto& out) { out.per_direction[0] *= 1.0 + 1e-4; }).values, 1.0);
  EXPECT_GT(changed([](auto& out) { out.per_direction[0] = std::nan(""); }).values, 1.0);
  EXPECT_GT(changed([](auto& out) { out.per_direction.conservativeResize(out.per_direction.size() - 1); }).values, 1.0);
  EXPECT_GT(changed([](auto& out) { out.value *= 1.0 + 1e-14; }).values, 1.0);
}

TEST(ParityCheck, refuses_two_points_with_each_others_targets) {
  EXPECT_GT(changed([](auto& out) { out.gradient.row(0).swap(out.gradient.row(1)); }).members, 1.0);
}

TEST(ParityCheck, refuses_an_entry_that_was_not_written) {
  EXPECT_GT(changed([](auto& out) { out.gradient(32, 2) = std::nanf(""); }).worst(), 1.0);
  EXPECT_GT(changed([](auto& out) { out.gradient(32, 2) = 0.0F; }).worst(), 1.0);
}

TEST(ParityCheck, refuses_a_sum_that_leaves_a_direction_out) {
  const Evaluate wrong = [](const Points<float>& z, const Points<float>& y, const Points<float>& theta) {
    LossGradient<float> out = right(z, y, theta);
    if (theta.rows() > 1) {
      const auto kept = static_cast<float>(theta.rows() - 1);
      out.gradient = right(z, y, theta.topRows(theta.rows() - 1)).gradient * (kept / static_cast<float>(theta.rows()));
    }
    return out;
  };
  const Parity parity = parity_of(clouds(), wrong, kCount);
  EXPECT_GT(parity.sums, 1.0);
  EXPECT_LE(parity.members, 1.0);
  EXPECT_LE(parity.values, 1.0);
}

TEST(ParityCheck, refuses_gradients_of_another_shape) {
  EXPECT_GT(changed([](auto& out) { out.gradient.conservativeResize(32, 3); }).worst(), 1.0);
}

}  // namespace
}  // namespace slicecheck::testing
