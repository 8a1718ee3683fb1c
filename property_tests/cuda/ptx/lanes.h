#pragma once
/// Element-wise operations over the lanes of a warp, made from functions of one lane.

#include <bit>
#include <cfenv>
#include <cstring>
#include <utility>
#include <vector>

#include "cuda/ptx/instruction.h"

namespace ptx {

template <class T>
T load_lane(const std::byte* values, unsigned lane) {
  T value;
  std::memcpy(&value, values + lane * sizeof(T), sizeof(T));
  return value;
}

template <class T>
void store_lane(std::byte* values, unsigned lane, T value) {
  std::memcpy(values + lane * sizeof(T), &value, sizeof(T));
}

/// f(lane) for each lane of `active`, the lowest first.
template <class F>
void for_each_lane(Mask active, F f) {
  for (; active != 0; active &= active - 1) {
    f(static_cast<unsigned>(std::countr_zero(active)));
  }
}

/// The same in any order, several at once: f(lane) must read and write the values of its lane only.
template <class F>
void for_independent_lanes(Mask active, F f) {
  if (active == all_lanes) {
#ifdef __clang__
#pragma clang loop vectorize(assume_safety)
#else
#pragma GCC ivdep
#endif
    for (unsigned lane = 0; lane < warp_size; ++lane) {
      f(lane);
    }
  } else {
    for_each_lane(active, f);
  }
}

/// An operation and the widths of its operands; the result is the first.
struct Signature {
  Operation operation = nullptr;
  std::vector<unsigned> bits;
};

namespace detail {

template <int rounding, class F, class To, class... From, std::size_t... index>
void run_lanes(const Registers& registers, const Instruction& instruction, Mask active, std::index_sequence<index...>) {
  std::byte* to = registers.write(instruction.to[0]);
  const std::array<const std::byte*, sizeof...(From)> from{registers.read(instruction.from[index])...};
  if constexpr (rounding != FE_TONEAREST) {
    std::fesetround(rounding);
  }
  for_independent_lanes(active, [&](unsigned lane) { store_lane<To>(to, lane, F{}(load_lane<From>(from[index], lane)...)); });
  if constexpr (rounding != FE_TONEAREST) {
    std::fesetround(FE_TONEAREST);
  }
}

template <int rounding, class F, class To, class... From>
void run(const Registers& registers, const Instruction& instruction, Mask active) {
  run_lanes<rounding, F, To, From...>(registers, instruction, active, std::index_sequence_for<From...>{});
}

}  // namespace detail

/// The operation that gives each active lane f(values of the lane). `rounding` is a mode of <cfenv>.
template <class To, class... From, int rounding = FE_TONEAREST, class F>
Signature elementwise(F, std::integral_constant<int, rounding> = {}) {
  return {&detail::run<rounding, F, To, From...>, {sizeof(To) * 8, (sizeof(From) * 8)...}};
}

}  // namespace ptx
