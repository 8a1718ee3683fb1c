#include "slicecheck/core/parallel.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <vector>

#include "slicecheck/core/error.h"

namespace slicecheck {

namespace {
std::atomic<int> chosen_threads{0};
}

int thread_count() {
  const int chosen = chosen_threads.load();
  return chosen > 0 ? chosen : omp_get_max_threads();
}

void set_thread_count(int threads) {
  if (threads < 1) reject("the number of threads is {}; it must be at least 1", threads);
  chosen_threads.store(threads);
}

void parallel_for(Index count, const std::function<void(Index)>& body) {
  const int threads = static_cast<int>(std::min<Index>(thread_count(), count));
  if (threads <= 1 || omp_in_parallel() != 0) {
    for (Index i = 0; i < count; ++i) body(i);
    return;
  }
  std::vector<std::exception_ptr> errors(static_cast<std::size_t>(count));
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
  for (Index i = 0; i < count; ++i) {
    try {
      body(i);
    } catch (...) {
      errors[static_cast<std::size_t>(i)] = std::current_exception();
    }
  }
  for (const auto& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

}  // namespace slicecheck
