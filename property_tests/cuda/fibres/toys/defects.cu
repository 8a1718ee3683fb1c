// Small kernels with one planted defect each, and their right twins. PLANTED marks the line that a sanitizer must name.
//
//     program DEFECT planted|right     prints "done" and ends with 0 where nothing was found
#include <cstdio>
#include <cstring>  // not <string>: what the standard library compiled is not instrumented
#include <vector>

#include "cuda_on_host.h"

namespace {

using cuda_on_host::block_shared;
using cuda_on_host::dynamic_shared;

constexpr unsigned kThreads = 64;
constexpr unsigned kBlocks = 3;
constexpr unsigned kWarp = 32;
constexpr unsigned kAll = 0xFFFF'FFFFU;

/// Reverses the values of a block through shared memory. Planted: no barrier between writes and reads. Each thread also has an array on its stack, which it
/// shares with no thread of any block.
__global__ void missing_barrier(bool planted, float* values) {
  auto* shared = dynamic_shared<float>();
  float* own = values + blockIdx.x * blockDim.x + threadIdx.x;
  float local[16] = {};
  local[threadIdx.x % 16] = *own;
  shared[threadIdx.x] = local[threadIdx.x % 16];
  if (!planted) __syncthreads();
  *own = shared[blockDim.x - 1 - threadIdx.x] + local[(threadIdx.x + 1) % 16];  // PLANTED(missing_barrier)
}

struct Cell {
  float value[kThreads];
};

/// Hands values on through static shared memory, three times. Planted: no barrier between the reads of one time and the writes of the next.
__global__ void missing_second_barrier(bool planted, float* values) {
  Cell& cell = block_shared<Cell>();
  float mine = values[blockIdx.x * blockDim.x + threadIdx.x];
  for (int time = 0; time < 3; ++time) {
    cell.value[threadIdx.x] = mine;  // PLANTED(missing_second_barrier)
    __syncthreads();
    mine = cell.value[(threadIdx.x + 1) % blockDim.x];
    if (!planted) __syncthreads();
  }
  values[blockIdx.x * blockDim.x + threadIdx.x] = mine;
}

/// Reads what the next lane wrote. Planted: a shuffle stands where __syncwarp is needed; a shuffle orders no memory.
__global__ void shuffle_for_barrier(bool planted, float* values) {
  auto* shared = dynamic_shared<float>();
  const unsigned thread = threadIdx.x;
  shared[thread] = values[blockIdx.x * blockDim.x + thread];
  if (planted)
    __shfl_sync(kAll, thread, 0);
  else
    __syncwarp();
  const unsigned next = thread / kWarp * kWarp + (thread + 1) % kWarp;
  values[blockIdx.x * blockDim.x + thread] = shared[next];  // PLANTED(shuffle_for_barrier)
}

/// Counts threads. Planted: blocks add to one address without atomics.
__global__ void race_between_blocks(bool planted, float* values) {
  if (threadIdx.x != 0) return;
  if (planted)
    values[0] += 1.0F;  // PLANTED(race_between_blocks)
  else
    atomicAdd(values, 1.0F);
}

/// Planted: the last element of shared memory is read and was not written.
__global__ void unwritten_shared(bool planted, float* values) {
  auto* shared = dynamic_shared<float>();
  if (!planted || threadIdx.x + 1 < blockDim.x) shared[threadIdx.x] = 1.0F;
  __syncthreads();
  if (shared[blockDim.x - 1 - threadIdx.x] > 0.5F)  // PLANTED(unwritten_shared)
    values[blockIdx.x * blockDim.x + threadIdx.x] = 2.0F;
}

/// The same for static shared memory: the second block must not see what the first one wrote.
__global__ void unwritten_static(bool planted, float* values) {
  Cell& cell = block_shared<Cell>();
  if (!planted || blockIdx.x == 0) cell.value[threadIdx.x] = 1.0F;
  if (cell.value[threadIdx.x] > 0.5F)  // PLANTED(unwritten_static)
    values[blockIdx.x * blockDim.x + threadIdx.x] = 2.0F;
}

/// Planted: memory of the device that nobody wrote decides.
__global__ void unwritten_global(bool planted, float* values) {
  const float* fresh = values + kBlocks * kThreads;                              // allocated with `values`, and not written
  if ((planted ? fresh : values + blockIdx.x * blockDim.x)[threadIdx.x] > 0.5F)  // PLANTED(unwritten_global)
    values[blockIdx.x * blockDim.x + threadIdx.x] = 2.0F;
}

/// Planted: an unwritten value goes through a shuffle and then decides.
__global__ void unwritten_through_shuffle(bool planted, float* values) {
  auto* shared = dynamic_shared<float>();
  if (!planted) shared[threadIdx.x] = 1.0F;
  const float other = __shfl_xor_sync(kAll, shared[threadIdx.x], 1);
  if (other > 0.5F)  // PLANTED(unwritten_through_shuffle)
    values[blockIdx.x * blockDim.x + threadIdx.x] = 2.0F;
}

/// Planted: one element beyond the dynamic shared memory is written.
__global__ void overrun_shared(bool planted, float* values) {
  auto* shared = dynamic_shared<float>();
  const unsigned at = threadIdx.x + (planted ? 1 : 0);
  shared[at] = 1.0F;  // PLANTED(overrun_shared)
  values[blockIdx.x * blockDim.x + threadIdx.x] = shared[at];
}

/// Planted: one element beyond the static shared memory is written.
__global__ void overrun_static(bool planted, float* values) {
  float* cell = block_shared<Cell>().value;
  const unsigned at = threadIdx.x + (planted ? 1 : 0);
  cell[at] = 1.0F;  // PLANTED(overrun_static)
  values[blockIdx.x * blockDim.x + threadIdx.x] = cell[at];
}

/// Planted: one element beyond an allocation of the device is read.
__global__ void overrun_global(bool planted, float* values) {
  const unsigned at = blockIdx.x * blockDim.x + threadIdx.x;
  const float next = values[planted || at + 1 < kBlocks * kThreads ? at + 1 : at];  // PLANTED(overrun_global)
  __syncthreads();
  values[at] = next;
}

/// Planted: a block reads the shared memory of the block before.
__global__ void shared_of_another_block(bool planted, float* values) {
  auto* shared = dynamic_shared<float>();
  static float* of_first = nullptr;
  shared[threadIdx.x] = 1.0F;
  if (planted && blockIdx.x == 0 && threadIdx.x == 0) of_first = shared;
  __syncthreads();
  const float* from = planted ? of_first : shared;
  values[blockIdx.x * blockDim.x + threadIdx.x] = from[threadIdx.x];  // PLANTED(shared_of_another_block)
}

/// Planted: a shift by 32 bits. UndefinedBehaviorSanitizer's.
__global__ void wide_shift(bool planted, float* values) {
  const unsigned bits = planted ? kWarp : kWarp - 1;
  values[blockIdx.x * blockDim.x + threadIdx.x] = static_cast<float>(threadIdx.x << bits);  // PLANTED(wide_shift)
}

/// Planted: one thread does not come to the barrier. No sanitizer's: the fibres refuse it.
__global__ void missing_thread(bool planted, float* values) {
  if (planted && threadIdx.x == 5) return;
  __syncthreads();  // PLANTED(missing_thread)
  values[blockIdx.x * blockDim.x + threadIdx.x] = 2.0F;
}

struct Toy {
  const char* name;
  void (*kernel)(bool, float*);
};

constexpr Toy kToys[] = {
    {"missing_barrier", missing_barrier},
    {"missing_second_barrier", missing_second_barrier},
    {"shuffle_for_barrier", shuffle_for_barrier},
    {"race_between_blocks", race_between_blocks},
    {"unwritten_shared", unwritten_shared},
    {"unwritten_static", unwritten_static},
    {"unwritten_global", unwritten_global},
    {"unwritten_through_shuffle", unwritten_through_shuffle},
    {"overrun_shared", overrun_shared},
    {"overrun_static", overrun_static},
    {"overrun_global", overrun_global},
    {"shared_of_another_block", shared_of_another_block},
    {"wide_shift", wide_shift},
    {"missing_thread", missing_thread},
};

/// Runs a kernel on fresh memory of the device; returns the exit code.
int run(const Toy& toy, bool planted) {
  constexpr std::size_t bytes = kBlocks * kThreads * sizeof(float);
  const std::vector<float> start(kBlocks * kThreads, 1.0F);
  void* values = nullptr;
  const std::size_t fresh = toy.kernel == unwritten_global ? kThreads * sizeof(float) : 0;
  cudaMalloc(&values, bytes + fresh);
  cudaMemcpy(values, start.data(), bytes, cudaMemcpyHostToDevice);
  int code = 0;
  try {
    cuda_on_host::launch_kernel(toy.kernel, dim3(kBlocks), dim3(kThreads), kThreads * sizeof(float), planted, static_cast<float*>(values));
  } catch (const cuda_on_host::KernelFault& fault) {
    std::printf("fault: %s\n", fault.what());
    code = 3;
  }
  cudaFree(values);
  return code;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) return 2;
  for (const Toy& toy : kToys) {
    if (std::strcmp(toy.name, arguments[1]) != 0) continue;
    const int code = run(toy, std::strcmp(arguments[2], "planted") == 0);
    if (run(toy, false) != 0) return 4;  // the right kernel runs after a faulty one
    std::puts("done");
    return code;
  }
  return 2;
}
