#pragma once
/// How a call of the loss is cut into chunks of directions.

#include "slicecheck/core/index.h"
#include "slicecheck/loss/cuda/tiles.h"

namespace slicecheck::cuda {

struct Plan {
  Index n, d, count;
  bool gradient;
  Index pitch;  ///< floats from one row of projections to the next
  Index chunk;  ///< directions at a time; whole slabs, unless memory is too short for one

  /// `aim` bytes of working memory are aimed at; one direction alone may need more.
  /// @throws InputError for sizes below 1 and for those that the kernels cannot index.
  Plan(Index points, Index dimension, Index directions, bool with_gradient, Index aim);

  /// Whether the projections are sorted by the whole device.
  [[nodiscard]] bool is_long() const { return n > kLargestTile; }
  [[nodiscard]] Index slabs() const { return (chunk + kSlab - 1) / kSlab; }
  /// Bytes of working memory of one direction: projections, gaps, and what the sort of the whole device is given.
  [[nodiscard]] Index direction_bytes() const;
  /// Bytes of working memory of one slab: its share of the gradient.
  [[nodiscard]] Index slab_bytes() const;
  /// Bytes of working memory, without the temporary storage of the sort of the whole device.
  [[nodiscard]] Index working_bytes() const;
};

}  // namespace slicecheck::cuda
