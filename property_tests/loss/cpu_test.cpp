/// The loss of daily use against the reference, above its block sizes, with the tolerances of core/tolerances.h; threads, ties, offsets, errors.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "slicecheck/core/error.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/loss/cpu_loss.h"
#include "slicecheck/loss/reference_loss.h"
#include "support/loss_comparison.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

template <class S>
class CpuLossTest : public ::testing::Test {};
using Scalars = ::testing::Types<float, double>;
TYPED_TEST_SUITE(CpuLossTest, Scalars);

TYPED_TEST(CpuLossTest, agrees_with_the_reference_above_its_block_sizes) {
  using S = TypeParam;
  const double u = tolerance::unit_roundoff<S>();
  // By columns groups are 64 directions and panels 16 or fewer; few directions, or very many points, by rows of 12 directions; a handful of points in plain
  // loops.
  const Index shapes[][3] = {{1, 1, 1},     {3, 2, 2},    {8, 8, 20},    {2, 33, 1},   {33, 31, 2},  {257, 64, 8},
                             {700, 200, 3}, {20, 600, 2}, {64, 32, 100}, {300, 4, 20}, {4100, 13, 2}};
  for (const auto& [n, count, d] : shapes) {
    const Clouds<S> clouds = random_clouds<S>(n, count, d);
    const Clouds<double> exact = in_double(clouds);
    const double size = largest_norm(exact.z) + largest_norm(exact.y);
    for (const double p : {1.0, 1.5, 2.0, 3.0}) {
      const LossGradient<S> out = CpuLoss<S>(p).evaluate(clouds.z, clouds.y, clouds.theta);
      ASSERT_EQ(out.gradient.rows(), n);
      ASSERT_EQ(out.gradient.cols(), d);
      ASSERT_EQ(out.per_direction.size(), count);
      const Ratios ratios = compare_with_reference(in_double(out), exact, p, size, u);
      EXPECT_LE(ratios.value, 1.0) << n << " points, " << count << " directions, d = " << d << ", p = " << p;
      EXPECT_LE(ratios.gradient, 1.0) << n << " points, " << count << " directions, d = " << d << ", p = " << p;
    }
  }
}

TYPED_TEST(CpuLossTest, values_alone_are_those_of_the_directions) {
  using S = TypeParam;
  for (const auto& [n, count, d] : {std::array<Index, 3>{7, 3, 2}, {100, 70, 3}, {300, 3, 2}, {4100, 9, 2}}) {
    const Clouds<S> clouds = random_clouds<S>(n, count, d);
    for (const double p : {1.0, 1.5, 2.0}) {
      const CpuLoss<S> loss(p);
      const Vector<double> values = loss.values(clouds.z, clouds.y, clouds.theta);
      const Vector<double> expected = loss.evaluate(clouds.z, clouds.y, clouds.theta).per_direction;
      ASSERT_EQ(values.size(), count);
      // The same gaps, each rounded once, their powers too; summed in double, in another order.
      const double allowed =
          tolerance::gamma(16.0, tolerance::unit_roundoff<S>()) + tolerance::gamma(static_cast<double>(n), tolerance::unit_roundoff<double>());
      for (Index l = 0; l < count; ++l) EXPECT_LE(std::abs(values[l] - expected[l]), allowed * expected[l]) << "direction " << l << ", p = " << p;
    }
  }
}

TYPED_TEST(CpuLossTest, the_comparison_refuses_planted_mistakes) {
  using S = TypeParam;
  const double u = tolerance::unit_roundoff<S>();
  const Clouds<double> c = in_double(random_clouds<S>(300, 40, 3));
  const double size = largest_norm(c.z) + largest_norm(c.y);
  const LossGradient<double> right = ReferenceLoss(2.0).evaluate(c.z, c.y, c.theta);
  const auto ratios = [&](const LossGradient<double>& got) { return compare_with_reference(got, c, 2.0, size, u); };
  EXPECT_EQ(ratios(right).value, 0.0);
  LossGradient<double> wrong = right;
  wrong.value *= 1.0 + 1e5 * u;
  EXPECT_GT(ratios(wrong).value, 1.0);
  wrong = right;
  wrong.gradient.row(17).swap(wrong.gradient.row(18));
  EXPECT_GT(ratios(wrong).gradient, 1.0);
  wrong = right;
  wrong.gradient(5, 1) = std::nan("");
  EXPECT_GT(ratios(wrong).gradient, 1.0);
}

TYPED_TEST(CpuLossTest, the_same_bits_for_any_number_of_threads) {
  using S = TypeParam;
  // Groups of 64 directions; of one panel, for many points; the products of wide clouds; one direction after another.
  for (const auto& [n, count, d] : {std::array<Index, 3>{700, 200, 3}, {4200, 40, 3}, {200, 150, 40}, {600, 3, 2}}) {
    const Clouds<S> clouds = random_clouds<S>(n, count, d);
    LossGradient<S> first;
    Vector<double> first_values;
    for (const int threads : {1, 2, 3, 7}) {
      const ScopedThreads scope(threads);
      const LossGradient<S> out = CpuLoss<S>(2.0).evaluate(clouds.z, clouds.y, clouds.theta);
      const Vector<double> values = CpuLoss<S>(2.0).values(clouds.z, clouds.y, clouds.theta);
      if (threads == 1) {
        first = out;
        first_values = values;
      }
      const auto same = [](const auto& a, const auto& b) {
        return std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(a.data()[0])) == 0;
      };
      EXPECT_EQ(std::memcmp(&out.value, &first.value, sizeof(double)), 0) << n << " points, " << threads << " threads";
      EXPECT_TRUE(same(out.per_direction, first.per_direction)) << n << " points, " << threads << " threads";
      EXPECT_TRUE(same(out.gradient, first.gradient)) << n << " points, " << threads << " threads";
      EXPECT_TRUE(same(values, first_values)) << n << " points, " << threads << " threads";
    }
  }
}

TYPED_TEST(CpuLossTest, a_common_offset_costs_nothing) {
  using S = TypeParam;
  const double u = tolerance::unit_roundoff<S>();
  const Clouds<S> clouds = random_clouds<S>(300, 50, 4, 1e6);
  const Clouds<double> exact = in_double(clouds);
  // Only the distances from the centre count, not the 10⁶.
  const Eigen::RowVectorXd centre = exact.y.colwise().mean();
  const double size = largest_norm(exact.z.rowwise() - centre) + largest_norm(exact.y.rowwise() - centre);
  ASSERT_LT(size, 20.0);
  // The reference, too, is evaluated near the origin, where its own rounding does not matter.
  const Clouds<double> near{exact.z.array() - 1e6, exact.y.array() - 1e6, exact.theta};
  const LossGradient<S> out = CpuLoss<S>(2.0).evaluate(clouds.z, clouds.y, clouds.theta);
  const Ratios ratios = compare_with_reference(in_double(out), near, 2.0, size, u);
  EXPECT_LE(ratios.value, 1.0);
  EXPECT_LE(ratios.gradient, 1.0);
  // The same in S without centring loses those digits: the comparison sees it.
  Points<S> pz = clouds.theta * clouds.z.transpose();
  Points<S> py = clouds.theta * clouds.y.transpose();
  LossGradient<double> plain = in_double(out);
  for (Index l = 0; l < 50; ++l) {
    std::sort(pz.row(l).begin(), pz.row(l).end());
    std::sort(py.row(l).begin(), py.row(l).end());
    plain.per_direction[l] = (pz.row(l) - py.row(l)).squaredNorm() / S{300};
  }
  plain.value = plain.per_direction.mean();
  EXPECT_GT(compare_with_reference(plain, near, 2.0, size, u).value, 1.0);
}

TYPED_TEST(CpuLossTest, at_exact_ties_the_points_keep_the_order_of_their_rows) {
  using S = TypeParam;
  // Integers along axes: every projection is exact, every second point is tied.
  Points<S> z(40, 2);
  Points<S> y(40, 2);
  for (Index k = 0; k < 40; ++k) {
    z.row(k) << static_cast<S>(k % 5), static_cast<S>((k * k) % 3);
    y.row(k) << static_cast<S>((7 * k) % 40 - 20), static_cast<S>((3 * k) % 40 - 19);
  }
  const Points<S> theta{{S{1}, S{0}}, {S{0}, S{-1}}};
  const LossGradient<S> out = CpuLoss<S>(2.0).evaluate(z, y, theta);
  const LossGradient<double> exact = ReferenceLoss(2.0).evaluate(z.template cast<double>(), y.template cast<double>(), theta.template cast<double>());
  const double allowed = tolerance::gamma(16.0, tolerance::unit_roundoff<S>());
  EXPECT_LE((out.gradient.template cast<double>() - exact.gradient).cwiseAbs().maxCoeff(), allowed * exact.gradient.cwiseAbs().maxCoeff());
  EXPECT_LE(std::abs(out.value - exact.value), allowed * exact.value);
}

TYPED_TEST(CpuLossTest, negative_zero_ties_with_zero) {
  using S = TypeParam;
  // The mean of Y is 0, so that centring leaves the zeros their signs.
  const Points<S> y{{S{-1}}, {S{1}}};
  const Points<S> right{{S{1}}};
  for (const S sign : {S{1}, S{-1}}) {
    const Points<S> z{{sign * S{0}}, {-sign * S{0}}};
    EXPECT_EQ(CpuLoss<S>(2.0).evaluate(z, y, right).gradient, (Points<S>{{S{1}}, {S{-1}}})) << "the ranks are those of the rows";
    EXPECT_EQ(CpuLoss<S>(2.0).evaluate(z, y, Points<S>(-right)).gradient, (Points<S>{{S{-1}}, {S{1}}}));
  }
}

TYPED_TEST(CpuLossTest, equal_clouds_have_value_and_gradient_zero) {
  using S = TypeParam;
  const Clouds<S> clouds = random_clouds<S>(100, 40, 3);
  for (const double p : {1.0, 1.5, 2.0, 3.0}) {
    const LossGradient<S> out = CpuLoss<S>(p).evaluate(clouds.z, clouds.z, clouds.theta);
    EXPECT_EQ(out.value, 0.0);
    EXPECT_EQ(out.gradient, Points<S>::Zero(100, 3));
  }
}

TYPED_TEST(CpuLossTest, takes_blocks_of_larger_matrices) {
  using S = TypeParam;
  const Clouds<S> clouds = random_clouds<S>(60, 40, 5);
  const Points<S> z = clouds.z.block(3, 1, 50, 3);
  const Points<S> y = clouds.y.block(5, 2, 50, 3);
  const Points<S> theta = uniform_directions<S>(RandomStream(1, Purpose::cases, 103, 0), 33, 3);
  Points<S> wide = Points<S>::Zero(33, 7);
  wide.middleCols(2, 3) = theta;
  const LossGradient<S> packed = CpuLoss<S>(2.0).evaluate(z, y, theta);
  const LossGradient<S> strided = CpuLoss<S>(2.0).evaluate(clouds.z.block(3, 1, 50, 3), clouds.y.block(5, 2, 50, 3), wide.middleCols(2, 3));
  EXPECT_NEAR(packed.value, strided.value, 1e3 * tolerance::unit_roundoff<S>() * packed.value);
  EXPECT_LE((packed.gradient - strided.gradient).norm(), static_cast<S>(1e3 * tolerance::unit_roundoff<S>()) * packed.gradient.norm());
}

/// The sentence with which the arguments are refused.
template <class S>
std::string refusal(const Points<S>& z, const Points<S>& y, const Points<S>& theta) {
  std::string sentence;
  try {
    (void)CpuLoss<S>(2.0).evaluate(z, y, theta);
    ADD_FAILURE() << "accepted";
  } catch (const InputError& error) {
    sentence = error.what();
  }
  EXPECT_THROW((void)CpuLoss<S>(2.0).values(z, y, theta), InputError);
  if constexpr (std::is_same_v<S, double>) {
    EXPECT_THROW((void)ReferenceLoss(2.0).evaluate(z, y, theta), InputError);
  }
  return sentence;
}

/// Finite input whose projections overflow to NaN beside finite ones: they are told, not sorted (NaN in an order runs out of the array).
TYPED_TEST(CpuLossTest, projections_that_overflow_are_not_sorted) {
  using S = TypeParam;
  const S large = std::numeric_limits<S>::max();
  const Index n = 2000;
  Points<S> z(n, 2);
  Points<S> y = Points<S>::Constant(n, 2, -large / S{4000});
  y.topRows(n / 4).setConstant(-large / S{2});
  for (Index k = 0; k < n; ++k) z.row(k).setConstant(k % 2 == 0 ? large : static_cast<S>(k));
  const Points<S> theta{{S(0.6), S(-0.8)}, {S(1), S(0)}};
  const LossGradient<S> out = CpuLoss<S>(2.0).evaluate(z, y, theta);
  EXPECT_TRUE(std::isnan(out.value));
  ASSERT_EQ(out.per_direction.size(), 2);
  EXPECT_TRUE(std::isnan(out.per_direction[0]));
  EXPECT_FALSE(out.gradient.allFinite());
}

TYPED_TEST(CpuLossTest, rejects_what_no_loss_accepts) {
  using S = TypeParam;
  const Points<S> cloud = Points<S>::Ones(3, 2);
  const Points<S> theta{{S{1}, S{0}}};
  const auto holds = [](const std::string& sentence, const char* words) { return sentence.find(words) != std::string::npos; };
  EXPECT_PRED2(holds, refusal<S>(Points<S>(0, 2), Points<S>(0, 2), theta), "empty");
  EXPECT_PRED2(holds, refusal<S>(Points<S>(3, 0), Points<S>(3, 0), Points<S>(1, 0)), "empty");
  EXPECT_PRED2(holds, refusal<S>(cloud, cloud.topRows(2), theta), "Z has 3 points and Y has 2");
  EXPECT_PRED2(holds, refusal<S>(cloud, cloud.leftCols(1), theta), "dimension");
  EXPECT_PRED2(holds, refusal<S>(cloud, cloud, Points<S>(0, 2)), "no directions");
  EXPECT_PRED2(holds, refusal<S>(cloud, cloud, Points<S>::Ones(1, 3)), "directions have dimension 3");
  for (const S bad : {std::numeric_limits<S>::quiet_NaN(), std::numeric_limits<S>::infinity()}) {
    Points<S> broken = cloud;
    broken(1, 1) = bad;
    EXPECT_PRED2(holds, refusal<S>(broken, cloud, theta), "Z is not finite: row 2, column 2");
    EXPECT_PRED2(holds, refusal<S>(cloud, broken, theta), "Y is not finite: row 2, column 2");
    EXPECT_PRED2(holds, refusal<S>(cloud, cloud, Points<S>(broken.middleRows(1, 1))), "directions is not finite: row 1, column 2");
  }
}

TYPED_TEST(CpuLossTest, rejects_exponents_below_one) {
  using S = TypeParam;
  for (const double p : {0.5, -1.0, std::nan(""), std::numeric_limits<double>::infinity()}) EXPECT_THROW(CpuLoss<S>{p}, InputError) << p;
  EXPECT_EQ(CpuLoss<S>(1.5).exponent(), 1.5);
  EXPECT_EQ(CpuLoss<S>().name(), (std::is_same_v<S, float> ? "cpu-float" : "cpu"));
}

}  // namespace
}  // namespace slicecheck::testing
