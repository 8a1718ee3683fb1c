// Does not compile on the host: in C++ the variable would be one for all blocks.
#include "cuda_on_host.h"

__global__ void kernel(float* out) {
  __shared__ float tile[32];
  tile[threadIdx.x] = 1.0F;
  __syncthreads();
  out[threadIdx.x] = tile[31 - threadIdx.x];
}
