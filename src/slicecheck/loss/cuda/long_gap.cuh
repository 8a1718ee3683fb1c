#pragma once
/// Matching of projections that were sorted by cub::DeviceSegmentedRadixSort: batches beyond the largest tile.

#include "slicecheck/cuda/block_sum.cuh"
#include "slicecheck/cuda/platform.h"

namespace slicecheck::cuda {

struct LongGapShape {
  static constexpr unsigned threads = 256;
  static constexpr unsigned ranks = 2048;  ///< of one block
  static constexpr unsigned shared_bytes = kWarp * 8;
};

/// index(l, i) = i, and the ends of the segments: begin[l] = l·pitch, end[l] = l·pitch + n. Block (i, l).
__global__ void __launch_bounds__(LongGapShape::threads) number_points(unsigned n, unsigned pitch, unsigned* index, int* begin, int* end) {
  const size_t row = static_cast<size_t>(blockIdx.y) * pitch;
  for (unsigned i = blockIdx.x * LongGapShape::ranks + threadIdx.x; i < n && i < (blockIdx.x + 1) * LongGapShape::ranks; i += LongGapShape::threads)
    index[row + i] = i;
  if (blockIdx.x == 0 && threadIdx.x == 0) {
    begin[blockIdx.y] = static_cast<int>(row);
    end[blockIdx.y] = static_cast<int>(row + n);
  }
}

struct LongGapArguments {
  const float* sorted_z;  ///< count rows of `pitch`
  const float* sorted_y;  ///< the same
  const unsigned* index;  ///< the point of Z at each rank
  float* gaps;            ///< count×n, written
  double* partial;        ///< count × blocks of a direction, written: Σ gap² over the ranks of a block
  unsigned n, pitch;
};

/// Block (b, l): ranks 2048·b, … of direction l.
__global__ void __launch_bounds__(LongGapShape::threads) long_gap(LongGapArguments a) {
  const size_t row = static_cast<size_t>(blockIdx.y) * a.pitch;
  double sum = 0.0;
  for (unsigned j = 0; j < LongGapShape::ranks / LongGapShape::threads; ++j) {
    const unsigned rank = blockIdx.x * LongGapShape::ranks + j * LongGapShape::threads + threadIdx.x;
    if (rank < a.n) {
      const float gap = a.sorted_z[row + rank] - a.sorted_y[row + rank];
      a.gaps[static_cast<size_t>(blockIdx.y) * a.n + a.index[row + rank]] = gap;
      sum += static_cast<double>(gap) * static_cast<double>(gap);
    }
  }
  sum = block_sum(sum, dynamic_shared<double>());
  if (threadIdx.x == 0) a.partial[static_cast<size_t>(blockIdx.y) * gridDim.x + blockIdx.x] = sum;
}

/// Thread l: per_direction[l] = (1/n) Σ_b partial(l, b), b ascending.
__global__ void __launch_bounds__(LongGapShape::threads)
    add_partials(const double* partial, unsigned blocks, unsigned count, unsigned n, double* per_direction) {
  const unsigned l = blockIdx.x * LongGapShape::threads + threadIdx.x;
  if (l >= count) return;
  double sum = 0.0;
  for (unsigned b = 0; b < blocks; ++b) sum += partial[static_cast<size_t>(l) * blocks + b];
  per_direction[l] = sum / static_cast<double>(n);
}

}  // namespace slicecheck::cuda
