#include <cub/device/device_segmented_radix_sort.cuh>

#include "cuda/fake_runtime/toys.h"

namespace toys {
namespace {

extern __shared__ float scratch[];

__global__ void axpy_kernel(float a, const float* x, float* y, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) y[i] += a * x[i];
}

__global__ void architecture_kernel([[maybe_unused]] int* out) {
#ifdef __CUDA_ARCH__
  out[0] = __CUDA_ARCH__;
#endif
}

struct SumArguments {
  const float* in;
  float* out;
  unsigned count;
};

__global__ void sum_kernel_of(SumArguments arguments) {
  for (unsigned i = threadIdx.x; i < arguments.count; i += blockDim.x) scratch[i] = arguments.in[i % 32];
  __syncthreads();
  float sum = 0;
  for (unsigned i = 0; i < 32; ++i) sum += scratch[i];
  arguments.out[threadIdx.x] = sum;
}

__global__ void static_kernel_of(float* out) {
  __shared__ float values[4096];
  values[threadIdx.x] = 1;
  scratch[threadIdx.x] = 2;
  __syncthreads();
  out[threadIdx.x] = values[threadIdx.x ^ 1] + scratch[threadIdx.x ^ 1];
}

__global__ void __launch_bounds__(64) bounded_kernel(float* out) { out[threadIdx.x] = 1; }

__global__ void atomic_kernel(const float* in, float* out, int n) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) atomicAdd(out, in[i]);
}

__global__ void race_kernel(float* out) { out[0] = static_cast<float>(threadIdx.x); }

}  // namespace

cudaError_t axpy(float a, const float* x, float* y, int n, unsigned threads, cudaStream_t stream) {
  const unsigned blocks = (static_cast<unsigned>(n) + threads - 1) / threads;
  axpy_kernel<<<blocks, threads, 0, stream>>>(a, x, y, n);
  return cudaGetLastError();
}

cudaError_t architecture(int* out) {
  architecture_kernel<<<1, 1>>>(out);
  return cudaGetLastError();
}

const void* sum_kernel() { return reinterpret_cast<const void*>(&sum_kernel_of); }

const void* static_kernel() { return reinterpret_cast<const void*>(&static_kernel_of); }

cudaError_t sum_in_shared(const float* in, float* out, std::size_t bytes, bool opt_in) {
  if (opt_in) {
    const cudaError_t error = cudaFuncSetAttribute(sum_kernel_of, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(bytes));
    if (error != cudaSuccess) return error;
  }
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(1);
  config.blockDim = dim3(32);
  config.dynamicSmemBytes = bytes;
  return cudaLaunchKernelEx(&config, sum_kernel_of, SumArguments{in, out, static_cast<unsigned>(bytes / sizeof(float))});
}

cudaError_t bounded(float* out, unsigned threads) {
  bounded_kernel<<<1, threads>>>(out);
  return cudaGetLastError();
}

cudaError_t sum_atomically(const float* in, float* out, int n) {
  atomic_kernel<<<static_cast<unsigned>(n + 31) / 32, 32>>>(in, out, n);
  return cudaGetLastError();
}

cudaError_t race(float* out) {
  race_kernel<<<1, 64>>>(out);
  return cudaGetLastError();
}

cudaError_t sort_rows(const float* keys, float* sorted_keys, const int* values, int* sorted_values, int n, int segments, const int* offsets,
                      cudaStream_t stream) {
  const auto sort = [&](void* temporary, std::size_t& bytes) {
    return cub::DeviceSegmentedRadixSort::SortPairs(temporary, bytes, keys, sorted_keys, values, sorted_values, n * segments, segments, offsets, offsets + 1, 0,
                                                    32, stream);
  };
  std::size_t bytes = 0;
  if (const cudaError_t error = sort(nullptr, bytes); error != cudaSuccess) return error;
  void* temporary = nullptr;
  if (const cudaError_t error = cudaMalloc(&temporary, bytes); error != cudaSuccess) return error;
  const cudaError_t error = sort(temporary, bytes);
  cudaFree(temporary);
  return error;
}

}  // namespace toys
