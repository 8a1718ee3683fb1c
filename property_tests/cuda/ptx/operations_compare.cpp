#include <cmath>

#include "cuda/ptx/operations.h"

namespace ptx {
namespace {

Mask joined(Join join, Mask value, Mask with) {
  switch (join) {
    case Join::logical_and: return value & with;
    case Join::logical_or: return value | with;
    case Join::logical_xor: return value ^ with;
    case Join::none: return value;
  }
  return value;
}

template <class T, class F>
void compare(const Registers& registers, const Instruction& instruction, Mask active) {
  const std::byte* a = registers.read(instruction.from[0]);
  const std::byte* b = registers.read(instruction.from[1]);
  Mask result = 0;
  for_each_lane(active, [&](unsigned lane) { result |= Mask{F{}(load_lane<T>(a, lane), load_lane<T>(b, lane))} << lane; });
  const auto join = static_cast<Join>(instruction.detail);
  const Mask with = registers.read(instruction.from_predicate[0]);
  registers.write(instruction.to_predicate[0], active, joined(join, result, with));
  registers.write(instruction.to_predicate[1], active, joined(join, ~result, with));
}

template <class T, class F>
Operation comparison(F) {
  return &compare<T, F>;
}

template <class T>
Operation ordered(std::string_view name) {
  if (name == "eq") return comparison<T>([](T a, T b) { return a == b; });
  if (name == "ne") return comparison<T>([](T a, T b) { return a != b; });
  if (name == "lt") return comparison<T>([](T a, T b) { return a < b; });
  if (name == "le") return comparison<T>([](T a, T b) { return a <= b; });
  if (name == "gt") return comparison<T>([](T a, T b) { return a > b; });
  if (name == "ge") return comparison<T>([](T a, T b) { return a >= b; });
  return nullptr;
}

template <class T>
Operation of_unsigned(std::string_view name) {
  if (name == "lo") return ordered<T>("lt");
  if (name == "ls") return ordered<T>("le");
  if (name == "hi") return ordered<T>("gt");
  if (name == "hs") return ordered<T>("ge");
  return ordered<T>(name);
}

/// The plain comparisons are false where a value is NaN ("ne" too); those that end in u are true there.
template <class T>
Operation of_floats(std::string_view name) {
  if (name == "ne") return comparison<T>([](T a, T b) { return a < b || a > b; });
  if (name == "equ") return comparison<T>([](T a, T b) { return !(a < b || a > b); });
  if (name == "neu") return comparison<T>([](T a, T b) { return a != b; });
  if (name == "ltu") return comparison<T>([](T a, T b) { return !(a >= b); });
  if (name == "leu") return comparison<T>([](T a, T b) { return !(a > b); });
  if (name == "gtu") return comparison<T>([](T a, T b) { return !(a <= b); });
  if (name == "geu") return comparison<T>([](T a, T b) { return !(a < b); });
  if (name == "num") return comparison<T>([](T a, T b) { return !std::isunordered(a, b); });
  if (name == "nan") return comparison<T>([](T a, T b) { return std::isunordered(a, b); });
  return ordered<T>(name);
}

}  // namespace

Operation comparison_operation(std::string_view comparison, Type type) {
  switch (type.bits) {
    case 16: return type.kind == 's' ? ordered<std::int16_t>(comparison) : type.kind == 'f' ? nullptr : of_unsigned<std::uint16_t>(comparison);
    case 32:
      return type.kind == 's' ? ordered<std::int32_t>(comparison) : type.kind == 'f' ? of_floats<float>(comparison) : of_unsigned<std::uint32_t>(comparison);
    case 64:
      return type.kind == 's' ? ordered<std::int64_t>(comparison) : type.kind == 'f' ? of_floats<double>(comparison) : of_unsigned<std::uint64_t>(comparison);
    default: return nullptr;
  }
}

}  // namespace ptx
