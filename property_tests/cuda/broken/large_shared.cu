#include "cuda/broken/large_shared.h"
#include "slicecheck/cuda/launch.h"

namespace slicecheck::shipped {

namespace {

__global__ void fill_and_sum(unsigned count, unsigned* sum) {
  auto* words = cuda::dynamic_shared<unsigned>();
  for (unsigned i = threadIdx.x; i < count; i += blockDim.x) words[i] = i + 1;
  __syncthreads();
  if (threadIdx.x != 0) return;
  unsigned all = 0;
  for (unsigned i = 0; i < count; ++i) all += words[i];
  *sum = all;
}

}  // namespace

void launch_sum_in_shared(std::size_t bytes, unsigned threads, unsigned* sum) {
  cuda::launch({dim3(1), threads, bytes, nullptr, "filling shared memory"}, fill_and_sum, bytes / sizeof(unsigned), sum);
}

}  // namespace slicecheck::shipped
