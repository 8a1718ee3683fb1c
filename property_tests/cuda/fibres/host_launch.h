#pragma once
/// Launches on the host.

#include <cuda_runtime_api.h>

#include <cstddef>
#include <tuple>
#include <utility>

#include "fibres.h"

namespace cuda_on_host {

/// Notes an error for cudaGetLastError, and returns it.
cudaError_t note_error(cudaError_t error);

/// Runs `thread()` as every thread of the grid; everything has ended on return.
/// @return cudaErrorInvalidConfiguration for a shape that no device takes. @throws KernelFault.
template <class Thread>
cudaError_t launch(dim3 grid, dim3 block, std::size_t shared_bytes, const Thread& thread) {
  if (!launch_is_possible(grid, block, shared_bytes)) return note_error(cudaErrorInvalidConfiguration);
  run_grid(
      grid, block, shared_bytes, [](const void* body) { (*static_cast<const Thread*>(body))(); }, &thread);
  return cudaSuccess;
}

/// The same for a kernel and its arguments.
template <class... Parameters, class... Arguments>
cudaError_t launch_kernel(void (*kernel)(Parameters...), dim3 grid, dim3 block, std::size_t shared_bytes, const Arguments&... arguments) {
  return launch(grid, block, shared_bytes, [&] { kernel(static_cast<Parameters>(arguments)...); });
}

}  // namespace cuda_on_host
