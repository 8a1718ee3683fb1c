#include "allocation_count.h"

#include <malloc.h>

#include <atomic>
#include <cerrno>
#include <cstddef>

// The C library's own, under the names that remain when malloc is replaced.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
void __libc_free(void* block);
}

namespace {

std::atomic<bool> counting{false};
std::atomic<std::int64_t> live{0};
std::atomic<std::int64_t> peak{0};
std::atomic<std::int64_t> allocations{0};

void add(std::int64_t bytes) {
  const std::int64_t now = live.fetch_add(bytes) + bytes;
  std::int64_t before = peak.load();
  while (now > before && !peak.compare_exchange_weak(before, now)) {
  }
}

void* counted(void* block) {
  if (counting.load(std::memory_order_relaxed) && block != nullptr) {
    allocations.fetch_add(1);
    add(static_cast<std::int64_t>(malloc_usable_size(block)));
  }
  return block;
}

void forget(void* block) {
  if (counting.load(std::memory_order_relaxed) && block != nullptr) live.fetch_sub(static_cast<std::int64_t>(malloc_usable_size(block)));
}

}  // namespace

extern "C" {

void* malloc(std::size_t size) { return counted(__libc_malloc(size)); }
void* calloc(std::size_t count, std::size_t size) { return counted(__libc_calloc(count, size)); }
void* memalign(std::size_t alignment, std::size_t size) { return counted(__libc_memalign(alignment, size)); }
void* aligned_alloc(std::size_t alignment, std::size_t size) { return counted(__libc_memalign(alignment, size)); }

int posix_memalign(void** out, std::size_t alignment, std::size_t size) {
  void* const block = __libc_memalign(alignment, size);
  if (block == nullptr) return ENOMEM;
  *out = counted(block);
  return 0;
}

void* realloc(void* block, std::size_t size) {
  forget(block);
  return counted(__libc_realloc(block, size));
}

void free(void* block) {
  forget(block);
  __libc_free(block);
}
}

namespace slicecheck::benchmarks {

void start_counting_allocations() {
  live = 0;
  peak = 0;
  allocations = 0;
  counting = true;
}

AllocationCount stop_counting_allocations() {
  counting = false;
  return {live.load(), peak.load(), allocations.load()};
}

}  // namespace slicecheck::benchmarks
