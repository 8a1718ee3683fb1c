// The matrix product of the cpu loss, in registers: see `Product` in kernels.h. Included once for each instruction set.

#if defined(SLICECHECK_LOSS_CPU_MULTIPLY_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SLICECHECK_LOSS_CPU_MULTIPLY_INL_H_
#undef SLICECHECK_LOSS_CPU_MULTIPLY_INL_H_
#else
#define SLICECHECK_LOSS_CPU_MULTIPLY_INL_H_
#endif

#include <algorithm>

#include "hwy/highway.h"
#include "slicecheck/loss/cpu/kernels.h"

HWY_BEFORE_NAMESPACE();
namespace slicecheck::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// Directions in a panel: the lanes of a vector of 32-bit keys.
constexpr Index kLanes = hn::MaxLanes(hn::ScalableTag<std::uint32_t>());

constexpr int kTileRows = 6;
constexpr int kTileVectors = HWY_TARGET <= HWY_AVX3 ? 4 : 2;  // 6×4 sums want 32 registers, 6×2 sums want 16
constexpr Index kDepthBlock = 96;                             // rows of B that stay in the first-level cache

/// rows×vectors sums in registers, over the whole depth of the product.
template <int rows, int vectors, class S>
HWY_NOINLINE void tile(const Product<S>& x, Index row, Index column) {
  const hn::ScalableTag<S> d;
  using V = hn::Vec<decltype(d)>;
  const auto width = static_cast<Index>(hn::Lanes(d));
  S* c[vectors];
  for (int v = 0; v < vectors; ++v) {
    const Index j = column + v * width;
    c[v] = x.c + row * x.c_row + (x.c_panel == 0 ? j : j / kLanes * x.c_panel + j % kLanes);
  }
  V sum[rows][vectors];
  HWY_UNROLL(6)
  for (int r = 0; r < rows; ++r) {
    HWY_UNROLL(4)
    for (int v = 0; v < vectors; ++v) sum[r][v] = x.add ? hn::LoadU(d, c[v] + r * x.c_row) : hn::Zero(d);
  }
  const S* b = x.b + column;
  const Index chunk = x.a_chunk == 0 ? x.depth : x.a_chunk;
  const S* a_begin = x.a + row * x.a_row;
  for (Index first = 0; first < x.depth; first += chunk, a_begin += x.a_panel) {
    const Index last = std::min(first + chunk, x.depth);
    const S* a = a_begin;
    for (Index k = first; k < last; ++k, a += x.a_step, b += x.b_row) {
      V right[vectors];
      HWY_UNROLL(4)
      for (int v = 0; v < vectors; ++v) right[v] = hn::LoadU(d, b + v * width);
      HWY_UNROLL(6)
      for (int r = 0; r < rows; ++r) {
        const V left = hn::Set(d, a[r * x.a_row]);
        HWY_UNROLL(4)
        for (int v = 0; v < vectors; ++v) sum[r][v] = hn::MulAdd(left, right[v], sum[r][v]);
      }
    }
  }
  HWY_UNROLL(6)
  for (int r = 0; r < rows; ++r) {
    HWY_UNROLL(4)
    for (int v = 0; v < vectors; ++v) hn::StoreU(sum[r][v], d, c[v] + r * x.c_row);
  }
}

/// All rows of `vectors` vectors of columns.
template <int vectors, class S>
void column_of_tiles(const Product<S>& x, Index column) {
  Index row = 0;
  for (; row + kTileRows <= x.rows; row += kTileRows) tile<kTileRows, vectors>(x, row, column);
  for (; row + 3 <= x.rows; row += 3) tile<3, vectors>(x, row, column);
  for (; row < x.rows; ++row) tile<1, vectors>(x, row, column);
}

template <class S>
void multiply_block(const Product<S>& x) {
  const auto width = static_cast<Index>(hn::Lanes(hn::ScalableTag<S>()));
  Index column = 0;
  for (; column + kTileVectors * width <= x.columns; column += kTileVectors * width) column_of_tiles<kTileVectors>(x, column);
  if constexpr (kTileVectors == 4) {
    for (; column + 2 * width <= x.columns; column += 2 * width) column_of_tiles<2>(x, column);
  }
  for (; column < x.columns; column += width) column_of_tiles<1>(x, column);
}

template <class S>
void multiply(const Product<S>& product) {
  if (product.a_chunk != 0 || product.depth <= kDepthBlock) return multiply_block(product);
  Product<S> part = product;
  for (Index first = 0; first < product.depth; first += kDepthBlock) {
    part.a = product.a + first * product.a_step;
    part.b = product.b + first * product.b_row;
    part.depth = std::min(kDepthBlock, product.depth - first);
    part.add = product.add || first > 0;
    multiply_block(part);
  }
}

/// gradient(k, j) += Σ_l weights(k, l)·theta(l, j), a column j at a time; each sum over the lanes of a vector first.
template <class S>
void add_narrow(const S* weights, Index panels, Index n, const S* theta, Index dimension, Index first, Index last, S* gradient, Index gradient_row) {
  const hn::ScalableTag<S> d;
  const auto width = static_cast<Index>(hn::Lanes(d));
  for (Index k = first; k < last; ++k) {
    for (Index j = 0; j < dimension; ++j) {
      auto sum = hn::Zero(d);
      for (Index panel = 0; panel < panels; ++panel) {
        const S* w = weights + (panel * n + k) * kLanes;
        const S* t = theta + j * kGroup + panel * kLanes;
        for (Index l = 0; l < kLanes; l += width) sum = hn::MulAdd(hn::LoadU(d, w + l), hn::LoadU(d, t + l), sum);
      }
      gradient[k * gradient_row + j] += hn::GetLane(hn::SumOfLanes(d, sum));
    }
  }
}

template <class S>
bool is_narrow(Index dimension) {
  const auto width = static_cast<Index>(hn::Lanes(hn::ScalableTag<S>()));
  constexpr Index kReduction = 8;  // operations to add up the lanes of a vector
  return dimension * (kGroup / width + kReduction) <= kGroup * ((dimension + width - 1) / width);
}

}  // namespace slicecheck::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // once for each instruction set
