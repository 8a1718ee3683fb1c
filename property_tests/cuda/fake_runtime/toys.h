#pragma once
/// Host code and kernels of toys.cu, as a product would have them.

#include <cuda_runtime_api.h>

#include <cstddef>

namespace toys {

/// y[i] = a·x[i] + y[i], launched with <<<>>>: `threads` a block.
cudaError_t axpy(float a, const float* x, float* y, int n, unsigned threads, cudaStream_t stream);

/// out[0] = __CUDA_ARCH__ of the PTX that ran.
cudaError_t architecture(int* out);

/// out[i] = sum of in, through `bytes` of dynamic shared memory, launched with cudaLaunchKernelEx. Opts in where told.
cudaError_t sum_in_shared(const float* in, float* out, std::size_t bytes, bool opt_in);
/// The kernel of sum_in_shared.
const void* sum_kernel();
/// A kernel with 16 KB of static shared memory.
const void* static_kernel();

/// A kernel with __launch_bounds__(64).
cudaError_t bounded(float* out, unsigned threads);

/// out[0] += in[i] for all i, atomically: the bits depend on the order.
cudaError_t sum_atomically(const float* in, float* out, int n);

/// A kernel whose threads all write out[0].
cudaError_t race(float* out);

/// Stable sort of `segments` rows of n keys with their values, by cub::DeviceSegmentedRadixSort.
cudaError_t sort_rows(const float* keys, float* sorted_keys, const int* values, int* sorted_values, int n, int segments, const int* offsets,
                      cudaStream_t stream);

}  // namespace toys
