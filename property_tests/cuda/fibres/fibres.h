#pragma once
/// The CUDA threads of the host: every one is a fibre, and one fibre runs at a time on a host thread.
///
/// Blocks run one after the other. A fibre runs until it waits: at a barrier of the block, or at an operation of the warp. The next fibre is a random lane of
/// the same warp that can go on, else one of another warp; the order is a function of the seed, the block and the barriers passed.
///
/// What orders memory is what CUDA says orders it: __syncthreads, __syncwarp, the start and the end of a launch. Shuffles, votes and relaxed atomics do not.

#include <vector_types.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <type_traits>

namespace cuda_on_host {

/// A kernel did what CUDA leaves undefined: threads at different barriers, a lane outside its mask, …. The sentence names block, thread, file and line.
class KernelFault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Where in the source.
struct Place {
  const char* file;
  int line;
  static constexpr Place here(const char* file = __builtin_FILE(), int line = __builtin_LINE()) { return {file, line}; }
  friend constexpr bool operator==(Place a, Place b) { return a.line == b.line && a.file == b.file; }
};

/// What the running fibre can ask of itself.
struct ThreadPosition {
  uint3 thread;
  unsigned lane;
  std::uint64_t result;  ///< of its last operation of the warp
};
struct BlockPosition {
  uint3 block;
  dim3 threads;
  dim3 blocks;
  unsigned char* dynamic_shared;
  unsigned votes;  ///< of its last barrier
};
// They are in the program itself, never in a shared library that is opened later.
[[gnu::tls_model("initial-exec")]] extern constinit thread_local const ThreadPosition* current_thread;
[[gnu::tls_model("initial-exec")]] extern constinit thread_local const BlockPosition* current_block;

enum class WarpOperation : std::uint8_t { barrier, shuffle, ballot, match };

}  // namespace cuda_on_host

// Let other fibres run until all threads of the block, or all lanes of the mask, have come (fibre_switch.cpp).
extern "C" void cuda_on_host_block_barrier(bool vote, cuda_on_host::Place place);
extern "C" void cuda_on_host_warp_operation(cuda_on_host::WarpOperation operation, unsigned mask, std::uint64_t word, unsigned source,
                                            cuda_on_host::Place place);

namespace cuda_on_host {

/// Waits for all threads of the block. Returns how many of them came with a true `vote`.
inline unsigned block_barrier(bool vote, Place place) {
  cuda_on_host_block_barrier(vote, place);
  return current_block->votes;
}

/// Waits for all lanes of `mask`, and orders memory between them.
inline void warp_barrier(unsigned mask, Place place) { cuda_on_host_warp_operation(WarpOperation::barrier, mask, 0, current_thread->lane, place); }

/// Each lane of `mask` hands in a word and gets that of lane `source`; the source must be in the mask.
inline std::uint64_t warp_shuffle(unsigned mask, std::uint64_t word, unsigned source, Place place) {
  cuda_on_host_warp_operation(WarpOperation::shuffle, mask, word, source, place);
  return current_thread->result;
}

/// One bit for each lane of `mask` that handed in true.
inline unsigned warp_ballot(unsigned mask, bool vote, Place place) {
  cuda_on_host_warp_operation(WarpOperation::ballot, mask, vote ? 1 : 0, current_thread->lane, place);
  return static_cast<unsigned>(current_thread->result);
}

/// One bit for each lane of `mask` that handed in the same word as this one.
inline unsigned warp_match(unsigned mask, std::uint64_t word, Place place) {
  cuda_on_host_warp_operation(WarpOperation::match, mask, word, current_thread->lane, place);
  return static_cast<unsigned>(current_thread->result);
}

/// Storage of the running block; see block_shared.
void* block_storage(unsigned slot);
unsigned new_storage_slot(std::size_t bytes, std::size_t alignment);

template <class T>
inline const unsigned storage_slot = new_storage_slot(sizeof(T), alignof(T));

/// The shared memory whose size was given at launch, aligned to 16 bytes. Undefined at the start of each block: every byte is 0xFF, which is NaN as a float.
template <class T>
T* dynamic_shared() {
  static_assert(alignof(T) <= 16);
  return reinterpret_cast<T*>(current_block->dynamic_shared);
}

/// A shared T, the same one for all threads of the block: what a variable `__shared__ T` is to nvcc. Undefined at the start of each block, as above.
template <class T>
T& block_shared() {
  static_assert(sizeof(T) <= (48U << 10), "static shared memory ends at 48 KB");
  static_assert(std::is_trivially_destructible_v<T>);
  return *static_cast<T*>(block_storage(storage_slot<T>));
}

/// The seed of the order in which fibres run, for all launches that follow on this host thread; 1 at first, or the environment variable CUDA_ON_HOST_SEED.
void set_order_seed(std::uint64_t seed);

/// Runs `body(argument)` as every thread of the grid, and returns when all have ended. At most 1024 threads a block and 227 KB of shared memory.
/// @throws KernelFault, and whatever `body` throws; the rest of the grid is then abandoned.
void run_grid(dim3 grid, dim3 block, std::size_t shared_bytes, void (*body)(const void*), const void* argument);

/// Whether a device would take a launch of this shape.
bool launch_is_possible(dim3 grid, dim3 block, std::size_t shared_bytes);

}  // namespace cuda_on_host
