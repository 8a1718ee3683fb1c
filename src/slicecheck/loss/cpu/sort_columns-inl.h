// Sorts every lane of an array of vectors: a network of minima and maxima of whole registers, without shuffles. Included once for each instruction set.
//
// A bitonic merge sort on the rows. Sixteen rows at a time are sorted in registers; a merge of two sorted runs of p rows compares row i with row 2p − 1 − i,
// then rows at distances p/2, p/4, …, 1. Every comparison leaves the smaller key in the lower row, so rows beyond the end may be thought to hold the largest
// key: they never move, and comparisons with them are left out. Up to four distances are done in one pass over the memory.

#if defined(SLICECHECK_LOSS_CPU_SORT_COLUMNS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SLICECHECK_LOSS_CPU_SORT_COLUMNS_INL_H_
#undef SLICECHECK_LOSS_CPU_SORT_COLUMNS_INL_H_
#else
#define SLICECHECK_LOSS_CPU_SORT_COLUMNS_INL_H_
#endif

#include <algorithm>
#include <bit>

#include "hwy/highway.h"
#include "slicecheck/loss/cpu/kernels.h"

HWY_BEFORE_NAMESPACE();
namespace slicecheck::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Key = hn::ScalableTag<std::uint32_t>;
using Keys = hn::Vec<Key>;

/// Rows of keys from `begin` on, of which only the first `rows` exist.
struct Column {
  std::uint32_t* begin;
  Index rows;
};

HWY_INLINE std::uint32_t* row_of(const Column x, Index row) { return x.begin + row * static_cast<Index>(hn::MaxLanes(Key())); }

HWY_INLINE void order(Keys& low, Keys& high) {
  const Keys smaller = hn::Min(low, high);
  high = hn::Max(low, high);
  low = smaller;
}

template <bool whole>
HWY_INLINE Keys load(const Column x, Index row) {
  if (whole || row < x.rows) return hn::Load(Key(), row_of(x, row));
  return hn::Set(Key(), 0xFFFF'FFFFU);
}

template <bool whole>
HWY_INLINE void store(const Column x, Index row, Keys keys) {
  if (whole || row < x.rows) hn::Store(keys, Key(), row_of(x, row));
}

/// Distances count/2, …, 1 among `count` registers.
template <int count>
HWY_INLINE void clean(Keys* v) {
  HWY_UNROLL(4)
  for (int distance = count / 2; distance >= 1; distance /= 2) {
    HWY_UNROLL(16)
    for (int i = 0; i < count; ++i) {
      if ((i & distance) == 0) order(v[i], v[i + distance]);
    }
  }
}

/// Sixteen rows, by the network of 60 comparisons found by M. W. Green. A line holds comparisons that do not wait for one another.
HWY_NOINLINE void sort_sixteen(std::uint32_t* rows) {
  constexpr Index kWidth = hn::MaxLanes(Key());
  Keys v[16];
  HWY_UNROLL(16)
  for (int i = 0; i < 16; ++i) v[i] = hn::Load(Key(), rows + i * kWidth);
  // clang-format off
  order(v[0], v[1]); order(v[2], v[3]); order(v[4], v[5]); order(v[6], v[7]); order(v[8], v[9]); order(v[10], v[11]); order(v[12], v[13]); order(v[14], v[15]);
  order(v[0], v[2]); order(v[1], v[3]); order(v[4], v[6]); order(v[5], v[7]); order(v[8], v[10]); order(v[9], v[11]); order(v[12], v[14]); order(v[13], v[15]);
  order(v[0], v[4]); order(v[1], v[5]); order(v[2], v[6]); order(v[3], v[7]); order(v[8], v[12]); order(v[9], v[13]); order(v[10], v[14]); order(v[11], v[15]);
  order(v[0], v[8]); order(v[1], v[9]); order(v[2], v[10]); order(v[3], v[11]); order(v[4], v[12]); order(v[5], v[13]); order(v[6], v[14]); order(v[7], v[15]);
  order(v[5], v[10]); order(v[6], v[9]); order(v[3], v[12]); order(v[13], v[14]); order(v[4], v[8]); order(v[7], v[11]); order(v[1], v[2]);
  order(v[1], v[4]); order(v[7], v[13]); order(v[2], v[8]); order(v[11], v[14]);
  order(v[2], v[4]); order(v[5], v[6]); order(v[9], v[10]); order(v[11], v[13]); order(v[3], v[8]); order(v[7], v[12]);
  order(v[6], v[8]); order(v[10], v[12]); order(v[3], v[5]); order(v[7], v[9]);
  order(v[3], v[4]); order(v[5], v[6]); order(v[7], v[8]); order(v[9], v[10]); order(v[11], v[12]);
  order(v[6], v[7]); order(v[8], v[9]);
  // clang-format on
  HWY_UNROLL(16)
  for (int i = 0; i < 16; ++i) hn::Store(v[i], Key(), rows + i * kWidth);
}

/// The first pass of a merge of two runs of p rows: mirrored rows, then the distances p/2, …: `levels` comparisons of each row in all.
template <int levels, bool whole>
HWY_NOINLINE void mirror_pass(const Column x, Index p) {
  constexpr int kHalf = 1 << (levels - 1);
  const Index step = p / kHalf;
  for (Index i = 0; i < step; ++i) {
    Keys low[kHalf];
    Keys high[kHalf];
    HWY_UNROLL(8)
    for (int m = 0; m < kHalf; ++m) {
      low[m] = load<whole>(x, i + m * step);
      high[m] = load<whole>(x, p + (step - 1 - i) + m * step);
    }
    HWY_UNROLL(8)
    for (int m = 0; m < kHalf; ++m) order(low[m], high[kHalf - 1 - m]);
    clean<kHalf>(low);
    clean<kHalf>(high);
    HWY_UNROLL(8)
    for (int m = 0; m < kHalf; ++m) {
      store<whole>(x, i + m * step, low[m]);
      store<whole>(x, p + (step - 1 - i) + m * step, high[m]);
    }
  }
}

/// Distances d, d/2, …, `levels` of them, in a block of 2d rows.
template <int levels, bool whole>
HWY_NOINLINE void distance_pass(const Column x, Index distance) {
  constexpr int kCount = 1 << levels;
  const Index step = 2 * distance / kCount;
  for (Index i = 0; i < step; ++i) {
    Keys v[kCount];
    HWY_UNROLL(16)
    for (int m = 0; m < kCount; ++m) v[m] = load<whole>(x, i + m * step);
    clean<kCount>(v);
    HWY_UNROLL(16)
    for (int m = 0; m < kCount; ++m) store<whole>(x, i + m * step, v[m]);
  }
}

/// Distances 8, 4, 2, 1: rows come in sixteens.
HWY_NOINLINE void clean_sixteens(const Column x) {
  for (Index i = 0; i < x.rows; i += 16) {
    Keys v[16];
    HWY_UNROLL(16)
    for (int m = 0; m < 16; ++m) v[m] = load<true>(x, i + m);
    clean<16>(v);
    HWY_UNROLL(16)
    for (int m = 0; m < 16; ++m) store<true>(x, i + m, v[m]);
  }
}

template <bool whole>
void some_mirror_levels(int levels, const Column x, Index p) {
  if (levels == 1) return mirror_pass<1, whole>(x, p);
  if (levels == 2) return mirror_pass<2, whole>(x, p);
  if (levels == 3) return mirror_pass<3, whole>(x, p);
  mirror_pass<4, whole>(x, p);
}

template <bool whole>
void some_distance_levels(int levels, const Column x, Index distance) {
  if (levels == 1) return distance_pass<1, whole>(x, distance);
  if (levels == 2) return distance_pass<2, whole>(x, distance);
  if (levels == 3) return distance_pass<3, whole>(x, distance);
  distance_pass<4, whole>(x, distance);
}

/// The levels of the next pass: at most four, and passes of equal size.
constexpr int levels_now(int left) {
  const int passes = (left + 3) / 4;
  return (left + passes - 1) / passes;
}

/// Distances from `distance` = 2^(levels + 2)·2 down to 1 in a block of 2·distance rows, block by block: what a pass leaves is worked off while the cache has
/// it.
template <bool whole>
void settle(const Column x, Index distance, int levels) {
  if (levels == 0) return clean_sixteens(x);
  const int now = levels_now(levels);
  some_distance_levels<whole>(now, x, distance);
  const Index block = 2 * distance >> now;
  for (Index begin = 0; begin < x.rows; begin += block) {
    const Column part{row_of(x, begin), std::min(block, x.rows - begin)};
    if (part.rows == block)
      settle<true>(part, distance >> now, levels - now);
    else
      settle<false>(part, distance >> now, levels - now);
  }
}

/// Merges the sorted runs [0, p) and [p, 2p), p a multiple of 16, of which x.rows > p rows exist.
template <bool whole>
void merge(const Column x, Index p) {
  const int levels = std::countr_zero(static_cast<std::uint64_t>(p)) - 3;  // without the distances 8, 4, 2, 1
  const int now = levels_now(levels);
  some_mirror_levels<whole>(now, x, p);
  const Index block = 2 * p >> now;
  if (levels == now) return clean_sixteens(x);
  for (Index begin = 0; begin < x.rows; begin += block) {
    const Column part{row_of(x, begin), std::min(block, x.rows - begin)};
    if (part.rows == block)
      settle<true>(part, p >> now, levels - now);
    else
      settle<false>(part, p >> now, levels - now);
  }
}

/// Sorts the rows that exist among `span`, a power of two ≥ 16. Depth first: short runs stay in the first-level cache.
void sort_span(const Column x, Index span) {
  if (span == 16) return sort_sixteen(x.begin);
  const Index half = span / 2;
  sort_span({x.begin, std::min(x.rows, half)}, half);
  if (x.rows <= half) return;
  sort_span({row_of(x, half), x.rows - half}, half);
  if (x.rows == span)
    merge<true>(x, half);
  else
    merge<false>(x, half);
}

void sort_columns(std::uint32_t* keys, Index rows) { sort_span({keys, rows}, static_cast<Index>(std::bit_ceil(static_cast<std::uint64_t>(rows)))); }

}  // namespace slicecheck::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // once for each instruction set
