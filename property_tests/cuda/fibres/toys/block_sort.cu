// cub::BlockRadixSort for the tiles of the product, on fibres: pairs (key, index) and keys alone. Prints what is wrong; ends with 0 where all is right.
//
//     program          every tile, with many ties
//     program reuse    two sorts use the same storage without a barrier between them: a race
//     program SECONDS  blocks of each tile in a second of processor time, measured for so long
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <cub/block/block_radix_sort.cuh>
#include <limits>
#include <numeric>
#include <vector>

#include "cuda_on_host.h"

namespace {

using cuda_on_host::dynamic_shared;

/// Block b sorts keys[b·n, (b+1)·n); behind them stands infinity.
template <int Threads, int Items>
__global__ void sort_pairs(const float* keys, unsigned n, float* sorted, unsigned short* order) {
  using Sort = cub::BlockRadixSort<float, Threads, Items, unsigned short>;
  float key[Items];
  unsigned short index[Items];
  for (unsigned j = 0; j < Items; ++j) {
    const unsigned at = threadIdx.x * Items + j;
    key[j] = at < n ? keys[blockIdx.x * n + at] : std::numeric_limits<float>::infinity();
    index[j] = static_cast<unsigned short>(at);
  }
  Sort(*dynamic_shared<typename Sort::TempStorage>()).SortBlockedToStriped(key, index);
  for (unsigned j = 0; j < Items; ++j) {
    const unsigned rank = threadIdx.x + j * Threads;
    if (rank >= n) continue;
    sorted[blockIdx.x * n + rank] = key[j];
    order[blockIdx.x * n + rank] = index[j];
  }
}

template <int Threads, int Items>
__global__ void sort_keys(const float* keys, unsigned n, float* sorted) {
  using Sort = cub::BlockRadixSort<float, Threads, Items>;
  float key[Items];
  for (unsigned j = 0; j < Items; ++j) {
    const unsigned at = threadIdx.x * Items + j;
    key[j] = at < n ? keys[blockIdx.x * n + at] : std::numeric_limits<float>::infinity();
  }
  Sort(*dynamic_shared<typename Sort::TempStorage>()).SortBlockedToStriped(key);
  for (unsigned j = 0; j < Items; ++j)
    if (threadIdx.x + j * Threads < n) sorted[blockIdx.x * n + threadIdx.x + j * Threads] = key[j];
}

/// Sorts twice, with the barrier that a second use of the storage needs, or without it.
__global__ void sort_twice(bool barrier, float* keys) {
  using Sort = cub::BlockRadixSort<float, 64, 2>;
  auto& storage = *dynamic_shared<Sort::TempStorage>();
  float key[2] = {keys[2 * threadIdx.x], keys[2 * threadIdx.x + 1]};
  Sort(storage).Sort(key);
  if (barrier) __syncthreads();
  Sort(storage).SortDescending(key);
  keys[2 * threadIdx.x] = key[0];
  keys[2 * threadIdx.x + 1] = key[1];
}

/// Multiples of 1/8 between −8 and 8: most of them many times.
std::vector<float> keys_with_ties(std::size_t count) {
  std::vector<float> keys(count);
  std::uint32_t state = 12345;
  for (float& key : keys) {
    state = state * 1664525U + 1013904223U;
    key = static_cast<float>(state >> 25) / 8.0F - 8.0F;
  }
  return keys;
}

template <int Threads, int Items>
void run(const std::vector<float>& keys, unsigned n, unsigned blocks, std::vector<float>& sorted, std::vector<unsigned short>& order) {
  using Sort = cub::BlockRadixSort<float, Threads, Items, unsigned short>;
  cuda_on_host::launch_kernel(sort_pairs<Threads, Items>, dim3(blocks), dim3(Threads), sizeof(typename Sort::TempStorage), keys.data(), n, sorted.data(),
                              order.data());
}

template <int Threads, int Items>
int wrong_ranks(unsigned n) {
  const unsigned blocks = 2;
  const std::vector<float> keys = keys_with_ties(blocks * n);
  std::vector<float> sorted(keys.size());
  std::vector<float> sorted_alone(keys.size());
  std::vector<unsigned short> order(keys.size());
  run<Threads, Items>(keys, n, blocks, sorted, order);
  using Alone = cub::BlockRadixSort<float, Threads, Items>;
  cuda_on_host::launch_kernel(sort_keys<Threads, Items>, dim3(blocks), dim3(Threads), sizeof(typename Alone::TempStorage), keys.data(), n, sorted_alone.data());
  int wrong = 0;
  for (unsigned block = 0; block < blocks; ++block) {
    const float* own = keys.data() + block * n;
    std::vector<unsigned short> expected(n);
    std::iota(expected.begin(), expected.end(), static_cast<unsigned short>(0));
    std::stable_sort(expected.begin(), expected.end(), [&](unsigned a, unsigned b) { return own[a] < own[b]; });
    for (unsigned rank = 0; rank < n; ++rank) {
      const float key = own[expected[rank]];
      const bool right = order[block * n + rank] == expected[rank] && sorted[block * n + rank] == key && sorted_alone[block * n + rank] == key;
      wrong += right ? 0 : 1;
    }
  }
  std::printf("tile %dx%d, n = %u: %d wrong\n", Threads, Items, n, wrong);
  return wrong;
}

template <int Threads, int Items>
int check_tile() {
  constexpr unsigned most = Threads * Items;
  return wrong_ranks<Threads, Items>(most) + wrong_ranks<Threads, Items>(most - most / 3) + (most > 32 ? wrong_ranks<Threads, Items>(33) : 0);
}

template <int Threads, int Items>
void measure(double seconds) {
  constexpr unsigned n = Threads * Items;
  constexpr unsigned blocks = 8;
  const std::vector<float> keys = keys_with_ties(blocks * n);
  std::vector<float> sorted(keys.size());
  std::vector<unsigned short> order(keys.size());
  const std::clock_t start = std::clock();
  unsigned done = 0;
  double spent = 0.0;
  while (spent < seconds) {
    run<Threads, Items>(keys, n, blocks, sorted, order);
    done += blocks;
    spent = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  }
  std::printf("tile %dx%d: %.0f blocks/s\n", Threads, Items, done / spent);
}

template <int Threads, int Items>
int do_tile(double seconds) {
  if (seconds <= 0.0) return check_tile<Threads, Items>();
  measure<Threads, Items>(seconds);
  return 0;
}

/// Without a temporary storage CUB takes a shared variable of its own, which the fibres must refuse.
int storage_is_accepted_by_mistake() {
  try {
    cuda_on_host::launch(dim3(1), dim3(32), 0, [] {
      float key[1] = {0.0F};
      cub::BlockRadixSort<float, 32, 1>().Sort(key);
    });
  } catch (const cuda_on_host::KernelFault&) {
    return 0;
  }
  std::puts("CUB's own shared variable was not refused");
  return 1;
}

void sort_twice_with(bool barrier) {
  std::vector<float> keys = keys_with_ties(128);
  using Sort = cub::BlockRadixSort<float, 64, 2>;
  cuda_on_host::launch_kernel(sort_twice, dim3(1), dim3(64), sizeof(Sort::TempStorage), barrier, keys.data());
}

}  // namespace

int main(int count, char** arguments) {
  const bool reuse = count > 1 && std::strcmp(arguments[1], "reuse") == 0;
  sort_twice_with(!reuse);
  if (reuse) return 0;
  const double seconds = count > 1 ? std::atof(arguments[1]) : 0.0;
  int wrong = storage_is_accepted_by_mistake();
  wrong += do_tile<32, 1>(seconds) + do_tile<32, 4>(seconds) + do_tile<128, 4>(seconds) + do_tile<128, 8>(seconds);
  wrong += do_tile<256, 8>(seconds) + do_tile<256, 16>(seconds) + do_tile<512, 16>(seconds);
  return wrong == 0 ? 0 : 1;
}
