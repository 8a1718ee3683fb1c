#pragma once
/// The names of one kernel: registers by scope, variables, parameters and labels.

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cuda/ptx/instruction.h"
#include "cuda/ptx/module_text.h"

namespace ptx {

/// An address in brackets: [name+12].
struct AddressOperand {
  Operand base;
  std::int64_t offset = 0;
};

/// Every function throws Fault{unsupported} for a name that it does not know, or of another width than asked for.
class Symbols {
 public:
  /// `kernel` gets parameters, shared and local memory, registers and constants as they are met.
  Symbols(const KernelText& text, const ModuleText& module, Kernel& kernel);

  void open_scope() { scopes_.emplace_back(); }
  void close_scope() { scopes_.pop_back(); }

  /// .reg, .local and .shared inside the kernel. False for another directive.
  bool declare(std::string_view statement);

  /// Labels, and tables of labels, are known before the instructions are decoded.
  void add_label(std::string_view name, std::uint32_t index);
  void add_table(std::string_view name, std::vector<std::string_view> labels);
  [[nodiscard]] std::uint32_t label(std::string_view name) const;
  /// The table's number in the kernel, made on its first use.
  std::uint32_t table(std::string_view name);

  /// A register, a number, a special register or the address of a variable. `bits` is the width wanted; 0: as the register has it, and no number.
  Operand value(std::string_view text, unsigned bits);
  /// A register, or "_" for a result that nobody wants.
  Operand destination(std::string_view text, unsigned bits);
  /// A predicate register with an optional '!', or 0, 1, -1.
  PredicateOperand predicate(std::string_view text);
  PredicateOperand predicate_destination(std::string_view text);
  AddressOperand address(std::string_view text);
  /// A number that is known when the text is decoded.
  [[nodiscard]] std::uint64_t number(std::string_view text) const;

  /// After the last instruction: dynamic shared memory begins after the static one.
  void finish();

 private:
  struct Register {
    Type type;
    std::uint32_t place = 0;  ///< offset in bytes, or number of the predicate
  };
  struct Scope {
    std::map<std::string, Register, std::less<>> registers;
    std::map<std::string, std::pair<Type, unsigned>, std::less<>> ranges;  ///< "%r" of ".reg .b32 %r<7>": type and count
  };

  const Register* find_register(std::string_view name);
  Register new_register(Type type);
  Operand constant(std::uint64_t value, unsigned bits);
  Operand slot(std::uint64_t value, unsigned bits);
  bool find_variable(std::string_view name);

  const ModuleText& module_;
  Kernel& kernel_;
  std::vector<Scope> scopes_;
  std::map<std::string, std::uint64_t, std::less<>> variables_;  ///< addresses within their spaces
  std::map<std::string, std::uint64_t, std::less<>> dynamic_;    ///< alignment of the dynamic shared arrays
  std::map<std::string, std::uint32_t, std::less<>> labels_;
  std::map<std::string, std::vector<std::string_view>, std::less<>> tables_;
  std::map<std::pair<unsigned, std::uint64_t>, Operand> constants_;
  std::vector<Operand> dynamic_slots_;  ///< constants that hold the start of dynamic shared memory
};

}  // namespace ptx
