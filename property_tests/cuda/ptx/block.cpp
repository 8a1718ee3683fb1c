#include "cuda/ptx/block.h"

#include <algorithm>
#include <bit>
#include <numeric>

namespace ptx {
namespace {

/// Warp instructions that a warp executes before another has its turn: enough for any stretch between two barriers, few enough that a warp which waits for
/// another one by polling does not wait for ever.
constexpr std::uint64_t steps_per_turn = 1 << 16;

constexpr std::byte unwritten_byte{0xFF};

}  // namespace

Block::Block(Launch& launch) : launch_(launch), shared_(launch.shared_bytes), shared_shadow_(launch.shared_bytes) {
  const auto threads = static_cast<unsigned>(launch.block.count());
  const unsigned count = (threads + warp_size - 1) / warp_size;
  warps_.reserve(count);
  for (unsigned index = 0; index < count; ++index) {
    warps_.emplace_back(*this, index);
  }
  order_.resize(count);
  std::iota(order_.begin(), order_.end(), 0U);
  moment_.launch = launch.first_epoch;
}

void Block::run(Dimensions id) {
  id_ = id;
  moment_.block = moment_.epoch = launch_.memory.next_epoch();
  std::fill(shared_.begin(), shared_.end(), unwritten_byte);
  for (Warp& warp : warps_) {
    warp.start();
  }
  ++launch_.counters.blocks;
  while (run_warps() || pass_barrier()) {
  }
}

/// One turn for each warp, in random order. False when every lane has left or waits.
bool Block::run_warps() {
  launch_.order.shuffle(order_);
  bool ready = false;
  for (const unsigned index : order_) {
    Warp& warp = warps_[index];
    warp.run(steps_per_turn);
    ready = warp.complete_warp_operations() || warp.ready() != 0 || ready;
  }
  return ready;
}

/// False when all threads have left.
bool Block::pass_barrier() {
  std::uint64_t finished = 0;
  std::uint64_t waiting = 0;
  std::uint64_t votes = 0;
  const auto lanes_of = [](Mask lanes) { return static_cast<std::uint64_t>(std::popcount(lanes)); };
  for (const Warp& warp : warps_) {
    if (warp.at_warp_operation() != 0) {
      warp.fail(Check::warp, "a warp operation that some lane of its mask never reaches", warp.at_warp_operation());
    }
    finished += lanes_of(warp.finished());
    waiting += lanes_of(warp.at_barrier());
    votes += lanes_of(warp.barrier_votes());
  }
  const std::uint64_t threads = launch_.block.count();
  if (finished == threads) {
    return false;
  }
  const Warp& first = *std::find_if(warps_.begin(), warps_.end(), [](const Warp& warp) { return warp.at_barrier() != 0; });
  const Instruction& barrier = first.common_instruction(first.at_barrier());
  for (const Warp& warp : warps_) {
    if (waiting != threads && warp.at_barrier() != 0) {
      warp.fail(Check::barrier, "a barrier that some threads never reach", warp.at_barrier());
    }
    // A GPU lets warps meet at different barriers; CUDA C++ does not: __syncthreads() must be reached by the whole block or by none of it.
    if (&warp.common_instruction(warp.at_barrier()) != &barrier) {
      warp.fail(Check::barrier, "warps wait at different barriers", warp.at_barrier());
    }
  }
  ++launch_.counters.barriers;
  moment_.epoch = launch_.memory.next_epoch();
  for (Warp& warp : warps_) {
    warp.leave_barrier(votes, threads);
  }
  return true;
}

}  // namespace ptx
