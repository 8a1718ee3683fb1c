// The runtime over the PTX machine: what a product's host code sees.
#include "cuda/fake_runtime/cuda_runtime_on_ptx.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <functional>
#include <numeric>
#include <stdexcept>
#include <vector>

#include "cuda/fake_runtime/toys.h"

namespace {

constexpr std::size_t without_opt_in = 49152;  ///< bytes of shared memory

/// Device memory that is freed again.
template <class T>
class OnDevice {
 public:
  explicit OnDevice(std::size_t count) : count_(count) { EXPECT_EQ(cudaMalloc(reinterpret_cast<void**>(&data_), count * sizeof(T)), cudaSuccess); }
  explicit OnDevice(const std::vector<T>& values) : OnDevice(values.size()) {
    EXPECT_EQ(cudaMemcpy(data_, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice), cudaSuccess);
  }
  ~OnDevice() { EXPECT_EQ(cudaFree(data_), cudaSuccess); }
  OnDevice(const OnDevice&) = delete;
  OnDevice& operator=(const OnDevice&) = delete;

  [[nodiscard]] T* get() const { return data_; }
  [[nodiscard]] std::vector<T> values() const {
    std::vector<T> out(count_);
    EXPECT_EQ(cudaMemcpy(out.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost), cudaSuccess);
    return out;
  }

 private:
  T* data_ = nullptr;
  std::size_t count_;
};

class CudaOnPtx : public ::testing::Test {
 protected:
  void SetUp() override { cuda_on_ptx::reset(); }
  void TearDown() override {
    EXPECT_EQ(cuda_on_ptx::allocations(), 0U) << "device memory that nobody freed";
    cudaGetLastError();
  }
};

/// What the function throws; "passed" if nothing.
template <class Function>
std::pair<ptx::Check, std::string> fault(Function function) {
  try {
    function();
  } catch (const cuda_on_ptx::KernelFault& caught) {
    return {caught.check, caught.what()};
  }
  return {ptx::Check::unsupported, "passed"};
}

int attribute(cudaDeviceAttr which) {
  int value = -1;
  EXPECT_EQ(cudaDeviceGetAttribute(&value, which, 0), cudaSuccess);
  return value;
}

TEST_F(CudaOnPtx, a_kernel_runs_and_is_recorded) {
  const OnDevice<float> x(std::vector<float>{1, 2, 3, 4, 5});
  const OnDevice<float> y(std::vector<float>{10, 20, 30, 40, 50});
  ASSERT_EQ(toys::axpy(2, x.get(), y.get(), 5, 4, nullptr), cudaSuccess);
  EXPECT_EQ(y.values(), (std::vector<float>{12, 24, 36, 48, 60}));
  ASSERT_EQ(cuda_on_ptx::launches().size(), 1U);
  const cuda_on_ptx::LaunchRecord& launch = cuda_on_ptx::launches()[0];
  EXPECT_NE(launch.kernel.find("axpy_kernel"), std::string::npos);
  EXPECT_EQ(launch.grid, (ptx::Dimensions{2, 1, 1}));
  EXPECT_EQ(launch.block, (ptx::Dimensions{4, 1, 1}));
  const ptx::Counters counted = cuda_on_ptx::counters().at(launch.kernel);
  EXPECT_EQ(counted.launches, 1U);
  EXPECT_EQ(counted.blocks, 2U);
  EXPECT_EQ(counted.global_bytes, 3U * 5 * 4);
  cuda_on_ptx::reset_counters();
  cuda_on_ptx::forget_launches();
  EXPECT_TRUE(cuda_on_ptx::counters().empty());
  EXPECT_TRUE(cuda_on_ptx::launches().empty());
}

TEST_F(CudaOnPtx, faults_of_kernels_are_thrown_and_kept) {
  const OnDevice<float> out(1);
  const auto [check, message] = fault([&] { toys::race(out.get()); });
  EXPECT_EQ(check, ptx::Check::race) << message;
  EXPECT_NE(message.find("race_kernel"), std::string::npos);
  EXPECT_EQ(cuda_on_ptx::last_fault(), message);
  EXPECT_TRUE(cuda_on_ptx::counters().empty());
  EXPECT_EQ(toys::bounded(out.get(), 1), cudaSuccess) << "a kernel runs after a fault";
}

TEST_F(CudaOnPtx, a_missing_copy_is_found) {
  const OnDevice<float> x(5);
  const OnDevice<float> y(std::vector<float>(5, 1));
  EXPECT_EQ(fault([&] { toys::axpy(2, x.get(), y.get(), 5, 32, nullptr); }).first, ptx::Check::unwritten);
  std::vector<float> host(5);
  const auto copy = [&] { return cudaMemcpy(host.data(), x.get(), 20, cudaMemcpyDeviceToHost); };
  EXPECT_EQ(fault([&] { copy(); }).first, ptx::Check::unwritten);
  EXPECT_EQ(cudaMemset(x.get(), 0, 16), cudaSuccess);
  EXPECT_EQ(fault([&] { copy(); }).first, ptx::Check::unwritten) << "the last word";
  EXPECT_EQ(cudaMemset(x.get(), 0, 20), cudaSuccess);
  EXPECT_EQ(copy(), cudaSuccess);
}

TEST_F(CudaOnPtx, host_memory_given_to_a_kernel_is_found) {
  std::vector<float> x(5, 1);
  const OnDevice<float> y(std::vector<float>(5, 1));
  EXPECT_EQ(fault([&] { toys::axpy(2, x.data(), y.get(), 5, 32, nullptr); }).first, ptx::Check::bounds);
}

TEST_F(CudaOnPtx, shared_memory_above_48_kilobytes_needs_the_opt_in) {
  const OnDevice<float> in(std::vector<float>(32, 1));
  const OnDevice<float> out(32);
  EXPECT_EQ(toys::sum_in_shared(in.get(), out.get(), without_opt_in, false), cudaSuccess);
  EXPECT_EQ(out.values(), std::vector<float>(32, 32));
  EXPECT_EQ(toys::sum_in_shared(in.get(), out.get(), without_opt_in + 4, false), cudaErrorInvalidValue);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidValue);
  EXPECT_EQ(toys::sum_in_shared(in.get(), out.get(), without_opt_in + 4, true), cudaSuccess);
  EXPECT_EQ(toys::sum_in_shared(in.get(), out.get(), without_opt_in + 4, false), cudaSuccess) << "the opt-in stays";
  EXPECT_EQ(toys::sum_in_shared(in.get(), out.get(), without_opt_in + 8, false), cudaErrorInvalidValue);
}

TEST_F(CudaOnPtx, the_opt_in_has_the_limit_of_the_device) {
  const OnDevice<float> in(std::vector<float>(32, 1));
  const OnDevice<float> out(32);
  for (const auto& [architecture, limit] : std::vector<std::pair<int, int>>{{75, 65536}, {80, 166912}, {90, 232448}}) {
    cuda_on_ptx::choose_architecture(architecture);
    EXPECT_EQ(attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin), limit);
    EXPECT_EQ(attribute(cudaDevAttrComputeCapabilityMajor) * 10 + attribute(cudaDevAttrComputeCapabilityMinor), architecture);
    cudaDeviceProp properties;
    EXPECT_EQ(cudaGetDeviceProperties(&properties, 0), cudaSuccess);
    EXPECT_EQ(properties.sharedMemPerBlockOptin, static_cast<std::size_t>(limit));
    EXPECT_EQ(properties.major * 10 + properties.minor, architecture);
    EXPECT_EQ(toys::sum_in_shared(in.get(), out.get(), static_cast<std::size_t>(limit) + 4, true), cudaErrorInvalidValue);
    EXPECT_EQ(toys::sum_in_shared(in.get(), out.get(), static_cast<std::size_t>(limit), true), cudaSuccess);
  }
  EXPECT_THROW(cuda_on_ptx::choose_architecture(76), std::invalid_argument);
}

TEST_F(CudaOnPtx, static_shared_memory_counts) {
  cudaFuncAttributes attributes;
  ASSERT_EQ(cudaFuncGetAttributes(&attributes, toys::static_kernel()), cudaSuccess);
  EXPECT_EQ(attributes.sharedSizeBytes, 16384U);
  EXPECT_EQ(attributes.maxDynamicSharedSizeBytes, int{without_opt_in} - 16384);
  EXPECT_EQ(cudaFuncSetAttribute(toys::static_kernel(), cudaFuncAttributeMaxDynamicSharedMemorySize, 232448 - 16384), cudaSuccess);
  EXPECT_EQ(cudaFuncSetAttribute(toys::static_kernel(), cudaFuncAttributeMaxDynamicSharedMemorySize, 232448 - 16380), cudaErrorInvalidValue);
  ASSERT_EQ(cudaFuncGetAttributes(&attributes, toys::static_kernel()), cudaSuccess);
  EXPECT_EQ(attributes.maxDynamicSharedSizeBytes, 232448 - 16384);
  int blocks = 0;
  EXPECT_EQ(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, toys::static_kernel(), 1024, 0), cudaSuccess);
  EXPECT_EQ(blocks, 2) << "threads";
  EXPECT_EQ(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, toys::static_kernel(), 32, 0), cudaSuccess);
  EXPECT_EQ(blocks, 233472 / (16384 + 1024)) << "shared memory";
}

TEST_F(CudaOnPtx, launches_of_a_wrong_shape_are_refused) {
  const OnDevice<float> out(2048);
  const OnDevice<float> x(std::vector<float>(2048, 1));
  EXPECT_EQ(toys::axpy(1, x.get(), out.get(), 2048, 1025, nullptr), cudaErrorInvalidConfiguration);
  EXPECT_EQ(toys::axpy(1, x.get(), out.get(), 0, 32, nullptr), cudaErrorInvalidConfiguration) << "no blocks";
  EXPECT_EQ(toys::bounded(out.get(), 64), cudaSuccess);
  EXPECT_EQ(toys::bounded(out.get(), 65), cudaErrorLaunchOutOfResources) << "__launch_bounds__(64)";
  int host = 0;
  EXPECT_EQ(cudaLaunchKernel(&host, dim3(1), dim3(1), nullptr, 0, nullptr), cudaErrorInvalidDeviceFunction);
  EXPECT_EQ(cuda_on_ptx::launches().size(), 1U);
}

TEST_F(CudaOnPtx, the_newest_code_that_the_device_can_run_is_chosen) {
  const OnDevice<int> out(1);
  for (const auto& [device, code] : std::vector<std::pair<int, int>>{{75, 750}, {80, 750}, {90, 900}}) {
    cuda_on_ptx::choose_architecture(device);
    ASSERT_EQ(toys::architecture(out.get()), cudaSuccess);
    EXPECT_EQ(out.values(), std::vector<int>{code}) << "device " << device;
  }
}

TEST_F(CudaOnPtx, kernels_are_listed_with_hashes) {
  const auto find = [](const std::string& part) {
    const std::vector<cuda_on_ptx::KernelRecord> all = cuda_on_ptx::kernels();
    const auto found = std::find_if(all.begin(), all.end(), [&](const auto& kernel) { return kernel.name.find(part) != std::string::npos; });
    EXPECT_NE(found, all.end());
    return *found;
  };
  const cuda_on_ptx::KernelRecord newest = find("architecture_kernel");
  EXPECT_EQ(newest.architecture, 90);
  cuda_on_ptx::choose_architecture(75);
  const cuda_on_ptx::KernelRecord oldest = find("architecture_kernel");
  EXPECT_EQ(oldest.architecture, 75);
  EXPECT_NE(newest.hash, oldest.hash) << "it stores another number";
  EXPECT_EQ(find("architecture_kernel").hash, oldest.hash);
  EXPECT_NE(find("axpy_kernel").hash, find("race_kernel").hash);
}

TEST_F(CudaOnPtx, segmented_radix_sort_of_cub_is_right) {
  constexpr std::size_t n = 3000;
  constexpr std::size_t rows = 3;
  std::vector<float> keys(n * rows);
  std::vector<int> values(n * rows);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    keys[i] = static_cast<float>(i * i * 7919 % 1009) / 16 - 30;  // with ties
    values[i] = static_cast<int>(i % n);
  }
  const std::vector<int> offsets{0, 3000, 6000, 9000};
  for (const int architecture : {75, 90}) {
    cuda_on_ptx::choose_architecture(architecture);
    const OnDevice<float> from(keys);
    const OnDevice<float> to(keys.size());
    const OnDevice<int> from_values(values);
    const OnDevice<int> to_values(values.size());
    const OnDevice<int> bounds(offsets);
    ASSERT_EQ(toys::sort_rows(from.get(), to.get(), from_values.get(), to_values.get(), static_cast<int>(n), static_cast<int>(rows), bounds.get(), nullptr),
              cudaSuccess);
    const std::vector<int> sorted = to_values.values();
    for (std::size_t row = 0; row < rows; ++row) {
      const float* first = keys.data() + row * n;
      std::vector<int> expected(n);
      std::iota(expected.begin(), expected.end(), 0);
      std::stable_sort(expected.begin(), expected.end(), [&](int a, int b) { return first[a] < first[b]; });
      EXPECT_TRUE(std::equal(expected.begin(), expected.end(), sorted.data() + row * n)) << "row " << row << ", sm_" << architecture;
    }
  }
}

TEST_F(CudaOnPtx, a_seed_repeats_the_orders_of_its_launches) {
  std::vector<float> values(300);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = 1.0F / static_cast<float>(i + 1);
  }
  const OnDevice<float> in(values);
  const OnDevice<float> out(1);
  const auto sums = [&](std::uint64_t seed) {
    cuda_on_ptx::set_seed(seed);
    std::vector<float> found;
    for (int launch = 0; launch < 6; ++launch) {
      EXPECT_EQ(cudaMemset(out.get(), 0, 4), cudaSuccess);
      EXPECT_EQ(toys::sum_atomically(in.get(), out.get(), 300), cudaSuccess);
      found.push_back(out.values()[0]);
    }
    return found;
  };
  const std::vector<float> first = sums(1);
  EXPECT_EQ(first, sums(1));
  EXPECT_NE(first, sums(2));
  EXPECT_NE(std::adjacent_find(first.begin(), first.end(), std::not_equal_to<>()), first.end()) << "orders differ from launch to launch";
}

TEST_F(CudaOnPtx, memory_has_an_end) {
  cuda_on_ptx::set_total_memory(1000);
  std::size_t free = 0;
  std::size_t total = 0;
  void* memory = nullptr;
  ASSERT_EQ(cudaMalloc(&memory, 600), cudaSuccess);
  EXPECT_EQ(cudaMemGetInfo(&free, &total), cudaSuccess);
  EXPECT_EQ(total, 1000U);
  EXPECT_EQ(free, 400U);
  EXPECT_EQ(cuda_on_ptx::allocated_bytes(), 600U);
  void* more = &free;
  EXPECT_EQ(cudaMalloc(&more, 401), cudaErrorMemoryAllocation);
  EXPECT_EQ(more, nullptr);
  EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaMalloc(&more, 400), cudaSuccess);
  EXPECT_EQ(cudaFree(more), cudaSuccess);
  EXPECT_EQ(cudaFree(more), cudaErrorInvalidValue) << "twice";
  EXPECT_EQ(cudaFree(memory), cudaSuccess);
  EXPECT_EQ(cudaFree(nullptr), cudaSuccess);
}

TEST_F(CudaOnPtx, copies_know_both_sides) {
  std::vector<float> host(8, 3);
  const OnDevice<float> a(host);
  const OnDevice<float> b(8);
  EXPECT_EQ(cudaMemcpy(b.get(), a.get(), 32, cudaMemcpyDeviceToDevice), cudaSuccess);
  EXPECT_EQ(b.values(), host);
  EXPECT_EQ(cudaMemcpy(b.get() + 1, a.get(), 28, cudaMemcpyDefault), cudaSuccess);
  EXPECT_EQ(cudaMemcpy(b.get() + 1, a.get(), 32, cudaMemcpyDeviceToDevice), cudaErrorInvalidValue) << "past the end";
  EXPECT_EQ(cudaMemcpy(host.data(), a.get(), 32, cudaMemcpyHostToDevice), cudaErrorInvalidValue) << "the wrong way";
  EXPECT_EQ(cudaMemcpy(b.get(), host.data(), 32, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemset(b.get(), 0, 33), cudaErrorInvalidValue);
  cudaPointerAttributes attributes;
  EXPECT_EQ(cudaPointerGetAttributes(&attributes, a.get() + 3), cudaSuccess);
  EXPECT_EQ(attributes.type, cudaMemoryTypeDevice);
  EXPECT_EQ(cudaPointerGetAttributes(&attributes, host.data()), cudaSuccess);
  EXPECT_EQ(attributes.type, cudaMemoryTypeUnregistered);
}

using CudaOnPtxDeathTest = CudaOnPtx;

TEST_F(CudaOnPtxDeathTest, the_host_cannot_touch_device_memory) {
  const OnDevice<float> x(std::vector<float>{1, 2, 3});
  const volatile float* place = x.get();
  EXPECT_EXIT(std::exit(static_cast<int>(*place)), ::testing::KilledBySignal(SIGSEGV), "");
  cuda_on_ptx::protect_device_memory(false);
  EXPECT_EQ(*place, 1.0F);
  cuda_on_ptx::protect_device_memory(true);
  EXPECT_EXIT(std::exit(static_cast<int>(*place)), ::testing::KilledBySignal(SIGSEGV), "");
}

TEST_F(CudaOnPtx, streams_and_events) {
  cudaStream_t stream = nullptr;
  ASSERT_EQ(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), cudaSuccess);
  const OnDevice<float> x(std::vector<float>(5, 1));
  const OnDevice<float> y(std::vector<float>(5, 1));
  cudaEvent_t start = nullptr;
  cudaEvent_t end = nullptr;
  ASSERT_EQ(cudaEventCreate(&start), cudaSuccess);
  ASSERT_EQ(cudaEventCreateWithFlags(&end, cudaEventDefault), cudaSuccess);
  float elapsed = -1;
  EXPECT_EQ(cudaEventElapsedTime(&elapsed, start, end), cudaErrorInvalidResourceHandle) << "never recorded";
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaEventRecord(start, stream), cudaSuccess);
  EXPECT_EQ(toys::axpy(2, x.get(), y.get(), 5, 32, stream), cudaSuccess);
  EXPECT_EQ(cuda_on_ptx::launches().back().stream, stream);
  EXPECT_EQ(cudaEventRecord(end, stream), cudaSuccess);
  EXPECT_EQ(cudaStreamWaitEvent(stream, start, 0), cudaSuccess);
  EXPECT_EQ(cudaEventSynchronize(end), cudaSuccess);
  EXPECT_EQ(cudaEventElapsedTime(&elapsed, start, end), cudaSuccess);
  EXPECT_GE(elapsed, 0);
  EXPECT_EQ(cudaMemsetAsync(x.get(), 0, 20, stream), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(toys::axpy(2, x.get(), y.get(), 5, 32, stream), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaMemsetAsync(x.get(), 0, 20, stream), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaEventDestroy(start), cudaSuccess);
  EXPECT_EQ(cudaEventDestroy(start), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaEventDestroy(end), cudaSuccess);
}

TEST_F(CudaOnPtx, without_a_device_every_call_says_so) {
  cuda_on_ptx::set_devices(0);
  int count = -1;
  EXPECT_EQ(cudaGetDeviceCount(&count), cudaErrorNoDevice);
  EXPECT_EQ(count, 0);
  void* memory = nullptr;
  std::size_t free = 0;
  cudaStream_t stream = nullptr;
  cudaDeviceProp properties;
  EXPECT_EQ(cudaMalloc(&memory, 4), cudaErrorNoDevice);
  EXPECT_EQ(cudaMemGetInfo(&free, &free), cudaErrorNoDevice);
  EXPECT_EQ(cudaSetDevice(0), cudaErrorNoDevice);
  EXPECT_EQ(cudaGetDeviceProperties(&properties, 0), cudaErrorNoDevice);
  EXPECT_EQ(cudaStreamCreate(&stream), cudaErrorNoDevice);
  EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorNoDevice);
  EXPECT_EQ(toys::bounded(nullptr, 32), cudaErrorNoDevice);
  EXPECT_EQ(cudaFuncSetAttribute(toys::sum_kernel(), cudaFuncAttributeMaxDynamicSharedMemorySize, 0), cudaErrorNoDevice);
  cuda_on_ptx::set_devices(2);
  EXPECT_EQ(cudaGetDeviceCount(&count), cudaSuccess);
  EXPECT_EQ(count, 2);
  EXPECT_EQ(cudaSetDevice(2), cudaErrorInvalidDevice);
}

TEST_F(CudaOnPtx, errors_stay_until_they_are_taken) {
  void* memory = nullptr;
  cuda_on_ptx::set_total_memory(10);
  cudaMalloc(&memory, 11);
  EXPECT_EQ(cudaPeekAtLastError(), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaMalloc(&memory, 10), cudaSuccess);
  EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  EXPECT_EQ(cudaFree(memory), cudaSuccess);
  EXPECT_STREQ(cudaGetErrorString(cudaErrorMemoryAllocation), "out of memory");
  EXPECT_STREQ(cudaGetErrorName(cudaErrorMemoryAllocation), "cudaErrorMemoryAllocation");
  EXPECT_STREQ(cudaGetErrorString(cudaErrorNoDevice), "no CUDA-capable device is detected");
  EXPECT_STREQ(cudaGetErrorString(cudaErrorInvalidValue), "invalid argument");
}

}  // namespace
