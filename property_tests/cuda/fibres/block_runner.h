#pragma once
/// Runs grids on one host thread: the fibres, the order in which they run, the shared memory of the block.

#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <vector>

#include "fibre_switch.h"
#include "fibres.h"
#include "race_contexts.h"
#include "shared_memory.h"
#include "warp.h"

namespace cuda_on_host {

class BlockRunner {
 public:
  BlockRunner();
  BlockRunner(const BlockRunner&) = delete;
  BlockRunner& operator=(const BlockRunner&) = delete;
  ~BlockRunner() = default;

  /// The one of this host thread.
  static BlockRunner& mine();

  void set_seed(std::uint64_t seed) { seed_ = seed; }
  void run_grid(dim3 grid, dim3 block, std::size_t shared_bytes, void (*body)(const void*), const void* argument);

  // Called by the running fibre, with the pointer of its stack; each returns the pointer of the stack to go on with.
  void* arrive_at_block(bool vote, Place place, void* stack_pointer);
  /// `source` is a lane of the mask; only a shuffle reads its word.
  void* arrive_at_warp(WarpOperation operation, unsigned mask, std::uint64_t word, unsigned source, Place place, void* stack_pointer);
  void* block_storage(unsigned slot) { return shared_.slot(slot); }

 private:
  struct Barrier {
    unsigned arrived = 0;
    unsigned votes = 0;
    Place place{};
    char memory_order = 0;  ///< an address for ThreadSanitizer
  };

  // The order of the fibres.
  std::uint64_t draw();
  void new_round();
  bool next_warp();
  Flow& choose_next();
  void wait();

  // Faults. Not inlined: a frame on the stack of a waiting fibre should be small.
  [[noreturn, gnu::cold, gnu::noinline]] void fail_at_barrier(Place place);
  [[noreturn, gnu::cold, gnu::noinline]] void fail_in_warp(WarpOperation operation, unsigned mask, Place place);
  [[noreturn, gnu::cold, gnu::noinline]] void fail_at_source(unsigned source, Place place);
  [[noreturn, gnu::cold, gnu::noinline]] void fail_stuck();
  [[gnu::cold]] void note_fault(const std::string& what);
  [[noreturn, gnu::cold]] void leave();

  // Blocks and grids.
  static void fibre_main();
  void prepare_fibres(dim3 block);
  void run_block(std::uint64_t number);
  void abandon();

  Fibre* running_ = nullptr;
  Warp* warp_ = nullptr;  ///< of the running fibre
  unsigned threads_ = 0;  ///< of the block
  unsigned turn_ = 0;     ///< barriers of the block that were passed
  bool sanitized_;
  Barrier barriers_[2];        ///< of even and of odd turns: the votes of one are read while threads come to the next
  std::vector<Fibre> fibres_;  ///< of the largest block so far
  std::vector<Warp> warps_;
  std::vector<unsigned> warp_order_;
  std::size_t warp_position_ = 0;  ///< of `warp_` in the order
  unsigned ended_ = 0;             ///< threads

  std::uint64_t seed_;
  std::uint64_t random_ = 0;
  std::vector<LaneOrder> lane_orders_;

  Stacks stacks_;
  Flow host_;
  BlockPosition position_{};
  SharedMemory shared_;
  RaceContexts races_;
  void (*body_)(const void*) = nullptr;
  const void* argument_ = nullptr;
  std::string fault_;
  std::exception_ptr exception_;
};

}  // namespace cuda_on_host
