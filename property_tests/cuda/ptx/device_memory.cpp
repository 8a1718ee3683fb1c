#include "cuda/ptx/device_memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <new>

namespace ptx {

void DeviceMemory::add(const void* memory, std::size_t bytes, bool written, bool read_only) {
  const auto begin = reinterpret_cast<std::uint64_t>(memory);
  std::unique_ptr<std::uint8_t[], void (*)(void*)> flags(static_cast<std::uint8_t*>(std::calloc(bytes + 8, 1)), &std::free);
  if (flags == nullptr) {
    throw std::bad_alloc();
  }
  if (written) {
    std::memset(flags.get(), 1, bytes);
  }
  last_ = nullptr;
  allocations_.erase(begin);
  allocations_.emplace(begin, Allocation{begin, bytes, read_only, std::move(flags), Shadow(read_only ? 0 : bytes)});
}

void DeviceMemory::remove(const void* memory) {
  last_ = nullptr;
  allocations_.erase(reinterpret_cast<std::uint64_t>(memory));
}

Allocation* DeviceMemory::find(std::uint64_t address, std::size_t bytes) {
  if (last_ != nullptr && last_->contains(address, bytes)) {
    return last_;
  }
  auto after = allocations_.upper_bound(address);
  if (after == allocations_.begin()) {
    return nullptr;
  }
  Allocation& candidate = std::prev(after)->second;
  return candidate.contains(address, bytes) ? last_ = &candidate : nullptr;
}

void DeviceMemory::mark_written(const void* memory, std::size_t bytes) {
  const auto address = reinterpret_cast<std::uint64_t>(memory);
  Allocation* allocation = find(address, bytes);
  if (allocation == nullptr) {
    throw Fault(Check::bounds, fmt::format("{} bytes at {} are not device memory", bytes, memory));
  }
  std::memset(allocation->written.get() + (address - allocation->begin), 1, bytes);
}

bool DeviceMemory::is_written(const void* memory, std::size_t bytes) {
  const auto address = reinterpret_cast<std::uint64_t>(memory);
  const Allocation* allocation = find(address, bytes);
  if (allocation == nullptr) {
    return false;
  }
  const std::uint8_t* first = allocation->written.get() + (address - allocation->begin);
  return std::all_of(first, first + bytes, [](std::uint8_t flag) { return flag != 0; });
}

std::uint32_t DeviceMemory::next_epoch() {
  if (epoch_ == ~std::uint32_t{0}) {
    throw Fault(Check::endless, "2^32 barriers and launches on one device memory");
  }
  return ++epoch_;
}

}  // namespace ptx
