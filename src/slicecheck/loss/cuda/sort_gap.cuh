#pragma once
/// Sort and match one direction in one block.

#include <cub/block/block_radix_sort.cuh>

#include "slicecheck/cuda/block_sum.cuh"
#include "slicecheck/cuda/platform.h"
#include "slicecheck/loss/cuda/tiles.h"

namespace slicecheck::cuda {

struct SortGapArguments {
  const float* projected_z;  ///< count rows of `pitch` floats; entries from n on are +infinity
  const float* projected_y;  ///< the same
  float* gaps;               ///< count×n, written; row l is in the order of the points of Z
  double* per_direction;     ///< count, written
  unsigned n, pitch;
};

template <int Threads, int Items>
struct SortGapShape {
  using SortZ = cub::BlockRadixSort<float, Threads, Items, unsigned short>;
  using SortY = cub::BlockRadixSort<float, Threads, Items>;
  /// Used one after the other, with a barrier between.
  union Shared {
    typename SortZ::TempStorage sort_z;
    typename SortY::TempStorage sort_y;
    float gaps[Threads * Items];
    double sums[kWarp];
  };
  static constexpr unsigned shared_bytes = sizeof(Shared);
};

/// The keys of this thread, items·thread, …: a row of projections in its own order, +infinity beyond `pitch`. What is not a number becomes
/// +infinity, which keeps the order of the keys and shows in the sum. −0 and +0 are equal keys for CUB's radix sort.
template <int Items>
SLICECHECK_DEVICE void load_keys(const float* row, unsigned pitch, float (&keys)[Items]) {
  const float infinity = __uint_as_float(0x7F80'0000U);
  const unsigned first = threadIdx.x * Items;
  if constexpr (Items % 4 == 0) {
    for (unsigned j = 0; j < Items; j += 4) {
      float4 four = make_float4(infinity, infinity, infinity, infinity);
      if (first + j < pitch) four = *reinterpret_cast<const float4*>(row + first + j);
      keys[j] = four.x;
      keys[j + 1] = four.y;
      keys[j + 2] = four.z;
      keys[j + 3] = four.w;
    }
  } else {
    for (unsigned j = 0; j < Items; ++j) keys[j] = first + j < pitch ? row[first + j] : infinity;
  }
  for (unsigned j = 0; j < Items; ++j) keys[j] = keys[j] == keys[j] ? keys[j] : infinity;
}

/// Block l: sorts the l-th projections of Z with their indices, and those of Y; gaps(l, i) for each point i of Z; per_direction[l] = (1/n) Σ gap².
/// The radix sort is stable: equal keys keep the order of their indices.
template <int Threads, int Items>
__global__ void __launch_bounds__(Threads) sort_gap(SortGapArguments a) {
  using S = SortGapShape<Threads, Items>;
  auto& shared = *dynamic_shared<typename S::Shared>();
  const size_t row = static_cast<size_t>(blockIdx.x) * a.pitch;
  float z[Items];
  float y[Items];
  unsigned short index[Items];
  load_keys<Items>(a.projected_z + row, a.pitch, z);
  load_keys<Items>(a.projected_y + row, a.pitch, y);
  for (unsigned j = 0; j < Items; ++j) index[j] = static_cast<unsigned short>(threadIdx.x * Items + j);
  typename S::SortZ(shared.sort_z).SortBlockedToStriped(z, index);
  __syncthreads();
  typename S::SortY(shared.sort_y).SortBlockedToStriped(y);
  __syncthreads();
  double sum = 0.0;
  for (unsigned j = 0; j < Items; ++j) {
    const unsigned rank = threadIdx.x + j * Threads;
    const float gap = z[j] - y[j];
    if (rank < a.n) {
      shared.gaps[index[j]] = gap;
      sum += static_cast<double>(gap) * static_cast<double>(gap);
    }
  }
  __syncthreads();
  for (unsigned i = threadIdx.x; i < a.n; i += Threads) a.gaps[static_cast<size_t>(blockIdx.x) * a.n + i] = shared.gaps[i];
  __syncthreads();
  sum = block_sum(sum, shared.sums);
  if (threadIdx.x == 0) a.per_direction[blockIdx.x] = sum / static_cast<double>(a.n);
}

}  // namespace slicecheck::cuda
