// The device and its kernels: properties, attributes, occupancy.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "cuda/fake_runtime/runtime.h"

using cuda_on_ptx::DeviceLimits;
using cuda_on_ptx::Function;
using cuda_on_ptx::KernelFault;
using cuda_on_ptx::Locked;
using cuda_on_ptx::registers_per_block;
using cuda_on_ptx::Runtime;
using cuda_on_ptx::shared_without_optin;
using cuda_on_ptx::threads_per_block;

namespace {

constexpr int runtime_version = CUDART_VERSION;

cudaError_t check_device(int device) {
  const Locked runtime;
  return !runtime->has_device() ? cudaErrorNoDevice : device < 0 || device >= runtime->devices ? cudaErrorInvalidDevice : cudaSuccess;
}

/// The kernel for the chosen architecture.
cudaError_t find_kernel(const void* host, Function*& function, const ptx::Kernel*& kernel) {
  const Locked runtime;
  if (!runtime->has_device()) {
    return cudaErrorNoDevice;
  }
  function = runtime->function(host);
  if (function == nullptr) {
    return cudaErrorInvalidDeviceFunction;
  }
  ptx::Machine* machine = runtime->machine(*function->module);
  if (machine == nullptr) {
    runtime->last_fault = function->module->refused;
    return cudaErrorNoKernelImageForDevice;
  }
  kernel = &machine->decoded(function->name);
  return cudaSuccess;
}

/// Blocks that a multiprocessor holds at once, registers left out: PTX does not know how many a thread needs.
int resident_blocks(const DeviceLimits& limits, const ptx::Kernel& kernel, int threads, std::size_t dynamic_shared) {
  const int whole_warps = (threads + 31) / 32 * 32;
  const std::size_t shared = kernel.static_shared_bytes + dynamic_shared + limits.shared_reserved;
  const int by_shared = shared == 0 ? limits.blocks_multiprocessor : static_cast<int>(limits.shared_multiprocessor / shared);
  return std::min({limits.threads_multiprocessor / whole_warps, by_shared, limits.blocks_multiprocessor});
}

}  // namespace

extern "C" {

cudaError_t cudaGetDeviceCount(int* count) {
  const Locked runtime;
  *count = runtime->devices;
  return Runtime::report(runtime->has_device() ? cudaSuccess : cudaErrorNoDevice);
}

cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return Runtime::report(check_device(0));
}

cudaError_t cudaSetDevice(int device) {
  // Memory and code are those of device 0.
  const cudaError_t error = check_device(device);
  return Runtime::report(error == cudaSuccess && device != 0 ? cudaErrorNotSupported : error);
}

cudaError_t cudaDeviceSynchronize() { return Runtime::report(check_device(0)); }

cudaError_t cudaRuntimeGetVersion(int* version) {
  *version = runtime_version;
  return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int* version) {
  *version = runtime_version;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  if (const cudaError_t error = check_device(device); error != cudaSuccess) {
    return Runtime::report(error);
  }
  const Locked runtime;
  const DeviceLimits& limits = *runtime->limits;
  switch (attribute) {
    case cudaDevAttrComputeCapabilityMajor: *value = limits.architecture / 10; break;
    case cudaDevAttrComputeCapabilityMinor: *value = limits.architecture % 10; break;
    case cudaDevAttrMultiProcessorCount: *value = limits.multiprocessors; break;
    case cudaDevAttrMaxSharedMemoryPerBlock: *value = static_cast<int>(shared_without_optin); break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin: *value = static_cast<int>(limits.shared_optin); break;
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor: *value = static_cast<int>(limits.shared_multiprocessor); break;
    case cudaDevAttrReservedSharedMemoryPerBlock: *value = static_cast<int>(limits.shared_reserved); break;
    case cudaDevAttrMaxThreadsPerBlock:
    case cudaDevAttrMaxBlockDimX:
    case cudaDevAttrMaxBlockDimY: *value = static_cast<int>(threads_per_block); break;
    case cudaDevAttrMaxBlockDimZ: *value = 64; break;
    case cudaDevAttrMaxGridDimX: *value = 0x7FFFFFFF; break;
    case cudaDevAttrMaxGridDimY:
    case cudaDevAttrMaxGridDimZ: *value = 65535; break;
    case cudaDevAttrMaxThreadsPerMultiProcessor: *value = limits.threads_multiprocessor; break;
    case cudaDevAttrMaxBlocksPerMultiprocessor: *value = limits.blocks_multiprocessor; break;
    case cudaDevAttrMaxRegistersPerBlock:
    case cudaDevAttrMaxRegistersPerMultiprocessor: *value = static_cast<int>(registers_per_block); break;
    case cudaDevAttrWarpSize: *value = 32; break;
    case cudaDevAttrL2CacheSize: *value = limits.l2_bytes; break;
    case cudaDevAttrGlobalMemoryBusWidth: *value = limits.memory_bus_bits; break;
    case cudaDevAttrUnifiedAddressing:
    case cudaDevAttrMemoryPoolsSupported: *value = 1; break;
    default:
      runtime->last_fault = fmt::format("cudaDeviceGetAttribute of attribute {}", static_cast<int>(attribute));
      return Runtime::report(cudaErrorNotSupported);
  }
  return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  if (const cudaError_t error = check_device(device); error != cudaSuccess) {
    return Runtime::report(error);
  }
  const Locked runtime;
  const DeviceLimits& limits = *runtime->limits;
  std::memset(properties, 0, sizeof(*properties));
  fmt::format_to_n(properties->name, sizeof(properties->name) - 1, "PTX machine sm_{}", limits.architecture);
  properties->totalGlobalMem = runtime->total_memory;
  properties->sharedMemPerBlock = shared_without_optin;
  properties->sharedMemPerBlockOptin = limits.shared_optin;
  properties->sharedMemPerMultiprocessor = limits.shared_multiprocessor;
  properties->reservedSharedMemPerBlock = limits.shared_reserved;
  properties->regsPerBlock = properties->regsPerMultiprocessor = static_cast<int>(registers_per_block);
  properties->warpSize = 32;
  properties->maxThreadsPerBlock = static_cast<int>(threads_per_block);
  properties->maxThreadsDim[0] = properties->maxThreadsDim[1] = static_cast<int>(threads_per_block);
  properties->maxThreadsDim[2] = 64;
  properties->maxGridSize[0] = 0x7FFFFFFF;
  properties->maxGridSize[1] = properties->maxGridSize[2] = 65535;
  properties->totalConstMem = 65536;
  properties->major = limits.architecture / 10;
  properties->minor = limits.architecture % 10;
  properties->multiProcessorCount = limits.multiprocessors;
  properties->maxThreadsPerMultiProcessor = limits.threads_multiprocessor;
  properties->maxBlocksPerMultiProcessor = limits.blocks_multiprocessor;
  properties->l2CacheSize = limits.l2_bytes;
  properties->memoryBusWidth = limits.memory_bus_bits;
  properties->unifiedAddressing = properties->memoryPoolsSupported = 1;
  return cudaSuccess;
}

cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* host) {
  Function* function = nullptr;
  const ptx::Kernel* kernel = nullptr;
  if (const cudaError_t error = find_kernel(host, function, kernel); error != cudaSuccess) {
    return Runtime::report(error);
  }
  const Locked runtime;
  *attributes = {};
  attributes->sharedSizeBytes = kernel->static_shared_bytes;
  attributes->localSizeBytes = kernel->local_bytes;
  attributes->maxThreadsPerBlock = static_cast<int>(kernel->max_threads);
  // The most that ptxas may use.
  attributes->numRegs = static_cast<int>(std::min(255U, registers_per_block / kernel->max_threads));
  attributes->ptxVersion = attributes->binaryVersion = runtime->limits->architecture;
  attributes->maxDynamicSharedSizeBytes = static_cast<int>(function->dynamic_shared_limit(*kernel));
  return cudaSuccess;
}

cudaError_t cudaFuncSetAttribute(const void* host, cudaFuncAttribute attribute, int value) {
  Function* function = nullptr;
  const ptx::Kernel* kernel = nullptr;
  if (const cudaError_t error = find_kernel(host, function, kernel); error != cudaSuccess) {
    return Runtime::report(error);
  }
  const Locked runtime;
  switch (attribute) {
    case cudaFuncAttributeMaxDynamicSharedMemorySize:
      if (value < 0 || kernel->static_shared_bytes + static_cast<std::size_t>(value) > runtime->limits->shared_optin) {
        return Runtime::report(cudaErrorInvalidValue);
      }
      function->dynamic_shared_optin = static_cast<std::size_t>(value);
      return cudaSuccess;
    case cudaFuncAttributePreferredSharedMemoryCarveout: return Runtime::report(value < -1 || value > 100 ? cudaErrorInvalidValue : cudaSuccess);
    default: return Runtime::report(cudaErrorNotSupported);
  }
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, const void* host, int threads, size_t dynamic_shared, unsigned /*flags*/) {
  Function* function = nullptr;
  const ptx::Kernel* kernel = nullptr;
  if (const cudaError_t error = find_kernel(host, function, kernel); error != cudaSuccess) {
    return Runtime::report(error);
  }
  if (threads <= 0) {
    return Runtime::report(cudaErrorInvalidValue);
  }
  const Locked runtime;
  *blocks = threads > static_cast<int>(kernel->max_threads) ? 0 : resident_blocks(*runtime->limits, *kernel, threads, dynamic_shared);
  return cudaSuccess;
}

cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, const void* host, int threads, size_t dynamic_shared) {
  return cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(blocks, host, threads, dynamic_shared, 0);
}

}  // extern "C"
