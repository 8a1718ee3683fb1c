#pragma once
/// The one way to launch a kernel.

#include <cstddef>

#include "slicecheck/cuda/check.h"
#include "slicecheck/cuda/platform.h"

namespace slicecheck::cuda {

/// Where and how a kernel runs.
struct Launch {
  dim3 grid;
  unsigned threads;          ///< of a block
  std::size_t shared_bytes;  ///< of a block
  cudaStream_t stream;
  const char* name;  ///< for the sentence of an error
};

constexpr std::size_t kSharedWithoutOptIn = 48 * 1024;

/// Launches `kernel` and returns at once. Shared memory above 48 KB is opted in to.
/// @throws CudaError where the launch is refused: too much shared memory for this device, a grid that is too large.
template <class... Parameters, class... Arguments>
void launch(const Launch& where, void (*kernel)(Parameters...), Arguments... arguments) {
#if defined(SLICECHECK_CUDA_ON_HOST)
  check(cuda_on_host::launch(where.grid, dim3(where.threads), where.shared_bytes, [&] { kernel(static_cast<Parameters>(arguments)...); }), where.name);
#else
  if (where.shared_bytes > kSharedWithoutOptIn)
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(where.shared_bytes)), where.name);
  cudaLaunchConfig_t config{};
  config.gridDim = where.grid;
  config.blockDim = dim3(where.threads);
  config.dynamicSmemBytes = where.shared_bytes;
  config.stream = where.stream;
  check(cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...), where.name);
#endif
}

}  // namespace slicecheck::cuda
