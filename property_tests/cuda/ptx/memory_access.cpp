// Loads, stores and atomic operations of a warp.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "cuda/ptx/block.h"
#include "cuda/ptx/lanes.h"
#include "cuda/ptx/warp.h"

namespace ptx {
namespace {

using u64 = std::uint64_t;

unsigned lowest(Mask lanes) { return static_cast<unsigned>(std::countr_zero(lanes)); }

u64 load_bytes(const std::byte* from, unsigned bytes) {
  switch (bytes) {
    case 1: return load_lane<std::uint8_t>(from, 0);
    case 2: return load_lane<std::uint16_t>(from, 0);
    case 4: return load_lane<std::uint32_t>(from, 0);
    default: return load_lane<u64>(from, 0);
  }
}

void store_bytes(std::byte* to, unsigned bytes, u64 value) {
  switch (bytes) {
    case 1: store_lane(to, 0, static_cast<std::uint8_t>(value)); break;
    case 2: store_lane(to, 0, static_cast<std::uint16_t>(value)); break;
    case 4: store_lane(to, 0, static_cast<std::uint32_t>(value)); break;
    default: store_lane(to, 0, value); break;
  }
}

u64 read_register(const Registers& registers, Operand operand, unsigned lane) {
  const unsigned bytes = operand.bits / 8U;
  return load_bytes(registers.read(operand) + std::size_t{lane} * bytes, bytes);
}

void write_register(const Registers& registers, Operand operand, unsigned lane, u64 value) {
  const unsigned bytes = operand.bits / 8U;
  store_bytes(registers.write(operand) + std::size_t{lane} * bytes, bytes, value);
}

/// Whether all of the flags (1 or 0) are set.
bool all_set(const std::uint8_t* flags, unsigned count) {
  constexpr u64 ones = 0x0101010101010101;
  switch (count) {
    case 1: return flags[0] != 0;
    case 2: return load_bytes(reinterpret_cast<const std::byte*>(flags), 2) == (ones & 0xFFFF);
    case 4: return load_bytes(reinterpret_cast<const std::byte*>(flags), 4) == (ones & 0xFFFFFFFF);
    case 8: return load_bytes(reinterpret_cast<const std::byte*>(flags), 8) == ones;
    default: return std::all_of(flags, flags + count, [](std::uint8_t flag) { return flag != 0; });
  }
}

u64 sign_extended(u64 value, unsigned bits) {
  const unsigned unused = 64 - bits;
  return static_cast<u64>(static_cast<std::int64_t>(value << unused) >> unused);
}

Space space_of(u64 address) {
  switch (address & window_mask) {
    case shared_window: return Space::shared;
    case local_window: return Space::local;
    case parameter_window: return Space::parameter;
    default: return Space::global;
  }
}

u64 float_sum(u64 a, u64 b, unsigned bits) {
  if (bits == 32) {
    return std::bit_cast<std::uint32_t>(std::bit_cast<float>(static_cast<std::uint32_t>(a)) + std::bit_cast<float>(static_cast<std::uint32_t>(b)));
  }
  return std::bit_cast<u64>(std::bit_cast<double>(a) + std::bit_cast<double>(b));
}

/// What an atomic operation leaves in memory.
u64 combined(const Instruction& instruction, u64 old, u64 operand, u64 replacement) {
  const unsigned bits = instruction.type.bits;
  const bool is_signed = instruction.type.kind == 's';
  const auto less = [&](u64 a, u64 b) {
    return is_signed ? static_cast<std::int64_t>(sign_extended(a, bits)) < static_cast<std::int64_t>(sign_extended(b, bits)) : a < b;
  };
  switch (instruction.combination) {
    case Combination::add: return instruction.type.kind == 'f' ? float_sum(old, operand, bits) : old + operand;
    case Combination::minimum: return less(operand, old) ? operand : old;
    case Combination::maximum: return less(old, operand) ? operand : old;
    case Combination::bit_and: return old & operand;
    case Combination::bit_or: return old | operand;
    case Combination::bit_xor: return old ^ operand;
    case Combination::exchange: return operand;
    case Combination::compare_and_swap: return old == operand ? replacement : old;
    case Combination::increment: return old >= operand ? 0 : old + 1;
    case Combination::decrement: return old == 0 || old > operand ? operand : old - 1;
    case Combination::none: break;
  }
  throw Fault(Check::unsupported, "atomic operation");
}

}  // namespace

void Warp::access(const Instruction& instruction, Mask lanes) {
  Request request;
  request.bytes = instruction.type.bytes() * instruction.elements;
  const std::byte* base = registers_.read(instruction.from[0]);
  const auto offset = static_cast<u64>(instruction.offset);
  if (instruction.from[0].bits == 64) {
    for_independent_lanes(lanes, [&](unsigned lane) { request.address[lane] = load_lane<u64>(base, lane) + offset; });
  } else {
    for_independent_lanes(lanes, [&](unsigned lane) { request.address[lane] = load_lane<std::uint32_t>(base, lane) + offset; });
  }
  if (instruction.space != Space::generic) {
    request.active = lanes;
    access_space(instruction, instruction.space, request);
    return;
  }
  for (Mask left = lanes; left != 0; left &= ~request.active) {
    const Space space = space_of(request.address[lowest(left)]);
    request.active = 0;
    for (Mask rest = left; rest != 0; rest &= rest - 1) {
      request.active |= space_of(request.address[lowest(rest)]) == space ? Mask{1} << lowest(rest) : 0;
    }
    access_space(instruction, space, request);
  }
}

void Warp::access_space(const Instruction& instruction, Space space, const Request& whole) {
  Request request = whole;
  if (space == Space::shared || space == Space::local || space == Space::parameter) {
    for_independent_lanes(request.active, [&](unsigned lane) { request.address[lane] &= ~window_mask; });
  }
  for (Mask left = request.active; left != 0; left &= left - 1) {
    if (request.address[lowest(left)] % request.bytes != 0) {
      fail_in(instruction, Check::alignment, fmt::format("an address that is no multiple of {}", request.bytes), lowest(left));
    }
  }
  if (instruction.action == Action::atomic) {
    launch_.counters.atomics += static_cast<u64>(std::popcount(request.active));
  } else if (launch_.options.count_requests) {
    count(space, request);
  }
  Places places;
  switch (space) {
    case Space::shared: check_shared(instruction, request, places); break;
    case Space::local:
    case Space::parameter: check_private(instruction, space, request, places); break;
    default: check_global(instruction, request, places); break;
  }
  if (instruction.action == Action::atomic) {
    combine(instruction, request.active, places);
    return;
  }
  switch (instruction.type.bytes()) {
    case 1: transfer<std::uint8_t>(instruction, request.active, places); break;
    case 2: transfer<std::uint16_t>(instruction, request.active, places); break;
    case 4: transfer<std::uint32_t>(instruction, request.active, places); break;
    default: transfer<u64>(instruction, request.active, places); break;
  }
}

void Warp::count(Space space, const Request& request) {
  switch (space) {
    case Space::shared: count_shared(request, launch_.counters); break;
    case Space::local: ++launch_.counters.local_requests; break;
    case Space::parameter: break;
    default: count_global(request, launch_.counters); break;
  }
}

void Warp::fail_in(const Instruction& instruction, Check check, std::string_view what, unsigned lane) const {
  fail_at(static_cast<std::uint32_t>(&instruction - launch_.kernel.code.data()), check, what, lane);
}

/// A thread's own memory, and the parameters.
void Warp::check_private(const Instruction& instruction, Space space, const Request& request, Places& places) {
  const bool local = space == Space::local;
  const u64 size = local ? launch_.kernel.local_bytes : launch_.parameters.size();
  for (Mask left = request.active; left != 0; left &= left - 1) {
    const unsigned lane = lowest(left);
    const u64 address = request.address[lane];
    if (address > size || request.bytes > size - address || (!local && instruction.action != Action::load)) {
      fail_in(instruction, Check::bounds, local ? "an access outside the thread's own memory" : "an access outside the parameters", lane);
    }
    // Parameters are only read.
    places[lane] = local ? local_.data() + lane * size + address : const_cast<std::byte*>(launch_.parameters.data()) + address;
  }
}

void Warp::check_shared(const Instruction& instruction, const Request& request, Places& places) {
  const unsigned element = instruction.type.bytes();
  std::vector<std::byte>& shared = block_.shared();
  Shadow& shadow = block_.shared_shadow();
  const Moment moment = block_.shared_moment();
  const bool reads = instruction.action != Action::store;
  Access access{0, instruction.action != Action::load, instruction.action == Action::atomic, false,
                reads && launch_.options.refuse_unwritten_shared ? moment.block : 0};
  for (Mask left = request.active; left != 0; left &= left - 1) {
    const unsigned lane = lowest(left);
    const u64 offset = request.address[lane];
    if (offset > shared.size() || request.bytes > shared.size() - offset) {
      fail_in(instruction, Check::bounds, fmt::format("an access outside shared memory (byte {} of {})", offset, shared.size()), lane);
    }
    access.thread = index_ * warp_size + lane;
    for (u64 byte = offset; byte < offset + request.bytes; byte += element) {
      switch (shadow.touch(byte, element, access, moment, clock_)) {
        case Shadow::Outcome::fine: break;
        case Shadow::Outcome::unwritten: fail_in(instruction, Check::unwritten, "a read of shared memory that nothing wrote", lane); break;
        case Shadow::Outcome::race:
          fail_in(instruction, Check::race, fmt::format("a race in shared memory with {}", shadow.describe_race(byte, element, access, moment, clock_)), lane);
      }
    }
    places[lane] = shared.data() + offset;
  }
}

void Warp::check_global(const Instruction& instruction, const Request& request, Places& places) {
  const unsigned element = instruction.type.bytes();
  const bool writes = instruction.action != Action::load;
  const bool reads = instruction.action != Action::store;
  Access access{0, writes, instruction.action == Action::atomic, instruction.constant_cache, 0};
  for (Mask left = request.active; left != 0; left &= left - 1) {
    const unsigned lane = lowest(left);
    const u64 address = request.address[lane];
    places[lane] = reinterpret_cast<std::byte*>(address);
    Allocation* allocation = launch_.memory.find(address, request.bytes);
    if (allocation == nullptr) {
      check_module_variable(instruction, address, request.bytes, lane);
      continue;
    }
    if (writes && allocation->read_only) {
      fail_in(instruction, Check::read_only, "a write to read-only memory", lane);
    }
    const u64 offset = address - allocation->begin;
    std::uint8_t* written = allocation->written.get() + offset;
    if (reads && !all_set(written, request.bytes)) {
      fail_in(instruction, Check::unwritten, "a read of device memory that nothing wrote", lane);
    }
    if (!allocation->read_only) {
      access.thread = index_ * warp_size + lane;
      for (u64 byte = offset; byte < offset + request.bytes; byte += element) {
        if (allocation->shadow.touch(byte, element, access, block_.moment(), clock_) != Shadow::Outcome::fine) {
          const std::string race = allocation->shadow.describe_race(byte, element, access, block_.moment(), clock_);
          fail_in(instruction, Check::race, fmt::format("a race in device memory with {}", race), lane);
        }
      }
    }
    if (writes) {
      std::memset(written, 1, request.bytes);
    }
  }
}

void Warp::check_module_variable(const Instruction& instruction, u64 address, unsigned bytes, unsigned lane) const {
  for (const ModuleRange& variable : launch_.variables) {
    if (address >= variable.begin && address + bytes <= variable.begin + variable.bytes) {
      if (instruction.action != Action::load) {
        fail_in(instruction, Check::read_only, "a write to a variable of the module", lane);
      }
      return;
    }
  }
  fail_in(instruction, Check::bounds, fmt::format("an access outside device memory (address {:#x})", address), lane);
}

/// Between registers and memory, whose elements are of type T.
template <class T>
void Warp::transfer(const Instruction& instruction, Mask lanes, const Places& places) {
  constexpr unsigned bits = sizeof(T) * 8;
  for (unsigned i = 0; i < instruction.elements; ++i) {
    if (instruction.action == Action::store) {
      const Operand& from = instruction.from[i + 1];
      for_each_lane(lanes, [&](unsigned lane) { store_lane(places[lane], i, static_cast<T>(read_register(registers_, from, lane))); });
    } else {
      const Operand& to = instruction.to[i];
      const bool is_signed = instruction.type.kind == 's';
      for_each_lane(lanes, [&](unsigned lane) {
        const u64 value = load_lane<T>(places[lane], i);
        write_register(registers_, to, lane, is_signed ? sign_extended(value, bits) : value);
      });
    }
  }
}

/// The lanes' atomic operations, one after another in random order.
void Warp::combine(const Instruction& instruction, Mask lanes, const Places& places) {
  std::vector<unsigned> order;
  for (Mask left = lanes; left != 0; left &= left - 1) {
    order.push_back(lowest(left));
  }
  launch_.order.shuffle(order);
  const unsigned bytes = instruction.type.bytes();
  for (const unsigned lane : order) {
    const u64 old = load_bytes(places[lane], bytes);
    const u64 operand = read_register(registers_, instruction.from[1], lane);
    const u64 replacement = instruction.combination == Combination::compare_and_swap ? read_register(registers_, instruction.from[2], lane) : 0;
    store_bytes(places[lane], bytes, combined(instruction, old, operand, replacement));
    write_register(registers_, instruction.to[0], lane, old);
  }
}

}  // namespace ptx
