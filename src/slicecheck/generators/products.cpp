#include "slicecheck/generators/products.h"

#include <algorithm>

#include "slicecheck/loss/cpu/kernels.h"
#include "slicecheck/loss/cpu/scratch.h"

namespace slicecheck {

namespace {

constexpr Index kSquare = 16;
constexpr Index kFewColumns = 4;

/// Columns from `first` on of B, `width` wide, as rows that lie together; columns beyond the last are zero.
template <class S>
void copy_columns(const MatrixView<S>& b, Index first, Index width, S* out) {
  const Index real = std::min(width, b.columns - first);
  for (Index k0 = 0; k0 < b.rows; k0 += kSquare) {  // in squares: a transposed B is read along its rows
    const Index k1 = std::min(b.rows, k0 + kSquare);
    for (Index j0 = 0; j0 < real; j0 += kSquare) {
      const Index j1 = std::min(real, j0 + kSquare);
      for (Index k = k0; k < k1; ++k)
        for (Index j = j0; j < j1; ++j) out[k * width + j] = b.data[k * b.row_step + (first + j) * b.column_step];
    }
    for (Index k = k0; k < k1; ++k)
      for (Index j = real; j < width; ++j) out[k * width + j] = S{0};
  }
}

}  // namespace

template <class S>
void multiply(const MatrixView<S>& a, const MatrixView<S>& b, S* c, Index c_row, bool add) {
  const cpu::Kernels<S>& kernels = cpu::kernels<S>();
  thread_local cpu::Scratch<S> b_room;
  thread_local cpu::Scratch<S> c_room;
  cpu::Product<S> product{.a = a.data, .a_row = a.row_step, .a_step = a.column_step, .b = b.data, .b_row = b.row_step, .c = c, .c_row = c_row};
  product.rows = a.rows;
  product.depth = a.columns;
  product.add = add;
  product.columns = b.columns / kernels.columns * kernels.columns;
  const Index left = b.columns - product.columns;
  if (b.column_step != 1 && product.columns > 0) {
    S* const packed = b_room.room(b.rows * product.columns);
    copy_columns(b, 0, product.columns, packed);
    product.b = packed;
    product.b_row = product.columns;
  }
  if (product.columns > 0) kernels.multiply(product);
  if (left == 0) return;
  const Index first = product.columns;
  if (b.row_step == 1 && a.column_step == 1 && left <= kFewColumns) {  // columns that lie together: scalar products
    for (Index r = 0; r < a.rows; ++r) {
      const Eigen::Map<const Vector<S>> row(a.data + r * a.row_step, a.columns);
      for (Index j = first; j < b.columns; ++j) {
        const S sum = row.dot(Eigen::Map<const Vector<S>>(b.data + j * b.column_step, b.rows));
        c[r * c_row + j] = add ? c[r * c_row + j] + sum : sum;
      }
    }
    return;
  }
  // The last columns in a vector of their own.
  S* const packed = b_room.room(b.rows * kernels.columns);
  copy_columns(b, first, kernels.columns, packed);
  S* const sums = c_room.room(a.rows * kernels.columns);
  if (add)
    for (Index r = 0; r < a.rows; ++r)
      for (Index j = 0; j < kernels.columns; ++j) sums[r * kernels.columns + j] = j < left ? c[r * c_row + first + j] : S{0};
  product.b = packed;
  product.b_row = kernels.columns;
  product.c = sums;
  product.c_row = kernels.columns;
  product.columns = kernels.columns;
  kernels.multiply(product);
  for (Index r = 0; r < a.rows; ++r)
    for (Index j = 0; j < left; ++j) c[r * c_row + first + j] = sums[r * kernels.columns + j];
}

template void multiply<float>(const MatrixView<float>&, const MatrixView<float>&, float*, Index, bool);
template void multiply<double>(const MatrixView<double>&, const MatrixView<double>&, double*, Index, bool);

}  // namespace slicecheck
