// A build without the kernels.
#include <fmt/format.h>

#include "cuda.h"
#include "slicecheck/cuda/device.h"

namespace slicecheck::benchmarks {

void register_cuda_benchmarks() { fmt::print(stderr, "cuda_loss and cuda_npsgd_step are skipped: no CUDA device: {}\n", cuda::devices().why_none); }

}  // namespace slicecheck::benchmarks
