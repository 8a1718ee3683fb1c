#pragma once
/// Projections of both clouds onto the directions.

#include "slicecheck/cuda/platform.h"

namespace slicecheck::cuda {

/// Block (i, l, c): 64 points i of cloud c (0: Z, 1: Y) by 64 directions l. 256 threads as 16×16, each with 4×4 sums.
struct ProjectShape {
  static constexpr unsigned threads = 256;
  static constexpr unsigned blocks = 4;                          ///< of a multiprocessor, at least: 64 registers a thread
  static constexpr unsigned tile = 64;                           ///< points, and directions, of a block
  static constexpr unsigned depth = 16;                          ///< coordinates in shared memory at a time
  static constexpr unsigned each = tile * depth / threads;       ///< entries of either that a thread brings there
  static constexpr unsigned row = tile + 1;                      ///< one more: columns are written without bank conflicts
  static constexpr unsigned shared_bytes = 2 * depth * row * 4;  ///< points, then directions
};

struct ProjectArguments {
  const float* z;           ///< n×d
  const float* y;           ///< n×d
  const float* directions;  ///< count×d
  float* projected_z;       ///< count rows of `pitch` floats, written
  float* projected_y;       ///< the same
  unsigned n, d, count, pitch;
};

/// projected(l, i) = Σ_k θ_l(k) · (x_i(k) − y_0(k)), k ascending, one fused multiply-add each: equal points have equal projections, to the bit. Entries
/// n ≤ i < pitch are +infinity, which sorts last.
__global__ void __launch_bounds__(ProjectShape::threads, ProjectShape::blocks) project(ProjectArguments a) {
  using S = ProjectShape;
  float* points = dynamic_shared<float>();
  float* thetas = points + S::depth * S::row;
  const float* cloud = blockIdx.z == 0 ? a.z : a.y;
  const float* origin = a.y;
  const unsigned first_point = blockIdx.x * S::tile;
  const unsigned first_direction = blockIdx.y * S::tile;
  const unsigned column = threadIdx.x % 16;  // points column, column + 16, …
  const unsigned line = threadIdx.x / 16;    // directions line, line + 16, …
  // What this thread brings next. It is asked for at once, and on its way while the coordinates before are summed.
  float next_points[S::each];
  float next_thetas[S::each];
  float next_origin = 0.0F;
  const unsigned own_k = threadIdx.x % S::depth;
  const unsigned own_which = threadIdx.x / S::depth;
  constexpr unsigned step = S::threads / S::depth;
  const auto load = [&](unsigned first) {
    const bool inside = own_k < a.d - first;
    next_origin = inside ? origin[first + own_k] : 0.0F;
    for (unsigned j = 0; j < S::each; ++j) {
      const unsigned point = first_point + own_which + step * j;
      const unsigned direction = first_direction + own_which + step * j;
      next_points[j] = inside && point < a.n ? cloud[static_cast<size_t>(point) * a.d + first + own_k] : 0.0F;
      next_thetas[j] = inside && direction < a.count ? a.directions[static_cast<size_t>(direction) * a.d + first + own_k] : 0.0F;
    }
  };
  float sums[4][4] = {};
  load(0);
  for (unsigned first = 0; first < a.d; first += S::depth) {
    const unsigned depth = a.d - first < S::depth ? a.d - first : S::depth;
    for (unsigned j = 0; j < S::each; ++j) {
      points[own_k * S::row + own_which + step * j] = next_points[j] - next_origin;
      thetas[own_k * S::row + own_which + step * j] = next_thetas[j];
    }
    __syncthreads();
    if (depth < a.d - first) load(first + S::depth);
    for (unsigned k = 0; k < depth; ++k) {
      float x[4];
      float theta[4];
      for (unsigned j = 0; j < 4; ++j) x[j] = points[k * S::row + column + 16 * j];
      for (unsigned j = 0; j < 4; ++j) theta[j] = thetas[k * S::row + line + 16 * j];
      for (unsigned l = 0; l < 4; ++l)
        for (unsigned i = 0; i < 4; ++i) sums[l][i] = fmaf(theta[l], x[i], sums[l][i]);
    }
    __syncthreads();
  }
  float* out = blockIdx.z == 0 ? a.projected_z : a.projected_y;
  for (unsigned l = 0; l < 4; ++l) {
    const unsigned direction = first_direction + line + 16 * l;
    if (direction >= a.count) continue;
    for (unsigned i = 0; i < 4; ++i) {
      const unsigned point = first_point + column + 16 * i;
      if (point < a.pitch) out[static_cast<size_t>(direction) * a.pitch + point] = point < a.n ? sums[l][i] : __uint_as_float(0x7F80'0000U);
    }
  }
}

}  // namespace slicecheck::cuda
