/// The fibres: what a kernel may rely on holds, and what CUDA leaves undefined is refused with a sentence that names the line.

#include "fibres.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "cuda_on_host.h"

namespace slicecheck::testing {
namespace {

using cuda_on_host::block_shared;
using cuda_on_host::dynamic_shared;
using cuda_on_host::KernelFault;
using cuda_on_host::launch;
using cuda_on_host::Place;

constexpr unsigned kAll = 0xFFFF'FFFFU;

/// The sentence of the fault of a kernel, empty without one.
std::string fault_of(unsigned threads, const std::function<void()>& kernel) {
  try {
    launch(dim3(2), dim3(threads), 0, kernel);
  } catch (const KernelFault& fault) {
    return fault.what();
  }
  return "";
}

constexpr Place kHere{"folder/kernel.cu", 12};
constexpr Place kThere{"folder/kernel.cu", 34};

void expect_fault(const std::string& fault, const std::string& words) {
  EXPECT_NE(fault.find(words), std::string::npos) << fault;
  EXPECT_NE(fault.find(" kernel.cu:12"), std::string::npos) << fault;
  EXPECT_NE(fault.find("(block "), std::string::npos) << fault;
}

TEST(Fibres, every_thread_of_every_block_runs_once) {
  const dim3 grid(3, 2, 2);
  const dim3 block(5, 4, 3);
  std::vector<int> runs(12 * 60);
  launch(grid, block, 0, [&] {
    EXPECT_EQ(gridDim.x, 3U);
    EXPECT_EQ(blockDim.z, 3U);
    const unsigned in_block = threadIdx.x + 5 * (threadIdx.y + 4 * threadIdx.z);
    const unsigned in_grid = blockIdx.x + 3 * (blockIdx.y + 2 * blockIdx.z);
    ++runs[60 * in_grid + in_block];
    __syncthreads();
    ++runs[60 * in_grid + in_block];
  });
  EXPECT_EQ(std::count(runs.begin(), runs.end(), 2), 12 * 60);
}

TEST(Fibres, arguments_are_each_threads_own) {
  std::vector<unsigned> seen(64);
  const auto kernel = +[](unsigned value, unsigned* out) {
    value += threadIdx.x;
    __syncthreads();
    out[threadIdx.x] = value;
  };
  EXPECT_EQ(cuda_on_host::launch_kernel(kernel, dim3(1), dim3(64), 0, 100, seen.data()), cudaSuccess);
  for (unsigned i = 0; i < 64; ++i) EXPECT_EQ(seen[i], 100 + i);
}

TEST(Fibres, a_barrier_separates_writes_from_reads) {
  constexpr unsigned n = 100;
  int wrong = 0;
  launch(dim3(20), dim3(n), n * sizeof(unsigned), [&] {
    auto* shared = dynamic_shared<unsigned>();
    for (unsigned round = 0; round < 5; ++round) {
      shared[threadIdx.x] = round + threadIdx.x;
      __syncthreads();
      wrong += shared[n - 1 - threadIdx.x] == round + n - 1 - threadIdx.x ? 0 : 1;
      __syncthreads();
    }
  });
  EXPECT_EQ(wrong, 0);
}

/// Even without a sanitizer a missing barrier shows: half of the threads read NaN, whichever order they run in.
TEST(Fibres, a_missing_barrier_shows) {
  constexpr unsigned n = 64;
  int unwritten = 0;
  launch(dim3(1), dim3(n), n * sizeof(float), [&] {
    auto* shared = dynamic_shared<float>();
    shared[threadIdx.x] = 1.0F;
    unwritten += std::isnan(shared[n - 1 - threadIdx.x]) ? 1 : 0;
  });
  EXPECT_EQ(unwritten, 32);
}

/// The line of a fault is the line of the call in the kernel.
TEST(Fibres, a_fault_names_its_line) {
  int line = 0;
  const std::string fault = fault_of(64, [&] {
    if (threadIdx.x == 5) return;
    line = __LINE__ + 1;
    __syncthreads();
  });
  EXPECT_NE(fault.find("fibres_test.cpp:" + std::to_string(line)), std::string::npos) << fault;
}

TEST(Fibres, faults_of_the_block) {
  const auto one_stays_away = [] {
    if (threadIdx.x != 5) __syncthreads(kHere);
  };
  expect_fault(fault_of(64, one_stays_away), "some threads never reach a barrier of the block: 63 of 64 wait");
  const auto two_barriers = [] { __syncthreads(threadIdx.x < 32 ? kHere : kThere); };
  expect_fault(fault_of(64, two_barriers), "threads wait at different barriers");
  const auto one_comes_less_often = [] {
    for (unsigned i = 0; i < (threadIdx.x == 63 ? 2U : 3U); ++i) __syncthreads(kHere);
  };
  expect_fault(fault_of(64, one_comes_less_often), "some threads never reach a barrier of the block: 63 of 64 wait");
}

TEST(Fibres, faults_of_the_warp) {
  expect_fault(fault_of(32, [] { __syncwarp(threadIdx.x == 7 ? 0xFFFF'FF7FU : kAll, kHere); }), "");
  expect_fault(fault_of(32, [] { __syncwarp(0xFFFF'FF7FU, kHere); }), "lane 7 is outside its own mask");
  expect_fault(fault_of(20, [] { __syncwarp(kAll, kHere); }), "the mask names lanes that do not exist");
  const auto source_outside = [] {
    if (threadIdx.x < 16) __shfl_sync(0x0000'FFFFU, 1.0F, 16, 32, kHere);
  };
  expect_fault(fault_of(32, source_outside), "a shuffle from lane 16, which is outside the mask");
  const auto one_ends = [] {
    if (threadIdx.x != 40) __ballot_sync(kAll, 1, kHere);
  };
  expect_fault(fault_of(64, one_ends), "lanes 0x00000100 have ended");
  const auto one_waits_for_the_block = [] {
    if (threadIdx.x == 3) __syncthreads();
    __any_sync(kAll, 1, kHere);
  };
  expect_fault(fault_of(32, one_waits_for_the_block), "lanes 0x00000008 wait at a barrier of the block");
  const auto two_shuffles = [] { __shfl_sync(kAll, 1.0F, 0, 32, threadIdx.x < 16 ? kHere : kThere); };
  expect_fault(fault_of(32, two_shuffles), "lanes meet at different warp operations");
  const auto shuffle_and_vote = [] {
    if (threadIdx.x < 16)
      __shfl_sync(kAll, 1.0F, 0, 32, kHere);
    else
      __any_sync(kAll, 1, kHere);
  };
  expect_fault(fault_of(32, shuffle_and_vote), "lanes meet at different warp operations");
  // Lane 15 waits for all, and lanes 16, …, 31 wait for lane 15.
  const auto masks_that_cross = [] { __syncwarp(threadIdx.x < 16 ? kAll : 0xFFFF'8000U, kHere); };
  expect_fault(fault_of(32, masks_that_cross), "wait for other lanes of their own masks");
}

TEST(Fibres, a_kernel_runs_after_a_fault) {
  for (int time = 0; time < 3; ++time) {
    EXPECT_NE(fault_of(96,
                       [] {
                         if (threadIdx.x != 70) __syncwarp();
                       }),
              "");
    EXPECT_EQ(fault_of(96, [] { __syncwarp(); }), "");
    EXPECT_EQ(fault_of(33, [] { __syncthreads(); }), "");
  }
}

TEST(Fibres, an_exception_ends_the_grid) {
  int after = 0;
  const auto kernel = [&] {
    __syncthreads();
    if (threadIdx.x == 9) throw std::runtime_error("from a thread");
    __syncthreads();
    ++after;
  };
  EXPECT_THROW(launch(dim3(4), dim3(40), 0, kernel), std::runtime_error);
  EXPECT_EQ(after, 0);
  EXPECT_EQ(fault_of(40, [] { __syncthreads(); }), "");
}

TEST(Fibres, shuffles_follow_the_formula) {
  for (const int width : {2, 8, 32}) {
    for (const unsigned distance : {0U, 1U, 3U, 16U, 31U}) {
      int wrong = 0;
      launch(dim3(1), dim3(64), 0, [&] {
        const unsigned lane = threadIdx.x % 32;
        const unsigned base = threadIdx.x - lane;
        const unsigned group = lane / static_cast<unsigned>(width) * static_cast<unsigned>(width);
        const unsigned inside = lane - group;
        const double mine = 0.5 + threadIdx.x;
        const auto from = [&](unsigned other) { return 0.5 + (base + other); };
        const double index = __shfl_sync(kAll, mine, static_cast<int>(distance), width);
        const double up = __shfl_up_sync(kAll, mine, distance, width);
        const double down = __shfl_down_sync(kAll, mine, distance, width);
        const unsigned partner = lane ^ distance;
        const double crossed = __shfl_xor_sync(kAll, mine, static_cast<int>(distance), width);
        wrong += index == from(group + distance % static_cast<unsigned>(width)) ? 0 : 1;
        wrong += up == from(inside >= distance ? lane - distance : lane) ? 0 : 1;
        wrong += down == from(inside + distance < static_cast<unsigned>(width) ? lane + distance : lane) ? 0 : 1;
        wrong += crossed == from(partner < group + static_cast<unsigned>(width) ? partner : lane) ? 0 : 1;
      });
      EXPECT_EQ(wrong, 0) << "width " << width << ", distance " << distance;
    }
  }
}

TEST(Fibres, votes_count_the_lanes_of_the_mask) {
  int wrong = 0;
  launch(dim3(1), dim3(64), 0, [&] {
    const unsigned lane = threadIdx.x % 32;
    const bool even = lane % 2 == 0;
    // The two halves of each warp vote on their own.
    const unsigned mask = lane < 12 ? 0x0000'0FFFU : 0xFFFF'F000U;
    wrong += __ballot_sync(mask, even ? 1 : 0) == (0x5555'5555U & mask) ? 0 : 1;
    wrong += __any_sync(mask, lane == 11 ? 1 : 0) == (lane < 12 ? 1 : 0) ? 0 : 1;
    wrong += __all_sync(mask, lane < 12 ? 1 : 0) == (lane < 12 ? 1 : 0) ? 0 : 1;
    wrong += __match_any_sync(mask, lane % 4) == ((0x1111'1111U << lane % 4) & mask) ? 0 : 1;
    wrong += __ballot_sync(kAll, 1) == kAll ? 0 : 1;
    wrong += __syncthreads_count(lane < 3 ? 1 : 0) == 6 ? 0 : 1;
    wrong += __syncthreads_or(threadIdx.x == 50 ? 1 : 0) == 1 ? 0 : 1;
    wrong += __syncthreads_or(0) == 0 ? 0 : 1;
    wrong += __syncthreads_and(threadIdx.x != 50 ? 1 : 0) == 0 ? 0 : 1;
    wrong += __syncthreads_and(1) == 1 ? 0 : 1;
  });
  EXPECT_EQ(wrong, 0);
}

/// Lanes of one half go through more operations than those of the other before both meet again.
TEST(Fibres, masks_of_different_pace) {
  int wrong = 0;
  launch(dim3(10), dim3(32), 0, [&] {
    const unsigned lane = threadIdx.x;
    unsigned value = lane;
    if (lane < 16)
      for (int time = 0; time < 3; ++time) value = __shfl_xor_sync(0x0000'FFFFU, value, 1);
    value = __shfl_xor_sync(kAll, value, 16);
    wrong += value == (lane < 16 ? lane + 16 : (lane - 16) ^ 1U) ? 0 : 1;
  });
  EXPECT_EQ(wrong, 0);
}

struct Tiles {
  float a[33];
  double b[7];
};

template <int Tag>
struct Tagged {
  float value[4];
};

TEST(Fibres, shared_memory_is_undefined_at_the_start_of_a_block) {
  int defined = 0;
  int different = 0;
  launch(dim3(4), dim3(32), 33 * sizeof(float), [&] {
    auto* shared = dynamic_shared<float>();
    Tiles& tiles = block_shared<Tiles>();
    float* first = block_shared<Tagged<1>>().value;
    float* second = block_shared<Tagged<2>>().value;
    different += first != second && &tiles == &block_shared<Tiles>() ? 0 : 1;
    defined += std::isnan(shared[threadIdx.x]) && std::isnan(tiles.a[threadIdx.x]) && std::isnan(tiles.b[threadIdx.x % 7]) ? 0 : 1;
    __syncthreads();
    shared[threadIdx.x] = tiles.a[threadIdx.x] = first[threadIdx.x % 4] = second[threadIdx.x % 4] = 1.0F;
    tiles.b[threadIdx.x % 7] = 1.0;
  });
  EXPECT_EQ(defined, 0);
  EXPECT_EQ(different, 0);
}

/// The order in which the threads of a block begin, and go on after a barrier.
std::vector<unsigned> order_of_threads(std::uint64_t seed) {
  cuda_on_host::set_order_seed(seed);
  std::vector<unsigned> order;
  launch(dim3(1), dim3(96), 0, [&] {
    order.push_back(threadIdx.x);
    __syncthreads();
    order.push_back(threadIdx.x);
  });
  cuda_on_host::set_order_seed(1);
  return order;
}

TEST(Fibres, the_order_is_random_and_a_function_of_the_seed) {
  const std::vector<unsigned> order = order_of_threads(5);
  ASSERT_EQ(order.size(), 192U);
  EXPECT_EQ(order, order_of_threads(5));
  std::set<std::vector<unsigned>> rounds;
  for (const std::uint64_t seed : {5, 6, 7}) {
    const std::vector<unsigned> both = order_of_threads(seed);
    rounds.insert({both.begin(), both.begin() + 96});
    rounds.insert({both.begin() + 96, both.end()});
  }
  EXPECT_EQ(rounds.size(), 6U);  // one in 96! agrees by chance
}

TEST(Fibres, host_threads_launch_at_the_same_time) {
  std::vector<int> wrong(4);
  std::vector<std::thread> threads;
  for (int& mine : wrong)
    threads.emplace_back([&mine] {
      for (int time = 0; time < 50; ++time)
        launch(dim3(2), dim3(64), 64 * sizeof(unsigned), [&] {
          auto* shared = dynamic_shared<unsigned>();
          shared[threadIdx.x] = threadIdx.x + blockIdx.x;
          __syncthreads();
          mine += __shfl_xor_sync(kAll, shared[63 - threadIdx.x], 1) == 63 - (threadIdx.x ^ 1U) + blockIdx.x ? 0 : 1;
        });
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(4));
}

TEST(Fibres, shapes_that_no_device_takes) {
  const auto nothing = [] {};
  EXPECT_EQ(launch(dim3(1), dim3(1024), 227 << 10, nothing), cudaSuccess);
  EXPECT_EQ(launch(dim3(1), dim3(1025), 0, nothing), cudaErrorInvalidConfiguration);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidConfiguration);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  EXPECT_EQ(launch(dim3(1), dim3(32), (227 << 10) + 1, nothing), cudaErrorInvalidConfiguration);
  EXPECT_EQ(launch(dim3(0), dim3(32), 0, nothing), cudaErrorInvalidConfiguration);
  EXPECT_EQ(launch(dim3(1, 65'536), dim3(32), 0, nothing), cudaErrorInvalidConfiguration);
  EXPECT_THROW(launch(dim3(1), dim3(1), 0, [&] { launch(dim3(1), dim3(1), 0, nothing); }), KernelFault);
  cudaGetLastError();
}

}  // namespace
}  // namespace slicecheck::testing
