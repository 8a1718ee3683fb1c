#pragma once
/// A warp: 32 threads whose registers lie side by side. Lanes at one instruction execute it together.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "cuda/ptx/counters.h"
#include "cuda/ptx/instruction.h"
#include "cuda/ptx/launch.h"
#include "cuda/ptx/shadow.h"

namespace ptx {

class Block;

class Warp {
 public:
  Warp(Block& block, unsigned index);

  /// All lanes at the first instruction of a new block.
  void start();

  /// Executes at most `steps` warp instructions. It ends when no lane is ready any more: all have left, or wait for a barrier or for other lanes.
  void run(std::uint64_t steps);

  /// Performs the warp operations whose lanes have all arrived. @return whether there was one
  bool complete_warp_operations();

  [[nodiscard]] Mask existing() const { return existing_; }
  [[nodiscard]] Mask ready() const { return ready_; }
  [[nodiscard]] Mask at_barrier() const { return at_barrier_; }
  [[nodiscard]] Mask at_warp_operation() const { return at_warp_operation_; }
  [[nodiscard]] Mask finished() const { return finished_; }

  /// The instruction of the lowest lane of `lanes`, all of which wait. @throws Fault{barrier} if they wait at different ones.
  [[nodiscard]] const Instruction& common_instruction(Mask lanes) const;
  /// Of the lanes that wait for the barrier: those whose predicate (bar.red) holds.
  [[nodiscard]] Mask barrier_votes() const;
  /// Lets the lanes go on; `votes` of the block's `threads` voted yes.
  void leave_barrier(std::uint64_t votes, std::uint64_t threads);

  /// Throws a Fault that names the kernel, the block, the thread and the instruction.
  [[noreturn]] void fail(Check check, std::string_view what, Mask lanes) const;

 private:
  struct Group {
    Mask lanes = 0;
    std::uint32_t at = 0;
    std::uint32_t stop = 0;  ///< where other lanes wait to be joined
  };

  Group next_group(bool random);
  std::uint64_t run_group(const Group& group, std::uint64_t steps);
  void park(Mask lanes, std::uint32_t at);
  void branch_by_table(const Instruction& instruction, Mask lanes);
  [[noreturn]] void fail_at(std::uint32_t at, Check check, std::string_view what, unsigned lane) const;
  [[nodiscard]] const Instruction& instruction_of(unsigned lane) const;

  // warp_operations.cpp
  [[nodiscard]] Mask named_members(const Instruction& instruction, unsigned lane) const;
  void arrive(Mask lanes, std::uint32_t at);
  void perform(Mask members);
  void shuffle(Mask members);
  void vote(Mask members, Action action);
  void match(Mask members, Action action);
  void reduce(Mask members);

  // memory_access.cpp
  using Places = std::array<std::byte*, warp_size>;  ///< the host's memory of each lane
  void access(const Instruction& instruction, Mask lanes);
  void access_space(const Instruction& instruction, Space space, const Request& request);
  void check_private(const Instruction& instruction, Space space, const Request& request, Places& places);
  void check_shared(const Instruction& instruction, const Request& request, Places& places);
  void check_global(const Instruction& instruction, const Request& request, Places& places);
  void check_module_variable(const Instruction& instruction, std::uint64_t address, unsigned bytes, unsigned lane) const;
  [[noreturn]] void fail_in(const Instruction& instruction, Check check, std::string_view what, unsigned lane) const;
  template <class T>
  void transfer(const Instruction& instruction, Mask lanes, const Places& places);
  void combine(const Instruction& instruction, Mask lanes, const Places& places);
  void count(Space space, const Request& request);

  Block& block_;
  Launch& launch_;
  unsigned index_;
  Mask existing_ = 0;
  Mask ready_ = 0;
  Mask at_barrier_ = 0;
  Mask at_warp_operation_ = 0;
  Mask finished_ = 0;
  std::array<std::uint32_t, warp_size> at_{};  ///< next instruction of each lane that is not running
  std::array<Mask, warp_size> members_{};      ///< lanes that a waiting lane's operation names
  std::vector<std::byte> register_file_;
  std::vector<Mask> predicates_;
  std::array<std::array<std::uint32_t, warp_size>, special_registers.size()> special_{};
  std::vector<std::byte> local_;
  Registers registers_;
  WarpClock clock_;
};

}  // namespace ptx
