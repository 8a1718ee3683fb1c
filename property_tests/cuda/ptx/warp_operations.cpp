// Operations that the lanes of a mask do together: shuffles, votes, matches, reductions and warp barriers.
#include <algorithm>
#include <bit>

#include "cuda/ptx/block.h"
#include "cuda/ptx/lanes.h"
#include "cuda/ptx/warp.h"

namespace ptx {
namespace {

unsigned lowest(Mask lanes) { return static_cast<unsigned>(std::countr_zero(lanes)); }

Mask bit(unsigned lane) { return Mask{1} << lane; }

/// The operand that holds the mask.
Operand mask_operand(const Instruction& instruction) {
  switch (instruction.action) {
    case Action::shuffle_up:
    case Action::shuffle_down:
    case Action::shuffle_butterfly:
    case Action::shuffle_index: return instruction.from[3];
    case Action::match_any:
    case Action::match_all:
    case Action::reduce: return instruction.from[1];
    default: return instruction.from[0];  // votes and the barrier
  }
}

/// The lane that a shuffle reads from, and whether it lies within the segment; see "shfl.sync" in the PTX manual.
struct ShuffleSource {
  unsigned lane = 0;
  bool within = false;
};

ShuffleSource shuffle_source(Action action, unsigned lane, std::uint32_t by, std::uint32_t clamp_and_segment) {
  const unsigned segment = clamp_and_segment >> 8 & 31;
  const unsigned clamp = clamp_and_segment & 31;
  const auto last = static_cast<int>((lane & segment) | (clamp & ~segment));
  const auto step = static_cast<int>(by & 31);
  const auto from = static_cast<int>(lane);
  int source = 0;
  bool within = false;
  switch (action) {
    case Action::shuffle_up:
      source = from - step;
      within = source >= last;
      break;
    case Action::shuffle_down:
      source = from + step;
      within = source <= last;
      break;
    case Action::shuffle_butterfly:
      source = from ^ step;
      within = source <= last;
      break;
    default:
      source = static_cast<int>((lane & segment) | (by & 31 & ~segment));
      within = source <= last;
      break;
  }
  return {within ? static_cast<unsigned>(source) : lane, within};
}

}  // namespace

Mask Warp::named_members(const Instruction& instruction, unsigned lane) const {
  return load_lane<std::uint32_t>(registers_.read(mask_operand(instruction)), lane);
}

/// The lanes wait at instruction `at` for the others that they name.
void Warp::arrive(Mask lanes, std::uint32_t at) {
  park(lanes, at);
  const Instruction& instruction = launch_.kernel.code[at];
  for (Mask left = lanes; left != 0; left &= left - 1) {
    const unsigned lane = lowest(left);
    members_[lane] = named_members(instruction, lane);
    if ((members_[lane] & bit(lane)) == 0) {
      fail(Check::warp, "a lane outside its own mask", bit(lane));
    }
    if ((members_[lane] & ~existing_) != 0) {
      fail(Check::warp, "the mask names a lane that does not exist", bit(lane));
    }
  }
  ready_ &= ~lanes;
  at_warp_operation_ |= lanes;
}

bool Warp::complete_warp_operations() {
  bool any = false;
  for (Mask left = at_warp_operation_; left != 0;) {
    const unsigned lane = lowest(left);
    const Mask members = members_[lane];
    left &= ~bit(lane);
    if ((members & finished_) != 0) {
      fail(Check::warp, "the mask names a lane that has exited", bit(lane));
    }
    for (Mask others = members & at_warp_operation_; others != 0; others &= others - 1) {
      const unsigned other = lowest(others);
      const Instruction& theirs = instruction_of(other);
      const Instruction& ours = instruction_of(lane);
      if (members_[other] != members || theirs.action != ours.action || theirs.combination != ours.combination || theirs.type != ours.type) {
        fail(Check::warp, "lanes meet at different warp operations", bit(other));
      }
    }
    if ((members & ~at_warp_operation_) == 0) {
      perform(members);
      left &= ~members;
      any = true;
    }
  }
  return any;
}

void Warp::perform(Mask members) {
  ++launch_.counters.warp_operations;
  const Action action = instruction_of(lowest(members)).action;
  switch (action) {
    case Action::warp_barrier: clock_.synchronise(members); break;
    case Action::vote_all:
    case Action::vote_any:
    case Action::vote_uniform:
    case Action::vote_ballot: vote(members, action); break;
    case Action::match_any:
    case Action::match_all: match(members, action); break;
    case Action::reduce: reduce(members); break;
    default: shuffle(members); break;
  }
  for (Mask left = members; left != 0; left &= left - 1) {
    ++at_[lowest(left)];
  }
  at_warp_operation_ &= ~members;
  ready_ |= members;
}

void Warp::shuffle(Mask members) {
  std::array<std::uint32_t, warp_size> values{};
  for_each_lane(members, [&](unsigned lane) { values[lane] = load_lane<std::uint32_t>(registers_.read(instruction_of(lane).from[0]), lane); });
  for_each_lane(members, [&](unsigned lane) {
    const Instruction& instruction = instruction_of(lane);
    const ShuffleSource source = shuffle_source(instruction.action, lane, load_lane<std::uint32_t>(registers_.read(instruction.from[1]), lane),
                                                load_lane<std::uint32_t>(registers_.read(instruction.from[2]), lane));
    if ((members & bit(source.lane)) == 0) {
      fail(Check::warp, "a shuffle from a lane outside the mask", bit(lane));
    }
    store_lane(registers_.write(instruction.to[0]), lane, values[source.lane]);
    registers_.write(instruction.to_predicate[0], bit(lane), source.within ? all_lanes : 0);
  });
}

void Warp::vote(Mask members, Action action) {
  Mask yes = 0;
  for_each_lane(members, [&](unsigned lane) { yes |= registers_.read(instruction_of(lane).from_predicate[0]) & bit(lane); });
  const bool holds = action == Action::vote_all ? yes == members : action == Action::vote_any ? yes != 0 : yes == members || yes == 0;
  for_each_lane(members, [&](unsigned lane) {
    const Instruction& instruction = instruction_of(lane);
    if (action == Action::vote_ballot) {
      store_lane(registers_.write(instruction.to[0]), lane, yes);
    } else {
      registers_.write(instruction.to_predicate[0], bit(lane), holds ? all_lanes : 0);
    }
  });
}

void Warp::match(Mask members, Action action) {
  std::array<std::uint64_t, warp_size> values{};
  for_each_lane(members, [&](unsigned lane) {
    const Instruction& instruction = instruction_of(lane);
    const std::byte* from = registers_.read(instruction.from[0]);
    values[lane] = instruction.type.bits == 64 ? load_lane<std::uint64_t>(from, lane) : load_lane<std::uint32_t>(from, lane);
  });
  for_each_lane(members, [&](unsigned lane) {
    Mask equal = 0;
    for_each_lane(members, [&](unsigned other) { equal |= values[other] == values[lane] ? bit(other) : 0; });
    const Instruction& instruction = instruction_of(lane);
    const bool all = equal == members;
    store_lane(registers_.write(instruction.to[0]), lane, action == Action::match_any || all ? equal : 0);
    registers_.write(instruction.to_predicate[0], bit(lane), all ? all_lanes : 0);
  });
}

void Warp::reduce(Mask members) {
  const Instruction& first = instruction_of(lowest(members));
  const bool is_signed = first.type.kind == 's';
  const auto less = [&](std::uint32_t a, std::uint32_t b) { return is_signed ? static_cast<std::int32_t>(a) < static_cast<std::int32_t>(b) : a < b; };
  bool empty = true;
  std::uint32_t sum = 0;
  for_each_lane(members, [&](unsigned lane) {
    const auto value = load_lane<std::uint32_t>(registers_.read(instruction_of(lane).from[0]), lane);
    if (empty) {
      sum = value;
      empty = false;
      return;
    }
    switch (first.combination) {
      case Combination::add: sum += value; break;
      case Combination::minimum: sum = less(value, sum) ? value : sum; break;
      case Combination::maximum: sum = less(sum, value) ? value : sum; break;
      case Combination::bit_and: sum &= value; break;
      case Combination::bit_or: sum |= value; break;
      default: sum ^= value; break;
    }
  });
  for_each_lane(members, [&](unsigned lane) { store_lane(registers_.write(instruction_of(lane).to[0]), lane, sum); });
}

}  // namespace ptx
