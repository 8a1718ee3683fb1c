#pragma once
/// One source for the device and for the host: what the kernels are written against.
///
/// nvcc makes the kernels that ship. The tests also compile the same files as plain C++ (SLICECHECK_CUDA_ON_HOST; property_tests/cuda/fibres), every CUDA
/// thread a fibre, so that sanitizers can watch them. Kernels take all their shared memory at launch, through `dynamic_shared`.

#if defined(SLICECHECK_CUDA_ON_HOST)
#include "cuda_on_host.h"
#elif defined(__CUDACC__)
#include <cuda_runtime.h>
#else
#include <cuda_runtime_api.h>
#endif

#if defined(SLICECHECK_CUDA_ON_HOST)
#define SLICECHECK_DEVICE inline
#elif defined(__CUDACC__)
#define SLICECHECK_DEVICE __device__ __forceinline__
#endif

namespace slicecheck::cuda {

#if defined(__CUDACC__) && !defined(SLICECHECK_CUDA_ON_HOST)
/// The shared memory of the block, aligned to 16 bytes; its size is given at launch.
template <class T>
SLICECHECK_DEVICE T* dynamic_shared() {
  extern __shared__ __align__(16) unsigned char slicecheck_shared[];
  return reinterpret_cast<T*>(slicecheck_shared);
}
#elif defined(SLICECHECK_CUDA_ON_HOST)
using cuda_on_host::dynamic_shared;
#endif

constexpr unsigned kWarp = 32;
constexpr unsigned kFullWarp = 0xFFFF'FFFFU;

}  // namespace slicecheck::cuda
