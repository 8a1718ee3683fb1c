// Arithmetic, moves and conversions; and the table of all instructions.
#include "cuda/ptx/decode.h"

#include <algorithm>
#include <map>

#include "cuda/ptx/decoder.h"
#include "cuda/ptx/operations.h"

namespace ptx {
namespace {

/// add, mul, fma, min, shl, popc, … of any type.
void decode_arithmetic(Decoder& d) {
  const Type type = d.type();
  const std::string_view name = d.words.name;
  if (type.kind == 'p') {
    const bool unary = name == "not";
    d.expect_arguments(unary ? 2 : 3);
    d.compute(predicate_operation(name));
    d.out.to_predicate[0] = d.symbols.predicate_destination(d.argument(0));
    d.out.from_predicate[0] = d.symbols.predicate(d.argument(1));
    if (!unary) {
      d.out.from_predicate[1] = d.symbols.predicate(d.argument(2));
    }
    return;
  }
  if (type.kind == 'f') {
    const bool flush = d.words.take("ftz");
    const std::string_view approximate = d.words.take_one({"approx", "full"});
    const std::string_view rounding = d.words.take_one({"rn", "rz", "rm", "rp"});
    d.compute(float_operation(approximate.empty() ? std::string(name) : fmt::format("{}.{}", name, approximate), type, rounding, flush));
    return;
  }
  std::string whole(name);
  if (name == "mul" || name == "mad") {
    const std::string_view half = d.words.take_one({"lo", "hi", "wide"});
    whole += fmt::format(".{}", half);
  } else if (name == "bfind" && d.words.take("shiftamt")) {
    whole += ".shiftamt";
  } else if (name == "bmsk") {
    whole += fmt::format(".{}", d.words.take_one({"clamp", "wrap"}));
  } else if (name == "shf") {
    const std::string_view direction = d.words.take_one({"l", "r"});
    whole += fmt::format(".{}.{}", direction, d.words.take_one({"wrap", "clamp"}));
  }
  d.compute(integer_operation(whole, type));
}

void decode_move(Decoder& d) {
  const Type type = d.type();
  d.expect_arguments(2);
  d.out.type = type;
  if (type.kind == 'p') {
    d.compute(predicate_operation("mov"));
    d.out.to_predicate[0] = d.symbols.predicate_destination(d.argument(0));
    d.out.from_predicate[0] = d.symbols.predicate(d.argument(1));
    return;
  }
  const auto parts = [&](std::string_view vector) {
    std::vector<std::string_view> names = split(vector.substr(1, vector.size() - 2), ',');
    if (names.empty() || names.size() > d.out.to.size()) {
      refuse("vector");
    }
    d.out.elements = static_cast<std::uint8_t>(names.size());
    return names;
  };
  if (d.argument(0).starts_with('{')) {
    const std::vector<std::string_view> names = parts(d.argument(0));
    d.compute(&unpack);
    for (std::size_t i = 0; i < names.size(); ++i) {
      d.out.to[i] = d.symbols.destination(names[i], type.bits / static_cast<unsigned>(names.size()));
    }
    d.out.from[0] = d.symbols.value(d.argument(1), type.bits);
  } else if (d.argument(1).starts_with('{')) {
    const std::vector<std::string_view> names = parts(d.argument(1));
    d.compute(&pack);
    for (std::size_t i = 0; i < names.size(); ++i) {
      d.out.from[i] = d.symbols.value(names[i], type.bits / static_cast<unsigned>(names.size()));
    }
    d.out.to[0] = d.symbols.destination(d.argument(0), type.bits);
  } else {
    d.compute(Signature{copy_operation(type.bits), {type.bits, type.bits}});
  }
}

void decode_compare(Decoder& d) {
  const std::string_view comparison = d.words.take_front();
  const std::string_view join = d.words.take_one({"and", "or", "xor"});
  const Type type = d.type();
  d.expect_arguments(join.empty() ? 3 : 4);
  d.compute(comparison_operation(comparison, type));
  d.out.detail = static_cast<std::uint8_t>(join == "and"   ? Join::logical_and
                                           : join == "or"  ? Join::logical_or
                                           : join == "xor" ? Join::logical_xor
                                                           : Join::none);
  d.out.to_predicate[0] = d.symbols.predicate_destination(d.result(0));
  d.out.to_predicate[1] = d.symbols.predicate_destination(d.result(1));
  d.out.from[0] = d.symbols.value(d.argument(1), type.bits);
  d.out.from[1] = d.symbols.value(d.argument(2), type.bits);
  if (!join.empty()) {
    d.out.from_predicate[0] = d.symbols.predicate(d.argument(3));
  }
}

void decode_select(Decoder& d) {
  const Type type = d.type();
  d.expect_arguments(4);
  d.compute(select_operation(type.bits));
  d.out.to[0] = d.symbols.destination(d.argument(0), type.bits);
  d.out.from[0] = d.symbols.value(d.argument(1), type.bits);
  d.out.from[1] = d.symbols.value(d.argument(2), type.bits);
  d.out.from_predicate[0] = d.symbols.predicate(d.argument(3));
}

void decode_convert(Decoder& d) {
  const Type to = d.type();
  const Type from = d.type();
  d.expect_arguments(2);
  const auto known = [](Type type) {
    return type.kind == 'f' ? type.bits == 32 || type.bits == 64 : type.bits == 8 || type.bits == 16 || type.bits == 32 || type.bits == 64;
  };
  if (!known(to) || !known(from)) {
    refuse("conversion of half precision");
  }
  const std::string_view rounding = d.words.take_one({"rn", "rz", "rm", "rp", "rni", "rzi", "rmi", "rpi"});
  if (!rounding.empty()) {
    d.out.detail = rounding[1] == 'z' ? round_zero : rounding[1] == 'm' ? round_down : rounding[1] == 'p' ? round_up : round_nearest;
    if (rounding.size() == 3) {
      d.out.detail |= round_to_integer;
    }
  }
  if (to.kind == 'f' && d.words.take("sat")) {
    d.out.detail |= saturate_to_one;
  }
  d.compute(&convert);
  d.out.type = to;
  d.out.from_type = from;
  d.out.to[0] = d.symbols.destination(d.argument(0), 0);
  d.out.from[0] = d.symbols.value(d.argument(1), 0);
  if (d.out.to[0].bits < to.bits || d.out.from[0].bits < from.bits) {
    refuse("a register that is too narrow");
  }
}

void decode_address(Decoder& d) {
  const bool to_space = d.words.take("to");
  const Space space = d.space();
  if (d.type().bits != 64) {
    refuse("32-bit addresses");
  }
  d.compute(address_operation(space, to_space));
}

void decode_space_test(Decoder& d) {
  d.expect_arguments(2);
  d.compute(space_test(d.space()));
  d.out.to_predicate[0] = d.symbols.predicate_destination(d.argument(0));
  d.out.from[0] = d.symbols.value(d.argument(1), 64);
}

using DecodeFunction = void (*)(Decoder&);

const std::map<std::string_view, DecodeFunction>& decoders() {
  static const std::map<std::string_view, DecodeFunction> table = [] {
    std::map<std::string_view, DecodeFunction> out = {
        {"mov", &decode_move},         {"setp", &decode_compare},        {"selp", &decode_select},       {"cvt", &decode_convert},
        {"cvta", &decode_address},     {"isspacep", &decode_space_test}, {"ld", &decode_memory},         {"ldu", &decode_memory},
        {"st", &decode_memory},        {"atom", &decode_atomic},         {"red", &decode_atomic},        {"bra", &decode_branch},
        {"brx", &decode_branch_table}, {"bar", &decode_barrier},         {"barrier", &decode_barrier},   {"shfl", &decode_shuffle},
        {"vote", &decode_vote},        {"match", &decode_match},         {"redux", &decode_reduce},      {"activemask", &decode_active_mask},
        {"membar", &decode_nothing},   {"fence", &decode_nothing},       {"nanosleep", &decode_nothing}, {"griddepcontrol", &decode_nothing},
        {"ret", &decode_leave},        {"exit", &decode_leave},          {"trap", &decode_trap}};
    for (const std::string_view name :
         {"abs", "add", "and", "bfe", "bfi", "bfind", "bmsk", "brev", "clz", "copysign", "cos", "div", "ex2", "fma", "lg2",  "lop3", "mad",  "max",
          "min", "mul", "neg", "not", "or",  "popc",  "prmt", "rcp",  "rem", "rsqrt",    "shf", "shl", "shr", "sin", "sqrt", "sub",  "tanh", "xor"}) {
      out[name] = &decode_arithmetic;
    }
    return out;
  }();
  return table;
}

}  // namespace

Instruction decode(std::string_view statement, Symbols& symbols) {
  Instruction out;
  out.text = std::string(statement);
  std::replace(out.text.begin(), out.text.end(), '\t', ' ');
  try {
    std::string_view rest = statement;
    if (rest.starts_with('@')) {
      const std::size_t end = std::min(rest.find_first_of(" \t\n"), rest.size());
      out.guard = symbols.predicate(rest.substr(1, end - 1));
      rest = trimmed(rest.substr(end));
    }
    const std::size_t end = std::min(rest.find_first_of(" \t\n"), rest.size());
    Decoder decoder{Words(rest.substr(0, end)), split(rest.substr(end), ','), symbols, out};
    const auto found = decoders().find(decoder.words.name);
    if (found == decoders().end()) {
      refuse("instruction");
    }
    found->second(decoder);
    if (!decoder.words.left().empty()) {
      refuse(fmt::format("modifier .{}", decoder.words.left().front()));
    }
  } catch (const Fault& fault) {
    Instruction refused;
    refused.guard = out.guard;
    refused.text = fmt::format("{} in '{}'", fault.what(), out.text);
    return refused;
  }
  return out;
}

}  // namespace ptx
