// Compiled once for each of these instruction sets; the processor decides which one runs. Built for the plain instruction set of the platform: Highway 1.0.3
// does not compile with -march=native on some machines with AVX-512.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "slicecheck/loss/cpu/kernels.cpp"
#include "slicecheck/loss/cpu/kernels.h"

#include "hwy/foreach_target.h"  // first
#include "hwy/highway.h"
#include "slicecheck/loss/cpu/match-inl.h"
#include "slicecheck/loss/cpu/multiply-inl.h"
#include "slicecheck/loss/cpu/sort_columns-inl.h"

HWY_BEFORE_NAMESPACE();
namespace slicecheck::cpu::HWY_NAMESPACE {

template <class S>
void sort_values(const S* values, Index n, [[maybe_unused]] Index directions, std::uint32_t* keys, std::uint8_t* finite) {
  if constexpr (sizeof(S) == 4)
    sorted_floats(values, n, keys, finite);
  else
    sorted_keys(values, n, directions, keys, finite);
}

template <class S>
const Kernels<S>* table() {
  static constexpr Kernels<S> kTable{
      .lanes = kLanes,
      .columns = hn::MaxLanes(hn::ScalableTag<S>()),
      .multiply = multiply<S>,
      .match = match<S>,
      .values = values<S>,
      .weigh = weigh<S>,
      .add_narrow = add_narrow<S>,
      .is_narrow = is_narrow<S>,
      .sort_pairs = sorted_keys<S>,
      .sort_values = sort_values<S>,
      .sort_columns = sort_columns,
      .pack_row = pack_row<S>,
      .pack_row_wide = pack_row_wide<S>,
      .weigh_row = weigh_row<S>,
      .row_value = row_value<S>,
  };
  return &kTable;
}

const Kernels<float>* table_of_float() { return table<float>(); }
const Kernels<double>* table_of_double() { return table<double>(); }

}  // namespace slicecheck::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include <algorithm>

#include "slicecheck/core/error.h"

namespace slicecheck::cpu {

HWY_EXPORT(table_of_float);
HWY_EXPORT(table_of_double);

template <>
const Kernels<float>& kernels<float>() {
  return *HWY_DYNAMIC_DISPATCH(table_of_float)();
}

template <>
const Kernels<double>& kernels<double>() {
  return *HWY_DYNAMIC_DISPATCH(table_of_double)();
}

namespace {

std::int64_t best_target() { return hwy::SupportedAndGeneratedTargets().front(); }

std::int64_t chosen_target = 0;

}  // namespace

std::vector<std::string> targets() {
  hwy::SetSupportedTargetsForTest(0);
  std::vector<std::string> names;
  for (const std::int64_t each : hwy::SupportedAndGeneratedTargets()) names.emplace_back(hwy::TargetName(each));
  hwy::SetSupportedTargetsForTest(chosen_target);
  return names;
}

std::string target() { return hwy::TargetName(chosen_target == 0 ? best_target() : chosen_target); }

void use_target(const std::string& name) {
  std::int64_t wanted = 0;
  hwy::SetSupportedTargetsForTest(0);
  if (!name.empty()) {
    for (const std::int64_t each : hwy::SupportedAndGeneratedTargets())
      if (name == hwy::TargetName(each)) wanted = each;
    if (wanted == 0) reject("the instruction set {} is not one that this program has and this processor runs: {}", name, fmt::join(targets(), ", "));
  }
  chosen_target = wanted;
  hwy::SetSupportedTargetsForTest(wanted);
  hwy::GetChosenTarget().DeInit();
}

}  // namespace slicecheck::cpu

#endif  // HWY_ONCE
