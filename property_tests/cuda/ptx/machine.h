#pragma once
/// Runs the PTX that nvcc made on the CPU, and checks every access on the way: bounds, alignment, reads of memory that nothing wrote, data races, barriers and
/// warp operations that diverge. PTX that it does not know is refused when it is executed, by name.
///
/// It is stricter than a GPU where CUDA C++ is: all threads of a block must come to the same barrier, lanes that have left may not be in a mask, and an access
/// that only fences, or acquire and release, would order is a race.
///
/// What it cannot show: what ptxas makes of the PTX, the hardware's memory model, the results of approximate instructions (here the libm's), and time. It does
/// not see an index that leaves one shared array and lands in another one of the block, nor reads of registers and of a thread's own array that nothing wrote.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cuda/ptx/counters.h"
#include "cuda/ptx/device_memory.h"
#include "cuda/ptx/launch.h"
#include "cuda/ptx/module_text.h"

namespace ptx {

class Machine {
 public:
  /// A module, with device memory of its own.
  explicit Machine(std::string_view text);
  /// A module that shares device memory with others.
  Machine(std::string_view text, std::shared_ptr<DeviceMemory> memory);

  [[nodiscard]] DeviceMemory& memory() { return *memory_; }

  /// Full (mangled) names.
  [[nodiscard]] std::vector<std::string> kernels() const;
  /// The one kernel whose name contains `part`, or is equal to it. @throws Fault{launch} if there is none, or several.
  [[nodiscard]] const std::string& kernel(std::string_view part) const;

  /// 64-bit FNV-1a of the kernel's text without comments and line numbers. `name` is a full name, here and below.
  [[nodiscard]] std::uint64_t hash(std::string_view name) const;
  [[nodiscard]] const Kernel& decoded(std::string_view name);
  [[nodiscard]] std::vector<std::size_t> parameter_sizes(std::string_view name);

  /// Executes all blocks. `shared_bytes` is the dynamic shared memory; each argument has the bytes of its parameter.
  /// @throws Fault
  void run(std::string_view name, Dimensions grid, Dimensions block, std::size_t shared_bytes, const std::vector<std::vector<std::byte>>& arguments);

  /// The same with values, for the one kernel whose name contains `part`.
  template <class... Arguments>
  void launch(std::string_view part, Dimensions grid, Dimensions block, std::size_t shared_bytes, const Arguments&... arguments) {
    std::vector<std::vector<std::byte>> bytes;
    (bytes.emplace_back(reinterpret_cast<const std::byte*>(&arguments), reinterpret_cast<const std::byte*>(&arguments) + sizeof(arguments)), ...);
    run(kernel(part), grid, block, shared_bytes, bytes);
  }

  /// Since the start, or since the caller cleared them; a launch that failed is not counted.
  CountersByKernel counters;
  Options options;
  /// Launches so far: with the seed, it chooses the order. Set it back to repeat a launch.
  std::uint64_t launch_number = 0;

 private:
  ModuleText text_;
  std::vector<ModuleRange> variables_;
  std::shared_ptr<DeviceMemory> memory_;
  std::map<std::string, std::unique_ptr<Kernel>, std::less<>> decoded_;
};

}  // namespace ptx
