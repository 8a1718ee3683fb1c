// In a file of its own, compiled for a baseline: Highway 1.0.3 of Debian 12 does not compile with every -march=native. The library's sort dispatches when it
// runs.
#include <hwy/contrib/sort/vqsort.h>

#include "sorters.h"

namespace slicecheck::benchmarks {

void vqsort(std::uint64_t* keys, std::size_t count) {
  thread_local const hwy::Sorter sorter;
  sorter(keys, count, hwy::SortAscending());
}

void vqsort(float* keys, std::size_t count) {
  thread_local const hwy::Sorter sorter;
  sorter(keys, count, hwy::SortAscending());
}

}  // namespace slicecheck::benchmarks
