#pragma once
/// What the fibres tell the sanitizers. Each function does nothing where its sanitizer is not linked in.

#include <cstddef>

extern "C" {
[[gnu::weak]] void __tsan_acquire(void* address);
[[gnu::weak]] void __tsan_release(void* address);
[[gnu::weak]] void* __tsan_get_current_fiber();
[[gnu::weak]] void* __tsan_create_fiber(unsigned flags);
[[gnu::weak]] void __tsan_destroy_fiber(void* fibre);
[[gnu::weak]] void __tsan_switch_to_fiber(void* fibre, unsigned flags);
[[gnu::weak]] void __tsan_java_init(unsigned long begin, unsigned long bytes);
[[gnu::weak]] void __tsan_java_alloc(unsigned long address, unsigned long bytes);
[[gnu::weak]] void __tsan_java_free(unsigned long address, unsigned long bytes);
[[gnu::weak]] void AnnotateIgnoreWritesBegin(const char* file, int line);
[[gnu::weak]] void AnnotateIgnoreWritesEnd(const char* file, int line);
[[gnu::weak]] void __sanitizer_start_switch_fiber(void** save, const void* bottom, std::size_t bytes);
[[gnu::weak]] void __sanitizer_finish_switch_fiber(void* save, const void** old_bottom, std::size_t* old_bytes);
[[gnu::weak]] void __asan_unpoison_memory_region(const volatile void* address, std::size_t bytes);
[[gnu::weak]] void __msan_unpoison(const volatile void* address, std::size_t bytes);
[[gnu::weak]] void __msan_allocated_memory(const volatile void* address, std::size_t bytes);
}

namespace cuda_on_host {

inline bool under_tsan() { return __tsan_create_fiber != nullptr; }
inline bool under_asan() { return __asan_unpoison_memory_region != nullptr; }
inline bool under_msan() { return __msan_allocated_memory != nullptr; }
inline bool under_a_sanitizer() { return under_tsan() || under_asan() || under_msan(); }

/// Everything before a release of `address` comes before what follows an acquire of it.
inline void release(void* address) {
  if (under_tsan()) __tsan_release(address);
}
inline void acquire(void* address) {
  if (under_tsan()) __tsan_acquire(address);
}

}  // namespace cuda_on_host
