#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

#include "slicecheck/cuda/buffer.h"
#include "slicecheck/cuda/launch.h"
#include "slicecheck/loss/cuda/plan.h"
#include "slicecheck/loss/cuda/project.cuh"
#include "slicecheck/loss/cuda/projection.h"
#include "slicecheck/loss/cuda/slice_sum.cuh"
#include "slicecheck/loss/cuda/sliced_loss.h"
#include "slicecheck/loss/cuda/sort_gap.cuh"
#ifndef SLICECHECK_CUDA_ON_HOST  // the sort of the whole device does not run on fibres
#include "slicecheck/loss/cuda/long_sort.cuh"
#endif

namespace slicecheck::cuda {

namespace {

constexpr Index kNarrow = 8;  // coordinates up to which NarrowSlab is taken

unsigned blocks_of(Index count, Index size) { return static_cast<unsigned>((count + size - 1) / size); }

template <int which>
void launch_tile(const SortGapArguments& arguments, unsigned count, cudaStream_t stream) {
  constexpr Tile tile = kTiles[which];
  if constexpr (which + 1 < static_cast<int>(std::size(kTiles))) {
    if (arguments.n > static_cast<unsigned>(tile.points())) {
      launch_tile<which + 1>(arguments, count, stream);
      return;
    }
  }
  launch({dim3(count), static_cast<unsigned>(tile.threads), SortGapShape<tile.threads, tile.items>::shared_bytes, stream, "sorting projections"},
         sort_gap<tile.threads, tile.items>, arguments);
}

template <class Shape>
void launch_slabs(const SlabArguments& arguments, cudaStream_t stream) {
  const dim3 grid(blocks_of(arguments.n, Shape::points), blocks_of(arguments.d, Shape::coordinates), blocks_of(arguments.count, kSlab));
  launch({grid, Shape::threads, Shape::shared_bytes, stream, "summing gaps"}, sum_slab<Shape>, arguments);
}

}  // namespace

struct SlicedLoss::Memory {
  Buffer<float> projected_z, projected_y, gaps, slabs;
  std::unique_ptr<Projection> projection;  // null: the kernel `project`
#ifndef SLICECHECK_CUDA_ON_HOST
  LongSort long_sort;
#endif
};

SlicedLoss::SlicedLoss(Index aim) : memory_(std::make_unique<Memory>()), aim_(aim) {}
SlicedLoss::~SlicedLoss() = default;

void SlicedLoss::project_with(std::unique_ptr<Projection> projection) { memory_->projection = std::move(projection); }

std::size_t SlicedLoss::working_bytes(Index n, Index d, Index count, bool gradient) const {
  return static_cast<std::size_t>(Plan(n, d, count, gradient, aim_).working_bytes());
}

void SlicedLoss::evaluate(const float* z, const float* y, const float* directions, Index n, Index d, Index count, double* per_direction, float* gradient,
                          CUstream_st* stream) {
  const Plan plan(n, d, count, gradient != nullptr, aim_);
  Memory& m = *memory_;
  const auto row_entries = static_cast<std::size_t>(plan.chunk) * static_cast<std::size_t>(plan.pitch);
  m.projected_z.reserve(row_entries);
  m.projected_y.reserve(row_entries);
  m.gaps.reserve(static_cast<std::size_t>(plan.chunk * n));
  const auto entries = static_cast<std::size_t>(n) * static_cast<std::size_t>(d);
  if (gradient != nullptr) m.slabs.reserve(static_cast<std::size_t>(plan.slabs()) * entries);
  const auto points = static_cast<unsigned>(n);
  const auto pitch = static_cast<unsigned>(plan.pitch);
  const auto dimension = static_cast<unsigned>(d);
  for (Index first = 0; first < count; first += plan.chunk) {
    const Index size = std::min(plan.chunk, count - first);
    const auto directions_here = static_cast<unsigned>(size);
    const float* theta = directions + first * d;
    if (m.projection != nullptr)
      m.projection->project({z, y, theta, n, d, size, plan.pitch, m.projected_z.data(), m.projected_y.data()}, stream);
    else
      launch({dim3(blocks_of(plan.pitch, ProjectShape::tile), blocks_of(size, ProjectShape::tile), 2), ProjectShape::threads, ProjectShape::shared_bytes,
              stream, "projecting"},
             project, ProjectArguments{z, y, theta, m.projected_z.data(), m.projected_y.data(), points, dimension, directions_here, pitch});
    if (!plan.is_long()) {
      launch_tile<0>({m.projected_z.data(), m.projected_y.data(), m.gaps.data(), per_direction + first, points, pitch}, directions_here, stream);
    } else {
#ifdef SLICECHECK_CUDA_ON_HOST
      fail(cudaErrorNotSupported, "sorting more points than the largest tile takes, on the host");
#else
      m.long_sort.match(m.projected_z.data(), m.projected_y.data(), points, pitch, directions_here, m.gaps.data(), per_direction + first, stream);
#endif
    }
    if (gradient == nullptr) continue;
    const SlabArguments slab{m.gaps.data(), theta, m.slabs.data(), points, dimension, directions_here};
    if (d <= kNarrow)
      launch_slabs<NarrowSlab>(slab, stream);
    else
      launch_slabs<WideSlab>(slab, stream);
    const bool last = first + size == count;
    const auto scale = last ? static_cast<float>(2.0 / (static_cast<double>(n) * static_cast<double>(count))) : 1.0F;
    launch({dim3(blocks_of(n * d, AddSlabsShape::threads)), AddSlabsShape::threads, 0, stream, "adding the gradient up"}, add_slabs, m.slabs.data(),
           blocks_of(size, kSlab), entries, first > 0, scale, gradient);
  }
}

}  // namespace slicecheck::cuda
