// Registration of device code and launches.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "cuda/fake_runtime/runtime.h"
#include "cuda/fake_runtime/unprotected.h"

namespace cuda_on_ptx {
namespace {

/// NVIDIA's containers. A fat binary is a header and entries, each with a header of its own; an entry of kind 1 is PTX.
struct FatBinaryWrapper {
  std::uint32_t magic;
  std::uint32_t version;
  const char* data;
  const void* more;
};

constexpr std::uint16_t kind_ptx = 1;
constexpr std::uint64_t compressed_flags = 0xF000;

template <class T>
T field(const char* header, std::size_t at) {
  T value;
  std::memcpy(&value, header + at, sizeof(T));
  return value;
}

/// ".target sm_90": 90; 0 if there is none.
int target_architecture(std::string_view text) {
  constexpr std::string_view word = ".target sm_";
  int architecture = 0;
  if (const std::size_t at = text.find(word); at != std::string_view::npos) {
    std::from_chars(text.data() + at + word.size(), text.data() + text.size(), architecture);
  }
  return architecture;
}

void read_fat_binary(const void* wrapper, Module& module) {
  const char* data = static_cast<const FatBinaryWrapper*>(wrapper)->data;
  const char* entry = data + field<std::uint16_t>(data, 6);
  const char* end = entry + field<std::uint64_t>(data, 8);
  while (entry < end) {
    const auto header = field<std::uint32_t>(entry, 4);
    const auto bytes = field<std::uint64_t>(entry, 8);
    if (field<std::uint16_t>(entry, 0) == kind_ptx) {
      if ((field<std::uint64_t>(entry, 40) & compressed_flags) != 0) {
        module.refused = "the PTX is compressed: compile with -no-compress";
      } else {
        const std::string_view text(entry + header, strnlen(entry + header, bytes));
        module.texts[target_architecture(text)] = text;
      }
    }
    entry += header + bytes;
  }
}

bool valid_shape(dim3 grid, dim3 block) {
  const std::uint64_t threads = std::uint64_t{block.x} * block.y * block.z;
  return grid.x != 0 && grid.y != 0 && grid.z != 0 && threads != 0 && threads <= threads_per_block && block.z <= 64 && grid.x <= 0x7FFFFFFF &&
         grid.y <= 65535 && grid.z <= 65535;
}

ptx::Dimensions dimensions(dim3 size) { return {size.x, size.y, size.z}; }

}  // namespace

Module* Runtime::register_module(const void* fat_binary) {
  auto module = std::make_unique<Module>();
  read_fat_binary(fat_binary, *module);
  return modules.emplace_back(std::move(module)).get();
}

void Runtime::unregister_module(Module* module) {
  std::erase_if(functions, [&](const auto& entry) { return entry.second.module == module; });
  std::erase_if(modules, [&](const auto& owned) { return owned.get() == module; });
}

void Runtime::register_function(Module* module, const void* host, std::string name) { functions[host] = {module, std::move(name), std::nullopt}; }

Function* Runtime::function(const void* host) {
  const auto found = functions.find(host);
  return found == functions.end() ? nullptr : &found->second;
}

ptx::Machine* Runtime::machine(Module& module) {
  auto above = module.texts.upper_bound(limits->architecture);
  if (above == module.texts.begin()) {
    return nullptr;
  }
  const auto& [architecture, text] = *std::prev(above);
  std::unique_ptr<ptx::Machine>& slot = module.machines[architecture];
  if (slot == nullptr) {
    slot = std::make_unique<ptx::Machine>(text, memory_);
  }
  return slot.get();
}

cudaError_t Runtime::launch(const void* host, dim3 grid, dim3 block, void** arguments, std::size_t shared_bytes, cudaStream_t stream) {
  if (!has_device()) {
    return cudaErrorNoDevice;
  }
  Function* target = function(host);
  if (target == nullptr) {
    return cudaErrorInvalidDeviceFunction;
  }
  ptx::Machine* device = machine(*target->module);
  if (device == nullptr) {
    last_fault = target->module->refused;
    return cudaErrorNoKernelImageForDevice;
  }
  if (!valid_stream(stream)) {
    return cudaErrorInvalidResourceHandle;
  }
  if (!valid_shape(grid, block)) {
    return cudaErrorInvalidConfiguration;
  }
  try {
    const ptx::Kernel& kernel = device->decoded(target->name);
    if (shared_bytes > target->dynamic_shared_limit(kernel)) {
      return cudaErrorInvalidValue;
    }
    if (std::uint64_t{block.x} * block.y * block.z > kernel.max_threads) {
      return cudaErrorLaunchOutOfResources;
    }
    std::vector<std::vector<std::byte>> bytes;
    for (std::size_t i = 0; i < kernel.parameters.size(); ++i) {
      const auto* argument = static_cast<const std::byte*>(arguments[i]);
      bytes.emplace_back(argument, argument + kernel.parameters[i].bytes);
    }
    launches.push_back({target->name, dimensions(grid), dimensions(block), shared_bytes, stream});
    const Unprotected open(*this);
    device->options = options;
    device->launch_number = launch_number++;
    device->run(target->name, dimensions(grid), dimensions(block), shared_bytes, bytes);
  } catch (const KernelFault& fault) {
    last_fault = fault.what();
    throw;
  }
  for (const auto& [name, counted] : device->counters) {
    counters[name] += counted;
  }
  device->counters.clear();
  return cudaSuccess;
}

std::vector<KernelRecord> kernels() {
  const Locked runtime;
  std::vector<KernelRecord> out;
  for (const auto& module : runtime->modules) {
    if (ptx::Machine* machine = runtime->machine(*module); machine != nullptr) {
      const int architecture = std::prev(module->texts.upper_bound(runtime->limits->architecture))->first;
      for (const std::string& name : machine->kernels()) {
        out.push_back({name, architecture, machine->hash(name)});
      }
    }
  }
  std::sort(out.begin(), out.end(), [](const KernelRecord& a, const KernelRecord& b) { return a.name < b.name; });
  return out;
}

}  // namespace cuda_on_ptx

using cuda_on_ptx::Locked;
using cuda_on_ptx::Module;
using cuda_on_ptx::Runtime;

// The calls that nvcc's own code makes.
// NOLINTBEGIN(bugprone-reserved-identifier): these are NVIDIA's names
extern "C" {

void** __cudaRegisterFatBinary(void* fat_binary) { return reinterpret_cast<void**>(Locked()->register_module(fat_binary)); }

void __cudaRegisterFatBinaryEnd(void** /*module*/) {}

void __cudaUnregisterFatBinary(void** module) { Locked()->unregister_module(reinterpret_cast<Module*>(module)); }

void __cudaRegisterFunction(void** module, const char* host, char* /*device*/, const char* name, int /*thread_limit*/, uint3* /*thread*/, uint3* /*block*/,
                            dim3* /*block_size*/, dim3* /*grid_size*/, int* /*warp_size*/) {
  Locked()->register_function(reinterpret_cast<Module*>(module), host, name);
}

void __cudaRegisterVar(void** /*module*/, char* /*host*/, char* /*device*/, const char* /*name*/, int /*ext*/, size_t /*bytes*/, int /*constant*/,
                       int /*global*/) {}

char __cudaInitModule(void** /*module*/) { return 1; }

namespace {
struct CallConfiguration {
  dim3 grid;
  dim3 block;
  size_t shared_bytes = 0;
  cudaStream_t stream = nullptr;
};
thread_local CallConfiguration pending;
}  // namespace

unsigned __cudaPushCallConfiguration(dim3 grid, dim3 block, size_t shared_bytes, CUstream_st* stream) {
  pending = {grid, block, shared_bytes, stream};
  return 0;
}

cudaError_t __cudaPopCallConfiguration(dim3* grid, dim3* block, size_t* shared_bytes, void* stream) {
  *grid = pending.grid;
  *block = pending.block;
  *shared_bytes = pending.shared_bytes;
  *static_cast<cudaStream_t*>(stream) = pending.stream;
  return cudaSuccess;
}

cudaError_t __cudaGetKernel(cudaKernel_t* kernel, const void* host) {
  *kernel = reinterpret_cast<cudaKernel_t>(const_cast<void*>(host));  // a kernel's handle is its host function here
  return cudaSuccess;
}

cudaError_t __cudaLaunchKernel(cudaKernel_t kernel, dim3 grid, dim3 block, void** arguments, size_t shared_bytes, cudaStream_t stream) {
  return Runtime::report(Locked()->launch(reinterpret_cast<const void*>(kernel), grid, block, arguments, shared_bytes, stream));
}

cudaError_t cudaLaunchKernel(const void* host, dim3 grid, dim3 block, void** arguments, size_t shared_bytes, cudaStream_t stream) {
  return Runtime::report(Locked()->launch(host, grid, block, arguments, shared_bytes, stream));
}

/// Attributes of the launch (clusters, cooperative launches, …) are not known, but for programmatic serialisation, which changes nothing here.
cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t* config, const void* host, void** arguments) {
  for (unsigned i = 0; i < config->numAttrs; ++i) {
    if (config->attrs[i].id != cudaLaunchAttributeProgrammaticStreamSerialization && config->attrs[i].id != cudaLaunchAttributeIgnore) {
      return Runtime::report(cudaErrorNotSupported);
    }
  }
  return Runtime::report(Locked()->launch(host, config->gridDim, config->blockDim, arguments, config->dynamicSmemBytes, config->stream));
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier)
