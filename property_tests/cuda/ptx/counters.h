#pragma once
/// What a kernel did, counted while it ran.

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace ptx {

/// Sums over the launches of one kernel. A request is one load or store of one warp; atomic operations are counted apart.
struct Counters {
  std::uint64_t launches = 0;
  std::uint64_t blocks = 0;
  std::uint64_t instructions = 0;       ///< of threads, predicated-off ones included
  std::uint64_t warp_instructions = 0;  ///< as issued: one for all lanes that run together
  std::uint64_t barriers = 0;           ///< block barriers, once a block
  std::uint64_t warp_operations = 0;    ///< shuffles, votes, matches, reductions and warp barriers
  std::uint64_t shared_requests = 0;
  std::uint64_t shared_wavefronts = 0;        ///< passes over the 32 banks of 4 bytes that the requests need
  std::uint64_t shared_ideal_wavefronts = 0;  ///< passes without any bank conflict: one for each 128 bytes of lanes
  std::uint64_t global_requests = 0;
  std::uint64_t global_sectors = 0;  ///< distinct 32-byte sectors of each request
  std::uint64_t global_bytes = 0;    ///< bytes that the lanes asked for
  std::uint64_t local_requests = 0;  ///< loads and stores of the threads' own arrays
  std::uint64_t atomics = 0;         ///< of threads

  Counters& operator+=(const Counters& other);
  bool operator==(const Counters&) const = default;
};

using CountersByKernel = std::map<std::string, Counters, std::less<>>;

/// The sum over all kernels.
Counters total(const CountersByKernel& counters);

/// What the lanes of one warp ask for in one request: `bytes` (1 to 16) at each address of a lane in `active`.
struct Request {
  std::array<std::uint64_t, 32> address{};
  std::uint32_t active = 0;
  unsigned bytes = 4;
};

/// Adds a request to shared memory: the lanes go in groups that ask for at most 128 bytes (all 32 lanes up to 4 bytes, half warps for 8, quarter warps for
/// 16), and a group needs as many wavefronts as the most loaded bank has distinct words.
void count_shared(const Request& request, Counters& counters);

/// Adds a request to global memory.
void count_global(const Request& request, Counters& counters);

}  // namespace ptx
