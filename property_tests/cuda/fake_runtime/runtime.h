#pragma once
/// The state behind the runtime's entry points.

#include <cuda_runtime_api.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "cuda/fake_runtime/cuda_runtime_on_ptx.h"
#include "cuda/fake_runtime/device_limits.h"
#include "cuda/ptx/machine.h"

namespace cuda_on_ptx {

/// The device code of one object file.
struct Module {
  std::map<int, std::string_view> texts;                  ///< PTX by architecture
  std::map<int, std::unique_ptr<ptx::Machine>> machines;  ///< by architecture, made when needed
  std::string refused;                                    ///< why the fat binary cannot be read; "" if it can
};

/// A kernel, known by the address of its host function.
struct Function {
  Module* module = nullptr;
  std::string name;
  std::optional<std::size_t> dynamic_shared_optin;  ///< cudaFuncAttributeMaxDynamicSharedMemorySize, where the program set it

  /// Dynamic shared memory that a launch may ask for.
  [[nodiscard]] std::size_t dynamic_shared_limit(const ptx::Kernel& kernel) const {
    return dynamic_shared_optin.value_or(shared_without_optin - std::min<std::size_t>(kernel.static_shared_bytes, shared_without_optin));
  }
};

class Runtime {
 public:
  /// The one of the program. It is never destroyed: object files register and unregister their code around main.
  static Runtime& instance();

  /// Sets the calling thread's last error unless it is cudaSuccess, and returns it.
  static cudaError_t report(cudaError_t error);
  static cudaError_t& last_error();

  void reset();

  // Modules (modules.cpp)
  Module* register_module(const void* fat_binary);
  void unregister_module(Module* module);
  void register_function(Module* module, const void* host, std::string name);
  Function* function(const void* host);
  /// The machine for the chosen architecture; null if the module has no PTX that the device can run.
  ptx::Machine* machine(Module& module);

  /// Executes a kernel. @throws KernelFault
  cudaError_t launch(const void* host, dim3 grid, dim3 block, void** arguments, std::size_t shared_bytes, cudaStream_t stream);

  // Memory (memory.cpp)
  cudaError_t allocate(void** out, std::size_t bytes);
  cudaError_t release(void* memory);
  cudaError_t copy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind);
  cudaError_t fill(void* memory, int value, std::size_t bytes);
  [[nodiscard]] bool is_device(const void* memory, std::size_t bytes) const;

  [[nodiscard]] bool has_device() const { return devices > 0; }
  [[nodiscard]] bool valid_stream(cudaStream_t stream) const;

  std::recursive_mutex mutex;
  ptx::Options options;
  const DeviceLimits* limits = device_limits(90);
  int devices = 1;
  std::size_t total_memory = std::size_t{16} << 30;
  std::size_t allocated = 0;
  bool protect = true;
  std::map<const char*, std::size_t> allocations;  ///< bytes by address
  std::set<const void*> streams;
  std::map<const void*, double> events;  ///< milliseconds at which each was recorded; negative: never
  std::map<const void*, Function> functions;
  std::vector<std::unique_ptr<Module>> modules;
  ptx::CountersByKernel counters;
  std::vector<LaunchRecord> launches;
  std::string last_fault;
  std::uint64_t launch_number = 0;  ///< since the seed was set

 private:
  class Unprotected;

  std::shared_ptr<ptx::DeviceMemory> memory_ = std::make_shared<ptx::DeviceMemory>();
};

/// Locks the runtime; the first line of every entry point.
class Locked {
 public:
  Locked() : lock_(Runtime::instance().mutex) {}
  Runtime* operator->() const { return &Runtime::instance(); }

 private:
  std::scoped_lock<std::recursive_mutex> lock_;
};

}  // namespace cuda_on_ptx
