#pragma once
/// Errors of the CUDA runtime become exceptions. No fmt in here: kernels' files include this one, and nvcc's front end does not take fmt's consteval checks.

#include <cstddef>

#include "slicecheck/cuda/platform.h"

namespace slicecheck::cuda {

/// @throws CudaError (cuda/error.h): what was tried, the runtime's own text and name of the error.
[[noreturn]] void fail(cudaError_t status, const char* doing);

/// @throws CudaError: how many bytes were asked for, how many are free.
[[noreturn]] void fail_allocation(cudaError_t status, std::size_t bytes);

/// @throws CudaError unless `status` is success; `doing` completes "CUDA, ….".
inline void check(cudaError_t status, const char* doing) {
  if (status != cudaSuccess) fail(status, doing);
}

}  // namespace slicecheck::cuda
