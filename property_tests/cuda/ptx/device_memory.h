#pragma once
/// Device memory: host memory that the owner names, with a shadow that knows which bytes hold data and who touched them.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>

#include "cuda/ptx/shadow.h"

namespace ptx {

struct Allocation {
  std::uint64_t begin = 0;
  std::size_t bytes = 0;
  bool read_only = false;
  std::unique_ptr<std::uint8_t[], void (*)(void*)> written;  ///< 1 for a byte that holds data
  Shadow shadow;

  [[nodiscard]] bool contains(std::uint64_t address, std::size_t count) const {
    return address >= begin && address - begin <= bytes && count <= bytes - (address - begin);
  }
};

class DeviceMemory {
 public:
  /// Kernels may use [memory, memory + bytes). `written` says whether it holds data already.
  void add(const void* memory, std::size_t bytes, bool written, bool read_only = false);
  void remove(const void* memory);

  /// The allocation that holds all of [address, address + bytes); null if there is none.
  Allocation* find(std::uint64_t address, std::size_t bytes);

  /// The host wrote these bytes, or copied bytes onto them.
  void mark_written(const void* memory, std::size_t bytes);
  [[nodiscard]] bool is_written(const void* memory, std::size_t bytes);

  /// The next epoch. @throws Fault{endless} after 2^32 of them.
  std::uint32_t next_epoch();

 private:
  std::map<std::uint64_t, Allocation> allocations_;
  Allocation* last_ = nullptr;  ///< found last
  std::uint32_t epoch_ = 0;
};

}  // namespace ptx
