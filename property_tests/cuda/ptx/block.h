#pragma once
/// A block: its warps, their barrier and their shared memory.

#include <cstddef>
#include <vector>

#include "cuda/ptx/launch.h"
#include "cuda/ptx/shadow.h"
#include "cuda/ptx/warp.h"

namespace ptx {

/// Runs the blocks of one launch, one after another.
class Block {
 public:
  explicit Block(Launch& launch);

  /// Executes block `id` to its end. @throws Fault
  void run(Dimensions id);

  [[nodiscard]] Launch& launch() { return launch_; }
  [[nodiscard]] Dimensions id() const { return id_; }
  [[nodiscard]] std::vector<std::byte>& shared() { return shared_; }
  [[nodiscard]] Shadow& shared_shadow() { return shared_shadow_; }
  /// For accesses to global memory.
  [[nodiscard]] const Moment& moment() const { return moment_; }
  /// For accesses to shared memory, where nothing is left of other blocks.
  [[nodiscard]] Moment shared_moment() const { return {moment_.block, moment_.block, moment_.epoch}; }

 private:
  bool run_warps();
  bool pass_barrier();

  Launch& launch_;
  Dimensions id_;
  Moment moment_;
  std::vector<std::byte> shared_;
  Shadow shared_shadow_;
  std::vector<Warp> warps_;
  std::vector<unsigned> order_;
};

}  // namespace ptx
