#pragma once
/// What the decoders of single instructions share.

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "cuda/ptx/instruction.h"
#include "cuda/ptx/lanes.h"
#include "cuda/ptx/symbols.h"
#include "cuda/ptx/words.h"

namespace ptx {

/// The instruction is not known.
[[noreturn]] inline void refuse(std::string_view what) { throw Fault(Check::unsupported, std::string(what)); }

/// One instruction while it is decoded.
struct Decoder {
  Words words;
  std::vector<std::string_view> arguments;
  Symbols& symbols;
  Instruction& out;

  std::string_view argument(std::size_t index) const {
    if (index >= arguments.size()) {
      refuse("too few operands");
    }
    return arguments[index];
  }
  void expect_arguments(std::size_t count) const {
    if (arguments.size() != count) {
      refuse(fmt::format("{} operands instead of {}", arguments.size(), count));
    }
  }
  /// "%p1|%p2": the first or the second result, "_" where it is missing.
  std::string_view result(std::size_t which) const {
    const std::vector<std::string_view> results = split(argument(0), '|');
    return which < results.size() ? results[which] : "_";
  }
  Type type() {
    const Type found = words.take_type();
    if (found.bits == 0) {
      refuse("no type");
    }
    return found;
  }
  Space space() {
    if (words.take("global")) return Space::global;
    if (words.take("shared") || words.take("shared::cta")) return Space::shared;
    if (words.take("local")) return Space::local;
    if (words.take("param") || words.take("param::entry")) return Space::parameter;
    if (words.take("const")) return Space::constant;
    return Space::generic;
  }
  void compute(const Signature& signature) {
    if (signature.operation == nullptr) {
      refuse("operation");
    }
    expect_arguments(signature.bits.size());
    out.action = Action::compute;
    out.operation = signature.operation;
    out.to[0] = symbols.destination(arguments[0], signature.bits[0]);
    for (std::size_t i = 1; i < signature.bits.size(); ++i) {
      out.from[i - 1] = symbols.value(arguments[i], signature.bits[i]);
    }
  }
  void compute(Operation operation) {
    if (operation == nullptr) {
      refuse("operation");
    }
    out.action = Action::compute;
    out.operation = operation;
  }
};

/// The operation of atom, red and redux among the modifiers.
Combination take_combination(Words& words);

// decode_memory.cpp
void decode_memory(Decoder& d);
void decode_atomic(Decoder& d);

// decode_control.cpp
void decode_branch(Decoder& d);
void decode_branch_table(Decoder& d);
void decode_barrier(Decoder& d);
void decode_nothing(Decoder& d);
void decode_leave(Decoder& d);
void decode_trap(Decoder& d);

// decode_warp.cpp
void decode_shuffle(Decoder& d);
void decode_vote(Decoder& d);
void decode_match(Decoder& d);
void decode_reduce(Decoder& d);
void decode_active_mask(Decoder& d);

}  // namespace ptx
