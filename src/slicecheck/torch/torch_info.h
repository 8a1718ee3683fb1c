#pragma once
/// What LibTorch is, and on how many threads it runs.

#include <string>

namespace slicecheck {

/// Keeps LibTorch, and an OpenBLAS below it, on one thread: their sums change with the number of threads. Only the first call acts; later ones return at once,
/// from any thread. TorchLoss and the convolutional generators call it when they are made.
///
/// LibTorch does this through `omp_set_num_threads(1)`, which would lower `thread_count()` with it; the number of threads of `parallel_for` is therefore fixed
/// first, at what it is. Other OpenMP code in the program that relies on the default number of threads runs on one thread afterwards.
void use_one_torch_thread();

/// The version that was compiled against, such as "1.13.1".
std::string torch_version();

/// Whether this LibTorch can compute on a CUDA device that is present.
bool torch_has_cuda();

}  // namespace slicecheck
