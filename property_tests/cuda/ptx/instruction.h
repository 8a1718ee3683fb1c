#pragma once
/// Decoded kernels: every name of the PTX text is an offset here, and every operation a function.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cuda/ptx/fault.h"

namespace ptx {

inline constexpr unsigned warp_size = 32;

/// Bit l stands for lane l of a warp.
using Mask = std::uint32_t;
inline constexpr Mask all_lanes = ~Mask{0};

/// "f32" is {'f', 32}; predicates are {'p', 1}.
struct Type {
  char kind = 'b';
  unsigned bits = 0;
  [[nodiscard]] unsigned bytes() const { return bits / 8; }
  bool operator==(const Type&) const = default;
};

enum class Space : std::uint8_t { generic, global, constant, shared, local, parameter };

/// Generic addresses of shared, local and parameter memory carry their space in the highest byte; a global address is the host's own.
inline constexpr std::uint64_t shared_window = std::uint64_t{0x7A} << 56;
inline constexpr std::uint64_t local_window = std::uint64_t{0x7B} << 56;
inline constexpr std::uint64_t parameter_window = std::uint64_t{0x7C} << 56;
inline constexpr std::uint64_t window_mask = std::uint64_t{0xFF} << 56;

/// Where the 32 values of an operand lie: in a warp's registers, in the kernel's constants, or in the warp's special registers (%tid.x, …).
enum class Bank : std::uint8_t { registers, constants, special };

struct Operand {
  std::uint32_t offset = 0;  ///< in bytes, from the start of the bank
  std::uint16_t bits = 0;    ///< width of each of the 32 values; 0 where there is no operand
  Bank bank = Bank::registers;
};

/// Predicates are masks of a warp, by number.
struct PredicateOperand {
  std::uint32_t index = 0;
  bool negated = false;
};
inline constexpr std::uint32_t predicate_true = 0;  ///< always holds
inline constexpr std::uint32_t predicate_sink = 1;  ///< takes the results that nobody wants

/// The special registers, in the order in which a warp holds them: one array of 32 words each.
inline constexpr std::array<std::string_view, 20> special_registers = {
    "%tid.x",    "%tid.y",    "%tid.z",  "%ntid.x", "%ntid.y",      "%ntid.z",      "%ctaid.x",     "%ctaid.y",     "%ctaid.z",     "%nctaid.x",
    "%nctaid.y", "%nctaid.z", "%laneid", "%warpid", "%lanemask_lt", "%lanemask_le", "%lanemask_gt", "%lanemask_ge", "%lanemask_eq", "WARP_SZ"};

/// Read and write access to the lanes of one warp.
struct Registers {
  std::array<std::byte*, 3> banks{};
  Mask* predicates = nullptr;

  [[nodiscard]] const std::byte* read(Operand operand) const { return banks[static_cast<std::size_t>(operand.bank)] + operand.offset; }
  [[nodiscard]] std::byte* write(Operand operand) const { return banks[0] + operand.offset; }
  [[nodiscard]] Mask read(PredicateOperand operand) const { return operand.negated ? ~predicates[operand.index] : predicates[operand.index]; }
  void write(PredicateOperand operand, Mask active, Mask value) const { predicates[operand.index] = (predicates[operand.index] & ~active) | (value & active); }
};

struct Instruction;

/// Sets the results of the lanes in `active`.
using Operation = void (*)(const Registers& registers, const Instruction& instruction, Mask active);

/// What the machine does with an instruction.
enum class Action : std::uint8_t {
  compute,        ///< call `operation`
  nothing,        ///< fences, hints
  branch,         ///< to `target`
  branch_table,   ///< to targets[from[0]]
  leave,          ///< ret, exit
  trap,           //
  barrier,        ///< bar.sync 0
  barrier_count,  ///< bar.red: also counts a predicate
  barrier_and,    //
  barrier_or,     //
  warp_barrier,   ///< bar.warp.sync
  shuffle_up,     //
  shuffle_down,   //
  shuffle_butterfly,
  shuffle_index,
  vote_all,
  vote_any,
  vote_uniform,
  vote_ballot,
  match_any,
  match_all,
  reduce,  ///< redux.sync
  active_mask,
  load,
  store,
  atomic,
  unsupported,  ///< refused when it is executed; `text` says why
};

/// Operations of atom, red and redux.
enum class Combination : std::uint8_t { none, add, minimum, maximum, bit_and, bit_or, bit_xor, exchange, compare_and_swap, increment, decrement };

struct Instruction {
  Action action = Action::unsupported;
  Combination combination = Combination::none;
  Space space = Space::generic;
  bool constant_cache = false;  ///< ld.global.nc: the memory must not change during the launch
  std::uint8_t elements = 1;    ///< of a vector load or store
  std::uint8_t detail = 0;      ///< comparison's second operator, conversion's rounding: what `operation` needs beside its operands
  Type type;                    ///< of the result, or of the memory
  Type from_type;               ///< of a conversion's source
  Operation operation = nullptr;
  std::array<Operand, 4> to{};
  std::array<Operand, 5> from{};  ///< memory operations: from[0] is the address, then the values
  PredicateOperand guard;
  std::array<PredicateOperand, 2> to_predicate{PredicateOperand{predicate_sink}, PredicateOperand{predicate_sink}};
  std::array<PredicateOperand, 2> from_predicate{};
  std::int64_t offset = 0;   ///< added to the address
  std::uint32_t target = 0;  ///< index of an instruction, or of a table
  int line = 0;              ///< of the source, where nvcc was told -lineinfo
  std::string text;
};

struct Parameter {
  std::uint64_t offset = 0;
  std::uint64_t bytes = 0;
};

struct Kernel {
  std::string name;
  std::vector<Instruction> code;
  std::vector<std::vector<std::uint32_t>> tables;  ///< targets of brx.idx
  std::vector<Parameter> parameters;
  std::uint64_t parameter_bytes = 0;
  std::uint64_t local_bytes = 0;          ///< of each thread
  std::uint64_t static_shared_bytes = 0;  ///< dynamic shared memory begins here
  std::uint32_t register_bytes = 0;       ///< of each warp
  std::uint32_t predicates = 2;
  unsigned max_threads = 1024;  ///< .maxntid
  std::vector<std::byte> constants;
};

}  // namespace ptx
