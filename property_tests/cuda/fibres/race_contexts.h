#pragma once
/// ThreadSanitizer's contexts of the CUDA threads, and what is ordered between them. Everything here does nothing where that sanitizer is not linked in.

#include <cstddef>
#include <vector>

#include "fibre_switch.h"
#include "warp.h"

namespace cuda_on_host {

/// Threads of different blocks are different threads to the sanitizer, so that a race between blocks is seen. Contexts are used again after the end of a grid,
/// which comes before everything that follows it; inside a grid those of the block before are kept, so that neighbours never share one, and older ones ended.
class RaceContexts {
 public:
  RaceContexts() = default;
  RaceContexts(const RaceContexts&) = delete;
  RaceContexts& operator=(const RaceContexts&) = delete;
  ~RaceContexts() = default;  // the sanitizer ends what is left with the program

  /// The running fibre waits, with its stack in use from `stack_pointer` on.
  void note_stack(const Flow& running, const void* stack_pointer);
  /// Gives the first `threads` fibres contexts that come after everything the host did, and forgets what was on their stacks. Called by the host.
  void start_block(std::vector<Fibre>& fibres, std::size_t threads, const Flow& host);
  /// The running fibre has ended its block.
  void end_thread();
  /// What all threads of the grid did comes before what the host does next.
  void end_grid(std::vector<Fibre>& fibres);
  /// The same for a grid that is abandoned; its contexts are not used again.
  void abandon(std::vector<Fibre>& fibres, const Flow& host);

  /// Everything that a lane of the mask did comes before all that any of them does next; `running` is the fibre that calls.
  void order_lanes(Warp& warp, unsigned mask, const Fibre& running);

 private:
  std::size_t deepest_ = 0;  ///< bytes of a stack that were in use in a block of this grid
  std::vector<void*> spare_;
  std::vector<void*> of_block_before_;
  char start_ = 0;  ///< addresses for the sanitizer
  char end_ = 0;
};

}  // namespace cuda_on_host
