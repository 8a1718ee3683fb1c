#pragma once
/// Sums over a block in a fixed order.

#include "slicecheck/cuda/platform.h"

namespace slicecheck::cuda {

/// The sum of `value` over the threads of the block (whole warps), returned to every thread. `scratch` holds 32 doubles and may be used again after a barrier.
SLICECHECK_DEVICE double block_sum(double value, double* scratch) {
  for (unsigned step = kWarp / 2; step > 0; step /= 2) value += __shfl_down_sync(kFullWarp, value, step);
  if (threadIdx.x % kWarp == 0) scratch[threadIdx.x / kWarp] = value;
  __syncthreads();
  double sum = 0.0;
  for (unsigned warp = 0; warp < blockDim.x / kWarp; ++warp) sum += scratch[warp];
  return sum;
}

}  // namespace slicecheck::cuda
