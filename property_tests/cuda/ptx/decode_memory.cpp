// Loads, stores and atomic operations.
#include <array>
#include <utility>

#include "cuda/ptx/decoder.h"

namespace ptx {
namespace {

/// Ordering and cache hints that change nothing here: every access is checked as a plain one.
void drop_memory_hints(Words& words) {
  words.drop({"weak", "relaxed", "acquire", "release",        "acq_rel",         "volatile",        "cta",     "gpu",      "sys",     "ca", "cg", "cs", "cv",
              "lu",   "wb",      "wt",      "L1::evict_last", "L1::no_allocate", "L1::evict_first", "L2::64B", "L2::128B", "L2::256B"});
}

}  // namespace

void decode_memory(Decoder& d) {
  const bool is_load = d.words.name != "st";
  drop_memory_hints(d.words);
  d.out.action = is_load ? Action::load : Action::store;
  d.out.space = d.space();
  d.out.constant_cache = is_load && d.words.take("nc");
  d.out.elements = d.words.take("v2") ? 2 : d.words.take("v4") ? 4 : 1;
  d.out.type = d.type();
  d.expect_arguments(2);
  if (d.out.type.kind == 'p' || d.out.type.bits > 64) {
    refuse("memory of this type");
  }
  const AddressOperand address = d.symbols.address(d.argument(is_load ? 1 : 0));
  d.out.from[0] = address.base;
  d.out.offset = address.offset;
  std::string_view list = d.argument(is_load ? 0 : 1);
  if (list.starts_with('{')) {
    list = list.substr(1, list.size() - 2);
  }
  const std::vector<std::string_view> names = split(list, ',');
  if (names.size() != d.out.elements) {
    refuse("vector");
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    Operand& operand = is_load ? d.out.to[i] : d.out.from[i + 1];
    operand = is_load ? d.symbols.destination(names[i], 0) : d.symbols.value(names[i], 0);
    if (operand.bits < d.out.type.bits) {
      refuse("a register that is too narrow");
    }
  }
}

Combination take_combination(Words& words) {
  constexpr std::array<std::pair<std::string_view, Combination>, 10> names{{{"add", Combination::add},
                                                                            {"min", Combination::minimum},
                                                                            {"max", Combination::maximum},
                                                                            {"and", Combination::bit_and},
                                                                            {"or", Combination::bit_or},
                                                                            {"xor", Combination::bit_xor},
                                                                            {"exch", Combination::exchange},
                                                                            {"cas", Combination::compare_and_swap},
                                                                            {"inc", Combination::increment},
                                                                            {"dec", Combination::decrement}}};
  for (const auto& [name, value] : names) {
    if (words.take(name)) {
      return value;
    }
  }
  refuse("operation");
}

void decode_atomic(Decoder& d) {
  const std::size_t first = d.words.name == "atom" ? 1 : 0;
  drop_memory_hints(d.words);
  d.words.take("noftz");
  d.out.action = Action::atomic;
  d.out.space = d.space();
  d.out.combination = take_combination(d.words);
  d.out.type = d.type();
  const unsigned bits = d.out.type.bits;
  if ((bits != 32 && bits != 64) || (d.out.type.kind == 'f' && d.out.combination != Combination::add && d.out.combination != Combination::exchange)) {
    refuse("atomic operation of this type");
  }
  const bool swap = d.out.combination == Combination::compare_and_swap;
  d.expect_arguments(first + (swap ? 3 : 2));
  d.out.to[0] = d.symbols.destination(first == 1 ? d.argument(0) : "_", bits);
  const AddressOperand address = d.symbols.address(d.argument(first));
  d.out.from[0] = address.base;
  d.out.offset = address.offset;
  d.out.from[1] = d.symbols.value(d.argument(first + 1), bits);
  if (swap) {
    d.out.from[2] = d.symbols.value(d.argument(first + 2), bits);
  }
}

}  // namespace ptx
