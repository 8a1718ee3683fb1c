#include "cuda/ptx/warp.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "cuda/ptx/block.h"
#include "cuda/ptx/lanes.h"

namespace ptx {
namespace {

unsigned lowest(Mask lanes) { return static_cast<unsigned>(std::countr_zero(lanes)); }

}  // namespace

Warp::Warp(Block& block, unsigned index) : block_(block), launch_(block.launch()), index_(index) {
  const Kernel& kernel = launch_.kernel;
  const auto threads = static_cast<unsigned>(launch_.block.count());
  const unsigned lanes = std::min(warp_size, threads - index * warp_size);
  existing_ = lanes == warp_size ? all_lanes : (Mask{1} << lanes) - 1;
  register_file_.resize(kernel.register_bytes);
  predicates_.resize(kernel.predicates);
  local_.resize(kernel.local_bytes * warp_size);
}

void Warp::start() {
  std::fill(register_file_.begin(), register_file_.end(), std::byte{0});
  std::fill(predicates_.begin(), predicates_.end(), Mask{0});
  std::fill(local_.begin(), local_.end(), std::byte{0xFF});
  predicates_[predicate_true] = all_lanes;
  const Dimensions size = launch_.block;
  const Dimensions id = block_.id();
  for (unsigned lane = 0; lane < warp_size; ++lane) {
    const unsigned thread = index_ * warp_size + lane;
    const Mask bit = Mask{1} << lane;
    const std::array<std::uint32_t, special_registers.size()> values{thread % size.x,
                                                                     thread / size.x % size.y,
                                                                     thread / size.x / size.y,
                                                                     size.x,
                                                                     size.y,
                                                                     size.z,
                                                                     id.x,
                                                                     id.y,
                                                                     id.z,
                                                                     launch_.grid.x,
                                                                     launch_.grid.y,
                                                                     launch_.grid.z,
                                                                     lane,
                                                                     index_,
                                                                     bit - 1,
                                                                     (bit - 1) | bit,
                                                                     ~((bit - 1) | bit),
                                                                     ~(bit - 1),
                                                                     bit,
                                                                     warp_size};
    for (std::size_t i = 0; i < values.size(); ++i) {
      special_[i][lane] = values[i];
    }
  }
  // Constants and special registers are only read: an operand that is written is always in the register file.
  registers_.banks = {register_file_.data(), const_cast<std::byte*>(launch_.kernel.constants.data()), reinterpret_cast<std::byte*>(special_.data())};
  registers_.predicates = predicates_.data();
  clock_.reset();
  ready_ = existing_;
  at_barrier_ = at_warp_operation_ = finished_ = 0;
  at_.fill(0);
}

const Instruction& Warp::instruction_of(unsigned lane) const { return launch_.kernel.code[at_[lane]]; }

void Warp::fail_at(std::uint32_t at, Check check, std::string_view what, unsigned lane) const {
  const Dimensions id = block_.id();
  const Kernel& kernel = launch_.kernel;
  std::string where = "the end of the code";
  if (at < kernel.code.size()) {
    const Instruction& instruction = kernel.code[at];
    where = instruction.line == 0 ? instruction.text : fmt::format("line {}: {}", instruction.line, instruction.text);
  }
  throw Fault(check, fmt::format("{}: kernel {}, block ({}, {}, {}), thread {}: {}", what, kernel.name, id.x, id.y, id.z, index_ * warp_size + lane, where));
}

void Warp::fail(Check check, std::string_view what, Mask lanes) const {
  const unsigned lane = lowest(lanes);
  fail_at(at_[lane], check, what, lane);
}

void Warp::park(Mask lanes, std::uint32_t at) {
  for (Mask left = lanes; left != 0; left &= left - 1) {
    at_[lowest(left)] = at;
  }
}

/// The ready lanes at the lowest instruction, so that lanes that took different ways meet again; or, at random, those of any ready lane.
Warp::Group Warp::next_group(bool random) {
  Group group;
  group.stop = ~std::uint32_t{0};
  if (random) {
    unsigned skip = launch_.order.below(static_cast<unsigned>(std::popcount(ready_)));
    Mask left = ready_;
    for (; skip > 0; --skip) {
      left &= left - 1;
    }
    group.at = at_[lowest(left)];
    if (launch_.options.order == Order::lanes) {
      group.lanes = Mask{1} << lowest(left);
      return group;
    }
  } else {
    group.at = ~std::uint32_t{0};
    for (Mask left = ready_; left != 0; left &= left - 1) {
      group.at = std::min(group.at, at_[lowest(left)]);
    }
  }
  for (Mask left = ready_; left != 0; left &= left - 1) {
    const unsigned lane = lowest(left);
    if (at_[lane] == group.at) {
      group.lanes |= Mask{1} << lane;
    } else if (at_[lane] > group.at) {
      group.stop = std::min(group.stop, at_[lane]);
    }
  }
  return group;
}

void Warp::run(std::uint64_t steps) {
  bool random = true;  // at the start of a turn, so that lanes which poll cannot keep the others out
  while (ready_ != 0 && steps > 0) {
    steps -= run_group(next_group(random || launch_.options.order == Order::lanes), steps);
    random = false;
  }
  if (launch_.counters.instructions > launch_.options.instruction_limit) {
    fail(Check::endless, "more instructions than the limit of a launch", existing_);
  }
}

/// Runs the lanes of the group together until they wait, part, leave, or reach lanes that they join. @return the steps used, at least 1
std::uint64_t Warp::run_group(const Group& group, std::uint64_t steps) {
  const std::vector<Instruction>& code = launch_.kernel.code;
  const auto lanes_of = [](Mask lanes) { return static_cast<std::uint64_t>(std::popcount(lanes)); };
  Mask active = group.lanes;
  std::uint64_t lane_count = lanes_of(active);
  std::uint32_t at = group.at;
  std::uint64_t used = 0;
  std::uint64_t instructions = 0;
  const auto finish = [&] {
    launch_.counters.instructions += instructions;
    launch_.counters.warp_instructions += used;
    return std::max<std::uint64_t>(used, 1);
  };
  try {
    while (true) {
      if (at >= group.stop || used == steps) {
        park(active, at);
        return finish();
      }
      if (at >= code.size()) {
        throw Fault(Check::control, "the code ends without a return");
      }
      const Instruction& instruction = code[at];
      ++used;
      instructions += lane_count;
      const Mask guarded = active & registers_.read(instruction.guard);
      if (guarded == 0) {
        ++at;
        continue;
      }
      switch (instruction.action) {
        case Action::compute: instruction.operation(registers_, instruction, guarded); break;
        case Action::nothing: break;
        case Action::load:
        case Action::store:
        case Action::atomic: access(instruction, guarded); break;
        case Action::branch:
          if (guarded != active) {
            park(active & ~guarded, at + 1);
            park(guarded, instruction.target);
            return finish();
          }
          at = instruction.target;
          continue;
        case Action::branch_table:
          park(active & ~guarded, at + 1);
          branch_by_table(instruction, guarded);
          return finish();
        case Action::leave:
          ready_ &= ~guarded;
          finished_ |= guarded;
          active &= ~guarded;
          if (active == 0) {
            return finish();
          }
          lane_count = lanes_of(active);
          break;
        case Action::trap: throw Fault(Check::control, "trap");
        case Action::unsupported: throw Fault(Check::unsupported, "PTX that is not known");
        case Action::barrier:
        case Action::barrier_count:
        case Action::barrier_and:
        case Action::barrier_or:
          park(active & ~guarded, at + 1);
          park(guarded, at);
          ready_ &= ~guarded;
          at_barrier_ |= guarded;
          return finish();
        case Action::active_mask: {
          std::byte* to = registers_.write(instruction.to[0]);
          for_each_lane(guarded, [&](unsigned lane) { store_lane(to, lane, guarded); });
          break;
        }
        default:  // a warp operation
          park(active & ~guarded, at + 1);
          arrive(guarded, at);
          complete_warp_operations();
          if ((ready_ & active) != active || guarded != active) {
            return finish();
          }
          break;  // all lanes have done it, and go on together
      }
      ++at;
    }
  } catch (const Fault& fault) {
    if (std::string_view(fault.what()).find(": kernel ") != std::string_view::npos) {
      throw;
    }
    fail_at(at, fault.check, fault.what(), lowest(active));
  }
}

void Warp::branch_by_table(const Instruction& instruction, Mask lanes) {
  const std::vector<std::uint32_t>& targets = launch_.kernel.tables[instruction.target];
  const std::byte* index = registers_.read(instruction.from[0]);
  for_each_lane(lanes, [&](unsigned lane) {
    const auto entry = load_lane<std::uint32_t>(index, lane);
    if (entry >= targets.size()) {
      throw Fault(Check::control, "a branch beyond its table");
    }
    at_[lane] = targets[entry];
  });
}

const Instruction& Warp::common_instruction(Mask lanes) const {
  const unsigned first = lowest(lanes);
  for (Mask left = lanes; left != 0; left &= left - 1) {
    if (at_[lowest(left)] != at_[first]) {
      fail(Check::barrier, "lanes of a warp wait at different barriers", lanes);
    }
  }
  return instruction_of(first);
}

Mask Warp::barrier_votes() const {
  Mask votes = 0;
  for (Mask left = at_barrier_; left != 0; left &= left - 1) {
    const unsigned lane = lowest(left);
    votes |= registers_.read(instruction_of(lane).from_predicate[0]) & (Mask{1} << lane);
  }
  return votes;
}

void Warp::leave_barrier(std::uint64_t votes, std::uint64_t threads) {
  const Instruction& instruction = common_instruction(at_barrier_);
  const Mask lanes = at_barrier_;
  switch (instruction.action) {
    case Action::barrier_count: {
      std::byte* to = registers_.write(instruction.to[0]);
      for_each_lane(lanes, [&](unsigned lane) { store_lane(to, lane, static_cast<std::uint32_t>(votes)); });
      break;
    }
    case Action::barrier_and: registers_.write(instruction.to_predicate[0], lanes, votes == threads ? all_lanes : 0); break;
    case Action::barrier_or: registers_.write(instruction.to_predicate[0], lanes, votes != 0 ? all_lanes : 0); break;
    default: break;
  }
  park(lanes, at_[lowest(lanes)] + 1);
  at_barrier_ = 0;
  ready_ |= lanes;
  clock_.reset();
}

}  // namespace ptx
