// Compiled without instrumentation of ThreadSanitizer and AddressSanitizer: see fibre_switch.cpp.
#include "shared_memory.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "fibres.h"
#include "sanitizers.h"

namespace cuda_on_host {

namespace {

constexpr int kUndefined = 0xFF;

struct Slot {
  std::size_t bytes;
  std::size_t alignment;
};

/// Filled before main, by the initialisers of storage_slot<T>.
std::vector<Slot>& all_slots() {
  static std::vector<Slot> slots;
  return slots;
}

/// What the running fibre does to memory in here is not the kernel's doing.
class UnseenByTsan {
 public:
  UnseenByTsan() {
    if (AnnotateIgnoreWritesBegin != nullptr) AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
  }
  UnseenByTsan(const UnseenByTsan&) = delete;
  UnseenByTsan& operator=(const UnseenByTsan&) = delete;
  ~UnseenByTsan() {
    if (AnnotateIgnoreWritesEnd != nullptr) AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
  }
};

}  // namespace

unsigned new_storage_slot(std::size_t bytes, std::size_t alignment) {
  all_slots().push_back({bytes, std::max(alignment, alignof(void*))});
  return static_cast<unsigned>(all_slots().size() - 1);
}

SharedMemory::~SharedMemory() {
  end_grid();
  std::free(dynamic_.memory);
  for (const Piece& piece : slots_) std::free(piece.memory);
}

void SharedMemory::renew(Piece& piece, std::size_t bytes, std::size_t alignment) {
  const UnseenByTsan unseen;
  piece.of_this_block = true;
  if (piece.memory != nullptr && (under_a_sanitizer() || piece.bytes != bytes)) {
    if (under_tsan())
      of_earlier_blocks_.push_back(piece.memory);
    else
      std::free(piece.memory);
    piece.memory = nullptr;
  }
  if (piece.memory == nullptr) {
    void* memory = nullptr;
    if (posix_memalign(&memory, alignment, bytes) != 0) throw std::bad_alloc();
    piece.memory = static_cast<unsigned char*>(memory);
    piece.bytes = bytes;
  }
  std::memset(piece.memory, kUndefined, bytes);
  if (under_msan()) __msan_allocated_memory(piece.memory, bytes);
}

unsigned char* SharedMemory::start_block(std::size_t dynamic_bytes) {
  for (Piece& piece : slots_) piece.of_this_block = false;
  renew(dynamic_, dynamic_bytes, 16);
  return dynamic_.memory;
}

void SharedMemory::end_grid() {
  for (void* memory : of_earlier_blocks_) std::free(memory);
  of_earlier_blocks_.clear();
}

void* SharedMemory::slot(unsigned number) {
  if (number >= slots_.size()) slots_.resize(all_slots().size());
  Piece& piece = slots_[number];
  if (!piece.of_this_block) renew(piece, all_slots()[number].bytes, all_slots()[number].alignment);
  return piece.memory;
}

}  // namespace cuda_on_host
