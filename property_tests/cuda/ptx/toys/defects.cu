// Pairs of small kernels: with broken = true each has one planted defect, with broken = false it is right. ptx_machine_test.cpp says which check must find
// which. Every kernel has the same parameters: `in` and `out` hold n floats.

constexpr unsigned everyone = 0xFFFFFFFF;

#define TOY(name)                                                           \
  template <bool broken>                                                    \
  __global__ void name(const float* in, float* out, int n);                 \
  template __global__ void name<true>(const float* in, float* out, int n);  \
  template __global__ void name<false>(const float* in, float* out, int n); \
  template <bool broken>                                                    \
  __global__ void name([[maybe_unused]] const float* in, [[maybe_unused]] float* out, [[maybe_unused]] int n)

extern __shared__ float dynamic_floats[];

__device__ unsigned thread_of_grid() { return blockIdx.x * blockDim.x + threadIdx.x; }

TOY(race_within_warp) {  // a neighbour's value without __syncwarp
  __shared__ float values[32];
  values[threadIdx.x] = 0;
  __syncthreads();
  values[threadIdx.x] = in[threadIdx.x];
  if (!broken) __syncwarp();
  out[threadIdx.x] = values[threadIdx.x ^ 1];
}

TOY(race_between_warps) {
  __shared__ float values[64];
  values[threadIdx.x] = 0;
  __syncthreads();
  values[threadIdx.x] = in[threadIdx.x];
  if (broken)
    __syncwarp();
  else
    __syncthreads();
  out[threadIdx.x] = values[threadIdx.x ^ 32];
}

TOY(write_after_read) {  // the scratch is used again before all have read it
  __shared__ float scratch[1];
  if (threadIdx.x == 0) scratch[0] = in[0];
  __syncthreads();
  const float first = scratch[0];
  if (!broken) __syncthreads();
  if (threadIdx.x == 0) scratch[0] = in[1];
  __syncthreads();
  out[threadIdx.x] = first + scratch[0];
}

TOY(partial_warp_barrier) {  // lanes 16 to 31 are not ordered by the barrier of the others
  __shared__ float values[32];
  values[threadIdx.x] = 0;
  __syncthreads();
  values[threadIdx.x] = in[threadIdx.x];
  if (threadIdx.x < 16) {
    __syncwarp(0xFFFF);
    out[threadIdx.x] = values[broken ? threadIdx.x + 16 : threadIdx.x ^ 1];
  }
}

TOY(bytes_beside) {  // neighbours in one word are no race; the same byte is
  __shared__ unsigned char bytes[128];
  bytes[broken ? threadIdx.x / 2 : threadIdx.x] = static_cast<unsigned char>(threadIdx.x);
  __syncthreads();
  out[threadIdx.x] = bytes[threadIdx.x / 2];
}

TOY(race_between_blocks) {  // all blocks add to the same entries
  out[broken ? threadIdx.x : thread_of_grid()] += in[threadIdx.x];
}

TOY(read_of_other_block) {
  const unsigned other = (thread_of_grid() + blockDim.x) % n;
  out[thread_of_grid()] = in[0];
  __syncthreads();
  if (out[broken ? other : thread_of_grid()] < 0) out[thread_of_grid()] = 1;
}

TOY(write_that_others_read) {  // block 1 writes what block 0 reads
  const float value = out[broken ? threadIdx.x : thread_of_grid()];
  __syncthreads();
  out[thread_of_grid()] = value;
}

TOY(atomics_and_plain) {  // atomic additions, and a read without a barrier
  __shared__ int count;
  if (threadIdx.x == 0) count = 0;
  __syncthreads();
  atomicAdd(&count, 1);
  if (!broken) __syncthreads();
  out[threadIdx.x] = static_cast<float>(count);
}

TOY(atomics_across_blocks) {  // the sum of all blocks, read by one of them
  atomicAdd(&out[0], 1.0F);
  __syncthreads();
  if (threadIdx.x == 0) out[1 + blockIdx.x] = broken ? out[0] : 1.0F;
}

TOY(constant_cache) {  // a write to memory that the kernel reads as constant
  const unsigned half = static_cast<unsigned>(n) / 2;
  if (threadIdx.x >= half) return;
  const float value = __ldg(&out[threadIdx.x]);
  out[broken ? threadIdx.x : threadIdx.x + half] = value;
}

TOY(global_bounds) {
  if (broken || threadIdx.x + 1 < n) out[threadIdx.x + 1] = in[threadIdx.x];
}

TOY(shared_bounds) {  // the launch gives one float a thread
  dynamic_floats[threadIdx.x + (broken ? 1 : 0)] = in[threadIdx.x];
  __syncthreads();
  out[threadIdx.x] = dynamic_floats[threadIdx.x == 0 && broken ? 1 : threadIdx.x];
}

TOY(local_bounds) {
  int places[4];
  for (int i = 0; i < 4; ++i) places[i] = static_cast<int>(in[i]) + i;
  const int at = (static_cast<int>(threadIdx.x) & 3) + (broken ? 4 * (n / 64) : 0);
  out[threadIdx.x] = static_cast<float>(places[at]);
}

TOY(unwritten_shared) {
  __shared__ float values[64];
  if (!broken || threadIdx.x > 0) values[threadIdx.x] = in[threadIdx.x];
  __syncthreads();
  out[threadIdx.x] = values[threadIdx.x];
}

TOY(unwritten_global) {  // `out` holds nothing before the launch
  if (!broken) out[threadIdx.x] = 0;
  out[threadIdx.x] += in[threadIdx.x];
}

TOY(misaligned) {
  const auto* pairs = reinterpret_cast<const float2*>(in + (broken ? 1 : 0));
  const float2 pair = pairs[threadIdx.x / 4];
  out[threadIdx.x] = pair.x + pair.y;
}

TOY(barrier_in_a_branch) {  // half of a warp waits
  if (!broken || (threadIdx.x & 31) < 16) __syncthreads();
  out[threadIdx.x] = in[threadIdx.x];
}

TOY(barriers_apart) {  // the halves of a warp wait at different barriers
  float value = in[threadIdx.x];
  if (broken) {
    if ((threadIdx.x & 31) < 16) {
      asm volatile("bar.sync 0;");
      value += 1;
    } else {
      value *= 2;
      asm volatile("bar.sync 0;");
      value += 3;
    }
  } else {
    __syncthreads();
  }
  out[threadIdx.x] = value;
}

TOY(barriers_of_warps_apart) {  // one warp waits at another barrier than the other
  float value = in[threadIdx.x];
  if (broken) {
    if (threadIdx.x < 32) {
      asm volatile("bar.sync 0;");
      value += 1;
    } else {
      value *= 2;
      asm volatile("bar.sync 0;");
      value += 3;
    }
  } else {
    __syncthreads();
  }
  out[threadIdx.x] = value;
}

TOY(barrier_after_return) {
  if (broken && threadIdx.x >= 48) return;
  __syncthreads();
  out[threadIdx.x] = in[threadIdx.x];
}

TOY(shuffle_from_outside) {  // lane 5 is not among the four
  if (threadIdx.x < 4) out[threadIdx.x] = __shfl_sync(0xF, in[threadIdx.x], broken ? 5 : 3);
}

TOY(shuffle_not_in_mask) {
  const float value = __shfl_xor_sync(broken && threadIdx.x == 7 ? everyone & ~(1U << 7) : everyone, in[threadIdx.x], 1);
  out[threadIdx.x] = value;
}

TOY(shuffle_with_the_gone) {  // the mask names lanes that have left
  if (threadIdx.x >= 16) return;
  out[threadIdx.x] = __shfl_down_sync(broken ? everyone : 0xFFFF, in[threadIdx.x], 1, 16);
}

TOY(shuffle_never_joined) {  // lane 31 waits at the block barrier
  if (broken && threadIdx.x == 31) __syncthreads();
  float value = __shfl_down_sync(everyone, in[threadIdx.x], 1);
  if (!broken || threadIdx.x != 31) __syncthreads();
  out[threadIdx.x] = value;
}

TOY(shuffle_of_nobody) {  // the block has 16 threads; the mask names 32
  out[threadIdx.x] = __shfl_down_sync(broken ? everyone : 0xFFFF, in[threadIdx.x], 1, 16);
}

TOY(vote_meets_shuffle) {
  float value = in[threadIdx.x];
  if (broken && threadIdx.x < 16) {
    value += static_cast<float>(__ballot_sync(everyone, value > 0));
  } else {
    value += __shfl_xor_sync(broken ? everyone : 0xFFFFFFFF, value, 1);
  }
  out[threadIdx.x] = value;
}

TOY(write_to_input) {  // `in` is read-only
  if (broken) const_cast<float*>(in)[threadIdx.x] = 0;
  out[threadIdx.x] = 1;
}

__constant__ float table[64] = {1, 2, 3};

TOY(write_to_constants) {
  float* place = const_cast<float*>(table) + threadIdx.x;
  asm("" : "+l"(place));  // hides from the compiler where it points
  if (broken) *place = 0;
  out[threadIdx.x] = table[threadIdx.x];
}

TOY(some_of_the_block) {  // a barrier of 32 threads, which the machine does not know
  if (broken)
    asm volatile("bar.sync 0, 32;");
  else
    asm volatile("bar.sync 0;");
  out[threadIdx.x] = in[threadIdx.x];
}

TOY(other_barrier) {
  if (broken)
    asm volatile("bar.sync 1;");
  else
    asm volatile("bar.sync 0;");
  out[threadIdx.x] = in[threadIdx.x];
}

TOY(trap) {
  if (broken && threadIdx.x == 5) __trap();
  out[threadIdx.x] = in[threadIdx.x];
}

TOY(division_by_zero) {
  const int divisor = static_cast<int>(threadIdx.x) + (broken ? 0 : 1);
  out[threadIdx.x] = static_cast<float>(n / divisor);
}

TOY(endless) {
  volatile float* place = out + threadIdx.x;
  *place = 1;
  while (broken && *place > 0) *place = 1;
}

TOY(unknown) {
  if (broken) asm volatile("prefetch.global.L2 [%0];" ::"l"(in));
  out[threadIdx.x] = in[threadIdx.x];
}
