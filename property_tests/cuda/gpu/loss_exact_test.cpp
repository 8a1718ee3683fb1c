/// Cases on which every operation of the kernels is exact: the result is known to the bit, ties included.

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "cuda/gpu/gpu.h"
#include "cuda/gpu/parity.h"
#include "slicecheck/core/error.h"
#include "slicecheck/loss/cuda/cuda_loss.h"

namespace slicecheck::testing {
namespace {

/// Rows by ascending entry; equal entries keep the order of their rows.
std::vector<Index> stable_order(const Eigen::VectorXf& entries) {
  std::vector<Index> order(static_cast<std::size_t>(entries.size()));
  std::iota(order.begin(), order.end(), Index{0});
  std::stable_sort(order.begin(), order.end(), [&](Index i, Index j) { return entries[i] < entries[j]; });
  return order;
}

/// The loss along the frame, for coordinates that are multiples of 1/4 between −1 and 1: gaps and their squares are exact.
LossGradient<float> along_frame(const Points<float>& z, const Points<float>& y) {
  const Index n = z.rows();
  const Index d = z.cols();
  LossGradient<float> out{0.0, Vector<double>::Zero(d), Points<float>(n, d)};
  const auto scale = static_cast<float>(2.0 / (static_cast<double>(n) * static_cast<double>(d)));
  for (Index k = 0; k < d; ++k) {
    const auto order_z = stable_order(z.col(k));
    const auto order_y = stable_order(y.col(k));
    double sum = 0.0;
    for (std::size_t rank = 0; rank < order_z.size(); ++rank) {
      const float gap = z(order_z[rank], k) - y(order_y[rank], k);
      out.gradient(order_z[rank], k) = gap * scale;
      sum += static_cast<double>(gap) * static_cast<double>(gap);
    }
    out.per_direction[k] = sum / static_cast<double>(n);
  }
  return out;
}

class LossTies : public GpuTest, public ::testing::WithParamInterface<Group<Index>> {};

TEST_P(LossTies, keep_the_order_of_the_rows) {
  const Index d = 3;
  for (const Index n : GetParam().cases) {
    const Clouds clouds = clouds_of(Kind::lattice, n, d, d);
    const Points<float> frame = Points<float>::Identity(d, d);
    const LossGradient<float> expected = along_frame(clouds.z, clouds.y);
    const LossGradient<float> got = make_cuda_loss(2.0)->evaluate(clouds.z, clouds.y, frame);
    EXPECT_EQ(got.per_direction, expected.per_direction) << "n = " << n;
    EXPECT_EQ(got.gradient, expected.gradient) << "n = " << n;
  }
}

INSTANTIATE_TEST_SUITE_P(small, LossTies, ::testing::Values(Group<Index>{"clouds", {2, 32, 33, 128, 129}}), ::testing::PrintToStringParamName());
INSTANTIATE_TEST_SUITE_P(large, LossTies, ::testing::Values(Group<Index>{"clouds", {512, 513, 1025, 2049, 4097, 8192, 8193, 20000}}),
                         ::testing::PrintToStringParamName());

using LossExact = GpuTest;

TEST_F(LossExact, equal_clouds_have_no_loss_and_no_gradient) {
  for (const Kind kind : {Kind::normal, Kind::duplicates}) {
    const Clouds clouds = clouds_of(kind, 40, 3, 2);
    const LossGradient<float> got = make_cuda_loss(2.0)->evaluate(clouds.z, clouds.z, clouds.theta);
    EXPECT_EQ(got.value, 0.0);
    EXPECT_EQ(got.gradient, (Points<float>(Points<float>::Zero(40, 3))));
  }
}

TEST_F(LossExact, minus_zero_ties_with_zero) {
  // 0.28 times the smallest float rounds to a zero of its sign: the second point's projection is −0, and it stays the second.
  const float least = std::numeric_limits<float>::denorm_min();
  const Points<float> z{{0.0F, 0.0F}, {-least, 0.0F}};
  const Points<float> y{{0.0F, 0.0F}, {0.0F, 1.0F}};
  const Points<float> theta{{0.28F, 0.96F}};
  const LossGradient<float> got = make_cuda_loss(2.0)->evaluate(z, y, theta);
  EXPECT_EQ(got.gradient(0, 1), 0.0F);
  EXPECT_EQ(got.gradient(1, 1), -0.96F * 0.96F);
}

TEST_F(LossExact, a_projection_that_overflows_shows_in_the_value) {
  const float largest = std::numeric_limits<float>::max();
  const Points<float> z{{0.75F * largest}, {0.0F}};
  const Points<float> y{{-0.75F * largest}, {1.0F}};
  EXPECT_FALSE(std::isfinite(make_cuda_loss(2.0)->evaluate(z, y, Points<float>{{1.0F}}).value));
}

TEST_F(LossExact, what_is_no_argument_is_refused) {
  const auto loss = make_cuda_loss(2.0);
  const Points<float> one{{1.0F, 2.0F}};
  const Points<float> two{{1.0F, 2.0F}, {3.0F, 4.0F}};
  const Points<float> bad{{std::numeric_limits<float>::quiet_NaN(), 0.0F}};
  EXPECT_THROW((void)loss->evaluate(one, two, one), InputError);
  EXPECT_THROW((void)loss->evaluate(one, bad, one), InputError);
  EXPECT_THROW((void)make_cuda_loss(1.0), InputError);
  EXPECT_NO_THROW((void)loss->evaluate(one, one, one)) << "and a right call works afterwards";
}

}  // namespace
}  // namespace slicecheck::testing
