#pragma once
/// The order of one direction's n projections, by a radix sort of packed keys: for few directions, or more points than a sort by columns is good for.

#include <cstdint>

#include "slicecheck/core/index.h"
#include "slicecheck/loss/cpu/kernels.h"
#include "slicecheck/loss/cpu/scratch.h"

namespace slicecheck::cpu {

/// Sorts rows of projections; keeps its memory from call to call. One thread at a time.
class RowSort {
 public:
  /// matched[k] = the value of y that the optimal matching gives to z[k]; at a tie the order is that of the rows (L1, N1). False where a value is not finite.
  template <class S>
  bool match(const Kernels<S>& kernels, const S* z, const S* y, Index n, S* matched);

  /// The values sorted. False where one is not finite.
  template <class S>
  bool sort(const Kernels<S>& kernels, const S* values, Index n, S* sorted);

 private:
  Scratch<std::uint64_t> z_keys_;
  Scratch<std::uint64_t> y_keys_;
  Scratch<std::uint64_t> room_;
};

}  // namespace slicecheck::cpu
