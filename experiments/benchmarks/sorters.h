#pragma once
/// The fastest sorts at hand, for the opponent `torch+` and for the limit.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "slicecheck/core/types.h"
#include "slicecheck/loss/cpu/row_sort.h"

namespace slicecheck::benchmarks {

// vqsort.cpp: Highway's vectorised quicksort. It chooses the instruction set when it runs.
void vqsort(std::uint64_t* keys, std::size_t count);
void vqsort(float* keys, std::size_t count);

/// A float above a row in one integer, whose order is that of (value, row); −0 is below +0.
std::uint64_t pack(float value, std::uint32_t row);
float unpack_value(std::uint64_t packed);

/// Seconds of one sort of `count` rows of n random float keys that carry their index, by vqsort on packed 64-bit keys. Only the sorts are timed, block by
/// block.
class PackedSort {
 public:
  PackedSort(Index n, Index count);
  double seconds();

 private:
  Points<std::uint64_t> keys_;
  Points<std::uint64_t> room_;
  Index count_;
};

/// The same without an index, on floats.
class PlainSort {
 public:
  PlainSort(Index n, Index count);
  double seconds();

 private:
  Points<float> keys_;
  Points<float> room_;
  Index count_;
};

/// The sorting network of the cpu loss, one direction a lane: packing, the network, and the repair that makes it exact. With the index, and without.
class LaneSort {
 public:
  LaneSort(Index n, Index count);
  [[nodiscard]] static bool offered(Index n);  ///< the cpu loss sorts so many points in this way
  double with_index();
  double without();

 private:
  template <class Sort>
  double run(Sort&& sort);

  Index n_;
  Index count_;
  Index lanes_;
  std::vector<Points<float>> panels_;  ///< n×lanes, some of them, used in turn
  Vector<std::uint32_t> room_;
  std::uint32_t* keys_;
};

/// The sort by rows of the cpu loss, for more points: both sorts of a direction and the matching that they give.
class RowMatch {
 public:
  RowMatch(Index n, Index count);
  double seconds();

 private:
  Points<float> z_;
  Points<float> y_;
  Vector<float> matched_;
  Index count_;
  cpu::RowSort sort_;
};

}  // namespace slicecheck::benchmarks
