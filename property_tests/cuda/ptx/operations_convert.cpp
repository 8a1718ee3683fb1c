// Compiled with -frounding-math.
#include <bit>
#include <cmath>
#include <limits>

#include "cuda/ptx/operations.h"

namespace ptx {
namespace {

using u64 = std::uint64_t;
using i64 = std::int64_t;

using Lanes = std::array<u64, warp_size>;

/// The lowest bits of a value, with the sign of a signed type carried to all 64.
u64 narrowed(u64 value, Type type) {
  if (type.bits >= 64) {
    return value;
  }
  const unsigned unused = 64 - type.bits;
  return type.kind == 's' ? static_cast<u64>(static_cast<i64>(value << unused) >> unused) : value << unused >> unused;
}

void read_lanes(const std::byte* from, unsigned bits, Mask active, Lanes& out) {
  switch (bits) {
    case 16: for_independent_lanes(active, [&](unsigned lane) { out[lane] = load_lane<std::uint16_t>(from, lane); }); break;
    case 32: for_independent_lanes(active, [&](unsigned lane) { out[lane] = load_lane<std::uint32_t>(from, lane); }); break;
    default: for_independent_lanes(active, [&](unsigned lane) { out[lane] = load_lane<u64>(from, lane); }); break;
  }
}

void write_lanes(std::byte* to, unsigned bits, Mask active, const Lanes& values) {
  switch (bits) {
    case 16: for_independent_lanes(active, [&](unsigned lane) { store_lane(to, lane, static_cast<std::uint16_t>(values[lane])); }); break;
    case 32: for_independent_lanes(active, [&](unsigned lane) { store_lane(to, lane, static_cast<std::uint32_t>(values[lane])); }); break;
    default: for_independent_lanes(active, [&](unsigned lane) { store_lane(to, lane, values[lane]); }); break;
  }
}

/// To the nearest integral value in the current rounding mode.
double integral(double value) { return std::nearbyint(value); }

/// Out of range gives the nearest value of the type; NaN gives 0, or the lowest 64-bit integer.
u64 to_integer(double value, Type to) {
  if (std::isnan(value)) {
    return to.bits == 64 ? u64{1} << 63 : 0;
  }
  const double whole = integral(value);
  if (to.kind == 's') {
    const double limit = std::ldexp(1.0, static_cast<int>(to.bits) - 1);
    if (whole >= limit) {
      return (u64{1} << (to.bits - 1)) - 1;
    }
    return whole < -limit ? ~u64{0} << (to.bits - 1) : static_cast<u64>(static_cast<i64>(whole));
  }
  if (whole <= 0) {
    return 0;
  }
  return whole >= std::ldexp(1.0, static_cast<int>(to.bits)) ? narrowed(~u64{0}, to) : static_cast<u64>(whole);
}

double from_float(u64 bits, Type type) {
  return type.bits == 32 ? double{std::bit_cast<float>(static_cast<std::uint32_t>(bits))} : std::bit_cast<double>(bits);
}

/// The value rounded to the type in the current mode; NaN of f32 as a GPU has it.
u64 float_bits(double value, Type type) {
  if (type.bits == 64) {
    return std::bit_cast<u64>(value);
  }
  return std::isnan(value) ? 0x7FFFFFFFU : std::bit_cast<std::uint32_t>(static_cast<float>(value));
}

u64 integer_to_float(u64 value, Type from, Type to) {
  if (to.bits == 32) {
    return std::bit_cast<std::uint32_t>(from.kind == 's' ? static_cast<float>(static_cast<i64>(value)) : static_cast<float>(value));
  }
  return std::bit_cast<u64>(from.kind == 's' ? static_cast<double>(static_cast<i64>(value)) : static_cast<double>(value));
}

u64 converted_float(double value, const Instruction& instruction) {
  if (instruction.type.kind != 'f') {
    return to_integer(value, instruction.type);
  }
  if ((instruction.detail & round_to_integer) != 0) {
    value = integral(value);
  }
  if ((instruction.detail & saturate_to_one) != 0) {
    value = value > 0 ? std::fmin(value, 1.0) : 0.0;  // NaN is not above 0
  }
  return float_bits(value, instruction.type);
}

int rounding_mode(std::uint8_t detail) {
  constexpr std::array<int, 4> modes{FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};
  return modes[detail & 3U];
}

template <unsigned bits>
using Word = std::conditional_t<bits == 16, std::uint16_t, std::conditional_t<bits == 32, std::uint32_t, u64>>;

template <class T>
void copy(const Registers& registers, const Instruction& instruction, Mask active) {
  std::byte* to = registers.write(instruction.to[0]);
  const std::byte* from = registers.read(instruction.from[0]);
  for_independent_lanes(active, [&](unsigned lane) { store_lane(to, lane, load_lane<T>(from, lane)); });
}

template <class T>
void select(const Registers& registers, const Instruction& instruction, Mask active) {
  std::byte* to = registers.write(instruction.to[0]);
  const std::byte* yes = registers.read(instruction.from[0]);
  const std::byte* no = registers.read(instruction.from[1]);
  const Mask chosen = registers.read(instruction.from_predicate[0]);
  for_independent_lanes(active, [&](unsigned lane) {
    const T a = load_lane<T>(yes, lane);
    const T b = load_lane<T>(no, lane);
    store_lane(to, lane, (chosen >> lane & 1) != 0 ? a : b);
  });
}

}  // namespace

void convert(const Registers& registers, const Instruction& instruction, Mask active) {
  const Type from = instruction.from_type;
  const Type to = instruction.type;
  Lanes values{};
  read_lanes(registers.read(instruction.from[0]), instruction.from[0].bits, active, values);
  if (from.kind != 'f' && to.kind != 'f') {
    for_independent_lanes(active, [&](unsigned lane) { values[lane] = narrowed(narrowed(values[lane], from), to); });
  } else {
    std::fesetround(rounding_mode(instruction.detail));
    if (from.kind == 'f') {
      for_independent_lanes(active, [&](unsigned lane) { values[lane] = converted_float(from_float(values[lane], from), instruction); });
    } else {
      for_independent_lanes(active, [&](unsigned lane) { values[lane] = integer_to_float(narrowed(values[lane], from), from, to); });
    }
    std::fesetround(FE_TONEAREST);
  }
  write_lanes(registers.write(instruction.to[0]), instruction.to[0].bits, active, values);
}

Operation copy_operation(unsigned bits) { return bits == 16 ? &copy<std::uint16_t> : bits == 32 ? &copy<std::uint32_t> : bits == 64 ? &copy<u64> : nullptr; }

Operation select_operation(unsigned bits) {
  return bits == 16 ? &select<std::uint16_t> : bits == 32 ? &select<std::uint32_t> : bits == 64 ? &select<u64> : nullptr;
}

void pack(const Registers& registers, const Instruction& instruction, Mask active) {
  Lanes packed{};
  unsigned shift = 0;
  for (unsigned part = 0; part < instruction.elements; ++part) {
    const Operand& source = instruction.from[part];
    Lanes values{};
    read_lanes(registers.read(source), source.bits, active, values);
    for_independent_lanes(active, [&](unsigned lane) { packed[lane] |= values[lane] << shift; });
    shift += source.bits;
  }
  write_lanes(registers.write(instruction.to[0]), instruction.to[0].bits, active, packed);
}

void unpack(const Registers& registers, const Instruction& instruction, Mask active) {
  Lanes packed{};
  read_lanes(registers.read(instruction.from[0]), instruction.from[0].bits, active, packed);
  for (unsigned part = 0; part < instruction.elements; ++part) {
    const unsigned bits = instruction.type.bits / instruction.elements;
    if (const Operand& to = instruction.to[part]; to.bits != 0) {
      write_lanes(registers.write(to), to.bits, active, packed);
    }
    for_independent_lanes(active, [&](unsigned lane) { packed[lane] >>= bits; });
  }
}

Operation predicate_operation(std::string_view name) {
  if (name == "and") {
    return [](const Registers& r, const Instruction& in, Mask active) {
      r.write(in.to_predicate[0], active, r.read(in.from_predicate[0]) & r.read(in.from_predicate[1]));
    };
  }
  if (name == "or") {
    return [](const Registers& r, const Instruction& in, Mask active) {
      r.write(in.to_predicate[0], active, r.read(in.from_predicate[0]) | r.read(in.from_predicate[1]));
    };
  }
  if (name == "xor") {
    return [](const Registers& r, const Instruction& in, Mask active) {
      r.write(in.to_predicate[0], active, r.read(in.from_predicate[0]) ^ r.read(in.from_predicate[1]));
    };
  }
  if (name == "not") {
    return [](const Registers& r, const Instruction& in, Mask active) { r.write(in.to_predicate[0], active, ~r.read(in.from_predicate[0])); };
  }
  if (name == "mov") {
    return [](const Registers& r, const Instruction& in, Mask active) { r.write(in.to_predicate[0], active, r.read(in.from_predicate[0])); };
  }
  return nullptr;
}

Signature address_operation(Space space, bool to_space) {
  using Address = u64;
  if (to_space) {
    if (space == Space::global || space == Space::constant) return elementwise<Address, Address>([](Address a) { return a; });
    return elementwise<Address, Address>([](Address a) { return a & ~window_mask; });
  }
  switch (space) {
    case Space::global:
    case Space::constant: return elementwise<Address, Address>([](Address a) { return a; });
    case Space::shared: return elementwise<Address, Address>([](Address a) { return a | shared_window; });
    case Space::local: return elementwise<Address, Address>([](Address a) { return a | local_window; });
    case Space::parameter: return elementwise<Address, Address>([](Address a) { return a | parameter_window; });
    default: return {};
  }
}

namespace {

template <class F>
void test_window(const Registers& registers, const Instruction& instruction, Mask active) {
  const std::byte* from = registers.read(instruction.from[0]);
  Mask result = 0;
  for_each_lane(active, [&](unsigned lane) { result |= Mask{F{}(load_lane<u64>(from, lane) & window_mask)} << lane; });
  registers.write(instruction.to_predicate[0], active, result);
}

template <class F>
Operation window_test(F) {
  return &test_window<F>;
}

}  // namespace

Operation space_test(Space space) {
  switch (space) {
    case Space::shared: return window_test([](u64 window) { return window == shared_window; });
    case Space::local: return window_test([](u64 window) { return window == local_window; });
    case Space::global: return window_test([](u64 window) { return window != shared_window && window != local_window; });
    default: return nullptr;
  }
}

}  // namespace ptx
