#pragma once
/// The shared memory of the block that runs.

#include <cstddef>
#include <memory>
#include <vector>

namespace cuda_on_host {

/// Undefined at the start of each block: 0xFF in every byte (NaN as a float), undefined to MemorySanitizer. Under a sanitizer each block has allocations of its
/// own, of the exact sizes: an access beyond them, or to another block's, is seen. ThreadSanitizer would take an early release for a race: there they are freed
/// when the grid has ended.
class SharedMemory {
 public:
  SharedMemory() = default;
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  ~SharedMemory();

  /// Forgets the previous block's, and returns `dynamic_bytes` of dynamic shared memory.
  unsigned char* start_block(std::size_t dynamic_bytes);
  void end_grid();
  /// The storage of a slot of new_storage_slot, for the block that runs.
  void* slot(unsigned number);

 private:
  struct Piece {
    unsigned char* memory = nullptr;
    std::size_t bytes = 0;
    bool of_this_block = false;
  };
  void renew(Piece& piece, std::size_t bytes, std::size_t alignment);

  Piece dynamic_;
  std::vector<Piece> slots_;
  std::vector<void*> of_earlier_blocks_;
};

}  // namespace cuda_on_host
