#pragma once
/// The gradient: gaps summed over the directions.

#include "slicecheck/cuda/platform.h"
#include "slicecheck/loss/cuda/tiles.h"

namespace slicecheck::cuda {

/// Block (i, k, s): a tile of points i by coordinates k, over the 64 directions of slab s. 256 threads, each with `own_points`×`own_coordinates` sums.
template <unsigned Points, unsigned Coordinates, unsigned OwnPoints, unsigned OwnCoordinates>
struct SlabShape {
  static constexpr unsigned points = Points;
  static constexpr unsigned coordinates = Coordinates;
  static constexpr unsigned own_points = OwnPoints;
  static constexpr unsigned own_coordinates = OwnCoordinates;
  static constexpr unsigned threads = (Points / OwnPoints) * (Coordinates / OwnCoordinates);
  static constexpr unsigned depth = 16;                    ///< directions in shared memory at a time
  static constexpr unsigned gaps = depth * Points;         ///< entries there
  static constexpr unsigned thetas = depth * Coordinates;  ///< the same
  static constexpr unsigned row = Coordinates + 1;
  static constexpr unsigned shared_bytes = (gaps + depth * row) * 4;
};
using NarrowSlab = SlabShape<64, 4, 1, 1>;  ///< d ≤ 8
using WideSlab = SlabShape<64, 64, 4, 4>;

struct SlabArguments {
  const float* gaps;        ///< count×n
  const float* directions;  ///< count×d
  float* slabs;             ///< slabs × n×d, written
  unsigned n, d, count;
};

/// slabs(s)(i, k) = Σ gap(l, i) · θ_l(k) over the directions l of slab s, ascending, one fused multiply-add each.
template <class Shape>
__global__ void __launch_bounds__(Shape::threads) sum_slab(SlabArguments a) {
  float* gaps = dynamic_shared<float>();
  float* thetas = gaps + Shape::gaps;
  constexpr unsigned columns = Shape::points / Shape::own_points;
  const unsigned column = threadIdx.x % columns;  // points column, column + columns, …
  const unsigned line = threadIdx.x / columns;    // coordinates line, line + lines, …
  constexpr unsigned lines = Shape::coordinates / Shape::own_coordinates;
  const unsigned first_point = blockIdx.x * Shape::points;
  const unsigned first_coordinate = blockIdx.y * Shape::coordinates;
  const unsigned first_direction = blockIdx.z * static_cast<unsigned>(kSlab);
  const unsigned left = a.count - first_direction;
  const unsigned size = left < kSlab ? left : static_cast<unsigned>(kSlab);
  // What this thread brings next. It is asked for at once, and on its way while the directions before are summed.
  constexpr unsigned each_gap = Shape::gaps / Shape::threads;
  constexpr unsigned each_theta = (Shape::thetas + Shape::threads - 1) / Shape::threads;
  float next_gaps[each_gap];
  float next_thetas[each_theta];
  const auto load = [&](unsigned first) {
    for (unsigned j = 0; j < each_gap; ++j) {
      const unsigned at = threadIdx.x + Shape::threads * j;
      const unsigned l = first + at / Shape::points;
      const unsigned i = first_point + at % Shape::points;
      next_gaps[j] = l < size && i < a.n ? a.gaps[static_cast<size_t>(first_direction + l) * a.n + i] : 0.0F;
    }
    for (unsigned j = 0; j < each_theta; ++j) {
      const unsigned at = threadIdx.x + Shape::threads * j;
      const unsigned l = first + at / Shape::coordinates;
      const unsigned k = first_coordinate + at % Shape::coordinates;
      next_thetas[j] = at < Shape::thetas && l < size && k < a.d ? a.directions[static_cast<size_t>(first_direction + l) * a.d + k] : 0.0F;
    }
  };
  float sums[Shape::own_coordinates][Shape::own_points] = {};
  load(0);
  for (unsigned first = 0; first < size; first += Shape::depth) {
    const unsigned depth = size - first < Shape::depth ? size - first : Shape::depth;
    for (unsigned j = 0; j < each_gap; ++j) gaps[threadIdx.x + Shape::threads * j] = next_gaps[j];
    for (unsigned j = 0; j < each_theta; ++j) {
      const unsigned at = threadIdx.x + Shape::threads * j;
      if (at < Shape::thetas) thetas[at / Shape::coordinates * Shape::row + at % Shape::coordinates] = next_thetas[j];
    }
    __syncthreads();
    if (depth < size - first) load(first + Shape::depth);
    for (unsigned l = 0; l < depth; ++l)
      for (unsigned k = 0; k < Shape::own_coordinates; ++k)
        for (unsigned i = 0; i < Shape::own_points; ++i)
          sums[k][i] = fmaf(gaps[l * Shape::points + column + columns * i], thetas[l * Shape::row + line + lines * k], sums[k][i]);
    __syncthreads();
  }
  for (unsigned i = 0; i < Shape::own_points; ++i) {
    const unsigned point = first_point + column + columns * i;
    for (unsigned k = 0; k < Shape::own_coordinates; ++k) {
      const unsigned coordinate = first_coordinate + line + lines * k;
      if (point < a.n && coordinate < a.d) a.slabs[(static_cast<size_t>(blockIdx.z) * a.n + point) * a.d + coordinate] = sums[k][i];
    }
  }
}

struct AddSlabsShape {
  static constexpr unsigned threads = 256;
};

/// gradient(e) = (`more` ? gradient(e) : 0) + Σ_s slabs(s)(e), s ascending; times `scale`. One thread an entry e.
__global__ void __launch_bounds__(AddSlabsShape::threads)
    add_slabs(const float* slabs, unsigned count, size_t entries, bool more, float scale, float* gradient) {
  const size_t entry = static_cast<size_t>(blockIdx.x) * AddSlabsShape::threads + threadIdx.x;
  if (entry >= entries) return;
  float sum = more ? gradient[entry] : 0.0F;
  for (unsigned s = 0; s < count; ++s) sum += slabs[s * entries + entry];
  gradient[entry] = sum * scale;
}

}  // namespace slicecheck::cuda
