#pragma once
/// __syncthreads and its votes, and what the lanes of a warp do together. All of them check that those who must come do come (KernelFault).

#include <cstdint>
#include <cstring>
#include <type_traits>

#include "fibres.h"

namespace cuda_on_host {

inline unsigned lane() { return current_thread->lane; }

/// The 4 or 8 bytes of a value in a word.
template <class T>
std::uint64_t word_of(const T& value) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= sizeof(std::uint64_t));
  std::uint64_t word = 0;
  std::memcpy(&word, &value, sizeof value);
  return word;
}
template <class T>
T value_of(std::uint64_t word) {
  T value;
  std::memcpy(&value, &word, sizeof value);
  return value;
}

template <class T>
T shuffle(unsigned mask, const T& value, unsigned source, Place place) {
  return value_of<T>(warp_shuffle(mask, word_of(value), source, place));
}

}  // namespace cuda_on_host

#define CUDA_ON_HOST_PLACE ::cuda_on_host::Place place = ::cuda_on_host::Place::here()

inline void __syncthreads(CUDA_ON_HOST_PLACE) { cuda_on_host::block_barrier(false, place); }
inline int __syncthreads_count(int vote, CUDA_ON_HOST_PLACE) { return static_cast<int>(cuda_on_host::block_barrier(vote != 0, place)); }
inline int __syncthreads_or(int vote, CUDA_ON_HOST_PLACE) { return cuda_on_host::block_barrier(vote != 0, place) != 0 ? 1 : 0; }
inline int __syncthreads_and(int vote, CUDA_ON_HOST_PLACE) { return cuda_on_host::block_barrier(vote == 0, place) == 0 ? 1 : 0; }
inline void __syncwarp(unsigned mask = ~0U, CUDA_ON_HOST_PLACE) { cuda_on_host::warp_barrier(mask, place); }

/// Lanes are in groups of `width`, a power of two.
template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32, CUDA_ON_HOST_PLACE) {
  const unsigned inside = static_cast<unsigned>(width) - 1;
  return cuda_on_host::shuffle(mask, value, (cuda_on_host::lane() & ~inside) | (static_cast<unsigned>(source) & inside), place);
}
/// The own value where there is no such lane in the group.
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned distance, int width = 32, CUDA_ON_HOST_PLACE) {
  const unsigned lane = cuda_on_host::lane();
  const unsigned in_group = lane & (static_cast<unsigned>(width) - 1);
  return cuda_on_host::shuffle(mask, value, distance <= in_group ? lane - distance : lane, place);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned distance, int width = 32, CUDA_ON_HOST_PLACE) {
  const unsigned lane = cuda_on_host::lane();
  const unsigned in_group = lane & (static_cast<unsigned>(width) - 1);
  return cuda_on_host::shuffle(mask, value, distance < static_cast<unsigned>(width) - in_group ? lane + distance : lane, place);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int with, int width = 32, CUDA_ON_HOST_PLACE) {
  const unsigned lane = cuda_on_host::lane();
  const unsigned source = lane ^ static_cast<unsigned>(with);
  const unsigned group_end = (lane | (static_cast<unsigned>(width) - 1)) + 1;
  return cuda_on_host::shuffle(mask, value, source < group_end ? source : lane, place);
}

inline unsigned __ballot_sync(unsigned mask, int vote, CUDA_ON_HOST_PLACE) { return cuda_on_host::warp_ballot(mask, vote != 0, place); }
inline int __any_sync(unsigned mask, int vote, CUDA_ON_HOST_PLACE) { return cuda_on_host::warp_ballot(mask, vote != 0, place) != 0 ? 1 : 0; }
inline int __all_sync(unsigned mask, int vote, CUDA_ON_HOST_PLACE) { return cuda_on_host::warp_ballot(mask, vote == 0, place) == 0 ? 1 : 0; }
template <class T>
unsigned __match_any_sync(unsigned mask, T value, CUDA_ON_HOST_PLACE) {
  return cuda_on_host::warp_match(mask, cuda_on_host::word_of(value), place);
}

#undef CUDA_ON_HOST_PLACE
