#include "slicecheck/cuda/check.h"

#include "slicecheck/cuda/error.h"

namespace slicecheck::cuda {

void fail(cudaError_t status, const char* doing) {
  cudaGetLastError();  // an error that is not sticky would be met again by the next call
  throw CudaError(fmt::format("CUDA, {}: {} ({})", doing, cudaGetErrorString(status), cudaGetErrorName(status)));
}

void fail_allocation(cudaError_t status, std::size_t bytes) {
  cudaGetLastError();
  std::size_t available = 0;
  std::size_t all = 0;
  const bool known = cudaMemGetInfo(&available, &all) == cudaSuccess;
  throw CudaError(fmt::format("CUDA, asking for {} bytes of device memory{}: {} ({})", bytes,
                              known ? fmt::format(", of which {} of {} are free", available, all) : std::string(), cudaGetErrorString(status),
                              cudaGetErrorName(status)));
}

}  // namespace slicecheck::cuda
