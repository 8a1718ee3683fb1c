/// The CUDA runtime of the host world, and the functions that device code calls.

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <numbers>
#include <string>
#include <vector>

#include "cuda_on_host.h"
#include "cuda_on_host_runtime.h"

namespace slicecheck::testing {
namespace {

float* allocate(std::size_t count) {
  void* memory = nullptr;
  EXPECT_EQ(cudaMalloc(&memory, count * sizeof(float)), cudaSuccess);
  return static_cast<float*>(memory);
}

TEST(HostRuntime, memory_starts_as_not_a_number_and_is_counted) {
  const std::size_t before = cuda_on_host::allocated_bytes();
  const std::size_t allocations = cuda_on_host::allocations();
  float* memory = allocate(100);
  EXPECT_EQ(cuda_on_host::allocated_bytes(), before + 400);
  EXPECT_EQ(cuda_on_host::allocations(), allocations + 1);
  std::vector<float> values(100);
  EXPECT_EQ(cudaMemcpy(values.data(), memory, 400, cudaMemcpyDeviceToHost), cudaSuccess);
  for (const float value : values) EXPECT_TRUE(std::isnan(value));
  EXPECT_EQ(cudaMemsetAsync(memory, 0, 400, nullptr), cudaSuccess);
  EXPECT_EQ(cudaMemcpyAsync(values.data(), memory, 400, cudaMemcpyDeviceToHost, nullptr), cudaSuccess);
  for (const float value : values) EXPECT_EQ(value, 0.0F);
  EXPECT_EQ(cudaFree(memory), cudaSuccess);
  EXPECT_EQ(cudaFree(nullptr), cudaSuccess);
  EXPECT_EQ(cuda_on_host::allocated_bytes(), before);
}

TEST(HostRuntime, wrong_calls_are_errors) {
  float* memory = allocate(10);
  std::vector<float> values(20);
  EXPECT_EQ(cudaMemcpy(memory, values.data(), 44, cudaMemcpyHostToDevice), cudaErrorInvalidValue) << "longer than the allocation";
  EXPECT_EQ(cudaMemcpy(memory + 9, values.data(), 8, cudaMemcpyHostToDevice), cudaErrorInvalidValue) << "its end is outside";
  EXPECT_EQ(cudaMemcpy(memory, values.data(), 40, cudaMemcpyDeviceToHost), cudaErrorInvalidValue) << "the wrong direction";
  EXPECT_EQ(cudaMemcpy(values.data(), values.data() + 10, 40, cudaMemcpyDeviceToHost), cudaErrorInvalidValue) << "not from the device";
  EXPECT_EQ(cudaMemset(values.data(), 0, 4), cudaErrorInvalidValue);
  EXPECT_EQ(cudaFree(memory + 1), cudaErrorInvalidValue);
  EXPECT_EQ(cudaPeekAtLastError(), cudaErrorInvalidValue);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidValue);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  EXPECT_EQ(cudaFree(memory), cudaSuccess);
  EXPECT_EQ(cudaFree(memory), cudaErrorInvalidValue) << "twice";
  EXPECT_EQ(cudaSetDevice(1), cudaErrorInvalidDevice);
  cudaGetLastError();
}

TEST(HostRuntime, memory_ends_and_a_device_may_be_absent) {
  cuda_on_host::set_device_memory(cuda_on_host::allocated_bytes() + 1000);
  void* memory = nullptr;
  EXPECT_EQ(cudaMalloc(&memory, 1001), cudaErrorMemoryAllocation);
  EXPECT_STREQ(cudaGetErrorName(cudaGetLastError()), "cudaErrorMemoryAllocation");
  EXPECT_EQ(cudaMalloc(&memory, 1000), cudaSuccess);
  std::size_t available = 1;
  std::size_t all = 0;
  EXPECT_EQ(cudaMemGetInfo(&available, &all), cudaSuccess);
  EXPECT_EQ(available, 0U);
  cudaFree(memory);
  cuda_on_host::set_device_memory(std::size_t{1} << 30);

  int count = -1;
  EXPECT_EQ(cudaGetDeviceCount(&count), cudaSuccess);
  EXPECT_EQ(count, 1);
  cuda_on_host::set_device_present(false);
  EXPECT_EQ(cudaGetDeviceCount(&count), cudaErrorNoDevice);
  EXPECT_EQ(count, 0);
  EXPECT_EQ(cudaMalloc(&memory, 1), cudaErrorNoDevice);
  cuda_on_host::set_device_present(true);
  cudaGetLastError();
}

TEST(HostRuntime, the_device_is_described) {
  cudaDeviceProp properties{};
  EXPECT_EQ(cudaGetDeviceProperties(&properties, 0), cudaSuccess);
  int value = 0;
  EXPECT_EQ(cudaDeviceGetAttribute(&value, cudaDevAttrMaxSharedMemoryPerBlockOptin, 0), cudaSuccess);
  EXPECT_EQ(static_cast<std::size_t>(value), properties.sharedMemPerBlockOptin);
  EXPECT_EQ(cudaDeviceGetAttribute(&value, cudaDevAttrComputeCapabilityMajor, 0), cudaSuccess);
  EXPECT_EQ(value, properties.major);
  cudaStream_t stream = nullptr;
  EXPECT_EQ(cudaStreamCreate(&stream), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(stream), cudaSuccess);
  EXPECT_EQ(cudaStreamDestroy(stream), cudaSuccess);
}

TEST(DeviceFunctions, integers) {
  EXPECT_EQ(__umulhi(0xFFFF'FFFFU, 0xFFFF'FFFFU), 0xFFFF'FFFEU);
  EXPECT_EQ(__mulhi(-1, 1), -1);
  EXPECT_EQ(__umul64hi(~0ULL, 2), 1U);
  EXPECT_EQ(__brev(0x8000'0001U), 0x8000'0001U);
  EXPECT_EQ(__brev(2), 0x4000'0000U);
  EXPECT_EQ(__clz(0), 32);
  EXPECT_EQ(__clz(1), 31);
  EXPECT_EQ(__popc(0xF0F0U), 8);
  EXPECT_EQ(__ffs(0), 0);
  EXPECT_EQ(__ffs(8), 4);
  EXPECT_EQ(__funnelshift_l(0x8000'0000U, 1, 1), 3U);
  EXPECT_EQ(__funnelshift_r(0x8000'0000U, 1, 31), 3U);
  EXPECT_EQ(__float_as_uint(-0.0F), 0x8000'0000U);
  EXPECT_EQ(__uint_as_float(0x3F80'0000U), 1.0F);
}

/// Units in the last place of the float nearest to `exact`.
double error_in_units(float value, long double exact) {
  const float nearest = static_cast<float>(exact);
  const float unit = std::nextafter(std::fabs(nearest), INFINITY) - std::fabs(nearest);
  return static_cast<double>(std::fabs(static_cast<long double>(value) - exact) / static_cast<long double>(unit));
}

/// Computed in double, whose error is below 2^-20 units of float: half a unit and that.
TEST(DeviceFunctions, approximations_are_nearly_rounded) {
  constexpr double bound = 0.5 + 1.0 / 1024;
  for (int step = 1; step <= 20'000; ++step) {
    const float x = static_cast<float>(step) * 1.0001F / 4096.0F;
    float sine = 0.0F;
    float cosine = 0.0F;
    sincospif(x, &sine, &cosine);
    const long double angle = std::numbers::pi_v<long double> * static_cast<long double>(x);
    if (std::fabs(sine) > 1e-2F) {
      ASSERT_LE(error_in_units(sine, std::sin(angle)), bound) << x;
    }
    if (std::fabs(cosine) > 1e-2F) {
      ASSERT_LE(error_in_units(cosine, std::cos(angle)), bound) << x;
    }
    ASSERT_LE(error_in_units(rsqrtf(x), 1.0L / std::sqrt(static_cast<long double>(x))), bound) << x;
  }
  float sine = 1.0F;
  float cosine = 1.0F;
  sincospif(3.5F, &sine, &cosine);
  EXPECT_EQ(sine, -1.0F);
  EXPECT_EQ(cosine, 0.0F);
  EXPECT_EQ(sinpif(-0.5F), -1.0F);
  EXPECT_EQ(cospif(7.0F), -1.0F);
}

TEST(DeviceFunctions, atomics_return_the_old_value) {
  unsigned value = 5;
  EXPECT_EQ(atomicAdd(&value, 2), 5U);
  EXPECT_EQ(atomicSub(&value, 1), 7U);
  EXPECT_EQ(atomicOr(&value, 8), 6U);
  EXPECT_EQ(atomicAnd(&value, 12), 14U);
  EXPECT_EQ(atomicXor(&value, 1), 12U);
  EXPECT_EQ(atomicMax(&value, 20), 13U);
  EXPECT_EQ(atomicMin(&value, 3), 20U);
  EXPECT_EQ(atomicExch(&value, 9), 3U);
  EXPECT_EQ(atomicCAS(&value, 1, 2), 9U);
  EXPECT_EQ(atomicCAS(&value, 9, 2), 9U);
  EXPECT_EQ(value, 2U);
  float sum = 0.0F;
  cuda_on_host::launch(dim3(4), dim3(64), 0, [&] { atomicAdd(&sum, 0.5F); });
  EXPECT_EQ(sum, 128.0F);
}

}  // namespace
}  // namespace slicecheck::testing
