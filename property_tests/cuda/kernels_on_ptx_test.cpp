/// The shipped library end to end, host code and PTX, over a CUDA runtime that interprets the PTX embedded in its object files and checks every access: races,
/// bounds, reads of what nothing wrote, barriers that diverge. Outputs hold NaN before.

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <tuple>
#include <vector>

#include "cuda/fake_runtime/cuda_runtime_on_ptx.h"
#include "cuda/shipped_kernels.h"
#include "slicecheck/core/error.h"
#include "slicecheck/cuda/buffer.h"
#include "slicecheck/cuda/device.h"
#include "slicecheck/cuda/error.h"
#include "slicecheck/dynamics/cuda/cuda_scheme.h"
#include "slicecheck/loss/cuda/cuda_loss.h"
#include "slicecheck/loss/cuda/sliced_loss.h"
#include "slicecheck/loss/cuda/tiles.h"

namespace slicecheck::testing {
namespace {

using shipped::wrong_with_loss;
using shipped::wrong_with_step;

/// Each test starts on a fresh device.
class OnPtx : public ::testing::Test {
 protected:
  void SetUp() override { cuda_on_ptx::reset(); }
  void TearDown() override { cuda_on_ptx::reset(); }
};

/// (compute capability, points)
class Sizes : public OnPtx, public ::testing::WithParamInterface<std::tuple<int, std::ptrdiff_t>> {};

TEST_P(Sizes, right_and_without_a_fault) {
  const auto [architecture, n] = GetParam();
  cuda_on_ptx::choose_architecture(architecture);
  cuda_on_ptx::set_seed(static_cast<std::uint64_t>(n));
  EXPECT_EQ(wrong_with_loss({.n = n, .d = 2, .count = n > 600 ? 1 : 3, .seed = static_cast<std::uint64_t>(n), .ties = n % 2 == 0}), "");
}

std::vector<std::tuple<int, std::ptrdiff_t>> sizes() {
  std::vector<std::tuple<int, std::ptrdiff_t>> out;
  for (const std::ptrdiff_t n : shipped::points_around_tiles()) out.emplace_back(90, n);
  for (const int architecture : {75, 80})
    for (const std::ptrdiff_t n : {1, 31, 32, 33, 128, 129, 513, 1025, 2049, 4097}) out.emplace_back(architecture, n);
  return out;
}

INSTANTIATE_TEST_SUITE_P(Loss, Sizes, ::testing::ValuesIn(sizes()), [](const auto& size) {
  return "sm_" + std::to_string(std::get<0>(size.param)) + "_" + std::to_string(std::get<1>(size.param)) + "_points";
});

TEST_F(OnPtx, dimensions_around_tiles) {
  for (const std::ptrdiff_t d : {1, 3, 8, 9, 15, 16, 17, 63, 64, 65, 130}) EXPECT_EQ(wrong_with_loss({.n = 21, .d = d, .count = 2, .ties = true}), "");
}

TEST_F(OnPtx, directions_around_tiles_and_slabs) {
  for (const std::ptrdiff_t count : {1, 2, 15, 16, 17, 63, 64, 65, 129}) EXPECT_EQ(wrong_with_loss({.n = 5, .d = 2, .count = count}), "");
}

TEST_F(OnPtx, chunks_of_directions) {
  for (const std::ptrdiff_t bytes : {30'000, 9'000, 2'000}) EXPECT_EQ(wrong_with_loss({.n = 9, .d = 3, .count = 200, .working_bytes = bytes}), "") << bytes;
}

TEST_F(OnPtx, value_alone_leaves_the_gradient_alone) { EXPECT_EQ(wrong_with_loss({.n = 40, .d = 2, .count = 3, .gradient = false}), ""); }

TEST_F(OnPtx, a_common_offset_costs_nothing) { EXPECT_EQ(wrong_with_loss({.n = 70, .d = 12, .count = 3, .offset = 1e4}), ""); }

/// Whatever the order of threads and blocks, the same bits: the counts and the result may not depend on the seed of the scheduler.
TEST_F(OnPtx, the_order_of_threads_does_not_show) {
  const auto run = [](std::uint64_t seed) {
    cuda_on_ptx::set_seed(seed);
    const auto loss = make_cuda_loss(2.0);
    Points<float> z(150, 3);
    Points<float> y(150, 3);
    for (Index i = 0; i < z.size(); ++i) {
      z.data()[i] = static_cast<float>((i * 37) % 101) / 8.0F;
      y.data()[i] = static_cast<float>((i * 53) % 89) / 7.0F;
    }
    Points<float> directions(70, 3);
    for (Index i = 0; i < directions.size(); ++i) directions.data()[i] = static_cast<float>((i * 29) % 31 - 15) / 16.0F;
    return loss->evaluate(z, y, directions);
  };
  const LossGradient<float> first = run(1);
  for (std::uint64_t seed = 2; seed < 6; ++seed) {
    const LossGradient<float> other = run(seed);
    EXPECT_TRUE((other.gradient.array() == first.gradient.array()).all()) << seed;
    EXPECT_TRUE((other.per_direction.array() == first.per_direction.array()).all()) << seed;
  }
}

/// Beyond the largest tile: cub::DeviceSegmentedRadixSort, its host code included.
class BeyondTiles : public OnPtx, public ::testing::WithParamInterface<int> {};
TEST_P(BeyondTiles, right_and_without_a_fault) {
  cuda_on_ptx::choose_architecture(GetParam());
  EXPECT_EQ(wrong_with_loss({.n = cuda::kLargestTile + 1, .d = 2, .count = 1, .ties = true}), "");
}
INSTANTIATE_TEST_SUITE_P(Loss, BeyondTiles, ::testing::Values(75, 80, 90), [](const auto& a) { return "sm_" + std::to_string(a.param); });

class Steps : public OnPtx, public ::testing::WithParamInterface<int> {};
TEST_P(Steps, right_and_without_a_fault) {
  cuda_on_ptx::choose_architecture(GetParam());
  for (const std::ptrdiff_t size : {1, 2, 255, 256, 511, 512, 513, 3000}) {
    EXPECT_EQ(wrong_with_step({.size = size, .seed = static_cast<std::uint64_t>(size)}), "");
    EXPECT_EQ(wrong_with_step({.size = size, .noise = 0.0}), "");
    EXPECT_EQ(wrong_with_step({.size = size, .radius = 1e6}), "");
    EXPECT_EQ(wrong_with_step({.size = size, .radius = std::numeric_limits<double>::infinity(), .noise = 0.0}), "");
  }
}
INSTANTIATE_TEST_SUITE_P(Npsgd, Steps, ::testing::Values(75, 80, 90), [](const auto& a) { return "sm_" + std::to_string(a.param); });

/// More pairs than one round of the grid takes.
TEST_F(OnPtx, a_step_of_many_parameters) { EXPECT_EQ(wrong_with_step({.size = 2 * 1024 * 256 + 3}), ""); }

TEST_F(OnPtx, the_scheme_is_the_processors) {
  const auto scheme = make_cuda_npsgd(2.0, 0.5);
  const NoisedProjectedSgd<float> on_cpu(2.0, 0.5);
  Vector<float> u0 = Vector<float>::LinSpaced(301, -0.3F, 0.2F);
  const Vector<float> phi = Vector<float>::LinSpaced(301, 1.0F, -1.0F);
  State<float> device = scheme->start(u0);
  State<float> host = on_cpu.start(u0);
  for (std::uint64_t step = 0; step < 5; ++step) {
    const RandomStream noise(7, Purpose::noise, 0, step);
    scheme->advance(device, phi, 0.25, noise);
    on_cpu.advance(host, phi, 0.25, noise);
    // A normal of at most 6.5 (2^-53 is the smallest 1 − u) errs by 2^-20·(1 + 6.5); each step's error stays, the projection is 1-Lipschitz.
    const double allowed = static_cast<double>(step + 1) * (0.25 * 0.5 * 0x1p-20 * 9.6 + 8.0 * 0x1p-24);
    EXPECT_LE((device.u - host.u).cast<double>().lpNorm<Eigen::Infinity>(), allowed * 2.0) << step;
    EXPECT_EQ(device.step, host.step);
    EXPECT_LE(device.u.cast<double>().norm(), 2.0 * (1.0 + 0x1p-22));
  }
}

TEST_F(OnPtx, without_a_device_the_sentence_says_why) {
  cuda_on_ptx::set_devices(0);
  EXPECT_TRUE(cuda::devices().devices.empty());
  EXPECT_NE(cuda::devices().why_none.find("cudaErrorNoDevice"), std::string::npos) << cuda::devices().why_none;
  EXPECT_THROW(make_cuda_loss(2.0), InputError);
  EXPECT_THROW(make_cuda_npsgd(1.0, 1.0), InputError);
  EXPECT_EQ(cuda::choose_device("auto").where, cuda::Where::cpu);
  EXPECT_THROW(cuda::choose_device("cuda"), InputError);
  EXPECT_THROW(cuda::choose_device("gpu"), InputError);
}

TEST_F(OnPtx, with_a_device_auto_takes_it) {
  for (const int architecture : {75, 80, 90}) {
    cuda_on_ptx::choose_architecture(architecture);
    const cuda::Choice choice = cuda::choose_device("auto");
    EXPECT_EQ(choice.where, cuda::Where::cuda);
    EXPECT_NE(choice.sentence.find("compute capability " + std::to_string(architecture / 10)), std::string::npos) << choice.sentence;
  }
}

TEST_F(OnPtx, too_little_memory_is_said_and_survived) {
  cuda_on_ptx::set_total_memory(100'000);
  const auto loss = make_cuda_loss(2.0);
  const Points<float> z = Points<float>::Random(200, 2);
  const Points<float> directions = Points<float>::Ones(100, 2);
  try {
    (void)loss->evaluate(z, z, directions);
    FAIL() << "100 kB are too little";
  } catch (const cuda::CudaError& error) {
    EXPECT_NE(std::string(error.what()).find("bytes of device memory"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("cudaErrorMemoryAllocation"), std::string::npos) << error.what();
  }
  cuda_on_ptx::set_total_memory(std::size_t{1} << 30);
  EXPECT_EQ(loss->evaluate(z, z, directions.topRows(1)).value, 0.0);
}

TEST_F(OnPtx, memory_is_given_back) {
  const std::size_t before = cuda_on_ptx::allocated_bytes();
  {
    const auto loss = make_cuda_loss(2.0);
    (void)loss->evaluate(Points<float>::Ones(3, 2), Points<float>::Ones(3, 2), Points<float>::Ones(1, 2));
    EXPECT_GT(cuda_on_ptx::allocated_bytes(), before);
  }
  EXPECT_EQ(cuda_on_ptx::allocated_bytes(), before);
}

TEST_F(OnPtx, sizes_that_no_kernel_indexes_are_refused) {
  cuda::SlicedLoss loss;
  const auto evaluate = [&](Index n, Index d, Index count) { loss.evaluate(nullptr, nullptr, nullptr, n, d, count, nullptr, nullptr, nullptr); };
  EXPECT_THROW(evaluate(0, 2, 1), InputError);
  EXPECT_THROW(evaluate(5, 0, 1), InputError);
  EXPECT_THROW(evaluate(5, 2, 0), InputError);
  EXPECT_THROW(evaluate(Index{1} << 31, 2, 1), InputError);
  EXPECT_THROW(evaluate(5, Index{1} << 31, 1), InputError);
  EXPECT_THROW(evaluate(5, 2, Index{1} << 31), InputError);
  EXPECT_TRUE(cuda_on_ptx::launches().empty());
}

TEST_F(OnPtx, every_kernel_is_there_for_every_architecture) {
  for (const int architecture : {75, 80, 90}) {
    cuda_on_ptx::choose_architecture(architecture);
    std::size_t ours = 0;
    for (const auto& kernel : cuda_on_ptx::kernels()) {
      EXPECT_EQ(kernel.architecture, architecture) << kernel.name;
      ours += kernel.name.find("10slicecheck4cuda") != std::string::npos ? 1 : 0;
    }
    // project, 7 tiles of sort_gap, number_points, long_gap, add_partials, 2 sum_slab, add_slabs, npsgd_move, npsgd_project
    EXPECT_EQ(ours, 16U) << architecture;
  }
}

}  // namespace
}  // namespace slicecheck::testing
