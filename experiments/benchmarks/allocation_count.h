#pragma once
/// Counts what the process allocates: malloc and its relatives are replaced, so that Eigen's, the standard library's and OpenMP's memory is seen. Linking the
/// .cpp file is enough. Not with sanitizers, which replace malloc themselves.

#include <cstdint>

namespace slicecheck::benchmarks {

/// From now on: the bytes allocated minus those freed, and the largest value that this had. Exact where nothing allocated before is freed meanwhile.
void start_counting_allocations();

struct AllocationCount {
  std::int64_t live;         ///< bytes allocated and not freed since the start
  std::int64_t peak;         ///< the largest of these
  std::int64_t allocations;  ///< calls that allocated
};

/// What was counted since; counting ends.
AllocationCount stop_counting_allocations();

}  // namespace slicecheck::benchmarks
