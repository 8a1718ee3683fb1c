#pragma once
/// Stacks, and the switch from one to another. The sanitizers are told of every switch, where they are linked in.

#include <cstddef>
#include <vector>

#include "fibres.h"

// Saves on the stack in use the registers that a callee must keep, and that stack's pointer in *save; takes both from the other stack.
extern "C" void cuda_on_host_switch_stack(void** save, void* load);

// cuda_on_host_block_barrier and cuda_on_host_warp_operation (fibres.h) save the registers and call these with the pointer of the stack in use. They return the
// pointer of the stack to go on with (block_runner.cpp).
extern "C" void* cuda_on_host_arrive_at_block(bool vote, cuda_on_host::Place place, void* stack_pointer);
extern "C" void* cuda_on_host_arrive_at_warp(cuda_on_host::WarpOperation operation, unsigned mask, std::uint64_t word, unsigned source,
                                             cuda_on_host::Place place, void* stack_pointer);

namespace cuda_on_host {

/// One flow of control: a CUDA thread, or the host that launched it.
struct Flow {
  void* stack_pointer = nullptr;  ///< while it is suspended
  void* stack_bottom = nullptr;
  std::size_t stack_bytes = 0;
  void* tsan_fibre = nullptr;  ///< ThreadSanitizer's own context
  void* asan_stack = nullptr;  ///< what AddressSanitizer keeps of a suspended flow
};

/// The stacks of the CUDA threads of one host thread, below each a page that must not be touched. Virtual memory: a page is taken when it is first used.
class Stacks {
 public:
  Stacks() = default;
  Stacks(const Stacks&) = delete;
  Stacks& operator=(const Stacks&) = delete;
  ~Stacks();

  /// Gives `flow` the stack number `index`, so that the next switch to it calls `entry`, which must call `arrive_on_stack` first and must not return.
  /// @throws std::bad_alloc where the system gives no memory.
  void prepare(Flow& flow, std::size_t index, void (*entry)());

 private:
  std::vector<void*> regions_;
};

/// Fills in what the sanitizers want to know of the calling flow, which runs on the stack of its host thread.
void adopt_host(Flow& host);

/// Tells AddressSanitizer that a flow has begun.
void arrive_on_stack();

/// `switch_flow`, and the sanitizers are told.
void switch_flow_with_sanitizers(Flow& from, Flow& to);

/// Suspends `from`, the calling flow, and goes on with `to`; returns when some flow switches back. Orders no memory between the two.
inline void switch_flow(Flow& from, Flow& to, bool sanitized) {
  if (sanitized) [[unlikely]]
    switch_flow_with_sanitizers(from, to);
  else
    cuda_on_host_switch_stack(&from.stack_pointer, to.stack_pointer);
}

}  // namespace cuda_on_host
