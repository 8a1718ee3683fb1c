#pragma once
/// What a device of a compute capability allows: CUDA C++ programming guide, "Technical specifications per compute capability".

#include <cstddef>

namespace cuda_on_ptx {

struct DeviceLimits {
  int architecture;
  std::size_t shared_optin;           ///< of a block, with the opt-in
  std::size_t shared_multiprocessor;  ///< of a multiprocessor
  std::size_t shared_reserved;        ///< of each block, for the system
  int threads_multiprocessor;
  int blocks_multiprocessor;
  int multiprocessors;  ///< of a usual card: T4, A100, H100
  int l2_bytes;
  int memory_bus_bits;
};

inline constexpr std::size_t shared_without_optin = std::size_t{48} * 1024;
inline constexpr unsigned threads_per_block = 1024;
inline constexpr unsigned registers_per_block = 65536;

/// Null for an architecture that is not known.
const DeviceLimits* device_limits(int architecture);

}  // namespace cuda_on_ptx
