// Right kernels whose results and counts are known by hand.
#include <cub/block/block_radix_sort.cuh>
#include <cub/block/block_reduce.cuh>

constexpr unsigned everyone = 0xFFFFFFFF;

/// Each lane's values of all shuffles, votes and matches: 16 words a lane.
extern "C" __global__ void warp_operations(const unsigned* in, unsigned* out) {
  const unsigned lane = threadIdx.x;
  const unsigned value = in[lane];
  unsigned* mine = out + 16 * lane;
  mine[0] = __shfl_sync(everyone, value, lane / 2);
  mine[1] = __shfl_sync(everyone, value, 5, 8);
  mine[2] = __shfl_up_sync(everyone, value, 3);
  mine[3] = __shfl_up_sync(everyone, value, 3, 8);
  mine[4] = __shfl_down_sync(everyone, value, 5);
  mine[5] = __shfl_down_sync(everyone, value, 5, 16);
  mine[6] = __shfl_xor_sync(everyone, value, 9);
  mine[7] = __ballot_sync(everyone, value % 3 == 0);
  mine[8] = static_cast<unsigned>(__any_sync(everyone, value == in[7]));
  mine[9] = static_cast<unsigned>(__all_sync(everyone, value > 0));
  mine[10] = __match_any_sync(everyone, value % 4);
  int same = 0;
  mine[11] = __match_all_sync(everyone, value / 1000, &same);
  mine[12] = static_cast<unsigned>(same);
  mine[13] = static_cast<unsigned>(__syncthreads_count(value % 3 == 0));
  mine[14] = lane % 2 == 0 ? __shfl_xor_sync(0x55555555, value, 2) : __shfl_xor_sync(0xAAAAAAAA, value, 4);
  mine[15] = __activemask();
}

extern "C" __global__ void warp_sums(const int* in, int* out) {
  const int value = in[threadIdx.x];
  int* mine = out + 5 * threadIdx.x;
  mine[0] = __reduce_add_sync(everyone, value);
  mine[1] = __reduce_min_sync(everyone, value);
  mine[2] = __reduce_max_sync(everyone, value);
  mine[3] = static_cast<int>(__reduce_and_sync(everyone, static_cast<unsigned>(value)));
  mine[4] = static_cast<int>(__reduce_xor_sync(everyone, static_cast<unsigned>(value)));
}

/// One store of one warp: lane i writes word i·stride.
extern "C" __global__ void shared_stride(int stride) {
  extern __shared__ float words[];
  words[threadIdx.x * stride] = 1;
}

/// One store of one warp: lane i writes pair i·stride.
extern "C" __global__ void shared_pairs(int stride) {
  extern __shared__ float2 pairs[];
  pairs[threadIdx.x * stride] = make_float2(1, 2);
}

/// One store of one warp: lane i writes four words.
extern "C" __global__ void shared_quads() {
  extern __shared__ float4 quads[];
  quads[threadIdx.x] = make_float4(1, 2, 3, 4);
}

/// A word that all lanes read: one wavefront.
extern "C" __global__ void shared_broadcast(float value, float* out) {
  __shared__ float word;
  if (threadIdx.x == 0) word = value;
  __syncthreads();
  out[threadIdx.x] = word;
}

/// One store of one warp: lane i writes word offset + i·stride.
extern "C" __global__ void global_stride(float* out, int offset, int stride) { out[offset + threadIdx.x * stride] = 1; }

extern "C" __global__ void global_bytes(unsigned char* out) { out[threadIdx.x] = 1; }

extern "C" __global__ void global_quads(float4* out) { out[threadIdx.x] = make_float4(1, 2, 3, 4); }

/// Lanes part in a switch and a loop, and meet again: what follows is issued once for the warp.
extern "C" __global__ void part_and_meet(const int* in, int* out) {
  const int first = in[threadIdx.x];
  int value = first;
  switch (first & 7) {
    case 0: value = out[0] + 4; break;
    case 1: value *= 3; break;
    case 2: value -= 11; break;
    case 3: value = value * value; break;
    case 4: value ^= 0x55; break;
    case 5: value = -value; break;
    case 6: value = value / 3; break;
    default: value <<= 2; break;
  }
  for (int i = 0; i < first % 5; ++i) value = value * value + i;
  out[threadIdx.x + 1] = value;
}

/// The order of the blocks' and lanes' atomic additions changes the bits of the sum.
extern "C" __global__ void order_of_atomics(const float* in, float* sum) { atomicAdd(sum, in[blockIdx.x * blockDim.x + threadIdx.x]); }

/// Spins until another warp has raised the flag.
extern "C" __global__ void wait_for_warp(int* out) {
  __shared__ int flag;
  if (threadIdx.x == 0) flag = 0;
  __syncthreads();
  if (threadIdx.x == 0) {
    while (atomicAdd(&flag, 0) == 0) {
    }
    out[0] = 1;
  }
  if (threadIdx.x == 32) atomicExch(&flag, 1);
}

constexpr int threads = 128;
constexpr int items = 8;

/// Sorts n ≤ 1024 keys with their indices, and adds them up in the same scratch. The twin forgets the barrier between the two.
template <bool broken>
__global__ void __launch_bounds__(threads) sort_and_sum(const float* keys, float* out, unsigned* index, int n) {
  using Sort = cub::BlockRadixSort<float, threads, items, unsigned>;
  using Sum = cub::BlockReduce<float, threads>;
  __shared__ union {
    typename Sort::TempStorage sort;
    typename Sum::TempStorage sum;
  } scratch;
  float key[items];
  unsigned value[items];
  for (int i = 0; i < items; ++i) {
    const int at = static_cast<int>(threadIdx.x) * items + i;
    key[i] = at < n ? keys[at] : __int_as_float(0x7F800000);
    value[i] = static_cast<unsigned>(at);
  }
  Sort(scratch.sort).SortBlockedToStriped(key, value);
  if (!broken) __syncthreads();
  float sum = 0;
  for (int i = 0; i < items; ++i) {
    const int at = static_cast<int>(threadIdx.x) + i * threads;
    if (at < n) {
      out[at] = key[i];
      index[at] = value[i];
      sum += key[i];
    }
  }
  sum = Sum(scratch.sum).Sum(sum);
  if (threadIdx.x == 0) out[n] = sum;
}
template __global__ void sort_and_sum<true>(const float*, float*, unsigned*, int);
template __global__ void sort_and_sum<false>(const float*, float*, unsigned*, int);
