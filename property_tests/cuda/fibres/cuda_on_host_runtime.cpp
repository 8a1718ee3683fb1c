#include "cuda_on_host_runtime.h"

#include <cuda_runtime_api.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <utility>
#include <vector>

#include "host_launch.h"
#include "sanitizers.h"

namespace cuda_on_host {

namespace {

constexpr int kUndefined = 0xFF;
constexpr std::size_t kAlignment = 256;

thread_local cudaError_t last_error = cudaSuccess;

/// The memory of the device, for all threads of the host.
class DeviceMemory {
 public:
  static DeviceMemory& instance() {
    static DeviceMemory memory;
    return memory;
  }

  cudaError_t allocate(void** out, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    *out = nullptr;
    if (bytes == 0) return cudaSuccess;
    if (bytes > capacity_ - std::min(capacity_, used_)) return cudaErrorMemoryAllocation;
    if (posix_memalign(out, kAlignment, bytes) != 0) return cudaErrorMemoryAllocation;
    std::memset(*out, kUndefined, bytes);
    if (under_msan()) __msan_allocated_memory(*out, bytes);
    const Range range{address(*out), bytes};
    ranges_.insert(first_after(range.begin), range);
    used_ += bytes;
    return cudaSuccess;
  }

  cudaError_t free(void* pointer) {
    if (pointer == nullptr) return cudaSuccess;
    const std::lock_guard lock(mutex_);
    const auto after = first_after(address(pointer));
    if (after == ranges_.begin() || (after - 1)->begin != address(pointer)) return cudaErrorInvalidValue;
    used_ -= (after - 1)->bytes;
    ranges_.erase(after - 1);
    std::free(pointer);
    return cudaSuccess;
  }

  /// Whether [pointer, pointer + bytes) is inside one allocation.
  bool holds(const void* pointer, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    const auto after = first_after(address(pointer));
    if (after == ranges_.begin()) return false;
    const Range& range = *(after - 1);
    const std::size_t offset = address(pointer) - range.begin;
    return offset <= range.bytes && bytes <= range.bytes - offset;
  }

  void set_capacity(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    capacity_ = bytes;
  }
  std::size_t capacity() {
    const std::lock_guard lock(mutex_);
    return capacity_;
  }
  std::size_t used() {
    const std::lock_guard lock(mutex_);
    return used_;
  }
  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return ranges_.size();
  }

 private:
  struct Range {
    std::uintptr_t begin;
    std::size_t bytes;
  };

  static std::uintptr_t address(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer); }

  std::vector<Range>::iterator first_after(std::uintptr_t address) {
    return std::upper_bound(ranges_.begin(), ranges_.end(), address, [](std::uintptr_t value, const Range& range) { return value < range.begin; });
  }

  std::mutex mutex_;
  std::vector<Range> ranges_;  ///< ascending; a std::map's own code is not instrumented, which MemorySanitizer would report
  std::size_t capacity_ = std::size_t{1} << 30;
  std::size_t used_ = 0;
};

std::atomic<bool> device_present{true};

cudaError_t copy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  if (bytes == 0) return cudaSuccess;
  DeviceMemory& device = DeviceMemory::instance();
  const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  if (kind != cudaMemcpyDefault && device.holds(to, bytes) != to_device) return note_error(cudaErrorInvalidValue);
  if (kind != cudaMemcpyDefault && device.holds(from, bytes) != from_device) return note_error(cudaErrorInvalidValue);
  std::memmove(to, from, bytes);
  return cudaSuccess;
}

cudaError_t fill(void* at, int byte, std::size_t bytes) {
  if (bytes == 0) return cudaSuccess;
  if (!DeviceMemory::instance().holds(at, bytes)) return note_error(cudaErrorInvalidValue);
  std::memset(at, byte, bytes);
  return cudaSuccess;
}

struct ErrorWords {
  cudaError_t error;
  const char* name;
  const char* sentence;
};

constexpr ErrorWords kErrors[] = {
    {cudaSuccess, "cudaSuccess", "no error"},
    {cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
    {cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory"},
    {cudaErrorInvalidConfiguration, "cudaErrorInvalidConfiguration", "invalid configuration argument"},
    {cudaErrorNoDevice, "cudaErrorNoDevice", "no CUDA-capable device is detected"},
    {cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "invalid device ordinal"},
};

const ErrorWords& words_of(cudaError_t error) {
  static constexpr ErrorWords unknown{cudaErrorUnknown, "cudaErrorUnknown", "unknown error"};
  for (const ErrorWords& words : kErrors)
    if (words.error == error) return words;
  return unknown;
}

cudaError_t check_device(int device) {
  if (!device_present) return note_error(cudaErrorNoDevice);
  return device == 0 ? cudaSuccess : note_error(cudaErrorInvalidDevice);
}

}  // namespace

cudaError_t note_error(cudaError_t error) {
  if (error != cudaSuccess) last_error = error;
  return error;
}

void set_device_memory(std::size_t bytes) { DeviceMemory::instance().set_capacity(bytes); }
void set_device_present(bool present) { device_present = present; }
std::size_t allocated_bytes() { return DeviceMemory::instance().used(); }
std::size_t allocations() { return DeviceMemory::instance().count(); }

}  // namespace cuda_on_host

using cuda_on_host::check_device;
using cuda_on_host::DeviceMemory;
using cuda_on_host::note_error;

extern "C" {

cudaError_t cudaMalloc(void** pointer, std::size_t bytes) {
  if (const cudaError_t status = check_device(0); status != cudaSuccess) return status;
  return note_error(DeviceMemory::instance().allocate(pointer, bytes));
}
cudaError_t cudaFree(void* pointer) { return note_error(DeviceMemory::instance().free(pointer)); }

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) { return cuda_on_host::copy(to, from, bytes, kind); }
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind, cudaStream_t) {
  return cuda_on_host::copy(to, from, bytes, kind);
}
cudaError_t cudaMemset(void* at, int byte, std::size_t bytes) { return cuda_on_host::fill(at, byte, bytes); }
cudaError_t cudaMemsetAsync(void* at, int byte, std::size_t bytes, cudaStream_t) { return cuda_on_host::fill(at, byte, bytes); }

cudaError_t cudaStreamCreate(cudaStream_t* stream) { return cudaStreamCreateWithFlags(stream, cudaStreamDefault); }
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  *stream = reinterpret_cast<cudaStream_t>(std::malloc(1));
  return *stream != nullptr ? cudaSuccess : note_error(cudaErrorMemoryAllocation);
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  std::free(stream);
  return cudaSuccess;
}
cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaSuccess; }
cudaError_t cudaDeviceSynchronize() { return cudaSuccess; }

cudaError_t cudaGetLastError() { return std::exchange(cuda_on_host::last_error, cudaSuccess); }
cudaError_t cudaPeekAtLastError() { return cuda_on_host::last_error; }
const char* cudaGetErrorName(cudaError_t error) { return cuda_on_host::words_of(error).name; }
const char* cudaGetErrorString(cudaError_t error) { return cuda_on_host::words_of(error).sentence; }

cudaError_t cudaGetDeviceCount(int* count) {
  *count = cuda_on_host::device_present ? 1 : 0;
  return check_device(0);
}
cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return check_device(0);
}
cudaError_t cudaSetDevice(int device) { return check_device(device); }

/// A device of compute capability 9.0.
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  if (const cudaError_t status = check_device(device); status != cudaSuccess) return status;
  switch (attribute) {
    case cudaDevAttrComputeCapabilityMajor: *value = 9; break;
    case cudaDevAttrComputeCapabilityMinor: *value = 0; break;
    case cudaDevAttrMultiProcessorCount: *value = 4; break;
    case cudaDevAttrWarpSize: *value = 32; break;
    case cudaDevAttrMaxThreadsPerBlock: *value = 1024; break;
    case cudaDevAttrMaxSharedMemoryPerBlock: *value = 48 << 10; break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin: *value = 227 << 10; break;
    default: return note_error(cudaErrorInvalidValue);
  }
  return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  if (const cudaError_t status = check_device(device); status != cudaSuccess) return status;
  *properties = cudaDeviceProp{};
  std::strcpy(properties->name, "fibres on the host");
  properties->major = 9;
  properties->minor = 0;
  properties->multiProcessorCount = 4;
  properties->totalGlobalMem = DeviceMemory::instance().capacity();
  properties->sharedMemPerBlock = 48 << 10;
  properties->sharedMemPerBlockOptin = 227 << 10;
  properties->maxThreadsPerBlock = 1024;
  properties->warpSize = 32;
  return cudaSuccess;
}
cudaError_t cudaMemGetInfo(std::size_t* available, std::size_t* all) {
  *all = DeviceMemory::instance().capacity();
  *available = *all - std::min(*all, DeviceMemory::instance().used());
  return check_device(0);
}
cudaError_t cudaFuncSetAttribute(const void*, cudaFuncAttribute, int) { return cudaSuccess; }

}  // extern "C"
