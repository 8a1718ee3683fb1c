#pragma once
/// Projections as 32-bit keys that carry their row: what the vectorised sorts move instead of (value, row) pairs.
///
/// A key is q·2^b + row, with b = bits of n − 1 and q = ⌊(x − min)·scale⌋ in 32 − b bits or fewer. The map x → q never decreases, rounding included, so that
/// sorting the keys sorts the projections up to pairs that share a q, and those come out in the order of their rows. `repair_run` puts such a run in the order
/// of (projection, row): the whole is the exact stable order, ties by row, whatever the data.
///
/// COST: for n points of one scale runs are few (about n²/2^(bits of q) pairs). Where outliers spread the range so far that the others share a few values of q,
/// the runs are long and each is sorted by `std::sort`: slower, not wrong.

#include <algorithm>
#include <bit>
#include <cstdint>

#include "slicecheck/core/index.h"

namespace slicecheck::cpu {

/// How q and the row share 32 bits for n points, 1 ≤ n ≤ 2^kLargestPackedBits.
struct KeyFormat {
  static constexpr int kLargestPackedBits = 14;  ///< beyond, so few bits are left for q that the repair of runs costs more than wider keys; measured

  int row_bits;
  int level_bits;               ///< of q
  std::uint32_t row_mask;       ///< of the row in a key
  std::uint32_t largest_level;  ///< of q

  /// For a sort by comparisons: as many bits of q as there is room for, up to the 24 of a float.
  static constexpr KeyFormat for_columns(Index n) { return {bits_of(n), std::min(32 - bits_of(n), 24)}; }

  /// For a radix sort in two passes over q, with about as many buckets as points.
  static constexpr KeyFormat for_rows(Index n) { return {bits_of(n), std::min(32 - bits_of(n), 2 * std::clamp(bits_of(n), 8, 11))}; }

 private:
  constexpr KeyFormat(int rows, int levels) : row_bits(rows), level_bits(levels), row_mask((1U << rows) - 1), largest_level((1U << levels) - 1) {}
  static constexpr int bits_of(Index n) { return static_cast<int>(std::bit_width(static_cast<std::uint64_t>(n - 1))); }
};

/// Rows of the keys `keys[first·step], keys[(first+1)·step], …, keys[(last−1)·step]`, which share their q, put in the order of (values[row·step], row).
template <class S>
void repair_run(std::uint32_t* keys, Index step, Index first, Index last, std::uint32_t row_mask, const S* values);

/// The same for keys of 64 bits, q·2^32 + row.
template <class S>
void repair_run(std::uint64_t* keys, Index step, Index first, Index last, std::uint64_t row_mask, const S* values);

/// Looks for runs among n sorted keys at distance `step`, and repairs them.
template <class Key, class S>
void repair_runs(Key* keys, Index step, Index n, int row_bits, const S* values) {
  const Key row_mask = static_cast<Key>((Key{1} << row_bits) - 1);
  for (Index first = 0; first + 1 < n;) {
    Index last = first + 1;
    while (last < n && ((keys[last * step] ^ keys[first * step]) & ~row_mask) == 0) ++last;
    if (last - first > 1) repair_run(keys, step, first, last, row_mask, values);
    first = last;
  }
}

}  // namespace slicecheck::cpu
