// Device memory, copies and page-locked host memory.
#include <sys/mman.h>

#include <cstdlib>
#include <cstring>

#include "cuda/fake_runtime/runtime.h"
#include "cuda/fake_runtime/unprotected.h"

namespace cuda_on_ptx {
namespace {

constexpr std::size_t page = 4096;

void set_protection(const Runtime& runtime, int protection) {
  for (const auto& [memory, bytes] : runtime.allocations) {
    mprotect(const_cast<char*>(memory), page_bytes(bytes), protection);
  }
}

}  // namespace

std::size_t page_bytes(std::size_t bytes) { return (bytes + page - 1) / page * page; }

Runtime::Unprotected::Unprotected(const Runtime& runtime) : runtime_(runtime) {
  if (runtime.protect) {
    set_protection(runtime, PROT_READ | PROT_WRITE);
  }
}

Runtime::Unprotected::~Unprotected() {
  if (runtime_.protect) {
    set_protection(runtime_, PROT_NONE);
  }
}

void protect_device_memory(bool protect) {
  const Locked runtime;
  runtime->protect = protect;
  set_protection(*runtime.operator->(), protect ? PROT_NONE : PROT_READ | PROT_WRITE);
}

cudaError_t Runtime::allocate(void** out, std::size_t bytes) {
  if (!has_device()) {
    return cudaErrorNoDevice;
  }
  if (out == nullptr) {
    return cudaErrorInvalidValue;
  }
  *out = nullptr;
  if (bytes == 0) {
    return cudaSuccess;
  }
  if (allocated > total_memory || bytes > total_memory - allocated) {
    return cudaErrorMemoryAllocation;
  }
  const int protection = protect ? PROT_NONE : PROT_READ | PROT_WRITE;
  // One page more, so that no allocation touches the next.
  void* memory = mmap(nullptr, page_bytes(bytes) + page, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    return cudaErrorMemoryAllocation;
  }
  allocations[static_cast<const char*>(memory)] = bytes;
  allocated += bytes;
  memory_->add(memory, bytes, false);
  *out = memory;
  return cudaSuccess;
}

cudaError_t Runtime::release(void* memory) {
  if (memory == nullptr) {
    return cudaSuccess;
  }
  const auto found = allocations.find(static_cast<const char*>(memory));
  if (found == allocations.end()) {
    return cudaErrorInvalidValue;
  }
  allocated -= found->second;
  munmap(memory, page_bytes(found->second) + page);
  memory_->remove(memory);
  allocations.erase(found);
  return cudaSuccess;
}

bool Runtime::is_device(const void* memory, std::size_t bytes) const {
  const auto* first = static_cast<const char*>(memory);
  auto after = allocations.upper_bound(first);
  if (after == allocations.begin()) {
    return false;
  }
  const auto& [begin, size] = *std::prev(after);
  const auto offset = static_cast<std::size_t>(first - begin);
  return offset < size && bytes <= size - offset;
}

cudaError_t Runtime::copy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  if (!has_device()) {
    return cudaErrorNoDevice;
  }
  if (bytes == 0) {
    return cudaSuccess;
  }
  if (kind < cudaMemcpyHostToHost || kind > cudaMemcpyDefault) {
    return cudaErrorInvalidMemcpyDirection;
  }
  const bool to_device = is_device(to, bytes);
  const bool from_device = is_device(from, bytes);
  const bool wants_to_device = kind == cudaMemcpyDefault ? to_device : kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool wants_from_device = kind == cudaMemcpyDefault ? from_device : kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  // One byte says to which side a pointer belongs; a copy past the end of an allocation is wrong on either.
  if (to_device != wants_to_device || from_device != wants_from_device || is_device(to, 1) != to_device || is_device(from, 1) != from_device) {
    return cudaErrorInvalidValue;
  }
  if (from_device && !memory_->is_written(from, bytes)) {
    last_fault = "cudaMemcpy from device memory that nothing wrote";
    throw KernelFault(ptx::Check::unwritten, last_fault);
  }
  const Unprotected open(*this);
  std::memmove(to, from, bytes);
  if (to_device) {
    memory_->mark_written(to, bytes);
  }
  return cudaSuccess;
}

cudaError_t Runtime::fill(void* memory, int value, std::size_t bytes) {
  if (!has_device()) {
    return cudaErrorNoDevice;
  }
  if (bytes == 0) {
    return cudaSuccess;
  }
  if (!is_device(memory, bytes)) {
    return cudaErrorInvalidValue;
  }
  const Unprotected open(*this);
  std::memset(memory, value, bytes);
  memory_->mark_written(memory, bytes);
  return cudaSuccess;
}

}  // namespace cuda_on_ptx

using cuda_on_ptx::Locked;
using cuda_on_ptx::Runtime;

namespace {

cudaError_t on_stream(cudaStream_t stream) { return Locked()->valid_stream(stream) ? cudaSuccess : cudaErrorInvalidResourceHandle; }

}  // namespace

extern "C" {

cudaError_t cudaMalloc(void** memory, size_t bytes) { return Runtime::report(Locked()->allocate(memory, bytes)); }

cudaError_t cudaMallocAsync(void** memory, size_t bytes, cudaStream_t stream) {
  const cudaError_t error = on_stream(stream);
  return error == cudaSuccess ? cudaMalloc(memory, bytes) : Runtime::report(error);
}

cudaError_t cudaFree(void* memory) { return Runtime::report(Locked()->release(memory)); }

cudaError_t cudaFreeAsync(void* memory, cudaStream_t stream) {
  const cudaError_t error = on_stream(stream);
  return error == cudaSuccess ? cudaFree(memory) : Runtime::report(error);
}

cudaError_t cudaMemcpy(void* to, const void* from, size_t bytes, cudaMemcpyKind kind) { return Runtime::report(Locked()->copy(to, from, bytes, kind)); }

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  const cudaError_t error = on_stream(stream);
  return error == cudaSuccess ? cudaMemcpy(to, from, bytes, kind) : Runtime::report(error);
}

cudaError_t cudaMemset(void* memory, int value, size_t bytes) { return Runtime::report(Locked()->fill(memory, value, bytes)); }

cudaError_t cudaMemsetAsync(void* memory, int value, size_t bytes, cudaStream_t stream) {
  const cudaError_t error = on_stream(stream);
  return error == cudaSuccess ? cudaMemset(memory, value, bytes) : Runtime::report(error);
}

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  const Locked runtime;
  if (!runtime->has_device()) {
    return Runtime::report(cudaErrorNoDevice);
  }
  *total = runtime->total_memory;
  *free = runtime->total_memory - std::min(runtime->allocated, runtime->total_memory);
  return cudaSuccess;
}

cudaError_t cudaHostAlloc(void** memory, size_t bytes, unsigned /*flags*/) {
  *memory = std::malloc(bytes);
  return Runtime::report(*memory != nullptr ? cudaSuccess : cudaErrorMemoryAllocation);
}

cudaError_t cudaMallocHost(void** memory, size_t bytes) { return cudaHostAlloc(memory, bytes, 0); }

cudaError_t cudaFreeHost(void* memory) {
  std::free(memory);
  return cudaSuccess;
}

cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* pointer) {
  const Locked runtime;
  if (!runtime->has_device()) {
    return Runtime::report(cudaErrorNoDevice);
  }
  *attributes = {};
  attributes->type = runtime->is_device(pointer, 1) ? cudaMemoryTypeDevice : cudaMemoryTypeUnregistered;
  attributes->device = attributes->type == cudaMemoryTypeDevice ? 0 : cudaInvalidDeviceId;
  attributes->devicePointer = attributes->type == cudaMemoryTypeDevice ? const_cast<void*>(pointer) : nullptr;
  attributes->hostPointer = attributes->type == cudaMemoryTypeDevice ? nullptr : const_cast<void*>(pointer);
  return cudaSuccess;
}

}  // extern "C"
