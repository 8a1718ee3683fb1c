#pragma once
/// The two kernels of a step.

#include "slicecheck/cuda/block_sum.cuh"
#include "slicecheck/cuda/platform.h"
#include "slicecheck/dynamics/cuda/normals.cuh"

namespace slicecheck::cuda {

struct NpsgdShape {
  static constexpr unsigned threads = 256;
  static constexpr unsigned most_blocks = 1024;  ///< so that one block can add all shares up
  static constexpr unsigned shared_bytes = kWarp * 8;
};

struct NpsgdArguments {
  float* u;
  const float* phi;
  double* shares;  ///< a block's share of ‖u‖², one a block
  unsigned size;
  float alpha;
  float noise;  ///< α·a; 0: no noise is drawn
  double radius;
  uint4 counter;
  uint2 key;
};

/// u(i) ← u(i) − α φ(i) + noise·ε(i); shares[block] = Σ u(i)² over what the block moved. A thread moves pairs, as two normals come from one block of words;
/// every operation is rounded by itself, as on the processor.
__global__ void __launch_bounds__(NpsgdShape::threads) npsgd_move(NpsgdArguments a) {
  double sum = 0.0;
  const unsigned pairs = a.size / 2 + a.size % 2;
  for (unsigned pair = blockIdx.x * NpsgdShape::threads + threadIdx.x; pair < pairs; pair += gridDim.x * NpsgdShape::threads) {
    NormalPair epsilon{0.0F, 0.0F};
    if (a.noise != 0.0F) epsilon = normals_of(philox_words(a.counter, a.key, pair));
    for (unsigned j = 0; j < 2; ++j) {
      const unsigned i = 2 * pair + j;
      if (i >= a.size) continue;
      float u = __fsub_rn(a.u[i], __fmul_rn(a.alpha, a.phi[i]));
      if (a.noise != 0.0F) u = __fadd_rn(u, __fmul_rn(a.noise, j == 0 ? epsilon.first : epsilon.second));
      a.u[i] = u;
      sum += static_cast<double>(u) * static_cast<double>(u);
    }
  }
  sum = block_sum(sum, dynamic_shared<double>());
  if (threadIdx.x == 0) a.shares[blockIdx.x] = sum;
}

/// u ← u·r/‖u‖ where ‖u‖ > r; `blocks` shares, those of npsgd_move. Every block adds the shares up in the same order.
__global__ void __launch_bounds__(NpsgdShape::threads) npsgd_project(NpsgdArguments a, unsigned blocks) {
  double sum = 0.0;
  for (unsigned block = threadIdx.x; block < blocks; block += NpsgdShape::threads) sum += a.shares[block];
  const double norm = sqrt(block_sum(sum, dynamic_shared<double>()));
  if (!(norm > a.radius)) return;
  for (unsigned i = blockIdx.x * NpsgdShape::threads + threadIdx.x; i < a.size; i += gridDim.x * NpsgdShape::threads)
    a.u[i] = static_cast<float>(static_cast<double>(a.u[i]) / norm * a.radius);
}

}  // namespace slicecheck::cuda
