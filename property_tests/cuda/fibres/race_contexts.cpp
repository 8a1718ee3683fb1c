// Compiled without instrumentation of ThreadSanitizer and AddressSanitizer: see fibre_switch.cpp.
#include "race_contexts.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "sanitizers.h"

namespace cuda_on_host {

namespace {

constexpr unsigned kNoOrder = 1;          // of __tsan_switch_to_fiber: the switch itself orders nothing
constexpr std::size_t kMostSpare = 1024;  // more of them would make every operation of the sanitizer slower

// Frames of functions that are called where no fibre waits may be below the deepest stack that was seen. Too little shows: a kernel would race with itself.
constexpr std::size_t kMargin = std::size_t{4} << 10;

/// ThreadSanitizer forgets all accesses to this memory: what comes next is as if to new memory. Its interface for Java's heap does this; here all memory is
/// declared to be that heap, once.
void forget_accesses(const void* begin, std::size_t bytes) {
  static const bool declared = [] {
    __tsan_java_init(8, (1UL << 47) - 16);
    return true;
  }();
  static_cast<void>(declared);
  const auto address = reinterpret_cast<unsigned long>(begin);
  __tsan_java_alloc(address, bytes);
  __tsan_java_free(address, bytes);
}

void end_contexts(std::vector<void*>& contexts, std::size_t keep) {
  for (; contexts.size() > keep; contexts.pop_back()) __tsan_destroy_fiber(contexts.back());
}

}  // namespace

void RaceContexts::note_stack(const Flow& running, const void* stack_pointer) {
  if (!under_tsan()) return;
  const auto top = reinterpret_cast<std::uintptr_t>(running.stack_bottom) + running.stack_bytes;
  deepest_ = std::max<std::size_t>(deepest_, top - reinterpret_cast<std::uintptr_t>(stack_pointer));
}

/// The stack of a fibre is new memory to each block: its local variables do not race with those of the block before.
void RaceContexts::start_block(std::vector<Fibre>& fibres, std::size_t threads, const Flow& host) {
  if (!under_tsan()) return;
  end_contexts(of_block_before_, 0);
  __tsan_release(&start_);
  for (std::size_t i = 0; i < threads; ++i) {
    void*& context = fibres[i].tsan_fibre;
    if (context != nullptr) of_block_before_.push_back(context);
    if (spare_.empty()) {
      context = __tsan_create_fiber(0);  // comes after everything the host did
    } else {
      context = spare_.back();
      spare_.pop_back();
      __tsan_switch_to_fiber(context, kNoOrder);
      __tsan_acquire(&start_);
      __tsan_switch_to_fiber(host.tsan_fibre, kNoOrder);
    }
    const auto* top = static_cast<const char*>(fibres[i].stack_bottom) + fibres[i].stack_bytes;
    if (deepest_ > 0) forget_accesses(top - deepest_ - kMargin, deepest_ + kMargin);
  }
}

void RaceContexts::end_thread() {
  if (under_tsan()) __tsan_release(&end_);
}

void RaceContexts::end_grid(std::vector<Fibre>& fibres) {
  if (!under_tsan()) return;
  deepest_ = 0;
  __tsan_acquire(&end_);
  for (Fibre& fibre : fibres)
    if (fibre.tsan_fibre != nullptr) spare_.push_back(std::exchange(fibre.tsan_fibre, nullptr));
  spare_.insert(spare_.end(), of_block_before_.begin(), of_block_before_.end());
  of_block_before_.clear();
  end_contexts(spare_, kMostSpare);
}

void RaceContexts::abandon(std::vector<Fibre>& fibres, const Flow& host) {
  if (!under_tsan()) return;
  deepest_ = 0;
  for (Fibre& fibre : fibres) {
    if (fibre.tsan_fibre == nullptr) continue;
    __tsan_switch_to_fiber(fibre.tsan_fibre, kNoOrder);
    __tsan_release(&end_);
  }
  __tsan_switch_to_fiber(host.tsan_fibre, kNoOrder);
  __tsan_acquire(&end_);
  for (Fibre& fibre : fibres)
    if (fibre.tsan_fibre != nullptr) of_block_before_.push_back(std::exchange(fibre.tsan_fibre, nullptr));
  end_contexts(of_block_before_, 0);
}

/// Done for all lanes at once by the last that comes. What lanes left at the address before was taken up by the lowest lane of the mask, so it adds no order.
void RaceContexts::order_lanes(Warp& warp, unsigned mask, const Fibre& running) {
  if (!under_tsan()) return;
  char* address = &warp.memory_order[static_cast<unsigned>(std::countr_zero(mask))];
  for (auto* order : {&__tsan_release, &__tsan_acquire})
    for (unsigned lane = 0; lane < kLanes; ++lane) {
      if ((mask >> lane & 1U) == 0) continue;
      __tsan_switch_to_fiber(warp.lanes[lane].tsan_fibre, kNoOrder);
      (*order)(address);
    }
  __tsan_switch_to_fiber(running.tsan_fibre, kNoOrder);
}

}  // namespace cuda_on_host
