#pragma once
/// Parallel loops over fixed pieces of work: what a piece computes never depends on how many threads there are.

#include <functional>

#include "slicecheck/core/types.h"

namespace slicecheck {

/// The number of threads that `parallel_for` may use; at first OpenMP's own choice.
int thread_count();

/// @throws InputError unless threads ≥ 1.
void set_thread_count(int threads);

/// Runs body(0), …, body(count − 1), each once, in any order and on any thread. Inside another `parallel_for` it runs in order on the calling thread.
/// If bodies throw, the exception of the smallest index is thrown again after the loop; so errors, too, are the same for any number of threads.
/// Allocates nothing where `body` does not (pass a large one as std::ref).
void parallel_for(Index count, const std::function<void(Index)>& body);

/// The same with a slot for working memory: body(i, slot), 0 ≤ slot < thread_count(), and no two bodies that run at the same time have the same slot.
void parallel_for_slots(Index count, const std::function<void(Index, Index)>& body);

}  // namespace slicecheck
