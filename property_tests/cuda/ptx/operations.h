#pragma once
/// Arithmetic by name. Each function gives an operation whose `operation` is null where the name is unknown for the type.

#include <string_view>

#include "cuda/ptx/lanes.h"

namespace ptx {

/// "add", "mul.lo", "mul.hi", "mul.wide", "mad.lo", "shl", "popc", … of 16-, 32- or 64-bit integers; 'b' types count as unsigned.
Signature integer_operation(std::string_view name, Type type);

/// "add", "mul", "fma", "div", "sqrt", "min", … of f32 and f64. `rounding` is "", "rn", "rz", "rm" or "rp". The approximate operations ("ex2.approx", …) give
/// the libm's result, and flush subnormal numbers with `flush`; they are defined for f32, rsqrt.approx also for f64. A NaN of f32 is 0x7FFFFFFF, as on a GPU.
Signature float_operation(std::string_view name, Type type, std::string_view rounding, bool flush);

/// setp: two masks, `comparison` ("lt", "equ", "hi", …) and its negation, into the predicates.
Operation comparison_operation(std::string_view comparison, Type type);

/// How a comparison joins its second predicate: Instruction::detail of setp.
enum class Join : std::uint8_t { none, logical_and, logical_or, logical_xor };

/// Instruction::detail of cvt: a rounding in the two lowest bits, and flags.
inline constexpr std::uint8_t round_nearest = 0, round_zero = 1, round_down = 2, round_up = 3;
inline constexpr std::uint8_t round_to_integer = 4;  ///< a floating-point result is integral
inline constexpr std::uint8_t saturate_to_one = 8;   ///< a floating-point result is clamped to [0, 1]; NaN gives 0

/// cvt, whose types and modifiers are in the instruction.
void convert(const Registers& registers, const Instruction& instruction, Mask active);

/// Copies lanes: 16, 32 or 64 bits.
Operation copy_operation(unsigned bits);

/// selp.
Operation select_operation(unsigned bits);

/// Packs from[0], from[1], … into to[0], or unpacks from[0] into to[0], to[1], …
void pack(const Registers& registers, const Instruction& instruction, Mask active);
void unpack(const Registers& registers, const Instruction& instruction, Mask active);

/// and.pred, or.pred, xor.pred, not.pred, mov.pred; null where the name is unknown.
Operation predicate_operation(std::string_view name);

/// cvta and isspacep.
Signature address_operation(Space space, bool to_space);
Operation space_test(Space space);

}  // namespace ptx
