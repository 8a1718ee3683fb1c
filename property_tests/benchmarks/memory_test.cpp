/// Peak memory of the cpu loss, counted byte by byte: it depends on n and on the threads, not on the number of directions.

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <functional>
#include <memory>
#include <vector>

#include "benchmarks/agreement.h"
#include "benchmarks/allocation_count.h"
#include "slicecheck/loss/cpu_loss.h"
#include "support/process.h"

namespace slicecheck::testing {
namespace {

using benchmarks::AllocationCount;
using benchmarks::Clouds;

/// Bytes at most at one time beyond the arguments and the result, of the first evaluation of a new loss.
template <class Loss>
std::int64_t peak_beyond(Index n, Index d, Index count, int threads) {
  const ScopedThreads scope(threads);
  const Clouds clouds = benchmarks::random_clouds(n, d, count);
  benchmarks::start_counting_allocations();
  std::int64_t result = 0;
  {
    const Loss loss;
    const auto out = loss.evaluate(clouds.z, clouds.y, clouds.directions);
    result = out.gradient.size() * static_cast<Index>(sizeof(float)) + out.per_direction.size() * static_cast<Index>(sizeof(double));
  }
  return benchmarks::stop_counting_allocations().peak - result;
}

/// What must not be: all projections at once.
struct AllAtOnce {
  [[nodiscard]] static LossGradient<float> evaluate(const Points<float>& z, const Points<float>& y, const Points<float>& directions) {
    const Points<float> projected = directions * (z - y).transpose();
    return {projected.squaredNorm(), projected.rowwise().squaredNorm().cast<double>(), projected.transpose() * directions};
  }
};

/// A few kibibytes for what the C++ library and OpenMP allocate, rounding of blocks included.
constexpr std::int64_t kSmall = 16 * 1024;

TEST(Memory, of_the_cpu_loss_does_not_grow_with_the_directions) {
  for (const Index d : {2, 64}) {
    const std::int64_t few = peak_beyond<CpuLoss<float>>(256, d, 1'000, 1);
    const std::int64_t many = peak_beyond<CpuLoss<float>>(256, d, 10'000, 1);
    EXPECT_GT(few, 0);
    EXPECT_LE(many, few + 8 * 9'000 + kSmall) << "d = " << d << ": at most one more number for each direction";
  }
}

/// A second thread may come too late for any work, and then asks for no room: what one thread needs is allowed on top.
TEST(Memory, does_not_grow_with_the_directions_on_two_threads) {
  (void)peak_beyond<CpuLoss<float>>(64, 2, 640, 2);  // the threads start
  for (const Index d : {2, 64}) {
    const std::int64_t few = peak_beyond<CpuLoss<float>>(256, d, 10'000, 2);
    const std::int64_t many = peak_beyond<CpuLoss<float>>(256, d, 100'000, 2);
    EXPECT_LE(many, few + 8 * 90'000 + peak_beyond<CpuLoss<float>>(256, d, 10'000, 1) + kSmall) << "d = " << d;
  }
}

/// Two threads have two rooms to work in, and some sums of groups that wait for one another.
TEST(Memory, is_proportional_to_the_points_and_to_the_threads) {
  const std::int64_t base = peak_beyond<CpuLoss<float>>(1024, 2, 1'000, 1);
  EXPECT_LE(peak_beyond<CpuLoss<float>>(4096, 2, 1'000, 1), 4 * base + kSmall);
  (void)peak_beyond<CpuLoss<float>>(64, 2, 640, 2);
  EXPECT_LE(peak_beyond<CpuLoss<float>>(1024, 2, 1'000, 2), 3 * base);
}

/// The measurement notices a loss that keeps every projection.
TEST(Memory, of_all_projections_at_once_is_seen) {
  const std::int64_t few = peak_beyond<AllAtOnce>(256, 2, 1'000, 1);
  const std::int64_t many = peak_beyond<AllAtOnce>(256, 2, 10'000, 1);
  EXPECT_GE(many - few, 256 * 9'000 * 4);
}

TEST(Memory, of_later_evaluations_is_that_of_the_first) {
  const ScopedThreads scope(1);
  const Clouds clouds = benchmarks::random_clouds(256, 2, 1000);
  const CpuLoss<float> loss;
  LossGradient<float> out;
  loss.evaluate_into(clouds.z, clouds.y, clouds.directions, out);
  benchmarks::start_counting_allocations();
  loss.evaluate_into(clouds.z, clouds.y, clouds.directions, out);
  EXPECT_EQ(benchmarks::stop_counting_allocations().allocations, 0);
}

/// Whatever asks for memory is counted.
TEST(Memory, counter_sees_every_way_to_allocate) {
  const std::array<std::function<std::shared_ptr<void>()>, 5> ways{
      [] { return std::make_shared<std::vector<char>>(1'000'000); },
      [] { return std::make_shared<Points<float>>(500, 500); },
      [] { return std::shared_ptr<void>(std::malloc(1'000'000), std::free); },
      [] { return std::shared_ptr<void>(std::aligned_alloc(64, 1'000'000 / 64 * 64), std::free); },
      [] { return std::shared_ptr<void>(std::realloc(std::calloc(1'000, 10), 1'000'000), std::free); },
  };
  for (const auto& way : ways) {
    benchmarks::start_counting_allocations();
    (void)way();
    const AllocationCount count = benchmarks::stop_counting_allocations();
    EXPECT_GE(count.peak, 999'000);
    EXPECT_LE(count.peak, 1'100'000);
    EXPECT_EQ(count.live, 0);
    EXPECT_GE(count.allocations, 1);
  }
}

}  // namespace
}  // namespace slicecheck::testing
