#include "slicecheck/core/parallel.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <exception>

#include "slicecheck/core/calling_thread.h"
#include "slicecheck/core/error.h"

namespace slicecheck {

namespace {
std::atomic<int> chosen_threads{0};
thread_local int on_calling_thread = 0;
}  // namespace

OnCallingThread::OnCallingThread() { ++on_calling_thread; }
OnCallingThread::~OnCallingThread() { --on_calling_thread; }
bool OnCallingThread::active() { return on_calling_thread > 0; }

int thread_count() {
  const int chosen = chosen_threads.load();
  return chosen > 0 ? chosen : omp_get_max_threads();
}

void set_thread_count(int threads) {
  if (threads < 1) reject("the number of threads is {}; it must be at least 1", threads);
  chosen_threads.store(threads);
}

void parallel_for(Index count, const std::function<void(Index)>& body) {
  const auto without_slot = [&body](Index i, Index /*slot*/) { body(i); };
  parallel_for_slots(count, std::ref(without_slot));
}

void parallel_for_slots(Index count, const std::function<void(Index, Index)>& body) {
  const int threads = static_cast<int>(std::min<Index>(thread_count(), count));
  if (threads <= 1 || omp_in_parallel() != 0 || OnCallingThread::active()) {
    for (Index i = 0; i < count; ++i) body(i, 0);
    return;
  }
  std::exception_ptr error;
  Index error_at = count;
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
  for (Index i = 0; i < count; ++i) {
    try {
      body(i, omp_get_thread_num());
    } catch (...) {
#pragma omp critical(slicecheck_parallel_for_error)
      if (i < error_at) {
        error = std::current_exception();
        error_at = i;
      }
    }
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace slicecheck
