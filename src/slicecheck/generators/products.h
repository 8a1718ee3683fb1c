#pragma once
/// Products of the sizes that dense networks have, by the kernels of loss/cpu: faster than Eigen's there, and the same bits on one instruction set.

#include "slicecheck/core/types.h"

namespace slicecheck {

/// A matrix in memory; `column_step` is 1 for rows that lie together.
template <class S>
struct MatrixView {
  const S* data;
  Index rows;
  Index columns;
  Index row_step;
  Index column_step = 1;

  /// The transposed matrix, in the same memory.
  [[nodiscard]] MatrixView transposed() const { return {data, columns, rows, column_step, row_step}; }
};

/// A row-major block or map of Eigen's as a view.
template <class Block>
MatrixView<typename Block::Scalar> view_of(const Block& block) {
  static_assert(Block::IsRowMajor);
  return {block.data(), block.rows(), block.cols(), block.outerStride()};
}

/// C = A·B, or C += A·B. C: A.rows × B.columns, rows `c_row` apart, and no part of A or B. Each entry is summed over the common dimension in an order that
/// depends on the sizes alone. One thread.
template <class S>
void multiply(const MatrixView<S>& a, const MatrixView<S>& b, S* c, Index c_row, bool add = false);

}  // namespace slicecheck
