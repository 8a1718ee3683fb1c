#pragma once
/// Batches beyond the largest tile: cub::DeviceSegmentedRadixSort, then matching by rank.

#include <cstddef>
#include <cub/device/device_segmented_radix_sort.cuh>

#include "slicecheck/cuda/buffer.h"
#include "slicecheck/cuda/launch.h"
#include "slicecheck/loss/cuda/long_gap.cuh"

namespace slicecheck::cuda {

class LongSort {
 public:
  /// What `sort_gap` does, for `count` rows of projections of any length with count·pitch < 2^31. The radix sort is stable.
  void match(const float* projected_z, const float* projected_y, unsigned n, unsigned pitch, unsigned count, float* gaps, double* per_direction,
             cudaStream_t stream) {
    const std::size_t entries = static_cast<std::size_t>(count) * pitch;
    const unsigned blocks = (n + LongGapShape::ranks - 1) / LongGapShape::ranks;
    sorted_z_.reserve(entries);
    sorted_y_.reserve(entries);
    index_.reserve(entries);
    sorted_index_.reserve(entries);
    begin_.reserve(count);
    end_.reserve(count);
    partial_.reserve(static_cast<std::size_t>(count) * blocks);
    const Launch each{dim3(blocks, count), LongGapShape::threads, 0, stream, "numbering points"};
    launch(each, number_points, n, pitch, index_.data(), begin_.data(), end_.data());
    const auto items = static_cast<int>(entries);
    const auto segments = static_cast<int>(count);
    sort([&](void* temporary, std::size_t& bytes) {
      return cub::DeviceSegmentedRadixSort::SortPairs(temporary, bytes, projected_z, sorted_z_.data(), index_.data(), sorted_index_.data(), items, segments,
                                                      begin_.data(), end_.data(), 0, 32, stream);
    });
    sort([&](void* temporary, std::size_t& bytes) {
      return cub::DeviceSegmentedRadixSort::SortKeys(temporary, bytes, projected_y, sorted_y_.data(), items, segments, begin_.data(), end_.data(), 0, 32,
                                                     stream);
    });
    launch({dim3(blocks, count), LongGapShape::threads, LongGapShape::shared_bytes, stream, "matching projections"}, long_gap,
           LongGapArguments{sorted_z_.data(), sorted_y_.data(), sorted_index_.data(), gaps, partial_.data(), n, pitch});
    launch({dim3((count + LongGapShape::threads - 1) / LongGapShape::threads), LongGapShape::threads, 0, stream, "adding values up"}, add_partials,
           partial_.data(), blocks, count, n, per_direction);
  }

 private:
  /// Asks how much temporary storage a sort wants, and sorts.
  template <class Sort>
  void sort(Sort&& run) {
    std::size_t bytes = 0;
    check(run(nullptr, bytes), "asking for the storage of a sort");
    temporary_.reserve(bytes);
    check(run(temporary_.data(), bytes), "sorting projections");
  }

  Buffer<float> sorted_z_, sorted_y_;
  Buffer<unsigned> index_, sorted_index_;
  Buffer<int> begin_, end_;
  Buffer<double> partial_;
  Buffer<unsigned char> temporary_;
};

}  // namespace slicecheck::cuda
