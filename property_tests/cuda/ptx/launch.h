#pragma once
/// One launch of a kernel: what its blocks share.

#include <cstdint>
#include <span>
#include <vector>

#include "cuda/ptx/counters.h"
#include "cuda/ptx/device_memory.h"
#include "cuda/ptx/instruction.h"

namespace ptx {

struct Dimensions {
  unsigned x = 1;
  unsigned y = 1;
  unsigned z = 1;
  [[nodiscard]] std::uint64_t count() const { return std::uint64_t{x} * y * z; }
  bool operator==(const Dimensions&) const = default;
};

/// Which lanes of a warp run together.
enum class Order : std::uint8_t {
  warps,  ///< those at one instruction, as on a GPU
  lanes,  ///< none: each runs alone, in random order, until it waits. Slow; counts of requests and warp instructions mean nothing.
};

struct Options {
  std::uint64_t seed = 1;  ///< of the order of blocks, of warps between barriers, and of atomic operations within a warp
  Order order = Order::warps;
  bool count_requests = true;                        ///< shared wavefronts and global sectors
  bool refuse_unwritten_shared = true;               ///< CUB's merge sort reads shared memory that nothing wrote, and drops what it read
  std::uint64_t instruction_limit = 20'000'000'000;  ///< of threads, in one launch
};

/// Numbers for the order of execution: SplitMix64.
class OrderStream {
 public:
  explicit OrderStream(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  unsigned below(unsigned bound) { return static_cast<unsigned>((next() >> 32) * bound >> 32); }
  template <class T>
  void shuffle(std::vector<T>& values) {
    for (unsigned i = static_cast<unsigned>(values.size()); i > 1; --i) {
      std::swap(values[i - 1], values[below(i)]);
    }
  }

 private:
  std::uint64_t state_;
};

/// A module's own variable in device memory: kernels read it, and may not write it.
struct ModuleRange {
  std::uint64_t begin = 0;
  std::uint64_t bytes = 0;
};

struct Launch {
  const Kernel& kernel;
  const Options& options;
  DeviceMemory& memory;
  std::span<const ModuleRange> variables;
  std::span<const std::byte> parameters;
  Dimensions grid;
  Dimensions block;
  std::uint64_t shared_bytes = 0;  ///< static and dynamic
  std::uint32_t first_epoch = 0;
  OrderStream order;
  Counters counters;
};

}  // namespace ptx
