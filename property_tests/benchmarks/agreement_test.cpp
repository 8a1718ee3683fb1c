/// The check that stands before every time that the benchmark prints: right losses pass it, each planted mistake does not.

#include "benchmarks/agreement.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <string>
#include <vector>

#include "slicecheck/core/error.h"
#include "slicecheck/core/tolerances.h"
#include "slicecheck/loss/cpu_loss.h"
#include "slicecheck/loss/reference_loss.h"

namespace slicecheck::testing {
namespace {

using benchmarks::Clouds;

constexpr double kFloat = 0x1p-24;
constexpr double kDouble = 0x1p-53;

std::vector<Clouds> all_clouds() {
  std::vector<Clouds> out;
  for (const auto& [n, d, count] : {std::array<Index, 3>{2, 1, 1}, {64, 2, 50}, {128, 64, 20}, {1000, 3, 30}, {64, 784, 100}}) {
    out.push_back(benchmarks::random_clouds(n, d, count));
    out.push_back(benchmarks::exact_clouds(n, d, count));
  }
  return out;
}

std::string name_of(const Clouds& clouds) {
  return fmt::format("{} × {}, {} directions, {}", clouds.n(), clouds.d(), clouds.count(), clouds.exact ? "exact" : "random");
}

TEST(BenchmarkAgreement, accepts_right_losses) {
  for (const Clouds& clouds : all_clouds()) {
    SCOPED_TRACE(name_of(clouds));
    const auto single = CpuLoss<float>(2.0).evaluate(clouds.z, clouds.y, clouds.directions);
    EXPECT_TRUE(agreement(expected_loss(clouds, kFloat), single.value, single.gradient.cast<double>()).holds());
    const Points<double> z = clouds.z.cast<double>(), y = clouds.y.cast<double>(), directions = clouds.directions.cast<double>();
    const auto reference = ReferenceLoss(2.0).evaluate(z, y, directions);
    EXPECT_TRUE(agreement(expected_loss(clouds, kDouble), reference.value, reference.gradient).holds());
  }
}

/// The tolerance of single precision bears another order of points that are tied in it, and nothing else of that size.
TEST(BenchmarkAgreement, bears_ties_in_any_order) {
  Clouds clouds = benchmarks::exact_clouds(64, 2, 50);
  clouds.z.row(1) = clouds.z.row(0);  // tied along every direction
  auto out = CpuLoss<float>(2.0).evaluate(clouds.z, clouds.y, clouds.directions);
  out.gradient.row(0).swap(out.gradient.row(1));
  EXPECT_TRUE(agreement(expected_loss(clouds, kFloat), out.value, out.gradient.cast<double>()).holds());
  out.gradient.row(1).swap(out.gradient.row(2));
  EXPECT_FALSE(agreement(expected_loss(clouds, kFloat), out.value, out.gradient.cast<double>()).holds());
}

/// On the exact clouds of every size of the benchmark's own kind; on random clouds a mistake of 1/1000 may hide behind near-ties, which is why there are both.
TEST(BenchmarkAgreement, refuses_every_planted_defect) {
  ASSERT_FALSE(benchmarks::defect_names().empty());
  for (const auto& [n, d, count] : {std::array<Index, 3>{256, 2, 500}, {64, 784, 100}, {256, 64, 50}})
    for (const std::string& defect : benchmarks::defect_names()) {
      const Clouds clouds = benchmarks::exact_clouds(n, d, count);
      SCOPED_TRACE(defect + ", " + name_of(clouds));
      const auto wrong = evaluate_with_defect(defect, clouds);
      EXPECT_FALSE(agreement(expected_loss(clouds, kFloat), wrong.value, wrong.gradient).holds());
    }
  EXPECT_THROW((void)benchmarks::evaluate_with_defect("no-such-defect", benchmarks::exact_clouds(2, 2, 2)), InputError);
}

TEST(BenchmarkAgreement, refuses_what_is_not_a_number_or_of_another_shape) {
  const Clouds clouds = benchmarks::exact_clouds(8, 2, 3);
  const auto expected = expected_loss(clouds, kFloat);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(agreement(expected, nan, expected.gradient).holds());
  EXPECT_FALSE(agreement(expected, std::numeric_limits<double>::infinity(), expected.gradient).holds());
  EXPECT_FALSE(agreement(expected, expected.value, expected.gradient.topRows(7)).holds());
  EXPECT_TRUE(agreement(expected, expected.value, {}).holds());
}

/// What makes a comparison on them sharp: products and sums of single precision, in any order, are those of double precision.
TEST(BenchmarkAgreement, exact_clouds_are_projected_exactly) {
  for (const Index d : {1, 2, 3, 64, 784}) {
    const Clouds clouds = benchmarks::exact_clouds(32, d, 20);
    EXPECT_EQ(clouds.y.cast<double>().colwise().sum().cwiseAbs().maxCoeff(), 0.0);
    const Points<double> wide = clouds.directions.cast<double>() * clouds.z.cast<double>().transpose();
    for (Index l = 0; l < clouds.count(); ++l)
      for (Index k = 0; k < clouds.n(); ++k) {
        float forward = 0.0F;
        float backward = 0.0F;
        for (Index j = 0; j < d; ++j) {
          forward += clouds.directions(l, j) * clouds.z(k, j);
          backward += clouds.directions(l, d - 1 - j) * clouds.z(k, d - 1 - j);
        }
        ASSERT_EQ(static_cast<double>(forward), wide(l, k)) << d;
        ASSERT_EQ(forward, backward) << d;
      }
  }
  EXPECT_THROW((void)benchmarks::exact_clouds(7, 2, 3), InputError);
}

}  // namespace
}  // namespace slicecheck::testing
